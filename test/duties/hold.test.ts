import t, { type Test } from 'tap';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { EraseDuty } from '../../src/duties/erase.ts';
import { HeaderOrders, makeHeaders, type HeaderPlan, type MadeHeader } from '../../src/duties/headers.ts';
import { HoldDuty } from '../../src/duties/hold.ts';
import { eraseNamespace, holdNamespace, wishDocument, type Signed, type Wish } from '../../src/duties/wishes.ts';
import { DiskDuty } from '../../src/duties/disk.ts';
import { Notices } from '../../src/duties/notices.ts';
import type { TimeVerdict } from '../../src/policy/timetrust.ts';
import { FileKey } from '../../src/seal/filekey.ts';
import { makeHold } from '../../src/seal/hold.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openWhole } from '../../src/seal/opener.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { makeOwnerList, readOwnerList } from '../../src/seal/owner.ts';
import { Archive } from '../../src/vault/archive.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { Period, Vault } from '../../src/vault/vault.ts';
import { camera, hub } from '../policy/configs.ts';
import { always, begin, hourMs, makeWorld, openVault, prepare, record, start, type World } from '../vault/world.ts';

const day = 24 * hourMs;

interface Fixture {
  readonly world: World;
  readonly vault: Vault;
  readonly hold: HoldDuty;
  readonly erase: EraseDuty;
  readonly orders: HeaderOrders;
  verdict: Pick<TimeVerdict, 'stepsBack'>;
  sign(wish: Wish, by?: Identity): Signed;
  /** As the owner's device does it: with the kit, and what lies in the data folder. */
  handOver(order: string, plan: HeaderPlan, change?: (made: MadeHeader) => MadeHeader): Promise<number>;
}

async function fixture(t: Test): Promise<Fixture> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const list = readOwnerList(makeOwnerList(world.owner, start), 'owner.json');
  const site = { owner: { list, problem: undefined }, config: hub(3, [camera('front')]) };
  const orders = new HeaderOrders(vault, world.clock);
  const given = { verdict: { stepsBack: [] } } as { verdict: Pick<TimeVerdict, 'stepsBack'> };
  const timekeeper = { get verdict() { return given.verdict as TimeVerdict; } };
  let made = 0;
  return Object.assign(given, {
    world, vault, orders,
    hold: new HoldDuty({ vault, site, orders, timekeeper, clock: world.clock, log: silentLog, onChange: () => {} }),
    erase: new EraseDuty({ vault, site, orders, clock: world.clock, onChange: () => {} }),
    sign: (wish: Wish, by = world.owner) => {
      const document = wishDocument(wish, start + ++made);
      return { document, signature: by.signer().sign(document, wish.what === 'erase' ? eraseNamespace : holdNamespace) };
    },
    handOver: async (order: string, plan: HeaderPlan, change = (one: MadeHeader) => one) => {
      const archive = await Archive.open(world.folder, [world.owner]);
      try {
        const headers: MadeHeader[] = [];
        for await (const one of makeHeaders(archive, plan)) if (!('problem' in one)) headers.push(change(one));
        return await orders.take(order, headers);
      } finally {
        await archive.close();
      }
    },
  });
}

function scenario(name: string, play: (t: Test, given: Fixture) => Promise<void>): void {
  void t.test(name, async (t) => {
    const given = await fixture(t);
    try {
      await play(t, given);
      t.same((await verifyFolder({ folder: given.world.folder })).problems, [], 'everything agrees');
    } finally {
      await given.vault.close();
    }
  });
}

/** Minutes of the main stream, a segment each. */
async function recordMinutes(vault: Vault, period: Period, minutes: readonly number[]): Promise<void> {
  for (const minute of minutes) await record(vault, period, { wallMs: period.startMs + minute * 60_000, bytes: 1000 + minute });
}

async function opening(world: World): Promise<number[]> {
  const archive = await Archive.open(world.folder, [world.owner]);
  try {
    const { segments } = await archive.segments('front', 0, Number.MAX_SAFE_INTEGER);
    const seqs: number[] = [];
    for (const segment of segments) {
      const opener = await archive.openSegment(segment);
      for await (const chunk of opener.chunks()) chunk.fill(0);
      opener.close();
      seqs.push(segment.seq);
    }
    return seqs;
  } finally {
    await archive.close();
  }
}

