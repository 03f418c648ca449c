/**
 * Ten thousand alarms with a picture of 40 KB each: how long a page of fifty rows takes at the 95th percentile, how long it takes to store one, and how much is
 * written to the disk when their day is purged. The peer is the same rows and pictures in plain SQLite, without sealing: a page by the same query,
 * and deleting in its two ways, as it is (what was deleted can be read from the file) and with `secure_delete` (it is written over).
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs } from '../../src/base/units.ts';
import { Identity } from '../../src/seal/identity.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { AlarmTable } from '../../src/vault/alarmtable.ts';
import { openConnection } from '../../src/vault/connection.ts';
import { openPictures, picturesName, PictureTables } from '../../src/vault/picturesfile.ts';
import { Vault, type PeriodFacts } from '../../src/vault/vault.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { benchOptions, figure, inFolder, inTurn, quantile, report, timeMs, usageOf } from './measure.ts';

const options = benchOptions({ runs: 3, smokeRuns: 1, seconds: 1, smokeSeconds: 1 }, ['alarms']);
const alarms = options.number('alarms') ?? (options.smoke ? 400 : 10_000);
const pictureBytes = 40_000;
const pageRows = 50;
const pagesAsked = options.smoke ? 20 : 200;
const putsTimed = options.smoke ? 10 : 60;
const deletedAtOnce = 512;
const filledAtOnce = 100;
const dayStartMs = Math.floor(Date.now() / dayMs) * dayMs;
const values = new Map<string, number[]>();

function note(name: string, value: number): void {
  values.set(name, [...(values.get(name) ?? []), value]);
}

function picture(): Buffer {
  const bytes = randomFillSync(Buffer.alloc(pictureBytes));
  bytes.writeUInt16BE(0xffd8, 0);
  bytes.writeUInt16BE(0xffd9, pictureBytes - 2);
  return bytes;
}

/** As the vault gives them: rising, then random. */
function idOf(n: number): string {
  return (n + 2).toString(16).padStart(8, '0') + randomBytes(4).toString('hex');
}

/** When alarm `n` of the day was. */
function timeOf(n: number): number {
  return dayStartMs + Math.floor((n * dayMs) / alarms);
}

function written(): number {
  return usageOf([process.pid]).writtenBytes / 1e6;
}

/** 95th percentile, in ms, of pages from everywhere in the day. */
async function pages(ask: (beforeMs: number) => Promise<unknown[]> | unknown[]): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < pagesAsked; n++) {
    times.push(await timeMs(async () => {
      const rows = await ask(timeOf(pageRows + Math.floor(((n * 7919) % pagesAsked) / pagesAsked * (alarms - pageRows))));
      if (rows.length !== pageRows) throw new Error(`${rows.length} rows`);
    }));
  }
  return quantile(times, 0.95);
}

/** Rows and sealed pictures are made directly: one by one, each with its two syncs, they would take minutes. */
async function fill(folder: string, period: PeriodFacts): Promise<void> {
  const key = await loadWorkingKey({ folder, mayCreate: false });
  const db = openConnection(join(folder, 'working.db'), key.databaseKey(), { readonly: false });
  const file = openPictures(join(folder, picturesName), key.databaseKey(), { readonly: false });
  key.close();
  const [rows, pictures] = [new AlarmTable(db), new PictureTables(file)];
  file.pragma('synchronous = OFF');
  for (let begun = 0; begun < alarms; begun += filledAtOnce) {
    // Secure memory of the sealings before is given back between two turns only.
    await turn();
    db.transaction(() => {
      for (let n = begun; n < Math.min(alarms, begun + filledAtOnce); n++) {
        const alarm = { id: idOf(n), camera: 'front', rule: 'door', kind: 'person', fromMs: timeOf(n), toMs: timeOf(n) + 1, scorePm: 900 };
        rows.add({ ...alarm, periodId: period.id });
        rows.setPictures(alarm.id, pictures.put({ ...alarm, recipient: period.recipient }, { full: sealWhole(picture(), [period.recipient]) }));
      }
    })();
  }
  file.close();
  db.close();
}

/** Both databases with their logs, as they lie on the disk. */
async function databasesMb(folder: string): Promise<number> {
  return (await readdir(folder)).filter((name) => /\.db(-wal)?$/.test(name)).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / 1e6;
}

async function sealed(folder: string): Promise<number> {
  const identity = Identity.generate();
  const open = (): Promise<Vault> => Vault.open({ folder, clock: systemClock, log: silentLog, hubName: 'bench' });
  const first = await open();
  const begun = { camera: 'front', rule: 'door', kind: 'person', keepMs: 30 * dayMs, recipients: [identity.recipient] };
  await first.openAlarm({ ...begun, atMs: dayStartMs - 1 });
  await first.openAlarm({ ...begun, atMs: dayStartMs });
  const period = (await first.livePeriods()).find(({ startMs }) => startMs === dayStartMs);
  await first.close();
  if (period === undefined) throw new Error('the day has no period');
  const empty = await databasesMb(folder);
  await fill(folder, period);
  note('size', ((await databasesMb(folder)) - empty) * 1000 / alarms);
  const vault = await open();
  note('page', await pages((beforeMs) => vault.alarms({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, before: { fromMs: beforeMs, id: '' }, limit: pageRows })));
  const times: number[] = [];
  for (let n = 0; n < putsTimed; n++) {
    const { id } = await vault.openAlarm({ ...begun, atMs: dayStartMs - 2 - n });
    const full = picture();
    times.push(await timeMs(() => vault.putAlarmPictures(id, { full })));
  }
  note('put', quantile(times, 0.5));
  const before = written();
  const ms = await timeMs(async () => {
    const receipt = await vault.purge([period], {});
    if (receipt.periods[0]?.alarms !== alarms + 1) throw new Error(`${receipt.periods[0]?.alarms ?? 0} alarms were purged`);
  });
  note('purge', written() - before);
  await vault.close();
  identity.close();
  return ms;
}

