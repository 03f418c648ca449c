import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { xmlBytesMax, type XmlElement } from '../base/xml.ts';
import type { Target } from './addresses.ts';
import { readClock } from './answers.ts';
import { decodeXml } from './charset.ts';
import { requests, type OnvifRequest, type RequestMaker } from './onvif.ts';
import { cleanWords, readSoap, usernameToken } from './soap.ts';
import type { Credentials, Exchange, Reply, Transport } from './transport.ts';

/** A call that the camera does not let these credentials make. */
export const refused: unique symbol = Symbol('refused');
export type Outcome = XmlElement | typeof refused;
/** A token that nothing but its password can have been refused for. */
const wrong: unique symbol = Symbol('wrong');

/** How one call differs from others. */
export interface CallManner {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Is handed each answer as it came, for what a tree without namespaces cannot say. */
  readonly onXml?: (xml: string) => void;
}

/** Clocks that differ by less are the same: cameras tell whole seconds. */
const sameClockMs = 2000;

/** Calls with and without credentials, and what a camera's clock and its refusals mean for them. */
export class OnvifSession {
  readonly #camera: string;
  readonly #access: Credentials;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #device: Target;
  /** By how much the time in a token is ahead of ours; undefined before the camera was asked. */
  #tokenOffsetMs: number | undefined;
  /** Whether the camera said what time it has, when it was asked last. */
  #clockTold = false;
  /** How the camera took our credentials last. */
  #scheme: 'token' | 'digest' | undefined;

  constructor(o: { camera: string; access: Credentials; clock: Clock; transport: Transport; device: Target }) {
    this.#camera = o.camera;
    this.#access = o.access;
    this.#clock = o.clock;
    this.#transport = o.transport;
    this.#device = o.device;
  }

  /** How far the camera's clock is ahead of ours; 0 when it tells no time, or wants credentials even for that: hub time is the best guess then. */
  async readClock(): Promise<number> {
    const askedMs = this.#clock.wallMs();
    const outcome = await this.open(requests.getSystemDateAndTime, this.#device).catch((error: unknown): Outcome => {
      if (isSallyportError(error, 'SP_CAMERA_FAULT')) return refused;
      throw error;
    });
    const cameraMs = outcome === refused ? undefined : readClock(outcome);
    this.#clockTold = cameraMs !== undefined;
    const offsetMs = cameraMs === undefined ? 0 : cameraMs - (askedMs + this.#clock.wallMs()) / 2;
    this.#tokenOffsetMs ??= offsetMs;
    return offsetMs;
  }

  /**
   * One call with credentials. A token is tried first; when it is not taken, the clock is read again (it may have stepped) and the token
   * tried once more by it or by hub time (some cameras tell local time as UTC); HTTP Digest, which needs no clock, comes last. Where the clock
   * is known to be right and the camera asks for no Digest, the password is what is wrong: each refused try counts towards its lock, so there is none more.
   */
  async call(make: RequestMaker, target: Target, manner: CallManner = {}): Promise<XmlElement> {
    if (this.#tokenOffsetMs === undefined) await this.readClock();
    const outcome = this.#scheme === 'digest' ? refused : await this.#callWithToken(make, target, manner);
    if (outcome === wrong) throw new SallyportError('SP_CAMERA_REFUSED', { camera: this.#camera });
    if (outcome !== refused) return outcome;
    const request = make('');
    const reply = await this.#transport.exchangeWithDigest(exchangeOf(request, target, manner), this.#access);
    const last = this.#read(reply, request.operation, manner);
    if (last === refused) throw new SallyportError('SP_CAMERA_REFUSED', { camera: this.#camera });
    this.#scheme = 'digest';
    return last;
  }

  /** One call without credentials. */
  async open(make: RequestMaker, target: Target, manner: CallManner = {}): Promise<Outcome> {
    const request = make('');
    return this.#read(await this.#transport.exchange(exchangeOf(request, target, manner)), request.operation, manner);
  }

  /** Only a whole answer shows that a call is open to everybody. */
  async needsCredentials(make: RequestMaker, target: Target): Promise<boolean> {
    try {
      return await this.open(make, target) === refused;
    } catch (error) {
      if (isSallyportError(error, 'SP_CAMERA_FAULT') || isSallyportError(error, 'SP_CAMERA_ANSWER')) return true;
      throw error;
    }
  }

  async #callWithToken(make: RequestMaker, target: Target, manner: CallManner): Promise<Outcome | typeof wrong> {
    const first = this.#tokenOffsetMs ?? 0;
    const reply = await this.#sendToken(make, target, first, manner);
    // A camera that asks for HTTP Digest gets it; the clock is not what is wrong.
    if (reply.outcome !== refused || reply.wantsDigest) return this.#took(first, reply.outcome);
    const offsetMs = await this.readClock();
    const other = [offsetMs, 0].find((candidate) => Math.abs(candidate - first) > sameClockMs);
    if (other === undefined) return this.#clockTold && Math.abs(first) <= sameClockMs ? wrong : refused;
    return this.#took(other, (await this.#sendToken(make, target, other, manner)).outcome);
  }

  #took(offsetMs: number, outcome: Outcome): Outcome {
    if (outcome === refused) return refused;
    this.#tokenOffsetMs = offsetMs;
    this.#scheme = 'token';
    return outcome;
  }

  async #sendToken(make: RequestMaker, target: Target, offsetMs: number, manner: CallManner): Promise<{ outcome: Outcome; wantsDigest: boolean }> {
    const request = make(usernameToken(this.#access, this.#clock.wallMs() + offsetMs));
    const reply = await this.#transport.exchange(exchangeOf(request, target, manner));
    return { outcome: this.#read(reply, request.operation, manner), wantsDigest: reply.status === 401 && reply.challenge !== undefined };
  }

  #read(reply: Reply, operation: string, manner: CallManner = {}): Outcome {
    if (isRefusal(reply)) return refused;
    const answer = this.#parse(reply, operation, manner);
    if (answer.kind === 'response') return answer.response;
    if (answer.notAuthorized) return refused;
    throw new SallyportError('SP_CAMERA_FAULT', { camera: this.#camera, operation, reason: this.#hide(answer.reason) });
  }

  #parse(reply: Reply, operation: string, { onXml }: CallManner): ReturnType<typeof readSoap> {
    try {
      const xml = decodeXml(reply.body, reply.contentType);
      onXml?.(xml);
      return readSoap(xml, operation);
    } catch (error) {
      throw this.unusable(operation, reply.status === 200 ? reasonOf(error) : `HTTP ${reply.status}`);
    }
  }

  /** SP_CAMERA_ANSWER, with the camera's words cleaned. */
  unusable(operation: string, reason: string): SallyportError {
    return new SallyportError('SP_CAMERA_ANSWER', { camera: this.#camera, operation, reason: this.#hide(cleanWords(reason) ?? 'it is empty') });
  }

  /** A camera knows its password and may put it into what it says. */
  #hide(words: string): string {
    const password = this.#access.password.reveal();
    return password.length < 4 ? words : words.replaceAll(password, '[secret]');
  }
}

function exchangeOf(request: OnvifRequest, target: Target, { deadlineMs, signal }: CallManner = {}): Exchange {
  return {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(signal === undefined ? {} : { signal }),
    target,
    operation: request.operation,
    method: 'POST',
    headers: { 'Content-Type': `application/soap+xml; charset=utf-8; action="${request.action}"` },
    body: request.body,
    replyBytesMax: xmlBytesMax,
  };
}

export function isRefusal({ status }: Reply): boolean {
  return status === 401 || status === 403;
}
