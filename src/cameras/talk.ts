/**
 * The way to a camera's loudspeaker (ONVIF Streaming, 5.3, backchannel): one RTSP connection, interleaved, on which G.711 goes out and
 * nothing that comes in is kept. `Require` stands on each request, for some cameras forget it (PLAY and TEARDOWN too).
 */
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { answerChallenge, parseChallenge, type DigestChallenge } from '../base/digest.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { secondMs } from '../base/units.ts';
import type { Certificates } from './certificates.ts';
import { cleanWords } from './soap.ts';
import { muLawToALaw } from './g711.ts';
import { controlUri, packetMark, parseRtsp, readLoudspeaker, type Loudspeaker, type RtspAnswer } from './rtspanswer.ts';
import { siteLookup } from './sitelookup.ts';
import { Strays } from './strays.ts';
import { connectTls } from './tls.ts';

export interface TalkOptions {
  readonly camera: string;
  /** The main stream's, `rtsp://` or `rtsps://` at the adopted address. */
  readonly uri: string;
  readonly user: string;
  readonly password: Secret;
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

const feature = 'www.onvif.org/ver20/backchannel';
const answerMs = 10 * secondMs;
/** 20 ms, what cameras and telephones expect in one packet. */
export const packetSamples = 160;
/** Cameras close a session that says nothing for a minute; RTCP and keep-alive come well before. */
const keepAliveMs = 20 * secondMs;
/** What waits to be sent: beyond a second of sound the camera does not take it. */
const waitingBytesMax = 16 * 1024;

export class Talk {
  readonly #o: TalkOptions;
  readonly #socket: Socket;
  readonly #uri: string;
  readonly #ssrc = randomBytes(4);
  readonly #strays: Strays;
  #cseq = 0;
  #challenge: { given: DigestChallenge; count: number } | undefined;
  #waiting: ((answer: RtspAnswer | Error) => void) | undefined;
  #received: Buffer = Buffer.alloc(0);
  #session: string | undefined;
  #base: string;
  #loudspeaker: Loudspeaker = { control: '', codec: 'PCMU', payloadType: 0 };
  #channel = 0;
  #sequence = randomBytes(2).readUInt16BE(0);
  #samples = randomBytes(4).readUInt32BE(0);
  #talkedMs: number;
  #broken: SallyportError | undefined;

  /**
   * Resolves when the camera takes sound. SP_CAMERA_UNREACHABLE, SP_CAMERA_REFUSED, SP_CAMERA_CERTIFICATE, SP_CAMERA_ANSWER, SP_STOPPED;
   * SP_CAMERA_FAULT when it has no loudspeaker, or another holds it.
   */
  static async open(o: TalkOptions): Promise<Talk> {
    const talk = new Talk(o, await openSocket(o));
    try {
      await talk.#begin();
      return talk;
    } catch (error) {
      talk.#socket.destroy();
      throw error;
    }
  }

  /**
   * Whether it has a loudspeaker that could be talked through: asked by DESCRIBE, nothing is set up. Rejects as `open` does;
   * SP_CAMERA_FAULT only when the camera fails at it.
   */
  static async has(o: TalkOptions): Promise<boolean> {
    const talk = new Talk(o, await openSocket(o));
    try {
      await talk.#find();
      return true;
    } catch (error) {
      // One that has no time now (503) has not said no.
      if (isSallyportError(error, 'SP_CAMERA_FAULT') && !/^5\d\d /.test(String(error.evidence['reason']))) return false;
      throw error;
    } finally {
      talk.#socket.destroy();
    }
  }

