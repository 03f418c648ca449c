import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Lifetime } from '../../../src/base/lifetime.ts';
import { quickConfig, TestSite } from '../../e2e/site.ts';
import { notHere, type FaultCase, type FaultOutcome, type FaultRun } from '../fault.ts';
import { Acknowledged, type AcknowledgedSegment } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { LoopDisk, whyNoDisk } from '../kit/disk.ts';
import { sceneFolder } from '../kit/faultsite.ts';
import { pause, untilAllRecord, untilAllSeal } from '../kit/hub.ts';
import { streamFfmpegs } from '../kit/processes.ts';
import { canTrace, trace, untrace } from '../kit/tracer.ts';

const cameras = 4;
const diskMegabytes = 4096;
/** Of each part: what it takes to begin and to be audited comes on top. */
const partMs = 360_000;
/** What a part hands on to the next. */
const keptName = 'kept.json';
const quickMs = 40_000;
const config = quickConfig({ keep: '1 day' }).replace('period = "10 seconds"', 'period = "1 minute"').replace('cut_after = "2 seconds"', 'cut_after = "5 seconds"');

interface Kept {
  readonly acknowledged: readonly AcknowledgedSegment[];
  readonly password: string;
  readonly ports: readonly { onvif: number; rtsp: number }[];
}

interface Part {
  readonly o: FaultRun;
  readonly site: TestSite;
  readonly disk: LoopDisk;
}

const randomHour: FaultCase = {
  id: 'random-hour',
  fault: 'an hour of 4 cameras, a fault of a random kind every few seconds: hub killed or stopped, power cut, disk failing, slow or refusing, cameras silent or gone, ffmpeg killed or hanging',
  expected: 'at the end `sallyport verify` is clean, every missing second lies in a gap row, and nothing acknowledged is lost',
  limitMs: { quick: 200_000, all: 535_000 },
  parts: 10,
  oneFolder: true,
  run: async (o) => {
    const why = whyNoDisk() ?? await canTrace();
    if (why !== undefined) return notHere(why);
    const life = new Lifetime();
    try {
      return await playPart(o, life);
    } finally {
      await life.close();
    }
  },
};

async function playPart(o: FaultRun, life: Lifetime): Promise<FaultOutcome> {
  const { part, acknowledged } = await goOn(o, life);
  const { site } = part;
  const recoveryMs: number[] = [];
  const done = new Map<string, number>();
  const problems: string[] = [];
  const began = performance.now();
  acknowledged.watch();
  while (performance.now() - began < (o.quick ? quickMs : partMs) && !o.signal.aborted) {
    await pause(o, 1000 + o.random() * 8000);
    const [name, blow] = blows[Math.floor(o.random() * blows.length)] as (typeof blows)[number];
    try {
      await blow(part);
      const took = await untilAllRecord(o, site, 90_000);
      recoveryMs.push(took);
      done.set(name, (done.get(name) ?? 0) + 1);
      o.say(`${name}: all record ${Math.round(took)} ms later`);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      break;
    }
  }
  await untilAllSeal(o, site).catch((error: unknown) => problems.push(String(error)));
  await acknowledged.stop();
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  const kept: Kept = { acknowledged: [...acknowledged.segments.values()], password: site.cameras[0]?.password ?? '', ports: site.cameras.map(({ onvifPort, rtspPort }) => ({ onvif: onvifPort, rtsp: rtspPort })) };
  await writeFile(join(o.folder, keptName), JSON.stringify(kept));
  problems.push(...await auditSite(site, acknowledged, { opened: 4 }));
  await site.stop('SIGTERM');
  await part.disk.unmount();
  const injected = [...done.values()].reduce((sum, count) => sum + count, 0);
  return {
    injected, lost: 'acknowledged segments: 0', recoveryMs, problems,
    figures: { minutes, 'acknowledged by its end': acknowledged.segments.size, faults: [...done].map(([name, count]) => `${name} ${count}`).join(' ') },
  };
}

