/**
 * Emulated ONVIF cameras with moving pictures, for developers without a camera and for tests.
 *
 * Owns: consecutive addresses of 127.0.0.0/8 from the first one on, free ports on them, a folder of scenes that ffmpeg made, and the
 * answers to WS-Discovery (3702) and mDNS (5353) on loopback. Needs no privileges; any number of emulators run side by side.
 * May touch: sockets on loopback, files in its own folder, ffmpeg as a child for as long as a scene is made.
 * Must never: listen on an address outside loopback, import any room but base/, or be reachable from the hub or the courier; only the
 * command line and tests start it.
 *
 * The camera that it plays keeps to the standards strictly: ONVIF profiles S and T (device, both media services, events, PTZ, imaging;
 * WS-UsernameToken and HTTP Digest), RTSP with Digest, interleaved and over UDP, with the backchannel of ONVIF Streaming, RTP by RFC
 * 6184, 7798, 3640 and 3551. Where a real camera strays, that is a quirk, switched on by name (face.ts), or a habit of its maker
 * (makes.ts). docs/ARCHITECTURE.md tells where this room stands in the house.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import { Camera, type EmulatedCamera, type Role } from './camera.ts';
import { WsDiscovery } from './discovery.ts';
import type { TalkCodec } from './ear.ts';
import type { StreamFacts, StreamName, TlsUse, WantedVideo } from './face.ts';
import { makeFace } from './makeface.ts';
import type { Make } from './makes.ts';
import { Mdns } from './mdns.ts';
import { recodeScene } from './recode.ts';
import { aacTrack, alawTrack, videoTrack, type Track } from './rtp.ts';
import { readAac, type VideoCodec } from './samples.ts';
import { loadVideo, looksMax, makeScene, makeSound, openSceneFolder, plainEncoding, type Encoding, type Scene, type SceneMaker, type SoundKind } from './scene.ts';

export type { EmulatedCamera } from './camera.ts';
export type { DeviceFacts } from './face.ts';
export type { VideoCodec } from './samples.ts';
export { makes, type Make } from './makes.ts';
export { eventKinds, type EventKind } from './topics.ts';

export type EmulatedAudio = SoundKind | 'none';

export interface EmulatorOptions {
  /** 1 to 200. */
  readonly cameras: number;
  /** Such as `127.0.0.2`; the others follow. */
  readonly firstAddress: string;
  /** A file that ffmpeg reads, instead of generated scenes; its first `seconds`, else its first two minutes. */
  readonly clip?: string;
  /** `admin` */
  readonly user?: string;
  /** Made at random, one for all cameras. */
  readonly password?: string;
  /** For all cameras, or for each in turn; `none`. */
  readonly audio?: EmulatedAudio | readonly EmulatedAudio[];
  /** Of the main streams: for all cameras, or for each in turn; `h264`. */
  readonly codec?: VideoCodec | readonly VideoCodec[];
  /** Of the main streams: whole seconds from one key frame to the next, 1 to 300 (1). The loop is at least as long. */
  readonly gopSeconds?: number;
  /** Of the main streams: so many B-frames between two others, 0 to 8 (0). */
  readonly bFrames?: number;
  /** What each loudspeaker takes over the backchannel; none, and the cameras have no loudspeaker. */
  readonly talk?: readonly TalkCodec[];
  /** HTTPS and RTSPS beside HTTP and RTSP, or instead, by a self-signed certificate that is new at each start (none). */
  readonly tls?: TlsUse;
  /** As whose camera each appears, for all cameras or for each in turn (`standard`). */
  readonly makes?: Make | readonly Make[];
  /** Whether its head moves, for all cameras or for each in turn; else as its maker has it. */
  readonly ptz?: boolean | readonly boolean[];
  /** How long a reboot takes (5 s). */
  readonly rebootMs?: number;
  /** Where scenes are kept; else a folder of this user in the temporary folder. */
  readonly folder?: string;
  /** Length of the loop, 1 to 600 (20). */
  readonly seconds?: number;
  readonly log: Log;
  readonly ffmpeg?: string;
  /** The ports of an earlier emulation, so that its cameras come back where they were; taken ones are replaced. */
  readonly ports?: readonly { readonly onvif: number; readonly rtsp: number; readonly https?: number; readonly rtsps?: number }[];
  /** Whether WS-Discovery and mDNS are answered (true). */
  readonly discovery?: boolean;
}

