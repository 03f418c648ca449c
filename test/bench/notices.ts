/**
 * How long an alarm takes to a phone's service and to a broker of the home: from its being observed, through its row in the vault, the order in the outbox and the
 * courier in its own process, to a server on this machine that takes ntfy's messages, and to Debian's mosquitto. The peers are curl and mosquitto_pub, which
 * say the same to the same two, and keep nothing.
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { dayMs } from '../../src/base/units.ts';
import { HomeStateDuty } from '../../src/duties/homestate.ts';
import { Ledger } from '../../src/duties/ledger.ts';
import { NotifyDuty } from '../../src/duties/notify.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Vault } from '../../src/vault/vault.ts';
import { makeHome, startCourier } from '../courier/kit.ts';
import { Listener, publish, startBroker } from '../courier/mosquitto.ts';
import { benchOptions, figure, inFolder, quantile, report } from './measure.ts';

const options = benchOptions({ runs: 40, smokeRuns: 5, seconds: 1, smokeSeconds: 1 });
const times = { phone: [] as number[], broker: [] as number[], curl: [] as number[], pub: [] as number[] };

await inFolder(options, async (folder) => {
  let bodies = 0;
  let came: () => void = () => {};
  const sink = createServer((request, response) => {
    request.resume();
    request.on('end', () => { bodies++; response.end('{}'); came(); });
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  const said = async (count: number): Promise<number> => {
    while (bodies < count) await new Promise<void>((resolve) => { came = resolve; });
    return performance.now();
  };
  mkdirSync(join(folder, 'broker'));
  const broker = await startBroker(join(folder, 'broker'));
  const home = makeHome(folder, [{ name: 'phone', kind: 'ntfy', url, group_seconds: 0, per_hour: 1000 }, { name: 'home', kind: 'mqtt', url: `mqtt://127.0.0.1:${broker.port}` }], { 'phone.topic': 'a-topic' });
  const vault = await Vault.open({ folder: join(folder, 'data'), clock: systemClock, log: silentLog, hubName: 'Bench' });
  const owner = Identity.generate();
  const cameras = Array.from({ length: options.runs + 1 }, (_, n) => ({ id: `camera-of-${n}`, space: 'home', alias: `c${n}` }));
  const rooms = { vault, clock: systemClock, log: silentLog, destinations: () => [{ name: 'phone', kind: 'ntfy' as const }, { name: 'home', kind: 'mqtt' as const, kinds: ['person' as const] }], cameras: () => cameras };
  const ledger = new Ledger({ vault, folder: home.outbox, clock: systemClock, log: silentLog, purposeOf: () => '', auditMs: () => dayMs });
  const notify = new NotifyDuty({ ...rooms, outbox: ledger, everyDestination: () => [], notices: { raise: () => {}, settle: () => {}, tell: () => {} } });
  const state = new HomeStateDuty({ ...rooms, outbox: ledger, numbers: () => notify.numbers, status: () => ({ online: true, sealedMs: undefined }), isPrivate: () => false, places: async () => [] });
  ledger.onAnswer((answer, order) => { notify.answered(order, answer); state.answered(order, answer); });
  await ledger.open();
  for (const duty of [ledger, notify, state]) duty.start();
  const courier = await startCourier(home);
  const door = { port: broker.port };
  const listener = await Listener.open(door);
  try {
    for (const { alias } of cameras) await listener.until(({ topic }) => topic === `sallyport/${alias}/state`);
    for (const [n, { id, alias }] of cameras.entries()) {
      const beganMs = performance.now();
      const shown = listener.until(({ topic, payload }) => topic === `sallyport/${alias}/state` && payload.includes('"person":"ON"')).then(() => performance.now());
      state.appeared({ camera: id, kind: 'person', name: 'x', lasts: true });
      const alarm = await vault.openAlarm({ camera: id, rule: 'Anybody', kind: 'person', atMs: Date.now(), keepMs: dayMs, recipients: [owner.recipient], scorePm: 900 });
      const told = said(bodies + 1);
      notify.rang({ camera: id, kind: 'person', atMs: Date.now(), id: alarm.id });
      const [phoneMs, brokerMs] = [await told, await shown];
      // The first of them makes the day's key.
      if (n === 0) continue;
      times.phone.push(phoneMs - beganMs);
      times.broker.push(brokerMs - beganMs);
      const [curled, posted] = [performance.now(), said(bodies + 1)];
      await run('curl', ['-s', '-o', '/dev/null', '-d', '{"topic":"a-topic","message":"person, camera-1, 14:32 UTC"}', url]);
      times.curl.push(await posted - curled);
      const published = performance.now();
      const heard = listener.until(({ topic }) => topic === `peer/${alias}`);
      await publish(door, `peer/${alias}`, '{"person":"ON"}');
      await heard;
      times.pub.push(performance.now() - published);
    }
  } finally {
    await courier.stop();
    await listener.close();
    for (const duty of [state, notify, ledger]) await duty.close();
    await vault.close();
    await broker.kill();
    sink.closeAllConnections();
    sink.close();
  }
});

report('an alarm outside', [
  figure('alarm to the phone\'s service', 'ms', times.phone, { peer: 'curl', values: times.curl }),
  figure('alarm to the broker', 'ms', times.broker, { peer: 'mosquitto_pub', values: times.pub }),
], options, [
  `95th percentile: ${quantile(times.phone, 0.95).toFixed(0)} ms to the phone's service (curl ${quantile(times.curl, 0.95).toFixed(0)}), ${quantile(times.broker, 0.95).toFixed(0)} ms to the broker (mosquitto_pub ${quantile(times.pub, 0.95).toFixed(0)})`,
]);
