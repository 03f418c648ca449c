/**
 * Which pictures of a camera are wanted now: by the rules of recording, and around alarms. What an alarm wants is told by the duty that
 * has it (`alarms.ts`); the camera's recorders ask before each picture.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { AlarmRule } from '../policy/alarmrules.ts';
import { concerns } from '../policy/concerns.ts';
import { mayRecordAlarms, recordModeAt, type RecordingRule, type RecordMode } from '../policy/recordmode.ts';
import type { Place } from '../policy/sun.ts';
import type { RecordPlan, Unwanted } from './record.ts';

export interface PlanOptions {
  readonly camera: string;
  /** As they are in force; another object when they have changed. */
  readonly rules: () => Rules;
  readonly clock: Clock;
}

interface Rules {
  readonly cameras: readonly { readonly id: string; readonly space: string }[];
  readonly recordings: readonly RecordingRule[];
  readonly alarms: readonly AlarmRule[];
  readonly place?: Place;
}

/** A time that is wanted, monotonic; without an end as long as an alarm is open. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Mode {
  readonly rules: Rules;
  readonly mode: RecordMode;
  /** By the wall clock: since when it is so, and until when that is sure. */
  readonly sinceMs: UnixMs;
  readonly lookedMs: UnixMs;
  readonly untilMs: UnixMs;
  /** What it was before. */
  readonly before: RecordMode;
}

/** From what happens until an alarm is known: a burst of pictures, a look at them, an answer of the camera. */
const knownLateMs = 10 * secondMs;
/** Nobody reads so late. */
const forgetMs = 2 * minuteMs;
/** Two streams of a camera, and what is read in batches, are apart by less. */
const apartMsMax = 5 * secondMs;

export class CameraPlan implements RecordPlan {
  readonly #o: PlanOptions;
  readonly #spans = new Map<string, Span>();
  #known: Mode | undefined;

  constructor(o: PlanOptions) {
    this.#o = o;
  }

  /** From `fromMs` on (wall clock) all is wanted, until `leave` of the same name. */
  want(name: string, fromMs: UnixMs): void {
    const nowMs = this.#o.clock.monotonicMs();
    for (const [known, { toMs }] of this.#spans) if (nowMs - toMs > forgetMs) this.#spans.delete(known);
    const from = this.#monotonic(fromMs);
    this.#spans.set(name, { fromMs: Math.min(from, this.#spans.get(name)?.fromMs ?? from), toMs: Number.POSITIVE_INFINITY });
  }

  /** It is wanted until `toMs` (wall clock), which may lie ahead. */
  leave(name: string, toMs: UnixMs): void {
    const span = this.#spans.get(name);
    if (span !== undefined) this.#spans.set(name, { ...span, toMs: this.#monotonic(toMs) });
  }

  unwanted({ wallMs, monotonicMs }: { readonly wallMs: UnixMs; readonly monotonicMs: number }): Unwanted | undefined {
    const { mode: now, before, sinceMs } = this.#modeAt(wallMs);
    const mode = wallMs < sinceMs ? before : now;
    if (mode === 'continuous') return undefined;
    if (mode === 'off') return 'schedule';
    return this.#covering(monotonicMs).length > 0 ? undefined : 'no alarm';
  }

  wantedSinceMs({ wallMs, monotonicMs }: { readonly wallMs: UnixMs; readonly monotonicMs: number }): number {
    const { mode, sinceMs } = this.#modeAt(wallMs);
    const modeMs = monotonicMs - (wallMs - sinceMs);
    if (mode !== 'alarms') return modeMs;
    const spans = this.#covering(monotonicMs);
    // Its pre-roll may reach into the time before this mode; what was recorded then the recorder knows.
    return spans.length === 0 ? monotonicMs : Math.min(...spans.map(({ fromMs }) => fromMs));
  }

  get mode(): RecordMode {
    return (this.#known ?? this.#modeAt(this.#o.clock.wallMs())).mode;
  }

  get backMs(): number {
    const { recordings, alarms } = this.#o.rules();
    if (recordings.length === 0) return 0;
    const camera = this.#camera;
    const before = mayRecordAlarms(camera, recordings) ? alarms.filter((rule) => rule.enabled && concerns(rule, camera)).map(({ beforeMs }) => beforeMs) : [];
    return Math.max(0, ...before) + knownLateMs;
  }

  #covering(monotonicMs: number): Span[] {
    return [...this.#spans.values()].filter(({ fromMs, toMs }) => fromMs <= monotonicMs && monotonicMs <= toMs);
  }

  /** Looked up anew when the rules have changed, the time has come, or the wall clock was set. */
  #modeAt(wallMs: UnixMs): Mode {
    const rules = this.#o.rules();
    const known = this.#known;
    if (known !== undefined && known.rules === rules && known.lookedMs - apartMsMax <= wallMs && wallMs < known.untilMs) return known;
    const { mode, nextMs } = recordModeAt(this.#camera, rules.recordings, rules.place, wallMs);
    const sinceMs = known === undefined ? wallMs : known.mode === mode ? known.sinceMs : known.rules === rules && known.lookedMs <= wallMs ? Math.min(wallMs, known.untilMs) : wallMs;
    const before = known === undefined ? mode : known.mode === mode ? known.before : known.mode;
    this.#known = { rules, mode, before, sinceMs, lookedMs: wallMs, untilMs: Math.min(nextMs ?? Number.POSITIVE_INFINITY, wallMs + minuteMs) };
    return this.#known;
  }

  get #camera(): { readonly id: string; readonly space: string } {
    const { camera, rules } = this.#o;
    return rules().cameras.find(({ id }) => id === camera) ?? { id: camera, space: '' };
  }

  #monotonic(wallMs: UnixMs): number {
    const { clock } = this.#o;
    return clock.monotonicMs() - (clock.wallMs() - wallMs);
  }
}
