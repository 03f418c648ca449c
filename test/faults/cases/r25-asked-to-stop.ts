import type { FaultCase } from '../fault.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause, startAndRecord, untilAllRecord } from '../kit/hub.ts';
import { tooSlow } from '../kit/load.ts';
import { repeat } from '../kit/repeat.ts';

const limitMs = 5000;

const asked: FaultCase = {
  id: 'R25',
  fault: 'the hub is asked to stop (SIGTERM) at any moment: while it starts a segment, closes one, makes a key, purges',
  expected: 'it ends within 5 s with status 0, with every open segment closed whole; nothing is left to repair at the next start',
  limitMs: { quick: 90_000, all: 480_000 },
  run: (o) => withSite(o, { cameras: 2 }, async (site) => {
    const recoveryMs: number[] = [];
    const tookMs: number[] = [];
    const { injected, problems } = await repeat(o, 'stop', o.quick ? 5 : 50, async () => {
      await untilAllRecord(o, site);
      await pause(o, o.random() * 4000);
      const began = performance.now();
      const status = await site.stop('SIGTERM');
      const took = performance.now() - began;
      tookMs.push(took);
      recoveryMs.push(await startAndRecord(o, site));
      const { recovery } = await site.status();
      return [
        ...(status === 0 ? [] : [`it ended with status ${status}`]),
        ...(recovery.cut + recovery.adopted + recovery.removed + recovery.missing === 0 ? [] : [`it left something to repair: ${JSON.stringify(recovery)}`]),
        ...tooSlow('ending', took, limitMs),
      ];
    });
    return { injected, lost: '0 segments', recoveryMs, problems, figures: { 'longest stop, ms': Math.round(Math.max(...tookMs)) } };
  }),
};

export default asked;
