/**
 * The RTSP server of one camera (RFC 2326): Digest authentication, interleaved TCP, any number of viewers up to a bound. A viewer who
 * does not read is dropped, bytes that are no RTSP end their connection, and nothing that a client sends ends the camera.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { checkAnswer, parseAuthHeader } from '../base/digest.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Quirks } from './face.ts';
import type { Feed } from './feed.ts';
import { harm, harmfulSdp } from './hostile.ts';
import { formatReply, readUri, RtspParser, tcpChannel, type RtspReply, type RtspRequest } from './rtspmessage.ts';
import { RtspSession } from './rtspsession.ts';

export interface RtspServerOptions {
  readonly address: string;
  /** By path, such as `/main`. */
  readonly feeds: ReadonlyMap<string, Feed>;
  readonly user: string;
  /** Asked at each check, for it may change. */
  readonly password: () => string;
  readonly quirks: Quirks;
  readonly log: Log;
}

const realm = 'Emulated camera';
const methods = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'GET_PARAMETER', 'SET_PARAMETER', 'TEARDOWN'];
const connectionsMax = 64;
const sessionTimeoutSeconds = 60;
/** A viewer with more than this unread is dropped. */
const unreadBytesMax = 8 * 2 ** 20;

export class RtspServer {
  readonly #options: RtspServerOptions;
  readonly #connections = new Set<RtspConnection>();
  #server: Server | undefined;
  #stalled = false;

  constructor(options: RtspServerOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Listens on `port` (0: a free one) and returns the port. */
  async start(port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#options.address, port, backlog: 64 }, resolve);
    });
    server.on('error', (error) => this.#options.log.warn({ reason: reasonOf(error) }, 'the RTSP server reports an error'));
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Every connection is reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of this.#connections) connection.reset();
    await closed;
  }

  stall(): void {
    this.#stalled = true;
    for (const connection of this.#connections) connection.stall();
  }

  /** Resets whoever has a session on the path. */
  cutOff(path: string): void {
    for (const connection of this.#connections) if (connection.path === path) connection.reset();
  }

  resume(): void {
    this.#stalled = false;
    for (const connection of this.#connections) connection.resume();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= connectionsMax) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new RtspConnection(socket, this.#options, {
      viewers: (path) => [...this.#connections].filter((one) => one !== connection && one.path === path).length,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (this.#stalled) connection.stall();
  }
}

class RtspConnection {
  readonly #socket: Socket;
  readonly #options: RtspServerOptions;
  readonly #parser = new RtspParser();
  readonly #nonce = randomBytes(16).toString('hex');
  readonly #idle: NodeJS.Timeout;
  /** Of the other connections, how many have a session on the path. */
  readonly #viewers: (path: string) => number;
  #end: NodeJS.Timeout | undefined;
  #session: RtspSession | undefined;
  #stalled = false;

  constructor(socket: Socket, options: RtspServerOptions, o: { viewers: (path: string) => number; onClose: () => void }) {
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

  reset(): void {
    this.#socket.resetAndDestroy();
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
    this.#socket.resume();
  }

  #timeOut(): void {
    if (this.#stalled) this.#idle.refresh();
    else this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#idle.refresh();
    try {
      for (const request of this.#parser.push(chunk)) this.#handle(request);
    } catch (error) {
      this.#options.log.debug({ reason: reasonOf(error) }, 'no RTSP, connection closed');
      this.#socket.end(formatReply(undefined, { status: 400 }));
      this.#socket.destroySoon();
    }
  }

  #handle(request: RtspRequest): void {
    const cseq = request.headers.get('cseq');
    const reply = cseq === undefined || !/^\d{1,10}$/.test(cseq) ? { status: 400 } : this.#answer(request);
    this.#write(formatReply(cseq, reply));
    if (reply.status !== 200) return;
    if (request.method === 'PLAY') this.#begin();
    if (request.method === 'TEARDOWN') this.#socket.end();
  }

  #begin(): void {
    this.#session?.play();
    const { endsAfterMs } = this.#options.quirks;
    if (endsAfterMs !== undefined) this.#end ??= setTimeout(() => this.#socket.end(), endsAfterMs);
  }

  #answer(request: RtspRequest): RtspReply {
    if (!methods.includes(request.method)) return { status: 405, headers: [['Allow', methods.join(', ')]] };
    if (request.method === 'OPTIONS') return { status: 200, headers: [['Public', methods.join(', ')]] };
    const required = request.headers.get('require');
    if (required !== undefined) return { status: 551, headers: [['Unsupported', required]] };
    if (!this.#authorised(request)) {
      return { status: 401, headers: [['WWW-Authenticate', `Digest realm="${realm}", nonce="${this.#nonce}"`]] };
    }
    switch (request.method) {
      case 'DESCRIBE': return this.#describe(request);
      case 'SETUP': return this.#setup(request);
      case 'PLAY': return this.#play(request);
      case 'TEARDOWN': return this.#teardown(request);
      default: return this.#session === undefined ? { status: 200 } : this.#inSession(request) ?? { status: 200, headers: [['Session', this.#session.id]] };
    }
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
      body: harmfulSdp(this.#options.quirks.hostile, describeFeed(feed, this.#options.address)),
    };
  }

  #setup(request: RtspRequest): RtspReply {
    const { path, trackIndex = 0 } = readUri(request.uri);
    const feed = this.#feedOf(path);
    if (feed === undefined || feed.tracks[trackIndex] === undefined) return { status: 404 };
    if (this.#isBroken(path)) return { status: 503 };
    if (this.#viewers(path) >= (this.#options.quirks.viewersMax ?? Infinity)) return { status: 453 };
    if (this.#session !== undefined && (this.#session.playing || this.#session.path !== path)) return { status: 455 };
    const channel = tcpChannel(request.headers.get('transport') ?? '');
    if (channel === 'none') return { status: 461 };
    this.#session ??= new RtspSession({ feed, path, write: (bytes) => this.#write(bytes), alter: harm(this.#options.quirks.hostile) });
    const view = this.#session.setup(trackIndex, channel);
    return {
      status: 200,
      headers: [
        ['Transport', `RTP/AVP/TCP;unicast;interleaved=${view.channel}-${view.channel + 1};ssrc=${view.ssrc.toString(16).padStart(8, '0').toUpperCase()};mode="PLAY"`],
        ['Session', `${this.#session.id};timeout=${sessionTimeoutSeconds}`],
      ],
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

/** SDP (RFC 4566) with one control URL a track. */
function describeFeed(feed: Feed, address: string): string {
  const lines = [
    'v=0', `o=- ${Math.floor(feed.startWallMs)} 1 IN IP4 ${address}`, 's=Emulated camera', `c=IN IP4 ${address}`, 't=0 0', 'a=control:*', 'a=range:npt=now-',
    ...feed.tracks.flatMap((track, index) => [
      `m=${track.kind} 0 RTP/AVP ${track.payloadType}`, ...track.sdp, `a=control:trackID=${index}`, 'a=recvonly',
    ]),
  ];
  return `${lines.join('\r\n')}\r\n`;
}
