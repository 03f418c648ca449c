/**
 * One hash over what the working database says outside the audit's chain and the segments' own roots. It stands in each signed checkpoint,
 * because the cipher takes an old page, put back into the file, for a genuine one: it was. What the chain and the roots of listed periods
 * prove is left out, and so is what changes without a transaction that counts.
 */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import type { Catalogue } from './catalogue.ts';
import { CheckpointTable, parseCheckpoint } from './checkpoints.ts';

const queries = [
  'SELECT vault_id, hub_name, made_ms, signing_seed, public_key FROM vault',
  'SELECT name, value FROM settings ORDER BY name',
  'SELECT name, value FROM secrets ORDER BY name',
  'SELECT slot, generation FROM slot_generations ORDER BY slot',
  'SELECT camera, stream, next_seq FROM stream_seqs ORDER BY camera, stream',
  `SELECT id, camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state, listed, rows_root, list_sha256, segments, bytes, first_ms, last_end_ms, list_kept
   FROM periods ORDER BY id`,
  'SELECT * FROM gaps ORDER BY id',
  'SELECT * FROM purges ORDER BY number',
  'SELECT count(*), max(number) FROM receipts',
  'SELECT count(*), min(at_ms), max(at_ms) FROM shredded',
  'SELECT count(*), min(n), max(n) FROM audit',
  "SELECT name, seq FROM sqlite_sequence WHERE name <> 'checkpoints' ORDER BY name",
];

/** Tables that came later: while one is empty, or not there yet, the root is what it was before. */
const laterQueries: readonly (readonly [table: string, sql: string])[] = [
  ['accounts', 'SELECT id, role, name, name_key, nickname, picture, language, time_zone, spaces, salt, memory_kib, passes, verifier, made_ms FROM accounts ORDER BY id'],
  ['devices', 'SELECT * FROM devices ORDER BY id'],
  ['sessions', 'SELECT id, account_id, device_id, hash, turned_ms, made_ms FROM sessions ORDER BY id'],
  ['invitations', 'SELECT * FROM invitations ORDER BY id'],
  ['tokens', 'SELECT * FROM tokens ORDER BY id'],
  ['hold_periods', 'SELECT * FROM hold_periods ORDER BY period_id'],
  ['alarms', 'SELECT id, period_id, camera, rule, kind, from_ms, to_ms, score_pm, pictures, picture_bytes, pictures_sha256, pictures_why, footage_why, seen, false_alarm FROM alarms ORDER BY id'],
  ['alarm_footage', 'SELECT alarm_id, segment_id FROM alarm_footage ORDER BY alarm_id, segment_id'],
  ['holds', 'SELECT period_id, segment_id, sha256 FROM holds ORDER BY period_id, segment_id'],
  ['people', 'SELECT * FROM people ORDER BY id'],
  ['templates', 'SELECT * FROM templates ORDER BY person_id'],
  ['accounts', 'SELECT id FROM accounts WHERE names = 1 ORDER BY id'],
  ['far_objects', 'SELECT id, destination, object, class, camera, period_id, start_ms, slot, generation, segment_id, alarm_id, keys_at FROM far_objects ORDER BY id'],
  // Of the ledger the sums: lines without an answer come without a transaction that counts.
  ['ledger_days', 'SELECT * FROM ledger_days ORDER BY day_ms, destination, kind, class, outcome'],
];

export function databaseRoot(db: Connection): string {
  const hash = createHash('sha256');
  for (const sql of queries) {
    for (const row of rowsOf(db, sql)) hash.update(row);
    hash.update('\n');
  }
  const tables = tablesOf(db);
  for (const [table, sql] of laterQueries) {
    if (!tables.includes(table)) continue;
    let rows = 0;
    for (const row of rowsOf(db, sql)) {
      if (rows++ === 0) hash.update(`${table}\n`);
      hash.update(row);
    }
  }
  return hash.digest('hex');
}

function* rowsOf(db: Connection, sql: string): Generator<string> {
  for (const row of db.prepare<[], unknown[]>(sql).raw().iterate()) yield `${JSON.stringify(row.map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : value)))}\n`;
}

/** Compares the database with its newest checkpoint; in words what is wrong, undefined when nothing is. */
export function doubtOf(db: Connection, catalogue: Catalogue): { code: 'SP_ROLLBACK' | 'SP_AUDIT_BROKEN'; detail: string; number: number } | undefined {
  const signed = new CheckpointTable(db).newest(1)[0];
  if (signed === undefined) return undefined;
  const newest = parseCheckpoint(signed.json, `checkpoint ${signed.number}`);
  const generation = db.prepare<[], { generation: number }>('SELECT generation FROM vault').get()?.generation ?? 0;
  const wrong = (code: 'SP_ROLLBACK' | 'SP_AUDIT_BROKEN', detail: string) => ({ code, detail, number: signed.number });
  if (generation <= newest.generation) return wrong('SP_ROLLBACK', `the database stands at generation ${generation}, it was signed at ${newest.generation}`);
  // Nothing was written since but the checkpoint itself.
  if (generation !== newest.generation + 1) return undefined;
  if (catalogue.lists.catalogueRoot().toString('hex') !== newest.catalogueRoot) return wrong('SP_AUDIT_BROKEN', 'the catalogue is not what was signed');
  if (newest.databaseRoot !== undefined && databaseRoot(db) !== newest.databaseRoot) return wrong('SP_AUDIT_BROKEN', 'a part of the database is not what was signed');
  return undefined;
}

/** Reads a table and its indices page by page and compares them. SP_DATABASE_DAMAGED. */
export function checkTable(db: Connection, table: string): void {
  const answer = db.pragma(`integrity_check("${table.replaceAll('"', '""')}")`, { simple: true });
  if (answer !== 'ok') throw new SallyportError('SP_DATABASE_DAMAGED', { file: db.name, reason: String(answer).slice(0, 200) });
}

export function tablesOf(db: Connection): string[] {
  return db.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all().map(({ name }) => name);
}
