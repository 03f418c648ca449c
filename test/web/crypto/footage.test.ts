import t, { type Test } from 'tap';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { readOwnerList, slotRecipients } from '../../../src/seal/owner.ts';
import { readFootage } from '../../../src/duties/footage.ts';
import { Archive } from '../../../src/vault/archive.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { makeDevice } from '../../../src/web/crypto/device.ts';
import { SealedFootage, type FootagePiece, type FootageTimeline } from '../../../src/web/crypto/footage.ts';
import { Identity } from '../../../src/web/crypto/identity.ts';
import { makeKit } from '../../../src/web/crypto/kit.ts';
import { firstOwnerList, openSpaces, verifyOwnerList } from '../../../src/web/crypto/ownerlist.ts';
import { hourMs, makeWorld, openVault, start } from '../../vault/world.ts';
import { film, folderFetcher, recordFilm, timelineOf, type Asked } from './world.ts';

const kit = makeKit(start);
const device = makeDevice('phone');
const listText = firstOwnerList(kit.identity, device.shape, start);
const recipients = slotRecipients(readOwnerList(listText, 'owner.json'), 'home');

interface Site {
  readonly vault: Vault;
  readonly folder: string;
  readonly timeline: FootageTimeline;
  readonly fragments: readonly Buffer[][];
  readonly paths: Map<string, string>;
}

/** Two minutes in one hour with a gap between them, and one in the next. */
async function makeSite(folder: string): Promise<Site> {
  const world = makeWorld(folder);
  const vault = await openVault(world);
  const fragments: Buffer[][] = [];
  const paths = new Map<string, string>();
  for (const [startMs, wallMs] of [[start, start + 1000], [start, start + 70_000], [start + hourMs, start + hourMs]] as const) {
    const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs, endMs: startMs + hourMs, deadlineMs: startMs + 2 * hourMs, recipients });
    const made = await recordFilm(vault, period, { wallMs, rounds: 20 });
    fragments.push(made.fragments);
    paths.set(`front/main/${made.row.seq}`, made.row.path);
  }
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 61_000, toMs: start + 70_000, reason: 'camera offline', detail: 'it is away' });
  return { vault, folder: world.folder, timeline: await timelineOf(vault, 'front'), fragments, paths };
}

function siteTest(name: string, work: (t: Test, site: Site) => Promise<void>): void {
  t.test(name, async (t) => {
    const site = await makeSite(t.testdir());
    try {
      await work(t, site);
    } finally {
      await site.vault.close();
    }
  });
}

function opened(site: Site, o: { asked?: Asked[]; alter?: (path: string, bytes: Buffer) => Buffer; identities?: readonly Identity[] } = {}): SealedFootage {
  const [home] = openSpaces(verifyOwnerList(listText), device.identity);
  return new SealedFootage({ fetch: folderFetcher(site.folder, site.paths, o), identities: o.identities ?? home?.identities ?? [] });
}

