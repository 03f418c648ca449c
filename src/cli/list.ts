import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { SallyportError, asSallyportError, reasonOf } from '../base/errors.ts';
import { systemClock } from '../base/clock.ts';
import { writeFileAtomic } from '../base/files.ts';
import { formatAge, formatBytes, plural } from '../base/units.ts';
import type { FarPart } from '../duties/restorefar.ts';
import { purgedMeanwhile, type Archive, type ArchiveSegment } from '../vault/archive.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, type Command } from './command.ts';
import { farOption, type FarValues } from './faraway.ts';
import { farFootageHelp, noteInAudit, timeOf, withArchive, withFarFilled } from './footage.ts';
import { localTime, print, printJson, printTable } from './terminal.ts';

interface Row { camera: string; startMs: number; durationMs: number | undefined; sizeBytes: number; state: string; path: string; deadlineMs?: number | undefined }
interface Observation { camera: string; kind: string; source: string; fromMs: number; toMs?: number }
interface Gap { camera: string; fromMs: number; toMs: number; reason: string }

const rowsMax = 10_000;

export const list: Command = {
  name: 'list',
  summary: 'list what is recorded',
  help: `
Usage: sallyport list [CAMERA] [--from TIME] [--to TIME] [--json]
       sallyport list --observations [CAMERA] [--from TIME] [--to TIME] [--json]
       sallyport list [CAMERA] --identity KIT [--data FOLDER] [--pictures FOLDER]
       sallyport list [CAMERA] --identity KIT --far WHERE [--slots WHERE]

Without --identity the running hub is asked: it knows times and sizes, not pictures.
UNTIL is when the last key that opens a segment is destroyed: its hour's, or a hold's.
With --observations it says what the cameras observed: motion, persons, a door bell.
With --pictures each segment's thumbnail is written into that folder, as
CAMERA-TIME-NUMBER.jpg: its first picture, small.
${farFootageHelp}`,
  async run(args) {
    const { values, positionals } = parseOptions('list', args, {
      config: { type: 'string', short: 'c' }, socket: { type: 'string' }, data: { type: 'string' }, identity: { type: 'string', short: 'i' }, owner: { type: 'string' },
      from: { type: 'string' }, to: { type: 'string' }, json: { type: 'boolean' }, observations: { type: 'boolean' }, pictures: { type: 'string' }, ...farOption,
    }, 1);
    const nowMs = systemClock.wallMs();
    const fromMs = timeOf('list', values.from, nowMs - 24 * 3_600_000);
    const toMs = timeOf('list', values.to, nowMs);
    if (values.data !== undefined && values.identity === undefined) throw new SallyportError('SP_USAGE', { command: 'list', reason: 'a data folder without its hub opens with --identity KIT' });
    if (values.far !== undefined && (values.identity ?? process.env['SALLYPORT_IDENTITY'] ?? '') === '') throw new SallyportError('SP_USAGE', { command: 'list', reason: 'what is at a store opens with --identity KIT' });
    if (values.far !== undefined && values.pictures !== undefined) throw new SallyportError('SP_USAGE', { command: 'list', reason: '--pictures needs the segments themselves: `sallyport restore`, then --data' });
    if (values.pictures !== undefined && (values.identity === undefined || values.observations === true)) throw new SallyportError('SP_USAGE', { command: 'list', reason: '--pictures opens what is recorded: it needs --identity KIT' });
    const query = { fromMs: Math.round(fromMs), toMs: Math.round(toMs), limit: rowsMax, ...(positionals[0] === undefined ? {} : { camera: positionals[0] }) };
    if (values.observations === true) {
      if (values.identity !== undefined) throw new SallyportError('SP_USAGE', { command: 'list', reason: 'observations are in the working database, which the running hub alone opens: leave out --identity' });
      const { observations } = await callHub(await socketOf(values), 'observations', query);
      if (values.json === true) printJson({ observations });
      else printObservations(observations);
      return 0;
    }
    const found = values.far !== undefined ? await fromFar(values, { camera: positionals[0], fromMs, toMs }) : values.identity === undefined
      ? await callHub(await socketOf(values), 'list', query)
      : await fromArchive(values, positionals[0], fromMs, toMs);
    if (values.json === true) printJson(found);
    else printList(found.segments.map((row) => ({ ...row, durationMs: row.durationMs })), found.gaps);
    return 0;
  },
};

interface ArchiveOptions { data?: string | undefined; config?: string | undefined; identity?: string | undefined; owner?: string | undefined; pictures?: string | undefined }

