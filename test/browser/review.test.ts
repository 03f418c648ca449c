/** Review in Chromium on a real hub: what an emulated camera says becomes an alarm whose picture this browser opens; marked, found on the timeline; zones drawn, rules tried. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { Locator, Page } from 'playwright-core';
import type { ReplyOf } from '../../src/api/contract.ts';
import { callHub } from '../../src/cli/control.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, visitor } from './browser.ts';
import { noChromium } from './chromium.ts';
import { makeOwner, openSettings, whereIs } from './owner.ts';

const passphrase = 'violet candle harbour';
const rule = `
[[alarm]]
name = "Anybody"
kinds = ["person", "vehicle"]
keep = "1 hour"
before = "3 seconds"
after = "2 seconds"
`;

t.test('alarms, from what a camera says to what somebody has seen', { skip: noChromium, timeout: 300_000 }, async (t) => {
  execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });
  const site = await TestSite.start(t, { owner: false, adopt: false, config: quickConfig({ keep: '1 day', more: rule }), emulator: { cameras: 1, seconds: 5 } });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page, context } = await visitor(t, browser);
  await makeOwner(page, site, where, { name: 'Anna', passphrase });
  const camera = site.cameras[0]!;
  await site.adopt(camera);
  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working' && cameras[0].segmentsSealed >= 3);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Review' }).click();
  await page.getByRole('heading', { name: 'No alarms' }).waitFor();
  await inBothThemes(t, page, '90-review-empty');

  for (const kind of ['person', 'vehicle'] as const) {
    camera.raise(kind, true);
    await alarmsOf(site, (alarms) => alarms.some((one) => one.kind === kind && one.pictures.length >= 3));
    camera.raise(kind, false);
    await alarmsOf(site, (alarms) => alarms.every(({ toMs, segments }) => toMs !== undefined && segments > 0));
  }
  await look(t, page);
  await mark(t, page, site);
  await onTimeline(t, page);
  await byKeyboardAlone(t, page, site);
  await byPointer(t, page, site);
  await inAudit(t, page);
  await tryRule(t, page);
  await small(t, page);
  await locked(t, page, where.https);
  await context.setOffline(true);
  await page.getByText('The hub does not answer', { exact: true }).first().waitFor();
  await inBothThemes(t, page, '99-review-offline');
});

type Alarms = ReplyOf<'alarms'>['alarms'];

async function alarmsOf(site: TestSite, so: (alarms: Alarms) => boolean): Promise<Alarms> {
  for (;;) {
    const { alarms } = await callHub(join(site.data, 'control.sock'), 'alarms', { fromMs: 0, toMs: Date.now() + 3_600_000, limit: 100 });
    if (so(alarms)) return alarms;
    await site.status();
  }
}

const cards = (page: Page): Locator => page.locator('.alarms > li');
const card = (page: Page, kind: string): Locator => page.locator('.alarms > li', { hasText: kind });

async function open(page: Page): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Review' }).click();
  await cards(page).first().waitFor();
}

async function isPicture(image: Locator, widthMin: number): Promise<boolean> {
  await image.waitFor();
  return image.evaluate(async (one: HTMLImageElement, least) => { await one.decode(); return one.src.startsWith('blob:') && one.naturalWidth >= least; }, widthMin);
}

async function look(t: Test, page: Page): Promise<void> {
  await page.reload();
  await page.getByLabel('Passphrase', { exact: true }).waitFor();
  t.equal(await page.locator('.alarms img').count(), 0, 'a locked device shows no picture');
  await cards(page).nth(1).waitFor();
  await inBothThemes(t, page, '91-review-locked');
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Unlock' }).click();
  t.ok(await isPicture(card(page, 'Person').locator('img'), 100), 'the thumbnail was opened here');
  t.ok(await isPicture(card(page, 'Vehicle').locator('img'), 100));
  t.equal(await cards(page).count(), 2);
  t.match(await cards(page).first().textContent(), /Vehicle/, 'the newest first');
  t.match(await page.locator('.page-head [role=status]').textContent(), /^2 alarms, 2 not seen yet$/);
  await inBothThemes(t, page, '92-review');
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Person' });
  await page.waitForFunction(() => document.querySelectorAll('.alarms > li').length === 1);
  await page.getByLabel('When', { exact: true }).selectOption({ label: 'One day' });
  await card(page, 'Person').waitFor();
  await page.getByLabel('Day', { exact: true }).fill('2020-01-01');
  await page.getByRole('heading', { name: 'No alarms' }).waitFor();
  await page.getByLabel('When', { exact: true }).selectOption({ label: 'The last 24 hours' });
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Anything' });
  await page.waitForFunction(() => document.querySelectorAll('.alarms > li').length === 2);
}

async function mark(t: Test, page: Page, site: TestSite): Promise<void> {
  await card(page, 'Vehicle').getByRole('button', { name: /^Look at it/ }).press('Enter');
  const dialog = page.getByRole('dialog');
  t.ok(await isPicture(dialog.locator('.alarm-large img'), 300), 'the whole picture');
  t.match(await dialog.locator('.alarm-large img').getAttribute('alt'), /^Picture of the alarm: Vehicle/);
  t.match(await dialog.textContent(), /Anybody.*segments? (is|are) kept with it/);
  await inBothThemes(t, page, '93-alarm', { whole: false });
  await page.keyboard.press('ArrowRight');
  await dialog.getByRole('heading', { name: /^Person/ }).waitFor();
  t.ok(await isPicture(dialog.locator('.alarm-large img'), 300), 'its neighbour by an arrow key');
  await dialog.getByRole('button', { name: 'Mark as seen' }).click();
  await dialog.getByRole('button', { name: 'Mark as new' }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  // The focus goes back to where it was.
  await page.waitForFunction(() => document.activeElement?.closest('.alarms > li')?.textContent?.includes('Vehicle') === true);
  await card(page, 'Vehicle').getByRole('button', { name: /^False alarm/ }).click();
  await card(page, 'Vehicle').locator('.badge', { hasText: 'False alarm' }).waitFor();
  const marked = await alarmsOf(site, (alarms) => alarms.every(({ seen }) => seen));
  t.same(marked.map(({ kind, falseAlarm }) => [kind, falseAlarm]), [['vehicle', true], ['person', false]]);
  await page.getByLabel('Not seen yet', { exact: true }).check();
  await page.getByRole('heading', { name: 'All of them were seen' }).waitFor();
  await page.getByLabel('Not seen yet', { exact: true }).uncheck();
}

async function onTimeline(t: Test, page: Page): Promise<void> {
  await card(page, 'Person').getByRole('link', { name: /^On the timeline/ }).click();
  await page.getByRole('heading', { name: 'Timeline', level: 1 }).waitFor();
  await page.locator('.strip .rang').first().waitFor();
  t.equal(await page.locator('.strip .rang').count(), 1, 'the false one is no mark');
  t.match(await page.locator('.legend').textContent(), /Alarm/);
  const [alarm, at] = [await page.getByRole('slider').first().getAttribute('aria-valuetext'), new URL(page.url()).searchParams.get('at')];
  t.match(at, /^\d{13}$/, 'at its moment');
  t.match(alarm, /recorded/, 'where there is footage');
  await page.getByRole('radio', { name: '10 min' }).check();
  await page.locator('.strip .rang').first().waitFor();
  await inBothThemes(t, page, '94-timeline-alarm');
  await page.getByRole('slider').first().focus();
  await page.keyboard.press('.');
  t.match(await page.getByRole('slider').first().getAttribute('aria-valuetext'), /alarm: Person/, 'said to a screen reader');
}

async function inAudit(t: Test, page: Page): Promise<void> {
  await openSettings(page, 'Audit');
  for (const words of ['Said that an alarm was false', 'Marked an alarm as seen']) {
    const row = page.getByRole('row').filter({ hasText: new RegExp(words, 'i') }).first();
    await row.waitFor();
    t.match(await row.textContent(), /Anna/, words);
  }
  await openSettings(page, 'Alarms');
}

const ownFile = (site: TestSite): Promise<string> => readFile(join(site.folder, 'conf.d', '90-page.toml'), 'utf8');

async function byKeyboardAlone(t: Test, page: Page, site: TestSite): Promise<void> {
  await openSettings(page, 'Alarms');
  await page.getByRole('button', { name: 'Draw a zone' }).press('Enter');
  const dialog = page.getByRole('dialog');
  t.ok(await dialog.locator('.zone-stage img').evaluate(async (image: HTMLImageElement) => { await image.decode(); return image.naturalWidth > 100; }), 'on a picture of the camera');
  await dialog.getByLabel('Name', { exact: true }).fill('door');
  const corners = dialog.getByRole('button', { name: /^Corner/ });
  await corners.first().focus();
  for (const key of ['ArrowLeft', 'ArrowLeft', 'Shift+ArrowUp', 'Enter', 'ArrowUp']) await page.keyboard.press(key);
  t.equal(await corners.count(), 5);
  t.match(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), /^Corner 2 of 5: 49 % from the left, 27 % from the top$/);
  t.match(await dialog.locator('.zone-editor [role=status]').textContent(), /^Corner 2 of 5/, 'and said');
  await inBothThemes(t, page, '95-zone', { whole: false });
  for (const key of ['Delete', 'Delete', 'Delete']) await page.keyboard.press(key);
  t.match(await dialog.locator('.zone-editor [role=status]').textContent(), /at least 3 corners/);
  t.equal(await corners.count(), 3);
  await dialog.getByRole('button', { name: 'See what changes' }).press('Enter');
  await dialog.getByText(/^New: /).waitFor();
  await dialog.getByRole('button', { name: 'Save' }).press('Enter');
  await dialog.waitFor({ state: 'detached' });
  t.match(await ownFile(site), /\[\[zone\]\]\ncamera = "front-door"\nname = "door"/);
  await page.getByText('zone · 3 corners').waitFor();
}

async function byPointer(t: Test, page: Page, site: TestSite): Promise<void> {
  await page.getByRole('button', { name: 'Change door' }).click();
  const dialog = page.getByRole('dialog');
  const stage = dialog.locator('.zone-stage');
  await stage.scrollIntoViewIfNeeded();
  const box = (await stage.boundingBox())!;
  const corner = (await dialog.getByRole('button', { name: /^Corner 1 of/ }).boundingBox())!;
  const to = [box.x + (box.width * 0.1), box.y + (box.height * 0.2)] as const;
  await page.mouse.move(corner.x + (corner.width / 2), corner.y + (corner.height / 2));
  await page.mouse.down();
  await page.mouse.move(...to, { steps: 5 });
  await page.mouse.up();
  t.match(await dialog.getByRole('button', { name: /^Corner 1 of/ }).getAttribute('aria-label'), /: 10 % from the left, 20 % from the top$/, 'dragged');
  await byFinger(page, dialog.getByRole('button', { name: /^Corner 2 of/ }), [box.x + (box.width * 0.8), box.y + (box.height * 0.1)]);
  t.match(await dialog.getByRole('button', { name: /^Corner 2 of/ }).getAttribute('aria-label'), /: 80 % from the left, 10 % from the top$/, 'and by finger, without moving the page');
  await page.mouse.click(box.x + (box.width * 0.9), box.y + (box.height * 0.9));
  t.equal(await dialog.getByRole('button', { name: /^Corner/ }).count(), 4, 'a click puts another one');
  await dialog.getByRole('checkbox', { name: /^Never look here/ }).check();
  await inBothThemes(t, page, '96-mask', { whole: false });
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('mask · 4 corners').waitFor();
  const file = await ownFile(site);
  t.match(file, /mask = true/);
  t.equal(file.match(/\[\[zone\]\]/g)?.length, 1, 'in the place of the other');
}

/** As a touch screen reports it: the browser decides whether it moves what is touched, or the page. */
async function byFinger(page: Page, what: Locator, [toX, toY]: readonly [number, number]): Promise<void> {
  const { x, y, width, height } = (await what.boundingBox())!;
  const [fromX, fromY] = [x + (width / 2), y + (height / 2)];
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: true });
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: fromX, y: fromY }] });
  for (const part of [0.3, 0.7, 1]) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: fromX + ((toX - fromX) * part), y: fromY + ((toY - fromY) * part) }] });
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: false });
  await session.detach();
}

