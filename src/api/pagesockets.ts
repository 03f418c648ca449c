/** WebSockets: let in by the same rules as requests, counted, and ended when the session ends or the far end is silent. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { AccountsDuty } from '../duties/accounts.ts';
import type { Principal } from '../duties/sessions.ts';
import type { Site } from '../duties/site.ts';
import type { WatchLog } from '../duties/watchlog.ts';
import { checkObject, spaceOf } from './pageaccess.ts';
import { checkHost, checkOrigin, whoIs } from './pageauth.ts';
import { pageRoutes } from './pagecontract.ts';
import { pageHeaders } from './pagefiles.ts';
import { knownOf, statusOf, tellable } from './pagerefusals.ts';
import { apiRoot, queryOf } from './pageroutes.ts';
import type { Reach } from './reach.ts';

/** What runs over a socket once somebody is let in. Resolves when it is over; the signal comes when it has to be. */
export interface SocketPart {
  live: (socket: WebSocket, ask: { camera: string; stream: 'main' | 'sub'; mayListen: boolean; onListen: () => void }, signal: AbortSignal) => Promise<void>;
  panel: (socket: WebSocket, ask: { camera: string; stream: 'main' | 'sub' }, signal: AbortSignal) => Promise<void>;
  talk: (socket: WebSocket, ask: { camera: string; account: string }, signal: AbortSignal) => Promise<void>;
}

export interface SocketRooms {
  readonly accounts: AccountsDuty;
  readonly site: Pick<Site, 'config'>;
  readonly watchLog: WatchLog;
  readonly parts: SocketPart;
  readonly clock: Clock;
  readonly log: Log;
  readonly reach: () => Reach;
  /** Whose connection it is. */
  readonly isIn: (request: IncomingMessage, account: string) => void;
}

const socketsMax = 256;
const socketsOfAccountMax = 48;
/** What a browser sends: short orders, or sound in pieces. */
const messageBytesMax = 64 * 1024;
/** A far end that answers nothing for so long has gone. */
const silentMsMax = 45 * secondMs;
const askEveryMs = 15 * secondMs;
/** Whoever does not say goodbye is hung up on. */
const farewellMs = 3 * secondMs;

/** 4001: the session has ended, or the camera is none of its own any more. In the range that RFC 6455 leaves to applications. */
const sessionEnded = 4001;

type SocketName = keyof SocketPart;

const paths: ReadonlyMap<string, SocketName> = new Map((['live', 'panel', 'talk'] as const).map((name) => [`${apiRoot}${pageRoutes[name].path}`, name]));

export class PageSockets {
  readonly #rooms: SocketRooms;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax, perMessageDeflate: false, clientTracking: false });
  readonly #stop = new AbortController();
  /** Of each socket: whether its camera may still be looked through, and what ends it. */
  readonly #open = new Set<{ readonly mayStill: () => boolean; readonly end: AbortController }>();
  #count = 0;

  constructor(rooms: SocketRooms) {
    this.#rooms = rooms;
  }

  get count(): number {
    return this.#count;
  }

  close(): void {
    this.#stop.abort();
  }

