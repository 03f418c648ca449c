/**
 * The table of pagecontract.ts, mounted: what each route does, and what every route goes through. Nothing is read of a request before it is
 * known to come from the hub's own page, from somebody who may ask it; then its shape, then the space of the camera that it names.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { version } from '../base/version.ts';
import { readWish } from '../policy/wishes.ts';
import { timesInWords } from '../policy/schedule.ts';
import { ConfigErrors } from '../config.ts';
import { formSchema } from '../configpage.ts';
import type { AccountsDuty, Visitor } from '../duties/accounts.ts';
import type { AlarmList } from '../duties/alarmlist.ts';
import { auditTrail } from '../duties/audittrail.ts';
import { egressFor } from '../duties/egress.ts';
import type { LogPage } from '../duties/logbook.ts';
import type { ConsentWish, EnrolWish } from '../duties/enrol.ts';
import type { By } from '../policy/access.ts';
import { personIdPattern } from '../policy/people.ts';
import { sessionMsMax, type Principal } from '../duties/sessions.ts';
import type { SpacePrivacy } from '../duties/privacy.ts';
import type { Site } from '../duties/site.ts';
import type { WatchLog } from '../duties/watchlog.ts';
import { checkReseal } from '../duties/wishes.ts';
import type { AlarmRow, PictureName, Vault } from '../vault/vault.ts';
import type { Operations, PageOperations, RequestOf, RouteName } from './contract.ts';
import { withoutUndefined } from './defined.ts';
import { accountHandlers, done, prove } from './pageaccounts.ts';
import { checkContentType, checkHost, checkOrigin, setCookie, visitorOf, whoIs, type Who } from './pageauth.ts';
import { camerasOf } from './pagecameras.ts';
import { Doors } from './pagedoors.ts';
import { PageOrders } from './pageorders.ts';
import { pageRoutes, type Enrolled, type PageAlarm, type PageQueryOf, type PageReplyOf, type PageRequestOf, type PageRoute, type PageRouteName, type Timeline } from './pagecontract.ts';
import { pageHeaders, type PageFiles } from './pagefiles.ts';
import { segmentTag, sendSegment, type SealedFile } from './pagesegments.ts';
import type { Reach } from './reach.ts';
import type { Shown } from './tls.ts';

export const apiRoot = '/api/v1';

/** Sealed footage, for a browser that opens it. */
export interface PlaybackPart {
  timeline(query: PageQueryOf<'timeline'>): Promise<Timeline>;
  slot(camera: string, slot: number, generation: number): Promise<Uint8Array>;
  segment(camera: string, stream: 'main' | 'sub', seq: number): Promise<SealedFile>;
  secondHeader(camera: string, stream: 'main' | 'sub', seq: number, slot: number): Promise<Uint8Array>;
}

/** Alarms, for a browser that opens their pictures. */
export type AlarmsPart = Pick<AlarmList, 'list' | 'picture' | 'mark' | 'test' | 'ofNotice'>;

export interface PrivacyPart {
  of(space: string): SpacePrivacy | undefined;
  switch(space: string, on: boolean, account: string): Promise<void>;
}

/** What the page needs of the site; all else of it goes through the operations. */
export type PageSite = Pick<Site, 'config' | 'cameras' | 'facts' | 'owner' | 'ownerLists' | 'changeCamera' | 'settings' | 'planSettings' | 'changeSettings' | 'rulesAfter' | 'spaces'>;

/** Persons who are recognised; `by` is an account's id. */
export interface PeoplePart {
  list(by: string): Promise<PageReplyOf<'people'>>;
  picture(person: string, by: string): Promise<Uint8Array>;
  /** The JPEG is wiped. */
  check(picture: Buffer): Promise<PageReplyOf<'peopleCheck'>>;
  /** The JPEGs are wiped. */
  enrol(wish: EnrolWish, by: string): Promise<Enrolled>;
  renew(person: string, consent: ConsentWish, by: string): Promise<Enrolled>;
  forget(person: string, by: By): Promise<PageReplyOf<'personForget'>>;
}

