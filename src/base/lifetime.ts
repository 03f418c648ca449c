/** Who closes whom: what was opened is closed in the opposite order, each once, and one failing close keeps no other from closing. */
export class Lifetime {
  readonly #closers: Array<{ name: string; close: () => unknown }> = [];
  #closed: Promise<void> | undefined;

  /** `close` runs when this lifetime closes, before everything that was deferred earlier. */
  defer(name: string, close: () => unknown): void {
    if (this.#closed !== undefined) throw new Error(`${name} was opened after closing began`);
    this.#closers.push({ name, close });
  }

  /** Opens a part and defers its `close` in one step. */
  async own<T extends { close(): unknown }>(name: string, part: T | Promise<T>): Promise<T> {
    const opened = await part;
    this.defer(name, () => opened.close());
    return opened;
  }

  /** Rejects with an AggregateError when closes failed; all were tried. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(new Error(`closing ${name} failed`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything closed cleanly');
  }
}
