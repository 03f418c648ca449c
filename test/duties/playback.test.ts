import { link, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { run } from '../../src/base/spawn.ts';
import { PlaybackDuty, type PlaybackOptions } from '../../src/duties/playback.ts';
import { begin, hourMs, makeWorld, openVault, prepare, record, start, type World } from '../vault/world.ts';
import { noAge, noFfprobe } from '../seal/referees.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { oneCamera, until } from './onecamera.ts';

const trusted = { verdict: undefined };

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const list: Buffer[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return Buffer.concat(list);
}

async function recorded(t: Test, more: Partial<PlaybackOptions> = {}): Promise<{ world: World; vault: Vault; playback: PlaybackDuty; close: () => Promise<void> }> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  return { world, vault, playback: new PlaybackDuty({ vault, clock: world.clock, timekeeper: trusted, ...more }), close: () => vault.close() };
}

t.test('the hour that is being recorded opens with stock age, from slot and segment alone', { skip: noAge || noFfprobe }, async (t) => {
  const { watch, vault, kit } = await oneCamera(t);
  await until(() => watch.status.segmentsSealed >= 2);
  const playback = new PlaybackDuty({ vault, clock: systemClock, timekeeper: trusted });
  const { segments, periods } = await playback.timeline({ camera: 'front', fromMs: Date.now() - 60_000, toMs: Date.now() });
  const [segment] = segments;
  const period = periods.find(({ slot }) => slot === segment?.slot);
  if (segment === undefined || period === undefined) throw new Error('nothing is recorded');
  t.ok(period.endMs > Date.now(), 'the period is not over');
  t.ok(segment.keyFrames.length >= 2 && segment.keyFrames[0]?.[0] === 0);

  const folder = t.testdir();
  const slot = await playback.slot('front', segment.slot, segment.generation);
  t.equal(slot.length, 1024);
  const sealed = await playback.segment('front', 'main', segment.seq);
  t.equal(sealed.size, segment.sizeBytes);
  const bytes = await all(sealed.read());
  t.equal(bytes.length, sealed.size);
  t.ok((await all(sealed.read(100, 70_000))).equals(bytes.subarray(100, 70_000)), 'a range of it');
  t.equal((await all(sealed.read(sealed.size - 5, sealed.size + 1000))).length, 5);
  await writeFile(join(folder, 'kit.txt'), kit.reveal(), { mode: 0o600 });
  const hour = await run('age', ['-d', '-i', join(folder, 'kit.txt')], { input: slot });
  t.equal(hour.status, 0, hour.stderr);
  await writeFile(join(folder, 'hour.txt'), hour.stdout, { mode: 0o600 });
  const opened = await run('age', ['-d', '-i', join(folder, 'hour.txt')], { input: bytes, stdoutBytesMax: 2 ** 26 });
  t.equal(opened.status, 0, opened.stderr);
  await writeFile(join(folder, 'segment.mp4'), opened.stdout);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-count_packets', '-show_entries', 'stream=width,nb_read_packets', '-of', 'csv=p=0', join(folder, 'segment.mp4')]);
  const [width, pictures] = stdout.toString().trim().split(',').map(Number);
  t.equal(width, 1280);
  t.ok((pictures ?? 0) >= 20, `${pictures} pictures`);
});

