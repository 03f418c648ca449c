/** A camera that burns the number of each picture into it, in a thread of its own, which tells when each was sent. 640x360 at 15 pictures a second, a key frame a second. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Emulator } from '../../src/emulator/emulator.ts';

export const fps = 15;
export const loopSeconds = 20;
export const bits = 9;

export interface CounterCamera {
  readonly url: string;
  readonly clip: string;
  /** By the number of the picture since the camera began; it stands in the picture modulo the loop's length. */
  readonly sent: ReadonlyMap<number, number>;
  close(): Promise<unknown>;
}

export async function startCounterCamera(folder: string): Promise<CounterCamera> {
  const clip = join(folder, 'counter.mp4');
  await makeClip(clip);
  const worker = new Worker(new URL(import.meta.url), { workerData: { counter: true, clip, folder: join(folder, 'scenes') } });
  const sent = new Map<number, number>();
  const url = await new Promise<string>((resolve, reject) => {
    worker.on('message', (message: string | [number, number]) => {
      if (typeof message === 'string') resolve(message);
      else sent.set(...message);
    });
    worker.once('error', reject);
  });
  return { url, clip, sent, close: () => worker.terminate() };
}

/** The thread of the camera; tells when each picture was sent. */
async function emulate({ clip, folder }: { clip: string; folder: string }): Promise<void> {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: `127.${randomInt(10, 251)}.${randomInt(10, 251)}.2`, clip, folder, seconds: loopSeconds, discovery: false, log: silentLog });
  const camera = emulator.cameras[0]!;
  parentPort?.postMessage(`rtsp://${camera.user}:${camera.password}@${camera.address}:${camera.rtspPort}/main`);
  let seen = camera.nextPicture;
  setInterval(() => {
    for (; seen < camera.nextPicture; seen++) parentPort?.postMessage([seen, Date.now()]);
  }, 1);
}

/** The number of a picture within the loop as white and black squares along its upper edge, over something that moves. */
async function makeClip(file: string): Promise<void> {
  const squares = Array.from({ length: bits }, (_, bit) => [
    `drawbox=x=${bit * 32}:y=0:w=32:h=32:color=black:t=fill`, `drawbox=x=${bit * 32}:y=0:w=32:h=32:color=white:t=fill:enable='mod(floor(n/${2 ** bit})\\,2)'`,
  ]).flat();
  const made = await run('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=640x360:r=${fps}:d=${loopSeconds}`, '-vf', squares.join(','), '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-bf', '0',
    '-g', String(fps), '-keyint_min', String(fps), '-sc_threshold', '0', '-b:v', '800k', '-maxrate', '800k', '-bufsize', '800k', '-video_track_timescale', '90000', file,
  ], { timeoutMs: 120_000 });
  if (made.status !== 0) throw new Error(made.stderr);
}

if (!isMainThread && (workerData as { counter?: boolean } | null)?.counter === true) await emulate(workerData as { clip: string; folder: string });
