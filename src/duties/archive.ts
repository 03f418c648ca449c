/**
 * The archive tier: footage that is old enough and surely far lies there alone (`archive_after` of a destination), and comes back for whoever plays it.
 * The hub fetches nothing: each range is an order to the courier. What comes is compared with what was sent before a byte of it is given out.
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs, plural, secondMs } from '../base/units.ts';
import type { DestinationConfig } from '../policy/declared.ts';
import { againAfterMs } from '../policy/uploading.ts';
import type { Archivable, SealedFile, SegmentName, Vault } from '../vault/vault.ts';
import type { Ledger } from './ledger.ts';
import type { Notices } from './notices.ts';

export interface ArchiveOptions {
  readonly vault: Pick<Vault, 'archiving' | 'finishPeriods' | 'fetchedFile' | 'sealedFile' | 'far' | 'backlogBytes'>;
  readonly ledger: Pick<Ledger, 'get'>;
  /** In force: what an owner has said yes to. */
  readonly destinations: () => readonly DestinationConfig[];
  readonly notices: Pick<Notices, 'raise' | 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
  /** So long for one range. */
  readonly patienceMs?: number;
}

const rowsAtOnce = 500;
const removedAtOnce = 200;
/** Of each segment its end is read once more at the far end before its file here goes: that no other copy of it is. */
const tailBytes = 64;
const outboxAgainMs = 10 * secondMs;
const askedAtOnce = 8;
const patienceMsDefault = 2 * minuteMs;
/** More sealed bytes than this that wait for the disk: recording comes first. */
const backlogMax = 2 * 2 ** 20;

export class ArchiveDuty {
  readonly #o: ArchiveOptions;
  readonly #loop: Loop;
  /** Of each stream the segment that was fetched ahead last. */
  readonly #ahead = new Map<string, number>();
  #problem: SallyportError | undefined;
  /** Looks in a row that failed. */
  #failures = 0;

