import fc from 'fast-check';
import t from 'tap';
import { earlyPurges, haltFor, noHalt, reserveBytesMin, reserveOf, type DiskFacts, type DiskPeriod } from '../../src/policy/disk.ts';

const [MB, GB, TB] = [1e6, 1e9, 1e12];

function period(id: number, more: Partial<DiskPeriod> = {}): DiskPeriod {
  return { id, camera: 'front', class: 'footage', bytes: GB, order: id, open: false, held: false, ...more };
}

/** A disk of 100 GB with its default reserve of 2 GB. */
function facts(more: Partial<DiskFacts>): DiskFacts {
  return { periods: [], freeBytes: 50 * GB, totalBytes: 100 * GB, inflow: new Map(), rule: { cameras: [{ id: 'front' }, { id: 'garden' }] }, halt: noHalt, ...more };
}

function idsOf(given: DiskFacts): number[] {
  return earlyPurges(given).flatMap(({ periods }) => periods.map(({ id }) => id));
}

for (const [name, totalBytes, wanted, expected] of [
  ['a large disk keeps 2 % free', 4 * TB, undefined, 80 * GB],
  ['a middling disk keeps 1 GB free', 32 * GB, undefined, GB],
  ['a small disk keeps a tenth free', 8 * GB, undefined, 800 * MB],
  ['a tiny disk keeps what the hub\'s own records need', 16 * MB, undefined, reserveBytesMin],
  ['what is set counts', 4 * TB, 5 * GB, 5 * GB],
  ['but not less than the hub\'s own records need', 4 * TB, 1, reserveBytesMin],
  ['and not more than half of the disk', 8 * GB, 20 * GB, 4 * GB],
] as const) t.test(name, async (t) => t.equal(reserveOf(totalBytes, wanted), expected));

for (const [name, given, expected] of [
  ['with room nothing goes', facts({ periods: [period(1)] }), []],
  ['the oldest goes first, no more than is needed', facts({ periods: [period(3), period(1), period(2)], freeBytes: GB }), [1]],
  ['room for what flows in until the next look counts', facts({ periods: [period(1), period(2), period(3)], freeBytes: GB, inflow: new Map([['front', 0.5 * GB]]) }), [1, 2]],
  ['where that room cannot be made, the reserve still is', facts({ periods: [period(1), period(2)], freeBytes: 1.5 * GB, inflow: new Map([['front', 50 * GB]]) }), [1]],
  ['age is the order of sealing, not of making', facts({ periods: [period(1, { order: 9 }), period(2)], freeBytes: 1.5 * GB }), [2]],
  ['footage goes before alarms', facts({ periods: [period(1, { class: 'alarm' }), period(2)], freeBytes: 1.5 * GB }), [2]],
  ['a hold never goes', facts({ periods: [period(1, { held: true }), period(2), period(3)], freeBytes: 1.5 * GB }), [2]],
  ['nothing goes that would free nothing', facts({ periods: [period(1, { bytes: 0 }), period(2)], freeBytes: 1.5 * GB }), [2]],
  ['what is being recorded goes last, whatever its age', facts({ periods: [period(1, { open: true }), period(2, { camera: 'garden' })], freeBytes: 1.5 * GB }), [2]],
  ['when only that is left, the oldest of it goes', facts({ periods: [period(1, { open: true }), period(2, { open: true, camera: 'garden' })], freeBytes: 1.5 * GB }), [1]],
  ['nothing is destroyed in vain', facts({ periods: [period(1), period(2)], freeBytes: 0, totalBytes: 1000 * GB }), []],
  ['a camera\'s budget touches that camera only', facts({
    periods: [period(1, { camera: 'garden' }), period(2), period(3)], rule: { cameras: [{ id: 'front', budgetBytes: 1.5 * GB }, { id: 'garden' }] },
  }), [2]],
  ['the budget of all takes the oldest of all', facts({ periods: [period(1, { camera: 'garden' }), period(2), period(3)], rule: { budgetBytes: 2 * GB, cameras: [] } }), [1]],
  ['what a camera\'s budget frees counts for the others', facts({
    periods: [period(1, { camera: 'garden' }), period(2), period(3)], freeBytes: 1.5 * GB, rule: { budgetBytes: 2 * GB, cameras: [{ id: 'front', budgetBytes: GB }] },
  }), [2]],
  ['footage of a camera that is no longer there goes too', facts({ periods: [period(1, { camera: 'gone' }), period(2)], freeBytes: 1.5 * GB }), [1]],
] as const) t.test(name, async (t) => t.same(idsOf(given), expected));

t.test('the receipt says why', async (t) => {
  t.same(earlyPurges(facts({ periods: [period(1)], freeBytes: 1.5 * GB })).map(({ reason }) => reason), ['the disk is nearly full: 1.5 GB are free, and 2.0 GB must stay free']);
  t.same(earlyPurges(facts({ periods: [period(1)], rule: { cameras: [{ id: 'front', budgetBytes: GB / 2 }] } })).map(({ reason }) => reason), ['front has used its budget of 500 MB']);
});

