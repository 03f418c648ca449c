/** How a segment that was found is opened: by its own header or by second ones, here, or brought from where it lies alone. Errors are told in archive.ts. */
import { join } from 'node:path';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import { makeHold } from '../seal/hold.ts';
import { fileKeyIn, Opener, type ByteSource } from '../seal/opener.ts';
import { findThumbnail, thumbnailIn } from '../seal/thumbnail.ts';
import type { ArchiveSegment } from './archivefindings.ts';
import type { ArchiveSlots } from './archiveslots.ts';
import { FileSource, HeldSource, isGone } from './filesource.ts';
import { holdName, parseSegmentPath } from './footagepaths.ts';
import { readHold } from './holds.ts';

/** Brings a segment that is not here: where its sealed file lies then, whole. SP_SEGMENT_MISSING, SP_ARCHIVE_…. */
export type FetchSegment = (name: Pick<ArchiveSegment, 'camera' | 'stream' | 'seq'>, destination: string) => Promise<string>;

export type Sealed = Pick<ArchiveSegment, 'path' | 'slot' | 'heldBy' | 'archivedAt'>;

/** A header is within this. */
const beginningBytes = 1024;

export class SegmentOpening {
  readonly #footage: string;
  readonly #slots: ArchiveSlots;
  readonly #fetch: FetchSegment | undefined;

  constructor(footage: string, slots: ArchiveSlots, fetch: FetchSegment | undefined) {
    this.#footage = footage;
    this.#slots = slots;
    this.#fetch = fetch;
  }

  /** Whether what lies elsewhere can be brought. */
  get mayFetch(): boolean {
    return this.#fetch !== undefined;
  }

  async open(segment: Sealed & Pick<ArchiveSegment, 'state' | 'sizeBytes' | 'cutChunks'>): Promise<Opener> {
    checkPath(segment.path);
    const options = segment.cutChunks === undefined ? {} : { cutChunks: segment.cutChunks };
    const ways = waysInto(segment);
    let unproven: Opener | undefined;
    let failure: unknown;
    for (const way of ways) {
      try {
        const source = await this.#sourceBy(way, segment, segment.state === 'unlisted' ? segment.sizeBytes : undefined);
        const opener = await this.#slots.use(way.slot, segment.path, (identity) => Opener.open(source, [identity], segment.path, options));
        // A second header may hold a key of its own making: the first chunk tells.
        if (ways.length === 1 || await opens(opener)) {
          unproven?.close();
          return opener;
        }
        if (unproven === undefined) unproven = opener;
        else opener.close();
      } catch (error) {
        failure ??= error;
        if (!isUseless(error)) throw error;
      }
    }
    if (unproven !== undefined) return unproven;
    throw failure;
  }

