/**
 * The keyring: one slot per period, in two files that each hold all of them, so that one rotten sector takes no footage along.
 * A slot is the text of its block; the rest of the block is random. Files are written in turn, first `keyring.1`, then `keyring.2`.
 * A file that is torn, rotten, missing or older than the database is mended from the other one (`check`): what a living period needs is
 * written into it, and a shredded slot that came back with it is shredded where it stands, by its text, never by its number.
 * Shredding overwrites blocks in place: what the file system or a flash controller keeps of the old block is beyond this file, and
 * docs/THREAT_MODEL.md says so. docs/FORMAT.md describes the bytes.
 */
import { basename, dirname, join } from 'node:path';
import { Turns } from '../base/turns.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder, fileExists, syncFolder, writeFileAtomic } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { randomBytes } from '../seal/secure.ts';
import { looksLikeSlot, slotBlockBytes, slotTextBytes } from '../seal/slot.ts';
import { blockRest } from './periodnote.ts';
import { KeyringFile, textHash, windowBlocks, type ShredOutcome, type ShredTarget } from './keyringfile.ts';

export const keyringFileNames = ['keyring.1', 'keyring.2'] as const;

/** Backup programs leave out folders that hold this file (bford.info/cachedir): a copied keyring outlives its shredding. */
const cacheDirTag = `Signature: 8a477f597d28d172789f06886806bc55
# This file marks a folder that backups must leave out.
# Sallyport deletes footage by shredding its key slots; a copy of this folder would undo that.
`;

/** 16 GiB of keyring; a larger number comes from a damaged row, not from a hub. */
const slotsMax = 2 ** 22;

/** Slots per fdatasync: their random bytes, 16 MiB, are kept until they are read back. */
const batchSlots = 4096;

export interface ShredResult {
  readonly slot: number;
  readonly result: 'shredded' | 'gone already';
  /** In both files, past the page cache. */
  readonly readBack: boolean;
}

/** What a look at both files found, and what was done. */
export interface KeyringReport {
  /** Slots that living periods need. */
  readonly slots: number;
  /** By file name: how many of them it did not have, and has again from the other file. */
  readonly mended: ReadonlyMap<string, number>;
  /** By file name: how many of them it lacks still, because writing failed. */
  readonly lacking: ReadonlyMap<string, number>;
  /** In neither file: what was sealed to them opens for nobody. */
  readonly lost: readonly number[];
  /** Shredded slots that an older file had brought back, shredded again. */
  readonly returned: number;
  /** Texts that no row knows, left alone: the database may be the older one. */
  readonly unowned: number;
}

export class Keyring {
  readonly #files: KeyringFile[];
  /** One deed at a time: a write and a shred of the same block must not cross. */
  readonly #turns = new Turns();

  private constructor(files: KeyringFile[]) {
    this.#files = files;
  }

  /**
   * `writable` (the default) makes what is missing: the folder, its tag, both files or the lost one of them (empty: what the other
   * holds is served from there until `check` has mended it). Otherwise one file is enough. SP_KEYRING.
   */
  static async open(folder: string, options: { log: Log; writable?: boolean }): Promise<Keyring> {
    const paths = keyringFileNames.map((name) => join(folder, name));
    return new Keyring(options.writable === false ? await openWhatIsThere(paths, options.log) : await openBoth(folder, paths, options.log));
  }

  /** Blocks in the longer file. */
  get slots(): number {
    return Math.max(...this.#files.map((file) => file.blocks));
  }

  /** Resolves with the SHA-256 (hex) of the text once both files hold it durably, with the period's note behind it. SP_WRITE. */
  write(slot: number, slotText: Buffer, note?: Buffer): Promise<string> {
    if (slotText.length !== slotTextBytes || !isSlotNumber(slot)) {
      return Promise.reject(new SallyportError('SP_INTERNAL', { reason: `slot ${slot} of ${slotText.length} bytes` }));
    }
    const block = Buffer.concat([slotText, blockRest(note, randomBytes(slotBlockBytes - slotTextBytes))]);
    return this.#turns.take(async () => {
      for (const file of this.#files) await file.writeBlock(slot, block);
      return textHash(block);
    });
  }

  /** The text from the file in which it has that SHA-256, or, without one, looks like a slot. SP_SLOT_MISSING; SP_KEYRING when no file could be read. */
  async read(slot: number, sha256?: string): Promise<Buffer> {
    const text = (await this.candidates(slot)).find((one) => (sha256 === undefined ? looksLikeSlot(one) : textHash(one) === sha256));
    if (text === undefined) throw new SallyportError('SP_SLOT_MISSING', { what: `slot ${slot}` });
    return text;
  }

