import { once } from 'node:events';
import { SallyportError } from '../base/errors.ts';
import { parseDuration } from '../base/units.ts';
import { exportFootage } from '../duties/export.ts';
import { parseOptions, requirePositional, type Command } from './command.ts';
import { farFootageHelp, farFootageOption, noteInAudit, timeOf, withFootage } from './footage.ts';
import { localTime, printError } from './terminal.ts';

const defaultForMs = 3_600_000;

export const play: Command = {
  name: 'play',
  summary: 'open footage for a player',
  help: `
Usage: sallyport play CAMERA --at TIME [--for DURATION] --identity KIT | ffplay -

Opens the footage on this machine and writes it to standard output as MP4, from the last key frame
before TIME on, for an hour or as long as --for says. Gaps and damage are named on standard error.
What lies at a destination alone the running hub has fetched.
${farFootageHelp}`,
  async run(args) {
    const { values, positionals } = parseOptions('play', args, { ...farFootageOption, at: { type: 'string' }, for: { type: 'string' } }, 1);
    const camera = requirePositional('play', positionals[0], 'the camera');
    if (process.stdout.isTTY === true) throw new SallyportError('SP_USAGE', { command: 'play', reason: 'video does not belong on a terminal: add "| ffplay -"' });
    const fromMs = timeOf('play', requirePositional('play', values.at, '--at'), 0);
    const forMs = values.for === undefined ? defaultForMs : parseDuration(values.for);
    if (forMs === undefined) throw new SallyportError('SP_USAGE', { command: 'play', reason: `"${values.for}" is no duration; write "10 min"` });
    await noteInAudit(values, 'playback', camera, fromMs, fromMs + forMs);
    const summary = await withFootage('play', values, { camera, fromMs, toMs: fromMs + forMs }, (archive) => exportFootage(archive, camera, fromMs, fromMs + forMs, {
      begin: writeOut,
      write: writeOut,
    }));
    for (const gap of summary.gaps) printError(`gap: ${localTime(gap.fromMs)} to ${localTime(gap.toMs)}: ${gap.reason}`);
    for (const problem of summary.problems) printError(`${problem.code}: ${problem.message}`);
    return summary.problems.length === 0 ? 0 : 1;
  },
};

async function writeOut(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}
