/**
 * Records one stream: fragments from `capture/` are cut by `policy/cutting` and sealed into segments by `vault/`.
 * Each time without footage ends as a gap with its reason. A segment is either whole or not there; nothing waits without a bound.
 *
 * Where not all is to be recorded, what is not wanted is read and let go. When something is wanted again, the recorder goes back in the
 * ring to the key frame at or before it; and it leaves off at a key frame only, so that it can begin again there and nothing is missing.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Still } from '../capture/still.ts';
import type { Fragment, Init, StreamCapture } from '../capture/stream.ts';
import { decideCut } from '../policy/cutting.ts';
import { gapMsMin, segmentSpanMs, type GapReason } from '../policy/gaps.ts';
import { deadlineMs, periodOf } from '../policy/periods.ts';
import type { RecordMode } from '../policy/recordmode.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Period, SegmentRow, SegmentWriter, Vault } from '../vault/vault.ts';
import type { GapBook } from './gapbook.ts';

/** Sealed bytes that may wait for the disk, per stream. Beyond it the segment ends and the rest is a gap. */
const backlogBytesMax = 16 * 2 ** 20;
/** After a failed beginning, how long until the next try. */
const retryMs = 2000;
/** Pictures may be further apart, but the last one of a segment is not taken to stand for longer. */
const lastPictureMsMax = 1000;

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
  /** Asked for each segment, and at each key frame whether it is still for the same: others get a segment of their own. None: nothing is recorded. */
  readonly recipients: () => readonly string[];
  readonly clockState: () => 'synchronised' | 'unsynchronised';
  readonly gaps: GapBook;
  /** The room on the disk, which another duty keeps. */
  readonly room?: RecordingRoom;
  /** What is to be recorded; all where it is not given. */
  readonly plan?: RecordPlan;
  /** A segment is durable; for who may want to keep it longer. */
  readonly onSealed?: (segment: SealedSegment) => void;
  /** Has a small picture made of a segment's first key frame; copies the bytes. Undefined when none is wanted. */
  readonly still?: (init: Init, keyFrame: Uint8Array) => Still | undefined;
}

/** Which pictures are wanted. */
export interface RecordPlan {
  /** Undefined when a picture of that time is wanted, else why not. Asked before each. */
  unwanted(picture: { readonly wallMs: UnixMs; readonly monotonicMs: number }): Unwanted | undefined;
  /** Since when everything up to that picture is wanted, monotonic. */
  wantedSinceMs(picture: { readonly wallMs: UnixMs; readonly monotonicMs: number }): number;
  /** How far back that may lie. */
  readonly backMs: number;
  /** Whether what is recorded now is for an alarm. */
  readonly mode: RecordMode;
}

export type Unwanted = Extract<GapReason, 'no alarm' | 'schedule'>;

export interface SealedSegment {
  /** Of the vault. */
  readonly id: string;
  readonly stream: 'main' | 'sub';
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
}

export interface RecordingRoom {
  /** Why the camera must not be recorded now; undefined when it may. Asked before each picture. */
  halted(camera: string): string | undefined;
  /** The disk refused to be written: look at once. */
  nudge(): void;
}

interface Open {
  readonly writer: SegmentWriter;
  /** Its thumbnail: in it when that is ready by its end, else it has none. */
  readonly still: Still | undefined;
  readonly periodEndMs: UnixMs;
  readonly recipients: readonly string[];
  readonly reason: 'continuous' | 'alarm';
  readonly firstTimeMs: number;
  readonly startMs: UnixMs;
  readonly startMonoMs: number;
  /** Media time after its last picture. */
  endTimeMs: number;
  /**
   * When the last picture is over, by the clock of its arrival: not later than its predecessor's end says, for ffmpeg holds the last one
   * back until a silent camera is given up.
   */
  endMonoMs: number;
  /** When the next picture is expected. */
  nextMonoMs: number;
}

export interface RecordState {
  readonly recording: boolean;
  readonly lastSealedMs: UnixMs | undefined;
  readonly segments: number;
  /** Plaintext bytes of the sealed segments. */
  readonly bytes: number;
  readonly problem: SallyportError | undefined;
  readonly cutByLimit: boolean;
  /** Why nothing is recorded now though all is well. */
  readonly resting: Unwanted | undefined;
}

