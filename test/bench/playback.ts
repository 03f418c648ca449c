/**
 * From a click to its picture, on a day of sealed footage, in Chromium: the real hub's routes, the real worker that fetches and opens, the
 * real player. The peer is the same player fed with the same pictures unsealed, by ranges from the same server. The day has a segment a
 * minute, sealed by the vault's own writer under a clock that is moved; those that are clicked on have 4 Mbit/s (1080p25), the ones between
 * them as many key frames and few bytes, all a thumbnail. Then how long the day's overview takes, and the rate at which the browser opens.
 */
import { randomInt } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Test } from 'tap';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import type { Timeline } from '../../src/api/pagecontract.ts';
import { silentLog } from '../../src/base/log.ts';
import { fragmentTimes, viewOf } from '../../src/base/mp4.ts';
import { readOwnerList, slotRecipients } from '../../src/seal/owner.ts';
import { Vault } from '../../src/vault/vault.ts';
import { AheadClock, configText, newHalf, newLogin, startPage, type Browser } from '../api/pagekit.ts';
import { launchChromium } from '../browser/chromium.ts';
import { streamOf, take } from '../capture/clips.ts';
import { fakeJpeg } from '../seal/thumbnail.ts';
import { film, filmAt } from '../web/crypto/world.ts';
import { benchClip, benchOptions, figure, inFolder, quantile, report } from './measure.ts';
import type { Overview, PlainIndex } from '../browser/playbackpage.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;
const options = benchOptions({ runs: 2, smokeRuns: 1, seconds: 1, smokeSeconds: 1 });
/** Of each of the runs. */
const clicks = options.smoke ? 6 : 20;
const overviews = options.smoke ? 2 : 5;
/** Segments that are being closed at once: their syncs wait for the disk together. */
const closingMax = 16;
/** Pictures of the overview, as the page shows at most. */
const pictures = 24;
const thumbnail = fakeJpeg({ scan: Buffer.alloc(4200, 0x5a) });
const clipSeconds = 10;
const neededMBs = (16 * 4_000_000) / 8 / 1e6;

interface Film { readonly ftyp: Buffer; readonly moov: Buffer; readonly fragments: readonly { readonly bytes: Buffer; readonly key: boolean; readonly ms: number }[] }

/** A minute of 4 Mbit/s, times as a camera's. */
async function minuteOfFilm(): Promise<Film> {
  const { inits: [init], fragments } = take(await streamOf(await benchClip(clipSeconds), { audio: 'drop', hevc: false, richProbe: false }));
  if (init === undefined) throw new Error('no init');
  const scale = 90_000;
  const first = fragmentTimes(fragments[0]?.bytes ?? Buffer.alloc(0))[0]?.time ?? 0;
  const second = fragmentTimes(fragments[1]?.bytes ?? Buffer.alloc(0))[0]?.time ?? 0;
  const tick = (second - first) || scale / 25;
  const all = Array.from({ length: 60 / clipSeconds }, (_, round) => fragments.map(({ bytes, keyFrame }, n) => {
    const copy = Buffer.from(bytes);
    for (const { time, offset, wide } of fragmentTimes(copy)) {
      const later = time + round * fragments.length * tick;
      if (wide) viewOf(copy).setBigUint64(offset, BigInt(later));
      else viewOf(copy).setUint32(offset, later);
    }
    return { bytes: copy, key: keyFrame, ms: (round * fragments.length + n) * 40 };
  })).flat();
  return { ftyp: init.ftyp, moov: init.moov, fragments: all };
}

/** Twenty times three seconds of few bytes, a key frame a second. */
function coldMinute(): Film {
  const fragments = Array.from({ length: 20 }, (_, round) => filmAt(round)).flat();
  return { ftyp: film.ftyp, moov: film.moov, fragments: fragments.map((bytes, n) => ({ bytes, key: n % 10 === 0, ms: n * 100 })) };
}

