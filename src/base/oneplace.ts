/** Reads a pipe into one piece of memory that is wiped each time, so that nothing of what came stays behind in this process. */
import type { Readable } from 'node:stream';

/** The kernel is asked for so much at a time, which is more than it holds (208 KiB by default); less is all there was. */
export const readBytesMax = 2 ** 18;

export interface ReadHandle {
  readStart(): number;
  readStop(): number;
  /** Reads into this memory from now on, and calls `onread` with nothing. */
  useUserBuffer(memory: Buffer): void;
  onread: (this: ReadHandle, memory?: ArrayBuffer) => unknown;
  /** Since it was opened. */
  readonly bytesRead: number;
}

/** What Node's stream reads from, while it is open. Node keeps it under this name and documents no other way to stop a reading at once. */
export function readHandleOf(stream: Readable): () => ReadHandle | undefined {
  return () => (stream as { _handle?: ReadHandle | null })._handle ?? undefined;
}

let memoryOfAll: Buffer | undefined;

/**
 * Node reads into 64 KiB of fresh memory each time, copies what came into memory of that size, and leaves both as they are to the
 * allocator. The sockets that it lets us make can read into memory of ours (`onread`), pipes of programs and standard input cannot, so
 * this is done on the handle below, as `net.Socket` does it. The end and errors go Node's way. What was read is wiped when `onBytes` returns.
 */
export function readInOnePlace(stream: Readable, onBytes: (bytes: Buffer) => void): void {
  // What was read before, if anything, and the end.
  stream.on('data', (early: Buffer) => {
    onBytes(early);
    early.fill(0);
  });
  const handle = readHandleOf(stream)();
  if (handle === undefined) return;
  const memory = memoryOfAll ??= Buffer.allocUnsafeSlow(readBytesMax);
  const onEnd = handle.onread;
  let before = handle.bytesRead;
  handle.useUserBuffer(memory);
  handle.onread = function (nothing) {
    const bytes = handle.bytesRead - before;
    if (bytes === 0) return onEnd.call(handle, nothing);
    before += bytes;
    const read = memory.subarray(0, bytes);
    onBytes(read);
    read.fill(0);
    return undefined;
  };
}
