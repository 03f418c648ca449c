/** Making 100,000 segments unreadable by shredding their slots, against deleting as many files; and a whole purge of them by the vault. */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { hourMs } from '../../src/base/units.ts';
import { Identity } from '../../src/seal/identity.ts';
import { slotBlockBytes } from '../../src/seal/slot.ts';
import { Catalogue } from '../../src/vault/catalogue.ts';
import { openConnection } from '../../src/vault/connection.ts';
import { segmentPath } from '../../src/vault/footagepaths.ts';
import { Keyring, keyringFileNames } from '../../src/vault/keyring.ts';
import { textHash } from '../../src/vault/keyringfile.ts';
import { Vault } from '../../src/vault/vault.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { benchOptions, figure, inFolder, inTurn, longestGapMs, report, timeMs } from './measure.ts';

const options = benchOptions({ runs: 5, smokeRuns: 1, seconds: 1, smokeSeconds: 1 }, ['segments']);
const segments = options.number('segments') ?? (options.smoke ? 2000 : 100_000);
/** An hour of a camera in segments of a minute. */
const segmentsPerPeriod = 60;
const periods = Math.ceil(segments / segmentsPerPeriod);
const gaps = new Map<string, number[]>();

/** Both files, durable; answers what a shred must name. Random blocks do: a shred knows its slots by hash. */
async function writeKeyring(folder: string, slots: number): Promise<{ slot: number; sha256: string }[]> {
  await mkdir(folder, { recursive: true });
  const targets: { slot: number; sha256: string }[] = [];
  const handles = await Promise.all(keyringFileNames.map((name) => open(join(folder, name), 'w', 0o600)));
  const window = Buffer.allocUnsafeSlow(256 * slotBlockBytes);
  for (let first = 0; first < slots; first += 256) {
    const bytes = randomFillSync(window.subarray(0, Math.min(256, slots - first) * slotBlockBytes));
    for (let at = 0; at * slotBlockBytes < bytes.length; at++) targets.push({ slot: first + at, sha256: textHash(bytes.subarray(at * slotBlockBytes)) });
    for (const handle of handles) await handle.writev([bytes], first * slotBlockBytes);
  }
  for (const handle of handles) {
    await handle.sync();
    await handle.close();
  }
  return targets;
}

async function shred(folder: string, slots: number, name: string): Promise<number> {
  const targets = await writeKeyring(folder, slots);
  const keyring = await Keyring.open(folder, { log: silentLog });
  let ms = 0;
  note(name, await longestGapMs(async () => {
    ms = await timeMs(async () => {
      const results = await keyring.shred(targets);
      if (!results.every(({ result }) => result === 'shredded')) throw new Error('a slot was not shredded');
      readBack = results.every((result) => result.readBack);
    });
  }));
  await keyring.close();
  await rm(folder, { recursive: true });
  return ms;
}

async function unlink(folder: string): Promise<number> {
  const block = randomFillSync(Buffer.alloc(4096));
  const files = Array.from({ length: segments }, (_, n) => join(folder, String(Math.floor(n / segmentsPerPeriod)), `${n}.mp4`));
  for (let n = 0; n < periods; n++) mkdirSync(join(folder, String(n)), { recursive: true });
  for (const file of files) writeFileSync(file, block);
  await sync(folder);
  const ms = await timeMs(async () => {
    for (const file of files) unlinkSync(file);
    await sync(folder);
  });
  await rm(folder, { recursive: true });
  return ms;
}

/** Of this file system only. */
async function sync(folder: string): Promise<void> {
  const { status, stderr } = await run('sync', ['-f', folder], { timeoutMs: 600_000 });
  if (status !== 0) throw new Error(`sync: ${stderr}`);
}

/** A vault as after weeks of recording, all of it past its deadline. Rows and files are made directly: recording them would take hours. */
async function purge(folder: string): Promise<number> {
  const identity = Identity.generate();
  const open = (): Promise<Vault> => Vault.open({ folder, clock: systemClock, log: silentLog, hubName: 'bench' });
  await (await open()).close();
  await fill(folder, identity.recipient);
  await sync(folder);
  const vault = await open();
  const due = await vault.duePeriods(Date.now());
  if (due.length !== periods || vault.recovery.missing.length > 0) throw new Error(`${due.length} of ${periods} periods are due`);
  let ms = 0;
  note('purge', await longestGapMs(async () => {
    ms = await timeMs(async () => {
      const receipt = await vault.purge(due, {});
      if (receipt.segments !== segments) throw new Error(`${receipt.segments} segments were purged`);
    });
  }));
  await vault.close();
  identity.close();
  await rm(folder, { recursive: true });
  return ms;
}