  /** What each file has in a slot's place, whatever it is. SP_KEYRING when no file could be read. */
  async candidates(slot: number): Promise<Buffer[]> {
    const texts: Buffer[] = [];
    const failures: unknown[] = [];
    for (const file of isSlotNumber(slot) ? this.#files : []) {
      const text = await file.readText(slot).catch((error: unknown) => void failures.push(error));
      if (text !== undefined) texts.push(text);
    }
    if (failures.length === this.#files.length) throw failures[0];
    return texts;
  }

  /** What each file has behind a slot's text: a period's note, or random bytes. A file that cannot be read has nothing. */
  async notes(slot: number): Promise<Buffer[]> {
    const notes = isSlotNumber(slot) ? await Promise.all(this.#files.map((file) => file.readNote(slot).catch(() => undefined))) : [];
    return notes.filter((note) => note !== undefined);
  }

  /** All that looks like a slot, in order; where the files differ, what each has. A file that cannot be read has nothing. */
  async *scan(): AsyncGenerator<{ readonly slot: number; readonly texts: readonly Buffer[] }> {
    for (let first = 0; first < this.slots; first += windowBlocks) {
      const columns = await Promise.all(this.#files.map((file) => file.readTexts(first).catch(() => [])));
      for (let at = 0; at < windowBlocks; at++) {
        const texts = columns.flatMap((column) => column[at] ?? []).filter(looksLikeSlot);
        if (texts[0] !== undefined && texts.slice(1).every((text) => text.equals(texts[0] as Buffer))) texts.length = 1;
        if (texts.length > 0) yield { slot: first + at, texts };
      }
    }
  }

  /** The files, by name, in which a slot's text does not have that SHA-256. */
  async lacking(slot: number, sha256: string): Promise<string[]> {
    const lacking: string[] = [];
    for (const file of this.#files) {
      const text = isSlotNumber(slot) ? await file.readText(slot).catch(() => undefined) : undefined;
      if (text === undefined || textHash(text) !== sha256) lacking.push(file.path);
    }
    return lacking;
  }

  /**
   * Destroys slots that hold exactly the named text; others are left alone (`gone already`), so it may be repeated after a kill.
   * A file that fails keeps the other one from nothing. SP_WRITE, SP_KEYRING; then nothing is known of any of the slots, and it must be repeated.
   */
  shred(targets: readonly ShredTarget[]): Promise<ShredResult[]> {
    const bad = targets.find(({ slot }) => !isSlotNumber(slot));
    if (bad !== undefined) return Promise.reject(new SallyportError('SP_INTERNAL', { reason: `slot ${bad.slot} cannot be shredded` }));
    return this.#turns.take(() => this.#shredAll(targets));
  }

  /**
   * Reads both files whole, past the page cache, and mends: `living` are the slots that must be there, with the hash of their text; of other
   * texts `wereShredded` says which are of shredded slots. Not for slots whose purge has begun: mending would undo it. SP_WRITE, SP_KEYRING
   * when a file cannot be used at all.
   */
  check(living: ReadonlyMap<number, string>, wereShredded: (sha256: readonly string[]) => Promise<readonly string[]>): Promise<KeyringReport> {
    return this.#turns.take(async () => {
      const replaced = await this.#openReplaced();
      try {
        return await this.#check(living, wereShredded, replaced);
      } finally {
        await Promise.all(replaced.map((file) => file.close()));
      }
    });
  }

  async close(): Promise<void> {
    await this.#turns.take(() => Promise.all(this.#files.map((file) => file.close())));
  }

  /** A file that was taken away, or replaced, under a running hub is opened anew; what we held open still knows its slots. */
  async #openReplaced(): Promise<KeyringFile[]> {
    const replaced: KeyringFile[] = [];
    for (const [index, file] of this.#files.entries()) {
      if (await file.isInPlace()) continue;
      this.#files[index] = await KeyringFile.open(file.path, await fileExists(file.path) ? 'write' : 'create');
      replaced.push(file);
      await syncFolder(dirname(file.path));
    }
    return replaced;
  }

