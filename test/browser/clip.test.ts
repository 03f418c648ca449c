/** Looking around by pictures, and a clip made on the owner's device, in Chromium on a real hub. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { Download, Page } from 'playwright-core';
import { run } from '../../src/base/spawn.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { draw, inBothThemes, openBrowser, untilShown, visitor } from './browser.ts';
import { noChromium } from './chromium.ts';
import { makeOwner, whereIs } from './owner.ts';

const passphrase = 'violet candle harbour';

interface Manifest { readonly files: { name: string; size: number; sha256: string }[]; readonly segments: { path: string }[]; readonly camera: string }

t.test('pictures over the timeline, and a clip that is saved, streamed, cancelled, and refused by a full disk', { skip: noChromium, timeout: 300_000 }, async (t) => {
  execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });
  const site = await TestSite.start(t, { owner: false, adopt: false, config: quickConfig({ keep: '1 day' }), emulator: { cameras: 2, seconds: 5 } });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  await makeOwner(page, site, where, { name: 'Anna', passphrase });
  for (const camera of site.cameras) await site.adopt(camera);
  await site.untilSealed(12);
  await page.goto(`${where.https}/timeline`);
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('Choose a moment on the timeline').waitFor();
  await page.getByRole('radio', { name: '10 min' }).check();
  await page.locator('.strip .recorded').first().waitFor();

  await looking(t, page);
  await handles(t, page);
  await withoutStreaming(t, site, page);
  await straightToDisk(t, site, page);
  await fullDisk(t, page);
  await cancelled(t, page);
  await audited(t, page);
});

/** Hovering, dragging and the keyboard show the picture of that time; nothing on the page moves for it. */
async function looking(t: Test, page: Page): Promise<void> {
  const strip = page.getByRole('slider').first();
  await page.locator('.film-place img').first().waitFor();
  const bar = await page.locator('.strip .recorded').first().boundingBox();
  const box = await strip.boundingBox();
  if (bar === null || box === null) throw new Error('there is no bar');
  const before = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.mouse.move(bar.x + (bar.width / 3), bar.y + 5);
  await page.locator('.peek img:not(.before)').waitFor();
  t.equal(await page.locator('.peek img').evaluate((image: HTMLImageElement) => image.naturalWidth), 320, 'a picture of the footage');
  t.match(await page.locator('.peek').textContent(), /\d\d:\d\d:\d\d/);
  t.equal(await page.locator('.peek').getAttribute('aria-hidden'), 'true');
  t.same([await page.evaluate(() => document.documentElement.scrollHeight), await strip.boundingBox()], [before, box], 'nothing moves');
  await draw(page, '60-peek-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await draw(page, '60-peek-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.mouse.move(10, 10);
  await page.locator('.peek').waitFor({ state: 'detached' });

  await page.keyboard.press('Tab');
  await strip.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('End');
  await page.locator('.peek').waitFor();
  t.match(await strip.getAttribute('aria-valuetext'), /\d\d:\d\d:\d\d, /);
  await page.keyboard.press('Home');
  await page.locator('.page-head h1').click();
  await page.locator('.peek').waitFor({ state: 'detached' });

  await page.mouse.click(bar.x + (bar.width / 3), bar.y + 5);
  await untilShown(page, '.replay-screen video');
  // Another moment, as somebody who has been looking around chooses it.
  const began = Date.now();
  await page.mouse.click(bar.x + (bar.width / 8), bar.y + 5);
  await page.waitForFunction(() => { const video = document.querySelector<HTMLVideoElement>('.replay-screen video'); return video !== null && !video.seeking && video.readyState > 2 && document.querySelector('.replay-screen [role="status"]') === null; }, undefined, { polling: 'raf' });
  t.comment(`a seek took ${Date.now() - began} ms`);
  await page.mouse.move(10, 10);
  await pause(page);
  await inBothThemes(t, page, '61-timeline-film');
}

/** Where the footage is not at its end already. */
async function pause(page: Page): Promise<void> {
  await page.waitForTimeout(300);
  const button = page.getByRole('button', { name: 'Pause' });
  if (await button.isVisible()) await button.click();
}

async function openClip(page: Page): Promise<void> {
  await page.getByRole('slider').first().focus();
  await page.keyboard.press('Home');
  // The head stands at the beginning of what is shown; the film's first picture is where footage begins.
  await page.locator('.film-place.there').first().click();
  await pause(page);
  await page.getByRole('button', { name: 'Save a clip' }).click();
  await page.getByRole('heading', { name: /^A clip of/ }).waitFor();
}

const clockIn = (text: string | null): string => /\d\d:\d\d:\d\d/.exec(text ?? '')?.[0] ?? '';

/** The edges of the chosen time: by pointer, by keyboard, by finger on a small phone, and never past each other. */
async function handles(t: Test, page: Page): Promise<void> {
  await openClip(page);
  const [begins, ends] = [page.getByRole('slider', { name: 'Beginning of the chosen time' }), page.getByRole('slider', { name: 'End of the chosen time' })];
  const [from, to] = [page.getByLabel('From', { exact: true }), page.getByLabel('To', { exact: true })];
  const spoken = async (handle: typeof begins): Promise<string> => clockIn(await handle.getAttribute('aria-valuetext'));
  t.strictSame([await spoken(begins), await spoken(ends)], [await from.inputValue(), await to.inputValue()], 'in the local time, as the fields say');

  await ends.scrollIntoViewIfNeeded();
  const grip = await ends.boundingBox();
  if (grip === null) throw new Error('there is no handle');
  t.ok(grip.width >= 24 && grip.height >= 24, `${grip.width} x ${grip.height} to take hold of`);
  const before = await to.inputValue();
  await page.mouse.move(grip.x + 8, grip.y + 20);
  await page.mouse.down();
  await page.mouse.move(grip.x - 17, grip.y + 25, { steps: 4 });
  await page.locator('.peek b').waitFor();
  t.equal(clockIn(await page.locator('.peek b').textContent()), await spoken(ends), 'the picture of where the edge is');
  await draw(page, '66-handles-light');
  await page.mouse.up();
  await page.locator('.peek').waitFor({ state: 'detached' });
  const dragged = await to.inputValue();
  t.ok(dragged < before, `${before} became ${dragged}`);
  t.equal(await spoken(ends), dragged);
  t.equal((await ends.boundingBox())?.x, grip.x - 25, 'it went as far as the pointer');

  await ends.focus();
  await page.keyboard.press('ArrowRight');
  t.equal(await to.inputValue(), later(dragged, 1));
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageDown');
  t.equal(await to.inputValue(), later(await from.inputValue(), 1), 'a second is left');
  await page.keyboard.press('PageUp');
  await begins.focus();
  const first = await from.inputValue();
  await page.keyboard.press('ArrowRight');
  t.ok(await from.inputValue() > first, 'to the next key frame');
  await page.keyboard.press('ArrowLeft');
  t.equal(await from.inputValue(), first, 'and back to the one before');
  const held = await begins.boundingBox();
  if (held === null) throw new Error('there is no handle');
  await page.mouse.move(held.x + 20, held.y + 20);
  await page.mouse.down();
  await page.mouse.move(held.x + 34, held.y + 20, { steps: 3 });
  t.not(await from.inputValue(), first);
  await page.keyboard.press('Escape');
  await page.mouse.up();
  t.equal(await from.inputValue(), first, 'Escape gives back what was chosen');
  await byFinger(t, page);
  await page.getByRole('button', { name: 'Close' }).click();
  t.equal(await page.evaluate(() => document.activeElement?.className), 'day', 'the focus stays by the strips');
}

/** On 360 px, where the day's strips are as wide as the phone. */
async function byFinger(t: Test, page: Page): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 });
  const ends = page.getByRole('slider', { name: 'End of the chosen time' });
  await ends.scrollIntoViewIfNeeded();
  const box = await ends.boundingBox();
  if (box === null) throw new Error('there is no handle');
  const before = await ends.getAttribute('aria-valuenow');
  const session = await page.context().newCDPSession(page);
  const at = (x: number): { touchPoints: { x: number; y: number }[] } => ({ touchPoints: [{ x, y: box.y + 20 }] });
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: true });
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', ...at(box.x + 10) });
  for (const step of [10, 20, 30]) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at(box.x + 10 + step) });
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: false });
  await session.detach();
  await page.waitForFunction((was) => document.querySelector('.handle.to')?.getAttribute('aria-valuenow') !== was, before);
  t.ok(Number(await ends.getAttribute('aria-valuenow')) > Number(before), 'a finger moves it');
  t.equal(await page.locator('.peek').count(), 0, 'nothing stays over the page');
  await draw(page, '66-handles-360');
  t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a small phone');
  await page.setViewportSize({ width: 1280, height: 820 });
}

