import fc from 'fast-check';
import t, { type Test } from 'tap';
import { setImmediate } from 'node:timers/promises';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { GapBook, type GapBookOptions } from '../../src/duties/gapbook.ts';
import { always, makeWorld, openVault, prepare, record, start, TestClock, type World } from '../vault/world.ts';
import type { Vault } from '../../src/vault/vault.ts';

const second = 1000;
const minute = 60 * second;

/** Sleeps end when the test lets time pass, or when they are aborted. */
class SteppedClock extends TestClock {
  #sleepers = new Set<() => void>();

  override sleep(_ms?: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) reject(new Error('stopped'));
      this.#sleepers.add(resolve);
      signal?.addEventListener('abort', () => reject(new Error('stopped')));
    });
  }

  async pass(ms: number): Promise<void> {
    this.set(this.wallMs() + ms);
    const sleepers = [...this.#sleepers];
    this.#sleepers.clear();
    for (const wake of sleepers) wake();
    await setImmediate();
  }
}

/** What a gap book asks of a vault, so that a test can put something else in the place of one answer. */
function doorsOf(vault: Vault): GapBookOptions['vault'] {
  return {
    addGap: (gap) => vault.addGap(gap), putSetting: (name, value) => vault.putSetting(name, value), setting: (name) => vault.setting(name), segments: (query) => vault.segments(query),
    gaps: (query) => vault.gaps(query), holes: (query) => vault.holes(query), accountedMs: (camera, stream) => vault.accountedMs(camera, stream), recovery: vault.recovery,
  };
}

interface Scene { world: World; clock: SteppedClock; vault: Vault; book(): Promise<GapBook>; reopen(): Promise<void>; gaps(): Promise<string[]> }

/** Times are minutes since the start. */
async function scene(t: Test): Promise<Scene> {
  // Before the folder is made, so that it is closed before the folder goes.
  t.teardown(() => scene.vault.close());
  const clock = new SteppedClock();
  const world = { ...makeWorld(t.testdir()), clock };
  const scene: Scene = {
    world, clock, vault: await openVault(world),
    book: () => GapBook.open({ camera: 'front', stream: 'main', vault: scene.vault, clock, log: silentLog }),
    // A kill leaves the database as the last commit did; an orderly close of the vault adds nothing to the account of gaps.
    reopen: async () => {
      await scene.vault.close();
      scene.vault = await openVault(world);
    },
    gaps: async () => (await scene.vault.gaps(always)).map(({ fromMs, toMs, reason }) => `${(fromMs - start) / minute}-${(toMs - start) / minute} ${reason}`),
  };
  return scene;
}

t.test('from the first watch on, each minute is accounted for: losses, an orderly stop, and the time until pictures come again', async (t) => {
  const { clock, vault, book, gaps } = await scene(t);
  const first = await book();
  await clock.pass(minute);
  first.end(start + minute);
  first.begin(start + 2 * minute, 'stalled', 'no bytes for 10 s');
  first.explain('camera offline', 'it does not answer');
  first.end(start + 4 * minute);
  first.begin(start + 5 * minute, 'stream ended', '');
  first.explain('camera offline', 'Connection refused');
  clock.set(start + 7 * minute);
  await first.close('hub stopped');
  clock.set(start + 9 * minute);
  const second = await book();
  second.end(start + 10 * minute);
  await second.close('hub stopped');
  t.same(await gaps(), ['0-1 not recorded', '2-4 stalled', '5-7 camera offline', '7-10 hub stopped']);
  t.match((await vault.gaps(always))[2], { detail: 'Connection refused' });
});

t.test('a kill while a camera is away: its reason until it was last seen to be away, then the kill', async (t) => {
  const { clock, book, gaps, reopen } = await scene(t);
  const killed = await book();
  killed.end(start);
  killed.begin(start + minute, 'camera offline', '');
  clock.set(start + 3 * minute);
  await clock.pass(0);
  await clock.pass(0);
  await reopen();
  clock.set(start + 8 * minute);
  const next = await book();
  next.explain('credentials refused', '401');
  next.end(start + 9 * minute);
  await next.close('hub stopped');
  t.same(await gaps(), ['1-3 camera offline', '3-8 hub was off', '8-9 credentials refused']);
});

t.test('a kill after pictures came back: the gap ends where they began, though nobody could note it', async (t) => {
  const { clock, vault, world, book, gaps, reopen } = await scene(t);
  const killed = await book();
  killed.end(start);
  killed.begin(start + minute, 'camera offline', '');
  await clock.pass(minute);
  await record(vault, await prepare(vault, world), { wallMs: start + 4 * minute });
  await reopen();
  clock.set(start + 8 * minute);
  const next = await book();
  next.end(start + 9 * minute);
  await next.close('hub stopped');
  t.same(await gaps(), ['1-4 camera offline', '5-9 hub was off']);
});

t.test('a camera that nobody may record, or that was taken out, says so for as long as that is', async (t) => {
  const { clock, book, gaps } = await scene(t);
  const unowned = await book();
  unowned.standStill('no owner', '');
  await clock.pass(2 * minute);
  await unowned.close('hub stopped');
  await clock.pass(minute);
  const owned = await book();
  owned.end(start + 4 * minute);
  await owned.close('not recorded');
  clock.set(start + 6 * minute);
  const again = await book();
  again.end(start + 7 * minute);
  await again.close('settings changed');
  t.same(await gaps(), ['0-2 no owner', '2-4 no owner', '4-7 not recorded']);
});

