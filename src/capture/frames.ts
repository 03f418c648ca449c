/**
 * What is looked at for motion: small grey pictures of a camera's stream, five a second, with the hub's own times. One decoder a camera,
 * in the jail with nothing but its three pipes, is fed from the ring in bursts of a second: that costs half the CPU time of feeding it
 * picture by picture (docs/decisions/002-where-the-cpu-goes.md has the method).
 *
 * The decoder gets a camera's bytes, so it may be taken over, hang, or print what it likes: it is bounded, killed when it falls silent, and
 * started again with a back-off. Its failure costs looks and never footage, for it reads from the ring as a viewer does.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { launch, type Child, type LaunchOptions } from '../base/spawn.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { backoffMs } from '../policy/backoff.ts';
import { motionHeight, motionWidth } from '../policy/motionpicture.ts';
import { codecOf, pictureInput } from './decoder.ts';
import type { Jail } from './jail.ts';
import type { Fragment, Init } from './media.ts';
import { withoutSound } from './movie.ts';
import type { StreamCapture } from './stream.ts';

const grayBytes = motionWidth * motionHeight;

/** A small grey picture, row by row; wiped after the call that brings it. */
export interface GrayFrame {
  readonly gray: Uint8Array;
  /** When the picture came that it shows. */
  readonly wallMs: UnixMs;
  readonly monotonicMs: number;
}

export interface FramesOptions {
  readonly camera: string;
  readonly capture: Pick<StreamCapture, 'read'>;
  readonly ffmpeg: string;
  /** Without one it runs as the hub does: for tests of the pictures themselves. */
  readonly jail: Jail | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** What it throws costs the picture. */
  readonly onFrame: (frame: GrayFrame) => void;
  /** The stream was lost, or a decoder was: what was seen before says nothing of what comes. */
  readonly onBreak?: () => void;
  /** It was fed and gave nothing for so long: it is stuck (10 s). */
  readonly stuckMs?: number;
  /** Media time that is fed at once (1 s). */
  readonly burstMs?: number;
}

export interface FramesState {
  readonly running: boolean;
  readonly frames: number;
  /** How often a decoder was started again. */
  readonly restarts: number;
  /** Why the last one ended; undefined since the first picture of the one that runs. */
  readonly problem: string | undefined;
}

/** Of media time. */
const burstMsDefault = secondMs;
const stuckMsDefault = 10 * secondMs;
/** What may wait to be read by it, and what it may be ahead with one of its outputs. */
const waitingBytesMax = 8 * 2 ** 20;
const outOfStepMax = 64;
/** A picture is looked for among those of so long. */
const timesMax = 2000;
const waitMsMax = 5 * minuteMs;

export class Frames {
  readonly #o: FramesOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #decoder: Decoder | undefined;
  #init: Init | undefined;
  #frames = 0;
  #starts = 0;
  #failures = 0;
  #problem: string | undefined;
  /** Not before, monotonic. */
  #retryMs = -Infinity;

  constructor(o: FramesOptions) {
    this.#o = o;
  }

