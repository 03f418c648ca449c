/**
 * Watches one camera: learns what it is when that is not known yet, keeps its stream and its recorder going, looks for a changed
 * firmware, and knows in words how it is at every moment.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import { CameraClient } from '../cameras/client.ts';
import { resolvedStreamUrl } from '../cameras/streamurl.ts';
import type { Jail } from '../capture/jail.ts';
import { StreamCapture } from '../capture/stream.ts';
import { audioRule } from '../policy/audio.ts';
import { backoffMs } from '../policy/backoff.ts';
import type { GapReason } from '../policy/gaps.ts';
import type { CameraConfig } from '../policy/settings.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Vault } from '../vault/vault.ts';
import { passwordName, readCamera, recallCamera, rememberCamera, type CameraFacts } from './adopt.ts';
import type { Beating } from './heartbeat.ts';
import { Recorder, type RecordingRoom } from './record.ts';

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
  /** None: nothing may be recorded (SP_NO_OWNER); the camera is watched all the same. */
  readonly recipients: readonly string[];
  readonly lastEndMs: UnixMs | undefined;
  readonly lastEndReason: GapReason;
  readonly room: RecordingRoom;
}

export interface CameraStatus {
  readonly camera: string;
  readonly name: string;
  readonly online: boolean;
  readonly sinceMs: UnixMs;
  readonly state: string;
  readonly recording: boolean;
  readonly device: CameraFacts['device'] | undefined;
  readonly restarts: number;
  readonly bytes: number;
  readonly lastSealedMs: UnixMs | undefined;
  readonly segmentsSealed: number;
}

/** No camera is asked for a password again within this time: many lock a user out after some wrong ones. */
const refusedWaitMs = minuteMs;

