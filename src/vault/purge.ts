/**
 * Purging, in steps of which each can be repeated, so that a kill after any of them ends complete at the next start:
 * 1. the purge is written down; 2. its slots are shredded, from then on nothing of it opens; 3. periods and rows are marked, in one
 * transaction with the audit line (segments that a living hold names stay: their rows move to its period); 4. files and emptied folders go; 5. rows go, batch by batch; 6. period rows go (only now are the slots
 * free), the signed receipt and the audit line come, in one transaction; 7. receipt and checkpoint are put on disk.
 * A shred names the slot's text by its hash, so repeating it can never touch a slot that a living period uses.
 */
import { createHash } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reasonOf, SallyportError } from '../base/errors.ts';
import type { UnixMs } from '../base/clock.ts';
import { fileExists, removeFile, syncFolder } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { copiesFolder, copyFile } from './copies.ts';
import { hourListPath, partSuffix } from './footagepaths.ts';
import type { Keyring } from './keyring.ts';
import { fileReceipt, issueCheckpoint, type PaperParts } from './paperwork.ts';
import type { PicturesCare } from './picturescare.ts';
import { isBare } from './periodtable.ts';
import { abilitiesName, readAbilities, receiptJson, receiptNamespace, totalOf, type FarSlotsNote, type PendingPurge, type PurgeReason, type Receipt } from './receipts.ts';

export type PurgeStep = 'intended' | 'shredded' | 'marked' | 'unlinked' | 'deleted' | 'recorded' | 'filed';

export interface PurgeParts extends PaperParts {
  readonly footage: string;
  readonly keyring: Keyring;
  readonly log: Log;
  readonly vault: { readonly id: string; readonly hubName: string };
  /** Called before the first slot is shredded: whoever still writes to these periods must stop. */
  readonly leaving: (periodIds: readonly number[]) => void;
  /** Paths below footage/, without `.part`, of segments of this period that are open. */
  readonly openPaths: (periodId: number) => readonly string[];
  readonly pictures: PicturesCare;
  /** The slots objects at these destinations are to be renewed, for slots in them are shredded. Bounded in time; never rejects. */
  readonly farSlots: (destinations: readonly string[]) => Promise<readonly FarSlotsNote[]>;
  readonly afterStep: (step: PurgeStep) => Promise<void> | void;
}

/** So many files are unlinked at once; more would only queue behind the disk. */
const unlinkedAtOnce = 64;
const rowsAtOnce = 1_024;

/** Purges these periods and whatever an earlier purge left undone. The receipt is that of the periods asked for. */
export async function purgePeriods(parts: PurgeParts, periodIds: readonly number[], why: PurgeReason): Promise<Receipt> {
  const intended = await parts.database.call('intendPurge', { periodIds, why, atMs: parts.clock.wallMs() });
  if (intended !== undefined) await parts.afterStep('intended');
  const receipts = await finishPurges(parts);
  const asked = new Set(periodIds);
  const receipt = receipts.find(({ number }) => number === intended?.number) ?? receipts.findLast(({ periods }) => periods.some(({ id }) => asked.has(id)));
  if (receipt === undefined) throw new SallyportError('SP_INTERNAL', { reason: 'none of these periods is there to be purged' });
  return receipt;
}

/** Brings every purge that was written down to its end. All that can be done is done; then the first failure is thrown. */
export async function finishPurges(parts: PurgeParts): Promise<Receipt[]> {
  const failures: unknown[] = [];
  const attempt = async <T>(deed: () => Promise<T>): Promise<T[]> => {
    try {
      return [await deed()];
    } catch (error) {
      failures.push(error);
      return [];
    }
  };
  // Slots first, all of them: no file that cannot be unlinked may keep a key alive.
  const shredded: PendingPurge[] = [];
  for (const purge of await parts.database.call('pendingPurges')) {
    shredded.push(...(purge.state === 'shredded' ? [purge] : await attempt(() => shredSlots(parts, purge))));
  }
  const receipts: Receipt[] = [];
  for (const purge of shredded) receipts.push(...(await attempt(() => removeFootage(parts, purge))));
  if (failures.length > 0) throw failures[0];
  return receipts;
}

async function shredSlots(parts: PurgeParts, purge: PendingPurge): Promise<PendingPurge> {
  parts.leaving(purge.periods.map(({ id }) => id));
  const results = await parts.keyring.shred(purge.periods.map(({ slot, slotSha256 }) => ({ slot, sha256: slotSha256 })));
  await parts.afterStep('shredded');
  const readBack = results.length === purge.periods.length && results.every((result) => result.readBack);
  const marked = await parts.database.call('markShredded', { purge, readBack, atMs: parts.clock.wallMs() });
  await parts.afterStep('marked');
  return marked;
}

async function removeFootage(parts: PurgeParts, purge: PendingPurge): Promise<Receipt> {
  parts.leaving(purge.periods.map(({ id }) => id));
  const touched = new Set<string>();
  for (const period of purge.periods) await unlinkPeriod(parts, period, touched);
  await removeFolders(parts, purge, touched);
  await parts.pictures.forget(parts, purge);
  await parts.afterStep('unlinked');
  const periodIds = purge.periods.map(({ id }) => id);
  while ((await parts.database.call('deleteGarbage', { periodIds, limit: rowsAtOnce })) > 0);
  await parts.afterStep('deleted');
  return recordReceipt(parts, purge);
}

