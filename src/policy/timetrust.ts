/**
 * Whether the clock may be believed when it says that something is due. A purge cannot be taken back, so a clock that somebody
 * turned, or that starts years off after a power cut, must not destroy what is not due; nor may a clock that was turned back keep
 * things longer than was promised.
 *
 * After a boot or a jump, purging waits until the clock is synchronised and has run steady for `settleMs`. Then one time is certain: the
 * last trusted one, and how long the hub was seen running since. How far the clock is ahead of that is its claim, and what is believed
 * of it (docs/decisions/003-what-a-clock-may-claim.md says why):
 * - within a boot no time passes unseen: up to an hour is believed, beyond it nothing, and the owner is asked;
 * - over a start the machine may have been off: a day is believed (and no second one before it has run as long); up to 31 days all but the last day that was recorded before, and
 *   beyond 7 days the owner is asked; a longer claim is not believed at all, and the owner is asked.
 * What only a doubted claim makes due stays locked until the owner says that the time is right, or for 72 hours of running; what is due
 * for certain is purged meanwhile. After a jump back, what was recorded before it ages by running time.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs, formatAge, hourMs, minuteMs, secondMs } from '../base/units.ts';
import { isoTime } from './times.ts';
import { changeOf, type PendingChange } from './consent.ts';
import type { Doubt, StepBack, TimeView } from './retention.ts';

export interface TimeReading {
  readonly wallMs: UnixMs;
  readonly monotonicMs: number;
  readonly bootId: string;
  readonly synchronised: boolean;
  /** "system" is a machine whose own clock is trusted: it counts as synchronised. */
  readonly source: 'ntp' | 'system';
}

/** What is kept between readings and starts; JSON of whole numbers when the readings are. */
export interface TimeMemory {
  readonly v: 1;
  readonly bootId: string;
  readonly wallMs: UnixMs;
  readonly monotonicMs: number;
  /** Where the clock last began to run steady in this boot. */
  readonly steadySince: { readonly wallMs: UnixMs; readonly monotonicMs: number };
  /** Whether it was found trustworthy since then. */
  readonly trusted: boolean;
  /** The last trusted wall time, and how long the hub has been seen running since. */
  readonly lastTrusted?: { readonly wallMs: UnixMs; readonly ranMs: number; readonly bootId: string };
  /** How much time off was believed without more; running takes it away again, so that starts do not add up to days. */
  readonly believedOffMs?: number;
  /** The claim that is doubted, and for how much steady running time. */
  readonly doubted?: { readonly claimMs: number; readonly forMs: number };
  readonly stepsBack: readonly StepBack[];
}

/** Neither changes while the question stands. */
export interface TimeQuestion {
  readonly claimMs: number;
  readonly lastTrustedMs: UnixMs;
}

export interface TimeVerdict extends TimeView {
  readonly memory: TimeMemory;
  /** What is due by `duePeriods(…, verdict)` may be destroyed. */
  readonly mayPurge: boolean;
  /** One sentence for status and log. */
  readonly why: string;
  /** The owner is asked whether the clock is right. */
  readonly ask?: TimeQuestion;
  /** The latest time by which any deadline counts, where that is not the wall clock: give it to the catalogue, then the verdict to `duePeriods`. */
  readonly deadlineNowMs?: UnixMs;
}

export const toleranceMs = 2 * secondMs;
const tolerancePpm = 500;
/** Claims within a boot: a correction, not a lie that gains much. Never more than the clock must run steady for, so that lies add up to no more than running time. */
const believedInBootMs = hourMs;
/** Claims over a start: a night off; what needs no question; the longest that is taken for time off. */
const believedOffMsMax = dayMs;
export const unaskedOffMs = 7 * dayMs;
export const plausibleOffMs = 31 * dayMs;
export const doubtForMsMax = 72 * hourMs;
const stepsBackMax = 8;

/** Judges one reading of both clocks. Call it every few seconds: what it has not seen running does not count as steady. */
export function judgeTime(before: TimeMemory | undefined, reading: TimeReading, rule: { settleMs: number }): TimeVerdict {
  const now = observe(before?.v === 1 ? before : undefined, reading);
  const steadyMs = reading.monotonicMs - now.memory.steadySince.monotonicMs;
  const gapMs = forwardGap(now.memory, reading);
  if (now.memory.trusted) return trust(now.memory, reading, 0, 'the clock runs steady');
  if (steadyMs < rule.settleMs) return wait(now.memory, `${now.event}: nothing is purged until the clock has run steady for another ${formatAge(rule.settleMs - steadyMs)}`);
  if (!reading.synchronised && reading.source !== 'system') return wait(now.memory, 'nothing is purged: the clock has not been synchronised since the start or since it jumped');
  return judgeClaim(now, reading, gapMs, rule);
}

