/** A catalogue that was made anew gets to know again what lies at a destination; what nobody knows there goes when the owner signs for exactly that, and not before. `test/slow/farsurvey.test.ts` does it with servers. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs } from '../../src/base/units.ts';
import { FarSlotsDuty } from '../../src/duties/farslots.ts';
import { decodeSlotsObject, encodeSlotsObject } from '../../src/seal/format/slotsobject.ts';
import { Identity } from '../../src/seal/identity.ts';
import { answered, diskAt, makeUploads, objectsIn, rules, runCourier, settle } from '../duties/uploadworld.ts';
import { hourMs, record, start } from '../vault/world.ts';
import { farEnds } from './farends.ts';
import { proveForgotten, rebuilt, signed } from './forgotten.ts';

const pieceBytes = 65_535;

for (const [where, open] of farEnds.slice(0, 1)) {
  t.test(`${where}: what has a hash of ours is ours again and not sent twice; lists of before go by the owner's signature, when they have stayed the same for a day, and nothing that somebody else puts there does`, (t) => proveForgotten(t, open));
}

t.test('a slots object of before is found by the keys in it: it goes on under its name, tells where lists are, and has none that is shredded since', async (t) => {
  const folder = t.testdir();
  await using made = await makeUploads(folder);
  const ring = join(folder, 'ring');
  mkdirSync(ring);
  made.destinations = [
    diskAt(made.disk, { slots: 'far', slotsAt: 'ring' }),
    { name: 'ring', purpose: 'keys alone', kind: 'folder', to: { path: ring, mount: false }, store: { ...rules, send: 'alarms', cameras: [] } },
  ];
  const [kit, space] = [Identity.generate(), Identity.generate()];
  const { world } = made;
  const hours = [];
  for (const n of [0, 5]) {
    const hour = await made.vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start + n * hourMs, endMs: start + (n + 1) * hourMs, deadlineMs: start + 100 * hourMs, recipients: [world.owner.recipient, space.recipient] });
    await record(made.vault, hour);
    hours.push(hour);
  }
  await using _courier = await runCourier(made);
  const slotsOf = (): FarSlotsDuty => new FarSlotsDuty({ vault: made.vault, ledger: made.ledger, destinations: () => made.destinations, clock: { ...systemClock, wallMs: () => world.clock.wallMs() }, log: silentLog });
  await settle(made);
  await answered(made, slotsOf().look());
  const [name] = (await objectsIn(ring)).keys();
  const lists = new Set((await made.vault.far.after('disk', '', 100)).filter(({ class: klass }) => klass === 'hours').map(({ object }) => object));
  // Of another hub, with the same form; and what only begins like one.
  const other = randomBytes(16).toString('hex');
  mkdirSync(join(ring, other.slice(0, 2)), { recursive: true });
  const [mine] = (await objectsIn(ring)).values();
  writeFileSync(join(ring, other.slice(0, 2), other), Buffer.from(mine ?? []).fill(0x20, 200));

  // And one of this hub's own that is older, as two rebuilds leave it.
  const older = randomBytes(16).toString('hex');
  mkdirSync(join(ring, older.slice(0, 2)), { recursive: true });
  const { entries, hub, madeMs } = decodeSlotsObject(mine ?? Buffer.alloc(0), 'the slots object');
  writeFileSync(join(ring, older.slice(0, 2), older), encodeSlotsObject({ hub, madeMs: madeMs - 1000, entries }));

  const survey = await rebuilt(made, kit);
  t.equal(await survey.holds('disk'), true);
  t.match(await answered(made, survey.look('ring')), { known: 4, objects: 1, some: [{ object: other }] });
  t.equal(await survey.holds('disk'), true, 'its own look is still to come');
  t.match(await answered(made, survey.look('disk')), { known: 2, objects: 0 });
  t.equal(await survey.holds('disk'), false);
  await settle(made);
  const now = await made.vault.far.after('disk', '', 100);
  t.same(new Set(now.filter(({ class: klass }) => klass === 'hours').map(({ object }) => object)), lists, 'lists keep their names');
  const duty = slotsOf();
  await answered(made, duty.look());
  await made.vault.purge((await made.vault.livePeriods()).filter(({ startMs }) => startMs === start).map(({ id }) => ({ id })), {});
  await settle(made);
  await answered(made, duty.renewed(['ring']));
  const slots = decodeSlotsObject((await objectsIn(ring)).get(name ?? '') ?? Buffer.alloc(0), 'the slots object');
  t.equal(slots.hub, made.vault.id);
  t.equal(slots.entries.length, 1, 'a purge takes its slot out');
  t.same([...(await objectsIn(ring)).keys()].sort(), [name, other].sort(), 'under the name that it had, and the older one is gone');
});

t.test('pieces of before tell nothing, and go by the owner\'s signature; a destination that does not list keeps nothing from being sent', async (t) => {
  const folder = t.testdir();
  await using made = await makeUploads(folder, { pieceBytes });
  await using courier = await runCourier(made);
  await record(made.vault, await made.vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 100 * hourMs, recipients: [made.world.owner.recipient] }));
  await settle(made);
  const before = new Set((await objectsIn(made.disk)).keys());
  const kit = Identity.generate();
  const survey = await rebuilt(made, kit);
  const look = await answered(made, survey.look('disk'));
  t.match(look, { known: 0, objects: before.size, bytes: before.size * pieceBytes });
  await settle(made);
  made.world.clock.set(made.world.clock.wallMs() + dayMs);
  t.equal(await answered(made, survey.erase(signed(made, kit, look, 'disk'))), before.size);
  await settle(made);
  const after = [...(await objectsIn(made.disk)).keys()];
  t.ok(after.length > 0 && after.every((object) => !before.has(object)));
  t.match(await answered(made, survey.look('disk')), { objects: 0 });
  await courier[Symbol.asyncDispose]();

  const again = await rebuilt(made, kit);
  made.credentials = join(folder, 'credentials');
  mkdirSync(made.credentials);
  t.equal(await again.holds('disk'), true);
  made.destinations = [{ ...diskAt(join(folder, 'elsewhere'), {}), kind: 'webdav', to: { url: 'http://127.0.0.1:9/' } }];
  await using _blind = await runCourier(made);
  again.start();
  while (await again.holds('disk')) {
    await made.ledger.look();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  t.match((await made.vault.far.lines({ limit: 5 })).find(({ kind }) => kind === 'list'), { outcome: 'failed', code: 'SP_FAR_FEATURE' });
  await again.close();
});