const camerasMax = 200;
const secondsMax = 600;
const gopSecondsMax = 300;
const bFramesMax = 8;
const rebootMs = 5000;
const firstNames = ['front-door', 'garden', 'garage', 'hall'];

export class Emulator {
  readonly cameras: readonly EmulatedCamera[];
  readonly sceneFolder: string;
  readonly #lifetime: Lifetime;

  /** All cameras listen when this resolves. SP_EMULATOR, SP_TOOL_MISSING without ffmpeg. */
  static async start(options: EmulatorOptions): Promise<Emulator> {
    const addresses = addressesFrom(options.firstAddress, options.cameras);
    const seconds = checkSeconds(options.seconds);
    const lifetime = new Lifetime();
    const closed = new AbortController();
    lifetime.defer('what cameras wait for', () => closed.abort());
    try {
      const folder = await openSceneFolder(options.folder);
      const studio = new Studio({ folder, ffmpeg: options.ffmpeg ?? 'ffmpeg', seconds, clip: options.clip, log: options.log });
      const password = options.password ?? randomBytes(9).toString('base64url');
      const encoding = checkEncoding(options);
      const roleOf = (index: number, codec: VideoCodec): Promise<Role> => studio.play(index, audioOf(options.audio, index), { ...encoding, codec });
      const cast = await allOf(addresses.map((_, index) => roleOf(index, inTurn(options.codec, index, 'h264'))));
      const announcers = options.discovery === false ? [] : [
        await lifetime.own('WS-Discovery', WsDiscovery.open(options.log)),
        await lifetime.own('mDNS', new Mdns(options.log)),
      ];
      const cameras: Camera[] = [];
      for (const [index, address] of addresses.entries()) {
        const { streams, scenes } = cast[index] as Role;
        const name = firstNames[index] ?? `camera-${index + 1}`;
        const face = makeFace({
          name, address, streams: { ...streams }, user: options.user ?? 'admin', password, talk: options.talk ?? [], tls: options.tls ?? 'none', rebootMs: options.rebootMs ?? rebootMs, closed: closed.signal, make: turnOf(options.makes, index) ?? 'standard', moves: turnOf(options.ptz, index), ports: options.ports?.[index],
        });
        const camera = new Camera({ face, scenes, announcers, restage: (codec) => roleOf(index, codec), recode: (stream, wanted) => studio.recode(face.streams[stream], scenes[stream], wanted), log: options.log });
        await camera.start();
        lifetime.defer(name, () => camera.stop());
        cameras.push(camera);
      }
      return new Emulator(cameras, folder, lifetime);
    } catch (error) {
      await lifetime.close();
      throw isSallyportError(error) ? error : new SallyportError('SP_EMULATOR', { reason: reasonOf(error) }, error);
    }
  }

  private constructor(cameras: readonly EmulatedCamera[], sceneFolder: string, lifetime: Lifetime) {
    this.cameras = cameras;
    this.sceneFolder = sceneFolder;
    this.#lifetime = lifetime;
  }

  /** Every camera says Bye, every socket is closed. */
  close(): Promise<void> {
    return this.#lifetime.close();
  }
}

/** Makes and loads what cameras share: each scene, each sound and each track once. */
class Studio {
  readonly #maker: SceneMaker;
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(maker: SceneMaker) {
    this.#maker = maker;
  }

  async play(index: number, audio: EmulatedAudio, encoding: Encoding): Promise<Role> {
    const look = this.#maker.clip === undefined ? index % looksMax : 0;
    const scene = await this.#once(`scene ${look} ${JSON.stringify(encoding)}`, () => makeScene(this.#maker, look, encoding));
    const streams = {
      main: await this.#stream(scene, 'main', audio),
      sub: await this.#stream(scene, 'sub', audio),
    };
    return { streams, scenes: { main: scene.main, sub: scene.sub } };
  }

