/**
 * Whether the clock may be believed when it says that something is due. A purge cannot be taken back, so a clock that somebody
 * turned, or that starts years off after a power cut, must not destroy what is not due; nor may a clock that was turned back keep
 * things longer than was promised.
 *
 * Within a boot, wall time must follow monotonic time. After a boot or a jump, purging waits until the clock is synchronised and has
 * run steady for `settleMs`. A forward gap of more than 7 days also asks the owner, and goes on after 72 hours without an answer.
 * After a jump back, what was recorded before it ages by running time. While `mayPurge` is false, what is due stays locked.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs, formatAge, hourMs, secondMs } from '../base/units.ts';
import type { StepBack } from './retention.ts';

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
  /** Steady running time since the owner was asked about a forward gap. */
  readonly askedForMs?: number;
  readonly stepsBack: readonly StepBack[];
}

export interface TimeVerdict {
  readonly memory: TimeMemory;
  readonly mayPurge: boolean;
  /** One sentence for status and log. */
  readonly why: string;
  readonly ask?: 'forward gap';
  /** The latest time by which any deadline counts, where that is not the wall clock: give it to the catalogue, then `stepsBack` to `duePeriods`. */
  readonly deadlineNowMs?: UnixMs;
  readonly stepsBack: readonly StepBack[];
}

export const toleranceMs = 2 * secondMs;
const tolerancePpm = 500;
export const forwardGapMsMax = 7 * dayMs;
export const askForMsMax = 72 * hourMs;
const stepsBackMax = 8;

/** Judges one reading of both clocks. Call it every few seconds: what it has not seen running does not count as steady. */
export function judgeTime(before: TimeMemory | undefined, reading: TimeReading, rule: { settleMs: number }): TimeVerdict {
  const now = observe(before?.v === 1 ? before : undefined, reading);
  const steadyMs = reading.monotonicMs - now.memory.steadySince.monotonicMs;
  const gapMs = forwardGap(now.memory, reading);
  if (now.memory.trusted) return trust(now.memory, reading, 0, 'the clock runs steady');
  if (steadyMs < rule.settleMs) return wait(now.memory, `${now.event}: nothing is purged until the clock has run steady for another ${formatAge(rule.settleMs - steadyMs)}`);
  if (!reading.synchronised && reading.source !== 'system') return wait(now.memory, 'nothing is purged: the clock has not been synchronised since the start or since it jumped');
  if (gapMs > forwardGapMsMax) return ask(now.memory, reading, gapMs, now.ranMs);
  return trust(now.memory, reading, gapMs, gapMs < -toleranceMs ? `the clock was put back by ${formatAge(-gapMs)}: older footage ages by running time` : 'the clock runs steady');
}

/** The owner says that the time is right: the forward gap is believed and purging goes on once the clock has settled. */
export function confirmTime(memory: TimeMemory): TimeMemory {
  const { askedForMs: _, ...rest } = memory;
  return { ...rest, lastTrusted: { wallMs: memory.wallMs, ranMs: 0, bootId: memory.bootId } };
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
    return { memory: { ...before, ...base, steadySince: here, trusted: false }, event: 'the machine was started', ranMs: 0 };
  }
  const ranMs = reading.monotonicMs - before.monotonicMs;
  const aged = before.lastTrusted === undefined ? {} : { lastTrusted: { ...before.lastTrusted, ranMs: before.lastTrusted.ranMs + ranMs } };
  const jumpMs = jumpSince(before, reading);
  if (jumpMs === 0) return { memory: { ...before, ...aged, ...base }, event: 'the machine was started or its clock jumped', ranMs };
  // A new jump is a new question to the owner.
  const { askedForMs: _, ...rest } = before;
  return {
    memory: { ...rest, ...aged, ...base, steadySince: here, trusted: false },
    event: `the clock jumped ${jumpMs > 0 ? 'forward' : 'back'} by ${formatAge(Math.abs(jumpMs))}`, ranMs: 0,
  };
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

function ask(memory: TimeMemory, reading: TimeReading, gapMs: number, ranMs: number): TimeVerdict {
  const askedForMs = memory.askedForMs === undefined ? 0 : memory.askedForMs + ranMs;
  if (askedForMs >= askForMsMax) return trust(memory, reading, gapMs, 'the clock has run steady, and the owner did not object to its jump within 72 hours');
  const why = `the clock is ${formatAge(gapMs)} ahead of when it was last seen right: what is due is locked, and destroyed when the owner confirms the time or in ${formatAge(askForMsMax - askedForMs)}`;
  return { memory: { ...memory, askedForMs }, mayPurge: false, why, ask: 'forward gap', stepsBack: memory.stepsBack };
}

function trust(memory: TimeMemory, reading: TimeReading, gapMs: number, why: string): TimeVerdict {
  const { askedForMs: _, ...rest } = memory;
  const stepsBack = stepsAfter(memory, reading, gapMs);
  const extraMs = stepsBack.reduce((sum, step) => sum + step.byMs, 0);
  return {
    memory: { ...rest, trusted: true, lastTrusted: { wallMs: reading.wallMs, ranMs: 0, bootId: reading.bootId }, stepsBack },
    mayPurge: true, why, stepsBack,
    ...(extraMs > 0 ? { deadlineNowMs: reading.wallMs + extraMs } : {}),
  };
}

/** A step back is noted; a step forward within the same boot takes it back. (Across boots a forward gap is time that really passed.) */
function stepsAfter(memory: TimeMemory, reading: TimeReading, gapMs: number): readonly StepBack[] {
  if (gapMs < -toleranceMs) return [...memory.stepsBack, { toMs: memory.steadySince.wallMs, byMs: -gapMs }].slice(-stepsBackMax);
  if (gapMs <= toleranceMs || memory.lastTrusted?.bootId !== reading.bootId) return memory.stepsBack;
  const steps = [...memory.stepsBack];
  let leftMs = gapMs;
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step.byMs > leftMs) return [...steps, { ...step, byMs: step.byMs - leftMs }];
    leftMs -= step.byMs;
  }
  return [];
}
