import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { silentLog } from '../../../src/base/log.ts';
import { launch } from '../../../src/base/spawn.ts';
import { Emulator } from '../../../src/emulator/emulator.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { firstAddress } from '../kit/faultsite.ts';
import type { SoakOrder, SoakSample } from '../kit/soakdriver.ts';

const cameras = 4;
/** A camera that fails is tried once a minute at most, so 60 reconnects are an hour of the worst camera. */
const reconnectsAnHour = 60;
const growthBytesMax = 2 ** 20;

const soak: FaultCase = {
  id: 'R17',
  fault: 'streams that end again and again: 2,000 connects and reconnects of four cameras, each opened, recorded and sealed anew (quick: 60)',
  expected: 'file descriptors +0, zombies 0, memory (without what V8 sets aside for young objects) grows by less than 1 MB an hour, where 60 reconnects are an hour of a camera that fails as fast as it is let',
  limitMs: { quick: 240_000, all: 535_000 },
  async run(o) {
    const emulator = await Emulator.start({ cameras, firstAddress: firstAddress(o), seconds: 2, log: silentLog, discovery: false, folder: join(o.folder, 'scenes') });
    try {
      for (const camera of emulator.cameras) camera.quirks.endsAfterMs = 700;
      const samples = await drive(o, {
        folder: join(o.folder, 'data'), reconnects: o.quick ? 60 : 2000, sampleEvery: o.quick ? 10 : 100,
        urls: emulator.cameras.map(({ address, rtspPort, user, password }) => `rtsp://${user}:${password}@${address}:${rtspPort}/main`),
      });
      return judge(o, samples);
    } finally {
      await emulator.close();
    }
  },
};

async function drive(o: FaultRun, order: SoakOrder): Promise<SoakSample[]> {
  const samples: SoakSample[] = [];
  const errors: string[] = [];
  const child = await launch(process.execPath, ['--disable-warning=ExperimentalWarning', '--expose-gc', join(import.meta.dirname, '../kit/soakdriver.ts'), JSON.stringify(order)], { onErrorLine: (line) => errors.push(line) });
  o.signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  for await (const line of createInterface({ input: child.stdout })) {
    const sample = JSON.parse(line) as SoakSample;
    samples.push(sample);
    o.say(`${String(sample.reconnects).padStart(5)} reconnects  ${mb(sample.rssBytes)} MB resident  ${mb(sample.heapBytes)} heap  ${mb(sample.externalBytes)} outside it  ${mb(sample.youngBytes)} for what is young  ${sample.fds} descriptors  ${sample.zombies} zombies  ${sample.segments} segments`);
  }
  const { status } = await child.exited;
  if (status !== 0) throw new Error(`the soak's process ended with ${status}: ${errors.slice(-5).join(' | ')}`);
  return samples;
}

function judge(o: FaultRun, samples: readonly SoakSample[]): Awaited<ReturnType<FaultCase['run']>> {
  // What the first tries load, and what the caches of SQLite take once, is no growth; what V8 sets aside for what is young is not held.
  const settled = samples.slice(Math.ceil(samples.length / 4), -1);
  const [first, last] = [settled[0], samples.at(-1)];
  if (first === undefined || last === undefined || settled.length < 2) return { injected: 0, lost: '', recoveryMs: [], problems: ['too few measurements'] };
  const slope = slopeOf(settled.map(({ reconnects, rssBytes, youngBytes }) => [reconnects, rssBytes - youngBytes])) * reconnectsAnHour;
  const fds = (settled.at(-1)?.fds ?? 0) - first.fds;
  const problems = [
    ...(samples.some(({ zombies }) => zombies > cameras) ? ['zombies stay'] : []),
    ...(last.zombies > 0 ? [`${last.zombies} zombies at the end`] : []),
    // While it runs, up to four ffmpegs with three pipes each are open or not.
    ...(fds > cameras * 3 ? [`${fds} more file descriptors`] : []),
    ...(last.fds > first.fds ? [`${last.fds - first.fds} more file descriptors at the end than at the beginning`] : []),
    ...(last.segments === 0 ? ['nothing was sealed'] : []),
    // 60 reconnects are too few to tell a leak of this size from the noise.
    ...(!o.quick && slope > growthBytesMax ? [`resident memory grows by ${mb(slope)} MB an hour`] : []),
  ];
  return {
    injected: last.reconnects, lost: `0; ${last.segments} segments sealed`, recoveryMs: [], problems,
    figures: { 'descriptors': `${first.fds} → ${last.fds}`, 'zombies': last.zombies, 'resident, MB': `${mb(first.rssBytes)} → ${mb(last.rssBytes)}`, 'of it for what is young, MB': `${mb(first.youngBytes)} → ${mb(last.youngBytes)}`, 'slope, MB an hour': mb(slope), 'an hour is': `${reconnectsAnHour} reconnects` },
  };
}

/** Least squares, bytes a reconnect. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return under === 0 ? 0 : over / under;
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2);
}

export default soak;
