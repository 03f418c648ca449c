/**
 * The samples of an MP4 file that ffmpeg made, by its sample tables (ISO/IEC 14496-12, section 8.5 to 8.7): each picture or audio frame
 * exactly as it lies in the file. Files of our own making; what does not fit throws a plain Error, for the caller to translate.
 */
import { boxesIn, childrenOf, findBox, type Box } from '../base/mp4.ts';

export type VideoCodec = 'h264' | 'h265';

export interface VideoSamples {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** H.265 alone. */
  readonly vps: readonly Buffer[];
  readonly sps: readonly Buffer[];
  readonly pps: readonly Buffer[];
  readonly width: number;
  readonly height: number;
  readonly timing: Timing;
  /** One entry per picture: its NAL units without length prefix, and without parameter sets and delimiters. */
  readonly pictures: readonly { readonly nals: readonly Buffer[]; readonly keyFrame: boolean }[];
}

export interface AudioSamples {
  readonly kind: 'audio';
  /** AudioSpecificConfig (ISO/IEC 14496-3), for the SDP. */
  readonly config: Buffer;
  readonly sampleRate: number;
  readonly frames: readonly Buffer[];
}

export interface Timing {
  /** Units per second of `deltas`. */
  readonly timescale: number;
  /** Duration of each sample. */
  readonly deltas: readonly number[];
  /** How long after its turn to be decoded each sample is shown; none where all are shown in that order, without B-frames. */
  readonly offsets: readonly number[];
}

const samplesMax = 1_000_000;

export function readVideo(file: Buffer): VideoSamples {
  const track = trackOf(file, 'vide');
  const entry = childrenOf(file, track.box('stsd'), 8)[0];
  const kind = codecs.find(({ entries }) => entries.includes(entry?.type ?? ''));
  if (entry === undefined || kind === undefined) throw new Error('the video is neither H.264 nor H.265');
  // VisualSampleEntry: 78 bytes before its child boxes, width and height at 24 and 26.
  const fields = entry.start + entry.headerSize;
  const record = findBox(childrenOf(file, entry, 78), kind.record);
  if (record === undefined) throw new Error(`no ${kind.record} box`);
  const { vps, sps, pps, lengthSize } = kind.read(file.subarray(record.start + record.headerSize, record.start + record.size));
  if (sps.length === 0 || pps.length === 0) throw new Error(`no parameter sets in its ${kind.record} box`);
  const keyFrames = keyFramesOf(file, track);
  return {
    kind: 'video', codec: kind.codec, vps, sps, pps, width: file.readUInt16BE(fields + 24), height: file.readUInt16BE(fields + 26),
    timing: timingOf(file, track),
    pictures: samplesOf(file, track).map((sample, index) => ({
      nals: nalsOf(sample, lengthSize).filter((nal) => !kind.leftOut.includes(kind.typeOf(nal))),
      keyFrame: keyFrames === undefined || keyFrames.has(index + 1),
    })),
  };
}

export function readAac(file: Buffer): AudioSamples {
  const track = trackOf(file, 'soun');
  const entry = childrenOf(file, track.box('stsd'), 8)[0];
  if (entry?.type !== 'mp4a') throw new Error('the audio is not AAC');
  const esds = findBox(childrenOf(file, entry, 28), 'esds');
  if (esds === undefined) throw new Error('no esds box');
  const config = decoderConfigOf(file.subarray(esds.start + esds.headerSize + 4, esds.start + esds.size));
  return { kind: 'audio', config, sampleRate: file.readUInt16BE(entry.start + entry.headerSize + 24), frames: samplesOf(file, track) };
}

interface Track {
  readonly timescale: number;
  /** A box of the sample table; throws when it is missing. */
  box(type: string): Box;
  optional(type: string): Box | undefined;
}

