/** The part of node-rtsp-stream 0.0.9 that we use: its muxer, which starts ffmpeg for MPEG-1; never its server. */
declare module 'node-rtsp-stream/mpeg1muxer.js' {
  import type { Readable, Writable } from 'node:stream';

  interface Started {
    readonly pid?: number;
    readonly stdin: Writable;
    readonly stdout: Readable;
    readonly stderr: Readable;
    kill(signal: string): boolean;
    on(event: 'error', listener: (error: Error) => void): unknown;
    once(event: 'close', listener: () => void): unknown;
  }
  /** An EventEmitter: `mpeg1data` and `ffmpegStderr` bring Buffers. */
  export default class Mpeg1Muxer {
    /** Starts `ffmpegPath -i URL -f mpegts -codec:v mpeg1video OPTIONS… -` with standard input open, in the hub's own environment. An option of '' is a word alone. */
    constructor(o: { readonly url: string; readonly ffmpegPath: string; readonly ffmpegOptions: Readonly<Record<string, string>> });
    readonly stream: Started;
    on(event: 'mpeg1data' | 'ffmpegStderr', listener: (bytes: Buffer) => void): unknown;
  }
}
