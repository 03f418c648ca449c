/**
 * Orders from brokers that the courier drops by itself: counted there since its start, and written into the ledger by the hub, a line an hour and reason at most, whatever
 * comes. Nothing of what was ordered is in it. Pure.
 */
import { list, oneOf, table, text, whole, type Checked } from '../base/closed.ts';
import type { UnixMs } from '../base/clock.ts';
import { hourMs } from '../base/units.ts';

/** `odd`: it is no order of now, or there is no right to order anything; `flood`: more than are taken in a minute; `waiting`: too many wait for the hub. */
export const dropReasons = ['odd', 'flood', 'waiting'] as const;
export type DropReason = (typeof dropReasons)[number];
export type DropCounts = Readonly<Record<DropReason, number>>;

export const nothingDropped: DropCounts = { odd: 0, flood: 0, waiting: 0 };

export const dropWords: Readonly<Record<DropReason, string>> = {
  odd: 'they were no orders of now, or there is no right to order anything',
  flood: 'more came than are taken in a minute',
  waiting: 'too many waited for the hub',
};

const count = whole(0, 2 ** 48);
/** `since_ms`: the courier's start, from which it counts; `seen`: what it had said last; `owed`: not in the ledger yet; `at_ms`: the last line. */
const bookSchema = table({
  v: oneOf([1]),
  of: list(table({ destination: text(/^[a-z0-9][a-z0-9-]{0,39}$/), reason: oneOf(dropReasons), since_ms: count, seen: count, owed: count, at_ms: count }), 48),
});
export type DropBook = Checked<typeof bookSchema>;

/** An empty one where there is none, or none that can be read. */
export function readDropBook(value: unknown): DropBook {
  try {
    return value === undefined ? { v: 1, of: [] } : bookSchema(value, '');
  } catch {
    return { v: 1, of: [] };
  }
}

export interface DropsSaid {
  readonly destination: string;
  readonly startedMs: UnixMs;
  readonly counts: DropCounts;
}

export interface DropLine {
  readonly destination: string;
  readonly reason: DropReason;
  readonly count: number;
}

/** The courier's word is a stranger's: a count that went back without a new start counts as none. Those of destinations that are no more are forgotten. */
export function takeDrops(book: DropBook, said: readonly DropsSaid[], nowMs: UnixMs): { readonly book: DropBook; readonly lines: readonly DropLine[] } {
  const lines: DropLine[] = [];
  const of = said.slice(0, 16).flatMap(({ destination, startedMs, counts }) => dropReasons.flatMap((reason) => {
    const before = book.of.find((one) => one.destination === destination && one.reason === reason);
    const seen = counts[reason];
    if (before === undefined && seen === 0) return [];
    const owed = Math.min(2 ** 48, (before?.owed ?? 0) + Math.max(0, seen - (before?.since_ms === startedMs ? before.seen : 0)));
    const due = owed > 0 && (before === undefined || Math.abs(nowMs - before.at_ms) >= hourMs);
    if (due) lines.push({ destination, reason, count: owed });
    return [{ destination, reason, since_ms: startedMs, seen, owed: due ? 0 : owed, at_ms: due ? Math.round(nowMs) : before?.at_ms ?? 0 }];
  }));
  return { book: { v: 1, of }, lines };
}
