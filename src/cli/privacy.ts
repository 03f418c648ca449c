import { callHub } from './control.ts';
import { parseOptions, requirePositional, socketOf, socketOption, type Command } from './command.ts';
import { SallyportError } from '../base/errors.ts';
import { print } from './terminal.ts';

export const privacy: Command = {
  name: 'privacy',
  summary: 'pictures and sound of a space off',
  help: `
Usage: sallyport privacy on [SPACE]      SPACE is \`home\` when absent

From now on the cameras of that space are neither watched nor recorded nor spoken to, until somebody who may
switches it back on the page: from the terminal privacy can be raised and not lowered. When this returns the
cameras are cut off. \`[[privacy]]\` in sallyport.toml makes a space private at times, also by the sun.`,
  async run(args) {
    const { values, positionals } = parseOptions('privacy', args, { ...socketOption }, 2);
    const act = requirePositional('privacy', positionals[0], 'what: on');
    if (act !== 'on') throw new SallyportError('SP_USAGE', { command: 'privacy', reason: 'the terminal knows only "on"; to switch it back, use the page' });
    const space = positionals[1] ?? 'home';
    await callHub(await socketOf(values), 'privacy', { space });
    print(`${space} is private: its cameras are neither watched nor recorded`);
    return 0;
  },
};
