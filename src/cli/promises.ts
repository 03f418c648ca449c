import { renderPromises } from '../policy/promises.ts';
import { parseOptions, type Command } from './command.ts';
import { print } from './terminal.ts';

export const promises: Command = {
  name: 'promises',
  summary: 'what a privacy policy asks, and the proof instead',
  help: `
Usage: sallyport promises

Prints each sentence of a usual privacy policy, the mechanism that answers it here, and the tests that prove it.
A row without a test says "not yet".`,
  async run(args) {
    parseOptions('promises', args, {}, 0);
    print(renderPromises());
    return 0;
  },
};