export class CameraWatch {
  readonly #o: WatchOptions;
  readonly #stop = new AbortController();
  readonly #life = new Lifetime();
  #loop: Promise<void> = Promise.resolve();
  #facts: CameraFacts | undefined;
  #capture: StreamCapture | undefined;
  #recorder: Recorder | undefined;
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

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#life.close();
    await this.#loop;
  }

  /** For the watchdog: whether segments should close, and why they cannot if that is known. */
  get beating(): Beating {
    const { camera, recipients } = this.#o;
    const excuse = this.#capture?.state.reason === 'no key frame' ? 'it sends no key frame' : undefined;
    return { camera: camera.id, wanted: camera.record && recipients.length > 0, online: this.#online === true, segmentsSealed: this.#recorder?.state.segments ?? 0, excuse };
  }

  get status(): CameraStatus {
    const { camera } = this.#o;
    const recorder = this.#recorder?.state;
    const capture = this.#capture?.state;
    return {
      camera: camera.id,
      name: camera.name,
      online: this.#online === true,
      sinceMs: this.#sinceMs,
      state: this.#inWords(),
      recording: recorder?.recording === true,
      device: this.#facts?.device,
      restarts: capture?.restarts ?? 0,
      bytes: capture?.bytes ?? 0,
      lastSealedMs: recorder?.lastSealedMs,
      segmentsSealed: recorder?.segments ?? 0,
    };
  }

  async #run(): Promise<void> {
    const facts = await this.#learn();
    if (facts === undefined) return;
    this.#facts = facts;
    try {
      this.#startStream(facts, await this.#password());
    } catch (error) {
      this.#problem = asSallyportError(error);
      this.#o.log.error({ component: 'watch', camera: this.#o.camera.id, code: this.#problem.code }, this.#problem.message);
      return;
    }
    await this.#lookHourly();
  }

  /** Known facts, else asks the camera until it answers; undefined when stopped first. */
  async #learn(): Promise<CameraFacts | undefined> {
    const { camera, vault, clock, log, ffprobe, jail, random } = this.#o;
    for (let attempt = 1; !this.#stop.signal.aborted; attempt++) {
      try {
        const known = await recallCamera(vault, camera.id);
        if (known !== undefined) return known;
        const password = await this.#password();
        const facts = await readCamera({ camera: camera.id, address: addressOf(camera), user: camera.user, password }, { clock, log, ffprobe, jail }, this.#stop.signal);
        await rememberCamera(vault, camera.id, facts);
        await vault.audit({ what: 'camera.adopted', who: 'hub', camera: camera.id, detail: { ...facts.device } });
        return facts;
      } catch (error) {
        if (this.#stop.signal.aborted) return undefined;
        this.#problem = asSallyportError(error);
        this.#setOnline(false);
        log.warn({ component: 'watch', camera: camera.id, code: this.#problem.code }, this.#problem.message);
        await this.#wait(this.#problem.code === 'SP_CAMERA_REFUSED' ? refusedWaitMs : backoffMs(attempt, random));
      }
    }
    return undefined;
  }

  async #password(): Promise<Secret> {
    const password = await this.#o.vault.secret(passwordName(this.#o.camera.id));
    if (password === undefined) throw new SallyportError('SP_NO_PASSWORD', { camera: this.#o.camera.id });
    return password;
  }

  #startStream(facts: CameraFacts, password: Secret): void {
    const { camera, ffmpeg, jail, clock, log, random } = this.#o;
    if (jail.problem !== undefined) throw jail.problem;
    const capture = new StreamCapture({
      camera: camera.id,
      stream: 'main',
      url: () => resolvedStreamUrl(camera.id, facts.main.uri, camera.user, password),
      audio: audioRule(camera.audio, facts.main.audioCodec),
      hevc: facts.main.videoCodec === 'hevc',
      ffmpeg, jail, clock, log, random,
      onState: (state) => {
        this.#problem = undefined;
        this.#setOnline(state.state === 'live');
      },
    });
    this.#capture = capture;
    this.#life.defer('capture', () => capture.stop());
    this.#record(capture);
    capture.start();
  }

  #record(capture: StreamCapture): void {
    const { camera, vault, fileKeys, clock, log, bootId, periodMs, cutAfterMs, recipients, clockState, lastEndMs, lastEndReason, room } = this.#o;
    if (!camera.record || recipients.length === 0) return;
    const recorder = new Recorder({
      camera: camera.id, stream: 'main', capture, vault, fileKeys, clock, log, bootId, periodMs, cutAfterMs, keepMs: () => camera.keepMs, recipients: () => recipients, clockState, lastEndMs, lastEndReason, room,
    });
    this.#recorder = recorder;
    this.#life.defer('recorder', () => recorder.close());
    recorder.start();
  }

  /** Firmware and model may change under our feet; the owner is told by the audit. */
  async #lookHourly(): Promise<void> {
    const { camera, clock, log, vault } = this.#o;
    while (!this.#stop.signal.aborted) {
      await this.#wait(hourMs);
      if (this.#stop.signal.aborted || this.#online !== true || this.#facts === undefined) continue;
      try {
        const client = new CameraClient({ camera: camera.id, address: addressOf(camera), user: camera.user, password: await this.#password(), clock, log });
        const device = await client.device();
        const before = this.#facts.device;
        if (device.firmware === before.firmware && device.serial === before.serial && device.model === before.model) continue;
        this.#facts = { ...this.#facts, device };
        await rememberCamera(vault, camera.id, this.#facts);
        await vault.audit({ what: 'camera.changed', who: 'hub', camera: camera.id, detail: { before: { ...before }, after: { ...device } } });
        log.warn({ component: 'watch', camera: camera.id, firmware: device.firmware }, 'the camera is not as it was: firmware, model or serial changed');
      } catch (error) {
        log.debug({ component: 'watch', camera: camera.id, code: asSallyportError(error).code }, 'the camera did not say who it is');
      }
    }
  }

  #inWords(): string {
    const { camera } = this.#o;
    const state = this.#capture?.state;
    const recorder = this.#recorder?.state;
    if (this.#problem !== undefined) return `${this.#problem.message} (${this.#problem.code})`;
    if (state === undefined) return 'being asked what it is';
    if (state.state === 'starting') return 'connecting';
    if (state.state !== 'live') return state.reason === 'credentials refused' ? `credentials refused by ${camera.id}` : (state.reason ?? state.state);
    if (recorder === undefined) return camera.record ? 'online, not recorded: there is no owner (SP_NO_OWNER)' : 'online, not recorded as configured';
    if (recorder.problem !== undefined) return `not recorded: ${recorder.problem.message} (${recorder.problem.code})`;
    if (!recorder.recording) return state.reason === 'no key frame' ? 'waiting for a key frame' : 'online, recording begins at the next key frame';
    return recorder.cutByLimit ? 'recording (its key frames come too rarely, segments are cut by limit)' : 'recording';
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

export function addressOf(camera: CameraConfig): { host: string; port: number; path: string } {
  return { host: camera.address, port: camera.port, path: camera.path };
}
