/** How a fragment goes over the live WebSocket: 12 bytes before it. Written by the hub, read by the page; api/pagecontract.ts tells the protocol. */

export const liveFlags = { keyFrame: 1, init: 2, sound: 4 } as const;
export const liveHeaderBytes = 12;

export interface LiveFrame {
  readonly keyFrame: boolean;
  /** `ftyp` and `moov`. */
  readonly init: boolean;
  readonly sound: boolean;
  /** When it arrived at the hub, by the hub's clock. */
  readonly wallMs: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function liveHeader(flags: number, wallMs: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(liveHeaderBytes);
  const view = new DataView(header.buffer);
  view.setUint8(0, flags);
  view.setFloat64(4, wallMs);
  return header;
}

/** Undefined where it is none. */
export function readLiveFrame(message: ArrayBuffer): LiveFrame | undefined {
  if (message.byteLength <= liveHeaderBytes) return undefined;
  const view = new DataView(message);
  const flags = view.getUint8(0);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return { keyFrame: has(liveFlags.keyFrame), init: has(liveFlags.init), sound: has(liveFlags.sound), wallMs: view.getFloat64(4), bytes: new Uint8Array(message, liveHeaderBytes) };
}