t.test('a slot goes to who asks for the right one, and not past its deadline', async (t) => {
  const { world, vault, playback, close } = await recorded(t);
  const period = await prepare(vault, world);
  await record(vault, period);
  t.equal((await playback.slot('front', period.slot, period.generation)).toString('latin1', 0, 10), '-----BEGIN');
  await t.rejects(playback.slot('garden', period.slot, period.generation), { code: 'SP_SLOT_MISSING' }, 'another camera\'s');
  await t.rejects(playback.slot('front', period.slot, period.generation + 1), { code: 'SP_SLOT_MISSING' });
  for (const odd of [-1, 2 ** 40, 1.5, Number.NaN]) await t.rejects(playback.slot('front', odd, 1), { code: 'SP_SLOT_MISSING' });
  await t.rejects(playback.segment('garden', 'main', 1), { code: 'SP_SEGMENT_MISSING' });
  await t.rejects(playback.segment('front', 'sub', 1), { code: 'SP_SEGMENT_MISSING' });
  const open = await begin(vault, period);
  await t.rejects(playback.segment('front', 'main', open.seq), { code: 'SP_SEGMENT_MISSING' }, 'one that is not closed');

  world.clock.set(period.deadlineMs);
  await t.rejects(playback.slot('front', period.slot, period.generation), { code: 'SP_FOOTAGE_LOCKED' }, 'its purge waits');
  await t.rejects(playback.segment('front', 'main', 1), { code: 'SP_FOOTAGE_LOCKED' });
  t.same(await playback.timeline({ camera: 'front', fromMs: start, toMs: start + hourMs }), { periods: [], segments: [], gaps: [], observations: [] });
  await vault.purge([period], {});
  await t.rejects(playback.slot('front', period.slot, period.generation), { code: 'SP_SLOT_MISSING' });
  await t.rejects(playback.segment('front', 'main', 1), { code: 'SP_SEGMENT_MISSING' });
  await close();
});

t.test('footage that the clock left behind by going back is locked by the time that it ran', async (t) => {
  const { world, vault, close } = await recorded(t);
  const period = await prepare(vault, world);
  const after = (byMs: number): PlaybackDuty => new PlaybackDuty({
    vault, clock: world.clock, timekeeper: { verdict: { mayPurge: true, why: '', stepsBack: [{ toMs: period.endMs + 1, byMs }] } as never },
  });
  world.clock.set(period.endMs + 10);
  t.equal((await after(hourMs / 2).slot('front', period.slot, period.generation)).length, 1024);
  await t.rejects(after(hourMs).slot('front', period.slot, period.generation), { code: 'SP_FOOTAGE_LOCKED' });
  await close();
});

t.test('a purge in the middle of reading ends it cleanly, and nothing more of the file comes', async (t) => {
  const { world, vault, playback, close } = await recorded(t);
  const period = await prepare(vault, world);
  await record(vault, period, { bytes: 3_000_000 });
  const segment = await playback.segment('front', 'main', 1);
  const reader = segment.read()[Symbol.asyncIterator]();
  t.equal((await reader.next()).value?.length, 2 ** 18);
  const purging = vault.purge([period], { early: 'in the test' });
  await purging;
  await t.rejects(Promise.resolve(reader.next()), { code: 'SP_SEGMENT_MISSING' });
  await t.rejects(all(segment.read(0, 10)), { code: 'SP_SEGMENT_MISSING' });
  await close();
});

t.test('nothing but the segment\'s own file is read in its place', async (t) => {
  const { world, vault, playback, close } = await recorded(t);
  const period = await prepare(vault, world);
  const rows = [await record(vault, period, { bytes: 600_000 }), await record(vault, period, { wallMs: start + 60_000 })];
  const [file, other] = rows.map(({ path }) => join(world.folder, 'footage', path)) as [string, string];
  const segment = await playback.segment('front', 'main', 1);
  await rename(file, `${file}.aside`);
  await run('ln', ['-s', `${file}.aside`, file]);
  await t.rejects(all(segment.read()), { code: 'SP_READ' }, 'a symbolic link');
  await rm(file);
  await mkdir(file);
  await t.rejects(all(segment.read()), { code: /SP_SEGMENT_DAMAGED|SP_READ/ }, 'a folder');
  await rm(file, { recursive: true });
  await run('mkfifo', [file]);
  await t.rejects(all(segment.read()), { code: 'SP_SEGMENT_DAMAGED' }, 'a pipe');
  await rm(file);
  await link(other, file);
  await t.rejects(all(segment.read()), { code: 'SP_SEGMENT_DAMAGED' }, 'another segment');
  await rm(file);
  await rename(`${file}.aside`, file);
  t.equal((await all(segment.read())).length, segment.size);
  await truncate(file, 1000);
  await t.rejects(playback.segment('front', 'main', 1), { code: 'SP_SEGMENT_DAMAGED' });
  await rm(file);
  await t.rejects(playback.segment('front', 'main', 1), { code: 'SP_SEGMENT_MISSING' });
  await close();
});