/** The owner says that the time is right: as if the question had stood long enough. */
export function confirmTime(memory: TimeMemory): TimeMemory {
  return memory.doubted === undefined ? memory : { ...memory, doubted: { ...memory.doubted, forMs: doubtForMsMax } };
}

/** How much further ahead the clock is than it was ever known to be: going forward again by what it went back claims nothing new. */
function judgeClaim({ memory, ranMs }: Observed, reading: TimeReading, gapMs: number, { settleMs }: { settleMs: number }): TimeVerdict {
  const wentBackMs = memory.stepsBack.filter(({ took }) => took === undefined).reduce((sum, step) => sum + step.byMs, 0);
  const claimMs = gapMs - wentBackMs;
  const overStart = memory.lastTrusted?.bootId !== reading.bootId;
  const freeMs = Math.max(toleranceMs, overStart ? believedOffMsMax - (memory.believedOffMs ?? 0) : Math.min(believedInBootMs, settleMs));
  const right = gapMs < -toleranceMs ? `the clock was put back by ${formatAge(-gapMs)}: older footage ages by running time` : 'the clock runs steady';
  const off = overStart && claimMs > toleranceMs ? { believedOffMs: (memory.believedOffMs ?? 0) + claimMs } : {};
  if (claimMs <= freeMs) return trust({ ...memory, ...off }, reading, gapMs, right);
  const forMs = memory.doubted === undefined ? 0 : memory.doubted.forMs + ranMs;
  if (forMs >= doubtForMsMax) return trust(memory, reading, gapMs, 'the clock has run steady, and the owner confirmed its jump or did not object to it within 72 hours');
  const certainMs = reading.wallMs - gapMs;
  const plausible = overStart && claimMs <= plausibleOffMs;
  // What was believed of the time off lately is no day that was recorded.
  const believedToMs = plausible ? certainMs - dayMs - (memory.believedOffMs ?? 0) : -Infinity;
  const doubt: Doubt = { certainMs, believedToMs, sinceMs: memory.steadySince.wallMs };
  return doubted({ ...memory, doubted: { claimMs: stableClaim(memory, claimMs), forMs } }, reading, doubt, !plausible || claimMs > unaskedOffMs);
}

/** The question to the owner keeps its words while the clock drifts a little. */
function stableClaim(memory: TimeMemory, claimMs: number): number {
  const before = memory.doubted?.claimMs;
  return before !== undefined && Math.abs(before - claimMs) < minuteMs ? before : claimMs;
}

function doubted(memory: TimeMemory, reading: TimeReading, doubt: Doubt, asks: boolean): TimeVerdict {
  const { claimMs, forMs } = memory.doubted ?? { claimMs: 0, forMs: 0 };
  const left = formatAge(doubtForMsMax - forMs);
  const what = doubt.believedToMs === -Infinity ? 'what is due by that alone is locked' : 'what was recorded on the last day before is locked';
  const until = asks ? `until the owner confirms the time, or for ${left} more` : `for ${left} more`;
  return {
    memory, mayPurge: true, why: `the clock is ${formatAge(claimMs)} ahead of when it was last seen right: ${what} ${until}`, doubt,
    stepsBack: memory.stepsBack, ...latest(memory.stepsBack, reading),
    ...(asks ? { ask: { claimMs, lastTrustedMs: memory.lastTrusted?.wallMs ?? 0 } } : {}),
  };
}

/** The question as the owner reads and signs it; another claim is another question. */
export function timeQuestion({ claimMs, lastTrustedMs }: TimeQuestion): PendingChange {
  const text = `the clock is right: it went ahead by ${formatAge(claimMs)}, and what is due by it may be destroyed`;
  return changeOf({ key: 'time', from: `last seen right ${isoTime(lastTrustedMs)}`, to: `${formatAge(claimMs)} ahead`, text });
}

interface Observed {
  readonly memory: TimeMemory;
  readonly event: string;
  /** Steady running time since the reading before. */
  readonly ranMs: number;
}

