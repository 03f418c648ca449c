/**
 * CPU of looking for motion at one camera, of a core: one ffmpeg fed through its standard input in bursts of a second and the hub's motion on what it
 * gives, as the hub does it; against ffmpeg decoding the same stream alone, fed in the same way; and Debian's `motion` on the same clip where it is installed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { launch, run, type Child } from '../../src/base/spawn.ts';
import { Motion } from '../../src/detect/motion.ts';
import { motionHeight, motionWidth } from '../../src/policy/motionpicture.ts';
import { missing, walkClip } from '../detect/pictures.ts';
import { benchOptions, figure, inFolder, inTurn, report, usageOf } from './measure.ts';

const options = benchOptions({ runs: 5, smokeRuns: 1, seconds: 60, smokeSeconds: 5 });
const fps = 5;
const size = motionWidth * motionHeight;
/** Starting is not counted, nor what is slow until it was compiled: a camera is watched for months. */
const warmUpSeconds = options.smoke ? 1 : 10;
const core = 100 / (options.seconds - warmUpSeconds);

const source = missing(walkClip) === false ? ['-stream_loop', '-1', '-i', walkClip] : ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=5,noise=alls=6:allf=t'];
const notes = missing(walkClip) === false ? [] : ['the real clip is not there: a generated one was used'];

/** A sub stream as cameras send it: 640x360, 5 pictures a second, 400 kbit/s, a key frame each 2 s; by second. */
async function streamOf(folder: string): Promise<{ file: string; seconds: Buffer[] }> {
  const file = join(folder, 'sub.h264');
  const made = await run('ffmpeg', ['-v', 'error', '-y', ...source, '-t', String(options.seconds), '-an', '-vf', `fps=${fps},scale=640:360,noise=alls=4:allf=t`, '-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-g', '10', '-keyint_min', '10', '-b:v', '400k', '-f', 'h264', file], { timeoutMs: 240_000 });
  if (made.status !== 0) throw new Error(made.stderr);
  const bytes = await readFile(file);
  const part = Math.ceil(bytes.length / options.seconds);
  return { file, seconds: Array.from({ length: options.seconds }, (_, second) => bytes.subarray(second * part, (second + 1) * part)) };
}

/** In % of a core, once it has warmed up. */
interface Cost { readonly program: number; readonly own: number }

/** Feeds a second's bytes each second. */
async function fed(seconds: readonly Buffer[], output: readonly string[], onBytes: (bytes: Buffer) => void): Promise<Cost> {
  const child: Child = await launch('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-threads', '1', '-f', 'h264', '-i', 'pipe:0', ...output], { input: 'pipe' });
  child.readOutput(onBytes);
  const cost = await costOf(child, (second) => void child.stdin?.write(seconds[second] as Buffer));
  child.stdin?.end();
  await child.exited;
  return cost;
}

/** Looks twice: looking costs this process more than what is measured. */
async function costOf(child: Child, eachSecond: (second: number) => void): Promise<Cost> {
  let program = 0, own = process.cpuUsage();
  for (let second = 0; second < options.seconds; second++) {
    if (second === warmUpSeconds) {
      program = usageOf([child.pid]).cpuSeconds;
      own = process.cpuUsage();
    }
    eachSecond(second);
    await delay(1000);
  }
  const { user, system } = process.cpuUsage(own);
  return { program: (usageOf([child.pid]).cpuSeconds - program) * core, own: ((user + system) / 1e6) * core };
}

await inFolder(options, async (folder) => {
  const { file, seconds } = await streamOf(folder);
  const own: number[] = [];
  const contenders = new Map<string, () => Promise<number>>([
    ['decode', async () => (await fed(seconds, ['-f', 'null', '-'], () => {})).program],
    ['motion', async () => {
      const motion = new Motion(), frame = Buffer.alloc(size);
      let at = 0, index = 0;
      const cost = await fed(seconds, ['-vf', `scale=${motionWidth}:${motionHeight}:flags=area,format=gray`, '-f', 'rawvideo', 'pipe:1'], (bytes) => {
        for (let from = 0; from < bytes.length;) {
          const taken = bytes.copy(frame, at, from, Math.min(bytes.length, from + size - at));
          from += taken;
          at += taken;
          if (at < size) continue;
          at = 0;
          motion.frame(frame, index++ * (1000 / fps));
        }
      });
      own.push(cost.own);
      return cost.program + cost.own;
    }],
  ]);
  const peer = await motionProgram(folder, file);
  if (peer === undefined) notes.push('Debian\'s motion is not installed: apt-get install motion');
  else contenders.set('peer', peer);
  const values = await inTurn(options.runs, contenders);
  const decode = values.get('decode') as number[], ours = values.get('motion') as number[], others = values.get('peer');
  report('CPU of motion per camera, 640x360 at 5 pictures a second, fed by the second', [
    figure('ffmpeg decodes alone', '% of a core', decode),
    figure('decoding and motion, all of it', '% of a core', ours, { peer: 'decoding alone', values: decode, aim: 'at most 1.2 % of a core' }),
    figure('of it in the hub: pipe and motion', '% of a core', own),
    ...(others === undefined ? [] : [figure('Debian\'s motion on the same clip', '% of a core', others, { peer: 'ours', values: ours })]),
  ], options, notes);
});

/** It reads the clip at its own pace as it would a camera, 5 pictures a second, and stores nothing. */
async function motionProgram(folder: string, file: string): Promise<(() => Promise<number>) | undefined> {
  if ((await run('sh', ['-c', 'command -v motion'])).status !== 0) return undefined;
  const clip = join(folder, 'peer.mkv'), config = join(folder, 'motion.conf');
  await run('ffmpeg', ['-v', 'error', '-y', '-r', String(fps), '-f', 'h264', '-i', file, '-c', 'copy', clip]);
  await writeFile(config, [
    'daemon off', `log_file ${join(folder, 'motion.log')}`, `target_dir ${folder}`, `netcam_url file://${clip}`, 'width 640', 'height 360', `framerate ${fps}`, 'picture_output off', 'movie_output off', 'webcontrol_port 0', 'stream_port 0', '',
  ].join('\n'));
  return async () => {
    const child = await launch('motion', ['-n', '-c', config], { folder, input: 'pipe' });
    child.stdout.resume();
    const { program } = await costOf(child, () => {});
    child.kill('SIGKILL');
    await child.exited;
    return program;
  };
}
