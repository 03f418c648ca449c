/** Watches one stream of a camera: its capture, its recorder and the account of its gaps live and end together, apart from the camera's other stream. */
import type { UnixMs } from '../base/clock.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Secret } from '../base/secret.ts';
import type { Certificates } from '../cameras/certificates.ts';
import type { StreamState } from '../capture/stream.ts';
import type { GapReason } from '../policy/gaps.ts';
import { streamInWords } from '../policy/words.ts';
import type { StreamFacts } from './adopt.ts';
import { GapBook } from './gapbook.ts';
import { Recorder, type Unwanted } from './record.ts';
import { StreamSession } from './streamsession.ts';
import type { WatchOptions } from './watch.ts';

export interface StreamStatus {
  readonly stream: 'main' | 'sub';
  readonly online: boolean;
  /** Since when it is online, or not. */
  readonly sinceMs: UnixMs;
  readonly state: string;
  /** Whether it is to be recorded now. */
  readonly wanted: boolean;
  /** Why not, where that is as it should be: nothing has rung, or it is not its time. */
  readonly resting: Unwanted | undefined;
  readonly recording: boolean;
  readonly restarts: number;
  readonly bytes: number;
  readonly lastSealedMs: UnixMs | undefined;
  readonly segmentsSealed: number;
  readonly bytesSealed: number;
  readonly gaps: number;
}

export interface StreamWatchOptions {
  readonly stream: 'main' | 'sub';
  readonly facts: StreamFacts;
  /** What the camera may show by TLS. */
  readonly certificates: Certificates;
  readonly password: Secret;
  readonly watch: WatchOptions;
  /** Its account, where one was opened before the camera was known. */
  readonly gaps?: GapBook | undefined;
  readonly onState: (state: StreamState) => void;
}

export class StreamWatch {
  readonly #o: StreamWatchOptions;
  readonly #gaps: GapBook;
  readonly #life = new Lifetime();
  /** The stream's one session: who records it and who watches it live read from it. */
  readonly session: StreamSession;
  #recorder: Recorder | undefined;
  #online = false;
  #sinceMs: UnixMs;

  /** SP_DATABASE. */
  static async start(o: StreamWatchOptions): Promise<StreamWatch> {
    const { camera, vault, clock, log } = o.watch;
    const watch = new StreamWatch(o, o.gaps ?? await GapBook.open({ camera: camera.id, stream: o.stream, vault, clock, log }));
    watch.#start();
    return watch;
  }

  private constructor(o: StreamWatchOptions, gaps: GapBook) {
    this.#o = o;
    this.#gaps = gaps;
    this.#sinceMs = o.watch.clock.wallMs();
    this.session = new StreamSession({ ...o, onState: (state) => this.#onState(state) });
  }

  /** `why` nothing is recorded from now on; the next watch of this stream goes on from there. */
  async close(why: GapReason): Promise<void> {
    await this.#life.close();
    await this.#gaps.close(why);
  }

  /** Live, and nothing that a segment could begin with. */
  get keyFrameless(): boolean {
    return this.session.capture.state.reason === 'no key frame';
  }

  get status(): StreamStatus {
    const { camera, clock } = this.#o.watch;
    const capture = this.session.capture.state;
    const recorder = this.#recorder?.state;
    return {
      stream: this.#o.stream,
      online: this.#online,
      sinceMs: this.#sinceMs,
      state: streamInWords({ camera: camera.id, nowMs: clock.wallMs(), capture, recorder, unrecorded: this.#unrecorded }),
      wanted: this.#unrecorded === undefined && recorder?.resting === undefined,
      resting: recorder?.resting,
      recording: recorder?.recording === true,
      restarts: capture.restarts,
      bytes: capture.bytes,
      lastSealedMs: recorder?.lastSealedMs,
      segmentsSealed: recorder?.segments ?? 0,
      bytesSealed: recorder?.bytes ?? 0,
      gaps: this.#gaps.noted,
    };
  }

  #start(): void {
    this.#life.defer('session', () => this.session.close());
    if (this.#unrecorded === undefined) this.#record();
    else this.#gaps.standStill(this.#unrecorded, this.#unrecorded === 'no owner' ? 'nobody\'s key is known to seal it for' : 'as configured');
    this.session.start();
  }

  #record(): void {
    const { camera, vault, fileKeys, clock, log, bootId, periodMs, cutAfterMs, recipients, clockState, room, still, plan, onSealed } = this.#o.watch;
    const recorder = new Recorder({
      camera: camera.id, stream: this.#o.stream, capture: this.session.capture, vault, fileKeys, clock, log, bootId, periodMs, cutAfterMs,
      keepMs: () => camera.keepMs, recipients, clockState, room, gaps: this.#gaps, ...(plan === undefined ? {} : { plan }), ...(onSealed === undefined ? {} : { onSealed }),
      still: (init, keyFrame) => still({ camera: camera.id, stream: this.#o.stream, init, keyFrame }),
    });
    this.#recorder = recorder;
    this.#life.defer('recorder', () => recorder.close());
    recorder.start();
  }

  #onState(state: StreamState): void {
    // The ring tells of a loss once; what later tries find out is told here.
    if (state.state === 'waiting' && state.reason !== undefined) this.#gaps.explain(state.reason, state.detail ?? '');
    const online = state.state === 'live';
    if (online !== this.#online) {
      this.#online = online;
      this.#sinceMs = this.#o.watch.clock.wallMs();
    }
    this.#o.onState(state);
  }

  get #unrecorded(): 'no owner' | 'not recorded' | undefined {
    const { camera, recipients } = this.#o.watch;
    if (!camera.record) return 'not recorded';
    return recipients().length === 0 ? 'no owner' : undefined;
  }
}
