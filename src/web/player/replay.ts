/**
 * Footage that was opened in this browser, in a video element: from any time on, at 1 to 16 times the pace of the day, over gaps, which
 * are told. What it is doing it tells its listener, and puts no word on the page.
 */
import { codecsOf } from '../../base/codecs.ts';
import { say } from '../strings.ts';
import { Feed } from './feed.ts';
import { canShow, mediaType, openMedia, type OpenMedia } from './media.ts';
import { ReplayTimes, type PlacedFragment } from './replaytimes.ts';

export type ReplayPiece =
  | { readonly kind: 'init'; readonly bytes: Uint8Array<ArrayBuffer>; readonly wallMs: number }
  /** Its bytes are the player's: times are written anew in them. */
  | { readonly kind: 'fragment'; readonly bytes: Uint8Array<ArrayBuffer>; readonly wallMs: number }
  | { readonly kind: 'gap'; readonly wallMs: number; readonly toMs: number; readonly reason: string }
  | { readonly kind: 'problem'; readonly wallMs: number; readonly error: { readonly message: string } };

/** From the last key frame at or before `fromMs` on, in the order of recording. Ends, or throws, when the signal says so. */
export type ReplaySource = (fromMs: number, o: { readonly keyFramesOnly: boolean; readonly signal: AbortSignal }) => AsyncIterable<ReplayPiece>;

export type ReplayState = 'opening' | 'playing' | 'paused' | 'ended' | 'unsupported';

export interface ReplayListener {
  /** When the picture that is shown was recorded. */
  onTime(wallMs: number): void;
  onState(state: ReplayState): void;
  /** Playing jumps over a time without footage. */
  onGap(gap: { readonly fromMs: number; readonly toMs: number; readonly reason: string }): void;
  /** Something does not open, or the browser does not show it; playing goes on behind it where it can. */
  onProblem(words: string): void;
}

/** Faster than this, key frames alone: a phone decodes no 240 pictures a second, nor fetches them. */
export const allPicturesPaceMax = 4;
const aheadSec = 12;
const tickSec = 0.01;
const keptSec = 30;
const lookMs = 100;
const faultsMax = 3;
/** A hole in what is buffered that is jumped over. */
const holeSecMax = 5;

export class ReplayPlayer {
  readonly #video: HTMLVideoElement;
  readonly #source: ReplaySource;
  readonly #listener: ReplayListener;
  readonly #gone = new AbortController();
  #run = new AbortController();
  #times = new ReplayTimes();
  #media: OpenMedia | undefined;
  #type = '';
  #feed: Feed | undefined;
  #pace = 1;
  #plays = true;
  #state: ReplayState | undefined;
  /** The wall time that is shown, or is to be. */
  #nowMs = 0;
  /** Where the picture that is waited for stands; undefined when it is there. */
  #wantedSec: number | undefined;
  /** To be shown as soon as it is buffered: a video takes no time that it does not have. */
  #seekTo: number | undefined;
  #gaps: { readonly atSec: number; readonly fromMs: number; readonly toMs: number; readonly reason: string }[] = [];
  /** All has been fed. */
  #ended = false;
  #faults = 0;

