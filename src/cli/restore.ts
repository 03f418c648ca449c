import { stat } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { formatBytes, plural, secondMs } from '../base/units.ts';
import { restoreFar, type RestoredFar } from '../duties/restorefar.ts';
import { configOf, dataOf, parseOptions, type Command } from './command.ts';
import { farOptionsHelp, withFar } from './faraway.ts';
import { farFootageOption, withIdentities } from './footage.ts';
import { localTime, print, printError, printJson, progress } from './terminal.ts';

/** Shorter pauses between segments are none that somebody must explain. */
const gapMsMin = secondMs;

export const restore: Command = {
  name: 'restore',
  summary: 'bring a burnt or stolen hub back from its stores, with the recovery kit',
  help: `
Usage: sallyport restore --from WHERE [--slots WHERE] --identity KIT --data FOLDER

For a hub that sent its footage away with slots = "far". Makes a new data folder: the keys that are still
alive, every segment and list that the stores hold, a new working database. Deadlines stay what they were:
once a hub runs on the folder, it purges what is due. What was fetched already is not fetched again when
the command is started a second time. Nothing at the stores is changed.

  --from WHERE         as --far
  --identity KIT       the recovery kit (else $SALLYPORT_IDENTITY)
  --owner FILE         an owner list: with it a device's identity opens its spaces
  --data FOLDER        the new data folder (else the configuration's); no hub may live there
  --working-key FILE   where the working key is to be, when not in the data folder
${farOptionsHelp}`,
  async run(args) {
    const { values } = parseOptions('restore', args, { ...farFootageOption, 'from': { type: 'string', multiple: true }, 'working-key': { type: 'string' }, 'json': { type: 'boolean' } }, 0);
    const far = [...(values.from ?? []), ...(values.far ?? [])];
    const folder = await dataOf(values);
    const hubName = values.data !== undefined && values.config === undefined ? 'Home' : (await configOf(values.config)).name;
    if (values['working-key'] !== undefined && await stat(values['working-key']).then(() => false, () => true)) throw new SallyportError('SP_USAGE', { command: 'restore', reason: `there is no ${values['working-key']}` });
    return withIdentities('restore', values, (identities) => withFar('restore', { ...values, far }, async ({ slots, stores }) => {
      const bars = { lists: progress('lists'), footage: progress('footage'), rows: progress('catalogue') };
      const stop = new AbortController();
      const stopNow = (): void => stop.abort();
      process.once('SIGINT', stopNow);
      try {
        const restored = await restoreFar({
          folder, slots, stores, identities, hubName, gapMsMin, clock: systemClock, signal: stop.signal,
          ...(values['working-key'] === undefined ? {} : { workingKeyFile: values['working-key'] }),
          onProgress: (step, done, total) => { if (step !== 'slots') bars[step].show(done, total); }, onRebuild: bars.rows.show,
        });
        for (const bar of Object.values(bars)) bar.end();
        if (values.json === true) printJson(summaryOf(restored));
        else report(restored, folder);
        return restored.problems.length + restored.rebuilt.problems.length === 0 ? 0 : 1;
      } finally {
        process.removeListener('SIGINT', stopNow);
        for (const bar of Object.values(bars)) bar.end();
      }
    }));
  },
};

function summaryOf({ slots, periods, segments, bytes, found, alarms, problems, rebuilt }: RestoredFar): object {
  return { hub: slots.hub, slotsMadeMs: slots.madeMs, slots: slots.entries.length, periods: periods.length, segments, bytes, found, alarms, gaps: rebuilt.gaps, problems: [...problems, ...rebuilt.problems].map((problem) => problem.toJSON()) };
}

function report({ slots, periods, segments, bytes, found, alarms, problems, rebuilt }: RestoredFar, folder: string): void {
  for (const problem of [...problems, ...rebuilt.problems]) printError(`${problem.code}: ${problem.message}`);
  print(`the slots as they were ${localTime(slots.madeMs)}: ${plural(slots.entries.length, 'slot')} of hub ${slots.hub}`);
  print(`brought back: ${plural(periods.length, 'period')}, ${plural(segments, 'segment')}, ${formatBytes(bytes)}${found > 0 ? ` (${plural(found, 'segment')} were there already)` : ''}, ${plural(rebuilt.gaps, 'gap')}, ${plural(alarms, 'alarm')}`);
  print(`into ${folder}, with a new working database. What was in the old one alone is gone: its audit, cameras' passwords, accepted changes.`);
  print('Next: `sallyport verify` proves what is there; then start the hub on this folder, with the owner list of this kit. It purges what is due.');
}
