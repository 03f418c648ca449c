/**
 * Live pictures on a canvas, for a browser that has no Media Source Extensions or not this codec: MPEG-1 from the hub, decoded here in plain JavaScript.
 * Each picture is drawn when it comes; there is no sound. How it comes is `livelink.ts`'s. The only file that knows the decoder's package.
 */
import { CanvasRenderer, MPEG1, TS } from '@cycjimmy/jsmpeg-player';
import type { LiveFrame } from '../../policy/liveframe.ts';
import { LiveLink, type LiveListener } from './livelink.ts';

/** Of the picture track in a transport stream. */
const videoStream = 0xe0;
/** Room for some key frames; pictures that are late are left out by the hub. */
const bufferBytes = 2 ** 20;
/** More than wait in one message are never shown at once. */
const decodedAtOnceMax = 8;

export class PanelPlayer {
  readonly #canvas: HTMLCanvasElement;
  readonly #listener: LiveListener;
  readonly #link: LiveLink;
  #demuxer: TS | undefined;
  #decoder: MPEG1 | undefined;

  constructor(canvas: HTMLCanvasElement, url: string, listener: LiveListener) {
    this.#canvas = canvas;
    this.#listener = listener;
    this.#link = new LiveLink(url, listener, {
      onOpen: () => {}, onInit: () => this.#begin(), onFrame: (frame) => this.#show(frame), onBehind: (behind) => listener.onBehind(behind),
      onLost: () => {}, onOver: () => this.#clear(), held: () => false,
    });
  }

  /** There is none. */
  sound(): void {}

  close(): void {
    this.#link.close();
    this.#clear();
  }

  /** What follows begins with a key frame. */
  #begin(): void {
    this.#demuxer = new TS();
    this.#decoder = new MPEG1({ streaming: true, videoBufferSize: bufferBytes, decodeFirstFrame: false });
    this.#decoder.connect(new CanvasRenderer({ canvas: this.#canvas }));
    this.#demuxer.connect(videoStream, this.#decoder);
    this.#listener.onBehind(false);
    this.#listener.onSound(false);
    if (this.#link.state !== 'playing') this.#link.tell('waiting', '');
  }

  #show({ bytes, wallMs }: LiveFrame): void {
    try {
      this.#demuxer?.write(bytes);
      let decoded = 0;
      while (decoded < decodedAtOnceMax && this.#decoder?.decode() === true) decoded++;
      if (decoded > 0) this.#link.shown(wallMs, performance.now());
    } catch (error) {
      this.#link.lose(error instanceof Error ? error.message : '');
    }
  }

  #clear(): void {
    this.#demuxer = undefined;
    this.#decoder = undefined;
    // Setting its size wipes it.
    this.#canvas.width = 0;
  }
}
