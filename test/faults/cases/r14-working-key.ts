import { readFile, rename, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { startAndRecord, untilAllRecord, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

const workingKey: FaultCase = {
  id: 'R14',
  fault: 'the working key is lost, is another hub\'s, or is half a key',
  expected: 'the hub refuses to start and says why, makes no new key and no new database; the footage opens with the kit all the same; with the key back, all goes on',
  limitMs: { quick: 150_000, all: 480_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    const acknowledged = new Acknowledged(site.data);
    acknowledged.watch();
    await untilAllSeal(o, site);
    const key = join(site.data, 'working.key');
    const ways = ['lost', 'foreign', 'half'] as const;
    const recoveryMs: number[] = [];
    const { injected, problems } = await repeat(o, 'key', o.quick ? 3 : 12, async (n) => {
      await untilAllRecord(o, site);
      await untilAllSeal(o, site);
      await acknowledged.stop();
      await site.stop('SIGKILL');
      const [before, database] = [await readFile(key), await readFile(join(site.data, 'working.db'))];
      const way = ways[(n - 1) % ways.length];
      if (way === 'lost') await rename(key, join(site.folder, 'elsewhere.key'));
      else await writeFile(key, way === 'foreign' ? `${randomBytes(32).toString('hex')}\n` : before.subarray(0, 30));
      const found = await refused(site, way === 'lost' ? 'SP_NO_WORKING_KEY' : 'SP_WRONG_WORKING_KEY');
      if (!(await readFile(join(site.data, 'working.db'))).equals(database)) found.push('the database was touched');
      if (way === 'lost' && await readFile(key).then(() => true, () => false)) found.push('a new key was made in silence');
      found.push(...await opensWithKit(site));
      await writeFile(key, before);
      acknowledged.watch();
      recoveryMs.push(await startAndRecord(o, site));
      return [...found, ...await auditSite(site, acknowledged)];
    });
    await acknowledged.stop();
    return { injected, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs, problems };
  }),
};

async function refused(site: TestSite, code: string): Promise<string[]> {
  const { status, stderr } = await site.attempt(['run', '--config', site.config]);
  if (status === 0) return ['the hub started without its key'];
  return stderr.includes(code) ? [] : [`the hub ended with ${status} and said: ${stderr.slice(-300)}`];
}

async function opensWithKit(site: TestSite): Promise<string[]> {
  const { status, stderr } = await site.attempt(['export', site.cameras[0]?.name ?? '', '--from', '-10 min', '--to', 'now', '--identity', site.kit, '--data', site.data, '-o', join(site.folder, `clip-${Date.now()}.mp4`)]);
  return status === 0 ? [] : [`without the working key the kit opens nothing: ${stderr.slice(-300)}`];
}

export default workingKey;
