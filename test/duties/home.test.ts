import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { CommandsDuty } from '../../src/duties/commands.ts';
import { HomeStateDuty } from '../../src/duties/homestate.ts';
import { CommandReader, CommandWriter, commandsMax } from '../../src/outbox/commands.ts';
import type { OrderOf } from '../../src/outbox/orders.ts';
import { Outbox } from '../../src/outbox/out.ts';
import type { NoticeDestination } from '../../src/policy/telling.ts';
import { StillClock } from '../cameras/farend.ts';

const broker: NoticeDestination = { name: 'home', kind: 'mqtt', kinds: ['person'], commands: true };
const until = async (done: () => boolean): Promise<void> => { while (!done()) await new Promise((resolve) => setImmediate(resolve)); };

function memory() {
  const stored = new Map<string, unknown>();
  return { stored, setting: async (name: string) => stored.get(name) as never, putSetting: async (name: string, value: unknown) => { stored.set(name, JSON.parse(JSON.stringify(value))); } };
}

t.test('a broker is told how each camera is: at a change, one order at a time, again after some minutes; a camera that is gone is taken back', async (t) => {
  const clock = new StillClock();
  const outbox = await Outbox.open({ folder: t.testdir(), clock });
  const facts = { cameras: [{ id: 'front', space: 'home' }, { id: 'garden', space: 'home', alias: 'north' }], online: true, hidden: false };
  const vault = memory();
  const duty = new HomeStateDuty({
    vault, outbox: { cameraState: (to, state) => outbox.state(to, state), get orders() { return outbox.orders; } }, destinations: () => [broker, { name: 'phone', kind: 'ntfy' }], cameras: () => facts.cameras, numbers: () => ({ front: 1, garden: 2 }),
    status: () => ({ online: facts.online, sealedMs: clock.nowMs }), isPrivate: () => facts.hidden, places: async (camera) => { if (camera === 'garden') return ['t1', 't2']; throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'GetPresets', reason: 'it has none' }); }, clock, log: silentLog,
  });
  duty.start();
  t.teardown(() => duty.close());
  const orders = () => [...outbox.orders].flatMap(([name, order]) => (order.order === 'state' ? [{ name, order }] : []));
  const answer = async (outcome: 'done' | 'failed' = 'done'): Promise<OrderOf<'state'>[]> => {
    const all = orders();
    for (const { name, order } of all) {
      await outbox.settle(name);
      duty.answered(order, { outcome });
    }
    return all.map(({ order }) => order);
  };
  await until(() => orders().length === 2);
  duty.appeared({ camera: 'front', kind: 'person', name: 'x', lasts: true });
  duty.appeared({ camera: 'front', kind: 'motion', name: 'y', lasts: true });
  t.match((await answer()).map(({ camera, online, seen, shown }) => [camera, online, seen, shown]), [['camera-1', true, [], ['person']], ['north', true, [], ['person']]]);
  await until(() => orders().length === 2);
  const second = await answer();
  t.same(second.map(({ camera, seen, places }) => [camera, seen, places]), [['camera-1', ['person'], undefined], ['north', [], 2]], 'what changed meanwhile, as it is now; of motion this broker does not hear');
  t.equal(duty.placeOf('garden', 2), 't2');
  t.equal(duty.placeOf('garden', 3), undefined);
  facts.hidden = true;
  duty.nudge();
  await until(() => orders().length === 2);
  t.match(await answer(), [{ private: true, seen: [] }, { private: true, seen: [] }]);
  duty.nudge();
  await until(() => clock.waitsFor(2000));
  t.same(orders(), [], 'what is as it was is not told again');
  clock.nowMs += 5 * 60_000;
  clock.pass();
  await until(() => orders().length === 2);
  await answer();
  facts.cameras = facts.cameras.slice(0, 1);
  duty.nudge();
  await until(() => orders().length === 1);
  t.match(await answer(), [{ camera: 'north', gone: true }]);
  await until(() => JSON.stringify(vault.stored.get('cameras told of')) === '{"home":["camera-1"]}');
});

