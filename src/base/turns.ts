/** Deeds that must not overlap, one after the other in the order of asking. One that fails keeps no other from its turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(deed: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(deed);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** When all that was asked for so far is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
