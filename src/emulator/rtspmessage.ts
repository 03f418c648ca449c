/** RTSP 1.0 requests out of a byte stream, with bounds (RFC 2326). Interleaved binary data is skipped and counted as a sign of life. */

export interface RtspRequest {
  readonly method: string;
  readonly uri: string;
  /** By lower-case name; the first of several wins. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The bytes are no RTSP, or more than the bounds allow: the connection cannot go on. */
export class RtspSyntaxError extends Error {}

const headBytesMax = 16 * 1024;
const bodyBytesMax = 64 * 1024;

export class RtspParser {
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of a body or of interleaved data still to be skipped. */
  #skip = 0;

  /** The requests that are whole now; throws RtspSyntaxError. */
  push(chunk: Buffer): RtspRequest[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const requests: RtspRequest[] = [];
    for (;;) {
      const skipped = Math.min(this.#skip, this.#rest.length);
      this.#skip -= skipped;
      this.#rest = this.#rest.subarray(skipped);
      if (this.#skip > 0 || this.#rest.length === 0) break;
      if (this.#rest[0] === 0x24) {
        if (this.#rest.length < 4) break;
        this.#skip = 4 + this.#rest.readUInt16BE(2);
        continue;
      }
      const head = this.#takeHead();
      if (head === undefined) break;
      if (head === '') continue;
      const request = readHead(head);
      this.#skip = bodySize(request);
      requests.push(request);
    }
    return requests;
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
  [453, 'Not Enough Bandwidth'], [454, 'Session Not Found'], [455, 'Method Not Valid in This State'], [461, 'Unsupported Transport'], [503, 'Service Unavailable'], [551, 'Option not supported'],
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
  const path = uri.replace(/^rtsp:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  const match = /^(.*)\/trackID=(\d{1,3})\/?$/.exec(path);
  return match === null
    ? { path: path.replace(/\/$/, ''), trackIndex: undefined }
    : { path: match[1] as string, trackIndex: Number(match[2]) };
}

/** The interleaved channel of the first TCP transport on offer: 'none' when only others are, undefined when the server may choose. */
export function tcpChannel(transport: string): number | 'none' | undefined {
  const offer = transport.split(',').find((one) => /^\s*RTP\/AVP\/TCP\b/i.test(one));
  if (offer === undefined) return 'none';
  const channel = /interleaved=(\d{1,3})/i.exec(offer)?.[1];
  return channel === undefined || Number(channel) > 254 ? undefined : Number(channel);
}
