/** What the commands share that open footage: the folder, the kit, the times, and telling the hub's audit about it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { SallyportError, expecting, isSallyportError } from '../base/errors.ts';
import { readTextBounded } from '../base/files.ts';
import { parseTime } from '../base/units.ts';
import type { Identity } from '../seal/identity.ts';
import { openSpaceHistory, readTakenOwnerList } from '../seal/owner.ts';
import { fillFromFar, type FarPart, type Filled } from '../duties/restorefar.ts';
import { Archive, type FetchSegment } from '../vault/archive.ts';
import { callHub } from './control.ts';
import { configOf, dataOf, dataOption, identitiesOf } from './command.ts';
import { farOption, farOptionsHelp, withFar, type FarValues } from './faraway.ts';
import { fetchFrom } from './fetchfar.ts';
import { printError, progress } from './terminal.ts';

export const footageOptionsHelp = `
  --identity KIT   the recovery kit, or another age identity that may see it (else $SALLYPORT_IDENTITY)
  --owner FILE     an owner list: with it the identity of a device or a member opens its spaces, and
                   a new kit opens what an old one was given
  --data FOLDER    a data folder, or a copy of one: no running hub and no working key is needed
                   (else the configuration's)
Times: 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local time), now, or "-10 min".`;

export const footageOption = { ...dataOption, owner: { type: 'string' } } as const;

/** Of the commands that also open what lies at stores. */
export const farFootageOption = { ...footageOption, ...farOption } as const;
export const farFootageHelp = `${footageOptionsHelp}
From stores, when the hub is gone, and its footage was sent away with slots = "far"; or, with --data, what a
data folder has the keys of and lies at a store alone (archive_after), without its hub:${farOptionsHelp}`;

const ownerListBytesMax = 2 ** 20;

interface ArchiveValues extends FarValues {
  readonly data?: string | undefined;
  readonly config?: string | undefined;
  readonly identity?: string | undefined;
  readonly owner?: string | undefined;
}

/** As `withArchive`, or of stores, of which what `part` needs is fetched first; of a data folder and stores: what lies there alone is fetched as it is opened. */
export async function withFootage<T>(command: string, values: ArchiveValues, part: FarPart, work: (archive: Archive, identities: Identity[]) => Promise<T>): Promise<T> {
  if (values.far !== undefined && values.data !== undefined) return withBoth(command, values, values.data, work);
  if (values.far === undefined) return withArchive(command, values, work, { socket: values.data !== undefined && values.config === undefined ? undefined : (await configOf(values.config)).socket });
  return withFarFilled(command, values, { part }, (folder, identities) => withFolder(folder, identities, work));
}

/** Opens the archive for as long as `work` takes; identities are wiped afterwards. `socket`: of the hub that brings what lies elsewhere alone. */
export function withArchive<T>(command: string, values: Omit<ArchiveValues, keyof FarValues>, work: (archive: Archive, identities: Identity[]) => Promise<T>, { socket }: { readonly socket?: string | undefined } = {}): Promise<T> {
  return withIdentities(command, values, async (identities) => {
    const folder = await dataOf(values);
    return withFolder(folder, identities, work, socket === undefined ? undefined : fetchBy(socket, folder));
  });
}

/** The hub fetches nothing itself: its courier does. What came lies sealed in the data folder for a while. */
function fetchBy(socket: string, folder: string): FetchSegment {
  const told = new Set<string>();
  return async ({ camera, stream, seq }, destination) => {
    if (destination !== '' && !told.has(destination)) printError(`fetching from ${destination}: it lies there alone`);
    told.add(destination);
    try {
      return join(folder, 'fetched', (await callHub(socket, 'fetch', { camera, stream, seq })).file);
    } catch (error) {
      if (!isSallyportError(error, 'SP_NO_DAEMON')) throw error;
      const file = `${camera} ${stream} ${seq}`;
      throw destination === '' ? new SallyportError('SP_SEGMENT_MISSING', { file }, error) : new SallyportError('SP_ARCHIVE_HUB', { file, destination }, error);
    }
  };
}

