/** `slots = "far"`: where the keys of what is sent away lie, and that a shredded one does not stay there. */
import { mkdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { FarSlotsDuty } from '../../src/duties/farslots.ts';
import type { DestinationConfig } from '../../src/policy/declared.ts';
import { decodeSlotsObject, type SlotsObject } from '../../src/seal/format/slotsobject.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openSlot } from '../../src/seal/slot.ts';
import type { Period } from '../../src/vault/vault.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { serveS3 } from '../egress/stores.ts';
import { filesBelow, hourMs, readJson, record, start } from '../vault/world.ts';
import { writeCredentials } from './farends.ts';
import { close, diskAt, makeUploads, objectsIn, reopen, rules, runCourier, settle, type UploadWorld } from '../duties/uploadworld.ts';

interface Slots { made: UploadWorld; duty: FarSlotsDuty; ring: string; later: { ms: number }; prepare(hour: number): Promise<Period>; object(): Promise<SlotsObject>; answered<T>(work: () => Promise<T>): Promise<T> }

async function slotsAt(t: Test, patienceMs = 60_000): Promise<Slots> {
  const folder = t.testdir();
  const ring = join(folder, 'ring');
  mkdirSync(ring);
  const made = await makeUploads(folder);
  const { world } = made;
  const space = Identity.generate();
  made.destinations = [
    diskAt(made.disk, { slots: 'far', slotsAt: 'ring' }),
    { name: 'ring', purpose: 'keys alone', kind: 'folder', to: { path: ring, mount: false }, store: { ...rules, send: 'alarms', cameras: [] } },
  ];
  // Patience is real time; what is noted is the vault's.
  const later = { ms: 0 };
  const clock = { ...systemClock, wallMs: () => world.clock.wallMs(), monotonicMs: () => systemClock.monotonicMs() + later.ms };
  await made.vault.close();
  const held: { duty?: FarSlotsDuty } = {};
  world.farSlots = async (places) => await held.duty?.renewed(places) ?? [];
  await reopen(made);
  const duty = held.duty = new FarSlotsDuty({ vault: made.vault, ledger: made.ledger, destinations: () => made.destinations, clock, log: silentLog, patienceMs });
  t.teardown(async () => { await duty.close(); await close(made); });
  return {
    made, duty, ring, later,
    prepare: (hour) => made.vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start + hour * hourMs, endMs: start + (hour + 1) * hourMs, deadlineMs: start + (hour + 2) * hourMs, recipients: [world.owner.recipient, space.recipient] }),
    object: async () => {
      const objects = await objectsIn(ring);
      t.equal(objects.size, 1, 'one object, under one name');
      return decodeSlotsObject([...objects.values()][0] ?? Buffer.alloc(0), 'the slots object');
    },
    answered: async (work) => {
      const done = work();
      let over = false;
      void done.finally(() => { over = true; }).catch(() => {});
      while (!over) {
        await made.ledger.look();
        await systemClock.sleep(5);
      }
      return done;
    },
  };
}

/** The sealed keys go to a bucket. */
function keysByS3(made: UploadWorld, url: URL, key: { id: string; secret: string }): void {
  made.destinations = made.destinations.map((one) => (one.name === 'ring' ? { ...one, kind: 's3', to: { url: `${url.origin}/`, bucket: 'bucket' } } : one));
  made.credentials = writeCredentials(join(made.folder, 'credentials'), { 'ring.all': `${key.id}\n${key.secret}\n` });
}

t.test('the kit finds each live period by the slots object, a purge takes its slot out before the receipt says so, and the name stays', async (t) => {
  const { made, duty, ring, prepare, object, answered } = await slotsAt(t);
  const { vault, world, disk } = made;
  const [dying, living] = [await prepare(0), await prepare(5)];
  for (const period of [dying, living]) await record(vault, period);
  const courier = await runCourier(made);
  t.teardown(() => courier[Symbol.asyncDispose]());
  await settle(made);
  await answered(() => duty.look());
  const before = await object();
  t.equal(before.hub, vault.id);
  const opened = before.entries.map(({ slotText, destination, list }) => ({ destination, list, startMs: openSlot(slotText, [world.owner], 'a slot').startMs }));
  const far = await objectsIn(disk);
  t.ok(opened.every(({ destination, list }) => destination === 'disk' && far.has(list)));
  t.same(opened.map(({ startMs }) => startMs).sort(), [dying.startMs, living.startMs]);
  t.match(duty.states, [{ destination: 'ring', current: true, slots: 2 }]);
  const [name] = (await objectsIn(ring)).keys();

  await answered(() => duty.look());
  t.equal((await vault.far.lines({ limit: 100 })).filter(({ class: klass }) => klass === 'keyring').length, 1, 'what is as it should be is not put again');

  const slotText = Buffer.from(before.entries.find(({ slotText: text }) => openSlot(text, [world.owner], 'a slot').startMs === dying.startMs)?.slotText ?? []);
  const receipt = await answered(() => vault.purge([dying], {}));
  const after = await object();
  t.same(after.entries.map(({ slotText: text }) => openSlot(text, [world.owner], 'a slot').startMs), [living.startMs]);
  t.same([...(await objectsIn(ring)).keys()], [name]);
  t.notOk(([...(await objectsIn(ring)).values()][0] as Buffer).includes(slotText.subarray(0, 400)), 'nothing of it is left there');
  const json = await readJson(receipt.file);
  t.match(json, { far_slots: [{ destination: 'ring', renewed: true }] });
  t.match(String(json['far_slots_mean']), /Whoever copied .* before .* has the recovery kit, can open/);
});

