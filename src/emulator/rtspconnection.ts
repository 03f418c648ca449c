/**
 * One RTSP connection (RFC 2326) and the session that it may carry: Digest authentication, delivery interleaved or by datagrams, the
 * way back to the loudspeaker. A viewer who does not read is dropped, bytes that are no RTSP end the connection, and nothing that a
 * client sends ends the camera. Requests are answered one after the other; while one takes time, no further bytes are read.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { interleaved, openDatagrams, type Delivery } from './delivery.ts';
import type { Ear } from './ear.ts';
import type { Quirks, Tries } from './face.ts';
import type { Feed } from './feed.ts';
import { harmfulSdp } from './hostile.ts';
import { alterAsQuirksSay } from './loss.ts';
import { RtspAccess } from './rtspaccess.ts';
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
  readonly tries: Tries;
  /** What its loudspeaker gets; of no codec, and it has none. */
  readonly ear: Ear;
  readonly quirks: Quirks;
  readonly clock: Clock;
  readonly log: Log;
}

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
  readonly #access: RtspAccess;
  readonly #timeoutSeconds: number;
  readonly #idle: NodeJS.Timeout;
  /** Of the other connections, how many have a session on the path, or at all. */
  readonly #viewers: (path?: string) => number;
  #end: NodeJS.Timeout | undefined;
  #session: RtspSession | undefined;
  #stalled = false;
  /** What arrived and waits for its turn: no more than one chunk holds, for meanwhile the socket is not read. */
  readonly #arrived: (RtspRequest | RtspPacket)[] = [];
  #busy = false;
  /** The answer to PLAY, on a camera that sends its first packets before it. */
  #held: Buffer | undefined;

  /** `reset` is for the connection below, which need not be the socket that is read. */
  constructor(socket: Socket, options: RtspOptions, o: { reset: () => void; viewers: (path?: string) => number; onClose: () => void }) {
    this.reset = o.reset;
    this.#socket = socket;
    this.#options = options;
    this.#viewers = o.viewers;
    this.#access = new RtspAccess(options);
    this.#timeoutSeconds = options.quirks.sessionTimeoutSeconds ?? sessionTimeoutSeconds;
    this.#idle = setTimeout(() => this.#timeOut(), this.#timeoutSeconds * 1000);
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

  /** What a viewer's player does by itself. */
  #seeSignOfLife(): void {
    if (this.#options.quirks.onlyRequestsKeepAlive !== true) this.#idle.refresh();
  }

  #read(chunk: Buffer): void {
    this.#seeSignOfLife();
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
    for (let next = this.#arrived.shift(); next !== undefined && !this.#socket.destroyed; next = this.#arrived.shift()) {
      if ('payload' in next) {
        this.#session?.hearInterleaved(next.channel, next.payload);
        continue;
      }
      this.#idle.refresh();
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
    if (cseqOf(request) === undefined) return { status: 400 };
    const { answerDelayMs } = this.#options.quirks;
    if (answerDelayMs === undefined) return this.#answer(request);
    return this.#options.clock.sleep(answerDelayMs).then(() => this.#socket.destroyed ? { status: 400 } : this.#answer(request));
  }

  #finish(request: RtspRequest, reply: RtspReply): void {
    const { wrongCseq, dataBeforeAnswer } = this.#options.quirks;
    const cseq = request.headers.get('cseq');
    const answer = formatReply(wrongCseq === true && cseq !== undefined ? String(Number(cseq) + 1) : cseq, reply);
    const plays = reply.status === 200 && request.method === 'PLAY';
    if (plays && dataBeforeAnswer === true) this.#held = answer;
    else this.#write(answer);
    if (plays) this.#begin();
    if (reply.status === 200 && request.method === 'TEARDOWN') this.#socket.end();
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
    if (!this.#access.allows(request)) return { status: 401, headers: this.#access.challenges() };
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

  #describe(request: RtspRequest): RtspReply {
    const { path } = readUri(request.uri);
    const feed = this.#feedOf(path);
    if (feed === undefined) return { status: 404 };
    if (this.#isBroken(path)) return { status: 503 };
    const { quirks, address, ear } = this.#options;
    const base = `${request.uri.replace(/[?#].*$/, '').replace(/\/$/, '')}/`;
    const sdp = describeFeed(feed, { address, controlBase: quirks.absoluteControl === true ? base : '', talk: this.#mayTalk(request) ? ear.codecs : [] });
    return {
      status: 200,
      headers: [['Content-Type', 'application/sdp'], ...(quirks.noContentBase === true ? [] : [['Content-Base', base] as const])],
      body: harmfulSdp(quirks.hostile, sdp),
    };
  }

  #setup(request: RtspRequest): RtspReply | Promise<RtspReply> {
    const { path, trackIndex = 0 } = readUri(request.uri);
    const feed = this.#feedOf(path);
    const talks = feed !== undefined && trackIndex === feed.tracks.length && this.#mayTalk(request);
    if (feed === undefined || (feed.tracks[trackIndex] === undefined && !talks)) return { status: 404 };
    if (this.#isBroken(path)) return { status: 503 };
    const { viewersMax = Infinity, sessionsMax = Infinity, onlyTransport, swapsChannels } = this.#options.quirks;
    if (this.#viewers(path) >= viewersMax || this.#viewers() >= sessionsMax) return { status: 453 };
    if (this.#session !== undefined && (this.#session.playing || this.#session.path !== path)) return { status: 455 };
    const transport = chooseTransport(request.headers.get('transport') ?? '', (kind) => (onlyTransport ?? kind) === kind);
    if (transport === undefined) return { status: 461 };
    const session = this.#session ??= new RtspSession({ feed, path, alter: alterAsQuirksSay(this.#options.quirks) });
    if (talks && !this.#options.ear.take(session)) return { status: 453 };
    if (transport.kind === 'udp') return this.#setupDatagrams(session, trackIndex, transport);
    const wanted = swapsChannels === true ? (transport.channel ?? 0) ^ 2 : transport.channel;
    return this.#connectTrack(session, trackIndex, interleaved(session.channelFor(trackIndex, wanted), (bytes) => this.#writeInterleaved(bytes)));
  }

  async #setupDatagrams(session: RtspSession, trackIndex: number, viewer: Transport & { kind: 'udp' }): Promise<RtspReply> {
    try {
      const delivery = await openDatagrams({
        address: this.#options.address,
        viewer: { ...viewer, address: this.#socket.remoteAddress ?? '' },
        onMedia: (packet) => session.hear(packet),
        onControl: () => this.#seeSignOfLife(),
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
      headers: [['Transport', `${delivery.transport}${source};mode="PLAY"`], ['Session', `${session.id};timeout=${this.#timeoutSeconds}`]],
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
    if (this.#options.quirks.streamsMissing === true) return undefined;
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

  #writeInterleaved(bytes: Buffer): void {
    this.#write(bytes);
    if (this.#held === undefined) return;
    this.#write(this.#held);
    this.#held = undefined;
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
