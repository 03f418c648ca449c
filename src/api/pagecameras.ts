/** The cameras as the page shows them to who may see them at all. */
import type { CameraFacts } from '../duties/adopt.ts';
import type { Principal } from '../duties/sessions.ts';
import type { Site } from '../duties/site.ts';
import type { PageCamera } from './pagecontract.ts';

export interface CameraRooms {
  readonly site: Pick<Site, 'config' | 'cameras' | 'facts'>;
  readonly isPrivate: (space: string) => boolean;
}

/** Those of one's spaces; of who looks after the site all, without a right to a picture. */
export async function camerasOf({ site, isPrivate }: CameraRooms, principal: Principal): Promise<PageCamera[]> {
  const watches = new Map(site.cameras.map((watch) => [watch.status.camera, watch.status]));
  const cameras: PageCamera[] = [];
  for (const { id, name, space, audio, keepMs, byPage } of site.config.cameras) {
    const rights = principal.rightsIn(space).filter((right) => right !== 'people' && right !== 'names' && right !== 'status');
    if (!rights.some((right) => right !== 'audit')) continue;
    const status = watches.get(id);
    const facts = await site.facts(id).catch(() => undefined);
    cameras.push({
      camera: id, name, space, online: status?.online ?? false, sinceMs: Math.round(status?.sinceMs ?? 0), state: principal.may('status') ? status?.state ?? 'off' : withoutOthers(status?.state ?? 'off'), recording: status?.recording ?? false,
      maker: facts?.device.manufacturer ?? '', model: facts?.device.model ?? '', privacy: isPrivate(space), panel: site.config.page.panels, streams: streamsOf(facts), audio, keepMs, fixed: byPage !== true, rights,
      // What is not known of a camera is offered until it refuses.
      talk: rights.includes('talk') && facts?.abilities?.talk !== false, ptz: rights.includes('live') && facts?.abilities?.ptz !== false,
    });
  }
  return cameras;
}

/** What is wrong with a camera may be another one, which is perhaps in a space of others. */
function withoutOthers(state: string): string {
  return state.includes('(SP_CAMERA_OTHER)') ? 'another camera answers where this one was' : state;
}

function streamsOf(facts: CameraFacts | undefined): PageCamera['streams'] {
  if (facts === undefined) return [];
  const of = (stream: 'main' | 'sub', { videoCodec, width, height }: CameraFacts['main']): PageCamera['streams'][number] => ({ stream, codec: videoCodec, width, height });
  return [of('main', facts.main), ...(facts.sub === undefined ? [] : [of('sub', facts.sub)])];
}