  constructor(o: ArchiveOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(async () => {
      try {
        await this.look();
      } catch (error) {
        this.#problem = asSallyportError(error);
      }
      if (this.#problem === undefined) {
        this.#failures = 0;
        return hourMs;
      }
      this.#o.log.warn({ component: 'archive', code: this.#problem.code }, `footage that is to lie far alone stays here meanwhile: ${this.#problem.message}`);
      // Full, or not open yet: nothing was asked.
      if (this.#problem.code === 'SP_OUTBOX_FULL') return outboxAgainMs;
      return Math.min(hourMs, againAfterMs(++this.#failures));
    });
  }

  /** Why what should lie far alone lies here still. */
  get problem(): SallyportError | undefined {
    return this.#problem;
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** One look; for the loop, and for tests. SP_DATABASE, SP_DISK, SP_WRITE. */
  async look(): Promise<void> {
    const { vault, destinations } = this.#o;
    // What a kill has left between the row and the file.
    await this.#remove();
    const abilities = await vault.far.abilities();
    let problem: SallyportError | undefined;
    for (const { name, store } of destinations()) {
      if (store?.archiveAfterMs === undefined || abilities[name]?.may.includes('get') !== true) continue;
      try {
        await this.#moveTo(name, store.archiveAfterMs);
      } catch (error) {
        const known = asSallyportError(error);
        // One that does not answer keeps none of the others.
        if (!known.code.startsWith('SP_FAR_') && known.code !== 'SP_OUTBOX_FULL') throw error;
        problem ??= known;
      }
    }
    this.#problem = problem;
    await this.#tellLost();
  }

  async #moveTo(name: string, archiveAfterMs: number): Promise<void> {
    const { vault, clock, log } = this.#o;
    const beforeMs = Math.round(clock.wallMs()) - archiveAfterMs;
    let count = 0;
    for (let after: number | undefined = 0; after !== undefined && !this.#loop.signal.aborted && vault.backlogBytes <= backlogMax;) {
      const { rows, next } = await vault.archiving.archivable({ destination: name, beforeMs, after, limit: rowsAtOnce });
      for (let at = 0; at < rows.length && !this.#loop.signal.aborted; at += askedAtOnce) {
        const there = (await Promise.all(rows.slice(at, at + askedAtOnce).map(async (row) => ({ row, is: await this.#isThere(name, row) })))).filter(({ is }) => is);
        if (there.length === 0) continue;
        count += await vault.archiving.archive(name, there.map(({ row }) => row.rowId));
        await this.#remove();
      }
      after = next;
    }
    if (count === 0) return;
    // Their hour lists say at once where they are, for whoever opens the folder without the hub.
    await vault.finishPeriods(Math.round(clock.wallMs()));
    log.info({ component: 'archive', destination: name, segments: count }, 'footage lies far alone from now on');
  }

  async #tellLost(): Promise<void> {
    const { vault, notices } = this.#o;
    const lost = (await vault.archiving.sums()).filter((sum) => sum.lost > 0);
    if (lost.length === 0) notices.settle('far footage lost');
    else notices.raise('far footage lost', lost.map((sum) => `${sum.destination}: ${plural(sum.lost, 'segment')}`).join('; '));
  }

  /** A segment that lies far alone; undefined when it does not. SP_ARCHIVE_AWAY, SP_ARCHIVE_GONE, SP_ARCHIVE_RIGHT, SP_ARCHIVE_LIED; SP_WRITE, SP_DISK. */
  async open(name: SegmentName): Promise<SealedFile | undefined> {
    const file = `${name.camera}/${name.stream}/${name.seq}`;
    return this.#o.vault.fetchedFile(name, async (destination, object, from, length) => {
      try {
        return await this.#range(destination, object, from, length, name.camera);
      } catch (error) {
        if (codeOf(error) === 'SP_FAR_MISSING') await this.#miss(destination, object);
        throw asArchiveError(error, file, destination);
      }
    });
  }

  /** It counts as lost until it is found there again. */
  async #miss(destination: string, object: string): Promise<void> {
    const { far } = this.#o.vault;
    const row = await far.object(destination, object);
    if (row?.state !== 'there') return;
    await far.again([row.id]);
    await this.#tellLost();
  }

  /** Begins to fetch what is played next, so that playing does not pause at each segment. What goes wrong is told when it is asked for. */
  ahead(name: SegmentName): void {
    const stream = `${name.camera}/${name.stream}`;
    // Whoever plays a segment asks for many ranges of it.
    if (this.#ahead.get(stream) === name.seq) return;
    this.#ahead.set(stream, name.seq);
    this.open(name).catch((error: unknown) => {
      this.#ahead.delete(stream);
      this.#o.log.debug({ component: 'archive', camera: name.camera, code: asSallyportError(error).code }, 'what is played next was not fetched ahead');
    });
  }

  /** What was proven when it was sent may be gone since. Its end there is that of the file here, whose last bytes authenticate its last chunk. SP_FAR_…, SP_OUTBOX_FULL, SP_DISK. */
  async #isThere(destination: string, { farId, object, sizeBytes, ...row }: Archivable): Promise<boolean> {
    const { vault, log } = this.#o;
    const from = Math.max(0, sizeBytes - tailBytes);
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of (await vault.sealedFile(row)).read(from)) pieces.push(Buffer.from(piece));
      if (Buffer.concat(pieces).equals(await this.#range(destination, object, from, sizeBytes - from, row.camera))) return true;
    } catch (error) {
      const code = codeOf(error);
      // It goes, or is away, here.
      if (code === 'SP_SEGMENT_MISSING') return false;
      if (code !== 'SP_FAR_MISSING' && code !== 'SP_FAR_ANSWER') throw error;
    }
    log.warn({ component: 'archive', destination, camera: row.camera, object }, 'what was sent is not there any more: it is sent again, and its file stays');
    await vault.far.again([farId]);
    return false;
  }

  async #range(destination: string, object: string, from: number, length: number, camera: string): Promise<Uint8Array> {
    const [enough, tooLate] = [new AbortController(), new AbortController()];
    const tooLong = this.#o.clock.sleep(this.#o.patienceMs ?? patienceMsDefault, enough.signal).then(() => {
      tooLate.abort();
      throw new SallyportError('SP_FAR_UNREACHABLE', { destination, reason: 'no answer came' });
    });
    tooLong.catch(() => {});
    try {
      const { body } = await Promise.race([this.#o.ledger.get(destination, object, from, length, camera, tooLate.signal), tooLong]);
      return body ?? new Uint8Array();
    } finally {
      enough.abort();
    }
  }

  async #remove(): Promise<void> {
    while (!this.#loop.signal.aborted && (await this.#o.vault.archiving.removeFiles(removedAtOnce)) === removedAtOnce);
  }
}

/** Of an answer: what the far end said. */
function codeOf(error: unknown): string {
  return isSallyportError(error, 'SP_FAR_NO') ? String(error.evidence['code']) : asSallyportError(error).code;
}

/** The courier's word, as it matters to whoever wants to play it. */
function asArchiveError(error: unknown, file: string, destination: string): SallyportError {
  const [known, code] = [asSallyportError(error), codeOf(error)];
  if (code === 'SP_FAR_MISSING') return new SallyportError('SP_ARCHIVE_GONE', { file, destination }, error);
  if (code === 'SP_FAR_FEATURE' || code === 'SP_FAR_REFUSED') return new SallyportError('SP_ARCHIVE_RIGHT', { file, destination }, error);
  const reason = String(known.evidence['reason'] ?? known.message);
  if (code === 'SP_FAR_ANSWER' || code === 'SP_FAR_CHECKSUM') return new SallyportError('SP_ARCHIVE_LIED', { file, destination, reason }, error);
  return new SallyportError('SP_ARCHIVE_AWAY', { file, destination, reason }, error);
}
