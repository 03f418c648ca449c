/**
 * Puts the newest good daily copy in place of a damaged working database. The hub is stopped (the folder's lock is taken). The damaged
 * database is kept beside, under another name. What was recorded since the copy is brought back by reconcile.ts at the opening that follows.
 */
import { open, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists, listFolder, removeFile, syncFolder } from '../base/files.ts';
import { silentLog, type Log } from '../base/log.ts';
import { utcStamp } from '../base/units.ts';
import type { Identity } from '../seal/identity.ts';
import { Opener } from '../seal/opener.ts';
import { openSlot } from '../seal/slot.ts';
import { openConnection, type Connection } from './connection.ts';
import { copiesIn, copyCamera } from './copies.ts';
import { checkTable, tablesOf } from './databaseroot.ts';
import { FileSource } from './filesource.ts';
import { lockFolder } from './folderlock.ts';
import { Keyring } from './keyring.ts';
import { makeOperations } from './operations.ts';
import { farLookSetting, reconcileSetting, type ReconcileOrder, type Reconciliation } from './reconcile.ts';
import type { Recovery } from './recover.ts';
import { Vault } from './vault.ts';
import { loadWorkingKey, type WorkingKey } from './workingkey.ts';

export interface RestoreOptions extends ReconcileOrder {
  readonly folder: string;
  readonly workingKeyFile?: string;
  /** This copy and no other. */
  readonly copy?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hubName: string;
}

export interface Restored {
  readonly copy: string;
  readonly madeMs: UnixMs;
  /** Where the damaged database and newer checkpoints were put. */
  readonly setAside: string;
  readonly recovery: Recovery;
  readonly reconciliation: Reconciliation | undefined;
  /** Copies that were tried first and do not open, with the reason. */
  readonly problems: readonly SallyportError[];
}

/** SP_NO_COPY, SP_NO_WORKING_KEY, SP_DATA_LOCKED, SP_WRITE. */
export async function restoreDatabase(o: RestoreOptions): Promise<Restored> {
  const lock = await lockFolder(o.folder);
  let found: { copy: string; madeMs: UnixMs; problems: SallyportError[] };
  let setAside: string;
  try {
    const workingKey = await loadWorkingKey({ folder: o.folder, ...(o.workingKeyFile === undefined ? {} : { credential: o.workingKeyFile }), mayCreate: false });
    try {
      found = await openNewest(o, workingKey);
      // A kill from here on leaves no working.db, with which no hub starts, or the old one; this command then begins anew.
      setAside = await replaceDatabase(o.folder, restoringName, o.clock.wallMs(), prepare(join(o.folder, restoringName), workingKey, o, found));
    } finally {
      workingKey.close();
    }
  } finally {
    await lock.close();
  }
  return { ...found, setAside, ...await settle(o) };
}

const restoringName = 'working.db.restoring';

/** Opens the vault once, so that everything is settled while somebody looks. */
export async function settle(o: Omit<RestoreOptions, 'copy'>): Promise<{ recovery: Recovery; reconciliation: Reconciliation | undefined }> {
  const vault = await Vault.open({ folder: o.folder, clock: o.clock, log: o.log, hubName: o.hubName, ...(o.workingKeyFile === undefined ? {} : { workingKeyFile: o.workingKeyFile }) });
  const { recovery, reconciliation } = vault;
  await vault.close();
  return { recovery, reconciliation };
}

async function openNewest(o: RestoreOptions, workingKey: WorkingKey): Promise<{ copy: string; madeMs: UnixMs; problems: SallyportError[] }> {
  const hub = workingKey.hubIdentity();
  const keys = await copyKeys(o.folder, hub);
  const problems: SallyportError[] = [];
  try {
    const copies = await copiesIn(o.folder);
    for (const { file, startMs } of o.copy === undefined ? copies : copies.filter((copy) => basename(copy.file) === basename(o.copy ?? ''))) {
      try {
        await openCopy(file, keys.get(startMs), join(o.folder, restoringName), workingKey);
        return { copy: file, madeMs: startMs, problems };
      } catch (error) {
        problems.push(asSallyportError(error));
      }
    }
    throw new SallyportError('SP_NO_COPY', { folder: o.folder, reason: problems[0]?.message ?? 'there is none' }, problems[0]);
  } finally {
    for (const key of keys.values()) key.close();
    hub.close();
  }
}

