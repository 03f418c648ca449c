import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { openConnection, type Connection } from '../../src/vault/connection.ts';
import { schemaVersion, upgradesUpTo } from '../../src/vault/schema.ts';

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
    'accounts', 'alarm_footage', 'alarms', 'archived', 'audit', 'begun', 'checkpoints', 'devices', 'far_loose', 'far_objects', 'far_stirred', 'gaps', 'hold_periods', 'holds', 'invitations', 'ledger', 'ledger_days', 'observations', 'people', 'periods', 'purges', 'receipts', 'secrets', 'segments', 'sessions', 'settings',
    'shredded', 'slot_generations', 'stream_seqs', 'templates', 'tokens', 'vault',
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

/** A database as version 1 made it, with a row in each table that refers to another. */
function version1(file: string): void {
  const db = new Database(file);
  db.pragma("cipher = 'chacha20'");
  db.key(key());
  db.pragma('journal_mode = WAL');
  db.pragma('foreign_keys = ON');
  for (const sql of upgradesUpTo(1)) db.exec(sql);
  db.pragma('user_version = 1');
  db.exec(`
    INSERT INTO periods (id, camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state, listed, segments, bytes, first_ms, last_end_ms)
      VALUES (3, 'front', 'footage', 0, 10, 20, 1, 4, 'age1x', zeroblob(32), 'live', 1, 1, 99, 1, 9), (7, 'front', 'footage', 10, 20, 30, 0, 1, 'age1y', zeroblob(32), 'live', 0, 0, 0, NULL, NULL);
    DELETE FROM periods WHERE id = 7;
    INSERT INTO segments (period_id, camera, stream, seq, boot, mono_ms, start_ms, duration_ms, path, size_bytes, header_bytes, header_sha256, body_sha256, key_frames, reason, state)
      VALUES (3, 'front', 'main', 1, 'b', 1, 1, 8, 'front/x', 99, 184, zeroblob(32), zeroblob(32), zeroblob(0), 'continuous', 'complete');
    INSERT INTO gaps (period_id, camera, stream, from_ms, to_ms, reason, detail) VALUES (3, 'front', 'main', 2, 3, 'stalled', '')`);
  db.close();
}

t.test('a database of version 1 is upgraded with all that it holds, and no id is given out twice', async (t) => {
  const file = join(t.testdir(), 'working.db');
  version1(file);
  const db = open(file);
  t.equal(db.pragma('user_version', { simple: true }), schemaVersion);
  t.match(db.prepare('SELECT * FROM periods').all(), [{ id: 3, camera: 'front', class: 'footage', slot: 1, generation: 4, recipient: 'age1x', listed: 1, segments: 1, bytes: 99, first_ms: 1, last_end_ms: 9, list_sha256: null }]);
  t.match(db.prepare('SELECT * FROM segments').all(), [{ period_id: 3, path: 'front/x', damaged_ms: null }]);
  t.equal(db.prepare('SELECT count(*) FROM gaps WHERE period_id = 3').pluck().get(), 1);
  const add = db.prepare("INSERT INTO periods (camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state) VALUES ('hub', ?, 0, 1, 2, 9, 1, 'age1z', zeroblob(32), 'live')");
  t.equal(add.run('database').lastInsertRowid, 8, 'above the one that was deleted');
  t.throws(() => add.run('faces'), /CHECK/);
  t.throws(() => db.prepare('DELETE FROM periods WHERE id = 3').run(), /FOREIGN KEY/, 'references hold as before');
  t.same(db.pragma('foreign_key_check'), []);
  t.same(db.pragma('integrity_check', { simple: true }), 'ok');
  t.same(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'periods' AND name LIKE 'periods%' ORDER BY name").pluck().all(), ['periods_due', 'periods_of_camera']);
  db.close();
});

t.test('a database of version 8 is upgraded with its holds, and takes alarms that go only after what they refer to them', async (t) => {
  const file = join(t.testdir(), 'working.db');
  const old = new Database(file);
  old.pragma("cipher = 'chacha20'");
  old.key(key());
  for (const sql of upgradesUpTo(8)) old.exec(sql);
  old.pragma('user_version = 8');
  const addPeriod = "INSERT INTO periods (camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state, list_kept, sealed_to) VALUES ('front', ?, 0, 1, 2, ?, 1, 'age1z', zeroblob(32), 'live', 1, zeroblob(3))";
  for (const [klass, slot] of [['footage', 1], ['hold', 2]]) old.prepare(addPeriod).run(klass, slot);
  old.exec(`
    INSERT INTO segments (period_id, camera, stream, seq, boot, mono_ms, start_ms, duration_ms, path, size_bytes, header_bytes, header_sha256, body_sha256, key_frames, reason, state)
      VALUES (1, 'front', 'main', 1, 'b', 1, 0, 1, 'front/x', 9, 1, x'00', x'00', x'', 'continuous', 'complete');
    INSERT INTO hold_periods (period_id, order_id, maker, label) VALUES (2, 'abcdef01', 'hub', '');
    INSERT INTO holds (period_id, segment_id, sha256) VALUES (2, 1, x'00');
    INSERT INTO purges (state, early, erased, periods, read_back) VALUES ('intended', NULL, 'why', '[]', 0);`);
  old.close();
  const db = open(file);
  t.equal(db.pragma('user_version', { simple: true }), schemaVersion);
  t.match(db.prepare('SELECT class, slot, list_kept, sealed_to FROM periods').all(), [{ class: 'footage', slot: 1, list_kept: 1, sealed_to: Buffer.alloc(3) }, { class: 'hold', slot: 2 }]);
  t.match(db.prepare('SELECT * FROM holds').all(), [{ period_id: 2, segment_id: 1 }]);
  t.match(db.prepare('SELECT * FROM purges').all(), [{ erased: 'why', erased_time: null }]);
  t.throws(() => db.prepare('DELETE FROM periods WHERE id = 2').run(), /FOREIGN KEY/);
  const { lastInsertRowid: day } = db.prepare(addPeriod).run('alarm', 3);
  db.prepare("INSERT INTO alarms (id, period_id, camera, rule, kind, from_ms, score_pm) VALUES ('a', ?, 'front', 'door', 'person', 5, 900)").run(day);
  db.exec("INSERT INTO alarm_footage (alarm_id, segment_id) VALUES ('a', 1)");
  t.throws(() => db.prepare('DELETE FROM periods WHERE id = ?').run(day), /FOREIGN KEY/);
  t.throws(() => db.exec("UPDATE alarms SET score_pm = 1001"), /CHECK/);
  db.exec("DELETE FROM alarms; DELETE FROM periods WHERE class = 'alarm'");
  t.equal(db.prepare('SELECT count(*) FROM alarm_footage').pluck().get(), 0);
  t.same(db.pragma('foreign_key_check'), []);
  db.close();
});

t.test('an upgrade that a kill interrupts is none: the database stays of version 1', async (t) => {
  const file = join(t.testdir(), 'working.db');
  version1(file);
  const db = new Database(file);
  db.pragma("cipher = 'chacha20'");
  db.key(key());
  db.pragma('foreign_keys = OFF');
  db.exec('BEGIN IMMEDIATE');
  db.exec(upgradesUpTo(2)[1] ?? '');
  db.close();
  const again = open(file, { readonly: true });
  t.equal(again.pragma('user_version', { simple: true }), 1);
  again.close();
  open(file).close();
});
