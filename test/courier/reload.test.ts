/** The courier follows its file of destinations, and says how it is. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { readCourierStatus, type CourierStatus } from '../../src/outbox/courierstatus.ts';
import { sealedText } from '../outbox/world.ts';
import { declare, HubSide, makeHome, startCourier, type Home } from './kit.ts';

async function statusOf(home: Home, look: (status: CourierStatus) => boolean): Promise<CourierStatus> {
  for (;;) {
    const status = await readCourierStatus(join(home.outbox, 'back'));
    if (status !== undefined && look(status)) return status;
    await systemClock.sleep(50);
  }
}

t.test('other destinations end it with status 0, and started again it serves them; a wrong file changes nothing and is told', { timeout: 120_000 }, async (t) => {
  const folder = t.testdir({ one: {}, two: {} });
  const disk = (name: string) => ({ name, kind: 'folder', path: join(folder, name), mount: false });
  const home = makeHome(folder, [disk('one')]);
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const first = await statusOf(home, () => true);
  t.match(first, { odd: 0, destinations: [{ name: 'one', waiting: 0, notices: false, off: [] }] });

  writeFileSync(home.config, '{"v":1,"destinations":[{"name":"two"}]}');
  const wrong = await statusOf(home, ({ config_error: error }) => error !== undefined);
  t.match(wrong, { config_error: /kind/, config_sha256: first.config_sha256 });
  const { name } = await hub.outbox.put(sealedText('a'.repeat(5000)), { to: 'one', class: 'segment' });
  t.match(await hub.answerTo(name), { outcome: 'done' }, 'the destinations before are served');
  t.type((await statusOf(home, ({ destinations: [one] }) => one?.last_ok_ms !== undefined)).destinations[0]?.last_ok_ms, 'number');

  // The hub places an order as soon as there is an owner's yes, and this courier does not know of it yet.
  const early = await hub.outbox.put(sealedText('e'.repeat(5000)), { to: 'two', class: 'segment' });
  await hub.outbox.put(sealedText('f'.repeat(5000)), { to: 'one', class: 'segment' }).then(({ name: after }) => hub.answerTo(after));
  declare(home, [disk('one'), disk('two')]);
  t.same(await courier.child.exited, { status: 0, signal: null });
  t.match(await courier.said('to begin anew'), /has stopped/);
  const again = await startCourier(home);
  t.teardown(() => again.stop());
  const second = await hub.outbox.put(sealedText('b'.repeat(5000)), { to: 'two', class: 'segment' });
  t.match(await hub.answerTo(second.name), { outcome: 'done' });
  t.match(await hub.answerTo(early.name), { outcome: 'done' }, 'what was ordered a moment before its destination was known');
  const now = await statusOf(home, ({ destinations }) => destinations.length === 2);
  t.not(now.config_sha256, first.config_sha256);
  t.equal(now.config_error, undefined);

  again.child.kill('SIGHUP');
  t.same(await again.child.exited, { status: 0, signal: null }, 'SIGHUP: credentials may be others');
});

t.test('a destination that cannot be reached is told with its code, and when it is tried again', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const home = makeHome(folder, [{ name: 'gone', kind: 'folder', path: join(folder, 'gone'), mount: false }]);
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  await hub.outbox.put(sealedText('c'.repeat(5000)), { to: 'gone', class: 'segment' });
  const status = await statusOf(home, ({ destinations: [one] }) => one?.last_error !== undefined && one.retry_ms !== undefined);
  t.match(status.destinations[0], { waiting: 1, last_error: { code: 'SP_FAR_UNREACHABLE' } });
});

t.test('a status that is none is refused', async (t) => {
  const back = join(t.testdir(), 'back');
  mkdirSync(back);
  t.equal(await readCourierStatus(back), undefined);
  for (const odd of ['', '[]', '{}', 'x'.repeat(70_000), '{"v":2}']) {
    writeFileSync(join(back, 'status.json'), odd);
    await t.rejects(readCourierStatus(back), { code: /^SP_(OUTBOX_FILE|READ)$/ }, odd.slice(0, 10));
  }
  t.ok(readFileSync(join(back, 'status.json')).length > 0);
});
