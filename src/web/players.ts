/** The real players, as the pages need them. A chunk of its own. */
import { cryptoClient } from './keys.ts';
import { LivePlayer } from './player/live.ts';
import { ReplayPlayer } from './player/replay.ts';
import type { Players } from './seams.ts';

export const realPlayers: Players = {
  live: (video, address, listener) => new LivePlayer(video, address, listener),
  replay: (video, { camera, fromMs, rows }, listener) => {
    const player = new ReplayPlayer(video, (from) => cryptoClient().play({ camera, stream: 'main', fromMs: from, timeline: rows }), listener);
    player.seek(fromMs);
    return player;
  },
};
