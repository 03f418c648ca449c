import t, { type Test } from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Notices } from '../../src/duties/notices.ts';
import { NotifyDuty } from '../../src/duties/notify.ts';
import type { OrderOf } from '../../src/outbox/orders.ts';
import { Outbox } from '../../src/outbox/out.ts';
import type { NoticeDestination } from '../../src/policy/telling.ts';
import { StillClock } from '../cameras/farend.ts';

interface World {
  readonly duty: NotifyDuty;
  readonly notices: Notices;
  readonly outbox: Outbox;
  readonly clock: StillClock;
  readonly stored: Map<string, unknown>;
  readonly state: { full: boolean; broken: boolean; names: string[]; cameras: { id: string; alias?: string }[] };
  orders(): OrderOf<'notice'>[];
  /** Turns until it holds. */
  until(done: () => boolean): Promise<void>;
}

const phone: NoticeDestination = { name: 'phone', kind: 'ntfy' };

async function hub(t: Test, folder: string, o: { destinations?: readonly NoticeDestination[]; stored?: Map<string, unknown>; clock?: StillClock } = {}): Promise<World> {
  const clock = o.clock ?? new StillClock();
  const stored = o.stored ?? new Map<string, unknown>();
  const state = { full: false, broken: false, names: (o.destinations ?? [phone]).map(({ name }) => name), cameras: [{ id: 'front' }, { id: 'garden', alias: 'north' }] };
  const outbox = await Outbox.open({ folder, clock });
  const failing = (): void => {
    if (state.broken) throw new SallyportError('SP_DATABASE', { reason: 'it is locked' });
  };
  const vault = {
    setting: async (name: string) => { failing(); return stored.get(name) as never; },
    putSetting: async (name: string, value: unknown) => { failing(); stored.set(name, JSON.parse(JSON.stringify(value))); },
    alarmPicture: async (alarm: string): Promise<never> => { throw new SallyportError('SP_ALARM', { alarm, reason: 'it has no such picture' }); },
  };
  const duty: NotifyDuty = new NotifyDuty({
    vault, clock, log: silentLog, destinations: () => o.destinations ?? [phone], everyDestination: () => state.names, cameras: () => state.cameras,
    notices: { raise: (kind, detail, camera) => notices.raise(kind, detail, camera), settle: (kind, camera) => notices.settle(kind, camera), tell: (kind, detail, camera) => notices.tell(kind, detail, camera) },
    outbox: {
      get orders() { return outbox.orders; },
      notice: async (to, notice) => {
        if (state.full) throw new SallyportError('SP_OUTBOX_FULL', { reason: '4096 orders wait already' });
        return outbox.notice(to, notice);
      },
    },
  });
  const notices = new Notices({ vault: { audit: async () => {} }, clock, log: silentLog, onRaised: (kind, camera) => duty.raised(kind, camera), onSettled: (kind, camera) => duty.settled(kind, camera), onTold: ({ kind, camera }) => duty.told(kind, camera) });
  duty.start();
  t.teardown(() => duty.close());
  return {
    duty, notices, outbox, clock, stored, state,
    orders: () => [...outbox.orders.values()].filter((order): order is OrderOf<'notice'> => order.order === 'notice'),
    until: async (done) => { while (!done()) await new Promise((resolve) => setImmediate(resolve)); },
  };
}

t.test('what is raised, what is over, and what rings goes to each destination that is to hear of it: a kind, an alias, a time, a number, and nothing else', async (t) => {
  const { duty, notices, clock, until, orders } = await hub(t, t.testdir(), { destinations: [phone, { name: 'hook', kind: 'webhook', kinds: ['person'] }] });
  notices.raise('recording stopped', 'no key frame of Anna\'s room', 'front');
  notices.raise('recording stopped', 'still none', 'front');
  duty.rang({ camera: 'garden', kind: 'person', atMs: clock.nowMs, id: '20260309T10-garden-0a0b' });
  await until(() => orders().length === 3);
  notices.settle('recording stopped', 'front');
  await until(() => orders().length === 4);
  t.same(orders().map(({ to, kind, camera, over }) => [to, kind, camera, over]), [
    ['phone', 'recording stopped', 'camera-1', undefined], ['phone', 'person', 'north', undefined], ['hook', 'person', 'north', undefined], ['phone', 'recording stopped', 'camera-1', true],
  ]);
  t.equal(orders()[0]?.id, orders()[3]?.id, 'the end has its beginning\'s number');
  t.equal(orders()[1]?.id, orders()[2]?.id);
  t.notMatch(JSON.stringify(orders()), /Anna|garden|front|0a0b/, 'no name, no id of ours, no detail');
});