  constructor(video: HTMLVideoElement, source: ReplaySource, listener: ReplayListener) {
    this.#video = video;
    this.#source = source;
    this.#listener = listener;
    const { signal } = this.#gone;
    video.addEventListener('ended', () => this.#tell('ended'), { signal });
    video.addEventListener('error', () => this.#fault(video.error?.message ?? ''), { signal });
    const looking = setInterval(() => this.#look(), lookMs);
    signal.addEventListener('abort', () => clearInterval(looking));
    this.#watchPictures();
  }

  /** Plays from there. What is buffered is shown at once; else it is opened anew. */
  seek(wallMs: number): void {
    this.#plays = true;
    const atSec = this.#wantedSec === undefined ? this.#times.at(wallMs) : undefined;
    if (atSec !== undefined && this.#feed?.ranges.some(([from, to]) => atSec >= from && atSec < to) === true) {
      this.#nowMs = wallMs;
      this.#video.currentTime = atSec;
      this.play();
      return;
    }
    this.#faults = 0;
    this.#begin(wallMs);
  }

  play(): void {
    this.#plays = true;
    if (this.#video.ended) return this.#begin(this.#nowMs);
    void this.#video.play().catch(() => {});
    if (this.#wantedSec === undefined) this.#tell('playing');
  }

  pause(): void {
    this.#plays = false;
    this.#video.pause();
    if (this.#wantedSec === undefined && this.#state !== 'ended') this.#tell('paused');
  }

  /** 1 to 16. */
  speed(factor: number): void {
    const before = this.#pace;
    this.#pace = Math.min(16, Math.max(0.25, factor));
    const linePace = (pace: number): number => (pace > allPicturesPaceMax ? pace : 1);
    if (linePace(before) !== linePace(this.#pace) && this.#media !== undefined && this.#state !== 'ended') this.#begin(this.#nowMs);
    else this.#setRate();
  }

  close(): void {
    this.#gone.abort();
    this.#run.abort();
    this.#closeMedia();
  }

  get #keyFramesOnly(): boolean {
    return this.#pace > allPicturesPaceMax;
  }

  #setRate(): void {
    const rate = this.#keyFramesOnly ? 1 : this.#pace;
    this.#video.defaultPlaybackRate = rate;
    this.#video.playbackRate = rate;
    // Sound that is stretched much says nothing.
    this.#video.preservesPitch = rate <= 2;
  }

  #begin(wallMs: number): void {
    if (this.#gone.signal.aborted) return;
    this.#run.abort();
    this.#run = new AbortController();
    this.#nowMs = wallMs;
    this.#ended = false;
    this.#gaps = [];
    this.#wantedSec = Infinity;
    this.#seekTo = undefined;
    // On the same line, behind all that was: nothing old is taken for new.
    this.#times = new ReplayTimes(this.#keyFramesOnly ? this.#pace : 1, this.#times.endSec + 10);
    this.#feed?.empty();
    this.#setRate();
    this.#tell('opening');
    const { signal } = this.#run;
    this.#play(wallMs, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#listener.onProblem(error instanceof Error ? error.message : String(error));
      if (!signal.aborted) this.#tell('ended');
    });
  }

  async #play(fromMs: number, signal: AbortSignal): Promise<void> {
    for await (const piece of this.#source(fromMs, { keyFramesOnly: this.#keyFramesOnly, signal })) {
      if (signal.aborted) return;
      if (piece.kind === 'init') await this.#init(piece.bytes, signal);
      else if (piece.kind === 'fragment') this.#feedAll(this.#times.place(piece.bytes, piece.wallMs), fromMs);
      else if (piece.kind === 'problem') this.#listener.onProblem(piece.error.message);
      else this.#gap(piece, fromMs);
      await this.#room(signal);
      if (signal.aborted) return;
    }
    // A source may end because it was stopped: what is played now is another one's.
    if (signal.aborted) return;
    this.#feedAll(this.#times.end(), fromMs);
    this.#ended = true;
    if (this.#wantedSec !== Infinity) return;
    for (const gap of this.#gaps.splice(0)) this.#listener.onGap(gap);
    this.#tell('ended');
  }

  /** Another codec needs another source: what is buffered is shown to its end first. */
  async #init(bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    const { video, audio } = codecsOf(bytes);
    const type = mediaType({ video: video ?? '', audio });
    if (!canShow(type)) {
      this.#listener.onProblem(video ?? '');
      this.#tell('unsupported');
      this.#run.abort();
      return;
    }
    if (this.#feed === undefined || type !== this.#type) {
      if (this.#wantedSec === undefined) await this.#until(() => this.#leadSec < 0.1, signal);
      if (signal.aborted) return;
      this.#closeMedia();
      const media = await openMedia(this.#video, type);
      if (signal.aborted || media === undefined) {
        media?.close();
        if (!signal.aborted) throw new Error(say.player.noSource);
        return;
      }
      this.#media = media;
      this.#type = type;
      this.#feed = new Feed({ ...media, onAppended: () => this.#look(), onFault: (words) => this.#fault(words) });
      this.#setRate();
      this.#wantedSec = Infinity;
    }
    this.#times.begin(bytes);
    this.#feed.push(bytes);
  }

  #feedAll(fragments: readonly PlacedFragment[], fromMs: number): void {
    for (const { bytes, atSec } of fragments) {
      // Its own time was written anew.
      this.#feed?.push(bytes);
      if (this.#wantedSec !== Infinity) continue;
      const wantedMs = Math.max(fromMs, this.#times.wallAt(atSec) ?? fromMs);
      this.#wantedSec = this.#times.at(wantedMs) ?? atSec + Math.max(0, wantedMs - (this.#times.wallAt(atSec) ?? wantedMs)) / 1000 / (this.#keyFramesOnly ? this.#pace : 1);
      this.#seekTo = this.#wantedSec;
      this.#look();
      if (this.#plays) void this.#video.play().catch(() => {});
    }
  }

  #gap({ wallMs, toMs, reason }: Extract<ReplayPiece, { kind: 'gap' }>, fromMs: number): void {
    this.#feedAll(this.#times.gap(), fromMs);
    this.#gaps.push({ atSec: this.#times.endSec, fromMs: wallMs, toMs, reason });
  }

  /** Until so little is ahead that more is wanted, by the browser too. */
  async #room(signal: AbortSignal): Promise<void> {
    if (this.#feed?.held === true) await this.#until(() => this.#feed?.held !== true, signal);
    const wanted = aheadSec * Math.max(1, this.#video.playbackRate);
    if (this.#leadSec >= wanted) await this.#until(() => this.#leadSec < wanted * 0.8, signal);
  }

  /** How much there is behind the picture that is shown. */
  get #leadSec(): number {
    const shown = this.#wantedSec ?? this.#video.currentTime;
    return shown === Infinity ? 0 : this.#times.endSec - shown;
  }

  async #until(so: () => boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !so()) await new Promise((resolve) => { setTimeout(resolve, lookMs / 2); });
  }

  #look(): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    const seekTo = this.#seekTo;
    // Times are whole ticks of a track, and so a little off.
    const there = seekTo === undefined ? undefined : feed.ranges.find(([from, to]) => seekTo >= from - tickSec && seekTo < to);
    if (seekTo !== undefined && (there !== undefined || (this.#ended && feed.idle))) {
      this.#video.currentTime = Math.max(seekTo, there?.[0] ?? 0);
      this.#seekTo = undefined;
    }
    const atSec = this.#video.currentTime;
    for (; this.#gaps[0] !== undefined && this.#wantedSec === undefined && this.#gaps[0].atSec <= atSec + 0.15; this.#gaps.shift()) this.#listener.onGap(this.#gaps[0]);
    const { ranges } = feed;
    const next = ranges.find(([from]) => from > atSec);
    if (this.#wantedSec === undefined && !this.#video.seeking && next !== undefined && next[0] - atSec < holeSecMax && !ranges.some(([from, to]) => atSec >= from && atSec < to - 0.01)) this.#video.currentTime = next[0];
    const first = ranges[0]?.[0];
    if (this.#wantedSec === undefined && first !== undefined && atSec - first > keptSec * 2) feed.trim(0, atSec - keptSec);
    if (this.#ended && feed.idle && this.#media?.source.readyState === 'open' && this.#wantedSec !== Infinity) this.#media.source.endOfStream();
  }

  #fault(words: string): void {
    if (this.#gone.signal.aborted || this.#media === undefined) return;
    this.#run.abort();
    this.#closeMedia();
    this.#listener.onProblem(words);
    if (++this.#faults <= faultsMax) this.#begin(this.#nowMs + this.#faults * 1000);
    else this.#tell('ended');
  }

  #watchPictures(): void {
    this.#video.requestVideoFrameCallback((_now, { mediaTime }) => {
      if (this.#gone.signal.aborted) return;
      this.#onPicture(mediaTime);
      this.#watchPictures();
    });
  }

  #onPicture(atSec: number): void {
    const wallMs = this.#times.wallAt(atSec);
    if (wallMs === undefined) return;
    this.#nowMs = wallMs;
    this.#listener.onTime(wallMs);
    if (this.#wantedSec === undefined) return;
    this.#wantedSec = undefined;
    this.#tell(this.#plays ? 'playing' : 'paused');
  }

  #closeMedia(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.#media?.close();
    this.#media = undefined;
  }

  #tell(state: ReplayState): void {
    if (this.#gone.signal.aborted || state === this.#state) return;
    this.#state = state;
    this.#listener.onState(state);
  }
}
