/**
 * capture/ owns ffmpeg: one process a stream, from the camera over TCP to a pipe, and the stream's last fragments in memory.
 *
 * ffmpeg.ts    what ffmpeg is told; the camera's address with its password only by standard input
 * session.ts   one run of one ffmpeg, watched by the bytes that come out
 * jail.ts      how they are started: confined, so that a camera that takes one over reaches nothing else
 * outlet.ts    when those bytes are read: at once for who watches live, else in batches; arrivals.ts: when they came
 * ending.ts    what its last words mean, and what the next try does otherwise
 * fmp4.ts, movie.ts   the reader of its output: bounded, every byte of it a stranger's
 * ring.ts      the bounded ring that recording and live view read from
 * probe.ts     what a camera sends, asked once before it is recorded
 * still.ts     a small picture of a key frame, by a decoder that lives for that one picture
 * frames.ts    what is looked at for motion: small grey pictures, by a decoder that is fed from the ring; and single ones in colour
 *
 * It may start ffmpeg and ffprobe and touches nothing else: no file, no key, no table, no socket. It must never put an address or
 * password into an argument, a log line or an error, run two ffmpegs for one stream, or let a reader hold up the stream.
 * docs/ARCHITECTURE.md tells the data's way from here.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import type { AudioRule } from '../policy/audio.ts';
import type { GapReason } from '../policy/gaps.ts';
import { nextTry, noTries, type TryHistory } from '../policy/supervision.ts';
import { answeredIn, nextPlan, type Ending } from './ending.ts';
import { sourceList, type SessionPlan } from './ffmpeg.ts';
import type { Jail } from './jail.ts';
import type { Fragment, Init, MediaEvent, ReadingPace } from './media.ts';
import { Attention } from './outlet.ts';
import { MediaRing, type Excerpt } from './ring.ts';
import { runSession, type SessionEnd } from './session.ts';

export type { Fragment, Init, MediaEvent, ReadingPace } from './media.ts';
export type { Excerpt } from './ring.ts';
export type { GapReason } from '../policy/gaps.ts';

export interface StreamState {
  /** `starting`: ffmpeg runs, no fragment yet; `waiting`: until the next try. `live` with a reason: fragments come, but see the reason. */
  readonly state: 'starting' | 'live' | 'waiting' | 'stopped';
  readonly sinceMs: UnixMs;
  readonly reason?: GapReason;
  readonly detail?: string;
  /** Since when there is no live picture: the end of the last live session, or the start. Absent while live. */
  readonly lostSinceMs?: UnixMs;
  /** When it is tried again; while `waiting`. */
  readonly nextTryMs?: UnixMs;
  /** How often ffmpeg was started again. */
  readonly restarts: number;
  readonly lastFragmentMs?: UnixMs;
  readonly lastKeyFrameMs?: UnixMs;
  /** Media bytes since `start`. */
  readonly bytes: number;
}

export interface StreamOptions {
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  /** Asked before each try, so that a changed password or address holds from the next on. */
  readonly url: () => Promise<Secret>;
  readonly audio: AudioRule;
  readonly hevc: boolean;
  /** Path of the program. */
  readonly ffmpeg: string;
  /** Without one ffmpeg runs as the hub does: for tests of the stream itself. */
  readonly jail?: Jail;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Without bytes for so long, ffmpeg is killed. */
  readonly stallMs?: number;
  readonly ringBytesMax?: number;
  /** Called when `state` or `reason` changes, not per fragment. */
  readonly onState?: (state: StreamState) => void;
}

const stallMsDefault = 10_000;
const ringBytesDefault = 32 * 2 ** 20;

/** Of what stands in the way before ffmpeg is started; whatever else it is, the camera cannot be reached. */
const reasonsByCode: ReadonlyMap<string, GapReason> = new Map([['SP_CAMERA_REFUSED', 'credentials refused'], ['SP_CAMERA_CERTIFICATE', 'certificate changed']]);

