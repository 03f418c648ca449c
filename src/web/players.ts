/** The real players, as the pages need them. A chunk of its own. */
import { cryptoClient } from './keys.ts';
import { LivePlayer } from './player/live.ts';
import { ReplayPlayer } from './player/replay.ts';
import type { Players } from './seams.ts';

export const realPlayers: Players = {
  live: (video, address, listener) => new LivePlayer(video, address, listener),
  replay: (video, { camera, rows }, listener) => new ReplayPlayer(
    video,
    (fromMs, { keyFramesOnly, signal }) => until(signal, cryptoClient().play({ camera, stream: 'main', fromMs, timeline: rows(), keyFramesOnly })),
    listener,
  ),
};

/** Ending the loop is what stops the worker's fetching. */
async function* until<T>(signal: AbortSignal, pieces: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const piece of pieces) {
    if (signal.aborted) return;
    yield piece;
  }
}
