/** Who may watch: Digest (RFC 2617 without qop, as RTSP cameras have it; RFC 7616 by SHA-256) with a nonce for each connection. */
import { randomBytes } from 'node:crypto';
import { checkAnswer, parseAuthHeader } from '../base/digest.ts';
import type { Quirks, Tries } from './face.ts';
import type { RtspRequest } from './rtspmessage.ts';

const realm = 'Emulated camera';

export class RtspAccess {
  readonly #credentials: { readonly user: string; readonly password: () => string; readonly tries: Tries; readonly quirks: Quirks };
  readonly #nonce = randomBytes(16).toString('hex');

  constructor(credentials: { user: string; password: () => string; tries: Tries; quirks: Quirks }) {
    this.#credentials = credentials;
  }

  allows(request: RtspRequest): boolean {
    const { user, password, tries, quirks } = this.#credentials;
    const header = request.headers.get('authorization');
    const given = parseAuthHeader(header ?? '', 'digest');
    const algorithm = this.#offered().find((one) => one === (given?.get('algorithm')?.toUpperCase() ?? 'MD5'));
    if (header === undefined || given?.get('uri') !== request.uri || algorithm === undefined || quirks.refusesAll === true) return false;
    const right = checkAnswer(header, { username: user, password: password(), method: request.method, realm, nonce: this.#nonce, algorithm });
    tries[right ? 'right' : 'wrong']++;
    return right;
  }

  /** The headers of a 401, the better algorithm first; a client that knows one scheme only takes the last that it can (ffmpeg). */
  challenges(): [name: string, value: string][] {
    // Refused for ever means: each time as if the nonce were too old.
    const refuses = this.#credentials.quirks.refusesAll === true;
    const nonce = refuses ? `nonce="${randomBytes(16).toString('hex')}", stale=true` : `nonce="${this.#nonce}"`;
    return this.#offered().map((algorithm) => ['WWW-Authenticate', `Digest realm="${realm}", ${algorithm === 'MD5' ? '' : `qop="auth", algorithm=${algorithm}, `}${nonce}`]);
  }

  #offered(): readonly ('SHA-256' | 'MD5')[] {
    const { digest } = this.#credentials.quirks;
    return digest === 'both' ? ['SHA-256', 'MD5'] : [digest ?? 'MD5'];
  }
}
