import { join, resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists, writeFileAtomic } from '../base/files.ts';
import { Identity } from '../seal/identity.ts';
import { makeOwnerList } from '../seal/owner.ts';
import { parseOptions, type Command } from './command.ts';
import { print } from './terminal.ts';

export const keys: Command = {
  name: 'keys',
  summary: 'make the owner\'s recovery kit',
  help: `
Usage: sallyport keys new [--out FOLDER]

Run it on your own device, not on the hub. It writes three files into FOLDER (./sallyport-owner):
  kit.txt          the recovery kit: a standard age identity file. Whoever has it can open the footage;
                   without it nobody can. Keep it off the hub, and a second copy elsewhere.
  kit-print.txt    the same to print and put away.
  owner.json       what the hub needs: public halves only, signed by the kit. Copy it to the hub
                   and name it as \`owner\` in sallyport.toml.
A kit that is there already is never overwritten. One that is lost or stolen is replaced on the page
(Settings, My account), where an owner's device signs for the new one.`,
  async run(args) {
    const { values, positionals } = parseOptions('keys', args, { out: { type: 'string', short: 'o' } }, 1);
    if (positionals[0] !== 'new') throw new SallyportError('SP_USAGE', { command: 'keys', reason: 'only "new" is known' });
    const folder = resolve(values.out ?? 'sallyport-owner');
    const kitFile = join(folder, 'kit.txt');
    if (await fileExists(kitFile)) throw new SallyportError('SP_WRITE', { file: kitFile, reason: 'there is a kit already, and it may be somebody\'s only one' });
    await ensureFolder(folder);
    const nowMs = systemClock.wallMs();
    const kit = Identity.generate();
    try {
      await writeFileAtomic(kitFile, kitText(kit, nowMs));
      await writeFileAtomic(join(folder, 'kit-print.txt'), printText(kit, nowMs));
      await writeFileAtomic(join(folder, 'owner.json'), makeOwnerList(kit, nowMs), 0o644);
      print(`recovery kit: ${kitFile}`);
      print(`to print: ${join(folder, 'kit-print.txt')}`);
      print(`for the hub: ${join(folder, 'owner.json')}`);
      print(`\nKeep the kit off the hub. Public key: ${kit.recipient}`);
    } finally {
      kit.close();
    }
    return 0;
  },
};

/** As `age-keygen` writes it, so that every age tool takes it. */
function kitText(kit: Identity, nowMs: number): string {
  return `# Sallyport recovery kit\n# created: ${new Date(nowMs).toISOString()}\n# public key: ${kit.recipient}\n${kit.reveal()}\n`;
}

function printText(kit: Identity, nowMs: number): string {
  const secret = kit.reveal();
  const groups = secret.slice('AGE-SECRET-KEY-1'.length).match(/.{1,6}/g) ?? [];
  return `SALLYPORT RECOVERY KIT                                        ${new Date(nowMs).toISOString().slice(0, 10)}

Whoever holds this page can open the footage of your cameras. Without it nobody can:
not the hub, not a thief, not the makers of Sallyport. Keep it where you keep your passport.

The key, in one line:

${secret}

The same in groups, to type it in (begin with AGE-SECRET-KEY-1, no blanks, capital letters and digits):

${groups.join(' ')}

Its public half: ${kit.recipient}

To open footage with it, write the line into a file kit.txt, then either

  sallyport export CAMERA --from TIME --to TIME --identity kit.txt --data FOLDER -o clip.mp4

or, with nothing but the age tool (N is the slot in the name of the hour list, hour-N.json.age):

  dd if=FOLDER/keyring/keyring.1 bs=1024 skip=$((4*N)) count=1 | age -d -i kit.txt > hour.txt
  age -d -i hour.txt FOLDER/footage/CAMERA/DATE/HOUR/FILE.mp4.age > clip.mp4
`;
}
