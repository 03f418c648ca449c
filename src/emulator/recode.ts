/** A scene's pictures in another codec or with other key frames, made by ffmpeg once and kept beside the scene. */
import { createHash, randomBytes } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../base/spawn.ts';
import type { WantedVideo } from './face.ts';

const makingMax = { timeoutMs: 300_000, stdoutBytesMax: 2 ** 20 };

/** The file's path. Rejects when ffmpeg cannot make it. */
export async function recodeScene(ffmpeg: string, scene: string, wanted: WantedVideo & { readonly kbps: number }): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify([scene, wanted])).digest('hex').slice(0, 16);
  const made = join(dirname(scene), `recoded-${key}.mp4`);
  if (await stat(made).then(() => true, () => false)) return made;
  const part = join(dirname(scene), `recoded-${key}-${randomBytes(4).toString('hex')}.part.mp4`);
  const rate = ['-b:v', `${wanted.kbps}k`, '-maxrate', `${wanted.kbps}k`, '-bufsize', `${wanted.kbps}k`];
  const codec = wanted.codec === 'h264'
    ? ['-c:v', 'libx264', '-g', String(wanted.gop), '-keyint_min', String(wanted.gop), '-sc_threshold', '0', '-bf', '0']
    : ['-c:v', 'libx265', '-tag:v', 'hvc1', '-x265-params', `keyint=${wanted.gop}:min-keyint=${wanted.gop}:scenecut=0:bframes=0:open-gop=0:info=0:pools=2:frame-threads=1:log-level=error`];
  try {
    const done = await run(ffmpeg, ['-nostdin', '-v', 'error', '-i', scene, '-map', '0:v:0', ...codec, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-threads', '2', '-video_track_timescale', '90000', ...rate, '-y', part], { ...makingMax, package: 'ffmpeg' });
    if (done.status !== 0) throw new Error(done.stderr.slice(0, 500));
    await rename(part, made);
    return made;
  } finally {
    await rm(part, { force: true });
  }
}
