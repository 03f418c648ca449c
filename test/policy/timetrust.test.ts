import fc from 'fast-check';
import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { dueMs, duePeriods } from '../../src/policy/retention.ts';
import { confirmTime, judgeTime, timeQuestion, type TimeMemory, type TimeReading, type TimeVerdict } from '../../src/policy/timetrust.ts';
import { day, hour } from './configs.ts';

const rule = { settleMs: hour };
const start = Date.UTC(2026, 10, 24);

/** A hub with a clock that can be turned, and a power switch. */
class World {
  memory: TimeMemory | undefined;
  wallMs = start;
  monotonicMs = 5_000;
  boot = 1;
  synchronised = true;
  source: TimeReading['source'] = 'ntp';

  look(): TimeVerdict {
    const { wallMs, monotonicMs, synchronised, source } = this;
    const verdict = judgeTime(this.memory, { wallMs, monotonicMs, bootId: `boot ${this.boot}`, synchronised, source }, rule);
    this.memory = JSON.parse(canonicalJson(verdict.memory as unknown as CanonicalValue)) as TimeMemory;
    return verdict;
  }

  /** Runs on, looking each minute. */
  run(ms: number): TimeVerdict {
    let verdict = this.look();
    for (let left = ms; left > 0; left -= 60_000) {
      const step = Math.min(left, 60_000);
      this.wallMs += step;
      this.monotonicMs += step;
      verdict = this.look();
    }
    return verdict;
  }

  reboot(offMs: number): void {
    this.boot += 1;
    this.wallMs += offMs;
    this.monotonicMs = 5_000;
  }

  settled(): this {
    this.run(hour);
    return this;
  }
}

t.test('a new hub purges nothing until its clock is synchronised and has run steady for an hour', async (t) => {
  const world = new World();
  t.match(world.look(), { mayPurge: false, why: /runs for the first time: nothing is purged until .* another 1 h/ });
  t.equal(world.run(hour - 1).mayPurge, false);
  t.equal(world.run(1).mayPurge, true);
});

t.test('without a time server nothing is purged, however long it runs', async (t) => {
  const world = new World();
  world.synchronised = false;
  t.match(world.run(100 * hour), { mayPurge: false, why: /not been synchronised/ });
  world.synchronised = true;
  t.equal(world.look().mayPurge, true, 'once it is there, the steady time counts');
});

t.test('a machine whose own clock is trusted needs no time server', async (t) => {
  const world = new World();
  world.synchronised = false;
  world.source = 'system';
  t.equal(world.settled().look().mayPurge, true);
});

t.test('losing the time server does not stop purging while the clock runs on', async (t) => {
  const world = new World().settled();
  world.synchronised = false;
  t.equal(world.run(30 * hour).mayPurge, true);
});

t.test('after a boot it waits again', async (t) => {
  const world = new World().settled();
  world.reboot(10 * hour);
  t.match(world.look(), { mayPurge: false, why: /the machine was started/ });
  t.equal(world.run(hour).mayPurge, true);
  t.equal(world.look().deadlineNowMs, undefined, 'time off is time');
});

for (const [name, turn] of [['forward', 2 * hour], ['back', -2 * hour], ['forward by a year', 365 * day], ['forward by seconds', 3_000], ['back by seconds', -3_000]] as const) {
  t.test(`a clock that is turned ${name} stops purging at once`, async (t) => {
    const world = new World().settled();
    world.wallMs += turn;
    t.match(world.look(), { mayPurge: false, why: /the clock jumped (forward|back)/ });
    t.equal(world.run(hour - 60_000).mayPurge, false);
  });
}

t.test('small corrections are no jumps', async (t) => {
  const world = new World().settled();
  for (const correction of [1_500, -1_900, 400]) {
    world.wallMs += correction;
    t.equal(world.look().mayPurge, true, `${correction} ms`);
  }
});

t.test('many small steps in one direction are a jump', async (t) => {
  const world = new World().settled();
  const verdicts = Array.from({ length: 10 }, () => {
    world.wallMs += 1_500;
    return world.run(60_000).mayPurge;
  });
  t.ok(verdicts.includes(false));
});

t.test('a clock that drifts by its crystal is steady', async (t) => {
  const world = new World().settled();
  for (let step = 0; step < 2_000; step++) {
    world.wallMs += 60_000 + 24;
    world.monotonicMs += 60_000;
    if (!world.look().mayPurge) return t.fail(`lost trust after ${step} minutes`);
  }
});

