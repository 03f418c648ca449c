import { cp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite, verify } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { startAndRecord, untilAllRecord, untilAllSeal } from '../kit/hub.ts';

const twoHubs: FaultCase = {
  id: 'R26',
  fault: 'a second hub is started on the same folder; the folder is put back to an older copy, whole or its database alone',
  expected: 'the second hub is refused and the first misses nothing; newer files than the old database are taken in, none overwritten; `verify --since` a kept checkpoint names the rollback',
  limitMs: { quick: 120_000, all: 300_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    const problems: string[] = [];
    const recoveryMs: number[] = [];
    const acknowledged = new Acknowledged(site.data);
    acknowledged.watch();
    await untilAllSeal(o, site);
    const seconds = o.quick ? 1 : 5;
    for (let n = 0; n < seconds; n++) {
      const second = await site.attempt(['run', '--config', site.config]);
      if (second.status === 0 || !second.stderr.includes('SP_DATA_LOCKED')) problems.push(`a second hub ended with ${second.status}: ${second.stderr.slice(-300)}`);
      await untilAllSeal(o, site);
    }
    problems.push(...await auditSite(site, acknowledged));

    // An old copy, then more footage and a checkpoint that somebody kept.
    await acknowledged.stop();
    await site.stop('SIGTERM');
    const backup = join(site.folder, 'backup');
    await cp(site.data, backup, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    await startAndRecord(o, site);
    acknowledged.watch();
    await untilAllSeal(o, site);
    await untilAllSeal(o, site);
    await acknowledged.stop();
    await site.stop('SIGTERM');
    const kept = await keepCheckpoint(site);

    // The database alone is old: files that are newer than its last row are rows again.
    await swapDatabase(site.data, backup, join(site.folder, 'newer'));
    const since = await site.attempt(['verify', '--config', site.config, '--since', kept]);
    if (since.status === 0 || !/SP_ROLLBACK/.test(since.stderr)) problems.push(`verify --since did not name the rollback: ${since.status}: ${since.stderr.slice(-300)}`);
    recoveryMs.push(await startAndRecord(o, site));
    await untilAllSeal(o, site);
    const { segments } = await site.list();
    const paths = new Set(segments.map(({ path }) => path));
    // Periods made after the copy have no row, so their files cannot be opened by it: they must be kept all the same, or be told.
    for (const segment of acknowledged.segments.values()) {
      const there = await readFile(join(site.data, 'footage', segment.path)).then(() => true, () => false);
      if (!there) problems.push(`acknowledged and destroyed by an old database: ${segment.path}`);
      else if (!paths.has(segment.path)) o.say(`${segment.path} is kept, without a row`);
    }
    await site.stop('SIGTERM');

    // The whole folder is old: consistent in itself, and shown to be old by what was kept.
    await rename(site.data, join(site.folder, 'young'));
    await cp(backup, site.data, { recursive: true });
    problems.push(...(await verify(site)).map((problem) => `the old copy: ${problem}`));
    const whole = await site.attempt(['verify', '--config', site.config, '--since', kept]);
    if (whole.status === 0 || !/SP_ROLLBACK/.test(whole.stderr)) problems.push('verify --since did not see that the whole folder is old');
    recoveryMs.push(await startAndRecord(o, site));
    await untilAllRecord(o, site);
    return { injected: seconds + 2, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs, problems };
  }),
};

/** The newest checkpoint with its signature, as an owner's device would keep it. */
async function keepCheckpoint(site: TestSite): Promise<string> {
  const folder = join(site.data, 'checkpoints');
  const newest = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1) as string;
  const kept = join(site.folder, newest);
  await cp(join(folder, newest), kept);
  await cp(join(folder, `${newest}.sig`), `${kept}.sig`);
  return kept;
}

async function swapDatabase(data: string, backup: string, aside: string): Promise<void> {
  await cp(join(data, 'working.db'), aside);
  for (const end of ['', '-wal', '-shm']) await rm(join(data, `working.db${end}`), { force: true });
  await cp(join(backup, 'working.db'), join(data, 'working.db'));
}

export default twoHubs;
