import t, { type Test } from 'tap';
import { readFile } from 'node:fs/promises';
import { silentLog } from '../../src/base/log.ts';
import { DiskDuty } from '../../src/duties/disk.ts';
import { Notices } from '../../src/duties/notices.ts';
import type { DiskRule } from '../../src/policy/disk.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { camera, day, hour, hub } from '../policy/configs.ts';
import { begin, hourMs, makeWorld, openVault, prepare, record, start, type World } from '../vault/world.ts';

const [kB, MB] = [1e3, 1e6];

interface Fixture { readonly world: World; readonly vault: Vault; readonly notices: Notices; readonly disk: DiskDuty; room: { freeBytes: number; totalBytes: number }; rule: Omit<DiskRule, 'cameras'> & { front?: number } }

/** A real vault on a disk whose size the test says: 100 MB, of which 10 MB stay free. */
async function fixture(t: Test): Promise<Fixture> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const notices = new Notices({ vault, clock: world.clock, log: silentLog });
  const given: Omit<Fixture, 'disk'> = { world, vault, notices, room: { freeBytes: 50 * MB, totalBytes: 100 * MB }, rule: {} };
  const disk = new DiskDuty({
    vault: { periodBytes: () => vault.periodBytes(), purge: (periods, why) => vault.purge(periods, why), diskFacts: async () => given.room },
    clock: world.clock, log: silentLog, notices, random: Math.random,
    config: () => {
      const { front, ...disk } = given.rule;
      return hub(3, [{ ...camera('front'), ...(front === undefined ? {} : { budgetBytes: front }) }, camera('garden', { record: false })], { disk });
    },
  });
  return Object.assign(given, { disk });
}

function scenario(name: string, play: (t: Test, given: Fixture) => Promise<void>): void {
  void t.test(name, async (t) => {
    const given = await fixture(t);
    try {
      await play(t, given);
    } finally {
      await given.vault.close();
    }
  });
}

/** `hours` ended periods of a camera, `bytes` in each. */
async function recordHours({ vault, world }: Fixture, name: string, hours: number, bytes: number): Promise<void> {
  for (let index = 0; index < hours; index++) {
    const period = await prepare(vault, world, { camera: name, startMs: start + index * hourMs, keepMs: 3 * day });
    await record(vault, period, { bytes });
  }
  world.clock.set(start + hours * hourMs);
}

async function left(vault: Vault): Promise<string[]> {
  return (await vault.livePeriods()).map((period) => `${period.camera} ${(period.startMs - start) / hourMs}`);
}

scenario('what a budget does not hold goes early, oldest first, with a receipt that says so', async (t, given) => {
  await recordHours(given, 'front', 4, 600 * kB);
  given.rule = { budgetBytes: 2 * MB };
  await given.disk.look();
  const { lastEarly } = given.disk.state;
  t.match(lastEarly, { periods: 2, segments: 2, reason: 'footage has used its budget of 2.0 MB' });
  t.same(await left(given.vault), ['front 2', 'front 3']);
  const receipt = JSON.parse(await readFile(`${given.world.folder}/receipts/${lastEarly?.receipt}.json`, 'utf8')) as { early: string };
  t.equal(receipt.early, 'footage has used its budget of 2.0 MB');
  t.match(given.notices.open, [{ kind: 'disk pressure', detail: /receipt 1: 2 periods, 1\.[23] MB, because footage has used its budget/ }]);
  await given.disk.look();
  t.same(await left(given.vault), ['front 2', 'front 3'], 'and no more than needed');
});

scenario('a camera\'s budget touches that camera only', async (t, given) => {
  await recordHours(given, 'garden', 3, 600 * kB);
  await recordHours(given, 'front', 3, 600 * kB);
  given.rule = { front: 1.5 * MB };
  await given.disk.look();
  t.same(await left(given.vault), ['garden 0', 'garden 1', 'garden 2', 'front 2']);
});

scenario('a full disk takes the oldest, whatever the clock says now', async (t, given) => {
  await recordHours(given, 'front', 2, 600 * kB);
  given.world.clock.set(start - 3650 * day);
  const fresh = await prepare(given.vault, given.world, { startMs: start - 3650 * day, keepMs: 3 * day });
  await record(given.vault, fresh, { bytes: 600 * kB });
  given.room = { freeBytes: 9.9 * MB, totalBytes: 100 * MB };
  given.rule = { reserveBytes: 10 * MB };
  await given.disk.look();
  t.same(await left(given.vault), [`front ${(-3650 * day) / hourMs}`, 'front 1'], 'what was sealed first has gone, although the time of the newest is older');
});

scenario('with nothing that may go recording stops and rings, and goes on by itself', async (t, given) => {
  given.room = { freeBytes: 5 * MB, totalBytes: 100 * MB };
  await given.disk.look();
  t.match(given.disk.halted('front'), /5\.0 MB are free, 10 MB must stay free/);
  t.match(given.notices.open, [{ kind: 'disk full' }]);
  given.room = { freeBytes: 10.5 * MB, totalBytes: 100 * MB };
  await given.disk.look();
  t.ok(given.disk.halted('front'), 'not for a little room');
  given.room = { freeBytes: 30 * MB, totalBytes: 100 * MB };
  await given.disk.look();
  t.equal(given.disk.halted('front'), undefined);
  t.same(given.notices.open, []);
});

scenario('when only what is being recorded is left, it goes, and its writer is told', async (t, given) => {
  const period = await prepare(given.vault, given.world, { keepMs: 3 * day });
  await record(given.vault, period, { bytes: 3 * MB });
  const writer = await begin(given.vault, period, { wallMs: start + 60_000 });
  given.rule = { budgetBytes: 2 * MB };
  await given.disk.look();
  t.same(await left(given.vault), []);
  t.equal(writer.failure?.code, 'SP_SLOT_MISSING');
  await writer.abandon();
  const again = await prepare(given.vault, given.world, { keepMs: 3 * day });
  t.not(again.id, period.id, 'the same hour goes on under another key');
});

scenario('pressure is over when everything fits for two periods', async (t, given) => {
  await recordHours(given, 'front', 4, 600 * kB);
  given.rule = { budgetBytes: 2 * MB };
  await given.disk.look();
  given.rule = {};
  given.room = { freeBytes: 50_000 * MB, totalBytes: 100_000 * MB };
  given.world.clock.set(start + 4 * hourMs + hour);
  await given.disk.look();
  t.equal(given.notices.open.length, 1);
  given.world.clock.set(start + 6 * hourMs + 1);
  await given.disk.look();
  t.same(given.notices.open, []);
});

scenario('what a camera brings is measured, and compared with what there is', async (t, given) => {
  await recordHours(given, 'front', 2, 600 * kB);
  await given.disk.look();
  const [fit] = given.disk.state.fit?.cameras ?? [];
  t.equal(fit?.assumed, false);
  t.ok(Math.abs((fit?.bytesPerHour ?? 0) - 60 * 600 * kB) < 2 * MB, `${fit?.bytesPerHour} bytes an hour: a minute of 600 kB in each`);
  t.equal(given.disk.state.fit?.fits, false, '3 days of it are more than 40 MB');
});