t.test('a timeline tells of segments with key frames, gaps, observations and losses, a page at a time', async (t) => {
  const { world, vault, playback, close } = await recorded(t);
  const period = await prepare(vault, world);
  for (let minute = 0; minute < 3; minute++) await record(vault, period, { wallMs: start + minute * 60_000 });
  await record(vault, period, { wallMs: start, stream: 'sub' });
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 180_000, toMs: start + 240_000, reason: 'camera offline', detail: 'no route' });
  await vault.noteObservations([{ camera: 'front', kind: 'motion', source: '', fromMs: start + 1000, toMs: start + 2000 }, { camera: 'front', kind: 'person', source: '', fromMs: start + 5000, toMs: undefined }]);
  world.clock.set(start + 300_000);
  const page = await playback.timeline({ camera: 'front', fromMs: start, toMs: start + hourMs });
  t.match(page, {
    periods: [{ slot: period.slot, generation: 1, startMs: start, endMs: start + hourMs, deadlineMs: period.deadlineMs }],
    segments: [{ seq: 1, startMs: start, durationMs: 60_000, keyFrames: [[0, Number]] }, { seq: 2 }, { seq: 3 }],
    gaps: [{ fromMs: start + 180_000, toMs: start + 240_000, reason: 'camera offline', detail: 'no route' }],
    observations: [{ kind: 'motion', fromMs: start + 1000, toMs: start + 2000 }, { kind: 'person', fromMs: start + 5000 }],
  });
  t.equal(page.moreFromMs, undefined);
  t.same((await playback.timeline({ camera: 'front', stream: 'sub', fromMs: start, toMs: start + hourMs })).segments.map(({ seq }) => seq), [1]);
  t.same((await playback.timeline({ camera: 'front', fromMs: start + 70_000, toMs: start + 80_000 })).segments.map(({ seq }) => seq), [2]);
  t.same((await playback.timeline({ camera: 'front', fromMs: 5, toMs: 5 })).segments, []);
  t.same((await playback.timeline({ camera: 'front', fromMs: -1e300, toMs: 1e300 })).segments.length, 3);
  await close();
});

t.test('what is more than a page is asked for again, and none of it is told twice or left out', async (t) => {
  const { world, vault, close } = await recorded(t);
  const period = await prepare(vault, world, { startMs: start });
  const row = await record(vault, period);
  const many = Array.from({ length: 3400 }, (_, index) => ({ ...row, seq: index + 1, startMs: start + index * 1000, durationMs: 1000, keyFrames: Array.from({ length: index === 2000 ? 70_000 : 3 }, (_, at) => [at, at] as const) }));
  const playback = new PlaybackDuty({
    vault: {
      segments: async (q) => many.filter(({ startMs }) => startMs < q.toMs && startMs + 1000 > q.fromMs).slice(0, q.limit), gaps: (q) => vault.gaps(q), observations: (q) => vault.observations(q), periodsIn: (q) => vault.periodsIn(q),
      periodOfSlot: (q) => vault.periodOfSlot(q), slotText: (p) => vault.slotText(p), sealedFile: (name) => vault.sealedFile(name),
      secondHeader: (name) => vault.secondHeader(name), heldIn: (q) => vault.heldIn(q),
    },
    clock: world.clock, timekeeper: trusted,
  });
  const seen: number[] = [];
  let pages = 0;
  for (let fromMs: number | undefined = start; fromMs !== undefined; pages++) {
    const page = await playback.timeline({ camera: 'front', fromMs, toMs: start + 2 * hourMs });
    for (const { seq } of page.segments) if (!seen.includes(seq)) seen.push(seq);
    t.ok(page.segments.length <= 1500);
    fromMs = page.moreFromMs;
  }
  t.equal(seen.length, 3400);
  t.ok(pages >= 3 && pages < 8, `${pages} pages`);
  await close();
});
