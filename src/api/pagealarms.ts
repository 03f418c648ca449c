/** The page's routes about alarms. */
import type { AlarmRow, PictureName } from '../vault/vault.ts';
import { withoutUndefined } from './defined.ts';
import { byOf, checkSettings, spaceOf } from './pageaccess.ts';
import type { PageAlarm } from './pagecontract.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';

/** The limits of integers that times are compared with. */
const timeMsMax = 8.64e15;
/** Of a rule that rings all day the last ones say enough. */
const visitsTold = 100;

export function alarmHandlers({ site, watchLog, alarms }: PageRooms) {
  return {
    alarms: async ({ principal, query: { camera, kind, fromMs = -timeMsMax, toMs = timeMsMax, beforeMs, beforeId, limit = 50 } }) => {
      const cameras = camera === undefined ? site.config.cameras.filter(({ space }) => principal.may('replay', space)).map(({ id }) => id) : [camera];
      const found = await alarms.list({
        cameras, fromMs, toMs, limit: limit + 1, ...(kind === undefined ? {} : { kinds: [kind] }), ...(beforeMs === undefined || beforeId === undefined ? {} : { before: { fromMs: beforeMs, id: beforeId } }),
      });
      return { alarms: found.slice(0, limit).map(alarmOf), more: found.length > limit };
    },
    notice: async ({ principal, query: { number } }) => {
      // What the hub itself had to say is for whoever owns it.
      const found = (await alarms.ofNotice(number)).filter(({ alarm }) => (alarm === undefined ? principal.isWholeOwner : principal.may('replay', spaceOf(site, alarm.camera) ?? '')));
      return withoutUndefined({ notices: found.map(({ alias: camera, alarm, ...one }) => ({ ...one, camera, alarm: alarm === undefined ? undefined : alarmOf(alarm) })) });
    },
    alarmPicture: async ({ params, principal, reply }) => {
      const camera = params['camera'] ?? '';
      const { alarm, sealed } = await alarms.picture(camera, params['alarm'] ?? '', (params['picture'] ?? 'thumb') as PictureName);
      const { slot, generation, fromMs, toMs } = alarm;
      await watchLog.alarms(principal.account.id, camera, { slot, generation, fromMs, toMs });
      return reply.type('application/octet-stream').header('content-length', String(sealed.length)).send(sealed);
    },
    alarmMark: async ({ principal, body: { camera, alarm, ...marks } }) => alarmOf(await alarms.mark(alarm, marks, byOf(principal), camera)),
    alarmTest: async ({ principal, body: { rule, change } }) => {
      if (change !== undefined) checkSettings(principal, change);
      const { observations, verdicts, visits, unplaced } = await alarms.test(rule, change === undefined ? undefined : await site.rulesAfter(change));
      return { observations, unplaced, verdicts: { ...verdicts } as Record<string, number>, alarms: visits.length, visits: visits.filter(({ camera }) => principal.may('replay', spaceOf(site, camera) ?? '')).slice(-visitsTold) };
    },
  } satisfies Partial<Handlers>;
}

/** The hub's row, as the contract has it: nothing that is undefined. */
function alarmOf({ toMs, pictures, ...row }: AlarmRow): PageAlarm {
  return { ...row, ...(toMs === undefined ? {} : { toMs }), pictures: [...pictures] };
}
