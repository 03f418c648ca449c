/**
 * What the courier has begun: a small file for each order, written before its first byte goes out. After a crash it tells that an order was begun,
 * so the far end is looked at before anything is sent again, and the answer says how often it was begun. Gone when the hub has settled the order.
 */
import { maybe, table, text, whole, type Checked } from '../base/closed.ts';
import { canonicalJson } from '../base/canonical.ts';
import { ensureFolder, joinPath, listFolder, readFileBounded, removeFile, writeFileAtomic } from '../base/files.ts';
import { orderNamePattern } from '../outbox/boxfile.ts';

const entrySchema = table({
  attempts: whole(0, 2 ** 31),
  /** Of all tries, as far as it was written down. */
  sent_bytes: whole(0, 2 ** 52),
  faults: whole(0, 2 ** 31),
  /** What the store noted, to go on from. */
  resume: maybe(text(/^[ -~]*$/, 2 ** 16)),
});
export type Entry = Checked<typeof entrySchema>;

const fresh: Entry = { attempts: 0, sent_bytes: 0, faults: 0 };
const suffix = '.json';
const bytesMax = 2 ** 17;

export class Journal {
  readonly #folder: string;
  readonly #entries = new Map<string, Entry>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Journal> {
    const journal = new Journal(folder);
    await ensureFolder(folder);
    for (const file of await listFolder(folder)) {
      const name = file.slice(0, -suffix.length);
      if (file.endsWith('.part')) await removeFile(joinPath(folder, file));
      else if (file.endsWith(suffix) && orderNamePattern.test(name)) journal.#entries.set(name, await readEntry(joinPath(folder, file)));
    }
    return journal;
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  of(name: string): Entry {
    return this.#entries.get(name) ?? fresh;
  }

  /** Durable when it resolves. SP_WRITE. */
  async write(name: string, entry: Entry): Promise<void> {
    await writeFileAtomic(joinPath(this.#folder, `${name}${suffix}`), canonicalJson(entry));
    this.#entries.set(name, entry);
  }

  async forget(name: string): Promise<void> {
    if (!this.#entries.has(name)) return;
    await removeFile(joinPath(this.#folder, `${name}${suffix}`));
    this.#entries.delete(name);
  }
}

/** One that cannot be read still says that the order was begun. */
async function readEntry(file: string): Promise<Entry> {
  try {
    return entrySchema(JSON.parse((await readFileBounded(file, bytesMax, { noFollow: true })).toString('utf8')), '');
  } catch {
    return { ...fresh, attempts: 1 };
  }
}
