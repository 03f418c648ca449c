import t from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { CopiesDuty } from '../../src/duties/copies.ts';
import { Notices } from '../../src/duties/notices.ts';
import { hourMs, makeWorld, openVault, start, TestClock } from '../vault/world.ts';

/** Each pause is a step of the test. */
class SteppedClock extends TestClock {
  #next: (() => void) | undefined;
  override async sleep(_ms?: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#next = resolve;
      signal?.addEventListener('abort', () => resolve());
    });
  }
  async paused(): Promise<void> {
    while (this.#next === undefined) await new Promise((resolve) => setImmediate(resolve));
  }
  async step(toMs: number): Promise<void> {
    await this.paused();
    const next = this.#next;
    this.#next = undefined;
    this.set(toMs);
    next?.();
    await this.paused();
  }
}

t.test('a copy is made at once when there is none, then one a day, at night; an erasure renews', async (t) => {
  const world = { ...makeWorld(t.testdir()), clock: new SteppedClock() };
  const vault = await openVault(world);
  const copies = new CopiesDuty({ vault, clock: world.clock, log: silentLog, notices: new Notices({ vault, clock: world.clock, log: silentLog }) });
  copies.start();
  await world.clock.paused();
  t.match(copies.state, { copies: 1, newestMs: start });
  await world.clock.step(start + 60_000);
  t.equal(copies.state.copies, 1, 'not again within the hour');
  await world.clock.step(start + 26 * hourMs);
  t.equal(copies.state.copies, 2);
  await world.clock.step(start + 52 * hourMs);
  t.match(copies.state, { copies: 2, newestMs: start + 52 * hourMs });
  await copies.renew('an erasure');
  t.equal(copies.state.copies, 1);
  await copies.close();
  await vault.close();
});

t.test('what only the database knows is copied soon after it changed, several changes once', async (t) => {
  const world = { ...makeWorld(t.testdir()), clock: new SteppedClock() };
  const vault = await openVault(world);
  const copies = new CopiesDuty({ vault, clock: world.clock, log: silentLog, notices: new Notices({ vault, clock: world.clock, log: silentLog }) });
  copies.changed(); // what a start sets
  copies.start();
  await world.clock.step(start + 360_000);
  t.match(copies.state, { copies: 1, newestMs: start });
  copies.changed();
  await world.clock.step(start + 540_000);
  copies.changed();
  await world.clock.step(start + 780_000);
  t.equal(copies.state.copies, 1, 'not while changes go on');
  await world.clock.step(start + 840_000);
  t.match(copies.state, { copies: 2, newestMs: start + 840_000 });
  await world.clock.step(start + 1_800_000);
  t.match(copies.state, { newestMs: start + 840_000 });
  await copies.close();
  await vault.close();
});

t.test('a database that is not whole is told, and asked again after an hour only', async (t) => {
  const world = { ...makeWorld(t.testdir()), clock: new SteppedClock() };
  const vault = await openVault(world);
  const notices = new Notices({ vault, clock: world.clock, log: silentLog });
  let asked = 0;
  const damaged = (): Promise<void> => {
    asked++;
    return Promise.reject(new SallyportError('SP_DATABASE_DAMAGED', { file: 'working.db', reason: 'a page is not what was written' }));
  };
  const copies = new CopiesDuty({ vault: { copies: () => vault.copies(), copiesOwed: () => vault.copiesOwed(), makeCopy: damaged, renewCopies: damaged }, clock: world.clock, log: silentLog, notices });
  copies.start();
  await world.clock.step(start + 60_000);
  t.equal(asked, 1);
  t.match(notices.open, [{ kind: 'database damaged' }]);
  await world.clock.step(start + hourMs + 60_000);
  t.equal(asked, 2);
  await copies.close();
  await vault.close();
});