scenario('the owner keeps a time over two hours, and releases it', async (t, { world, vault, hold, sign, handOver }) => {
  const hours = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs })];
  for (const hour of hours) await recordMinutes(vault, hour, [0, 1, 58, 59]);
  world.clock.set(start + 2 * hourMs);
  const wish = { what: 'hold', camera: 'front', fromMs: start + 58 * 60_000, toMs: start + 62 * 60_000, untilMs: start + 30 * day, label: 'the visitor' } as const;
  const signed = sign(wish);
  const plan = await hold.begin(signed);
  t.equal(plan.targets.length, 2, 'a period for each hour');
  t.same(plan.wanted.map(({ seq, target }) => [seq, target]), [[3, 0], [4, 0], [5, 1], [6, 1]]);
  await t.rejects(hold.begin(signed), { code: 'SP_BAD_SIGNATURE', message: /used before/ });
  t.equal(await handOver(plan.order, plan), 4);
  t.match(await hold.finish(plan.order), [/4 segments \(.*\) are kept until 2026-12-24T03:00:00Z/]);
  t.match(await hold.list(), [{ order: plan.order, label: 'the visitor', untilMs: wish.untilMs, segments: 4 }]);
  await vault.purge(await vault.duePeriods(start + 3 * hourMs), {});
  t.same(await opening(world), [3, 4, 5, 6]);
  t.match(await hold.list(), [{ segments: 4, fromMs: start + 58 * 60_000 }]);
  await t.rejects(hold.release(sign({ what: 'release', order: plan.order }, Identity.generate())), { code: 'SP_OWNER_NEEDED' });
  await t.rejects(hold.release(sign({ what: 'release', order: 'ffffffff' })), { code: 'SP_HOLD' });
  t.match(await hold.release(sign({ what: 'release', order: plan.order })), [/4 segments .* destroyed, 0 are kept/]);
  t.same(await opening(world), []);
  t.same(await hold.list(), []);
});

scenario('only the owner\'s signature keeps anything longer, for exactly what it says', async (t, { world, vault, hold, erase, sign }) => {
  const hour = await prepare(vault, world);
  await recordMinutes(vault, hour, [0]);
  world.clock.set(start + hourMs);
  const wish = { what: 'hold', camera: 'front', fromMs: start, toMs: start + 1000, untilMs: start + 9 * day, label: '' } as const;
  await t.rejects(hold.begin(sign(wish, Identity.generate())), { code: 'SP_OWNER_NEEDED' });
  const signed = sign(wish);
  await t.rejects(hold.begin({ ...signed, document: signed.document.replace('12-03', '12-04') }), { code: 'SP_BAD_SIGNATURE' });
  await t.rejects(hold.begin(sign({ what: 'release', order: 'aaaaaaaa' })), { code: 'SP_BAD_SIGNATURE', message: /something else/ });
  await t.rejects(erase.begin(signed), { code: 'SP_BAD_SIGNATURE' }, 'a signature to keep does not serve to erase');
  await t.rejects(hold.begin(sign({ ...wish, untilMs: start })), { code: 'SP_HOLD', message: /before now/ });
  await t.rejects(hold.begin(sign({ ...wish, untilMs: start + 5000 * day })), { code: 'SP_HOLD' });
  await t.rejects(hold.begin(sign({ ...wish, fromMs: start + 2 * hourMs, toMs: start + 3 * hourMs })), { code: 'SP_HOLD', message: /nothing is recorded/ });
  t.same((await vault.livePeriods()).map(({ id }) => id), [hour.id]);
});

scenario('what a device hands over is taken for what was asked for only, and what came to nothing is cleared away', async (t, { world, vault, hold, orders, sign, handOver }) => {
  const hour = await prepare(vault, world);
  await recordMinutes(vault, hour, [0, 1, 2]);
  world.clock.set(start + hourMs);
  const plan = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start, toMs: start + 1000, untilMs: start + 9 * day, label: '' }));
  t.equal(await handOver(plan.order, plan, (made) => ({ ...made, seq: 3 })), 0, 'another segment');
  t.equal(await handOver(plan.order, plan, (made) => ({ ...made, target: 1 })), 0, 'another period');
  await t.rejects(handOver(plan.order, plan, (made) => ({ ...made, header: made.header.subarray(1) })), { code: 'SP_AGE_HEADER' });
  await t.rejects(orders.take('00000000', []), { code: 'SP_USAGE' });
  t.match(await hold.finish(plan.order), ['nothing is held', /1 segment did not open/]);
  t.equal((await vault.livePeriods()).length, 2);
  hold.start();
  for (let turns = 0; (await vault.livePeriods()).length > 1 && turns < 500; turns++) await new Promise((resolve) => setTimeout(resolve, 10));
  await hold.close();
  t.same((await vault.livePeriods()).map(({ id }) => id), [hour.id], 'the key that nothing was sealed to is gone');
});

