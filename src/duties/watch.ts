/**
 * Watches one camera: learns what it is when that is not known yet, keeps its stream, its recorder and its observer going, and knows in
 * words how it is at every moment.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { CameraAddress } from '../cameras/client.ts';
import type { Jail } from '../capture/jail.ts';
import type { Still, StillOrder } from '../capture/still.ts';
import type { StreamCapture, StreamState } from '../capture/stream.ts';
import { backoffMs } from '../policy/backoff.ts';
import type { GapReason } from '../policy/gaps.ts';
import type { Change } from '../policy/observations.ts';
import { awayWaitMsMax } from '../policy/supervision.ts';
import type { CameraConfig } from '../policy/settings.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Vault } from '../vault/vault.ts';
import { certificatesAnew, certificatesOf, passwordName, placeOf, readCamera, recallCamera, rememberCamera, type CameraFacts } from './adopt.ts';
import { Changes } from './changes.ts';
import { GapBook } from './gapbook.ts';
import type { Beating } from './heartbeat.ts';
import type { Notices } from './notices.ts';
import { OnDemand } from './ondemand.ts';
import { Observer, type ObserverStatus } from './observe.ts';
import type { RecordingRoom, RecordPlan, SealedSegment } from './record.ts';
import { StreamSession } from './streamsession.ts';
import { StreamWatch, type StreamStatus } from './streamwatch.ts';

export interface WatchOptions {
  readonly camera: CameraConfig;
  readonly vault: Vault;
  readonly fileKeys: FileKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly bootId: string;
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly jail: Jail;
  readonly periodMs: number;
  readonly cutAfterMs: number;
  readonly clockState: () => 'synchronised' | 'unsynchronised';
  /**
   * Whom footage is sealed for, now. None: nothing may be recorded (SP_NO_OWNER), the camera is watched all the same. Between none and some the
   * camera is watched anew; other ones are taken as they are.
   */
  readonly recipients: () => readonly string[];
  readonly room: RecordingRoom;
  /** Has the thumbnail of a segment made; undefined where none is wanted. */
  readonly still: (order: Pick<StillOrder, 'camera' | 'stream' | 'init' | 'keyFrame'>) => Still | undefined;
  /** What of it is recorded; all where it is not given. */
  readonly plan?: RecordPlan;
  readonly onSealed?: (segment: SealedSegment) => void;
  /** What it says that it sees. */
  readonly onObserved?: (changes: readonly Change[]) => void;
  readonly notices: Pick<Notices, 'raise' | 'settle'>;
  /** When the network last heard a Hello from an address, monotonic. */
  readonly helloMs: (address: string) => number | undefined;
  /** Another camera of ours is known to stand where this one was: nothing is sent there in its name. */
  readonly placeTaken: SallyportError | undefined;
}

export interface CameraStatus {
  readonly camera: string;
  readonly name: string;
  readonly online: boolean;
  readonly sinceMs: UnixMs;
  readonly state: string;
  readonly recording: boolean;
  readonly device: CameraFacts['device'] | undefined;
  /** When it was taken in; undefined where that is not known. */
  readonly adoptedMs: UnixMs | undefined;
  readonly restarts: number;
  readonly bytes: number;
  readonly lastSealedMs: UnixMs | undefined;
  readonly segmentsSealed: number;
  /** Whether it is to be recorded, and there is somebody to seal for. */
  readonly wanted: boolean;
  /** Its space is private: it is not spoken to. */
  readonly privacy: boolean;
  /** The fields above speak of the main stream; here is each. */
  readonly streams: readonly StreamStatus[];
  /** Undefined where its events are not asked for: as configured, or not yet. */
  readonly events: ObserverStatus | undefined;
}

/** A stream that somebody watches live, until he gives it back. */
export interface LentStream {
  /** Main, where the camera has no other. */
  readonly stream: 'main' | 'sub';
  readonly capture: StreamCapture;
  release(): void;
}

