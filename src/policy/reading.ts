/** How often the output of a stream's ffmpeg is read while nobody watches: seldom, because each reading wakes the hub, but before the pipe is full. */

export interface Reading {
  readonly everyMs: number;
  /** Readings in a row that found the pipe half empty or more. */
  readonly calm: number;
}

/** What Linux lets wait in the pipe between two processes (net.core.wmem_default). ffmpeg stands still while it is full, and the camera's data wait in the network's buffer. */
export const pipeBytes = 212_992;
export const readEveryMsMax = 250;
export const readEveryMsMin = readEveryMsMax / 8;
/** So many calm readings, and the next are half as many: key frames come every few seconds, and each is as large as many pictures. */
const calmReadings = 32;

/** `bytes` is what the reading found. A stream of any rate comes through: at the shortest time between readings the pipe carries 50 Mbit/s, and what is more waits for no time at all. */
export function nextReading({ everyMs, calm }: Reading, bytes: number, everyMsMax: number): Reading {
  if (bytes >= pipeBytes * 0.9) return { everyMs: Math.max(Math.min(readEveryMsMin, everyMsMax), everyMs / 2), calm: 0 };
  if (bytes > pipeBytes / 2 || everyMs * 2 > everyMsMax) return { everyMs, calm: 0 };
  return calm + 1 < calmReadings ? { everyMs, calm: calm + 1 } : { everyMs: everyMs * 2, calm: 0 };
}
