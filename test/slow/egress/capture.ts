/** Packets as `tcpdump` wrote them: who was sent what by whom. Everything on the link is looked at, whatever its kind. */
import { readFileSync } from 'node:fs';

export interface Packet {
  readonly from: string;
  readonly to: string;
  /** `tcp`, `udp`, `icmp`, `igmp`, `icmpv6`, `arp`, or a number in words. */
  readonly kind: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly payload: Buffer;
}

const kinds = new Map([[1, 'icmp'], [2, 'igmp'], [6, 'tcp'], [17, 'udp'], [58, 'icmpv6']]);

/** A pcap file of Ethernet frames. Throws for another one. */
export function readCapture(file: string): Packet[] {
  const bytes = readFileSync(file);
  if (bytes.readUInt32LE(0) !== 0xa1b2c3d4 || bytes.readUInt32LE(20) !== 1) throw new Error(`${file} is no capture of Ethernet frames`);
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 8);
    if (length !== bytes.readUInt32LE(at + 12)) throw new Error('a packet was cut');
    packets.push(packetOf(bytes.subarray(at + 16, at + 16 + length)));
    at += 16 + length;
  }
  return packets;
}

function packetOf(frame: Buffer): Packet {
  const type = frame.readUInt16BE(12);
  if (type === 0x0806) return { from: ipv4(frame, 28), to: ipv4(frame, 38), kind: 'arp', fromPort: 0, toPort: 0, payload: Buffer.alloc(0) };
  if (type === 0x0800) {
    const head = 14 + (((frame[14] ?? 0) & 0x0f) * 4);
    const end = 14 + frame.readUInt16BE(16);
    return carried(frame[23] ?? 0, ipv4(frame, 26), ipv4(frame, 30), frame.subarray(head, end));
  }
  if (type === 0x86dd) {
    // What stands before the message of a group's member is a header of one option.
    const hops = frame[20] === 0;
    return carried((hops ? frame[54] : frame[20]) ?? 0, ipv6(frame, 22), ipv6(frame, 38), frame.subarray(hops ? 54 + (8 * ((frame[55] ?? 0) + 1)) : 54));
  }
  return { from: '', to: '', kind: `ethernet type ${type.toString(16)}`, fromPort: 0, toPort: 0, payload: frame };
}

function carried(protocol: number, from: string, to: string, body: Buffer): Packet {
  const kind = kinds.get(protocol) ?? `protocol ${protocol}`;
  if (kind !== 'tcp' && kind !== 'udp') return { from, to, kind, fromPort: 0, toPort: 0, payload: body };
  const payload = body.subarray(kind === 'udp' ? 8 : ((body[12] ?? 0) >> 4) * 4);
  return { from, to, kind, fromPort: body.readUInt16BE(0), toPort: body.readUInt16BE(2), payload };
}

function ipv4(frame: Buffer, at: number): string {
  return [...frame.subarray(at, at + 4)].join('.');
}

function ipv6(frame: Buffer, at: number): string {
  return Array.from({ length: 8 }, (_, index) => frame.readUInt16BE(at + (2 * index)).toString(16)).join(':');
}

/** Names that were asked for, from the questions themselves. */
export function namesAsked(packets: readonly Packet[]): string[] {
  const names = packets.filter(({ kind, toPort }) => kind === 'udp' && toPort === 53).map(({ payload }) => {
    const labels: string[] = [];
    for (let at = 12, length = payload[at] ?? 0; length > 0 && at < payload.length; at += length + 1, length = payload[at] ?? 0) labels.push(payload.toString('latin1', at + 1, at + 1 + length));
    return labels.join('.').toLowerCase();
  });
  return [...new Set(names)].toSorted();
}

/** What each connection or pair of ports carried one way, put together: a marker may be cut by a packet's end. What was sent twice stands there twice. */
export function streamsOf(packets: readonly Packet[]): Map<string, Buffer> {
  const groups = Map.groupBy(packets.filter(({ payload }) => payload.length > 0), ({ kind, from, fromPort, to, toPort }) => `${kind} ${from}:${fromPort} > ${to}:${toPort}`);
  return new Map([...groups].map(([name, list]) => [name, Buffer.concat(list.map(({ payload }) => payload))]));
}
