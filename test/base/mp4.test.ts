import fc from 'fast-check';
import t from 'tap';
import { BoxError, boxAt, boxesIn, childrenOf, findBox, makeBox } from '../../src/base/mp4.ts';

t.test('boxes are walked, and their children', async (t) => {
  const inner = Buffer.concat([makeBox('mfhd', Buffer.alloc(8)), makeBox('traf', Buffer.alloc(0))]);
  const bytes = Buffer.concat([makeBox('moof', inner), makeBox('mdat', Buffer.from('picture'))]);
  const boxes = boxesIn(bytes);
  t.same(boxes.map(({ type, start, size }) => [type, start, size]), [['moof', 0, 32], ['mdat', 32, 15]]);
  t.same(childrenOf(bytes, boxes[0] ?? t.fail('no moof') as never).map((box) => box.type), ['mfhd', 'traf']);
  t.equal(findBox(boxes, 'mdat')?.start, 32);
  t.equal(findBox(boxes, 'free'), undefined);
});

t.test('a box with a 64-bit size', async (t) => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(1, 0);
  bytes.write('mdat', 4);
  bytes.writeBigUInt64BE(20n, 8);
  t.same(boxAt(bytes, 0), { type: 'mdat', start: 0, headerSize: 16, size: 20 });
  t.equal(boxAt(bytes.subarray(0, 15), 0), undefined, 'its size is not there yet');
  bytes.writeBigUInt64BE(2n ** 60n, 8);
  t.throws(() => boxAt(bytes, 0), { offset: 0, message: /^box mdat of \d+ bytes$/ });
});

t.test('what is no box is named with its offset', async (t) => {
  const small = makeBox('free', Buffer.alloc(4));
  const bad = Buffer.concat([small, small]);
  bad.writeUInt32BE(7, 12);
  t.throws(() => boxesIn(bad), { offset: 12, message: 'box free of 7 bytes' });
  bad.writeUInt32BE(0, 12);
  t.throws(() => boxesIn(bad), { offset: 12 }, '"to the end" is refused');
  bad.writeUInt32BE(13, 12);
  t.throws(() => boxesIn(bad), { offset: 12, message: 'a box reaches past its parent' });
  t.equal(boxAt(small.subarray(0, 7), 0), undefined, 'too few bytes yet');
});

t.test('any bytes are walked to their end or refused with an offset inside them', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      return boxesIn(bytes).reduce((sum, box) => sum + box.size, 0) === bytes.length;
    } catch (error) {
      return error instanceof BoxError && error.offset >= 0 && error.offset < bytes.length;
    }
  }));
});