const setPicker = (page: Page, mode: 'none' | 'opfs' | 'full' | 'slow'): Promise<void> => page.evaluate((wanted) => {
  const of = async ({ suggestedName }: { suggestedName: string }): Promise<unknown> => {
    if (wanted === 'opfs') return (await navigator.storage.getDirectory()).getFileHandle('anna.mp4', { create: true });
    const stream = {
      write: () => wanted === 'full' ? Promise.reject(new DOMException('no room', 'QuotaExceededError')) : new Promise((done) => { setTimeout(done, 2000); }),
      close: async () => {}, abort: async () => { Object.assign(window, { aborted: true }); },
    };
    return { name: suggestedName, createWritable: async () => stream };
  };
  Object.assign(window, { aborted: false });
  Object.defineProperty(window, 'showSaveFilePicker', { value: wanted === 'none' ? undefined : of, configurable: true, writable: true });
}, mode);

async function withoutStreaming(t: Test, site: TestSite, page: Page): Promise<void> {
  await setPicker(page, 'none');
  await openClip(page);
  const [from, to] = [page.getByLabel('From', { exact: true }), page.getByLabel('To', { exact: true })];
  const begin = await from.inputValue();
  t.ok(await page.getByText('This browser cannot write to the disk as it goes').isVisible());
  await to.fill('00:00:00');
  await to.blur();
  await page.getByText('It ends after it begins.').waitFor();
  t.ok(await page.getByRole('button', { name: 'Make the clip' }).isDisabled());
  await to.fill(later(begin, 8));
  await to.blur();
  await page.getByText(/^[78] seconds, about/).waitFor();
  await inBothThemes(t, page, '62-clip');
  await page.setViewportSize({ width: 360, height: 740 });
  await page.waitForTimeout(300);
  await draw(page, '62-clip-360', { whole: true });
  t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a small phone');
  await page.setViewportSize({ width: 1280, height: 820 });
  await page.getByRole('button', { name: 'Make the clip' }).click();
  await page.getByRole('heading', { name: 'The clip is ready' }).waitFor();
  await inBothThemes(t, page, '63-clip-made');
  const downloads: Download[] = [];
  page.on('download', (download) => downloads.push(download));
  await page.getByRole('button', { name: 'Save all' }).click();
  for (let tries = 0; downloads.length < 3 && tries < 50; tries++) await page.waitForTimeout(100);
  const saved = new Map<string, Buffer>();
  for (const download of downloads) saved.set(download.suggestedFilename(), await readFile(await download.path()));
  const name = [...saved.keys()].find((one) => one.endsWith('.mp4')) ?? '';
  t.strictSame([...saved.keys()].toSorted(), [name, `${name}.manifest.json`, `${name}.manifest.json.sig`]);
  await judge(t, site, { name, ownerList: await ownerList(page), film: saved.get(name), manifest: saved.get(`${name}.manifest.json`), signature: saved.get(`${name}.manifest.json.sig`) }, 8);
}

