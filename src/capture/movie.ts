/**
 * The two boxes of fMP4 (ISO/IEC 14496-12) that say what the bytes around them mean: `moov` (tracks, codecs) and `moof` (a fragment's
 * times and flags). Pure; both throw BoxError with the offset inside the box they were given.
 */
import { audioCodecOf, pictureSizeIn, videoCodecOf } from '../base/codecs.ts';
import { BoxError, childrenOf, findBox, makeBox, type Box } from '../base/mp4.ts';

export interface Movie {
  readonly tracks: ReadonlyMap<number, Track>;
  /** RFC 6381. */
  readonly videoCodec: string;
  readonly audioCodec: string | undefined;
}

interface Track {
  readonly kind: 'video' | 'audio';
  /** Ticks per second. */
  readonly timescale: number;
  readonly defaultDuration: number;
  readonly defaultFlags: number;
}

export interface FragmentFacts {
  readonly track: 'video' | 'audio';
  readonly keyFrame: boolean;
  /** Decode time on the track's own line, which nobody promises to be steady. */
  readonly decodeMs: number;
  readonly durationMs: number;
}

export function readMoov(bytes: Buffer): Movie {
  const boxes = childrenOf(bytes, wholeMoov(bytes));
  const extends_ = findBox(boxes, 'mvex');
  const defaults = extends_ === undefined ? [] : childrenOf(bytes, extends_).filter((box) => box.type === 'trex');
  const tracks = new Map<number, Track>();
  let videoCodec: string | undefined;
  let audioCodec: string | undefined;
  for (const trak of boxes.filter((box) => box.type === 'trak')) {
    const { id, kind, timescale, codec } = readTrak(bytes, trak);
    if (kind === undefined) continue;
    if (tracks.has(id)) throw new BoxError(trak.start, `track ${id} is there twice`);
    const trex = defaults.find((box) => u32(bytes, box, 12) === id);
    tracks.set(id, { kind, timescale, defaultDuration: trex === undefined ? 0 : u32(bytes, trex, 20), defaultFlags: trex === undefined ? 0 : u32(bytes, trex, 28) });
    if (kind === 'video') videoCodec ??= codec;
    else audioCodec ??= codec;
  }
  if (videoCodec === undefined) throw new BoxError(0, 'no video track');
  return { tracks, videoCodec, audioCodec };
}

/** The size that the first video track names; undefined where it names none. */
export function pictureSizeOf(moov: Uint8Array): { width: number; height: number } | undefined {
  const bytes = Buffer.from(moov.buffer, moov.byteOffset, moov.byteLength);
  for (const trak of childrenOf(bytes, wholeMoov(bytes)).filter((box) => box.type === 'trak')) {
    const { kind, entry } = readTrak(bytes, trak);
    if (kind !== 'video' || entry === undefined) continue;
    return pictureSizeIn(bytes, entry);
  }
  return undefined;
}

/**
 * The same movie without its sound, for a player that is given pictures alone: a track that is announced and never comes would hold
 * everything back.
 */
export function withoutSound(moov: Uint8Array): Buffer {
  const bytes = Buffer.from(moov.buffer, moov.byteOffset, moov.byteLength);
  const boxes = childrenOf(bytes, wholeMoov(bytes));
  const silenced = new Set(boxes.filter((box) => box.type === 'trak').map((box) => readTrak(bytes, box)).filter(({ kind }) => kind === 'audio').map(({ id }) => id));
  const whole = (box: Box): Buffer => bytes.subarray(box.start, box.start + box.size);
  const kept = boxes.flatMap((box): Uint8Array[] => {
    if (box.type === 'trak') return silenced.has(readTrak(bytes, box).id) ? [] : [whole(box)];
    if (box.type !== 'mvex') return [whole(box)];
    const defaults = childrenOf(bytes, box).filter((child) => child.type !== 'trex' || !silenced.has(u32(bytes, child, 12)));
    return [makeBox('mvex', Buffer.concat(defaults.map(whole)))];
  });
  return Buffer.from(makeBox('moov', Buffer.concat(kept)));
}

function wholeMoov(bytes: Uint8Array): Box {
  return { type: 'moov', start: 0, headerSize: 8, size: bytes.length };
}

/** Of the moof that fills `bytes` up to `moofSize`. Runs for each frame: no allocation beyond its result. */
export function readMoof(bytes: Buffer, moofSize: number, movie: Movie): FragmentFacts {
  let facts: FragmentFacts | undefined;
  for (let at = 8; at < moofSize;) {
    const end = at + sizeAt(bytes, at, moofSize);
    if (bytes.readUInt32BE(at + 4) === trafType) {
      const traf = readTraf(bytes, at + 8, end, movie);
      if (facts === undefined || (facts.track === 'audio' && traf.track === 'video')) facts = traf;
    }
    at = end;
  }
  if (facts === undefined) throw new BoxError(0, 'a fragment without a track');
  return facts;
}

const trafType = fourCharacters('traf');
const tfhdType = fourCharacters('tfhd');
const tfdtType = fourCharacters('tfdt');
const trunType = fourCharacters('trun');
/** sample_is_non_sync_sample (ISO/IEC 14496-12, 8.8.3.1). */
const nonSync = 0x1_0000;

