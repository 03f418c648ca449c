import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openConnection, type Connection } from '../../src/vault/connection.ts';
import { schemaVersion } from '../../src/vault/schema.ts';

const key = (digit = '1'): Buffer => Buffer.from(`raw:${digit.repeat(64)}`);

function open(file: string, options: { digit?: string; readonly?: boolean } = {}): Connection {
  return openConnection(file, key(options.digit), { readonly: options.readonly ?? false });
}

t.test('a new database has the newest schema, and opening it again changes nothing', async (t) => {
  const file = join(t.testdir(), 'working.db');
  open(file).close();
  const db = open(file);
  t.equal(db.pragma('user_version', { simple: true }), schemaVersion);
  t.same(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").pluck().all(), [
    'audit', 'begun', 'checkpoints', 'gaps', 'periods', 'purges', 'receipts', 'secrets', 'segments', 'settings', 'slot_generations', 'stream_seqs', 'vault',
  ]);
  db.close();
});

t.test('a database of a newer version is refused, for writing and for reading', async (t) => {
  const file = join(t.testdir(), 'working.db');
  const db = open(file);
  db.pragma(`user_version = ${schemaVersion + 1}`);
  db.close();
  t.throws(() => open(file), { code: 'SP_DATABASE_NEWER', evidence: { found: schemaVersion + 1, known: schemaVersion } });
  t.throws(() => open(file, { readonly: true }), { code: 'SP_DATABASE_NEWER' });
});

t.test('another key opens nothing and spoils nothing', async (t) => {
  const file = join(t.testdir(), 'working.db');
  open(file).close();
  const before = await readFile(file);
  t.throws(() => open(file, { digit: '2' }), { code: 'SP_WRONG_WORKING_KEY' });
  t.same(await readFile(file), before);
  open(file).close();
});

t.test('the key is wiped, and the connection is set up for safety', async (t) => {
  const bytes = key();
  const db = openConnection(join(t.testdir(), 'working.db'), bytes, { readonly: false });
  t.ok(bytes.every((byte) => byte === 0));
  const settings = ['temp_store', 'secure_delete', 'synchronous', 'journal_mode', 'trusted_schema', 'cell_size_check', 'mmap_size', 'foreign_keys'];
  t.same(settings.map((name) => db.pragma(name, { simple: true })), [2, 1, 2, 'wal', 0, 1, 0, 1]);
  db.close();
});

t.test('nothing of a row is on the disk in clear, and a flipped bit is found', async (t) => {
  const file = join(t.testdir(), 'working.db');
  const db = open(file);
  const marker = 'a-camera-password-that-is-long-enough';
  db.prepare('INSERT INTO secrets (name, value) VALUES (?, ?)').run('front', marker);
  for (const name of [file, `${file}-wal`]) {
    const bytes = await readFile(name);
    t.notOk(bytes.includes(marker), name);
    t.notOk(bytes.includes('SQLite format 3'), name);
  }
  db.close();
  const bytes = await readFile(file);
  bytes[4096 + 100] = (bytes[4096 + 100] ?? 0) ^ 1;
  await writeFile(file, bytes);
  t.throws(() => {
    const damaged = open(file);
    try {
      damaged.pragma('integrity_check');
      damaged.prepare('SELECT * FROM settings').all();
      damaged.prepare('SELECT * FROM vault').all();
    } finally {
      damaged.close();
    }
  });
});
