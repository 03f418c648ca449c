/** The real players, as the pages need them. A chunk of its own. */
import type { FootagePiece } from './crypto/footage.ts';
import { cryptoClient } from './keys.ts';
import { LivePlayer } from './player/live.ts';
import { ReplayPlayer } from './player/replay.ts';
import type { Players } from './seams.ts';
import { say } from './strings.ts';

export const realPlayers: Players = {
  live: (video, address, listener) => new LivePlayer(video, address, listener),
  replay: (video, { camera, rows }, listener) => new ReplayPlayer(
    video,
    (fromMs, { keyFramesOnly, signal }) => until(signal, cryptoClient().play({ camera, stream: 'main', fromMs, timeline: rows(), keyFramesOnly })),
    listener,
  ),
};

/** Ending the loop is what stops the worker's fetching. */
async function* until(signal: AbortSignal, pieces: AsyncIterable<FootagePiece>): AsyncGenerator<FootagePiece> {
  for await (const piece of pieces) {
    if (signal.aborted) return;
    // What was recorded before somebody joined is no fault.
    if (piece.kind === 'problem' && piece.error.code === 'SP_WRONG_IDENTITY') yield { ...piece, error: Object.assign(piece.error, { message: say.timeline.notForYou }) };
    else yield piece;
  }
}
