/**
 * Live pictures over a WebSocket that somebody else has let in; the protocol is at the end of pagecontract.ts. What counts as taken is
 * what the far end has answered a ping behind, not what the kernel took: its buffers hold many seconds of a stream.
 */
import type { WebSocket } from 'ws';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { Fragment } from '../capture/media.ts';
import type { LiveDuty, LiveInit, LiveItem } from '../duties/live.ts';
import { liveFlags, liveHeader } from '../policy/liveframe.ts';
import { waitingMsMax, type Waiting } from '../policy/viewing.ts';
import type { LiveNews } from './pagecontract.ts';

export interface LiveRequest {
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  /** Whether sound may be asked for. */
  readonly mayListen: boolean;
  /** Sound was asked for, for the first time; for the audit. */
  readonly onListen?: () => void;
}

export interface SocketRooms {
  readonly clock: Clock;
  readonly log: Log;
  /** The session has ended, or the hub stops. */
  readonly signal: AbortSignal;
}

/** A ping behind so many bytes, or after so long. */
const pingBytes = 2 ** 17;
const pingMs = secondMs;
const idlePingMs = 10 * secondMs;
const messageBytesMax = 256;
/** What a browser says: it asks for the time now and then, and a thumb toggles something. */
const messagesMax = 30;
const messagesInMs = 10 * secondMs;
/** Whoever does not take the farewell is hung up on. */
const farewellMs = 2 * secondMs;

/** Live pictures of one form: as they come, or as panels take them. */
type Watchable = Pick<LiveDuty, 'watch'>;

/** Resolves when it is over, whatever ends it. Never rejects. */
export function serveLive(socket: WebSocket, live: Watchable, request: LiveRequest, rooms: SocketRooms): Promise<void> {
  return new LiveSocket(socket, live, request, rooms).run();
}

class LiveSocket {
  readonly #socket: WebSocket;
  readonly #live: Watchable;
  readonly #request: LiveRequest;
  readonly #rooms: SocketRooms;
  readonly #gone = new AbortController();
  readonly #receipts: Receipts;
  /** Aborted when what is asked for changes. */
  #tune = new AbortController();
  #sound = false;
  #listened = false;
  #paused = false;
  #refusal: SallyportError | undefined;
  #said = { count: 0, sinceMs: 0 };

  constructor(socket: WebSocket, live: Watchable, request: LiveRequest, rooms: SocketRooms) {
    this.#socket = socket;
    this.#live = live;
    this.#request = request;
    this.#rooms = rooms;
    this.#receipts = new Receipts(rooms.clock, (payload) => socket.ping(payload));
  }

  async run(): Promise<void> {
    const { clock, signal } = this.#rooms;
    const leave = (): void => this.#gone.abort();
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => this.#hear(data, isBinary));
    this.#socket.on('pong', (payload: Buffer) => this.#receipts.answered(payload));
    this.#socket.on('close', leave);
    this.#socket.on('error', leave);
    signal.addEventListener('abort', leave);
    if (signal.aborted || this.#socket.readyState !== this.#socket.OPEN) leave();
    const watching = this.#watchdog();
    let end: SallyportError | undefined;
    try {
      this.#tell({ kind: 'time', hubMs: clock.wallMs() });
      while (!this.#gone.signal.aborted) await (this.#paused ? aborted(this.#tuned()) : this.#show(this.#tuned()));
    } catch (error) {
      end = asSallyportError(error);
      if (end.code === 'SP_INTERNAL') this.#rooms.log.error({ component: 'live', camera: this.#request.camera, error }, end.message);
    } finally {
      signal.removeEventListener('abort', leave);
      this.#gone.abort();
      await watching;
      await this.#farewell(this.#refusal ?? end);
    }
  }

  #tuned(): AbortSignal {
    return AbortSignal.any([this.#gone.signal, this.#tune.signal]);
  }

  async #show(signal: AbortSignal): Promise<void> {
    const { camera, stream } = this.#request;
    for await (const item of this.#live.watch(camera, stream, { sound: this.#sound, waiting: () => this.#receipts.waiting }, signal)) {
      if (signal.aborted) return;
      this.#send(item);
    }
    if (!signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'watching' });
  }

  #send(item: LiveItem): void {
    if (item.kind === 'fragment') this.#put(messageOf(item.fragment));
    else if (item.kind === 'init') this.#begin(item);
    else this.#tell(item);
  }

