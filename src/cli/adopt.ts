import { SallyportError } from '../base/errors.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { hubWords, print, printJson, readPassword } from './terminal.ts';

export const adopt: Command = {
  name: 'adopt',
  summary: 'take a camera into the hub',
  help: `
Usage: sallyport adopt ID --user USER [--as NAME] [--space SPACE] [--keep "3 days"] [--audio] [--sub] [--json]
       sallyport adopt --address HOST[:PORT] --user USER [--path PATH] …
       sallyport adopt --moved CAMERA [--address HOST[:PORT]] [--path PATH]

ID is what \`sallyport discover\` shows. The password is asked for, or read from standard input;
it is never an argument. The camera's clock is read, the password is tried, then the camera says
who it is and what it streams, and the hub remembers it.

A camera that changed its address is found again by itself where it can prove who it is. Where it
cannot, --moved says that it is the one that was heard elsewhere, or that is at --address: its
password is sent there, and it is taken when its serial number is the one it had.

  --user USER      the camera's ONVIF user
  --as NAME        its id from now on: small letters, digits and dashes (else from its name)
  --name TEXT      its name for people
  --space SPACE    whose cameras it joins: a space of the owner list (else home)
  --keep DURATION  how long its footage is kept (else as the configuration says)
  --audio          record its sound, too (waits for the owner's yes)
  --sub            record its sub stream, too: small pictures for slow connections`,
  async run(args) {
    const { values, positionals } = parseOptions('adopt', args, {
      ...socketOption, user: { type: 'string' }, as: { type: 'string' }, name: { type: 'string' }, space: { type: 'string' }, keep: { type: 'string' }, audio: { type: 'boolean' }, sub: { type: 'boolean' },
      address: { type: 'string' }, path: { type: 'string' }, moved: { type: 'string' }, json: { type: 'boolean' },
    }, 1);
    if (values.moved !== undefined) return moved(values.moved, positionals, values);
    const user = values.user;
    if (user === undefined) throw new SallyportError('SP_USAGE', { command: 'adopt', reason: '--user is missing' });
    const place = placeOf(positionals[0], values.address, values.path);
    const password = await readPassword(`Password of ${user} on the camera: `, 'adopt');
    const { as, name, space, keep, audio, sub } = values;
    const reply = await callHub(await socketOf(values), 'adopt', {
      ...place, user, password,
      ...(as === undefined ? {} : { as }), ...(name === undefined ? {} : { name }), ...(space === undefined ? {} : { space }), ...(keep === undefined ? {} : { keep }), ...(audio === undefined ? {} : { audio }), ...(sub === undefined ? {} : { sub }),
    });
    if (values.json === true) printJson(reply);
    else {
      print(`${reply.camera} is adopted`);
      for (const sentence of reply.sentences) print(hubWords(`  ${sentence}`));
      for (const change of reply.pending) print(`  waits for the owner's yes: ${change.text} (sallyport accept ${change.id} --identity KIT)`);
    }
    return 0;
  },
};

async function moved(camera: string, positionals: readonly string[], values: { address?: string | undefined; path?: string | undefined; user?: string | undefined; json?: boolean | undefined; socket?: string | undefined; config?: string | undefined }): Promise<number> {
  if (positionals.length > 0 || values.user !== undefined) throw new SallyportError('SP_USAGE', { command: 'adopt', reason: '--moved takes a camera, and --address and --path at most' });
  const place = values.address === undefined ? {} : placeOf(undefined, values.address, values.path, false);
  const reply = await callHub(await socketOf(values), 'moved', { camera, ...place });
  if (values.json === true) printJson(reply);
  else for (const sentence of [`${reply.camera} is watched at its new address`, ...reply.sentences.map((sentence) => `  ${sentence}`)]) print(hubWords(sentence));
  return 0;
}

function placeOf(id: string | undefined, address: string | undefined, path: string | undefined, portAssumed = true): { id: string } | { address: string; port?: number; path?: string } {
  if (id !== undefined && address === undefined) return { id };
  const match = /^([^\s:/@]+)(?::(\d{1,5}))?$/.exec(address ?? '');
  if (match === null || id !== undefined) throw new SallyportError('SP_USAGE', { command: 'adopt', reason: 'name either an ID or --address HOST[:PORT]' });
  return { address: match[1] as string, ...(match[2] === undefined && !portAssumed ? {} : { port: Number(match[2] ?? '80') }), ...(path === undefined ? {} : { path }) };
}