function trackOf(file: Buffer, handler: string): Track {
  const moov = findBox(boxesIn(file), 'moov');
  if (moov === undefined) throw new Error('no moov box');
  for (const trak of childrenOf(file, moov).filter((box) => box.type === 'trak')) {
    const mdia = findBox(childrenOf(file, trak), 'mdia');
    if (mdia === undefined) continue;
    const media = childrenOf(file, mdia);
    const hdlr = findBox(media, 'hdlr');
    const mdhd = findBox(media, 'mdhd');
    const minf = findBox(media, 'minf');
    if (hdlr === undefined || mdhd === undefined || minf === undefined) continue;
    if (file.toString('latin1', hdlr.start + 16, hdlr.start + 20) !== handler) continue;
    const stbl = findBox(childrenOf(file, minf), 'stbl');
    if (stbl === undefined) continue;
    const tables = childrenOf(file, stbl);
    const version = file.readUInt8(mdhd.start + 8);
    return {
      timescale: file.readUInt32BE(mdhd.start + (version === 1 ? 28 : 20)),
      optional: (type) => findBox(tables, type),
      box: (type) => {
        const box = findBox(tables, type);
        if (box === undefined) throw new Error(`no ${type} box`);
        return box;
      },
    };
  }
  throw new Error(handler === 'vide' ? 'no video in it' : 'no audio in it');
}

/** Rows of a full box: `width` 32-bit numbers each, after version, flags and count. */
function rowsOf(file: Buffer, box: Box, width: number): number[][] {
  const count = file.readUInt32BE(box.start + 12);
  if (count > samplesMax || 16 + count * width * 4 > box.size) throw new Error(`box ${box.type} is too short for its ${count} rows`);
  return Array.from({ length: count }, (_, row) =>
    Array.from({ length: width }, (_unused, column) => file.readUInt32BE(box.start + 16 + (row * width + column) * 4)));
}

function timingOf(file: Buffer, track: Track): Timing {
  const deltas = rowsOf(file, track.box('stts'), 2).flatMap(([count = 0, delta = 0]) => {
    if (count > samplesMax) throw new Error('too many samples');
    return Array.from({ length: count }, () => delta);
  });
  const ctts = track.optional('ctts');
  const offsets = (ctts === undefined ? [] : rowsOf(file, ctts, 2)).flatMap(([count = 0, offset = 0]) => {
    if (count > samplesMax) throw new Error('too many samples');
    return Array.from({ length: count }, () => offset | 0);
  });
  return { timescale: track.timescale, deltas, offsets: new Set(offsets).size > 1 ? offsets : [] };
}

function keyFramesOf(file: Buffer, track: Track): Set<number> | undefined {
  const stss = track.optional('stss');
  return stss === undefined ? undefined : new Set(rowsOf(file, stss, 1).map(([sample = 0]) => sample));
}

function samplesOf(file: Buffer, track: Track): Buffer[] {
  const sizes = sizesOf(file, track.box('stsz'));
  const chunkOffsets = chunkOffsetsOf(file, track);
  const chunkRows = rowsOf(file, track.box('stsc'), 3);
  const samples: Buffer[] = [];
  let row = 0;
  for (const [chunk, offset] of chunkOffsets.entries()) {
    while (row + 1 < chunkRows.length && (chunkRows[row + 1]?.[0] ?? Infinity) <= chunk + 1) row++;
    let at = offset;
    for (let n = chunkRows[row]?.[1] ?? 0; n > 0 && samples.length < sizes.length; n--) {
      const size = sizes[samples.length] as number;
      if (at + size > file.length) throw new Error('a sample lies behind the end of the file');
      samples.push(file.subarray(at, at + size));
      at += size;
    }
  }
  if (samples.length !== sizes.length || samples.length === 0) throw new Error('its sample tables disagree');
  return samples;
}

function sizesOf(file: Buffer, stsz: Box): number[] {
  const fixed = file.readUInt32BE(stsz.start + 12);
  const count = file.readUInt32BE(stsz.start + 16);
  if (count > samplesMax) throw new Error('too many samples');
  return Array.from({ length: count }, (_, index) => fixed !== 0 ? fixed : file.readUInt32BE(stsz.start + 20 + index * 4));
}