async function fill(folder: string, recipient: string): Promise<void> {
  const targets = await writeKeyring(join(folder, 'keyring'), periods);
  const key = await loadWorkingKey({ folder, mayCreate: false });
  const db = openConnection(join(folder, 'working.db'), key.databaseKey(), { readonly: false });
  key.close();
  const catalogue = new Catalogue(db);
  const bytes = randomFillSync(Buffer.alloc(300));
  const oldest = Math.floor(Date.now() / hourMs - periods - 2) * hourMs;
  db.transaction(() => {
    for (const { slot, sha256 } of targets) {
      const startMs = oldest + slot * hourMs;
      const times = { startMs, endMs: startMs + hourMs, deadlineMs: startMs + hourMs };
      const { id } = catalogue.periods.add({ camera: 'front', class: 'footage', ...times, slot, generation: 1, recipient, slotSha256: sha256 });
      for (let minute = 0, seq = slot * segmentsPerPeriod + 1; minute < segmentsPerPeriod && seq <= segments; minute++, seq++) {
        const path = segmentPath('front', startMs, { startMs: startMs + minute * 60_000, seq, stream: 'main' });
        if (minute === 0) mkdirSync(dirname(join(folder, 'footage', path)), { recursive: true });
        writeFileSync(join(folder, 'footage', path), bytes);
        catalogue.addSegment({
          periodId: id, camera: 'front', stream: 'main', seq, boot: 'bench', monoMs: 0, startMs: startMs + minute * 60_000, durationMs: 60_000, path, sizeBytes: bytes.length,
          headerBytes: 184, headerSha256: sha256, bodySha256: sha256, keyFrames: [[0, 1000], [2000, 1_000_000]], reason: 'continuous', cutChunks: undefined,
        });
      }
    }
  }).immediate();
  db.close();
}

function note(name: string, gapMs: number): void {
  gaps.set(name, [...(gaps.get(name) ?? []), gapMs]);
}

let readBack = false;

await inFolder(options, async (folder) => {
  const values = await inTurn(options.runs, new Map<string, (round: number) => Promise<number>>([
    ['slots', (round) => shred(join(folder, `slots-${round}`), periods, 'slots')],
    ['unlink', (round) => unlink(join(folder, `files-${round}`))],
    ['worst', (round) => shred(join(folder, `worst-${round}`), segments, 'worst')],
    ['purge', (round) => purge(join(folder, `vault-${round}`))],
  ]));
  const of = (name: string): number[] => values.get(name) as number[];
  const peer = { peer: 'unlinking', values: of('unlink'), ratioOf: (value: number, theirs: number) => theirs / value };
  const faster = { ...peer, peer: 'the speed of unlinking' };
  report(`Shredding ${segments} segments`, [
    figure(`unlinking ${segments} files of 4 KiB and sync (the peer)`, 'ms', of('unlink')),
    figure(`shredding their ${periods} slots of an hour each`, 'ms', of('slots'), { ...faster, aim: '>= 500' }),
    figure(`shredding ${segments} slots, one a segment`, 'ms', of('worst'), faster),
    figure('the whole purge: slots, files, rows, receipt', 'ms', of('purge'), faster),
    figure('longest gap of the event loop, slots', 'ms', gaps.get('slots') ?? [], { peer: '50 ms', values: of('slots').map(() => 50), aim: '<= 1' }),
    figure('longest gap of the event loop, one slot a segment', 'ms', gaps.get('worst') ?? [], { peer: '50 ms', values: of('slots').map(() => 50), aim: '<= 1' }),
    figure('longest gap of the event loop, the whole purge', 'ms', gaps.get('purge') ?? [], { peer: '50 ms', values: of('slots').map(() => 50), aim: '<= 1' }),
  ], options, [`Both keyring files, one fdatasync a file and batch, each block read back ${readBack ? 'past the page cache' : 'NOT past the page cache: this file system has no direct reads'}.`]);
});
