import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { dayMs, formatAge, plural } from '../base/units.ts';
import { restoreDatabase, type Restored } from '../vault/restore.ts';
import { configOf, configOption, dataOf, parseOptions, type Command } from './command.ts';
import { localTime, print, printError, printJson } from './terminal.ts';

export const database: Command = {
  name: 'database',
  summary: 'put a daily copy in place of a damaged working database',
  help: `
Usage: sallyport database restore [--copy FILE] [--data FOLDER] [--working-key FILE] [--json]

Stop the hub first. Opens the newest daily copy that is whole, puts the damaged database aside (it is kept,
in a folder set-aside-TIME of the data folder) and brings back what happened since the copy was made: periods
from the notes beside their keys, segments from the files themselves. Nothing that may be footage is deleted,
and no key is overwritten. What was in the database alone and is newer than the copy is lost: audit lines,
passwords that were set, changes that were accepted.

  --copy FILE          this copy (copies/working-TIME.db.age), and no other
  --working-key FILE   where the working key is, when not in the data folder`,
  async run(args) {
    const { values, positionals } = parseOptions('database', args, { ...configOption, data: { type: 'string' }, copy: { type: 'string' }, 'working-key': { type: 'string' }, json: { type: 'boolean' } }, 1);
    if (positionals[0] !== 'restore') throw new SallyportError('SP_USAGE', { command: 'database', reason: 'only "restore" is known' });
    const config = values.data !== undefined && values.config === undefined ? undefined : await configOf(values.config);
    const restored = await restoreDatabase({
      folder: await dataOf(values), hubName: config?.name ?? 'Home', keepMs: config?.keep.footageMs ?? 3 * dayMs, clock: systemClock, log: silentLog,
      ...(values.copy === undefined ? {} : { copy: values.copy }),
      ...(values['working-key'] === undefined ? {} : { workingKeyFile: values['working-key'] }),
    });
    if (values.json === true) printJson(restored);
    else report(restored);
    return 0;
  },
};

function report({ copy, madeMs, setAside, recovery, reconciliation, problems }: Restored): void {
  for (const problem of problems) printError(`not used: ${problem.message} (${problem.code})`);
  print(`put back: ${copy}, made ${localTime(madeMs)}, ${formatAge(Math.max(0, systemClock.wallMs() - madeMs))} ago`);
  print(`the database before it: ${setAside}`);
  if (reconciliation !== undefined) {
    print(`since then: ${plural(reconciliation.periods, 'period')} brought back, ${plural(reconciliation.purged, 'period')} had been purged, ${plural(reconciliation.receipts, 'receipt')} taken in`);
    if (reconciliation.unknownSlots > 0) print(`! ${plural(reconciliation.unknownSlots, 'key')} of which the hub cannot know whose: kept, with what may belong to them. \`sallyport rebuild --force --identity KIT\` tells`);
  }
  print(`files: ${recovery.adopted} catalogued again, ${recovery.cut} cut off by a crash, ${recovery.missing.length} missing`);
  print('Passwords and accepted changes are those of the copy. `sallyport verify` proves the rest.');
}
