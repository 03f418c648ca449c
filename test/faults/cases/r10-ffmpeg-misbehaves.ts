import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { waitFor, withSite } from '../kit/faultsite.ts';
import { pause, worthARestartMs, startAndRecord, untilAllRecord, untilAllSeal } from '../kit/hub.ts';
import { descendants, processes, streamFfmpegs } from '../kit/processes.ts';
import { repeat } from '../kit/repeat.ts';

const blows = ['SIGKILL', 'SIGSTOP', 'SIGSEGV', 'SIGTERM', 'SIGABRT'] as const;

const misbehaves: FaultCase = {
  id: 'R10',
  fault: 'the ffmpeg of one camera crashes, hangs (SIGSTOP) or is killed; the hub is killed while its ffmpegs run',
  expected: 'the other cameras miss nothing, the hub neither; the stream is back by itself, its gap has a row; no zombie; no ffmpeg outlives its hub',
  limitMs: { quick: 200_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 3 }, async (site) => {
    const acknowledged = new Acknowledged(site.data);
    const recoveryMs: number[] = [];
    await untilAllSeal(o, site);
    const times = o.quick ? 3 : 15;
    acknowledged.watch();
    const { injected, problems } = await repeat(o, 'blow', times, async (n) => {
      const blow = blows[(n - 1) % blows.length] as NodeJS.Signals;
      const before = await site.list();
      const victims = await streamFfmpegs(site.hub?.pid as number);
      const victim = victims[Math.floor(o.random() * victims.length)];
      if (victims.length !== 3 || victim === undefined) return [`${victims.length} ffmpegs run for 3 cameras`];
      const began = performance.now();
      process.kill(victim.pid, blow);
      await waitFor(o, 'the ffmpeg is gone', 30_000, async () => !(await descendants(site.hub?.pid as number)).some(({ pid }) => pid === victim.pid));
      await untilAllRecord(o, site);
      recoveryMs.push(performance.now() - began);
      await untilAllSeal(o, site);
      if (!o.quick) await pause(o, worthARestartMs);
      const gaps = (await site.list()).gaps.slice(before.gaps.length);
      const hurt = new Set(gaps.map(({ camera }) => camera));
      o.say(`${blow}: recording again after ${Math.round(recoveryMs.at(-1) ?? 0)} ms; gaps: ${gaps.map(({ camera, reason }) => `${camera} ${reason}`).join(', ')}`);
      return [...(hurt.size > 1 ? [`${blow} for one camera left gaps in ${[...hurt].join(', ')}`] : []), ...await zombies(site), ...await auditSite(site, acknowledged, { opened: 0 })];
    });
    await acknowledged.stop();
    const killed = await repeat(o, 'hub killed', o.signal.aborted ? 0 : 1, async () => [...await orphans(o, site), ...await auditSite(site, acknowledged)]);
    problems.push(...killed.problems);
    return { injected: injected + killed.injected, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs, problems };
  }),
};

async function zombies(site: TestSite): Promise<string[]> {
  const dead = async (): Promise<number[]> => (await descendants(site.hub?.pid as number)).filter(({ state }) => state === 'Z').map(({ pid }) => pid);
  const before = await dead();
  if (before.length === 0) return [];
  // A decoder of a thumbnail that ends just now is taken note of within moments.
  await new Promise((resolve) => { setTimeout(resolve, 500); });
  const left = (await dead()).filter((pid) => before.includes(pid));
  return left.length === 0 ? [] : [`${left.length} zombies`];
}

/** Those that ran when the hub was killed must be gone soon: nobody else would end them. */
async function orphans(o: FaultRun, site: TestSite): Promise<string[]> {
  const children = (await descendants(site.hub?.pid as number)).map(({ pid }) => pid);
  await site.stop('SIGKILL');
  await pause(o, 500);
  const left = (await processes()).filter(({ pid, state }) => children.includes(pid) && state !== 'Z');
  await startAndRecord(o, site);
  await untilAllSeal(o, site);
  return left.map(({ name, pid }) => `${name} (${pid}) outlived its hub`);
}

export default misbehaves;
