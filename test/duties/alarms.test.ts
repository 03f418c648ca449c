import { createHash } from 'node:crypto';
import t from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { AlarmList } from '../../src/duties/alarmlist.ts';
import { SeenPlaces } from '../../src/duties/seenplaces.ts';
import type { AlarmsOptions, Observed } from '../../src/duties/alarms.ts';
import type { Box, Zone } from '../../src/policy/alarmrules.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { openWhole } from '../../src/seal/opener.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { camera, hub } from '../policy/configs.ts';
import { always, hourMs, openRaw, start } from '../vault/world.ts';
import { fixture, jpeg, opened, rule, textOf, untilText, type Fixture } from './alarmworld.ts';

t.test('a visit is kept: its row, its pictures for the kit alone, and the segments around it, before and after', async (t) => {
  const { vault, world, duty, plan, seen, segment, until, rows, at } = await fixture(t);
  await segment(0);
  await segment(60);
  seen(122, { box: { x: 0.1, y: 0.1, width: 0.2, height: 0.5 } });
  await until(([row]) => row?.pictures.length === 4 && row.segments === 1);
  t.equal(plan.unwanted({ wallMs: at(122), monotonicMs: world.clock.monotonicMs() }), undefined);
  seen(150);
  duty.ended('front', 'one', at(155));
  await segment(120);
  await segment(180);
  const [row] = await until(([first]) => first?.toMs !== undefined && first.segments > 1);
  t.match(row, { camera: 'front', rule: 'night', kind: 'person', fromMs: at(122), toMs: at(155), scorePm: 750, segments: 2, footageWhy: '' }, 'from 117 s to 175 s are the second and the third minute');
  t.equal(row?.deadlineMs, Math.floor(start / (24 * hourMs)) * 24 * hourMs + 24 * hourMs + rule.keepMs);
  const { sealed, period } = await vault.alarmPicture(row!.id, 'full');
  const { identity } = openSlot(await vault.slotText(period), [world.owner], 'slot');
  t.same(openWhole(sealed, [identity], 'picture'), jpeg);
  t.match(duty.state, { open: 0, begun: { night: 1 }, failed: 0, withoutPictures: 0, notHeld: 0 });
  await duty.close();
  t.match(await rows(), [{ segments: 2 }], 'and no other');
  await vault.close();
});

const square = (x: number): Zone['points'] => [[x, 0], [x + 0.3, 0], [x + 0.3, 1], [x, 1]];
const zones: readonly Zone[] = [
  { camera: 'front', name: 'path', mask: false, points: square(0) }, { camera: 'front', name: 'door', mask: false, points: square(0.6) }, { camera: 'front', name: 'tree', mask: true, points: [[0.4, 0], [0.5, 0], [0.5, 0.2], [0.4, 0.2]] },
  { camera: 'garden', name: 'pond', mask: false, points: square(0) },
];
const boxAt = (x: number): Box => ({ x, y: 0.2, width: 0.1, height: 0.5 });

t.test('an alarm says where it was, and says so to its day\'s key alone; the size of its words tells nothing', async (t) => {
  const f = await fixture(t, { zones });
  f.seen(10, { box: boxAt(0.1) });
  const [row] = await f.until(([first]) => first?.pictures.length === 4);
  t.strictSame(await textOf(f, row!.id), { zones: ['path'] });
  f.seen(12, { box: boxAt(0.4) });
  f.seen(14, { box: boxAt(0.7) });
  f.duty.ended('front', 'one', f.at(15));
  f.world.clock.set(f.at(60));
  t.strictSame(await untilText(f, row!.id, ({ zones: list }) => list.length > 1), { zones: ['path', 'door'] }, 'at its end all that it was in');
  t.strictSame(await opened(f, row!.id, 'full'), jpeg, 'its pictures are as they were');
  t.equal((await opened(f, row!.id, 'text')).length, 1024);
  const { sealed } = await f.vault.alarmPicture(row!.id, 'text');
  t.notOk(sealed.includes('door') || sealed.includes('path'));
  await f.duty.close();
  await f.vault.close();
});

