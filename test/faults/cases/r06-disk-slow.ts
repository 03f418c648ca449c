import { notHere, type FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause, untilAllRecord, untilAllSeal } from '../kit/hub.ts';
import { rssBytes } from '../kit/processes.ts';
import { repeat } from '../kit/repeat.ts';
import { canTrace, trace, untrace } from '../kit/tracer.ts';

const megabyte = 2 ** 20;
/** 16 MiB may wait a stream, and ring, pipe and heap breathe. */
const growthMax = 96 * megabyte;

const slow: FaultCase = {
  id: 'R6',
  fault: 'each fsync and fdatasync takes 0.3, 1, 3 or 5 s for a while',
  expected: 'memory stays below its cap, whole segments are left out with a gap row where the disk is too slow, nothing acknowledged is lost, and afterwards all is as before',
  limitMs: { quick: 150_000, all: 500_000 },
  run: async (o) => {
    const why = await canTrace();
    if (why !== undefined) return notHere(why);
    return withSite(o, { cameras: 2 }, async (site) => {
      const acknowledged = new Acknowledged(site.data);
      const recoveryMs: number[] = [];
      let worst = 0;
      await untilAllSeal(o, site);
      const delays = o.quick ? [0.3, 3] : [0.3, 1, 3, 5, 0.3, 1, 3, 5];
      const { injected, problems } = await repeat(o, 'slow disk', delays.length, async (n) => {
        const pid = site.hub?.pid as number;
        const before = await rssBytes(pid);
        acknowledged.watch();
        const tracer = await trace(site, 'fsync,fdatasync', `delay_enter=${(delays[n - 1] ?? 1) * 1_000_000}`);
        let most = before;
        for (let second = 0; second < 15; second++) {
          await pause(o, 1000);
          most = Math.max(most, await rssBytes(pid));
        }
        await untrace(tracer);
        await acknowledged.stop();
        recoveryMs.push(await untilAllRecord(o, site));
        await untilAllSeal(o, site);
        worst = Math.max(worst, most - before);
        o.say(`${delays[n - 1]} s: memory grew by ${Math.round((most - before) / megabyte)} MiB`);
        return [...(most - before > growthMax ? [`memory grew by ${Math.round((most - before) / megabyte)} MiB`] : []), ...await auditSite(site, acknowledged)];
      });
      return { injected, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs, problems, figures: { 'memory grew at most, MiB': Math.round(worst / megabyte) } };
    });
  },
};

export default slow;
