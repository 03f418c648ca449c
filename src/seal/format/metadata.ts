/**
 * The metadata box: an ISO BMFF `uuid` box behind a segment's `ftyp` that says whose footage it is. Sealed with the footage, so
 * it cannot be moved to another camera or time without notice; players skip it.
 */
import { canonicalJson, type CanonicalValue } from '../../base/canonical.ts';
import { SallyportError } from '../../base/errors.ts';
import { boxAt, BoxError, type Box } from '../../base/mp4.ts';

export interface SegmentMetadata {
  readonly v: 1;
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  /** Per camera and stream, never used again. */
  readonly seq: number;
  /** The machine's boot id: monotonic times compare within one boot only. */
  readonly boot: string;
  /** Start of the first frame. */
  readonly mono_ms: number;
  readonly wall_ms: number;
  readonly clock: 'synchronised' | 'unsynchronised';
}

/** b8c75e98-1b59-42f3-8ab0-ed5dc0c25ab3, the box's extended type. */
export const segmentUuid: Uint8Array = Uint8Array.of(0xb8, 0xc7, 0x5e, 0x98, 0x1b, 0x59, 0x42, 0xf3, 0x8a, 0xb0, 0xed, 0x5d, 0xc0, 0xc2, 0x5a, 0xb3);

const boxBytesMax = 4096;

/** What follows the box's size and type: the id, then canonical JSON. Times are rounded to whole milliseconds. */
export function encodeMetadata(m: SegmentMetadata): Uint8Array {
  const json = new TextEncoder().encode(canonicalJson({ ...m, mono_ms: Math.round(m.mono_ms), wall_ms: Math.round(m.wall_ms) }));
  const payload = new Uint8Array(segmentUuid.length + json.length);
  payload.set(segmentUuid);
  payload.set(json, segmentUuid.length);
  return payload;
}

/** From the beginning of an opened segment; SP_SEGMENT_METADATA. */
export function readMetadata(plain: Uint8Array, what: string): SegmentMetadata {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_SEGMENT_METADATA', { what, reason });
  };
  const box = metadataBoxOf(plain, refuse);
  const bytes = plain.subarray(box.start + box.headerSize, box.start + box.size);
  if (!segmentUuid.every((byte, i) => bytes[i] === byte)) refuse('the box behind ftyp has another id');
  const text = textOf(bytes.subarray(segmentUuid.length));
  const value = text === undefined ? undefined : parseJson(text);
  if (value === undefined) return refuse('it is not JSON');
  if (value.get('v') !== 1) refuse(`version ${JSON.stringify(value.get('v')) ?? '?'} is not known`);
  const metadata = shapeOf(value);
  // Equal values have one form only; whatever else was put in shows here.
  if (metadata === undefined || canonicalJson({ ...metadata }) !== text) return refuse('it is not in its canonical form');
  return metadata;
}

function metadataBoxOf(plain: Uint8Array, refuse: (reason: string) => never): Box {
  try {
    const ftyp = boxAt(plain, 0);
    if (ftyp?.type !== 'ftyp') return refuse('it does not begin with an ftyp box');
    const box = boxAt(plain, ftyp.size);
    if (box?.type !== 'uuid') return refuse('no uuid box stands behind ftyp');
    if (box.size > boxBytesMax || box.start + box.size > plain.length) return refuse(`its uuid box claims ${box.size} bytes`);
    return box;
  } catch (error) {
    if (error instanceof BoxError) return refuse(error.message);
    throw error;
  }
}

/** Byte for byte: what is not UTF-8, or begins with a byte order mark, would else have a second form. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseJson(text: string): Map<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

function shapeOf(value: ReadonlyMap<string, unknown>): (SegmentMetadata & Readonly<Record<string, CanonicalValue>>) | undefined {
  const [camera, stream, seq, boot, mono_ms, wall_ms, clock] = ['camera', 'stream', 'seq', 'boot', 'mono_ms', 'wall_ms', 'clock'].map((key) => value.get(key));
  if (typeof camera !== 'string' || typeof boot !== 'string' || !isInteger(seq) || !isInteger(mono_ms) || !isInteger(wall_ms)) return undefined;
  if ((stream !== 'main' && stream !== 'sub') || (clock !== 'synchronised' && clock !== 'unsynchronised')) return undefined;
  return { v: 1, camera, stream, seq, boot, mono_ms, wall_ms, clock };
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