t.test('a rule with a size rings once whoever it is has come near enough, and never by a camera\'s own word', async (t) => {
  const f = await fixture(t, { rules: [{ ...rule, sizeLeast: 0.4 }] });
  f.duty.changed('front', [{ kind: 'person', source: '', fromMs: f.at(5), toMs: undefined }]);
  f.seen(10, { box: { ...boxAt(0.1), height: 0.39 } });
  t.same(await f.rows(), []);
  f.seen(14, { box: { ...boxAt(0.1), height: 0.4 } });
  const [row] = await f.until(([first]) => first?.pictures.length === 4);
  t.equal(row!.fromMs, f.at(14));
  f.seen(16, { box: { ...boxAt(0.1), height: 0.2 } });
  f.seen(18, { box: { ...boxAt(0.1), height: 0.5 } });
  t.equal((await f.rows()).length, 1, 'one visit, however far and near they go');
  await f.duty.close();
  await f.vault.close();
});

t.test('who is recognised stands in the words as a mark, at once, in each alarm that the visit is part of; who was nobody, or counts no more, does not', async (t) => {
  const asked: string[] = [];
  const gone = new Set<string>();
  const markOf = (person: string, alarm: string): string => {
    asked.push(person);
    return gone.has(person) ? '' : createHash('sha256').update(person + alarm).digest('hex').slice(0, 32);
  };
  const f = await fixture(t, { zones, markOf, rules: [rule, { ...rule, name: 'door', zones: ['door'] }] });
  f.seen(10, { box: boxAt(0.7) });
  const rows = await f.until((found) => found.length === 2 && found.every(({ pictures }) => pictures.length === 4));
  t.strictSame(asked, [], 'nobody is asked about while nobody is recognised');
  // Where the rule of the door does not look any more.
  f.seen(12, { box: boxAt(0.1), person: 'ann' });
  for (const { id } of rows) t.equal((await untilText(f, id, ({ person }) => person !== undefined)).person, markOf('ann', id));
  t.not(markOf('ann', rows[0]!.id), markOf('ann', rows[1]!.id));
  f.seen(13, { box: boxAt(0.1), name: 'two', person: 'bob' });
  f.seen(14, { box: boxAt(0.1), person: 'ann' });
  f.duty.ended('front', 'one', f.at(15));
  f.duty.ended('front', 'two', f.at(15));
  f.world.clock.set(f.at(60));
  await f.until((found) => found.every(({ toMs }) => toMs !== undefined));
  for (const { id } of rows) t.equal((await textOf(f, id)).person, markOf('ann', id), 'the first who was certain');

  gone.add('ann');
  f.seen(100, { box: boxAt(0.1), name: 'three', person: 'ann' });
  const later = await f.until((found) => found.length === 3 && found[0]?.pictures.length === 4);
  t.strictSame(await textOf(f, later[0]!.id), { zones: ['path'] }, 'consent that was withdrawn in between');
  await f.duty.close();
  await f.vault.close();
});

