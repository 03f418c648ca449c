/**
 * The hub's side of the detector: it starts the process when there is something to look at, asks it one thing at a time, and ends it when it has had
 * nothing to do for a while. Pictures go in, and what is in them comes out; the hub itself never loads a model.
 *
 * The detector looks at what strangers' cameras made, so it counts as broken as soon as it answers late, answers what was not asked, or
 * outgrows its memory: it is killed, what was asked fails, and the next start waits longer each time. Nothing is asked twice, for the next picture is
 * newer. Recording knows nothing of it.
 */
import { asSallyportError, SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatAge, minuteMs, secondMs } from '../base/units.ts';
import { backoffMs } from '../policy/backoff.ts';
import { clamped, wholePicture, type Box } from './box.ts';
import { embeddingSum } from './models.ts';
import { checkPicture, type Answer, type ExaminedFace, type Face, type Keypoints, type Order, type Picture } from './protocol.ts';
import { Session, type SessionOptions } from './session.ts';
import type { Found } from './tracks.ts';

export interface DetectorOptions extends SessionOptions {
  readonly log: Log;
  /** 0 to 1: for the waiting after it broke. */
  readonly random: () => number;
  /** Without an order for so long it is ended (60 s): only so does its memory come back. */
  readonly idleMs?: number;
}

export interface Embedding {
  /** Of the model and its weights: vectors of another one cannot be compared with it. */
  readonly modelId: string;
  /** The caller overwrites it after its use. */
  readonly vector: Float32Array;
}

export interface DetectorStatus {
  /** `failing`: it broke, and waits before it is started again. */
  readonly state: 'off' | 'starting' | 'ready' | 'failing';
  /** Why it broke last, while it fails. */
  readonly reason: string | undefined;
  readonly waiting: number;
  readonly answered: number;
  /** Orders that were dropped for newer ones. */
  readonly dropped: number;
  /** Times that it broke. */
  readonly broken: number;
}

/** What `embed` says its vectors are of. */
export const modelId = `dlib-resnet-v1:${embeddingSum}`;
/** Orders that wait beside the one in work; the oldest goes when another one comes. */
export const waitingMax = 8;
const idleMsDefault = minuteMs;
const breakMsMax = 5 * minuteMs;

interface Waiting {
  readonly order: Order;
  resolve(answer: Answer): void;
  reject(error: SallyportError): void;
}

export class Detector {
  readonly #o: DetectorOptions;
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  #working: Promise<void> | undefined;
  #session: Session | undefined;
  #idle: AbortController | undefined;
  #starting = false;
  #lastId = 0;
  #answered = 0;
  #dropped = 0;
  #broken = 0;
  /** Since the last answer. */
  #failures = 0;
  #failure: SallyportError | undefined;
  #notBeforeMs = -Infinity;

  /** Starts nothing. */
  constructor(o: DetectorOptions) {
    this.#o = o;
  }