async function tryRule(t: Test, page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Try it: Anybody' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Try it now' }).click();
  await dialog.getByText('This rule would have rung 2 times in the last day').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Add a rule' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('People');
  await dialog.getByRole('button', { name: 'Try it now' }).click();
  await dialog.getByText('This rule would have rung once in the last day').waitFor();
  await inBothThemes(t, page, '97-rule', { whole: false });
  await dialog.getByLabel('Kept for', { exact: true }).fill('12');
  await dialog.getByLabel('Unit of Kept for').selectOption('hour');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(/^New alarm People: person at all cameras/).waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Person at all cameras · kept 12 hours').waitFor();
  await inBothThemes(t, page, '97-rules');
}

async function small(t: Test, page: Page): Promise<void> {
  await open(page);
  for (const [name, width, height] of [['phone', 360, 740], ['4k', 3840, 2160]] as const) {
    await page.setViewportSize({ width, height });
    await card(page, 'Person').waitFor();
    await inBothThemes(t, page, `98-review-${name}`);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await card(page, 'Person').getByRole('button', { name: /^Look at it/ }).click();
  await page.locator('.alarm-large img').waitFor();
  await inBothThemes(t, page, '98-alarm-phone', { whole: false });
  await page.keyboard.press('Escape');
  await openSettings(page, 'Alarms');
  await page.getByRole('button', { name: 'Change door' }).click();
  await page.getByRole('button', { name: /^Corner 1 of/ }).waitFor();
  await inBothThemes(t, page, '98-zone-phone', { whole: false });
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1280, height: 820 });
}

/** The hub forgets an alarm's pictures: whoever looks is told so. */
async function locked(t: Test, page: Page, https: string): Promise<void> {
  await page.route('**/api/v1/alarms/front-door/*/full', (route) => route.fulfill({ status: 410, contentType: 'application/json', body: JSON.stringify({ error: { code: 'SP_ALARM', message: 'it is gone', hint: 'Look elsewhere.', evidence: {} } }) }));
  await open(page);
  await card(page, 'Person').getByRole('button', { name: /^Look at it/ }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await inBothThemes(t, page, '99-alarm-gone', { whole: false });
  await page.keyboard.press('Escape');
  t.ok(page.url().startsWith(https));
}
