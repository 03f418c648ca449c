import fc from 'fast-check';
import t from 'tap';
import { areaOf } from '../../src/policy/alarmrules.ts';
import { cornerAdded, cornerAfter, cornerMoved, cornerRemoved, cornersMax, cornersMin, firstCorners, type Corner } from '../../src/web/zonedraft.ts';

t.test('a click puts a corner on the side that is nearest', async (t) => {
  const cases: readonly [Corner, number][] = [[[0.5, 0.1], 1], [[0.9, 0.5], 2], [[0.5, 0.9], 3], [[0.1, 0.5], 4]];
  for (const [at, index] of cases) t.same(cornerAdded(firstCorners, at), { corners: firstCorners.toSpliced(index, 0, at), index });
});

t.test('by keyboard a corner comes half-way to the next, and goes', async (t) => {
  const more = cornerAfter(firstCorners, 3);
  t.same(more?.corners[4], [0.3, 0.5], 'also between the last one and the first');
  t.same(cornerRemoved(more?.corners ?? [], 4), { corners: firstCorners, index: 3 });
});

t.test('whatever is done, corners are in the picture, and no fewer and no more than a zone may have', async () => {
  const act = fc.record({ what: fc.constantFrom('move', 'after', 'add', 'remove'), n: fc.nat(40), at: fc.tuple(fc.double({ min: -2, max: 3, noNaN: true }), fc.double({ min: -2, max: 3, noNaN: true })) });
  fc.assert(fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
    let corners: readonly Corner[] = firstCorners;
    for (const { what, n, at } of acts) {
      const index = n % corners.length;
      if (what === 'move') corners = cornerMoved(corners, index, at);
      else corners = (what === 'after' ? cornerAfter(corners, index) : what === 'add' ? cornerAdded(corners, at) : cornerRemoved(corners, index))?.corners ?? corners;
      if (corners.length < cornersMin || corners.length > cornersMax || corners.flat().some((n) => n < 0 || n > 1)) return false;
    }
    return true;
  }));
});

t.test('what is offered first encloses something', async (t) => t.ok(areaOf(firstCorners) > 0.1));
