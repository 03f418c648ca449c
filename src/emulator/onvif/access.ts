/**
 * Who may ask: WS-Security UsernameToken with PasswordDigest (five seconds of the camera's clock, no nonce twice) and HTTP Digest
 * (RFC 7616, MD5 or SHA-256, a nonce counter never twice), as the maker has it. Where both are given both must be right (ONVIF Core, 5.9.1).
 */
import { createHash, randomBytes } from 'node:crypto';
import { checkAnswer, parseAuthHeader } from '../../base/digest.ts';
import { find, textOf, type XmlElement } from '../../base/xml.ts';
import { cameraTimeMs, type CameraFace } from '../face.ts';
import type { Account } from '../settings.ts';
import type { AccessClass } from './operation.ts';
import { SoapFault } from './soap.ts';
import { accountOf, mayDo } from './users.ts';

const realm = 'Emulated camera';
const tokenWindowMs = 5000;
const nonceLifeMs = 60_000;
const noncesMax = 4096;

export class Access {
  readonly #face: CameraFace;
  /** UsernameToken nonces until when they are remembered. */
  readonly #usedTokens = new Map<string, number>();
  /** HTTP nonces that we gave out. */
  readonly #given = new Map<string, { untilMs: number; counts: Set<string> }>();

  constructor(face: CameraFace) {
    this.#face = face;
  }

  /** Throws the fault of who may not: 401 with a challenge where no token was given, else 400. */
  checkSoap(header: XmlElement | undefined, http: { method: string; url: string; authorization: string | undefined; access: AccessClass }): void {
    const { access } = this.#face.habits;
    const given = find(header, 'Security', 'UsernameToken');
    // Who takes no tokens does not see them.
    const token = access.token ? given : undefined;
    const authorization = access.digest === 'none' ? undefined : http.authorization;
    if (authorization === undefined && token === undefined) throw notAuthorized('no credentials were given', access.digest === 'none' ? 400 : 401);
    const who = [
      ...(authorization === undefined ? [] : [this.checkHttp({ ...http, authorization }) ?? refuse('the HTTP digest is wrong')]),
      ...(token === undefined ? [] : [this.#checkToken(token)]),
    ];
    if (who.some((account) => !mayDo(account, http.access))) throw notAuthorized(`this user may not do so (${http.access})`);
  }

  /** Who asks; undefined for nobody we know. */
  checkHttp(http: { method: string; url: string; authorization: string | undefined }): Account | undefined {
    const parameters = parseAuthHeader(http.authorization ?? '', 'digest');
    const nonce = parameters?.get('nonce') ?? '';
    const given = this.#given.get(nonce);
    const count = parameters?.get('nc') ?? '';
    if (given === undefined || given.untilMs < this.#face.clock.monotonicMs() || given.counts.has(count) || given.counts.size >= noncesMax) return undefined;
    if (parameters?.get('uri') !== http.url || parameters.get('qop') !== 'auth') return undefined;
    const username = parameters.get('username') ?? '';
    const account = accountOf(this.#face, username);
    const { digest } = this.#face.habits.access;
    if (account === undefined || digest === 'none') return undefined;
    if (!this.#count(checkAnswer(http.authorization ?? '', { username, password: account.password, method: http.method, realm, nonce, algorithm: digest }))) return undefined;
    given.counts.add(count);
    return account;
  }

  /** The value of a `WWW-Authenticate` header, with a nonce that works for a minute. */
  challenge(authorization: string | undefined): string {
    const nonce = randomBytes(16).toString('hex');
    const nowMs = this.#face.clock.monotonicMs();
    forgetPast(this.#given, (one) => one.untilMs < nowMs);
    this.#given.set(nonce, { untilMs: nowMs + nonceLifeMs, counts: new Set() });
    const old = parseAuthHeader(authorization ?? '', 'digest')?.get('nonce');
    const stale = old !== undefined && !this.#given.has(old) ? ', stale=true' : '';
    return `Digest realm="${realm}", qop="auth", algorithm=${this.#face.habits.access.digest}, nonce="${nonce}"${stale}`;
  }

  #checkToken(token: XmlElement): Account {
    const nonce = Buffer.from(textOf(token, 'Nonce') ?? '', 'base64');
    const created = textOf(token, 'Created') ?? '';
    const password = find(token, 'Password');
    if (password?.attributes['Type']?.endsWith('#PasswordDigest') !== true) throw notAuthorized('only PasswordDigest is accepted');
    const account = accountOf(this.#face, textOf(token, 'Username') ?? '');
    const expected = createHash('sha1').update(Buffer.concat([nonce, Buffer.from(created, 'utf8'), Buffer.from(account?.password ?? '', 'utf8')])).digest('base64');
    if (!this.#count(account !== undefined && nonce.length > 0 && password?.text === expected) || account === undefined) throw notAuthorized('user name or password is wrong');
    const nowMs = cameraTimeMs(this.#face);
    // Not "greater than": a date that cannot be read compares false.
    if (!(Math.abs(nowMs - Date.parse(created)) <= tokenWindowMs)) throw notAuthorized('the token is too old or of the future');
    this.#useOnce(nonce.toString('base64'));
    return account;
  }

  #count(right: boolean): boolean {
    this.#face.tries[right ? 'right' : 'wrong']++;
    return right;
  }

  #useOnce(nonce: string): void {
    const nowMs = this.#face.clock.monotonicMs();
    forgetPast(this.#usedTokens, (untilMs) => untilMs < nowMs);
    if (this.#usedTokens.has(nonce)) throw notAuthorized('the nonce was used before');
    this.#usedTokens.set(nonce, nowMs + 2 * tokenWindowMs);
  }
}

function forgetPast<T>(map: Map<string, T>, past: (value: T) => boolean): void {
  for (const [key, value] of map) if (past(value) || map.size > noncesMax) map.delete(key);
}

function refuse(reason: string): never {
  throw notAuthorized(reason, 401);
}

function notAuthorized(reason: string, status = 400): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['NotAuthorized'], reason, status });
}
