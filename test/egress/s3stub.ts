/**
 * An S3 server for tests that checks each request's signature itself (SigV4, written from its specification and not from aws4fetch), knows who may
 * do what, and fails when it is told to.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type Right = 'put' | 'get' | 'delete';

/** What it does instead of answering, or with what it holds. `times`: for so many requests that it fits. */
export interface Fault {
  readonly does: 'status' | 'reset' | 'stall' | 'half answer' | 'redirect' | 'endless answer' | 'spoil' | 'lie' | 'early refusal' | 'no http' | 'drip';
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Only requests like this one. */
  readonly method?: string;
  readonly query?: RegExp;
  /** `reset`: after so many bytes of the request's body. */
  readonly afterBytes?: number;
  times: number;
}

export interface StubOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Knows SHA-256 checksums, as AWS does; without it only ETags tell. */
  readonly checksums?: boolean;
  readonly versions?: boolean;
  readonly knowsConditions?: boolean;
  readonly keepsFirst?: boolean;
  /** Who may put may not replace what is there: as a rule of the bucket, or a lock on its objects, does it. */
  readonly refusesReplacing?: boolean;
  readonly nowMs?: () => number;
}

interface Held { bytes: Buffer; etag: string; sha256: string | undefined }

export class S3Stub {
  readonly objects = new Map<string, Held>();
  readonly uploads = new Map<string, { key: string; parts: Map<number, Held> }>();
  readonly keys = new Map<string, { secret: string; rights: readonly Right[] }>();
  readonly faults: Fault[] = [];
  readonly requests: { method: string; path: string; bytes: number; status: number }[] = [];
  #server!: Server;
  readonly #o: StubOptions;
  /** Its owner may switch that on, and stop it again, at any time. */
  versions: boolean | 'stopped';
  readonly #sockets = new Set<Socket>();
  /** Called when a request has come in whole, before it is done, and when it is done, before it is answered. */
  hook: (moment: 'before' | 'done', method: string, path: string) => Promise<void> | void = () => {};
  /** How often each object's whole content came in. */
  readonly stored = new Map<string, number>();

  constructor(o: StubOptions = {}) {
    this.#o = { checksums: true, knowsConditions: true, ...o };
    this.versions = o.versions ?? false;
  }