scenario('a hub that names a key of its own is found out by the owner\'s device', async (t, { world, vault, hold, sign }) => {
  const hour = await prepare(vault, world);
  await recordMinutes(vault, hour, [0]);
  world.clock.set(start + hourMs);
  const plan = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start, toMs: start + 1000, untilMs: start + 9 * day, label: '' }));
  const archive = await Archive.open(world.folder, [world.owner]);
  const problems = async (targets: HeaderPlan['targets']): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const one of makeHeaders(archive, { ...plan, targets })) found.push('problem' in one ? one.problem.code : 'made');
    return found;
  };
  const [target] = plan.targets;
  t.same(await problems([{ ...target!, recipient: Identity.generate().recipient }]), ['SP_HOLD'], 'a key whose slot is another');
  t.same(await problems([{ ...target!, slot: 4000 }]), ['SP_SLOT_MISSING'], 'a key without a slot');
  t.same(await problems([{ slot: hour.slot, generation: hour.generation, recipient: hour.recipient }]), ['SP_HOLD'], 'a key of an hour');
  t.same(await problems(plan.targets), ['made']);
  await archive.close();
  await hold.finish(plan.order);
});

scenario('a hold of what was recorded before the clock went back lasts as long as was said', async (t, given) => {
  const { world, vault, hold, sign, handOver } = given;
  const hour = await prepare(vault, world, { startMs: start + 400 * day, keepMs: day });
  await recordMinutes(vault, hour, [0]);
  world.clock.set(start);
  given.verdict = { stepsBack: [{ toMs: start, byMs: 400 * day }] };
  const plan = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: hour.startMs, toMs: hour.endMs, untilMs: start + 9 * day, label: '' }));
  await handOver(plan.order, plan);
  await hold.finish(plan.order);
  t.match(await hold.list(), [{ untilMs: start + 9 * day, deadlineMs: start + 409 * day }]);
});

scenario('erasing a time inside an hour takes whole segments and every key that opens them; the rest stays as long as before', async (t, { world, vault, hold, erase, sign, handOver }) => {
  const hour = await prepare(vault, world, { keepMs: day });
  await recordMinutes(vault, hour, [0, 1, 2, 3, 4]);
  world.clock.set(start + hourMs);
  await vault.noteObservations([{ camera: 'front', kind: 'motion', source: '', fromMs: start + 130_000, toMs: start + 140_000 }, { camera: 'front', kind: 'motion', source: '', fromMs: start + 250_000, toMs: start + 260_000 }]);
  const keep = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start + 90_000, toMs: start + 130_000, untilMs: start + 9 * day, label: 'kept' }));
  await handOver(keep.order, keep);
  await hold.finish(keep.order);
  const wish = { what: 'erase', camera: 'front', fromMs: start + 121_000, toMs: start + 150_000, why: 'a guest asked for it' } as const;
  t.match(await erase.look(wish, false), [/front: 1 segment \(.*\) from 2026-11-24T03:02:00Z to 2026-11-24T03:03:00Z go, more than was asked for: segments go as wholes/, /2 keys are shredded; 4 segments sealed to them stay/]);
  await t.rejects(erase.begin(sign(wish, Identity.generate())), { code: 'SP_OWNER_NEEDED' });
  const { order, open } = await erase.begin(sign(wish));
  t.equal(open, 0);
  const plan = await erase.plan(order);
  t.same(plan.wanted.map(({ seq, held }) => [seq, held]), [[1, false], [2, false], [4, false], [5, false], [2, true]]);
  await t.rejects(erase.finish(order, false), { code: 'SP_ERASE', message: /5 segments that should stay did not open/ });
  t.same(await opening(world), [1, 2, 3, 4, 5], 'nothing was destroyed');
  t.equal(await handOver(order, plan), 5);
  t.match(await erase.finish(order, false), [/erased: 1 segment .* 1 observation; receipt \d+/]);
  t.same(await opening(world), [1, 2, 4, 5]);
  t.match(await hold.list(), [{ order: keep.order, label: 'kept', segments: 1, untilMs: start + 9 * day }]);
  t.match(await vault.gaps(always), [{ fromMs: start + 120_000, toMs: start + 180_000, reason: 'erased' }]);
  t.match(await vault.observations({ ...always, camera: 'front' }), [{ fromMs: start + 250_000 }]);
  const receipts = JSON.parse(await readFile(join(world.folder, 'receipts', '1.json'), 'utf8')) as object;
  t.match(receipts, { erased: 'a guest asked for it', segments: 1, periods: [{ class: 'footage', held: 4 }, { class: 'hold', holds: 2 }] });
  t.equal((await vault.copies()).length, 1, 'and a copy of the database that does not know of it');
  await vault.purge(await vault.duePeriods(hour.deadlineMs), {});
  t.same(await opening(world), [2], 'at the old deadline all but what is held');
});