t.test('a receipt says that the far slots could not be renewed, and they are as soon as that can be', async (t) => {
  const { made, duty, prepare, object, answered, later } = await slotsAt(t, 400);
  const { vault } = made;
  const [dying, living] = [await prepare(0), await prepare(5)];
  for (const period of [dying, living]) await record(vault, period);
  let courier = await runCourier(made);
  await settle(made);
  await answered(() => duty.look());
  await courier[Symbol.asyncDispose]();
  const receipt = await answered(() => vault.purge([dying], {}));
  t.match(await readJson(receipt.file), { far_slots: [{ destination: 'ring', renewed: false, reason: /no answer has come yet/ }] });
  t.equal((await object()).entries.length, 2, 'as it was');
  // Another purge meanwhile: the order that waits is taken back, and the newest truth goes.
  await record(vault, await prepare(6));
  const second = await answered(() => vault.purge([living], {}));
  t.match(await readJson(second.file), { far_slots: [{ renewed: false }] });
  courier = await runCourier(made);
  t.teardown(() => courier[Symbol.asyncDispose]());
  await settle(made);
  // What is new waits for the next minute.
  later.ms = 61_000;
  await answered(() => duty.look());
  t.same((await object()).entries.length, 1, 'what came since');
  t.match(duty.states, [{ current: true }]);
  t.notOk([...made.ledger.orders.values()].some((order) => order.order === 'put'));
});

t.test('a store that keeps versions gets no slots, and neither does the footage\'s own place unless the owner accepts that', async (t) => {
  const { made, duty, ring, prepare, answered } = await slotsAt(t);
  const { vault } = made;
  await record(vault, await prepare(0));
  const courier = await runCourier(made);
  t.teardown(() => courier[Symbol.asyncDispose]());
  await settle(made);
  await vault.far.rememberAbilities('ring', { may: ['put', 'get', 'delete'], keepsVersions: 'yes', overwrites: 'yes', atMs: start });
  await answered(() => duty.look());
  t.equal((await objectsIn(ring)).size, 0);
  t.match(duty.states, [{ current: false, reason: /keeps older versions/ }]);
  await vault.far.rememberAbilities('ring', { may: ['put', 'get', 'delete'], keepsVersions: 'unknown', overwrites: 'yes', atMs: start });
  const [first, second] = made.destinations as [DestinationConfig, DestinationConfig];
  made.destinations = [first, { ...second, to: { ...second.to, path: join(made.disk, 'keys') } }];
  await answered(() => duty.look());
  t.match(duty.states, [{ current: false, reason: /same place as the footage of disk/ }]);
  made.destinations = [first, second];
  await answered(() => duty.look());
  t.equal((await objectsIn(ring)).size, 1);
});

for (const [name, options, refused] of [
  ['keeps versions', { versions: true }, /keeps older versions/], ['keeps what was there first, and says nothing', { keepsFirst: true }, /does not replace/], ['refuses to replace what is there', { refusesReplacing: true }, /does not replace/],
] as const) {
  t.test(`an S3 server that ${name} is found out by the courier's probe, and gets no slots; the receipt says why`, async (t) => {
    const { made, duty, prepare, answered } = await slotsAt(t, 2_000);
    const stub = await S3Stub.start(options);
    t.teardown(() => stub.close());
    const { id, secret } = stub.grant(['put', 'get', 'delete']);
    keysByS3(made, new URL(stub.url), { id, secret });
    const [dying, living] = [await prepare(0), await prepare(5)];
    for (const period of [dying, living]) await record(made.vault, period);
    const courier = await runCourier(made);
    t.teardown(() => courier[Symbol.asyncDispose]());
    await settle(made);
    await answered(() => duty.look());
    t.match(duty.states, [{ destination: 'ring', current: false, slots: 0, reason: refused }]);
    const receipt = await answered(() => made.vault.purge([dying], {}));
    t.match(await readJson(receipt.file), { far_slots: [{ destination: 'ring', renewed: false, reason: refused }] });
    t.equal([...stub.objects.values()].filter(({ bytes }) => bytes.length > 16).length, 0, 'no slots lie there');
  });
}