/** All that the routes reach. */
export interface PageRooms {
  readonly accounts: AccountsDuty;
  readonly site: PageSite;
  readonly vault: Pick<Vault, 'auditBefore' | 'periodCameras' | 'periodOfSlot' | 'replaceSlot' | 'audit' | 'publicKey'>;
  readonly operations: PageOperations;
  readonly watchLog: WatchLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly reach: () => Reach;
  readonly shown: () => Shown | undefined;
  readonly files: PageFiles;
  /** Whose connection it is. */
  readonly isIn: (request: IncomingMessage, account: string) => void;
  readonly playback: PlaybackPart;
  readonly alarms: AlarmsPart;
  readonly privacy: PrivacyPart;
  readonly people: PeoplePart;
  readonly still: (camera: string) => Promise<Uint8Array>;
  readonly logs: (query: PageQueryOf<'logs'>) => Promise<LogPage>;
}

/** What a handler gets. */
export interface Ask<R extends PageRouteName> {
  readonly who: Who;
  readonly visitor: Visitor;
  readonly body: PageRequestOf<R>;
  readonly query: PageQueryOf<R>;
  readonly params: Readonly<Record<string, string>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** SP_PAGE_SESSION where nobody is. */
  readonly principal: Principal;
}

export type Handlers = { readonly [R in PageRouteName]: (ask: Ask<R>) => Promise<PageReplyOf<R> | FastifyReply> };

const bodyBytesMax = 16 * 1024;
/** Of those whose text or picture is long; JSON may double it. */
const bodyBytesMaxOf: Partial<Record<PageRouteName, number>> = {
  firstOwner: 2.5 * 2 ** 20, ownerListTake: 4.5 * 2 ** 20, join: 160 * 1024, meChange: 160 * 1024, recover: 64 * 1024, accept: 64 * 1024, hold: 64 * 1024, release: 64 * 1024, erase: 64 * 1024, holdHeaders: 128 * 1024, eraseHeaders: 128 * 1024,
  peopleCheck: 768 * 1024, enrol: 6 * 2 ** 20,
};
/** The limits of integers that times are compared with. */
const timeMsMax = 8.64e15;
/** Of a rule that rings all day the last ones say enough. */
const visitsTold = 100;
/** With the right `live` a camera may be turned; all else of it is `configure`. */
const turningActs: ReadonlySet<string> = new Set(['move', 'goto', 'stop', 'home']);

const statuses: Partial<Record<ErrorCode, number>> = {
  SP_PAGE_LOGIN: 401, SP_PAGE_PROOF: 403, SP_PAGE_SESSION: 401, SP_PAGE_TRIES: 429, SP_PAGE_RIGHT: 403, SP_PAGE_ORIGIN: 403, SP_PAGE_REQUEST: 400, SP_PAGE_CODE: 403, SP_PAGE_NAME: 409,
  SP_PAGE_LAST_OWNER: 409, SP_PAGE_UNKNOWN: 404, SP_PAGE_FULL: 409, SP_PAGE_BUSY: 503, SP_PAGE_OFF: 501, SP_PANELS_OFF: 404, SP_PAGE_RANGE: 416, SP_CAMERA_UNKNOWN: 404,
  SP_OWNER_NEEDED: 403, SP_SLOT_MISSING: 410, SP_SLOT_CHANGED: 409, SP_SEGMENT_MISSING: 410, SP_ALARM: 410, SP_DISK: 503, SP_PICTURES: 503,
  SP_DETECTOR_BUSY: 503, SP_DETECTOR_GONE: 503, SP_FACES_OFF: 409, SP_FACES_LOCKED: 409, SP_CONSENT: 409, SP_ENROL: 409, SP_PERSON_UNKNOWN: 404,
};

const pageParams: Readonly<Record<string, TSchema>> = {
  id: textOf('^[A-Za-z0-9_-]{22}$'), camera: textOf('^[a-z0-9][a-z0-9-]{0,39}$'), stream: textOf('^(main|sub)$'),
  person: textOf(personIdPattern.source), alarm: textOf('^[0-9a-f]{16}$'), picture: textOf('^(full|crop|thumb|text)$'), slot: textOf('^(0|[1-9][0-9]{0,9})$'), generation: textOf('^(0|[1-9][0-9]{0,9})$'), seq: textOf('^(0|[1-9][0-9]{0,14})$'),
};

function textOf(pattern: string): TSchema {
  return { type: 'string', pattern } as TSchema;
}

