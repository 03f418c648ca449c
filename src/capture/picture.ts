/**
 * Notices that a camera's picture becomes another one in mid-stream: its size, chroma or bit depth, by the sequence parameter sets in
 * its key frames. ffmpeg copies such a stream on under its first `moov`, which no player can show it by.
 *
 * Only what a key frame says is compared with what an earlier one said, and only what matters: the description that a camera gives
 * when it is asked is often of another firmware's mind, and encoders change the rest of their parameter sets as they like.
 */
export class PictureWatch {
  #known: string | undefined;

  /** Of a fragment (moof and mdat) that begins with a key frame: what changed, in words. Never throws: what cannot be read says nothing. */
  changeIn(fragment: Buffer): string | undefined {
    const picture = pictureOf(fragment);
    if (picture === undefined || picture === this.#known) return undefined;
    const before = this.#known;
    this.#known = picture;
    return before === undefined ? undefined : `its picture is ${picture} instead of ${before}`;
  }
}

/** Parameter sets come before the picture's slices. */
const nalsMax = 8;
/** ffmpeg's mp4 muxer writes lengths of four bytes. */
const lengthBytes = 4;
/** No parameter set is longer; what follows in it does not matter here. */
const setBytesMax = 128;

function pictureOf(fragment: Buffer): string | undefined {
  try {
    let at = fragment.readUInt32BE(0) + 8;
    for (let count = 0; count < nalsMax && at + lengthBytes + 2 < fragment.length; count++) {
      const size = fragment.readUInt32BE(at);
      const nal = fragment.subarray(at + lengthBytes, Math.min(at + lengthBytes + Math.min(size, setBytesMax), fragment.length));
      const picture = describe(nal);
      if (picture !== undefined) return picture;
      at += lengthBytes + size;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function describe(nal: Buffer): string | undefined {
  const first = nal[0] ?? 0;
  if ((first & 0x9f) === 7 && first >= 0x20) return describeH264(new Bits(nal, 1));
  if (first === 0x42 && nal[1] === 1) return describeH265(new Bits(nal, 2));
  return undefined;
}

/** Profiles whose parameter sets tell chroma and depth (ITU-T H.264, 7.3.2.1.1). */
const highProfiles: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function describeH264(bits: Bits): string {
  const profile = bits.take(8);
  bits.skip(16);
  bits.golomb();
  const [chroma, depth] = highProfiles.has(profile) ? chromaH264(bits) : [1, 8];
  bits.golomb();
  skipPictureOrder(bits);
  bits.golomb();
  bits.skip(1);
  const width = (bits.golomb() + 1) * 16;
  const mapUnits = bits.golomb() + 1;
  const frameMbsOnly = bits.take(1);
  if (frameMbsOnly === 0) bits.skip(1);
  bits.skip(1);
  const [left, right, top, bottom] = bits.take(1) === 1 ? [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()] : [0, 0, 0, 0];
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frameMbsOnly);
  return inWords('H.264', width - unitX * (left + right), mapUnits * 16 * (2 - frameMbsOnly) - unitY * (top + bottom), chroma, depth);
}

function chromaH264(bits: Bits): [chroma: number, depth: number] {
  const chroma = bits.golomb();
  if (chroma === 3) bits.skip(1);
  const depth = bits.golomb() + 8;
  bits.golomb();
  bits.skip(1);
  if (bits.take(1) === 1) for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) if (bits.take(1) === 1) skipScalingList(bits, list < 6 ? 16 : 64);
  return [chroma, depth];
}

function skipScalingList(bits: Bits, size: number): void {
  let last = 8;
  for (let index = 0, next = 8; index < size && next !== 0; index++) {
    next = (last + bits.signedGolomb() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(bits: Bits): void {
  const type = bits.golomb();
  if (type === 0) bits.golomb();
  if (type !== 1) return;
  bits.skip(1);
  bits.golomb();
  bits.golomb();
  for (let count = Math.min(255, bits.golomb()); count > 0; count--) bits.golomb();
}

/** ITU-T H.265, 7.3.2.2. */
function describeH265(bits: Bits): string {
  bits.skip(4);
  const subLayers = bits.take(3);
  bits.skip(1 + 88 + 8);
  skipSubLayers(bits, subLayers);
  bits.golomb();
  const chroma = bits.golomb();
  if (chroma === 3) bits.skip(1);
  const width = bits.golomb();
  const height = bits.golomb();
  const [left, right, top, bottom] = bits.take(1) === 1 ? [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()] : [0, 0, 0, 0];
  const depth = bits.golomb() + 8;
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = chroma === 1 ? 2 : 1;
  return inWords('H.265', width - unitX * (left + right), height - unitY * (top + bottom), chroma, depth);
}

function skipSubLayers(bits: Bits, count: number): void {
  const present = Array.from({ length: count }, () => bits.take(2));
  if (count > 0) bits.skip(2 * (8 - count));
  for (const flags of present) bits.skip((flags & 2 ? 88 : 0) + (flags & 1 ? 8 : 0));
}

function inWords(codec: string, width: number, height: number, chroma: number, depth: number): string {
  const unusual = chroma === 1 && depth === 8 ? '' : `, chroma format ${chroma}, ${depth} bits`;
  return `${codec} ${width}x${height}${unusual}`;
}

/** Reads a NAL unit's bits, without the bytes that keep it from looking like a start code. RangeError past its end. */
class Bits {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(nal: Buffer, from: number) {
    const bytes: number[] = [];
    for (let index = from, zeros = 0; index < nal.length; index++) {
      const byte = nal[index] as number;
      if (zeros < 2 || byte !== 3) bytes.push(byte);
      zeros = byte === 0 ? zeros + 1 : 0;
    }
    this.#bytes = Buffer.from(bytes);
  }

  take(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++, this.#at++) value = value * 2 + ((this.#bytes.readUInt8(this.#at >> 3) >> (7 - (this.#at & 7))) & 1);
    return value;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** ue(v) */
  golomb(): number {
    let zeros = 0;
    while (this.take(1) === 0) if (++zeros > 31) throw new RangeError('a number without end');
    return 2 ** zeros - 1 + this.take(zeros);
  }

  /** se(v) */
  signedGolomb(): number {
    const value = this.golomb();
    return value % 2 === 0 ? -value / 2 : (value + 1) / 2;
  }
}
