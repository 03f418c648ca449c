/**
 * Pictures and sound cut into RTP packets once, for interleaving over TCP (RFC 7826 section 14): H.264 by RFC 6184 and H.265 by RFC 7798
 * (single NAL units and fragments), AAC by RFC 3640 (AAC-hbr, one access unit a packet), A-law by RFC 3551. What differs from viewer to viewer (channel,
 * sequence number, timestamp, source) is patched into a copy.
 */
import type { AudioSamples, VideoCodec, VideoSamples } from './samples.ts';

/** One picture, or one piece of sound: packets, each behind its four bytes of interleaving. */
export interface Unit {
  readonly bytes: Buffer;
  /** Where each packet's `$` lies in `bytes`. */
  readonly packets: readonly number[];
  readonly keyFrame: boolean;
}

/** A track that loops for ever: unit n is `units(n)`, due at `timeMs(n)` of the track's own time line, with RTP time `ticks(n)`. */
export interface Track {
  readonly kind: 'video' | 'audio';
  readonly clockRate: number;
  /** Lines of the SDP after `a=control`, and the `m=` line's format. */
  readonly payloadType: number;
  readonly sdp: readonly string[];
  /** Milliseconds of one unit. */
  readonly unitMs: number;
  readonly loopMs: number;
  unit(n: number): Unit;
  keyFrame(n: number): boolean;
  ticks(n: number): number;
  /** Added to its ticks where a picture is not shown in the order in which it is sent (B-frames); a key frame's is 0. */
  reordering(n: number): number;
  readonly video: { readonly codec: VideoCodec; readonly width: number; readonly height: number; readonly fps: number; readonly kbps: number; readonly gop: number; readonly profile: string; readonly bFrames: number } | undefined;
  readonly sampleRate: number | undefined;
}

const interleaveBytes = 4;
const headerBytes = 12;
/** Payload bytes of a packet, so that it would fit an Ethernet frame. */
const payloadMax = 1400;

const payloadTypes = { video: 96, aac: 97, alaw: 8 };
const videoClock = 90_000;

export function videoTrack(samples: VideoSamples): Track {
  const { pictures, timing } = samples;
  const total = timing.deltas.reduce((sum, delta) => sum + delta, 0);
  const unitTicks = (total / pictures.length) * (videoClock / timing.timescale);
  const units = new Map<number, Unit>();
  const { codec } = samples;
  const make = (index: number): Unit => {
    const picture = pictures[index] as VideoSamples['pictures'][number];
    const nals = picture.keyFrame ? [...samples.vps, ...samples.sps, ...samples.pps, ...picture.nals] : picture.nals;
    return packUnit(nals.flatMap(codec === 'h264' ? cutH264 : cutH265), { payloadType: payloadTypes.video, markLast: true, keyFrame: picture.keyFrame });
  };
  const sps = samples.sps[0] as Buffer;
  const fps = videoClock / unitTicks;
  const bytes = pictures.reduce((sum, picture) => sum + picture.nals.reduce((size, nal) => size + nal.length, 0), 0);
  const keyFrames = pictures.filter((picture) => picture.keyFrame).length;
  return {
    kind: 'video', clockRate: videoClock, payloadType: payloadTypes.video,
    sdp: [...describeVideo(samples), `a=framerate:${Number(fps.toFixed(3))}`],
    unitMs: unitTicks / (videoClock / 1000),
    loopMs: (unitTicks * pictures.length) / (videoClock / 1000),
    unit: (n) => remember(units, n % pictures.length, make),
    keyFrame: (n) => pictures[n % pictures.length]?.keyFrame === true,
    ticks: (n) => Math.round(n * unitTicks),
    reordering: (n) => timing.offsets.length === 0 ? 0 : Math.round((((timing.offsets[n % pictures.length] as number) - (timing.offsets[0] as number)) * videoClock) / timing.timescale),
    video: {
      codec, width: samples.width, height: samples.height, fps,
      kbps: Math.max(1, Math.round((bytes * 8 * fps) / pictures.length / 1000)),
      gop: Math.max(1, Math.round(pictures.length / Math.max(1, keyFrames))),
      profile: codec === 'h265' ? 'Main' : profileNames.get(sps.readUInt8(1)) ?? 'High',
      bFrames: bFramesOf(timing),
    },
    sampleRate: undefined,
  };
}

