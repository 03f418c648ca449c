import { SallyportError } from '../base/errors.ts';
import { callHub } from './control.ts';
import { parseOptions, requirePositional, socketOf, socketOption, type Command } from './command.ts';
import { print, readPassword, readSecretLines } from './terminal.ts';

export const secret: Command = {
  name: 'secret',
  summary: 'give the hub a camera\'s password, or a destination\'s',
  help: `
Usage: sallyport secret set CAMERA
       sallyport secret set DESTINATION.RIGHT

Asks for the password, or reads it from standard input. It is kept in the hub's encrypted database
and can be replaced there, never read back.

Of a destination the right is put, get, delete or all (two lines: a user or key id, then its
secret), topic or token (ntfy), key (webhook), login (a broker: user and password), or proxy (its
user and password); the courier gets it at its next start, which is at once.`,
  async run(args) {
    const { values, positionals } = parseOptions('secret', args, { ...socketOption }, 2);
    if (positionals[0] !== 'set') throw new SallyportError('SP_USAGE', { command: 'secret', reason: 'only "set" is known' });
    const camera = requirePositional('secret', positionals[1], 'the camera');
    const password = camera.includes('.') ? await readSecretLines(camera) : await readPassword(`Password of ${camera}: `, 'secret');
    await callHub(await socketOf(values), 'secret', { camera, password });
    print(camera.includes('.') ? `${camera} is stored; the courier is started anew with it` : `the password of ${camera} is stored; the camera is asked again`);
    return 0;
  },
};
