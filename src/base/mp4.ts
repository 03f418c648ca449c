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

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function printable(type: string): string {
  return type.replaceAll(/[^\x20-\x7e]/g, '?');
}