/** How many pictures at most stand between two others that they build on: those that are shown before what was sent before them. */
function bFramesOf({ deltas, offsets }: VideoSamples['timing']): number {
  let [sentAt, latestShown, row, longest] = [0, -Infinity, 0, 0];
  for (const [n, offset] of offsets.entries()) {
    const shown = sentAt + offset;
    row = shown < latestShown ? row + 1 : 0;
    longest = Math.max(longest, row);
    latestShown = Math.max(latestShown, shown);
    sentAt += deltas[n] ?? 0;
  }
  return longest;
}

function describeVideo({ codec, vps, sps, pps }: VideoSamples): string[] {
  const sets = (list: readonly Buffer[]): string => list.map((set) => set.toString('base64')).join(',');
  const format = codec === 'h264'
    ? `packetization-mode=1;profile-level-id=${(sps[0] as Buffer).toString('hex', 1, 4).toUpperCase()};sprop-parameter-sets=${sets([...sps, ...pps])}`
    : `sprop-vps=${sets(vps)};sprop-sps=${sets(sps)};sprop-pps=${sets(pps)}`;
  return [`a=rtpmap:${payloadTypes.video} ${codec.toUpperCase()}/${videoClock}`, `a=fmtp:${payloadTypes.video} ${format}`];
}

/** By profile_idc, as ONVIF names them. */
const profileNames = new Map([[66, 'Baseline'], [77, 'Main'], [88, 'Extended'], [100, 'High']]);

const aacFrameSamples = 1024;

/** `loopMs` is the video's: sound starts over with the picture, so that the two never drift apart. */
export function aacTrack(samples: AudioSamples, loopMs: number): Track {
  const unitMs = (aacFrameSamples * 1000) / samples.sampleRate;
  const units = new Map<number, Unit>();
  const make = (index: number): Unit => {
    const frame = samples.frames[index] as Buffer;
    // AU-headers-length in bits, then one AU header: 13 bits of size, 3 bits of index.
    const payload = Buffer.concat([Buffer.from([0, 16, frame.length >> 5, (frame.length & 0x1f) << 3]), frame]);
    return packUnit([payload], { payloadType: payloadTypes.aac, markLast: true, keyFrame: true });
  };
  return {
    kind: 'audio', clockRate: samples.sampleRate, payloadType: payloadTypes.aac, unitMs, loopMs,
    sdp: [
      `a=rtpmap:${payloadTypes.aac} MPEG4-GENERIC/${samples.sampleRate}/1`,
      `a=fmtp:${payloadTypes.aac} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=${samples.config.toString('hex').toUpperCase()}`,
    ],
    unit: (n) => remember(units, looped(n, unitMs, loopMs, samples.frames.length), make),
    keyFrame: () => true,
    ticks: (n) => n * aacFrameSamples,
    reordering: () => 0,
    video: undefined,
    sampleRate: samples.sampleRate,
  };
}

const alawRate = 8000;
const alawUnitSamples = 320;

/** `bytes`: headerless A-law, 8 kHz mono. */
export function alawTrack(bytes: Buffer, loopMs: number): Track {
  const count = Math.floor(bytes.length / alawUnitSamples);
  if (count === 0) throw new Error('no sound in it');
  const unitMs = (alawUnitSamples * 1000) / alawRate;
  const units = new Map<number, Unit>();
  const make = (index: number): Unit =>
    packUnit([bytes.subarray(index * alawUnitSamples, (index + 1) * alawUnitSamples)], { payloadType: payloadTypes.alaw, markLast: false, keyFrame: true });
  return {
    kind: 'audio', clockRate: alawRate, payloadType: payloadTypes.alaw, unitMs, loopMs,
    sdp: [`a=rtpmap:${payloadTypes.alaw} PCMA/${alawRate}`],
    unit: (n) => remember(units, looped(n, unitMs, loopMs, count), make),
    keyFrame: () => true,
    ticks: (n) => n * alawUnitSamples,
    reordering: () => 0,
    video: undefined,
    sampleRate: alawRate,
  };
}

export interface Viewpoint {
  readonly channel: number;
  readonly ssrc: number;
  /** Added to the track's ticks. */
  readonly tickBase: number;
  sequence: number;
}

/** A copy of the unit as this viewer gets it; advances its sequence number. */
export function addressUnit(unit: Unit, view: Viewpoint, ticks: number): Buffer {
  const bytes = Buffer.from(unit.bytes);
  const time = (view.tickBase + ticks + 2 ** 32) % 2 ** 32;
  for (const at of unit.packets) {
    bytes[at + 1] = view.channel;
    bytes.writeUInt16BE(view.sequence, at + 6);
    bytes.writeUInt32BE(time, at + 8);
    bytes.writeUInt32BE(view.ssrc, at + 12);
    view.sequence = (view.sequence + 1) & 0xffff;
  }
  return bytes;
}

