/** Who may open what is recorded changes while it is recorded: no second is missing, and each segment opens for its own people only. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { callHub } from '../../src/cli/control.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openSpace, readOwnerList } from '../../src/seal/owner.ts';
import { Archive } from '../../src/vault/archive.ts';
import { Identity as PageIdentity } from '../../src/web/crypto/identity.ts';
import { nextOwnerList, type OwnerChange } from '../../src/web/crypto/ownerlist.ts';
import { quickConfig, TestSite } from './site.ts';

/** From one key frame to the next, and the time in which the hub reads the list. */
const lateMsMax = 3000;

t.test('a member joins, and leaves again, while a camera is recorded', async (t) => {
  const site = await TestSite.start(t, { config: quickConfig().replace('10 seconds', '1 hour').replace('"2 seconds"', '"4 seconds"'), adopt: false });
  const [camera] = site.cameras as [EmulatedCamera];
  await site.adopt(camera, '--sub');
  const file = join(site.folder, 'owner', 'owner.json');
  const kitText = (/AGE-SECRET-KEY-1\w+/.exec(await readFile(site.kit, 'utf8')) as RegExpExecArray)[0];
  const member = Identity.generate();
  const lists = [await readFile(file, 'utf8')];
  const changedMs: number[] = [];
  const change = async (what: OwnerChange): Promise<void> => {
    lists.push(nextOwnerList(lists.at(-1) as string, PageIdentity.parse(kitText, 'the kit'), what, Date.now()));
    await writeFile(file, lists.at(-1) as string);
    await callHub(join(site.data, 'control.sock'), 'reload', {});
    changedMs.push(Date.now());
  };
  const streams = await sealed(site, 1);
  await change({ kind: 'member', space: 'home', recipient: member.recipient, past: false });
  await sealed(site, 1);
  await change({ kind: 'member removed', space: 'home', recipient: member.recipient });
  await sealed(site, 1);
  const status = await site.status();
  t.same(status.cameras[0]?.streams.map(({ stream, restarts }) => [stream, restarts]), streams.map(({ stream }) => [stream, 0]), 'no session began anew');
  t.equal(site.log.filter((line) => line.includes('camera online')).length, 1, 'and no watch');
  const { segments: rows, gaps } = await site.list();
  for (const stream of ['main', 'sub']) {
    const own = rows.filter((row) => row.stream === stream && row.durationMs !== undefined).toSorted((a, b) => a.startMs - b.startMs);
    const holes = own.slice(1).map((row, index) => row.startMs - own[index]!.startMs - (own[index]!.durationMs ?? 0));
    t.ok(own.length >= 3 && Math.max(...holes) < 500, `${stream}: ${own.length} segments, at most ${Math.max(...holes)} ms between two`);
  }
  t.same(gaps.filter(({ reason }) => !['camera offline', 'not recorded'].includes(reason)), [], 'no gap');
  await site.stop();

  const kit = Identity.parse(kitText, 'the kit');
  const [first, second, third] = lists.map((text, index) => openSpace(readOwnerList(text, 'it', lists[index - 1]), 'home', [kit])) as [Identity, Identity, Identity];
  t.equal(new Set([first, second, third].map(({ recipient }) => recipient)).size, 3, 'each time the space has another identity');
  const all = await spans(site, kit, camera.name);
  const of = await Promise.all([first, second, third].map((one) => spans(site, one, camera.name)));
  t.same(of.flat().map(({ path }) => path).toSorted(), all.map(({ path }) => path).toSorted(), 'each segment opens for one of the three, and for no two');
  for (const [index, atMs] of changedMs.entries()) {
    t.ok(of[index]!.every(({ startMs }) => startMs < atMs), 'who could open it before opens nothing that began after');
    t.ok(of[index + 1]!.every(({ startMs }) => startMs > atMs - lateMsMax && startMs < (changedMs[index + 1] ?? Infinity)) && Math.min(...of[index + 1]!.map(({ startMs }) => startMs)) < atMs + lateMsMax && of[index + 1]!.length >= 2, 'and from there on it is for the new people');
  }
});

/** Until each stream has sealed so many more. */
async function sealed(site: TestSite, more: number): Promise<readonly { stream: string }[]> {
  const counts = async (): Promise<readonly { stream: string; segmentsSealed: number }[]> => (await site.until(({ cameras }) => cameras[0]?.streams.length === 2)).cameras[0]?.streams ?? [];
  const before = new Map((await counts()).map(({ stream, segmentsSealed }) => [stream, segmentsSealed]));
  await site.until(({ cameras }) => cameras[0]?.streams.every(({ stream, segmentsSealed }) => segmentsSealed >= (before.get(stream) ?? 0) + more) === true);
  return counts();
}

async function spans(site: TestSite, identity: Identity, camera: string): Promise<{ stream: string; path: string; startMs: number }[]> {
  const archive = await Archive.open(site.data, [identity], {});
  try {
    const { segments } = await archive.segments(camera, 0, Date.now() + 3_600_000);
    return segments.map(({ stream, path, startMs }) => ({ stream, path, startMs })).toSorted((a, b) => a.startMs - b.startMs);
  } finally {
    await archive.close();
  }
}
