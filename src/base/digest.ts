/**
 * HTTP Digest access authentication (RFC 7616, and RFC 2069 without qop), for both ends and for HTTP and RTSP alike.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  readonly qop: 'auth' | undefined;
  readonly opaque: string | undefined;
  readonly stale: boolean;
}

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess';

const algorithms: readonly DigestAlgorithm[] = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'];

/** The parameters of a `WWW-Authenticate` or `Authorization` header of the given scheme; undefined for another scheme. */
export function parseAuthHeader(header: string, scheme: string): Map<string, string> | undefined {
  const start = new RegExp(`(?:^|,)\\s*${scheme}\\s+`, 'i').exec(header);
  if (start === null || header.length > 8192) return undefined;
  const parameters = new Map<string, string>();
  const pattern = /\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)/y;
  pattern.lastIndex = start.index + start[0].length;
  for (let match = pattern.exec(header); match !== null && parameters.size < 32; match = pattern.exec(header)) {
    parameters.set((match[1] as string).toLowerCase(), match[2] === undefined ? (match[3] as string) : match[2].replaceAll(/\\(.)/g, '$1'));
  }
  return parameters;
}

/** The strongest Digest challenge of one or several headers that we can answer. */
export function parseChallenge(headers: readonly string[]): DigestChallenge | undefined {
  const challenges = headers.flatMap((header) => {
    const parameters = parseAuthHeader(header, 'digest');
    const nonce = parameters?.get('nonce');
    const named = parameters?.get('algorithm') ?? 'MD5';
    const algorithm = algorithms.find((known) => known.toLowerCase() === named.toLowerCase());
    if (parameters === undefined || nonce === undefined || algorithm === undefined) return [];
    const qops = parameters.get('qop')?.split(',').map((qop) => qop.trim().toLowerCase());
    if (qops !== undefined && !qops.includes('auth')) return [];
    return [{
      realm: parameters.get('realm') ?? '',
      nonce,
      algorithm,
      qop: qops === undefined ? undefined : 'auth' as const,
      opaque: parameters.get('opaque'),
      stale: parameters.get('stale')?.toLowerCase() === 'true',
    }];
  });
  return challenges.sort((a, b) => algorithms.indexOf(b.algorithm) - algorithms.indexOf(a.algorithm))[0];
}

export interface DigestRequest {
  readonly username: string;
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  /** How often this nonce was used, from 1. */
  readonly count: number;
}

/** The value of the `Authorization` header. */
export function answerChallenge(challenge: DigestChallenge, request: DigestRequest): string {
  const cnonce = randomBytes(12).toString('hex');
  const nc = request.count.toString(16).padStart(8, '0');
  const response = digestResponse({ ...challenge, ...request, cnonce, nc });
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return [
    `Digest username=${quoted(request.username)}`, `realm=${quoted(challenge.realm)}`, `nonce=${quoted(challenge.nonce)}`,
    `uri=${quoted(request.uri)}`, `response="${response}"`, `algorithm=${challenge.algorithm}`,
    ...(challenge.qop === undefined ? [] : [`qop=${challenge.qop}`, `nc=${nc}`]),
    // A session key is made of the client's nonce, so it travels even where no qop asks for it.
    ...(challenge.qop === undefined && !challenge.algorithm.endsWith('-sess') ? [] : [`cnonce="${cnonce}"`]),
    ...(challenge.opaque === undefined ? [] : [`opaque=${quoted(challenge.opaque)}`]),
  ].join(', ');
}

/** The server's check of an `Authorization` header against the password it knows. Does not judge the nonce's age. */
export function checkAnswer(header: string, expected: { username: string; password: string; method: string; realm: string; nonce: string; algorithm: DigestAlgorithm }): boolean {
  const parameters = parseAuthHeader(header, 'digest');
  if (parameters === undefined || parameters.get('username') !== expected.username || parameters.get('nonce') !== expected.nonce) return false;
  const response = digestResponse({
    ...expected,
    uri: parameters.get('uri') ?? '',
    qop: parameters.get('qop') === undefined ? undefined : 'auth',
    cnonce: parameters.get('cnonce') ?? '',
    nc: parameters.get('nc') ?? '',
  });
  const given = Buffer.from(parameters.get('response') ?? '');
  return given.length === response.length && timingSafeEqual(given, Buffer.from(response));
}

function digestResponse(parts: { username: string; password: string; realm: string; nonce: string; algorithm: DigestAlgorithm; qop: 'auth' | undefined; method: string; uri: string; cnonce: string; nc: string }): string {
  const hash = (text: string): string => createHash(parts.algorithm.startsWith('SHA-256') ? 'sha256' : 'md5').update(text, 'utf8').digest('hex');
  const plain = hash(`${parts.username}:${parts.realm}:${parts.password}`);
  const ha1 = parts.algorithm.endsWith('-sess') ? hash(`${plain}:${parts.nonce}:${parts.cnonce}`) : plain;
  const ha2 = hash(`${parts.method}:${parts.uri}`);
  return hash(parts.qop === undefined ? `${ha1}:${parts.nonce}:${ha2}` : `${ha1}:${parts.nonce}:${parts.nc}:${parts.cnonce}:${parts.qop}:${ha2}`);
}
