import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { dayMs, minuteMs } from '../../src/base/units.ts';
import { verifyFar, type EgressParts } from '../../src/duties/egress.ts';
import { run } from '../../src/base/spawn.ts';
import { prepare, record, start } from '../vault/world.ts';
import { answered, close, diskAt, makeUploads, objectsIn, reopen, runCourier, settle, type UploadWorld } from './uploadworld.ts';

const pieceBytes = 65_535;

t.test('with a constant size all that lies there has it, and names, lists and the ledger lead to it; a purge leaves no piece', async (t) => {
  await using made = await makeUploads(t.testdir(), { pieceBytes });
  const { vault, world, disk } = made;
  const period = await prepare(vault, world, { keepMs: dayMs });
  const rows = [await record(vault, period), await record(vault, period, { wallMs: start + 60_000, bytes: 300_000 })];
  await using _courier = await runCourier(made);
  await settle(made);
  const there = await objectsIn(disk);
  t.ok(there.size >= 1 + 5 + 1, `${there.size} pieces`);
  t.same([...new Set([...there.values()].map(({ length }) => length))], [pieceBytes]);
  const puts = (await vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'put');
  t.ok(puts.every(({ object, outcome, proof }) => object.endsWith(`.${pieceBytes}`) && outcome === 'done' && proof === 'read back'));
  t.notOk([...there.keys()].some((name) => puts.some(({ object }) => object.startsWith(name))), 'what the hub calls it stands nowhere there');
  t.match(await vault.far.sums(), [{ destination: 'disk', state: 'there', objects: 3 }]);
  const verdict = await answered(made, verifyFar(partsOf(made), 'disk', false));
  t.match(verdict, { listed: there.size, whole: 3, unknown: 0, missing: [] });

  // docs/FORMAT.md, "Pieces": with what any computer has.
  const segment = puts.find(({ class: klass, sizeBytes }) => klass === 'segment' && sizeBytes > 300_000);
  const [name = ''] = segment?.object.split('.') ?? [];
  const script = `
    cat $(printf 'sallyport piece %s 0' ${name} | sha256sum | cut -c1-32) > all
    nonce=$(head -c 16 all | od -An -v -tx1 | tr -d ' \\n')
    n=1; while f=$(printf 'sallyport piece %s %d %s' ${name} $n $nonce | sha256sum | cut -c1-32); [ -e "$f" ]; do cat "$f" >> all; n=$((n + 1)); done
    key=$(printf 'sallyport pieces %s' ${name} | sha256sum | cut -c1-64)
    tail -c +17 all | openssl enc -d -aes-256-ctr -K $key -iv $nonce > plain
    tail -c +9 plain | head -c $(printf '%d' 0x$(head -c 8 plain | od -An -v -tx1 | tr -d ' \\n'))`;
  const flat = join(made.folder, 'flat');
  await mkdir(flat);
  for (const [piece, bytes] of there) await writeFile(join(flat, piece), bytes);
  const { stdout, status, stderr } = await run('sh', ['-c', script], { folder: flat });
  t.equal(status, 0, stderr);
  const file = rows.find(({ id }) => id !== rows[0]?.id);
  t.equal(sha256(stdout), sha256(await readFile(join(world.folder, 'footage', file?.path ?? ''))), 'openssl gives the file of the hub');

  await vault.purge(await vault.livePeriods(), {});
  await settle(made);
  t.same([...(await objectsIn(disk)).keys()], []);
  t.same(await vault.far.sums(), []);
});

t.test('with jitter nothing goes at once, all goes within it, and a restart draws no other time', async (t) => {
  await using made = await makeUploads(t.testdir(), { jitterMs: 10 * minuteMs });
  const { vault, world, disk } = made;
  const period = await prepare(vault, world, { keepMs: dayMs });
  const wallMs = start + 60_000;
  world.clock.set(wallMs);
  for (let n = 0; n < 12; n++) await record(vault, period, { wallMs: start + n * 1000 });
  await using _courier = await runCourier(made);
  await settle(made);
  const dueMs = await drawn(made);
  t.ok(dueMs.every((ms) => ms >= wallMs && ms <= wallMs + 10 * minuteMs), 'none later than it may be');
  t.ok(new Set(dueMs).size > 6, 'each by its own chance');
  await close(made);
  await reopen(made);
  await made.upload.look();
  t.same(await drawn(made), dueMs);
  world.clock.set(wallMs + 5 * minuteMs);
  await settle(made);
  const atHalf = dueMs.filter((ms) => ms <= wallMs + 5 * minuteMs).length;
  t.equal((await made.vault.far.there('disk', ['segment'])).length, atHalf);
  world.clock.set(wallMs + 10 * minuteMs);
  await settle(made);
  t.equal((await made.vault.far.there('disk', ['segment'])).length, 12);
  t.equal((await made.vault.far.there('disk', ['hours'])).length, 1);
  t.equal((await objectsIn(disk)).size, 13);
});