async function house(t: Test) {
  const clock = new StillClock();
  const folder = t.testdir();
  const back = join(folder, 'back');
  mkdirSync(join(folder, 'out'));
  const outbox = await Outbox.open({ folder: join(folder, 'out'), clock });
  const writer = await CommandWriter.open(back, clock);
  const vault = memory();
  const did: string[] = [];
  const audit: { what: string; detail?: unknown }[] = [];
  const make = () => {
    const duty = new CommandsDuty({
      reader: new CommandReader(back), outbox, vault: { ...vault, audit: async (entry) => { audit.push(entry); } }, destinations: () => [broker], cameras: () => [{ id: 'front', space: 'home' }], numbers: () => ({ front: 1 }),
      makePrivate: async (space) => { did.push(`private ${space}`); },
      turn: async (camera, place) => { if (place === 9) throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'GotoPreset', reason: 'it has no such place' }); did.push(`${camera} to ${place}`); }, clock, log: silentLog,
    });
    duty.start();
    t.teardown(() => duty.close());
    return duty;
  };
  return { clock, back, outbox, writer, did, audit, make, heard: () => [...outbox.orders.values()].flatMap((order) => (order.order === 'heard' ? [order] : [])) };
}

t.test('an order from outside is done once and answered; what lowers privacy, or cannot be done, is refused, with a line in the audit', async (t) => {
  const { clock, writer, did, audit, make, heard } = await house(t);
  await writer.put({ do: 'privacy', from: 'home', camera: 'camera-1', on: true });
  await writer.put({ do: 'place', from: 'home', camera: 'camera-1', place: 2 });
  await writer.put({ do: 'privacy', from: 'home', camera: 'camera-1', on: false });
  await writer.put({ do: 'place', from: 'home', camera: 'camera-1', place: 9 });
  const duty = make();
  await until(() => heard().length === 4);
  t.same(did, ['private home', 'front to 2']);
  t.same(heard().map(({ camera, outcome, to }) => [to, camera, outcome]), [['home', 'camera-1', 'done'], ['home', 'camera-1', 'done'], ['home', 'camera-1', 'lowers privacy'], ['home', 'camera-1', 'failed']]);
  t.same(audit.map(({ what }) => what), ['command.done', 'command.done', 'command.refused', 'command.refused']);
  // A courier that does not take them away, or a hub that starts anew, does not have them done again.
  await until(() => clock.waitsFor(1000));
  clock.pass();
  await duty.close();
  make();
  await until(() => clock.waitsFor(1000));
  clock.pass();
  await until(() => clock.waitsFor(1000));
  t.equal(did.length, 2);
  t.equal(heard().length, 4);
});

t.test('one that lay there too long, one that is no order, and an old one under a new name come to nothing', async (t) => {
  const { clock, back, writer, did, make, heard } = await house(t);
  await writer.put({ do: 'privacy', from: 'home', camera: 'camera-1', on: true });
  clock.nowMs += 61_000;
  const head = (text: string): string => `${text.padEnd(4095)}\n`;
  const file = (n: number, text: string): void => writeFileSync(join(back, 'commands', `${String(clock.nowMs + n).padStart(15, '0')}-${'ab'.repeat(16)}`), text);
  file(1, head('{"at_ms":1,"camera":"camera-1","do":"privacy","from":"home","on":true,"v":1}'));
  file(2, head(`{"at_ms":${clock.nowMs},"camera":"camera-1","do":"lights","from":"home","v":1}`));
  file(3, `${head(`{"at_ms":${clock.nowMs},"camera":"camera-1","do":"privacy","from":"home","on":true,"v":1}`)}and a body`);
  file(4, head(`{"at_ms":${clock.nowMs},"camera":"camera-1\\u0007","do":"privacy","from":"home","on":true,"v":1}`));
  make();
  await until(() => heard().length === 5);
  t.same(did, []);
  t.same(heard().map(({ outcome }) => outcome).toSorted(), ['stale', 'stale', 'unknown', 'unknown', 'unknown']);
});

t.test('no more wait than a few; a flood fills neither the folder nor the audit', async (t) => {
  const { writer, audit, make, heard, clock, back } = await house(t);
  for (let n = 0; n < commandsMax; n++) t.ok(await writer.put({ do: 'privacy', from: 'home', camera: 'camera-1', on: false }));
  t.notOk(await writer.put({ do: 'privacy', from: 'home', camera: 'camera-1', on: false }), 'dropped');
  make();
  await until(() => heard().length === commandsMax);
  for (const { name } of await new CommandReader(back).scan()) await writer.remove(name);
  for (let n = 0; n < commandsMax; n++) t.ok(await writer.put({ do: 'privacy', from: 'home', camera: 'camera-1', on: false }));
  await until(() => clock.waitsFor(1000));
  clock.pass();
  await until(() => heard().length === 2 * commandsMax);
  t.equal(audit.length, 20, 'beyond it they are counted');
});
