/** Finds many short byte strings in much memory at once. */
export interface Hit {
  readonly label: string;
  readonly at: number;
}

const sieveBits = 18;

export class Finder {
  /** By the first four bytes. */
  readonly #byStart = new Map<number, { readonly bytes: Buffer; readonly label: string }[]>();
  /** Tells quickly what is surely not among them: most of memory. */
  readonly #filter = new Uint8Array(2 ** sieveBits);
  #count = 0;

  /** At least 8 bytes: shorter ones are found by chance. */
  add(bytes: Buffer, label: string): void {
    if (bytes.length < 8) throw new Error(`${label} is too short to be looked for`);
    const start = bytes.readUInt32LE(0);
    const known = this.#byStart.get(start);
    if (known === undefined) this.#byStart.set(start, [{ bytes, label }]);
    else known.push({ bytes, label });
    this.#filter[sieve(start)] = 1;
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** `offset` is added to what is found. */
  search(block: Buffer, offset = 0): Hit[] {
    const hits: Hit[] = [];
    if (block.length < 8) return hits;
    const filter = this.#filter;
    let window = block.readUInt32LE(0);
    for (let at = 0; at + 8 <= block.length; at++) {
      if (filter[sieve(window)] === 1) {
        for (const { bytes, label } of this.#byStart.get(window) ?? []) {
          if (block.compare(bytes, 0, bytes.length, at, Math.min(block.length, at + bytes.length)) === 0) hits.push({ label, at: offset + at });
        }
      }
      window = ((window >>> 8) | ((block[at + 4] as number) << 24)) >>> 0;
    }
    return hits;
  }
}

function sieve(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - sieveBits);
}
