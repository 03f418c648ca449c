/** File keys, and how long the hub remembers them. */
import type { Clock } from '../base/clock.ts';
import { fileKeyBytes } from './format/x25519.ts';
import { fillRandom, secureAlloc, zero } from './sodium.ts';

export { fileKeyBytes };

/** The key of one segment or picture. */
export class FileKey {
  /** Secure memory; all zero once closed. */
  readonly bytes: Buffer = secureAlloc(fileKeyBytes);

  static generate(): FileKey {
    const key = new FileKey();
    fillRandom(key.bytes);
    return key;
  }

  copy(): FileKey {
    const copy = new FileKey();
    copy.bytes.set(this.bytes);
    return copy;
  }

  close(): void {
    zero(this.bytes);
  }
}

interface Kept {
  readonly key: FileKey;
  /** Monotonic; undefined while the segment is open. */
  dueMs: number | undefined;
}

/**
 * File keys by segment id, from its begin until a while after its close: a hold decided in that time seals the same key once more.
 * They live in this process only; after a restart no earlier segment can be held by the hub.
 */
export class FileKeys {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, keepMs = 120_000) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** Takes ownership of `key`. */
  keep(segment: string, key: FileKey): void {
    this.#kept.get(segment)?.key.close();
    this.#kept.set(segment, { key, dueMs: undefined });
  }

  /** The segment was closed; its key is wiped `keepMs` from now by `forgetDue`. */
  closed(segment: string): void {
    const kept = this.#kept.get(segment);
    if (kept !== undefined) kept.dueMs ??= this.#clock.monotonicMs() + this.#keepMs;
  }

  /** The caller owns the key from then on; undefined when it was forgotten or never known. */
  take(segment: string): FileKey | undefined {
    const kept = this.#kept.get(segment);
    if (kept === undefined || this.#isDue(kept)) return undefined;
    this.#kept.delete(segment);
    return kept.key;
  }

  /** A copy for one hold more, which the caller closes; the key stays for others. Undefined as above. */
  lend(segment: string): FileKey | undefined {
    const kept = this.#kept.get(segment);
    return kept === undefined || this.#isDue(kept) ? undefined : kept.key.copy();
  }

  forgetDue(): void {
    for (const [segment, kept] of this.#kept) {
      if (!this.#isDue(kept)) continue;
      kept.key.close();
      this.#kept.delete(segment);
    }
  }

  /** Monotonic time at which `forgetDue` next has something to do. */
  nextDueMs(): number | undefined {
    const due = [...this.#kept.values()].flatMap(({ dueMs }) => (dueMs === undefined ? [] : [dueMs]));
    return due.length === 0 ? undefined : due.reduce((a, b) => Math.min(a, b));
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Wipes them all. */
  close(): void {
    for (const { key } of this.#kept.values()) key.close();
    this.#kept.clear();
  }

  #isDue(kept: Kept): boolean {
    return kept.dueMs !== undefined && this.#clock.monotonicMs() >= kept.dueMs;
  }
}
