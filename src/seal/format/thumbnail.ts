/**
 * The thumbnail box: an ISO BMFF `uuid` box between a segment's last fragment and its padding, with a small JPEG of the segment's first
 * picture. Sealed with the footage it lies in, so it needs no key of its own and dies with it; players skip it. Pure, for the browser too.
 *
 * The JPEG was made by a decoder that a camera may have taken over: only what is certainly small and plain passes here, on the way in and out.
 */
import { boxAt, BoxError, viewOf } from '../../base/mp4.ts';
import { padmeSize } from './padme.ts';

/** Where the whole box lies in the opened bytes. It is in one chunk of 64 KiB or in two. */
export type ThumbnailPlace = readonly [offset: number, size: number];

/** aaaff16f-417c-416c-8049-154b8bf191bc, the box's extended type. */
export const thumbnailUuid: Uint8Array = Uint8Array.of(0xaa, 0xaf, 0xf1, 0x6f, 0x41, 0x7c, 0x41, 0x6c, 0x80, 0x49, 0x15, 0x4b, 0x8b, 0xf1, 0x91, 0xbc);

export const thumbnailWidth = 320;
export const thumbnailHeightMax = 640;
/** Of the JPEG. */
export const thumbnailBytesMax = 24 * 1024;
/** Size, `uuid`, the id. */
export const thumbnailHeadBytes = 24;

/** The least and the most that a box has. */
export const thumbnailBoxBytes = { min: thumbnailHeadBytes + 4, max: thumbnailHeadBytes + thumbnailBytesMax } as const;

/** What follows the box's size and type: the id, then the JPEG. */
export function encodeThumbnail(jpeg: Uint8Array): Uint8Array {
  const payload = new Uint8Array(thumbnailUuid.length + jpeg.length);
  payload.set(thumbnailUuid);
  payload.set(jpeg, thumbnailUuid.length);
  return payload;
}

/** The JPEG in the box that these opened bytes are, a view of them; undefined when they are no thumbnail box, whole and alone. */
export function thumbnailIn(opened: Uint8Array): Uint8Array | undefined {
  if (opened.length < thumbnailBoxBytes.min || opened.length > thumbnailBoxBytes.max || !beginsBox(opened, 0)) return undefined;
  if (viewOf(opened).getUint32(0) !== opened.length) return undefined;
  const jpeg = opened.subarray(thumbnailHeadBytes);
  return isThumbnail(jpeg) ? jpeg : undefined;
}

const startOfFrame = 0xc0;
const startOfScan = 0xda;
/** Tables, comments, and what applications add (ITU-T T.81, table B.1): each with its length. */
const passedOver: ReadonlySet<number> = new Set([0xc4, 0xdb, 0xdd, 0xfe, ...Array.from({ length: 16 }, (_, index) => 0xe0 + index)]);

/** A baseline JPEG of 8 bits, not larger in bytes and pixels than a thumbnail is, and with nothing behind its end. */
export function isThumbnail(jpeg: Uint8Array): boolean {
  if (jpeg.length > thumbnailBytesMax || jpeg.length < 4) return false;
  const view = viewOf(jpeg);
  const end = jpeg.length - 2;
  if (view.getUint16(0) !== 0xffd8 || view.getUint16(end) !== 0xffd9) return false;
  let framed = false;
  for (let at = 2; at + 4 <= end;) {
    if (jpeg[at] !== 0xff) return false;
    const marker = jpeg[at + 1] as number;
    const next = at + 2 + view.getUint16(at + 2);
    if (next < at + 4 || next > end) return false;
    if (marker === startOfScan) return framed;
    if (marker === startOfFrame) {
      if (framed || next < at + 10 || !isSmallFrame(view, at + 4)) return false;
      framed = true;
    } else if (!passedOver.has(marker)) return false;
    at = next;
  }
  return false;
}

/** Precision, height, width, components. */
function isSmallFrame(view: DataView, at: number): boolean {
  const [height, width, components] = [view.getUint16(at + 1), view.getUint16(at + 3), view.getUint8(at + 5)];
  return view.getUint8(at) === 8 && width >= 1 && width <= thumbnailWidth && height >= 1 && height <= thumbnailHeightMax && (components === 1 || components === 3);
}

const comment = 0xfe;
const application = 0xe0;

/** The same picture with a comment of zeros in it that makes it a Padmé size long, so that its size says little where it is sent alone; a copy, whatever its size was. What came in stays the caller's. */
export function paddedThumbnail(jpeg: Uint8Array): Uint8Array<ArrayBuffer> {
  if (padmeSize(jpeg.length) === jpeg.length) return jpeg.slice();
  // A comment has four bytes or more.
  const size = padmeSize(jpeg.length + 4 > padmeSize(jpeg.length) ? jpeg.length + 4 : jpeg.length);
  const view = viewOf(jpeg);
  // Behind the first segment where that is the one which says what file it is: some readers want it first.
  const at = jpeg[3] === application ? 4 + view.getUint16(4) : 2;
  const padded = new Uint8Array(size);
  const gap = size - jpeg.length;
  padded.set(jpeg.subarray(0, at));
  padded.set([0xff, comment, (gap - 2) >> 8, (gap - 2) & 0xff], at);
  padded.set(jpeg.subarray(at), at + gap);
  return padded;
}

const readAtOnce = 65_536;

/**
 * Looks for the box where nothing says where it lies: back from the end of a whole segment's opened bytes, over the padding. Undefined
 * when there is none. `read` gives opened bytes as `slice` would.
 */
export async function findThumbnail(plainSize: number, read: (offset: number, length: number) => Promise<Uint8Array>): Promise<ThumbnailPlace | undefined> {
  const padding = await findPadding(plainSize, read);
  if (padding === undefined) return undefined;
  const from = Math.max(0, padding - thumbnailBoxBytes.max);
  const before = await read(from, padding - from);
  for (let at = before.length - thumbnailBoxBytes.min; at >= 0; at--) {
    if (!beginsBox(before, at) || viewOf(before).getUint32(at) !== before.length - at) continue;
    return thumbnailIn(before.subarray(at)) === undefined ? undefined : [from + at, before.length - at];
  }
  return undefined;
}

/** Where the `free` box begins: the last byte that is not zero ends its type. */
async function findPadding(plainSize: number, read: (offset: number, length: number) => Promise<Uint8Array>): Promise<number | undefined> {
  // Padding is at most an eighth (docs/FORMAT.md); more zeros are something else.
  const leastOffset = Math.max(0, plainSize - Math.ceil(plainSize / 8) - readAtOnce);
  for (let end = plainSize; end > leastOffset;) {
    const start = Math.max(0, Math.floor((end - 1) / readAtOnce) * readAtOnce);
    const bytes = await read(start, end - start);
    const last = bytes.findLastIndex((byte) => byte !== 0);
    if (last !== -1) return isPadding(start + last - 7, plainSize, read);
    end = start;
  }
  return undefined;
}

async function isPadding(offset: number, plainSize: number, read: (offset: number, length: number) => Promise<Uint8Array>): Promise<number | undefined> {
  if (offset < 0) return undefined;
  try {
    const box = boxAt(await read(offset, 8), 0);
    return box?.type === 'free' && box.size === plainSize - offset ? offset : undefined;
  } catch (error) {
    if (error instanceof BoxError) return undefined;
    throw error;
  }
}

/** Behind the size: `uuid` and the id. */
function beginsBox(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 4] === 0x75 && bytes[at + 5] === 0x75 && bytes[at + 6] === 0x69 && bytes[at + 7] === 0x64 && thumbnailUuid.every((byte, index) => bytes[at + 8 + index] === byte);
}