/** A camera's hours, from `hours` ago until now, kept for three days. */
function footage(world: World, hours: number, keepMs = 3 * day): { startMs: number; endMs: number; deadlineMs: number }[] {
  return Array.from({ length: hours }, (_, index) => {
    const endMs = world.wallMs - (hours - 1 - index) * hour;
    return { startMs: endMs - hour, endMs, deadlineMs: endMs + keepMs };
  });
}

function dueHours(all: ReturnType<typeof footage>, world: World, verdict: TimeVerdict): number {
  return verdict.mayPurge ? duePeriods(all, world.wallMs, verdict).length : 0;
}

const asks = true;
for (const [name, happens, kept, expected] of [
  ['a night off', (world: World) => world.reboot(12 * hour), 3 * day, { due: 12 + 1, asks: false }],
  ['a day off, kept for three', (world: World) => world.reboot(day), 3 * day, { due: 24 + 1, asks: false }],
  ['two days off: the day before stays for a while, nobody is asked', (world: World) => world.reboot(2 * day), day, { due: 48 + 1, asks: false }],
  ['a week off', (world: World) => world.reboot(7 * day - 60_000), 3 * day, { due: 48 + 1, asks: false }],
  ['ten days off: it purges again within its hour, and asks for the last day', (world: World) => world.reboot(10 * day), 3 * day, { due: 48 + 1, asks }],
  ['ten days off without a clock: it starts where it stopped, then jumps', (world: World) => { world.reboot(0); world.synchronised = false; world.run(60_000); world.synchronised = true; world.wallMs += 10 * day; }, 3 * day, { due: 48 + 1, asks }],
  ['ten years forward over a start', (world: World) => world.reboot(3650 * day), 3 * day, { due: 1, asks }],
  ['ten years forward while it runs', (world: World) => { world.wallMs += 3650 * day; }, 3 * day, { due: 1, asks }],
  ['ten days forward while it runs: no time passes unseen', (world: World) => { world.wallMs += 10 * day; }, 3 * day, { due: 1, asks }],
  ['two hours forward while it runs', (world: World) => { world.wallMs += 2 * hour; }, 3 * day, { due: 1, asks }],
  ['a small correction while it runs', (world: World) => { world.wallMs += 0.5 * hour; }, 3 * day, { due: 1, asks: false }],
] as const) {
  t.test(`${name}: what is destroyed after a steady hour, of three days of footage`, async (t) => {
    const world = new World().settled();
    const all = footage(world, 72, kept);
    happens(world);
    t.equal(world.run(hour - 60_000).mayPurge, false, 'nothing before');
    const verdict = world.run(60_000);
    t.equal(dueHours(all, world, verdict), expected.due);
    t.equal(verdict.ask !== undefined, expected.asks, verdict.why);
    world.run(72 * hour);
    const later = world.look();
    t.equal(later.ask, undefined, 'after 72 hours it goes on by itself');
    t.equal(dueHours(all, world, later), all.filter((one) => one.deadlineMs <= world.wallMs).length);
  });
}

t.test('what is due only by a doubted clock waits, what is due for certain goes', async (t) => {
  const world = new World().settled();
  const [oldest] = footage(world, 72) as [ReturnType<typeof footage>[number]];
  world.wallMs += 3650 * day;
  const verdict = world.run(hour);
  t.match(verdict, { mayPurge: true, why: /the clock is 3650 days ahead of when it was last seen right: what is due by that alone is locked until the owner confirms the time, or for 3 days more/ });
  t.equal(dueMs(oldest, world.wallMs, verdict), world.wallMs, 'its last second came while the clock settled');
  const fresh = { startMs: world.wallMs, endMs: world.wallMs + hour, deadlineMs: world.wallMs + 2 * hour };
  t.equal(dueMs(fresh, world.wallMs, verdict), fresh.deadlineMs, 'what is recorded by the doubted clock ages by it');
});

t.test('the 72 hours are hours of running: starts in between do not count, and do not begin them anew', async (t) => {
  const world = new World().settled();
  world.wallMs += 60 * day;
  world.run(hour);
  for (let night = 0; night < 6; night++) {
    world.run(12 * hour - hour);
    world.reboot(6 * day);
    t.ok(world.run(hour).ask);
  }
  t.ok(world.run(5 * hour).ask);
  t.equal(world.run(2 * hour).ask, undefined);
});

t.test('the owner\'s word ends the question at once', async (t) => {
  const world = new World().settled();
  const all = footage(world, 72);
  world.wallMs += 30 * day;
  t.equal(dueHours(all, world, world.run(hour)), 1);
  world.memory = confirmTime(world.memory as TimeMemory);
  const verdict = world.look();
  t.match(verdict, { mayPurge: true, why: /the owner confirmed/ });
  t.equal(dueHours(all, world, verdict), 72);
});

