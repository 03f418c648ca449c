/** The cameras as the page shows them to who may see them at all, and the routes about them. */
import { SallyportError } from '../base/errors.ts';
import type { CameraFacts } from '../duties/adopt.ts';
import type { Principal } from '../duties/sessions.ts';
import type { Site } from '../duties/site.ts';
import { byOf, spaceOf } from './pageaccess.ts';
import type { PageCamera } from './pagecontract.ts';
import type { Operate } from './pageoperate.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';

/** With the right `live` a camera may be turned; all else of it is `configure`. */
const turningActs: ReadonlySet<string> = new Set(['move', 'goto', 'stop', 'home']);

export function cameraHandlers({ site, operations, vault, watchLog, privacy, still }: PageRooms, operate: Operate) {
  const isPrivate = (space: string): boolean => privacy.of(space) !== undefined;
  return {
    cameras: async ({ principal }) => ({ cameras: await camerasOf({ site, isPrivate }, principal) }),
    still: async ({ params, principal, reply }) => {
      const camera = params['camera'] ?? '';
      const checkPrivacy = (): void => {
        if (isPrivate(spaceOf(site, camera) ?? '')) throw new SallyportError('SP_PRIVATE', { camera });
      };
      checkPrivacy();
      await watchLog.live(principal.account.id, camera, 'still');
      const picture = await still(camera);
      // It may have been asked for before.
      checkPrivacy();
      // It is the camera's word that this is a picture: nothing but one is made of it.
      return reply.type('image/jpeg').header('cache-control', 'no-store').header('content-disposition', 'inline').send(Buffer.from(picture));
    },
    discover: async (ask) => operate('discover', ask),
    adopt: async (ask) => operate('adopt', ask),
    cameraChange: async ({ principal, body: { camera, name, space } }) => {
      // Who looks after a site does not say who sees a camera.
      if (space !== undefined && !principal.may('people')) throw new SallyportError('SP_PAGE_RIGHT');
      await vault.audit({ what: 'page.asked', who: 'page', account: principal.account.id, camera, detail: { route: 'cameras', ...(name === undefined ? {} : { name }), ...(space === undefined ? {} : { space }) } });
      const changes = await site.changeCamera(camera, { name, space }, byOf(principal));
      return { changes, pending: operations.pending() };
    },
    moved: async (ask) => operate('moved', ask),
    secret: async (ask) => operate('secret', ask),
    camera: async (ask) => operate('camera', ask),
    ptz: async (ask) => {
      if (!turningActs.has(ask.body.order.act) && !ask.principal.may('configure')) throw new SallyportError('SP_PAGE_RIGHT');
      return operate('camera', ask);
    },
  } satisfies Partial<Handlers>;
}

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