  async #check(living: ReadonlyMap<number, string>, wereShredded: (sha256: readonly string[]) => Promise<readonly string[]>, replaced: readonly KeyringFile[]): Promise<KeyringReport> {
    const tally = { slots: living.size, mended: new Map<string, number>(), lacking: new Map<string, number>(), lost: [] as number[], returned: 0, unowned: 0 };
    const sources = [...this.#files, ...replaced];
    const end = Math.min(slotsMax, [...living.keys()].reduce((most, slot) => Math.max(most, slot + 1), this.slots));
    for (let first = 0; first < end; first += windowBlocks) {
      const columns = await Promise.all(sources.map((file) => file.readTextsDirect(first)));
      const strangers: ShredTarget[] = [];
      for (let at = 0; at < windowBlocks; at++) {
        const texts = columns.map((column) => column[at]);
        const sha256 = living.get(first + at);
        const mended = sha256 !== undefined && await this.#mendSlot(first + at, sha256, sources, texts, tally);
        if (!mended) for (const text of texts.slice(0, this.#files.length)) if (text !== undefined && looksLikeSlot(text) && textHash(text) !== sha256) strangers.push({ slot: first + at, sha256: textHash(text) });
      }
      const shredded = new Set(await wereShredded(strangers.map((stranger) => stranger.sha256)));
      const returned = strangers.filter((stranger) => shredded.has(stranger.sha256));
      await this.#shredAll(returned);
      tally.returned += returned.length;
      tally.unowned += strangers.length - returned.length;
    }
    return tally;
  }

  /** A living slot into the files that do not have it; false when none has. */
  async #mendSlot(slot: number, sha256: string, sources: readonly KeyringFile[], texts: readonly (Buffer | undefined)[], tally: { mended: Map<string, number>; lacking: Map<string, number>; lost: number[] }): Promise<boolean> {
    const has = texts.map((text) => text !== undefined && textHash(text) === sha256);
    const [text, source] = [texts[has.indexOf(true)], sources[has.indexOf(true)]];
    if (text === undefined) {
      tally.lost.push(slot);
      return false;
    }
    const block = await source?.readBlock(slot).catch(() => undefined);
    const good = block !== undefined && textHash(block) === sha256 ? block : Buffer.concat([text, randomBytes(slotBlockBytes - slotTextBytes)]);
    for (const [index, file] of this.#files.entries()) {
      if (has[index] === true) continue;
      const mended = await file.writeBlock(slot, good).then(() => true, () => false);
      const count = mended ? tally.mended : tally.lacking;
      count.set(basename(file.path), (count.get(basename(file.path)) ?? 0) + 1);
    }
    return true;
  }

  async #shredAll(targets: readonly ShredTarget[]): Promise<ShredResult[]> {
    const results = new Map<ShredTarget, ShredResult>();
    const rising = targets.toSorted((a, b) => a.slot - b.slot);
    for (let from = 0; from < rising.length; from += batchSlots) {
      const batch = rising.slice(from, from + batchSlots);
      const outcomes = await this.#shredBatch(batch);
      for (const [at, target] of batch.entries()) {
        const each = outcomes.map((file) => file[at] as ShredOutcome);
        const shredded = each.some(({ overwritten }) => overwritten);
        results.set(target, { slot: target.slot, result: shredded ? 'shredded' : 'gone already', readBack: each.every(({ readBack }) => readBack) });
      }
    }
    return targets.map((target) => results.get(target) as ShredResult);
  }

  async #shredBatch(batch: readonly ShredTarget[]): Promise<ShredOutcome[][]> {
    const settled: PromiseSettledResult<ShredOutcome[]>[] = [];
    for (const file of this.#files) settled.push(...await Promise.allSettled([file.shred(batch)]));
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }
}

async function openBoth(folder: string, paths: readonly string[], log: Log): Promise<KeyringFile[]> {
  await ensureFolder(folder);
  const tag = join(folder, 'CACHEDIR.TAG');
  if (!await fileExists(tag)) await writeFileAtomic(tag, cacheDirTag);
  const there = await Promise.all(paths.map(fileExists));
  const files: KeyringFile[] = [];
  try {
    for (const [index, path] of paths.entries()) {
      if (there[index] !== true && there.includes(true)) log.warn({ file: path }, 'a keyring file was lost: begun anew, its old slots are served from the other one');
      files.push(await KeyringFile.open(path, there[index] === true ? 'write' : 'create'));
    }
    await syncFolder(folder);
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw isSallyportError(error) ? error : new SallyportError('SP_KEYRING', { file: folder, reason: reasonOf(error) }, error);
  }
  const [first, second] = files.map((file) => file.blocks);
  if (first !== second && there.every(Boolean)) log.warn({ component: 'keyring', first, second }, 'the keyring files differ in length; each slot is served from the one that has it');
  return files;
}

async function openWhatIsThere(paths: readonly string[], log: Log): Promise<KeyringFile[]> {
  const tried = await Promise.allSettled(paths.map((path) => KeyringFile.open(path, 'read')));
  const files = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failures = tried.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (files.length === 0) throw failures[0];
  for (const error of failures) log.warn({ error: reasonOf(error) }, 'a keyring file cannot be read; the other one serves');
  return files;
}

function isSlotNumber(slot: number): boolean {
  return Number.isSafeInteger(slot) && slot >= 0 && slot < slotsMax;
}
