/**
 * What it costs to look at a camera's pictures: the decoder of small grey pictures fed in bursts of a second, against the same decoder fed picture by
 * picture, on the same stream at the same time; and the hub's own share, motion included. Usage: scripts/node test/bench/frames.ts [--smoke]
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { Frames } from '../../src/capture/frames.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { StreamCapture } from '../../src/capture/stream.ts';
import { Motion } from '../../src/detect/motion.ts';
import { Emulator } from '../../src/emulator/emulator.ts';

const seconds = process.argv.includes('--smoke') ? 5 : 60;
const emulator = await Emulator.start({ cameras: 1, firstAddress: `127.${randomInt(10, 250)}.${randomInt(10, 250)}.2`, log: silentLog, discovery: false, seconds: 20 });
const camera = emulator.cameras[0]!;
const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
const capture = new StreamCapture({
  camera: 'front', stream: 'sub', url: async () => new Secret(`rtsp://${camera.user}:${camera.password}@${camera.address}:${camera.rtspPort}/sub`),
  audio: 'drop', hevc: false, ffmpeg: 'ffmpeg', jail, clock: systemClock, log: silentLog, random: Math.random,
});
capture.start();
let motionMs = 0;
const make = (burstMs: number): Frames => {
  const motion = new Motion();
  return new Frames({
    camera: 'front', capture, ffmpeg: 'ffmpeg', jail, clock: systemClock, log: silentLog, random: Math.random, burstMs,
    onFrame: ({ gray, monotonicMs }) => {
      const from = process.cpuUsage();
      motion.frame(gray, monotonicMs);
      const used = process.cpuUsage(from);
      if (burstMs > 0) motionMs += (used.user + used.system) / 1000;
    },
  });
};
const [bursts, single] = [make(1000), make(0)];
bursts.start();
single.start();
while (bursts.state.frames < 10 || single.state.frames < 10) await systemClock.sleep(100);
const before = await Promise.all([bursts, single].map((frames) => cpuMs(frames.pid)));
const framesBefore = bursts.state.frames;
const motionBefore = motionMs;
await systemClock.sleep(seconds * 1000);
const after = await Promise.all([bursts, single].map((frames) => cpuMs(frames.pid)));
const percent = (ms: number): number => Math.round((ms / (seconds * 1000)) * 10_000) / 100;
const [inBursts, one] = [0, 1].map((index) => percent((after[index] ?? 0) - (before[index] ?? 0))) as [number, number];
console.log(JSON.stringify({
  seconds, framesPerSecond: Math.round(((bursts.state.frames - framesBefore) / seconds) * 10) / 10, decoderInBurstsPercent: inBursts, decoderPictureByPicturePercent: one, ratio: Math.round((inBursts / one) * 100) / 100,
  motionPercent: percent(motionMs - motionBefore), residentMiB: await residentMib(bursts.pid),
}));
await Promise.all([bursts.close(), single.close()]);
await capture.stop();
await emulator.close();

/** User and system time of a process; the kernel counts in hundredths of a second. */
async function cpuMs(pid: number | undefined): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function residentMib(pid: number | undefined): Promise<number> {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}
