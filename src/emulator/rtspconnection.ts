/**
 * One RTSP connection (RFC 2326) and the session that it may carry: Digest authentication, delivery interleaved or by datagrams, the
 * way back to the loudspeaker. A viewer who does not read is dropped, bytes that are no RTSP end the connection, and nothing that a
 * client sends ends the camera. Requests are answered one after the other; while one takes time, no further bytes are read.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { checkAnswer, parseAuthHeader } from '../base/digest.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { interleaved, openDatagrams, type Delivery } from './delivery.ts';
import type { Ear } from './ear.ts';
import type { Quirks } from './face.ts';
import type { Feed } from './feed.ts';
import { harm, harmfulSdp } from './hostile.ts';
import { chooseTransport, formatReply, readUri, RtspParser, type RtspPacket, type RtspReply, type RtspRequest, type Transport } from './rtspmessage.ts';
import { RtspSession } from './rtspsession.ts';
import { describeFeed } from './sdp.ts';

export interface RtspOptions {
  readonly address: string;
  /** By path, such as `/main`. */
  readonly feeds: ReadonlyMap<string, Feed>;
  readonly user: string;
  /** Asked at each check, for it may change. */
  readonly password: () => string;
  /** What its loudspeaker gets; of no codec, and it has none. */
  readonly ear: Ear;
  readonly quirks: Quirks;
  readonly log: Log;
}

const realm = 'Emulated camera';
const methods = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'GET_PARAMETER', 'SET_PARAMETER', 'TEARDOWN'];
/** The feature that a talker has to name in each request (ONVIF Streaming, 5.3.1). */
const backchannel = 'www.onvif.org/ver20/backchannel';
const sessionTimeoutSeconds = 60;
/** A viewer with more than this unread is dropped. */
const unreadBytesMax = 8 * 2 ** 20;

export class RtspConnection {
  readonly reset: () => void;
  readonly #socket: Socket;
  readonly #options: RtspOptions;
  readonly #parser = new RtspParser();
  readonly #nonce = randomBytes(16).toString('hex');
  readonly #idle: NodeJS.Timeout;
  /** Of the other connections, how many have a session on the path. */
  readonly #viewers: (path: string) => number;
  #end: NodeJS.Timeout | undefined;
  #session: RtspSession | undefined;
  #stalled = false;
  /** What arrived and waits for its turn: no more than one chunk holds, for meanwhile the socket is not read. */
  readonly #arrived: (RtspRequest | RtspPacket)[] = [];
  #busy = false;

  /** `reset` is for the connection below, which need not be the socket that is read. */
  constructor(socket: Socket, options: RtspOptions, o: { reset: () => void; viewers: (path: string) => number; onClose: () => void }) {
    this.reset = o.reset;
    this.#socket = socket;
    this.#options = options;
    this.#viewers = o.viewers;
    this.#idle = setTimeout(() => this.#timeOut(), sessionTimeoutSeconds * 1000);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => options.log.debug({ reason: reasonOf(error) }, 'an RTSP connection broke'));
    socket.on('close', () => {
      clearTimeout(this.#idle);
      clearTimeout(this.#end);
      this.#session?.close();
      o.onClose();
    });
  }

  get path(): string | undefined {
    return this.#session?.path;
  }

  stall(): void {
    this.#stalled = true;
    this.#socket.pause();
    this.#session?.stall();
  }

  resume(): void {
    this.#stalled = false;
    this.#idle.refresh();
    this.#session?.resume();
    if (!this.#busy) this.#socket.resume();
  }

  #timeOut(): void {
    if (this.#stalled) this.#idle.refresh();
    else this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#idle.refresh();
    try {
      this.#arrived.push(...this.#parser.push(chunk));
    } catch (error) {
      this.#options.log.debug({ reason: reasonOf(error) }, 'no RTSP, connection closed');
      this.#socket.end(formatReply(undefined, { status: 400 }));
      this.#socket.destroySoon();
    }
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#arrived.shift(); next !== undefined; next = this.#arrived.shift()) {
      if ('payload' in next) {
        this.#session?.hearInterleaved(next.channel, next.payload);
        continue;
      }
      const reply = this.#replyTo(next);
      if (reply instanceof Promise) {
        this.#socket.pause();
        this.#finish(next, await reply);
      } else {
        this.#finish(next, reply);
      }
    }
    this.#busy = false;
    if (!this.#stalled) this.#socket.resume();
  }

  #replyTo(request: RtspRequest): RtspReply | Promise<RtspReply> {
    return cseqOf(request) === undefined ? { status: 400 } : this.#answer(request);
  }

  #finish(request: RtspRequest, reply: RtspReply): void {
    this.#write(formatReply(request.headers.get('cseq'), reply));
    if (reply.status !== 200) return;
    if (request.method === 'PLAY') this.#begin();
    if (request.method === 'TEARDOWN') this.#socket.end();
  }

  #begin(): void {
    this.#session?.play();
    const { endsAfterMs } = this.#options.quirks;
    if (endsAfterMs !== undefined) this.#end ??= setTimeout(() => this.#socket.end(), endsAfterMs);
  }