/** No camera is asked for a password again within this time: many lock a user out after some wrong ones. */
const refusedWaitMs = 5 * minuteMs;
/** Being asked what it is costs a camera that answers wrongly more than a connection. */
const askWaitMsMax = 12 * minuteMs;
const startRetryMs = 5 * secondMs;

/** What the site keeps of each camera: its watch, or what stands in its place. */
export interface Watched {
  start(): void;
  close(why?: GapReason): Promise<void>;
  readonly status: CameraStatus;
  readonly beating: Beating;
  /** See CameraWatch. */
  lend(stream: 'main' | 'sub'): Promise<LentStream | undefined>;
}

export class CameraWatch implements Watched {
  readonly #o: WatchOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #facts: CameraFacts | undefined;
  #streams: readonly StreamWatch[] = [];
  /** The sub stream where it is not recorded, for who watches it live. */
  #subOnDemand: OnDemand<StreamSession> | undefined;
  #observer: Observer | undefined;
  #changes: Changes | undefined;
  /** Since when it is not online, monotonic; undefined before it was online for the first time. */
  #awayMs: number | undefined;
  /** The account of a camera that could not be asked yet what it is. */
  #unknown: GapBook | undefined;
  #problem: SallyportError | undefined;
  #online: boolean | undefined;
  #sinceMs: UnixMs;

