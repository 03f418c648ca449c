/**
 * HTTP(S) to cameras, the only one: one connection a request, to the adopted address alone. No redirect is followed, bodies and headers
 * are capped, and a deadline covers the whole exchange, so that neither a silent nor a dripping camera holds anybody up. By HTTPS nothing
 * is sent before the certificate is known to be the camera's. HTTP Digest is answered (RFC 7616); Basic never, for it would hand the password to whoever answers.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { answerChallenge, parseChallenge, type DigestChallenge } from '../base/digest.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { Target } from './addresses.ts';
import { Certificates } from './certificates.ts';
import { siteLookup } from './sitelookup.ts';
import { connectTls } from './tls.ts';

const deadlineMs = 10_000;
const headerBytesMax = 16 * 1024;
/** Interim answers (1xx, RFC 9110, 15.2) before the one that counts: one `100 Continue` is usual, and each costs as much as an answer. */
const interimMax = 8;

export interface Exchange {
  readonly target: Target;
  /** For errors: the ONVIF operation. */
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly replyBytesMax: number;
  /** Where a camera is asked to wait before it answers; else 10 s. */
  readonly deadlineMs?: number;
  /** Instead of the transport's own. */
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly challenge: DigestChallenge | undefined;
}

export interface Credentials {
  readonly user: string;
  readonly password: Secret;
}

export class Transport {
  readonly #camera: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #certificates: Certificates;
  /** The last challenge that was answered, so that one nonce serves many requests (RFC 7616, 3.4: the count goes up). */
  #challenge: { given: DigestChallenge; count: number } | undefined;

  /** Without `certificates` those that are met are believed. */
  constructor(o: { camera: string; clock: Clock; certificates?: Certificates; signal?: AbortSignal }) {
    this.#camera = o.camera;
    this.#certificates = o.certificates ?? new Certificates(o.camera, undefined);
    this.#clock = o.clock;
    this.#signal = o.signal;
  }

  /** One request, one reply of any status. SP_CAMERA_UNREACHABLE; SP_CAMERA_ANSWER for what breaks a bound; SP_STOPPED. */
  async exchange(e: Exchange): Promise<Reply> {
    const over = new AbortController();
    const stop = e.signal ?? this.#signal;
    const lastsMs = e.deadlineMs ?? deadlineMs;
    const stops = stop === undefined ? over.signal : AbortSignal.any([over.signal, stop]);
    const finished = new AbortController();
    let late = false;
    this.#clock.sleep(lastsMs, finished.signal).then(() => {
      late = true;
      over.abort();
    }, () => {});
    try {
      return await this.#send(e, stops);
    } catch (error) {
      if (stop?.aborted === true) throw new SallyportError('SP_STOPPED', { what: `${e.operation} of ${this.#camera}` }, error);
      if (late) throw this.#unreachable(e, `no whole answer to ${e.operation} within ${lastsMs / 1000} s`, error);
      if (error instanceof SallyportError) throw error;
      throw isMalformed(error) ? this.#answer(e, `it is no HTTP: ${reasonOf(error)}`, error) : this.#unreachable(e, reasonOf(error), error);
    } finally {
      finished.abort();
    }
  }

  /** As `exchange`, and answers a Digest challenge; a reply of 401 means that the credentials were not taken. */
  async exchangeWithDigest(e: Exchange, access: Credentials): Promise<Reply> {
    let reply = await this.exchange(this.#challenge === undefined ? e : this.#authorised(e, access));
    // Without an answered challenge the first 401 only asks; with one, 401 and `stale` ask for a fresh nonce.
    for (let round = 0; round < 2 && reply.status === 401 && reply.challenge !== undefined; round++) {
      const renewed = this.#challenge !== undefined;
      if (renewed && !reply.challenge.stale && this.#challenge?.given.nonce === reply.challenge.nonce) break;
      if (round === 1 && !reply.challenge.stale) break;
      this.#challenge = { given: reply.challenge, count: 0 };
      reply = await this.exchange(this.#authorised(e, access));
    }
    if (reply.status === 401) this.#challenge = undefined;
    return reply;
  }

  #authorised(e: Exchange, { user, password }: Credentials): Exchange {
    const challenge = this.#challenge;
    if (challenge === undefined) return e;
    challenge.count++;
    const authorization = answerChallenge(challenge.given, { username: user, password: password.reveal(), method: e.method, uri: e.target.path, count: challenge.count });
    return { ...e, headers: { ...e.headers, Authorization: authorization } };
  }

  async #send(e: Exchange, signal: AbortSignal): Promise<Reply> {
    const { host, port, secure } = e.target;
    const socket = secure ? await connectTls({ camera: this.#camera, host, port, certificates: this.#certificates }, signal) : undefined;
    return await new Promise((resolve, reject) => {
      const request = this.#open(e, socket, signal);
      // Not `once`: a connection can break twice, and the second time nobody else would listen.
      request.on('error', reject);
      let interim = 0;
      request.on('information', () => {
        if (++interim > interimMax) request.destroy(this.#answer(e, `more than ${interimMax} interim answers`));
      });
      request.once('response', (response) => {
        this.#read(response, e).then(resolve, (error: unknown) => {
          request.destroy();
          reject(error);
        });
      });
      request.end(e.body);
    });
  }

  #open(e: Exchange, socket: Duplex | undefined, signal: AbortSignal): ClientRequest {
    const { host, port, path } = e.target;
    return httpRequest({
      host, port, path, signal,
      method: e.method,
      headers: { ...e.headers, ...(e.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(e.body) }), Connection: 'close' },
      maxHeaderSize: headerBytesMax,
      // Cheap cameras end header lines with a bare line feed. What smuggling needs, a shared connection, does not exist here.
      insecureHTTPParser: true,
      ...(socket === undefined ? { agent: false as const, lookup: siteLookup } : { createConnection: () => socket }),
    });
  }

  async #read(response: IncomingMessage, e: Exchange): Promise<Reply> {
    const status = response.statusCode ?? 0;
    if (status >= 300 && status < 400) throw this.#answer(e, `it redirects (HTTP ${status}), which is not followed`);
    const tooLarge = (): SallyportError => this.#answer(e, `more than ${e.replyBytesMax} bytes`);
    if (Number(response.headers['content-length'] ?? 0) > e.replyBytesMax) throw tooLarge();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > e.replyBytesMax) throw tooLarge();
      chunks.push(chunk);
    }
    return {
      status,
      contentType: response.headers['content-type'] ?? '',
      body: Buffer.concat(chunks),
      challenge: parseChallenge(headersNamed(response, 'www-authenticate')),
    };
  }

  #answer(e: Exchange, reason: string, cause?: unknown): SallyportError {
    return new SallyportError('SP_CAMERA_ANSWER', { camera: this.#camera, operation: e.operation, reason }, cause);
  }

  #unreachable(e: Exchange, reason: string, cause: unknown): SallyportError {
    return new SallyportError('SP_CAMERA_UNREACHABLE', { camera: this.#camera, address: `${e.target.host}:${e.target.port}`, operation: e.operation, reason }, cause);
  }
}

/** Node joins repeated headers with commas, which Digest parameters contain too. */
function headersNamed(response: IncomingMessage, name: string): string[] {
  return response.rawHeaders.flatMap((header, index) => (index % 2 === 0 && header.toLowerCase() === name ? [response.rawHeaders[index + 1] ?? ''] : [])).slice(0, 8);
}

function isMalformed(error: unknown): boolean {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('HPE_');
}
