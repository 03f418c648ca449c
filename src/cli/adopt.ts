import { SallyportError } from '../base/errors.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print, printJson, readPassword } from './terminal.ts';

export const adopt: Command = {
  name: 'adopt',
  summary: 'take a camera into the hub',
  help: `
Usage: sallyport adopt ID --user USER [--as NAME] [--keep "3 days"] [--audio] [--sub] [--json]
       sallyport adopt --address HOST[:PORT] --user USER [--path PATH] …

ID is what \`sallyport discover\` shows. The password is asked for, or read from standard input;
it is never an argument. The camera's clock is read, the password is tried, then the camera says
who it is and what it streams, and the hub remembers it.

  --user USER      the camera's ONVIF user
  --as NAME        its id from now on: small letters, digits and dashes (else from its name)
  --name TEXT      its name for people
  --keep DURATION  how long its footage is kept (else as the configuration says)
  --audio          record its sound, too (waits for the owner's yes)
  --sub            record its sub stream, too: small pictures for slow connections`,
  async run(args) {
    const { values, positionals } = parseOptions('adopt', args, {
      ...socketOption, user: { type: 'string' }, as: { type: 'string' }, name: { type: 'string' }, keep: { type: 'string' }, audio: { type: 'boolean' }, sub: { type: 'boolean' },
      address: { type: 'string' }, path: { type: 'string' }, json: { type: 'boolean' },
    }, 1);
    const user = values.user;
    if (user === undefined) throw new SallyportError('SP_USAGE', { command: 'adopt', reason: '--user is missing' });
    const place = placeOf(positionals[0], values.address, values.path);
    const password = await readPassword(`Password of ${user} on the camera: `, 'adopt');
    const { as, name, keep, audio, sub } = values;
    const reply = await callHub(await socketOf(values), 'adopt', {
      ...place, user, password,
      ...(as === undefined ? {} : { as }), ...(name === undefined ? {} : { name }), ...(keep === undefined ? {} : { keep }), ...(audio === undefined ? {} : { audio }), ...(sub === undefined ? {} : { sub }),
    });
    if (values.json === true) printJson(reply);
    else {
      print(`${reply.camera} is adopted`);
      for (const sentence of reply.sentences) print(`  ${sentence}`);
      for (const change of reply.pending) print(`  waits for the owner's yes: ${change.text} (sallyport accept ${change.id} --identity KIT)`);
    }
    return 0;
  },
};

function placeOf(id: string | undefined, address: string | undefined, path: string | undefined): { id: string } | { address: string; port: number; path?: string } {
  if (id !== undefined && address === undefined) return { id };
  const match = /^([^\s:/@]+)(?::(\d{1,5}))?$/.exec(address ?? '');
  if (match === null || id !== undefined) throw new SallyportError('SP_USAGE', { command: 'adopt', reason: 'name either an ID or --address HOST[:PORT]' });
  return { address: match[1] as string, port: Number(match[2] ?? '80'), ...(path === undefined ? {} : { path }) };
}
