import { SallyportError } from '../base/errors.ts';
import { explainPurge } from '../policy/retention.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print, printJson } from './terminal.ts';

export const purge: Command = {
  name: 'purge',
  summary: 'explain what will be deleted, and when',
  help: `
Usage: sallyport purge --dry-run [--json]

Explains, for each camera, which keys are shredded when and what goes with them. Nothing is deleted by this
command: the hub purges by itself at each deadline.`,
  async run(args) {
    const { values } = parseOptions('purge', args, { ...socketOption, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } }, 0);
    if (values['dry-run'] !== true) throw new SallyportError('SP_USAGE', { command: 'purge', reason: 'only --dry-run is for people; the hub purges by itself' });
    const plan = await callHub(await socketOf(values), 'purge-plan', {});
    if (values.json === true) printJson(plan);
    else {
      if (!plan.mayPurge) print(`purging waits: ${plan.why}`);
      for (const line of explainPurge(plan.periods, plan.nowMs)) print(line);
    }
    return 0;
  },
};
