/** Changes to MP4 that keep its nesting whole, so that they reach what lies deep; a reader of boxes of its own, lenient. */
import type { Mutator } from './mutate.ts';
import type { Random } from './random.ts';

interface Node {
  type: string;
  /** Fixed fields before the children, or all of a box without children. */
  head: Buffer;
  children: Node[];
  /** What its size field says instead of the truth. */
  lie: number | undefined;
}

/** Boxes with boxes in them, and how many bytes of their own come first. */
const nesting: ReadonlyMap<string, number> = new Map([
  ['moov', 0], ['trak', 0], ['mdia', 0], ['minf', 0], ['stbl', 0], ['dinf', 0], ['mvex', 0], ['moof', 0], ['traf', 0], ['edts', 0], ['udta', 0],
  ['stsd', 8], ['dref', 8], ['avc1', 78], ['avc3', 78], ['hvc1', 78], ['hev1', 78], ['mp4a', 28],
]);
const types = [...nesting.keys(), 'ftyp', 'styp', 'free', 'mdat', 'sidx', 'emsg', 'uuid', 'mvhd', 'tkhd', 'mdhd', 'hdlr', 'vmhd', 'smhd', 'stts', 'stsc', 'stsz', 'stco', 'trex', 'mehd', 'mfhd', 'tfhd', 'tfdt', 'trun', 'avcC', 'hvcC', 'esds', 'pasp', 'btrt', 'skip', '\0\0\0\0', 'vp09', 'enca'];
const telling = [0, 1, 2, 7, 8, 9, 16, 127, 128, 255, 256, 65_535, 65_536, 2 ** 20, 2 ** 24, 2 ** 24 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

export const boxMutators: readonly Mutator[] = [
  // A field of some box.
  onBox((random, { box }) => {
    if (box.head.length < 4) return;
    const head = Buffer.from(box.head);
    head.writeUInt32BE(random.chance(0.3) ? head.length + random.below(17) - 8 >>> 0 : random.pick(telling), random.below(head.length - 3));
    box.head = head;
  }),
  // A box lies about its size, or about what it is.
  onBox((random, { box }) => void (box.lie = random.chance(0.5) ? random.pick(telling) : (sizeOf(box) + random.below(33) - 16) >>> 0)),
  onBox((random, { box }) => void (box.type = random.pick(types))),
  // A box is gone, doubled, cut, filled, moved to another place, or comes from another file.
  onBox((_random, { list, at }) => void list.splice(at, 1)),
  onBox((random, { list, at, box }) => void list.splice(at, 0, ...Array.from({ length: random.few(20) }, () => copyOf(box)))),
  onBox((random, { box }) => void (box.head = box.head.subarray(0, random.below(box.head.length + 1)))),
  onBox((random, { box }) => void (box.head = Buffer.concat([box.head, random.bytes(random.few(256))]))),
  onBox((random, { all, list, at, box }) => {
    list.splice(at, 1);
    const into = random.pick(all);
    into.children.splice(random.below(into.children.length + 1), 0, box);
  }),
  (random, bytes, other) => {
    const [mine, theirs] = [read(bytes), read(other)];
    if (mine.length === 0 || theirs.length === 0) return bytes;
    const place = random.pick(placesOf(mine));
    place.list.splice(place.at, random.chance(0.5) ? 1 : 0, random.pick(placesOf(theirs)).box);
    return write(mine);
  },
];

interface Place {
  readonly list: Node[];
  readonly at: number;
  readonly box: Node;
}

function onBox(change: (random: Random, place: Place & { readonly all: readonly Node[] }) => void): Mutator {
  return (random, bytes) => {
    const boxes = read(bytes);
    if (boxes.length === 0) return bytes;
    const places = placesOf(boxes);
    change(random, { ...random.pick(places), all: places.map(({ box }) => box) });
    return write(boxes);
  };
}

function placesOf(boxes: Node[]): Place[] {
  return boxes.flatMap((box, at) => [{ list: boxes, at, box }, ...placesOf(box.children)]);
}

function read(bytes: Buffer, depth = 0): Node[] {
  const boxes: Node[] = [];
  for (let at = 0; at + 8 <= bytes.length && boxes.length < 200;) {
    const size = bytes.readUInt32BE(at);
    const end = size < 8 ? bytes.length : Math.min(bytes.length, at + size);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, end);
    const own = depth < 10 ? nesting.get(type) : undefined;
    boxes.push({ type, head: own === undefined ? body : body.subarray(0, own), children: own === undefined ? [] : read(body.subarray(own), depth + 1), lie: undefined });
    at = end;
  }
  return boxes;
}

function sizeOf(box: Node): number {
  return box.children.reduce((sum, child) => sum + sizeOf(child), 8 + box.head.length);
}

function write(boxes: readonly Node[], depth = 0): Buffer {
  return Buffer.concat(boxes.flatMap((box) => {
    const children = depth < 12 ? write(box.children, depth + 1) : Buffer.alloc(0);
    const header = Buffer.alloc(8);
    header.writeUInt32BE(box.lie ?? 8 + box.head.length + children.length, 0);
    header.write(box.type, 4, 'latin1');
    return [header, box.head, children];
  }));
}

function copyOf(box: Node): Node {
  return { ...box, children: box.children.map(copyOf) };
}