t.test('that it is not certain who it is stands in the words, with no name, until it is certain', async (t) => {
  const markOf = (person: string, alarm: string): string => createHash('sha256').update(person + alarm).digest('hex').slice(0, 32);
  const f = await fixture(t, { zones, markOf });
  f.seen(10, { box: boxAt(0.1), unsure: true });
  const [row] = await f.until(([first]) => first?.pictures.length === 4);
  f.seen(12, { box: boxAt(0.1), name: 'two', unsure: false });
  f.duty.ended('front', 'one', f.at(15));
  f.duty.ended('front', 'two', f.at(15));
  f.world.clock.set(f.at(60));
  await f.until(([first]) => first?.toMs !== undefined);
  t.strictSame(await untilText(f, row!.id, ({ unsure }) => unsure === true), { zones: ['path'], unsure: true }, 'one of two');
  t.equal((await opened(f, row!.id, 'text')).length, 1024);

  f.seen(100, { box: boxAt(0.1), name: 'three', unsure: true });
  const [other] = await f.until((found) => found.length === 2 && found[0]?.pictures.length === 4);
  f.seen(104, { box: boxAt(0.1), name: 'three', person: 'ann', unsure: false });
  t.strictSame(await untilText(f, other!.id, ({ person }) => person !== undefined), { zones: ['path'], person: markOf('ann', other!.id) }, 'certain in the end');
  f.duty.ended('front', 'three', f.at(105));
  f.world.clock.set(f.at(160));
  await f.until(([first]) => first?.toMs !== undefined);

  f.seen(200, { box: boxAt(0.1), name: 'four', unsure: true });
  const [third] = await f.until((found) => found.length === 3 && found[0]?.pictures.length === 4);
  f.seen(204, { box: boxAt(0.1), name: 'four', unsure: false });
  f.duty.ended('front', 'four', f.at(205));
  f.world.clock.set(f.at(260));
  await f.until((found) => found.every(({ toMs }) => toMs !== undefined));
  t.strictSame(await untilText(f, third!.id, ({ unsure }) => unsure === undefined), { zones: ['path'] }, 'no doubt any more');
  await f.duty.close();
  await f.vault.close();
});

t.test('the pictures are those of when the visit was seen best, as far as that is still in memory', async (t) => {
  const asked: number[] = [];
  let none = false;
  const f: Fixture = await fixture(t, {
    pictures: async (_, atMs) => {
      // In the time of the test's clock, by seconds since the beginning.
      const second = Math.round((atMs - f.world.clock.monotonicMs() + f.world.clock.wallMs() - f.at(0)) / 1000);
      asked.push(second);
      const made = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(500, second), Buffer.from([0xff, 0xd9])]);
      return none ? undefined : { full: Buffer.from(made), crop: undefined, thumb: Buffer.from(made) };
    },
  });
  const best = (second: number, worth: number): Observed['best'] & object => ({ atMs: f.at(second), box: boxAt(0.2), worth });
  const shows = async (id: string): Promise<number> => (await opened(f, id, 'full'))[100] as number;
  f.seen(10, { best: best(10, 0.3) });
  const [row] = await f.until(([first]) => first?.pictures.length === 3);
  t.equal(await shows(row!.id), 10);
  f.seen(12, { best: best(12, 0.4) });
  f.seen(13, { best: best(13, 0.6) });
  f.seen(14, { best: best(13, 0.6) });
  t.strictSame(asked, [10], 'a better one waits for one that is better still');
  f.seen(17.5, { best: best(13, 0.6) });
  while (await shows(row!.id) !== 13) await new Promise((resolve) => { setImmediate(resolve); });
  t.strictSame(asked, [10, 13], 'but not until it is out of the memory');
  f.seen(20, { best: best(20, 0.5) });
  f.seen(26, { best: best(20, 0.5) });
  t.strictSame(asked, [10, 13], 'what is worse is not taken');
  f.seen(27, { best: best(27, 0.7) });
  f.duty.ended('front', 'one', f.at(28));
  while (await shows(row!.id) !== 27) await new Promise((resolve) => { setImmediate(resolve); });
  t.strictSame(asked, [10, 13, 27], 'at the visit\'s end nothing better can come');
  t.strictSame(await textOf(f, row!.id), { zones: [] });

  f.seen(29, { name: 'two', best: best(29, 0.1) });
  none = true;
  f.seen(30, { name: 'two', best: best(30, 0.9) });
  f.duty.ended('front', 'two', f.at(31));
  while (asked.length < 4) await new Promise((resolve) => { setImmediate(resolve); });
  await f.duty.close();
  t.equal(await shows(row!.id), 27, 'where nothing came of it, what there was stays');
  t.equal(f.duty.state.withoutPictures, 0);
  await f.vault.close();
});