  #answer(request: RtspRequest): RtspReply | Promise<RtspReply> {
    if (!methods.includes(request.method)) return { status: 405, headers: [['Allow', methods.join(', ')]] };
    if (request.method === 'OPTIONS') return { status: 200, headers: [['Public', methods.join(', ')]] };
    const unsupported = this.#unsupported(request);
    if (unsupported !== undefined) return { status: 551, headers: [['Unsupported', unsupported]] };
    if (!this.#authorised(request)) {
      return { status: 401, headers: [['WWW-Authenticate', `Digest realm="${realm}", nonce="${this.#nonce}"`]] };
    }
    if (this.#session?.talks === true && !this.#mayTalk(request)) return { status: 400 };
    switch (request.method) {
      case 'DESCRIBE': return this.#describe(request);
      case 'SETUP': return this.#setup(request);
      case 'PLAY': return this.#play(request);
      case 'TEARDOWN': return this.#teardown(request);
      default: return this.#session === undefined ? { status: 200 } : this.#inSession(request) ?? { status: 200, headers: [['Session', this.#session.id]] };
    }
  }

  /** The features that the request requires and this camera lacks. */
  #unsupported(request: RtspRequest): string | undefined {
    const lacking = requiredBy(request).filter((feature) => feature !== backchannel || this.#options.ear.codecs.length === 0);
    return lacking.length === 0 ? undefined : lacking.join(', ');
  }

