/**
 * Live pictures on a canvas, for a browser that has no Media Source Extensions or not this codec: MPEG-1 from the hub, decoded here in plain JavaScript.
 * Each picture is drawn when it comes; there is no sound. It comes back by itself; what it is doing it tells its listener. The only file that
 * knows the decoder's package.
 */
import { CanvasRenderer, MPEG1, TS } from '@cycjimmy/jsmpeg-player';
import type { LiveNews } from '../../api/pagecontract.ts';
import { readLiveFrame } from '../../policy/liveframe.ts';
import { jitter, nextTryMs, retried } from './edge.ts';
import type { LiveListener, LiveState } from './live.ts';
import { HubClock } from './livetimes.ts';

/** Of the picture track in a transport stream. */
const videoStream = 0xe0;
/** Room for some key frames; pictures that are late are left out by the hub. */
const bufferBytes = 2 ** 20;
const silentMsMax = 16_000;
const askTimeMs = 5000;
const lookMs = 1000;
const latencyEveryMs = 500;
/** More than wait in one message are never shown at once. */
const decodedAtOnceMax = 8;

export class PanelPlayer {
  readonly #canvas: HTMLCanvasElement;
  readonly #url: string;
  readonly #listener: LiveListener;
  readonly #gone = new AbortController();
  readonly #clock = new HubClock();
  #socket: WebSocket | undefined;
  #demuxer: TS | undefined;
  #decoder: MPEG1 | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #state: LiveState | undefined;
  #heardMs = 0;
  #latencyToldMs = 0;

  constructor(canvas: HTMLCanvasElement, url: string, listener: LiveListener) {
    this.#canvas = canvas;
    this.#url = url;
    this.#listener = listener;
    const { signal } = this.#gone;
    document.addEventListener('visibilitychange', () => { this.#say({ paused: document.hidden }); this.#connectNow(); }, { signal });
    window.addEventListener('online', () => this.#connectNow(), { signal });
    const looking = setInterval(() => { if (this.#socket !== undefined && performance.now() - this.#heardMs > silentMsMax) this.#lose(''); }, lookMs);
    const asking = setInterval(() => this.#say({ time: performance.now() }), askTimeMs);
    signal.addEventListener('abort', () => { clearInterval(looking); clearInterval(asking); });
    this.#connect();
  }

  /** There is none. */
  sound(): void {}

  close(): void {
    this.#gone.abort();
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = undefined;
    this.#clear();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    if (this.#state !== 'lost') this.#tell('connecting', '');
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#heardMs = performance.now();
    const current = (): boolean => this.#socket === socket;
    socket.addEventListener('open', () => {
      if (document.hidden) this.#say({ paused: true });
      this.#say({ time: performance.now() });
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => { if (current()) this.#hear(data); });
    socket.addEventListener('close', () => { if (current()) this.#lose(''); });
  }

  #connectNow(): void {
    if (document.hidden || this.#socket !== undefined || this.#state === 'over') return;
    this.#failures = 0;
    this.#connect();
  }

  #lose(words: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (this.#gone.signal.aborted || this.#state === 'over') return;
    this.#tell('lost', words);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), nextTryMs(this.#failures++, jitter()));
  }

  #say(word: { paused: boolean } | { time: number }): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(word));
  }

  #hear(data: string | ArrayBuffer): void {
    this.#heardMs = performance.now();
    if (typeof data === 'string') return this.#hearNews(JSON.parse(data) as LiveNews);
    const frame = readLiveFrame(data);
    if (frame !== undefined) this.#show(frame.bytes, frame.wallMs);
  }

  #hearNews(news: LiveNews): void {
    const nowMs = performance.now();
    if (news.kind === 'time') this.#clock.heard(news.asked ?? nowMs - 1000, news.hubMs, nowMs);
    else if (news.kind === 'behind') this.#listener.onBehind(news.mode === 'key frames');
    else if (news.kind === 'init') this.#begin();
    else if (news.kind === 'lost') this.#tell('lost', news.detail === '' ? news.reason : `${news.reason}: ${news.detail}`);
    else if (retried.has(news.code)) this.#lose(news.message);
    else {
      // The last picture must not stay where none may be shown.
      this.#clear();
      this.#tell('over', news.message);
    }
  }

  /** What follows begins with a key frame. */
  #begin(): void {
    this.#demuxer = new TS();
    this.#decoder = new MPEG1({ streaming: true, videoBufferSize: bufferBytes, decodeFirstFrame: false, onVideoDecode: () => this.#onPicture() });
    this.#decoder.connect(new CanvasRenderer({ canvas: this.#canvas }));
    this.#demuxer.connect(videoStream, this.#decoder);
    this.#listener.onBehind(false);
    this.#listener.onSound(false);
    if (this.#state !== 'playing') this.#tell('waiting', '');
  }

  #show(bytes: Uint8Array, wallMs: number): void {
    try {
      this.#demuxer?.write(bytes);
      let shown = 0;
      while (shown < decodedAtOnceMax && this.#decoder?.decode() === true) shown++;
      if (shown > 0) this.#tellLatency(wallMs);
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : '');
    }
  }

  #onPicture(): void {
    this.#failures = 0;
    if (this.#state !== 'playing') this.#tell('playing', '');
  }

  #tellLatency(wallMs: number): void {
    const nowMs = performance.now();
    const hubMs = this.#clock.at(nowMs);
    if (hubMs === undefined || nowMs - this.#latencyToldMs < latencyEveryMs) return;
    this.#latencyToldMs = nowMs;
    this.#listener.onLatency(Math.max(0, Math.round(hubMs - wallMs)));
  }

  #clear(): void {
    this.#demuxer = undefined;
    this.#decoder = undefined;
    // Setting its size wipes it.
    this.#canvas.width = 0;
  }

  #tell(state: LiveState, words: string): void {
    if (this.#gone.signal.aborted) return;
    this.#state = state;
    this.#listener.onState(state, words);
  }
}
