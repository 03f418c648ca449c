import { isSallyportError } from '../base/errors.ts';
import { processingRecord } from '../policy/processing.ts';
import { callHub } from './control.ts';
import { configOf, parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print } from './terminal.ts';

export const processing: Command = {
  name: 'processing',
  summary: 'the record of processing (GDPR article 30) of this hub',
  help: `
Usage: sallyport processing [--config FILE]

Prints what this hub does with whose data, why, how long it is kept and who gets it, as Markdown, made of the
configuration that is in force: what waits for the owner's yes is not in it. Where no hub runs, it is made of
the files alone, and its last line says so. It names cameras and places, so mind whom you give it to.`,
  async run(args) {
    const { values } = parseOptions('processing', args, { ...socketOption }, 0);
    try {
      const { text } = await callHub(await socketOf(values), 'processing', {});
      for (const line of text.split('\n')) print(line);
    } catch (error) {
      if (!isSallyportError(error, 'SP_NO_DAEMON') || values.socket !== undefined) throw error;
      for (const line of processingRecord(await configOf(values.config)).split('\n')) print(line);
      print('No hub runs here: this is what the files say, also where it waits for the owner\'s yes.');
    }
    return 0;
  },
};
