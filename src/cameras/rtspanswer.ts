/** RTSP 1.0 answers (RFC 2326) and what an SDP (RFC 8866) says of a loudspeaker. Pure; every byte is a stranger's. */

export interface RtspAnswer {
  readonly status: number;
  readonly reason: string;
  /** Names in small letters; of repeated ones all values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** Stands before an interleaved packet (RFC 2326, 10.12). */
export const packetMark = 0x24;
const headBytesMax = 16 * 1024;
const bodyBytesMax = 64 * 1024;
/** Of one interleaved packet, by its 16-bit length. */
const packetHeadBytes = 4;

export interface Parsed {
  /** What was taken from the beginning. */
  readonly bytes: number;
  /** Undefined when it was an interleaved packet, which nobody asked for, or a request of the camera's. */
  readonly answer: RtspAnswer | undefined;
}

/** The first whole thing in `buffer`; undefined while more must come. Throws a plain Error for what is no RTSP. */
export function parseRtsp(buffer: Buffer): Parsed | undefined {
  if (buffer.length === 0) return undefined;
  if (buffer[0] === packetMark) {
    if (buffer.length < packetHeadBytes) return undefined;
    const bytes = packetHeadBytes + buffer.readUInt16BE(2);
    return buffer.length < bytes ? undefined : { bytes, answer: undefined };
  }
  const end = buffer.subarray(0, headBytesMax).indexOf('\r\n\r\n');
  if (end === -1) {
    if (buffer.length >= headBytesMax) throw new Error(`an RTSP head of more than ${headBytesMax} bytes`);
    if (buffer.length >= 8 && !/^(?:RTSP\/1\.|[A-Z_]{3,20} )/.test(buffer.toString('latin1', 0, 32))) throw new Error('it is no RTSP');
    return undefined;
  }
  const [first = '', ...lines] = buffer.toString('utf8', 0, end).split('\r\n');
  const headers = headersOf(lines);
  const length = Number(headers.get('content-length')?.[0] ?? 0);
  if (!Number.isInteger(length) || length < 0 || length > bodyBytesMax) throw new Error(`an RTSP body of ${headers.get('content-length')?.[0]?.slice(0, 20)} bytes`);
  const bytes = end + 4 + length;
  if (buffer.length < bytes) return undefined;
  const status = /^RTSP\/1\.\d (\d{3})(?: (.*))?$/.exec(first);
  if (status === null && !/^[A-Z_]{3,20} \S+ RTSP\/1\.\d$/.test(first)) throw new Error('it is no RTSP');
  return { bytes, answer: status === null ? undefined : { status: Number(status[1]), reason: (status[2] ?? '').slice(0, 100), headers, body: buffer.toString('utf8', end + 4, bytes) } };
}

function headersOf(lines: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines.slice(0, 100)) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return headers;
}

export const talkCodecs = ['PCMU', 'PCMA'] as const;
/** G.711, 8,000 samples a second, one byte each. */
export type TalkCodec = (typeof talkCodecs)[number];

export interface Loudspeaker {
  /** As the SDP has it; relative or absolute. */
  readonly control: string;
  readonly codec: TalkCodec;
  readonly payloadType: number;
}

/**
 * The media that the camera takes (ONVIF Streaming, 5.3.1: `a=sendonly`, by the client's side), with the first codec of it that is
 * G.711 with one channel; undefined where there is none. `others` names what else it would take.
 */
export function readLoudspeaker(sdp: string): { loudspeaker: Loudspeaker | undefined; others: string[] } {
  const others: string[] = [];
  for (const media of sdp.slice(0, bodyBytesMax).split(/^m=/m).slice(1, 33)) {
    const lines = media.split(/\r?\n/).slice(0, 200);
    const types = /^audio \d+ RTP\/AVP((?: \d{1,3})+)/.exec(lines[0] ?? '')?.[1]?.trim().split(' ').map(Number);
    const control = lines.map((line) => /^a=control:(\S{1,512})\s*$/.exec(line)?.[1]).find((found) => found !== undefined);
    if (types === undefined || control === undefined || !lines.some((line) => /^a=sendonly\s*$/.test(line))) continue;
    for (const payloadType of types) {
      const name = nameOf(payloadType, lines);
      const codec = talkCodecs.find((one) => name === `${one}/8000` || name === `${one}/8000/1`);
      if (codec !== undefined) return { loudspeaker: { control, codec, payloadType }, others };
      others.push(name);
    }
  }
  return { loudspeaker: undefined, others };
}

/** By its rtpmap, else by the static table (RFC 3551). */
function nameOf(payloadType: number, lines: readonly string[]): string {
  const mapped = lines.map((line) => new RegExp(`^a=rtpmap:${payloadType} ([A-Za-z0-9-]{1,20}/\\d{1,6}(?:/\\d)?)\\s*$`).exec(line)?.[1]).find((found) => found !== undefined);
  return mapped?.toUpperCase() ?? (payloadType === 0 ? 'PCMU/8000' : payloadType === 8 ? 'PCMA/8000' : `type ${payloadType}`);
}

/** Where to SETUP: RFC 2326 C.1.1, with the base that the answer names. */
export function controlUri(control: string, base: string): string {
  if (/^rtsps?:\/\//i.test(control)) return control;
  if (control === '*') return base;
  return `${base}${base.endsWith('/') ? '' : '/'}${control}`;
}