function readTraf(bytes: Buffer, from: number, to: number, movie: Movie): FragmentFacts {
  let track: Track | undefined;
  let flags = 0;
  let sampleDuration = 0;
  let ticks = 0;
  let duration = 0;
  let firstFlags: number | undefined;
  for (let at = from; at < to;) {
    const end = at + sizeAt(bytes, at, to);
    const type = bytes.readUInt32BE(at + 4);
    if (type === tfhdType) {
      const has = word(bytes, at + 8, end);
      track = movie.tracks.get(word(bytes, at + 12, end));
      if (track === undefined) throw new BoxError(at, 'a fragment of an unknown track');
      let field = at + 16 + (has & 0x1 ? 8 : 0) + (has & 0x2 ? 4 : 0);
      sampleDuration = has & 0x8 ? word(bytes, field, end) : track.defaultDuration;
      field += (has & 0x8 ? 4 : 0) + (has & 0x10 ? 4 : 0);
      flags = has & 0x20 ? word(bytes, field, end) : track.defaultFlags;
    } else if (type === tfdtType) {
      ticks = word(bytes, at + 8, end) >>> 24 === 0 ? word(bytes, at + 12, end) : word(bytes, at + 12, end) * 2 ** 32 + word(bytes, at + 16, end);
    } else if (type === trunType) {
      if (track === undefined) throw new BoxError(at, 'a run of samples before its track');
      const has = word(bytes, at + 8, end);
      const count = word(bytes, at + 12, end);
      let sample = at + 16 + (has & 0x1 ? 4 : 0) + (has & 0x4 ? 4 : 0);
      const step = (has & 0x100 ? 4 : 0) + (has & 0x200 ? 4 : 0) + (has & 0x400 ? 4 : 0) + (has & 0x800 ? 4 : 0);
      if (sample > end || count * step > end - sample) throw new BoxError(at, `a run of ${count} samples in ${end - at} bytes`);
      if (firstFlags === undefined && count > 0) {
        if (has & 0x4) firstFlags = word(bytes, sample - 4, end);
        else firstFlags = has & 0x400 ? word(bytes, sample + (has & 0x100 ? 4 : 0) + (has & 0x200 ? 4 : 0), end) : flags;
      }
      if (has & 0x100) for (let index = 0; index < count; index++, sample += step) duration += bytes.readUInt32BE(sample);
      else duration += count * sampleDuration;
    }
    at = end;
  }
  if (track === undefined) throw new BoxError(from, 'a fragment without a track');
  return {
    track: track.kind,
    keyFrame: track.kind === 'video' && firstFlags !== undefined && (firstFlags & nonSync) === 0,
    decodeMs: (ticks / track.timescale) * 1000,
    durationMs: (duration / track.timescale) * 1000,
  };
}

/** The size of the box at `at`, which must end by `to`. */
function sizeAt(bytes: Buffer, at: number, to: number): number {
  const size = to - at < 8 ? 0 : bytes.readUInt32BE(at);
  if (size < 8 || size > to - at) throw new BoxError(at, 'a box reaches past its parent');
  return size;
}

function word(bytes: Buffer, at: number, end: number): number {
  if (at + 4 > end) throw new BoxError(at, 'a box ends before its fields');
  return bytes.readUInt32BE(at);
}

function readTrak(bytes: Buffer, trak: Box): { id: number; kind: 'video' | 'audio' | undefined; timescale: number; codec: string | undefined; entry: Box | undefined } {
  const boxes = childrenOf(bytes, trak);
  const tkhd = need(boxes, 'tkhd', trak);
  const media = childrenOf(bytes, need(boxes, 'mdia', trak));
  const mdhd = need(media, 'mdhd', trak);
  const handler = text(bytes, need(media, 'hdlr', trak), 16);
  const id = u32(bytes, tkhd, u32(bytes, tkhd, 8) >>> 24 === 0 ? 20 : 28);
  const timescale = u32(bytes, mdhd, u32(bytes, mdhd, 8) >>> 24 === 0 ? 20 : 28);
  if (timescale === 0) throw new BoxError(mdhd.start, 'a track whose clock stands still');
  const kind = handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : undefined;
  if (kind === undefined) return { id, kind, timescale, codec: undefined, entry: undefined };
  const samples = childrenOf(bytes, need(childrenOf(bytes, need(media, 'minf', trak)), 'stbl', trak));
  const stsd = need(samples, 'stsd', trak);
  const [entry] = childrenOf(bytes, stsd, 8);
  if (entry === undefined) throw new BoxError(stsd.start, 'a track without a codec');
  return { id, kind, timescale, codec: kind === 'video' ? videoCodecOf(bytes, entry) : audioCodecOf(bytes, entry), entry };
}

function need(boxes: readonly Box[], type: string, parent: Box): Box {
  const box = findBox(boxes, type);
  if (box === undefined) throw new BoxError(parent.start, `no ${type} where one belongs`);
  return box;
}

function u32(bytes: Buffer, box: Box, at: number): number {
  return word(bytes, box.start + at, box.start + box.size);
}

function text(bytes: Buffer, box: Box, at: number): string {
  if (at + 4 > box.size) throw new BoxError(box.start, 'a box ends before its fields');
  return bytes.toString('latin1', box.start + at, box.start + at + 4);
}

function fourCharacters(type: string): number {
  return Buffer.from(type, 'latin1').readUInt32BE(0);
}
