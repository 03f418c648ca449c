import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { DropsDuty } from '../../src/duties/drops.ts';
import type { CourierStatus } from '../../src/outbox/courierstatus.ts';
import { nothingDropped, readDropBook, takeDrops, type DropCounts, type DropBook } from '../../src/policy/drops.ts';
import { StillClock } from '../cameras/farend.ts';
import { makeWorld, openVault } from '../vault/world.ts';

const hour = 3_600_000;

t.test('drops are counted by the courier\'s start, and told a line an hour and reason, whatever it says', async (t) => {
  const of = (odd: number, more: Partial<DropCounts> = {}): DropCounts => ({ ...nothingDropped, odd, ...more });
  let book: DropBook = { v: 1, of: [] };
  const say = (startedMs: number, counts: DropCounts, nowMs: number): string[] => {
    const taken = takeDrops(book, [{ destination: 'home', startedMs, counts }], nowMs);
    book = readDropBook(JSON.parse(JSON.stringify(taken.book)));
    t.same(book, taken.book, 'it is read as it was written');
    return taken.lines.map(({ reason, count }) => `${reason} ${count}`);
  };
  const cases: readonly (readonly [what: string, startedMs: number, counts: DropCounts, nowMs: number, lines: string[]])[] = [
    ['nothing yet', 1, of(0), 10 * hour, []],
    ['the first at once', 1, of(2, { flood: 7 }), 10 * hour, ['odd 2', 'flood 7']],
    ['said again', 1, of(2, { flood: 7 }), 10 * hour + 1, []],
    ['more within the hour wait', 1, of(5, { flood: 7 }), 10 * hour + 2, []],
    ['a courier that began anew counts from nothing', 2, of(1), 10 * hour + 3, []],
    ['and all of them come with the next line', 2, of(1), 11 * hour, ['odd 4']],
    ['a count that goes back is none', 2, of(0), 13 * hour, []],
    ['nor does it make others of it', 2, of(1), 13 * hour + 1, ['odd 1']],
    ['a clock that went back by hours holds nothing up', 2, of(2), 2 * hour, ['odd 1']],
  ];
  for (const [what, startedMs, counts, nowMs, lines] of cases) t.same(say(startedMs, counts, nowMs), lines, what);
  t.same(takeDrops(book, [], hour).book.of, [], 'a destination that is no more is forgotten');
  for (const odd of [undefined, 7, { v: 1, of: [{ destination: 'A b' }] }, { v: 1, of: [], more: 1 }]) t.same(readDropBook(odd).of, []);
});

t.test('what the courier dropped of a broker\'s orders is in the ledger, once over a restart of the hub, and nothing of another destination', async (t) => {
  const vault = await openVault(makeWorld(t.testdir()));
  t.teardown(() => vault.close());
  const clock = new StillClock();
  const word = { started_ms: 5, destinations: [{ name: 'home', dropped: { odd: 3, flood: 1000, waiting: 0 } }, { name: 'stranger', dropped: { odd: 9, flood: 9, waiting: 9 } }] };
  const begin = (): DropsDuty => {
    const duty = new DropsDuty({
      vault, word: async () => word as unknown as CourierStatus, destinations: () => [{ name: 'home', kind: 'mqtt', commands: true }, { name: 'phone', kind: 'ntfy' }], purposeOf: (name) => `${name} lamps`, clock, log: silentLog,
    });
    duty.start();
    return duty;
  };
  const first = begin();
  while (!clock.waitsFor(10_000)) await new Promise((resolve) => setImmediate(resolve));
  const lines = await vault.far.lines({ limit: 10 });
  t.match(lines, [
    { destination: 'home', purpose: 'home lamps', kind: 'dropped', class: 'flood', outcome: 'failed', code: 'SP_ORDERS_DROPPED', reason: '1000 dropped: more came than are taken in a minute', camera: '', object: '', sentBytes: 0 },
    { kind: 'dropped', class: 'odd', reason: /^3 dropped: / },
  ]);
  t.equal(lines.length, 2);
  t.same(await vault.far.open(), [], 'they wait for no answer');
  await first.close();
  const second = begin();
  while (!clock.waitsFor(10_000)) await new Promise((resolve) => setImmediate(resolve));
  t.equal((await vault.far.lines({ limit: 10 })).length, 2);
  word.destinations[0]!.dropped.flood = 2000;
  clock.nowMs += hour;
  clock.pass();
  while ((await vault.far.lines({ limit: 10 })).length < 3) await new Promise((resolve) => setImmediate(resolve));
  t.match((await vault.far.lines({ limit: 1 }))[0], { reason: /^1000 dropped/ });
  await second.close();
});