/** Takes the reading into memory: does it go on from the one before, or did something happen in between? */
function observe(before: TimeMemory | undefined, reading: TimeReading): Observed {
  const here = { wallMs: reading.wallMs, monotonicMs: reading.monotonicMs };
  const base = { v: 1 as const, bootId: reading.bootId, ...here };
  if (before === undefined) return { memory: { ...base, steadySince: here, trusted: false, stepsBack: [] }, event: 'the hub runs for the first time', ranMs: 0 };
  if (before.bootId !== reading.bootId || reading.monotonicMs < before.monotonicMs) {
    return { memory: { ...before, ...base, steadySince: here, trusted: false, stepsBack: stepsTaken(before, reading, before.wallMs - reading.wallMs) }, event: 'the machine was started', ranMs: 0 };
  }
  const ranMs = reading.monotonicMs - before.monotonicMs;
  const aged = {
    ...(before.lastTrusted === undefined ? {} : { lastTrusted: { ...before.lastTrusted, ranMs: before.lastTrusted.ranMs + ranMs } }),
    ...(before.believedOffMs === undefined ? {} : { believedOffMs: Math.max(0, before.believedOffMs - ranMs) }),
  };
  const jumpMs = jumpSince(before, reading);
  if (jumpMs === 0) return { memory: { ...before, ...aged, ...base }, event: 'the machine was started or its clock jumped', ranMs };
  // A new jump is a new question to the owner.
  const { doubted: _, ...rest } = before;
  return {
    memory: { ...rest, ...aged, ...base, steadySince: here, trusted: false, stepsBack: stepsTaken(before, reading, -jumpMs) },
    event: `the clock jumped ${jumpMs > 0 ? 'forward' : 'back'} by ${formatAge(Math.abs(jumpMs))}`, ranMs: 0,
  };
}

/**
 * What was recorded while the clock was far ahead and never trusted lies in the future when it goes back: it must not stay until then.
 * Less than a day ahead it might be taken for what was recorded in trusted time, and stays that day.
 */
function stepsTaken(before: TimeMemory, reading: TimeReading, backMs: number): readonly StepBack[] {
  const aheadMs = before.lastTrusted === undefined ? Infinity : before.steadySince.wallMs - before.lastTrusted.wallMs - before.lastTrusted.ranMs;
  if (before.trusted || backMs <= toleranceMs || aheadMs <= dayMs) return before.stepsBack;
  return [...before.stepsBack, { toMs: reading.wallMs, byMs: Math.round(backMs), took: { fromMs: before.steadySince.wallMs, toMs: before.wallMs } }].slice(-stepsBackMax);
}

/**
 * How far wall time left monotonic time; 0 within tolerance. Measured from where the clock began to run steady, so that many small
 * steps do not pass, and from the last reading, so that a step is not hidden in the drift allowed since.
 */
function jumpSince(before: TimeMemory, reading: TimeReading): number {
  for (const from of [before, before.steadySince]) {
    const ranMs = reading.monotonicMs - from.monotonicMs;
    const offMs = reading.wallMs - from.wallMs - ranMs;
    if (Math.abs(offMs) > toleranceMs + (ranMs * tolerancePpm) / 1e6) return Math.round(offMs);
  }
  return 0;
}

/** By how much the wall clock has gone forward more than the hub ran, since it was last trusted; negative when it went back. */
function forwardGap(memory: TimeMemory, reading: TimeReading): number {
  return memory.lastTrusted === undefined ? 0 : Math.round(reading.wallMs - memory.lastTrusted.wallMs - memory.lastTrusted.ranMs);
}

function wait(memory: TimeMemory, why: string): TimeVerdict {
  return { memory, mayPurge: false, why, stepsBack: memory.stepsBack };
}

function trust(memory: TimeMemory, reading: TimeReading, gapMs: number, why: string): TimeVerdict {
  const { doubted: _, ...rest } = memory;
  const stepsBack = stepsAfter(memory, reading, gapMs);
  return {
    memory: { ...rest, trusted: true, lastTrusted: { wallMs: reading.wallMs, ranMs: 0, bootId: reading.bootId }, stepsBack },
    mayPurge: true, why, stepsBack, ...latest(stepsBack, reading),
  };
}

function latest(stepsBack: readonly StepBack[], reading: TimeReading): { deadlineNowMs?: UnixMs } {
  const extraMs = stepsBack.reduce((sum, step) => sum + step.byMs, 0);
  return extraMs > 0 ? { deadlineNowMs: reading.wallMs + extraMs } : {};
}

/** A step back is noted; a step forward within the same boot takes it back. (Across boots a forward gap is time that really passed.) */
function stepsAfter(memory: TimeMemory, reading: TimeReading, gapMs: number): readonly StepBack[] {
  if (gapMs < -toleranceMs) return [...memory.stepsBack, { toMs: memory.steadySince.wallMs, byMs: -gapMs }].slice(-stepsBackMax);
  if (gapMs <= toleranceMs || memory.lastTrusted?.bootId !== reading.bootId) return memory.stepsBack;
  const taken = memory.stepsBack.filter(({ took }) => took !== undefined);
  const steps = memory.stepsBack.filter(({ took }) => took === undefined);
  let leftMs = gapMs;
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step.byMs > leftMs) return [...steps, { ...step, byMs: step.byMs - leftMs }, ...taken];
    leftMs -= step.byMs;
  }
  return taken;
}
