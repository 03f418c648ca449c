/**
 * HTTP to one declared origin, and to nothing else: no redirect is followed, answers are bounded in size and time, TLS is verified, or the certificate
 * pinned, before a byte is sent. Plain HTTP goes to this machine itself only. Not `fetch`: a pin, a pace and a length known ahead need the socket.
 */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import { portOf } from '../policy/destinations.ts';
import { retryAfter } from '../policy/sending.ts';
import { hostOf, openLine, translated, type Origin } from './line.ts';
import type { Pace } from './pace.ts';

const headerBytesMax = 16 * 1024;
/** No byte in either direction for so long: the far end is taken for gone. */
const stallMs = 30 * secondMs;
/** From the last byte of a request to the last of a short answer; long ones have a second more for each 16 KiB. */
const answerMs = 60 * secondMs;
const answerBytesPerSecond = 2 ** 14;
const interimMax = 8;
/** Why something was refused, or how it was taken, is said in so much. */
const refusalBytesMax = 2 ** 16;

export interface Body {
  readonly bytes: number;
  /** Into `into` where that is given. */
  read(from: number, length: number, into?: Buffer): Promise<Buffer>;
}

export interface Request {
  readonly method: string;
  /** As it goes over the line, escaped; behind the origin's path. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | Body;
  readonly answerBytesMax?: number;
  /** Gets the body of an answer with status 200 piece by piece, in the place of `Answer.body`; a piece is not to be kept. */
  readonly onPiece?: (piece: Buffer) => void;
  readonly onSent?: (bytes: number) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpOptions {
  readonly origin: Origin;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly stallMs?: number;
  readonly socketsMax?: number;
}

export class HttpDoor {
  readonly origin: Origin;
  readonly #o: HttpOptions;
  readonly #agent: HttpAgent;

  constructor(o: HttpOptions) {
    this.#o = o;
    this.origin = o.origin;
    const settings = { keepAlive: true, maxSockets: o.socketsMax ?? 4, maxFreeSockets: o.socketsMax ?? 4 };
    this.#agent = o.origin.url.protocol === 'https:' ? new TrustingAgent(settings, o.origin, o.stallMs ?? stallMs) : new HttpAgent(settings);
  }

