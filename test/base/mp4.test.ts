import fc from 'fast-check';
import t from 'tap';
import { BoxError, boxAt, boxesIn, childrenOf, findBox, makeBox } from '../../src/base/mp4.ts';

t.test('boxes are made and found again', async (t) => {
  const bytes = Buffer.concat([makeBox('ftyp', Buffer.from('isom')), makeBox('moov', Buffer.concat([makeBox('mvhd', Buffer.alloc(4)), makeBox('trak', Buffer.alloc(0))]))]);
  const boxes = boxesIn(bytes);
  t.strictSame(boxes.map(({ type, start, headerSize, size }) => [type, start, headerSize, size]), [['ftyp', 0, 8, 12], ['moov', 12, 8, 28]]);
  const moov = findBox(boxes, 'moov');
  t.strictSame(moov === undefined ? [] : childrenOf(bytes, moov).map(({ type }) => type), ['mvhd', 'trak']);
  t.equal(findBox(boxes, 'mdat'), undefined);
});

t.test('children may begin after fields of their parent', async (t) => {
  const bytes = makeBox('stsd', Buffer.concat([Buffer.alloc(8), makeBox('avc1', Buffer.alloc(2))]));
  const [box] = boxesIn(bytes);
  t.ok(box !== undefined && childrenOf(bytes, box, 8)[0]?.type === 'avc1');
});

t.test('a 64-bit size is read', async (t) => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(1, 0);
  bytes.write('mdat', 4);
  bytes.writeBigUInt64BE(20n, 8);
  t.match(boxAt(bytes, 0), { type: 'mdat', headerSize: 16, size: 20 });
  t.equal(boxAt(bytes.subarray(0, 15), 0), undefined, 'not whole yet');
  bytes.writeBigUInt64BE(15n, 8);
  t.throws(() => boxAt(bytes, 0), { offset: 0, message: 'box mdat of 15 bytes' }, 'smaller than its header');
  bytes.writeBigUInt64BE(2n ** 60n, 8);
  t.throws(() => boxAt(bytes, 0), { offset: 0, message: /^box mdat of/ }, 'no number can hold it');
});

t.test('broken sizes are refused at their offset', async (t) => {
  const odd = (size: number): Buffer => Buffer.concat([makeBox('free', Buffer.alloc(0)), Buffer.from([0, 0, 0, size]), Buffer.from('m\u0000\u001bt', 'latin1')]);
  for (const size of [0, 2, 7]) t.throws(() => boxesIn(odd(size)), { offset: 8, message: new RegExp(`box m\\?\\?t of ${size} bytes`) });
  t.throws(() => boxesIn(odd(9)), { offset: 8, message: /reaches past its parent/ });
  t.throws(() => boxesIn(Buffer.alloc(3)), { message: /reaches past its parent/ });
  t.equal(boxAt(Buffer.alloc(7), 0), undefined);
});

t.test('a million empty boxes are not walked', async (t) => {
  const bytes = Buffer.concat(Array.from({ length: 10_001 }, () => makeBox('free', Buffer.alloc(0))));
  t.throws(() => boxesIn(bytes), { message: /more than 10000/ });
});

t.test('a child does not reach past its parent', async (t) => {
  const bytes = Buffer.concat([makeBox('moov', Buffer.from([0, 0, 0, 16, 0x74, 0x72, 0x61, 0x6b])), Buffer.alloc(64)]);
  const box = boxAt(bytes, 0);
  t.ok(box !== undefined);
  if (box !== undefined) t.throws(() => childrenOf(bytes, box), { offset: 8, message: /reaches past/ });
});

t.test('any bytes are boxes that fill them, or a BoxError within them', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(40), (tail, size) => {
    const bytes = Buffer.concat([makeBox('free', Buffer.alloc(size)), tail]);
    try {
      t.equal(boxesIn(bytes).reduce((sum, box) => sum + box.size, 0), bytes.length);
    } catch (error) {
      t.ok(error instanceof BoxError && error.offset >= 0 && error.offset <= bytes.length, String(error));
    }
  }));
});
