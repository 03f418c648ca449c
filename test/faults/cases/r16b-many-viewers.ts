import { joinAs } from '../../api/pagekit.ts';
import type { FaultCase } from '../fault.ts';
import { descriptors, gapCount, missedSince, rssBytes, withPage } from '../kit/page.ts';
import { crowds, crowdSize, letIn } from '../kit/crowd.ts';
import { waitFor } from '../kit/faultsite.ts';
import { pause, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

const accounts = 5;
const growthBytesMax = 400 * 2 ** 20;
const answeredMs = 15_000;

const many: FaultCase = {
  id: 'R16b',
  fault: `${crowdSize} connections of ${accounts} accounts and of strangers to the page at once: they ${Object.keys(crowds).join('; ')}`,
  expected: 'recording loses 0 segments, the hub stays small, the owner is answered again at once',
  limitMs: { quick: 200_000, all: 500_000 },
  run: (o) => withPage(o, { cameras: 4 }, async (site, page) => {
    const browsers = [page.owner.browser];
    for (let n = 1; n < accounts; n++) browsers.push((await joinAs(page, page.owner.browser, 'member', ['home'], `Member ${n}`)).browser);
    const { base, securePort, plainPort } = page;
    const crowd = { page: { base, securePort, plainPort }, cookies: browsers.map(({ cookie }) => cookie ?? ''), cameras: site.cameras.map(({ name }) => name) };
    await untilAllSeal(o, site);
    const gapsBefore = await gapCount(site);
    const segmentsBefore = (await site.list()).segments.length;
    const [rssBefore, fdsBefore] = [await rssBytes(site), await descriptors(site)];
    let largest = rssBefore;
    const recoveryMs: number[] = [];
    const meanwhile: number[] = [];
    const kinds = Object.keys(crowds);
    const { injected, problems } = await repeat(o, 'crowd', kinds.length, async (n) => {
      const kind = kinds[n - 1] as string;
      const end = await letIn({ kind, ...crowd });
      const untilMs = performance.now() + (o.quick ? 1500 : 40_000);
      while (performance.now() < untilMs && !o.signal.aborted) {
        largest = Math.max(largest, await rssBytes(site));
        const began = performance.now();
        await Promise.race([page.browser('127.78.0.1').get('hello').catch(() => {}), pause(o, 10_000)]);
        meanwhile.push(performance.now() - began);
        await pause(o, 200);
      }
      await end();
      const took = await waitFor(o, 'the owner is answered', answeredMs, async () => (await page.owner.browser.get('cameras')).status === 200);
      recoveryMs.push(took);
      o.say(`${kind}: the owner answered ${Math.round(took)} ms after they left, hub ${Math.round(largest / 2 ** 20)} MiB at most`);
      return [];
    });
    await untilAllSeal(o, site);
    const left = await waitFor(o, 'the sockets are closed', 30_000, async () => await descriptors(site) <= fdsBefore + 8).then(() => 0, async () => await descriptors(site) - fdsBefore);
    if (left > 0) problems.push(`${left} file descriptors are still open`);
    if (largest - rssBefore > growthBytesMax) problems.push(`the hub grew by ${Math.round((largest - rssBefore) / 2 ** 20)} MiB`);
    const rssAfter = await rssBytes(site);
    const lost = await missedSince(site, gapsBefore);
    problems.push(...lost);
    const segments = (await site.list()).segments.length - segmentsBefore;
    return {
      injected: injected * crowdSize, lost: `0 of ${segments} segments`, recoveryMs, problems,
      figures: {
        'hub, MiB': `${Math.round(rssBefore / 2 ** 20)} before, ${Math.round(largest / 2 ** 20)} at most, ${Math.round(rssAfter / 2 ** 20)} after`,
        'another visitor meanwhile, ms': `${Math.round(meanwhile.toSorted((a, b) => a - b)[meanwhile.length >> 1] ?? 0)} median, ${Math.round(Math.max(...meanwhile))} at most`,
      },
    };
  }),
};

export default many;
