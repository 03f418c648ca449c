import t from 'tap';
import { Slabs, type Piece } from '../../src/capture/slabs.ts';

const mib = 2 ** 20;
const allZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

t.test('what is kept is a copy, and is wiped when it is let go', (t) => {
  const slabs = new Slabs();
  const mine = Buffer.alloc(1000, 7);
  const [first, second] = [slabs.keep(mine), slabs.keep(Buffer.alloc(1000, 8))];
  mine.fill(9);
  t.ok(first.bytes.every((byte) => byte === 7));
  slabs.wipe(first);
  t.ok(allZero(first.bytes));
  t.ok(second.bytes.every((byte) => byte === 8), 'and what lies beside it is not');
  t.end();
});

t.test('pieces that come and go in order fill the same memory over and over', (t) => {
  const slabs = new Slabs();
  const memories = new Set<ArrayBufferLike>();
  const held: Piece[] = [];
  for (let count = 0; count < 5000; count++) {
    held.push(slabs.keep(Buffer.alloc(count % 50 === 0 ? 150_000 : 15_000, count)));
    memories.add((held.at(-1) as Piece).bytes.buffer);
    if (held.length === 100) for (const piece of held.splice(0, 50)) slabs.wipe(piece);
  }
  t.ok(memories.size <= 6, `${memories.size} slabs`);
  t.ok(held.every((piece, index) => piece.bytes.every((byte) => byte === (5000 - held.length + index) % 256)));
  t.end();
});

t.test('a piece that stays keeps its slab from being used again', (t) => {
  const slabs = new Slabs();
  const staying = slabs.keep(Buffer.alloc(100, 1));
  for (let count = 0; count < 1000; count++) slabs.wipe(slabs.keep(Buffer.alloc(100_000, 2)));
  t.ok(staying.bytes.every((byte) => byte === 1));
  t.end();
});

t.test('slabs grow with large pictures, so that those too leave no work behind', (t) => {
  const slabs = new Slabs();
  const memories = new Set<ArrayBufferLike>();
  for (let count = 0; count < 200; count++) {
    const pieces = [slabs.keep(Buffer.alloc(1_500_000, 1)), slabs.keep(Buffer.alloc(50_000, 2))];
    for (const { bytes } of pieces) memories.add(bytes.buffer);
    for (const piece of pieces) slabs.wipe(piece);
  }
  t.ok(memories.size <= 2, `${memories.size} slabs`);
  t.end();
});

t.test('a picture that is larger than any slab has memory of its own, which is not kept', (t) => {
  const slabs = new Slabs();
  const huge = slabs.keep(Buffer.alloc(17 * mib, 3));
  const small = slabs.keep(Buffer.alloc(10, 4));
  t.not(small.bytes.buffer, huge.bytes.buffer);
  slabs.wipe(huge);
  t.ok(allZero(huge.bytes));
  slabs.wipe(small);
  const next = Array.from({ length: 50 }, () => slabs.keep(Buffer.alloc(mib)));
  t.ok(next.every(({ bytes }) => bytes.buffer.byteLength <= 2 * mib));
  t.end();
});

t.test('of what a slow reader made it take, it keeps 4 MiB for the next pictures', (t) => {
  const slabs = new Slabs();
  const many = (): Piece[] => Array.from({ length: 200 }, () => slabs.keep(Buffer.alloc(100_000)));
  const first = many();
  for (const piece of first) slabs.wipe(piece);
  const [before, after] = [first, many()].map((pieces) => new Set(pieces.map(({ bytes }) => bytes.buffer))) as [Set<ArrayBufferLike>, Set<ArrayBufferLike>];
  t.equal([...after].filter((memory) => before.has(memory)).reduce((sum, memory) => sum + memory.byteLength, 0), 4.5 * mib, 'and the one that it was filling');
  t.end();
});
