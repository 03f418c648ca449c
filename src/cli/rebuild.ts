import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { dayMs, hourMs, parseDuration, plural } from '../base/units.ts';
import { gapMsMin } from '../policy/gaps.ts';
import { keepFor } from '../policy/retention.ts';
import { rebuildDatabase, type Rebuilt } from '../vault/rebuild.ts';
import { configOf, dataOf, dataOption, identitiesOf, parseOptions, type Command } from './command.ts';
import { print, printError, printJson, progress } from './terminal.ts';

export const rebuild: Command = {
  name: 'rebuild',
  summary: 'make the catalogue anew with the recovery kit, when the database is gone',
  help: `
Usage: sallyport rebuild --identity KIT [--data FOLDER] [--keep DURATION] [--force] [--json]

Stop the hub first; where a daily copy is left, \`sallyport database restore\` loses less. Makes a new working
database from the key slots, the hour lists and the segments. Footage, gaps and deadlines come back (of
gaps since the last hour list, not their reasons); the audit,
its signing key, cameras' passwords and accepted changes were in the database only and are lost.

  --identity KIT       the recovery kit (else $SALLYPORT_IDENTITY)
  --data FOLDER        the data folder (else the configuration's)
  --keep DURATION      how long footage is kept whose deadline nothing tells (else as the configuration says)
  --working-key FILE   where the working key is, when not in the data folder; a lost one is made anew
  --force              although the database is whole`,
  async run(args) {
    const { values } = parseOptions('rebuild', args, { ...dataOption, keep: { type: 'string' }, 'working-key': { type: 'string' }, force: { type: 'boolean' }, json: { type: 'boolean' } }, 0);
    const keepMs = values.keep === undefined ? undefined : parseDuration(values.keep);
    if (values.keep !== undefined && keepMs === undefined) throw new SallyportError('SP_USAGE', { command: 'rebuild', reason: `"${values.keep}" is no duration; write "3 days"` });
    const config = values.data !== undefined && values.config === undefined ? undefined : await configOf(values.config);
    const identities = await identitiesOf('rebuild', values.identity);
    const bar = progress('rebuilding');
    try {
      const rebuilt = await rebuildDatabase({
        folder: await dataOf(values), hubName: config?.name ?? 'Home', identities, periodMs: config?.record.periodMs ?? hourMs,
        keepMs: (camera) => keepMs ?? (config === undefined ? 3 * dayMs : keepFor(camera, config)), gapMsMin, clock: systemClock, log: silentLog, onProgress: bar.show,
        ...(values.force === true ? { force: true } : {}),
        ...(values['working-key'] === undefined ? {} : { workingKeyFile: values['working-key'] }),
      });
      bar.end();
      if (values.json === true) printJson(rebuilt);
      else report(rebuilt);
      return 0;
    } finally {
      bar.end();
      for (const identity of identities) identity.close();
    }
  },
};

function report({ periods, segments, archived, gaps, gapsUnexplained, deadlinesGuessed, setAside, problems, recovery, reconciliation }: Rebuilt): void {
  for (const problem of problems) printError(`${problem.code}: ${problem.message}`);
  print(`made anew: ${plural(periods, 'period')}, ${plural(segments + recovery.adopted + recovery.cut, 'segment')}, ${plural(gaps, 'gap')}; ${recovery.missing.length} missing`);
  print(`what was there before: ${setAside}`);
  for (const [destination, count] of Object.entries(archived)) print(`! ${plural(count, 'segment')} of them lie at ${destination} alone: they are played from there as long as it is declared under that name, with the credential to get; \`sallyport restore\` brings them back where the keys lie far too`);
  if (gapsUnexplained > 0) print(`! of ${plural(gapsUnexplained, 'gap')} the reason is lost with the old database`);
  if (deadlinesGuessed > 0) print(`! nothing tells the deadline of ${plural(deadlinesGuessed, 'period')}: kept as long as the configuration (or --keep) says`);
  if ((reconciliation?.unknownSlots ?? 0) > 0) print(`! ${plural(reconciliation?.unknownSlots ?? 0, 'key')} do not open with this kit: kept, with what may belong to them`);
  print('What was sent away is looked at there before anything is sent again: `sallyport egress --unknown DESTINATION` tells what nobody knows any more.');
  print('Lost with the old database: its audit and signing key (a new one begins; checkpoints kept elsewhere no longer fit), cameras\' passwords\n(`sallyport secret set CAMERA`), and accepted changes (they wait for the owner\'s yes again).');
}
