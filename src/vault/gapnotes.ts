/** Gaps on their way into the catalogue. What the disk does not take now is kept until it does, so that no missing second goes unexplained. */
import type { DiskKeeper } from './diskkeeper.ts';
import type { GapRow } from './gaptable.ts';
import type { Parts } from './parts.ts';

const gapTextMax = 500;
const gapsMax = 1_000;

export class GapNotes {
  readonly #disk: DiskKeeper;
  /** That the disk did not take yet. */
  readonly #waiting: GapRow[] = [];

  constructor(disk: DiskKeeper) {
    this.#disk = disk;
  }

  async add(g: GapRow): Promise<void> {
    const fromMs = Math.round(g.fromMs);
    const gap = { ...g, fromMs, toMs: Math.max(fromMs, Math.round(g.toMs)), detail: g.detail.slice(0, gapTextMax) };
    await this.#disk.call('addGap', gap).catch(() => {
      this.#waiting.push(gap);
      if (this.#waiting.length > gapsMax) this.#waiting.shift();
    });
  }

  async settle(parts: Parts): Promise<void> {
    for (let gap = this.#waiting[0]; gap !== undefined; gap = this.#waiting[0]) {
      await parts.database.call('addGap', gap);
      if (this.#waiting[0] === gap) this.#waiting.shift();
    }
  }
}