t.test('a file of pictures that another program has locked when a better one comes costs the better one, not the first', async (t) => {
  const f = await fixture(t);
  const best = (second: number, worth: number): Observed['best'] & object => ({ atMs: f.at(second), box: boxAt(0.2), worth });
  f.seen(10, { best: best(10, 0.3) });
  const [row] = await f.until(([first]) => first?.pictures.length === 4);
  const other = await openRaw(f.world, 'pictures.db');
  other.exec('BEGIN EXCLUSIVE');
  f.seen(11, { best: best(11, 0.9) });
  f.duty.ended('front', 'one', f.at(12));
  await f.duty.close();
  other.exec('ROLLBACK');
  other.close();
  t.match(await f.rows(), [{ id: row!.id, pictures: { length: 4 }, picturesWhy: '' }]);
  t.strictSame(await opened(f, row!.id, 'full'), jpeg);
  t.equal(f.duty.state.withoutPictures, 0);
  t.match(f.refused, ['SP_PICTURES'], 'it was tried');
  await f.vault.close();
});

t.test('a thousand who come and go within a minute are thirty alarms at most, six of a rule; the others are counted, and nothing waits for them', async (t) => {
  let asked = 0;
  const f = await fixture(t, {
    rules: Array.from({ length: 10 }, (_, index) => ({ ...rule, name: `rule ${index}`, afterMs: 0 })),
    pictures: async () => { asked++; return { full: Buffer.from(jpeg), crop: undefined, thumb: Buffer.from(jpeg) }; },
  });
  // Each is gone for longer than a visit lasts before the next one comes, by the observers' own times.
  for (let index = 0; index < 1000; index++) {
    const second = 10 + index * 0.06;
    f.world.clock.set(f.at(second));
    f.duty.observe({ camera: index % 2 === 0 ? 'front' : 'garden', kind: 'person', by: 'hub', atMs: f.at(second), name: `visit ${index}`, lasts: false, best: { atMs: f.at(second), box: boxAt(0.2), worth: index / 1000 } });
  }
  const { begun, open } = f.duty.state;
  const rung = Object.values(begun).reduce((sum, count) => sum + count, 0);
  t.ok(rung <= 30 && open <= 30 && Object.values(begun).every((count) => count <= 6), JSON.stringify(begun));
  const rows = await f.until((found) => found.length === rung && found.every(({ pictures }) => pictures.length === 3));
  t.equal(rows.length, rung);
  t.ok(asked <= 2 * rung, `pictures were made ${asked} times`);
  await f.segment(60);
  t.equal(f.duty.state.failed, 0);
  await f.duty.close();
  await f.vault.close();
});

t.test('what was closed too long ago is not held, and the row says why', async (t) => {
  const { vault, duty, world, seen, segment, until, at, rows } = await fixture(t);
  await segment(0);
  // Told late: the camera's word about a moment of which the hub has no key any more.
  world.clock.set(at(60 + 121));
  seen(181, { atMs: at(50), lasts: false });
  await until((found) => found.length === 1);
  world.clock.set(at(181 + 400));
  await until(([row]) => row?.footageWhy !== '');
  t.match(await rows(), [{ segments: 0, footageWhy: /too late: the hub had no key/ }]);
  t.equal(duty.state.notHeld, 1);
  await duty.close();
  await vault.close();
});

t.test('a disk that refuses does not cost the footage while its key is there, and one without an owner costs the alarm, which is counted', async (t) => {
  let refusals = 2;
  const { vault, duty, seen, segment, until } = await fixture(t, {
    vault: (real) => ({ holdForAlarm: (...args) => (refusals-- > 0 ? Promise.reject(new SallyportError('SP_DISK', { folder: 'x', reason: 'test' })) : real.holdForAlarm(...args)) }),
  });
  seen(10);
  await segment(0);
  await until(([row]) => row?.segments === 1);
  t.ok(refusals < 0);
  await duty.close();
  await vault.close();

  const alone = await fixture(t, { recipients: [] });
  alone.seen(10);
  while (alone.duty.state.failed === 0) await new Promise((resolve) => { setImmediate(resolve); });
  t.same(await alone.rows(), []);
  await alone.duty.close();
  await alone.vault.close();
});

