import t, { type Test } from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { dayMs, minuteMs } from '../../src/base/units.ts';
import { Notices } from '../../src/duties/notices.ts';
import { observationsPerDayMax, Observer, type ObserverOptions } from '../../src/duties/observe.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { eventCamera, hold, motion, PausedClock, sendPulled, waitThenSend, type Script } from '../cameras/eventcamera.ts';
import { password, sendFault, startMs } from '../cameras/farend.ts';
import { makeWorld, openVault } from '../vault/world.ts';

interface Scene {
  readonly vault: Vault;
  readonly clock: PausedClock;
  readonly notices: Notices;
  readonly observer: Observer;
  rows(): Promise<string[]>;
}

/** An observer of a scripted camera with a real vault, from its start until `deed` is done. */
async function observe(t: Test, script: (clock: PausedClock) => Script, deed: (scene: Scene) => Promise<void>, o: { vault?: (vault: Vault) => ObserverOptions['vault']; before?: (vault: Vault) => Promise<void>; online?: boolean } = {}): Promise<void> {
  const clock = new PausedClock();
  const vault = await openVault(makeWorld(t.testdir()));
  await o.before?.(vault);
  const far = await eventCamera(t, clock, script(clock));
  const notices = new Notices({ vault, clock, log: silentLog });
  const observer = new Observer({
    camera: 'garden', address: { host: far.host, port: far.port, path: '/onvif/device_service' }, user: 'ad<min', password: new Secret(password),
    vault: o.vault?.(vault) ?? vault, notices, clock, log: silentLog, random: () => 0.999, online: () => o.online ?? true,
  });
  const rows = async (): Promise<string[]> => (await vault.observations({ fromMs: startMs - minuteMs, toMs: startMs + 2 * dayMs, limit: 100 })).map(({ camera, kind, source, fromMs, toMs }) =>
    `${camera} ${kind} ${source} ${(fromMs - startMs) / 1000}-${toMs === undefined ? '' : (toMs - startMs) / 1000}`);
  observer.start();
  try {
    await deed({ vault, clock, notices, observer, rows });
  } finally {
    await observer.close('hub stopped');
    await notices.close();
    await vault.close();
  }
}

t.test('what a camera says is a row when it begins, and has its end when the camera says so', async (t) => {
  const [lasting, over] = [hold(), hold()];
  let goOn = (): void => {};
  await observe(t, (clock) => ({ pull: (asked, count) => {
    if (count === 1) waitThenSend(asked, clock, motion('true'));
    else if (count === 2) {
      goOn = () => waitThenSend(asked, clock, motion('false'));
      lasting.here();
    } else over.here();
  } }), async ({ rows, observer, clock }) => {
    await lasting.reached;
    t.same(await rows(), ['garden motion 000 20-']);
    t.match(observer.status, { state: { kind: 'working' }, lastMs: startMs + 20_000, observed: { motion: 1 }, lost: 0, pulls: 1 });
    goOn();
    await over.reached;
    t.same(await rows(), ['garden motion 000 20-40']);
    t.equal(clock.nowMs, startMs + 40_000);
  });
});

t.test('what lasts when the camera is lost ends when it was heard last', async (t) => {
  await observe(t, (clock) => ({ pull: (asked, count) => {
    if (count === 1) waitThenSend(asked, clock, motion('true'));
    else {
      clock.nowMs += 7_000;
      sendFault(asked, 'ResourceUnknown', 'gone');
    }
  } }), async ({ rows, clock }) => {
    await clock.pause();
    t.same(await rows(), ['garden motion 000 20-20']);
  });
});

t.test('what lasts when the hub stops ends then, and what a killed hub left open is ended at the start', async (t) => {
  const lasting = hold();
  const left = { camera: 'garden', kind: 'input', source: '1', fromMs: startMs - 9000, toMs: undefined };
  await observe(t, (clock) => ({ pull: (asked, count) => (count === 1 ? waitThenSend(asked, clock, motion('true')) : lasting.here()) }), async ({ rows, observer }) => {
    await lasting.reached;
    t.same(await rows(), ['garden input 1 -9--9', 'garden motion 000 20-']);
    await observer.close('hub stopped');
    t.same((await rows())[1], 'garden motion 000 20-20');
  }, { before: (vault) => vault.noteObservations([left]) });
});