/** Adds the folders in which something was to `touched`: a period's own always, and a day of alarms keeps footage of all its hours. */
async function unlinkPeriod(parts: PurgeParts, period: PendingPurge['periods'][number], touched: Set<string>): Promise<void> {
  if (period.class === 'database') return removeCopy(parts.folder, period.startMs);
  if (period.class === 'person') return;
  const unlink = async (paths: readonly string[]): Promise<void> => {
    for (const path of paths) touched.add(dirname(path));
    await unlinkAll(parts, paths);
  };
  await unlink([hourListPath(period.camera, period.startMs, period.slot), ...parts.openPaths(period.id).flatMap(bothNames)]);
  await unlink(await parts.database.call('garbageHoldsOf', { periodId: period.id }));
  for (let afterRowId = 0; ;) {
    const rows = await parts.database.call('garbageOf', { periodId: period.id, afterRowId, limit: rowsAtOnce });
    const last = rows.at(-1);
    if (last === undefined) return;
    await unlink(rows.map(({ path }) => path));
    afterRowId = last.rowId;
  }
}

async function removeCopy(folder: string, startMs: UnixMs): Promise<void> {
  const file = copyFile(folder, startMs);
  for (const name of [file, file + partSuffix]) await removeFile(name);
  if (await fileExists(copiesFolder(folder))) await syncFolder(copiesFolder(folder));
}

async function unlinkAll(parts: PurgeParts, paths: readonly string[]): Promise<void> {
  for (let from = 0; from < paths.length; from += unlinkedAtOnce) {
    await Promise.all(paths.slice(from, from + unlinkedAtOnce).map((path) => removeFile(join(parts.footage, path))));
  }
}

function bothNames(path: string): [string, string] {
  return [path, path + partSuffix];
}

/** Emptied hour and date folders go, unless a period that stays will write there; what remains is fsynced, so that no name comes back. */
async function removeFolders(parts: PurgeParts, purge: PendingPurge, touched: ReadonlySet<string>): Promise<void> {
  const footage = purge.periods.filter((period) => !isBare(period.class));
  const shared = await parts.database.call('sharedFolders', { periods: footage.map(({ id, camera, startMs }) => ({ id, camera, startMs })) });
  const kept = new Set(shared.flatMap((folder) => [folder, dirname(folder)]));
  const toSync = new Set<string>();
  for (const hour of touched) {
    const date = dirname(hour);
    if (kept.has(hour) || !(await removedFolder(join(parts.footage, hour)))) toSync.add(hour);
    else if (kept.has(date) || !(await removedFolder(join(parts.footage, date)))) toSync.add(date);
    else toSync.add(dirname(date));
  }
  for (const folder of toSync) {
    // A folder of the list may have gone with a later one of it.
    if (await fileExists(join(parts.footage, folder))) await syncRemoved(join(parts.footage, folder));
  }
}

async function syncRemoved(folder: string): Promise<void> {
  try {
    await syncFolder(folder);
  } catch (error) {
    throw new SallyportError('SP_WRITE', { file: folder, reason: reasonOf(error) }, error);
  }
}

/** True when the folder is gone; false when something is left in it. */
export async function removedFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw new SallyportError('SP_WRITE', { file: path, reason: reasonOf(error) }, error);
  }
}

async function recordReceipt(parts: PurgeParts, purge: PendingPurge): Promise<Receipt> {
  const places = [...new Set(purge.periods.flatMap(({ far = [] }) => far.map(({ keysAt }) => keysAt)))].filter((place) => place !== 'home');
  const farSlots = places.length === 0 ? [] : await parts.farSlots(places);
  const atMs = parts.clock.wallMs();
  const destinations = [...new Set(purge.periods.flatMap(({ far = [] }) => far.map(({ destination }) => destination)))];
  const refusals = destinations.length === 0 ? [] : await parts.database.call('farRefusals', { destinations });
  const json = receiptJson(purge, parts.vault, atMs, { abilities: readAbilities(await parts.database.call('setting', { name: abilitiesName })), refusals, farSlots });
  const signed = { number: purge.number, json, signature: parts.signer.sign(json, receiptNamespace) };
  const receiptSha256 = createHash('sha256').update(json).digest('hex');
  await parts.database.call('finishPurge', { purge, receipt: { ...signed, atMs }, receiptSha256 });
  await parts.afterStep('recorded');
  const file = await fileReceipt(parts.folder, signed);
  await issueCheckpoint(parts);
  await parts.database.call('truncateWal');
  await parts.afterStep('filed');
  const total = totalOf(purge.periods);
  parts.log.info({ component: 'vault', receipt: purge.number, periods: purge.periods.length, ...total, readBack: purge.readBack, early: purge.early, erased: purge.erased }, 'purged');
  return { number: purge.number, atMs, periods: purge.periods, ...total, readBack: purge.readBack, early: purge.early, erased: purge.erased, file };
}