t.test('cameras\' own events have the same rank, moments too; what is too much is counted and recorded all the same', async (t) => {
  const { vault, duty, plan, world, until, at } = await fixture(t, { rules: Array.from({ length: 40 }, (_, index) => ({ ...rule, name: `rule ${index}` })) });
  world.clock.set(at(10));
  duty.changed('front', [{ kind: 'doorbell', source: '', fromMs: at(10), toMs: at(10) }, { kind: 'motion', source: '', fromMs: at(10), toMs: undefined }]);
  const found = await until((rows) => rows.length === 30 && rows.every(({ pictures }) => pictures.length === 3));
  t.ok(found.every(({ kind }) => kind === 'doorbell'));
  t.equal(Object.values(duty.state.suppressed).reduce((sum, count) => sum + count, 0), 10);
  t.equal(plan.unwanted({ wallMs: at(10), monotonicMs: world.clock.monotonicMs() }), undefined);
  t.equal(duty.state.open, 30);
  await duty.close();
  t.ok((await vault.alarms(always)).every(({ toMs }) => toMs !== undefined), 'a hub that stops ends what is open');
  await vault.close();
});

t.test('an alarm that was open when the hub was killed has an end at the next start, and says what became of its footage', async (t) => {
  let killed = false;
  const nothing = (): Promise<never> => Promise.reject(new SallyportError('SP_STOPPED', { what: 'the hub' }));
  const { vault, duty, world, seen, until, at } = await fixture(t, { vault: () => (killed ? { endAlarm: nothing, noteAlarmFootage: nothing, putSetting: nothing } : {}) });
  seen(10);
  await until(([row]) => row?.pictures.length !== 0);
  world.clock.set(at(40));
  // Whatever a hub that ends would write does not get there any more.
  while (((await vault.setting('alarms open')) as unknown[] | undefined)?.length !== 1) await new Promise((resolve) => { setImmediate(resolve); });
  killed = true;
  await duty.close();
  await vault.close();
  world.clock.set(at(300));
  const again = await fixture(t, { world });
  const [row] = await again.until(([first]) => first?.footageWhy !== '');
  t.match(row, { fromMs: at(10), segments: 0, footageWhy: /the hub ended while it was open/ });
  t.ok((row?.toMs ?? 0) >= at(10));
  t.equal(again.duty.state.open, 0);
  await again.duty.close();
  await again.vault.close();
});

t.test('a hub without an alarm writes nothing of alarms, neither when it starts nor when it ends; one that had some leaves none behind', async (t) => {
  let writes = 0;
  const counting = (real: Vault): Partial<AlarmsOptions['vault']> => ({ putSetting: (...args) => { writes++; return real.putSetting(...args); } });
  const { vault, duty, world } = await fixture(t, { vault: counting });
  await duty.close();
  t.equal(writes, 0);
  await vault.close();
  const again = await fixture(t, { vault: counting, world });
  again.seen(10);
  await again.until(([row]) => row?.pictures.length !== 0);
  await again.duty.close();
  t.same(await again.vault.setting('alarms open'), []);
  t.ok(writes > 1);
  await again.vault.close();
});

