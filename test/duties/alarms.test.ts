import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { AlarmList } from '../../src/duties/alarmlist.ts';
import { AlarmsDuty, type AlarmsOptions, type Observed } from '../../src/duties/alarms.ts';
import { CameraPlan } from '../../src/duties/recordplan.ts';
import type { AlarmRule } from '../../src/policy/alarmrules.ts';
import { always as everyDay } from '../../src/policy/schedule.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { openWhole } from '../../src/seal/opener.ts';
import type { AlarmRow, Vault } from '../../src/vault/vault.ts';
import { camera, hub } from '../policy/configs.ts';
import { always, begin, hourMs, makeWorld, openVault, prepare, start, type World } from '../vault/world.ts';

const rule: AlarmRule = { name: 'night', kinds: ['person', 'doorbell'], ...everyDay, keepMs: 30 * 24 * hourMs, beforeMs: 5000, afterMs: 20_000, enabled: true };
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(500, 7), Buffer.from([0xff, 0xd9])]);

interface Fixture {
  readonly world: World;
  readonly vault: Vault;
  readonly fileKeys: FileKeys;
  readonly duty: AlarmsDuty;
  readonly plan: CameraPlan;
  /** Seconds since the beginning. */
  at(seconds: number): number;
  seen(seconds: number, more?: Partial<Observed>): void;
  /** A segment of a minute that is closed then, and told. */
  segment(fromSeconds: number): Promise<void>;
  rows(): Promise<AlarmRow[]>;
  until(so: (rows: readonly AlarmRow[]) => boolean): Promise<AlarmRow[]>;
}

async function fixture(t: Test, o: { rules?: readonly AlarmRule[]; vault?: (vault: Vault) => Partial<AlarmsOptions['vault']>; recipients?: readonly string[]; folder?: string; world?: World } = {}): Promise<Fixture> {
  const world = o.world ?? makeWorld(t.testdir());
  const vault = await openVault(world);
  const fileKeys = new FileKeys(world.clock);
  const config = hub(3, [camera('front'), camera('garden')], { alarms: o.rules ?? [rule] });
  const plan = new CameraPlan({ camera: 'front', rules: () => config, clock: world.clock });
  const wrapped = new Proxy(vault, { get: (target, name) => (o.vault?.(vault) as Record<string | symbol, unknown> | undefined)?.[name] ?? bound(target, name) });
  const duty = new AlarmsDuty({
    vault: wrapped, fileKeys, config: () => config, plan: (name) => (name === 'front' ? plan : undefined), recipients: () => o.recipients ?? [world.owner.recipient],
    pictures: async (_, __, about) => ({ full: Buffer.from(jpeg), crop: about === undefined ? undefined : Buffer.from(jpeg), thumb: Buffer.from(jpeg) }), clock: world.clock, log: silentLog,
  });
  duty.start();
  const period = await prepare(vault, world);
  const at = (seconds: number): number => start + seconds * 1000;
  const rows = (): Promise<AlarmRow[]> => vault.alarms(always);
  return {
    world, vault, fileKeys, duty, plan, at, rows,
    seen: (seconds, more = {}) => {
      world.clock.set(at(seconds));
      duty.observe({ camera: 'front', kind: 'person', by: 'hub', atMs: at(seconds), name: 'one', lasts: true, score: 0.75, ...more });
    },
    segment: async (fromSeconds) => {
      const writer = await begin(vault, period, { wallMs: at(fromSeconds) });
      fileKeys.keep(writer.id, writer.takeFileKey());
      writer.append(Buffer.concat([Buffer.from([0, 0, 0, 16]), Buffer.from('moof'), Buffer.alloc(8), Buffer.from([0, 0, 0, 16]), Buffer.from('mdat'), Buffer.alloc(8)]), 0);
      const row = await writer.close({ durationMs: 60_000, reason: 'continuous' });
      world.clock.set(Math.max(world.clock.wallMs(), at(fromSeconds + 60)));
      fileKeys.closed(writer.id);
      duty.sealed('front', { id: writer.id, stream: 'main', startMs: row.startMs, endMs: row.startMs + 60_000 });
    },
    until: async (so) => {
      for (;;) {
        const found = await rows();
        if (so(found)) return found;
        await new Promise((resolve) => { setImmediate(resolve); });
      }
    },
  };
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}

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
  const list = new AlarmList({ vault, timekeeper: { verdict: undefined }, config: () => config, clock: world.clock });
  t.same(await list.test('night'), {
    observations: 5, verdicts: { 'rings': 3, 'another kind': 1, 'another camera': 1 },
    visits: [{ camera: 'front', kind: 'person', fromMs: at(100) }, { camera: 'front', kind: 'doorbell', fromMs: at(400) }],
  });
  await t.rejects(list.test('day'), { code: 'SP_ALARM_RULE' });
  await duty.close();
  await vault.close();
});
