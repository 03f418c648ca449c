/** The part of @cycjimmy/jsmpeg-player 6.1 that we use, as vite.config.ts lets it through: no player, no connection, no WebAssembly. */
declare module '@cycjimmy/jsmpeg-player' {
  /** Draws on a canvas of the picture's own size. */
  export class CanvasRenderer {
    constructor(o: { canvas: HTMLCanvasElement });
    readonly canvas: HTMLCanvasElement;
  }
  /** MPEG-1 video in plain JavaScript. */
  export class MPEG1 {
    constructor(o: { streaming: true; videoBufferSize: number; decodeFirstFrame: false });
    connect(renderer: CanvasRenderer): void;
    /** Draws the next picture; false where none has come whole. */
    decode(): boolean;
  }
  /** Takes a transport stream apart. */
  export class TS {
    connect(streamId: number, decoder: MPEG1): void;
    write(bytes: Uint8Array): void;
  }
}