  /**
   * A second header that opens the segment for the period that has that slot. The period is looked at first: its slot must be there, open for
   * these identities, and be of the same camera, so that a hub cannot have footage sealed to whom it likes.
   */
  async secondHeader(segment: Sealed, to: { readonly slot: number; readonly recipient: string }): Promise<Buffer> {
    checkPath(segment.path);
    await this.#slots.use(to.slot, `slot ${to.slot}`, async (identity, facts) => {
      if (identity.recipient !== to.recipient || facts.camera !== parseSegmentPath(segment.path)?.camera || facts.class === 'footage') {
        throw new SallyportError('SP_HOLD', { reason: `slot ${to.slot} is not what the hub says it is` });
      }
    });
    let failure: unknown;
    for (const way of waysInto(segment)) {
      try {
        const source = await this.#sourceBy(way, segment);
        const start = await source.read(0, Math.min(source.size, beginningBytes));
        const fileKey = await this.#slots.use(way.slot, segment.path, async (identity) => fileKeyIn(start, [identity], segment.path));
        try {
          return makeHold(fileKey, to.recipient);
        } finally {
          fileKey.close();
        }
      } catch (error) {
        failure ??= error;
        if (!isUseless(error)) throw error;
      }
    }
    throw failure;
  }

  async thumbnail(segment: ArchiveSegment): Promise<Buffer | undefined> {
    if (segment.cutChunks !== undefined) return undefined;
    const opener = await this.open(segment);
    try {
      const place = segment.thumb ?? await findThumbnail(opener.plainSize, (offset, length) => opener.read(offset, length));
      const jpeg = place === undefined ? undefined : thumbnailIn(await opener.read(...place));
      return jpeg === undefined ? undefined : Buffer.from(jpeg);
    } finally {
      opener.close();
    }
  }

  ahead({ camera, stream, seq, archivedAt }: ArchiveSegment): void {
    if (archivedAt !== undefined) this.#fetch?.({ camera, stream, seq }, archivedAt).catch(() => {});
  }

  async #sourceBy({ slot, held }: Way, { path, archivedAt }: Sealed, sizeMax?: number): Promise<ByteSource> {
    const here = join(this.#footage, path);
    const hold = held ? await readHold(holdName(here, slot), holdName(path, slot)) : undefined;
    const sourceIn = (file: string): Promise<ByteSource> => sourceOf(hold === undefined ? { file } : { file, hold }, sizeMax);
    try {
      return await sourceIn(here);
    } catch (error) {
      if (!isGone(error)) throw error;
      return broughtSource(async () => sourceIn(await this.#bring(path, archivedAt, error)));
    }
  }

  async #bring(path: string, archivedAt: string | undefined, absent: unknown): Promise<string> {
    const name = parseSegmentPath(path);
    if (this.#fetch === undefined || name === undefined) throw archivedAt === undefined ? absent : new SallyportError('SP_ARCHIVE_HUB', { file: path, destination: archivedAt });
    try {
      return await this.#fetch(name, archivedAt ?? '');
    } catch (error) {
      // It was here when it was listed, so it was purged since.
      throw archivedAt === undefined && isSallyportError(error, 'SP_SEGMENT_MISSING') ? absent : error;
    }
  }
}

/** A period whose key opens a segment: by its own header, or by a second one. */
interface Way {
  readonly slot: number;
  readonly held: boolean;
}

function waysInto({ slot, heldBy = [] }: Sealed): Way[] {
  return [...(heldBy.includes(slot) ? [] : [{ slot, held: false }]), ...heldBy.map((one) => ({ slot: one, held: true }))];
}

function checkPath(path: string): void {
  if (parseSegmentPath(path) === undefined) throw new SallyportError('SP_INTERNAL', { reason: `"${path}" is no path of a segment` });
}

async function opens(opener: Opener): Promise<boolean> {
  try {
    await opener.read(0, 1);
    return true;
  } catch (error) {
    if (!isSallyportError(error, 'SP_AGE_PAYLOAD')) throw error;
    return false;
  }
}

/** What a second header fails with that does not belong to its file, or to nobody any more. */
export function isUseless(error: unknown): boolean {
  return (['SP_SLOT_MISSING', 'SP_WRONG_IDENTITY', 'SP_AGE_HEADER', 'SP_AGE_MAC', 'SP_READ'] as const).some((code) => isSallyportError(error, code));
}

export interface SealedPlace {
  /** Absolute. */
  readonly file: string;
  /** The second header that it is opened by. */
  readonly hold?: Buffer;
}

/** The file's bytes up to `sizeMax`, behind its second header where it is opened by one. */
export async function sourceOf({ file, hold }: SealedPlace, sizeMax?: number): Promise<ByteSource> {
  const source = await FileSource.open(file, sizeMax);
  return hold === undefined ? source : new HeldSource(source, hold);
}

/** Of what was there and opened when it was listed: its key, or then its file, has been destroyed since, as its deadline has it. */
export function purgedMeanwhile(error: unknown): boolean {
  return isSallyportError(error, 'SP_SLOT_MISSING') || isGone(error);
}

/** What was brought may be let go while it is read, for room: then it is brought once more. */
async function broughtSource(bring: () => Promise<ByteSource>): Promise<ByteSource> {
  let source = await bring();
  return {
    size: source.size,
    read: async (offset, length) => {
      try {
        return await source.read(offset, length);
      } catch (error) {
        if (!isGone(error)) throw error;
        source = await bring();
        return source.read(offset, length);
      }
    },
  };
}