  start(): void {
    this.#loop = this.#run().catch((error: unknown) => {
      this.#problem = asSallyportError(error).message;
      this.#o.log.error({ component: 'capture', camera: this.#o.camera, code: asSallyportError(error).code }, this.#problem);
    });
  }

  /** Resolves when the decoder is gone. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  get state(): FramesState {
    return { running: this.#decoder !== undefined, frames: this.#frames, restarts: Math.max(0, this.#starts - 1), problem: this.#problem };
  }

  /** Of the decoder while there is one, for who measures it. */
  get pid(): number | undefined {
    return this.#decoder?.pid;
  }

  async #run(): Promise<void> {
    try {
      for await (const event of this.#o.capture.read(this.#stop.signal)) {
        if (event.kind === 'init') await this.#renew(event.init);
        else if (event.kind === 'lost') await this.#renew(undefined);
        else if (event.kind === 'fragment' && event.fragment.track === 'video') await this.#feed(event.fragment);
      }
    } finally {
      await this.#end();
    }
  }

  async #renew(init: Init | undefined): Promise<void> {
    await this.#end();
    this.#init = init;
    this.#o.onBreak?.();
  }

  async #end(): Promise<void> {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    await decoder?.close();
  }

  async #feed(fragment: Fragment): Promise<void> {
    const { clock, stuckMs = stuckMsDefault } = this.#o;
    const failure = this.#decoder?.failureAfter(stuckMs);
    if (failure !== undefined) await this.#fail(failure);
    if (this.#decoder === undefined && fragment.keyFrame && clock.monotonicMs() >= this.#retryMs) await this.#begin();
    this.#decoder?.take(fragment);
  }

  async #begin(): Promise<void> {
    const { ffmpeg, jail, clock, log, camera, burstMs = burstMsDefault } = this.#o;
    const init = this.#init;
    if (init === undefined) return;
    this.#starts++;
    try {
      const options: LaunchOptions = { input: 'pipe', package: 'ffmpeg', detached: true, stderrLinesMax: Infinity, onErrorLine: (line) => this.#decoder?.onLine(line) };
      const args = grayArguments(codecOf(init));
      const child = await (jail === undefined ? launch(ffmpeg, args, options) : jail.launch(ffmpeg, args, options));
      this.#decoder = new Decoder({ child, init, clock, burstMs, onFrame: (frame) => this.#onFrame(frame) });
      log.debug({ component: 'capture', camera }, 'its pictures are looked at');
    } catch (error) {
      await this.#fail(asSallyportError(error).message);
    }
  }

  #onFrame(frame: GrayFrame): void {
    if (this.#stop.signal.aborted) return;
    this.#frames++;
    this.#failures = 0;
    this.#problem = undefined;
    try {
      this.#o.onFrame(frame);
    } catch (error) {
      this.#problem = asSallyportError(error).message;
    }
  }

  /** What is known of the camera begins anew with the next one. */
  async #fail(reason: string): Promise<void> {
    const { clock, log, random, camera } = this.#o;
    await this.#end();
    const waitMs = backoffMs(++this.#failures, random, waitMsMax);
    this.#retryMs = clock.monotonicMs() + waitMs;
    log[this.#problem === undefined ? 'warn' : 'debug']({ component: 'capture', camera, reason, waitMs: Math.round(waitMs) }, 'the decoder of small pictures failed');
    this.#problem = reason;
    this.#o.onBreak?.();
  }
}

interface MediaTime {
  readonly timeMs: number;
  readonly wallMs: UnixMs;
  readonly monotonicMs: number;
}

/** One run of one ffmpeg. Pictures come through its standard output, their media times, in the same order, through the other one. */
class Decoder {
  readonly #child: Child;
  readonly #clock: Clock;
  readonly #burstMs: number;
  readonly #onFrame: (frame: GrayFrame) => void;
  /** What waits for the next burst; wiped when it is written. */
  #burst: Buffer[] = [];
  #burstFromMs: number | undefined;
  #times: MediaTime[] = [];
  /** Media time of the first picture, as fed and as printed. */
  #firstMs: number | undefined;
  #firstPts: number | undefined;
  #tickMs: number | undefined;
  #filling: Buffer = Buffer.alloc(grayBytes);
  #filled = 0;
  #pictures: Buffer[] = [];
  #stamps: number[] = [];
  #failure: string | undefined;
  #closed = false;
  #words: string | undefined;
  /** Since when it has been fed and has not answered, monotonic. */
  #hungryMs: number | undefined;

