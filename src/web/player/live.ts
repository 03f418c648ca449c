/**
 * Live pictures in a video element: from the hub's WebSocket into Media Source Extensions, one fragment a picture, always at the newest.
 * It comes back by itself; what it is doing it tells its listener, and puts no word on the page.
 */
import type { LiveNews } from '../../api/pagecontract.ts';
import { readLiveFrame, type LiveFrame } from '../../policy/liveframe.ts';
import { cushionSecMin, jitter, nextCushion, nextLead, nextTryMs, retried, stayAtEdge } from './edge.ts';
import { Feed } from './feed.ts';
import { HubClock, LiveTimes, Moments } from './livetimes.ts';
import { canShow, mediaType, openMedia, type OpenMedia } from './media.ts';

/** `unsupported`: this browser shows no such codec; its words are the codec, `hvc1.1.6.L93.B0`. */
export type LiveState = 'connecting' | 'waiting' | 'playing' | 'lost' | 'over' | 'unsupported';

export interface LiveListener {
  /** `words` where the hub or the browser says why. */
  onState(state: LiveState, words: string): void;
  /** From the picture's arrival at the hub until it was shown here. */
  onLatency(ms: number): void;
  /** Pictures are left out because the way to here is too slow. */
  onBehind(keyFramesOnly: boolean): void;
  /** Whether there is sound that may be asked for. */
  onSound(available: boolean): void;
}

type Init = Extract<LiveNews, { kind: 'init' }>;

/** Kept behind the picture that is shown. */
const keptSec = 5;
const trimmedAtSec = 15;
const askTimeMs = 5000;
const silentMsMax = 16_000;
const lookMs = 200;
const latencyEveryMs = 500;
/** A microphone that is announced and says nothing would hold the pictures back. */
const soundWaitMs = 4000;

