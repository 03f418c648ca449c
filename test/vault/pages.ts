/** Pages of an encrypted database where nothing tells which they are: tried with each number, and rows put together again from those that are some. */
import { createDecipheriv } from 'node:crypto';

/** Of a page, and of the disk. */
export const blockBytes = 4096;
const nonceBytes = 16;
const reservedBytes = 32;
const usableBytes = blockBytes - reservedBytes;
/** Of the first page these are in clear. */
const clearBytes = 24;
const frameHeadBytes = 24;
const zeros = Buffer.alloc(64);
/** B-trees: of an index inside and at its leaves, of a table at its leaves. */
const [indexInside, tableInside, indexLeaf, tableLeaf] = [2, 5, 10, 13];
/** Of one page that was written again and again, as many are followed. */
const versionsMost = 8;

/** As SQLite3MultipleCiphers' chacha20 has it: nonce and tag at the page's end; the first 24 bytes of the first page are in clear. Those are left out here. */
export function pageOf(page: Buffer, number: number, key: Buffer, bytes = usableBytes): Buffer {
  const nonce = page.subarray(usableBytes, usableBytes + nonceBytes);
  const counter = (nonce.readUInt32LE(nonceBytes - 4) ^ number) >>> 0;
  const once = xor(zeros, key, nonce, counter);
  return xor(page.subarray(number === 1 ? clearBytes : 0, bytes), once.subarray(32), nonce, (counter + 1) >>> 0);
}

function xor(bytes: Buffer, key: Buffer, nonce: Buffer, counter: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(counter, 0);
  nonce.copy(iv, 4, 0, 12);
  return createDecipheriv('chacha20', key, iv).update(bytes);
}

/** Of a log, from its beginning on. */
export function* frameNumbers(log: Buffer): Generator<number> {
  for (let at = 32; at + frameHeadBytes + blockBytes <= log.length; at += frameHeadBytes + blockBytes) yield log.readUInt32BE(at);
}

/** Those that turned out to be one, by their numbers; of each as many versions as lie there. */
export class Pages {
  readonly #most: number;
  readonly #byNumber = new Map<number, Buffer[]>();

  constructor(most = 2 ** 16) {
    this.#most = most;
  }

  get count(): number {
    return [...this.all()].length;
  }

  *all(): Generator<Buffer> {
    for (const versions of this.#byNumber.values()) yield* versions;
  }

  add(number: number, block: Buffer, key: Buffer): void {
    if (!this.#resembles(pageOf(block, number, key, number === 1 ? 128 : 16), number)) return;
    const page = pageOf(block, number, key);
    const known = this.#byNumber.get(number) ?? [];
    if (!known.some((one) => one.equals(page))) this.#byNumber.set(number, [...known, page]);
  }

  addAnyNumber(block: Buffer, key: Buffer): void {
    if (block.readUInt32LE(usableBytes) === 0 && block.readUInt32LE(usableBytes + 4) === 0) return; // no nonce is zeros
    for (let number = 1; number <= this.#most; number++) this.add(number, block, key);
  }

  /** Of a log of the database, wherever they lie: each begins with the page's number and how many pages there are then, or 0. */
  addFrames(bytes: Buffer, key: Buffer): void {
    for (let at = 0; at + frameHeadBytes + blockBytes <= bytes.length; at += 8) {
      if (bytes[at] !== 0 || bytes[at + 1] !== 0) continue;
      const number = bytes.readUInt32BE(at);
      if (number >= 1 && number <= this.#most && bytes.readUInt32BE(at + 4) <= this.#most && bytes.readUInt32BE(at + 8) !== 0) this.add(number, bytes.subarray(at + frameHeadBytes, at + frameHeadBytes + blockBytes), key);
    }
  }

  /** Whole rows, with what of them lies on other pages. */
  *rows(): Generator<Buffer> {
    for (const [number, versions] of this.#byNumber) if (number !== 1) for (const page of versions) yield* this.#rowsOf(page);
  }

  *#rowsOf(page: Buffer): Generator<Buffer> {
    const type = page[0];
    if (type !== indexInside && type !== indexLeaf && type !== tableLeaf) return;
    const most = type === tableLeaf ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23;
    const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
    for (let cell = 0, pointers = type === indexInside ? 12 : 8; cell < page.readUInt16BE(3); cell++, pointers += 2) {
      if (pointers + 2 > page.length) return;
      const [size, afterSize] = varint(page, page.readUInt16BE(pointers) + (type === indexInside ? 4 : 0));
      const at = type === tableLeaf ? varint(page, afterSize)[1] : afterSize;
      const share = least + ((size - least) % (usableBytes - 4));
      const local = size <= most ? size : share <= most ? share : least;
      if (size > 2 ** 20 || at + local + 4 > page.length) continue;
      const here = page.subarray(at, at + local);
      if (local === size) continue; // it lies on its page
      for (const rest of this.#chain(page.readUInt32BE(at + local), size - local)) yield Buffer.concat([here, rest]);
    }
  }

  *#chain(number: number, bytes: number): Generator<Buffer> {
    for (const page of (this.#byNumber.get(number) ?? []).slice(-versionsMost)) {
      const here = page.subarray(4, 4 + bytes);
      if (here.length === bytes) yield here;
      else for (const rest of this.#chain(page.readUInt32BE(0), bytes - here.length)) yield Buffer.concat([here, rest]);
    }
  }

  /** Of a tree, with a head that may be one; or what follows a row, with the number of the next one before it. */
  #resembles(page: Buffer, number: number): boolean {
    const at = number === 1 ? 100 - clearBytes : 0;
    const type = page[at];
    const tree = type === indexInside || type === tableInside || type === indexLeaf || type === tableLeaf;
    if (tree && page.readUInt16BE(at + 1) < usableBytes && page.readUInt16BE(at + 3) < 1_000 && page.readUInt16BE(at + 5) <= usableBytes && (page[at + 7] as number) < 64) return true;
    return number !== 1 && page.readUInt32BE(0) <= this.#most;
  }
}

function varint(bytes: Buffer, from: number): [value: number, end: number] {
  let value = 0;
  for (let at = from; at < from + 9 && at < bytes.length; at++) {
    value = value * 128 + ((bytes[at] as number) & 0x7f);
    if ((bytes[at] as number) < 0x80) return [value, at + 1];
  }
  return [Infinity, from];
}
