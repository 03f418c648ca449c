/**
 * What a vault is made of while its disk is there: the lock, the database's thread, the keyring's handles. Opened at the start, let go of
 * when the disk fails, and opened anew when it is back; `Vault` is the door that stays.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder, fileExists, listFolder } from '../base/files.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import { Signer } from '../seal/sshsig.ts';
import { WorkingDatabase } from './database.ts';
import { lockFolder } from './folderlock.ts';
import { Keyring } from './keyring.ts';
import type { VaultFacts } from './vaultfacts.ts';
import { loadWorkingKey } from './workingkey.ts';

export interface PartsOptions {
  readonly folder: string;
  readonly workingKeyFile?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hubName: string;
}

/** Which file system, and which folder on it, stands at the data folder's path. */
export interface Place {
  readonly device: number;
  readonly inode: number;
}

export interface Parts {
  readonly folder: string;
  readonly footage: string;
  readonly place: Place;
  readonly database: WorkingDatabase;
  readonly keyring: Keyring;
  readonly signer: Signer;
  readonly facts: VaultFacts;
  /** The hub identity's public half, "age1…". */
  readonly hubRecipient: string;
  /** What was wrong with the database when it was opened. */
  readonly doubt: string | undefined;
  readonly lifetime: Lifetime;
}

/**
 * Without `known`, what is missing is made. With it, nothing is ever made: the folder must hold the vault of that id, for an empty mount
 * point is no new vault, and another disk not ours. SP_DISK, and what `Vault.open` throws.
 */
export async function openParts(options: PartsOptions, known?: { readonly vaultId: string }): Promise<Parts> {
  const lifetime = new Lifetime();
  try {
    return await open(options, lifetime, known);
  } catch (error) {
    await lifetime.close().catch(() => {});
    throw error;
  }
}

async function open(options: PartsOptions, lifetime: Lifetime, known: { readonly vaultId: string } | undefined): Promise<Parts> {
  const { folder, log } = options;
  const footage = join(folder, 'footage');
  if (known === undefined) await makeFolders(folder);
  else await checkIsThere(folder);
  const place = await placeOf(folder);
  await lifetime.own('the lock', lockFolder(folder));
  const { database, hubRecipient } = await openDatabase(options, footage, lifetime, known === undefined);
  const doubt = known === undefined ? await doubtIn(database, folder) : undefined;
  const { facts, signer } = await knowYourself(database, options, known);
  lifetime.defer('the signing key', () => signer.close());
  const keyring = await lifetime.own('the keyring', Keyring.open(join(folder, 'keyring'), { log }));
  return { folder, footage, place, database, keyring, signer, facts, hubRecipient, doubt, lifetime };
}

/** SP_READ. */
export async function placeOf(folder: string): Promise<Place> {
  try {
    const { dev, ino } = await stat(folder);
    return { device: dev, inode: ino };
  } catch (error) {
    throw new SallyportError('SP_READ', { file: folder, reason: reasonOf(error) }, error);
  }
}

async function checkIsThere(folder: string): Promise<void> {
  for (const name of ['', 'footage', 'working.db']) {
    const missing = await stat(join(folder, name)).then(() => false, (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return true;
      throw new SallyportError('SP_READ', { file: join(folder, name), reason: reasonOf(error) }, error);
    });
    if (missing) throw new SallyportError('SP_DISK', { folder, reason: name === '' ? 'the folder is not there' : 'the folder is empty: its disk is not mounted' });
  }
}

async function makeFolders(folder: string): Promise<void> {
  try {
    for (const name of ['', 'footage', 'receipts', 'checkpoints', 'log']) await ensureFolder(join(folder, name));
  } catch (error) {
    throw new SallyportError('SP_DATA_FOLDER', { folder, reason: reasonOf(isSallyportError(error) ? error.cause : error) }, error);
  }
}

async function openDatabase(options: PartsOptions, footage: string, lifetime: Lifetime, mayMake: boolean): Promise<{ database: WorkingDatabase; hubRecipient: string }> {
  const file = join(options.folder, 'working.db');
  const there = await fileExists(file);
  // A new database beside old footage would take its slots for free and its files for garbage.
  if (!there && (await listFolder(footage)).length > 0) {
    throw new SallyportError('SP_DATA_FOLDER', { folder: options.folder, reason: 'it holds sealed footage but no working.db; put that back, or move the folders footage and keyring elsewhere (both open with the recovery kit)' });
  }
  const credential = options.workingKeyFile === undefined ? {} : { credential: options.workingKeyFile };
  const workingKey = await loadWorkingKey({ folder: options.folder, ...credential, mayCreate: mayMake && !there });
  try {
    const hub = workingKey.hubIdentity();
    hub.close();
    return { database: await lifetime.own('the working database', WorkingDatabase.open(file, workingKey.databaseKey())), hubRecipient: hub.recipient };
  } finally {
    workingKey.close();
  }
}

/** Whether the database is the one that was left here, by what it and the papers beside it signed. Before anything is written to it. */
async function doubtIn(database: WorkingDatabase, folder: string): Promise<string | undefined> {
  const known = await database.call('newestCheckpointNumber');
  const papers = (await listFolder(join(folder, 'checkpoints'))).map((name) => Number(/^(\d{1,15})\.json$/.exec(name)?.[1] ?? 0));
  const newest = Math.max(0, ...papers);
  if (newest > known) return `it was put back to an older state: it knows checkpoints up to ${known}, number ${newest} was signed`;
  return database.call('doubt');
}

/** The vault's id and the hub's signing key, made at the first start. */
async function knowYourself(database: WorkingDatabase, options: PartsOptions, expected: { readonly vaultId: string } | undefined): Promise<{ facts: VaultFacts; signer: Signer }> {
  const known = await database.call('vaultFacts');
  if (expected !== undefined && known?.id !== expected.vaultId) {
    known?.signingSeed.fill(0);
    throw new SallyportError('SP_DISK', { folder: options.folder, reason: 'another disk is in its place' });
  }
  if (known === undefined) {
    const signer = Signer.generate();
    const seed = signer.seed();
    const facts = await database.call('setUp', { hubName: options.hubName, publicKey: signer.publicKey, signingSeed: Uint8Array.from(seed), atMs: options.clock.wallMs() });
    seed.fill(0);
    return { facts, signer };
  }
  const { signingSeed, ...facts } = known;
  const signer = Signer.fromSeed(signingSeed);
  signingSeed.fill(0);
  if (facts.hubName !== options.hubName) await database.call('rename', { hubName: options.hubName });
  return { facts: { ...facts, hubName: options.hubName }, signer };
}
