/**
 * ISO base media boxes (ISO/IEC 14496-12): walking them with bounds, patching times, making small ones. Pure bytes in, bytes out.
 */
export interface Box {
  /** Four characters. */
  readonly type: string;
  /** Offset of the box's first byte in the walked buffer. */
  readonly start: number;
  readonly headerSize: number;
  /** Whole size, header included. */
  readonly size: number;
}

/** What went wrong while reading boxes: the offset and why; rooms translate it into their own coded error. */
export class BoxError extends Error {
  readonly offset: number;
  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

/** The box that begins at `offset`; undefined when fewer than 8 (or 16) bytes are there. Size 0 ("to the end") is refused: we never stream such. */
export function boxAt(bytes: Uint8Array, offset: number): Box | undefined {
  if (bytes.length - offset < 8) return undefined;
  const view = viewOf(bytes);
  const size32 = view.getUint32(offset);
  const type = String.fromCharCode(bytes[offset + 4] as number, bytes[offset + 5] as number, bytes[offset + 6] as number, bytes[offset + 7] as number);
  if (size32 !== 1) {
    if (size32 < 8) throw new BoxError(offset, `box ${printable(type)} of ${size32} bytes`);
    return { type, start: offset, headerSize: 8, size: size32 };
  }
  if (bytes.length - offset < 16) return undefined;
  const size = Number(view.getBigUint64(offset + 8));
  if (!Number.isSafeInteger(size) || size < 16) throw new BoxError(offset, `box ${printable(type)} of ${size} bytes`);
  return { type, start: offset, headerSize: 16, size };
}

/** The boxes that fill `bytes` from `from` to `to` exactly; throws BoxError where they do not. */
export function boxesIn(bytes: Uint8Array, from = 0, to = bytes.length): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at < to;) {
    const box = boxAt(bytes.subarray(0, to), at);
    if (box === undefined || at + box.size > to) throw new BoxError(at, 'a box reaches past its parent');
    boxes.push(box);
    if (boxes.length > 10_000) throw new BoxError(at, 'more than 10000 boxes in one');
    at += box.size;
  }
  return boxes;
}

export function childrenOf(bytes: Uint8Array, box: Box, skip = 0): Box[] {
  return boxesIn(bytes, box.start + box.headerSize + skip, box.start + box.size);
}

export function findBox(boxes: readonly Box[], type: string): Box | undefined {
  return boxes.find((box) => box.type === type);
}

/** A whole box around a payload. */
export function makeBox(type: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const box = new Uint8Array(8 + payload.length);
  viewOf(box).setUint32(0, box.length);
  for (let i = 0; i < 4; i++) box[4 + i] = type.charCodeAt(i);
  box.set(payload, 8);
  return box;
}

export interface FragmentTime {
  readonly track: number;
  /** Base media decode time in the track's timescale. */
  readonly time: number;
  /** Offset of the 32- or 64-bit value in the fragment. */
  readonly offset: number;
  readonly wide: boolean;
}

/** The `tfdt` of each track in a fragment (ISO/IEC 14496-12, 8.8.12). Throws BoxError. */
export function fragmentTimes(fragment: Uint8Array): FragmentTime[] {
  const view = viewOf(fragment);
  const moof = boxAt(fragment, 0);
  return (moof === undefined ? [] : childrenOf(fragment, moof)).filter((box) => box.type === 'traf').flatMap((traf) => {
    const boxes = childrenOf(fragment, traf);
    const [tfhd, tfdt] = [findBox(boxes, 'tfhd'), findBox(boxes, 'tfdt')];
    if (tfhd === undefined || tfdt === undefined || tfhd.size < 16 || tfdt.size < 16) return [];
    const wide = fragment[tfdt.start + 8] === 1;
    if (wide && tfdt.size < 20) return [];
    const offset = tfdt.start + 12;
    return [{ track: view.getUint32(tfhd.start + 12), time: wide ? Number(view.getBigUint64(offset)) : view.getUint32(offset), offset, wide }];
  });
}

/** Track ids of the `moov` in an init, with their timescales. Throws BoxError. */
export function tracksOf(init: Uint8Array): Map<number, { timescale: number; video: boolean }> {
  const view = viewOf(init);
  const moov = findBox(boxesIn(init), 'moov');
  const tracks = new Map<number, { timescale: number; video: boolean }>();
  for (const trak of moov === undefined ? [] : childrenOf(init, moov).filter((box) => box.type === 'trak')) {
    const inside = childrenOf(init, trak);
    const [tkhd, mdia] = [findBox(inside, 'tkhd'), findBox(inside, 'mdia')];
    const media = mdia === undefined ? [] : childrenOf(init, mdia);
    const [hdlr, mdhd] = [findBox(media, 'hdlr'), findBox(media, 'mdhd')];
    if (tkhd === undefined || hdlr === undefined || mdhd === undefined || tkhd.size < 32 || mdhd.size < 32 || hdlr.size < 20) continue;
    tracks.set(view.getUint32(tkhd.start + (init[tkhd.start + 8] === 1 ? 28 : 20)), {
      timescale: view.getUint32(mdhd.start + (init[mdhd.start + 8] === 1 ? 28 : 20)),
      video: String.fromCharCode(...init.subarray(hdlr.start + 16, hdlr.start + 20)) === 'vide',
    });
  }
  return tracks;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function printable(type: string): string {
  return type.replaceAll(/[^\x20-\x7e]/g, '?');
}
