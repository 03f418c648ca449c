/** Changes that any bytes can suffer. Each mutator returns a new buffer; none touches what it was given. */
import type { Random } from './random.ts';

/** `other` is another input of the pool, to borrow from. */
export type Mutator = (random: Random, bytes: Buffer, other: Buffer) => Buffer;

const telling = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024, 4095, 4096, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1];

export const byteMutators: readonly Mutator[] = [
  // One bit.
  (random, bytes) => changed(bytes, (copy) => {
    const at = random.below(copy.length);
    copy[at] = (copy[at] as number) ^ (1 << random.below(8));
  }),
  // One byte.
  (random, bytes) => changed(bytes, (copy) => void (copy[random.below(copy.length)] = random.below(256))),
  // A number that parsers fear, in 1, 2, 4 or 8 bytes.
  (random, bytes) => changed(bytes, (copy) => {
    const width = random.pick([1, 2, 4, 4, 4, 8].filter((size) => size <= copy.length));
    const at = random.below(copy.length - width + 1);
    const value = random.pick(telling);
    if (width === 8) copy.writeBigUInt64BE(random.chance(0.5) ? BigInt(value) : BigInt(value) << 32n, at);
    else copy.writeUIntBE(value % 2 ** (8 * width), at, width);
  }),
  // A number a little larger or smaller.
  (random, bytes) => changed(bytes, (copy) => {
    if (copy.length < 4) return;
    const at = random.below(copy.length - 3);
    copy.writeUInt32BE((copy.readUInt32BE(at) + random.below(65) - 32) >>> 0, at);
  }),
  // The end is gone.
  (random, bytes) => bytes.subarray(0, random.below(bytes.length)),
  // The beginning is gone.
  (random, bytes) => bytes.subarray(random.below(bytes.length)),
  // A piece is gone, doubled, overwritten, put elsewhere.
  (random, bytes) => {
    const [from, to] = span(random, bytes);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (random, bytes) => {
    const [from, to] = span(random, bytes);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to)]);
  },
  (random, bytes) => changed(bytes, (copy) => {
    const [from, to] = span(random, copy);
    if (random.chance(0.5)) copy.fill(random.pick([0, 0xff, 0x20, 0x0a]), from, to);
    else random.bytes(to - from).copy(copy, from);
  }),
  (random, bytes) => changed(bytes, (copy) => {
    const [from, to] = span(random, copy);
    copy.copyWithin(random.below(copy.length), from, to);
  }),
  // Strange bytes are put in.
  (random, bytes) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(random.few(64)), bytes.subarray(at)]);
  },
  // The beginning of this and the end of another.
  (random, bytes, other) => Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))]),
  // A piece of another.
  (random, bytes, other) => {
    const [from, to] = span(random, other);
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at)]);
  },
];

/** For text: words that mean something to the parser, put in, in place of others, or doubled many times. */
export function textMutators(words: readonly string[]): readonly Mutator[] {
  const dictionary = words.map((word) => Buffer.from(word));
  return [
    (random, bytes) => {
      const at = random.below(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), random.pick(dictionary), bytes.subarray(at)]);
    },
    (random, bytes) => {
      const [from, to] = span(random, bytes);
      return Buffer.concat([bytes.subarray(0, from), random.pick(dictionary), bytes.subarray(to)]);
    },
    (random, bytes) => {
      const at = random.below(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(words).repeat(1 + random.below(200))), bytes.subarray(at)]);
    },
    // A whole line doubled, taken out, or put elsewhere.
    (random, bytes) => {
      const lines = bytes.toString('latin1').split('\n');
      const line = random.below(lines.length);
      const taken = random.chance(0.5) ? lines.splice(line, 1) : lines.slice(line, line + 1);
      lines.splice(random.below(lines.length + 1), 0, ...(random.chance(0.3) ? [] : taken));
      return Buffer.from(lines.join('\n'), 'latin1');
    },
    // A number becomes another one.
    (random, bytes) => {
      const text = bytes.toString('latin1');
      const numbers = [...text.matchAll(/\d+/g)];
      if (numbers.length === 0) return bytes;
      const { 0: number, index } = random.pick(numbers);
      const value = random.pick(['0', '-1', '1e999', 'NaN', '1.5', '9007199254740993', '-0', `${random.pick(telling)}`, '']);
      return Buffer.from(text.slice(0, index) + value + text.slice(index + number.length), 'latin1');
    },
  ];
}

/** A copy of one input of the pool with one to eight changes, at most `bytesMax` long. */
export function mutant(random: Random, pool: readonly Buffer[], mutators: readonly Mutator[], bytesMax: number): Buffer {
  let bytes = random.pick(pool);
  for (let changes = random.few(8); changes > 0; changes--) {
    if (bytes.length === 0) bytes = Buffer.from([random.below(256)]);
    bytes = random.pick(mutators)(random, bytes, random.pick(pool));
  }
  return Buffer.from(bytes.subarray(0, bytesMax));
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** Short pieces most often. */
function span(random: Random, bytes: Buffer): [from: number, to: number] {
  const from = random.below(bytes.length);
  const most = random.chance(0.7) ? Math.min(32, bytes.length - from) : bytes.length - from;
  return [from, from + 1 + random.below(most)];
}
