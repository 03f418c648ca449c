/**
 * The vault alone, in a process of its own, doing in a tight loop what a hub does: periods, segments of two streams, holds, gaps, hour
 * lists, purges, checkpoints. A tracer attached from outside makes some of its calls fail. Lines of JSON on standard output say what was
 * acknowledged; lines on standard input say when to begin and when the faults are over.
 *
 *   sweepdriver.ts FOLDER  ← `sweep N` … → one line a round ← `calm` → what the same process and a new opening find
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isSallyportError } from '../../../src/base/errors.ts';
import { makeBox } from '../../../src/base/mp4.ts';
import { verifyFolder } from '../../../src/vault/verify.ts';
import type { Period, SegmentRow, Vault } from '../../../src/vault/vault.ts';
import { begin, makeWorld, openVault, prepare, record, start } from '../../vault/world.ts';

const lengthMs = 10_000;
/** A period is purged so many rounds after its end. */
const keptRounds = 3;
/** What is held is purged so many rounds after its period's end. */
const heldRounds = 5;
const calmRounds = 3;

export interface RoundReport {
  readonly round: number;
  readonly acknowledged: readonly string[];
  readonly errors: readonly string[];
}

export interface EndReport {
  readonly problems: readonly string[];
  readonly acknowledged: number;
}

const folder = process.argv[2] ?? '';
const world = makeWorld(folder);
const vault = await openVault(world);
const live = new Map<string, { round: number; sha256: string }>();
/** Paths of segments whose hold was acknowledged. */
const held = new Set<string>();
let round = 0;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
say({ ready: process.pid });
for (;;) {
  const { value, done } = await lines.next() as { value: string | undefined; done?: boolean };
  if (done === true || value === undefined) break;
  const [word = '', count = '0'] = value.split(' ');
  if (word === 'sweep') {
    for (let n = 0; n < Number(count); n++) say(await playRound(vault));
    say({ swept: round });
  } else if (word === 'calm') {
    say(await calm());
    break;
  }
}
process.exit(0);

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Each step on its own: what one refuses, the next may still do, as a hub's duties are independent. */
async function playRound(v: Vault): Promise<RoundReport> {
  const now = start + ++round * lengthMs;
  world.clock.set(now);
  const acknowledged: string[] = [];
  const errors: string[] = [];
  const step = async (name: string, deed: () => Promise<void>): Promise<void> => {
    try {
      await deed();
    } catch (error) {
      errors.push(`${name}: ${isSallyportError(error) ? error.code : `NO CODE: ${(error as Error).stack ?? String(error)}`}`);
    }
  };
  const camera = `camera-${round % 2}`;
  let period: Period | undefined;
  await step('period', async () => { period = await prepare(v, world, { camera, startMs: now, lengthMs, keepMs: keptRounds * lengthMs }); });
  for (const stream of ['main', 'sub'] as const) {
    await step(`segment ${stream}`, async () => {
      if (period !== undefined) acknowledged.push(await acknowledge(await record(v, period, { wallMs: now + 100, stream, bytes: 150_000 })));
    });
  }
  await step('segment in pieces', async () => {
    if (period === undefined) return;
    const writer = await begin(v, period, { wallMs: now + 4000 });
    const key = writer.takeFileKey();
    for (let n = 0; n < 4; n++) writer.append(makeBox('mdat', Buffer.alloc(70_000, n)), n * 500);
    if (writer.failure !== undefined) {
      await writer.abandon();
      throw writer.failure;
    }
    const row = await writer.close({ durationMs: 2000, reason: 'continuous' });
    acknowledged.push(await acknowledge(row));
    await step('hold', async () => {
      if (await v.hold(row.id, key, { deadlineMs: now + (1 + heldRounds) * lengthMs, recipients: [world.owner.recipient] })) held.add(row.path);
    });
    key.close();
  });
  await step('gap', () => v.addGap({ camera, stream: 'main', fromMs: now + 7000, toMs: now + 8000, reason: 'stalled', detail: 'a gap' }));
  await step('setting', () => v.putSetting('round', round));
  await step('hour lists', async () => void await v.finishPeriods(now));
  await step('purge', async () => {
    const due = await v.duePeriods(now);
    if (due.length === 0) return;
    await v.purge(due, {});
    for (const [path, { round: made }] of live) if (made < round - (held.has(path) ? heldRounds : keptRounds)) live.delete(path);
  });
  await step('checkpoint', async () => void await v.checkpoint());
  return { round, acknowledged, errors };
}

/** The file as it is when its row came. */
async function acknowledge(row: SegmentRow): Promise<string> {
  live.set(row.path, { round, sha256: await hashOf(row.path) });
  return row.path;
}

/** Of what is not there: that of nothing. Its own opening may be the call that fails; the next one does not. */
async function hashOf(path: string): Promise<string> {
  const read = (): Promise<Buffer | string> => readFile(join(world.folder, 'footage', path));
  const bytes = await read().catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? '' : read()));
  return createHash('sha256').update(bytes).digest('hex');
}

/** No fault any more: the same process does everything again, and a new opening finds everything that was acknowledged. */
async function calm(): Promise<EndReport> {
  const problems: string[] = [];
  for (let n = 0; n < calmRounds; n++) {
    const { errors, acknowledged } = await playRound(vault);
    // The first calm round may still clear up what a fault left.
    if (n > 0 && (errors.length > 0 || acknowledged.length < 3)) problems.push(`after the faults, without a restart, round ${n + 1}: ${errors.join(', ') || 'too little was acknowledged'}`);
  }
  const acknowledged = live.size;
  await vault.close().catch((error: unknown) => problems.push(`closing: ${String(error)}`));
  const again = await openVault(world);
  const rows = new Map((await again.segments({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100_000 })).map((row) => [row.path, row]));
  for (const [path, { sha256 }] of live) {
    const row = rows.get(path);
    if (row === undefined) problems.push(`acknowledged and lost: ${path}: no row`);
    else if (await hashOf(path) !== sha256) problems.push(`acknowledged and lost: ${path}: its file is another`);
  }
  if (again.recovery.missing.length > 0) problems.push(`rows without file: ${again.recovery.missing.join(', ')}`);
  await again.close();
  const report = await verifyFolder({ folder: world.folder });
  for (const { code, what, detail } of report.problems.slice(0, 5)) problems.push(`verify: ${code}: ${what}: ${detail}`);
  return { problems, acknowledged };
}