  async #stream(scene: Scene, name: StreamName, audio: EmulatedAudio): Promise<StreamFacts> {
    const video = await this.#once(scene[name], async () => videoTrack(await loadVideo(scene[name])));
    const snapshot = await this.#once(scene.snapshots[name], () => readFile(scene.snapshots[name]));
    const sound = audio === 'none' ? [] : [await this.#sound(audio, video.loopMs)];
    return { tracks: [video, ...sound], snapshot };
  }

  /** The same stream in another codec or with other key frames; the picture of a snapshot stays. */
  async recode(now: StreamFacts, scene: string, wanted: WantedVideo): Promise<StreamFacts> {
    const [video, ...sound] = now.tracks;
    const file = await recodeScene(this.#maker.ffmpeg, scene, { ...wanted, kbps: video?.video?.kbps ?? 1000 });
    return { ...now, tracks: [videoTrack(await loadVideo(file)), ...sound] };
  }

  #sound(kind: SoundKind, loopMs: number): Promise<Track> {
    return this.#once(`${kind} ${loopMs}`, async () => {
      const path = await this.#once(kind, () => makeSound(this.#maker, kind));
      const bytes = await readFile(path);
      return kind === 'aac' ? aacTrack(readAac(bytes), loopMs) : alawTrack(bytes, loopMs);
    });
  }

  #once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#made.get(key);
    if (known !== undefined) return known as Promise<T>;
    const made = make();
    this.#made.set(key, made);
    return made;
  }
}

/** Waits for all, also when one fails, so that no ffmpeg outlives a start that failed. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Of one thing for all, or of things for each in turn. */
function turnOf<T>(of: T | readonly T[] | undefined, index: number): T | undefined {
  return Array.isArray(of) ? (of as readonly T[])[index % Math.max(1, of.length)] : of as T | undefined;
}

function audioOf(audio: EmulatorOptions['audio'], index: number): EmulatedAudio {
  return inTurn(audio, index, 'none');
}

/** One for all cameras, or one for each in turn. */
function inTurn<T extends string>(of: T | readonly T[] | undefined, index: number, otherwise: T): T {
  if (of === undefined || typeof of === 'string') return of ?? otherwise;
  return of[index % Math.max(1, of.length)] ?? otherwise;
}

function checkEncoding({ gopSeconds = plainEncoding.gopSeconds, bFrames = plainEncoding.bFrames }: EmulatorOptions): Omit<Encoding, 'codec'> {
  if (!Number.isInteger(gopSeconds) || gopSeconds < 1 || gopSeconds > gopSecondsMax) throw new SallyportError('SP_EMULATOR', { reason: `a key frame comes every 1 to ${gopSecondsMax} whole seconds` });
  if (!Number.isInteger(bFrames) || bFrames < 0 || bFrames > bFramesMax) throw new SallyportError('SP_EMULATOR', { reason: `0 to ${bFramesMax} B-frames are possible` });
  return { gopSeconds, bFrames };
}

function addressesFrom(first: string, count: number): string[] {
  const octets = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(first)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) throw new SallyportError('SP_EMULATOR', { reason: `${first} is no address of 127.0.0.0/8` });
  if (!Number.isInteger(count) || count < 1 || count > camerasMax) throw new SallyportError('SP_EMULATOR', { reason: `1 to ${camerasMax} cameras are possible` });
  const [high = 0, middle = 0, low = 0] = octets;
  if (low < 1 || low + count - 1 > 254) throw new SallyportError('SP_EMULATOR', { reason: `there is no room for ${count} cameras from ${first} to the end of its /24` });
  return Array.from({ length: count }, (_, index) => `127.${high}.${middle}.${low + index}`);
}

function checkSeconds(seconds: number | undefined): number | undefined {
  if (seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= secondsMax)) return seconds;
  throw new SallyportError('SP_EMULATOR', { reason: `a loop has 1 to ${secondsMax} whole seconds` });
}
