import t from 'tap';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { readOwnerList, slotRecipients } from '../../../src/seal/owner.ts';
import { slotBlockBytes, slotTextBytes } from '../../../src/seal/slot.ts';
import { SealedFootage } from '../../../src/web/crypto/footage.ts';
import { Identity } from '../../../src/web/crypto/identity.ts';
import { makeKit, readKit } from '../../../src/web/crypto/kit.ts';
import { makeDevice } from '../../../src/web/crypto/device.ts';
import { firstOwnerList } from '../../../src/web/crypto/ownerlist.ts';
import { fakeJpeg } from '../../seal/thumbnail.ts';
import { hourMs, makeWorld, openVault, start } from '../../vault/world.ts';
import { folderFetcher, recordFilm, timelineOf, type Asked } from './world.ts';

const vectors = new URL('../../vectors/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, vectors));

interface Index {
  readonly slot: { readonly slot: number; readonly start_ms: number };
  readonly thumbnail: { readonly file: string; readonly size: number; readonly thumb: [number, number]; readonly jpeg_sha256: string; readonly key_frames: [number, number][]; readonly metadata: { readonly wall_ms: number } };
}

t.test('the committed vector: its picture opens from header and two chunks', async (t) => {
  const { slot, thumbnail } = JSON.parse(read('index.json').toString()) as Index;
  const sealed = read(thumbnail.file);
  const asked: { from: number; to: number }[] = [];
  const footage = new SealedFootage({
    identities: [readKit(read('kit.txt').toString())],
    fetch: async (path, range) => {
      if (path.includes('/slots/')) return new Uint8Array(read('data/keyring/keyring.1').subarray(slot.slot * slotBlockBytes).subarray(0, slotTextBytes));
      asked.push(range ?? { from: 0, to: sealed.length });
      return new Uint8Array(sealed.subarray(range?.from, range?.to));
    },
  });
  const segment = { seq: 3, startMs: thumbnail.metadata.wall_ms, durationMs: 10_000, sizeBytes: thumbnail.size, slot: slot.slot, generation: 1, deadlineMs: slot.start_ms + 2 * hourMs, keyFrames: thumbnail.key_frames, thumb: thumbnail.thumb };
  const periods = [{ slot: slot.slot, generation: 1, startMs: slot.start_ms, endMs: slot.start_ms + hourMs, deadlineMs: slot.start_ms + 2 * hourMs }];
  const jpeg = await footage.thumbnail('front', 'main', segment, { periods });
  t.equal(createHash('sha256').update(jpeg ?? '').digest('hex'), thumbnail.jpeg_sha256);
  const { thumb: _, ...without } = segment;
  t.equal(await footage.thumbnail('front', 'main', without, { periods }), undefined, 'none where the timeline names none');
  t.equal(await footage.thumbnail('front', 'main', { ...segment, seq: 4, thumb: [thumbnail.thumb[0] - 24, thumbnail.thumb[1]] }, { periods }), undefined, 'what is no thumbnail box is not shown');
  await t.rejects(footage.thumbnail('front', 'main', { ...segment, seq: 5, thumb: [9_000_000, 5000] }, { periods }), { code: 'SP_AGE_PAYLOAD' }, 'a place beyond the end');
  await t.rejects(footage.thumbnail('front', 'main', { ...segment, seq: 6 }, { periods: periods.map((period) => ({ ...period, startMs: period.startMs + hourMs })) }).then(() => footage.close()).then(() => footage.thumbnail('front', 'main', segment, { periods })), { code: 'SP_STOPPED' });
});

t.test('of a real vault: few bytes are asked for, a second look asks for none, what was altered shows nothing', async (t) => {
  const kit = makeKit(start);
  const recipients = slotRecipients(readOwnerList(firstOwnerList(kit.identity, makeDevice('phone').shape, start), 'it'), 'home');
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const paths = new Map<string, string>();
  const jpegs = [fakeJpeg(), fakeJpeg({ scan: Buffer.alloc(20_000, 7) }), fakeJpeg({ scan: Buffer.alloc(3000, 9) })];
  for (const [index, thumbnail] of jpegs.entries()) {
    const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients });
    const { row } = await recordFilm(vault, period, { wallMs: start + index * 60_000, rounds: 20, thumbnail: new Uint8Array(thumbnail) });
    paths.set(`front/main/${row.seq}`, row.path);
  }
  const timeline = await timelineOf(vault, 'front');
  await vault.close();
  const asked: Asked[] = [];
  const footage = new SealedFootage({ identities: [kit.identity], fetch: folderFetcher(world.folder, paths, { asked }) });
  for (const [index, segment] of timeline.segments.entries()) {
    asked.length = 0;
    t.ok(jpegs[index]?.equals(await footage.thumbnail('front', 'main', segment, timeline) ?? Buffer.alloc(0)));
    const bytes = asked.reduce((sum, { range }) => sum + (range === undefined ? 1024 : range.to - range.from), 0);
    t.ok(bytes <= 1024 + 184 + 2 * 65_552, `${bytes} bytes of ${segment.sizeBytes}`);
    t.equal(asked.filter(({ path }) => path.includes('/slots/')).length, index === 0 ? 1 : 0, 'one key for the hour');
  }
  asked.length = 0;
  const [first] = timeline.segments as [typeof timeline.segments[number]];
  const again = await footage.thumbnail('front', 'main', first, timeline);
  again?.fill(0);
  t.ok(jpegs[0]?.equals(await footage.thumbnail('front', 'main', first, timeline) ?? Buffer.alloc(0)), 'what was given away is not what is kept');
  t.equal(asked.length, 0);

  const stop = new AbortController();
  const fresh = new SealedFootage({ identities: [kit.identity], fetch: folderFetcher(world.folder, paths) });
  const looking = fresh.thumbnail('front', 'main', first, timeline, stop.signal);
  stop.abort();
  await t.rejects(looking, { code: 'SP_STOPPED' });
  t.ok(jpegs[0]?.equals(await fresh.thumbnail('front', 'main', first, timeline) ?? Buffer.alloc(0)), 'and can be looked at later');

  const at = 184 + Math.floor((first.thumb?.[0] ?? 0) / 65_536) * 65_552 + 10;
  const altered = new SealedFootage({ identities: [kit.identity], fetch: folderFetcher(world.folder, paths, { alter: (path, bytes) => path.includes('/segments/') ? Buffer.from(bytes).fill(0, at, at + 1) : bytes }) });
  await t.rejects(altered.thumbnail('front', 'main', first, timeline), { code: 'SP_AGE_PAYLOAD' });
  const foreign = new SealedFootage({ identities: [Identity.generate()], fetch: folderFetcher(world.folder, paths) });
  await t.rejects(foreign.thumbnail('front', 'main', first, timeline), { code: 'SP_WRONG_IDENTITY' });
  for (const one of [footage, fresh, altered, foreign]) one.close();
});