t.test('a rule\'s test says what it would have kept of the last day, and why not the rest', async (t) => {
  const { vault, duty, world, at } = await fixture(t);
  world.clock.set(at(3600));
  await vault.noteObservations([
    { camera: 'front', kind: 'person', source: 'hub 1', fromMs: at(100), toMs: at(110) }, { camera: 'front', kind: 'person', source: '', fromMs: at(115), toMs: at(130) },
    { camera: 'front', kind: 'doorbell', source: '', fromMs: at(400), toMs: at(400) }, { camera: 'garden', kind: 'motion', source: '', fromMs: at(500), toMs: at(510) },
    { camera: 'away', kind: 'person', source: '', fromMs: at(600), toMs: at(610) },
  ]);
  const config = hub(3, [camera('front'), camera('garden')], { alarms: [{ ...rule, cameras: ['front', 'garden'], zones: ['x'], enabled: false }] });
  const places = new SeenPlaces(world.clock);
  const list = new AlarmList({ vault, timekeeper: { verdict: undefined }, config: () => config, places, clock: world.clock });
  t.same(await list.test('night'), {
    observations: 5, verdicts: { 'rings': 2, 'without a place': 1, 'another kind': 1, 'another camera': 1 },
    visits: [{ camera: 'front', kind: 'person', fromMs: at(100) }, { camera: 'front', kind: 'doorbell', fromMs: at(400) }], unplaced: 1,
  });
  await t.rejects(list.test('day'), { code: 'SP_ALARM_RULE' });

  // With zones the day is judged as it was lived: by where the hub saw somebody, while it remembers, and never by the camera's own word.
  const seenAt = (name: string, seconds: number, x: number, y: number): void => places.note({ camera: 'front', kind: 'person', by: 'hub', atMs: at(seconds), name: `${name} ${at(0)}`, lasts: true, box: { x, y, width: 0.1, height: 0.1 } });
  await vault.noteObservations([200, 800, 1400].map((seconds, n) => ({ camera: 'front', kind: 'person', source: `hub ${n + 11}`, fromMs: at(seconds), toMs: at(seconds + 60) })));
  seenAt('hub 11', 201, 0, 0.4);
  seenAt('hub 12', 801, 0.8, 0.8);
  seenAt('hub 13', 1401, 0.8, 0.8);
  seenAt('hub 13', 1430, 0, 0.4);
  const zoned = new AlarmList({ vault, timekeeper: { verdict: undefined }, config: () => ({ ...config, zones, alarms: [{ ...rule, zones: ['path'] }] }), places, clock: world.clock });
  const { verdicts, visits, unplaced } = await zoned.test('night');
  t.same([verdicts, unplaced], [{ 'rings': 4, 'another kind': 1, 'without a place': 2, 'outside its zones': 1 }, 1]);
  t.same(visits.filter(({ kind }) => kind === 'person').map(({ fromMs }) => fromMs), [at(100), at(200), at(1400)], 'who comes into the zone later rings, too');

  // With a size, too: who came nearer on the same spot was noted as nearer.
  await vault.noteObservations([{ camera: 'front', kind: 'person', source: 'hub 21', fromMs: at(2000), toMs: at(2060) }]);
  const nearer = (seconds: number, height: number): void => places.note({ camera: 'front', kind: 'person', by: 'hub', atMs: at(seconds), name: `hub 21 ${at(0)}`, lasts: true, box: { x: 0.4, y: 0.9 - height, width: 0.1, height } });
  nearer(2000, 0.1);
  nearer(2001, 0.45);
  const sized = new AlarmList({ vault, timekeeper: { verdict: undefined }, config: () => ({ ...config, alarms: [{ ...rule, sizeLeast: 0.4 }] }), places, clock: world.clock });
  const bySize = await sized.test('night');
  t.same([bySize.verdicts, bySize.unplaced], [{ 'rings': 3, 'another kind': 1, 'without a size': 2, 'too small': 3 }, 1]);
  t.same(bySize.visits.filter(({ kind }) => kind === 'person').map(({ fromMs }) => fromMs), [at(100), at(2000)], 'whose place is not known any more, and who came near');
  world.clock.set(at(2 * 86_400));
  seenAt('hub 14', 2 * 86_400, 0, 0);
  t.same([places.of({ camera: 'front', kind: 'person', source: 'hub 11', fromMs: at(200), toMs: at(260) }), places.of({ camera: 'front', kind: 'person', source: 'hub 14', fromMs: at(2 * 86_400), toMs: undefined }).length], [[], 1], 'what is older than a day is forgotten');
  await duty.close();
  await vault.close();
});