async function all(pieces: AsyncIterable<FootagePiece>): Promise<FootagePiece[]> {
  const list: FootagePiece[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
}

const bytesOf = (pieces: readonly FootagePiece[]): Buffer => Buffer.concat(pieces.flatMap((piece) => (piece.kind === 'fragment' ? [piece.bytes] : [])));
const kinds = (pieces: readonly FootagePiece[]): string[] => pieces.filter(({ kind }) => kind !== 'fragment').map((piece) => (piece.kind === 'gap' ? `gap ${piece.reason}` : piece.kind === 'problem' ? piece.error.code : piece.kind));

siteTest('what the camera sent comes out, byte for byte, at the times that the hub\'s own reader gives', async (t, site) => {
  const footage = opened(site);
  const pieces = await all(footage.fragments('front', 'main', start, site.timeline));
  t.strictSame(kinds(pieces), ['init', 'gap camera offline']);
  t.ok(pieces[0]?.kind === 'init' && film.init.equals(pieces[0].bytes));
  t.ok(bytesOf(pieces).equals(Buffer.concat(site.fragments.flat())));

  const archive = await Archive.open(site.folder, [HubIdentity.parse(kit.code, 'kit')]);
  const theirs: { wallMs: number; bytes: Buffer }[] = [];
  for await (const piece of readFootage(archive, 'front', start, start + 2 * hourMs)) if (piece.kind === 'fragment') theirs.push(piece);
  await archive.close();
  const ours = pieces.flatMap((piece) => (piece.kind === 'fragment' ? [piece] : []));
  t.strictSame(ours.map(({ wallMs }) => Math.round(wallMs)), theirs.map(({ wallMs }) => Math.round(wallMs)));
  t.strictSame(ours.filter(({ key }) => key).length, ours.length / 10, 'each tenth is a key frame');
  t.ok(footage.rate.openedBytes > bytesOf(pieces).length && footage.rate.openingMs > 0);
  footage.close();
});

siteTest('a seek begins at the key frame before it, and asks for little', async (t, site) => {
  const asked: Asked[] = [];
  const footage = opened(site, { asked });
  const at = start + 1000 + 31_500;
  const pieces = footage.fragments('front', 'main', at, site.timeline);
  t.equal((await pieces.next()).value?.kind, 'init');
  const first = (await pieces.next()).value as FootagePiece;
  t.match(first, { kind: 'fragment', key: true, wallMs: start + 1000 + 31_000 });
  t.ok(first.kind === 'fragment' && Buffer.from(first.bytes).equals(site.fragments[0]?.[310] as Buffer));
  const bytes = asked.reduce((sum, { range }) => sum + (range === undefined ? 1024 : range.to - range.from), 0);
  t.ok(bytes < 800_000, `${bytes} bytes were asked for`);
  await pieces.return(undefined);

  asked.length = 0;
  const again = footage.fragments('front', 'main', start + 1000 + 45_000, site.timeline);
  await again.next();
  await again.next();
  await again.return(undefined);
  t.equal(asked.filter(({ path }) => path.includes('/slots/')).length, 0, 'the hour\'s key is remembered');

  const rest = await all(footage.fragments('front', 'main', start + 65_000, site.timeline, { toMs: start + 75_000 }));
  t.strictSame(kinds(rest), ['gap camera offline', 'init'], 'from within a gap');
  t.equal(rest.filter(({ kind }) => kind === 'fragment').length, 51);
  footage.close();
});

siteTest('key frames alone, and one picture', async (t, site) => {
  const footage = opened(site);
  const keys = await all(footage.fragments('front', 'main', start + 1000 + 30_000, site.timeline, { keyFramesOnly: true, toMs: start + 61_000 }));
  t.strictSame(keys.filter(({ kind }) => kind === 'fragment').map(({ wallMs }) => wallMs - start - 1000), Array.from({ length: 30 }, (_, i) => 30_000 + i * 1000));
  t.ok(bytesOf(keys).equals(Buffer.concat((site.fragments[0] ?? []).filter((_, i) => i >= 300 && i % 10 === 0))));
  const picture = await footage.keyFrame('front', 'main', start + 1000 + 12_345, site.timeline);
  t.equal(picture?.wallMs, start + 1000 + 12_000);
  t.ok(site.fragments[0]?.[120]?.equals(picture?.bytes as Uint8Array) && film.init.equals(picture?.init as Uint8Array));
  t.equal(await footage.keyFrame('front', 'main', start + 65_000, site.timeline), undefined, 'in a gap there is none');
  footage.close();
});

/** Up to the payload's nonce. */
const headerBytes = 168;

siteTest('altered bytes, a segment in the place of another, and foreign keys give a problem and no picture', async (t, site) => {
  const [first, second] = [...site.paths.keys()] as [string, string];
  const flip = (at: number) => (path: string, bytes: Buffer): Buffer => {
    if (!path.endsWith(first)) return bytes;
    const altered = Buffer.from(bytes);
    // The header is text: there one letter takes another's place, so that it stays base64.
    altered[at] = at < headerBytes ? (altered[at] === 0x41 ? 0x42 : 0x41) : (altered[at] as number) ^ 2;
    return altered;
  };
  for (const [name, at, code] of [['MAC', 130, 'SP_AGE_MAC'], ['nonce', 180, 'SP_AGE_PAYLOAD'], ['first chunk', 5000, 'SP_AGE_PAYLOAD'], ['a later chunk', 700_000, 'SP_AGE_PAYLOAD']] as const) {
    const pieces = await all(opened(site, { alter: flip(at) }).fragments('front', 'main', start, site.timeline));
    t.ok(kinds(pieces).includes(code), `${name}: ${kinds(pieces).join(', ')}`);
    const whole = Buffer.concat([...(site.fragments[0] ?? [])]);
    const given = bytesOf(pieces.filter(({ wallMs }) => wallMs < start + 61_000));
    t.ok(whole.subarray(0, given.length).equals(given) && given.length < 700_000, 'only what was verified');
    t.ok(bytesOf(pieces).subarray(given.length).equals(Buffer.concat(site.fragments.slice(1).flat())), 'what follows plays');
  }
  const swapped: Site = { ...site, paths: new Map([[first, site.paths.get(second) as string], [second, site.paths.get(first) as string]]) };
  const mixed = { ...site.timeline, segments: site.timeline.segments.slice(0, 2) };
  t.strictSame(kinds(await all(opened(swapped).fragments('front', 'main', start, { ...mixed, gaps: [] }))), ['SP_SEGMENT_METADATA', 'SP_SEGMENT_METADATA']);
  t.strictSame(kinds(await all(opened(site, { identities: [Identity.generate()] }).fragments('front', 'main', start, { ...mixed, gaps: [] }))), ['SP_WRONG_IDENTITY', 'SP_WRONG_IDENTITY']);
  const cut = { ...mixed, gaps: [], segments: mixed.segments.slice(0, 1).map((segment) => ({ ...segment, sizeBytes: 184 + 65_552 * 20 })) };
  t.strictSame(kinds(await all(opened(site).fragments('front', 'main', start, cut))), ['init', 'SP_SEGMENT_CUT'], 'an end that was taken away');
});

siteTest('a purge in between is a gap, and what is left plays', async (t, site) => {
  const footage = opened(site);
  const due = (await site.vault.livePeriods()).filter(({ startMs }) => startMs === start);
  await site.vault.purge(due, { early: 'a test' });
  const pieces = await all(footage.fragments('front', 'main', start, site.timeline));
  t.strictSame(kinds(pieces), ['gap purged meanwhile', 'gap camera offline', 'gap purged meanwhile', 'init']);
  t.ok(bytesOf(pieces).equals(Buffer.concat(site.fragments[2] ?? [])));
  footage.close();
});

siteTest('closing ends what plays, and a signal too', async (t, site) => {
  const footage = opened(site);
  const stop = new AbortController();
  const pieces = footage.fragments('front', 'main', start, site.timeline, { signal: stop.signal });
  await pieces.next();
  stop.abort();
  await t.rejects(all(pieces), { code: 'SP_STOPPED' });
  const others = footage.fragments('front', 'main', start, site.timeline);
  await others.next();
  footage.close();
  await t.rejects(all(others), { code: 'SP_STOPPED' });
});

siteTest('a long time is asked for page by page', async (t, site) => {
  const half = { ...site.timeline, segments: site.timeline.segments.slice(0, 2), moreFromMs: start + 120_000 };
  const fetch = folderFetcher(site.folder, site.paths);
  const queries: string[] = [];
  const footage = new SealedFootage({
    identities: [kit.identity],
    fetch: async (path, range, signal) => {
      if (!path.startsWith('/api/v1/timeline?')) return fetch(path, range, signal);
      queries.push(path);
      return new TextEncoder().encode(JSON.stringify({ ...site.timeline, observations: [] }));
    },
  });
  const pieces = await all(footage.fragments('front', 'main', start, half, { toMs: start + 2 * hourMs }));
  t.strictSame(queries, [`/api/v1/timeline?camera=front&stream=main&fromMs=${start + 120_000}&toMs=${start + 2 * hourMs}`]);
  t.ok(bytesOf(pieces).equals(Buffer.concat(site.fragments.flat())), 'each segment once');
  footage.close();
});