/** Keeps one stream of one camera coming until stopped. Not to be started again after `stop`. */
export class StreamCapture {
  readonly #o: StreamOptions;
  readonly #ring: MediaRing;
  readonly #attention = new Attention();
  readonly #stop = new AbortController();
  readonly #retained = new Map<string, number>();
  #loop: Promise<void> | undefined;
  #state: StreamState['state'] = 'stopped';
  #sinceMs: UnixMs;
  #ending: Ending | undefined;
  #tries = 0;
  #lostSinceMs: UnixMs | undefined;
  #nextTryMs: UnixMs | undefined;
  #lastFragmentMs: UnixMs | undefined;
  #lastKeyFrameMs: UnixMs | undefined;
  #bytes = 0;

  constructor(options: StreamOptions) {
    this.#o = options;
    this.#ring = new MediaRing(options.ringBytesMax ?? ringBytesDefault, (watched) => { this.#attention.watched = watched; });
    this.#sinceMs = this.#lostSinceMs = options.clock.wallMs();
  }

  start(): void {
    if (!this.#stop.signal.aborted) this.#loop ??= this.#supervise();
  }

  /** Resolves when ffmpeg is gone: SIGTERM, 1 s later SIGKILL. Readers end after what they still have to read. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    this.#ring.close();
  }

  get state(): StreamState {
    return {
      state: this.#state, sinceMs: this.#sinceMs, restarts: Math.max(0, this.#tries - 1), bytes: this.#bytes,
      ...(this.#ending === undefined ? {} : { reason: this.#ending.reason, detail: this.#ending.detail }),
      ...(this.#lostSinceMs === undefined ? {} : { lostSinceMs: this.#lostSinceMs }),
      ...(this.#nextTryMs === undefined ? {} : { nextTryMs: this.#nextTryMs }),
      ...(this.#lastFragmentMs === undefined ? {} : { lastFragmentMs: this.#lastFragmentMs }),
      ...(this.#lastKeyFrameMs === undefined ? {} : { lastKeyFrameMs: this.#lastKeyFrameMs }),
    };
  }

  /** How many read from it now. */
  get readers(): number {
    return this.#ring.readers;
  }

  /**
   * A reader of its own on the ring: the current init, then fragments from the current GOP's key frame on when that is held, else from
   * the next one. `lost` once per loss, also for a reader that comes while the camera is away; `behind` when it was too slow.
   * As long as somebody reads `live`, fragments come as soon as they are there; else up to 250 ms later, several at once.
   * With `sinceMs` (monotonic) it begins at the key frame at or before that, or the oldest one that is still held: see `retain`.
   */
  read(signal?: AbortSignal, pace: ReadingPace = 'at leisure', sinceMs?: number): AsyncGenerator<MediaEvent> {
    return this.#ring.read(signal, pace, sinceMs);
  }

  /** For `who` the last so many milliseconds are kept in memory, within its bound; 0 when no more. The longest wish counts. */
  retain(who: string, ms: number): void {
    this.#retained.set(who, ms);
    this.#ring.retain(Math.max(...this.#retained.values()));
  }

  /** What shows a moment (monotonic), as far as it is held: the pictures from its key frame on, to be decoded. The bytes are the caller's to wipe. */
  excerpt(monotonicMs: number): Excerpt | undefined {
    return this.#ring.excerpt(monotonicMs);
  }

  async #supervise(): Promise<void> {
    const { clock, random, audio, hevc } = this.#o;
    const { signal } = this.#stop;
    let plan: SessionPlan = { audio, hevc, richProbe: false };
    let history: TryHistory = noTries;
    let silent = 0;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      // A microphone that is announced but silent may hold everything back: each third try without a single byte goes without sound.
      const end = await this.#try(silent % 3 === 2 ? { ...plan, audio: 'drop' } : plan);
      if (signal.aborted) break;
      plan = nextPlan(plan, end.words);
      silent = end.words.fragments === 0 && end.reason === 'stalled' ? silent + 1 : 0;
      const next = nextTry(history, { reason: end.reason, answered: answeredIn(end, end.words), liveMs: end.liveMs, startedMs, endedMs: clock.monotonicMs() }, random);
      history = next.history;
      this.#lose(end, next.waitMs);
      await clock.sleep(next.waitMs, signal).catch(() => {});
      this.#ring.pass(clock.monotonicMs());
    }
    this.#tellReaders({ reason: 'hub stopped', detail: '' });
    this.#enter('stopped', undefined);
  }

  /** One session; resolves when its ffmpeg is gone, so there are never two. */
  async #try(plan: SessionPlan): Promise<SessionEnd> {
    const { camera, clock, ffmpeg, jail, log, stallMs } = this.#o;
    this.#tries++;
    this.#nextTryMs = undefined;
    this.#enter('starting', this.#ending);
    try {
      const source = sourceList(camera, await this.#o.url(), plan);
      return await runSession({
        camera, ffmpeg, jail, plan, source, clock, attention: this.#attention,
        stallMs: stallMs ?? stallMsDefault,
        sink: { onInit: (init) => this.#onInit(init), onFragment: (fragment) => this.#onFragment(fragment) },
        onNoKeyFrame: (detail) => this.#onNoKeyFrame(detail),
        onErrorLine: (line) => log.debug({ component: 'capture', camera, stream: this.#o.stream }, line),
      }, this.#stop.signal);
    } catch (error) {
      const reason = reasonsByCode.get(asSallyportError(error).code) ?? 'camera offline';
      return { reason, detail: asSallyportError(error).message, words: { launched: false, lines: [], fragments: 0, quietMs: 0 }, liveMs: 0 };
    }
  }

  #onInit(init: Init): void {
    this.#ring.begin(init);
  }

  #onFragment(fragment: Fragment): void {
    this.#bytes += fragment.bytes.length;
    this.#lastFragmentMs = fragment.wallMs;
    if (fragment.keyFrame) this.#lastKeyFrameMs = fragment.wallMs;
    this.#ring.push(fragment);
    if (this.#state !== 'live') {
      this.#lostSinceMs = undefined;
      this.#enter('live', undefined);
      this.#o.log.info({ component: 'capture', camera: this.#o.camera, stream: this.#o.stream, restarts: this.#tries - 1 }, 'stream is live');
    } else if (fragment.keyFrame && this.#ending !== undefined) this.#enter('live', undefined);
  }

  #onNoKeyFrame(detail: string): void {
    this.#o.log.warn({ component: 'capture', camera: this.#o.camera, stream: this.#o.stream }, detail);
    this.#enter('live', { reason: 'no key frame', detail });
    this.#ring.starve({ kind: 'lost', reason: 'no key frame', detail, wallMs: this.#o.clock.wallMs(), monotonicMs: this.#o.clock.monotonicMs() });
  }

  #lose(end: Ending, waitMs: number): void {
    const { camera, stream, log, clock } = this.#o;
    const news = this.#lostSinceMs === undefined || this.#tries === 1;
    this.#lostSinceMs ??= clock.wallMs();
    this.#nextTryMs = Math.round(clock.wallMs() + waitMs);
    this.#tellReaders(end);
    this.#enter('waiting', end);
    // The first failure is news; that it goes on is for who looks closer.
    log[news ? 'warn' : 'debug']({ component: 'capture', camera, stream, reason: end.reason, detail: end.detail, waitMs: Math.round(waitMs) }, 'stream lost');
  }

  #tellReaders({ reason, detail }: Ending): void {
    const { clock } = this.#o;
    this.#ring.lose({ kind: 'lost', reason, detail, wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
  }

  #enter(state: StreamState['state'], ending: Ending | undefined): void {
    if (state === this.#state && ending?.reason === this.#ending?.reason) return;
    if (state !== this.#state) this.#sinceMs = this.#o.clock.wallMs();
    this.#state = state;
    this.#ending = ending === undefined ? undefined : { reason: ending.reason, detail: ending.detail };
    this.#o.onState?.(this.state);
  }
}
