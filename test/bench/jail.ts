/** What the jail costs: CPU of starting ffmpeg, and of copying an hour of pictures through it, against the same ffmpeg without. */
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { jailLauncher } from '../../src/capture/jail.ts';
import { fileArguments } from '../capture/clips.ts';
import { benchClip, benchOptions, figure, inFolder, inTurn, report } from './measure.ts';

const options = benchOptions({ runs: 9, smokeRuns: 3, seconds: 1, smokeSeconds: 1 });
const starts = options.smoke ? 5 : 20;
const loops = options.smoke ? 4 : 30;

/** CPU milliseconds, user and system, of everything that the line of shell starts; the kernel counts them in steps of 10 ms. */
async function cpuMs(line: string, args: readonly string[]): Promise<number> {
  const { status, stdout, stderr } = await run('bash', ['-c', `TIMEFORMAT='cpu %U %S'; { time { ${line}; } ; } 2>&1`, 'bash', ...args], { timeoutMs: 600_000 });
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(stdout.toString()) ?? [];
  if (status !== 0 || user === undefined) throw new Error(`${stderr}${stdout.toString()}`);
  return (Number(user) + Number(system)) * 1000;
}

await inFolder(options, async (folder) => {
  const clip = await benchClip(20);
  const long = join(folder, 'long.mkv');
  const made = await run('ffmpeg', ['-v', 'error', '-stream_loop', String(loops - 1), '-i', clip, '-map', '0:v', '-c', 'copy', long], { timeoutMs: 300_000 });
  if (made.status !== 0) throw new Error(made.stderr);
  const jail = [jailLauncher, '--need', 'files', '--port', '554', '--'];
  const copy = ['ffmpeg', ...fileArguments('pipe:0', { audio: 'drop', hevc: false, richProbe: false })];
  const start = (words: readonly string[]): Promise<number> => cpuMs(`for turn in {1..${starts}}; do "$@" | cat >/dev/null; done`, [...words, 'ffmpeg', '-version']);
  const stream = (words: readonly string[]): Promise<number> => cpuMs(`"$@" <${long} 2>/dev/null | cat >/dev/null`, [...words, ...copy]);
  const values = await inTurn(options.runs, new Map([
    ['start', () => start([])], ['start in the jail', () => start(jail)], ['copy', () => stream([])], ['copy in the jail', () => stream(jail)],
  ]));
  const of = (name: string): number[] => values.get(name) ?? [];
  report('jail', [
    figure(`CPU of ${starts} starts of ffmpeg`, 'ms', of('start')),
    figure('the same in the jail', 'ms', of('start in the jail'), { peer: 'without', values: of('start'), aim: '<= 1.05' }),
    figure(`CPU of copying ${loops * 20} s of pictures`, 'ms', of('copy')),
    figure('the same in the jail', 'ms', of('copy in the jail'), { peer: 'without', values: of('copy'), aim: '<= 1.05' }),
  ], options);
});
