/**
 * What is far, as the kit sees it, without the hub that sent it: the slots object, found among a store's objects; the slots in it; the list of each
 * period; and the segments that the lists name. The hub's own database is not asked for anything. Whoever has the kit and the stores' logins can do this
 * until the deadlines, and so can whoever copied the stores before them: docs/THREAT_MODEL.md.
 */
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import { readFarList, type FarList, type FarSegment } from '../policy/farlist.ts';
import { picturesObjectBytesMax, picturesOf, type PictureName } from '../seal/format/picturesobject.ts';
import { decodeSlotsObject, maySlotsObjectBe, readSlotsHead, slotsHeadBytesMax, type SlotsEntry, type SlotsObject } from '../seal/format/slotsobject.ts';
import type { Identity } from '../seal/identity.ts';
import { openWhole } from '../seal/opener.ts';
import { openSlot } from '../seal/slot.ts';
import type { FarStore } from './farstore.ts';

/** Looked into at once. */
const candidatesAtOnce = 4;

export interface FoundSlots extends SlotsObject {
  /** The object's own name: a restored hub replaces it at each purge, so that what is purged from then on dies there too. */
  readonly object: string;
  /** Slots objects of other hubs, or of other kits, in the same store. */
  readonly others: number;
}

/** One period as its list tells of it. */
export interface FarPeriod {
  readonly list: FarList;
  readonly slotText: Uint8Array;
  readonly recipient: string;
  readonly store: FarStore;
  /** As the hub called it. */
  readonly destination: string;
  readonly listObject: string;
}

/** The newest one that these identities open something of. SP_FAR_NO_SLOTS; SP_FAR_…. */
export async function findSlots(store: FarStore, identities: readonly Identity[]): Promise<FoundSlots> {
  const found: { object: string; bytes: number; madeMs: number }[] = [];
  let objects = 0;
  let batch: (readonly [string, number])[] = [];
  const look = async (): Promise<void> => {
    const heads = await Promise.all(batch.map(async ([object, bytes]) => ({ object, bytes, head: readSlotsHead(await store.read(object, 0, Math.min(bytes, slotsHeadBytesMax))) })));
    for (const { object, bytes, head } of heads) if (head !== undefined) found.push({ object, bytes, madeMs: head.madeMs });
    batch = [];
  };
  for await (const one of store.list()) {
    objects++;
    if (maySlotsObjectBe(one[1])) batch.push(one);
    if (batch.length >= candidatesAtOnce) await look();
  }
  await look();
  let problem: SallyportError | undefined;
  for (const { object, bytes } of found.toSorted((a, b) => b.madeMs - a.madeMs)) {
    try {
      const slots = decodeSlotsObject(await store.read(object, 0, bytes), object);
      if (slots.entries.length === 0 || slots.entries.some(({ slotText }) => opens(slotText, identities))) return { ...slots, object, others: found.length - 1 };
    } catch (error) {
      problem ??= asSallyportError(error);
      if (!isSallyportError(error, 'SP_FAR_SLOTS')) throw error;
    }
  }
  throw problem ?? new SallyportError('SP_FAR_NO_SLOTS', { where: store.name, reason: found.length > 0 ? `of ${found.length} slots objects this kit opens none` : `among ${objects} objects there is no slots object` });
}

/**
 * Every period whose slot these identities open, latest first, with its list from one of the stores. What cannot be read comes as a problem, and
 * keeps no other from coming. A list is looked for in the store where the last one of the same destination was.
 */
export async function* farPeriods({ slots, stores, identities, onProgress }: { slots: FoundSlots; stores: readonly FarStore[]; identities: readonly Identity[]; onProgress?: ((done: number, total: number) => void) | undefined }): AsyncGenerator<{ readonly period?: FarPeriod; readonly problem?: SallyportError }> {
  const homes = new Map<string, FarStore>();
  let done = 0;
  for (const [index, entry] of slots.entries.entries()) {
    const what = `slot ${index} of the slots object`;
    try {
      const { identity, camera, class: klass, startMs } = openSlot(entry.slotText, identities, what);
      try {
        const { store, bytes } = await listOf(entry, stores, homes);
        const list = readFarList(openWhole(bytes, [identity], `the list of ${camera}`), `the list of ${camera} at ${new Date(startMs).toISOString()}`);
        // Anybody can seal something to a period's public key: a list is believed only beside its own slot.
        if (list.camera !== camera || list.class !== klass || list.start_ms !== startMs) throw new SallyportError('SP_FAR_LIST', { what, reason: 'it is of another period' });
        yield { period: { list, slotText: entry.slotText, recipient: identity.recipient, store, destination: entry.destination, listObject: entry.list } };
      } finally {
        identity.close();
      }
    } catch (error) {
      // A space that this kit or device does not see is no fault.
      if (!isSallyportError(error, 'SP_WRONG_IDENTITY')) yield { problem: asSallyportError(error) };
    }
    onProgress?.(++done, slots.entries.length);
  }
}

/** The sealed bytes of a segment, range by range. */
export async function* segmentPieces(store: FarStore, segment: Pick<FarSegment, 'object' | 'size'>): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < segment.size; at += pieceBytes) yield await store.read(segment.object, at, Math.min(pieceBytes, segment.size - at));
}

/** An alarm's pictures, each sealed as it lay at home. SP_FAR_PICTURES, SP_FAR_MISSING, SP_AGE_…. */
export async function farPictures(store: FarStore, { alarm, object, slotText }: { readonly alarm: string; readonly object: string; readonly slotText: Uint8Array }, identities: readonly Identity[]): Promise<Readonly<Partial<Record<PictureName, Uint8Array>>>> {
  const what = `the pictures of alarm ${alarm}`;
  const bytes = await store.readWhole(object, picturesObjectBytesMax);
  const { identity } = openSlot(slotText, identities, what);
  try {
    return Object.fromEntries(picturesOf(openWhole(bytes, [identity], what), alarm));
  } finally {
    identity.close();
  }
}

const pieceBytes = 8 * 2 ** 20;
/** Sealed lists are no larger. */
const listBytesMax = 64 * 2 ** 20;

/** Whether its segments overlap the time. */
export function touches({ segments, gaps }: FarList, fromMs: UnixMs, toMs: UnixMs): boolean {
  return segments.some((one) => one.start_ms <= toMs && one.start_ms + one.duration_ms >= fromMs) || gaps.some((gap) => gap.from_ms <= toMs && gap.to_ms >= fromMs);
}

async function listOf({ destination, list }: SlotsEntry, stores: readonly FarStore[], homes: Map<string, FarStore>): Promise<{ store: FarStore; bytes: Buffer }> {
  const known = homes.get(destination) ?? stores.find(({ name }) => name === destination);
  let failure: unknown;
  for (const store of known === undefined ? stores : [known, ...stores.filter((one) => one !== known)]) {
    try {
      const bytes = await store.readWhole(list, listBytesMax);
      homes.set(destination, store);
      return { store, bytes };
    } catch (error) {
      failure ??= error;
      if (!isSallyportError(error, 'SP_FAR_MISSING')) throw error;
    }
  }
  throw failure ?? new SallyportError('SP_FAR_MISSING', { destination, object: list });
}

function opens(slotText: Uint8Array, identities: readonly Identity[]): boolean {
  try {
    openSlot(slotText, identities, 'a slot').identity.close();
    return true;
  } catch {
    return false;
  }
}
