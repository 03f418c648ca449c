import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Catalogue } from '../../src/vault/catalogue.ts';
import type { Period } from '../../src/vault/periodtable.ts';
import type { NewSegment } from '../../src/vault/segmenttable.ts';
import { openConnection } from '../../src/vault/connection.ts';
import { packKeyFrames, unpackKeyFrames } from '../../src/vault/keyframes.ts';

const hourMs = 3_600_000;

function makeCatalogue(t: Test): Catalogue {
  const db = openConnection(join(t.testdir(), 'working.db'), Buffer.from(`raw:${'1'.repeat(64)}`), { readonly: false });
  t.teardown(() => void db.close());
  return new Catalogue(db);
}

function addPeriod(catalogue: Catalogue, n: number, camera = 'front'): Period {
  const { slot, generation } = catalogue.periods.freeSlot([]);
  const startMs = n * hourMs;
  return catalogue.periods.add({ camera, class: 'footage', startMs, endMs: startMs + hourMs, deadlineMs: startMs + 5 * hourMs, slot, generation, recipient: 'age1x', slotSha256: 'ab'.repeat(32) });
}

function segment(period: Period, seq: number, more: Partial<NewSegment> = {}): NewSegment {
  return {
    periodId: period.id, camera: period.camera, stream: 'main', seq, boot: 'b', monoMs: 1, startMs: period.startMs + seq * 60_000, durationMs: 60_000,
    path: `${period.camera}/19700101/00/19700101T000000Z-${seq}.mp4.age`, sizeBytes: 1000, headerBytes: 184, headerSha256: '01'.repeat(32), bodySha256: '02'.repeat(32),
    keyFrames: [[0, 100], [2000, 9000]], reason: 'continuous', cutChunks: undefined, ...more,
  };
}

t.test('the lowest free slot is taken, and a generation of a slot is never used twice', async (t) => {
  const catalogue = makeCatalogue(t);
  const periods = [0, 1, 2, 3].map((n) => addPeriod(catalogue, n));
  t.same(periods.map(({ slot, generation }) => [slot, generation]), [[0, 1], [1, 1], [2, 1], [3, 1]]);
  for (const index of [1, 0]) {
    const id = periods[index]?.id ?? -1;
    catalogue.markShredded([id]);
    t.same(catalogue.periods.freeSlot([]).slot, index === 1 ? 4 : 1, 'a shredded slot is not free while its row stands');
    catalogue.deletePeriods([id]);
  }
  t.same([4, 5, 6].map((n) => addPeriod(catalogue, n)).map(({ slot, generation }) => [slot, generation]), [[0, 2], [1, 2], [4, 1]]);
});

t.test('a live period\'s row cannot be deleted', async (t) => {
  const catalogue = makeCatalogue(t);
  const period = addPeriod(catalogue, 0);
  catalogue.deletePeriods([period.id]);
  t.equal(catalogue.periods.byId(period.id)?.state, 'live');
});

t.test('segments are found by time, camera and stream', async (t) => {
  const catalogue = makeCatalogue(t);
  const [front, back] = [addPeriod(catalogue, 0), addPeriod(catalogue, 0, 'back')];
  for (const seq of [1, 2, 3]) catalogue.addSegment(segment(front, seq));
  catalogue.addSegment(segment(front, 1, { stream: 'sub', path: 'front/19700101/00/19700101T000000Z-1.sub.mp4.age' }));
  catalogue.addSegment(segment(back, 1));
  const ids = (q: object): string[] => catalogue.segments.within({ fromMs: 0, toMs: hourMs, limit: 10, ...q }).map(({ id }) => id);
  t.same(ids({}), ['back/main/1', 'front/main/1', 'front/sub/1', 'front/main/2', 'front/main/3']);
  t.same(ids({ camera: 'front', stream: 'main' }), ['front/main/1', 'front/main/2', 'front/main/3']);
  t.same(ids({ camera: 'front', stream: 'main', fromMs: 179_999, toMs: 180_000 }), ['front/main/2'], 'overlap, half open');
  t.same(ids({ limit: 2 }), ['back/main/1', 'front/main/1']);
  t.same(catalogue.periods.footageFacts(), [
    { camera: 'back', segments: 1, bytes: 1000, oldestMs: 60_000, newestEndMs: 120_000 },
    { camera: 'front', segments: 4, bytes: 4000, oldestMs: 60_000, newestEndMs: 240_000 },
  ]);
});

