/** What leaves the hub while somebody plays footage back: each answer of the storage routes, kept as it came over HTTPS. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Timeline } from '../../src/api/pagecontract.ts';
import { PlaybackDuty } from '../../src/duties/playback.ts';
import { Identity as HubIdentity } from '../../src/seal/identity.ts';
import type { Fetcher } from '../../src/web/crypto/fetcher.ts';
import { SealedFootage } from '../../src/web/crypto/footage.ts';
import { Identity } from '../../src/web/crypto/identity.ts';
import { fakeJpeg } from '../seal/thumbnail.ts';
import { film, recordFilm } from '../web/crypto/world.ts';
import { openDoor, type Answer } from '../api/pagekit.ts';

const hourMs = 3_600_000;
/** Its scan has no byte 255, which would be a marker. */
const thumbnail = fakeJpeg({ scan: randomBytes(3000).map((byte) => byte % 255) as Buffer });

/** Pieces of what was recorded that stand nowhere by chance. */
function samplesOf(bytes: Uint8Array): Buffer[] {
  const whole = Buffer.from(bytes);
  return Array.from({ length: Math.floor(whole.length / 128) }, (_, n) => whole.subarray(n * 128, (n * 128) + 24)).filter((sample) => new Set(sample).size >= 16);
}

t.test('the network log of a playback shows sealed bytes only, as they lie on the disk', async (t) => {
  const site = await openDoor(t, ({ vault, clock }) => ({ playback: new PlaybackDuty({ vault, clock, timekeeper: { verdict: undefined } }) }));
  const { browser } = await site.owner();
  const device = HubIdentity.generate();
  const startMs = Math.floor(site.clock.wallMs() / hourMs) * hourMs;
  const period = await site.vault.preparePeriod({ camera: 'front', class: 'footage', startMs, endMs: startMs + hourMs, deadlineMs: startMs + (2 * hourMs), recipients: [device.recipient] });
  const { row, fragments } = await recordFilm(site.vault, period, { wallMs: startMs, rounds: 20, thumbnail });
  const file = readFileSync(join(site.folder, 'data/footage', row.path));

  const log: { path: string; range: string | undefined; answer: Answer }[] = [];
  const fetch: Fetcher = async (path, range) => {
    const asked = range === undefined ? undefined : `bytes=${range.from}-${range.to - 1}`;
    const answer = await browser.get(path, { range: asked });
    log.push({ path, range: asked, answer });
    if (![200, 206].includes(answer.status)) throw new Error(`${path}: ${answer.status}`);
    return new Uint8Array(answer.bytes);
  };
  const timeline = await browser.must<Timeline>('GET', `timeline?camera=front&fromMs=${startMs}&toMs=${startMs + hourMs}`);
  const footage = new SealedFootage({ fetch, identities: [Identity.parse(device.reveal(), 'the device')] });
  const opened: Uint8Array[] = [];
  for await (const piece of footage.fragments('front', 'main', startMs, timeline, { toMs: startMs + hourMs })) {
    if (piece.kind === 'problem') throw piece.error;
    if (piece.kind !== 'gap') opened.push(piece.bytes.slice());
  }
  const [segment] = timeline.segments;
  if (segment === undefined) throw new Error('nothing is recorded');
  const picture = await footage.thumbnail('front', 'main', segment, timeline);
  footage.close();

  const samples = samplesOf(Buffer.concat([film.init, ...fragments, thumbnail]));
  t.ok(samples.length > 500, `${samples.length} pieces are looked for`);
  const here = Buffer.concat([...opened, picture ?? Buffer.alloc(0)]);
  t.ok(samples.every((sample) => here.includes(sample)), 'all of them are there once the browser has opened it');
  const sent = Buffer.concat(log.flatMap(({ answer }) => [Buffer.from(JSON.stringify(answer.headers)), answer.bytes]));
  t.ok(sent.length > file.length, `${log.length} answers, ${sent.length} bytes, for a segment of ${file.length}`);
  t.equal(samples.filter((sample) => sent.includes(sample)).length, 0, 'none of them came over the network');

  t.same([...new Set(log.map(({ path }) => path.split('/')[3]))].toSorted(), ['segments', 'slots']);
  for (const { path, range, answer } of log) {
    const [, from = 0, to = file.length - 1] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')?.map(Number) ?? [];
    if (path.includes('/segments/')) t.ok(file.subarray(from, to + 1).equals(answer.bytes), `${range ?? 'all'} as on the disk`);
    else t.match(answer.bytes.toString('latin1'), /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  }
});
