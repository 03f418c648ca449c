/** One emulated camera: its face, its servers, and their coming and going. */
import { Turns } from '../base/turns.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Announcer } from './announcer.ts';
import type { Position } from './head.ts';
import { makeCertificate, type Certificate } from './certificate.ts';
import { Ear, type Hearing } from './ear.ts';
import type { CameraFace, DeviceFacts, Quirks, StreamFacts, StreamName, Tries, WantedVideo } from './face.ts';
import { LiveFeed } from './feed.ts';
import { OnvifServer } from './onvif/server.ts';
import { RtspServer } from './rtsp.ts';
import type { VideoCodec } from './samples.ts';
import type { EventKind } from './topics.ts';

export interface EmulatedCamera {
  readonly name: string;
  readonly address: string;
  readonly onvifPort: number;
  readonly rtspPort: number;
  /** Of the main stream. */
  readonly rtspPath: string;
  /** 0 where it does not speak TLS, as the two above are where it speaks nothing else. */
  readonly httpsPort: number;
  readonly rtspsPort: number;
  /** SHA-256 of its certificate, hexadecimal; undefined without TLS. */
  readonly fingerprint: string | undefined;
  /** `urn:uuid:…`, the same whenever a camera is emulated at this address. */
  readonly urn: string;
  readonly serial: string;
  readonly user: string;
  readonly password: string;
  readonly device: DeviceFacts;
  /** MP4 files whose pictures are exactly those that are sent, in a loop. */
  readonly scenes: Readonly<Record<StreamName, string>>;
  /** Open RTSP connections. */
  readonly connections: number;
  /** The picture of the main stream that is sent next, counted through all loops. */
  readonly nextPicture: number;
  /** Where this camera strays from the standard; may be changed at any time. */
  readonly quirks: Quirks;
  /** Vanishes: says Bye, closes its ports, resets every connection. */
  stop(): Promise<void>;
  /** Comes back, on the same ports where they are still free. */
  start(): Promise<void>;
  /** Gets another address of loopback, as by DHCP: vanishes here and comes up there, as who it was; stays where it is when that cannot be had. */
  moveTo(address: string): Promise<void>;
  /** Every connection is reset; new ones are welcome. */
  resetConnections(): void;
  /** RTSP and ONVIF fall silent; sockets stay, new ones are accepted. */
  stall(): void;
  /** Goes on with the present picture, from a key frame. */
  resume(): void;
  /** The stream fails alone: those who play it are cut off, and refused until it is mended. */
  breakStream(name: StreamName): void;
  mendStream(name: StreamName): void;
  /** Its main stream shows this scene from now on, in mid-stream: another resolution without a word. */
  show(scene: StreamName): void;
  /** Its main stream comes in this codec from now on, in mid-stream and without a word; resolves when it does. */
  changeCodec(codec: VideoCodec): Promise<void>;
  /** Another certificate, with another key, for who comes from now on. */
  renewCertificate(): void;
  /** The G.711 that talkers sent so far, one byte a sample, of the last five minutes. */
  heard(): Buffer;
  /** Who talks, in which codec, and what was lost on the way. */
  readonly hearing: Hearing;
  /** Something begins or ends before the camera: whoever subscribed is told. */
  raise(kind: EventKind, on: boolean): void;
  /** Where its head looks; undefined where it does not move. */
  readonly looksAt: Position | undefined;
  /** Away for so long, as SystemReboot makes it (5 s): Bye, every connection reset, Hello; what lived in memory is gone. */
  reboot(awayMs?: number): Promise<void>;
  /** How often its password was tried, over HTTP and RTSP, and was right or wrong. */
  readonly tries: Readonly<Tries>;
  /** How many times it was started. */
  readonly boots: number;
  /** How many subscriptions to events live. */
  readonly subscriptions: number;
  /** For whatever is asked from now on; streams that run go on. */
  setPassword(password: string): void;
}

