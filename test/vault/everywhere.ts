/**
 * Whoever has the whole disk and the working key: every block of every file below a data folder, or of the disk itself with all that was ever
 * unlinked, is tried as a page of the encrypted database, every sealed file and every sealed value with the hub identity, with the owner's kit,
 * and with each key that any slot gives up to these; what opens is looked through again. So what is searched for here and not found cannot be had.
 */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { Identity } from '../../src/seal/identity.ts';
import { chunkPlainBytes, chunkSealedBytes, fileKeyIn, headerSizeOf, openWhole } from '../../src/seal/opener.ts';
import { looksLikeSlot, openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { unlock } from '../../src/vault/connection.ts';
import { loadWorkingKey, type WorkingKey } from '../../src/vault/workingkey.ts';
import { finderOf, type Needle } from './needles.ts';
import { blockBytes, frameNumbers, pageOf, Pages } from './pages.ts';
import { filesBelow } from './world.ts';

export { needlesOf, needlesOfFace, type Needle } from './needles.ts';

/** What was opened, for a test that the search itself can open things. */
export interface Everywhere {
  /** Of the disk: one. */
  readonly files: number;
  readonly pages: number;
  readonly sealed: number;
  readonly keys: number;
  readonly hits: readonly string[];
}

const nonceBytes = 16;
const ageHead = Buffer.from('age-encryption.org/v1\n');
/** Of what follows a sealed thing's beginning on the disk: no copy of a test's database is longer. */
const looseBytesMax = 2 ** 21;

/** @param kit Whatever else somebody may have: the owner's kit. */
export async function searchEverywhere(folder: string, needles: readonly Needle[], scratch: string, kit: readonly Identity[] = []): Promise<Everywhere> {
  const search = await Search.begin(folder, needles, kit, scratch);
  const names = await filesBelow(folder);
  const files = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
  for (const { name, bytes } of files) {
    search.take(name, bytes);
    search.tryPages(name, bytes);
  }
  for (const { name, bytes } of files) if (name.endsWith('.db')) await search.tryDatabase(name, bytes, files.find((file) => file.name === `${name}-wal`)?.bytes);
  await search.run();
  return search.end(files.length);
}

/**
 * Every block of the disk's image. Nothing tells what a block belonged to, so each is tried as a slot, and as each of the databases' pages, and what lies behind
 * the beginning of a sealed thing is opened without asking whether it is whole.
 * @param folder Where it is mounted: for the working key, and for how many pages a database has.
 */
export async function searchImage(image: string, folder: string, needles: readonly Needle[], kit: readonly Identity[] = []): Promise<Everywhere> {
  const search = await Search.begin(folder, needles, kit);
  search.takeBlocks('the disk', await readFile(image), Math.max(...await Promise.all((await filesBelow(folder)).map((name) => pagesMostOf(join(folder, name))))));
  await search.run();
  return search.end(1);
}

/** The highest number that a page of it has, or may get soon; 0 for what is no database and no log of one. */
async function pagesMostOf(file: string): Promise<number> {
  if (file.endsWith('.db')) return Math.ceil((await stat(file)).size / blockBytes) + 16;
  return file.endsWith('.db-wal') ? Math.max(0, ...frameNumbers(await readFile(file))) + 16 : 0;
}

interface Thing {
  readonly where: string;
  readonly bytes: Buffer;
  /** It may end anywhere. */
  readonly loose: boolean;
  /** With how many keys it was tried last. */
  tried: number;
}

class Search {
  readonly #workingKey: WorkingKey;
  readonly #pageKey = Buffer.alloc(32);
  readonly #kit: readonly Identity[];
  readonly #identities: Identity[];
  readonly #seenKeys: Set<string>;
  /** Where databases are opened as such. */
  readonly #scratch: string;
  readonly #find: (bytes: Buffer) => readonly string[];
  readonly #things: Thing[] = [];
  readonly #hits = new Set<string>();
  #pages = 0;
  #sealed = 0;

  private constructor(workingKey: WorkingKey, needles: readonly Needle[], kit: readonly Identity[], scratch: string) {
    this.#scratch = scratch;
    this.#workingKey = workingKey;
    this.#pageKey.set(Buffer.from(workingKey.databaseKey().toString('latin1').slice(4), 'hex'));
    this.#kit = kit;
    this.#identities = [workingKey.hubIdentity(), ...kit];
    this.#seenKeys = new Set(this.#identities.map(({ recipient }) => recipient));
    this.#find = finderOf(needles);
  }

  static async begin(folder: string, needles: readonly Needle[], kit: readonly Identity[], scratch = ''): Promise<Search> {
    return new Search(await loadWorkingKey({ folder, mayCreate: false }), needles, kit, scratch);
  }

  /** Looked through, and opened as far as there are keys. */
  take(where: string, bytes: Buffer, loose = false): void {
    this.#look(where, bytes);
    this.#things.push({ where, bytes, loose, tried: 0 });
  }

  /** A file as it is, from its beginning on: pages one after the other, or a log of the database. */
  tryPages(where: string, bytes: Buffer, first = 1): void {
    for (let at = 0; at + blockBytes <= bytes.length; at += blockBytes) {
      this.#pages++;
      this.#look(`${where} > page`, pageOf(bytes.subarray(at, at + blockBytes), at / blockBytes + first, this.#pageKey));
    }
    // A head of 32 bytes, then frames of 24 bytes and a page whose number they begin with.
    for (let at = 32; at + 24 + blockBytes <= bytes.length; at += 24 + blockBytes) {
      this.#pages++;
      this.#look(`${where} > frame`, pageOf(bytes.subarray(at + 24, at + 24 + blockBytes), bytes.readUInt32BE(at), this.#pageKey));
    }
  }

  /** Every value of every row, those too that lie on several pages. */
  async tryDatabase(where: string, bytes: Buffer, log: Buffer | undefined): Promise<void> {
    const file = join(this.#scratch, `${basename(where).replaceAll(/[^a-z0-9.]/gi, '_')}-${this.#things.length}.db`);
    await writeFile(file, bytes);
    if (log !== undefined) await writeFile(`${file}-wal`, log);
    try {
      const db = new Database(file);
      const key = this.#workingKey.databaseKey();
      unlock(db, key);
      key.fill(0);
      for (const table of db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()) {
        for (const row of db.prepare<[], unknown[]>(`SELECT * FROM "${table}"`).raw().all()) {
          for (const value of row) if (Buffer.isBuffer(value) || typeof value === 'string') this.take(`${where} > ${table}`, Buffer.isBuffer(value) ? value : Buffer.from(value));
        }
      }
      db.close();
    } catch {
      // No database, or another key's.
    }
  }

  /** Of a disk: blocks of which nobody knows what they are. */
  takeBlocks(where: string, bytes: Buffer, pagesMost: number): void {
    this.take(where, bytes, true);
    const pages = new Pages(pagesMost);
    for (let at = 0; at + blockBytes <= bytes.length; at += blockBytes) pages.addAnyNumber(bytes.subarray(at, at + blockBytes), this.#pageKey);
    pages.addFrames(bytes, this.#pageKey);
    this.#takePages(where, pages);
  }

  /** A key may open another one, or a copy of the database: as long as there is something new, everything again. */
  async run(): Promise<void> {
    for (let known = -1; known !== this.#identities.length + this.#things.length;) {
      known = this.#identities.length + this.#things.length;
      for (const thing of this.#things.slice()) this.#tryKeys(thing.bytes);
      for (const thing of this.#things.slice()) await this.#tryOpen(thing);
    }
  }

  end(files: number): Everywhere {
    this.#workingKey.close();
    for (const identity of this.#identities.filter((one) => !this.#kit.includes(one))) identity.close();
    return { files, pages: this.#pages, sealed: this.#sealed, keys: this.#seenKeys.size, hits: [...this.#hits].sort() };
  }

  #look(where: string, bytes: Buffer): void {
    for (const what of this.#find(bytes)) this.#hits.add(`${what} in ${where}`);
  }

  #tryKeys(bytes: Buffer): void {
    for (let at = 0; at + slotTextBytes <= bytes.length; at += slotBlockBytes) {
      const text = bytes.subarray(at, at + slotTextBytes);
      if (!looksLikeSlot(text)) continue;
      try {
        const { identity } = openSlot(text, this.#identities, 'a slot');
        if (this.#seenKeys.has(identity.recipient)) identity.close();
        else {
          this.#seenKeys.add(identity.recipient);
          this.#identities.push(identity);
        }
      } catch {
        // Somebody else's.
      }
    }
  }

  /** Each place where a sealed thing may begin, to the end of what there is. */
  async #tryOpen(thing: Thing): Promise<void> {
    const { where, bytes, loose, tried } = thing;
    thing.tried = this.#identities.length;
    const fresh = this.#identities.slice(tried);
    if (fresh.length === 0) return;
    for (let at = bytes.indexOf(ageHead); at !== -1; at = bytes.indexOf(ageHead, at + 1)) {
      try {
        if (loose) this.#openLoose(`${where} > sealed`, bytes.subarray(at, at + looseBytesMax), fresh);
        else await this.#openWhole(`${where} > sealed`, bytes.subarray(at), fresh);
      } catch {
        // Not ours, or not whole.
      }
    }
  }

  async #openWhole(where: string, sealed: Buffer, identities: readonly Identity[]): Promise<void> {
    const plain = openWhole(sealed, identities, 'it');
    this.#sealed++;
    this.take(where, plain);
    this.tryPages(where, plain);
    if (where.includes('.db.age')) await this.tryDatabase(where, plain, undefined);
  }

  /**
   * Without asking whether it is what was sealed: where its end is not known, that cannot be told. Each chunk as one in the middle and as the last one; and each of
   * their pages as one of a database, for a copy of it is sealed as it stands.
   */
  #openLoose(where: string, sealed: Buffer, identities: readonly Identity[]): void {
    const fileKey = fileKeyIn(sealed, identities, 'it');
    const begin = headerSizeOf(sealed, 'it');
    const key = Buffer.from(hkdfSync('sha256', fileKey.bytes, sealed.subarray(begin - nonceBytes, begin), 'payload', 32));
    fileKey.close();
    this.#sealed++;
    const pages = new Pages();
    for (const final of [false, true]) {
      const chunks: Buffer[] = [];
      for (let at = begin; at < sealed.length; at += chunkSealedBytes) chunks.push(chunkOf(sealed.subarray(at, at + chunkPlainBytes), key, chunks.length, final));
      const plain = Buffer.concat(chunks);
      this.take(where, plain, true);
      for (let at = 0; at + blockBytes <= plain.length; at += blockBytes) pages.add(at / blockBytes + 1, plain.subarray(at, at + blockBytes), this.#pageKey);
    }
    this.#takePages(where, pages);
  }

  #takePages(where: string, pages: Pages): void {
    this.#pages += pages.count;
    for (const page of pages.all()) this.take(`${where} > page`, page, true);
    for (const row of pages.rows()) this.take(`${where} > row`, row, true);
  }
}

/** As age has it: under a nonce of the chunk's number and whether it is the last one; the cipher's first block is the tag's. */
function chunkOf(sealed: Buffer, key: Buffer, index: number, final: boolean): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(1, 0);
  iv.writeUInt32BE(index, 11);
  iv[15] = final ? 1 : 0;
  return createDecipheriv('chacha20', key, iv).update(sealed);
}