/** The copies' period keys by their time: of all slots only theirs open with the hub's identity. */
async function copyKeys(folder: string, hub: Identity): Promise<Map<UnixMs, Identity>> {
  const keys = new Map<UnixMs, Identity>();
  const keyring = await Keyring.open(join(folder, 'keyring'), { log: silentLog, writable: false });
  try {
    for await (const { slot, texts } of keyring.scan()) {
      for (const text of texts) {
        try {
          const opened = openSlot(text, [hub], `slot ${slot}`);
          if (opened.camera === copyCamera && opened.class === 'database' && !keys.has(opened.startMs)) keys.set(opened.startMs, opened.identity);
          else opened.identity.close();
        } catch {
          // Footage: the owner's.
        }
      }
    }
    return keys;
  } finally {
    await keyring.close();
  }
}

async function openCopy(file: string, key: Identity | undefined, target: string, workingKey: WorkingKey): Promise<void> {
  if (key === undefined) throw new SallyportError('SP_SLOT_MISSING', { what: file });
  for (const suffix of ['', '-wal', '-shm', '-journal']) await removeFile(target + suffix);
  const opener = await Opener.open(await FileSource.open(file), [key], file);
  const handle = await open(target, 'w', 0o600);
  try {
    for await (const chunk of opener.chunks()) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    opener.close();
    await handle.close();
  }
  const db = openConnection(target, workingKey.databaseKey(), { readonly: false });
  try {
    for (const name of tablesOf(db)) checkTable(db, name);
  } finally {
    db.close();
  }
}

/** Answers the number of the newest checkpoint that it knows. */
function prepare(file: string, workingKey: WorkingKey, o: RestoreOptions, found: { copy: string; madeMs: UnixMs }): number {
  const db: Connection = openConnection(file, workingKey.databaseKey(), { readonly: false });
  try {
    const operations = makeOperations(db);
    operations.putSetting({ name: reconcileSetting, json: JSON.stringify({ keepMs: o.keepMs }) });
    operations.putSetting({ name: farLookSetting, json: JSON.stringify({ sinceMs: Math.round(o.clock.wallMs()) }) });
    operations.audit({ entry: { what: 'database.restored', who: 'cli', detail: { copy: basename(found.copy), made_ms: found.madeMs } }, atMs: o.clock.wallMs() });
    return operations.newestCheckpointNumber();
  } finally {
    db.close();
  }
}

/** Puts the database and the checkpoints that the new one does not know aside, into a folder of their own, and the new one in place. Answers the folder. */
export async function replaceDatabase(folder: string, newName: string, nowMs: UnixMs, newestCheckpoint: number): Promise<string> {
  const aside = join(folder, `set-aside-${utcStamp(nowMs)}`);
  await ensureFolder(join(aside, 'checkpoints'));
  for (const name of ['working.db', 'working.db-wal', 'working.db-shm', 'hub.pub']) if (await fileExists(join(folder, name))) await rename(join(folder, name), join(aside, name));
  for (const name of await listFolder(join(folder, 'checkpoints'))) {
    if (Number(/^(\d{1,15})\.json/.exec(name)?.[1] ?? 0) > newestCheckpoint) await rename(join(folder, 'checkpoints', name), join(aside, 'checkpoints', name));
  }
  await rename(join(folder, newName), join(folder, 'working.db'));
  for (const changed of [aside, folder, join(folder, 'checkpoints')]) if (await fileExists(changed)) await syncFolder(changed);
  return aside;
}
