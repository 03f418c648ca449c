/**
 * Memory that is used again: a stream's fragments lie one behind the other in a few slabs, are wiped as soon as nobody needs them, and
 * leave no work to the garbage collector (docs/decisions/002-where-the-cpu-goes.md).
 */

/** Some pictures of a usual camera. Slabs grow with what they must hold; what is larger still gets one of its own, for once. */
const slabBytesMin = 2 ** 19;
const slabBytesMax = 2 ** 21;
/** Empty slabs that wait for the next pictures. */
const spareBytesMax = 2 ** 22;

interface Slab {
  readonly memory: Buffer;
  usedBytes: number;
  pieces: number;
}

export interface Piece {
  readonly bytes: Buffer;
  readonly slab: Slab;
}

export class Slabs {
  #slabBytes = slabBytesMin;
  #filling: Slab | undefined;
  #spare: Slab[] = [];

  /** A copy, until it is given to `wipe`. */
  keep(bytes: Uint8Array): Piece {
    const slab = this.#withRoom(bytes.length);
    const piece = { bytes: slab.memory.subarray(slab.usedBytes, slab.usedBytes + bytes.length), slab };
    piece.bytes.set(bytes);
    slab.usedBytes += bytes.length;
    slab.pieces++;
    return piece;
  }

  /** Once for each piece; its memory may hold another from then on. */
  wipe({ bytes, slab }: Piece): void {
    bytes.fill(0);
    if (--slab.pieces > 0) return;
    slab.usedBytes = 0;
    if (slab !== this.#filling) this.#putAside(slab);
  }

  #withRoom(bytes: number): Slab {
    if (this.#filling !== undefined && this.#filling.memory.length - this.#filling.usedBytes >= bytes) return this.#filling;
    while (this.#slabBytes < bytes && this.#slabBytes < slabBytesMax) this.#growSlabs();
    const left = this.#filling;
    this.#filling = (bytes <= this.#slabBytes ? this.#spare.pop() : undefined) ?? { memory: Buffer.allocUnsafeSlow(Math.max(bytes, this.#slabBytes)), usedBytes: 0, pieces: 0 };
    if (left?.pieces === 0) this.#putAside(left);
    return this.#filling;
  }

  #growSlabs(): void {
    this.#slabBytes *= 2;
    this.#spare = [];
  }

  #putAside(slab: Slab): void {
    if (slab.memory.length === this.#slabBytes && (this.#spare.length + 1) * this.#slabBytes <= spareBytesMax) this.#spare.push(slab);
  }
}