/** It names the device that must have signed. */
const ownerList = (page: Page): Promise<string> => page.evaluate(async () => ((await (await fetch('/api/v1/owner')).json()) as { text: string }).text);

/** ffprobe judges the film, SHA-256 and `ssh-keygen` the manifest. */
async function judge(t: Test, site: TestSite, o: { name: string; ownerList: string; film: Buffer | undefined; manifest: Buffer | undefined; signature: Buffer | undefined }, seconds: number): Promise<void> {
  const { film = Buffer.alloc(0), manifest = Buffer.alloc(0), signature = Buffer.alloc(0) } = o;
  const folder = t.testdir();
  await writeFile(join(folder, 'clip.mp4'), film);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-count_frames', '-show_entries', 'stream=nb_read_frames,codec_name:format=duration', '-of', 'json', join(folder, 'clip.mp4')]);
  const probed = JSON.parse(stdout.toString()) as { streams: { codec_name: string; nb_read_frames: string }[]; format: { duration: string } };
  const [frames, duration] = [Number(probed.streams[0]?.nb_read_frames), Number(probed.format.duration)];
  t.comment(`${frames} frames in ${duration} s`);
  t.equal(probed.streams[0]?.codec_name, 'h264');
  // It begins with the first picture of the second that was asked for.
  t.ok(duration >= seconds - 1.5 && duration < seconds + 3, `${duration} s`);
  t.ok(frames / duration > 5, `${frames} frames`);
  const { files, segments, camera } = JSON.parse(manifest.toString()) as Manifest;
  t.strictSame(files, [{ name: o.name, size: film.length, sha256: createHash('sha256').update(film).digest('hex') }]);
  const sealed = (await site.list()).segments.filter((row) => row.camera === camera).map(({ path }) => path);
  t.ok(segments.length >= 2 && segments.every(({ path }) => sealed.includes(path)), 'made of what is recorded');
  const { list } = JSON.parse(o.ownerList) as { list: { devices: { signer: string }[] } };
  await writeFile(join(folder, 'allowed'), `anna ${list.devices[0]?.signer}\n`);
  await writeFile(join(folder, 'sig'), signature);
  const { status } = await run('ssh-keygen', ['-Y', 'verify', '-f', join(folder, 'allowed'), '-I', 'anna', '-n', 'sallyport-export', '-s', join(folder, 'sig')], { input: manifest });
  t.equal(status, 0, 'signed by this browser\'s device');
}

