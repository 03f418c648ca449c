/**
 * What the hub has said is sealed: each segment that `list` has shown as complete, with the hash of its file at that moment.
 * Kept in this process, so that no fault of the hub or of its disk reaches it.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callHub } from '../../../src/cli/control.ts';
import type { ReplyOf } from '../../../src/api/contract.ts';

export interface AcknowledgedSegment {
  readonly camera: string;
  readonly path: string;
  readonly seq: number;
  readonly startMs: number;
  readonly sizeBytes: number;
  readonly state: string;
  /** Undefined when a fault came between the word and the look at the file. */
  readonly sha256: string | undefined;
}

type Row = ReplyOf<'list'>['segments'][number];

const pollMs = 200;
/** A segment's row comes at most this long after its start. */
const lookBackMs = 60_000;

export class Acknowledged {
  readonly segments = new Map<string, AcknowledgedSegment>();
  readonly #data: string;
  #newestMs = 0;
  #stopped = true;
  #loop: Promise<void> = Promise.resolve();

  constructor(data: string) {
    this.#data = data;
  }

  /** Looks every 200 ms until `stop`; a hub that does not answer has said nothing. */
  watch(): void {
    this.#stopped = false;
    this.#loop = this.#run();
  }

  /** What was said before this resolves counts; nothing after it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async look(): Promise<void> {
    const { segments } = await callHub(join(this.#data, 'control.sock'), 'list', { fromMs: Math.max(0, this.#newestMs - lookBackMs), toMs: Date.now() + 3_600_000, limit: 10_000 });
    for (const row of segments) if (!this.segments.has(row.path) && row.state !== 'missing') await this.#add(row);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.look().catch(() => {});
      await new Promise((resolve) => { setTimeout(resolve, pollMs); });
    }
  }

  async #add({ camera, path, seq, startMs, sizeBytes, state }: Row): Promise<void> {
    this.segments.set(path, { camera, path, seq, startMs, sizeBytes, state, sha256: await hashOf(join(this.#data, 'footage', path)) });
    this.#newestMs = Math.max(this.#newestMs, startMs);
  }
}

export async function hashOf(file: string): Promise<string | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex');
}