t.test('a row comes back as it was written', async (t) => {
  const catalogue = makeCatalogue(t);
  const period = addPeriod(catalogue, 0);
  const written = catalogue.addSegment(segment(period, 7, { cutChunks: 3, reason: 'alarm' }));
  t.same(catalogue.segments.find('front', 'main', 7), written);
  t.match(written, { id: 'front/main/7', state: 'cut', slot: 0, generation: 1 });
});

t.test('a number is never given twice, and a period that is not live takes no row', async (t) => {
  const catalogue = makeCatalogue(t);
  const period = addPeriod(catalogue, 0);
  catalogue.addSegment(segment(period, 9));
  t.throws(() => catalogue.addSegment(segment(period, 9)));
  catalogue.markShredded([period.id]);
  t.equal(catalogue.addSegment(segment(period, 12)), undefined);
  catalogue.deleteGarbage([period.id], 10);
  catalogue.deletePeriods([period.id]);
  t.same(catalogue.segments.nextSeqs(), [{ camera: 'front', stream: 'main', nextSeq: 13 }]);
});

t.test('a gap belongs to the period of its beginning, dies with it but for what reaches past it, and is noted once', async (t) => {
  const catalogue = makeCatalogue(t);
  const period = addPeriod(catalogue, 0);
  const gap = { camera: 'front', stream: 'main', fromMs: hourMs - 5, toMs: hourMs + 5, reason: 'stalled', detail: '' } as const;
  catalogue.lists.markListed(period.id, undefined);
  catalogue.addGap(gap);
  catalogue.addGap(gap);
  catalogue.addGap({ ...gap, fromMs: 9 * hourMs, toMs: 10 * hourMs });
  t.equal(catalogue.periods.byId(period.id)?.listed, false, 'its hour list is written anew');
  t.same(catalogue.lists.hourList(period.id)?.gaps, [{ stream: 'main', from_ms: hourMs - 5, to_ms: hourMs + 5, reason: 'stalled', detail: '' }]);
  catalogue.markShredded([period.id]);
  t.same(catalogue.gaps.list({ fromMs: 0, toMs: 99 * hourMs, limit: 9 }).map(({ fromMs }) => fromMs).sort((a, b) => a - b), [hourMs, 9 * hourMs], 'of a gap that reaches past its period, the rest stays');
});

t.test('deadlines only come closer', async (t) => {
  const catalogue = makeCatalogue(t);
  const period = addPeriod(catalogue, 0);
  addPeriod(catalogue, 0, 'back');
  t.equal(catalogue.periods.shortenDeadlines('front', 'footage', 10 * hourMs), 0);
  t.equal(catalogue.periods.shortenDeadlines('front', 'footage', hourMs), 1);
  t.equal(catalogue.periods.byId(period.id)?.deadlineMs, 2 * hourMs);
  t.equal(catalogue.periods.nextDeadlineMs(), 2 * hourMs);
  t.same(catalogue.periods.due(2 * hourMs - 1), []);
  t.same(catalogue.periods.due(2 * hourMs).map(({ id }) => id), [period.id]);
});

t.test('the catalogue\'s root changes with each row, and not with listing, being missed or a new period elsewhere', async (t) => {
  const catalogue = makeCatalogue(t);
  const period = addPeriod(catalogue, 0);
  const row = catalogue.addSegment(segment(period, 1));
  const rowsRoot = catalogue.lists.rowsRoot(period.id);
  const root = catalogue.lists.catalogueRoot();
  catalogue.segments.markMissing(row?.path ?? '');
  t.equal(catalogue.segments.find('front', 'main', 1)?.state, 'missing');
  t.same(catalogue.lists.rowsRoot(period.id), rowsRoot);
  t.same(catalogue.lists.catalogueRoot(), root);
  catalogue.addSegment(segment(period, 2));
  t.notSame(catalogue.lists.rowsRoot(period.id), rowsRoot);
  t.notSame(catalogue.lists.catalogueRoot(), root);
});

t.test('key frames come back as they were packed', async () => {
  const frames = fc.array(fc.tuple(fc.nat(100_000), fc.integer({ min: 1, max: 2 ** 40 })), { maxLength: 80 })
    .map((steps) => steps.reduce<[number, number][]>((all, [ms, bytes]) => [...all, [(all.at(-1)?.[0] ?? 0) + ms, (all.at(-1)?.[1] ?? 0) + bytes]], []));
  fc.assert(fc.property(frames, (list) => { t.same(unpackKeyFrames(packKeyFrames(list)), list); }), { numRuns: 50 });
});

t.test('a key frame that goes back in time or bytes is left out', async (t) => {
  t.same(unpackKeyFrames(packKeyFrames([[0, 10], [500, 400], [400, 600], [600, 300], [900, 800]])), [[0, 10], [500, 400], [900, 800]]);
});
