/** Puts into the ledger what the courier dropped of the orders that came from brokers: how many, where from and why; by its own word, a few lines an hour at most. */
import { randomBytes } from 'node:crypto';
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { CourierStatus } from '../outbox/courierstatus.ts';
import { dropWords, nothingDropped, readDropBook, takeDrops, type DropBook, type DropLine } from '../policy/drops.ts';
import type { NoticeDestination } from '../policy/telling.ts';
import type { LedgerAnswer, LedgerLine, Vault } from '../vault/vault.ts';

export interface DropsOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting'> & { readonly far: Pick<Vault['far'], 'answered'> };
  /** What the courier says of itself. */
  readonly word: () => Promise<CourierStatus | undefined>;
  /** That an owner said yes to. */
  readonly destinations: () => readonly NoticeDestination[];
  readonly purposeOf: (destination: string) => string;
  readonly clock: Clock;
  readonly log: Log;
}

const settingName = 'orders dropped';
const lookMs = 10 * secondMs;

export class DropsDuty {
  readonly #o: DropsOptions;
  readonly #loop: Loop;
  #book: DropBook | undefined;
  #stored = '';

  constructor(o: DropsOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #turn(): Promise<number> {
    const { destinations, log } = this.#o;
    const brokers = destinations().flatMap(({ name, kind }) => (kind === 'mqtt' ? [name] : []));
    if (brokers.length === 0) return minuteMs;
    try {
      await this.#look(brokers);
    } catch (error) {
      log.warn({ component: 'drops', code: asSallyportError(error).code }, `orders that were dropped are not in the ledger yet: ${asSallyportError(error).message}`);
    }
    return lookMs;
  }

  async #look(brokers: readonly string[]): Promise<void> {
    const { vault, word, clock } = this.#o;
    this.#book ??= readDropBook(await vault.setting(settingName));
    const said = await word();
    if (said === undefined) return;
    const nowMs = Math.round(clock.wallMs());
    const { book, lines } = takeDrops(this.#book, said.destinations.filter(({ name }) => brokers.includes(name)).map(({ name, dropped }) => ({ destination: name, startedMs: said.started_ms, counts: dropped ?? nothingDropped })), nowMs);
    // The line first: after a kill between the two it is there twice, and never not at all.
    if (lines.length > 0) await vault.far.answered(lines.map((line) => this.#lineOf(line, nowMs)));
    const text = JSON.stringify(book);
    if (text !== this.#stored) await vault.putSetting(settingName, book as unknown as CanonicalValue);
    this.#book = book;
    this.#stored = text;
  }

  #lineOf({ destination, reason, count }: DropLine, atMs: number): LedgerAnswer & { readonly line: LedgerLine } {
    const { code, evidence } = new SallyportError('SP_ORDERS_DROPPED', { destination, count, reason: dropWords[reason] });
    const name = `${String(atMs).padStart(15, '0')}-${randomBytes(16).toString('hex')}`;
    return {
      name, outcome: 'failed', answeredMs: atMs, attempts: 0, sentBytes: 0, proof: '', code, reason: `${String(evidence['count'])} dropped: ${String(evidence['reason'])}`,
      line: { name, atMs, destination, purpose: this.#o.purposeOf(destination), kind: 'dropped', class: reason, camera: '', object: '', sizeBytes: 0, sha256: '', recipients: [] },
    };
  }
}
