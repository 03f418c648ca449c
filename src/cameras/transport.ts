/**
 * HTTP(S) to cameras, the only one: one connection a request, to the adopted address alone. No redirect is followed, bodies and headers
 * are capped, and a deadline covers the whole exchange, so that neither a silent nor a dripping camera holds anybody up.
 * HTTP Digest is answered (RFC 7616); Basic never, for it would hand the password to whoever answers.
 */
import { lookup as resolveName } from 'node:dns';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { answerChallenge, parseChallenge, type DigestChallenge } from '../base/digest.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { isOfSite, type Target } from './addresses.ts';
import { localInterfaces } from './interfaces.ts';

const deadlineMs = 10_000;
const headerBytesMax = 16 * 1024;

export interface Exchange {
  readonly target: Target;
  /** For errors: the ONVIF operation. */
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly replyBytesMax: number;
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
  /** The last challenge that was answered, so that one nonce serves many requests (RFC 7616, 3.4: the count goes up). */
  #challenge: { given: DigestChallenge; count: number } | undefined;

  constructor(o: { camera: string; clock: Clock; signal?: AbortSignal }) {
    this.#camera = o.camera;
    this.#clock = o.clock;
    this.#signal = o.signal;
  }

  /** One request, one reply of any status. SP_CAMERA_UNREACHABLE; SP_CAMERA_ANSWER for what breaks a bound; SP_STOPPED. */
  async exchange(e: Exchange): Promise<Reply> {
    const over = new AbortController();
    const stops = this.#signal === undefined ? over.signal : AbortSignal.any([over.signal, this.#signal]);
    const finished = new AbortController();
    let late = false;
    this.#clock.sleep(deadlineMs, finished.signal).then(() => {
      late = true;
      over.abort();
    }, () => {});
    try {
      return await this.#send(e, stops);
    } catch (error) {
      if (this.#signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: `${e.operation} of ${this.#camera}` }, error);
      if (late) throw this.#unreachable(e, `no whole answer within ${deadlineMs / 1000} s`, error);
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

  #send(e: Exchange, signal: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = this.#open(e, signal);
      // Not `once`: a connection can break twice, and the second time nobody else would listen.
      request.on('error', reject);
      request.once('response', (response) => {
        this.#read(response, e).then(resolve, (error: unknown) => {
          request.destroy();
          reject(error);
        });
      });
      request.end(e.body);
    });
  }

  #open(e: Exchange, signal: AbortSignal): ClientRequest {
    const { host, port, path, secure } = e.target;
    const options = {
      host, port, path, signal,
      method: e.method,
      headers: { ...e.headers, ...(e.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(e.body) }), Connection: 'close' },
      agent: false as const,
      maxHeaderSize: headerBytesMax,
      // Cheap cameras end header lines with a bare line feed. What smuggling needs, a shared connection, does not exist here.
      insecureHTTPParser: true,
      lookup: siteLookup,
    };
    // Cameras sign their own certificates; HTTPS to them is as good as HTTP, and Digest guards the password in both.
    return secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
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
    return new SallyportError('SP_CAMERA_UNREACHABLE', { camera: this.#camera, address: `${e.target.host}:${e.target.port}`, reason }, cause);
  }
}

/** Node joins repeated headers with commas, which Digest parameters contain too. */
function headersNamed(response: IncomingMessage, name: string): string[] {
  return response.rawHeaders.flatMap((header, index) => (index % 2 === 0 && header.toLowerCase() === name ? [response.rawHeaders[index + 1] ?? ''] : [])).slice(0, 8);
}

function isMalformed(error: unknown): boolean {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('HPE_');
}

/** A camera may be configured by host name; what the name stands for must be of the site each time it is asked. */
const siteLookup: LookupFunction = (host, options, done) => {
  resolveName(host, { ...options, family: 4, all: true }, (error, addresses) => {
    const ours = error === null ? addresses.filter(({ address }) => isOfSite(address, localInterfaces())) : [];
    const [first] = ours;
    if (error !== null) done(error, '', 4);
    else if (first === undefined) done(new Error(`the name ${host} does not lead to an address of the local network`), '', 4);
    else if (options.all === true) done(null, ours);
    else done(null, first.address, 4);
  });
};

/** The IPv4 address that a camera's host stands for now. SP_CAMERA_UNREACHABLE. */
export function addressOfHost(camera: string, host: string): Promise<string> {
  if (isIP(host) === 4) return Promise.resolve(host);
  return new Promise((resolve, reject) => {
    siteLookup(host, {}, (error, address) => {
      if (error === null) resolve(String(address));
      else reject(new SallyportError('SP_CAMERA_UNREACHABLE', { camera, address: host, reason: reasonOf(error) }, error));
    });
  });
}

/** What is wrong with an address that somebody wants to adopt; undefined when nothing is. Names are judged when they are resolved. */
export function refusalOfHost(host: string): string | undefined {
  const kind = isIP(host);
  if (kind === 6 || host.includes(':')) return 'IPv6 is not used';
  if (kind === 4) return isOfSite(host, localInterfaces()) ? undefined : `${host} is not in the local network`;
  return /^(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\.?$/.test(host) && host.length <= 253 ? undefined : `${host.slice(0, 80)} is no address`;
}
