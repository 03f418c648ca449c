/**
 * The auditor: after a fault, is everything that was acknowledged there and whole, does it open, and is each missing second explained?
 * Answers sentences that say what is wrong; none is all well.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplyOf } from '../../../src/api/contract.ts';
import { run } from '../../../src/base/spawn.ts';
import { readTextBounded } from '../../../src/base/files.ts';
import { Identity } from '../../../src/seal/identity.ts';
import { Archive } from '../../../src/vault/archive.ts';
import type { TestSite } from '../../e2e/site.ts';
import { loadPerCore } from './load.ts';
import { hashOf, type Acknowledged, type AcknowledgedSegment } from './acknowledged.ts';

type Rows = ReplyOf<'list'>;

/** Two segments of a running stream meet within some pictures; a starved machine sees pictures late. */
const seamMs = loadPerCore() < 2 ? 1000 : 2500;
const namedMax = 5;

export interface AuditOptions {
  /** Of those that were acknowledged last, so many are opened with stock age. */
  readonly opened?: number;
  /** Segments whose deletion was lawful (a receipt names it). */
  readonly mayBeGone?: (segment: AcknowledgedSegment) => boolean;
}

/** Of a hub that runs. */
export async function auditSite(site: TestSite, acknowledged: Acknowledged, o: AuditOptions = {}): Promise<string[]> {
  // What is said from now on comes after the rows that are looked at.
  const said = [...acknowledged.segments.values()];
  const rows = await site.list();
  return [
    ...await missingOf(site, said, rows, o.mayBeGone ?? (() => false)),
    ...holesIn(rows).map((hole) => `unexplained: ${hole}`),
    ...await verify(site),
    ...(o.opened === 0 ? [] : await openSome(site, acknowledged, o.opened ?? 1, o.mayBeGone ?? (() => false))),
  ];
}

/** `sallyport verify`, as anybody would run it. */
export async function verify(site: TestSite): Promise<string[]> {
  const { status, stdout, stderr } = await site.attempt(['verify', '--config', site.config, '--json']);
  try {
    const { problems } = JSON.parse(stdout.toString()) as { problems: { code: string; what: string; detail: string }[] };
    return problems.slice(0, namedMax).map(({ code, what, detail }) => `verify: ${code}: ${what}: ${detail}`);
  } catch {
    return [`verify ended with ${status}: ${stderr.slice(-500)}`];
  }
}

async function missingOf(site: TestSite, said: readonly AcknowledgedSegment[], rows: Rows, mayBeGone: (segment: AcknowledgedSegment) => boolean): Promise<string[]> {
  const byPath = new Map(rows.segments.map((row) => [row.path, row]));
  const lost: string[] = [];
  for (const segment of said) {
    const wrong = await wrongWith(site, segment, byPath.get(segment.path));
    if (wrong !== undefined && !mayBeGone(segment)) lost.push(`acknowledged and lost: ${segment.path}: ${wrong}`);
  }
  return lost.length > namedMax ? [...lost.slice(0, namedMax), `and ${lost.length - namedMax} more acknowledged segments lost`] : lost;
}

async function wrongWith(site: TestSite, segment: AcknowledgedSegment, row: Rows['segments'][number] | undefined): Promise<string | undefined> {
  if (row === undefined) return 'no row';
  if (row.sizeBytes !== segment.sizeBytes || row.state !== segment.state) return `its row says ${row.state}, ${row.sizeBytes} bytes; it said ${segment.state}, ${segment.sizeBytes} bytes`;
  const sha256 = await hashOf(join(site.data, 'footage', segment.path));
  if (sha256 === undefined) return 'no file';
  return segment.sha256 === undefined || segment.sha256 === sha256 ? undefined : 'its file is not what it was';
}

/** Where neither a segment nor a gap says anything, from a camera's first segment to its last. */
export function holesIn({ segments, gaps }: Rows): string[] {
  const holes: string[] = [];
  for (const [key, own] of Map.groupBy(segments, ({ camera, stream }) => `${camera}/${stream}`)) {
    const told = [
      ...own.filter(({ state }) => state !== 'missing').map(({ startMs, durationMs }) => [startMs, startMs + (durationMs ?? 0)] as const),
      ...gaps.filter(({ camera, stream }) => `${camera}/${stream}` === key).map(({ fromMs, toMs }) => [fromMs, toMs] as const),
    ].sort((a, b) => a[0] - b[0]);
    let reached = own.reduce((first, { startMs }) => Math.min(first, startMs), Infinity);
    for (const [fromMs, toMs] of told) {
      if (fromMs - reached > seamMs) holes.push(`${key}: ${((fromMs - reached) / 1000).toFixed(1)} s from ${new Date(reached).toISOString()}`);
      reached = Math.max(reached, toMs);
    }
  }
  return holes.length > namedMax ? [...holes.slice(0, namedMax), `and ${holes.length - namedMax} more`] : holes;
}

/** The newest ones, as anybody could without us: `dd` a slot, `age -d` it with the kit, `age -d` the segment with what came out. */
async function openSome(site: TestSite, acknowledged: Acknowledged, count: number, mayBeGone: (segment: AcknowledgedSegment) => boolean): Promise<string[]> {
  const newest = [...acknowledged.segments.values()].filter((segment) => segment.state === 'complete' && !mayBeGone(segment)).slice(-count);
  const problems: string[] = [];
  for (const segment of newest) {
    const problem = await openWithAge(site, segment);
    if (problem !== undefined) problems.push(`${segment.path} does not open with stock age: ${problem}`);
  }
  return problems;
}

async function openWithAge(site: TestSite, segment: AcknowledgedSegment): Promise<string | undefined> {
  const slot = await slotOf(site, segment);
  if (slot === undefined) return 'its slot is not to be found with the kit';
  const text = await run('dd', [`if=${join(site.data, 'keyring', 'keyring.1')}`, 'bs=1024', `skip=${4 * slot}`, 'count=1', 'status=none']);
  const hour = await run('age', ['-d', '-i', site.kit], { input: text.stdout });
  if (hour.status !== 0) return `slot ${slot}: ${hour.stderr}`;
  const hourFile = join(site.folder, 'hour.txt');
  await writeFile(hourFile, hour.stdout);
  const opened = await run('age', ['-d', '-i', hourFile], { input: await readFile(join(site.data, 'footage', segment.path)) });
  if (opened.status !== 0) return opened.stderr;
  return opened.stdout.toString('latin1', 4, 8) === 'ftyp' ? undefined : 'what comes out is no MP4';
}

async function slotOf(site: TestSite, segment: AcknowledgedSegment): Promise<number | undefined> {
  return withKit(site, async (archive) => {
    const { segments } = await archive.segments(segment.camera, segment.startMs, segment.startMs + 1000);
    return segments.find(({ path }) => path === segment.path)?.slot;
  });
}

/** The archive as the owner's tools open it. */
export async function withKit<T>(site: TestSite, use: (archive: Archive) => Promise<T>): Promise<T> {
  const identities = Identity.parseFile(await readTextBounded(site.kit, 2 ** 16), site.kit);
  try {
    const archive = await Archive.open(site.data, identities);
    try {
      return await use(archive);
    } finally {
      await archive.close();
    }
  } finally {
    for (const identity of identities) identity.close();
  }
}
