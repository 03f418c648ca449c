/**
 * The hour list: a period's catalogue rows as canonical JSON, sealed to the period key beside its segments. Whoever has the slot
 * reads footage by it, without the hub, its database or its working key; it dies with the slot. docs/FORMAT.md describes it.
 * Field names are those of the JSON. What is decoded comes from a file and is checked whole.
 */
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import { SallyportError } from '../base/errors.ts';
import { referencePattern } from '../policy/pieces.ts';
import { thumbnailBoxBytes, type ThumbnailPlace } from '../seal/thumbnail.ts';
import { isCameraId, parseSegmentPath, periodMsMax, type StreamName } from './footagepaths.ts';

export interface SegmentRecord {
  readonly stream: StreamName;
  /** Per camera and stream, never used again. */
  readonly seq: number;
  /** The kernel's boot id while it was recorded. */
  readonly boot: string;
  /** Milliseconds since boot at its first frame. */
  readonly mono_ms: number;
  /** Wall time of its first frame. */
  readonly start_ms: UnixMs;
  readonly duration_ms: number;
  /** Of the sealed file, in bytes. */
  readonly size: number;
  /** SHA-256 (hex) of the first `header_bytes`: age header and payload nonce. */
  readonly header_sha256: string;
  /** SHA-256 (hex) of everything after them. */
  readonly body_sha256: string;
  readonly header_bytes: number;
  /** `cut`: a crash ended it; it has no final chunk but exactly `chunks` whole ones. */
  readonly state: 'complete' | 'cut';
  /** At least 1 when cut, else 0. */
  readonly chunks: number;
  /** Relative to `footage/`. */
  readonly path: string;
  /** Milliseconds since `start_ms`, and the offset in the plaintext at which the key frame's fragment begins; both rising. */
  readonly key_frames: readonly (readonly [timeMs: number, plainOffset: number])[];
  readonly reason: string;
  /** When it was found to be not what was written; absent while it is. */
  readonly damaged_ms?: UnixMs;
  /** In a hold's list: SHA-256 (hex) of the second header that opens it. */
  readonly hold_sha256?: string;
  /** Where its thumbnail's box lies in the plaintext: offset and size. Absent when it has none, as one that a crash cut. */
  readonly thumb?: ThumbnailPlace;
  /** It lies at that destination alone, under that name; absent while its file is here. Not in the hashes over rows, which tell of what does not change. */
  readonly destination?: string;
  readonly object?: string;
}

/** A time without footage, and why. */
export interface GapRecord {
  readonly stream: StreamName;
  readonly from_ms: UnixMs;
  readonly to_ms: UnixMs;
  readonly reason: string;
  readonly detail: string;
}

export interface HourList {
  readonly v: 1;
  readonly camera: string;
  /** The list of a `hold`, a `rest` or a day of alarms tells the segments whose second headers lie beside them under its slot's number. */
  readonly class: 'footage' | 'hold' | 'rest' | 'alarm';
  readonly start_ms: UnixMs;
  readonly end_ms: UnixMs;
  /** When it is purged. */
  readonly deadline_ms: UnixMs;
  readonly slot: number;
  /** How often the slot's block has been used, this period included. */
  readonly generation: number;
  readonly segments: readonly SegmentRecord[];
  readonly gaps: readonly GapRecord[];
  /** Of what holds: which wish it belongs to, who made its second headers, and the owner's word for it. */
  readonly order?: string;
  readonly maker?: 'hub' | 'device';
  readonly label?: string;
}

/** A list larger than this is refused unread: a day of 2 s segments with a key frame each second is a fifth of it. */
export const hourListBytesMax = 64 * 2 ** 20;

const segmentsMax = 200_000;
const keyFramesMax = 100_000;
const textMax = 500;

/** How many of its segments lie elsewhere alone. */
export function awayIn({ segments }: Pick<HourList, 'segments'>): number {
  return segments.filter(({ destination }) => destination !== undefined).length;
}

/** Canonical JSON of a list that decodes again; SP_HOUR_LIST when it would not (a defect of the caller). */
export function encodeHourList(list: HourList): string {
  return canonicalJson(decodeValue(list, `hour-${list.slot}.json.age`) as unknown as CanonicalValue);
}

/** The list in an opened `hour-<slot>.json.age`. SP_HOUR_LIST names `file` and the field that is wrong; fields that are not known are left out. */
export function decodeHourList(plain: Uint8Array, file: string): HourList {
  let value: unknown;
  try {
    if (plain.length > hourListBytesMax) throw new Error(`is larger than ${hourListBytesMax} bytes`);
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plain));
  } catch (error) {
    throw new SallyportError('SP_HOUR_LIST', { file, reason: 'it is not JSON text' }, error);
  }
  return decodeValue(value, file);
}