  static async start(o: StubOptions = {}): Promise<S3Stub> {
    const stub = new S3Stub(o);
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => { stub.#serve(request, response).catch(() => response.destroy()); };
    stub.#server = o.tls === undefined ? createServer(onRequest) : createTlsServer(o.tls, onRequest) as unknown as Server;
    stub.#server.on('connection', (socket: Socket) => {
      stub.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => stub.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => { stub.#server.listen(0, '127.0.0.1', resolve); });
    return stub;
  }

  get url(): string {
    return `${this.#o.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/bucket`;
  }

  get #versionHeaders(): Record<string, string> {
    return this.versions === false ? {} : { 'x-amz-version-id': this.versions === 'stopped' ? 'null' : randomBytes(8).toString('hex') };
  }

  grant(rights: readonly Right[]): { id: string; secret: string } {
    const id = randomBytes(10).toString('hex');
    const secret = randomBytes(20).toString('base64');
    this.keys.set(id, { secret, rights });
    return { id, secret };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stub');
    const entry = { method: request.method ?? '', path: request.url ?? '', bytes: 0, status: 0 };
    this.requests.push(entry);
    const fault = this.faults.find((one) => one.times > 0 && (one.method === undefined || one.method === request.method) && (one.query === undefined || one.query.test(url.search)));
    if (fault !== undefined) fault.times--;
    const reply = (status: number, headers: Record<string, string> = {}, body: string | Buffer = ''): void => {
      entry.status = status;
      response.writeHead(status, { 'Content-Length': String(Buffer.byteLength(body)), ...headers });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    if (fault?.does === 'early refusal') return reply(fault.status ?? 403, { Connection: 'close' });
    if (fault?.does === 'no http') return void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n');
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) {
      pieces.push(piece);
      entry.bytes += piece.length;
      if (fault?.does === 'reset' && entry.bytes >= (fault.afterBytes ?? 0)) return void request.socket.resetAndDestroy();
      if (fault?.does === 'stall' && entry.bytes > 0) return;
    }
    const body = Buffer.concat(pieces);
    switch (fault?.does) {
      case 'reset': return void request.socket.resetAndDestroy();
      case 'stall': return;
      case 'status': return reply(fault.status ?? 503, { ...fault.headers }, '<Error><Code>SlowDown</Code></Error>');
      case 'redirect': return reply(fault.status ?? 307, { Location: 'http://127.0.0.1:9/elsewhere' });
      case 'half answer': {
        response.writeHead(200, { 'Content-Length': '1000', ETag: '"x"' });
        response.write('half');
        return void setImmediate(() => request.socket.destroy());
      }
      case 'endless answer': {
        // An answer to HEAD has no body, and writing it would never have to wait.
        if (request.method === 'HEAD') return reply(500);
        response.writeHead(200, { ETag: '"x"' });
        const more = (): void => { while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x'))); if (!response.destroyed) response.once('drain', more); };
        return more();
      }
      case 'drip': {
        if (request.method === 'HEAD') return reply(500);
        response.writeHead(200, { ETag: '"x"' });
        const timer = setInterval(() => response.write('x'), 20);
        return void response.once('close', () => clearInterval(timer));
      }
      default:
    }
    await this.hook('before', entry.method, entry.path);
    const denied = this.#denied(request, url, body);
    if (denied !== undefined) return reply(403, {}, `<Error><Code>${denied}</Code></Error>`);
    const answers: Parameters<typeof reply>[] = [];
    this.#answer(request, url, fault?.does === 'spoil' ? spoiled(body) : body, fault?.does === 'lie', (...answer) => { answers.push(answer as Parameters<typeof reply>); });
    await this.hook('done', entry.method, entry.path);
    for (const answer of answers) reply(...answer);
  }

  /** Why not; undefined when the signature holds and its key may do this. */
  #denied(request: IncomingMessage, url: URL, body: Buffer): string | undefined {
    const header = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(request.headers.authorization ?? '');
    if (header === null) return 'AccessDenied';
    const [, id, day, region, signedHeaders, signature] = header as unknown as string[];
    const key = this.keys.get(id ?? '');
    if (key === undefined) return 'InvalidAccessKeyId';
    const date = String(request.headers['x-amz-date']);
    const atMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    if (Math.abs(atMs - (this.#o.nowMs?.() ?? Date.now())) > 15 * 60_000) return 'RequestTimeTooSkewed';
    const names = (signedHeaders ?? '').split(';');
    for (const name of Object.keys(request.headers)) if ((name.startsWith('x-amz-') || name === 'host' || name === 'if-none-match') && !names.includes(name)) return 'AccessDenied';
    const content = String(request.headers['x-amz-content-sha256']);
    if (content !== sha256(body)) return 'XAmzContentSHA256Mismatch';
    const query = [...url.searchParams].map(([name, value]) => [escaped(name), escaped(value)].join('=')).sort().join('&');
    const canonical = [
      request.method, url.pathname.split('/').map((part) => escaped(decodeURIComponent(part))).join('/'), query,
      ...names.map((name) => `${name}:${String(request.headers[name]).trim().replaceAll(/\s+/g, ' ')}`), '', signedHeaders, content,
    ].join('\n');
    const scope = `${day}/${region}/s3/aws4_request`;
    const signing = ['AWS4-HMAC-SHA256', date, scope, sha256(Buffer.from(canonical))].join('\n');
    const secret = [day ?? '', region ?? '', 's3', 'aws4_request'].reduce<Buffer | string>((made, part) => createHmac('sha256', made).update(part).digest(), `AWS4${key.secret}`);
    if (createHmac('sha256', secret).update(signing).digest('hex') !== signature) return 'SignatureDoesNotMatch';
    const right: Right = request.method === 'GET' && url.searchParams.has('uploadId') ? 'put' : request.method === 'GET' || request.method === 'HEAD' ? 'get' : request.method === 'DELETE' ? 'delete' : 'put';
    return key.rights.includes(right) ? undefined : 'AccessDenied';
  }

  #answer(request: IncomingMessage, url: URL, body: Buffer, lie: boolean, reply: (status: number, headers?: Record<string, string>, body?: string | Buffer) => void): void {
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''));
    const query = url.searchParams;
    const checksumHeaders = (held: Held): Record<string, string> => (this.#o.checksums === true && held.sha256 !== undefined ? { 'x-amz-checksum-sha256': held.sha256 } : {});
    const hold = (bytes: Buffer): Held => {
      const given = request.headers['x-amz-checksum-sha256'];
      return { bytes, etag: `"${createHash('md5').update(bytes).digest('hex')}"`, sha256: typeof given === 'string' ? lie ? given : createHash('sha256').update(bytes).digest('base64') : undefined };
    };
    const exists = (): boolean => this.#o.knowsConditions === true && request.headers['if-none-match'] === '*' && this.objects.has(key);
    if (request.headers['if-none-match'] !== undefined && this.#o.knowsConditions === false) return reply(501, {}, '<Error><Code>NotImplemented</Code></Error>');
    if (request.method === 'POST' && query.has('uploads')) {
      const upload = randomBytes(8).toString('hex');
      this.uploads.set(upload, { key, parts: new Map() });
      return reply(200, {}, `<InitiateMultipartUploadResult><UploadId>${upload}</UploadId></InitiateMultipartUploadResult>`);
    }
    const upload = this.uploads.get(query.get('uploadId') ?? '');
    if (query.has('uploadId') && upload === undefined) return reply(404, {}, '<Error><Code>NoSuchUpload</Code></Error>');
    if (upload !== undefined && request.method === 'PUT') {
      const part = hold(lie ? spoiled(body) : body);
      if (lie) part.etag = `"${createHash('md5').update(body).digest('hex')}"`;
      upload.parts.set(Number(query.get('partNumber')), part);
      return reply(200, { ETag: part.etag, ...checksumHeaders(part) });
    }
    if (upload !== undefined && request.method === 'GET') {
      const parts = [...upload.parts].map(([number, { etag, bytes }]) => `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag.slice(1, -1)}&quot;</ETag><Size>${bytes.length}</Size></Part>`);
      return reply(200, {}, `<ListPartsResult>${parts.join('')}</ListPartsResult>`);
    }
    if (upload !== undefined && request.method === 'POST') {
      if (exists()) return reply(412, {}, '<Error><Code>PreconditionFailed</Code></Error>');
      const wanted = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)];
      if (wanted.length !== upload.parts.size || wanted.some(([, number, etag]) => upload.parts.get(Number(number))?.etag.replaceAll('"', '') !== etag?.replaceAll('&quot;', ''))) return reply(400, {}, '<Error><Code>InvalidPart</Code></Error>');
      const bytes = Buffer.concat([...upload.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part.bytes));
      this.objects.set(key, { bytes, etag: `"${createHash('md5').update(bytes).digest('hex')}-${upload.parts.size}"`, sha256: undefined });
      this.stored.set(key, (this.stored.get(key) ?? 0) + 1);
      this.uploads.delete(query.get('uploadId') ?? '');
      return reply(200, this.#versionHeaders, `<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>`);
    }
    if (request.method === 'PUT') {
      if (this.#o.refusesReplacing === true && this.objects.has(key)) return reply(403, {}, '<Error><Code>AccessDenied</Code></Error>');
      if (exists()) return reply(412, {}, '<Error><Code>PreconditionFailed</Code></Error>');
      const held = hold(lie ? spoiled(body) : body);
      if (lie) held.etag = `"${createHash('md5').update(body).digest('hex')}"`;
      else if (this.#o.checksums === true && request.headers['x-amz-checksum-sha256'] !== undefined && request.headers['x-amz-checksum-sha256'] !== held.sha256 && !request.socket.destroyed) return reply(400, {}, '<Error><Code>BadDigest</Code></Error>');
      if (!(this.#o.keepsFirst === true && this.objects.has(key))) this.objects.set(key, held);
      this.stored.set(key, (this.stored.get(key) ?? 0) + 1);
      return reply(200, { ETag: held.etag, ...checksumHeaders(held), ...this.#versionHeaders });
    }
    if (request.method === 'DELETE') {
      this.objects.delete(key);
      return reply(204);
    }
    if (key === '') {
      const [prefix, after, most] = [query.get('prefix') ?? '', query.get('start-after') ?? '', Number(query.get('max-keys') ?? 1000)];
      const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
      const contents = names.slice(0, most).map((name) => `<Contents><Key>${name.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</Key><Size>${this.objects.get(name)?.bytes.length}</Size></Contents>`);
      return reply(200, {}, `<ListBucketResult><IsTruncated>${names.length > most}</IsTruncated>${contents.join('')}</ListBucketResult>`);
    }
    const held = this.objects.get(key);
    if (held === undefined) return reply(404, {}, '<Error><Code>NoSuchKey</Code></Error>');
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (range === null) return reply(200, { ETag: held.etag, 'Content-Length': String(held.bytes.length), ...checksumHeaders(held) }, held.bytes);
    const [from, to] = [Number(range[1]), Number(range[2])];
    if (from >= held.bytes.length) return reply(416);
    const part = held.bytes.subarray(from, to + 1);
    return reply(206, { 'Content-Range': `bytes ${from}-${from + part.length - 1}/${held.bytes.length}` }, part);
  }
}

function spoiled(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  if (other.length > 0) other[other.length >> 1] = (other[other.length >> 1] as number) ^ 1;
  return other;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}
