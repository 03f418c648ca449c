/** viewer.html as a person has it: one file opened from the disk, two real WebDAV servers, the kit; no hub anywhere. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import type { Page } from 'playwright-core';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { putSlots, sendAway } from '../courier/farworld.ts';
import { close, makeUploads, runCourier, settle } from '../duties/uploadworld.ts';
import { openCorsDoor } from '../../scripts/corsdoor.ts';
import { serveWebdav } from '../egress/stores.ts';
import { hourMs, makeWorld, openVault, start } from '../vault/world.ts';
import { recordFilm } from '../web/crypto/world.ts';
import { inBothThemes, openBrowser, untilShown, visitor } from './browser.ts';
import { noChromium } from './chromium.ts';

const root = resolve(import.meta.dirname, '../..');
const [hash = '', file = ''] = noChromium === false ? execFileSync(join(root, 'scripts/viewer'), { cwd: root, encoding: 'utf8' }).trim().split(/\s+/) : [];

async function burn(folder: string): Promise<{ kit: string; nas: string; keys: string }> {
  const world = makeWorld(folder);
  const space = Identity.generate();
  const vault = await openVault(world);
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 50 * hourMs, recipients: [world.owner.recipient, space.recipient] });
  for (const minute of [0, 5]) await recordFilm(vault, period, { wallMs: start + minute * 60_000, rounds: 4 });
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 12_000, toMs: start + 300_000, reason: 'offline', detail: '' });
  await vault.finishPeriods(start + 2 * hourMs);
  await vault.close();
  for (const name of ['nas/dav', 'keys/dav']) mkdirSync(join(folder, name), { recursive: true });
  const [nas, keys] = [join(folder, 'nas/dav'), join(folder, 'keys/dav')];
  // In pieces, which the page puts together; the next test has objects as they are.
  await sendAway({ data: world.folder, identities: [world.owner], footage: nas, slots: keys, pieceBytes: 65_535 });
  rmSync(world.folder, { recursive: true });
  return { kit: `${world.owner.reveal()}\n`, nas, keys };
}

async function fillIn(page: Page, name: string, o: { url: string; password?: string }): Promise<void> {
  const place = page.getByRole('group', { name });
  await place.getByLabel('Address').fill(o.url);
  await place.getByLabel('User').fill('sally');
  await place.getByLabel('Password').fill(o.password ?? 'port');
}

t.test('the file alone plays what is far, shows what is missing, saves a clip, and speaks to the two stores only', { skip: noChromium, timeout: 180_000 }, async (t) => {
  const folder = t.testdir();
  const { kit, nas, keys } = await burn(folder);
  t.match(hash, /^[0-9a-f]{64}$/);
  const html = readFileSync(join(root, file), 'utf8');
  t.notMatch(html, /<script[^>]*\ssrc=|<link[^>]*stylesheet/, 'all of it is in one file');
  const davs = [await serveWebdav(join(folder, 'nas')), await serveWebdav(join(folder, 'keys'))] as const;
  t.ok(davs[0].path === nas && davs[1].path === keys);
  const doors = [await openCorsDoor(davs[0].url), await openCorsDoor(davs[1].url)] as const;
  t.teardown(async () => { for (const one of [...doors, ...davs]) await one.close(); });
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  const spoken = new Set<string>();
  page.on('request', (request) => { if (/^https?:/.test(request.url())) spoken.add(new URL(request.url()).origin); });
  await page.goto(pathToFileURL(join(root, file)).href);
  await inBothThemes(t, page, 'viewer-setup');

  await fillIn(page, 'Where the footage is', { url: doors[0].url.href, password: 'wrong' });
  await fillIn(page, 'Where the sealed keys are', { url: doors[1].url.href, password: 'wrong' });
  await page.getByLabel('Or its characters').fill(kit);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('alert').getByText('SP_FAR_REFUSED').waitFor();
  await fillIn(page, 'Where the sealed keys are', { url: doors[1].url.href });
  await fillIn(page, 'Where the footage is', { url: doors[0].url.href });
  await page.getByRole('button', { name: 'Open' }).click();

  await page.getByText('no footage').first().waitFor();
  t.equal(await page.locator('.times .run').count(), 2, 'two runs');
  t.match(await page.locator('.times .gap').allTextContents(), [/no footage/]);
  await page.locator('.times .run').last().click();
  await untilShown(page, 'video');
  await page.locator('[role=status][data-state=ended]').waitFor();
  await inBothThemes(t, page, 'viewer-day');
  t.ok(doors[0].asked.some(({ range }) => range !== undefined), 'by ranges');
  t.ok(doors[0].asked.every(({ origin, method }) => origin === 'null' && method === 'GET'), 'it only reads');

  // The page's own policy: nobody else is spoken to, whatever runs in it. That the browser says so is what is wanted.
  page.removeAllListeners('console');
  t.equal(await page.evaluate(async (url) => fetch(url).then(() => 'answered', () => 'refused'), `http://127.0.0.1:${new URL(davs[0].url).port}/`), 'refused');
  t.same([...spoken].sort(), doors.map(({ url }) => url.origin).sort());

  // Without a picker of its own the browser downloads.
  await page.evaluate(() => { delete (window as { showSaveFilePicker?: unknown }).showSaveFilePicker; });
  const downloads: Promise<string>[] = [];
  page.on('download', (download) => { downloads.push(download.saveAs(join(folder, download.suggestedFilename())).then(() => download.suggestedFilename())); });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved:').waitFor();
  while (downloads.length < 3) await page.waitForEvent('download');
  const names = await Promise.all(downloads);
  const film = names.find((name) => name.endsWith('.mp4')) ?? '';
  const { stdout } = await run('ffprobe', ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', join(folder, film)]);
  t.equal(Number(stdout.toString().trim().replace(',', '')), 120, 'every picture of the minute');
  t.ok(names.some((name) => name.endsWith('.manifest.json.sig')));
});

/** The same by the hub's own upload, with an alarm whose picture leaves with it. */
async function sendByUpload(folder: string, jpeg: Buffer): Promise<{ kit: string; disk: string }> {
  const made = await makeUploads(folder, { slots: 'far', slotsAt: 'disk', slotsSamePlace: true });
  const { vault, world, disk } = made;
  const recipients = [world.owner.recipient, Identity.generate().recipient];
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 50 * hourMs, recipients });
  for (const minute of [0, 5]) await recordFilm(vault, period, { wallMs: start + minute * 60_000, rounds: 4 });
  const { id } = await vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs: start + 7_000, keepMs: 90 * hourMs, recipients });
  await vault.putAlarmPictures(id, { full: jpeg, text: {} });
  await vault.endAlarm(id, start + 9_000);
  await vault.finishPeriods(start + 2 * hourMs);
  const courier = await runCourier(made);
  await settle(made);
  await courier[Symbol.asyncDispose]();
  await putSlots({ data: world.folder, vault, store: disk, destinations: ['disk'] });
  await close(made);
  rmSync(world.folder, { recursive: true });
  return { kit: `${world.owner.reveal()}\n`, disk };
}