/** Each minute through the vault's writer, under the clock of its time; a segment's close does not wait for the one before. Answers how many bytes were sealed. */
async function recordDay(o: { data: string; list: string; dayMs: number; hot: ReadonlySet<number>; film: Film; clock: AheadClock }): Promise<number> {
  const vault = await Vault.open({ folder: o.data, clock: o.clock, log: silentLog, hubName: 'Test' });
  const recipients = slotRecipients(readOwnerList(o.list, 'the list'), 'home');
  const cold = coldMinute();
  const step = options.smoke ? 30 : 1;
  const closing = new Set<Promise<void>>();
  let sealedBytes = 0;
  for (let hour = 0; hour < 24; hour++) {
    const startMs = o.dayMs + hour * hourMs;
    o.clock.aheadMs = startMs - Date.now();
    const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs, endMs: startMs + hourMs, deadlineMs: startMs + 7 * 24 * hourMs, recipients });
    for (let minute = 0; minute < 60; minute++) {
      const hot = o.hot.has(hour * 60 + minute);
      if (!hot && minute % step !== 0) continue;
      const { ftyp, moov, fragments } = hot ? o.film : cold;
      const writer = await vault.beginSegment({ period, stream: 'main', ftyp, moov, wallMs: startMs + minute * minuteMs, monoMs: 5000, boot: 'boot-1', clockState: 'synchronised' });
      for (const { bytes, key, ms } of fragments) writer.append(bytes, key ? ms : undefined);
      writer.takeFileKey().close();
      const closed: Promise<void> = writer.close({ durationMs: minuteMs, reason: 'continuous', thumbnail }).then(({ sizeBytes }) => {
        sealedBytes += sizeBytes;
        closing.delete(closed);
      });
      closing.add(closed);
      // Whole minutes of 30 MB are not to pile up in memory.
      if (hot || closing.size >= closingMax) await Promise.race(closing);
    }
  }
  await Promise.all(closing);
  o.clock.aheadMs = 0;
  await vault.close();
  return sealedBytes;
}

/** The built page, the unsealed pictures, and what else is asked goes on to the hub as that browser. */
async function serve(page: string, plainFile: string, hub: { browser?: Browser; plainDay?: string }): Promise<Server> {
  const types: Readonly<Record<string, string>> = { '.js': 'text/javascript' };
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/api/')) {
      const { browser } = hub;
      if (browser === undefined) return void response.writeHead(503).end();
      const { hostname, port, host } = new URL(browser.base);
      const onward = httpRequest({ hostname, port, path, method: request.method, headers: { host, cookie: browser.cookie ?? '', ...(request.headers.range === undefined ? {} : { range: request.headers.range }) } }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end();
      response.on('close', () => onward.destroy());
    } else if (path === '/plain') {
      const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      void sendPart(plainFile, Number(from), Number(last) + 1).then((bytes) => response.writeHead(206, { 'content-type': 'application/octet-stream' }).end(bytes), () => response.writeHead(404).end());
    } else if (path.startsWith('/plain-day')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(hub.plainDay);
    } else if (path.startsWith('/plain-picture/')) {
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(thumbnail);
    } else {
      const file = path === '/' ? '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>' : readFileSync(join(page, path));
      response.writeHead(200, { 'content-type': types[extname(path)] ?? 'text/html' }).end(file);
    }
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server;
}

