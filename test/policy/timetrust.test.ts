import fc from 'fast-check';
import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { duePeriods } from '../../src/policy/retention.ts';
import { confirmTime, judgeTime, type TimeMemory, type TimeReading, type TimeVerdict } from '../../src/policy/timetrust.ts';
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

t.test('a gap of a week is taken as time off, a longer one is asked about', async (t) => {
  const week = new World().settled();
  week.reboot(7 * day - 1_000);
  t.equal(week.run(hour).mayPurge, true);
  const longer = new World().settled();
  longer.reboot(7 * day + 1_000);
  t.match(longer.run(hour), { mayPurge: false, ask: 'forward gap', why: /ahead of when it was last seen right: what is due is locked/ });
});

t.test('a clock turned forward by a month destroys nothing for 72 hours, and goes on then', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  t.match(world.run(hour), { mayPurge: false, ask: 'forward gap' });
  t.match(world.run(72 * hour - 60_000), { mayPurge: false, ask: 'forward gap' });
  t.match(world.run(60_000), { mayPurge: true, why: /did not object/ });
  t.match(world.run(60_000), { mayPurge: true, why: 'the clock runs steady' });
});

t.test('the 72 hours are hours of running: starts in between do not count, and do not begin them anew', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  world.run(hour);
  for (let night = 0; night < 6; night++) {
    world.run(12 * hour - hour);
    world.reboot(6 * day);
    t.match(world.run(hour), { mayPurge: false, ask: 'forward gap' });
  }
  t.equal(world.run(5 * hour).mayPurge, false);
  t.equal(world.run(2 * hour).mayPurge, true);
});

t.test('the owner\'s word ends the question at once', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  world.run(hour);
  world.memory = confirmTime(world.memory as TimeMemory);
  t.match(world.run(60_000), { mayPurge: true });
});

t.test('a month forward and back again is as if nothing had happened', async (t) => {
  const world = new World().settled();
  world.wallMs += 30 * day;
  world.run(10 * hour);
  world.wallMs -= 30 * day;
  const verdict = world.run(hour);
  t.match(verdict, { mayPurge: true, why: 'the clock runs steady' });
  t.same(verdict.stepsBack, []);
  t.equal(verdict.ask, undefined);
});

t.test('after a jump back, deadlines count down by running time', async (t) => {
  const world = new World().settled();
  const period = { startMs: world.wallMs - hour, endMs: world.wallMs, deadlineMs: world.wallMs + 3 * day };
  world.run(day);
  world.wallMs -= 20 * day;
  const settled = world.run(hour);
  t.match(settled, { mayPurge: true, why: /put back by 20 days: older footage ages by running time/ });
  const due = (verdict: TimeVerdict): boolean => duePeriods([period], world.wallMs, verdict.stepsBack).length === 1;
  t.notOk(due(settled));
  t.notOk(due(world.run(2 * day - hour - 60_000)));
  const last = world.run(60_000);
  t.ok(due(last), 'three days after its end in running time');
  t.equal(last.deadlineNowMs, world.wallMs + 20 * day, 'and the catalogue is asked by that time');
  const fresh = { startMs: world.wallMs - hour, endMs: world.wallMs, deadlineMs: world.wallMs + 3 * day };
  t.same(duePeriods([fresh], world.wallMs, last.stepsBack), [], 'what is recorded now keeps its three days');
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

t.test('a steady hour after the last jump it purges again, or asks', async () => {
  fc.assert(fc.property(events, (events) => {
    const world = new World();
    for (const { kind, ms } of events) {
      if (kind === 'turn') world.wallMs += ms;
      else if (kind === 'reboot') world.reboot(ms);
      else world.run(ms);
    }
    const verdict = world.run(hour + 60_000);
    return verdict.mayPurge !== (verdict.ask === 'forward gap');
  }), { numRuns: 200 });
});