  #begin({ stream, ftyp, moov, video, audio, hasSound, width, height }: LiveInit): void {
    this.#tell({ kind: 'init', stream, video, audio: audio ?? null, sound: hasSound && this.#request.mayListen, width, height });
    if (moov.length > 0) this.#put(Buffer.concat([liveHeader(liveFlags.init, this.#rooms.clock.wallMs()), ftyp, moov]));
  }

  #put(message: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(message, { binary: true });
    this.#receipts.sent(message.length);
  }

  #tell(news: LiveNews): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(news));
  }

  /** Anything that is not of the protocol ends it. */
  #hear(data: Buffer, isBinary: boolean): void {
    if (this.#gone.signal.aborted) return;
    const word = isBinary || data.length > messageBytesMax || this.#isTalkative() ? undefined : wordOf(data.toString());
    if (word === undefined) return this.#refuse('that is not of the protocol');
    if ('time' in word) return this.#tell({ kind: 'time', hubMs: this.#rooms.clock.wallMs(), asked: word.time });
    if ('audio' in word) {
      if (word.audio && !this.#request.mayListen) return this.#refuse('its sound may not be listened to');
      if (word.audio && !this.#listened) this.#request.onListen?.();
      this.#listened ||= word.audio;
      this.#sound = word.audio;
    } else this.#paused = word.paused;
    this.#tune.abort();
    this.#tune = new AbortController();
  }

  #isTalkative(): boolean {
    const nowMs = this.#rooms.clock.monotonicMs();
    if (nowMs - this.#said.sinceMs > messagesInMs) this.#said = { count: 0, sinceMs: nowMs };
    return ++this.#said.count > messagesMax;
  }

  #refuse(reason: string): void {
    this.#refusal = new SallyportError('SP_CONTROL', { route: 'live', reason });
    this.#gone.abort();
  }

  /** Pings while nothing is sent, and leaves who answers none. */
  async #watchdog(): Promise<void> {
    while (!this.#gone.signal.aborted) {
      this.#receipts.tick();
      if (this.#receipts.waiting.ms > waitingMsMax) this.#gone.abort();
      await this.#rooms.clock.sleep(pingMs, this.#gone.signal).catch(() => {});
    }
  }

  async #farewell(why: SallyportError | undefined): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState === socket.CLOSED) return;
    const closed = new AbortController();
    socket.once('close', () => closed.abort());
    this.#tell({ kind: 'over', code: why?.code ?? 'SP_STOPPED', message: why?.message ?? 'watching has ended' });
    socket.close(why?.kind === 'retry' ? 1013 : 1000);
    await this.#rooms.clock.sleep(farewellMs, closed.signal).catch(() => {});
    if (!closed.signal.aborted) socket.terminate();
  }
}

/** What was sent and is not known to have arrived. */
class Receipts {
  readonly #clock: Clock;
  readonly #ping: (payload: Buffer) => void;
  #sentBytes = 0;
  #arrivedBytes = 0;
  /** Pings under way, the oldest first. */
  #open: { readonly number: number; readonly sentBytes: number; readonly atMs: number }[] = [];
  #lastPing = { number: 0, sentBytes: 0, atMs: -Infinity };

  constructor(clock: Clock, ping: (payload: Buffer) => void) {
    this.#clock = clock;
    this.#ping = ping;
  }

  get waiting(): Waiting {
    const [oldest] = this.#open;
    return { bytes: this.#sentBytes - this.#arrivedBytes, ms: oldest === undefined ? 0 : this.#clock.monotonicMs() - oldest.atMs };
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
    this.tick();
  }

  tick(): void {
    const nowMs = this.#clock.monotonicMs();
    const { sentBytes, atMs, number } = this.#lastPing;
    const since = this.#sentBytes - sentBytes;
    if (since < pingBytes && nowMs - atMs < (since > 0 ? pingMs : idlePingMs)) return;
    this.#lastPing = { number: (number + 1) >>> 0, sentBytes: this.#sentBytes, atMs: nowMs };
    this.#open.push(this.#lastPing);
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#lastPing.number);
    this.#ping(payload);
  }

  /** A pong answers its ping and those before it. */
  answered(payload: Buffer): void {
    const at = payload.length === 4 ? this.#open.findIndex(({ number }) => number === payload.readUInt32BE()) : -1;
    if (at === -1) return;
    this.#arrivedBytes = this.#open[at]?.sentBytes ?? this.#arrivedBytes;
    this.#open = this.#open.slice(at + 1);
  }
}

/** One copy for all viewers of a stream, made before the ring takes its bytes back. */
const messages = new WeakMap<Fragment, Buffer>();

function messageOf(fragment: Fragment): Buffer {
  const known = messages.get(fragment);
  if (known !== undefined) return known;
  const message = Buffer.concat([liveHeader((fragment.keyFrame ? liveFlags.keyFrame : 0) | (fragment.track === 'audio' ? liveFlags.sound : 0), fragment.wallMs), fragment.bytes]);
  messages.set(fragment, message);
  return message;
}

function wordOf(text: string): { readonly audio: boolean } | { readonly paused: boolean } | { readonly time: number } | undefined {
  try {
    const [[name, value], ...more] = Object.entries(JSON.parse(text) as object) as [[string, unknown], ...unknown[]];
    if (more.length > 0) return undefined;
    if (name === 'audio' && typeof value === 'boolean') return { audio: value };
    if (name === 'paused' && typeof value === 'boolean') return { paused: value };
    return name === 'time' && typeof value === 'number' ? { time: value } : undefined;
  } catch {
    return undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
