/**
 * The list object: what is far of one period, sealed to the period's key as its hour list at home is, with the random name under which each
 * segment lies at the store. docs/FORMAT.md, "What is far". Pure: the hub writes it, the command line and the viewer read it, and what they
 * read comes from a stranger's store, so it is checked whole. Keys that are not known are passed over.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import { list as listOf, maybe, oneOf, table, text, whole, type Check, type Checked, type Table } from '../base/closed.ts';
import { SallyportError } from '../base/errors.ts';
import { cameraIdPattern } from './names.ts';
import { referencePattern } from './pieces.ts';

const any = Number.MAX_SAFE_INTEGER;
const object = text(referencePattern);
const sha256 = text(/^[0-9a-f]{64}$/);
const word = text(/^[^\p{C}]*$/u, 500);
const timeMs = whole(0, any);
const stream = oneOf(['main', 'sub']);
export const farClasses = ['footage', 'hold', 'rest', 'alarm'] as const;

/** A pair of whole numbers. */
const pair: Check<readonly [number, number]> = (value, at) => {
  const [a, b, ...more] = listOf(timeMs, 2)(value, at);
  if (a === undefined || b === undefined || more.length > 0) throw new TypeError(`${at} is no pair`);
  return [a, b];
};

const keyFrames: Check<readonly (readonly [number, number])[]> = (value, at) => {
  const frames = listOf(pair, 100_000)(value, at);
  if (frames.some(([time, offset], index) => index > 0 && (time < (frames[index - 1]?.[0] ?? 0) || offset <= (frames[index - 1]?.[1] ?? 0)))) throw new TypeError(`${at} does not rise`);
  return frames;
};

const segment = passing({
  stream, seq: timeMs, boot: word, mono_ms: timeMs, start_ms: timeMs, duration_ms: timeMs, size: timeMs, header_sha256: sha256, body_sha256: sha256, header_bytes: timeMs,
  state: oneOf(['complete', 'cut']), chunks: timeMs, path: text(/^[a-z0-9][a-z0-9/.TZ-]{0,150}$/), key_frames: keyFrames, reason: word,
  damaged_ms: maybe(timeMs), hold_sha256: maybe(sha256), thumb: maybe(pair),
  /** Where the segment lies; and the second header that opens it for this period. */
  object, hold_object: maybe(object),
});

const gap = passing({ stream, from_ms: timeMs, to_ms: timeMs, reason: word, detail: word });

/** An alarm of a day of alarms: what the hub may say of it, the segments that are held for it, and where its pictures lie. */
const alarm = passing({
  id: text(/^[0-9a-f]{16}$/), rule: word, kind: word, from_ms: timeMs, to_ms: maybe(timeMs), score_pm: whole(0, 1000), footage: listOf(text(/^(main|sub) (0|[1-9]\d{0,14})$/), 10_000),
  /** Over the sealed pictures. */
  sha256: maybe(sha256), object: maybe(object),
});

const list = passing({
  v: oneOf([1]), camera: text(cameraIdPattern), class: oneOf(farClasses), start_ms: timeMs, end_ms: timeMs, deadline_ms: timeMs, slot: whole(0, 2 ** 22), generation: timeMs,
  segments: listOf(segment, 200_000), gaps: listOf(gap, 200_000), order: maybe(word), maker: maybe(oneOf(['hub', 'device'])), label: maybe(word),
  alarms: maybe(listOf(alarm, 100_000)),
});

export type FarList = Checked<typeof list>;
export type FarSegment = FarList['segments'][number];
export type FarAlarm = NonNullable<FarList['alarms']>[number];

/** Canonical JSON, for `Sealed.text`. */
export function farListJson(value: FarList): string {
  return canonicalJson(checked(value, 'what was made') as CanonicalValue);
}

/** Of the opened object, with the blanks behind it. SP_FAR_LIST. */
export function readFarList(plain: Uint8Array, what: string): FarList {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plain));
  } catch (error) {
    throw new SallyportError('SP_FAR_LIST', { what, reason: 'it is not JSON text' }, error);
  }
  return checked(value, what);
}

function checked(value: unknown, what: string): FarList {
  try {
    const read = list(value, '');
    if (read.end_ms < read.start_ms) throw new TypeError('it ends before it begins');
    const odd = read.segments.find((one) => !isOwnPath(read.camera, one) || (read.class === 'footage') !== (one.hold_sha256 === undefined) || (one.state === 'cut') !== one.chunks > 0);
    if (read.alarms !== undefined && read.class !== 'alarm') throw new TypeError('alarms stand in a list that is of none');
    if (odd !== undefined) throw new TypeError(`segment ${odd.seq} is not one of this camera and class`);
    return read;
  } catch (error) {
    throw new SallyportError('SP_FAR_LIST', { what, reason: (error as Error).message }, error);
  }
}

/** `<camera>/<date>/<hour>/<its own name>`: a path of a stranger's making leads nowhere else. */
function isOwnPath(camera: string, { path, seq, stream: of }: FarSegment): boolean {
  const [first, date = '', hour = '', name = '', ...more] = path.split('/');
  return first === camera && /^\d{8}$/.test(date) && /^([01]\d|2[0-3])$/.test(hour) && more.length === 0
    && /^\d{8}T\d{6}Z-/.test(name) && name.slice(17) === `${seq}${of === 'sub' ? '.sub' : ''}.mp4.age`;
}

/** A table that passes over keys which a later version may have. */
function passing<const F extends Readonly<Record<string, Check<unknown>>>>(fields: F): Check<Table<F>> {
  const closed = table(fields);
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return closed(value, at);
    return closed(Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(fields, key))), at);
  };
}