/** The same site as in the part before: its disk, its cameras at their addresses, what was acknowledged. */
async function goOn(o: FaultRun, life: Lifetime): Promise<{ part: Part; acknowledged: Acknowledged }> {
  const keptFile = join(o.folder, keptName);
  const kept = existsSync(keptFile) ? JSON.parse(await readFile(keptFile, 'utf8')) as Kept : undefined;
  // A part that broke off before it could hand on: the next begins anew.
  if (kept === undefined) for (const name of await readdir(o.folder)) await rm(join(o.folder, name), { recursive: true, force: true });
  const data = join(o.folder, 'data');
  const image = join(o.folder, 'disk.img');
  await mkdir(data, { recursive: true });
  const disk = kept === undefined ? await LoopDisk.make(image, diskMegabytes, data) : await LoopDisk.open(image, data);
  const site = await TestSite.start({ teardown: (end) => life.defer('the site', end) }, {
    folder: o.folder, config, ...(kept === undefined ? {} : { owner: false, adopt: false }),
    emulator: { cameras, firstAddress: '127.189.250.2', folder: sceneFolder, seconds: 20, ...(kept === undefined ? {} : { password: kept.password, ports: kept.ports }) },
  });
  life.defer('the log', () => writeFile(o.logFile, `${site.log.join('\n')}\n`));
  const acknowledged = new Acknowledged(site.data);
  for (const segment of kept?.acknowledged ?? []) acknowledged.segments.set(segment.path, segment);
  await untilAllRecord(o, site);
  return { part: { o, site, disk }, acknowledged };
}

const blows: readonly (readonly [name: string, blow: (part: Part) => Promise<void>])[] = [
  ['hub killed', async ({ site }) => {
    await site.stop('SIGKILL');
    await site.startHub();
  }],
  ['hub stopped', async ({ site }) => {
    await site.stop('SIGTERM');
    await site.startHub();
  }],
  ['power cut', async ({ site, disk }) => {
    await disk.cut();
    await site.stop('SIGKILL');
    await disk.unmount();
    await disk.mount();
    await site.startHub();
  }],
  ['camera silent', async ({ o, site }) => {
    const camera = site.cameras[Math.floor(o.random() * cameras)];
    camera?.stall();
    await pause(o, 2000 + o.random() * 15_000);
    camera?.resume();
  }],
  ['camera gone', async ({ o, site }) => {
    const camera = site.cameras[Math.floor(o.random() * cameras)];
    await camera?.stop();
    await pause(o, 1000 + o.random() * 8000);
    await camera?.start();
  }],
  ['ffmpeg killed', ({ o, site }) => strikeFfmpeg(o, site, 'SIGKILL')],
  ['ffmpeg hanging', ({ o, site }) => strikeFfmpeg(o, site, 'SIGSTOP')],
  ['disk slow', async ({ o, site }) => {
    const tracer = await trace(site, 'fsync,fdatasync', `delay_enter=${Math.round((0.3 + o.random() * 2) * 1_000_000)}`);
    await pause(o, 3000 + o.random() * 7000);
    await untrace(tracer);
  }],
  ['disk refusing', async ({ o, site }) => {
    const tracer = await trace(site, 'fsync,fdatasync,pwritev,pwrite64', `error=${o.random() < 0.5 ? 'EIO' : 'ENOSPC'}`);
    await pause(o, 1000 + o.random() * 5000);
    await untrace(tracer);
  }],
  ['disk read-only', async ({ o, site }) => {
    const tracer = await trace(site, 'fsync,fdatasync,pwritev,pwrite64,rename,unlink,mkdir,ftruncate', 'error=EROFS');
    await pause(o, 1000 + o.random() * 5000);
    await untrace(tracer);
  }],
];

async function strikeFfmpeg(o: FaultRun, site: TestSite, signal: NodeJS.Signals): Promise<void> {
  const running = await streamFfmpegs(site.hub?.pid as number);
  const one = running[Math.floor(o.random() * running.length)];
  if (one !== undefined) process.kill(one.pid, signal);
  // A hanging one is found by what does not come.
  if (signal === 'SIGSTOP') await pause(o, 15_000);
  else await pause(o, 500);
}

export default randomHour;