function fromArchive(values: ArchiveOptions, camera: string | undefined, fromMs: number, toMs: number): Promise<{ segments: Row[]; gaps: Gap[] }> {
  return withArchive('list', values, async (archive) => {
    const all: { segments: Row[]; gaps: Gap[] } = { segments: [], gaps: [] };
    for (const name of camera === undefined ? await archive.cameras() : [camera]) {
      const { segments, gaps, problems } = await archive.segments(name, fromMs, toMs);
      all.segments.push(...segments.map(({ startMs, durationMs, sizeBytes, state, path, deadlineMs, damagedMs, archivedAt }) => ({ camera: name, startMs, durationMs, sizeBytes, state: damagedMs !== undefined ? 'damaged' : archivedAt === undefined ? state : 'archived', path, ...(deadlineMs === undefined ? {} : { deadlineMs }) })));
      all.gaps.push(...gaps.map((gap) => ({ camera: name, fromMs: gap.fromMs, toMs: gap.toMs, reason: gap.reason })));
      for (const problem of problems) print(`! ${problem.message} (${problem.code})`);
      if (values.pictures !== undefined) {
        await noteInAudit(values, 'export', name, fromMs, toMs);
        const here = segments.filter(({ archivedAt }) => archivedAt === undefined);
        if (here.length < segments.length) print(`! ${plural(segments.length - here.length, 'segment')} of ${name} lie elsewhere alone: no picture of them is written`);
        await writePictures(archive, here, resolve(values.pictures));
      }
    }
    return all;
  });
}

/** As the lists at the stores tell it; no segment is fetched. */
function fromFar(values: ArchiveOptions & FarValues, part: FarPart): Promise<{ segments: Row[]; gaps: Gap[] }> {
  return withFarFilled('list', values, { part, listsOnly: true }, async (_folder, _identities, { periods }) => {
    const segments = new Map<string, Row>();
    const gaps = new Map<string, Gap>();
    for (const { list } of periods) {
      for (const { path, start_ms: startMs, duration_ms: durationMs, size, state, damaged_ms: damagedMs } of list.segments) {
        if (startMs > part.toMs || startMs + durationMs < part.fromMs) continue;
        const deadlineMs = Math.max(list.deadline_ms, segments.get(path)?.deadlineMs ?? 0);
        segments.set(path, { camera: list.camera, startMs, durationMs, sizeBytes: size, state: damagedMs === undefined ? state : 'damaged', path, deadlineMs });
      }
      for (const { from_ms: from, to_ms: to, reason } of list.gaps) if (from <= part.toMs && to >= part.fromMs) gaps.set(`${list.camera} ${from} ${reason}`, { camera: list.camera, fromMs: from, toMs: to, reason });
    }
    return { segments: [...segments.values()], gaps: [...gaps.values()] };
  });
}

/** What has none is passed over; what does not open is told. */
async function writePictures(archive: Archive, segments: readonly ArchiveSegment[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new SallyportError('SP_WRITE', { file: folder, reason: reasonOf(error) }, error);
  });
  for (const segment of segments) {
    const jpeg = await archive.thumbnail(segment).catch((error: unknown) => {
      const problem = asSallyportError(error);
      if (!purgedMeanwhile(error)) print(`! ${problem.message} (${problem.code})`);
    });
    if (jpeg !== undefined) await writeFileAtomic(join(folder, `${segment.camera}-${basename(segment.path).replace(/\.mp4\.age(\.part)?$/, '')}.jpg`), jpeg);
  }
}

function printList(segments: readonly Row[], gaps: readonly Gap[]): void {
  if (segments.length === 0 && gaps.length === 0) return print('nothing is recorded in that time');
  const lines = [
    ...segments.map((row) => ({ atMs: row.startMs, cells: [row.camera, localTime(row.startMs), row.durationMs === undefined ? '?' : formatAge(row.durationMs), formatBytes(row.sizeBytes), row.state, row.deadlineMs === undefined ? '?' : localTime(row.deadlineMs), row.path] })),
    ...gaps.map((gap) => ({ atMs: gap.fromMs, cells: [gap.camera, localTime(gap.fromMs), formatAge(gap.toMs - gap.fromMs), '-', 'gap', '-', gap.reason] })),
  ].sort((a, b) => a.atMs - b.atMs);
  printTable(['CAMERA', 'FROM', 'FOR', 'SIZE', 'STATE', 'UNTIL', 'FILE'], lines.map((line) => line.cells));
  print(`\n${plural(segments.length, 'segment')}, ${formatBytes(segments.reduce((sum, row) => sum + row.sizeBytes, 0))}, ${plural(gaps.length, 'gap')}`);
}

function printObservations(observations: readonly Observation[]): void {
  if (observations.length === 0) return print('nothing was observed in that time');
  printTable(['CAMERA', 'FROM', 'FOR', 'OBSERVED', 'SOURCE'], observations.map(({ camera, kind, source, fromMs, toMs }) => [
    camera, localTime(fromMs), toMs === undefined ? 'lasts' : toMs === fromMs ? '-' : formatAge(toMs - fromMs), kind, source === '' ? '-' : source,
  ]));
  print(`\n${plural(observations.length, 'observation')}${observations.length === rowsMax ? ', the earliest of more: narrow the time' : ''}`);
}
