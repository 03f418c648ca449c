/**
 * After the working database was put back from a copy, or made anew: brings it in line with what happened since, before anything else is
 * settled. It knows no owner's key. What it can know lies beside each slot (periodnote.ts), in the names of hour lists and segments, and in
 * the signed receipts. What it cannot know it keeps: a block that looks like a slot is never used again, and a file that may be footage is
 * never deleted, only left where it is (`keptFolders`); the owner's kit tells the rest (`sallyport rebuild`).
 *
 * 1. Receipts on the disk that the database does not know are taken in. 2. Purges that were under way in the copy are ended, but for the files
 * that second headers on the disk keep. 3. Periods whose slot was shredded, or given to another, since the copy are purged; of those whose key
 * was sealed anew, the new text is taken. 4. Periods that were made since come back from their notes, or
 * from the names of their hour lists. 5. (recover.ts) Files become rows again. 6. Lists on the disk stay as they are; numbers go on far
 * above those that may have been used. Each step may be repeated after a kill.
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnixMs } from '../base/clock.ts';
import { fileExists, listFolder, readTextBounded } from '../base/files.ts';
import { hourMs } from '../base/units.ts';
import type { Identity } from '../seal/identity.ts';
import { looksLikeSlot } from '../seal/slot.ts';
import { verifySignature } from '../seal/sshsig.ts';
import { isHoldClass, type PeriodFacts } from './periodtable.ts';
import { copyFile } from './copies.ts';
import { walkFootage } from './filehash.ts';
import { hourListPath, parseHoldName, parseHourFolder, parseHourListName } from './footagepaths.ts';
import { textHash } from './keyringfile.ts';
import { receiptFile } from './paperwork.ts';
import { openNote, type NotedPeriod } from './periodnote.ts';
import { finishPurges, purgePeriods, type PurgeParts } from './purge.ts';
import { receiptNamespace } from './receipts.ts';

/** The setting that asks for it; written into the database before that is put in place. */
export const reconcileSetting = 'reconcile';
/** When the database was made anew or put back: it may not know what lies at destinations (duties/farsurvey.ts). */
export const farLookSetting = 'far look';
export const keptFoldersSetting = 'kept folders';

export interface ReconcileOrder {
  /** How long footage is kept where nothing tells the deadline. */
  readonly keepMs: number;
}

export interface Reconciliation {
  /** Periods that came back. */
  readonly periods: number;
  /** Periods whose key had been destroyed since. */
  readonly purged: number;
  /** Slots of which the hub cannot know whose they are. */
  readonly unknownSlots: number;
  readonly receipts: number;
}

const paperBytesMax = 16 * 2 ** 20;

/** Above every number that may have been given out since the copy was made: a segment a second for a day. */
export const seqsSkipped = 100_000;

export async function reconcile(parts: PurgeParts, hub: Identity, order: ReconcileOrder): Promise<Reconciliation> {
  const receipts = await takeReceipts(parts);
  const found = await lookAround(parts.footage);
  const gone = await goneSince(parts, hub);
  await spareHeld(parts, gone, found);
  await finishPurges(parts);
  if (gone.length > 0) await purgePeriods(parts, gone.map(({ id }) => id), { early: 'its key had been destroyed when the database was put back to an older state' });
  const purged = gone.length;
  const { periods, unknownSlots } = await bringBack(parts, hub, order, found);
  await markCopies(parts);
  const done = { periods, purged, unknownSlots, receipts };
  await parts.database.call('audit', { entry: { what: 'database.reconciled', who: 'hub', detail: { periods, purged, unknown_slots: unknownSlots, receipts } }, atMs: parts.clock.wallMs() });
  parts.log.info({ component: 'vault', ...done }, 'the database was brought in line with the data folder');
  return done;
}

/** Once every file is a row's: lists that are on the disk say more than could be written now; numbers go on far above. */
export async function endReconcile(parts: PurgeParts): Promise<void> {
  for (const period of await parts.database.call('livePeriods')) {
    if (period.listed) continue;
    const file = join(parts.footage, hourListPath(period.camera, period.startMs, period.slot));
    if (!(await fileExists(file))) continue;
    const listSha256 = createHash('sha256').update(await readFile(file)).digest('hex');
    await parts.database.call('keepList', { periodId: period.id, listSha256 });
  }
  await parts.database.call('endReconcile', { skip: seqsSkipped, setting: reconcileSetting });
}

async function allPeriods({ database }: Pick<PurgeParts, 'database'>): Promise<PeriodFacts[]> {
  return [...await database.call('livePeriods'), ...await database.call('copies'), ...await database.call('personPeriods')];
}

async function takeReceipts({ database, folder, signer }: PurgeParts): Promise<number> {
  const known = new Set(await database.call('receiptNumbers'));
  let taken = 0;
  for (const name of await listFolder(join(folder, 'receipts'))) {
    const number = Number(/^(\d{1,15})\.json$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(number) || known.has(number)) continue;
    const json = await readTextBounded(receiptFile(folder, number), paperBytesMax);
    const signature = await readTextBounded(`${receiptFile(folder, number)}.sig`, paperBytesMax).catch(() => '');
    const receipt = genuine(json, signature, signer.publicKey) ? { number, json, signature, atMs: atMsOf(json) } : undefined;
    // One of another hub's key stays as it is; its number is not used again either.
    await database.call('takeReceipt', { number, receipt });
    taken += receipt === undefined ? 0 : 1;
  }
  return taken;
}

function genuine(message: string, signature: string, publicKey: string): boolean {
  try {
    verifySignature({ message, signature, namespace: receiptNamespace, publicKey, what: 'a receipt' });
    return true;
  } catch {
    return false;
  }
}

