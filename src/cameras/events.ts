/**
 * The events of one camera: one subscription at a time, pulled from as fast as the camera has something to say and never faster than it
 * can bear, renewed in time, and made anew after anything that goes wrong. It ends by `close` alone; how it is, is always in `status`.
 */
import type { UnixMs } from '../base/clock.ts';
import { asSallyportError, isSallyportError, type SallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import type { Signal } from '../policy/observations.ts';
import {
  endedEarly, nextPull, nextTry, noPulls, noTries, pullsPerSecondMax, slowBecause, type EventsState, type PullHistory, type TryEnd, type TryHistory,
} from '../policy/subscriptions.ts';
import { CameraLink, type CameraLinkOptions } from './link.ts';
import type { Notification } from './notifications.ts';
import { PullPoint } from './pullpoint.ts';
import { cleanWords } from './soap.ts';
import { kindOfTopic, signalsOf } from './topics.ts';

export interface EventsOptions extends Omit<CameraLinkOptions, 'signal'> {
  readonly random: () => number;
  /** Asked before a password that was refused is tried again: many cameras count wrong ones, whoever sends them. */
  readonly mayTryPassword: () => boolean;
  /** What one answer said, also when it said nothing; the next one is asked for when this is done. Must not reject. */
  readonly onSignals: (signals: readonly Signal[], atMs: UnixMs) => Promise<void>;
  /** The camera is not listened to any more; it was heard last then. Must not reject. */
  readonly onLost: (heardMs: UnixMs) => Promise<void>;
  readonly onState: (state: EventsState) => void;
}

export interface EventsStatus {
  readonly state: EventsState;
  /** Since when it is of this kind. */
  readonly sinceMs: UnixMs;
  readonly subscriptions: number;
  readonly pulls: number;
  readonly messages: number;
  /** Messages beyond a bound. */
  readonly dropped: number;
  /** Topics that are no observation, and how often each came; of further ones only the sum, as `other`. */
  readonly unknownTopics: Readonly<Record<string, number>>;
}

const unknownTopicsMax = 32;
const askAgainMs = 5 * secondMs;

export class CameraEvents {
  readonly #o: EventsOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Kept while it is of use: it knows the camera's services, its clock, and how it takes credentials. */
  #link: CameraLink | undefined;
  #point: PullPoint | undefined;
  #tries: TryHistory = noTries;
  #state: EventsState = { kind: 'starting' };
  #sinceMs: UnixMs;
  #heardMs: UnixMs = 0;
  #subscriptions = 0;
  #pulls = 0;
  #messages = 0;
  #dropped = 0;
  readonly #unknown = new Map<string, number>();
  /** When the last requests began; monotonic. */
  #requestsMs: readonly number[] = [];

  constructor(o: EventsOptions) {
    this.#o = o;
    this.#sinceMs = Math.round(o.clock.wallMs());
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends the pull that is under way and gives the subscription back; takes at most some seconds. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#point?.close();
  }

  get status(): EventsStatus {
    return {
      state: this.#state, sinceMs: this.#sinceMs, subscriptions: this.#subscriptions, pulls: this.#pulls, messages: this.#messages, dropped: this.#dropped,
      unknownTopics: Object.fromEntries(this.#unknown),
    };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const end = await this.#listen();
      if (end === undefined) continue;
      const { history, waitMs, state } = nextTry(this.#tries, end, this.#o.random);
      this.#tries = history;
      this.#tell(state);
      if (end.pulls === 0) this.#link = undefined;
      await this.#o.onLost(this.#heardMs);
      await this.#wait(waitMs);
      while (end.outcome === 'refused' && !this.#stop.signal.aborted && !this.#o.mayTryPassword()) await this.#wait(askAgainMs);
    }
    await this.#o.onLost(this.#heardMs);
  }

  /** One subscription from its beginning to its end; undefined when it has expired as it should, or was stopped. */
  async #listen(): Promise<TryEnd | undefined> {
    const { clock } = this.#o;
    let begunMs = clock.monotonicMs();
    let pulls = 0;
    let history = noPulls;
    this.#point = undefined;
    const end = (outcome: TryEnd['outcome'], reason: string): TryEnd =>
      ({ outcome, reason, pulls, livedMs: clock.monotonicMs() - begunMs, grantedMs: this.#point?.grantedMs ?? 0 });
    try {
      const point = await this.#subscribe();
      begunMs = clock.monotonicMs();
      this.#point = point;
      while (!this.#stop.signal.aborted && !point.expired) {
        if (point.renewDue) await this.#paced(() => point.renew());
        history = await this.#pull(point, history);
        pulls++;
      }
      return undefined;
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined;
      const problem = asSallyportError(error);
      this.#o.log.debug({ component: 'events', camera: this.#o.camera, code: problem.code }, problem.message);
      return end(outcomeOf(problem, this.#point === undefined), reasonOf(problem));
    }
  }

  async #subscribe(): Promise<PullPoint> {
    const link = (this.#link ??= new CameraLink({ ...this.#o, signal: this.#stop.signal }));
    await this.#paced(() => link.services());
    const point = await this.#paced(() => PullPoint.open({ link, clock: this.#o.clock }));
    this.#subscriptions++;
    return point;
  }

  async #pull(point: PullPoint, before: PullHistory): Promise<PullHistory> {
    const { notifications, dropped, tookMs } = await this.#paced(() => point.pull());
    this.#heardMs = Math.round(this.#o.clock.wallMs());
    this.#pulls++;
    this.#messages += notifications.length + dropped;
    this.#dropped += dropped;
    await this.#o.onSignals(notifications.flatMap((notification) => this.#read(notification)), this.#heardMs);
    const { history, waitMs } = nextPull(before, { messages: notifications.length, tookMs });
    const slow = slowBecause(history) ?? endedEarly(this.#tries);
    this.#tell(slow === undefined ? { kind: 'working', ...(point.renewable ? {} : { because: 'it does not renew, so it is subscribed to anew each time' }) } : { kind: 'polling', because: slow });
    await this.#wait(waitMs);
    return history;
  }

  #read(notification: Notification): Signal[] {
    if (kindOfTopic(notification.topic) !== undefined) return signalsOf(notification);
    const name = this.#unknown.has(notification.topic) || this.#unknown.size < unknownTopicsMax ? notification.topic : 'other';
    this.#unknown.set(name, (this.#unknown.get(name) ?? 0) + 1);
    return [];
  }

  /** Whatever a camera answers, and whatever of it goes wrong: it is not asked more than five times a second. */
  async #paced<T>(request: () => Promise<T>): Promise<T> {
    const { clock } = this.#o;
    const oldest = this.#requestsMs.at(-pullsPerSecondMax);
    if (oldest !== undefined) await this.#wait(oldest + secondMs - clock.monotonicMs());
    this.#requestsMs = [...this.#requestsMs.slice(1 - pullsPerSecondMax), clock.monotonicMs()];
    return request();
  }

  #tell(state: EventsState): void {
    const before = this.#state;
    this.#state = state;
    if (before.kind === state.kind && before.because === state.because) return;
    const { camera, clock, log, onState } = this.#o;
    if (before.kind !== state.kind) {
      this.#sinceMs = Math.round(clock.wallMs());
      log.info({ component: 'events', camera, events: state.kind, reason: state.because }, 'events of the camera');
    }
    onState(state);
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await this.#o.clock.sleep(ms, this.#stop.signal).catch(() => {});
  }
}

/** Words with which cameras say that they do not do it at all. */
const unsupportedWords = /not (?:be )?(?:supported|implemented)|unsupported|optional action|no such (?:operation|method|service)|ActionNotSupported/i;

function outcomeOf(error: SallyportError, subscribing: boolean): TryEnd['outcome'] {
  if (error.code === 'SP_CAMERA_REFUSED') return 'refused';
  // Another certificate may be another device: it is looked at again and given nothing.
  if (error.code === 'SP_CAMERA_UNREACHABLE' || error.code === 'SP_CAMERA_CERTIFICATE') return 'away';
  return subscribing && isSallyportError(error, 'SP_CAMERA_FAULT') && unsupportedWords.test(String(error.evidence['reason'])) ? 'unsupported' : 'failed';
}

function reasonOf({ code, evidence, message }: SallyportError): string {
  const reason = cleanWords(String(evidence['reason'] ?? '')) ?? 'it does not say why';
  if (code === 'SP_CAMERA_UNREACHABLE') return `it does not answer (${reason})`;
  if (code === 'SP_CAMERA_FAULT' && evidence['operation'] === 'events') return 'it has no event service';
  if (code === 'SP_CAMERA_FAULT') return `it answers ${evidence['operation']} with "${reason}"`;
  return code === 'SP_CAMERA_ANSWER' ? `what it says to ${evidence['operation']} cannot be used: ${reason}` : message;
}