scenario('erasing what was erased around before works as well', async (t, { world, vault, erase, sign, handOver }) => {
  const hour = await prepare(vault, world, { keepMs: day });
  await recordMinutes(vault, hour, [0, 1, 2, 3]);
  world.clock.set(start + hourMs);
  for (const minute of [1, 2]) {
    const { order } = await erase.begin(sign({ what: 'erase', camera: 'front', fromMs: start + minute * 60_000 + 1000, toMs: start + minute * 60_000 + 2000, why: '' }));
    const plan = await erase.plan(order);
    await handOver(order, plan);
    await erase.finish(order, false);
  }
  t.same(await opening(world), [1, 4]);
  t.same((await vault.livePeriods()).map(({ class: klass }) => klass), ['rest']);
  t.match(await vault.gaps(always), [{ fromMs: start + 60_000, toMs: start + 120_000 }, { fromMs: start + 120_000, toMs: start + 180_000 }]);
});

scenario('an open period is closed first, and recording goes on under another key', async (t, { world, vault, erase, sign, handOver }) => {
  const hour = await prepare(vault, world, { keepMs: day });
  await recordMinutes(vault, hour, [0, 1]);
  const writer = await begin(vault, hour, { wallMs: start + 120_000 });
  world.clock.set(start + 150_000);
  const { order, open } = await erase.begin(sign({ what: 'erase', camera: 'front', fromMs: start + 10_000, toMs: start + 20_000, why: '' }));
  t.equal(open, 1);
  t.match(await erase.plan(order), { open: 1, wanted: [] });
  await t.rejects(erase.finish(order, false), { code: 'SP_ERASE' });
  t.equal(writer.wantsEnd, true);
  const next = await prepare(vault, world, { keepMs: day });
  const later = await begin(vault, next, { wallMs: start + 150_000 });
  writer.takeFileKey().close();
  await writer.close({ durationMs: 30_000, reason: 'continuous' });
  const plan = await erase.plan(order);
  t.match(plan, { open: 0 });
  t.equal(await handOver(order, plan), 2);
  await erase.finish(order, false);
  later.takeFileKey().close();
  await later.close({ durationMs: 30_000, reason: 'continuous' });
  t.same((await vault.segments(always)).map(({ seq, periodClass }) => [seq, periodClass]), [[2, 'rest'], [3, 'rest'], [4, 'footage']]);
  t.same(await opening(world), [2, 3, 4]);
  t.same(await vault.holes({ msMin: 500 }), []);
});

scenario('whole hours go without a kit, and what is held stays held', async (t, { world, vault, hold, erase, sign, handOver }) => {
  for (const n of [0, 1]) await recordMinutes(vault, await prepare(vault, world, { startMs: start + n * hourMs, keepMs: day }), [0, 1]);
  world.clock.set(start + 2 * hourMs);
  const keep = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start, toMs: start + 1000, untilMs: start + 9 * day, label: '' }));
  await handOver(keep.order, keep);
  await hold.finish(keep.order);
  const wish = { camera: 'front', fromMs: start + 70_000, toMs: start + 80_000, why: 'asked at the terminal' };
  t.match(await erase.look(wish, true), [/2 segments .* go, more than was asked for: whole periods go as wholes/, /1 key.*; what is held stays until its hold ends/]);
  const { order } = await erase.beginWhole(wish);
  t.match(await erase.plan(order), { open: 0, wanted: [] });
  t.match(await erase.finish(order, false), [/erased: 1 segment/]);
  t.same(await opening(world), [1, 3, 4]);
  await t.rejects(erase.beginWhole({ ...wish, camera: 'garden' }), { code: 'SP_ERASE' });
});