t.test('the question keeps its words while it stands, and another jump is another question', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  const first = world.run(hour).ask!;
  t.match(timeQuestion(first), { key: 'time', text: 'the clock is right: it went ahead by 30 days, and what is due by it may be destroyed' });
  world.wallMs += 900;
  t.same(timeQuestion(world.run(30 * hour).ask!), timeQuestion(first));
  world.wallMs += 5 * day;
  t.not(timeQuestion(world.run(hour).ask!).id, timeQuestion(first).id);
});

t.test('a confirmed time is no word for the next jump', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  world.run(hour);
  world.memory = confirmTime(world.memory as TimeMemory);
  world.look();
  world.wallMs += 30 * day;
  t.ok(world.run(hour).ask);
});

t.test('days off do not add up to more than was run in between', async (t) => {
  const world = new World().settled();
  const all = footage(world, 72);
  for (let start = 0; start < 5; start++) {
    world.reboot(20 * hour);
    world.run(hour);
  }
  t.equal(dueHours(all, world, world.look()), 72 - 15, 'five starts with a lie of 20 hours each are not five days');
});

t.test('a month forward and back again is as if nothing had happened', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  world.run(10 * hour);
  world.wallMs -= 30 * day;
  const verdict = world.run(hour);
  t.match(verdict, { mayPurge: true, why: 'the clock runs steady' });
  t.same(verdict.stepsBack.filter(({ took }) => took === undefined), []);
  t.equal(verdict.ask, undefined);
  const before = { startMs: start, endMs: start + hour, deadlineMs: start + hour + 3 * day };
  t.equal(dueMs(before, world.wallMs, verdict), before.deadlineMs);
});

t.test('what was recorded while the clock ran years ahead does not stay for years', async (t) => {
  const world = new World().settled();
  world.wallMs += 3650 * day;
  world.run(2 * hour);
  const ahead = { startMs: world.wallMs - hour, endMs: world.wallMs, deadlineMs: world.wallMs + 3 * day };
  world.run(hour);
  world.wallMs -= 3650 * day;
  const verdict = world.run(hour);
  t.equal(verdict.ask, undefined);
  t.equal(dueMs(ahead, world.wallMs, verdict), ahead.deadlineMs - 3650 * day, 'three days after it was recorded');
  t.ok((verdict.deadlineNowMs ?? 0) >= ahead.deadlineMs - 3 * day, 'and the catalogue is asked far enough');
});

t.test('a machine that begins in 2099 and is put right keeps nothing until then', async (t) => {
  const world = new World();
  const right = world.wallMs;
  world.wallMs = Date.UTC(2099, 0, 1);
  world.synchronised = false;
  world.run(hour);
  const ahead = { startMs: world.wallMs - hour, endMs: world.wallMs, deadlineMs: world.wallMs + day };
  world.boot += 1;
  world.wallMs = right + hour;
  world.monotonicMs = 5_000;
  world.synchronised = true;
  const verdict = world.run(hour);
  t.equal(verdict.mayPurge, true);
  t.equal(dueMs(ahead, world.wallMs, verdict), right + hour + day);
});

t.test('after a jump back, deadlines count down by running time', async (t) => {
  const world = new World().settled();
  const period = { startMs: world.wallMs - hour, endMs: world.wallMs, deadlineMs: world.wallMs + 3 * day };
  world.run(day);
  world.wallMs -= 20 * day;
  const settled = world.run(hour);
  t.match(settled, { mayPurge: true, why: /put back by 20 days: older footage ages by running time/ });
  const due = (verdict: TimeVerdict): boolean => duePeriods([period], world.wallMs, verdict).length === 1;
  t.notOk(due(settled));
  t.notOk(due(world.run(2 * day - hour - 60_000)));
  const last = world.run(60_000);
  t.ok(due(last), 'three days after its end in running time');
  t.equal(last.deadlineNowMs, world.wallMs + 20 * day, 'and the catalogue is asked by that time');
  const fresh = { startMs: world.wallMs - hour, endMs: world.wallMs, deadlineMs: world.wallMs + 3 * day };
  t.same(duePeriods([fresh], world.wallMs, last), [], 'what is recorded now keeps its three days');
});

t.test('a jump back over a start counts too', async (t) => {
  const world = new World().settled();
  world.reboot(-5 * day);
  const verdict = world.run(hour);
  t.equal(verdict.mayPurge, true);
  t.equal(verdict.stepsBack[0]?.byMs, 5 * day);
  t.equal(verdict.stepsBack[0]?.toMs, start + hour - 5 * day);
});