  /** A camera may be of another space now: who may not look there leaves. */
  check(): void {
    for (const { mayStill, end } of this.#open) if (!mayStill()) end.abort();
  }

  /** For `upgrade` of a server. Whatever comes, it answers; it never throws. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {}); // the far end; it is closed then
    try {
      const name = paths.get((request.url ?? '').split('?')[0] ?? '');
      checkHost(request, this.#rooms.reach());
      checkOrigin(request, { websocket: true });
      if (name === undefined) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'WebSocket' });
      const route = pageRoutes[name];
      const who = await whoIs(request, route, this.#rooms.accounts, { mayTurn: false });
      const query = queryOf(name, request);
      if (who.kind !== 'account') throw new SallyportError('SP_PAGE_SESSION');
      this.#rooms.isIn(request, who.principal.account.id);
      checkObject(route, { principal: who.principal, query, params: {}, body: {} }, this.#rooms.site);
      // Before it opens: what the browser says at once must find who listens.
      if (name === 'panel' && !this.#rooms.site.config.page.panels) throw new SallyportError('SP_PANELS_OFF');
      if (name !== 'talk') await this.#rooms.watchLog.live(who.principal.account.id, query.camera, query.stream ?? 'main');
      if (this.#count >= socketsMax || this.#rooms.accounts.sessions.heldBy(who.principal.account.id) >= socketsOfAccountMax) {
        throw new SallyportError('SP_PAGE_BUSY', { count: Math.min(this.#count, socketsOfAccountMax) });
      }
      if (this.#stop.signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'the page' });
      this.#server.handleUpgrade(request, socket, head, (open) => void this.#serve(open, name, who.principal, query));
    } catch (error) {
      refuseUpgrade(socket, error);
    }
  }

  async #serve(socket: WebSocket, name: SocketName, principal: Principal, query: { camera: string; stream?: 'main' | 'sub' }): Promise<void> {
    const { accounts, parts, watchLog, log, clock, site } = this.#rooms;
    const { camera, stream = 'main' } = query;
    const account = principal.account.id;
    const held = accounts.sessions.hold(principal);
    const closed = new AbortController();
    const watching = { mayStill: () => principal.may(pageRoutes[name].need, spaceOf(site, camera) ?? ''), end: new AbortController() };
    const signal = AbortSignal.any([held.signal, watching.end.signal, this.#stop.signal]);
    const farewell = (): void => {
      const stops = this.#stop.signal.aborted && !held.signal.aborted;
      socket.close(stops ? 1001 : sessionEnded, stops ? 'the hub stops' : 'the session has ended');
      void clock.sleep(farewellMs, closed.signal).then(() => socket.terminate(), () => {});
    };
    this.#count++;
    this.#open.add(watching);
    socket.on('error', () => {}); // a far end that breaks the protocol; it is closed then
    socket.once('close', () => closed.abort());
    signal.addEventListener('abort', farewell, { once: true });
    void watchOver(socket, clock, closed.signal);
    try {
      if (name === 'live') {
        const mayListen = principal.may('listen', spaceOf(site, camera) ?? '');
        await parts.live(socket, { camera, stream, mayListen, onListen: () => void watchLog.live(account, camera, stream, 'live.listened') }, signal);
      } else if (name === 'panel') await parts.panel(socket, { camera, stream }, signal);
      else await parts.talk(socket, { camera, account }, signal);
    } catch (error) {
      log.error({ component: 'page', camera, error: knownOf(error).code }, knownOf(error).message);
    } finally {
      this.#count--;
      this.#open.delete(watching);
      held.release();
      signal.removeEventListener('abort', farewell);
      if (socket.readyState === socket.OPEN) socket.close(signal.aborted ? sessionEnded : 1000);
      if (socket.readyState !== socket.CLOSED) void clock.sleep(farewellMs, closed.signal).then(() => socket.terminate(), () => {});
    }
  }
}

/** Asks now and then whether somebody is still there. */
async function watchOver(socket: WebSocket, clock: Clock, closed: AbortSignal): Promise<void> {
  let heardMs = clock.monotonicMs();
  const heard = (): void => {
    heardMs = clock.monotonicMs();
  };
  socket.on('pong', heard);
  socket.on('message', heard);
  while (!closed.aborted) {
    await clock.sleep(askEveryMs, closed).catch(() => {});
    if (closed.aborted) return;
    if (clock.monotonicMs() - heardMs > silentMsMax) return socket.terminate();
    if (socket.readyState === socket.OPEN) socket.ping();
  }
}

/** In the words of a request that is refused. */
function refuseUpgrade(socket: Duplex, error: unknown): void {
  const known = knownOf(error);
  const body = JSON.stringify({ error: tellable(known) });
  const headers = { ...pageHeaders, 'connection': 'close', 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) };
  socket.end(`HTTP/1.1 ${statusOf(error, known)} Refused\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
  socket.once('finish', () => socket.destroy());
}
