import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { quickConfig, type TestSite } from '../../e2e/site.ts';
import { notHere, type FaultCase, type FaultRun } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { LoopDisk, whyNoDisk } from '../kit/disk.ts';
import { waitFor, withSite } from '../kit/faultsite.ts';
import { pause, untilAllRecord, untilAllSeal } from '../kit/hub.ts';
import { receiptsOf } from '../kit/receipts.ts';

const megabyte = 2 ** 20;
const diskMegabytes = 160;
const patienceMs = 90_000;
const config = quickConfig({ more: '[disk]\nreserve = "8 MB"\n' });

const full: FaultCase = {
  id: 'R4',
  fault: 'the disk fills up: first so that the oldest footage is in the way, then by somebody else to the last byte; then there is room again',
  expected: 'the oldest goes before its deadline, with a receipt that says so, and recording goes on; with nothing left to delete it stops cleanly, the owner is told, and it goes on by itself when there is room',
  limitMs: { quick: 240_000, all: 500_000 },
  run: async (o) => {
    const why = whyNoDisk();
    if (why !== undefined) return notHere(why);
    await mkdir(join(o.folder, 'data'));
    const disk = await LoopDisk.make(join(o.folder, 'disk.img'), diskMegabytes, join(o.folder, 'data'));
    return withSite(o, { cameras: 2, config }, async (site) => {
      const acknowledged = new Acknowledged(site.data);
      const recoveryMs: number[] = [];
      const problems: string[] = [];
      const rounds = o.quick ? 1 : 4;
      await untilAllRecord(o, site);
      for (let n = 1; n <= rounds; n++) {
        acknowledged.watch();
        await pause(o, 12_000);
        problems.push(...await oldestGoes(o, site, disk));
        problems.push(...await stopsAndTells(o, site, disk));
        await disk.empty();
        recoveryMs.push(await untilAllRecord(o, site, patienceMs));
        await untilAllSeal(o, site);
        await acknowledged.stop();
        const receipts = await receiptsOf(site);
        problems.push(...await auditSite(site, acknowledged, { mayBeGone: receipts.names }));
        const open = (await site.status()).notices.map(({ kind }) => kind);
        if (open.includes('disk full')) problems.push('the notice "disk full" stays open though there is room');
      }
      const { early } = await receiptsOf(site);
      return { injected: 2 * rounds, lost: `acknowledged segments: 0 of ${acknowledged.segments.size} but those that ${early} early receipts name`, recoveryMs, problems, figures: { 'early receipts': early } };
    });
  },
};

async function oldestGoes(o: FaultRun, site: TestSite, disk: LoopDisk): Promise<string[]> {
  const before = (await receiptsOf(site)).early;
  await disk.fill(9 * megabyte);
  await waitFor(o, 'a receipt says "early"', patienceMs, async () => (await receiptsOf(site)).early > before);
  o.say('the oldest went, with a receipt that says "early"');
  const notices = (await site.status()).notices.map(({ kind }) => kind);
  return notices.includes('disk pressure') ? [] : [`the owner was not told that footage went early; notices: ${notices.join(', ') || 'none'}`];
}

async function stopsAndTells(o: FaultRun, site: TestSite, disk: LoopDisk): Promise<string[]> {
  const keepFull = setInterval(() => void disk.fill(0).catch(() => {}), 1000);
  try {
    await waitFor(o, 'nobody records and the owner is told', patienceMs, async () => {
      const status = await site.status();
      return status.cameras.every(({ recording }) => !recording) && status.notices.some(({ kind }) => kind === 'disk full');
    });
    o.say('recording stopped, the owner was told');
    const { cameras } = await site.status();
    return cameras.filter(({ online }) => !online).map(({ camera }) => `${camera} is not even watched while the disk is full`);
  } finally {
    clearInterval(keepFull);
  }
}

export default full;
