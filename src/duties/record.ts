/**
 * Records one stream: fragments from `capture/` are cut by `policy/cutting` and sealed into segments by `vault/`.
 * Each time without footage ends as a gap with its reason. A segment is either whole or not there; nothing waits without a bound.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Fragment, Init, StreamCapture } from '../capture/stream.ts';
import { decideCut } from '../policy/cutting.ts';
import type { GapReason } from '../policy/gaps.ts';
import { deadlineMs, periodOf } from '../policy/periods.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Period, SegmentRow, SegmentWriter, Vault } from '../vault/vault.ts';

/** Sealed bytes that may wait for the disk, per stream. Beyond it the segment ends and the rest is a gap. */
const backlogBytesMax = 16 * 2 ** 20;
/** After a failed beginning, how long until the next try. */
const retryMs = 2000;
/** Shorter pauses between two segments are the camera's frame rate, not a gap. */
const gapMsMin = 500;

export interface RecordOptions {
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  readonly capture: StreamCapture;
  readonly vault: Vault;
  readonly fileKeys: FileKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly bootId: string;
  readonly periodMs: number;
  readonly cutAfterMs: number;
  /** Read at each period's beginning, so that a changed retention holds from the next period on. */
  readonly keepMs: () => number;
  readonly recipients: () => readonly string[];
  readonly clockState: () => 'synchronised' | 'unsynchronised';
  /** When the last footage before this start ended, if there is any: the time since is a gap. */
  readonly lastEndMs: UnixMs | undefined;
  readonly lastEndReason: GapReason;
  /** The room on the disk, which another duty keeps. */
  readonly room?: RecordingRoom;
}

export interface RecordingRoom {
  /** Why the camera must not be recorded now; undefined when it may. Asked before each picture. */
  halted(camera: string): string | undefined;
  /** The disk refused to be written: look at once. */
  nudge(): void;
}

interface Open {
  readonly writer: SegmentWriter;
  readonly periodEndMs: UnixMs;
  readonly firstTimeMs: number;
  readonly startMs: UnixMs;
  endTimeMs: number;
}

export interface RecordState {
  readonly recording: boolean;
  readonly lastSealedMs: UnixMs | undefined;
  readonly segments: number;
  readonly problem: SallyportError | undefined;
  readonly cutByLimit: boolean;
}

export class Recorder {
  readonly #o: RecordOptions;
  readonly #stop = new AbortController();
  readonly #closing = new Set<Promise<unknown>>();
  #loop: Promise<void> = Promise.resolve();
  #init: Init | undefined;
  #open: Open | undefined;
  #gap: { fromMs: UnixMs; reason: GapReason; detail: string } | undefined;
  #footageEndMs: UnixMs | undefined;
  #retryAtMs = -Infinity;
  #state: RecordState = { recording: false, lastSealedMs: undefined, segments: 0, problem: undefined, cutByLimit: false };

