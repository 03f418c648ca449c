/** Files of footage that no hour list covers: of the open hour, or of a copy that was taken meanwhile. They are opened by trying slots, or by their second headers, and describe themselves. */
import { join } from 'node:path';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, expecting, isSallyportError } from '../base/errors.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import type { Identity } from '../seal/identity.ts';
import { readMetadata } from '../seal/metadata.ts';
import { chunkSealedBytes, headerSizeOf, Opener } from '../seal/opener.ts';
import { findThumbnail, type ThumbnailPlace } from '../seal/thumbnail.ts';
import type { ArchiveSegment, Folder } from './archivefindings.ts';
import type { ArchiveSlots, SlotFacts } from './archiveslots.ts';
import { FileSource } from './filesource.ts';
import { holdName, parseHoldName, parseSegmentName, type SegmentName } from './footagepaths.ts';
import { readHold } from './holds.ts';
import { isUseless, sourceOf, type SealedPlace } from './segmentopening.ts';

export interface UnlistedFile extends SegmentName {
  readonly path: string;
  readonly part: boolean;
  /** Slots of the periods whose second headers lie beside it. */
  readonly holds: readonly number[];
  /** It ends before this: where the next one of its stream begins, or the longest a segment can be. */
  readonly endMsMax: UnixMs;
}

/** No segment lasts so long: cutting has a limit of 90 s. */
export const segmentMsMax = 3 * minuteMs;
/** `ftyp` and the metadata box are within this. */
const beginningBytes = 8192;

interface Place {
  readonly footage: string;
  readonly slots: ArchiveSlots;
  /** Slots that have an hour list: an unlisted file is rarely theirs. */
  readonly listed: ReadonlySet<number>;
}

interface UsableSize {
  readonly sizeBytes: number;
  readonly headerBytes: number;
}

interface Ending {
  readonly opener: Opener;
  readonly sizeBytes: number;
  readonly cutChunks: number | undefined;
}

/** Names come sorted by time, main and sub mixed. */
export function unlistedIn(folder: Folder, names: readonly string[], covered: ReadonlySet<string>): UnlistedFile[] {
  const files = names.flatMap((name) => {
    const parsed = parseSegmentName(name);
    return parsed === undefined ? [] : [{ ...parsed, name }];
  });
  return files.flatMap(({ name, ...file }, index) => {
    if (covered.has(name)) return [];
    const next = files.slice(index + 1).find(({ stream, seq }) => stream === file.stream && seq > file.seq);
    const endMsMax = Math.min(file.startMs + segmentMsMax, (next?.startMs ?? Number.POSITIVE_INFINITY) + 1000);
    const holds = names.flatMap((one) => parseHoldName(one) ?? []).filter(({ segment }) => segment === name).map(({ slot }) => slot);
    return [{ ...file, path: `${folder.path}/${name}`, holds, endMsMax }];
  });
}

/** By the slot that opens it. `locked` when none does; undefined when it has nothing to show yet. */
export async function describeFile(place: Place, folder: Folder, file: UnlistedFile): Promise<ArchiveSegment | 'locked' | undefined> {
  const source = await FileSource.open(join(place.footage, file.path));
  const usable = await usableSize(source, file);
  if (usable === undefined) return undefined;
  // Names are to the second: a period may begin within it.
  const toMs = Math.min(folder.startMs + hourMs, file.startMs + 1000);
  for await (const facts of place.slots.of(folder.camera, folder.startMs, toMs, place.listed)) {
    try {
      return await place.slots.use(facts.slot, file.path, (identity) => describeWith({ file: join(place.footage, file.path) }, identity, facts, file, usable));
    } catch (error) {
      if (!isSallyportError(error, 'SP_WRONG_IDENTITY')) throw error;
    }
  }
  return await describeHeld(place, folder, file, usable) ?? 'locked';
}