  /** One request, one whole answer of any status but a redirect. SP_FAR_UNREACHABLE, SP_FAR_REDIRECT, SP_FAR_CERTIFICATE, SP_FAR_ANSWER; SP_STOPPED when aborted. */
  async ask(request: Request, signal: AbortSignal): Promise<Answer> {
    const { name } = this.origin;
    const over = new AbortController();
    const progress: Progress = { atMs: this.#o.clock.monotonicMs(), endMs: Number.POSITIVE_INFINITY, late: '', answering: false };
    const finished = new AbortController();
    void this.#watch(progress, over, finished.signal);
    const stop = AbortSignal.any([signal, over.signal]);
    try {
      return await this.#exchange(request, progress, stop);
    } catch (error) {
      if (signal.aborted) throw new SallyportError('SP_STOPPED', { what: `speaking with ${name}` }, error);
      if (progress.late !== '') throw new SallyportError('SP_FAR_UNREACHABLE', { destination: name, reason: progress.late }, error);
      if (isSallyportError(error)) throw error;
      throw translated(name, error);
    } finally {
      finished.abort();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange(request: Request, progress: Progress, signal: AbortSignal): Promise<Answer> {
    const { name, url } = this.origin;
    const bytes = request.body === undefined ? 0 : Buffer.isBuffer(request.body) ? request.body.length : request.body.bytes;
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent: ClientRequest = start({
      agent: this.#agent, method: request.method, host: hostOf(url), port: url.port === '' ? undefined : Number(url.port), path: `${url.pathname.replace(/\/$/, '')}${request.path}`,
      headers: { ...request.headers, ...(bytes > 0 || request.body !== undefined ? { 'Content-Length': String(bytes) } : {}) }, signal, maxHeaderSize: headerBytesMax,
    });
    const answered = new Promise<Answer>((resolve, reject) => {
      let interims = 0;
      sent.on('information', () => { if (++interims > interimMax) sent.destroy(new SallyportError('SP_FAR_ANSWER', { destination: name, reason: 'it goes on announcing an answer' })); });
      sent.once('error', reject);
      // With neither an answer nor an error Node lets go of a connection whose far end begins to speak something else.
      sent.once('upgrade', (_answer, socket) => { socket.destroy(); reject(new SallyportError('SP_FAR_ANSWER', { destination: name, reason: 'it begins to speak something else than HTTP' })); });
      sent.once('close', () => { if (!progress.answering) reject(new Error('the connection was closed')); });
      sent.once('response', (response) => { progress.answering = true; this.#read(response, request, progress).then(resolve, reject); });
    });
    answered.catch(() => {}); // awaited below, after the body
    let whole = false;
    try {
      if (request.body !== undefined) await this.#write(sent, request.body, bytes, progress, request.onSent, signal);
      sent.end();
      progress.endMs = this.#o.clock.monotonicMs() + answerMs + ((request.answerBytesMax ?? 0) * secondMs) / answerBytesPerSecond;
      const answer = await answered;
      whole = sent.writableFinished;
      return answer;
    } finally {
      // An answer that came before all was sent, a broken one, or none: what is left of the connection says nothing that is wanted.
      if (!whole) sent.destroy();
    }
  }

  async #write(sent: ClientRequest, body: Buffer | Body, bytes: number, progress: Progress, onSent: ((bytes: number) => void) | undefined, signal: AbortSignal): Promise<void> {
    const { pace, clock } = this.#o;
    // One buffer is enough: each piece has gone to the system before the next is read.
    const room = Buffer.isBuffer(body) ? undefined : Buffer.allocUnsafeSlow(Math.min(pace.pieceBytes, bytes));
    for (let at = 0; at < bytes;) {
      const length = Math.min(pace.pieceBytes, bytes - at);
      await pace.take(length, signal);
      if (sent.destroyed || progress.answering) return;
      const piece = Buffer.isBuffer(body) ? body.subarray(at, at + length) : await body.read(at, length, room);
      progress.atMs = clock.monotonicMs();
      // An early answer is what counts; the far end may have stopped reading.
      if (sent.destroyed || progress.answering) return;
      await written(sent, piece, signal);
      at += length;
      onSent?.(length);
      progress.atMs = clock.monotonicMs();
    }
  }

  async #read(response: IncomingMessage, request: Request, progress: Progress): Promise<Answer> {
    const { name } = this.origin;
    const status = response.statusCode ?? 0;
    const bytesMax = Math.max(request.answerBytesMax ?? 0, status >= 400 || request.answerBytesMax === undefined ? refusalBytesMax : 0);
    const refuse = (error: SallyportError): never => { response.destroy(); throw error; };
    if (status >= 300 && status < 400 && status !== 304) refuse(new SallyportError('SP_FAR_REDIRECT', { destination: name, status }));
    const tooLong = new SallyportError('SP_FAR_ANSWER', { destination: name, reason: `it is longer than ${bytesMax} bytes` });
    if (request.method !== 'HEAD' && Number(response.headers['content-length'] ?? 0) > bytesMax) refuse(tooLong);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of response as AsyncIterable<Buffer>) {
      progress.atMs = this.#o.clock.monotonicMs();
      length += piece.length;
      if (length > bytesMax) refuse(tooLong);
      if (status === 200 && request.onPiece !== undefined) request.onPiece(piece);
      else pieces.push(piece);
    }
    if (!response.complete) refuse(new SallyportError('SP_FAR_UNREACHABLE', { destination: name, reason: 'its answer was cut off' }));
    return { status, headers: response.headers, body: Buffer.concat(pieces) };
  }

  async #watch(progress: Progress, over: AbortController, finished: AbortSignal): Promise<void> {
    const { clock } = this.#o;
    const patienceMs = this.#o.stallMs ?? stallMs;
    while (!finished.aborted) {
      await clock.sleep(patienceMs / 8, finished).catch(() => {});
      const nowMs = clock.monotonicMs();
      if (nowMs - progress.atMs > patienceMs) progress.late = `nothing moved for ${patienceMs / secondMs} s`;
      else if (nowMs > progress.endMs) progress.late = 'its answer does not come to an end';
      else continue;
      over.abort();
      return;
    }
  }
}

interface Progress {
  atMs: number;
  endMs: number;
  late: string;
  answering: boolean;
}

/** Hands out a connection that is to whom it should be: nothing was sent to whom it does not fit. */
class TrustingAgent extends HttpsAgent {
  readonly #origin: Origin;
  readonly #patienceMs: number;

  constructor(settings: ConstructorParameters<typeof HttpsAgent>[0], origin: Origin, patienceMs: number) {
    // A resumed session shows no certificate.
    super({ ...settings, maxCachedSessions: 0 });
    this.#origin = origin;
    this.#patienceMs = patienceMs;
  }

