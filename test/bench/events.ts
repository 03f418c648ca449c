/**
 * What events cost and how late they are: sixteen emulated cameras (`--cameras N`, each with `--events N` events a run) in a thread of their own, observed by this thread with a
 * real vault beside it. Idle CPU is this thread's alone, as the kernel counts it; the latency goes from telling the camera to the row.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { Observer } from '../../src/duties/observe.ts';
import { Emulator, type EmulatedCamera, type EventKind } from '../../src/emulator/emulator.ts';
import { Vault } from '../../src/vault/vault.ts';
import { benchOptions, figure, inFolder, quantile, report } from './measure.ts';

interface Place extends Pick<EmulatedCamera, 'name' | 'address' | 'onvifPort' | 'user' | 'password'> {}
type Order = { readonly raise: EventKind; readonly on: boolean; readonly camera: number } | { readonly atOnce: boolean } | 'end';

if (isMainThread) await bench();
else await emulate(workerData as { cameras: number; folder: string });

/** The thread of the cameras. */
async function emulate({ cameras, folder }: { cameras: number; folder: string }): Promise<void> {
  const emulator = await Emulator.start({ cameras, firstAddress: `127.${randomInt(10, 251)}.${randomInt(10, 251)}.2`, seconds: 1, discovery: false, log: silentLog, folder });
  parentPort?.on('message', (order: Order) => {
    if (order === 'end') return void emulator.close().then(() => process.exit(0));
    if ('raise' in order) return emulator.cameras[order.camera]?.raise(order.raise, order.on);
    for (const camera of emulator.cameras) camera.quirks.pullsAtOnce = order.atOnce;
  });
  parentPort?.postMessage(emulator.cameras.map(({ name, address, onvifPort, user, password }): Place => ({ name, address, onvifPort, user, password })));
}

async function bench(): Promise<void> {
  const options = benchOptions({ runs: 3, smokeRuns: 1, seconds: 60, smokeSeconds: 10 }, ['cameras', 'events']);
  const cameras = options.number('cameras') ?? 16;
  // Even, so that each run leaves every camera as it found it.
  const eventsPerRun = cameras * 2 * Math.ceil((options.number('events') ?? (options.smoke ? 4 : 20)) / 2);
  const [idle, hasty, pulls, hastyPulls, medians, tails, flood]: number[][] = [[], [], [], [], [], [], []];
  await inFolder(options, async (folder) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { cameras, folder: join(folder, 'scenes') } });
    const tell = (order: Order): void => worker.postMessage(order);
    const places = await new Promise<Place[]>((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
    const vault = await Vault.open({ folder: join(folder, 'data'), clock: systemClock, log: silentLog, hubName: 'bench' });
    let noted: (camera: string) => void = () => {};
    const observers = places.map(({ name, address, onvifPort, user, password }) => new Observer({
      camera: name, address: { host: address, port: onvifPort, path: '/onvif/device_service' }, user, password: new Secret(password),
      vault: { beginObserving: (camera, sinceMs) => vault.beginObserving(camera, sinceMs), noteObservations: (rows) => vault.noteObservations(rows).then(() => noted(rows[0]?.camera ?? '')) },
      notices: { raise: () => {}, settle: () => {} }, clock: systemClock, log: silentLog, random: Math.random, online: () => true,
    }));
    for (const observer of observers) observer.start();
    while (!observers.every(({ status }) => status.state.kind === 'working')) await delay(50);

    const window = async (): Promise<{ cpuPercent: number; pullsPerSecond: number }> => {
      const sum = (): number => observers.reduce((count, { status }) => count + status.pulls, 0);
      const [before, fromMs, pulled] = [process.threadCpuUsage(), performance.now(), sum()];
      await delay(options.seconds * 1000);
      const used = process.threadCpuUsage(before);
      const tookMs = performance.now() - fromMs;
      return { cpuPercent: (used.user + used.system) / 1000 / tookMs * 100, pullsPerSecond: (sum() - pulled) / cameras / tookMs * 1000 };
    };
    const once = (camera: number, on: boolean): Promise<number> => {
      const begunMs = performance.now();
      return new Promise((resolve) => {
        noted = (name) => { if (name === places[camera]?.name) resolve(performance.now() - begunMs); };
        tell({ raise: 'person', on, camera });
      });
    };

    for (let run = 0; run < options.runs; run++) {
      const quiet = await window();
      idle?.push(quiet.cpuPercent);
      pulls?.push(quiet.pullsPerSecond);
      const latencies: number[] = [];
      for (let event = 0; event < eventsPerRun; event++) {
        latencies.push(await once(event % cameras, Math.floor(event / cameras) % 2 === 0));
        // Beyond the pause that follows each answer: a second event within it waits up to 200 ms.
        await delay(300 / cameras);
      }
      medians?.push(quantile(latencies, 0.5));
      tails?.push(quantile(latencies, 0.95));
      // Three at one camera, each as soon as the one before is noted: the pull that brought the second was short, so the third waits out the pause.
      await once(0, true);
      await once(0, false);
      flood?.push(await once(0, true));
      await once(0, false);
      tell({ atOnce: true });
      while (!observers.every(({ status }) => status.state.kind === 'polling')) await delay(200);
      const busy = await window();
      hasty?.push(busy.cpuPercent);
      hastyPulls?.push(busy.pullsPerSecond);
      tell({ atOnce: false });
      while (!observers.every(({ status }) => status.state.kind === 'working')) await delay(200);
    }
    await Promise.all(observers.map((observer) => observer.close('hub stopped')));
    await vault.close();
    tell('end');
    await new Promise((resolve) => worker.once('exit', resolve));
  });
  report(`Events of ${cameras} cameras`, [
    figure('CPU of the thread that observes them, idle', '% of a core', idle ?? []),
    figure('pulls, idle', 'a second per camera', pulls ?? []),
    figure('event to row, p50', 'ms', medians ?? []),
    figure('event to row, p95', 'ms', tails ?? []),
    figure('the third of three events in a row', 'ms', flood ?? []),
    figure('CPU, all cameras answer at once', '% of a core', hasty ?? []),
    figure('pulls, all cameras answer at once', 'a second per camera', hastyPulls ?? []),
  ], options, [`aim: at most 1 % of a core idle; ${eventsPerRun} events a run, windows of ${options.seconds} s; the cameras' own CPU is in another thread`]);
}