  #mayTalk(request: RtspRequest): boolean {
    return this.#options.ear.codecs.length > 0 && (requiredBy(request).includes(backchannel) || this.#options.quirks.talksUnasked === true);
  }

  #authorised(request: RtspRequest): boolean {
    const header = request.headers.get('authorization');
    if (header === undefined || parseAuthHeader(header, 'digest')?.get('uri') !== request.uri) return false;
    return checkAnswer(header, {
      username: this.#options.user, password: this.#options.password(), method: request.method, realm, nonce: this.#nonce, algorithm: 'MD5',
    });
  }

  #describe(request: RtspRequest): RtspReply {
    const { path } = readUri(request.uri);
    const feed = this.#feedOf(path);
    if (feed === undefined) return { status: 404 };
    if (this.#isBroken(path)) return { status: 503 };
    return {
      status: 200,
      headers: [['Content-Type', 'application/sdp'], ['Content-Base', `${request.uri.replace(/[?#].*$/, '').replace(/\/$/, '')}/`]],
      body: harmfulSdp(this.#options.quirks.hostile, describeFeed(feed, { address: this.#options.address, talk: this.#mayTalk(request) ? this.#options.ear.codecs : [] })),
    };
  }

  #setup(request: RtspRequest): RtspReply | Promise<RtspReply> {
    const { path, trackIndex = 0 } = readUri(request.uri);
    const feed = this.#feedOf(path);
    const talks = feed !== undefined && trackIndex === feed.tracks.length && this.#mayTalk(request);
    if (feed === undefined || (feed.tracks[trackIndex] === undefined && !talks)) return { status: 404 };
    if (this.#isBroken(path)) return { status: 503 };
    if (this.#viewers(path) >= (this.#options.quirks.viewersMax ?? Infinity)) return { status: 453 };
    if (this.#session !== undefined && (this.#session.playing || this.#session.path !== path)) return { status: 455 };
    const { onlyTransport } = this.#options.quirks;
    const transport = chooseTransport(request.headers.get('transport') ?? '', (kind) => (onlyTransport ?? kind) === kind);
    if (transport === undefined) return { status: 461 };
    const session = this.#session ??= new RtspSession({ feed, path, alter: harm(this.#options.quirks.hostile) });
    if (talks && !this.#options.ear.take(session)) return { status: 453 };
    if (transport.kind === 'udp') return this.#setupDatagrams(session, trackIndex, transport);
    return this.#connectTrack(session, trackIndex, interleaved(session.channelFor(trackIndex, transport.channel), (bytes) => this.#write(bytes)));
  }

  async #setupDatagrams(session: RtspSession, trackIndex: number, viewer: Transport & { kind: 'udp' }): Promise<RtspReply> {
    try {
      const delivery = await openDatagrams({
        address: this.#options.address,
        viewer: { ...viewer, address: this.#socket.remoteAddress ?? '' },
        onMedia: (packet) => session.hear(packet),
        onControl: () => this.#idle.refresh(),
      });
      if (!this.#socket.destroyed) return this.#connectTrack(session, trackIndex, delivery);
      delivery.close();
    } catch (error) {
      this.#options.log.warn({ reason: reasonOf(error) }, 'no ports for datagrams');
    }
    return { status: 500 };
  }

  #connectTrack(session: RtspSession, trackIndex: number, delivery: Delivery): RtspReply {
    let source = '';
    if (session.feed.tracks[trackIndex] === undefined) session.setupTalk(this.#options.ear, delivery);
    else source = `;ssrc=${session.setup(trackIndex, delivery).ssrc.toString(16).padStart(8, '0').toUpperCase()}`;
    return {
      status: 200,
      headers: [['Transport', `${delivery.transport}${source};mode="PLAY"`], ['Session', `${session.id};timeout=${sessionTimeoutSeconds}`]],
    };
  }

  #play(request: RtspRequest): RtspReply {
    const refusal = this.#inSession(request);
    if (refusal !== undefined || this.#session === undefined) return refusal ?? { status: 454 };
    if (!this.#session.ready) return { status: 455 };
    const base = request.uri.replace(/[?#].*$/, '').replace(/\/$/, '');
    const info = this.#session.playing ? [] : this.#session.cue();
    return {
      status: 200,
      headers: [
        ['Session', this.#session.id],
        ['Range', 'npt=now-'],
        ...(info.length === 0 ? [] : [['RTP-Info', info.map((one) => `url=${base}/trackID=${one.trackIndex};seq=${one.sequence};rtptime=${one.rtpTime}`).join(',')] as const]),
      ],
    };
  }

  #isBroken(path: string): boolean {
    return this.#options.quirks.broken?.some((name) => path === `/${name}`) === true;
  }

  #feedOf(path: string): Feed | undefined {
    return this.#options.feeds.get(this.#options.quirks.shrunken === true && path === '/main' ? '/sub' : path);
  }

  #teardown(request: RtspRequest): RtspReply {
    const refusal = this.#inSession(request);
    if (refusal !== undefined) return refusal;
    this.#session?.close();
    this.#session = undefined;
    return { status: 200 };
  }

  #inSession(request: RtspRequest): RtspReply | undefined {
    const id = request.headers.get('session')?.split(';')[0]?.trim();
    return this.#session === undefined || (id !== undefined && id !== this.#session.id) ? { status: 454 } : undefined;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (this.#socket.writableLength > unreadBytesMax) {
      this.#options.log.info({ unreadBytes: this.#socket.writableLength }, 'a viewer does not read and is dropped');
      this.#socket.destroy();
      return;
    }
    this.#socket.write(bytes);
  }
}

function cseqOf(request: RtspRequest): string | undefined {
  const cseq = request.headers.get('cseq');
  return cseq !== undefined && /^\d{1,10}$/.test(cseq) ? cseq : undefined;
}

function requiredBy(request: RtspRequest): string[] {
  return (request.headers.get('require') ?? '').split(',').map((feature) => feature.trim()).filter((feature) => feature !== '');
}