t.test('versions that are switched on after all was well are noticed by the next upload: the receipt of that very purge says so, and the next one gets no slots', async (t) => {
  const { made, duty, prepare, answered } = await slotsAt(t, 2_000);
  const { vault } = made;
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  keysByS3(made, new URL(stub.url), stub.grant(['put', 'get', 'delete']));
  const [first, second, living] = [await prepare(0), await prepare(1), await prepare(5)];
  for (const period of [first, second, living]) await record(vault, period);
  const courier = await runCourier(made);
  t.teardown(() => courier[Symbol.asyncDispose]());
  await settle(made);
  await answered(() => duty.look());
  t.match(duty.states, [{ destination: 'ring', current: true, slots: 3 }]);
  t.match((await vault.far.abilities())['ring'], { keepsVersions: 'no' });
  stub.versions = true;
  const receipt = await answered(() => vault.purge([first], {}));
  t.match(await readJson(receipt.file), { far_slots: [{ destination: 'ring', renewed: false, reason: /keeps older versions/ }] });
  await settle(made);
  t.match((await vault.far.abilities())['ring'], { keepsVersions: 'yes', may: ['put', 'get', 'delete'], overwrites: 'yes' }, 'as if it had been asked again');
  const puts = stub.requests.filter(({ method }) => method === 'PUT').length;
  const next = await answered(() => vault.purge([second], {}));
  t.match(await readJson(next.file), { far_slots: [{ destination: 'ring', renewed: false, reason: /keeps older versions/ }] });
  t.equal(stub.requests.filter(({ method }) => method === 'PUT').length, puts, 'nothing is put there any more');
  t.match(duty.states, [{ destination: 'ring', current: false, reason: /keeps older versions/ }]);
});

t.test('a real S3 server that replaces what it has gets the slots, and a purge replaces them', async (t) => {
  const { made, duty, prepare, answered } = await slotsAt(t);
  const server = await serveS3(join(made.folder, 'keys'));
  t.teardown(() => server.close());
  keysByS3(made, server.url, { id: 'S3RVER', secret: 'S3RVER' });
  const [dying, living] = [await prepare(0), await prepare(5)];
  for (const period of [dying, living]) await record(made.vault, period);
  const courier = await runCourier(made);
  t.teardown(() => courier[Symbol.asyncDispose]());
  await settle(made);
  await answered(() => duty.look());
  t.match(duty.states, [{ destination: 'ring', current: true, slots: 2 }]);
  const objects = async (): Promise<[string, SlotsObject][]> => (await filesBelow(server.path)).filter((file) => file.endsWith('_object')).map((file) => [file, decodeSlotsObject(readFileSync(join(server.path, file)), 'the slots object')]);
  const before = await objects();
  t.same(before.map(([, { entries }]) => entries.length), [2], 'one object');
  const receipt = await answered(() => made.vault.purge([dying], {}));
  t.match(await readJson(receipt.file), { far_slots: [{ destination: 'ring', renewed: true }] });
  const after = await objects();
  t.same(after.map(([file, { entries }]) => [file, entries.map(({ slotText }) => openSlot(slotText, [made.world.owner], 'a slot').startMs)]), [[before[0]?.[0], [living.startMs]]], 'the same name, without what was shredded');
});

t.test('what the owner takes back goes from there', async (t) => {
  const { made, duty, ring, prepare, answered } = await slotsAt(t);
  const { vault } = made;
  await record(vault, await prepare(0));
  const courier = await runCourier(made);
  t.teardown(() => courier[Symbol.asyncDispose]());
  await settle(made);
  await answered(() => duty.look());
  t.equal((await objectsIn(ring)).size, 1);
  made.destinations = made.destinations.map((one) => (one.name === 'disk' ? diskAt(made.disk) : one));
  await answered(() => duty.look());
  await settle(made);
  t.equal((await objectsIn(ring)).size, 0);
  await answered(() => duty.look());
  t.same(duty.states, []);
  t.same(await vault.setting('far slots'), {});
  const receipt = await answered(async () => vault.purge(await vault.livePeriods(), {}));
  t.match(await readJson(receipt.file), { far: [{ destination: 'disk', keys: 'home' }] });
  t.notOk('far_slots' in JSON.parse(await readFile(receipt.file, 'utf8')));
});
