import t from 'tap';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { readOwnerList, slotRecipients } from '../../src/seal/owner.ts';
import type { CryptoClient } from '../../src/web/crypto/client.ts';
import { HubAnswer, type Fetcher } from '../../src/web/crypto/fetcher.ts';
import type { FootageTimeline } from '../../src/web/crypto/footage.ts';
import type { Stretch } from '../../src/web/crypto/stretch.ts';
import { fakeJpeg } from '../seal/thumbnail.ts';
import { hourMs, makeWorld, openVault, start } from '../vault/world.ts';
import { folderFetcher, recordFilm, timelineOf } from '../web/crypto/world.ts';
import { launchChromium, noChromium } from './chromium.ts';

declare global {
  interface Window { readonly keys: CryptoClient }
}

const account = 'A'.repeat(22);
const passphrase = 'correct horse battery';
/** As the hub's page has it. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types sallyport-worker";
const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

t.test('in Chromium: the device stays in IndexedDB, keys stay in the worker, and footage opens faster than it must', { skip: noChromium }, async (t) => {
  const folder = t.testdir({ page: {} });
  await build({
    root: import.meta.dirname, logLevel: 'silent', configFile: false,
    build: { outDir: join(folder, 'page'), emptyOutDir: true, lib: { entry: join(import.meta.dirname, 'cryptopage.ts'), formats: ['es'], fileName: 'page' } },
    worker: { format: 'es' },
  });
  const hub: { fetch: Fetcher } = { fetch: async () => new Uint8Array(0) };
  const server = await serve(join(folder, 'page'), hub);
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
    page.on('pageerror', (error) => void problems.push(error.message));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await page.goto(address);

    const made = await page.evaluate(async ({ account, passphrase, now }) => {
      const { keys } = window;
      const by = await keys.ask.newStretch();
      let steps = 0;
      const begun = performance.now();
      const { secondHalf } = await keys.stretch(passphrase, by, () => void steps++);
      const stretchMs = performance.now() - begun;
      await keys.ask.makeKit(now);
      const device = await keys.ask.makeDevice('phone');
      const list = await keys.ask.firstOwnerList(now);
      await keys.ask.saveDevice({ account, login: 'Ada', secondHalf });
      await keys.ask.openOwnerList({ text: list, account });
      await keys.ask.forgetKit();
      return { by, device, list, steps, stretchMs };
    }, { account, passphrase, now: start });
    t.comment(`passphrase stretched in ${Math.round(made.stretchMs)} ms`);
    t.ok(made.steps > 10, 'with progress');

    const film = await recordFor(made.list, join(folder, 'hub'), hub);
    await page.reload();
    t.match(await page.evaluate(() => window.keys.ask.findDevice('ADA')), { account, recipient: made.device.recipient }, 'the device is still known');
    const code = await page.evaluate((account) => window.keys.ask.unlock(account, new Uint8Array(32)).then(() => 'it opened', (error: { code: string }) => error.code), account);
    t.equal(code, 'SP_DEVICE_LOCKED');

    await unlock(page, made.by, made.list);
    const played = await play(page, film.timeline);
    t.equal(played.hash, film.hash, 'every byte as it was recorded');
    const needed = (16 * 4_000_000) / 8 / 1e6;
    t.comment(`${(played.bytes / 1e6).toFixed(1)} MB of footage; first picture after ${played.firstMs.toFixed(0)} ms; opening alone ${played.openingRate.toFixed(0)} MB/s, with fetching and hand-over ${played.rate.toFixed(0)} MB/s; 16 x 4 Mbit/s are ${needed} MB/s`);
    t.ok(played.openingRate > needed, 'opening is faster than 16 times real time');
    const looked = await look(page, film.timeline);
    t.comment(`a picture of a segment opens in ${looked.eachMs.toFixed(0)} ms`);
    t.strictSame(looked.sizes, film.timeline.segments.map(() => fakeJpeg().length));
    t.equal(looked.forgone, 'SP_STOPPED', 'what is no longer wanted is not fetched');
    t.strictSame(problems, []);

    await page.evaluate((account) => window.keys.ask.forgetDevice(account), account);
    await page.reload();
    t.strictSame(await page.evaluate(() => window.keys.ask.knownDevices()), []);
  } finally {
    await browser.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function unlock(page: Page, by: Stretch, list: string): Promise<void> {
  await page.evaluate(async ({ account, passphrase, by, list }) => {
    const { secondHalf } = await window.keys.stretch(passphrase, by);
    await window.keys.ask.unlock(account, secondHalf);
    await window.keys.ask.openOwnerList({ text: list, account });
  }, { account, passphrase, by, list });
}

async function play(page: Page, timeline: FootageTimeline): Promise<{ hash: string; bytes: number; firstMs: number; rate: number; openingRate: number }> {
  return page.evaluate(async ({ timeline, from }) => {
    const begun = performance.now();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    let firstMs = 0;
    for await (const piece of window.keys.play({ camera: 'front', stream: 'main', fromMs: from, timeline })) {
      if (piece.kind === 'problem') throw piece.error;
      if (piece.kind !== 'fragment') continue;
      firstMs ||= performance.now() - begun;
      parts.push(piece.bytes);
      bytes += piece.bytes.length;
    }
    const tookMs = performance.now() - begun;
    const { openedBytes, openingMs } = await window.keys.ask.rate();
    const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer());
    return {
      hash: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join(''), bytes, firstMs, rate: bytes / tookMs / 1000, openingRate: openedBytes / openingMs / 1000,
    };
  }, { timeline, from: start });
}

async function look(page: Page, timeline: FootageTimeline): Promise<{ sizes: (number | undefined)[]; eachMs: number; forgone: string }> {
  return page.evaluate(async ({ segments, periods }) => {
    const stop = new AbortController();
    const forgone = window.keys.thumbnail({ camera: 'front', stream: 'main', segment: segments[0]!, periods }, stop.signal).then(() => 'it came', (error: { code: string }) => error.code);
    stop.abort();
    const begun = performance.now();
    const sizes: (number | undefined)[] = [];
    for (const segment of segments) sizes.push((await window.keys.thumbnail({ camera: 'front', stream: 'main', segment, periods }))?.length);
    return { sizes, eachMs: (performance.now() - begun) / segments.length, forgone: await forgone };
  }, timeline);
}

/** Twelve minutes of footage for that owner in a real vault. */
async function recordFor(list: string, folder: string, hub: { fetch: Fetcher }): Promise<{ timeline: FootageTimeline; hash: string }> {
  const world = makeWorld(folder);
  const vault = await openVault(world);
  const recipients = slotRecipients(readOwnerList(list, 'the list'), 'home');
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients });
  const paths = new Map<string, string>();
  const hash = createHash('sha256');
  for (let minute = 0; minute < 12; minute++) {
    const { row, fragments } = await recordFilm(vault, period, { wallMs: start + minute * 60_000, rounds: 20, thumbnail: new Uint8Array(fakeJpeg()) });
    for (const fragment of fragments) hash.update(fragment);
    paths.set(`front/main/${row.seq}`, row.path);
  }
  const timeline = await timelineOf(vault, 'front');
  await vault.close();
  hub.fetch = folderFetcher(world.folder, paths);
  return { timeline, hash: hash.digest('hex') };
}

/** The built page, and the hub's storage routes. */
async function serve(page: string, hub: { fetch: Fetcher }): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://hub').pathname;
    try {
      if (!path.startsWith('/api/')) {
        const file = path === '/' ? undefined : readFileSync(join(page, path));
        response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'text/html', 'Content-Security-Policy': policy });
        response.end(file ?? '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
        return;
      }
      const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      const bytes = await hub.fetch(path, from === undefined ? undefined : { from: Number(from), to: Number(last) + 1 });
      response.writeHead(from === undefined ? 200 : 206, { 'Content-Type': 'application/octet-stream' }).end(bytes);
    } catch (error) {
      response.writeHead(error instanceof HubAnswer ? error.status : 404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
