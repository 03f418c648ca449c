/** The keys of periods: found again, made in a slot that is nobody's, and looked after in the keyring's two files. The vault takes the turns. */
import { createHash } from 'node:crypto';
import { isSallyportError, reasonOf, SallyportError } from '../base/errors.ts';
import type { UnixMs } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { looksLikeSlot, makePeriodKey } from '../seal/slot.ts';
import type { Period, PeriodClass } from './periodtable.ts';
import type { HoldOrder } from './holdtable.ts';
import type { KeyringReport } from './keyring.ts';
import { textHash } from './keyringfile.ts';
import type { Parts } from './parts.ts';
import { sealNote } from './periodnote.ts';

export interface NewPeriod {
  readonly camera: string;
  readonly class: PeriodClass;
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
  readonly deadlineMs: UnixMs;
  /** age1… of those who may open it: the kit and the space. */
  readonly recipients: readonly string[];
  /** Of the classes `hold` and `rest`: the wish that it belongs to. Of `alarm`: a new one; the day has it once it is made. */
  readonly hold?: HoldOrder;
}

export class PeriodKeys {
  readonly #log: Log;
  readonly #now: () => UnixMs;
  /** Slots of periods that no row knows, and those that were written here and got no row yet. */
  readonly #foreign = new Set<number>();
  readonly #own = new Set<number>();

  constructor(log: Log, now: () => UnixMs) {
    this.#log = log;
    this.#now = now;
  }

  /** One that is sealed to others is none, and neither is one whose slot both files have lost: what would be sealed to it would open for nobody. SP_NO_SLOT. */
  async find({ database, keyring }: Parts, p: NewPeriod): Promise<Period | undefined> {
    const found = p.hold === undefined || p.class === 'alarm'
      ? await database.call('findPeriod', { camera: p.camera, class: p.class, startMs: p.startMs, deadlineMs: p.deadlineMs, sealedTo: sealedTo(p.recipients) })
      : await database.call('findHoldPeriod', { order: p.hold.order, startMs: p.startMs, sealedTo: sealedTo(p.recipients) });
    if (found === undefined) return undefined;
    try {
      await keyring.read(found.period.slot, found.slotSha256);
      return found.period;
    } catch (error) {
      if (!isSallyportError(error, 'SP_SLOT_MISSING')) throw new SallyportError('SP_NO_SLOT', { camera: p.camera, reason: reasonOf(error) }, error);
      this.#log.error({ component: 'vault', camera: p.camera, slot: found.period.slot }, 'the slot of this period is lost in both keyring files; what comes is sealed to a new one');
      return undefined;
    }
  }

  /** When it fails half way the slot is nobody's, and the next period takes it. SP_NO_SLOT. */
  async make(parts: Parts, p: NewPeriod): Promise<Period> {
    const { database, keyring, hubRecipient } = parts;
    try {
      const { slot, generation } = await this.#emptySlot(parts);
      const { recipient, slotText } = makePeriodKey(p, p.recipients);
      const { camera, class: klass, startMs, endMs, deadlineMs } = p;
      const facts = { camera, class: klass, startMs, endMs, deadlineMs, slot, generation, recipient, slotSha256: textHash(slotText) };
      this.#own.add(slot);
      await keyring.write(slot, slotText, sealNote({ ...facts, ...(p.hold === undefined ? {} : { order: p.hold.order, maker: p.hold.maker }) }, hubRecipient));
      await keyring.read(slot, facts.slotSha256);
      const period = await database.call('addPeriod', { period: { ...facts, sealedTo: sealedTo(p.recipients) }, hold: p.hold, atMs: this.#now() });
      this.#own.delete(slot);
      return period;
    } catch (error) {
      throw new SallyportError('SP_NO_SLOT', { camera: p.camera, reason: reasonOf(error) }, error);
    }
  }

  /**
   * A slot that no row names, and in whose block nothing looks like a slot. A database that was put back to an older state does not know
   * the periods since: their keys must never be overwritten. What this process wrote itself and got no row may be.
   */
  async #emptySlot({ database, keyring }: Parts): Promise<{ slot: number; generation: number }> {
    for (;;) {
      const free = await database.call('freeSlot', { except: [...this.#foreign] });
      if (this.#own.has(free.slot) || !(await keyring.candidates(free.slot)).some(looksLikeSlot)) return free;
      this.#foreign.add(free.slot);
    }
  }

  /**
   * Reads the keyring whole and mends what one file lacks; what was shredded and is back in an older file is shredded again. Not to be
   * called between a slot's writing and its row, nor between a shred and its mark. Answers what is to be told; undefined when all is well.
   */
  async check({ database, keyring }: Parts): Promise<string | undefined> {
    const leaving = new Set((await database.call('pendingPurges')).flatMap(({ periods }) => periods.map(({ slot }) => slot)));
    const living = [...await database.call('livePeriods'), ...await database.call('copies'), ...await database.call('personPeriods')].filter(({ slot }) => !leaving.has(slot)).map(({ slot, slotSha256 }) => [slot, slotSha256] as const);
    const report = await keyring.check(new Map(living), (sha256) => database.call('wereShredded', { sha256 }));
    // What held a block that no row knew may have been shredded again.
    this.#foreign.clear();
    const told = inWords(report);
    if (told !== undefined) await database.call('audit', { entry: { what: 'keyring.damaged', who: 'hub', detail: { found: told } }, atMs: this.#now() });
    return told;
  }
}

/** What a period is known by besides its time: other recipients have another period. */
export function sealedTo(recipients: readonly string[]): string {
  return createHash('sha256').update(recipients.map((recipient) => `${recipient}\n`).join('')).digest('hex');
}

/** For the owner; the lost ones first. */
function inWords({ slots, mended, lacking, lost, returned }: KeyringReport): string | undefined {
  const sentences = [
    ...(lost.length > 0 ? [`${lost.length} of ${slots} slots are lost in both files: ${lost.slice(0, 20).join(', ')}`] : []),
    ...[...lacking].map(([name, count]) => `${name} lacks ${count} of ${slots} slots and cannot be mended now`),
    ...[...mended].map(([name, count]) => `${name} lacked ${count} of ${slots} slots and was mended from the other file`),
    ...(returned > 0 ? [`${returned} shredded slots were back in an older file and were shredded again`] : []),
  ];
  return sentences.length === 0 ? undefined : sentences.join('; ');
}
