import t from 'tap';
import { dayMs } from '../../src/base/units.ts';
import { erasableMs, unknownAfter, unknownText } from '../../src/policy/farunknown.ts';
import { readWish, wishDocument } from '../../src/policy/wishes.ts';

t.test('what stays the same keeps its day; what changes, or a clock that went back, begins it anew', (t) => {
  const first = unknownAfter(undefined, { objects: 1, bytes: 3, set: 'a' }, 1000);
  t.same(first, { objects: 1, bytes: 3, set: 'a', sinceMs: 1000, lookedMs: 1000 });
  t.equal(erasableMs(first), 1000 + dayMs);
  t.match(unknownAfter(first, first, 5000), { sinceMs: 1000, lookedMs: 5000 });
  t.match(unknownAfter(first, { ...first, set: 'b' }, 5000), { sinceMs: 5000 });
  t.match(unknownAfter(first, first, 900), { sinceMs: 900 });
  t.end();
});

t.test('the text of a set is the same in whatever order it was listed', (t) => {
  t.equal(unknownText([['b', 1], ['a', 22]]), 'a 22\nb 1\n');
  t.equal(unknownText([['a', 22], ['b', 1]]), 'a 22\nb 1\n');
  t.equal(unknownText([]), '');
  t.end();
});

t.test('a signed wish to clear reads as it was written, and nothing else does', (t) => {
  const wish = { what: 'clear', destination: 'nas', objects: 3, set: 'f'.repeat(64) } as const;
  const document = wishDocument(wish, 0);
  t.same(readWish(document), wish);
  t.equal(readWish(document.replace('"objects":3', '"objects":3.0')), undefined);
  t.equal(readWish(document.replace('"v":1', '"v":2')), undefined);
  t.equal(readWish(document.replace('clear', 'erase')), undefined);
  t.end();
});
