/** The camera with the counter as the hub has it: captured once, and shown live to whoever asks. */
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { StreamCapture } from '../../src/capture/stream.ts';
import { LiveDuty } from '../../src/duties/live.ts';
import { fps, loopSeconds, startCounterCamera, type CounterCamera } from './countercamera.ts';

export interface CounterLive extends CounterCamera {
  readonly capture: StreamCapture;
  readonly live: LiveDuty;
}

export async function startCounterLive(folder: string): Promise<CounterLive> {
  const camera = await startCounterCamera(folder);
  const capture = new StreamCapture({ camera: 'front', stream: 'main', url: async () => new Secret(camera.url), audio: 'drop', hevc: false, ffmpeg: 'ffmpeg', clock: systemClock, log: silentLog, random: Math.random });
  capture.start();
  const live = new LiveDuty({
    cameras: () => [{ status: { camera: 'front', privacy: false, state: '' } as never, lend: async () => ({ stream: 'main', capture, release: () => {} }) }], clock: systemClock, log: silentLog, isPrivate: () => false,
  });
  return {
    ...camera, capture, live,
    close: async () => {
      await live.close();
      await capture.stop();
      await camera.close();
    },
  };
}

/** How long ago the newest picture of that number was sent. */
export function latenessOf(number: number, atMs: number, sent: ReadonlyMap<number, number>): number[] {
  const times = [...sent].filter(([n, sentMs]) => n % (fps * loopSeconds) === number && sentMs <= atMs + 1).map(([, sentMs]) => sentMs);
  return times.length === 0 ? [] : [atMs - Math.max(...times)];
}
