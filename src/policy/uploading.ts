/**
 * What becomes of a far object by each answer of the courier, and when a list is put again. The courier has tried long and often before it says no,
 * so what it refused is asked for again after minutes at first, then once a day. Pure.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs, minuteMs } from '../base/units.ts';

export const farStates = ['wanted', 'asked', 'there', 'failed', 'leaving', 'deleting', 'kept'] as const;
export type FarState = (typeof farStates)[number];

export interface FarStanding {
  readonly state: FarState;
  /** Answers that said no, since it was last there. */
  readonly tries: number;
  /** Not before then. */
  readonly nextMs: UnixMs;
  /** Of the last no. */
  readonly code: string;
  /** Something of it may lie there. */
  readonly maybeThere: boolean;
}

export interface FarAnswer {
  readonly order: 'put' | 'delete';
  readonly outcome: 'done' | 'failed' | 'withdrawn' | 'lost';
  readonly code: string;
  /** How often it was begun, and what went out: what a killed courier sent last may be missing in that. */
  readonly attempts: number;
  readonly sentBytes: number;
}

/** Of these nothing was begun at the far end. */
const neverBegun: ReadonlySet<string> = new Set(['SP_FAR_FEATURE', 'SP_FAR_UNDECLARED']);

/** The store was asked to delete, and said no. */
export const deleteRefused = 'SP_FAR_REFUSED';

const retryMs = 5 * minuteMs;

/** 5 minutes, doubling up to a day. */
export function againAfterMs(tries: number): number {
  return Math.min(dayMs, retryMs * 2 ** Math.min(Math.max(0, tries - 1), 10));
}

/** Undefined: it is gone, and so is its row. */
export function afterAnswer(before: FarStanding, answer: FarAnswer, nowMs: UnixMs): FarStanding | undefined {
  return answer.order === 'put' ? afterPut(before, answer, nowMs) : afterDelete(before, answer, nowMs);
}

function afterPut(before: FarStanding, { outcome, code, attempts, sentBytes }: FarAnswer, nowMs: UnixMs): FarStanding | undefined {
  const there = outcome === 'done' || before.maybeThere || sentBytes > 0 || outcome === 'lost' || (attempts > 0 && !neverBegun.has(code));
  // It was to go meanwhile.
  if (before.state === 'leaving' || before.state === 'deleting' || before.state === 'kept') return there ? { ...before, state: 'leaving', nextMs: 0, maybeThere: true } : undefined;
  if (outcome === 'done') return { state: 'there', tries: 0, nextMs: 0, code: '', maybeThere: true };
  const tries = before.tries + 1;
  // Another thing has its name, which no second try changes.
  if (code === 'SP_FAR_EXISTS') return { state: 'failed', tries, nextMs: 0, code, maybeThere: before.maybeThere };
  // What was damaged between the doors, or never went, is taken from the vault again at once.
  const soon = outcome === 'lost' || (outcome === 'failed' && code === 'SP_OUTBOX_FILE' && tries < 4);
  return { state: 'wanted', tries, nextMs: soon ? 0 : nowMs + againAfterMs(tries), code: outcome === 'failed' ? code : outcome, maybeThere: there };
}

function afterDelete(before: FarStanding, { outcome, code }: FarAnswer, nowMs: UnixMs): FarStanding | undefined {
  if (outcome === 'done') return undefined;
  const tries = before.tries + 1;
  // A store's no is a rule of its own that people change: each is asked for once more a day. Where there is no credential, or no destination, nobody can be asked.
  const refused = outcome === 'failed' && code === deleteRefused;
  const kept = refused || (outcome === 'failed' && (code === 'SP_FAR_FEATURE' || code === 'SP_FAR_UNDECLARED'));
  return { state: kept ? 'kept' : 'leaving', tries, nextMs: nowMs + (refused ? dayMs : againAfterMs(tries)), code: outcome === 'failed' ? code : outcome, maybeThere: true };
}

export interface ListFacts {
  /** Over what lies there of the period, and over what the list that lies there names. */
  readonly covers: number;
  readonly listed: number | undefined;
  readonly madeMs: UnixMs;
  /** Of the period. */
  readonly endMs: UnixMs;
  /** Objects of the period that are on their way. */
  readonly waiting: number;
}

export const listEveryMs = 5 * minuteMs;

/** A first one at once; then with pauses, and when the period has ended and all of it has arrived. */
export function listIsDue({ covers, listed, madeMs, endMs, waiting }: ListFacts, nowMs: UnixMs): boolean {
  if (covers === (listed ?? 0)) return false;
  return listed === undefined || nowMs - madeMs >= listEveryMs || nowMs < madeMs || (nowMs >= endMs && waiting === 0);
}

/** Which pictures of an alarm a far object holds, and whether it knows the alarm's end: a number that is another one for others. `sha256`: of the pictures. */
export function picturesVersion(sha256: string, toMs: UnixMs | undefined): number {
  return (Number.parseInt(sha256.slice(0, 8), 16) + (toMs ?? 0)) % 2 ** 32;
}

/** While an alarm lasts its pictures become better ones: those are sent with pauses, and what it ends with is sent at once. */
export function picturesAreDue({ sent, version, madeMs, over }: { readonly sent: number; readonly version: number; readonly madeMs: UnixMs; readonly over: boolean }, nowMs: UnixMs): boolean {
  return sent !== version && (over || nowMs - madeMs >= minuteMs || nowMs < madeMs);
}

/** So much of one destination lies in the outbox at once: the vault has the rest, and no destination that is down takes the room of others. */
export const atOnce = { orders: 24, bytes: 128 * 2 ** 20 } as const;
