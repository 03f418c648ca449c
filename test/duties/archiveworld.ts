/** Two segments of a day ago that have arrived at a folder, and what brings them back from there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { ArchiveDuty } from '../../src/duties/archive.ts';
import { Notices } from '../../src/duties/notices.ts';
import { PlaybackDuty } from '../../src/duties/playback.ts';
import type { StoreRules } from '../../src/policy/declared.ts';
import { Archive, type FetchSegment } from '../../src/vault/archive.ts';
import type { Archivable, SegmentRow } from '../../src/vault/vault.ts';
import { always, prepare, record, start } from '../vault/world.ts';
import { answered, makeUploads, runCourier, settle, type UploadWorld } from './uploadworld.ts';

export type Archived = UploadWorld & { archive: ArchiveDuty; playback: PlaybackDuty; notices: Notices };

/** Two segments that have arrived, of a day ago. */
export async function arrived(folder: string, more: Partial<StoreRules> = {}): Promise<{ made: Archived; one: SegmentRow; two: SegmentRow; bytes: Buffer[] }> {
  const made = (await makeUploads(folder, { archiveAfterMs: 2 * hourMs, ...more })) as Archived;
  const period = await prepare(made.vault, made.world, { keepMs: 5 * dayMs });
  const [one, two] = [await record(made.vault, period), await record(made.vault, period, { wallMs: start + minuteMs, bytes: 300_000 })];
  const bytes = await Promise.all([one, two].map(({ path }) => readFile(join(made.world.folder, 'footage', path))));
  withDuties(made);
  return { made, one, two, bytes };
}

export function withDuties(made: Archived): void {
  const { world, vault, ledger } = made;
  const clock: Clock = { wallMs: () => world.clock.wallMs(), monotonicMs: () => systemClock.monotonicMs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  made.notices = new Notices({ vault, clock, log: silentLog });
  made.archive = new ArchiveDuty({ vault, ledger, destinations: () => made.destinations, notices: made.notices, clock, log: silentLog });
  made.playback = new PlaybackDuty({ vault, clock, timekeeper: { verdict: undefined }, archive: made.archive });
}

export const fileOf = (made: UploadWorld, row: SegmentRow): string => join(made.world.folder, 'footage', row.path);

/** All that may go has its row, and its file still: as a kill between the two leaves it. Answers what was marked. */
export async function marked({ vault }: Archived): Promise<readonly Archivable[]> {
  const { rows } = await vault.archiving.archivable({ destination: 'disk', beforeMs: start + dayMs, after: 0, limit: 10 });
  const count = await vault.archiving.archive('disk', rows.map(({ rowId }) => rowId));
  return rows.slice(0, count);
}

export async function played(made: Archived, { camera, stream, seq }: SegmentRow, from?: number, to?: number): Promise<Buffer> {
  const file = await answered(made, made.playback.segment(camera, stream, seq));
  const pieces: Buffer[] = [];
  for await (const piece of file.read(from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export const gets = async (made: UploadWorld): Promise<number> => (await made.vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'get').length;

/** Two segments that lie at the disk alone, and the hour list says so. */
export async function archived(folder: string, more: Partial<StoreRules> = {}): Promise<Awaited<ReturnType<typeof arrived>>> {
  const all = await arrived(folder, more);
  const { made } = all;
  {
    await using _courier = await runCourier(made);
    await settle(made);
    await made.vault.finishPeriods(start + 2 * hourMs);
    made.world.clock.set(start + 3 * hourMs);
    await answered(made, made.archive.look());
  }
  return all;
}

export async function openedWith(made: Archived, fetch: FetchSegment | undefined, deed: (archive: Archive, segments: Awaited<ReturnType<Archive['segments']>>) => Promise<void>): Promise<void> {
  const archive = await Archive.open(made.world.folder, [made.world.owner], { fetch });
  try {
    await deed(archive, await archive.segments('front', always.fromMs, always.toMs));
  } finally {
    await archive.close();
  }
}

export async function contentOf(archive: Archive, segment: Awaited<ReturnType<Archive['segments']>>['segments'][number]): Promise<number> {
  const opener = await archive.openSegment(segment);
  let bytes = 0;
  for await (const chunk of opener.chunks()) bytes += chunk.length;
  opener.close();
  return bytes;
}
