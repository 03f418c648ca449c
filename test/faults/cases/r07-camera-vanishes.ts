import { join } from 'node:path';
import { run } from '../../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../../src/emulator/emulator.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { holesIn, verify } from '../kit/audit.ts';
import { waitFor, withSite } from '../kit/faultsite.ts';
import { pause, worthARestartMs, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

const vanishes: FaultCase = {
  id: 'R7',
  fault: 'a camera vanishes and comes back, reboots (its port is open before it answers), comes back with another resolution',
  expected: 'recording again by itself, its absence a gap row with its reason, a new init segment; the other camera misses nothing; no tight loop of restarts',
  limitMs: { quick: 170_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 2 }, async (site) => {
    await untilAllSeal(o, site);
    const [steady, victim] = site.cameras as [EmulatedCamera, EmulatedCamera];
    const recoveryMs: number[] = [];
    const blows = [vanish, reboot, shrink];
    const restartsBefore = await restartsOf(site, victim);
    const { injected, problems } = await repeat(o, 'blow', o.quick ? 3 : 12, async (n) => {
      const before = (await site.list()).gaps.length;
      const { tookMs, problems } = await (blows[(n - 1) % blows.length] as typeof vanish)(o, site, victim);
      recoveryMs.push(tookMs);
      await untilAllSeal(o, site);
      if (!o.quick) await pause(o, worthARestartMs);
      const gaps = (await site.list()).gaps.slice(before);
      o.say(`recording again after ${Math.round(tookMs)} ms; gaps: ${gaps.map(({ camera, reason, fromMs, toMs }) => `${camera} ${reason} ${toMs - fromMs} ms`).join(', ')}`);
      return [
        ...problems,
        ...(gaps.some(({ camera }) => camera === victim.name) ? [] : ['its absence left no gap row']),
        ...(gaps.some(({ camera }) => camera === steady.name) ? ['the other camera has a gap, too'] : []),
      ];
    });
    const restarts = (await restartsOf(site, victim)) - restartsBefore;
    if (restarts > injected * 6) problems.push(`${restarts} restarts for ${injected} losses`);
    problems.push(...holesIn(await site.list()).map((hole) => `unexplained: ${hole}`), ...await verify(site));
    return { injected, lost: 'what the camera did not send', recoveryMs, problems, figures: { restarts } };
  }),
};

interface Blow { readonly tookMs: number; readonly problems: readonly string[] }

/** Says goodbye, resets its connections, is back after 3 s. */
async function vanish(o: FaultRun, site: TestSite, camera: EmulatedCamera): Promise<Blow> {
  await camera.stop();
  await gone(o, site, camera);
  await pause(o, 3000);
  await camera.start();
  return { tookMs: await back(o, site, camera), problems: [] };
}

/** Its ports are open for 5 s before anything answers on them. */
async function reboot(o: FaultRun, site: TestSite, camera: EmulatedCamera): Promise<Blow> {
  await camera.stop();
  await gone(o, site, camera);
  await camera.start();
  camera.stall();
  await pause(o, 5000);
  camera.resume();
  return { tookMs: await back(o, site, camera), problems: [] };
}

async function shrink(o: FaultRun, site: TestSite, camera: EmulatedCamera): Promise<Blow> {
  const wanted = camera.quirks.shrunken === true ? 1280 : 640;
  await camera.stop();
  await gone(o, site, camera);
  camera.quirks.shrunken = camera.quirks.shrunken !== true;
  await camera.start();
  const tookMs = await back(o, site, camera);
  await untilAllSeal(o, site);
  await untilAllSeal(o, site);
  const width = await widthOf(site, camera);
  return { tookMs, problems: width === wanted ? [] : [`the pictures recorded since have a width of ${width}, not ${wanted}`] };
}

async function widthOf(site: TestSite, camera: EmulatedCamera): Promise<number> {
  const last = (await site.list()).segments.filter((row) => row.camera === camera.name && row.state === 'complete').at(-1);
  if (last === undefined) return 0;
  const clip = join(site.folder, `width-${last.seq}.mp4`);
  await site.call(['export', camera.name, '--from', new Date(last.startMs).toISOString(), '--to', new Date(last.startMs + 500).toISOString(), '--identity', site.kit, '--config', site.config, '-o', clip]);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'stream=width', '-of', 'csv=p=0', clip]);
  return Number(stdout.toString().trim());
}

function gone(o: FaultRun, site: TestSite, camera: EmulatedCamera): Promise<number> {
  return waitFor(o, 'the loss is seen', 30_000, async () => !await records(site, camera));
}

function back(o: FaultRun, site: TestSite, camera: EmulatedCamera): Promise<number> {
  return waitFor(o, 'it records again', 75_000, () => records(site, camera));
}

async function records(site: TestSite, camera: EmulatedCamera): Promise<boolean> {
  return (await site.status()).cameras.some((one) => one.camera === camera.name && one.recording);
}

async function restartsOf(site: TestSite, camera: EmulatedCamera): Promise<number> {
  return (await site.status()).cameras.find((one) => one.camera === camera.name)?.restarts ?? 0;
}

export default vanishes;