t.test('a clock that was ahead leaves nothing late: what was drawn by it is drawn anew, once, and all goes within the jitter', async (t) => {
  await using made = await makeUploads(t.testdir(), { jitterMs: 10 * minuteMs });
  const { vault, world } = made;
  const period = await prepare(vault, world, { keepMs: dayMs });
  for (let n = 0; n < 12; n++) await record(vault, period, { wallMs: start + n * 1000 });
  const wallMs = start + 60_000;
  world.clock.set(wallMs + 5 * dayMs);
  await using _courier = await runCourier(made);
  await made.upload.look();
  t.ok((await drawn(made)).every((ms) => ms >= wallMs + 5 * dayMs), 'control: by the clock that was ahead');
  world.clock.set(wallMs);
  await made.upload.look();
  const dueMs = await drawn(made);
  t.ok(dueMs.every((ms) => ms >= wallMs && ms <= wallMs + 10 * minuteMs), 'none later than it may be');
  t.ok(new Set(dueMs).size > 6, 'each by its own chance, not all at the moment of the clock');
  await close(made);
  await reopen(made);
  await made.upload.look();
  t.same(await drawn(made), dueMs, 'once');
  world.clock.set(wallMs + 10 * minuteMs);
  await settle(made);
  t.equal((await made.vault.far.there('disk', ['segment'])).length, 12);
});

t.test('what was refused is asked for again within a day, however far ahead the clock was', async (t) => {
  await using made = await makeUploads(t.testdir(), { jitterMs: 10 * minuteMs });
  const { vault, world } = made;
  await record(vault, await prepare(vault, world, { keepMs: dayMs }));
  await made.upload.look();
  const [row] = await vault.far.after('disk', '', 1);
  const nowMs = world.clock.wallMs();
  await vault.far.refuse(row?.id ?? 0, 'SP_READ', nowMs + 40 * dayMs);
  await made.upload.look();
  const [later] = await vault.far.after('disk', '', 1);
  t.ok((later?.nextMs ?? Infinity) <= nowMs + dayMs && (later?.nextMs ?? 0) > nowMs, `in ${(later?.nextMs ?? 0) - nowMs} ms`);
  await vault.far.refuse(row?.id ?? 0, 'SP_READ', nowMs + 20 * 3_600_000);
  await made.upload.look();
  t.equal((await vault.far.after('disk', '', 1))[0]?.nextMs, nowMs + 20 * 3_600_000, 'what may be is left as it is');
});

t.test('another purpose is no other rule: what waits keeps its name and its time; other keys of the rule draw anew', async (t) => {
  await using made = await makeUploads(t.testdir(), { jitterMs: 10 * minuteMs });
  const { vault, world } = made;
  const period = await prepare(vault, world, { keepMs: dayMs });
  for (let n = 0; n < 8; n++) await record(vault, period, { wallMs: start + n * 1000 });
  await made.upload.look();
  const before = await vault.far.after('disk', '', 100);
  const [disk] = made.destinations;
  made.destinations = [{ ...disk as NonNullable<typeof disk>, purpose: 'a copy at my sister\'s' }];
  await made.upload.look();
  t.same(await vault.far.after('disk', '', 100), before);
  made.destinations = [diskAt(made.disk, { jitterMs: 5 * minuteMs })];
  await made.upload.look();
  t.notSame((await vault.far.after('disk', '', 100)).map(({ object }) => object), before.map(({ object }) => object), 'control');
});

t.test('what is purged before its time never goes', async (t) => {
  await using made = await makeUploads(t.testdir(), { jitterMs: 10 * minuteMs });
  const { vault, world, disk } = made;
  await record(vault, await prepare(vault, world, { keepMs: dayMs }));
  await using _courier = await runCourier(made);
  await made.upload.look();
  const [dueMs = 0] = await drawn(made);
  t.ok(dueMs >= world.clock.wallMs());
  await vault.purge(await vault.livePeriods(), {});
  world.clock.set(world.clock.wallMs() + 20 * minuteMs);
  await settle(made);
  t.same([(await objectsIn(disk)).size, await vault.far.sums()], [0, []]);
});

function partsOf({ vault, ledger, destinations }: UploadWorld): EgressParts {
  return { vault, ledger, destinations: () => destinations } as unknown as EgressParts;
}

/** When each segment may go. */
async function drawn({ vault }: UploadWorld): Promise<number[]> {
  return (await vault.far.after('disk', '', 100)).filter((row) => row.class === 'segment').map(({ nextMs }) => nextMs);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
