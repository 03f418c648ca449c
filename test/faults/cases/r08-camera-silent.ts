import type { EmulatedCamera } from '../../../src/emulator/emulator.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { holesIn } from '../kit/audit.ts';
import { waitFor, withSite } from '../kit/faultsite.ts';
import { pause, worthARestartMs, untilAllSeal } from '../kit/hub.ts';
import { descendants, streamFfmpegs } from '../kit/processes.ts';
import { repeat } from '../kit/repeat.ts';

/** The watchdog's 10 s, and some for a busy machine. */
const seenMs = 20_000;
/** The gap row begins with the last picture and ends with the first. */
const toleranceMs = 3000;

const silent: FaultCase = {
  id: 'R8',
  fault: 'a camera falls silent in mid-stream with its connection open, or accepts a connection and never answers',
  expected: 'the stall is found in 10 s, recording again within 15 s of its return, a gap row of the right length with the right reason; one ffmpeg a camera',
  limitMs: { quick: 150_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 2 }, async (site) => {
    const [steady, victim] = site.cameras as [EmulatedCamera, EmulatedCamera];
    await untilAllSeal(o, site);
    const recoveryMs: number[] = [];
    const foundMs: number[] = [];
    const { injected, problems } = await repeat(o, 'silence', o.quick ? 2 : 12, async (n) => {
      const before = (await site.list()).gaps.length;
      const fromMs = Date.now();
      if (n % 2 === 0) await victim.stop();
      victim.stall();
      if (n % 2 === 0) await victim.start();
      if (n % 2 === 0) victim.stall();
      const seen = await waitFor(o, 'the silence is seen', 40_000, async () => !(await stateOf(site, victim)).recording);
      foundMs.push(seen);
      await pause(o, 2000 + o.random() * 4000);
      victim.resume();
      recoveryMs.push(await waitFor(o, 'it records again', 75_000, async () => (await stateOf(site, victim)).recording));
      const lastedMs = Date.now() - fromMs;
      await untilAllSeal(o, site);
      // A camera that fails within seconds, again and again, is tried ever more rarely: that is another case's business.
      if (!o.quick) await pause(o, worthARestartMs);
      const gaps = (await site.list()).gaps.slice(before);
      const own = gaps.filter(({ camera }) => camera === victim.name);
      const gapMs = own.reduce((sum, { fromMs: from, toMs: to }) => sum + to - from, 0);
      o.say(`seen after ${Math.round(seen)} ms, recording ${Math.round(recoveryMs.at(-1) ?? 0)} ms after its return; silent for ${lastedMs} ms, gap of ${gapMs} ms: ${own.map(({ reason }) => reason).join(', ')}`);
      const ffmpegs = (await streamFfmpegs(site.hub?.pid as number)).length;
      return [
        ...(seen > seenMs ? [`the silence was seen after ${Math.round(seen)} ms`] : []),
        ...((recoveryMs.at(-1) ?? 0) > 15_000 ? [`recording again only ${Math.round(recoveryMs.at(-1) ?? 0)} ms after its return`] : []),
        ...(own.some(({ reason }) => ['stalled', 'camera offline', 'stream ended'].includes(reason)) ? [] : [`the gap's reason is ${own.map(({ reason }) => reason).join(', ') || 'missing'}`]),
        ...(Math.abs(gapMs - lastedMs) > toleranceMs ? [`a gap row of ${gapMs} ms for ${lastedMs} ms`] : []),
        ...(gaps.some(({ camera }) => camera === steady.name) ? ['the other camera has a gap, too'] : []),
        ...(ffmpegs === site.cameras.length ? [] : [`${ffmpegs} ffmpegs for ${site.cameras.length} cameras`]),
      ];
    });
    problems.push(...holesIn(await site.list()).map((hole) => `unexplained: ${hole}`), ...await orphans(o, site));
    return { injected, lost: 'what the camera did not send', recoveryMs, problems, figures: { 'seen after, ms': foundMs.map(Math.round).join(', ') } };
  }),
};

async function orphans(o: FaultRun, site: TestSite): Promise<string[]> {
  const children = (await descendants(site.hub?.pid as number)).map(({ pid }) => pid);
  await site.stop('SIGTERM');
  await pause(o, 300);
  const left = children.filter((pid) => alive(pid));
  return left.length === 0 ? [] : [`${left.length} ffmpegs outlived the hub`];
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function stateOf(site: TestSite, camera: EmulatedCamera): Promise<{ recording: boolean }> {
  return (await site.status()).cameras.find((one) => one.camera === camera.name) ?? { recording: false };
}

export default silent;
