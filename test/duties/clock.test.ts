/** A real vault under a clock that is turned: what is purged, what the owner is asked, and the order of what was recorded. */
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { acceptNamespace, approvalDocument, takeYes } from '../../src/duties/consent.ts';
import { Notices } from '../../src/duties/notices.ts';
import { PurgeDuty } from '../../src/duties/purge.ts';
import { Timekeeper } from '../../src/duties/timekeeper.ts';
import { makeOwnerList, readOwnerList } from '../../src/seal/owner.ts';
import { Archive } from '../../src/vault/archive.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { always, hourMs, makeWorld, openVault, prepare, record, start, TestClock, type World } from '../vault/world.ts';

const dayMs = 24 * hourMs;

class TurnedClock extends TestClock {
  #monotonicMs = 5_000;
  override monotonicMs(): number { return this.#monotonicMs; }
  turn(byMs: number): void { this.set(this.wallMs() + byMs); }
  pass(ms: number): void {
    this.#monotonicMs += ms;
    this.turn(ms);
  }
}

class Fixture {
  readonly world: World;
  readonly clock: TurnedClock;
  readonly vault: Vault;
  readonly notices: Notices;
  timekeeper: Timekeeper;
  purge: PurgeDuty;
  boot = 1;

  constructor(world: World, clock: TurnedClock, vault: Vault) {
    [this.world, this.clock, this.vault] = [world, clock, vault];
    this.notices = new Notices({ vault, clock, log: silentLog });
    [this.timekeeper, this.purge] = this.#parts();
  }

  #parts(): [Timekeeper, PurgeDuty] {
    const { vault, clock, notices } = this;
    const timekeeper = new Timekeeper({ vault, clock, log: silentLog, notices, bootId: `boot ${this.boot}`, source: 'ntp', settleMs: hourMs, synchronised: async () => true });
    const purge = new PurgeDuty({
      vault, clock, log: silentLog, timekeeper, notices, random: Math.random, periodMs: hourMs, keep: () => ({ logsMs: dayMs, auditMs: 730 * dayMs }), observationsKeptMs: () => dayMs, logFolder: undefined, forgetKeys: () => {},
    });
    return [timekeeper, purge];
  }

  /** Off for `ms`, then on again. */
  async reboot(ms: number): Promise<void> {
    await this.timekeeper.close();
    this.boot += 1;
    this.clock.turn(ms);
    [this.timekeeper, this.purge] = this.#parts();
    await this.timekeeper.start();
  }

  /** Runs on, looking at each step. */
  async run(ms: number, stepMs = hourMs): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.pass(Math.min(left, stepMs));
      await this.purge.look();
    }
  }

  /** One segment in each of `count` periods, which pass. */
  async record(count: number, keepMs: number, lengthMs = hourMs): Promise<void> {
    for (let index = 0; index < count; index++) {
      const startMs = this.clock.wallMs();
      await record(this.vault, await prepare(this.vault, this.world, { startMs, keepMs, lengthMs }), { wallMs: startMs });
      await this.run(lengthMs, lengthMs);
    }
  }

  /** As whoever turns clocks does, and the hub sees it. */
  async turn(byMs: number): Promise<void> {
    this.clock.turn(byMs);
    await this.purge.look();
  }

  async kept(): Promise<number> {
    return (await this.vault.livePeriods()).length;
  }
}

function scenario(name: string, play: (t: Test, fixture: Fixture) => Promise<void>): void {
  void t.test(name, async (t) => {
    const clock = new TurnedClock(start);
    const world: World = { ...makeWorld(t.testdir()), clock };
    const vault = await openVault(world);
    const fixture = new Fixture(world, clock, vault);
    try {
      await fixture.timekeeper.start();
      await play(t, fixture);
    } finally {
      await fixture.timekeeper.close();
      await vault.close();
    }
  });
}

