import t from 'tap';
import fc from 'fast-check';
import { boxesIn, makeBox as plainBox } from '../../src/base/mp4.ts';
import { paddingBox } from '../../src/seal/padme.ts';
import { findThumbnail, isThumbnail, thumbnailBox, thumbnailBoxBytes, thumbnailBytesMax, thumbnailIn, thumbnailUuid, type ThumbnailPlace } from '../../src/seal/thumbnail.ts';
import { fakeJpeg } from './thumbnail.ts';

const jpeg = fakeJpeg();

/** As a Buffer, as the hub has it. */
function makeBox(type: string, payload: Uint8Array): Buffer {
  return Buffer.from(plainBox(type, payload));
}

function find(plain: Buffer): Promise<ThumbnailPlace | undefined> {
  return findThumbnail(plain.length, async (offset, length) => plain.subarray(offset, offset + length));
}

function segment(...boxes: Buffer[]): Buffer {
  const plain = Buffer.concat([makeBox('ftyp', Buffer.from('isom0000')), ...boxes]);
  return Buffer.concat([plain, paddingBox(plain.length)]);
}

t.test('the box is a uuid box that any reader of MP4 passes over, and gives the JPEG back', async (t) => {
  const box = thumbnailBox(jpeg);
  t.match(boxesIn(box), [{ type: 'uuid', size: 24 + jpeg.length }]);
  t.equal(box.toString('hex', 8, 24), 'aaaff16f417c416c8049154b8bf191bc');
  t.same(thumbnailIn(box), jpeg);
});

t.test('what is not exactly one box of a small baseline JPEG is none', async (t) => {
  const box = thumbnailBox(jpeg);
  const changed = (at: number, xor: number): Buffer => {
    const copy = Buffer.from(box);
    copy[at] = (copy[at] as number) ^ xor;
    return copy;
  };
  for (const [name, bytes] of [
    ['nothing', Buffer.alloc(0)], ['its beginning', box.subarray(0, 100)], ['something behind it', Buffer.concat([box, Buffer.of(0)])], ['another size', changed(3, 1)], ['another type', changed(4, 1)],
    ['another id', changed(23, 1)], ['too large', Buffer.alloc(thumbnailBoxBytes.max + 1)], ['the metadata box', makeBox('uuid', Buffer.alloc(300, 7))],
  ] as const) t.equal(thumbnailIn(bytes), undefined, name);
  for (const [name, bytes] of [
    ['no end', jpeg.subarray(0, -2)], ['something behind its end', Buffer.concat([jpeg, Buffer.of(0)])], ['too wide', fakeJpeg({ width: 321 })], ['too high', fakeJpeg({ height: 641 })], ['no width', fakeJpeg({ width: 0 })],
    ['no height', fakeJpeg({ height: 0 })], ['progressive', fakeJpeg({ frame: 0xc2 })], ['lossless', fakeJpeg({ frame: 0xc3 })], ['arithmetic', fakeJpeg({ frame: 0xc9 })], ['12 bits', fakeJpeg({ precision: 12 })],
    ['four components', fakeJpeg({ components: 4 })], ['a second start', fakeJpeg({ before: Buffer.of(0xff, 0xd8) })], ['two frames', fakeJpeg({ before: fakeJpeg().subarray(71, 90) })], ['a length past the end', fakeJpeg({ before: Buffer.of(0xff, 0xe0, 0xff, 0xff) })],
    ['a length of none', fakeJpeg({ before: Buffer.of(0xff, 0xe0, 0, 0) })], ['PNG', Buffer.from('89504e470d0a1a0a', 'hex')], ['too large', fakeJpeg({ scan: Buffer.alloc(thumbnailBytesMax) })], ['nothing', Buffer.alloc(0)], ['its ends alone', Buffer.of(0xff, 0xd8, 0xff, 0xd9)],
  ] as const) t.equal(isThumbnail(bytes), false, name);
  t.ok(isThumbnail(fakeJpeg({ components: 1, width: 1, height: 640 })), 'and grey and small is one');
  t.ok(isThumbnail(fakeJpeg({ scan: Buffer.alloc(thumbnailBytesMax - fakeJpeg().length + 2000) })), 'and so is the largest');
});

t.test('whatever the bytes are, a reader gives a JPEG or nothing', async () => {
  const box = thumbnailBox(jpeg);
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(box.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }), fc.nat(box.length), (changes, keep) => {
    const bytes = Buffer.from(box);
    for (const [at, xor] of changes) bytes[at] = (bytes[at] as number) ^ xor;
    const given = thumbnailIn(bytes.subarray(0, keep));
    return given === undefined || (isThumbnail(given) && Buffer.from(given).equals(bytes.subarray(24)));
  }), { numRuns: 2000 });
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => (await find(Buffer.from(bytes))) === undefined));
});

t.test('it is found where no list says where it lies, whatever the padding', async (t) => {
  const box = thumbnailBox(jpeg);
  const sizes = [1, 50_000, 61_000, 65_536, 131_000, 400_000, 3_000_000, 20_000_000];
  for (const size of sizes) {
    const before = Buffer.concat([makeBox('moof', Buffer.alloc(100, 1)), makeBox('mdat', Buffer.alloc(size, 2))]);
    t.same(await find(segment(before, box)), [16 + before.length, box.length], `behind ${size} bytes`);
    t.equal(await find(segment(before)), undefined, 'none where there is none');
  }
  // Only what ends right before the padding is one.
  const planted = makeBox('mdat', Buffer.concat([box, Buffer.alloc(1000, 9)]));
  t.equal(await find(segment(makeBox('moof', Buffer.alloc(100, 1)), planted)), undefined);
  t.equal(await find(segment(makeBox('uuid', Buffer.concat([thumbnailUuid, Buffer.from('no JPEG')])))), undefined);
  t.equal(await find(segment(box).subarray(0, -1)), undefined, 'a padding that is cut off');
  t.equal(await find(Buffer.concat([segment(box), Buffer.alloc(100)])), undefined, 'zeros behind it');
  t.equal(await find(Buffer.alloc(2_000_000)), undefined, 'zeros alone');
});

t.test('looking for it reads little of a large segment', async (t) => {
  const plain = segment(makeBox('moof', Buffer.alloc(100, 1)), makeBox('mdat', Buffer.alloc(20_000_000, 2)), thumbnailBox(jpeg));
  let read = 0;
  await findThumbnail(plain.length, async (offset, length) => {
    read += length;
    return plain.subarray(offset, offset + length);
  });
  t.ok(read < plain.length / 30, `${read} of ${plain.length} bytes`);
});
