/**
 * Live pictures for wall panels whose browser has no Media Source Extensions: MPEG-1, made from the stream that the recorder reads from, so the
 * camera notices nothing. One encoder of a stream for all panels that show it: it is one more live viewer, begins with the first panel and ends with
 * the last. A panel that takes pictures too slowly is treated as any live viewer. Off, unless `panels` of [page] says otherwise.
 */
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { Jail } from '../capture/jail.ts';
import type { Fragment } from '../capture/media.ts';
import { PanelEncoder } from '../capture/panel.ts';
import type { TsPiece } from '../capture/tspieces.ts';
import { backoffMs } from '../policy/backoff.ts';
import { nextForViewer, panelEncodersMax, viewersOfCameraMax, viewingBegins, waitingBytesMax, type Viewing } from '../policy/viewing.ts';
import type { LiveDuty, LiveInit, LiveItem, WatchingOptions } from './live.ts';

export interface PanelRooms {
  readonly live: Pick<LiveDuty, 'watch'>;
  /** Asked for each encoder. */
  readonly programs: () => { readonly ffmpeg: string; readonly jail: Jail };
  readonly enabled: () => boolean;
  /** Asked before each piece of a picture. */
  readonly isPrivate: (camera: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

/** Pictures go in and none comes out: whatever its camera sent, the encoder has lost its way. */
const silentMsMax = 20 * secondMs;
const triedAgainMsMax = 30 * secondMs;
/** So long a session was a sound one. */
const soundMs = 60 * secondMs;
/** Pictures under way in an encoder, whose arrival is remembered. */
const underWayMax = 250;
const nothing = Buffer.alloc(0);

export class PanelDuty {
  readonly #rooms: PanelRooms;
  readonly #encodings = new Map<string, Encoding>();
  #closed = false;

  constructor(rooms: PanelRooms) {
    this.#rooms = rooms;
  }

  /** Every panel sees the end; resolves when no encoder runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#encodings.values()].map((encoding) => encoding.close()));
  }

  /** Process ids of the encoders that run. */
  get encoders(): readonly number[] {
    return [...this.#encodings.values()].flatMap(({ pid }) => pid ?? []);
  }

  /**
   * Items as `LiveDuty.watch` gives them, with `mpeg1` as codec, no ftyp and moov, and pieces of a transport stream as fragments: one begins where its
   * key frame is marked, or goes on with a picture. SP_PANELS_OFF, SP_PANELS, SP_VIEWERS, SP_VIEWER_SLOW, SP_PRIVATE, SP_CAMERA_UNKNOWN.
   */
  async *watch(camera: string, stream: 'main' | 'sub', options: WatchingOptions, signal: AbortSignal): AsyncGenerator<LiveItem> {
    this.#check(camera);
    const encoding = await this.#encodingOf(camera, stream);
    const panel = encoding.enter(options);
    try {
      for await (const item of panel.items(signal)) {
        this.#check(camera);
        yield item;
      }
    } finally {
      encoding.leave(panel);
    }
  }

  #check(camera: string): void {
    if (!this.#rooms.enabled()) throw new SallyportError('SP_PANELS_OFF');
    if (this.#rooms.isPrivate(camera)) throw new SallyportError('SP_PRIVATE', { camera });
  }

  async #encodingOf(camera: string, stream: 'main' | 'sub'): Promise<Encoding> {
    const key = `${camera}/${stream}`;
    // One that ends is waited for: there are never two of a stream.
    for (let running = this.#encodings.get(key); running !== undefined; running = this.#encodings.get(key)) {
      if (!running.ends) return running;
      await running.close();
    }
    if (this.#closed) throw new SallyportError('SP_STOPPED', { what: 'watching' });
    if (this.#encodings.size >= panelEncodersMax) throw new SallyportError('SP_PANELS', { count: panelEncodersMax });
    const encoding = new Encoding(camera, stream, this.#rooms, () => {
      if (this.#encodings.get(key) === encoding) this.#encodings.delete(key);
    });
    this.#encodings.set(key, encoding);
    return encoding;
  }
}

/** A stream as MPEG-1, while somebody shows it. */
class Encoding {
  readonly #camera: string;
  readonly #stream: 'main' | 'sub';
  readonly #rooms: PanelRooms;
  readonly #stop = new AbortController();
  readonly #panels = new Set<Panel>();
  readonly #done: Promise<void>;
  #encoder: PanelEncoder | undefined;
  /** Told to end, and not gone yet. */
  #ending: PanelEncoder | undefined;
  #init: LiveInit | undefined;
  #underWay = new UnderWay();
  /** Since when pictures have gone in and none has come out, monotonic. */
  #silentSinceMs: number | undefined;

  constructor(camera: string, stream: 'main' | 'sub', rooms: PanelRooms, onEnd: () => void) {
    this.#camera = camera;
    this.#stream = stream;
    this.#rooms = rooms;
    this.#done = this.#run().finally(onEnd);
  }

  get pid(): number | undefined {
    return (this.#encoder ?? this.#ending)?.pid;
  }

  /** The last panel has left. */
  get ends(): boolean {
    return this.#stop.signal.aborted;
  }

  enter(options: WatchingOptions): Panel {
    if (this.#panels.size >= viewersOfCameraMax) throw new SallyportError('SP_VIEWERS', { viewers: viewersOfCameraMax, what: this.#camera });
    const panel = new Panel(this.#camera, options, this.#rooms.clock);
    this.#panels.add(panel);
    if (this.#init !== undefined) panel.put(this.#init);
    return panel;
  }

  leave(panel: Panel): void {
    this.#panels.delete(panel);
    if (this.#panels.size === 0) this.#stop.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Whatever ends it, no encoder is left, and each panel knows why. Never rejects. */
  async #run(): Promise<void> {
    const { clock, random } = this.#rooms;
    let end = new SallyportError('SP_STOPPED', { what: 'watching' });
    try {
      for (let tries = 1; !this.#stop.signal.aborted; tries++) {
        const begunMs = clock.monotonicMs();
        await this.#encode();
        if (clock.monotonicMs() - begunMs > soundMs) tries = 1;
        await clock.sleep(backoffMs(tries, random, triedAgainMsMax), this.#stop.signal).catch(() => {});
      }
    } catch (error) {
      end = asSallyportError(error);
    }
    await this.#endEncoder();
    for (const panel of this.#panels) panel.end(end);
  }

  /** Until the encoder fails, or somebody stops it. Rejects with what is the matter with the camera. */
  async #encode(): Promise<void> {
    const failed = new AbortController();
    const options: WatchingOptions = { sound: false, waiting: () => this.#encoder?.waiting ?? { bytes: 0, ms: 0 } };
    try {
      for await (const item of this.#rooms.live.watch(this.#camera, this.#stream, options, AbortSignal.any([this.#stop.signal, failed.signal]))) {
        if (item.kind === 'init') await this.#begin(item, failed);
        else if (item.kind === 'fragment') this.#write(item.fragment, failed);
        else if (item.kind === 'lost') await this.#lose(item);
      }
      if (!failed.signal.aborted && !this.#stop.signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'watching' });
    } catch (error) {
      // It is the encoder that is slow.
      if (!isSallyportError(error, 'SP_VIEWER_SLOW')) throw error;
      this.#fail(error.message, failed);
    }
    await this.#lose({ kind: 'lost', reason: 'camera offline', detail: '' });
  }

  async #begin(init: LiveInit, failed: AbortController): Promise<void> {
    await this.#endEncoder();
    const { clock, programs } = this.#rooms;
    const encoder = new PanelEncoder({ ...programs(), clock, videoCodec: init.video, onPieces: (pieces) => { if (this.#encoder === encoder) this.#give(pieces); } });
    this.#encoder = encoder;
    this.#underWay = new UnderWay();
    this.#silentSinceMs = undefined;
    void encoder.ended.then((words) => { if (this.#encoder === encoder) this.#fail(words, failed); });
    encoder.write(Buffer.concat([init.ftyp, init.moov]));
    this.#init = { ...init, ftyp: nothing, moov: nothing, video: 'mpeg1', audio: undefined, hasSound: false };
    for (const panel of this.#panels) panel.put(this.#init);
  }

  #write(fragment: Fragment, failed: AbortController): void {
    const nowMs = this.#rooms.clock.monotonicMs();
    this.#silentSinceMs ??= nowMs;
    if (nowMs - this.#silentSinceMs > silentMsMax) return this.#fail('it gives no pictures', failed);
    this.#underWay.wrote(fragment);
    this.#encoder?.write(Buffer.from(fragment.bytes));
  }

  #give(pieces: readonly TsPiece[]): void {
    this.#silentSinceMs = undefined;
    for (const { bytes, begins } of pieces) {
      const picture = this.#underWay.of(begins?.shownMs);
      // One object for all panels, so that the copy that is sent is made once.
      const fragment: Fragment = { bytes, track: 'video', keyFrame: begins?.keyFrame ?? false, durationMs: 0, ...picture };
      for (const panel of this.#panels) panel.give(fragment, begins !== undefined);
    }
  }

  async #lose(item: Extract<LiveItem, { kind: 'lost' }>): Promise<void> {
    await this.#endEncoder();
    for (const panel of this.#panels) panel.put(item);
  }

  #fail(words: string, failed: AbortController): void {
    if (failed.signal.aborted || this.#stop.signal.aborted) return;
    this.#rooms.log.warn({ component: 'panel', camera: this.#camera, reason: words.slice(0, 200) }, 'the encoder for panels ended; it is begun again');
    failed.abort();
  }

  /** Resolves when it is gone, so there are never two. */
  async #endEncoder(): Promise<void> {
    const encoder = this.#encoder;
    this.#encoder = undefined;
    this.#init = undefined;
    this.#ending = encoder;
    encoder?.close();
    await encoder?.ended;
    this.#ending = undefined;
  }
}

/** What one panel is given of what comes. */
class Panel {
  readonly #camera: string;
  readonly #options: WatchingOptions;
  readonly #clock: Clock;
  readonly #queue: LiveItem[] = [];
  #queuedBytes = 0;
  #wake: () => void = () => {};
  #end: SallyportError | undefined;
  #viewing: Viewing = viewingBegins;
  /** A key frame was there. */
  #begun = false;
  /** Of the picture that comes now, all is given. */
  #gives = false;

  constructor(camera: string, options: WatchingOptions, clock: Clock) {
    this.#camera = camera;
    this.#options = options;
    this.#clock = clock;
  }

  put(item: Exclude<LiveItem, { kind: 'fragment' }>): void {
    if (item.kind === 'init') [this.#begun, this.#gives, this.#viewing] = [false, false, viewingBegins];
    this.#add(item);
  }

  give(fragment: Fragment, begins: boolean): void {
    if (this.#end !== undefined) return;
    if (begins) this.#gives = this.#decide(fragment);
    if (!this.#gives) return;
    // A picture without end, as an encoder that was taken over may send.
    if (this.#options.waiting().bytes + this.#queuedBytes >= waitingBytesMax) return this.end(new SallyportError('SP_VIEWER_SLOW', { camera: this.#camera, reason: 'too much waits to be sent' }));
    this.#queuedBytes += fragment.bytes.length;
    this.#add({ kind: 'fragment', fragment });
  }

  /** The rest is not given any more. */
  end(why: SallyportError): void {
    this.#end ??= why;
    this.#wake();
  }

  async *items(signal: AbortSignal): AsyncGenerator<LiveItem> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (this.#end !== undefined) throw this.#end;
        const item = this.#queue.shift();
        if (item === undefined) await new Promise<void>((resolve) => { this.#wake = resolve; });
        else {
          if (item.kind === 'fragment') this.#queuedBytes -= item.fragment.bytes.length;
          yield item;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #decide({ keyFrame }: Fragment): boolean {
    if (!this.#begun && !keyFrame) return false;
    this.#begun = true;
    const { bytes, ms } = this.#options.waiting();
    const { next, decision, news, why } = nextForViewer(this.#viewing, { bytes: bytes + this.#queuedBytes, ms, track: 'video', keyFrame, nowMs: this.#clock.monotonicMs() });
    this.#viewing = next;
    if (decision === 'cut') this.end(new SallyportError('SP_VIEWER_SLOW', { camera: this.#camera, reason: why ?? '' }));
    if (news !== undefined) this.#add({ kind: 'behind', mode: news });
    return decision === 'send';
  }

  #add(item: LiveItem): void {
    this.#queue.push(item);
    this.#wake();
  }
}

interface Arrival { readonly timeMs: number; readonly wallMs: UnixMs; readonly monotonicMs: number }

/** When the pictures arrived at the hub that come out of the encoder: it keeps their distances in time. */
class UnderWay {
  #arrivals: Arrival[] = [];
  #first: { readonly timeMs: number; shownMs: number | undefined } | undefined;
  #last: Arrival = { timeMs: 0, wallMs: 0, monotonicMs: 0 };

  wrote({ timeMs, wallMs, monotonicMs }: Fragment): void {
    this.#first ??= { timeMs, shownMs: undefined };
    this.#arrivals.push({ timeMs, wallMs, monotonicMs });
    if (this.#arrivals.length > underWayMax) this.#arrivals.shift();
  }

  /** `shownMs`: of a picture that begins, by the encoder's times; the one before where it is not said. */
  of(shownMs: number | undefined): Arrival {
    const first = this.#first;
    if (first === undefined || shownMs === undefined) return this.#last;
    first.shownMs ??= shownMs;
    const timeMs = first.timeMs + shownMs - first.shownMs;
    // Times are rounded to the encoder's rate.
    while ((this.#arrivals[0]?.timeMs ?? Infinity) <= timeMs + 20) this.#last = this.#arrivals.shift() as Arrival;
    return this.#last;
  }
}