/** What a camera plays. */
export interface Role {
  readonly streams: Readonly<Record<StreamName, StreamFacts>>;
  readonly scenes: Readonly<Record<StreamName, string>>;
}

type Recode = (name: StreamName, wanted: WantedVideo) => Promise<StreamFacts>;

export class Camera implements EmulatedCamera {
  scenes: Readonly<Record<StreamName, string>>;
  readonly #restage: (codec: VideoCodec) => Promise<Role>;
  readonly #face: CameraFace;
  readonly #announcers: readonly Announcer[];
  readonly #main: LiveFeed;
  readonly #rtsp: RtspServer;
  readonly #ear: Ear;
  readonly #onvif: OnvifServer;
  #certificate: Certificate | undefined;
  #running = false;
  /** Starts and stops go one after the other. */
  readonly #turns = new Turns();

  #boots = 0;
  /** Aborted by who starts or stops it while it is away. */
  #rebooting = new AbortController();

  /** `restage` gives the same role in another codec, `recode` one stream with other key frames too. */
  constructor(o: { face: CameraFace; scenes: Readonly<Record<StreamName, string>>; announcers: readonly Announcer[]; log: Log; restage: (codec: VideoCodec) => Promise<Role>; recode: Recode }) {
    const { face } = o;
    this.scenes = o.scenes;
    this.#restage = o.restage;
    this.#face = face;
    this.#announcers = o.announcers;
    const begun = { clock: face.clock, startWallMs: face.clock.wallMs(), startMonotonicMs: face.clock.monotonicMs() };
    this.#main = new LiveFeed({ tracks: face.streams.main.tracks, ...begun });
    const sub = new LiveFeed({ tracks: face.streams.sub.tracks, ...begun });
    const { rtspPaths } = face.habits;
    const feeds = new Map([[rtspPaths.main, this.#main], [rtspPaths.sub, sub]]);
    face.recode = async (name, wanted) => {
      face.streams[name] = await o.recode(name, wanted);
      (name === 'main' ? this.#main : sub).show(face.streams[name].tracks);
    };
    face.synchronize = (name) => (name === 'main' ? this.#main : sub).synchronize();
    face.reboot = () => void this.reboot().catch((error: unknown) => o.log.warn({ reason: reasonOf(error) }, 'a camera did not come back'));
    this.#ear = new Ear(face.talk);
    this.#rtsp = new RtspServer({ get address() { return face.address; }, feeds, user: face.user, password: () => face.password, tries: face.tries, ear: this.#ear, quirks: face.quirks, clock: face.clock, log: o.log });
    this.#onvif = new OnvifServer(face, o.log);
  }

  get name(): string { return this.#face.name; }
  get address(): string { return this.#face.address; }
  get onvifPort(): number { return this.#face.onvifPort; }
  get rtspPath(): string { return this.#face.habits.rtspPaths.main; }
  get rtspPort(): number { return this.#face.rtspPort; }
  get httpsPort(): number { return this.#face.httpsPort; }
  get rtspsPort(): number { return this.#face.rtspsPort; }
  get fingerprint(): string | undefined { return this.#certificate?.fingerprint; }
  get urn(): string { return this.#face.urn; }
  get serial(): string { return this.#face.device.serial; }
  get user(): string { return this.#face.user; }
  get password(): string { return this.#face.password; }
  get device(): DeviceFacts { return this.#face.device; }
  get quirks(): Quirks { return this.#face.quirks; }
  get connections(): number { return this.#rtsp.connections; }
  get looksAt(): Position | undefined { return this.#face.head?.position; }
  get tries(): Readonly<Tries> { return { ...this.#face.tries }; }
  get boots(): number { return this.#boots; }
  get subscriptions(): number { return this.#face.events.subscriptions; }
  get nextPicture(): number { return this.#main.next(0); }
  get hearing(): Hearing { return this.#ear.hearing; }

  heard(): Buffer { return this.#ear.heard(); }

  start(): Promise<void> {
    this.#rebooting.abort();
    return this.#boot();
  }

  stop(): Promise<void> {
    this.#rebooting.abort();
    return this.#halt();
  }

  async reboot(awayMs = this.#face.rebootMs): Promise<void> {
    this.#rebooting.abort();
    const { signal } = this.#rebooting = new AbortController();
    await this.#halt();
    await this.#face.clock.sleep(awayMs, signal).catch(() => {});
    if (!signal.aborted) await this.#boot();
  }

  #boot(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#running) return;
      this.#running = true;
      this.#boots++;
      try {
        await this.#listen();
      } catch (error) {
        this.#running = false;
        await Promise.all([this.#rtsp.stop(), this.#onvif.stop()]);
        throw error;
      }
      for (const announcer of this.#announcers) announcer.announce(this.#face);
    });
  }

  #halt(): Promise<void> {
    return this.#turns.take(async () => {
      if (!this.#running) return;
      this.#running = false;
      await Promise.all(this.#announcers.map((announcer) => announcer.withdraw(this.#face)));
      await Promise.all([this.#rtsp.stop(), this.#onvif.stop()]);
      // They live in its memory.
      this.#face.events.endAll();
      this.#rtsp.resume();
    });
  }

  resetConnections(): void {
    this.#rtsp.resetConnections();
    this.#onvif.resetConnections();
  }

  async moveTo(address: string): Promise<void> {
    const before = this.#face.address;
    const runs = this.#running;
    await this.stop();
    this.#face.address = address;
    try {
      await this.start();
    } catch (error) {
      this.#face.address = before;
      if (runs) await this.start();
      throw error;
    }
  }

  stall(): void {
    this.#rtsp.stall();
    this.#onvif.stall();
  }

  resume(): void {
    this.#rtsp.resume();
    this.#onvif.resume();
  }

  breakStream(name: StreamName): void {
    this.#face.quirks.broken = [...(this.#face.quirks.broken ?? []), name];
    this.#rtsp.cutOff(this.#face.habits.rtspPaths[name]);
  }

  mendStream(name: StreamName): void {
    this.#face.quirks.broken = (this.#face.quirks.broken ?? []).filter((one) => one !== name);
  }

  show(scene: StreamName): void {
    this.#main.show(this.#face.streams[scene].tracks);
  }

  raise(kind: EventKind, on: boolean): void {
    this.#face.events.raise(kind, on);
  }

  async changeCodec(codec: VideoCodec): Promise<void> {
    const { streams, scenes } = await this.#restage(codec);
    this.#face.streams.main = streams.main;
    this.scenes = scenes;
    this.#main.show(streams.main.tracks);
  }

  setPassword(password: string): void {
    this.#face.password = password;
  }

  renewCertificate(): void {
    if (this.#certificate === undefined) return;
    this.#certificate = this.#makeCertificate();
    this.#rtsp.renew(this.#certificate);
    this.#onvif.renew(this.#certificate);
  }

  async #listen(): Promise<void> {
    const face = this.#face;
    if (face.tls !== 'only') {
      face.rtspPort = await listen(this.#rtsp, face.rtspPort);
      face.onvifPort = await listen(this.#onvif, face.onvifPort);
    }
    if (face.tls === 'none') return;
    this.#certificate ??= this.#makeCertificate();
    face.rtspsPort = await listen(this.#rtsp, face.rtspsPort, this.#certificate);
    face.httpsPort = await listen(this.#onvif, face.httpsPort, this.#certificate);
  }

  #makeCertificate(): Certificate {
    return makeCertificate({ address: this.#face.address, name: this.#face.device.model, nowMs: this.#face.clock.wallMs() });
  }
}

/** On the wanted port, or on a free one when somebody took it meanwhile. */
async function listen(server: RtspServer | OnvifServer, port: number, certificate?: Certificate): Promise<number> {
  try {
    return await server.start(port, certificate);
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return server.start(0, certificate);
  }
}
