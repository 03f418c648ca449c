/** Browsers that lack something: wall panels without Media Source Extensions, and a Chromium without H.265, on a real hub with emulated cameras. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { BrowserContext, Page } from 'playwright-core';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { draw, inBothThemes, openBrowser, visitor } from './browser.ts';
import { noChromium } from './chromium.ts';
import { makeOwner, whereIs, type Where } from './owner.ts';

const config = quickConfig().replace('http_port = 0', 'http_port = 0\npanels = true').replace('owner = "owner/owner.json"\n', '');

t.test('browsers that lack something', { skip: noChromium, timeout: 400_000 }, async (t) => {
  execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });
  const site = await TestSite.start(t, { owner: false, config, emulator: { cameras: 2, seconds: 5, codec: ['h264', 'h265'] } });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page, context } = await visitor(t, browser);
  await makeOwner(page, site, where, { name: 'Anna', passphrase: 'violet candle harbour' });
  await everySize(t, page, where);
  await withoutH265(t, page, site, where);
  await page.goto('about:blank');
  await onTheWall(t, await panelOf(context), site, where);
});

/** A page of the same visitor, in a browser without Media Source Extensions. */
async function panelOf(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.addInitScript(() => {
    const all = window as unknown as Record<string, unknown>;
    delete all['MediaSource'];
    delete all['ManagedMediaSource'];
  });
  return page;
}

/** Few cameras are shown as large as they can be: the grid as wide as there is room, and nothing of it below the window. */
async function everySize(t: Test, page: Page, where: Where): Promise<void> {
  const { cameras } = await page.evaluate(async () => (await fetch('/api/v1/cameras')).json() as Promise<{ cameras: object[] }>);
  for (const count of [1, 2, 3, 4]) {
    // More than there are stand there without a picture: it is the places that are looked at.
    await page.route('**/api/v1/cameras', (route) => route.fulfill({ json: { cameras: Array.from({ length: count }, (_, n) => ({ ...cameras[n % 2], ...(n < 2 ? {} : { camera: `absent-${n}`, name: `Absent ${n}` }) })) } }));
    for (const [width, height] of [[360, 740], [1280, 820], [3840, 2160]] as const) {
      await page.setViewportSize({ width, height });
      await page.goto(where.https);
      await page.locator(`.grid > li:nth-child(${count})`).waitFor();
      await untilVideo(page, '.grid video');
      for (const theme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await page.waitForTimeout(250); // colours fade over
        await draw(page, `73-live-${count}-${width}-${theme}`);
      }
      const { tile, room, bottom } = await page.evaluate(() => ({
        tile: document.querySelector('.grid > li')?.getBoundingClientRect().width ?? 0, room: document.querySelector('.page-head')?.getBoundingClientRect().width ?? 0,
        bottom: document.querySelector('.grid')?.getBoundingClientRect().bottom ?? Infinity,
      }));
      const columns = width < 700 || count === 1 ? 1 : 2;
      t.ok(tile * columns > room * 0.9, `${count} cameras at ${width}: ${columns} x ${tile} of ${room}`);
      if (width >= 700) t.ok(bottom <= height, `${count} cameras at ${width}: all in view, to ${bottom} of ${height}`);
    }
  }
  await page.unroute('**/api/v1/cameras');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 820 });
}

async function withoutH265(t: Test, page: Page, site: TestSite, where: Where): Promise<void> {
  const [, second] = site.cameras;
  const name = second?.name ?? '';
  await page.goto(new URL(`/live/${name}`, where.https).href);
  await page.getByText('This browser cannot play H.265. It is recorded all the same.').waitFor();
  t.ok(await page.getByText(`sallyport camera codec ${name} h264`).isVisible(), 'what would change it, for who may');
  await inBothThemes(t, page, '70-no-h265');
  await page.getByRole('button', { name: 'Show a simpler picture' }).click();
  await untilMoving(page, '.stage canvas');
  await inBothThemes(t, page, '71-no-h265-panel');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Snapshot' }).click()]);
  t.match(download.suggestedFilename(), /\.png$/, 'a snapshot of it');
  await page.getByRole('radio', { name: 'Small picture' }).check();
  await untilVideo(page, '.stage video');
  await page.getByRole('radio', { name: 'Full picture' }).check();
  await page.getByRole('button', { name: 'Show the small picture' }).click();
  await untilVideo(page, '.stage video');
  t.equal(await page.locator('.stage video').evaluate((video) => (video as HTMLVideoElement).videoWidth), 640, 'the small one, in H.264');
}

