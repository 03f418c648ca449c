/** Writes a period's hour list beside its segments; and makes the folder that both lie in. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileExists, makeFolder, syncFolder, writeFileAtomic } from '../base/files.ts';
import { sealWhole } from '../seal/sealer.ts';
import type { Period } from './periodtable.ts';
import { hourListPath, periodFolder } from './footagepaths.ts';
import { awayIn, encodeHourList } from './hourlist.ts';
import type { Parts } from './parts.ts';

/** False when there is nothing to list any more, or its rows changed meanwhile: then it is written again. SP_WRITE, SP_DATABASE. */
export async function writeHourList({ database, footage }: Parts, period: Period): Promise<boolean> {
  const list = await database.call('hourList', { periodId: period.id });
  if (list === undefined) return false;
  let listSha256: string | undefined;
  if (list.segments.length > 0 || list.gaps.length > 0) {
    if (!(await fileExists(join(footage, periodFolder(period.camera, period.startMs))))) await makePeriodFolder(footage, period);
    const sealed = sealWhole(Buffer.from(encodeHourList(list)), [period.recipient]);
    await writeFileAtomic(join(footage, hourListPath(period.camera, period.startMs, period.slot)), sealed);
    listSha256 = createHash('sha256').update(sealed).digest('hex');
  }
  return database.call('markListed', { periodId: period.id, segments: list.segments.length, away: awayIn(list), gaps: list.gaps.length, listSha256 });
}

/** Under a name that lasts. */
export async function makePeriodFolder(footage: string, period: Period): Promise<void> {
  const [camera = '', date = ''] = periodFolder(period.camera, period.startMs).split('/');
  // One by one, so that `footage` itself is never made: on an empty mount point it is not there.
  for (const folder of [camera, join(camera, date), periodFolder(period.camera, period.startMs)]) {
    await makeFolder(join(footage, folder));
    await syncFolder(dirname(join(footage, folder)));
  }
}