t.test('what the disk does not take waits for it, in order, and nothing of it reaches the camera\'s loop', async (t) => {
  let refuses = true;
  const end = hold();
  const failing = (vault: Vault): ObserverOptions['vault'] => ({
    beginObserving: async (camera, sinceMs) => (refuses ? Promise.reject(new SallyportError('SP_DISK', { folder: 'x', reason: 'away' })) : vault.beginObserving(camera, sinceMs)),
    noteObservations: async (rows) => (refuses ? Promise.reject(new SallyportError('SP_DISK', { folder: 'x', reason: 'away' })) : vault.noteObservations(rows)),
  });
  await observe(t, (clock) => ({ pull: (asked, count) => {
    if (count <= 2) return waitThenSend(asked, clock, motion(count === 1 ? 'true' : 'false'));
    refuses = false;
    if (count === 3) waitThenSend(asked, clock);
    else end.here();
  } }), async ({ rows, observer }) => {
    await end.reached;
    t.same(await rows(), ['garden motion 000 20-40']);
    t.match(observer.status, { lost: 0, pulls: 3, observed: { motion: 1 } });
  }, { vault: failing });
});

t.test('a camera that observes without end is bounded by the day: the rest is dropped, counted and told, until the next day', async (t) => {
  const [full, again] = [hold(), hold()];
  let goOn = (): void => {};
  const day = Math.floor(startMs / dayMs) * dayMs;
  const many = Array.from({ length: observationsPerDayMax - 1 }, (_, index) => ({ camera: 'garden', kind: 'line', source: '', fromMs: day + index, toMs: day + index }));
  await observe(t, (clock) => ({ pull: (asked, count) => {
    if (count <= 4) waitThenSend(asked, clock, motion(count % 2 === 1 ? 'true' : 'false'));
    else if (count === 5) {
      goOn = () => { clock.nowMs += dayMs; sendPulled(asked, motion('true')); };
      full.here();
    } else again.here();
  } }), async ({ rows, observer, notices }) => {
    await full.reached;
    t.same(await rows(), ['garden motion 000 20-40'], 'the first has its end, the second is no row at all');
    t.match(observer.status, { lost: 1, observed: { motion: 1 } });
    t.match(notices.open, [{ kind: 'too many events', camera: 'garden' }]);
    goOn();
    await again.reached;
    t.equal((await rows()).length, 2);
    t.same(notices.open, []);
  }, { before: (vault) => vault.noteObservations(many) });
});

t.test('events that do not come for minutes while pictures do ring, and stop ringing with the next answer', async (t) => {
  let answers = 0;
  const end = hold();
  const script = (clock: PausedClock): Script => ({ pull: (asked, count) => {
    if (answers > 1) end.here();
    if (answers > 0 || count === 1) waitThenSend(asked, clock);
    else sendFault(asked, 'ResourceUnknown', 'no such thing');
    if (answers > 0) answers++;
  } });
  const goOnFor = async (clock: PausedClock, ms: number): Promise<void> => {
    for (let passedMs = 0; passedMs < ms;) passedMs += await clock.pause();
  };
  await observe(t, script, async ({ notices, clock }) => {
    await goOnFor(clock, 10 * minuteMs);
    t.match(notices.open, [{ kind: 'events stuck', camera: 'garden', detail: 'it answers PullMessages with "no such thing"' }]);
    answers = 1;
    // The next try is under way already, or comes after one more pause.
    await Promise.race([clock.pause(), end.reached]);
    await end.reached;
    t.same(notices.open, []);
  });
  answers = 0;
  await observe(t, script, async ({ notices, clock }) => {
    await goOnFor(clock, 10 * minuteMs);
    t.same(notices.open, [], 'of a camera that is away, nobody misses them');
  }, { online: false });
});