scenario('disk pressure never takes what is held, with its hour and after it; the rest of an erasing goes like other footage', async (t, { world, vault, hold, erase, sign, handOver }) => {
  const hours = [];
  for (const n of [0, 1, 2, 3]) {
    const hour = await prepare(vault, world, { startMs: start + n * hourMs, keepMs: 3 * day });
    for (const minute of [0, 1]) await record(vault, hour, { wallMs: hour.startMs + minute * 60_000, bytes: 600_000 });
    hours.push(hour);
  }
  world.clock.set(start + 4 * hourMs);
  for (const n of [0, 1]) {
    const plan = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start + n * hourMs, toMs: start + n * hourMs + 1000, untilMs: start + 9 * day, label: '' }));
    await handOver(plan.order, plan);
    await hold.finish(plan.order);
  }
  await vault.purge([hours[0]!], {});
  const { order } = await erase.begin(sign({ what: 'erase', camera: 'front', fromMs: start + 2 * hourMs, toMs: start + 2 * hourMs + 1000, why: '' }));
  await handOver(order, await erase.plan(order));
  await erase.finish(order, false);
  const bytes = await vault.periodBytes();
  t.same(bytes.filter((period) => period.bytes > 0).map(({ class: klass, held }) => [klass, held]), [['hold', true], ['footage', true], ['rest', false], ['footage', false]]);
  const notices = new Notices({ vault, clock: world.clock, log: silentLog });
  const disk = (budgetBytes: number) => new DiskDuty({
    vault: { periodBytes: () => vault.periodBytes(), purge: (periods, why) => vault.purge(periods, why), diskFacts: async () => ({ freeBytes: 5e9, totalBytes: 100e9 }) },
    clock: world.clock, log: silentLog, notices, random: Math.random, config: () => hub(3, [camera('garden', { record: false })], { disk: { budgetBytes, reserveBytes: 1e9 } }),
  });
  await disk(3.5e6).look();
  t.same(await opening(world), [1, 3, 4, 7, 8], 'the rest of the erased hour was the oldest that may go');
  await disk(2e6).look();
  t.same(await opening(world), [1, 3, 4], 'then the hour without a hold');
  await disk(1e5).look();
  t.same(await opening(world), [1, 3, 4], 'and nothing more, however little room there is');
});

scenario('a broken second header keeps the hour\'s own footage as it is, and what it alone holds opens for nobody', async (t, { world, vault, hold, sign, handOver }) => {
  const hour = await prepare(vault, world);
  await recordMinutes(vault, hour, [0, 1]);
  world.clock.set(start + hourMs);
  const stranger = FileKey.generate();
  const plan = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start, toMs: start + 1000, untilMs: start + 9 * day, label: '' }));
  await handOver(plan.order, plan, (made) => ({ ...made, header: makeHold(stranger, plan.targets[0]!.recipient) }));
  await hold.finish(plan.order);
  t.same(await opening(world), [1, 2]);
  await vault.purge([hour], {});
  await t.rejects(opening(world), { code: 'SP_AGE_PAYLOAD' });
});

/** A moment that a rule kept, with a picture and its minute of footage. */
async function alarmAt(vault: Vault, world: World, period: Period, minute: number): Promise<{ id: string; sealed: Buffer; slot: number }> {
  const atMs = period.startMs + minute * 60_000;
  const alarm = await vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs, keepMs: 30 * day, recipients: [world.owner.recipient] });
  await vault.endAlarm(alarm.id, atMs + 10_000);
  await vault.putAlarmPictures(alarm.id, { full: Buffer.from([0xff, 0xd8, minute, 0xff, 0xd9]) });
  const writer = await begin(vault, period, { wallMs: atMs });
  writer.append(Buffer.alloc(3_000, minute));
  const key = writer.takeFileKey();
  const row = await writer.close({ durationMs: 60_000, reason: 'continuous' });
  await vault.holdForAlarm(alarm.id, row.id, key);
  key.close();
  return { id: alarm.id, sealed: (await vault.alarmPicture(alarm.id, 'full')).sealed, slot: alarm.slot };
}

function opensWith(world: World, text: Buffer, slot: string, sealed: Buffer): boolean {
  let identity: Identity | undefined;
  try {
    ({ identity } = openSlot(text, [world.owner], slot));
    openWhole(sealed, [identity], 'a picture');
    return true;
  } catch {
    return false; // Of another period, or a copy of the database, which is the hub's.
  } finally {
    identity?.close();
  }
}

/** With any key that the owner can still open. */
async function opensAnywhere(world: World, sealed: Buffer): Promise<boolean> {
  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  try {
    for await (const { texts, slot } of keyring.scan()) {
      for (const text of texts) if (opensWith(world, text, `slot ${slot}`, sealed)) return true;
    }
    return false;
  } finally {
    await keyring.close();
  }
}