async function onTheWall(t: Test, page: Page, site: TestSite, where: Where): Promise<void> {
  page.on('pageerror', (error) => t.fail(`an error in the page: ${error.message}`));
  page.on('console', (message) => { if (/Content Security Policy|Trusted/i.test(message.text())) t.fail(`refused by the policy: ${message.text()}`); });
  await page.goto(new URL('/panel', where.https).href);
  t.equal(await page.evaluate(() => 'MediaSource' in window), false);
  for (const n of [1, 2]) await untilMoving(page, `.wall-grid > li:nth-child(${n}) canvas`);
  t.equal(await page.locator('video').count(), 0);
  await page.getByText(/ms behind/).first().waitFor();
  await inBothThemes(t, page, '72-wall', { whole: false });

  const encoders = encodersOf(site);
  t.equal(encoders.length, 2, 'one encoder of each');
  for (const { words } of encoders) for (const { password, user, address } of site.cameras) for (const secret of [password, user, address]) t.notOk(words.includes(secret), 'nothing of a camera in its argument list');
  const sessions = site.cameras.map(({ connections }) => connections);
  const second = await panelOf(page.context());
  await second.goto(new URL('/panel', where.https).href);
  for (const n of [1, 2]) await untilMoving(second, `.wall-grid > li:nth-child(${n}) canvas`);
  t.same(encodersOf(site).map(({ pid }) => pid), encoders.map(({ pid }) => pid), 'a second panel shares them');
  t.same(site.cameras.map(({ connections }) => connections), sessions, 'and no camera has another session for it');
  await second.close();

  await page.getByRole('link', { name: 'All cameras' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  await untilMoving(page, '.grid canvas');
  await page.getByRole('link', { name: 'Wall panel' }).click();
  await untilMoving(page, '.wall-grid canvas');

  await site.call(['privacy', 'on', '--config', site.config]);
  await page.getByText('Privacy is on').first().waitFor();
  t.same(await page.locator('canvas').evaluateAll((all) => all.filter((canvas) => (canvas as HTMLCanvasElement).width > 0).length), 0, 'no last picture stays');
  while (encodersOf(site).length > 0) await page.waitForTimeout(50);

  await writeFile(site.config, (await readFile(site.config, 'utf8')).replace('panels = true', 'panels = false'));
  site.hub?.kill('SIGHUP');
  await page.goto(new URL('/panel', where.https).href);
  for (;;) {
    const { cameras } = await page.evaluate(async () => (await fetch('/api/v1/cameras')).json() as Promise<{ cameras: { panel: boolean }[] }>);
    if (cameras.every(({ panel }) => !panel)) break;
    await page.waitForTimeout(50);
  }
  t.equal(await page.evaluate(() => new Promise((done) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/v1/panel?camera=x`);
    socket.addEventListener('open', () => done('open'));
    socket.addEventListener('error', () => done('refused'));
  })), 'refused', 'off again: nothing is there');
}

/** Those that the hub runs now, by process id. */
function encodersOf({ hub }: TestSite): { pid: number; words: string }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const parent = Number(/PPid:\t(\d+)/.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]);
      return words.includes('mpeg1video') && parent === hub?.pid ? [{ pid: Number(name), words }] : [];
    } catch {
      return [];
    }
  }).toSorted((a, b) => a.pid - b.pid);
}

/** Until pixels of a picture that is no flat colour have changed some times. */
async function untilMoving(page: Page, selector: string): Promise<void> {
  await page.locator(selector).first().waitFor();
  const look = (): Promise<{ sum: number; spread: number }> => page.locator(selector).first().evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    if (canvas.width === 0) return { sum: 0, spread: 0 };
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray();
    let [sum, squares] = [0, 0];
    for (let n = 0; n < data.length; n += 4) {
      const value = data[n + 1] ?? 0;
      sum += value * (1 + (n % 251));
      squares += Math.abs(value - 128);
    }
    return { sum, spread: squares / (data.length / 4) };
  });
  const seen = new Set<number>();
  for (let tries = 0; tries < 240; tries++) {
    const { sum, spread } = await look();
    if (spread > 8) seen.add(sum);
    if (seen.size >= 5) return;
    await page.waitForTimeout(125);
  }
  throw new Error(`nothing moves in ${selector}: ${(await page.locator('main').textContent())?.slice(0, 600) ?? ''}`);
}

async function untilVideo(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((wanted) => ((document.querySelector(wanted) as HTMLVideoElement | null)?.currentTime ?? 0) > 0.5 && (document.querySelector(wanted) as HTMLVideoElement).videoWidth > 0, selector);
}
