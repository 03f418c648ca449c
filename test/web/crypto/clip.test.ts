import t from 'tap';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../../../src/base/errors.ts';
import { run } from '../../../src/base/spawn.ts';
import { exportFootage } from '../../../src/duties/export.ts';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { readOwnerList, slotRecipients } from '../../../src/seal/owner.ts';
import { Archive } from '../../../src/vault/archive.ts';
import { makeClip, type ClipMade, type ClipPiece } from '../../../src/web/crypto/clip.ts';
import { makeDevice } from '../../../src/web/crypto/device.ts';
import type { Fetcher } from '../../../src/web/crypto/fetcher.ts';
import { SealedFootage, type FootageTimeline } from '../../../src/web/crypto/footage.ts';
import { makeKit } from '../../../src/web/crypto/kit.ts';
import { firstOwnerList, openSpaces, verifyOwnerList } from '../../../src/web/crypto/ownerlist.ts';
import { noFfprobe, noSshKeygen } from '../../seal/referees.ts';
import { hourMs, makeWorld, openVault, start } from '../../vault/world.ts';
import { film, folderFetcher, recordFilm, timelineOf, withTimeline } from './world.ts';

const kit = makeKit(start);
const device = makeDevice('phone');
const list = firstOwnerList(kit.identity, device.shape, start);
const recipients = slotRecipients(readOwnerList(list, 'it'), 'home');
/** The same pictures behind another beginning, as after a change of the camera's settings. */
const otherMoov = Buffer.from(film.moov);
otherMoov.writeUInt32BE(7, otherMoov.indexOf('mvhd') + 8);

/** A minute, a gap, a minute in which the camera began its times anew, and one of another beginning. */
async function makeFootage(folder: string): Promise<{ folder: string; timeline: FootageTimeline; paths: Map<string, string> }> {
  const world = makeWorld(folder);
  const vault = await openVault(world);
  const paths = new Map<string, string>();
  for (const [wallMs, moov] of [[start, film.moov], [start + 90_000, film.moov], [start + 150_000, otherMoov]] as const) {
    const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients });
    const { row } = await recordFilm(vault, period, { wallMs, rounds: 20, moov });
    paths.set(`front/main/${row.seq}`, row.path);
  }
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 60_000, toMs: start + 90_000, reason: 'camera offline', detail: '' });
  const timeline = await timelineOf(vault, 'front');
  // The hour's list tells the terminal of key frames.
  world.clock.set(start + hourMs);
  await vault.finishPeriods(start + hourMs);
  await vault.close();
  return { folder: world.folder, timeline, paths };
}

async function made(fetch: Fetcher, o: { fromMs: number; toMs: number; signal?: AbortSignal; onPiece?: (piece: ClipPiece) => void }): Promise<{ files: Map<string, Buffer>; made: ClipMade }> {
  const identities = openSpaces(verifyOwnerList(list), device.identity).flatMap((space) => space.identities);
  const footage = new SealedFootage({ fetch, identities });
  const files = new Map<string, Buffer[]>();
  let result: ClipMade | undefined;
  for await (const piece of makeClip({ footage, signer: device.identity, request: { camera: 'front', fromMs: o.fromMs, toMs: o.toMs, name: 'clip.mp4' }, nowMs: () => start, signal: o.signal ?? new AbortController().signal })) {
    o.onPiece?.(piece);
    if (piece.kind === 'file') files.set(piece.name, []);
    else if (piece.kind === 'bytes') [...files.values()].at(-1)?.push(Buffer.from(piece.bytes));
    else result = piece.made;
  }
  footage.close();
  if (result === undefined) throw new Error('nothing was made');
  return { files: new Map([...files].map(([name, parts]) => [name, Buffer.concat(parts)])), made: result };
}

async function probe(file: string): Promise<{ frames: number; seconds: number }> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-count_frames', '-show_entries', 'stream=nb_read_frames:format=duration', '-of', 'json', file]);
  const { streams, format } = JSON.parse(stdout.toString()) as { streams: { nb_read_frames: string }[]; format: { duration: string } };
  return { frames: Number(streams[0]?.nb_read_frames), seconds: Number(format.duration) };
}