const full = { hub: 'full', cameras: new Map<string, string>() };
for (const [name, given, halted] of [
  ['with room it records', facts({}), false],
  ['below the reserve, with nothing that may go, it stops', facts({ freeBytes: 1.9 * GB, periods: [period(1, { held: true })] }), true],
  ['while a purge is about to help it goes on', facts({ freeBytes: 1.9 * GB, periods: [period(1)] }), false],
  ['also where the room for what flows in cannot be made', facts({ freeBytes: 1.9 * GB, periods: [period(1)], inflow: new Map([['front', 50 * GB]]) }), false],
  ['but not into the last half of the reserve', facts({ freeBytes: 0.9 * GB, periods: [period(1), period(2)] }), true],
  ['once stopped it waits for clear room', facts({ freeBytes: 2.1 * GB, halt: full }), true],
  ['and goes on then', facts({ freeBytes: 2.3 * GB, halt: full }), false],
  ['a budget full of holds stops it', facts({ periods: [period(1, { held: true })], rule: { budgetBytes: GB / 2, cameras: [] } }), true],
] as const) t.test(name, async (t) => t.equal(haltFor(given, earlyPurges(given)).hub !== undefined, halted));

t.test('a camera whose budget is full of holds stops alone', async (t) => {
  const given = facts({ periods: [period(1, { held: true })], rule: { cameras: [{ id: 'front', budgetBytes: GB / 2 }, { id: 'garden' }] } });
  const halt = haltFor(given, earlyPurges(given));
  t.equal(halt.hub, undefined);
  t.same([...halt.cameras.keys()], ['front']);
});

t.test('what has stopped is not kept stopped by a purge that makes just enough', async (t) => {
  const given = facts({ freeBytes: 2.1 * GB, periods: [period(1)], halt: full });
  t.same(idsOf(given), [1], 'room is made until it is clear');
  t.equal(haltFor(facts({ freeBytes: 3.1 * GB, halt: full }), []).hub, undefined);
});

const periods = fc.uniqueArray(fc.record({
  id: fc.nat(40), camera: fc.constantFrom('front', 'garden', 'gone'), class: fc.constantFrom('footage', 'rest', 'alarm'), bytes: fc.integer({ min: 0, max: 5 * GB }),
  order: fc.nat(40), open: fc.boolean(), held: fc.boolean(),
}), { selector: (one) => one.id, maxLength: 20 });
const budget = fc.option(fc.integer({ min: 10 * MB, max: 40 * GB }), { nil: undefined });
const anything = fc.record({ periods, freeBytes: fc.integer({ min: 0, max: 20 * GB }), front: budget, all: budget, halted: fc.boolean(), inflow: fc.nat(GB) })
  .map(({ front, all, halted, inflow, ...rest }) => facts({
    ...rest, inflow: new Map([['front', inflow]]), halt: halted ? full : noHalt,
    rule: { ...(all === undefined ? {} : { budgetBytes: all }), cameras: [{ id: 'front', ...(front === undefined ? {} : { budgetBytes: front }) }, { id: 'garden' }] },
  }));
const noBudgets = anything.map((given) => ({ ...given, rule: { cameras: given.rule.cameras.map(({ id }) => ({ id })) } }));

t.test('never a hold, never twice, never what frees nothing', async () => {
  fc.assert(fc.property(anything, (given) => {
    const going = earlyPurges(given).flatMap((purge) => purge.periods);
    return going.every((one) => !one.held && one.bytes > 0) && new Set(going.map(({ id }) => id)).size === going.length;
  }));
});

t.test('never more than needed: without the last of them the room would still be missing', async () => {
  fc.assert(fc.property(noBudgets, (given) => {
    const [purge] = earlyPurges(given);
    if (purge === undefined) return true;
    const bare = reserveOf(given.totalBytes) * (given.halt.hub === undefined ? 1 : 1.1) - given.freeBytes;
    const ahead = bare + (given.inflow.get('front') ?? 0);
    const mayGo = given.periods.filter((one) => !one.held).reduce((sum, { bytes }) => sum + bytes, 0);
    const needed = mayGo >= ahead ? ahead : bare;
    const sums = purge.periods.map((_, index) => purge.periods.slice(0, index + 1).reduce((sum, { bytes }) => sum + bytes, 0));
    return (sums.at(-1) ?? 0) >= needed && (sums.at(-2) ?? 0) < needed;
  }));
});

t.test('never a newer one while an older one of its kind stays', async () => {
  fc.assert(fc.property(noBudgets, (given) => {
    const going = new Set(earlyPurges(given).flatMap((purge) => purge.periods));
    const mayGo = given.periods.filter((one) => !one.held && one.bytes > 0);
    return mayGo.every((kept) => going.has(kept) || [...going].every((gone) => (gone.class === 'alarm') !== (kept.class === 'alarm') || gone.open !== kept.open || gone.order <= kept.order));
  }));
});

t.test('never an alarm while footage stays, and nothing that is being recorded while anything else stays', async () => {
  fc.assert(fc.property(noBudgets, (given) => {
    const going = new Set(earlyPurges(given).flatMap((purge) => purge.periods));
    const kept = given.periods.filter((one) => !one.held && one.bytes > 0 && !going.has(one));
    return [...going].every((gone) => (!gone.open || kept.every((one) => one.open)) && (gone.class !== 'alarm' || kept.every((one) => one.class === 'alarm' || (one.open && !gone.open))));
  }));
});

t.test('a camera\'s budget never takes another\'s footage', async () => {
  fc.assert(fc.property(anything, (given) => {
    const roomy = { ...given, freeBytes: 90 * GB, rule: { cameras: given.rule.cameras } };
    return earlyPurges(roomy).every((purge) => purge.periods.every((one) => one.camera === 'front'));
  }));
});

t.test('after the purges nothing more has to go', async () => {
  fc.assert(fc.property(anything, (given) => {
    const going = new Set(earlyPurges(given).flatMap((purge) => purge.periods));
    const freeBytes = given.freeBytes + [...going].reduce((sum, { bytes }) => sum + bytes, 0);
    return earlyPurges({ ...given, freeBytes, periods: given.periods.filter((one) => !going.has(one)) }).length === 0;
  }));
});