  constructor(o: RecordOptions) {
    this.#o = o;
    if (o.lastEndMs !== undefined) this.#gap = { fromMs: o.lastEndMs, reason: o.lastEndReason, detail: '' };
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Closes the open segment and waits until it and those before it are durable. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    this.#finish();
    await Promise.all(this.#closing);
  }

  get state(): RecordState {
    return this.#state;
  }

  async #run(): Promise<void> {
    try {
      for await (const event of this.#o.capture.read(this.#stop.signal)) {
        if (event.kind === 'fragment') {
          const waiting = this.#onFragment(event.fragment);
          if (waiting !== undefined) await waiting;
        } else if (event.kind === 'init') {
          this.#finish();
          this.#init = event.init;
        } else if (event.kind === 'lost') {
          this.#finish();
          this.#beginGap(this.#footageEndMs ?? event.wallMs, event.reason, event.detail);
        } else {
          this.#finish();
          this.#beginGap(this.#footageEndMs ?? this.#o.clock.wallMs(), 'too slow', `${event.droppedBytes} bytes dropped`);
        }
        if (this.#stop.signal.aborted) return;
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#fail(error, 'disk');
    }
  }

  /** Returns a promise only where something must be waited for: the usual fragment is appended at once. */
  #onFragment(fragment: Fragment): Promise<void> | undefined {
    const open = this.#open;
    const halted = this.#o.room?.halted(this.#o.camera);
    if (halted !== undefined) {
      this.#halt(halted);
      return undefined;
    }
    if (open === undefined) return this.#mayBegin(fragment) ? this.#begin(fragment) : undefined;
    if (open.writer.failure !== undefined || open.writer.backlogBytes > backlogBytesMax) {
      this.#abandon(open, fragment);
      return undefined;
    }
    const cut = fragment.track !== 'video' ? 'go on' : decideCut({
      openForMs: fragment.timeMs - open.firstTimeMs,
      bytes: open.writer.plainBytes,
      keyFrame: fragment.keyFrame,
      wallMs: fragment.wallMs,
      periodEndMs: open.periodEndMs,
      cutAfterMs: this.#o.cutAfterMs,
    });
    if (cut !== 'go on') {
      if (cut === 'cut by limit' && !this.#state.cutByLimit) {
        this.#update({ cutByLimit: true });
        this.#o.log.warn({ component: 'record', camera: this.#o.camera }, 'segments are cut by limit: the camera sends key frames too rarely');
      }
      this.#finish();
      return this.#begin(fragment);
    }
    this.#append(open, fragment);
    return undefined;
  }

  #append(open: Open, fragment: Fragment): void {
    if (fragment.track === 'video') open.endTimeMs = fragment.timeMs + fragment.durationMs;
    open.writer.append(fragment.bytes, fragment.keyFrame ? Math.max(0, Math.round(fragment.timeMs - open.firstTimeMs)) : undefined);
  }