  private constructor(o: TalkOptions, socket: Socket) {
    this.#o = o;
    this.#socket = socket;
    this.#uri = this.#base = o.uri;
    this.#talkedMs = o.clock.monotonicMs();
    this.#strays = new Strays(() => o.clock.monotonicMs());
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', (error) => this.#break(this.#unreachable(reasonOf(error), error)));
    socket.on('close', () => this.#break(this.#unreachable('it hung up')));
    o.signal?.addEventListener('abort', () => this.#socket.destroy(), { once: true });
  }

  get codec(): Loudspeaker['codec'] {
    return this.#loudspeaker.codec;
  }

  /** Up to `packetSamples` bytes of mu-law, when their time has come. Throws what ended the connection, or SP_CAMERA_ANSWER when the camera does not take them. */
  send(sound: Uint8Array): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#socket.writableLength > waitingBytesMax) throw this.#answer('backchannel', 'it does not take the sound');
    const payload = this.#loudspeaker.codec === 'PCMA' ? muLawToALaw(sound) : Buffer.from(sound);
    const packet = Buffer.alloc(16);
    packet.writeUInt8(packetMark, 0);
    packet.writeUInt8(this.#channel, 1);
    packet.writeUInt16BE(12 + payload.length, 2);
    packet.writeUInt8(0x80, 4);
    packet.writeUInt8(this.#loudspeaker.payloadType, 5);
    packet.writeUInt16BE(this.#sequence, 6);
    packet.writeUInt32BE(this.#samples, 8);
    this.#ssrc.copy(packet, 12);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#samples = (this.#samples + payload.length) >>> 0;
    this.#socket.write(Buffer.concat([packet, payload]));
    void this.#keepAlive();
  }

  /** The loudspeaker is free again. Never rejects. */
  async close(): Promise<void> {
    if (this.#broken === undefined) await this.#ask('TEARDOWN', this.#base).catch(() => {});
    this.#socket.destroy();
  }

  async #find(): Promise<Loudspeaker> {
    const described = await this.#ask('DESCRIBE', this.#uri, { Accept: 'application/sdp' });
    if (described.status === 551) throw this.#fault('DESCRIBE', 'it has no loudspeaker');
    this.#expect('DESCRIBE', described);
    const { loudspeaker, others } = readLoudspeaker(described.body);
    if (loudspeaker === undefined) throw this.#fault('DESCRIBE', others.length === 0 ? 'it has no loudspeaker' : `its loudspeaker takes no G.711, only ${cleanWords(others.join(', ')) ?? ''}`);
    this.#base = this.#ownBase(described);
    return loudspeaker;
  }

  async #begin(): Promise<void> {
    const loudspeaker = this.#loudspeaker = await this.#find();
    const setUp = await this.#ask('SETUP', this.#ownUri(controlUri(loudspeaker.control, this.#base)), { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record' });
    if (setUp.status === 453) throw this.#fault('SETUP', 'somebody else is talking');
    this.#expect('SETUP', setUp);
    this.#session = /^[^;\s]{1,256}/.exec(setUp.headers.get('session')?.[0] ?? '')?.[0];
    if (this.#session === undefined) throw this.#answer('SETUP', 'it names no session');
    this.#channel = Number(/interleaved=(\d{1,3})/i.exec(setUp.headers.get('transport')?.[0] ?? '')?.[1] ?? 0) & 0xff;
    this.#expect('PLAY', await this.#ask('PLAY', this.#base, { Range: 'npt=0.000-' }));
  }

  /** A camera behind a forwarded port names itself otherwise; its words stay, its host is the adopted one. */
  #ownBase(described: RtspAnswer): string {
    const named = described.headers.get('content-base')?.[0] ?? described.headers.get('content-location')?.[0];
    return named === undefined || !/^rtsps?:\/\//i.test(named) ? this.#uri : this.#ownUri(named);
  }

  #ownUri(uri: string): string {
    const [, own = ''] = /^(rtsps?:\/\/[^/?#]+)/i.exec(this.#uri) ?? [];
    return uri.replace(/^rtsps?:\/\/[^/?#]*/i, own).replaceAll(/[^\x21-\x7e]/g, '').slice(0, 2048);
  }

  async #keepAlive(): Promise<void> {
    const nowMs = this.#o.clock.monotonicMs();
    if (nowMs - this.#talkedMs < keepAliveMs || this.#waiting !== undefined) return;
    await this.#ask('GET_PARAMETER', this.#base).catch(() => {});
  }

  /** One request, one answer, with the password where the camera asks for it. */
  async #ask(method: string, uri: string, headers: Readonly<Record<string, string>> = {}): Promise<RtspAnswer> {
    const first = await this.#exchange(method, uri, headers);
    if (first.status !== 401) return first;
    const challenge = parseChallenge(first.headers.get('www-authenticate') ?? []);
    if (challenge === undefined || (this.#challenge !== undefined && !challenge.stale && this.#challenge.given.nonce === challenge.nonce)) throw this.#refused();
    this.#challenge = { given: challenge, count: 0 };
    const second = await this.#exchange(method, uri, headers);
    if (second.status === 401) throw this.#refused();
    return second;
  }

  #exchange(method: string, uri: string, headers: Readonly<Record<string, string>>): Promise<RtspAnswer> {
    const { clock, user, password } = this.#o;
    const authorization = this.#challenge === undefined ? undefined : answerChallenge(this.#challenge.given, { username: user, password: password.reveal(), method, uri, count: ++this.#challenge.count });
    const lines = [
      `${method} ${uri} RTSP/1.0`, `CSeq: ${++this.#cseq}`, `Require: ${feature}`, 'User-Agent: Sallyport',
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]), ...(this.#session === undefined ? [] : [`Session: ${this.#session}`]),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) {
        reject(this.#broken);
        return;
      }
      const answered = new AbortController();
      this.#waiting = (answer) => {
        this.#waiting = undefined;
        answered.abort();
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      this.#talkedMs = clock.monotonicMs();
      this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      clock.sleep(answerMs, answered.signal).then(() => {
        this.#break(this.#unreachable(`no answer to ${method} within ${answerMs / secondMs} s`));
        this.#socket.destroy();
      }, () => {});
    });
  }

  #take(data: Buffer): void {
    if (this.#broken !== undefined) return;
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    try {
      for (let parsed = parseRtsp(this.#received); parsed !== undefined; parsed = parseRtsp(this.#received)) {
        const isPacket = this.#received[0] === packetMark;
        this.#received = this.#received.subarray(parsed.bytes);
        if (parsed.answer !== undefined && this.#waiting !== undefined) this.#waiting(parsed.answer);
        else {
          const excess = this.#strays.take(isPacket ? 'packet' : 'text', parsed.bytes);
          if (excess !== undefined) throw new Error(excess);
        }
      }
    } catch (error) {
      this.#break(this.#answer('RTSP', reasonOf(error)));
      this.#socket.destroy();
    }
  }

  #break(error: SallyportError): void {
    const stopped = this.#o.signal?.aborted === true ? new SallyportError('SP_STOPPED', { what: `talking through ${this.#o.camera}` }) : error;
    this.#broken ??= stopped;
    this.#waiting?.(this.#broken);
  }

  #expect(operation: string, { status, reason }: RtspAnswer): void {
    if (status === 403) throw this.#refused();
    if (status !== 200) throw this.#fault(operation, cleanWords(`${status} ${reason}`) ?? String(status));
  }

  #refused(): SallyportError {
    return new SallyportError('SP_CAMERA_REFUSED', { camera: this.#o.camera });
  }

  #fault(operation: string, reason: string): SallyportError {
    return new SallyportError('SP_CAMERA_FAULT', { camera: this.#o.camera, operation, reason });
  }

  #answer(operation: string, reason: string): SallyportError {
    return new SallyportError('SP_CAMERA_ANSWER', { camera: this.#o.camera, operation, reason });
  }

  #unreachable(reason: string, cause?: unknown): SallyportError {
    return new SallyportError('SP_CAMERA_UNREACHABLE', { camera: this.#o.camera, address: placeOf(this.#o.uri).host, reason }, cause);
  }
}

function placeOf(uri: string): { host: string; port: number; secure: boolean } {
  const [, scheme, host = '', port] = /^(rtsps?):\/\/([^/?#:]+)(?::(\d{1,5}))?/i.exec(uri) ?? [];
  const secure = scheme?.toLowerCase() === 'rtsps';
  return { host, port: Number(port ?? (secure ? 322 : 554)), secure };
}

async function openSocket({ camera, uri, certificates, clock, signal }: TalkOptions): Promise<Socket> {
  const { host, port, secure } = placeOf(uri);
  const over = new AbortController();
  const opened = new AbortController();
  clock.sleep(answerMs, opened.signal).then(() => over.abort(), () => {});
  const ends = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  try {
    return secure ? await connectTls({ camera, host, port, certificates }, ends) : await connectPlain(host, port, ends);
  } catch (error) {
    if (signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: `talking through ${camera}` }, error);
    if (isSallyportError(error, 'SP_CAMERA_CERTIFICATE')) throw error;
    throw new SallyportError('SP_CAMERA_UNREACHABLE', { camera, address: `${host}:${port}`, reason: over.signal.aborted ? `no connection within ${answerMs / secondMs} s` : reasonOf(error) }, error);
  } finally {
    opened.abort();
  }
}

function connectPlain(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // An aborted `signal` given to connect() itself would leave an open handle behind (Node 24).
    if (signal.aborted) return reject(signal.reason as Error);
    const socket = connectTcp({ host, port, lookup: siteLookup });
    const stop = (): void => void socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}