/** The keys and lists of a data folder, and what lies at stores alone: no hub is needed. */
function withBoth<T>(command: string, values: ArchiveValues, data: string, work: (archive: Archive, identities: Identity[]) => Promise<T>): Promise<T> {
  return withIdentities(command, values, (identities) => withFar(command, values, async ({ stores }) => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-fetched-'));
    try {
      return await withFolder(data, identities, (lists) => withFolder(data, identities, work, fetchFrom(stores, lists, folder)));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }));
}

async function withFolder<T>(folder: string, identities: Identity[], work: (archive: Archive, identities: Identity[]) => Promise<T>, fetch?: FetchSegment): Promise<T> {
  const archive = await Archive.open(folder, identities, { fetch });
  try {
    return await work(archive, identities);
  } finally {
    await archive.close();
  }
}

/** A folder of its own with what is wanted of the stores, sealed as it lay there; it goes when `work` is done. */
export function withFarFilled<T>(command: string, values: ArchiveValues, o: { readonly part: FarPart; readonly listsOnly?: true }, work: (folder: string, identities: Identity[], filled: Filled) => Promise<T>): Promise<T> {
  return withIdentities(command, values, (identities) => withFar(command, values, async ({ slots, stores }) => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-fetched-'));
    const bar = progress('fetching');
    try {
      const filled = await fillFromFar({ folder, slots, stores, identities, ...o, onProgress: (step, done, total) => { if (step === 'footage') bar.show(done, total); } });
      bar.end();
      for (const problem of filled.problems) printError(`${problem.code}: ${problem.message}`);
      return await work(folder, identities, filled);
    } finally {
      bar.end();
      await rm(folder, { recursive: true, force: true });
    }
  }));
}

/** The identities that were named, and those of the spaces that they open, for as long as `work` takes. */
export async function withIdentities<T>(command: string, values: { identity?: string | undefined; owner?: string | undefined }, work: (identities: Identity[]) => Promise<T>): Promise<T> {
  const identities = await identitiesOf(command, values.identity);
  try {
    if (values.owner !== undefined) identities.push(...await spacesOf(values.owner, identities));
    return await work(identities);
  } finally {
    for (const identity of identities) identity.close();
  }
}

/** The identities of every space that `identities` open, former ones too. Who signed the list does not matter here: it is only read. SP_OWNER_LIST, SP_WRONG_IDENTITY. */
async function spacesOf(file: string, identities: readonly Identity[]): Promise<Identity[]> {
  const list = readTakenOwnerList(await readTextBounded(file, ownerListBytesMax), file);
  const opened = list.spaces.map(({ name }) => {
    try {
      return openSpaceHistory(list, name, identities);
    } catch (error) {
      return expecting('SP_WRONG_IDENTITY')(error) ?? [];
    }
  }).flat();
  if (opened.length === 0) throw new SallyportError('SP_WRONG_IDENTITY', { what: file });
  return opened;
}

export function timeOf(command: string, text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : parseTime(text, systemClock.wallMs(), command);
}

/**
 * Tells a running hub that its footage is opened, for the audit. Footage of a copied folder has no hub to tell: then there is
 * nothing to do, and nobody could enforce it, because the keys are the owner's.
 */
export async function noteInAudit(values: Pick<ArchiveValues, 'data' | 'config' | 'far'>, what: 'playback' | 'export', camera: string, fromMs: number, toMs: number): Promise<void> {
  if (values.far !== undefined || (values.data !== undefined && values.config === undefined)) return;
  try {
    await callHub((await configOf(values.config)).socket, 'note', { what, camera, fromMs: Math.round(fromMs), toMs: Math.round(toMs) });
  } catch {
    // No hub runs here, or another one than this folder's: see above.
  }
}
