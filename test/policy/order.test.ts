import fc from 'fast-check';
import t from 'tap';
import { inRecordedOrder, type Numbered } from '../../src/policy/order.ts';

function row(camera: string, seq: number, startMs: number): Numbered {
  return { camera, stream: 'main', seq, startMs };
}

t.test('without a jump it is the order of time', async (t) => {
  const rows = [row('front', 2, 20), row('garden', 9, 15), row('front', 1, 10)];
  t.same(inRecordedOrder(rows).map(({ startMs }) => startMs), [10, 15, 20]);
});

t.test('after the clock went back, what was recorded later comes later', async (t) => {
  const rows = [row('front', 3, 10), row('front', 1, 5), row('front', 2, 15), row('front', 4, 20), row('garden', 1, 12)];
  t.same(inRecordedOrder(rows).map(({ camera, seq }) => `${camera} ${seq}`), ['front 1', 'garden 1', 'front 2', 'front 3', 'front 4']);
});

t.test('whatever the clock did, a stream keeps the order of its numbers', async () => {
  const rows = fc.uniqueArray(fc.record({ camera: fc.constantFrom('front', 'garden'), stream: fc.constantFrom('main', 'sub'), seq: fc.nat(50), startMs: fc.nat(1000) }),
    { selector: ({ camera, stream, seq }) => `${camera}/${stream}/${seq}` });
  fc.assert(fc.property(rows, (given) => {
    const sorted = inRecordedOrder(given);
    return sorted.length === given.length && sorted.every((one, index) => sorted.slice(0, index).every((before) => before.camera !== one.camera || before.stream !== one.stream || before.seq < one.seq));
  }));
});