  get status(): DetectorStatus {
    const ready = this.#session !== undefined && this.#session.over === undefined;
    const state = this.#starting ? 'starting' : ready ? 'ready' : this.#failure === undefined ? 'off' : 'failing';
    return { state, reason: this.#failure?.message, waiting: this.#waiting.length, answered: this.#answered, dropped: this.#dropped, broken: this.#broken };
  }

  /** Of the process while there is one, for who measures it. */
  get pid(): number | undefined {
    return this.#session?.pid;
  }

  /**
   * Persons and vehicles in the square round `roi`, the surest first; boxes are fractions of the whole picture. The picture's bytes are read until this settles.
   * SP_PICTURE_SIZE, SP_DETECTOR_REFUSED, SP_DETECTOR_BUSY, SP_DETECTOR_GONE, SP_DETECTOR_SPOKE, SP_MODEL_CHANGED; the jail's.
   */
  async objects(picture: Picture, roi: Box = wholePicture): Promise<readonly Found[]> {
    const answer = await this.#ask({ kind: 'objects', id: this.#nextId(), picture, roi: clamped(roi) });
    return answer.kind === 'objects' ? answer.found : [];
  }

  /** As `objects`. A face must be wider than about a fifteenth of the square, so somebody's box is better than the whole picture. */
  async faces(picture: Picture, roi: Box = wholePicture): Promise<readonly Face[]> {
    const answer = await this.#ask({ kind: 'faces', id: this.#nextId(), picture, roi: clamped(roi) });
    return answer.kind === 'faces' ? answer.faces : [];
  }

  /** What the face at these points, which `faces` gave of the same picture, looks like in 128 numbers. Errors as `objects`. */
  async embed(picture: Picture, keypoints: Keypoints): Promise<Embedding> {
    const answer = await this.#ask({ kind: 'embed', id: this.#nextId(), picture, keypoints });
    return { modelId, vector: answer.kind === 'embed' ? answer.vector : new Float32Array() };
  }

  /** All faces of `roi` and what can be said of them, the largest first, at most `examinedMax`. The caller overwrites them (`wipeFaces`). Errors as `objects`. */
  async examine(picture: Picture, roi: Box = wholePicture): Promise<readonly ExaminedFace[]> {
    const answer = await this.#ask({ kind: 'examine', id: this.#nextId(), picture, roi: clamped(roi) });
    return answer.kind === 'examine' ? answer.faces : [];
  }

  /** What waits fails with SP_DETECTOR_GONE. Resolves when the process is gone. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#idle?.abort();
    for (const { reject } of this.#waiting.splice(0)) reject(stopped());
    await this.#working;
    await this.#session?.close();
  }

  #nextId(): number {
    this.#lastId = (this.#lastId % (2 ** 32 - 1)) + 1;
    return this.#lastId;
  }

  #ask(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      checkPicture(order.picture);
      if (this.#closing.signal.aborted) throw stopped();
      if (this.#waiting.length >= waitingMax) {
        this.#dropped++;
        this.#waiting.shift()?.reject(new SallyportError('SP_DETECTOR_BUSY'));
      }
      this.#waiting.push({ order, resolve, reject });
      this.#working ??= this.#work().finally(() => {
        this.#working = undefined;
      });
    });
  }

  async #work(): Promise<void> {
    this.#idle?.abort();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        next.resolve(await this.#answerTo(next.order));
      } catch (error) {
        next.reject(asSallyportError(error));
      }
    }
    if (this.#session !== undefined && !this.#closing.signal.aborted) this.#endLater(this.#session);
  }

  async #answerTo(order: Order): Promise<Answer> {
    const session = await this.#running();
    try {
      const answer = await session.ask(order);
      if (answer.kind === 'refused' && isOfItself(answer.reason)) throw new SallyportError('SP_DETECTOR_GONE', { reason: answer.reason });
      this.#answered++;
      this.#failures = 0;
      this.#failure = undefined;
      if (answer.kind === 'refused') throw new SallyportError('SP_DETECTOR_REFUSED', { reason: answer.reason });
      return answer;
    } catch (error) {
      const failure = asSallyportError(error);
      if (failure.code !== 'SP_DETECTOR_REFUSED') await this.#broke(failure);
      throw failure;
    }
  }

  /** The process, started when there is none. While it waits after it broke, what is asked fails at once. */
  async #running(): Promise<Session> {
    if (this.#session?.over !== undefined) await this.#broke(this.#session.over);
    if (this.#session !== undefined) return this.#session;
    const { clock, log } = this.#o;
    const restMs = this.#notBeforeMs - clock.monotonicMs();
    if (restMs > 0) throw new SallyportError('SP_DETECTOR_GONE', { reason: `it broke, and is started again in ${formatAge(Math.max(secondMs, restMs))}` });
    this.#starting = true;
    try {
      const begunMs = clock.monotonicMs();
      this.#session = await Session.start(this.#o, this.#closing.signal);
      log.info({ component: 'detect', ms: Math.round(clock.monotonicMs() - begunMs) }, 'the detector is ready');
      return this.#session;
    } catch (error) {
      await this.#broke(asSallyportError(error));
      throw error;
    } finally {
      this.#starting = false;
    }
  }

  async #broke(failure: SallyportError): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#broken++;
    this.#failure = failure;
    // Nobody puts a model right within seconds.
    const waitMs = failure.kind === 'retry' || failure.code === 'SP_DETECTOR_SPOKE' ? backoffMs(++this.#failures, this.#o.random, breakMsMax) : breakMsMax;
    this.#notBeforeMs = this.#o.clock.monotonicMs() + waitMs;
    this.#o.log.warn({ component: 'detect', code: failure.code, reason: failure.message, waitMs }, 'the detector broke');
    await this.#session?.close();
    this.#session = undefined;
  }

  #endLater(session: Session): void {
    const idle = this.#idle = new AbortController();
    const { clock, log, idleMs = idleMsDefault } = this.#o;
    clock.sleep(idleMs, idle.signal).then(async () => {
      if (this.#session === session) this.#session = undefined;
      await session.close();
      log.info({ component: 'detect', answered: this.#answered }, 'the detector had nothing to do and was ended');
    }, () => {});
  }
}

/** Whether the reason lies in the process, not in the picture. */
function isOfItself(reason: string): boolean {
  return reason === 'there is not enough memory' || reason === 'the model failed';
}

function stopped(): SallyportError {
  return new SallyportError('SP_DETECTOR_GONE', { reason: 'the hub stops' });
}