t.test('putting the clock right again takes the step back out', async (t) => {
  const world = new World().settled();
  world.wallMs -= 5 * day;
  t.equal(world.run(hour).stepsBack.length, 1);
  world.wallMs += 5 * day;
  const verdict = world.run(hour);
  t.match(verdict, { mayPurge: true });
  t.same(verdict.stepsBack, []);
});

t.test('a clock that starts years back and is then put right destroys nothing early', async (t) => {
  const world = new World().settled();
  const right = world.wallMs;
  world.reboot(0);
  world.wallMs = Date.UTC(2000, 0, 1);
  world.synchronised = false;
  t.equal(world.run(2 * hour).mayPurge, false);
  world.wallMs = right + 2 * hour;
  world.synchronised = true;
  t.equal(world.look().mayPurge, false);
  const verdict = world.run(hour);
  t.match(verdict, { mayPurge: true });
  t.same(verdict.stepsBack, []);
});

t.test('a memory of another version is not believed', async (t) => {
  const world = new World().settled();
  world.memory = { ...(world.memory as TimeMemory), v: 2 as 1 };
  t.equal(world.look().mayPurge, false);
});

const events = fc.array(fc.oneof(
  fc.record({ kind: fc.constant('run' as const), ms: fc.integer({ min: 0, max: 3 * hour }) }),
  fc.record({ kind: fc.constant('turn' as const), ms: fc.integer({ min: -40 * day, max: 40 * day }).filter((ms) => Math.abs(ms) > 3_000) }),
  fc.record({ kind: fc.constant('reboot' as const), ms: fc.integer({ min: 0, max: 3 * day }) }),
), { maxLength: 12 });

t.test('whatever happens to the clock, nothing is purged within an hour of a start or a jump', async () => {
  fc.assert(fc.property(events, (events) => {
    const world = new World();
    let steadyMs = 0;
    world.look();
    for (const { kind, ms } of events) {
      if (kind === 'turn') world.wallMs += ms;
      if (kind === 'reboot') world.reboot(ms);
      steadyMs = kind === 'run' ? steadyMs + ms : 0;
      const verdict = kind === 'run' ? world.run(ms) : world.look();
      if (verdict.mayPurge && steadyMs < hour) return false;
    }
    return true;
  }), { numRuns: 200 });
});

t.test('a steady hour after the last jump it purges again', async () => {
  fc.assert(fc.property(events, (events) => {
    const world = new World();
    for (const { kind, ms } of events) {
      if (kind === 'turn') world.wallMs += ms;
      else if (kind === 'reboot') world.reboot(ms);
      else world.run(ms);
    }
    return world.run(hour + 60_000).mayPurge;
  }), { numRuns: 200 });
});

const turns = fc.array(fc.record({ ms: fc.oneof(fc.integer({ min: -3650 * day, max: 3650 * day }), fc.integer({ min: -2 * hour, max: 2 * hour })), runMs: fc.integer({ min: 0, max: 3 * hour }) }), { maxLength: 12 });

t.test('a clock that is turned while the hub runs makes nothing older than twice the time that it ran', async () => {
  fc.assert(fc.property(turns, (turns) => {
    const world = new World().settled();
    const [, last] = footage(world, 2) as ReturnType<typeof footage>;
    let ranMs = 0;
    for (const { ms, runMs } of turns) {
      world.wallMs += ms;
      const verdict = world.run(runMs);
      ranMs += runMs;
      if (dueHours([last!], world, verdict) > 0 && 2 * ranMs + hour < 3 * day) return false;
    }
    return true;
  }), { numRuns: 300 });
});

t.test('no lie over a start takes the last day before it within a day of running', async () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 4000 * day }), fc.integer({ min: 0, max: day - 60_000 }), (lieMs, runMs) => {
    const world = new World().settled();
    const [, last] = footage(world, 2, 2 * day) as ReturnType<typeof footage>;
    world.reboot(lieMs);
    return dueHours([last!], world, world.run(runMs)) === 0;
  }), { numRuns: 50 });
});

t.test('whatever the clock did, nothing is kept beyond its time for more than the 72 hours and the hours of settling', async () => {
  fc.assert(fc.property(turns, (turns) => {
    const world = new World().settled();
    const all = footage(world, 1, day);
    for (const { ms, runMs } of turns) {
      world.wallMs += ms;
      world.run(runMs);
    }
    return dueHours(all, world, world.run(72 * hour + day + 3 * hour)) === 1;
  }), { numRuns: 30 });
});
