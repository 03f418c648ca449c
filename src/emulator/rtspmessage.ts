/** RTSP 1.0 requests and the packets interleaved with them, out of a byte stream, with bounds (RFC 2326, 10.12). */

export interface RtspRequest {
  readonly method: string;
  readonly uri: string;
  /** By lower-case name; the first of several wins. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Interleaved binary data: RTCP of a viewer, RTP of a talker. */
export interface RtspPacket {
  readonly channel: number;
  readonly payload: Buffer;
}

/** The bytes are no RTSP, or more than the bounds allow: the connection cannot go on. */
export class RtspSyntaxError extends Error {}

const headBytesMax = 16 * 1024;
const bodyBytesMax = 64 * 1024;

export class RtspParser {
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of a body still to be skipped. */
  #skip = 0;

  /** What is whole now, in order; a packet's bytes are a view into the chunks. Throws RtspSyntaxError. */
  push(chunk: Buffer): (RtspRequest | RtspPacket)[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const arrived: (RtspRequest | RtspPacket)[] = [];
    for (;;) {
      const skipped = Math.min(this.#skip, this.#rest.length);
      this.#skip -= skipped;
      this.#rest = this.#rest.subarray(skipped);
      if (this.#skip > 0 || this.#rest.length === 0) break;
      if (this.#rest[0] === 0x24) {
        const size = this.#rest.length < 4 ? Infinity : 4 + this.#rest.readUInt16BE(2);
        if (this.#rest.length < size) break;
        arrived.push({ channel: this.#rest.readUInt8(1), payload: this.#rest.subarray(4, size) });
        this.#rest = this.#rest.subarray(size);
        continue;
      }
      const head = this.#takeHead();
      if (head === undefined) break;
      if (head === '') continue;
      const request = readHead(head);
      this.#skip = bodySize(request);
      arrived.push(request);
    }
    return arrived;
  }

  #takeHead(): string | undefined {
    // Empty lines between requests are allowed.
    if (this.#rest[0] === 0x0d || this.#rest[0] === 0x0a) {
      this.#rest = this.#rest.subarray(1);
      return '';
    }
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end > headBytesMax || (end === -1 && this.#rest.length > headBytesMax)) throw new RtspSyntaxError('the head is too long');
    if (end === -1) return undefined;
    const head = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + 4);
    return head;
  }
}

function readHead(head: string): RtspRequest {
  const [first = '', ...lines] = head.split('\r\n');
  const match = /^([A-Z_]{1,32}) (\S{1,2048}) RTSP\/(\d)\.(\d)$/.exec(first);
  if (match === null) throw new RtspSyntaxError('no request line');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new RtspSyntaxError('a header without colon');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return { method: match[1] as string, uri: match[2] as string, headers };
}

function bodySize(request: RtspRequest): number {
  const text = request.headers.get('content-length') ?? '0';
  if (!/^\d{1,9}$/.test(text) || Number(text) > bodyBytesMax) throw new RtspSyntaxError('the body is too long');
  return Number(text);
}

const reasons = new Map([
  [200, 'OK'], [400, 'Bad Request'], [401, 'Unauthorized'], [404, 'Not Found'], [405, 'Method Not Allowed'],
  [453, 'Not Enough Bandwidth'], [454, 'Session Not Found'], [455, 'Method Not Valid in This State'],
  [461, 'Unsupported Transport'], [500, 'Internal Server Error'], [503, 'Service Unavailable'], [551, 'Option not supported'],
]);

export interface RtspReply {
  readonly status: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

export function formatReply(cseq: string | undefined, reply: RtspReply): Buffer {
  const body = Buffer.from(reply.body ?? '', 'utf8');
  const lines = [
    `RTSP/1.0 ${reply.status} ${reasons.get(reply.status) ?? 'Error'}`,
    ...(cseq === undefined ? [] : [`CSeq: ${cseq}`]),
    ...(reply.headers ?? []).map(([name, value]) => `${name}: ${value}`),
    ...(body.length > 0 ? [`Content-Length: ${body.length}`] : []),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** The path of an RTSP (or relative) URI and the track that it names, as SETUP has it: `/main/trackID=1`. */
export function readUri(uri: string): { path: string; trackIndex: number | undefined } {
  const path = uri.replace(/^rtsps?:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  const match = /^(.*)\/trackID=(\d{1,3})\/?$/.exec(path);
  return match === null
    ? { path: path.replace(/\/$/, ''), trackIndex: undefined }
    : { path: match[1] as string, trackIndex: Number(match[2]) };
}

export type Transport =
  /** No channel: the server may choose. */
  | { readonly kind: 'tcp'; readonly channel: number | undefined }
  | { readonly kind: 'udp'; readonly rtpPort: number; readonly rtcpPort: number };

/** The first transport on offer that the camera has: interleaved, or unicast datagrams (without the word it is multicast, RFC 2326, 12.39). */
export function chooseTransport(header: string, accepts: (kind: Transport['kind']) => boolean): Transport | undefined {
  return header.split(',').slice(0, 16).map(readOffer).find((offer) => offer !== undefined && accepts(offer.kind));
}

function readOffer(offer: string): Transport | undefined {
  if (/^\s*RTP\/AVP\/TCP\s*(?:;|$)/i.test(offer)) {
    const channel = /interleaved=(\d{1,3})/i.exec(offer)?.[1];
    return { kind: 'tcp', channel: channel === undefined || Number(channel) > 254 ? undefined : Number(channel) };
  }
  if (!/^\s*RTP\/AVP(?:\/UDP)?\s*;/i.test(offer) || !/;\s*unicast\b/i.test(offer)) return undefined;
  const ports = /;\s*client_port=(\d{1,5})(?:-(\d{1,5}))?/i.exec(offer);
  const rtpPort = Number(ports?.[1] ?? 0);
  const rtcpPort = Number(ports?.[2] ?? rtpPort + 1);
  const possible = [rtpPort, rtcpPort].every((port) => port > 0 && port < 65_536);
  return possible ? { kind: 'udp', rtpPort, rtcpPort } : undefined;
}
