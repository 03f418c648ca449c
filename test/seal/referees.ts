/** Programs and a library that know age and SSHSIG independently of us. */
import { Decrypter, Encrypter, armor } from 'age-encryption';
import { isSallyportError } from '../../src/base/errors.ts';
import { run } from '../../src/base/spawn.ts';

async function installed(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, args);
    return true;
  } catch (error) {
    if (isSallyportError(error, 'SP_TOOL_MISSING')) return false;
    throw error;
  }
}

/** For a test's `skip`: false when the program is there, else why not. */
export const noAge: string | false = (await installed('age', ['--version'])) ? false : 'the program age is not installed';
export const noSshKeygen: string | false = (await installed('ssh-keygen', ['-?'])) ? false : 'the program ssh-keygen is not installed';
export const noFfprobe: string | false = (await installed('ffprobe', ['-version'])) ? false : 'the program ffprobe is not installed';

/** Stock `age -d`; undefined when it refuses, whatever it printed before. */
export async function ageOpens(sealed: Uint8Array, identityFile: string): Promise<Buffer | undefined> {
  const { status, stdout } = await run('age', ['-d', '-i', identityFile], { input: sealed });
  return status === 0 ? stdout : undefined;
}

export async function ageSeals(plain: Uint8Array, recipients: readonly string[], armored = false): Promise<Buffer> {
  const { status, stdout, stderr } = await run('age', ['-e', ...(armored ? ['-a'] : []), ...recipients.flatMap((recipient) => ['-r', recipient])], { input: plain });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** npm age-encryption, in JavaScript alone; undefined when it refuses. */
export async function typageOpens(sealed: Uint8Array, identity: string): Promise<Buffer | undefined> {
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const binary = Buffer.from(sealed).toString('latin1').startsWith('-----') ? armor.decode(Buffer.from(sealed).toString('latin1')) : new Uint8Array(sealed);
    return Buffer.from(await decrypter.decrypt(binary));
  } catch {
    return undefined;
  }
}

export async function typageSeals(plain: Uint8Array, recipients: readonly string[]): Promise<Buffer> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(new Uint8Array(plain)));
}
