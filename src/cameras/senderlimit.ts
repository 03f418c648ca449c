/** Bounds what strangers on the network can make us read: so many datagrams of one sender, so many senders, in one search. */
export class SenderLimit {
  readonly #counts = new Map<string, number>();
  readonly #datagramsMax: number;
  readonly #sendersMax: number;

  constructor(datagramsMax = 128, sendersMax = 1024) {
    this.#datagramsMax = datagramsMax;
    this.#sendersMax = sendersMax;
  }

  admit(sender: string): boolean {
    const count = this.#counts.get(sender) ?? 0;
    if (count >= this.#datagramsMax || (count === 0 && this.#counts.size >= this.#sendersMax)) return false;
    this.#counts.set(sender, count + 1);
    return true;
  }
}
