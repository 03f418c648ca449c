/** All that there is of a time, however many answers it takes. */
import type { PageAlarm, Timeline } from '../api/pagecontract.ts';
import { ask } from './api.ts';

/** A day of segments of ten seconds is some 9,000 rows; more pages than that are a mistake. */
const pagesMax = 64;

export async function wholeTimeline(camera: string, fromMs: number, toMs: number, signal?: AbortSignal): Promise<Timeline> {
  const whole: Timeline = { periods: [], segments: [], gaps: [], observations: [] };
  let from: number | undefined = fromMs;
  for (let page = 0; from !== undefined && page < pagesMax; page++) {
    const part: Timeline = await ask('timeline', { query: { camera, fromMs: Math.round(from), toMs: Math.round(toMs) }, ...(signal === undefined ? {} : { signal }) });
    addNew(whole.periods, part.periods, ({ slot, generation, startMs }) => `${slot} ${generation} ${startMs}`);
    addNew(whole.segments, part.segments, ({ seq }) => String(seq));
    addNew(whole.gaps, part.gaps, (gap) => `${gap.fromMs} ${gap.reason}`);
    addNew(whole.observations, part.observations, ({ kind, fromMs: began }) => `${kind} ${began}`);
    from = part.moreFromMs !== undefined && part.moreFromMs > from ? part.moreFromMs : undefined;
  }
  return whole;
}

/** The alarms of a time, by camera. */
export async function wholeAlarms(fromMs: number, toMs: number, signal?: AbortSignal): Promise<ReadonlyMap<string, readonly PageAlarm[]>> {
  const whole: PageAlarm[] = [];
  let last: PageAlarm | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const { alarms, more } = await ask('alarms', {
      query: { fromMs: Math.round(fromMs), toMs: Math.round(toMs), limit: 500, ...(last === undefined ? {} : { beforeMs: last.fromMs, beforeId: last.id }) }, ...(signal === undefined ? {} : { signal }),
    });
    whole.push(...alarms);
    last = alarms.at(-1);
    if (!more || last === undefined) break;
  }
  return Map.groupBy(whole, ({ camera }) => camera);
}

/** What reaches over the edge of two answers stands in both. */
function addNew<T>(to: T[], more: readonly T[], key: (item: T) => string): void {
  const known = new Set(to.map(key));
  to.push(...more.filter((item) => !known.has(key(item))));
}
