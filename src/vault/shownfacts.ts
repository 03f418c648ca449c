/** What is told of footage and disk. Of a disk that is away or does not answer: what it said last. */
import { statfs } from 'node:fs/promises';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { DiskKeeper } from './diskkeeper.ts';

export interface FootageFacts {
  readonly camera: string;
  readonly segments: number;
  readonly bytes: number;
  readonly oldestMs: UnixMs;
  readonly newestEndMs: UnixMs;
}

export interface DiskFacts {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export class ShownFacts {
  readonly #disk: DiskKeeper;
  #footage: readonly FootageFacts[] = [];
  #room: DiskFacts = { freeBytes: 0, totalBytes: 0 };

  constructor(disk: DiskKeeper) {
    this.#disk = disk;
  }

  async footage(): Promise<readonly FootageFacts[]> {
    this.#footage = await this.#disk.inTime(this.#disk.call('footageFacts')) ?? this.#footage;
    return this.#footage;
  }

  /** As it is now. SP_READ, SP_DISK. */
  async roomNow(): Promise<DiskFacts> {
    this.#room = await this.#disk.with(({ footage }) => spaceOf(footage));
    return this.#room;
  }

  async room(): Promise<DiskFacts> {
    return await this.#disk.inTime(this.roomNow()) ?? this.#room;
  }
}

async function spaceOf(footage: string): Promise<DiskFacts> {
  try {
    const facts = await statfs(footage);
    return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
  } catch (error) {
    throw new SallyportError('SP_READ', { file: footage, reason: reasonOf(error) }, error);
  }
}
