/**
 * Pictures that somebody looks over: what is wanted last comes first, what is not wanted any more is not fetched, and what was shown is
 * kept for a while. Pure but for what it is given.
 */
export interface LookerParts<W> {
  readonly keyOf: (want: W) => string;
  /** Undefined: there is none. */
  readonly load: (want: W, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  readonly show: (jpeg: Uint8Array<ArrayBuffer>) => string;
  readonly forget: (shown: string) => void;
}

interface Waiting<W> {
  readonly want: W;
  readonly signal: AbortSignal;
  readonly done: (shown: string | undefined) => void;
}

/** More at once would keep the newest waiting, and the hub's other answers. */
const atOnceMax = 3;
const waitingMax = 64;
const keptMax = 240;

export class Looker<W> {
  readonly #parts: LookerParts<W>;
  readonly #shown = new Map<string, string>();
  readonly #waiting: Waiting<W>[] = [];
  #busy = 0;

  constructor(parts: LookerParts<W>) {
    this.#parts = parts;
  }

  /** Where it is kept already. */
  known(want: W): string | undefined {
    const key = this.#parts.keyOf(want);
    const shown = this.#shown.get(key);
    if (shown !== undefined) {
      this.#shown.delete(key);
      this.#shown.set(key, shown);
    }
    return shown;
  }

  /** The picture's address; undefined where there is none, it did not open, or nobody waits for it any more. */
  look(want: W, signal: AbortSignal): Promise<string | undefined> {
    const known = this.known(want);
    if (known !== undefined || signal.aborted) return Promise.resolve(known);
    return new Promise((done) => {
      this.#waiting.push({ want, signal, done });
      if (this.#waiting.length > waitingMax) this.#waiting.shift()?.done(undefined);
      this.#next();
    });
  }

  /** Nothing that was shown may be seen any more. */
  clear(): void {
    for (const shown of this.#shown.values()) this.#parts.forget(shown);
    this.#shown.clear();
  }

  #next(): void {
    for (let next = this.#busy < atOnceMax ? this.#waiting.pop() : undefined; next !== undefined; next = this.#busy < atOnceMax ? this.#waiting.pop() : undefined) {
      if (next.signal.aborted) next.done(undefined);
      else void this.#load(next);
    }
  }

  async #load({ want, signal, done }: Waiting<W>): Promise<void> {
    this.#busy++;
    try {
      const jpeg = await this.#parts.load(want, signal);
      done(jpeg === undefined ? undefined : this.known(want) ?? this.#keep(want, jpeg));
    } catch {
      // Whoever plays there is told why it does not open; a picture is only missing.
      done(undefined);
    } finally {
      this.#busy--;
      this.#next();
    }
  }

  #keep(want: W, jpeg: Uint8Array<ArrayBuffer>): string {
    const shown = this.#parts.show(jpeg);
    this.#shown.set(this.#parts.keyOf(want), shown);
    for (const [key, old] of this.#shown) {
      if (this.#shown.size <= keptMax) break;
      this.#shown.delete(key);
      this.#parts.forget(old);
    }
    return shown;
  }
}