t.test('an alarm that was seen late waits for its picture as long as one that was seen at once', async (t) => {
  const { duty, clock, until, orders } = await hub(t, t.testdir(), { destinations: [{ ...phone, picture: true }, { name: 'hook', kind: 'webhook' }] });
  const id = '20260309T10-front-0a0c';
  duty.rang({ camera: 'front', kind: 'person', atMs: clock.nowMs - 30_000, id });
  await until(() => orders().length > 0);
  t.same(orders().map(({ to }) => to), ['hook'], 'who gets no picture hears of it at once');
  duty.pictured(id);
  await until(() => orders().length === 2);
  t.equal(orders()[1]?.to, 'phone');
});

t.test('what the outbox does not take is remembered over a kill, and told once', async (t) => {
  const folder = t.testdir();
  const first = await hub(t, folder);
  first.state.full = true;
  first.notices.raise('disk full', 'none', undefined);
  await first.until(() => (first.stored.get('notify') as { waiting: unknown[] } | undefined)?.waiting.length === 1);
  t.equal(first.orders().length, 0);
  // A hub that is killed closes nothing: its duty is left as it is.
  const second = await hub(t, folder, { stored: first.stored });
  await second.until(() => second.orders().length === 1);
  second.notices.raise('disk full', 'the hub finds it still', undefined);
  second.notices.raise('disk gone', 'and this', undefined);
  await second.until(() => second.orders().length === 2);
  t.same(second.orders().map(({ kind }) => kind), ['disk full', 'disk gone'], 'what lasts over the start is no news');
});

t.test('an order that was placed in the moment of a kill is not placed again', async (t) => {
  const folder = t.testdir();
  const first = await hub(t, folder);
  first.notices.raise('disk full', '', undefined);
  await first.until(() => first.orders().length === 1 && (first.stored.get('notify') as { open: unknown[] } | undefined)?.open.length === 1);
  const { id, at_ms: atMs } = first.orders()[0] as OrderOf<'notice'>;
  // As it stood on the disk between the outbox and the note of it.
  const between = new Map<string, unknown>([...first.stored, ['notify', { v: 1, open: [{ kind: 'disk full', id, at_ms: atMs }], waiting: [{ kind: 'disk full', id, at_ms: atMs, to: ['phone'] }] }]]);
  const second = await hub(t, folder, { stored: between });
  await second.until(() => (second.stored.get('notify') as { waiting: unknown[] }).waiting.length === 0);
  t.equal(second.orders().length, 1);
});

t.test('what stood before a start and is not raised again is over after ten minutes; raised later, it is told anew', async (t) => {
  const folder = t.testdir();
  const first = await hub(t, folder);
  first.notices.raise('disk full', '', undefined);
  await first.until(() => (first.stored.get('notify') as { open: unknown[] } | undefined)?.open.length === 1);
  const second = await hub(t, folder, { stored: first.stored });
  await second.until(() => second.clock.waitsFor(60_000));
  second.clock.nowMs += 11 * 60_000;
  second.clock.pass();
  await second.until(() => second.orders().length === 2);
  t.match(second.orders()[1], { kind: 'disk full', over: true });
  second.notices.raise('disk full', 'again', undefined);
  await second.until(() => second.orders().length === 3);
});

t.test('a database that cannot be read keeps nothing from being told', async (t) => {
  const { notices, state, until, orders } = await hub(t, t.testdir());
  state.broken = true;
  notices.raise('database damaged', 'a page', undefined);
  await until(() => orders().length === 1);
  t.match(orders()[0], { kind: 'database damaged' });
});

t.test('a new destination and a new camera are told of once, those of the first start are not; a destination that refuses is told of until it takes something', async (t) => {
  const { duty, notices, state, until, stored, orders } = await hub(t, t.testdir());
  await until(() => stored.has('destinations known') && stored.has('camera numbers'));
  t.same(orders(), []);
  state.names = ['phone', 'nas'];
  state.cameras = [...state.cameras, { id: 'shed' }];
  duty.nudge();
  await until(() => orders().length === 2);
  t.same(orders().map(({ kind, camera }) => [kind, camera]).toSorted(), [['new camera', 'camera-3'], ['new destination', undefined]]);
  t.same(notices.open, [], 'it happened, and does not last');
  duty.answered({ order: 'put', to: 'nas' }, { outcome: 'failed', code: 'SP_FAR_REFUSED' });
  await until(() => notices.open.length === 1);
  t.match(notices.open[0], { kind: 'destination failing', detail: 'nas: SP_FAR_REFUSED' });
  duty.answered({ order: 'get', to: 'nas' }, { outcome: 'failed', code: 'SP_FAR_MISSING' });
  duty.answered({ order: 'put', to: 'nas' }, { outcome: 'done', code: undefined });
  await until(() => notices.open.length === 0);
  await until(() => orders().length === 4);
  t.same(orders().slice(2).map(({ kind, over }) => [kind, over]), [['destination failing', undefined], ['destination failing', true]]);
});
