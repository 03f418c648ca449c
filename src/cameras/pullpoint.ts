/**
 * One subscription at one camera: made, pulled from, renewed and given back. When it ends is counted by our monotonic clock, from what the
 * camera's own two times say.
 */
import type { Clock } from '../base/clock.ts';
import { isSallyportError } from '../base/errors.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { deviceTarget, type Target } from './addresses.ts';
import { readEndpoint, type Endpoint } from './endpoint.ts';
import { createPullPoint, pullMessages, renew, unsubscribe } from './eventrequests.ts';
import { grantedMs } from './granted.ts';
import type { CameraLink } from './link.ts';
import { readNotifications, type Notification } from './notifications.ts';

/** Asked for; what is granted may be less, as 60 s at Hikvision's. */
const wantedMs = 10 * minuteMs;
/** Where a camera does not say: the least that makes grant. */
const assumedMs = minuteMs;
const renewAt = 0.8;
const pullWaitMs = 20 * secondMs;
/** How much longer than it was asked to wait a camera may take for its answer. */
const answerMs = 10 * secondMs;
const givenBackMs = 2 * secondMs;
const messageLimit = 100;

export interface Pulled {
  readonly notifications: readonly Notification[];
  /** Messages beyond the bound. */
  readonly dropped: number;
  readonly tookMs: number;
}

export interface PullPointParts {
  readonly link: CameraLink;
  readonly clock: Clock;
}

export class PullPoint {
  readonly #p: PullPointParts;
  readonly #endpoint: Endpoint;
  /** At the adopted host, whatever the camera believes. */
  readonly #target: Target;
  #grantedMs: number;
  #grantedAtMs: number;
  /** By what the camera said last; only of use where it cannot be renewed. */
  #endsAtMs: number;
  #renewable = true;

  private constructor(p: PullPointParts, endpoint: Endpoint, target: Target, granted: number) {
    this.#p = p;
    this.#endpoint = endpoint;
    this.#target = target;
    this.#grantedMs = granted;
    this.#grantedAtMs = p.clock.monotonicMs();
    this.#endsAtMs = this.#grantedAtMs + granted;
  }

  /** Rejects as CameraLink.call does. */
  static async open(p: PullPointParts): Promise<PullPoint> {
    let xml = '';
    const response = await p.link.session.call(createPullPoint(wantedMs), await eventTarget(p.link), { onXml: (text) => void (xml = text) });
    const endpoint = readEndpoint(response, xml);
    const target = endpoint === undefined ? undefined : await p.link.adopt(endpoint.to);
    if (endpoint === undefined || target === undefined) throw p.link.session.unusable('CreatePullPointSubscription', 'it names no address of the subscription');
    return new PullPoint(p, endpoint, target, grantedMs(response) ?? assumedMs);
  }

  get grantedMs(): number {
    return this.#grantedMs;
  }

  /** False after the camera has refused to renew: then a new subscription follows this one. */
  get renewable(): boolean {
    return this.#renewable;
  }

  get expired(): boolean {
    return !this.#renewable && this.#p.clock.monotonicMs() >= this.#endsAtMs;
  }

  get renewDue(): boolean {
    return this.#renewable && this.#p.clock.monotonicMs() >= this.#renewAtMs;
  }

  /** Returns when the camera has something to say, or has waited as long as it was asked to: at most until the subscription is to be renewed. */
  async pull(): Promise<Pulled> {
    const { clock, link } = this.#p;
    const begunMs = clock.monotonicMs();
    const until = (this.#renewable ? this.#renewAtMs : this.#endsAtMs) - begunMs;
    const waitMs = Math.max(secondMs, Math.min(pullWaitMs, Math.ceil(until / secondMs) * secondMs));
    const response = await link.session.call(pullMessages(this.#endpoint, waitMs, messageLimit), this.#target, { deadlineMs: waitMs + answerMs });
    const endedMs = clock.monotonicMs();
    // Many cameras prolong a subscription with each pull; for one that does not renew, that is all there is.
    this.#endsAtMs = Math.max(this.#endsAtMs, endedMs + (grantedMs(response) ?? 0));
    return { ...readNotifications(response), tookMs: endedMs - begunMs };
  }

  async renew(): Promise<void> {
    const { clock, link } = this.#p;
    try {
      const response = await link.session.call(renew(this.#endpoint, wantedMs), this.#target);
      this.#grantedMs = grantedMs(response) ?? this.#grantedMs;
      this.#grantedAtMs = clock.monotonicMs();
      this.#endsAtMs = this.#grantedAtMs + this.#grantedMs;
    } catch (error) {
      if (!isSallyportError(error, 'SP_CAMERA_FAULT') && !isSallyportError(error, 'SP_CAMERA_ANSWER')) throw error;
      this.#renewable = false;
    }
  }

  /** Gives it back, where the camera still listens. Only at the very end: some cameras take it for the end of all subscriptions. */
  async close(): Promise<void> {
    // The link's own signal has ended all else.
    const manner = { deadlineMs: givenBackMs, signal: new AbortController().signal };
    await this.#p.link.session.call(unsubscribe(this.#endpoint), this.#target, manner).catch(() => {});
  }

  get #renewAtMs(): number {
    return this.#grantedAtMs + renewAt * this.#grantedMs;
  }
}

/** A camera that lists no services at all is asked at its one address: many answer for all services there. */
async function eventTarget(link: CameraLink): Promise<Target> {
  const services = await link.services();
  const device = deviceTarget(link.address);
  const media = services.get('media');
  const unlisted = services.size === 1 && media?.port === device.port && media.path === device.path;
  return unlisted ? device : link.target('events');
}
