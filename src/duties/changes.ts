/**
 * Notices when a camera is not what it was: asks it who it is each hour and soon after it was away, and notes a changed firmware, model or
 * serial number, and a restart, as observations. A change stands as a notice until the owner takes note of it (`sallyport camera refresh`).
 * Another serial number is another device, whose word is not taken for the camera's: by the old one it is known again elsewhere.
 */
import type { Clock } from '../base/clock.ts';
import { asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import { CameraClient, type DeviceFacts } from '../cameras/client.ts';
import type { CameraLinkOptions } from '../cameras/link.ts';
import type { Change } from '../policy/observations.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

export interface ChangesOptions {
  readonly camera: string;
  readonly access: () => Promise<Omit<CameraLinkOptions, 'clock' | 'log'>>;
  /** Who it was when it was last asked. */
  readonly known: () => DeviceFacts;
  /** The same camera says something else of itself. */
  readonly onChange: (device: DeviceFacts) => Promise<void>;
  readonly onObserved?: (changes: readonly Change[]) => void;
  readonly online: () => boolean;
  /** When the network last heard it say Hello, monotonic; undefined when never. */
  readonly helloMs: () => number | undefined;
  readonly vault: Pick<Vault, 'audit' | 'noteObservations'>;
  readonly notices: Pick<Notices, 'raise'>;
  readonly clock: Clock;
  readonly log: Log;
}

const lookEveryMs = hourMs;
/** A camera that has just started answers ONVIF later than it streams. */
const afterReturnMs = 5 * secondMs;
/** One that comes and goes is not asked each time. */
const lookEveryMsMin = minuteMs;

export class Changes {
  readonly #o: ChangesOptions;
  readonly #loop: Loop;
  #lookedMs = -Infinity;
  #dueMs = Infinity;
  /** What was noted last of a device that is not the camera. */
  #toldOfOther: string | undefined;

  constructor(o: ChangesOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn(), lookEveryMs);
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** It streams again, after it was away since then (monotonic). */
  async cameBack(awaySinceMs: number): Promise<void> {
    const { camera, clock, helloMs } = this.#o;
    const nowMs = clock.monotonicMs();
    this.#dueMs = Math.max(nowMs + afterReturnMs, this.#lookedMs + lookEveryMsMin);
    this.#loop.nudge();
    const hello = helloMs();
    // Whoever says Hello has come to the network; one that was away and says it has started anew.
    if (hello === undefined || hello < awaySinceMs) return;
    this.#o.log.info({ component: 'watch', camera }, 'the camera has restarted');
    await this.#note('restart', '');
  }

  async #turn(): Promise<number> {
    const { clock, online } = this.#o;
    const waitMs = this.#dueMs - clock.monotonicMs();
    if (waitMs > 0 && waitMs !== Infinity) return waitMs;
    this.#dueMs = Infinity;
    if (online()) await this.#look();
    return lookEveryMs;
  }

  async #look(): Promise<void> {
    const { camera, access, known, onChange, vault, notices, clock, log } = this.#o;
    this.#lookedMs = clock.monotonicMs();
    try {
      const device = await new CameraClient({ ...(await access()), clock, log }).device();
      const before = known();
      const words = changeInWords(before, device);
      const other = words !== undefined && before.serial !== '' && before.serial !== device.serial ? words : undefined;
      const told = this.#toldOfOther;
      this.#toldOfOther = other;
      if (words === undefined || (other !== undefined && other === told)) return;
      if (other === undefined) await onChange(device);
      await vault.audit({ what: 'camera.changed', who: 'hub', camera, detail: { before: { ...before }, after: { ...device } } });
      notices.raise(onlyFirmware(before, device) ? 'firmware changed' : 'camera changed', words, camera);
      await this.#note('firmware', words);
    } catch (error) {
      if (isSallyportError(error, 'SP_CAMERA_CERTIFICATE')) notices.raise('certificate changed', '', camera);
      log.debug({ component: 'watch', camera, code: asSallyportError(error).code }, 'the camera did not say who it is');
    }
  }

  async #note(kind: 'firmware' | 'restart', source: string): Promise<void> {
    const { camera, vault, clock, log, onObserved } = this.#o;
    const atMs = Math.round(clock.wallMs());
    const change = { kind, source: source.slice(0, 64), fromMs: atMs, toMs: atMs };
    onObserved?.([change]);
    await vault.noteObservations([{ camera, ...change }])
      .catch((error: unknown) => log.debug({ component: 'watch', camera, code: asSallyportError(error).code }, 'an observation was not written'));
  }
}

function onlyFirmware(before: DeviceFacts, after: DeviceFacts): boolean {
  return before.model === after.model && before.serial === after.serial;
}

/** Undefined when it is the same camera with the same firmware. */
function changeInWords(before: DeviceFacts, after: DeviceFacts): string | undefined {
  const changes = (['firmware', 'model', 'serial'] as const).filter((name) => before[name] !== after[name]).map((name) => `${name} ${after[name]} instead of ${before[name]}`);
  return changes.length === 0 ? undefined : changes.join(', ');
}