async function straightToDisk(t: Test, site: TestSite, page: Page): Promise<void> {
  await setPicker(page, 'opfs');
  await page.getByRole('button', { name: 'Another clip' }).click();
  await page.getByRole('button', { name: 'Make the clip' }).click();
  await page.getByText('is where you chose').waitFor();
  const film = Buffer.from(await page.evaluate(async () => {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle('anna.mp4');
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  }), 'base64');
  const take = async (name: string): Promise<Buffer> => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: `Save ${name}`, exact: true }).click()]);
    return readFile(await download.path());
  };
  await judge(t, site, { name: 'anna.mp4', ownerList: await ownerList(page), film, manifest: await take('anna.mp4.manifest.json'), signature: await take('anna.mp4.manifest.json.sig') }, 8);
}

async function fullDisk(t: Test, page: Page): Promise<void> {
  await setPicker(page, 'full');
  await page.getByRole('button', { name: 'Another clip' }).click();
  await page.getByRole('button', { name: 'Make the clip' }).click();
  await page.getByText('There is no room left on this device for the clip').waitFor();
  t.equal(await page.evaluate(() => (window as unknown as { aborted: boolean }).aborted), true, 'nothing half-made stays');
  await inBothThemes(t, page, '64-clip-no-room');
}

async function cancelled(t: Test, page: Page): Promise<void> {
  await setPicker(page, 'slow');
  await page.getByRole('button', { name: 'Make the clip' }).click();
  await page.getByRole('progressbar', { name: 'Making the clip' }).waitFor();
  await inBothThemes(t, page, '65-clip-making');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Cancelled. Nothing was kept.').waitFor();
  t.equal(await page.evaluate(() => (window as unknown as { aborted: boolean }).aborted), true);
  await page.getByRole('button', { name: 'Close' }).click();
}

async function audited(t: Test, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Audit' }).click();
  await page.getByText('exported recordings').first().waitFor();
  t.equal(await page.getByText('exported recordings').count(), 4, 'each that was begun, with who and when');
}

/** "09:14:05" and 8 → "09:14:13"; within a day. */
function later(clock: string, seconds: number): string {
  const [hours = 0, minutes = 0, rest = 0] = clock.split(':').map(Number);
  return new Date(((((hours * 60) + minutes) * 60) + rest + seconds) * 1000).toISOString().slice(11, 19);
}
