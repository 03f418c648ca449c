/** Uploads and erasing from afar, with a real vault and the courier's own parts. What a copy of a store opens with, bucketcopy.test.ts tells. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { dayMs } from '../../src/base/units.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { hourMs, prepare, readJson, record, start, type World } from '../vault/world.ts';
import { close, diskAt, makeUploads, objectsIn, recordWithKey, reopen, runCourier, settle } from '../duties/uploadworld.ts';

function ring(vault: Vault, world: World): Promise<{ id: string }> {
  return vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs: world.clock.wallMs(), keepMs: 30 * dayMs, recipients: [world.owner.recipient], scorePm: 900 });
}

t.test('by the rule for alarms only what alarms keep goes, of the cameras that are named, with its second header', async (t) => {
  await using made = await makeUploads(t.testdir(), { send: 'alarms', cameras: ['front'] });
  const { vault, world, disk } = made;
  const [front, garden] = [await prepare(vault, world, { keepMs: dayMs }), await prepare(vault, world, { camera: 'garden', keepMs: dayMs })];
  await record(vault, front);
  await record(vault, garden);
  const { row, key } = await recordWithKey(vault, front, 70);
  await using _courier = await runCourier(made);
  await settle(made);
  t.equal((await objectsIn(disk)).size, 0, 'no alarm, nothing leaves');
  const alarm = await ring(vault, world);
  await vault.holdForAlarm(alarm.id, row.id, key);
  key.close();
  await settle(made);
  const sizes = [...(await objectsIn(disk)).values()].map(({ length }) => length);
  t.ok(sizes.includes(row.sizeBytes) && sizes.includes(168));
  t.equal(sizes.length, 4, 'with the lists of hour and day');
});

t.test('a destination that is down holds back nothing but itself; what waits stays in the vault, and the outbox stays small', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world, folder } = made;
  made.destinations = [...made.destinations, { ...diskAt(join(folder, 'not-there')), name: 'down' }];
  const period = await prepare(vault, world, { keepMs: dayMs });
  for (let n = 0; n < 40; n++) await record(vault, period, { wallMs: start + n * 1000 });
  await made.upload.look();
  t.ok([...made.ledger.orders.values()].filter(({ to, order }) => to === 'down' && order === 'put').length === 24, 'only so much of it lies in the outbox');
  await using _courier = await runCourier(made);
  for (let there = 0; there < 40;) {
    await made.upload.look();
    await made.ledger.look();
    there = (await vault.far.sums()).find(({ destination, state }) => destination === 'disk' && state === 'there')?.objects ?? 0;
  }
  t.ok(true, 'all of it is at the other one');
});

t.test('a far end that may not delete: the receipt and the book say so, and when it may, it does', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world } = made;
  const period = await prepare(vault, world, { keepMs: hourMs });
  await record(vault, period);
  await (async () => {
    await using _courier = await runCourier(made);
    await settle(made);
  })();
  await vault.far.rememberAbilities('disk', { may: ['put', 'get'], keepsVersions: 'no', overwrites: 'yes', atMs: 1 });
  await vault.purge([period], {});
  t.match(await readJson(join(world.folder, 'receipts', '1.json')), { far: [{ delete: 'not possible', opens: /with nothing/ }] });
  // The courier's answers, as a key without that right brings them.
  await made.upload.look();
  const answers = [...made.ledger.orders].map(([name, order]) => ({ name, line: { name, atMs: 1, destination: 'disk', purpose: '', kind: 'delete' as const, class: '', camera: '', object: 'object' in order ? order.object : '', sizeBytes: 0, sha256: '', recipients: [] }, outcome: 'failed' as const, answeredMs: 1, attempts: 1, sentBytes: 0, proof: '', code: 'SP_FAR_FEATURE', reason: 'no key' }));
  await vault.far.answered(answers);
  t.match(await vault.far.sums(), [{ destination: 'disk', state: 'kept', objects: 2 }]);
  await made.upload.look();
  t.match(await vault.far.sums(), [{ state: 'kept' }], 'it is not asked again and again');
  await vault.far.release('disk');
  await using _courier = await runCourier(made);
  await settle(made);
  t.same(await vault.far.sums(), []);
});

t.test('a restart loses nothing: orders without a line get one, answers that were written count once, and what was named goes on', async (t) => {
  const folder = t.testdir();
  for (const step of ['placed', 'noted', 'answered', 'settled'] as const) {
    await t.test(`stopped after ${step}`, async (t) => {
      const home = join(folder, step);
      await mkdir(home);
      let stops = 0;
      await using made = await makeUploads(home, {}, { afterStep: (at) => { if (at === step && ++stops === 2) throw new Error('stopped'); } });
      const period = await prepare(made.vault, made.world, { keepMs: dayMs });
      for (let n = 0; n < 3; n++) await record(made.vault, period, { wallMs: start + n * 60_000 });
      await using _courier = await runCourier(made);
      await t.rejects(settle(made), /stopped/);
      await close(made);
      await reopen(made);
      await settle(made);
      t.equal((await objectsIn(made.disk)).size, 4);
      const lines = (await made.vault.far.lines({ limit: 99 })).filter(({ kind, class: klass }) => kind === 'put' && klass === 'segment');
      t.equal(lines.length, 3, 'each segment was asked for once');
      t.ok(lines.every(({ outcome }) => outcome === 'done'));
      t.equal(lines.reduce((sum, { sentBytes = 0 }) => sum + sentBytes, 0), lines.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), 'and sent once');
      t.match(await made.vault.far.sums(), [{ state: 'there', objects: 4 }]);
    });
  }
});