function plain(file: string, secureDelete: boolean, name: string): Promise<number> {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma(`secure_delete = ${secureDelete ? 'ON' : 'OFF'}`);
  db.exec(`
    CREATE TABLE alarms (id TEXT PRIMARY KEY, camera TEXT, rule TEXT, kind TEXT, from_ms INTEGER, to_ms INTEGER, score_pm INTEGER) WITHOUT ROWID;
    CREATE INDEX alarms_in_time ON alarms (from_ms, id);
    CREATE TABLE pictures (n INTEGER PRIMARY KEY, alarm_id TEXT NOT NULL, which TEXT NOT NULL, plain BLOB NOT NULL, UNIQUE (alarm_id, which))`);
  const add = db.prepare('INSERT INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?)');
  const addPicture = db.prepare('INSERT INTO pictures (alarm_id, which, plain) VALUES (?, ?, ?)');
  const put = db.transaction((n: number) => {
    const id = idOf(n < 0 ? alarms - n : n);
    add.run(id, 'front', 'door', 'person', timeOf(n), timeOf(n) + 1, 900);
    addPicture.run(id, 'full', picture());
  });
  db.pragma('synchronous = OFF');
  for (let n = 0; n < alarms; n++) put(n);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.pragma('synchronous = FULL');
  if (!secureDelete) note('plain size', statSync(file).size / 1000 / alarms);
  return (async () => {
    const page = db.prepare('SELECT * FROM alarms WHERE (from_ms, id) < (?, ?) ORDER BY from_ms DESC, id DESC LIMIT ?');
    if (!secureDelete) note('plain page', await pages((beforeMs) => page.all(beforeMs, '', pageRows)));
    const times: number[] = [];
    for (let n = 0; n < putsTimed; n++) times.push(await timeMs(() => put(-1 - n)));
    if (!secureDelete) note('plain put', quantile(times, 0.5));
    db.pragma('wal_checkpoint(TRUNCATE)');
    const before = written();
    const ids = db.prepare<[number, number], { id: string }>('SELECT id FROM alarms WHERE from_ms >= ? LIMIT ?');
    const [goesPicture, goes] = [db.prepare('DELETE FROM pictures WHERE alarm_id = ?'), db.prepare('DELETE FROM alarms WHERE id = ?')];
    const drop = db.transaction((batch: readonly { id: string }[]) => {
      for (const { id } of batch) for (const statement of [goesPicture, goes]) statement.run(id);
    });
    const ms = await timeMs(() => {
      for (let batch = ids.all(dayStartMs, deletedAtOnce); batch.length > 0; batch = ids.all(dayStartMs, deletedAtOnce)) drop(batch);
      db.pragma('wal_checkpoint(TRUNCATE)');
    });
    note(name, written() - before);
    db.close();
    return ms;
  })();
}

await inFolder(options, async (folder) => {
  const times = await inTurn(options.runs, new Map<string, (round: number) => Promise<number>>([
    ['plain', (round) => plain(join(folder, `plain-${round}.db`), false, 'plain delete')],
    ['overwritten', (round) => plain(join(folder, `overwritten-${round}.db`), true, 'plain overwrite')],
    ['sealed', (round) => sealed(join(folder, `sealed-${round}`))],
  ]));
  const of = (name: string): number[] => values.get(name) ?? [];
  report(`alarms (${alarms} of a day, a picture of 40 KB each)`, [
    figure('a page of 50 rows, 95th percentile: plain SQLite', 'ms', of('plain page')),
    figure('a page of 50 rows, 95th percentile: the vault', 'ms', of('page'), { peer: 'plain SQLite', values: of('plain page') }),
    figure('on the disk, for each alarm: plain SQLite', 'kB', of('plain size')),
    figure('on the disk, for each alarm: the vault', 'kB', of('size'), { peer: 'plain SQLite', values: of('plain size') }),
    figure('a year of 20 alarms a day, none purged, by that (extrapolated)', 'MB', of('size').map((kB) => (kB * 20 * 365) / 1000)),
    figure('storing one: plain SQLite', 'ms', of('plain put')),
    figure('storing one: the vault, sealed', 'ms', of('put'), { peer: 'plain SQLite', values: of('plain put') }),
    figure('written by a purge: plain, written over', 'MB', of('plain overwrite')),
    figure('written by a purge: plain, only let go of', 'MB', of('plain delete')),
    figure('written by a purge: the vault, shredded', 'MB', of('purge'), { peer: 'plain, written over', values: of('plain overwrite') }),
    figure('a purge: plain, written over', 'ms', times.get('overwritten') ?? []),
    figure('a purge: plain, only let go of', 'ms', times.get('plain') ?? []),
    figure('a purge: the vault', 'ms', times.get('sealed') ?? [], { peer: 'plain, written over', values: times.get('overwritten') ?? [] }),
  ], options, ['the vault answers from its own thread, which costs a page two messages; its purge also rewrites two slots, drops the rows with secure_delete, signs a receipt and a checkpoint']);
});