scenario('the owner keeps longer what only alarms of a day keep, hour by hour', async (t, { world, vault, hold, sign, handOver }) => {
  const [hour, next] = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs })];
  await alarmAt(vault, world, hour, 5);
  await alarmAt(vault, world, next, 3);
  await vault.purge([hour, next], {});
  world.clock.set(start + 2 * hourMs);
  const plan = await hold.begin(sign({ what: 'hold', camera: 'front', fromMs: start, toMs: start + 2 * hourMs, untilMs: start + 60 * day, label: '' }));
  t.same(plan.wanted.map(({ seq, target, held }) => [seq, target, held]), [[1, 0, true], [2, 1, true]]);
  t.equal(await handOver(plan.order, plan), 2);
  await hold.finish(plan.order);
  await vault.finishPeriods(start + 2 * day);
  await vault.purge((await vault.duePeriods(start + 32 * day)), {});
  t.same(await opening(world), [1, 2], 'beyond the alarms');
  t.same(await vault.alarms({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 }), []);
});

scenario('an erased minute survives as no picture: its alarm goes, and others of the day stay with their footage, without pictures', async (t, { world, vault, erase, sign, handOver }) => {
  const [hour, next] = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs })];
  const [gone, near, later] = [await alarmAt(vault, world, hour, 5), await alarmAt(vault, world, hour, 20), await alarmAt(vault, world, next, 3)];
  const other = await vault.openAlarm({ camera: 'front', rule: 'safe', kind: 'person', atMs: start, keepMs: 90 * day, recipients: [world.owner.recipient] });
  await vault.putAlarmPictures(other.id, {});
  await vault.endAlarm(other.id, start + 1);
  world.clock.set(start + 2 * hourMs);
  t.ok(await opensAnywhere(world, gone.sealed));
  const { order } = await erase.begin(sign({ what: 'erase', camera: 'front', fromMs: start + 5 * 60_000, toMs: start + 6 * 60_000, why: 'a guest asked' }));
  const plan = await erase.plan(order);
  t.match(plan.sentences.at(-1), /^1 alarm of that time go; 2 others of the same days stay, but lose their pictures$/);
  t.ok(await handOver(order, plan) >= 3);
  t.match(await erase.finish(order, false), [/1 segment .*, 1 alarm; receipt/]);
  const alarms = await vault.alarms({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 });
  t.match(alarms, [{ id: later.id, segments: 1, pictures: [], picturesWhy: 'others of its day were erased', deadlineMs: start - 3 * hourMs + 31 * day }, { id: near.id, segments: 1 }, { id: other.id, pictures: ['text'], deadlineMs: start - 3 * hourMs + 91 * day }]);
  t.equal(alarms.length, 3);
  for (const { sealed } of [gone, near, later]) t.notOk(await opensAnywhere(world, sealed), 'with no key that is left');
  await t.rejects(vault.alarmPicture(gone.id, 'full'), { code: 'SP_ALARM' });
  t.same(await opening(world), [2, 3]);
  await vault.putAlarmPictures(near.id, { full: Buffer.from([0xff, 0xd8, 1, 0xff, 0xd9]) });
  t.ok(await opensAnywhere(world, (await vault.alarmPicture(near.id, 'full')).sealed), 'what comes from now on is sealed to the day\'s new key');
  await vault.purge([hour, next], {});
  t.same(await opening(world), [2, 3], 'and the footage of those that stay is kept as long as before');
});

scenario('whole hours erased without the kit take the pictures of their time along, and what alarms keep of them', async (t, { world, vault, erase }) => {
  const [hour, next] = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs })];
  const [gone, later] = [await alarmAt(vault, world, hour, 5), await alarmAt(vault, world, next, 3)];
  world.clock.set(start + 2 * hourMs);
  const wish = { camera: 'front', fromMs: start, toMs: start + hourMs, why: 'a guest asked' };
  t.match((await erase.look(wish, true)).at(-1), /^1 alarm of that time go; 1 other of the same days stay, but lose their pictures and what is kept for them$/);
  const { order } = await erase.beginWhole(wish);
  await erase.plan(order);
  await erase.finish(order, false);
  t.match(await vault.alarms({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 }), [{ id: later.id, pictures: [] }]);
  for (const { sealed } of [gone, later]) t.notOk(await opensAnywhere(world, sealed));
  t.same(await opening(world), [2], 'the hour after it is as it was');
});
