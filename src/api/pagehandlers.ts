/** What each route of the page does, in its subject's file; here is what is small. */
import { SallyportError } from '../base/errors.ts';
import { auditTrail } from '../duties/audittrail.ts';
import { egressFor } from '../duties/egress.ts';
import { timesInWords } from '../policy/schedule.ts';
import { toPlain } from './defined.ts';
import { spaceOf } from './pageaccess.ts';
import { accountHandlers, done } from './pageaccounts.ts';
import { alarmHandlers } from './pagealarms.ts';
import { cameraHandlers } from './pagecameras.ts';
import { footageHandlers } from './pagefootage.ts';
import { holdHandlers } from './pageholds.ts';
import { operateIn } from './pageoperate.ts';
import { peopleHandlers } from './pagepeople.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';
import { settingsHandlers } from './pagesettings.ts';

export function handlersOf(rooms: PageRooms): Handlers {
  const { accounts, site, operations, vault, watchLog, privacy, logs } = rooms;
  const operate = operateIn(rooms);
  const socketOnly = async (): Promise<never> => {
    throw new SallyportError('SP_PAGE_REQUEST', { reason: 'this is asked for by a WebSocket' });
  };
  return {
    ...accountHandlers(rooms),
    ...cameraHandlers(rooms, operate),
    ...footageHandlers(rooms),
    ...alarmHandlers(rooms),
    ...holdHandlers(rooms, operate),
    ...peopleHandlers(rooms),
    ...settingsHandlers(rooms, operate),
    live: socketOnly,
    panel: socketOnly,
    talk: socketOnly,
    status: async () => operations.status({}),
    logs: async ({ query }) => toPlain(await logs(query)),
    spaces: async ({ principal }) => ({
      spaces: site.spaces.filter((space) => principal.may('privacy', space)).map((space) => {
        const now = privacy.of(space);
        return { space, private: now !== undefined, ...(now === undefined ? {} : { by: now.by, ...(now.untilMs === undefined ? {} : { untilMs: now.untilMs }) }), schedule: site.config.privacy.filter((rule) => rule.space === space).map(timesInWords) };
      }),
    }),
    privacy: async ({ principal, body }) => {
      await privacy.switch(body.space, body.on, principal.account.id);
      return done;
    },
    metrics: async ({ reply }) => reply.type('text/plain; version=0.0.4; charset=utf-8').send((await operations.metrics({})).text),
    // oxlint-disable-next-line typescript/no-explicit-any -- what @fastify/swagger adds to the server
    openapi: async ({ request, reply }) => reply.type('application/json').send(JSON.stringify((request.server as any).swagger())),
    egress: async ({ principal, query }) => egressFor(await operations.egress({ ...query, limit: query.limit ?? 100 }), principal, (camera) => spaceOf(site, camera)),
    audit: async ({ principal, query }) => {
      await watchLog.tell().catch(() => {}); // the disk; what is there is read
      return auditTrail({ vault, nameOf: (id) => accounts.nameOf(id), spaceOf: (camera) => spaceOf(site, camera) }, principal, query);
    },
  };
}
