/**
 * Bounds what strangers on the network can make us read: so many datagrams of one sender, so many senders, so many in all. Without a
 * window that is for one search; with one, it is for each window of that length, so that who was too loud is heard again.
 */
export interface SenderBounds {
  readonly datagramsMax?: number;
  readonly sendersMax?: number;
  readonly totalMax?: number;
  readonly window?: { readonly lengthMs: number; readonly monotonicMs: () => number };
}

export class SenderLimit {
  readonly #counts = new Map<string, number>();
  readonly #bounds: SenderBounds;
  #total = 0;
  #windowBegunMs = -Infinity;

  constructor(bounds: SenderBounds = {}) {
    this.#bounds = bounds;
  }

  admit(sender: string): boolean {
    const { datagramsMax = 128, sendersMax = 1024, totalMax = Infinity } = this.#bounds;
    this.#turnWindow();
    const count = this.#counts.get(sender) ?? 0;
    if (count >= datagramsMax || this.#total >= totalMax || (count === 0 && this.#counts.size >= sendersMax)) return false;
    this.#counts.set(sender, count + 1);
    this.#total++;
    return true;
  }

  #turnWindow(): void {
    const window = this.#bounds.window;
    if (window === undefined || window.monotonicMs() - this.#windowBegunMs < window.lengthMs) return;
    this.#windowBegunMs = window.monotonicMs();
    this.#counts.clear();
    this.#total = 0;
  }
}
