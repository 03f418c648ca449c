/** What the emulator's tests share: loopback addresses of their own, a small RTSP client, ffmpeg as a foreign one, SOAP by hand. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { answerChallenge, parseChallenge } from '../../src/base/digest.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { standardHabits, type ServiceName } from '../../src/emulator/habits.ts';
import { Emulator, type EmulatedCamera, type EmulatorOptions } from '../../src/emulator/emulator.ts';

/** Of a /24 of its own, so that tests that run at the same time do not meet. */
export function ownAddress(): string {
  return `127.${randomInt(10, 251)}.${randomInt(10, 251)}.2`;
}

export async function startEmulator(t: Test, options: Partial<EmulatorOptions> = {}): Promise<{ emulator: Emulator; camera: EmulatedCamera }> {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: ownAddress(), seconds: 3, log: silentLog, discovery: false, folder: options.folder ?? sceneFolder(), ...options });
  t.teardown(() => emulator.close());
  return { emulator, camera: emulator.cameras[0] as EmulatedCamera };
}

let scenes: string | undefined;

/** One for the whole process: a scene costs a second of two processors, and most tests want the same. */
function sceneFolder(): string {
  if (scenes === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-scenes-'));
    process.once('exit', () => rmSync(folder, { recursive: true }));
    scenes = folder;
  }
  return scenes;
}

export function rtspUrl(camera: EmulatedCamera, path: string, password = camera.password): string {
  return `rtsp://${camera.user}:${encodeURIComponent(password)}@${camera.address}:${camera.rtspPort}${path}`;
}

/** MD5 of each decoded picture, and what ffmpeg had to complain about. */
export async function pictureHashes(input: readonly string[]): Promise<{ hashes: string[]; complaints: string }> {
  const done = await run('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'warning', '-threads', '1', ...input, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-']);
  const hashes = done.stdout.toString('utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(',').at(-1)?.trim() ?? '');
  return { hashes, complaints: done.stderr };
}

/** The types of the first pictures that come, as letters (`IPPPI`). */
export async function pictureTypes(url: string, count: number): Promise<string> {
  const done = await run('ffprobe', ['-v', 'error', '-rtsp_transport', 'tcp', '-select_streams', 'v', '-show_entries', 'frame=pict_type', '-of', 'csv=p=0', '-read_intervals', `%+#${count}`, url]);
  return done.stdout.toString('utf8').replaceAll(/[^IPB]/g, '');
}

export interface RtspAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Of each `WWW-Authenticate`. */
  readonly challenges: readonly string[];
  readonly body: string;
}

/** An RTSP client by hand: requests, answers, and interleaved packets beside them. */
export class RtspClient {
  readonly socket: Socket;
  readonly packets: Buffer[] = [];
  #rest = Buffer.alloc(0);
  readonly #answers: RtspAnswer[] = [];
  #wake: () => void = () => {};
  #cseq = 0;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    socket.on('data', (chunk) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#takeOne());
      this.#wake();
    });
  }

  static async connect(camera: EmulatedCamera): Promise<RtspClient> {
    const socket = connect(camera.rtspPort, camera.address);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RtspClient(socket);
  }

  async ask(method: string, uri: string, headers: Readonly<Record<string, string>> = {}): Promise<RtspAnswer> {
    this.#cseq++;
    const lines = Object.entries({ CSeq: String(this.#cseq), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.socket.write(`${method} ${uri} RTSP/1.0\r\n${lines}\r\n`);
    return this.answer();
  }

  /** With Digest, as the server's challenge asks. */
  async askAs(camera: EmulatedCamera, method: string, uri: string, headers: Readonly<Record<string, string>> = {}): Promise<RtspAnswer> {
    const refused = await this.ask(method, uri, headers);
    const challenge = parseChallenge([refused.headers.get('www-authenticate') ?? '']);
    if (refused.status !== 401 || challenge === undefined) return refused;
    return this.ask(method, uri, { ...headers, Authorization: answerChallenge(challenge, { username: camera.user, password: camera.password, method, uri, count: 1 }) });
  }

  /** Up to PLAY of the first track; the answers on the way. */
  async play(camera: EmulatedCamera, path = '/main'): Promise<RtspAnswer[]> {
    const uri = `rtsp://${camera.address}:${camera.rtspPort}${path}`;
    const described = await this.askAs(camera, 'DESCRIBE', uri);
    const setUp = await this.askAs(camera, 'SETUP', `${uri}/trackID=0`, { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' });
    const played = await this.askAs(camera, 'PLAY', uri, { Session: setUp.headers.get('session')?.split(';')[0] ?? '' });
    return [described, setUp, played];
  }

  async answer(): Promise<RtspAnswer> {
    await this.until(() => this.#answers.length > 0 || this.closed);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error('the connection ended without an answer');
    return answer;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => { this.#wake = resolve; });
  }

  #takeOne(): boolean {
    if (this.#rest.length < 4) return false;
    if (this.#rest[0] === 0x24) {
      const size = 4 + this.#rest.readUInt16BE(2);
      if (this.#rest.length < size) return false;
      this.packets.push(this.#rest.subarray(0, size));
      this.#rest = this.#rest.subarray(size);
      return true;
    }
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const [first = '', ...lines] = this.#rest.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const));
    const size = end + 4 + Number(headers.get('content-length') ?? 0);
    if (this.#rest.length < size) return false;
    this.#answers.push({ status: Number(first.split(' ')[1]), headers, challenges: lines.filter((line) => /^www-authenticate:/i.test(line)).map((line) => line.slice(17).trim()), body: this.#rest.toString('utf8', end + 4, size) });
    this.#rest = this.#rest.subarray(size);
    return true;
  }
}

const wss = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** A WS-Security header with a UsernameToken made now, or as told. */
export function securityHeader(camera: EmulatedCamera, o: { password?: string; createdMs?: number; nonce?: Buffer } = {}): string {
  const nonce = o.nonce ?? randomBytes(16);
  const created = new Date(o.createdMs ?? Date.now()).toISOString();
  const digest = createHash('sha1').update(Buffer.concat([nonce, Buffer.from(created + (o.password ?? camera.password))])).digest('base64');
  return `<Security xmlns="${wss}-wssecurity-secext-1.0.xsd"><UsernameToken><Username>${camera.user}</Username>`
    + `<Password Type="${wss}-username-token-profile-1.0#PasswordDigest">${digest}</Password><Nonce>${nonce.toString('base64')}</Nonce>`
    + `<Created xmlns="${wss}-wssecurity-utility-1.0.xsd">${created}</Created></UsernameToken></Security>`;
}

export async function postSoap(camera: EmulatedCamera, body: string, o: { header?: string; service?: ServiceName; url?: string; authorization?: string } = {}): Promise<{ status: number; text: string; challenge: string | null }> {
  const response = await fetch(o.url ?? `http://${camera.address}:${camera.onvifPort}${standardHabits.paths[o.service ?? 'device']}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/soap+xml; charset=utf-8', ...(o.authorization === undefined ? {} : { Authorization: o.authorization }) },
    body: `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${o.header ?? ''}</s:Header><s:Body>${body}</s:Body></s:Envelope>`,
  });
  return { status: response.status, text: await response.text(), challenge: response.headers.get('www-authenticate') };
}
