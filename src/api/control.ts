/** The control socket: HTTP over a unix socket that only its user may open. */
import { fastify, type FastifyInstance } from 'fastify';
import { SallyportError, asSallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder, folderOf, protectSocket, removeSocket } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { routes, type Operations, type RouteName } from './contract.ts';
import { serveTalk, type Talker } from './talk.ts';

const connectionsMax = 256;
/** The last one is answered with `connection: close`. Requests that are sent without waiting for answers would else all be read at once. */
const requestsPerConnectionMax = 8;
/** More are refused at once: a crowd must not stand in the database's queue before what is being recorded. */
const answeringMax = 32;

export interface ControlOptions {
  readonly socket: string;
  readonly operations: Operations;
  /** What comes through the door that stays open: sound for a camera's loudspeaker. */
  readonly talk: Talker;
  readonly log: Log;
}

export class ControlSocket {
  readonly #o: ControlOptions;
  #server: FastifyInstance;
  #renewing: Promise<void> = Promise.resolve();

  constructor(o: ControlOptions, server: FastifyInstance) {
    this.#o = o;
    this.#server = server;
  }

  /** Listens anew: the name of the socket lay on a disk that went and came back, and leads nowhere. Never rejects. */
  renew(): Promise<void> {
    this.#renewing = this.#renewing.then(async () => {
      await this.#server.close();
      this.#server = await open(this.#o);
    }).catch((error: unknown) => this.#o.log.error({ component: 'control', code: asSallyportError(error).code }, asSallyportError(error).message));
    return this.#renewing;
  }

  async close(): Promise<void> {
    await this.#renewing;
    await this.#server.close();
  }
}

export async function serveControl(o: ControlOptions): Promise<ControlSocket> {
  return new ControlSocket(o, await open(o));
}

async function open(o: ControlOptions): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    bodyLimit: 64 * 1024,
    // Whoever sends slowly is cut off: the head must be there in 10 s, the whole request in 30 s. How long the hub takes is not counted.
    requestTimeout: 30_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2000 },
    ajv: { customOptions: { removeAdditional: false } },
  });
  server.setErrorHandler((error, _request, reply) => {
    const known = isClientsFault(error) ? new SallyportError('SP_CONTROL', { route: 'this', reason: error.message }) : asSallyportError(error);
    if (known.code === 'SP_INTERNAL') o.log.error({ component: 'control', error }, known.message);
    void reply.status(known.kind === 'refuse' ? 422 : 500).send({ error: known.toJSON() });
  });
  server.server.maxConnections = connectionsMax;
  server.server.maxRequestsPerSocket = requestsPerConnectionMax;
  const answering = { count: 0 };
  server.server.on('upgrade', (request, socket, head) => void serveTalk(request, socket, head, o.talk));
  for (const name of Object.keys(routes) as RouteName[]) addRoute(server, name, o.operations, answering);
  await listen(server, o.socket);
  return server;
}

function addRoute(server: FastifyInstance, name: RouteName, operations: Operations, answering: { count: number }): void {
  const route = routes[name];
  const handle = operations[name] as (request: unknown) => Promise<unknown>;
  server.route({
    method: 'POST',
    url: `/v1/${name}`,
    schema: { ...('request' in route ? { body: route.request } : {}), response: { 200: route.reply } },
    handler: async (request) => {
      if (answering.count >= answeringMax) throw new SallyportError('SP_CONTROL', { route: name, reason: `it answers ${answeringMax} others just now` });
      answering.count++;
      try {
        return await handle(request.body);
      } finally {
        answering.count--;
      }
    },
  });
}

/** What fastify refuses by itself: a body that is too long, no JSON, of another shape than the contract says. */
function isClientsFault(error: unknown): error is Error {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500;
}

async function listen(server: FastifyInstance, socket: string): Promise<void> {
  try {
    await ensureFolder(folderOf(socket));
    // The vault's lock says that no other hub runs here: what lies there was left by one that was killed.
    await removeSocket(socket);
    await server.listen({ path: socket });
    await protectSocket(socket);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new SallyportError('SP_PORT_TAKEN', { address: socket }, error);
    throw new SallyportError('SP_WRITE', { file: socket, reason: reasonOf(error) }, error);
  }
}