  #mayBegin(fragment: Fragment): boolean {
    return this.#init !== undefined && fragment.track === 'video' && fragment.keyFrame && this.#o.clock.monotonicMs() >= this.#retryAtMs;
  }

  async #begin(fragment: Fragment): Promise<void> {
    const { camera, stream, vault, bootId, clockState, fileKeys } = this.#o;
    const init = this.#init as Init;
    let reason: GapReason = 'no slot';
    try {
      const period = await this.#period(fragment.wallMs);
      reason = 'disk';
      const writer = await vault.beginSegment({
        period, stream, ftyp: init.ftyp, moov: init.moov, wallMs: Math.round(fragment.wallMs), monoMs: Math.round(fragment.monotonicMs), boot: bootId, clockState: clockState(),
      });
      fileKeys.keep(writer.id, writer.takeFileKey());
      const open: Open = { writer, periodEndMs: period.endMs, firstTimeMs: fragment.timeMs, startMs: fragment.wallMs, endTimeMs: fragment.timeMs };
      this.#open = open;
      this.#append(open, fragment);
      this.#endGap(fragment.wallMs);
      this.#update({ recording: true, problem: undefined });
      // The next period's slot is made ahead of time; a failure shows when that period begins.
      this.#track(this.#period(period.endMs).catch(() => {}));
      this.#o.log.debug({ component: 'record', camera, segment: writer.id }, 'segment begun');
    } catch (error) {
      this.#fail(error, reason);
    }
  }

  #period(wallMs: UnixMs): Promise<Period> {
    const { startMs, endMs } = periodOf(wallMs, this.#o.periodMs);
    return this.#o.vault.preparePeriod({
      camera: this.#o.camera, class: 'footage', startMs, endMs, deadlineMs: deadlineMs(endMs, this.#o.keepMs()), recipients: this.#o.recipients(),
    });
  }

  /** Closes the open segment behind the next one's back; `close` waits for it. */
  #finish(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const durationMs = Math.max(0, Math.round(open.endTimeMs - open.firstTimeMs));
    this.#footageEndMs = Math.round(open.startMs + durationMs);
    this.#track(open.writer.close({ durationMs, reason: 'continuous' }).then(
      (row) => this.#sealed(open, row),
      (error: unknown) => this.#notSealed(open, error),
    ));
  }

  /** The vault keeps what reached the disk, and notes the rest of its time as a gap; the next segment goes on meanwhile. */
  #notSealed(open: Open, error: unknown): void {
    const problem = asSallyportError(error);
    this.#o.fileKeys.closed(open.writer.id);
    if (!this.#state.recording) this.#update({ problem });
    this.#o.log.error({ component: 'record', camera: this.#o.camera, segment: open.writer.id, code: problem.code }, problem.message);
  }

  #sealed(open: Open, row: SegmentRow): void {
    this.#o.fileKeys.closed(open.writer.id);
    this.#update({ lastSealedMs: row.startMs + (row.durationMs ?? 0), segments: this.#state.segments + 1 });
    this.#o.log.debug({ component: 'record', camera: this.#o.camera, segment: row.path, bytes: row.sizeBytes }, 'segment sealed');
  }

  /** There is no room: what is open is closed whole, and the rest is a gap until there is. */
  #halt(reason: string): void {
    if (this.#open === undefined && this.#state.problem?.code === 'SP_NO_ROOM') return;
    const problem = new SallyportError('SP_NO_ROOM', { reason });
    this.#finish();
    this.#beginGap(this.#footageEndMs ?? this.#o.clock.wallMs(), 'disk', problem.message);
    this.#update({ problem });
    this.#o.log.warn({ component: 'record', camera: this.#o.camera, code: problem.code }, problem.message);
  }

  #abandon(open: Open, fragment: Fragment): void {
    this.#open = undefined;
    const failure = open.writer.failure ?? new SallyportError('SP_BEHIND', { camera: this.#o.camera, bytes: open.writer.backlogBytes });
    this.#footageEndMs = Math.round(open.startMs + (open.endTimeMs - open.firstTimeMs));
    this.#o.fileKeys.closed(open.writer.id);
    const gap: GapReason = open.writer.failure === undefined ? 'too slow' : 'disk';
    this.#track(open.writer.abandon({ durationMs: Math.round(open.endTimeMs - open.firstTimeMs), gap }).catch(() => {}));
    this.#fail(failure, gap, fragment.wallMs);
  }

  #fail(error: unknown, reason: GapReason, wallMs: UnixMs = this.#o.clock.wallMs()): void {
    const problem = asSallyportError(error);
    this.#beginGap(this.#footageEndMs ?? wallMs, reason, problem.code);
    this.#retryAtMs = this.#o.clock.monotonicMs() + retryMs;
    this.#update({ recording: false, problem });
    if (reason === 'disk' || reason === 'no slot') this.#o.room?.nudge();
    this.#o.log.error({ component: 'record', camera: this.#o.camera, code: problem.code }, problem.message);
  }

  #beginGap(fromMs: UnixMs, reason: GapReason, detail: string): void {
    this.#gap ??= { fromMs: Math.round(fromMs), reason, detail };
    this.#update({ recording: false });
  }

  #endGap(toMs: UnixMs): void {
    const gap = this.#gap;
    this.#gap = undefined;
    if (gap === undefined || toMs - gap.fromMs < gapMsMin) return;
    this.#o.log.info({ component: 'record', camera: this.#o.camera, reason: gap.reason, seconds: Math.round((toMs - gap.fromMs) / 1000) }, 'gap ended');
    this.#track(this.#o.vault.addGap({ camera: this.#o.camera, stream: this.#o.stream, fromMs: gap.fromMs, toMs: Math.round(toMs), reason: gap.reason, detail: gap.detail })
      .catch((error: unknown) => this.#o.log.error({ component: 'record', camera: this.#o.camera, error }, 'a gap could not be noted')));
  }

  #track(work: Promise<unknown>): void {
    this.#closing.add(work);
    void work.finally(() => this.#closing.delete(work));
  }

  #update(change: Partial<RecordState>): void {
    this.#state = { ...this.#state, ...change };
  }
}
