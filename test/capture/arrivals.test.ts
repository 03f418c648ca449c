import fc from 'fast-check';
import t from 'tap';
import { Arrivals } from '../../src/capture/arrivals.ts';

/** Fragments that arrived at `arrivedMs` with media time `timeMs`, read each `everyMs`: what is said of each. */
function told(fragments: readonly { timeMs: number; arrivedMs: number }[], everyMs: number): number[] {
  const arrivals = new Arrivals();
  return fragments.map(({ timeMs, arrivedMs }) => {
    const byMs = Math.ceil(arrivedMs / everyMs) * everyMs;
    return arrivals.of(timeMs, byMs - everyMs, byMs);
  });
}

const steady = Array.from({ length: 500 }, (_, index) => ({ timeMs: index * 40, arrivedMs: 1000 + index * 40 }));

t.test('a camera with a steady clock: the distances are those of the pictures', async (t) => {
  const said = told(steady, 250);
  const steps = said.slice(20).map((ms, index) => ms - (said[index + 19] ?? 0));
  t.ok(steps.every((step) => Math.abs(step - 40) < 0.001), 'after the first readings each 40 ms');
});

t.test('read at once, it is the time of reading', async (t) => {
  const arrivals = new Arrivals();
  t.same(steady.map(({ timeMs, arrivedMs }) => arrivals.of(timeMs, arrivedMs, arrivedMs)), steady.map(({ arrivedMs }) => arrivedMs));
});

t.test('a camera whose clock is 5 % fast or slow for an hour is never further off than a reading', async (t) => {
  for (const pace of [0.95, 1.05]) {
    const fragments = Array.from({ length: 90_000 }, (_, index) => ({ timeMs: index * 40 * pace, arrivedMs: index * 40 }));
    const said = told(fragments, 250);
    t.ok(Math.max(...said.map((ms, index) => Math.abs(ms - index * 40)).slice(-1000)) <= 250);
  }
});

t.test('whatever a camera says, an answer lies within its reading and does not go back', async () => {
  const step = fc.record({ timeMs: fc.double({ min: -1e9, max: 1e9, noNaN: true }), waitMs: fc.integer({ min: 0, max: 5000 }), everyMs: fc.integer({ min: 0, max: 500 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const arrivals = new Arrivals();
    let emptyMs = 0;
    let lastMs = -Infinity;
    return steps.every(({ timeMs, waitMs, everyMs }) => {
      const byMs = emptyMs + waitMs + everyMs;
      const said = arrivals.of(timeMs, emptyMs, byMs);
      const fine = said >= emptyMs && said <= byMs && said >= lastMs;
      emptyMs = byMs;
      lastMs = said;
      return fine;
    });
  }));
});
