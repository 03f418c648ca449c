import { resolve } from 'node:path';
import { SallyportError } from '../base/errors.ts';
import { formatBytes, plural } from '../base/units.ts';
import { verifyFolder } from '../vault/verify.ts';
import { configOption, dataOf, parseOptions, type Command } from './command.ts';
import { print, printError, printJson, progress } from './terminal.ts';

export const verify: Command = {
  name: 'verify',
  summary: 'prove that everything recorded is there and whole',
  help: `
Usage: sallyport verify [--data FOLDER] [--since CHECKPOINT] [--json]

Checks, without the owner's keys and also while the hub runs: each segment present, of its size and hash;
each file a catalogued one; the keys of live periods present in both keyring files; the audit chain without
a missing or changed entry; receipts and checkpoints signed by the hub; every page of the database, and that
none was put back from an older state. Names what is wrong; exit status 1 then.

  --since FILE         a checkpoint (checkpoints/N.json) that you kept elsewhere: finds a data folder that
                       was put back to an older state, and an audit that was cut
  --working-key FILE   where the working key is, when not in the data folder`,
  async run(args) {
    const { values } = parseOptions('verify', args, { ...configOption, data: { type: 'string' }, since: { type: 'string' }, 'working-key': { type: 'string' }, json: { type: 'boolean' } }, 0);
    const folder = await dataOf(values);
    const bar = progress('verifying');
    const report = await verifyFolder({
      folder,
      onProgress: bar.show,
      ...(values.since === undefined ? {} : { since: resolve(values.since) }),
      ...(values['working-key'] === undefined ? {} : { workingKeyFile: values['working-key'] }),
    }).finally(() => bar.end());
    if (values.json === true) printJson(report);
    else {
      for (const problem of report.problems) printError(`${problem.code}: ${problem.what}: ${problem.detail}`);
      if (report.elsewhere > 0) print(`${plural(report.elsewhere, 'segment')} of them lie elsewhere alone and were not read; \`sallyport egress --verify NAME\` asks the destination whether they are there`);
      print(`${plural(report.segments, 'segment')} (${formatBytes(report.bytes)}), ${report.auditEntries} audit entries, ${plural(report.checkpoints, 'checkpoint')}: ${report.problems.length === 0 ? 'all whole' : plural(report.problems.length, 'problem')}`);
    }
    if (report.problems.length > 0 && values.json !== true) throw new SallyportError('SP_VERIFY', { count: report.problems.length, folder });
    return report.problems.length === 0 ? 0 : 1;
  },
};