function atMsOf(json: string): UnixMs {
  const { at_ms: atMs } = JSON.parse(json) as { at_ms?: unknown };
  return typeof atMs === 'number' ? atMs : 0;
}

/** Gone: neither file holds its slot, and what is there is no slot, or another period's. A slot that merely rotted is kept: something may yet be done. */
async function goneSince(parts: PurgeParts, hub: Identity): Promise<PeriodFacts[]> {
  const gone: PeriodFacts[] = [];
  for (const period of await allPeriods(parts)) {
    const texts = await parts.keyring.candidates(period.slot);
    if (texts.some((text) => textHash(text) === period.slotSha256)) continue;
    const slots = texts.filter(looksLikeSlot);
    const noted = slots.length === 0 ? undefined : await noteBeside(parts, hub, period.slot, slots);
    // The owner has sealed the same key to others since: it is the same period.
    if (noted !== undefined && noted.recipient === period.recipient) await parts.database.call('slotReplaced', { periodId: period.id, from: period.slotSha256, to: noted.slotSha256, setting: '', atMs: parts.clock.wallMs() });
    else if (slots.length === 0 || noted !== undefined) gone.push(period);
  }
  return gone;
}

/** Segments of periods that go, beside which second headers lie that the database does not know: only their rows go, the files are found again (recover.ts) when the holds' periods are back. */
async function spareHeld({ database, clock }: PurgeParts, gone: readonly PeriodFacts[], { holds }: Surroundings): Promise<void> {
  const leaving = [...gone.map(({ id }) => id), ...(await database.call('pendingPurges')).flatMap((purge) => purge.periods.map(({ id }) => id))];
  const paths = (await database.call('unheldRows', { periodIds: leaving })).filter((path) => holds.has(path));
  if (paths.length > 0) await database.call('forgetRows', { paths, atMs: clock.wallMs() });
}

async function noteBeside(parts: PurgeParts, hub: Identity, slot: number, texts: readonly Buffer[]): Promise<NotedPeriod | undefined> {
  const notes = await parts.keyring.notes(slot);
  for (const text of texts) {
    for (const note of notes) {
      const period = openNote(note, hub, { slot, slotSha256: textHash(text) });
      if (period !== undefined) return period;
    }
  }
  return undefined;
}

async function bringBack(parts: PurgeParts, hub: Identity, order: ReconcileOrder, { lists, holdSlots }: Surroundings): Promise<{ periods: number; unknownSlots: number }> {
  const claimed = new Set((await allPeriods(parts)).map(({ slot }) => slot));
  let [periods, unknownSlots] = [0, 0];
  for await (const { slot, texts } of parts.keyring.scan()) {
    if (claimed.has(slot)) continue;
    const period = await noteBeside(parts, hub, slot, texts) ?? byName(slot, texts[0] as Buffer, lists.get(slot) ?? holdSlots.get(slot), holdSlots.has(slot) ? 'hold' : 'footage', order);
    if (period === undefined) unknownSlots++;
    else {
      const { order: wish = period.slotSha256.slice(0, 8), maker = 'device', ...facts } = period;
      const hold = isHoldClass(period.class) ? { order: wish, maker, label: '' } : undefined;
      await parts.database.call('addPeriod', { period: facts, hold, atMs: parts.clock.wallMs() });
      periods++;
    }
  }
  return { periods, unknownSlots };
}

/** Without a note, the name of an hour list, or of a second header, tells camera and hour. Its recipient is not known, so nothing more is sealed to it. */
function byName(slot: number, text: Buffer, list: Place | undefined, klass: 'footage' | 'hold', { keepMs }: ReconcileOrder): NotedPeriod | undefined {
  if (list === undefined) return undefined;
  const endMs = list.startMs + hourMs;
  return { camera: list.camera, class: klass, startMs: list.startMs, endMs, deadlineMs: endMs + keepMs, slot, generation: 1, recipient: '', slotSha256: textHash(text) };
}

interface Place {
  readonly camera: string;
  readonly startMs: UnixMs;
}

interface Surroundings {
  /** By their slots. */
  readonly lists: ReadonlyMap<number, Place>;
  readonly holdSlots: ReadonlyMap<number, Place>;
  /** Paths of segments beside which a second header lies. */
  readonly holds: ReadonlySet<string>;
}

/** What names below footage/ tell. */
async function lookAround(footage: string): Promise<Surroundings> {
  const lists = new Map<number, Place>();
  const holdSlots = new Map<number, Place>();
  const holds = new Set<string>();
  for await (const { folder, files } of walkFootage(footage, '', () => {})) {
    const [camera = '', date = '', hour = ''] = folder.split('/');
    const startMs = parseHourFolder(date, hour);
    if (startMs === undefined) continue;
    for (const name of files) {
      const slot = parseHourListName(name);
      if (slot !== undefined) lists.set(slot, { camera, startMs });
      const hold = parseHoldName(name);
      if (hold === undefined) continue;
      holdSlots.set(hold.slot, { camera, startMs });
      holds.add(`${folder}/${hold.segment}`);
    }
  }
  return { lists, holdSlots, holds };
}

async function markCopies({ database, folder, clock }: PurgeParts): Promise<void> {
  for (const { id, startMs, listed } of await database.call('copies')) {
    const info = await stat(copyFile(folder, startMs)).catch(() => undefined);
    if (info !== undefined && !listed) await database.call('copied', { periodId: id, bytes: info.size, atMs: clock.wallMs() });
  }
}
