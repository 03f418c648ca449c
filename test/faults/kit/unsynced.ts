/**
 * The control of the power cuts: a writer that syncs nothing. If its files were whole after a cut, the cut was none, and nothing that
 * was seen after it would prove anything.
 */
import { mkdir, readdir, readFile, rm, rename, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

const files = 8;
const bytes = 256 * 1024;

export class UnsyncedWriter {
  readonly #folder: string;
  #written = new Map<string, Buffer>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Written, renamed, reported as done: all but synced. */
  async write(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
    this.#written = new Map();
    for (let n = 0; n < files; n++) {
      const content = randomBytes(bytes);
      await writeFile(join(this.#folder, `${n}.part`), content);
      await rename(join(this.#folder, `${n}.part`), join(this.#folder, `${n}`));
      this.#written.set(String(n), content);
    }
  }

  /** How many of the files that were "written" are not there whole. */
  async lost(): Promise<number> {
    const there = new Set(await readdir(this.#folder).catch(() => []));
    let lost = 0;
    for (const [name, content] of this.#written) {
      if (!there.has(name) || !(await readFile(join(this.#folder, name))).equals(content)) lost++;
    }
    return lost;
  }
}
