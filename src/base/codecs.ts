/** What a player must be told of a track, from its sample entry in a `moov` (ISO/IEC 14496-12, 8.5.2). Pure; throws BoxError. */
import { BoxError, boxesIn, childrenOf, findBox, viewOf, type Box } from './mp4.ts';

/** RFC 6381, as Media Source Extensions want it. */
export interface Codecs {
  readonly video: string | undefined;
  readonly audio: string | undefined;
}

/** Of an init's first video and first audio track. */
export function codecsOf(init: Uint8Array): Codecs {
  const codecs: { video: string | undefined; audio: string | undefined } = { video: undefined, audio: undefined };
  const moov = findBox(boxesIn(init), 'moov');
  for (const trak of moov === undefined ? [] : childrenOf(init, moov).filter((box) => box.type === 'trak')) {
    const media = inside(init, inside(init, [trak], 'trak'), 'mdia');
    const handler = findBox(media, 'hdlr');
    const stsd = findBox(inside(init, inside(init, media, 'minf'), 'stbl'), 'stsd');
    const entry = stsd === undefined ? undefined : childrenOf(init, stsd, 8)[0];
    if (handler === undefined || handler.size < 20 || entry === undefined) continue;
    const kind = latin1(init, handler.start + 16, 4);
    if (kind === 'vide') codecs.video ??= videoCodecOf(init, entry);
    else if (kind === 'soun') codecs.audio ??= audioCodecOf(init, entry);
  }
  return codecs;
}

/** `avc1.4d401f`, `hvc1.1.6.L93.B0`. */
export function videoCodecOf(bytes: Uint8Array, entry: Box): string {
  const setup = entry.type.startsWith('avc') ? 'avcC' : 'hvcC';
  if (!['avc1', 'avc3', 'hvc1', 'hev1'].includes(entry.type)) throw new BoxError(entry.start, 'a video codec that is not recorded');
  const box = findBox(childrenOf(bytes, entry, 78), setup);
  if (box === undefined) throw new BoxError(entry.start, `no ${setup} where one belongs`);
  const at = (offset: number): number => u8(bytes, box, offset);
  if (setup === 'avcC') return `${entry.type}.${[9, 10, 11].map((offset) => at(offset).toString(16).padStart(2, '0')).join('')}`;
  // RFC 6381 with ISO/IEC 14496-15, annex E.3.
  const first = at(9);
  const space = ['', 'A', 'B', 'C'][first >>> 6] ?? '';
  const tier = first & 0x20 ? 'H' : 'L';
  const given = [10, 11, 12, 13].reduce((word, offset) => word * 256 + at(offset), 0);
  let compatible = 0;
  for (let bit = 0; bit < 32; bit++) compatible += given & (1 << bit) ? 2 ** (31 - bit) : 0;
  const constraints = Array.from({ length: 6 }, (_, index) => at(14 + index));
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  return [entry.type, `${space}${first & 0x1f}`, compatible.toString(16).toUpperCase(), `${tier}${at(20)}`, ...constraints.map((byte) => byte.toString(16).toUpperCase())].join('.');
}

/** `mp4a.40.2` from the esds box (ISO/IEC 14496-1, 7.2.6), else the entry's own four characters. */
export function audioCodecOf(bytes: Uint8Array, entry: Box): string {
  const box = entry.type === 'mp4a' ? findBox(childrenOf(bytes, entry, 28), 'esds') : undefined;
  if (box === undefined) return entry.type.replaceAll(/[^\x20-\x7e]/g, '?');
  const end = box.start + box.size;
  let at = box.start + 12;
  let objectType = 0;
  for (let step = 0; step < 4 && at + 2 <= end; step++) {
    const tag = bytes[at++] as number;
    while (at < end && (bytes[at] as number) & 0x80) at++;
    at++;
    if (at >= end) break;
    if (tag === 0x03) at += 3;
    else if (tag === 0x04) {
      objectType = bytes[at] as number;
      at += 13;
    } else if (tag === 0x05) return `mp4a.${objectType.toString(16)}.${(bytes[at] as number) >>> 3}`;
    else break;
  }
  return 'mp4a';
}

/** The size that a video's sample entry names; undefined where it names none. */
export function pictureSizeIn(bytes: Uint8Array, entry: Box): { width: number; height: number } | undefined {
  if (entry.size < 36) throw new BoxError(entry.start, 'a box ends before its fields');
  const [width, height] = [viewOf(bytes).getUint16(entry.start + 32), viewOf(bytes).getUint16(entry.start + 34)];
  return width > 0 && height > 0 ? { width, height } : undefined;
}

function inside(bytes: Uint8Array, boxes: readonly Box[], type: string): Box[] {
  const box = findBox(boxes, type);
  return box === undefined ? [] : childrenOf(bytes, box);
}

function u8(bytes: Uint8Array, box: Box, at: number): number {
  if (at + 1 > box.size) throw new BoxError(box.start, 'a box ends before its fields');
  return bytes[box.start + at] as number;
}

function latin1(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}
