import { createHash } from 'node:crypto';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { AuditTable } from '../../src/vault/audit.ts';
import { readVaultFacts } from '../../src/vault/vaultfacts.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { filesBelow, hourMs, makeWorld, openRaw, openVault, prepare, readJson, record, start } from './world.ts';

const sha256 = (...parts: (Uint8Array | string)[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

t.test('each line follows from the one before, by what FORMAT.md says', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const row = await record(vault, period);
  await vault.audit({ what: 'export.made', who: 'owner', camera: 'front', detail: { from_ms: 1 } });
  await vault.close();
  const db = await openRaw(world);
  const { id, publicKey } = readVaultFacts(db) ?? { id: '', publicKey: '' };
  let chain = sha256('sallyport audit v1', Buffer.from(id, 'hex'));
  const lines = new AuditTable(db, id).linesAfter(0, 100);
  const entries: unknown[] = [];
  for (const [index, line] of lines.entries()) {
    t.equal(line.n, index + 1);
    t.same(line.leaf, sha256(line.salt ?? '', line.entry ?? ''));
    chain = sha256(chain, line.leaf);
    t.same(line.chain, chain);
    t.equal(line.salt?.length, 16);
    entries.push(JSON.parse(line.entry ?? ''));
  }
  db.close();
  t.match(entries, [
    { what: 'vault.made', who: 'hub', at_ms: start, detail: { public_key: publicKey } },
    { what: 'key.made', camera: 'front', detail: { slot: 0, generation: 1, start_ms: start } },
    { what: 'segment.closed', camera: 'front', detail: { seq: 1, size: row.sizeBytes, header_sha256: row.headerSha256, body_sha256: row.bodySha256 } },
    { what: 'export.made', who: 'owner', camera: 'front', detail: { from_ms: 1 } },
  ]);
  t.notOk(JSON.stringify(entries).includes('.mp4'), 'no path');
});

t.test('ssh-keygen agrees with checkpoints and receipts, and refuses changed ones', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  await record(vault, period);
  const { file: receipt } = await vault.purge([period], {});
  const { file: checkpoint, number } = await vault.checkpoint();
  t.match(await readJson(checkpoint), { v: 1, number, seq: 5, at_ms: start, vault: /^[0-9a-f]{32}$/, chain: /^[0-9a-f]{64}$/, catalogue_root: /^[0-9a-f]{64}$/, database_generation: Number });
  const signers = join(t.testdirName, 'allowed');
  await writeFile(signers, `hub ${vault.publicKey}\n`);
  await vault.close();
  const check = async (file: string, namespace: string, message: Buffer): Promise<number | null> =>
    (await run('ssh-keygen', ['-Y', 'verify', '-f', signers, '-I', 'hub', '-n', namespace, '-s', `${file}.sig`], { input: message, package: 'openssh-client' })).status;
  for (const [file, namespace] of [[receipt, 'sallyport-receipt'], [checkpoint, 'sallyport-checkpoint']] as const) {
    const message = await readFile(file);
    t.equal(await check(file, namespace, message), 0, namespace);
    t.not(await check(file, namespace, Buffer.concat([message, Buffer.from(' ')])), 0, 'changed');
    t.not(await check(file, 'sallyport-owner', message), 0, 'for another purpose');
  }
});

t.test('only the newest 48 checkpoints stay on disk; lost ones come back at the start', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  for (let n = 0; n < 52; n++) await vault.checkpoint();
  await vault.close(); // one more
  const folder = join(world.folder, 'checkpoints');
  const expected = Array.from({ length: 48 }, (_, n) => [`${n + 6}.json`, `${n + 6}.json.sig`]).flat().sort();
  t.same(await filesBelow(folder), expected);
  await writeFile(join(folder, 'mine.txt'), 'kept');
  await unlink(join(folder, '20.json'));
  const again = await openVault(world);
  t.same(await filesBelow(folder), [...expected, 'mine.txt'].sort());
  await again.close();
});

t.test('an audit past its time leaves a chain that still proves itself, and says what went', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  for (let hour = 0; hour < 6; hour++) {
    world.clock.set(start + hour * hourMs);
    const period = await prepare(vault, world, { startMs: start + hour * hourMs });
    await record(vault, period);
    if (hour < 3) await vault.purge([period], {});
    await vault.checkpoint();
  }
  await vault.addGap({ camera: 'gone', stream: 'main', fromMs: start, toMs: start + 1, reason: 'stalled', detail: '' });
  t.equal(await vault.purgeAudit(start), 0, 'nothing is that old');
  const kept = join(t.testdirName, 'kept.json');
  await writeFile(kept, await readFile(join(world.folder, 'checkpoints', '8.json')));
  await writeFile(`${kept}.sig`, await readFile(join(world.folder, 'checkpoints', '8.json.sig')));
  const dropped = await vault.purgeAudit(start + 2 * hourMs);
  t.ok(dropped > 5, `${dropped} lines`);
  t.equal(await vault.purgeAudit(start + 2 * hourMs), 0, 'once');
  t.same(await vault.gaps({ fromMs: 0, toMs: 2 * start, limit: 9 }), []);
  await vault.close();
  t.same((await filesBelow(join(world.folder, 'receipts'))), ['3.json', '3.json.sig']);
  const report = await verifyFolder({ folder: world.folder, since: kept });
  t.same(report.problems, []);
  const db = await openRaw(world);
  const lines = new AuditTable(db, 'x').linesAfter(0, 100);
  t.equal(lines[0]?.n, dropped + 1);
  t.match(JSON.parse(lines.find(({ entry }) => entry?.includes('audit.expired'))?.entry ?? '{}'), { detail: { from: 1, through: dropped } });
  db.prepare("UPDATE audit SET entry = replace(entry, 'audit.expired', 'audit.exported') WHERE entry LIKE '%audit.expired%'").run();
  db.close();
  t.match((await verifyFolder({ folder: world.folder })).problems.map(({ what }) => what), [/^line/, 'its beginning']);
});