async function sendPart(file: string, from: number, to: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Clicks on each moment in turn. */
async function clickThrough(page: Page, moments: readonly number[]): Promise<number[]> {
  const times: number[] = [];
  for (const ms of moments) {
    // The page knows before the pointer goes down: on a busy machine one may overtake the other.
    await page.evaluate(`aim(${ms})`);
    await page.waitForTimeout(150);
    await page.mouse.click(600, Number(page.viewportSize()?.height ?? 800) - 30);
    times.push(await page.evaluate('seen()') as number);
  }
  return times;
}

await inFolder(options, async (folder) => {
  const ends: (() => unknown)[] = [];
  const ending = { teardown: (end: () => unknown) => void ends.push(end) } as unknown as Test;
  const hotFilm = await minuteOfFilm();
  const plainFile = join(folder, 'minute.mp4');
  await writeFile(plainFile, Buffer.concat([hotFilm.ftyp, hotFilm.moov, ...hotFilm.fragments.map(({ bytes }) => bytes)]));
  let at = hotFilm.ftyp.length + hotFilm.moov.length;
  const index: PlainIndex = { init: at, fragments: hotFilm.fragments.map(({ bytes, key, ms }) => [ms, (at += bytes.length) - bytes.length, key] as const), size: at };
  await build({
    root: import.meta.dirname, logLevel: 'silent', configFile: false, worker: { format: 'es' },
    build: { outDir: join(folder, 'page'), emptyOutDir: true, lib: { entry: join(import.meta.dirname, '../browser/playbackpage.ts'), formats: ['es'], fileName: 'page' } },
  });
  const hub: { browser?: Browser; plainDay?: string } = {};
  const server = await serve(join(folder, 'page'), plainFile, hub);
  const chromium = await launchChromium();
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('pageerror', (error) => console.error(`in the page: ${error.message}`));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction('window.aim !== undefined');

  const nowMs = Date.now();
  const made = await page.evaluate(async (now) => {
    const { keys } = window as unknown as { keys: import('../../src/web/crypto/client.ts').CryptoClient };
    const { secondHalf } = await keys.stretch('correct horse battery', await keys.ask.newStretch());
    await keys.ask.makeKit(now);
    const device = await keys.ask.makeDevice('phone');
    const list = await keys.ask.firstOwnerList(now);
    await keys.ask.saveDevice({ account: 'A'.repeat(22), login: 'Ada', secondHalf });
    await keys.ask.openOwnerList({ text: list, account: 'A'.repeat(22) });
    await keys.ask.forgetKit();
    return { device, list };
  }, nowMs);

  const dayMs = Math.floor(nowMs / hourMs) * hourMs - 25 * hourMs;
  const span = Math.floor((24 * 60) / (clicks * options.runs + 10));
  const hotMinutes = Array.from({ length: clicks * options.runs + 10 }, (_, n) => n * span + randomInt(span));
  const clock = new AheadClock();
  const begun = performance.now();
  const sealedBytes = await recordDay({ data: join(folder, 'data'), list: made.list, dayMs, hot: new Set(hotMinutes), film: hotFilm, clock });
  const recordedMs = performance.now() - begun;
  const site = await startPage(ending, { folder, clock, config: configText() });
  const browser = site.browser();
  await browser.must('POST', 'first/begin', { code: (await site.pair()).code });
  await browser.must('POST', 'first/owner', { person: { name: 'Ada' }, login: newLogin(newHalf()), device: made.device, ownerList: made.list });
  // By plain HTTP, as to a browser on the machine itself: the peer has no TLS either.
  hub.browser = site.browser();
  Object.assign(hub.browser, { base: site.plain });
  await enterPlain(hub.browser, browser);

  const timeline = await wholeDay(browser, dayMs);
  hub.plainDay = JSON.stringify(timeline);
  await page.evaluate(([rows, plainIndex]) => Object.assign(window, { rows, plainIndex }), [timeline, index] as const);
  const moments = hotMinutes.map((minute) => dayMs + minute * minuteMs + randomInt(45_000)).toSorted(() => Math.random() - 0.5);
  const taken = { sealed: [] as number[][], plain: [] as number[][] };
  for (let round = 0; round < options.runs; round++) {
    const mine = moments.slice(round * clicks, (round + 1) * clicks);
    for (const who of ['sealed', 'plain'] as const) {
      await page.evaluate(who === 'sealed' ? 'sealed(window.rows)' : 'unsealed()');
      if (round === 0) await clickThrough(page, moments.slice(-2));
      taken[who].push(await clickThrough(page, mine));
    }
  }
  // Nothing plays meanwhile.
  await page.evaluate('unsealed()');
  const overview = { sealed: [] as Overview[], plain: [] as Overview[] };
  for (let round = 0; round < overviews; round++) {
    for (const who of ['sealed', 'plain'] as const) overview[who].push(await page.evaluate(([from, to, count, sealed]) => window.overview(from, to, { pictures: count, sealed, turn: Math.random() }), [dayMs, dayMs + 24 * hourMs, pictures, who === 'sealed'] as const));
  }
  const rates = [];
  for (const minute of hotMinutes.slice(-Math.max(2, options.runs))) rates.push(await openMinute(page, dayMs + minute * minuteMs));
  const p = (who: 'sealed' | 'plain', q: number): number[] => taken[who].map((times) => quantile(times, q));
  report('From a click to its picture on a day of sealed footage', [
    figure('sealed, p50', 'ms', p('sealed', 0.5), { peer: 'the same player, unsealed', values: p('plain', 0.5), aim: '<= 400 ms' }),
    figure('unsealed, p50 (the peer)', 'ms', p('plain', 0.5)),
    figure('sealed, p95', 'ms', p('sealed', 0.95), { peer: 'the same player, unsealed', values: p('plain', 0.95) }),
    figure('unsealed, p95 (the peer)', 'ms', p('plain', 0.95)),
    figure('the day\'s overview: rows there and drawn up', 'ms', overview.sealed.map(({ rowsMs }) => rowsMs), { peer: 'the same rows as one JSON file', values: overview.plain.map(({ rowsMs }) => rowsMs) }),
    figure('rows as one JSON file (the peer)', 'ms', overview.plain.map(({ rowsMs }) => rowsMs)),
    figure(`its ${pictures} pictures, opened`, 'ms', overview.sealed.map(({ picturesMs }) => picturesMs), { peer: 'the same pictures as files', values: overview.plain.map(({ picturesMs }) => picturesMs) }),
    figure(`${pictures} pictures as files (the peer)`, 'ms', overview.plain.map(({ picturesMs }) => picturesMs)),
    figure('opening in the browser alone', 'MB/s', rates.map(({ opening }) => opening), { peer: `16 x 4 Mbit/s (${neededMBs} MB/s)`, values: rates.map(() => neededMBs) }),
    figure('fetching, opening and handing over', 'MB/s', rates.map(({ whole }) => whole), { peer: `16 x 4 Mbit/s (${neededMBs} MB/s)`, values: rates.map(() => neededMBs) }),
  ], options, [
    `${clicks} clicks a run, each on a minute that was not looked at before; ${timeline.segments.length} segments in the day, ${(sealedBytes / 1e9).toFixed(1)} GB, sealed in ${(recordedMs / 1000).toFixed(0)} s`,
    `of all ${clicks * options.runs} clicks: sealed p50 ${quantile(taken.sealed.flat(), 0.5).toFixed(0)} ms, p95 ${quantile(taken.sealed.flat(), 0.95).toFixed(0)} ms; unsealed p50 ${quantile(taken.plain.flat(), 0.5).toFixed(0)} ms, p95 ${quantile(taken.plain.flat(), 0.95).toFixed(0)} ms`,
  ]);
  await chromium.close();
  for (const end of ends.toReversed()) await end();
  server.closeAllConnections();
  server.close();
});

/** The same session by the hub's other door. */
async function enterPlain(plain: Browser, secure: Browser): Promise<void> {
  plain.cookie = secure.cookie?.replace('__Host-sallyport', 'sallyport-here');
  if ((await plain.get('me')).status !== 200) throw new Error('the session is not taken by plain HTTP');
}

/** A day of a second's groups of pictures is more than one answer. */
async function wholeDay(browser: Browser, dayMs: number): Promise<Timeline> {
  const whole: Timeline = { periods: [], segments: [], gaps: [], observations: [] };
  for (let from: number | undefined = dayMs; from !== undefined;) {
    const part: Timeline = await browser.must<Timeline>('GET', `timeline?camera=front&stream=main&fromMs=${from}&toMs=${dayMs + 24 * hourMs}`);
    for (const name of ['periods', 'segments', 'gaps'] as const) whole[name].push(...part[name] as never[]);
    from = part.moreFromMs;
  }
  return whole;
}

/** All of a minute, as fast as it goes. */
async function openMinute(page: Page, fromMs: number): Promise<{ opening: number; whole: number }> {
  return page.evaluate(async (from) => {
    const { keys, rows } = window as unknown as { keys: import('../../src/web/crypto/client.ts').CryptoClient; rows: import('../../src/web/crypto/footage.ts').FootageTimeline };
    const before = await keys.ask.rate();
    const began = performance.now();
    let bytes = 0;
    for await (const piece of keys.play({ camera: 'front', stream: 'main', fromMs: from, toMs: from + 59_000, timeline: rows })) if (piece.kind === 'fragment') bytes += piece.bytes.length;
    const tookMs = performance.now() - began;
    const after = await keys.ask.rate();
    return { opening: (after.openedBytes - before.openedBytes) / (after.openingMs - before.openingMs) / 1000, whole: bytes / tookMs / 1000 };
  }, fromMs);
}
