import { cp, open, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { startAndRecord, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

const blockBytes = 4096;
const ways = ['torn', 'rotten', 'missing', 'older'] as const;

const damaged: FaultCase = {
  id: 'R27',
  fault: 'one of the two keyring files is torn, rotten, missing, or older than the database',
  expected: 'the other file serves: the hub records, everything opens; the owner is told; nothing is shredded twice, and verify names what is wrong until both files are whole again',
  limitMs: { quick: 150_000, all: 480_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    const acknowledged = new Acknowledged(site.data);
    const recoveryMs: number[] = [];
    const older = join(site.folder, 'older');
    await untilAllSeal(o, site);
    const { injected, problems } = await repeat(o, 'damage', o.quick ? 4 : 16, async (n) => {
      const way = ways[(n - 1) % ways.length] as (typeof ways)[number];
      const name = `keyring.${1 + Math.floor((n - 1) / ways.length) % 2}`;
      const file = join(site.data, 'keyring', name);
      await cp(file, older);
      acknowledged.watch();
      await untilAllSeal(o, site);
      // A period is 10 s: another one's slot comes after the older copy.
      for (let seals = 0; seals < 4; seals++) await untilAllSeal(o, site);
      await acknowledged.stop();
      await site.stop('SIGTERM');
      await harm(file, older, way, o.random);
      const told = await verifyTells(site);
      recoveryMs.push(await startAndRecord(o, site));
      await untilAllSeal(o, site);
      const notices = (await site.status()).notices.map(({ kind }) => kind);
      const found = [
        ...(told ? [] : [`${way}: verify saw nothing before the start`]),
        ...(notices.includes('keyring damaged') || site.log.some((line) => line.includes('"keyring damaged"')) ? [] : [`${way}: the owner was not told`]),
        ...await opensEverything(site),
      ];
      // Whatever the hub repairs by itself is whole again now; what it cannot is still named.
      const audit = await auditSite(site, acknowledged, { opened: 0 });
      o.say(`${name} ${way}: notices ${notices.join(', ') || 'none'}; verify now: ${audit.length === 0 ? 'whole' : audit.join('; ')}`);
      await restore(site, name);
      return [...found, ...audit.filter((problem) => !/SP_SLOT_MISSING|SP_KEYRING/.test(problem))];
    });
    return { injected, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs, problems };
  }),
};

async function harm(file: string, older: string, way: (typeof ways)[number], random: () => number): Promise<void> {
  const { size } = await stat(file);
  if (way === 'missing') await rm(file);
  else if (way === 'older') await cp(older, file);
  else if (way === 'torn') await truncate(file, Math.max(1, size - blockBytes - Math.floor(random() * blockBytes)));
  else {
    const handle = await open(file, 'r+');
    try {
      // The text of each slot: one byte of its second hundred.
      for (let at = 0; at + blockBytes <= size; at += blockBytes) await handle.write(Buffer.from([0]), 0, 1, at + 100 + Math.floor(random() * 100));
    } finally {
      await handle.close();
    }
  }
}

async function verifyTells(site: TestSite): Promise<boolean> {
  const { status, stderr } = await site.attempt(['verify', '--config', site.config]);
  return status !== 0 && /SP_SLOT_MISSING|SP_KEYRING/.test(stderr);
}

async function opensEverything(site: TestSite): Promise<string[]> {
  const { status, stderr } = await site.attempt(['export', site.cameras[0]?.name ?? '', '--from', '-10 min', '--to', 'now', '--identity', site.kit, '--data', site.data, '-o', join(site.folder, `clip-${Date.now()}.mp4`)]);
  return status === 0 ? [] : [`with one damaged keyring file not everything opens: ${stderr.slice(-300)}`];
}

/** The good file over the harmed one, so that the next damage is the only one. */
async function restore(site: TestSite, name: string): Promise<void> {
  await site.stop('SIGTERM');
  const other = name === 'keyring.1' ? 'keyring.2' : 'keyring.1';
  await cp(join(site.data, 'keyring', other), join(site.data, 'keyring', name));
  await site.startHub();
}

export default damaged;
