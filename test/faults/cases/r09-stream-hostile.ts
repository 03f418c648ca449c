import { readFile } from 'node:fs/promises';
import type { EmulatedCamera } from '../../../src/emulator/emulator.ts';
import { hostilities } from '../../../src/emulator/hostile.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { holesIn, verify } from '../kit/audit.ts';
import { waitFor, withSite } from '../kit/faultsite.ts';
import { pause, untilAllSeal } from '../kit/hub.ts';
import { descendants } from '../kit/processes.ts';
import { repeat } from '../kit/repeat.ts';

const growthBytesMax = 200 * 2 ** 20;

const hostile: FaultCase = {
  id: 'R9',
  fault: `a camera sends ${hostilities.join(', ')}: RTP and SDP that mean harm`,
  expected: 'its own stream may fail, in words; the other camera misses nothing; the hub stays, and stays small; nothing hostile opens as another camera\'s footage',
  limitMs: { quick: 200_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 2 }, async (site) => {
    const [steady, victim] = site.cameras as [EmulatedCamera, EmulatedCamera];
    await untilAllSeal(o, site);
    const recoveryMs: number[] = [];
    const figures: Record<string, string> = {};
    const restarts = await restartsOf(site, steady);
    const gapsBefore = (await site.list()).gaps.filter(({ camera }) => camera === steady.name).length;
    const rssBefore = await rssBytes(site);
    let largest = rssBefore;
    const { injected, problems } = await repeat(o, 'attack', hostilities.length, async (n) => {
      const kind = hostilities[n - 1] as (typeof hostilities)[number];
      victim.quirks.hostile = kind;
      await victim.stop();
      await victim.start();
      const untilMs = Date.now() + (o.quick ? 4000 : 30_000);
      let ffmpegBytes = 0;
      while (Date.now() < untilMs && !o.signal.aborted) {
        await pause(o, 500);
        largest = Math.max(largest, await rssBytes(site));
        for (const child of await descendants(site.hub?.pid as number)) ffmpegBytes = Math.max(ffmpegBytes, await rssOf(child.pid));
      }
      const state = (await site.status()).cameras.find(({ camera }) => camera === victim.name)?.state ?? 'gone';
      figures[kind] = `${state.slice(0, 90)}; largest ffmpeg ${Math.round(ffmpegBytes / 2 ** 20)} MiB`;
      o.say(`${kind}: ${figures[kind]}`);
      const before = await sealedOf(site, steady);
      await waitFor(o, 'the other camera seals on', 30_000, async () => (await sealedOf(site, steady)) > before);
      return state === '' ? ['the hostile stream has no words for its state'] : [];
    });
    delete victim.quirks.hostile;
    await victim.stop();
    await victim.start();
    // A camera that failed again and again is asked ever more rarely; its owner, who has mended it, need not wait.
    await site.call(['camera', 'refresh', victim.name, '--config', site.config]);
    recoveryMs.push(await waitFor(o, 'the camera that came to its senses records again', 75_000, async () => (await site.status()).cameras.every(({ recording }) => recording)));
    const gaps = (await site.list()).gaps.filter(({ camera }) => camera === steady.name).length - gapsBefore;
    if (gaps > 0) problems.push(`the other camera has ${gaps} gaps`);
    if (await restartsOf(site, steady) !== restarts) problems.push('the other camera\'s stream was restarted');
    if (largest - rssBefore > growthBytesMax) problems.push(`the hub grew by ${Math.round((largest - rssBefore) / 2 ** 20)} MiB`);
    const rows = await site.list();
    problems.push(...holesIn({ segments: rows.segments.filter(({ camera }) => camera === steady.name), gaps: rows.gaps }).map((hole) => `unexplained: ${hole}`), ...await verify(site));
    return { injected, lost: 'of the other camera: 0 s', recoveryMs, problems, figures: { ...figures, 'hub, MiB': `${Math.round(rssBefore / 2 ** 20)} before, ${Math.round(largest / 2 ** 20)} at most` } };
  }),
};

function rssBytes(site: TestSite): Promise<number> {
  return rssOf(site.hub?.pid as number);
}

async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

async function restartsOf(site: TestSite, camera: EmulatedCamera): Promise<number> {
  return (await site.status()).cameras.find((one) => one.camera === camera.name)?.restarts ?? 0;
}

async function sealedOf(site: TestSite, camera: EmulatedCamera): Promise<number> {
  return (await site.status()).cameras.find((one) => one.camera === camera.name)?.segmentsSealed ?? 0;
}

export default hostile;
