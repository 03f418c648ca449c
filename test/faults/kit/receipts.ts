/** What the hub's receipts name as destroyed. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { AcknowledgedSegment } from './acknowledged.ts';

interface Purged { readonly camera: string; readonly startMs: number; readonly endMs: number }

export interface Receipts {
  readonly early: number;
  readonly names: (segment: AcknowledgedSegment) => boolean;
}

export async function receiptsOf(site: TestSite): Promise<Receipts> {
  const folder = join(site.data, 'receipts');
  const texts = await Promise.all((await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => readFile(join(folder, name), 'utf8')));
  const receipts = texts.map((text) => flat(JSON.parse(text)));
  const purged = receipts.flatMap(({ periods }) => periods);
  return {
    early: receipts.filter(({ early }) => early).length,
    names: ({ camera, startMs }) => purged.some((period) => period.camera === camera && startMs >= period.startMs && startMs < period.endMs),
  };
}

function flat(receipt: Record<string, unknown>): { early: boolean; periods: Purged[] } {
  const periods = (receipt['periods'] as Record<string, unknown>[] | undefined) ?? [];
  const number = (row: Record<string, unknown>, ...names: string[]): number => Number(names.map((name) => row[name]).find((value) => value !== undefined));
  return {
    early: typeof receipt['early'] === 'string',
    periods: periods.map((row) => ({ camera: String(row['camera']), startMs: number(row, 'start_ms', 'startMs'), endMs: number(row, 'end_ms', 'endMs') })),
  };
}