t.test('a clip over a gap and a change of the camera: two files, byte for byte as the terminal makes them, signed by the device', { skip: noFfprobe || noSshKeygen }, async (t) => {
  const { folder, timeline, paths } = await makeFootage(t.testdir());
  const fetch = withTimeline(folderFetcher(folder, paths), timeline);
  const [fromMs, toMs] = [start + 30_500, start + 180_000];
  const { files, made: clip } = await made(fetch, { fromMs, toMs });
  t.strictSame([...files.keys()], ['clip.mp4', 'clip-2.mp4']);
  t.strictSame(clip.files, [...files].map(([name, bytes]) => ({ name, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })));
  t.match(clip, { firstWallMs: start + 30_000, lastWallMs: start + 180_000, gaps: [{ fromMs: start + 60_000, toMs: start + 90_000, reason: 'camera offline' }], problems: [] });

  const archive = await Archive.open(folder, [HubIdentity.parse(kit.code, 'kit')]);
  const theirs: Buffer[][] = [];
  const summary = await exportFootage(archive, 'front', fromMs, toMs, { begin: async (init) => void theirs.push([Buffer.from(init)]), write: async (bytes) => void theirs.at(-1)?.push(Buffer.from(bytes)) });
  await archive.close();
  t.ok([...files.values()].every((bytes, index) => bytes.equals(Buffer.concat(theirs[index] ?? []))) && theirs.length === files.size);

  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  // From the key frame before 30.5 s: 30 s of it, then the minute behind the gap, which follows at once.
  const first = await probe(join(folder, 'clip.mp4'));
  t.equal(first.frames, 300 + 600);
  t.ok(Math.abs(first.seconds - 90) < 0.3, `${first.seconds} s`);
  t.match(await probe(join(folder, 'clip-2.mp4')), { frames: 301 });

  const manifest = JSON.parse(clip.manifest) as Record<string, unknown>;
  t.match(manifest, { v: 1, camera: 'front', from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), files: clip.files, segments: summary.segments.map(({ path, seq, startMs }) => ({ path, seq, start: new Date(startMs).toISOString() })) });
  t.strictSame((manifest['segments'] as { path: string }[]).map(({ path }) => path), [...paths.values()]);
  writeFileSync(join(folder, 'clip.mp4.manifest.json.sig'), clip.signature);
  writeFileSync(join(folder, 'allowed'), `phone ${device.shape.signer}\n`);
  const verify = (message: string) => run('ssh-keygen', ['-Y', 'verify', '-f', join(folder, 'allowed'), '-I', 'phone', '-n', 'sallyport-export', '-s', join(folder, 'clip.mp4.manifest.json.sig')], { input: message });
  t.equal((await verify(clip.manifest)).status, 0);
  t.not((await verify(clip.manifest.replace('camera offline', 'nothing'))).status, 0);
});

t.test('what does not open is left out and told; a hub that is away ends it; so does a signal; nothing recorded is said', async (t) => {
  const { folder, timeline, paths } = await makeFootage(t.testdir());
  const damaged = withTimeline(folderFetcher(folder, paths, { alter: (path, bytes) => path.endsWith([...paths.keys()][0] ?? '') ? Buffer.from(bytes).fill(0, 700_000, 700_001) : bytes }), timeline);
  const { made: clip } = await made(damaged, { fromMs: start, toMs: start + 140_000 });
  t.match(clip.problems, [/is damaged at chunk 10/]);
  t.match(JSON.parse(clip.manifest), { problems: [{ code: 'SP_AGE_PAYLOAD' }] });

  const fetch = withTimeline(folderFetcher(folder, paths), timeline);
  let asked = 0;
  const away: Fetcher = (path, range, signal) => {
    if (path.includes('/segments/') && ++asked > 6) throw new SallyportError('SP_HUB_UNREACHABLE', { reason: 'no route' });
    return fetch(path, range, signal);
  };
  await t.rejects(made(away, { fromMs: start, toMs: start + 140_000 }), { code: 'SP_HUB_UNREACHABLE' });

  const stop = new AbortController();
  await t.rejects(made(fetch, { fromMs: start, toMs: start + 140_000, signal: stop.signal, onPiece: ({ kind }) => { if (kind === 'bytes') stop.abort(); } }), { code: 'SP_STOPPED' });
  await t.rejects(made(withTimeline(fetch, { periods: [], segments: [], gaps: [] }), { fromMs: start, toMs: start + 1000 }), { code: 'SP_NOTHING_RECORDED' });
});
