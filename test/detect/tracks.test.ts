import fc from 'fast-check';
import t from 'tap';
import type { Box } from '../../src/detect/box.ts';
import { labels, Tracks, visitsMax, type Found, type Seen, type Visit } from '../../src/detect/tracks.ts';

const person = (x: number, y = 0.3, score = 0.6): Found => ({ label: 'person', score, box: { x, y, width: 0.1, height: 0.4 } });
const car = (x: number): Found => ({ label: 'vehicle', score: 0.6, box: { x, y: 0.3, width: 0.1, height: 0.4 } });

/** A look each second. */
function watch(tracks: Tracks, looks: readonly (readonly Found[])[], fromSecond = 0): Seen[] {
  return looks.map((found, index) => tracks.look({ atMs: (fromSecond + index) * 1000, picture: fromSecond + index, found }));
}

const begun = (seen: readonly Seen[]): readonly Visit[] => seen.flatMap((one) => one.begun);
const ended = (seen: readonly Seen[]): readonly Visit[] => seen.flatMap((one) => one.ended);

t.test('somebody who crosses the picture is one visit, which begins at the second sighting', (t) => {
  const tracks = new Tracks();
  const seen = watch(tracks, [0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.48].map((x) => [person(x)]));
  t.strictSame(seen.map((one) => one.begun.length), [0, 1, 0, 0, 0, 0, 0]);
  const last = tracks.pass(6000 + 20_000);
  t.strictSame(last.ended.map(({ id, label, fromMs, toMs, sightings }) => ({ id, label, fromMs, toMs, sightings })), [{ id: 1, label: 'person', fromMs: 0, toMs: 6000, sightings: 7 }]);
  t.strictSame(tracks.going, []);
  t.end();
});

t.test('a single sighting is no visit', (t) => {
  const tracks = new Tracks();
  t.strictSame(begun(watch(tracks, [[person(0.3)], [], []])), []);
  t.strictSame(tracks.end(), { begun: [], ended: [] });
  t.end();
});

t.test('what the model is not sure of does not count', (t) => {
  const tracks = new Tracks();
  t.strictSame(begun(watch(tracks, Array.from({ length: 9 }, () => [person(0.3, 0.3, 0.299)]))), []);
  t.equal(begun(watch(tracks, Array.from({ length: 3 }, () => [person(0.3, 0.3, 0.3)]), 20)).length, 1);
  t.end();
});

t.test('who is not seen for a while and comes back at the same place is the same visit; after the time it is another', (t) => {
  const tracks = new Tracks({ unseenMs: 10_000 });
  watch(tracks, [[person(0.3)], [person(0.3)]]);
  t.strictSame(begun(watch(tracks, [[person(0.32)], [person(0.32)]], 10)), []);
  const seen = watch(tracks, [[person(0.3)], [person(0.3)]], 30);
  t.equal(ended(seen).length, 1);
  t.strictSame(begun(seen).map(({ id }) => id), [2]);
  t.end();
});

t.test('two people are two visits, also when they cross', (t) => {
  const tracks = new Tracks();
  const seen = watch(tracks, Array.from({ length: 10 }, (_, step) => [person(0.1 + step * 0.06, 0.2), person(0.75 - step * 0.06, 0.5)]));
  t.equal(begun(seen).length, 2);
  t.strictSame(tracks.going.map(({ sightings }) => sightings), [10, 10]);
  t.end();
});

t.test('a car is not the person before it', (t) => {
  const tracks = new Tracks();
  t.strictSame(begun(watch(tracks, [[person(0.3)], [car(0.3)], [person(0.3)], [car(0.3)]])).map(({ label }) => label), ['person', 'vehicle']);
  t.end();
});

t.test('the picture to show is a sure and large one, rather whole than cut by the edge', (t) => {
  const at = (box: Box, score: number): Found[] => [{ label: 'person', score, box }];
  const tracks = new Tracks();
  watch(tracks, [
    at({ x: 0, y: 0.3, width: 0.3, height: 0.5 }, 0.8),
    at({ x: 0.1, y: 0.3, width: 0.3, height: 0.5 }, 0.7),
    at({ x: 0.2, y: 0.3, width: 0.1, height: 0.2 }, 0.72),
  ]);
  t.equal(tracks.going[0]?.best.picture, 1);
  t.equal(tracks.going[0]?.first.picture, 0);
  t.equal(tracks.going[0]?.last.picture, 2);
  t.end();
});

t.test('what is found all over is bounded and counted', (t) => {
  const tracks = new Tracks();
  const crowd = Array.from({ length: 50 }, (_, index): Found => ({ label: 'person', score: 0.4 + index / 100, box: { x: (index % 10) / 10, y: Math.floor(index / 10) / 5, width: 0.01, height: 0.01 } }));
  watch(tracks, [crowd, crowd]);
  t.equal(tracks.going.length, visitsMax);
  t.equal(tracks.dropped, 2 * (50 - visitsMax));
  t.ok(Math.min(...tracks.going.map(({ best }) => best.score)) >= 0.4 + (50 - visitsMax) / 100 - 1e-9, 'the sure ones are kept');
  t.end();
});

t.test('whatever is found: a visit begins once, ends once, after it began, and only with enough sightings', (t) => {
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  const found = fc.record({ label: fc.constantFrom(...labels), score: fraction, box: fc.record({ x: fraction, y: fraction, width: fraction, height: fraction }) });
  fc.assert(fc.property(fc.array(fc.record({ stepMs: fc.integer({ min: 0, max: 30_000 }), found: fc.array(found, { maxLength: 5 }) }), { maxLength: 40 }), (looks) => {
    const tracks = new Tracks();
    let atMs = 0;
    const begun = new Set<number>(), ended = new Set<number>();
    const take = (seen: Seen): boolean => seen.ended.every(({ id, fromMs, toMs, sightings }) => {
      if (!begun.has(id) || ended.has(id) || sightings < 2 || toMs < fromMs) return false;
      ended.add(id);
      return true;
    }) && seen.begun.every(({ id, sightings, best, last }) => {
      if (begun.has(id) || sightings !== 2 || best.score < 0.3 || last.atMs !== atMs) return false;
      begun.add(id);
      return true;
    });
    for (const [picture, look] of looks.entries()) if (!take(tracks.look({ atMs: atMs += look.stepMs, picture, found: look.found }))) return false;
    return take(tracks.end()) && begun.size === ended.size && tracks.going.length === 0;
  }), { numRuns: 300 });
  t.end();
});

t.test('the order in which a picture\'s things come makes no difference', (t) => {
  const things = fc.uniqueArray(fc.record({ label: fc.constantFrom(...labels), score: fc.double({ min: 0.3, max: 1, noNaN: true }), x: fc.double({ min: 0, max: 0.9, noNaN: true }) }), { selector: ({ score }) => score, maxLength: 4 });
  fc.assert(fc.property(fc.array(things, { minLength: 2, maxLength: 8 }), (looks) => {
    const count = (turned: boolean): readonly unknown[] => {
      const tracks = new Tracks();
      const all = looks.map((list) => list.map(({ label, score, x }): Found => ({ label, score, box: { x, y: 0.2, width: 0.1, height: 0.3 } })));
      const seen = watch(tracks, turned ? all.map((list) => list.toReversed()) : all);
      return begun(seen).map(({ fromMs, label }) => `${fromMs} ${label}`).sort();
    };
    return JSON.stringify(count(true)) === JSON.stringify(count(false));
  }), { numRuns: 200 });
  t.end();
});
