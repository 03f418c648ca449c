/** What a thumbnail costs: CPU of the jailed decoder for one key frame, by codec and size, and its share of a core with a segment a minute. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import type { Fragment, Init } from '../../src/capture/media.ts';
import { Stills } from '../../src/capture/still.ts';
import { streamOf, take } from '../capture/clips.ts';
import { benchOptions, figure, inFolder, inTurn, median, report, type Figure } from './measure.ts';

const options = benchOptions({ runs: 9, smokeRuns: 3, seconds: 1, smokeSeconds: 1 });
const atOnce = options.smoke ? 3 : 10;
const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });

interface Kind { readonly name: string; readonly size: string; readonly hevc: boolean; readonly crf: number }

/** Grain that compresses as that of a camera does; the key frames' bytes are told beside. */
const kinds: readonly Kind[] = [
  { name: '640x360 H.264 (a sub stream)', size: '640x360', hevc: false, crf: 26 },
  { name: '1920x1080 H.264', size: '1920x1080', hevc: false, crf: 26 },
  { name: '1920x1080 H.265', size: '1920x1080', hevc: true, crf: 28 },
  { name: '3840x2160 H.264', size: '3840x2160', hevc: false, crf: 26 },
  { name: '3840x2160 H.265', size: '3840x2160', hevc: true, crf: 28 },
];

/** CPU of the children that this process has waited for; the kernel counts in steps of 10 ms. */
function childrenCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').replace(/^.*\) /, '').split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** Per deed, in ms. */
async function cpuOf(deed: () => Promise<unknown>): Promise<number> {
  const before = childrenCpuMs();
  for (let n = 0; n < atOnce; n++) await deed();
  return (childrenCpuMs() - before) / atOnce;
}

async function firstOf(folder: string, { size, hevc, crf }: Kind): Promise<{ init: Init; keyFrame: Buffer }> {
  const clip = join(folder, `${size}-${hevc}.mp4`);
  const codec = hevc ? ['-c:v', 'libx265', '-x265-params', 'log-level=none:bframes=0', '-tag:v', 'hvc1'] : ['-c:v', 'libx264', '-bf', '0'];
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=5:d=0.4,noise=alls=20:allf=t+u,gblur=sigma=1`, ...codec, '-preset', 'veryfast', '-crf', String(crf), clip], { timeoutMs: 120_000 });
  if (made.status !== 0) throw new Error(made.stderr);
  const { inits, fragments } = take(await streamOf(clip, { audio: 'drop', hevc, richProbe: false }));
  return { init: inits[0] as Init, keyFrame: (fragments[0] as Fragment).bytes };
}

await inFolder(options, async (folder) => {
  const stills = new Stills({ clock: systemClock, log: silentLog });
  const notes: string[] = [];
  const make = async (first: { init: Init; keyFrame: Buffer }): Promise<number> => {
    const still = stills.order({ camera: 'bench', stream: 'main', ...first, ffmpeg: 'ffmpeg', jail });
    const begunMs = performance.now();
    while (still.jpeg === undefined) {
      if (performance.now() - begunMs > 20_000) throw new Error('no picture came');
      await systemClock.sleep(2);
    }
    const bytes = still.jpeg.length;
    still.close();
    return bytes;
  };
  const contenders = new Map<string, () => Promise<number>>([['start', () => cpuOf(() => jail.run('ffmpeg', ['-version']))]]);
  for (const kind of kinds) {
    const first = await firstOf(folder, kind);
    notes.push(`${kind.name}: key frame of ${Math.round(first.keyFrame.length / 1000)} kB, thumbnail of ${((await make(first)) / 1000).toFixed(1)} kB`);
    contenders.set(kind.name, () => cpuOf(() => make(first)));
  }
  const values = await inTurn(options.runs, contenders);
  const of = (name: string): number[] => values.get(name) ?? [];
  const figures: Figure[] = [figure('CPU of starting ffmpeg in the jail', 'ms', of('start'))];
  for (const { name } of kinds) {
    figures.push(figure(`CPU of a thumbnail, ${name}`, 'ms', of(name), { peer: 'the start alone', values: of('start') }));
    notes.push(`${name}: with a segment a minute ${(median(of(name)) / 600).toFixed(2)} % of a core`);
  }
  report('thumbnails', figures, options, notes);
  await stills.close();
});
