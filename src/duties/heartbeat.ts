/**
 * Feeds the service manager's watchdog as `policy/heartbeat.ts` decides. Counts sealed segments and times them by the monotonic clock,
 * so that a jump of the wall clock starves nobody. Without a watchdog it does nothing.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import type { ServiceManager } from '../base/notify.ts';
import { heartbeat, type Heartbeat, type StreamPulse } from '../policy/heartbeat.ts';
import type { NoticeKind } from '../policy/notices.ts';
import type { Notices } from './notices.ts';

/** What is looked at of a camera; its watch's status has it. */
export interface Beating {
  readonly camera: string;
  readonly wanted: boolean;
  readonly online: boolean;
  readonly segmentsSealed: number;
  readonly excuse: string | undefined;
}

export interface HeartbeatOptions {
  readonly manager: ServiceManager;
  readonly cameras: () => readonly Beating[];
  readonly notices: Pick<Notices, 'open'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** With these open a restart changes nothing: the owner was told, and recording goes on by itself. */
const excuses: ReadonlySet<NoticeKind> = new Set(['disk full', 'disk failing', 'disk gone']);

interface Seen {
  sealed: number;
  sealedAtMs: number | undefined;
  onlineSinceMs: number | undefined;
}

export class HeartbeatDuty {
  readonly #o: HeartbeatOptions;
  readonly #loop: Loop;
  readonly #seen = new Map<string, Seen>();
  #fed = true;

  constructor(o: HeartbeatOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    const { watchdogMs, present } = this.#o.manager;
    if (present && watchdogMs !== undefined) this.#loop.start(() => this.#turn(watchdogMs / 3));
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #turn(everyMs: number): Promise<number> {
    const { log, manager } = this.#o;
    const beat = this.look();
    if (beat.feed !== this.#fed) log[beat.feed ? 'info' : 'error']({ component: 'heartbeat' }, beat.feed ? 'segments close again' : `the hub asks to be restarted: ${beat.because}`);
    this.#fed = beat.feed;
    const untold = beat.feed ? await manager.notify('WATCHDOG=1') : undefined;
    if (untold !== undefined) log.warn({ component: 'heartbeat', reason: untold }, 'the service manager could not be told that the hub lives');
    return everyMs;
  }

  /** What is decided now. */
  look(): Heartbeat {
    const nowMs = this.#o.clock.monotonicMs();
    const cameras = this.#o.cameras();
    for (const camera of this.#seen.keys()) if (!cameras.some((known) => known.camera === camera)) this.#seen.delete(camera);
    const why = this.#o.notices.open.find(({ kind }) => excuses.has(kind));
    return heartbeat(cameras.map((camera) => this.#pulse(camera, nowMs)), why === undefined ? undefined : why.kind);
  }

  #pulse({ camera, wanted, online, segmentsSealed, excuse }: Beating, nowMs: number): StreamPulse {
    const seen = this.#seen.get(camera) ?? { sealed: 0, sealedAtMs: undefined, onlineSinceMs: undefined };
    this.#seen.set(camera, seen);
    // Each watch counts from 0.
    if (segmentsSealed !== seen.sealed && segmentsSealed > 0) seen.sealedAtMs = nowMs;
    // What was not to be sealed is not late.
    if ((!wanted || excuse !== undefined) && seen.sealedAtMs !== undefined) seen.sealedAtMs = nowMs;
    seen.sealed = segmentsSealed;
    seen.onlineSinceMs = online ? seen.onlineSinceMs ?? nowMs : undefined;
    return {
      camera, wanted, excuse,
      deliveringMs: seen.onlineSinceMs === undefined ? undefined : nowMs - seen.onlineSinceMs,
      sealedAgoMs: seen.sealedAtMs === undefined ? undefined : nowMs - seen.sealedAtMs,
    };
  }
}
