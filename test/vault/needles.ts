/** What is searched for on a disk, and a search for thousands of such things at once. */
import type { ExaminedFace } from '../../src/detect/protocol.ts';

export interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}

/** A template is found by any four numbers of it in a row, a picture by any 24 bytes, a name as UTF-8, UTF-16 or base64. */
export function needlesOf({ name, vectors, crop }: { name: string; vectors: readonly Float32Array[]; crop: Uint8Array }): Needle[] {
  const base64 = [0, 1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift), Buffer.from(name)]).toString('base64').replace(/=+$/, '').slice(shift === 0 ? 0 : shift + 1, -1));
  return [
    ...vectors.flatMap((vector) => pieces('template', bytesOf(vector), 16)),
    ...pieces('crop', Buffer.from(crop), 24).slice(30), // a JPEG's beginning is every JPEG's
    { what: 'name', bytes: Buffer.from(name) }, { what: 'name', bytes: Buffer.from(name, 'utf16le') }, ...base64.map((text) => ({ what: 'name', bytes: Buffer.from(text) })),
  ];
}

/** A face that was examined, however it may have been written down: its numbers in 4 bytes each, as a template has them, in 8, as JavaScript counts, or in digits; its picture as it came. */
export function needlesOfFace({ vector, crop: { rgb } }: Pick<ExaminedFace, 'vector' | 'crop'>): Needle[] {
  const numbers = [...vector];
  return [
    ...pieces('template', bytesOf(vector), 16),
    // The first half of each is mostly zeros, which are everywhere.
    ...pieces('numbers of 8 bytes', bytesOf(Float64Array.from(vector)).subarray(4), 16),
    ...numbers.flatMap((_, at) => (at % 4 === 0 ? [{ what: 'numbers in digits', bytes: Buffer.from(JSON.stringify(numbers.slice(at, at + 2)).slice(1, -1)) }] : [])),
    // What is plain is in many pictures.
    ...pieces('pixels', Buffer.from(rgb), 24).filter(({ bytes }, at) => at % 40 === 0 && new Set(bytes).size > 12),
  ];
}

export function pieces(what: string, bytes: Buffer, length: number): Needle[] {
  return Array.from({ length: Math.floor(bytes.length / length) }, (_, at) => ({ what, bytes: Buffer.from(bytes.subarray(at * length, (at + 1) * length)) }));
}

/** Answers what of them is in the bytes. Each has four bytes at least, and its first four are not those of thousands of others. */
export function finderOf(needles: readonly Needle[]): (bytes: Buffer) => readonly string[] {
  const maybe = new Uint8Array(2 ** 24);
  const byStart = Map.groupBy(needles, ({ bytes }) => bytes.readUInt32BE(0));
  for (const start of byStart.keys()) maybe[start >>> 8] = 1;
  return (bytes) => {
    const found = new Set<string>();
    let window = bytes.length < 4 ? 0 : bytes.readUIntBE(0, 3);
    for (let at = 0; at + 4 <= bytes.length; at++) {
      if (maybe[window] === 1) {
        for (const needle of byStart.get(bytes.readUInt32BE(at)) ?? []) if (needle.bytes.compare(bytes, at, Math.min(bytes.length, at + needle.bytes.length)) === 0) found.add(needle.what);
      }
      window = ((window << 8) | (bytes[at + 3] as number)) & 0xff_ffff;
    }
    return [...found];
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