  override createConnection(_options: unknown, done: (error: Error | null, socket: Duplex) => void): undefined {
    // No request has this connection yet, so nobody's giving up ends it.
    void this.#connect(done);
    return undefined;
  }

  async #connect(done: (error: Error | null, socket: Duplex) => void): Promise<void> {
    let socket: Duplex;
    try {
      socket = await openFar(this.#origin, this.#patienceMs);
    } catch (error) {
      return done(error as Error, undefined as unknown as Duplex);
    }
    done(null, socket);
  }
}

/** As `openLine`, through the origin's proxy where it has one: then through it or not at all. */
export async function openFar(origin: Origin, patienceMs: number, signal?: AbortSignal): Promise<Duplex> {
  const until = signal === undefined ? {} : { signal };
  return openLine(origin, patienceMs, origin.proxy === undefined ? until : { ...until, through: await joinedBy(origin.proxy, origin, patienceMs, signal) });
}

/** A proxy's connection to the origin, for TLS to go through. */
function joinedBy({ url: proxy, login }: NonNullable<Origin['proxy']>, { name, url }: Origin, patienceMs: number, signal: AbortSignal | undefined): Promise<Duplex> {
  const to = `${url.hostname}:${portOf(url)}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const asked = httpRequest({
      agent: false, method: 'CONNECT', host: hostOf(proxy), port: portOf(proxy), path: to, maxHeaderSize: headerBytesMax,
      headers: { Host: to, ...(login === undefined ? {} : { 'Proxy-Authorization': `Basic ${Buffer.from(`${login.user}:${login.password.reveal()}`).toString('base64')}` }) },
    });
    const settle = (): void => {
      late.removeEventListener('abort', tooLate);
      signal?.removeEventListener('abort', stop);
    };
    const fail = (error: Error): void => {
      settle();
      asked.destroy();
      reject(error);
    };
    // Of the whole: one that drips its answer must not be waited for without end.
    const late = AbortSignal.timeout(patienceMs);
    const tooLate = (): void => fail(new Error('its proxy does not answer'));
    const stop = (): void => fail(signal?.reason as Error);
    late.addEventListener('abort', tooLate, { once: true });
    signal?.addEventListener('abort', stop, { once: true });
    asked.on('error', (error) => fail(new Error(`its proxy: ${reasonOf(error)}`)));
    asked.once('connect', ({ statusCode = 0 }, socket, early) => {
      settle();
      if (statusCode === 200 && early.length === 0) return resolve(socket);
      socket.destroy();
      fail([401, 403, 407].includes(statusCode) ? new SallyportError('SP_FAR_REFUSED', { destination: name, what: 'be reached by its proxy', reason: `status ${statusCode}` }) : new Error(statusCode === 200 ? 'its proxy: it speaks before the destination does' : `its proxy: status ${statusCode}`));
    });
    asked.end();
  });
}

/** Resolves when the piece has been handed to the system, or when there is no more use in it. */
function written(sent: ClientRequest, piece: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => { sent.off('close', done); sent.off('response', done); signal.removeEventListener('abort', stop); resolve(); };
    const stop = (): void => { done(); reject(signal.reason as Error); };
    sent.write(piece, done);
    sent.once('close', done);
    sent.once('response', done);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** What a status means that no store gives for reasons of its own. `what`: "put", for the sentence. */
export function refusedBy(name: string, what: string, object: string, { status, headers, body }: Answer, nowMs: number): SallyportError {
  const code = /<Code>([A-Za-z0-9]{1,60})<\/Code>/.exec(body.subarray(0, 4096).toString('latin1'))?.[1];
  const reason = `status ${status}${code === undefined ? '' : `, ${code}`}`;
  if (status === 401 || status === 403) return new SallyportError('SP_FAR_REFUSED', { destination: name, what, reason });
  if (status === 404) return new SallyportError('SP_FAR_MISSING', { destination: name, object });
  if (status === 413 || status === 507) return new SallyportError('SP_FAR_FULL', { destination: name, reason });
  const waitMs = retryAfter(headers['retry-after'], nowMs);
  if (status === 408 || status === 423 || status === 425 || status === 429 || status >= 500) return new SallyportError('SP_FAR_BUSY', { destination: name, reason, ...(waitMs === undefined ? {} : { waitMs }) });
  return new SallyportError('SP_FAR_ANSWER', { destination: name, reason });
}
