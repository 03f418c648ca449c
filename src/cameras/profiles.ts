import type { Target } from './addresses.ts';
import { readProfiles, type Profile } from './answers.ts';
import { isOfThisCall, type CameraLink } from './link.ts';
import { requests, type MediaService } from './onvif.ts';

export interface ListedProfile {
  /** Which service is to be asked about it. */
  readonly media: MediaService;
  readonly profile: Profile;
}

/**
 * Media 1 lists profiles, Media 2 knows their codecs: a Media 1 list leaves H.265 out or calls it something else. Cameras with a broken
 * Media 2 (D-Link DCS-8635LH) still have Media 1, newer ones (profile T) only Media 2.
 */
export async function listProfiles(link: CameraLink): Promise<ListedProfile[]> {
  const lists = new Map<MediaService, Profile[]>();
  let problem: unknown;
  for (const [media, target] of await mediaServices(link)) {
    try {
      lists.set(media, readProfiles(await link.session.call(requests.getProfiles(media), target)));
    } catch (error) {
      if (!isOfThisCall(error)) throw error;
      problem ??= error;
      link.log.debug({ service: media, reason: error.message }, 'a media service lists no profiles');
    }
  }
  if (lists.size === 0) throw problem;
  return mergeProfiles(lists.get('media') ?? [], lists.get('media2') ?? []);
}

export async function mediaServices(link: CameraLink): Promise<ReadonlyMap<MediaService, Target>> {
  const services = await link.services();
  return new Map((['media', 'media2'] as const).flatMap((media) => (services.has(media) ? [[media, services.get(media) as Target] as const] : [])));
}

function mergeProfiles(first: readonly Profile[], second: readonly Profile[]): ListedProfile[] {
  const merged = first.map((profile) => {
    const twin = second.find((other) => other.token === profile.token);
    const media: MediaService = profile.video === undefined && twin?.video !== undefined ? 'media2' : 'media';
    return { media, profile: { ...profile, video: twin?.video ?? profile.video, audioCodec: twin?.audioCodec ?? profile.audioCodec } };
  });
  const known = new Set(first.map(({ token }) => token));
  return [...merged, ...second.filter(({ token }) => !known.has(token)).map((profile) => ({ media: 'media2' as const, profile }))];
}
