/** The working key W: 32 random bytes, as 64 hex digits and a newline in a file of mode 0600 or in a systemd credential. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { fileExists, writeFileAtomic } from '../base/files.ts';
import { hkdfSha256 } from '../seal/hkdf.ts';
import { Identity } from '../seal/identity.ts';
import { randomBytes, securePages, wipe } from '../seal/secure.ts';

export const workingKeyName = 'working.key';
export const workingDatabaseName = 'working.db';

const keyBytes = 32;
const noSalt = new Uint8Array(0);
const hexDigits = Buffer.from('0123456789abcdef', 'latin1');

export class WorkingKey {
  /** Secure memory; never a string, which could not be wiped. */
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** `raw:` and 64 hex digits, as SQLite3MultipleCiphers takes a raw key: a buffer of its own, which the caller hands over and wipes. */
  databaseKey(): Buffer {
    const derived = securePages(keyBytes).subarray(0, keyBytes);
    hkdfSha256(derived, this.#key, noSalt, 'sallyport working database v1');
    const key = Buffer.allocUnsafeSlow(4 + 2 * keyBytes);
    key.write('raw:', 'latin1');
    hexInto(key.subarray(4), derived);
    wipe(derived);
    return key;
  }

  /** What the hub itself must open is sealed to this age identity: notes of periods, keys of database copies. The caller closes it. */
  hubIdentity(): Identity {
    const scalar = securePages(keyBytes).subarray(0, keyBytes);
    hkdfSha256(scalar, this.#key, noSalt, 'sallyport hub identity v1');
    return Identity.ofScalar(scalar);
  }

  close(): void {
    wipe(this.#key);
  }
}

/**
 * Reads W from `credential`, or else from `working.key` in the folder, which is made when `mayCreate` and there is no database yet.
 * SP_NO_WORKING_KEY when it is not there; SP_WRONG_WORKING_KEY when the file holds no key; SP_READ, SP_WRITE.
 */
export async function loadWorkingKey(o: { folder: string; credential?: string; mayCreate: boolean; evenBesideDatabase?: boolean }): Promise<WorkingKey> {
  const file = o.credential ?? join(o.folder, workingKeyName);
  const database = join(o.folder, workingDatabaseName);
  const found = await readKey(file, database);
  if (found !== undefined) return new WorkingKey(found);
  if (!o.mayCreate || o.credential !== undefined || (o.evenBesideDatabase !== true && await fileExists(database))) throw new SallyportError('SP_NO_WORKING_KEY', { file: database, key: file });
  return new WorkingKey(await makeKey(file));
}

async function makeKey(file: string): Promise<Buffer> {
  const key = securePages(keyBytes).subarray(0, keyBytes);
  const random = randomBytes(keyBytes);
  const text = securePages(2 * keyBytes + 1).subarray(0, 2 * keyBytes + 1);
  random.copy(key);
  hexInto(text, key);
  text.write('\n', 2 * keyBytes, 'latin1');
  try {
    await writeFileAtomic(file, text);
    return key;
  } finally {
    wipe(random);
    wipe(text);
  }
}

/** undefined when there is no such file. */
async function readKey(file: string, database: string): Promise<Buffer | undefined> {
  const text = securePages(2 * keyBytes + 3);
  try {
    const handle = await open(file, 'r');
    try {
      const { bytesRead } = await handle.read(text, 0, 2 * keyBytes + 3, 0);
      return keyIn(text.subarray(0, bytesRead), file, database);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error instanceof SallyportError ? error : new SallyportError('SP_READ', { file, reason: reasonOf(error) }, error);
  } finally {
    wipe(text);
  }
}

function keyIn(text: Buffer, file: string, database: string): Buffer {
  const key = securePages(keyBytes).subarray(0, keyBytes);
  const digits = text.at(-1) === 0x0a ? text.subarray(0, -1) : text;
  const values = digits.map((digit) => hexDigits.indexOf(digit));
  if (digits.length !== 2 * keyBytes || digits.some((digit) => !hexDigits.includes(digit))) {
    throw new SallyportError('SP_WRONG_WORKING_KEY', { file: database }, new Error(`${file} does not hold 64 hex digits`));
  }
  for (let i = 0; i < keyBytes; i++) key[i] = (values[2 * i] as number) * 16 + (values[2 * i + 1] as number);
  values.fill(0);
  return key;
}

function hexInto(text: Buffer, bytes: Buffer): void {
  bytes.forEach((byte, i) => {
    text[2 * i] = hexDigits[byte >> 4] as number;
    text[2 * i + 1] = hexDigits[byte & 15] as number;
  });
}
