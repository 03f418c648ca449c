/**
 * How long a newcomer waits: from the start of `scripts/demo --once` in a fresh clone of the committed state, packages and scenes not
 * made yet, npm's cache warm, to the line about the first sealed segment. Needs minutes, and npm; not part of `smoke`.
 */
import { join, resolve } from 'node:path';
import { launch, run } from '../../src/base/spawn.ts';
import { benchOptions, figure, inFolder, report } from './measure.ts';

const options = benchOptions({ runs: 5, smokeRuns: 1, seconds: 1, smokeSeconds: 1 });
const project = resolve(import.meta.dirname, '../..');
const [installed, sealed, whole]: number[][] = [[], [], []];

for (let round = 0; round < options.runs; round++) await inFolder(options, story);
report('A newcomer\'s first sealed segment', [
  figure('from the start to the first step of the story', 's', installed ?? []),
  figure('from the start to the first sealed segment', 's', sealed ?? []),
  figure('the whole story', 's', whole ?? []),
], options, ['`git clone` is not counted; setting up (npm ci from a warm cache) and making the scenes are.']);

async function story(folder: string): Promise<void> {
  const clone = join(folder, 'clone');
  const cloned = await run('git', ['clone', '--quiet', '--no-hardlinks', project, clone]);
  if (cloned.status !== 0) throw new Error(`git clone: ${cloned.stderr}`);
  const begun = performance.now();
  const complaints: string[] = [];
  const child = await launch(join(clone, 'scripts/demo'), ['--once'], {
    folder: clone, environment: { HOME: process.env['HOME'] ?? '/', TMPDIR: folder }, onErrorLine: (line) => complaints.push(line),
  });
  let storyBegunMs = NaN;
  let toFirstMs = NaN;
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (part: string) => {
    text += part;
    if (Number.isNaN(storyBegunMs) && /^ 1\. /m.test(text)) storyBegunMs = performance.now() - begun;
    // The demo counts from its own start, which is some tenths of a second before its first step.
    const seconds = /the first was sealed ([\d.]+) s after/.exec(text)?.[1];
    if (Number.isNaN(toFirstMs) && seconds !== undefined) toFirstMs = storyBegunMs + Number(seconds) * 1000;
  });
  const { status } = await child.exited;
  if (status !== 0) throw new Error(`the demo ended with ${status}: ${complaints.join('\n')}`);
  installed?.push(storyBegunMs / 1000);
  sealed?.push(toFirstMs / 1000);
  whole?.push((performance.now() - begun) / 1000);
}
