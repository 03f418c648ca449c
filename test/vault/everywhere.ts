/**
 * Whoever has the whole disk and the working key: every block of every file below a data folder is tried as a page of the encrypted database,
 * every sealed file and every sealed value with the hub identity, with the owner's kit, and with each key that any slot gives up to these;
 * what opens is looked through again. So what is searched for here and not found cannot be had from the folder.
 */
import { createDecipheriv } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Identity } from '../../src/seal/identity.ts';
import { openWhole } from '../../src/seal/opener.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { openConnection } from '../../src/vault/connection.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { filesBelow } from './world.ts';

export interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}

/** What was opened, for a test that the search itself can open things. */
export interface Everywhere {
  readonly files: number;
  readonly pages: number;
  readonly sealed: number;
  readonly keys: number;
  readonly hits: readonly string[];
}

const pageBytes = 4096;
const nonceBytes = 16;
const reservedBytes = 32;
const ageHead = Buffer.from('age-encryption.org/v1\n');

/** A template is found by any four numbers of it in a row, a picture by any 24 bytes, a name as UTF-8, UTF-16 or base64. */
export function needlesOf({ name, vectors, crop }: { name: string; vectors: readonly Float32Array[]; crop: Uint8Array }): Needle[] {
  const pieces = (what: string, bytes: Buffer, length: number): Needle[] => Array.from({ length: Math.floor(bytes.length / length) }, (_, at) => ({ what, bytes: Buffer.from(bytes.subarray(at * length, (at + 1) * length)) }));
  const base64 = [0, 1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift), Buffer.from(name)]).toString('base64').replace(/=+$/, '').slice(shift === 0 ? 0 : shift + 1, -1));
  return [
    ...vectors.flatMap((vector) => pieces('template', Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength), 16)),
    ...pieces('crop', Buffer.from(crop), 24).slice(30), // a JPEG's beginning is every JPEG's
    { what: 'name', bytes: Buffer.from(name) }, { what: 'name', bytes: Buffer.from(name, 'utf16le') }, ...base64.map((text) => ({ what: 'name', bytes: Buffer.from(text) })),
  ];
}