export class Recorder {
  readonly #o: RecordOptions;
  readonly #stop = new AbortController();
  readonly #closing = new Set<Promise<unknown>>();
  #loop: Promise<void> = Promise.resolve();
  #init: Init | undefined;
  #open: Open | undefined;
  /** Where the last segment of this start ended, by the wall clock and by the monotonic one. */
  #footageEnd: { wallMs: UnixMs; monoMs: number } | undefined;
  #retryAtMs = -Infinity;
  #state: RecordState = { recording: false, lastSealedMs: undefined, segments: 0, bytes: 0, problem: undefined, cutByLimit: false, resting: undefined };
  /** Where the next segment may begin, monotonic: what is before is recorded already. */
  #recordedToMs = -Infinity;
  /** Everything from here on is wanted, whatever the plan says of the pictures before it. */
  #backToMs = -Infinity;

  constructor(o: RecordOptions) {
    this.#o = o;
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
      let sinceMs: number | undefined;
      do sinceMs = await this.#read(sinceMs);
      while (sinceMs !== undefined);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#fail(error, 'disk');
    }
  }

  /** Reads on until the end, or until something earlier is wanted: then it answers since when. */
  async #read(sinceMs: number | undefined): Promise<number | undefined> {
    for await (const event of this.#o.capture.read(this.#stop.signal, 'at leisure', sinceMs)) {
      if (event.kind === 'fragment') {
        const { fragment } = event;
        if (this.#o.plan !== undefined && !this.#isWanted(this.#o.plan, fragment)) continue;
        if (this.#state.resting !== undefined) return this.#goBack(fragment);
        const waiting = this.#onFragment(fragment);
        if (waiting !== undefined) await waiting;
      } else if (event.kind === 'init') {
        this.#finish();
        this.#init = event.init;
      } else if (event.kind === 'lost') {
        this.#finish();
        this.#endRest(event.wallMs);
        this.#beginGap(event.reason, event.detail, event.wallMs);
      } else {
        this.#finish();
        this.#endRest(this.#o.clock.wallMs());
        this.#beginGap('too slow', `${event.droppedBytes} bytes dropped`);
      }
      if (this.#stop.signal.aborted) return undefined;
    }
    return undefined;
  }

  /** What is not wanted ends at a key frame, for only there something can begin again. */
  #isWanted(plan: RecordPlan, fragment: Fragment): boolean {
    if (fragment.keyFrame) this.#o.capture.retain('recording', plan.backMs);
    if (fragment.monotonicMs < this.#backToMs) return true;
    const unwanted = plan.unwanted(fragment);
    if (unwanted === undefined) return true;
    if (this.#open !== undefined && !fragment.keyFrame) return true;
    if (this.#open !== undefined) {
      this.#recordedToMs = fragment.monotonicMs;
      this.#finish(fragment.monotonicMs);
    }
    if (fragment.track === 'video') this.#rest(unwanted, fragment.wallMs);
    return false;
  }

  /** Nothing is recorded from now on, and that is as it should be. */
  #rest(why: Unwanted, wallMs: UnixMs): void {
    if (this.#state.resting === why) return;
    const { gaps, camera, log, stream } = this.#o;
    const fromMs = gaps.gap === undefined ? this.#footageEnd?.wallMs ?? wallMs : wallMs;
    gaps.end(fromMs);
    gaps.begin(fromMs, why, '');
    this.#update({ resting: why, recording: false, problem: undefined });
    log.debug({ component: 'record', camera, stream, reason: why }, 'nothing is recorded now');
  }

  #endRest(wallMs: UnixMs): void {
    if (this.#state.resting === undefined) return;
    this.#o.gaps.end(wallMs);
    this.#footageEnd = undefined;
    this.#update({ resting: undefined });
  }

  /** Since when to read again: it was let go when nobody wanted it yet. */
  #goBack(fragment: Fragment): number {
    this.#update({ resting: undefined });
    this.#backToMs = Math.max(this.#recordedToMs, (this.#o.plan as RecordPlan).wantedSinceMs(fragment));
    return this.#backToMs;
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
      periodEndMs: open.writer.wantsEnd ? -Infinity : open.periodEndMs,
      othersNow: !areSame(open.recipients, this.#o.recipients()),
      cutAfterMs: this.#o.cutAfterMs,
    });
    if (cut !== 'go on') {
      if (cut === 'cut by limit' && !this.#state.cutByLimit) {
        this.#update({ cutByLimit: true });
        this.#o.log.warn({ component: 'record', camera: this.#o.camera }, 'segments are cut by limit: the camera sends key frames too rarely');
      }
      this.#finish(fragment.monotonicMs);
      return this.#begin(fragment);
    }
    this.#append(open, fragment);
    return undefined;
  }

  #append(open: Open, fragment: Fragment): void {
    if (fragment.track === 'video') {
      const durationMs = Math.min(fragment.durationMs, lastPictureMsMax);
      open.endTimeMs = fragment.timeMs + fragment.durationMs;
      open.endMonoMs = Math.min(fragment.monotonicMs, open.nextMonoMs) + durationMs;
      open.nextMonoMs = fragment.monotonicMs + durationMs;
    }
    open.writer.append(fragment.bytes, fragment.keyFrame ? Math.max(0, Math.round(fragment.timeMs - open.firstTimeMs)) : undefined);
  }

  #mayBegin(fragment: Fragment): boolean {
    return this.#init !== undefined && fragment.track === 'video' && fragment.keyFrame && this.#o.clock.monotonicMs() >= this.#retryAtMs;
  }

  async #begin(fragment: Fragment): Promise<void> {
    const { camera, stream, vault, bootId, clockState, fileKeys } = this.#o;
    const init = this.#init as Init;
    const recipients = this.#o.recipients();
    let reason: GapReason = recipients.length === 0 ? 'no owner' : 'no slot';
    try {
      const period = await this.#period(fragment.wallMs, recipients);
      reason = 'disk';
      const writer = await vault.beginSegment({
        period, stream, ftyp: init.ftyp, moov: init.moov, wallMs: Math.round(fragment.wallMs), monoMs: Math.round(fragment.monotonicMs), boot: bootId, clockState: clockState(),
      });
      fileKeys.keep(writer.id, writer.takeFileKey());
      const open: Open = { writer, still: this.#o.still?.(init, fragment.bytes), periodEndMs: period.endMs, recipients, reason: this.#o.plan?.mode === 'alarms' ? 'alarm' : 'continuous', firstTimeMs: fragment.timeMs, startMs: Math.round(fragment.wallMs), startMonoMs: fragment.monotonicMs, endTimeMs: fragment.timeMs, endMonoMs: fragment.monotonicMs, nextMonoMs: fragment.monotonicMs };
      this.#open = open;
      this.#append(open, fragment);
      this.#endGap(open);
      this.#update({ recording: true, problem: undefined });
      // The next period's slot is made ahead of time; a failure shows when that period begins.
      this.#track(this.#period(period.endMs, recipients).catch(() => {}));
      this.#o.log.debug({ component: 'record', camera, segment: writer.id }, 'segment begun');
    } catch (error) {
      this.#fail(error, reason);
    }
  }

  async #period(wallMs: UnixMs, recipients: readonly string[]): Promise<Period> {
    if (recipients.length === 0) throw new SallyportError('SP_NO_OWNER');
    const { startMs, endMs } = periodOf(wallMs, this.#o.periodMs);
    return this.#o.vault.preparePeriod({
      camera: this.#o.camera, class: 'footage', startMs, endMs, deadlineMs: deadlineMs(endMs, this.#o.keepMs()), recipients,
    });
  }

  /** Closes the open segment behind the next one's back; `close` waits for it. `nextMonoMs`: when the picture came with which the next one begins. */
  #finish(nextMonoMs?: number): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const durationMs = this.#endOf(open, nextMonoMs);
    const thumbnail = open.still?.jpeg;
    this.#track(open.writer.close({ durationMs, reason: open.reason, ...(thumbnail === undefined ? {} : { thumbnail }) }).then(
      (row) => this.#sealed(open, row),
      (error: unknown) => this.#notSealed(open, error),
    ));
    open.still?.close();
  }

  /** The vault keeps what reached the disk, and notes the rest of its time as a gap; the next segment goes on meanwhile. */
  #notSealed(open: Open, error: unknown): void {
    const problem = asSallyportError(error);
    this.#o.fileKeys.closed(open.writer.id);
    if (!this.#state.recording) this.#update({ problem });
    this.#o.log.error({ component: 'record', camera: this.#o.camera, segment: open.writer.id, code: problem.code }, problem.message);
  }

  /** Its length; footage goes up to there. */
  #endOf(open: Open, nextMonoMs = open.endMonoMs): number {
    const durationMs = segmentSpanMs({ mediaMs: open.endTimeMs - open.firstTimeMs, arrivedMs: nextMonoMs - open.startMonoMs });
    this.#footageEnd = { wallMs: open.startMs + durationMs, monoMs: open.startMonoMs + durationMs };
    return durationMs;
  }

  #sealed(open: Open, row: SegmentRow): void {
    this.#o.fileKeys.closed(open.writer.id);
    this.#update({ lastSealedMs: row.startMs + (row.durationMs ?? 0), segments: this.#state.segments + 1, bytes: this.#state.bytes + open.writer.plainBytes });
    this.#o.log.debug({ component: 'record', camera: this.#o.camera, segment: row.path, bytes: row.sizeBytes }, 'segment sealed');
    this.#o.onSealed?.({ id: open.writer.id, stream: this.#o.stream, startMs: row.startMs, endMs: row.startMs + (row.durationMs ?? 0) });
  }

  /** There is no room: what is open is closed whole, and the rest is a gap until there is. */
  #halt(reason: string): void {
    if (this.#open === undefined && this.#state.problem?.code === 'SP_NO_ROOM') return;
    const problem = new SallyportError('SP_NO_ROOM', { reason });
    this.#finish();
    this.#beginGap('disk', problem.message);
    this.#update({ problem });
    this.#o.log.warn({ component: 'record', camera: this.#o.camera, code: problem.code }, problem.message);
  }

  #abandon(open: Open, fragment: Fragment): void {
    this.#open = undefined;
    const failure = open.writer.failure ?? new SallyportError('SP_BEHIND', { camera: this.#o.camera, bytes: open.writer.backlogBytes });
    const durationMs = this.#endOf(open);
    this.#o.fileKeys.closed(open.writer.id);
    const gap: GapReason = open.writer.failure === undefined ? 'too slow' : 'disk';
    open.still?.close();
    this.#track(open.writer.abandon({ durationMs, gap }).catch(() => {}));
    this.#fail(failure, gap, fragment.wallMs);
  }

  #fail(error: unknown, reason: GapReason, wallMs?: UnixMs): void {
    const problem = asSallyportError(error);
    this.#beginGap(reason, problem.code, wallMs);
    this.#retryAtMs = this.#o.clock.monotonicMs() + retryMs;
    this.#update({ recording: false, problem });
    if (reason === 'disk' || reason === 'no slot') this.#o.room?.nudge();
    this.#o.log.error({ component: 'record', camera: this.#o.camera, code: problem.code }, problem.message);
  }

  /** From where footage ended; from now on where there was none yet. */
  #beginGap(reason: GapReason, detail: string, wallMs: UnixMs = this.#o.clock.wallMs()): void {
    this.#o.gaps.begin(this.#footageEnd?.wallMs ?? wallMs, reason, detail);
    this.#update({ recording: false });
  }

  /** Footage begins; also where no loss was told, nothing between two segments stays unexplained. */
  #endGap({ startMs, startMonoMs }: Open): void {
    const { gaps } = this.#o;
    const end = this.#footageEnd;
    if (gaps.gap === undefined && end !== undefined && startMs - end.wallMs >= gapMsMin) {
      const clockMoved = startMs - end.wallMs - (startMonoMs - end.monoMs) >= gapMsMin;
      gaps.begin(end.wallMs, clockMoved ? 'time' : 'no key frame', clockMoved ? 'the clock was set forward' : '');
    }
    gaps.end(startMs);
  }

  #track(work: Promise<unknown>): void {
    this.#closing.add(work);
    void work.finally(() => this.#closing.delete(work));
  }

  #update(change: Partial<RecordState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