/** A server with all routes, which listens nowhere yet. */
export async function makeServer(rooms: PageRooms, options: FastifyServerOptions): Promise<FastifyInstance> {
  const server = fastify({
    ...options, logger: false, exposeHeadRoutes: false, bodyLimit: bodyBytesMax, ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    // A path that is no text, before any hook.
    frameworkErrors: (error, request, reply) => void refuse(error, request as FastifyRequest, (reply as FastifyReply).headers(pageHeaders), rooms.log),
  });
  const handlers = handlersOf(rooms);
  const doors = new Doors();
  server.setErrorHandler((error, request, reply) => void refuse(error, request, reply, rooms.log));
  server.setNotFoundHandler(() => {
    throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'route' });
  });
  // Only JSON is read; of an empty body nothing is.
  server.removeAllContentTypeParsers();
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => (body === '' ? done(null, undefined) : parseJson(request, body as string, done)));
  server.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of Object.entries(pageHeaders)) reply.header(name, value);
    checkHost(request.raw, rooms.reach());
  });
  // oxlint-disable-next-line typescript/no-explicit-any -- its types are those of another instance of fastify's
  await server.register(fastifySwagger as any, { openapi: { openapi: '3.1.0', info: { title: 'Sallyport', version, description: 'What the page asks of the hub, and scripts may. See docs/API.md.' }, components: { securitySchemes } } });
  await server.register(async (api) => {
    for (const name of Object.keys(pageRoutes) as PageRouteName[]) addRoute(api, name, handlers[name] as (ask: Ask<PageRouteName>) => Promise<unknown>, rooms, doors);
  }, { prefix: apiRoot });
  rooms.files.mount(server);
  return server;
}

const securitySchemes = {
  session: { type: 'apiKey' as const, in: 'cookie' as const, name: '__Host-sallyport' },
  token: { type: 'http' as const, scheme: 'bearer' },
};

function addRoute(server: FastifyInstance, name: PageRouteName, handle: (ask: Ask<PageRouteName>) => Promise<unknown>, rooms: PageRooms, doors: Doors): void {
  const route: PageRoute = pageRoutes[name];
  const params = [...route.path.matchAll(/:([a-z]+)/g)].map((match) => match[1] ?? '');
  const integers = route.query === undefined ? [] : integersOf(route.query);
  server.route({
    method: route.method === 'WS' ? 'GET' : route.method,
    url: route.path,
    bodyLimit: bodyBytesMaxOf[name] ?? bodyBytesMax,
    schema: {
      operationId: name, summary: route.says, description: route.need === 'nobody' ? 'Needs no session.' : `Needs: ${route.need}.`,
      security: route.need === 'nobody' ? [] : [{ session: [] }, ...(route.need === 'first' || route.need === 'account' ? [] : [{ token: [] }])],
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.request === undefined ? {} : { body: route.request }),
      ...(params.length === 0 ? {} : { params: { type: 'object', required: params, properties: Object.fromEntries(params.map((param) => [param, pageParams[param]])) } }),
      ...(route.reply === undefined ? {} : { response: { 200: route.reply } }),
    } as object,
    // Before the body is read.
    onRequest: async (request, reply) => {
      reply.header('cache-control', 'no-store');
      checkOrigin(request.raw, { websocket: false });
      checkContentType(request.raw);
      const who = await whoIs(request.raw, route, rooms.accounts, { mayTurn: true });
      if (who.kind === 'account' && who.cookie !== undefined) reply.header('set-cookie', setCookie(request.raw, who.cookie, sessionMsMax));
      (request as Carrier).who = who;
      const { address } = visitorOf(request.raw);
      if (who.kind !== 'account') return doors.enterStranger(address, request, reply);
      rooms.isIn(request.raw, who.principal.account.id);
      doors.enter(address, who.principal.account.id, reply);
    },
    preValidation: async (request) => toIntegers(request.query, integers),
    handler: async (request, reply) => {
      const visitor = visitorOf(request.raw);
      const who = (request as Carrier).who ?? { kind: 'nobody' };
      const ask = {
        who, visitor, body: request.body, query: request.query, params: request.params, request, reply,
        get principal(): Principal {
          if (who.kind !== 'account') throw new SallyportError('SP_PAGE_SESSION');
          return who.principal;
        },
      } as unknown as Ask<PageRouteName>;
      if (who.kind === 'account') checkObject(route, ask, rooms.site);
      return handle(ask);
    },
  });
}

type Carrier = FastifyRequest & { who?: Who };