function decodeValue(value: unknown, file: string): HourList {
  const list = new Fields(value, '', file);
  list.int('v', 1, 1);
  const camera = list.text('camera');
  if (!isCameraId(camera)) list.fail('camera', 'is no camera id');
  const startMs = list.int('start_ms');
  const endMs = list.int('end_ms', startMs, startMs + periodMsMax);
  const klass = list.oneOf('class', ['footage', 'hold', 'rest', 'alarm']);
  const held = klass !== 'footage';
  return {
    v: 1,
    camera,
    class: klass,
    start_ms: startMs,
    end_ms: endMs,
    deadline_ms: list.int('deadline_ms'),
    slot: list.int('slot'),
    generation: list.int('generation'),
    segments: list.each('segments', segmentsMax, (fields) => segmentOf(fields, camera, held)),
    gaps: list.each('gaps', segmentsMax, gapOf),
    ...(held ? { order: list.text('order'), maker: list.oneOf('maker', ['hub', 'device']), label: list.text('label') } : {}),
  };
}

function segmentOf(fields: Fields, camera: string, held: boolean): SegmentRecord {
  const state = fields.oneOf('state', ['complete', 'cut']);
  const record: SegmentRecord = {
    stream: fields.oneOf('stream', ['main', 'sub']),
    seq: fields.int('seq'),
    boot: fields.text('boot'),
    mono_ms: fields.int('mono_ms'),
    start_ms: fields.int('start_ms'),
    duration_ms: fields.int('duration_ms'),
    size: fields.int('size'),
    header_sha256: fields.sha256('header_sha256'),
    body_sha256: fields.sha256('body_sha256'),
    header_bytes: fields.int('header_bytes', 0),
    state,
    chunks: state === 'cut' ? fields.int('chunks', 1) : fields.int('chunks', 0, 0),
    path: fields.text('path'),
    key_frames: keyFramesOf(fields),
    reason: fields.text('reason'),
    ...(fields.has('damaged_ms') ? { damaged_ms: fields.int('damaged_ms') } : {}),
    ...(held ? { hold_sha256: fields.sha256('hold_sha256') } : {}),
    ...(fields.has('thumb') ? { thumb: thumbOf(fields) } : {}),
    ...(fields.has('destination') ? placeOf(fields) : {}),
  };
  const path = parseSegmentPath(record.path);
  if (path === undefined || path.part || path.camera !== camera || path.seq !== record.seq || path.stream !== record.stream) {
    fields.fail('path', 'is not the path of this segment');
  }
  return record;
}

function keyFramesOf(fields: Fields): readonly (readonly [number, number])[] {
  let [lastTimeMs, lastOffset] = [-1, -1];
  return fields.list('key_frames', keyFramesMax).map((entry) => {
    const [timeMs, offset, ...more]: unknown[] = Array.isArray(entry) ? entry : [];
    if (!isCount(timeMs) || !isCount(offset) || more.length > 0 || timeMs < lastTimeMs || offset <= lastOffset) {
      fields.fail('key_frames', 'is not a rising list of times and offsets');
    }
    [lastTimeMs, lastOffset] = [timeMs, offset];
    return [timeMs, offset] as const;
  });
}

function thumbOf(fields: Fields): ThumbnailPlace {
  const [offset, size, ...more] = fields.list('thumb', 2);
  if (!isCount(offset) || !isCount(size) || more.length > 0 || size < thumbnailBoxBytes.min || size > thumbnailBoxBytes.max) fields.fail('thumb', 'is not the place of a thumbnail');
  return [offset, size];
}

function placeOf(fields: Fields): { destination: string; object: string } {
  const [destination, object] = [fields.text('destination'), fields.text('object')];
  if (!isCameraId(destination)) fields.fail('destination', 'is no name of a destination');
  if (!referencePattern.test(object)) fields.fail('object', 'is no name of an object');
  return { destination, object };
}

function gapOf(fields: Fields): GapRecord {
  const fromMs = fields.int('from_ms');
  return {
    stream: fields.oneOf('stream', ['main', 'sub']),
    from_ms: fromMs,
    to_ms: fields.int('to_ms', fromMs),
    reason: fields.text('reason'),
    detail: fields.text('detail'),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The fields of one JSON object, each read with its check. */
class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #where: string;
  readonly #file: string;

  constructor(value: unknown, where: string, file: string) {
    this.#where = where;
    this.#file = file;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('', 'is not an object');
    this.#fields = new Map(Object.entries(value));
  }

  int(name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields.get(name);
    if (!isCount(value) || value < min || value > max) this.fail(name, 'is not a whole number in its range');
    return value;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    if (typeof value !== 'string' || value.length > textMax) this.fail(name, `is not a text of at most ${textMax} characters`);
    return value;
  }

  sha256(name: string): string {
    const value = this.text(name);
    if (!/^[0-9a-f]{64}$/.test(value)) this.fail(name, 'is not a SHA-256 in hex');
    return value;
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T {
    const value = known.find((one) => one === this.#fields.get(name));
    if (value === undefined) this.fail(name, `is none of ${known.join(', ')}`);
    return value;
  }

  list(name: string, max: number): readonly unknown[] {
    const value = this.#fields.get(name);
    if (!Array.isArray(value) || value.length > max) this.fail(name, `is not a list of at most ${max}`);
    return value;
  }

  each<T>(name: string, max: number, read: (fields: Fields) => T): T[] {
    return this.list(name, max).map((entry, index) => read(new Fields(entry, `${this.#where}${name}[${index}].`, this.#file)));
  }

  fail(name: string, why: string): never {
    throw new SallyportError('SP_HOUR_LIST', { file: this.#file, reason: `${this.#where}${name} ${why}`.trim() });
  }
}
