/** The slots of a keyring as far as the given identities open them: by number, or by whose period they are. */
import { setImmediate as turn } from 'node:timers/promises';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Identity } from '../seal/identity.ts';
import { looksLikeSlot, openSlot } from '../seal/slot.ts';
import type { Keyring } from './keyring.ts';

export interface SlotFacts {
  readonly slot: number;
  readonly camera: string;
  readonly startMs: UnixMs;
  /** `footage`, `hold` or `rest`. */
  readonly class: string;
}

interface Kept {
  readonly facts: SlotFacts;
  readonly identity: Identity;
  users: number;
}

/** Opened identities kept for the next segment of their period: each has guarded pages of its own, of which a process has not many. */
const keptMax = 32;

/** Slots tried without letting other work in between: a few milliseconds. */
const triesAtOnce = 8;

export class ArchiveSlots {
  readonly #keyring: Keyring;
  readonly #identities: readonly Identity[];
  readonly #kept = new Map<number, Kept>();
  /** Undefined where the identities do not open it. */
  readonly #known = new Map<number, SlotFacts | undefined>();
  #others: Promise<void> | undefined;
  #all: Promise<void> | undefined;

  constructor(keyring: Keyring, identities: readonly Identity[]) {
    this.#keyring = keyring;
    this.#identities = identities;
  }

  /** False only when there are slots and the identities open none of them. */
  async openAny(): Promise<boolean> {
    let tried = 0;
    for await (const { slot, texts } of this.#keyring.scan()) {
      if (this.#learn(slot, texts) !== undefined) return true;
      if (++tried % triesAtOnce === 0) await turn();
    }
    return tried === 0;
  }

  /** Lends the period's identity for the time of `use`. SP_SLOT_MISSING, SP_WRONG_IDENTITY name `what`. */
  async use<T>(slot: number, what: string, use: (identity: Identity, facts: SlotFacts) => Promise<T>): Promise<T> {
    const texts = this.#kept.has(slot) ? [] : await this.#keyring.candidates(slot);
    const kept = this.#kept.get(slot) ?? this.#keep(slot, texts, what);
    kept.users++;
    try {
      return await use(kept.identity, kept.facts);
    } finally {
      kept.users--;
      this.#forgetSome();
    }
  }

  /** A camera's slots of footage of periods that begin in that time, latest first: those not in `except` now, the others when asked for more. `except` is the same each time. */
  async *of(camera: string, fromMs: UnixMs, toMs: UnixMs, except: ReadonlySet<number>): AsyncGenerator<SlotFacts> {
    for (const named of [false, true]) {
      await (named ? this.#all ??= this.#learnAll(() => true) : this.#others ??= this.#learnAll((slot) => !except.has(slot)));
      yield* [...this.#known.values()]
        .filter((facts) => facts !== undefined && except.has(facts.slot) === named)
        .filter((facts): facts is SlotFacts => facts?.camera === camera && facts.class === 'footage' && facts.startMs >= fromMs && facts.startMs < toMs)
        .sort((a, b) => b.startMs - a.startMs);
    }
  }

  close(): void {
    for (const { identity } of this.#kept.values()) identity.close();
    this.#kept.clear();
  }

  async #learnAll(wanted: (slot: number) => boolean): Promise<void> {
    let tried = 0;
    for await (const { slot, texts } of this.#keyring.scan()) {
      if (this.#known.has(slot) || !wanted(slot)) continue;
      this.#learn(slot, texts);
      if (++tried % triesAtOnce === 0) await turn();
    }
  }

  #learn(slot: number, texts: readonly Buffer[]): SlotFacts | undefined {
    let facts: SlotFacts | undefined;
    try {
      const { identity, camera, startMs, class: klass } = this.#open(texts, `slot ${slot}`);
      identity.close();
      facts = { slot, camera, startMs, class: klass };
    } catch {
      // Not for these identities, or rotten: whoever asks for this slot by number is told why.
    }
    this.#known.set(slot, facts);
    return facts;
  }

  #keep(slot: number, texts: readonly Buffer[], what: string): Kept {
    const { identity, camera, startMs, class: klass } = this.#open(texts, what);
    const kept: Kept = { facts: { slot, camera, startMs, class: klass }, identity, users: 0 };
    this.#kept.set(slot, kept);
    return kept;
  }

  /** The first text that opens; a rotten one in the first file is made up for by the second. */
  #open(texts: readonly Buffer[], what: string): ReturnType<typeof openSlot> {
    let failure: SallyportError | undefined;
    for (const text of texts.filter(looksLikeSlot)) {
      try {
        return openSlot(text, this.#identities, what);
      } catch (error) {
        failure ??= asSallyportError(error);
      }
    }
    throw failure ?? new SallyportError('SP_SLOT_MISSING', { what });
  }

  #forgetSome(): void {
    for (const [slot, { identity, users }] of this.#kept) {
      if (this.#kept.size <= keptMax) return;
      if (users > 0) continue;
      identity.close();
      this.#kept.delete(slot);
    }
  }
}
