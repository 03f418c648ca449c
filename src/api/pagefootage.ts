/** Sealed footage as it lies, for a browser that opens it: the routes of the timeline, the slots, the segments and their second headers. */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import { checkReseal } from '../duties/wishes.ts';
import { spaceOf } from './pageaccess.ts';
import { done } from './pageaccounts.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';
import { segmentTag, sendSegment } from './pagesegments.ts';

export function footageHandlers({ site, vault, watchLog, playback, clock }: PageRooms) {
  return {
    timeline: async ({ query }) => playback.timeline(query),
    slot: async ({ params, principal, reply }) => {
      const [camera, slot, generation] = [params['camera'] ?? '', Number(params['slot']), Number(params['generation'])];
      const text = await playback.slot(camera, slot, generation);
      const period = await vault.periodOfSlot({ camera, slot, generation }).catch(() => undefined);
      // Of a day's alarms it opens the pictures, and of footage what they keep.
      const span = { slot, generation, fromMs: period?.startMs, toMs: period?.endMs };
      await (period?.class === 'alarm' ? watchLog.alarms(principal.account.id, camera, span) : watchLog.playback(principal.account.id, camera, span));
      return reply.type('application/octet-stream').header('content-length', String(text.length)).send(Buffer.from(text));
    },
    slotCameras: async () => ({ cameras: await vault.periodCameras() }),
    slotReplace: async ({ principal, body }) => {
      const { camera, slot, generation, from, signature } = body;
      const text = Buffer.from(body.text, 'base64url');
      // A session alone must not: another text in its place destroys a key as shredding does.
      checkReseal(site.owner.list, { camera, slot, generation, from, to: createHash('sha256').update(text).digest('hex') }, signature);
      await vault.periodOfSlot({ camera, slot, generation });
      await vault.replaceSlot({ slot, generation, from, text });
      await vault.audit({ what: 'page.asked', who: 'page', account: principal.account.id, camera, detail: { route: 'slots', slot, generation } });
      return done;
    },
    segment: async ({ params, request, reply }) => sendSegment(await playback.segment(params['camera'] ?? '', params['stream'] === 'sub' ? 'sub' : 'main', Number(params['seq'])), segmentTag(params), request, reply, clock),
    holdHeader: async ({ params, reply }) => {
      const header = await playback.secondHeader(params['camera'] ?? '', params['stream'] === 'sub' ? 'sub' : 'main', Number(params['seq']), Number(params['slot']));
      return reply.type('application/octet-stream').header('content-length', String(header.length)).send(Buffer.from(header));
    },
    noteExport: async ({ principal, body: { camera, fromMs, toMs } }) => {
      if (spaceOf(site, camera) === undefined) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera });
      if (toMs <= fromMs) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'the clip ends before it begins' });
      await vault.audit({ what: 'footage.export', who: 'page', account: principal.account.id, camera, detail: { from_ms: fromMs, to_ms: toMs } });
      return done;
    },
  } satisfies Partial<Handlers>;
}
