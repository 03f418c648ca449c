/**
 * What a camera sends that means harm, or is broken in a way that does harm: RTP and SDP altered on their last step. For tests of what
 * the hub lets happen to the other cameras; a real camera's mere oddities are quirks of their own (face.ts).
 */
import { randomBytes, randomInt } from 'node:crypto';

/** `giant`: 8192 x 8192 pictures are claimed; `lies`: RTP and interleaving headers that contradict themselves. */
export const hostilities = ['garbage', 'bad SPS', 'giant', 'time wraps', 'time goes back', 'time jumps', 'flood', 'lies'] as const;
export type Hostility = (typeof hostilities)[number];

const interleaveBytes = 4;
const headerBytes = 12;
const floodTimes = 25;
const timeAt = interleaveBytes + 4;
const nalSps = 7;

/** For one viewer: turns a whole unit (interleaved RTP packets) into what is sent. */
export function harm(kind: Hostility | undefined): ((unit: Buffer) => Buffer) | undefined {
  if (kind === undefined) return undefined;
  let first: number | undefined;
  let units = 0;
  return (unit) => {
    units++;
    const packets = packetsOf(unit);
    first ??= packets[0]?.readUInt32BE(timeAt) ?? 0;
    // The first pictures are honest, so that the stream is opened.
    const alter = units > (honestUnits.get(kind) ?? 0) ? alterations[kind] : undefined;
    return alter === undefined ? unit : Buffer.concat(packets.flatMap((packet) => alter(packet, first as number, units)));
  };
}

/** What the SDP says of the pictures must not give the parameters away before the stream lies about them. */
export function harmfulSdp(kind: Hostility | undefined, sdp: string): string {
  if (kind === 'bad SPS') return sdp.replace(/sprop-parameter-sets=\S+/, `sprop-parameter-sets=${randomBytes(30).toString('base64')},${randomBytes(300).toString('base64')}`);
  if (kind === 'giant') return sdp.replace(/sprop-parameter-sets=[^,\s]+/, `sprop-parameter-sets=${giantSps().toString('base64')}`);
  return sdp;
}

const honestUnits: ReadonlyMap<Hostility, number> = new Map([['garbage', 30], ['bad SPS', 0], ['giant', 0], ['time wraps', 0], ['time goes back', 30], ['time jumps', 30], ['flood', 30], ['lies', 30]]);

/** One interleaved packet → what takes its place. */
const alterations: Readonly<Record<Hostility, (packet: Buffer, firstTime: number, units: number) => Buffer[]>> = {
  'garbage': (packet) => [framed(packet, randomBytes(randomInt(1, 1400)))],
  'bad SPS': (packet) => [nalOf(packet) === nalSps ? framed(packet, Buffer.concat([Buffer.from([0x67]), randomBytes(randomInt(1, 200))])) : packet],
  'giant': (packet) => [nalOf(packet) === nalSps ? framed(packet, giantSps()) : packet],
  // 5 s before the end of its 32 bits.
  'time wraps': (packet, firstTime) => [timed(packet, packet.readUInt32BE(timeAt) - firstTime + 2 ** 32 - 450_000)],
  'time goes back': (packet, firstTime) => [timed(packet, 2 * firstTime - packet.readUInt32BE(timeAt))],
  'time jumps': (packet, _firstTime, units) => [timed(packet, packet.readUInt32BE(timeAt) + (units % 20 === 0 ? randomInt(2 ** 32) : 0))],
  'flood': (packet) => Array.from({ length: floodTimes }, () => packet),
  'lies': (packet) => [lying(packet)],
};

/** Of what is interleaved; copies. */
export function packetsOf(unit: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at + interleaveBytes <= unit.length;) {
    const end = at + interleaveBytes + unit.readUInt16BE(at + 2);
    packets.push(Buffer.from(unit.subarray(at, end)));
    at = end;
  }
  return packets;
}

function nalOf(packet: Buffer): number {
  return (packet[interleaveBytes + headerBytes] ?? 0) & 0x1f;
}

/** The same packet around another payload. */
function framed(packet: Buffer, payload: Buffer): Buffer {
  const whole = Buffer.concat([packet.subarray(0, interleaveBytes + headerBytes), payload]);
  whole.writeUInt16BE(headerBytes + payload.length, 2);
  return whole;
}

function timed(packet: Buffer, time: number): Buffer {
  packet.writeUInt32BE(((time % 2 ** 32) + 2 ** 32) % 2 ** 32, timeAt);
  return packet;
}

/** Padding, extension and sources that are not there; at times a length that takes the next packets in. */
function lying(packet: Buffer): Buffer {
  packet[interleaveBytes] = 0x80 | randomInt(0x40);
  if (randomInt(20) === 0) packet.writeUInt16BE(randomInt(65_536), 2);
  return packet;
}

/** H.264 (ITU-T H.264, 7.3.2.1.1) of 512 x 512 macroblocks, baseline, level 6.2. */
function giantSps(): Buffer {
  const bits: number[] = [];
  const u = (value: number, width: number): void => { for (let bit = width - 1; bit >= 0; bit--) bits.push((value >> bit) & 1); };
  const ue = (value: number): void => {
    const width = Math.floor(Math.log2(value + 1));
    u(0, width);
    u(value + 1, width + 1);
  };
  // profile, constraints, level, then: id, frame number bits, order type 2, references, no gaps, width, height, frames only, direct, no crop, no VUI, stop.
  u(66, 8); u(0, 8); u(62, 8);
  ue(0); ue(0); ue(2); ue(16); u(0, 1); ue(511); ue(511); u(1, 1); u(1, 1); u(0, 1); u(0, 1); u(1, 1);
  while (bits.length % 8 !== 0) bits.push(0);
  const bytes = Buffer.alloc(bits.length / 8);
  bits.forEach((bit, index) => { bytes[index >> 3] = (bytes[index >> 3] as number) | (bit << (7 - (index & 7))); });
  return Buffer.concat([Buffer.from([0x67]), bytes]);
}
