/** What the review list asks for and shows: filters as the hub takes them, pages put together, and an alarm in words. Pure. */
import type { PageAlarm, PageQueryOf } from '../api/pagecontract.ts';
import { dayBeside, dayMs, type Reader } from './format.ts';
import type { AlarmWords } from './naming.ts';

export type Span = 'day' | 'week' | 'all' | 'date';

export interface Filter {
  /** '' is any. */
  readonly camera: string;
  readonly kind: string;
  readonly span: Span;
  /** Where the day begins, for the span `date`. */
  readonly dayStartMs: number;
  /** Only what nobody has looked at. */
  readonly fresh: boolean;
  /** Of somebody enrolled, told apart here: the hub does not know who is in an alarm. '' is anybody. */
  readonly who: string;
}

export const pageAlarms = 40;

/** Times go by minutes, so that a list that is looked at again asks for the same. */
export function queryOf({ camera, kind, span, dayStartMs }: Filter, nowMs: number, reader: Reader, before?: PageAlarm): PageQueryOf<'alarms'> {
  const minute = Math.floor(nowMs / 60_000) * 60_000;
  const times = span === 'all' ? {} : span === 'date' ? { fromMs: dayStartMs, toMs: dayBeside(dayStartMs, 1, reader) } : { fromMs: minute - (span === 'day' ? dayMs : 7 * dayMs) };
  return { ...(camera === '' ? {} : { camera }), ...(kind === '' ? {} : { kind }), ...times, ...(before === undefined ? {} : { beforeMs: before.fromMs, beforeId: before.id }), limit: pageAlarms };
}

/** What of the list is asked for but not by the hub: it looks at `all`, and at what this device has opened. What is being looked at (`openId`) stays, though it was just marked. */
export function shownOf(all: readonly PageAlarm[], { fresh, who }: Pick<Filter, 'fresh' | 'who'>, words: ReadonlyMap<string, AlarmWords>, openId: string | undefined): PageAlarm[] {
  return all.filter(({ seen, id }) => id === openId || ((!fresh || !seen) && (who === '' || words.get(id)?.who?.id === who)));
}

/** Pages in their order, each alarm once, as it was answered last. */
export function together(pages: readonly (readonly PageAlarm[])[], changed: ReadonlyMap<string, PageAlarm>): PageAlarm[] {
  const known = new Map<string, PageAlarm>();
  for (const page of pages) for (const alarm of page) if (!known.has(alarm.id)) known.set(alarm.id, changed.get(alarm.id) ?? alarm);
  return [...known.values()].toSorted((one, other) => other.fromMs - one.fromMs || (one.id < other.id ? 1 : -1));
}