t.test('a copy of the store in a folder plays too, shows what rang with its picture, and nobody is spoken to', { skip: noChromium, timeout: 120_000 }, async (t) => {
  const folder = t.testdir();
  const film = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180', '-frames:v', '1', '-f', 'mjpeg', 'pipe:1'];
  const { kit, disk } = await sendByUpload(folder, (await run('ffmpeg', film)).stdout);
  writeFileSync(join(folder, 'kit.txt'), `# recovery kit\n${kit}`);
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  const spoken: string[] = [];
  page.on('request', (request) => { if (/^https?:/.test(request.url())) spoken.push(request.url()); });
  await page.goto(pathToFileURL(join(root, file)).href);
  const footage = page.getByRole('group', { name: 'Where the footage is' });
  await footage.getByLabel('Kind of store').selectOption('folder');
  await footage.getByLabel('Folder').setInputFiles(disk);
  await page.getByLabel('In the same place').check();
  await page.getByLabel('The file kit.txt').setInputFiles(join(folder, 'kit.txt'));
  await page.getByRole('button', { name: 'Open' }).click();
  await page.locator('.times .run').first().click();
  await untilShown(page, 'video');
  await page.getByText('Person (door)').click();
  t.equal(await page.getByRole('img', { name: 'Picture of the alarm at' }).evaluate(async (image: HTMLImageElement) => { await image.decode(); return image.naturalWidth; }), 320, 'its picture');
  t.same(spoken, []);
});
