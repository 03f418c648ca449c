/**
 * The way of live pictures from the hub to a player, whatever it shows them with: a WebSocket that comes back by itself, what is said on it, the
 * hub's clock, and what the listener is told. A player brings what becomes of the pictures.
 */
import type { LiveNews } from '../../api/pagecontract.ts';
import { readLiveFrame, type LiveFrame } from '../../policy/liveframe.ts';
import { jitter, nextTryMs, retried } from './edge.ts';
import { HubClock } from './livetimes.ts';

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

export type LiveInit = Extract<LiveNews, { kind: 'init' }>;

/** What a player does with what comes. */
export interface LiveEnd {
  /** Before anything else is said on a new connection. */
  onOpen(): void;
  /** What the pictures that follow are. */
  onInit(init: LiveInit): void;
  onFrame(frame: LiveFrame): void;
  onBehind(keyFramesOnly: boolean): void;
  /** No newer pictures come for now; the last one may stay. */
  onLost(): void;
  /** None may be shown any more. */
  onOver(): void;
  /** Whether it wants no pictures now, though the page is looked at. */
  held(): boolean;
}

const askTimeMs = 5000;
const silentMsMax = 16_000;
const lookMs = 200;
const latencyEveryMs = 500;

export class LiveLink {
  readonly #url: string;
  readonly #listener: LiveListener;
  readonly #end: LiveEnd;
  readonly #gone = new AbortController();
  readonly #clock = new HubClock();
  #socket: WebSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #state: LiveState | undefined;
  #heardMs = 0;
  /** The hub was told so. */
  #paused = false;
  #latencies: number[] = [];
  #latencyToldMs = 0;

  constructor(url: string, listener: LiveListener, end: LiveEnd) {
    this.#url = url;
    this.#listener = listener;
    this.#end = end;
    const { signal } = this.#gone;
    document.addEventListener('visibilitychange', () => this.#tellVisible(), { signal });
    window.addEventListener('online', () => this.#connectNow(), { signal });
    const looking = setInterval(() => this.#look(), lookMs);
    const asking = setInterval(() => this.#askTime(), askTimeMs);
    signal.addEventListener('abort', () => { clearInterval(looking); clearInterval(asking); });
    this.#connect();
  }

  /** For ever. */
  close(): void {
    this.#gone.abort();
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Aborted when it is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get state(): LiveState | undefined {
    return this.#state;
  }

  say(word: { audio: boolean } | { paused: boolean } | { time: number }): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(word));
  }

  /** The hub sends nothing while nobody looks, or the player wants nothing. */
  tellWanted(): void {
    const paused = document.hidden || this.#end.held();
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.say({ paused });
  }

  tell(state: LiveState, words: string): void {
    if (this.#gone.signal.aborted || (state === this.#state && state === 'playing')) return;
    this.#state = state;
    this.#listener.onState(state, words);
  }

  /** A picture is on the screen since, or from, `shownMs` of this page's clock, which came to the hub at `wallMs` of the hub's. */
  shown(wallMs: number, shownMs: number): void {
    this.#failures = 0;
    this.tell('playing', '');
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

  /** The connection is gone, or is given up; it is tried again, unless there is nothing to come back for. */
  lose(words: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (this.#gone.signal.aborted || this.#ended) return;
    this.#end.onLost();
    if (this.#state !== 'lost' || words !== '') this.tell('lost', words);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), nextTryMs(this.#failures++, jitter()));
  }

  get #ended(): boolean {
    return this.#state === 'over' || this.#state === 'unsupported';
  }

  #connect(): void {
    if (this.#gone.signal.aborted) return;
    clearTimeout(this.#retry);
    if (this.#state !== 'lost') this.tell('connecting', '');
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#heardMs = performance.now();
    const current = (): boolean => this.#socket === socket;
    socket.addEventListener('open', () => {
      if (!current()) return;
      this.#end.onOpen();
      this.#paused = false;
      this.tellWanted();
      this.#askTime();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => { if (current()) this.#hear(data); });
    socket.addEventListener('close', () => { if (current()) this.lose(''); });
  }

  #connectNow(): void {
    if (this.#socket !== undefined || this.#ended) return;
    this.#failures = 0;
    this.#connect();
  }

  #tellVisible(): void {
    this.tellWanted();
    if (!document.hidden) this.#connectNow();
  }

  #askTime(): void {
    this.say({ time: performance.now() });
  }

  /** Notices what has gone silent. */
  #look(): void {
    if (this.#socket !== undefined && performance.now() - this.#heardMs > silentMsMax) this.lose('');
  }

  #hear(data: string | ArrayBuffer): void {
    this.#heardMs = performance.now();
    if (typeof data === 'string') return this.#hearNews(JSON.parse(data) as LiveNews);
    const frame = readLiveFrame(data);
    if (frame !== undefined) this.#end.onFrame(frame);
  }

  #hearNews(news: LiveNews): void {
    if (news.kind === 'init') this.#end.onInit(news);
    else if (news.kind === 'time') {
      const nowMs = performance.now();
      // The first comes unasked: it says at least how late it is at most.
      this.#clock.heard(news.asked ?? nowMs - 1000, news.hubMs, nowMs);
    } else if (news.kind === 'behind') this.#end.onBehind(news.mode === 'key frames');
    else if (news.kind === 'lost') {
      this.#end.onLost();
      this.tell('lost', news.detail === '' ? news.reason : `${news.reason}: ${news.detail}`);
    } else if (retried.has(news.code)) this.lose(news.message);
    else {
      // The last picture must not stay where none may be shown.
      this.#end.onOver();
      this.tell('over', news.message);
    }
  }
}
