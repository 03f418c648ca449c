/**
 * The table of pagecontract.ts, mounted: what every route goes through before its handler (pagehandlers.ts). Nothing is read of a request before it is
 * known to come from the hub's own page, from somebody who may ask it; then its shape, then the space of the camera that it names.
 */
import type { IncomingMessage } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { SallyportError } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { personIdPattern } from '../policy/people.ts';
import { sessionMsMax, type Principal } from '../duties/sessions.ts';
import { checkObject } from './pageaccess.ts';
import { checkContentType, checkHost, checkOrigin, setCookie, visitorOf, whoIs, type Who } from './pageauth.ts';
import { Doors } from './pagedoors.ts';
import { pageRoutes, type PageQueryOf, type PageRoute, type PageRouteName } from './pagecontract.ts';
import { pageHeaders } from './pagefiles.ts';
import { handlersOf } from './pagehandlers.ts';
import { refuse } from './pagerefusals.ts';
import type { Ask, PageRooms } from './pagerooms.ts';

export const apiRoot = '/api/v1';

const bodyBytesMax = 16 * 1024;
/** Of those whose text or picture is long; JSON may double it. */
const bodyBytesMaxOf: Partial<Record<PageRouteName, number>> = {
  firstOwner: 2.5 * 2 ** 20, ownerListTake: 4.5 * 2 ** 20, join: 160 * 1024, meChange: 160 * 1024, recover: 64 * 1024, accept: 64 * 1024, hold: 64 * 1024, release: 64 * 1024, erase: 64 * 1024, holdHeaders: 128 * 1024, eraseHeaders: 128 * 1024,
  peopleCheck: 768 * 1024, enrol: 6 * 2 ** 20,
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