  constructor({ child, init, clock, burstMs, onFrame }: { readonly child: Child; readonly init: Init; readonly clock: Clock; readonly burstMs: number; readonly onFrame: (frame: GrayFrame) => void }) {
    this.#child = child;
    this.#clock = clock;
    this.#burstMs = burstMs;
    this.#onFrame = onFrame;
    this.#burst.push(Buffer.concat([init.ftyp, init.audioCodec === undefined ? init.moov : withoutSound(init.moov)]));
    child.stdout.on('error', () => this.#break('its output broke'));
    child.readOutput((bytes) => this.#onBytes(bytes));
    void child.exited.then(({ status, signal }) => this.#break(this.#words ?? `it ended with ${status ?? signal ?? 'nothing'}`));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Copies the fragment's bytes. */
  take({ bytes, timeMs, wallMs, monotonicMs }: Fragment): void {
    this.#burst.push(Buffer.from(bytes));
    this.#times.push({ timeMs, wallMs, monotonicMs });
    if (this.#times.length > timesMax) this.#times.shift();
    this.#firstMs ??= timeMs;
    this.#burstFromMs ??= monotonicMs;
    if (monotonicMs - this.#burstFromMs >= this.#burstMs) this.#write();
  }

  /** Why it is to be given up: it is gone, out of step, or has been silent for so long while it was fed. */
  failureAfter(stuckMs: number): string | undefined {
    if (this.#failure === undefined && this.#hungryMs !== undefined && this.#clock.monotonicMs() - this.#hungryMs > stuckMs) this.#break(`no picture came out for ${Math.round(stuckMs / 1000)} s`);
    return this.#failure;
  }

  onLine(line: string): void {
    const base = /^#tb 0: (\d+)\/(\d+)$/.exec(line);
    if (base !== null) this.#tickMs = (Number(base[1]) / Number(base[2])) * 1000;
    const stamp = /^0, +-?\d+, +(-?\d+), /.exec(line);
    if (stamp !== null) this.#stamps.push(Number(stamp[1]));
    else if (!line.startsWith('#')) this.#words = line;
    this.#match();
  }

  /** Resolves when it is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#child.stdin?.destroy();
    this.#child.kill('SIGKILL');
    await this.#child.exited;
    for (const bytes of [...this.#burst, ...this.#pictures, this.#filling]) bytes.fill(0);
  }

  #write(): void {
    const { stdin } = this.#child;
    const burst = Buffer.concat(this.#burst);
    for (const bytes of this.#burst) bytes.fill(0);
    this.#burst = [];
    this.#burstFromMs = undefined;
    if (stdin === null || this.#failure !== undefined) return;
    if (stdin.writableLength + burst.length > waitingBytesMax) {
      burst.fill(0);
      this.#break('it does not read what it is given');
      return;
    }
    this.#hungryMs ??= this.#clock.monotonicMs();
    stdin.write(burst, () => burst.fill(0));
  }

  #onBytes(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#failure === undefined && !this.#closed;) {
      const copied = bytes.copy(this.#filling, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < grayBytes) return;
      this.#pictures.push(this.#filling);
      this.#filling = Buffer.alloc(grayBytes);
      this.#filled = 0;
      this.#match();
    }
  }

  /** Hands out what has both its picture and its time. */
  #match(): void {
    if (this.#pictures.length > outOfStepMax || this.#stamps.length > outOfStepMax) this.#break('pictures and times do not come together');
    while (this.#failure === undefined && !this.#closed && this.#pictures.length > 0 && this.#stamps.length > 0 && this.#tickMs !== undefined) {
      const gray = this.#pictures.shift() as Buffer;
      const pts = this.#stamps.shift() as number;
      this.#firstPts ??= pts;
      const time = this.#timeOf((this.#firstMs ?? 0) + (pts - this.#firstPts) * this.#tickMs);
      this.#hungryMs = undefined;
      if (time !== undefined) this.#onFrame({ gray, wallMs: time.wallMs, monotonicMs: time.monotonicMs });
      gray.fill(0);
    }
  }

  /** When the picture of that media time came; those before it are not asked for again. */
  #timeOf(mediaMs: number): MediaTime | undefined {
    let best = 0;
    for (let index = 1; index < this.#times.length; index++) if (distance(this.#times[index], mediaMs) < distance(this.#times[best], mediaMs)) best = index;
    this.#times.splice(0, best);
    return this.#times[0];
  }

  #break(reason: string): void {
    this.#failure ??= reason;
    this.#child.kill('SIGKILL');
  }
}

function distance(time: MediaTime | undefined, mediaMs: number): number {
  return Math.abs((time?.timeMs ?? Infinity) - mediaMs);
}

/**
 * From fMP4 to grey pictures, at most five a second and, of a slower stream, each once; a jump back in the camera's time is one more. What is
 * printed beside them are their times, by a muxer that writes a line a picture.
 */
export function grayArguments(codec: 'h264' | 'hevc'): string[] {
  const select = "select='isnan(prev_selected_t)+gte(t-prev_selected_t\\,0.19)+lt(t\\,prev_selected_t)'";
  return [
    ...pictureInput(codec, ['-copyts']), '-filter_threads', '1', '-vf', `${select},scale=${motionWidth}:${motionHeight}:flags=area,format=gray`,
    '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-c:v', 'rawvideo', '-f', 'tee', '[f=rawvideo]pipe:1|[f=framecrc]pipe:2',
  ];
}