/** A route that names a camera, or a space, needs its right there. What there is elsewhere is not told apart from what is nowhere. */
export function checkObject({ need }: Pick<PageRoute, 'need'>, ask: { readonly principal: Principal; readonly query: unknown; readonly params: unknown; readonly body: unknown }, site: Pick<Site, 'config'>): void {
  if (need === 'nobody' || need === 'first' || need === 'account') return;
  const named = { ...(ask.query as object | undefined), ...(ask.params as object | undefined), ...(ask.body as object | undefined) } as { camera?: unknown; space?: unknown };
  const spaces = [
    ...(typeof named.camera === 'string' ? [spaceOf(site, named.camera) ?? ''] : []),
    ...(typeof named.space === 'string' ? [named.space] : []),
  ];
  if (!spaces.every((space) => ask.principal.may(need, space))) throw new SallyportError('SP_PAGE_RIGHT');
}

export function spaceOf({ config }: Pick<Site, 'config'>, camera: string): string | undefined {
  return config.cameras.find(({ id }) => id === camera)?.space;
}

/** A query's members are text; those that the contract calls integers become such, or stay and are refused. */
function toIntegers(query: unknown, names: readonly string[]): void {
  const members = query as Record<string, unknown>;
  for (const name of names) {
    const text = members[name];
    if (typeof text === 'string' && /^-?(0|[1-9][0-9]{0,15})$/.test(text)) members[name] = Number(text);
  }
}

function integersOf(query: TSchema): string[] {
  const { properties = {} } = query as { properties?: Record<string, { type?: string }> };
  return Object.entries(properties).flatMap(([name, node]) => (node.type === 'integer' ? [name] : []));
}

/** For a query that fastify does not see: that of a WebSocket. SP_PAGE_REQUEST. */
export function queryOf<R extends 'live' | 'panel' | 'talk'>(name: R, request: IncomingMessage): PageQueryOf<R> {
  const query: Record<string, unknown> = Object.fromEntries(new URL(request.url ?? '', 'http://hub').searchParams);
  const schema = pageRoutes[name].query;
  if (!Value.Check(schema, query)) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'its query is of another shape' });
  return query as PageQueryOf<R>;
}

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const known = knownOf(error);
  if (known.code === 'SP_INTERNAL') log.error({ component: 'page', route: request.routeOptions.url, error }, known.message);
  const seconds = known.evidence['seconds'];
  if (typeof seconds === 'number') reply.header('retry-after', String(seconds));
  return reply.header('cache-control', 'no-store').status(statusOf(error, known)).type('application/json').serializer(JSON.stringify).send({ error: tellable(known) });
}

export function knownOf(error: unknown): SallyportError {
  if (error instanceof ConfigErrors) return error.problems[0] ?? asSallyportError(error);
  return isClientsFault(error) ? new SallyportError('SP_PAGE_REQUEST', { reason: error.message.slice(0, 300) }) : asSallyportError(error);
}

export function statusOf(error: unknown, known: SallyportError): number {
  if (isClientsFault(error)) return error.statusCode;
  return statuses[known.code] ?? (known.kind === 'refuse' ? 422 : 500);
}

/** What went wrong inside is for the log: its words may say more than a visitor should know. */
export function tellable(error: SallyportError): ReturnType<SallyportError['toJSON']> {
  return (error.code === 'SP_INTERNAL' ? new SallyportError('SP_INTERNAL', { reason: 'the log has more' }) : error).toJSON();
}

/** What fastify refuses by itself: a body that is too long, no JSON, of another shape than the contract says. */
function isClientsFault(error: unknown): error is Error & { statusCode: number } {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}