t.test('a gap whose row was lost with those of the segments beside it is noted, its reason is not known', async (t) => {
  const { clock, vault, gaps } = await scene(t);
  for (const [from, to] of [[0, 1], [2, 3]] as const) await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + from * minute, toMs: start + to * minute, reason: 'stalled', detail: '' });
  await clock.pass(3 * minute);
  const whole = await GapBook.open({ camera: 'front', stream: 'main', vault, clock, log: silentLog });
  await whole.close('hub stopped');
  t.same(await gaps(), ['0-1 stalled', '2-3 stalled'], 'nothing was recovered, so nothing is looked for');
  const book = await GapBook.open({ camera: 'front', stream: 'main', vault: { ...doorsOf(vault), recovery: { ...vault.recovery, adopted: 1 } }, clock, log: silentLog });
  await book.close('hub stopped');
  t.same(await gaps(), ['0-1 stalled', '1-2 account lost', '2-3 stalled']);
});

t.test('what a failing disk does not take is written when it takes again, in order', async (t) => {
  const { clock, vault, gaps } = await scene(t);
  let failing = false;
  const through = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => (...args: A): Promise<R> =>
    (failing ? Promise.reject(new SallyportError('SP_WRITE', { file: 'working.db', reason: 'EIO' })) : call(...args));
  const sick: GapBookOptions['vault'] = {
    addGap: through((gap) => vault.addGap(gap)), putSetting: through((name, value) => vault.putSetting(name, value)), setting: through((name) => vault.setting(name)),
    accountedMs: through((camera, stream) => vault.accountedMs(camera, stream)), segments: through((query) => vault.segments(query)), gaps: through((query) => vault.gaps(query)),
    holes: through((query) => vault.holes(query)), recovery: vault.recovery,
  };
  const book = await GapBook.open({ camera: 'front', stream: 'main', vault: sick, clock, log: silentLog });
  book.end(start);
  failing = true;
  for (const at of [1, 3, 5]) {
    book.begin(start + at * minute, 'disk', 'SP_WRITE');
    book.end(start + (at + 1) * minute);
  }
  await clock.pass(6 * minute);
  t.same(await gaps(), []);
  failing = false;
  await clock.pass(5 * second);
  await book.close('hub stopped');
  t.same(await gaps(), ['1-2 disk', '3-4 disk', '5-6 disk']);
});

t.test('pauses below half a second are no gaps', async (t) => {
  const { book, gaps, clock } = await scene(t);
  const account = await book();
  account.end(start);
  account.begin(start + 1000, 'stalled', '');
  account.end(start + 1499);
  account.begin(start + 2000, 'stalled', '');
  account.end(start + 2500);
  clock.set(start + 2600);
  await account.close('hub stopped');
  t.equal((await gaps()).length, 1);
});

t.test('whatever comes when, gaps and footage cover the time without a hole and without an overlap', async (t) => {
  const { clock, vault } = await scene(t);
  const deeds = fc.array(fc.record({ deed: fc.constantFrom('lose', 'come', 'explain', 'stop', 'pass'), seconds: fc.integer({ min: 1, max: 600 }) }), { minLength: 1, maxLength: 14 });
  let camera = 0;
  await fc.assert(fc.asyncProperty(deeds, async (story) => {
    const id = `camera-${camera++}`;
    // Footage as the recorder would have it: from the end of a gap to the beginning of the next.
    const footage: { fromMs: number; toMs: number }[] = [];
    const withFootage: GapBookOptions['vault'] = {
      ...doorsOf(vault),
      accountedMs: async (of, stream) => Math.max(await vault.accountedMs(of, stream) ?? 0, footage.at(-1)?.toMs ?? 0) || undefined,
    };
    const open = (): Promise<GapBook> => GapBook.open({ camera: id, stream: 'main', vault: withFootage, clock, log: silentLog });
    const beganMs = clock.wallMs();
    let account = await open();
    let since: number | undefined;
    const lose = (reason: 'stalled' | 'stream ended'): void => {
      if (since !== undefined) footage.push({ fromMs: since, toMs: clock.wallMs() });
      since = undefined;
      account.begin(footage.at(-1)?.toMs ?? clock.wallMs(), reason, '');
    };
    for (const { deed, seconds } of story) {
      await clock.pass(seconds * second);
      if (deed === 'lose') lose('stream ended');
      else if (deed === 'explain') account.explain('camera offline', '');
      else if (deed === 'come' && since === undefined) {
        account.end(clock.wallMs());
        since = clock.wallMs();
      } else if (deed === 'stop') {
        if (since !== undefined) lose('stalled');
        await account.close('hub stopped');
        await clock.pass(seconds * second);
        account = await open();
      }
    }
    if (since !== undefined) lose('stalled');
    await account.close('hub stopped');
    const gaps = await vault.gaps({ ...always, camera: id });
    const all = [...footage, ...gaps].filter(({ fromMs, toMs }) => toMs > fromMs).sort((a, b) => a.fromMs - b.fromMs);
    let reachedMs = beganMs;
    for (const { fromMs, toMs } of all) {
      if (Math.abs(fromMs - reachedMs) >= 500) throw new Error(`from ${reachedMs - beganMs} to ${fromMs - beganMs} in ${JSON.stringify(story)}`);
      reachedMs = toMs;
    }
    return Math.abs(reachedMs - clock.wallMs()) < 500;
  }), { numRuns: 40 });
  t.ok(camera >= 40);
});