/** @param kit Whatever else somebody may have: the owner's kit. */
export async function searchEverywhere(folder: string, needles: readonly Needle[], scratch: string, kit: readonly Identity[] = []): Promise<Everywhere> {
  const workingKey = await loadWorkingKey({ folder, mayCreate: false });
  const hub = workingKey.hubIdentity();
  const pageKey = Buffer.alloc(32);
  pageKey.set(Buffer.from(workingKey.databaseKey().toString('latin1').slice(4), 'hex'));
  const names = await filesBelow(folder);
  const files = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
  const identities = [hub, ...kit];
  const seenKeys = new Set<string>(identities.map(({ recipient }) => recipient));
  const tally = { pages: 0, sealed: 0 };
  const hits = new Set<string>();
  const queue: { where: string; bytes: Buffer }[] = [];
  /** With how many keys a thing was tried last. */
  const tried = new Map<Buffer, number>();

  const look = (where: string, bytes: Buffer): void => {
    for (const { what, bytes: needle } of needles) if (bytes.includes(needle)) hits.add(`${what} in ${where}`);
    queue.push({ where, bytes });
  };
  const tryKeys = (bytes: Buffer): void => {
    for (let at = 0; at + slotTextBytes <= bytes.length; at += slotBlockBytes) {
      try {
        const { identity } = openSlot(bytes.subarray(at, at + slotTextBytes), identities, 'a slot');
        if (seenKeys.has(identity.recipient)) identity.close();
        else {
          seenKeys.add(identity.recipient);
          identities.push(identity);
        }
      } catch {
        // Random bytes, or somebody else's.
      }
    }
  };
  /** Each place where a sealed thing may begin, to the end of what there is: what follows it fails only its last chunk, so whole values are given as such. */
  const tryOpen = (where: string, bytes: Buffer): void => {
    const from = tried.get(bytes) ?? 0;
    tried.set(bytes, identities.length);
    if (from === identities.length) return;
    for (let at = bytes.indexOf(ageHead); at !== -1; at = bytes.indexOf(ageHead, at + 1)) {
      try {
        const plain = openWhole(bytes.subarray(at), identities.slice(from), 'it');
        tally.sealed++;
        look(`${where} > sealed`, plain);
      } catch {
        // Not ours, or not whole.
      }
    }
  };
  const tryPages = (where: string, bytes: Buffer): void => {
    for (let at = 0; at + pageBytes <= bytes.length; at += pageBytes) {
      const plain = pageOf(bytes.subarray(at, at + pageBytes), at / pageBytes + 1, pageKey);
      tally.pages++;
      for (const { what, bytes: needle } of needles) if (plain.includes(needle)) hits.add(`${what} in ${where} > page`);
    }
    // A log of the database: a head of 32 bytes, then frames of 24 bytes and a page whose number they begin with.
    for (let at = 32; at + 24 + pageBytes <= bytes.length; at += 24 + pageBytes) {
      const plain = pageOf(bytes.subarray(at + 24, at + 24 + pageBytes), bytes.readUInt32BE(at), pageKey);
      tally.pages++;
      for (const { what, bytes: needle } of needles) if (plain.includes(needle)) hits.add(`${what} in ${where} > frame`);
    }
  };
  /** Every value of every row, those too that lie on several pages. */
  const tryDatabase = async (where: string, bytes: Buffer, log: Buffer | undefined): Promise<void> => {
    const file = join(scratch, `${basename(where).replaceAll(/[^a-z0-9.]/gi, '_')}-${tried.size}-${queue.length}.db`);
    await writeFile(file, bytes);
    if (log !== undefined) await writeFile(`${file}-wal`, log);
    try {
      const db = openConnection(file, workingKey.databaseKey(), { readonly: false });
      for (const table of db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()) {
        for (const row of db.prepare<[], unknown[]>(`SELECT * FROM "${table}"`).raw().all()) {
          for (const value of row) if (Buffer.isBuffer(value) || typeof value === 'string') look(`${where} > ${table}`, Buffer.isBuffer(value) ? value : Buffer.from(value));
        }
      }
      db.close();
    } catch {
      // No database, or another key's.
    }
  };

  for (const { name, bytes } of files) {
    look(name, bytes);
    tryPages(name, bytes);
  }
  for (const { name, bytes } of files) if (name.endsWith('.db')) await tryDatabase(name, bytes, files.find((file) => file.name === `${name}-wal`)?.bytes);
  // A key may open another one, or a copy of the database: as long as there is something new, everything again.
  for (let known = -1; known !== identities.length + queue.length;) {
    known = identities.length + queue.length;
    for (const { bytes } of files) tryKeys(bytes);
    for (const { where, bytes } of queue.slice()) {
      const before = tally.sealed;
      tryKeys(bytes);
      tryOpen(where, bytes);
      if (tally.sealed === before) continue;
      for (const opened of queue.slice(-(tally.sealed - before))) {
        tryPages(opened.where, opened.bytes);
        if (opened.where.includes('.db.age')) await tryDatabase(opened.where, opened.bytes, undefined);
      }
    }
  }
  workingKey.close();
  for (const identity of identities.filter((one) => !kit.includes(one))) identity.close();
  return { files: files.length, pages: tally.pages, sealed: tally.sealed, keys: seenKeys.size, hits: [...hits].sort() };
}

/** As SQLite3MultipleCiphers' chacha20 has it: nonce and tag at the page's end; the first 24 bytes of the first page are in clear. */
function pageOf(page: Buffer, number: number, key: Buffer): Buffer {
  const end = pageBytes - reservedBytes;
  const nonce = page.subarray(end, end + nonceBytes);
  const counter = (nonce.readUInt32LE(nonceBytes - 4) ^ number) >>> 0;
  const once = xor(Buffer.alloc(64), key, nonce, counter);
  const offset = number === 1 ? 24 : 0;
  return xor(Buffer.from(page.subarray(offset, end)), once.subarray(32), nonce, (counter + 1) >>> 0);
}

function xor(bytes: Buffer, key: Buffer, nonce: Buffer, counter: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(counter, 0);
  nonce.copy(iv, 4, 0, 12);
  return createDecipheriv('chacha20', key, iv).update(bytes);
}

