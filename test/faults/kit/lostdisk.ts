/** A disk that is not to be written for a while, under a hub that runs all the time. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { callHub } from '../../../src/cli/control.ts';
import type { StatusReport } from '../../../src/api/contract.ts';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultOutcome, FaultRun } from '../fault.ts';
import type { Acknowledged } from './acknowledged.ts';
import { auditSite } from './audit.ts';
import { waitFor } from './faultsite.ts';
import { pause, untilAllRecord, untilAllSeal } from './hub.ts';
import { repeat } from './repeat.ts';

const patienceMs = 60_000;
const diskNotices = ['disk failing', 'disk gone', 'disk full', 'recording stopped'];

export async function loseDisk(o: FaultRun, site: TestSite, acknowledged: Acknowledged, times: number, how: { lose(): Promise<void>; bringBack(): Promise<void> }): Promise<FaultOutcome> {
  const recoveryMs: number[] = [];
  const { injected, problems } = await repeat(o, 'loss', times, async (n) => {
    acknowledged.watch();
    await untilAllSeal(o, site);
    await pause(o, o.random() * 4000);
    await acknowledged.stop();
    await how.lose();
    const found = await whileLost(o, site);
    await how.bringBack();
    recoveryMs.push(await untilAllRecord(o, site));
    await untilAllSeal(o, site);
    found.push(...await auditSite(site, acknowledged));
    o.say(`loss ${n} of ${times}: recording again ${Math.round(recoveryMs.at(-1) ?? 0)} ms after the disk was back`);
    return found;
  });
  return { injected, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs, problems };
}

/** The socket lies on the lost disk too: what listens on it goes on, and its name may not be there to be found. */
async function whileLost(o: FaultRun, site: TestSite): Promise<string[]> {
  const ask = (): Promise<StatusReport> => callHub(join(site.data, 'control.sock'), 'status', {});
  // By its name: an earlier connection may be open still, and would answer a few times more.
  if (!existsSync(join(site.data, 'control.sock'))) {
    await pause(o, 10_000);
    const written = await readdir(site.data).catch(() => []);
    return [
      ...(written.length > 0 ? [`something was written where the disk had been: ${written.join(', ')}`] : []),
      ...(site.log.some((line) => diskNotices.some((kind) => line.includes(kind))) ? [] : ['the log says nothing of the lost disk']),
    ];
  }
  await waitFor(o, 'the owner is told', patienceMs, async () => (await ask()).notices.some(({ kind }) => diskNotices.includes(kind)));
  const { cameras } = await ask();
  const bytes = cameras.map((camera) => camera.bytes);
  await pause(o, 3000);
  const later = (await ask()).cameras;
  return later.filter((camera, index) => !camera.online || camera.bytes <= (bytes[index] ?? 0)).map(({ camera }) => `${camera} was not read while the disk was lost`);
}