scenario('ten years forward destroys nothing that is not due, asks the owner, and the owner\'s signature ends it', async (t, f) => {
  await f.record(6, 3 * dayMs);
  await f.turn(3650 * dayMs);
  await f.run(3 * hourMs);
  t.equal(await f.kept(), 6);
  t.match(f.purge.state, { overdue: 6, waiting: /3650 days ahead .* locked until the owner confirms the time/ });
  t.same(f.notices.open.map(({ kind }) => kind).sort(), ['clock doubtful', 'purge overdue']);

  const question = f.timekeeper.question!;
  const owner = readOwnerList(makeOwnerList(f.world.owner, f.clock.wallMs()), 'owner.json');
  const document = approvalDocument(question, f.clock.wallMs());
  const yes = { id: question.id, document, signature: f.world.owner.signer().sign(document, acceptNamespace) };
  await t.rejects(takeYes(f.vault, owner, question, { ...yes, document: document.replace('3650', '10') }, () => f.timekeeper.confirm()), { code: 'SP_BAD_SIGNATURE' });
  t.equal(await f.kept(), 6, 'a forged yes is none');
  await takeYes(f.vault, owner, question, yes, () => f.timekeeper.confirm());
  await f.purge.look();
  t.equal(await f.kept(), 0);
  t.equal(f.timekeeper.question, undefined);
  await f.run(hourMs);
  t.same(f.notices.open, []);
  await t.rejects(takeYes(f.vault, owner, question, yes, () => f.timekeeper.confirm()), { code: 'SP_BAD_SIGNATURE' }, 'and counts once');
});

scenario('without an answer it goes on after 72 hours of running', async (t, f) => {
  await f.record(3, 30 * dayMs);
  await f.turn(3650 * dayMs);
  await f.run(hourMs);
  await f.run(72 * hourMs - 1, 12 * hourMs);
  t.equal(await f.kept(), 3);
  await f.run(1);
  t.equal(await f.kept(), 0);
});

scenario('off for ten days it purges again within its hour, and the last day before waits for the owner', async (t, f) => {
  await f.record(5, 2 * dayMs, 6 * hourMs);
  await f.reboot(10 * dayMs);
  await f.purge.look();
  t.equal(await f.kept(), 5);
  await f.run(hourMs);
  t.equal(await f.kept(), 4, 'the last day');
  t.ok(f.timekeeper.question);
  t.equal(f.purge.state.overdue, 4);
});

scenario('after the clock went back, what is shown as next is by running time', async (t, f) => {
  await f.record(2, 2 * dayMs);
  const [oldest] = await f.vault.livePeriods();
  const leftMs = oldest!.deadlineMs - f.clock.wallMs();
  await f.turn(-20 * dayMs);
  await f.run(hourMs);
  t.equal(f.purge.state.nextDeadlineMs, f.clock.wallMs() + leftMs - hourMs);
  await f.run(leftMs - hourMs, 6 * hourMs);
  t.equal(await f.kept(), 1, 'and then it goes');
});

scenario('after the clock went back, list and archive keep the order of recording', async (t, f) => {
  const at = async (wallMs: number): Promise<number> => {
    const startMs = Math.floor(wallMs / hourMs) * hourMs;
    return (await record(f.vault, await prepare(f.vault, f.world, { startMs, keepMs: dayMs }), { wallMs })).seq;
  };
  const minute = 60_000;
  const seqs: number[] = [];
  for (const wallMs of [0, 1, 2, 3].map((n) => start + n * minute)) seqs.push(await at(wallMs));
  for (const wallMs of [1.5, 2.5, 3.5].map((n) => start + n * minute)) seqs.push(await at(wallMs));
  t.same((await f.vault.segments(always)).map(({ seq }) => seq), seqs);
  f.clock.set(start + 2 * hourMs);
  t.equal(await f.vault.finishPeriods(f.clock.wallMs()), 1);
  const archive = await Archive.open(f.world.folder, [f.world.owner], {});
  const { segments, problems } = await archive.segments('front', start - hourMs, start + hourMs);
  await archive.close();
  t.same(problems, []);
  t.ok(segments.every(({ state }) => state === 'complete'), 'from the hour list');
  t.same(segments.map(({ seq }) => seq), seqs);
});