const ntpEpochSeconds = 2_208_988_800;

/** RTCP sender report with the required CNAME (RFC 3550, 6.4.1 and 6.5), interleaved on `channel`. */
export function senderReport(o: { channel: number; ssrc: number; wallMs: number; rtpTime: number; packets: number; octets: number; cname: string }): Buffer {
  const name = Buffer.from(o.cname.slice(0, 60), 'latin1');
  const chunkBytes = 4 + 2 + name.length + 1;
  const described = Buffer.alloc(4 + Math.ceil(chunkBytes / 4) * 4);
  described.writeUInt32BE(0x81ca0000 + described.length / 4 - 1, 0);
  described.writeUInt32BE(o.ssrc, 4);
  described[8] = 1;
  described[9] = name.length;
  name.copy(described, 10);
  const report = Buffer.alloc(28);
  report.writeUInt32BE(0x80c80006, 0);
  report.writeUInt32BE(o.ssrc, 4);
  const seconds = Math.floor(o.wallMs / 1000);
  report.writeUInt32BE((seconds + ntpEpochSeconds) % 2 ** 32, 8);
  report.writeUInt32BE(Math.floor(((o.wallMs - seconds * 1000) / 1000) * 2 ** 32) % 2 ** 32, 12);
  report.writeUInt32BE(((Math.round(o.rtpTime) % 2 ** 32) + 2 ** 32) % 2 ** 32, 16);
  report.writeUInt32BE(o.packets % 2 ** 32, 20);
  report.writeUInt32BE(o.octets % 2 ** 32, 24);
  const head = Buffer.from([0x24, o.channel, 0, 0]);
  head.writeUInt16BE(report.length + described.length, 2);
  return Buffer.concat([head, report, described]);
}

/** A NAL unit as payloads: itself where it fits, else fragments (FU-A, RFC 6184 section 5.8). */
function cutH264(nal: Buffer): Buffer[] {
  const first = nal.readUInt8(0);
  return cutNal(nal, 1, (mark) => Buffer.from([(first & 0x60) | 28, mark | (first & 0x1f)]));
}

/** The same for H.265, whose NAL units have two bytes of header (FU, RFC 7798 section 4.4.3). */
function cutH265(nal: Buffer): Buffer[] {
  const [first, second] = [nal.readUInt8(0), nal.readUInt8(1)];
  return cutNal(nal, 2, (mark) => Buffer.from([(first & 0x81) | (49 << 1), second, mark | ((first >> 1) & 0x3f)]));
}

/** `header` is what stands before a fragment, by its mark as first or last one, instead of the unit's own `headBytes`. */
function cutNal(nal: Buffer, headBytes: number, header: (mark: number) => Buffer): Buffer[] {
  if (nal.length <= payloadMax) return [nal];
  const room = payloadMax - headBytes - 1;
  const pieces: Buffer[] = [];
  for (let at = headBytes; at < nal.length; at += room) {
    const end = Math.min(nal.length, at + room);
    pieces.push(Buffer.concat([header((at === headBytes ? 0x80 : 0) | (end === nal.length ? 0x40 : 0)), nal.subarray(at, end)]));
  }
  return pieces;
}

function packUnit(payloads: readonly Buffer[], o: { payloadType: number; markLast: boolean; keyFrame: boolean }): Unit {
  const packets: number[] = [];
  let at = 0;
  const parts = payloads.flatMap((payload, index) => {
    const head = Buffer.alloc(interleaveBytes + headerBytes);
    head[0] = 0x24;
    head.writeUInt16BE(headerBytes + payload.length, 2);
    head[4] = 0x80;
    head[5] = o.payloadType | (o.markLast && index === payloads.length - 1 ? 0x80 : 0);
    packets.push(at);
    at += head.length + payload.length;
    return [head, payload];
  });
  return { bytes: Buffer.concat(parts), packets, keyFrame: o.keyFrame };
}

/** The unit of sound that belongs to the picture of that moment. */
function looped(n: number, unitMs: number, loopMs: number, count: number): number {
  return Math.floor(((n * unitMs) % loopMs) / unitMs) % count;
}

function remember(units: Map<number, Unit>, index: number, make: (index: number) => Unit): Unit {
  const known = units.get(index);
  if (known !== undefined) return known;
  const unit = make(index);
  units.set(index, unit);
  return unit;
}