function chunkOffsetsOf(file: Buffer, track: Track): number[] {
  const stco = track.optional('stco');
  if (stco !== undefined) return rowsOf(file, stco, 1).map(([offset = 0]) => offset);
  return rowsOf(file, track.box('co64'), 2).map(([high = 0, low = 0]) => high * 2 ** 32 + low);
}

interface ParameterSets {
  readonly vps: readonly Buffer[];
  readonly sps: readonly Buffer[];
  readonly pps: readonly Buffer[];
  readonly lengthSize: number;
}

/** Parameter sets and delimiters are left out of the pictures: the former are sent before each key frame anyway. */
const codecs: readonly { codec: VideoCodec; entries: readonly string[]; record: string; read: (record: Buffer) => ParameterSets; typeOf: (nal: Buffer) => number; leftOut: readonly number[] }[] = [
  { codec: 'h264', entries: ['avc1'], record: 'avcC', read: readAvcC, typeOf: (nal: Buffer) => nal.readUInt8(0) & 0x1f, leftOut: [7, 8, 9] },
  { codec: 'h265', entries: ['hvc1', 'hev1'], record: 'hvcC', read: readHvcC, typeOf: (nal: Buffer) => (nal.readUInt8(0) >> 1) & 0x3f, leftOut: [32, 33, 34, 35] },
];

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1). */
function readAvcC(record: Buffer): ParameterSets {
  let at = 5;
  const sets = (mask: number): Buffer[] => {
    const count = record.readUInt8(at++) & mask;
    return Array.from({ length: count }, () => {
      const length = record.readUInt16BE(at);
      at += 2 + length;
      return record.subarray(at - length, at);
    });
  };
  return { vps: [], sps: sets(0x1f), pps: sets(0xff), lengthSize: (record.readUInt8(4) & 3) + 1 };
}

/** HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1): arrays of NAL units by type. */
function readHvcC(record: Buffer): ParameterSets {
  const sets = new Map<number, Buffer[]>();
  let at = 23;
  for (let arrays = record.readUInt8(22); arrays > 0; arrays--) {
    const type = record.readUInt8(at) & 0x3f;
    const count = record.readUInt16BE(at + 1);
    at += 3;
    for (let n = 0; n < count; n++) {
      const length = record.readUInt16BE(at);
      at += 2 + length;
      sets.set(type, [...sets.get(type) ?? [], record.subarray(at - length, at)]);
    }
  }
  return { vps: sets.get(32) ?? [], sps: sets.get(33) ?? [], pps: sets.get(34) ?? [], lengthSize: (record.readUInt8(21) & 3) + 1 };
}

function nalsOf(sample: Buffer, lengthSize: number): Buffer[] {
  const nals: Buffer[] = [];
  for (let at = 0; at + lengthSize <= sample.length;) {
    const length = sample.readUIntBE(at, lengthSize);
    at += lengthSize;
    if (length === 0 || at + length > sample.length) throw new Error('a NAL unit reaches past its picture');
    nals.push(sample.subarray(at, at + length));
    at += length;
  }
  return nals;
}

/** The DecoderSpecificInfo (tag 5) inside the nested descriptors of an esds box (ISO/IEC 14496-1, 7.2.6). */
function decoderConfigOf(descriptors: Buffer): Buffer {
  let at = 0;
  const header = (): { tag: number; length: number } => {
    const tag = descriptors.readUInt8(at++);
    let length = 0;
    for (let n = 0; n < 4; n++) {
      const byte = descriptors.readUInt8(at++);
      length = length * 128 + (byte & 0x7f);
      if ((byte & 0x80) === 0) break;
    }
    return { tag, length };
  };
  while (at < descriptors.length) {
    const { tag, length } = header();
    if (tag === 5) return descriptors.subarray(at, at + length);
    if (tag === 3) at += 3;
    else if (tag === 4) at += 13;
    else at += length;
  }
  throw new Error('no decoder configuration in its esds box');
}
