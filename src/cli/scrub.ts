import { systemClock } from '../base/clock.ts';
import { plural } from '../base/units.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print, printError, printJson, progress } from './terminal.ts';

const askEveryMs = 500;

export const scrub: Command = {
  name: 'scrub',
  summary: 'read everything stored again now, and say what rotted',
  help: `
Usage: sallyport scrub [--no-wait] [--json] [--config FILE | --socket PATH]

Tells the running hub to compare everything stored with what was written, from the oldest recording on, and
shows how far it is. The hub does so by itself, too ([scrub] in the configuration says how often and how
fast) and makes way for recording. What rotted is named in the log and the audit, shown by \`status\` and
\`list\`, and never deleted. Exit status 1 when something is damaged or missing.

  --no-wait   only begin; \`sallyport status\` shows how far it is
  --json      where it stands, for scripts`,
  async run(args) {
    const { values } = parseOptions('scrub', args, { ...socketOption, 'no-wait': { type: 'boolean' }, json: { type: 'boolean' } }, 0);
    const socket = await socketOf(values);
    let state = await callHub(socket, 'scrub', { start: true });
    const bar = progress('looking');
    while (values['no-wait'] !== true && state.running !== undefined) {
      bar.show(state.running.checked, state.running.total);
      await systemClock.sleep(askEveryMs);
      state = await callHub(socket, 'scrub', { start: false });
    }
    bar.end();
    if (values.json === true) printJson(state);
    else if (state.running !== undefined) print(`looking: ${state.running.checked} of ${plural(state.running.total, 'segment')}`);
    else if (state.problem !== undefined) printError(`${state.problem.code}: ${state.problem.message}`);
    else print(state.damaged + state.missing === 0 ? 'everything is as it was written' : `${plural(state.damaged, 'segment')} damaged, ${state.missing} missing: \`sallyport verify\` names them`);
    return state.problem === undefined && state.damaged + state.missing === 0 ? 0 : 1;
  },
};
