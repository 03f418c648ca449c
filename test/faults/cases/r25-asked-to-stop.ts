import { waitFor, withSite } from '../kit/faultsite.ts';
import { tooSlow } from '../kit/load.ts';
import type { FaultCase } from '../fault.ts';

const limitMs = 5000;

const asked: FaultCase = {
  id: 'R25',
  fault: 'the hub is asked to stop (SIGTERM) at any moment: while it starts a segment, closes one, makes a key, purges',
  expected: 'it ends within 5 s with status 0, with every open segment closed whole; nothing is left to repair at the next start',
  limitMs: { quick: 90_000, all: 480_000 },
  run: (o) => withSite(o, { cameras: 2 }, async (site) => {
    const problems: string[] = [];
    const recoveryMs: number[] = [];
    const tookMs: number[] = [];
    const times = o.quick ? 5 : 50;
    for (let n = 1; n <= times && !o.signal.aborted; n++) {
      recoveryMs.push(await waitFor(o, 'it records again', 30_000, async () => (await site.status()).cameras.every(({ recording }) => recording)));
      const { recovery } = await site.status();
      if (n > 1 && recovery.cut + recovery.adopted + recovery.removed + recovery.missing > 0) problems.push(`stop ${n - 1} left something to repair: ${JSON.stringify(recovery)}`);
      await new Promise((resolve) => { setTimeout(resolve, o.random() * 4000); });
      const began = performance.now();
      const status = await site.stop('SIGTERM');
      tookMs.push(performance.now() - began);
      if (status !== 0) problems.push(`stop ${n}: it ended with status ${status}`);
      problems.push(...tooSlow(`stop ${n}`, tookMs.at(-1) ?? 0, limitMs));
      await site.startHub();
    }
    return { injected: times, lost: '0 segments', recoveryMs: recoveryMs.slice(1), problems, figures: { 'longest stop, ms': Math.round(Math.max(...tookMs)) } };
  }),
};

export default asked;