/** By the first second header that opens it; undefined when none does. */
async function describeHeld(place: Place, folder: Folder, file: UnlistedFile, usable: UsableSize): Promise<ArchiveSegment | undefined> {
  for (const slot of file.holds) {
    const path = join(place.footage, file.path);
    try {
      const described = await place.slots.use(slot, file.path, async (identity, facts) => {
        const hold = await readHold(holdName(path, slot), holdName(file.path, slot));
        return facts.camera === folder.camera ? describeWith({ file: path, hold }, identity, facts, file, usable) : undefined;
      });
      if (described !== undefined) return { ...described, heldBy: [slot, ...file.holds.filter((other) => other !== slot)] };
    } catch (error) {
      // One that is wrong, or whose period is gone, keeps no other from it.
      if (!isUseless(error)) throw error;
    }
  }
  return undefined;
}

async function describeWith(sealed: SealedPlace, identity: Identity, { slot, camera }: SlotFacts, file: UnlistedFile, usable: UsableSize): Promise<ArchiveSegment | undefined> {
  const ending = await endingOf(sealed, identity, file, usable);
  if (ending === undefined) return undefined;
  const { opener, sizeBytes, cutChunks } = ending;
  try {
    const beginning = await opener.read(0, beginningBytes).catch(expecting('SP_AGE_PAYLOAD'));
    // What its name says is left; whoever reads it is told of the damage.
    const metadata = beginning === undefined ? { camera, stream: file.stream, seq: file.seq, wall_ms: file.startMs } : readMetadata(beginning, file.path);
    if (metadata.camera !== camera || metadata.stream !== file.stream || metadata.seq !== file.seq) {
      throw new SallyportError('SP_SEGMENT_METADATA', { what: file.path, reason: `it is of ${metadata.camera}, ${metadata.stream} ${metadata.seq}` });
    }
    const { stream, seq, path } = file;
    const thumb = cutChunks === undefined ? await thumbOf(opener) : undefined;
    return {
      camera, stream, seq, startMs: metadata.wall_ms, durationMs: undefined, path, sizeBytes, slot, cutChunks, keyFrames: [], state: 'unlisted',
      ...(thumb === undefined ? {} : { thumb }),
    };
  } finally {
    opener.close();
  }
}

/** What is damaged has none; whoever reads it is told of the damage. */
function thumbOf(opener: Opener): Promise<ThumbnailPlace | undefined> {
  return findThumbnail(opener.plainSize, (offset, length) => opener.read(offset, length)).catch(expecting('SP_AGE_PAYLOAD'));
}

/**
 * The whole file when its last chunk is genuine, else its whole chunks; undefined for a file in the making that has none yet. A part of a
 * chunk at the end is what a kill leaves in a file in the making; under its final name a file has whole ones, or it was damaged.
 */
async function endingOf(sealed: SealedPlace, identity: Identity, file: UnlistedFile, usable: UsableSize): Promise<Ending | undefined> {
  const whole = await Opener.open(await sourceOf(sealed, usable.sizeBytes), [identity], file.path);
  const damage = await whole.read(whole.plainSize - 1, 1).then(() => undefined, (error: unknown) => asSallyportError(error));
  const partial = (usable.sizeBytes - usable.headerBytes) % chunkSealedBytes > 0;
  if ((damage === undefined && !whole.cut) || (partial && !file.part)) return { opener: whole, sizeBytes: usable.sizeBytes, cutChunks: undefined };
  whole.close();
  const cutChunks = Math.floor((usable.sizeBytes - usable.headerBytes) / chunkSealedBytes);
  if (cutChunks === 0 && file.part) return undefined;
  if (cutChunks === 0) throw damage ?? new SallyportError('SP_SEGMENT_CUT', { what: file.path, chunks: 0 });
  const sizeBytes = usable.headerBytes + cutChunks * chunkSealedBytes;
  const opener = await Opener.open(await sourceOf(sealed, sizeBytes), [identity], file.path, { cutChunks });
  return { opener, sizeBytes, cutChunks };
}

/** undefined for a file in the making that has no whole header yet. */
async function usableSize(source: FileSource, file: UnlistedFile): Promise<UsableSize | undefined> {
  const beginning = await source.read(0, Math.min(source.size, beginningBytes));
  try {
    return { sizeBytes: source.size, headerBytes: headerSizeOf(beginning, file.path) };
  } catch (error) {
    if (file.part) return undefined;
    throw error;
  }
}