function handlersOf(rooms: PageRooms): Handlers {
  const { accounts, site, operations, vault, watchLog, playback, alarms, privacy, people, still, logs, clock } = rooms;
  const isPrivate = (space: string): boolean => privacy.of(space) !== undefined;
  /** What the control socket does, for who has the right to it; the audit says who. */
  const operate = async <N extends RouteName>(name: N, { principal, body, ...about }: { principal: Principal; body: RequestOf<N>; camera?: string }): Promise<Awaited<ReturnType<Operations[N]>>> => {
    const { camera = about.camera } = body as { camera?: string };
    await vault.audit({ what: 'page.asked', who: 'page', account: principal.account.id, ...(camera === undefined ? {} : { camera }), detail: { route: name } });
    return (await (operations as Operations)[name](body, byOf(principal))) as Awaited<ReturnType<Operations[N]>>;
  };
  const socketOnly = async (): Promise<never> => {
    throw new SallyportError('SP_PAGE_REQUEST', { reason: 'this is asked for by a WebSocket' });
  };
  /** A change that destroys something needs the right to, and is more than a session alone must be enough for. The audit says who, and what it was. */
  const mayDestroy = (ask: { principal: Principal; visitor: Visitor; body: { half?: string } }, route: 'keep' | 'settings') => async (losses: readonly string[]): Promise<void> => {
    const { principal } = ask;
    if (!principal.may('erase')) throw new SallyportError('SP_PAGE_RIGHT');
    prove(accounts, ask, 'a change of settings that destroys some of what is kept');
    await vault.audit({ what: 'page.asked', who: 'page', account: principal.account.id, detail: { route, destroys: [...losses] } });
  };
  const orders = new PageOrders();
  /** An order counts for the camera that its document names: that one's space was looked at. */
  const begin = async <N extends 'hold' | 'erase'>(name: N, { principal, body: { camera, ...signed } }: Pick<Ask<'hold' | 'erase'>, 'principal' | 'body'>): Promise<Awaited<ReturnType<Operations[N]>>> => {
    const wish = readWish(signed.document);
    if (wish?.what !== name || wish.camera !== camera) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'the signed document is no such order, or names another camera' });
    const reply = await operate<N>(name, { principal, body: signed as RequestOf<N>, camera });
    orders.add(reply.order, principal.account.id, camera);
    return reply;
  };
  const takeHeaders = async ({ principal, body: { camera, ...made } }: Ask<'holdHeaders' | 'eraseHeaders'>): Promise<{ taken: number }> => {
    orders.check(made.order, principal.account.id, camera);
    return operations.headers(made);
  };
  return {
    ...accountHandlers(rooms),
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
    live: socketOnly,
    panel: socketOnly,
    talk: socketOnly,
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
    noteExport: async ({ principal, body: { camera, fromMs, toMs } }) => {
      if (spaceOf(site, camera) === undefined) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera });
      if (toMs <= fromMs) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'the clip ends before it begins' });
      await vault.audit({ what: 'footage.export', who: 'page', account: principal.account.id, camera, detail: { from_ms: fromMs, to_ms: toMs } });
      return done;
    },
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
    holdHeader: async ({ params, reply }) => {
      const header = await playback.secondHeader(params['camera'] ?? '', params['stream'] === 'sub' ? 'sub' : 'main', Number(params['seq']), Number(params['slot']));
      return reply.type('application/octet-stream').header('content-length', String(header.length)).send(Buffer.from(header));
    },
    holds: async ({ principal }) => ({ holds: (await operations.holds({})).holds.filter(({ camera }) => principal.may('hold', spaceOf(site, camera) ?? '')) }),
    hold: async (ask) => begin('hold', ask),
    holdHeaders: async (ask) => takeHeaders(ask),
    holdDone: async ({ principal, body: { camera, order } }) => {
      orders.check(order, principal.account.id, camera);
      const reply = await operations['hold-done']({ order });
      orders.end(order);
      return reply;
    },
    release: async ({ principal, body: { camera, ...signed } }) => {
      const wish = readWish(signed.document);
      const held = wish?.what === 'release' ? (await operations.holds({})).holds.filter(({ order }) => order === wish.order) : [];
      if (held.length === 0 || held.some((hold) => hold.camera !== camera)) throw new SallyportError('SP_HOLD', { reason: `nothing of ${camera} is held by that order` });
      return operate('release', { principal, body: signed, camera });
    },
    people: async ({ principal }) => people.list(principal.account.id),
    personPicture: async ({ params, principal, reply }) => {
      const jpeg = await people.picture(params['person'] ?? '', principal.account.id);
      return reply.type('image/jpeg').header('content-length', String(jpeg.length)).send(jpeg);
    },
    peopleCheck: async ({ body }) => people.check(Buffer.from(body.picture, 'base64url')),
    enrol: async (ask) => {
      prove(accounts, ask, 'enrolling a person');
      const { name, how, givenBy, consent, pictures } = ask.body;
      return people.enrol({ name, how, givenBy, consent, pictures: pictures.map((picture) => Buffer.from(picture, 'base64url')) }, ask.principal.account.id);
    },
    personRenew: async (ask) => {
      prove(accounts, ask, 'renewing a consent');
      const { how, givenBy, consent } = ask.body;
      return people.renew(ask.params['person'] ?? '', { how, givenBy, consent }, ask.principal.account.id);
    },
    personForget: async (ask) => {
      prove(accounts, ask, 'forgetting a person');
      return people.forget(ask.params['person'] ?? '', byOf(ask.principal));
    },
    eraseLook: async ({ body }) => operations['erase-look'](body),
    erase: async (ask) => begin('erase', ask),
    eraseHours: async ({ principal, body: { half, ...body }, visitor }) => {
      // Nobody signs it, so that a session which somebody left open, or took, must not be enough.
      accounts.prove(principal, half, visitor);
      orders.countUnsigned(principal.account.id, clock.monotonicMs());
      const reply = await operate('erase-hours', { principal, body: { ...body, by: 'page' } });
      orders.add(reply.order, principal.account.id, body.camera);
      return reply;
    },
    erasePlan: async ({ principal, body: { camera, order } }) => {
      orders.check(order, principal.account.id, camera);
      return operations['erase-plan']({ order });
    },
    eraseHeaders: async (ask) => takeHeaders(ask),
    eraseDone: async ({ principal, body: { camera, order, force } }) => {
      orders.check(order, principal.account.id, camera);
      const reply = await operations['erase-done']({ order, force });
      orders.end(order);
      return reply;
    },
    status: async () => operations.status({}),
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
    accept: async (ask) => operate('accept', ask),
    pending: async () => ({ pending: operations.pending() }),
    keep: async (ask) => {
      const changes = await site.changeSettings({ keys: [{ key: 'keep.footage', value: ask.body.footage }] }, byOf(ask.principal), mayDestroy(ask, 'keep'));
      return { changes, pending: operations.pending() };
    },
    settingsSchema: async () => formSchema(),
    settings: async ({ principal }) => {
      const { keys, cameras, privacy: rules, zones, alarms: alarmRules, recordings, restart } = await site.settings();
      return {
        // Where the hub is, and when a house is private, is the house's own business.
        keys: keys.filter(({ key }) => !key.startsWith('place.') || principal.may('privacy')).map(toPlain), cameras: cameras.map(toPlain),
        privacy: rules.filter(({ space }) => principal.may('privacy', space)).map(toPlain),
        zones: zones.map(toPlain), alarms: alarmRules.map(toPlain), recordings: recordings.map(toPlain), spaces: [...site.spaces], pending: operations.pending(), restart: [...restart],
      };
    },
    settingsPlan: async ({ principal, body }) => {
      checkSettings(principal, body);
      const { changes, losses, leavesOut, problems } = await site.planSettings(body);
      return { changes: changes.map(({ text, lowersPrivacy, restart }) => ({ text, waits: lowersPrivacy, restart })), destroys: losses, leavesOut, problems };
    },
    settingsChange: async (ask) => {
      const { principal, body: { half: _, ...change } } = ask;
      checkSettings(principal, change);
      const changes = await site.changeSettings(change, byOf(principal), mayDestroy(ask, 'settings'));
      return { changes, pending: operations.pending() };
    },
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

function byOf(principal: Principal): By {
  return { who: 'page', account: principal.account.id };
}

/** Who looks after a site says neither who sees a camera nor when a house is private. SP_PAGE_RIGHT. */
function checkSettings(principal: Principal, { camera, keys = [], privacy }: PageRequestOf<'settingsPlan'>): void {
  const spaces = [privacy?.out?.space, privacy?.in?.space].filter((space) => space !== undefined);
  const may = spaces.every((space) => principal.may('privacy', space))
    && (!keys.some(({ key }) => key.startsWith('place.')) || principal.may('privacy'))
    && (camera === undefined || !keys.some(({ key }) => key === 'space') || principal.may('people'));
  if (!may) throw new SallyportError('SP_PAGE_RIGHT');
}

/** The hub's row, as the contract has it: nothing that is undefined. */
function alarmOf({ toMs, pictures, ...row }: AlarmRow): PageAlarm {
  return { ...row, ...(toMs === undefined ? {} : { toMs }), pictures: [...pictures] };
}

/** The contract's lists are not readonly; as JSON they are the same. */
function toPlain<T>(value: T): Plain<T> {
  return value as Plain<T>;
}
type Plain<T> = T extends readonly (infer E)[] ? Plain<E>[] : T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
