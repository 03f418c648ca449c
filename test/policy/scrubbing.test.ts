import t from 'tap';
import { nextScrubMs, paced } from '../../src/policy/scrubbing.ts';

const day = 86_400_000;

t.test('a full look begins when its time has come', async (t) => {
  const cases: [what: string, last: number | undefined, now: number, next: number][] = [
    ['never looked: now', undefined, 50 * day, 50 * day],
    ['looked a day ago', 49 * day, 50 * day, 56 * day],
    ['long overdue', 10 * day, 50 * day, 17 * day],
    ['the clock was ten years ahead at the last one', 3_700 * day, 50 * day, 57 * day],
  ];
  for (const [what, last, now, next] of cases) t.equal(nextScrubMs(last, now, 7 * day), next, what);
});

t.test('reading is spread out, and unused time is not saved up for a burst', async (t) => {
  const first = paced({ freeAtMs: 0 }, 1_000, 500_000, 2_000_000);
  t.equal(first.freeAtMs, 1_250);
  t.equal(paced(first, 1_100, 500_000, 2_000_000).freeAtMs, 1_500, 'early: behind what is owed');
  t.equal(paced(first, 9_000, 500_000, 2_000_000).freeAtMs, 9_250, 'late: from now on');
});
