/** One run of one ffmpeg: from its start until it is gone, whatever ends it. It is watched by the bytes that come out. */
import type { Clock } from '../base/clock.ts';
import { asSallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { launch, type Child, type LaunchOptions } from '../base/spawn.ts';
import { endingOf, type Ending, type LastWords } from './ending.ts';
import { sourcePort, streamArguments, type SessionPlan } from './ffmpeg.ts';
import { Fmp4Reader, type Fmp4Sink } from './fmp4.ts';
import type { Jail } from './jail.ts';
import type { Fragment } from './media.ts';
import { Outlet, type Attention } from './outlet.ts';
import { PictureWatch } from './picture.ts';

export interface SessionOptions {
  readonly camera: string;
  readonly ffmpeg: string;
  /** Without one it runs as the hub does: for tests of what comes out. */
  readonly jail: Jail | undefined;
  readonly plan: SessionPlan;
  /** ffconcat text for standard input. */
  readonly source: string;
  readonly clock: Clock;
  readonly sink: Fmp4Sink;
  /** Bytes come, but for 30 s no key frame was among them. */
  readonly onNoKeyFrame: (detail: string) => void;
  readonly stallMs: number;
  /** Whether somebody watches: then pictures come at once, else in batches. */
  readonly attention: Attention;
  readonly onErrorLine: (line: string) => void;
}

export interface SessionEnd extends Ending {
  readonly words: LastWords;
  /** From the first fragment to the last. */
  readonly liveMs: number;
}

/** Pictures that stay away while sound comes are given more time than silence. */
const videoStallFactor = 3;
const keyFrameMs = 30_000;
/** The watchdog looks at least this often. */
const watchMs = 5000;
/** ffmpeg is gone so soon after it wrote what it still held. */
const flushMs = 500;
const killAfterMs = 1000;
/** Of the time without bytes after which a stream counts as stalled, what comes may lie unread for this part. */
const unreadPart = 1 / 8;
const linesMax = 20;

/** Resolves when ffmpeg is gone, never rejects. Aborting asks it to end, and kills it 1 s later. */
export function runSession(options: SessionOptions, signal: AbortSignal): Promise<SessionEnd> {
  return new Session(options).run(signal);
}

class Session {
  readonly #o: SessionOptions;
  readonly #reader: Fmp4Reader;
  readonly #lines: string[] = [];
  readonly #gone = new AbortController();
  readonly #picture = new PictureWatch();
  #outlet: Outlet | undefined;
  #broken: Ending | undefined;
  #child: Child | undefined;
  #fragments = 0;
  #firstMs: number | undefined;
  /** Monotonic time of the last fragment, and how long after its predecessor it came. */
  #fragmentMs = 0;
  #pauseMs = 0;
  /** Monotonic times of the last bytes, the last picture, the last key frame. */
  #bytesMs: number;
  #videoMs: number;
  #keyFrameMs: number;

  constructor(options: SessionOptions) {
    this.#o = options;
    this.#bytesMs = this.#videoMs = this.#keyFrameMs = options.clock.monotonicMs();
    this.#reader = new Fmp4Reader(options.camera, { onInit: (init) => options.sink.onInit(init), onFragment: (fragment) => this.#onFragment(fragment) });
  }

  async run(signal: AbortSignal): Promise<SessionEnd> {
    try {
      const child = await this.#start();
      this.#outlet = this.#outletOf(child);
      this.#child = child;
      child.stdout.on('error', (error) => this.#break(child, { reason: 'stream broken', detail: reasonOf(error) }));
      await this.#untilGone(child, signal);
    } catch (error) {
      this.#broken = { reason: 'stream broken', detail: asSallyportError(error).message };
    } finally {
      this.#reader.close();
    }
    const { quietMs, liveMs } = this.#lastSeen(this.#o.clock.monotonicMs());
    const words: LastWords = { launched: this.#child !== undefined, lines: this.#lines, fragments: this.#fragments, quietMs };
    const { reason, detail } = this.#broken ?? endingOf(words);
    return { reason, detail, words, liveMs };
  }

  /** The muxer holds the last picture back until the next one comes, or the end: what comes out just before the end came in before the silence. */
  #lastSeen(endMs: number): { quietMs: number; liveMs: number } {
    if (this.#firstMs === undefined) return { quietMs: endMs - this.#bytesMs, liveMs: 0 };
    const flushed = this.#fragments > 1 && endMs - this.#fragmentMs < flushMs;
    const seenMs = flushed ? this.#fragmentMs - this.#pauseMs : this.#fragmentMs;
    return { quietMs: endMs - seenMs, liveMs: seenMs - this.#firstMs };
  }

  #start(): Promise<Child> {
    const { ffmpeg, jail, plan, source } = this.#o;
    const options: LaunchOptions = { input: source, package: 'ffmpeg', detached: true, stderrLinesMax: Infinity, onErrorLine: (line) => this.#onLine(line) };
    return jail === undefined ? launch(ffmpeg, streamArguments(plan), options) : jail.launch(ffmpeg, streamArguments(plan), { ...options, port: sourcePort(source), readsAhead: true });
  }

  async #untilGone(child: Child, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => void this.#end(child);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const working = [this.#watch(child), this.#outlet?.run(this.#gone.signal)];
    await child.exited;
    this.#gone.abort();
    signal.removeEventListener('abort', onAbort);
    await Promise.all(working);
  }

  #outletOf(child: Child): Outlet {
    const { clock, attention, stallMs } = this.#o;
    return new Outlet({ child, clock, attention, everyMsMax: stallMs * unreadPart, onChunk: (chunk, afterMs, byMs) => this.#onChunk(child, chunk, afterMs, byMs) });
  }

  #onChunk(child: Child, chunk: Buffer, afterMs: number, byMs: number): void {
    if (this.#broken !== undefined) return;
    this.#bytesMs = Math.max(this.#bytesMs, afterMs);
    try {
      this.#reader.push(chunk, this.#o.clock.wallMs(), byMs, afterMs);
    } catch (error) {
      this.#break(child, { reason: 'stream broken', detail: isSallyportError(error) ? error.message : reasonOf(error) });
    }
  }

  #onFragment(fragment: Fragment): void {
    if (this.#broken !== undefined) return;
    const change = fragment.keyFrame ? this.#picture.changeIn(fragment.bytes) : undefined;
    if (change !== undefined && this.#child !== undefined) {
      // ffmpeg goes on under the first init, which cannot show this picture: a new session begins with the right one.
      this.#break(this.#child, { reason: 'codec changed', detail: change });
      return;
    }
    this.#fragments++;
    this.#bytesMs = Math.max(this.#bytesMs, fragment.monotonicMs);
    this.#firstMs ??= fragment.monotonicMs;
    this.#pauseMs = fragment.monotonicMs - this.#fragmentMs;
    this.#fragmentMs = fragment.monotonicMs;
    if (fragment.track === 'video') this.#videoMs = fragment.monotonicMs;
    if (fragment.keyFrame) this.#keyFrameMs = fragment.monotonicMs;
    this.#o.sink.onFragment(fragment);
  }

  /** The last lines only; a camera may make ffmpeg talk for months. */
  #onLine(line: string): void {
    if (this.#lines.push(line) > linesMax) this.#lines.shift();
    this.#o.onErrorLine(line);
  }

  /** ffmpeg stuck on a silent camera does not heed SIGTERM, so a stall gets SIGKILL at once. */
  async #watch(child: Child): Promise<void> {
    const { clock, stallMs, onNoKeyFrame } = this.#o;
    let toldKeyFrameMs: number | undefined;
    while (!this.#gone.signal.aborted) {
      const now = clock.monotonicMs();
      const stalledAt = Math.min(this.#bytesMs + stallMs, this.#videoMs + stallMs * videoStallFactor);
      if (now >= stalledAt) {
        this.#break(child, { reason: 'stalled', detail: `no ${this.#bytesMs + stallMs <= now ? 'bytes' : 'pictures'} for ${Math.round((now - Math.min(this.#bytesMs, this.#videoMs)) / 1000)} s` });
        return;
      }
      if (this.#fragments > 0 && now >= this.#keyFrameMs + keyFrameMs && toldKeyFrameMs !== this.#keyFrameMs) {
        toldKeyFrameMs = this.#keyFrameMs;
        onNoKeyFrame(`no key frame for ${keyFrameMs / 1000} s`);
      }
      await this.#sleep(Math.max(20, Math.min(stalledAt - now, watchMs)));
    }
  }

  #break(child: Child, ending: Ending): void {
    this.#broken ??= ending;
    child.kill('SIGKILL');
  }

  async #end(child: Child): Promise<void> {
    this.#outlet?.end();
    child.kill('SIGTERM');
    await this.#sleep(killAfterMs);
    if (!this.#gone.signal.aborted) child.kill('SIGKILL');
  }

  /** Until `ms` are over or ffmpeg is gone. */
  async #sleep(ms: number): Promise<void> {
    await this.#o.clock.sleep(ms, this.#gone.signal).catch(() => {});
  }
}
