/** What lies at a store alone, fetched for a data folder whose hub does not run: its hour lists say under which name. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { segmentPieces } from '../duties/farfootage.ts';
import type { FarStore } from '../duties/farstore.ts';
import type { Archive, FetchSegment } from '../vault/archive.ts';
import { isAsListed } from '../vault/filehash.ts';
import type { SegmentRecord } from '../vault/hourlist.ts';
import { printError } from './terminal.ts';

type Away = SegmentRecord & { readonly object: string };

/** So many lie in the folder at once: the one that is opened, and what is fetched ahead of it. */
const keptMax = 4;

/** @param lists Of the folder whose segments are wanted. @param folder Where they are put, sealed as they came. What is fetched is what its list says. SP_SEGMENT_MISSING, SP_SEGMENT_DAMAGED, SP_FAR_…. */
export function fetchFrom(stores: readonly FarStore[], lists: Archive, folder: string): FetchSegment {
  const fetched = new Map<string, Promise<string>>();
  let count = 0;
  let index: Promise<ReadonlyMap<string, Away>> | undefined;
  return ({ camera, stream, seq }, destination) => {
    const key = `${camera} ${stream} ${seq}`;
    const known = fetched.get(key);
    if (known !== undefined) return known;
    index ??= awayIn(lists, () => printError('fetching from the store: it lies there alone'));
    // A name of its own: what is removed meanwhile may be the same segment of before.
    const path = join(folder, String(++count));
    const file = index.then((away) => bring(stores, away.get(key), path, { key, destination }));
    fetched.set(key, file);
    // What failed is asked for again.
    file.catch(() => fetched.delete(key));
    for (const [old, gone] of fetched) {
      if (fetched.size <= keptMax) break;
      fetched.delete(old);
      gone.then((path) => rm(path, { force: true })).catch(() => {});
    }
    return file;
  };
}

async function awayIn(lists: Archive, begun: () => void): Promise<ReadonlyMap<string, Away>> {
  const away = new Map<string, Away>();
  for await (const { list } of lists.lists()) for (const record of list?.segments ?? []) if (record.object !== undefined) away.set(`${list?.camera ?? ''} ${record.stream} ${record.seq}`, { ...record, object: record.object });
  if (away.size > 0) begun();
  return away;
}

async function bring(stores: readonly FarStore[], segment: Away | undefined, file: string, { key, destination }: { key: string; destination: string }): Promise<string> {
  if (segment === undefined) throw new SallyportError('SP_SEGMENT_MISSING', { file: key });
  let failure: unknown;
  // Which of them has the name that the list gives it, the command line does not say.
  for (const store of [...stores.filter(({ name }) => name === destination), ...stores.filter(({ name }) => name !== destination)]) {
    try {
      return await write(store, segment, file);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

async function write(store: FarStore, segment: Away, file: string): Promise<string> {
  const handle = await open(file, 'w', 0o600).catch((error: unknown) => {
    throw new SallyportError('SP_WRITE', { file, reason: reasonOf(error) }, error);
  });
  try {
    for await (const piece of segmentPieces(store, segment)) await handle.writeFile(piece);
  } finally {
    await handle.close();
  }
  if (!await isAsListed(file, segment)) throw new SallyportError('SP_SEGMENT_DAMAGED', { file: segment.path, reason: 'what lay far is not what was sent' });
  return file;
}