export class LivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #listener: LiveListener;
  readonly #gone = new AbortController();
  readonly #clock = new HubClock();
  readonly #times = new LiveTimes();
  #moments = new Moments();
  #socket: WebSocket | undefined;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #state: LiveState | undefined;
  #heardMs = 0;
  #init: Init | undefined;
  #media: OpenMedia | undefined;
  #type = '';
  #feed: Feed | undefined;
  /** What came while the media source was opening. */
  #early: LiveFrame[] | undefined;
  #opening = 0;
  /** Where on the player's line the pictures of the last init begin: an older one says nothing of how it is now. */
  #fromSec = Infinity;
  #behind = false;
  #wantsSound = false;
  /** The hub was told so. */
  #paused = false;
  /** It was asked for and never came. */
  #soundSince: number | undefined;
  #cushionSec = cushionSecMin;
  #leadSec: number | undefined;
  #ranOutMs = 0;
  #latencyToldMs = 0;
  #latencies: number[] = [];

  constructor(video: HTMLVideoElement, url: string, listener: LiveListener) {
    this.#video = video;
    this.#url = url;
    this.#listener = listener;
    const { signal } = this.#gone;
    document.addEventListener('visibilitychange', () => this.#tellVisible(), { signal });
    window.addEventListener('online', () => this.#connectNow(), { signal });
    video.addEventListener('waiting', () => this.#onWaiting(), { signal });
    video.addEventListener('error', () => this.#restart(video.error?.message ?? ''), { signal });
    const looking = setInterval(() => this.#look(), lookMs);
    const asking = setInterval(() => this.#askTime(), askTimeMs);
    signal.addEventListener('abort', () => { clearInterval(looking); clearInterval(asking); });
    this.#watchPictures();
    this.#connect();
  }

  /** Only from a person's deed: a browser plays no sound unasked. */
  sound(on: boolean): void {
    if (on === this.#wantsSound) return;
    this.#wantsSound = on;
    this.#video.muted = !on;
    this.#say({ audio: on });
  }

  /** What is shown now, as a PNG; undefined where nothing is. It goes nowhere. */
  async snapshot(): Promise<Blob | undefined> {
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth === 0 || this.#video.readyState < this.#video.HAVE_CURRENT_DATA) return undefined;
    const canvas = document.createElement('canvas');
    canvas.width = videoWidth;
    canvas.height = videoHeight;
    canvas.getContext('2d')?.drawImage(this.#video, 0, 0);
    return await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, 'image/png'); }) ?? undefined;
  }

  close(): void {
    this.#gone.abort();
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = undefined;
    this.#closeMedia();
  }

  // the way to the hub

  #connect(): void {
    if (this.#gone.signal.aborted) return;
    clearTimeout(this.#retry);
    if (this.#state !== 'lost') this.#tell('connecting', '');
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#heardMs = performance.now();
    const current = (): boolean => this.#socket === socket;
    socket.addEventListener('open', () => {
      if (!current()) return;
      if (this.#wantsSound) this.#say({ audio: true });
      this.#paused = false;
      this.#tellWanted();
      this.#askTime();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => { if (current()) this.#hear(data); });
    socket.addEventListener('close', () => { if (current()) this.#lose(''); });
  }

  #connectNow(): void {
    if (this.#socket !== undefined || this.#state === 'over' || this.#state === 'unsupported') return;
    this.#failures = 0;
    this.#connect();
  }

  /** The connection is gone; it is tried again. */
  #lose(words: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (this.#gone.signal.aborted || this.#state === 'over' || this.#state === 'unsupported') return;
    this.#fromSec = Infinity;
    if (this.#state !== 'lost' || words !== '') this.#tell('lost', words);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), nextTryMs(this.#failures++, jitter()));
  }

  #say(word: { audio: boolean } | { paused: boolean } | { time: number }): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(word));
  }

  #askTime(): void {
    this.#say({ time: performance.now() });
  }

  #tellVisible(): void {
    this.#tellWanted();
    if (!document.hidden) this.#connectNow();
  }

  #tellWanted(): void {
    const paused = document.hidden || this.#feed?.held === true;
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#say({ paused });
  }

  #hear(data: string | ArrayBuffer): void {
    this.#heardMs = performance.now();
    if (typeof data === 'string') return this.#hearNews(JSON.parse(data) as LiveNews);
    const frame = readLiveFrame(data);
    if (frame === undefined) return;
    if (frame.init) void this.#begin(frame);
    else if (this.#early !== undefined) this.#early.push(frame);
    else this.#show(frame);
  }

  #hearNews(news: LiveNews): void {
    if (news.kind === 'init') this.#init = news;
    else if (news.kind === 'time') {
      const nowMs = performance.now();
      // The first comes unasked: it says at least how late it is at most.
      this.#clock.heard(news.asked ?? nowMs - 1000, news.hubMs, nowMs);
    } else if (news.kind === 'behind') this.#setBehind(news.mode === 'key frames');
    else if (news.kind === 'lost') {
      this.#fromSec = Infinity;
      this.#tell('lost', news.detail === '' ? news.reason : `${news.reason}: ${news.detail}`);
    } else if (retried.has(news.code)) this.#lose(news.message);
    else {
      // The last picture must not stay where none may be shown.
      this.#closeMedia();
      this.#tell('over', news.message);
    }
  }

  #setBehind(behind: boolean): void {
    this.#behind = behind;
    this.#listener.onBehind(behind);
  }

  // pictures

  /** What follows belongs to this. The same video goes on where it can, so that the last picture stands until the next one comes. */
  async #begin(frame: LiveFrame): Promise<void> {
    const init = this.#init;
    if (init === undefined) return;
    const turn = ++this.#opening;
    this.#setBehind(false);
    this.#listener.onSound(init.sound);
    const type = mediaType(init);
    if (!canShow(type)) return this.#cannotShow(init.video);
    this.#soundSince = init.audio === null ? undefined : performance.now();
    if (this.#feed === undefined || type !== this.#type) {
      this.#early = [];
      this.#closeMedia();
      const media = await openMedia(this.#video, type);
      if (turn !== this.#opening || this.#gone.signal.aborted) return media?.close();
      if (media === undefined) return this.#restart('');
      this.#media = media;
      this.#type = type;
      // A managed source that wants no more: the hub sends none until it does, then from the newest on.
      for (const event of ['startstreaming', 'endstreaming']) media.source.addEventListener(event, () => this.#tellWanted(), { signal: this.#gone.signal });
      this.#feed = new Feed({ ...media, onAppended: () => this.#onAppended(), onFault: (words) => this.#restart(words) });
    }
    this.#times.begin(frame.bytes);
    this.#fromSec = Infinity;
    this.#feed.push(frame.bytes);
    if (this.#state !== 'playing') this.#tell('waiting', '');
    this.#play();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const one of early) this.#show(one);
  }

  #show(frame: LiveFrame): void {
    if (frame.sound) this.#soundSince = undefined;
    try {
      const placed = this.#times.place(frame.bytes, { close: this.#behind });
      if (placed === undefined) return;
      if (!frame.sound) this.#moments.add(placed.atSec, frame.wallMs);
      if (!frame.sound && this.#fromSec === Infinity) this.#fromSec = placed.atSec;
      this.#feed?.push(frame.bytes, placed.offsetSec);
    } catch (error) {
      this.#restart(error instanceof Error ? error.message : '');
    }
  }

  #play(): void {
    if (this.#video.paused) void this.#video.play().catch(() => {});
  }

  #cannotShow(codec: string): void {
    this.#closeMedia();
    this.#tell('unsupported', codec);
    this.#socket?.close();
  }

  /** Something is wrong with what is shown: all of it anew. */
  #restart(words: string): void {
    if (this.#gone.signal.aborted || this.#media === undefined && words === '') return;
    this.#closeMedia();
    this.#lose(words);
  }

  #closeMedia(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.#media?.close();
    this.#media = undefined;
    this.#moments = new Moments();
  }

  #onAppended(): void {
    const last = this.#feed?.ranges.at(-1);
    const atSec = this.#video.currentTime;
    this.#leadSec = last === undefined || atSec < last[0] ? undefined : nextLead(this.#leadSec, last[1] - atSec);
    this.#stay();
  }

  #stay(): void {
    const feed = this.#feed;
    if (feed === undefined || this.#video.seeking) return;
    const { seekToSec, rate } = stayAtEdge({
      ranges: feed.ranges, atSec: this.#video.currentTime, leadSec: this.#leadSec, pictureSec: this.#times.pictureSec, cushionSec: this.#cushionSec,
      sound: this.#wantsSound && this.#init?.audio !== null,
    });
    if (seekToSec !== undefined) {
      this.#video.currentTime = seekToSec;
      this.#leadSec = undefined;
    }
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
  }

  /** Stays at the newest picture, forgets old ones, and notices what has gone silent. */
  #look(): void {
    const nowMs = performance.now();
    if (this.#socket !== undefined && nowMs - this.#heardMs > silentMsMax) return this.#lose('');
    if (this.#soundSince !== undefined && nowMs - this.#soundSince > soundWaitMs) return this.#giveSoundUp();
    this.#stay();
    const quietSec = (nowMs - this.#ranOutMs) / 1000;
    const cushionSec = nextCushion(this.#cushionSec, quietSec, false);
    if (cushionSec !== this.#cushionSec) this.#ranOutMs = nowMs;
    this.#cushionSec = cushionSec;
    const first = this.#feed?.ranges[0]?.[0];
    const atSec = this.#video.currentTime;
    if (first !== undefined && atSec - first > trimmedAtSec) this.#feed?.trim(0, atSec - keptSec);
  }

  #giveSoundUp(): void {
    this.#soundSince = undefined;
    this.#wantsSound = false;
    this.#video.muted = true;
    this.#say({ audio: false });
    this.#listener.onSound(false);
  }

  /** It ran out of pictures: they came later than it had thought. */
  #onWaiting(): void {
    if (this.#state !== 'playing' || this.#video.seeking) return;
    this.#ranOutMs = performance.now();
    this.#cushionSec = nextCushion(this.#cushionSec, 0, true);
  }

  #watchPictures(): void {
    this.#video.requestVideoFrameCallback((_now, { mediaTime, expectedDisplayTime }) => {
      if (this.#gone.signal.aborted) return;
      this.#onPicture(mediaTime, expectedDisplayTime);
      this.#watchPictures();
    });
  }

  #onPicture(atSec: number, shownMs: number): void {
    const wallMs = this.#moments.wallAt(atSec);
    if (wallMs === undefined || atSec < this.#fromSec - 0.001) return;
    this.#failures = 0;
    this.#tell('playing', '');
    const hubMs = this.#clock.at(shownMs);
    if (hubMs === undefined) return;
    this.#latencies.push(hubMs - wallMs);
    const nowMs = performance.now();
    if (nowMs - this.#latencyToldMs < latencyEveryMs) return;
    this.#latencyToldMs = nowMs;
    const inOrder = this.#latencies.toSorted((a, b) => a - b);
    this.#latencies = [];
    this.#listener.onLatency(Math.max(0, Math.round(inOrder[Math.floor(inOrder.length / 2)] ?? 0)));
  }

  #tell(state: LiveState, words: string): void {
    if (this.#gone.signal.aborted || (state === this.#state && state === 'playing')) return;
    this.#state = state;
    this.#listener.onState(state, words);
  }
}