  constructor(o: WatchOptions) {
    this.#o = o;
    this.#sinceMs = o.clock.wallMs();
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** `why` nothing is recorded from now on. */
  async close(why: GapReason = 'hub stopped'): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all([...this.#streams.map((stream) => stream.close(why)), this.#subOnDemand?.close(), this.#observer?.close(why), this.#changes?.close()]);
    await this.#unknown?.close(why);
  }

  /**
   * A stream for who watches live: the session from which it is recorded, or one for those who look, where it is not. Main instead of a
   * sub stream that the camera does not have. Undefined as long as it is not known what the camera streams. What the session cannot
   * begin without: SP_NO_PASSWORD, SP_JAIL_LEVEL, SP_DATABASE, SP_DISK; SP_STOPPED when the camera is watched no more.
   */
  async lend(stream: 'main' | 'sub'): Promise<LentStream | undefined> {
    const facts = this.#facts;
    if (facts === undefined || this.#stop.signal.aborted) return undefined;
    const wanted = stream === 'sub' && facts.sub !== undefined ? 'sub' : 'main';
    if (wanted === 'sub' && !this.#o.camera.sub) {
      const onDemand = this.#subOnDemand ??= new OnDemand(this.#o.clock, () => this.#openSub(facts));
      const { capture } = await onDemand.take();
      return { stream: wanted, capture, release: () => onDemand.release() };
    }
    const session = this.#streams.find((watch) => watch.session.stream === wanted)?.session;
    return session === undefined ? undefined : { stream: wanted, capture: session.capture, release: () => {} };
  }

  async #openSub(facts: CameraFacts): Promise<StreamSession> {
    const { camera, jail } = this.#o;
    if (this.#stop.signal.aborted || facts.sub === undefined) throw new SallyportError('SP_STOPPED', { what: `watching ${camera.id}` });
    if (jail.problem !== undefined) throw jail.problem;
    return new StreamSession({ stream: 'sub', facts: facts.sub, certificates: certificatesOf(camera.id, facts), password: await this.#password(), watch: this.#o });
  }

  /** For the watchdog: whether segments should close, and why they cannot if that is known. */
  get beating(): Beating {
    const { camera, recipients } = this.#o;
    const [main] = this.#streams;
    const excuse = main?.keyFrameless === true ? 'it sends no key frame' : main?.status.resting === undefined ? undefined : 'nothing is to be recorded now';
    return { camera: camera.id, wanted: camera.record && recipients().length > 0, online: this.#online === true, segmentsSealed: main?.status.segmentsSealed ?? 0, excuse };
  }

  get status(): CameraStatus {
    const { camera, recipients } = this.#o;
    const streams = this.#streams.map((stream) => stream.status);
    const [main] = streams;
    return {
      camera: camera.id,
      name: camera.name,
      online: this.#online === true,
      sinceMs: this.#sinceMs,
      state: this.#problem !== undefined ? `${this.#problem.message} (${this.#problem.code})` : main?.state ?? 'being asked what it is',
      recording: main?.recording === true,
      device: this.#facts?.device,
      adoptedMs: this.#facts?.adoptedMs,
      restarts: main?.restarts ?? 0,
      bytes: main?.bytes ?? 0,
      lastSealedMs: main?.lastSealedMs,
      segmentsSealed: main?.segmentsSealed ?? 0,
      wanted: camera.record && recipients().length > 0 && main?.resting === undefined,
      privacy: false,
      streams,
      events: this.#observer?.status,
    };
  }

  async #run(): Promise<void> {
    if (this.#o.placeTaken !== undefined) return this.#missIt(this.#o.placeTaken);
    const facts = await this.#learn();
    if (facts === undefined) return;
    this.#facts = facts;
    const [started] = await Promise.all([this.#startStreams(facts), this.#startObserver(facts)]);
    if (started) this.#startChanges(facts);
  }

  #startChanges(facts: CameraFacts): void {
    const { camera, vault, notices, clock, log, helloMs, onObserved } = this.#o;
    this.#changes = new Changes({
      camera: camera.id, ...(onObserved === undefined ? {} : { onObserved }), vault, notices, clock, log, online: () => this.#online === true, helloMs: () => helloMs(camera.address),
      access: async () => ({ camera: camera.id, address: addressOf(camera), user: camera.user, password: await this.#password(), certificates: certificatesOf(camera.id, facts) }),
      known: () => (this.#facts ?? facts).device,
      onChange: async (device) => {
        this.#facts = await rememberCamera(vault, camera.id, { ...(this.#facts ?? facts), device });
      },
    });
    this.#changes.start();
  }

  /** Apart from the streams, so that neither waits for the other. */
  async #startObserver(facts: CameraFacts): Promise<void> {
    const { camera, vault, notices, clock, log, random, onObserved } = this.#o;
    while (camera.events && !this.#stop.signal.aborted && this.#observer === undefined) {
      try {
        const password = await this.#password();
        const observer = new Observer({
          camera: camera.id, address: addressOf(camera), user: camera.user, password, certificates: certificatesOf(camera.id, facts),
          vault, notices, clock, log, random, online: () => this.#online === true, ...(onObserved === undefined ? {} : { onObserved }),
        });
        observer.start();
        this.#observer = observer;
      } catch (error) {
        log.debug({ component: 'watch', camera: camera.id, code: asSallyportError(error).code }, 'events are not asked for yet');
        await this.#wait(startRetryMs);
      }
    }
  }

  /** Known facts of this address, else asks the camera until it answers; undefined when stopped first. */
  async #learn(): Promise<CameraFacts | undefined> {
    const { camera, vault, clock, log, ffprobe, jail, random } = this.#o;
    const unanswered = new Set(['SP_CAMERA_UNREACHABLE']);
    for (let attempt = 1; !this.#stop.signal.aborted; attempt++) {
      try {
        const known = await recallCamera(vault, camera.id);
        if (known !== undefined && (known.askedAt ?? placeOf(addressOf(camera))) === placeOf(addressOf(camera))) return known;
        const password = await this.#password();
        const facts = await readCamera({ camera: camera.id, address: addressOf(camera), user: camera.user, password }, { clock, log, ffprobe, jail }, this.#stop.signal, certificatesAnew(camera.id, known));
        const remembered = await rememberCamera(vault, camera.id, facts);
        await vault.audit({ what: 'camera.adopted', who: 'hub', camera: camera.id, detail: { ...facts.device } });
        return remembered;
      } catch (error) {
        if (this.#stop.signal.aborted) return undefined;
        const problem = asSallyportError(error);
        await this.#missIt(problem);
        if (problem.code === 'SP_CAMERA_REFUSED') await this.#wait(refusedWaitMs);
        else await this.#wait(backoffMs(attempt, random, unanswered.has(problem.code) ? awayWaitMsMax : askWaitMsMax));
      }
    }
    return undefined;
  }

  async #missIt(problem: SallyportError): Promise<void> {
    const { camera, log } = this.#o;
    this.#problem = problem;
    this.#setOnline(false);
    log.warn({ component: 'watch', camera: camera.id, code: problem.code }, problem.message);
    await this.#account(problem.code === 'SP_CAMERA_REFUSED' ? 'credentials refused' : 'camera offline');
  }

  /** What is not known cannot be recorded, and the time until it is known is a gap like any other. */
  async #account(reason: GapReason): Promise<void> {
    const { camera, vault, clock, log } = this.#o;
    this.#unknown ??= await GapBook.open({ camera: camera.id, stream: 'main', vault, clock, log }).catch(() => undefined);
    this.#unknown?.explain(reason, this.#problem?.code ?? '');
  }

  async #password(): Promise<Secret> {
    const password = await this.#o.vault.secret(passwordName(this.#o.camera.id));
    if (password === undefined) throw new SallyportError('SP_NO_PASSWORD', { camera: this.#o.camera.id });
    return password;
  }

  /** Tried until it goes: a database that cannot be read now must not cost more than the time that it cannot. False when stopped first. */
  async #startStreams(facts: CameraFacts): Promise<boolean> {
    const { camera, log } = this.#o;
    if (camera.sub && facts.sub === undefined) log.warn({ component: 'watch', camera: camera.id }, 'its sub stream is to be recorded, but it has none');
    const wanted = [['main', facts.main] as const, ...(camera.sub && facts.sub !== undefined ? [['sub', facts.sub] as const] : [])];
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#o.jail.problem !== undefined) throw this.#o.jail.problem;
        const password = await this.#password();
        for (const [stream, of] of wanted.slice(this.#streams.length)) {
          const gaps = stream === 'main' ? this.#unknown : undefined;
          this.#streams = [...this.#streams, await StreamWatch.start({ stream, facts: of, certificates: certificatesOf(camera.id, facts), password, watch: this.#o, gaps, onState: (state) => this.#onState(stream, state) })];
          if (stream === 'main') this.#unknown = undefined;
        }
        return true;
      } catch (error) {
        this.#problem = asSallyportError(error);
        log.error({ component: 'watch', camera: camera.id, code: this.#problem.code }, this.#problem.message);
        await this.#wait(startRetryMs);
      }
    }
    return false;
  }

  #onState(stream: 'main' | 'sub', { state, reason }: StreamState): void {
    if (stream !== 'main') return;
    this.#problem = undefined;
    const before = this.#online;
    this.#setOnline(state === 'live');
    if (before === true && state !== 'live') this.#awayMs = this.#o.clock.monotonicMs();
    if (before === false && state === 'live' && this.#awayMs !== undefined) void this.#changes?.cameBack(this.#awayMs);
    if (reason === 'certificate changed') this.#o.notices.raise('certificate changed', '', this.#o.camera.id);
    else if (state === 'live') this.#o.notices.settle('certificate changed', this.#o.camera.id);
  }

  #setOnline(online: boolean): void {
    if (this.#online === online) return;
    this.#online = online;
    this.#sinceMs = this.#o.clock.wallMs();
    this.#o.log.info({ component: 'watch', camera: this.#o.camera.id }, online ? 'camera online' : 'camera offline');
  }

  async #wait(ms: number): Promise<void> {
    await this.#o.clock.sleep(ms, this.#stop.signal).catch(() => {});
  }
}

export function addressOf(camera: CameraConfig): CameraAddress {
  return { host: camera.address, port: camera.port, path: camera.path, secure: camera.secure };
}
