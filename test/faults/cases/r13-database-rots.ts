import { cp, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyFolder } from '../../../src/vault/verify.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { startAndRecord, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

const pageBytes = 4096;

const rots: FaultCase = {
  id: 'R13',
  fault: 'a byte of the working database flips, on every page in turn, or in its log (-wal) or its index (-shm) after a kill; the database is deleted',
  expected: 'a damaged page is found by verify or refused at the start, never believed; a damaged log costs no acknowledged segment; a deleted database is not replaced in silence, and `sallyport rebuild` makes it anew from hour lists, slots and segments',
  limitMs: { quick: 180_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    const acknowledged = new Acknowledged(site.data);
    const recoveryMs: number[] = [];
    acknowledged.watch();
    for (let n = 0; n < 4; n++) await untilAllSeal(o, site);
    await acknowledged.stop();
    await site.stop('SIGTERM');
    const pages = await flipPages(o, site);
    const logs = await repeat(o, 'log', o.quick ? 2 : 10, (n) => damagedLog(o, site, acknowledged, n, recoveryMs));
    const gone = await repeat(o, 'deletion', 1, () => deleted(o, site, acknowledged, recoveryMs));
    return {
      injected: pages.injected + logs.injected + gone.injected, lost: `acknowledged segments: 0 of ${acknowledged.segments.size}`, recoveryMs,
      problems: [...pages.problems, ...logs.problems, ...gone.problems],
      figures: { 'pages that flipped': pages.injected, 'pages in use, all found': pages.found },
    };
  }),
};

/** Each page once. A page that holds nothing is read by nobody: then every row must still be as it was. */
async function flipPages(o: FaultRun, site: TestSite): Promise<{ injected: number; found: number; problems: string[] }> {
  const file = join(site.data, 'working.db');
  const all = Math.floor((await stat(file)).size / pageBytes);
  const pages = Array.from({ length: all }, (_, page) => page).sort(() => o.random() - 0.5).slice(0, o.quick ? 16 : 1000);
  const good = await outcomeOf(site);
  const problems: string[] = good.startsWith('clean') ? [] : [`before any damage: ${good}`];
  let found = 0;
  for (const page of pages) {
    if (o.signal.aborted) break;
    const at = await flip(file, page * pageBytes + Math.floor(o.random() * pageBytes));
    const outcome = await outcomeOf(site);
    if (outcome.startsWith('clean') && outcome !== good) problems.push(`page ${page}: believed: ${outcome}`);
    if (!outcome.startsWith('clean')) found++;
    await flip(file, at);
  }
  return { injected: pages.length, found, problems };
}

/** What `verify` finds, in one sentence; a database that cannot be read throws, which is finding it too. */
async function outcomeOf(site: TestSite): Promise<string> {
  try {
    const report = await verifyFolder({ folder: site.data });
    return report.problems.length === 0 ? `clean, ${report.segments} segments, ${report.auditEntries} lines` : `${report.problems.length} problems`;
  } catch (error) {
    return `refused: ${(error as { code?: string }).code ?? String(error)}`;
  }
}

/** After a kill the log holds what the database does not have yet. */
async function damagedLog(o: FaultRun, site: TestSite, acknowledged: Acknowledged, n: number, recoveryMs: number[]): Promise<string[]> {
  await startAndRecord(o, site);
  acknowledged.watch();
  await untilAllSeal(o, site);
  await acknowledged.stop();
  await site.stop('SIGKILL');
  const file = join(site.data, n % 2 === 1 ? 'working.db-wal' : 'working.db-shm');
  const { size } = await stat(file);
  if (size > 0) await flip(file, Math.floor(o.random() * size));
  recoveryMs.push(await startAndRecord(o, site));
  await untilAllSeal(o, site);
  const problems = await auditSite(site, acknowledged);
  o.say(`${file.split('/').at(-1)} of ${size} bytes: ${problems.length} problems`);
  await site.stop('SIGTERM');
  return problems;
}

async function deleted(o: FaultRun, site: TestSite, acknowledged: Acknowledged, recoveryMs: number[]): Promise<string[]> {
  await startAndRecord(o, site);
  acknowledged.watch();
  await untilAllSeal(o, site);
  await acknowledged.stop();
  await site.stop('SIGTERM');
  await cp(join(site.data, 'working.db'), join(site.folder, 'saved.db'));
  for (const name of await readdir(site.data)) if (name.startsWith('working.db')) await rm(join(site.data, name));
  const problems: string[] = [];
  const refusal = await site.attempt(['run', '--config', site.config]);
  if (refusal.status === 0 || !/SP_/.test(refusal.stderr)) problems.push(`without its database the hub ended with ${refusal.status}: ${refusal.stderr.slice(-300)}`);
  const rebuilt = await site.attempt(['rebuild', '--config', site.config, '--identity', site.kit]);
  if (rebuilt.status !== 0) {
    await cp(join(site.folder, 'saved.db'), join(site.data, 'working.db'));
    return [...problems, `sallyport rebuild ended with ${rebuilt.status}: ${rebuilt.stderr.slice(-300)}`];
  }
  // Passwords are nowhere but in the database that is gone.
  await site.startHub();
  for (const camera of site.cameras) await site.attempt(['secret', 'set', camera.name, '--config', site.config], `${camera.password}\n`);
  const began = performance.now();
  await untilAllSeal(o, site);
  recoveryMs.push(performance.now() - began);
  return [...problems, ...await auditSite(site, acknowledged)];
}

async function flip(file: string, at: number): Promise<number> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, at);
    return at;
  } finally {
    await handle.close();
  }
}

export default rots;
