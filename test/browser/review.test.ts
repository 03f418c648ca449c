/** Review in Chromium on a real hub: what an emulated camera says becomes an alarm whose picture this browser opens; marked, found on the timeline; zones drawn, rules tried. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { Locator, Page } from 'playwright-core';
import type { ReplyOf } from '../../src/api/contract.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { callHub } from '../../src/cli/control.ts';
import { noticeNumberOf } from '../../src/duties/notify.ts';
import { settingsSections } from '../../src/web/router.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, playFirst, untilShown, violations, visitor } from './browser.ts';
import { noChromium } from './chromium.ts';
import { byKeyboard, dialogByKeyboard, goTo, inEachState } from './everypage.ts';
import { inviteBy, makeOwner, openSettings, whereIs, type Where } from './owner.ts';

const passphrase = 'violet candle harbour';
const rule = `
[[alarm]]
name = "Anybody"
kinds = ["person", "vehicle"]
keep = "1 hour"
before = "3 seconds"
after = "2 seconds"
`;

t.test('alarms, from what a camera says to what somebody has seen', { skip: noChromium, timeout: 600_000 }, async (t) => {
  execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });
  const site = await TestSite.start(t, { owner: false, adopt: false, config: quickConfig({ keep: '1 day', more: rule }), emulator: { cameras: 1, seconds: 5 } });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page, context } = await visitor(t, browser);
  await makeOwner(page, site, where, { name: 'Anna', passphrase }, (step) => byKeyboard(t, page, `first hour, ${step}`));
  await withoutCameras(t, page);
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
  await byNumber(t, page, site);
  await onTimeline(t, page);
  await byKeyboardAlone(t, page, site);
  await byPointer(t, page, site);
  await inAudit(t, page);
  await tryRule(t, page);
  await small(t, page);
  await locked(t, page, where.https);
  await everyPage(t, page, camera);
  for (const path of ['/', '/timeline', '/review', ...settingsSections.map((section) => `/settings/${section}`)]) await inEachState(t, page, path);
  const outside = (await visitor(t, browser)).page;
  await beforeOneIsIn(t, outside, where, await inviteBy(page));
  await context.setOffline(true);
  await goTo(page, '/review');
  await page.getByText('The hub does not answer', { exact: true }).first().waitFor();
  await inBothThemes(t, page, '99-review-offline');
});

/** Nothing there yet: each page says so, and what to do. */
async function withoutCameras(t: Test, page: Page): Promise<void> {
  for (const [path, words] of [
    ['/', 'No camera yet'], ['/timeline', 'There is no camera whose footage you may see.'], ['/review', 'There is no camera whose alarms you may see.'], ['/settings/cameras', 'No camera is taken in yet.'],
    ['/settings/keep', 'There is no rule: all is recorded, at any time.'], ['/settings/privacy', 'No space is private by itself.'], ['/settings/alarms', 'No zone is drawn yet.'], ['/settings/approvals', 'Nothing waits.'], ['/settings/system', 'There is none.'],
  ] as const) {
    await goTo(page, path);
    await page.getByText(words, { exact: true }).first().waitFor();
    t.same(await violations(page), [], `${path}: axe finds nothing where nothing is`);
  }
}

/** By keyboard alone through all that somebody sees who is in, with its dialogs. */
async function everyPage(t: Test, page: Page, camera: EmulatedCamera): Promise<void> {
  await goTo(page, '/');
  await untilShown(page, '.grid video');
  await byKeyboard(t, page, 'live');
  await goTo(page, '/live/front-door');
  await untilShown(page, '.stage video');
  await byKeyboard(t, page, 'live, one camera');
  camera.breakStream('main');
  await page.getByText(/^(?:No picture|The camera is offline)$/).first().waitFor();
  t.same(await violations(page), [], 'axe finds nothing where the camera is gone while somebody watches');
  camera.mendStream('main');
  await goTo(page, '/timeline');
  await playFirst(page);
  await byKeyboard(t, page, 'timeline, playing');
  for (const [button, heading] of [['Save a clip', /^A clip of/], ['Keep this', /^Keep footage of/], ['Erase this', /^Erase footage of/]] as const) {
    await page.getByRole('button', { name: button }).press('Enter');
    await page.getByRole('heading', { name: heading }).waitFor();
    const ends = page.getByRole('slider', { name: 'End of the chosen time' });
    const before = await ends.getAttribute('aria-valuetext');
    await ends.press('ArrowRight');
    t.not(await ends.getAttribute('aria-valuetext'), before, `${button}: arrows move the end of the time`);
    await byKeyboard(t, page, `timeline, ${button}`);
    await page.locator('.range-panel').getByRole('button', { name: /^(?:Close|Cancel)$/ }).first().press('Enter');
    await page.locator('.range-panel').waitFor({ state: 'detached' });
    t.ok(await page.evaluate(() => document.activeElement?.matches('.day') === true), `${button}: the focus goes back to the timeline`);
  }
  await goTo(page, '/review');
  await cards(page).first().waitFor();
  await byKeyboard(t, page, 'review');
  const dialogs: Readonly<Record<string, readonly (string | RegExp)[]>> = {
    cameras: ['Add cameras', 'Its settings', 'Change its password', 'Take it out'], keep: ['Change', 'Add a rule of recording', 'Change Kept for'], people: ['Invite somebody', 'Change'], me: ['Forget the key of this device', 'Add another device', 'Erase my account'],
    privacy: ['Add a space', 'Add a time'], alarms: ['Add a rule', 'Draw a zone', /^Try it/], system: ['Make a token', 'Change Log'],
  };
  for (const section of settingsSections) {
    await goTo(page, `/settings/${section}`);
    await page.locator('.settings .card, .settings .empty').first().waitFor();
    if (section === 'cameras') await page.getByText('Details', { exact: true }).press('Enter');
    await byKeyboard(t, page, `settings, ${section}`);
    for (const opener of dialogs[section] ?? []) await dialogByKeyboard(t, page, opener);
  }
  await goTo(page, '/settings/me');
  await page.getByRole('button', { name: 'Replace the kit' }).press('Enter');
  await page.locator('#me-kit:focus').waitFor();
  await byKeyboard(t, page, 'kit, what happened to it');
  await page.getByRole('button', { name: 'Make a new kit' }).press('Enter');
  await page.locator('.kit-groups li').first().waitFor();
  await page.locator('#me-kit:focus').waitFor();
  await byKeyboard(t, page, 'kit, the new one');
  await page.getByLabel('I have printed or saved it').press('Space');
  await page.getByRole('button', { name: 'Next' }).press('Enter');
  await page.getByRole('heading', { name: 'Prove it to yourself' }).waitFor();
  await byKeyboard(t, page, 'kit, the proof');
  // The bar at the thumb covers nothing that has the focus.
  await page.setViewportSize({ width: 360, height: 740 });
  for (const path of ['/timeline', '/review', '/settings/keep', '/settings/me']) {
    await goTo(page, path);
    await page.locator('main .loading').first().waitFor({ state: 'detached' });
    await byKeyboard(t, page, `${path} on a phone`);
  }
  await page.setViewportSize({ width: 1280, height: 820 });
  await goTo(page, '/panel');
  await page.locator('.wall-grid').waitFor();
  await byKeyboard(t, page, 'wall panel');
  await goTo(page, '/promises');
  await byKeyboard(t, page, 'promises');
  await goTo(page, '/nowhere');
  await byKeyboard(t, page, 'no such page');
}

/** The pages at the door, which nobody needs a session for. */
async function beforeOneIsIn(t: Test, page: Page, where: Where, link: string): Promise<void> {
  await page.goto(where.https);
  await page.getByLabel('Name').waitFor();
  await page.getByText('Passphrase lost?').click();
  await byKeyboard(t, page, 'log in');
  await page.goto(`${where.https}/recover`);
  await page.getByRole('heading', { name: 'Back with the recovery kit' }).waitFor();
  await byKeyboard(t, page, 'recover');
  await page.goto(link);
  await page.getByRole('heading', { name: /^Join / }).waitFor();
  await byKeyboard(t, page, 'join');
  // Used, too old or mistyped: the hub tells a stranger nothing of which.
  await page.goto('about:blank');
  await page.goto(`${link.split('#')[0]}#${'A'.repeat(22)}`);
  await page.getByText('This invitation does not open').waitFor();
  await inBothThemes(t, page, '99-join-expired');
  await byKeyboard(t, page, 'join, expired');
  await doorInEachState(t, page, where, link);
}

/** Before anybody is in there is one question, by which the page knows what it is; what is sent by a form has its answer in the form. */
async function doorInEachState(t: Test, page: Page, where: Where, link: string): Promise<void> {
  const hello = '**/api/v1/hello';
  let answer: () => void = () => {};
  const slow = new Promise<void>((resolve) => { answer = resolve; });
  await page.route(hello, async (route) => { await slow; await route.fulfill({ status: 500, contentType: 'application/json', body: '{"error":{"code":"SP_INTERNAL","message":"something went wrong","hint":"Look at the log."}}' }); });
  await page.goto(where.https);
  await page.locator('.loading').waitFor();
  t.same(await violations(page), [], 'the door: axe finds nothing while it waits');
  answer();
  await page.getByRole('alert').getByText('Something went wrong').waitFor();
  t.same(await violations(page), [], 'the door: axe finds nothing when it fails');
  await page.unroute(hello);
  await page.getByRole('button', { name: 'Try again' }).press('Enter');
  await page.getByLabel('Name').fill('Anna');
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.context().setOffline(true);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').getByText('The hub does not answer', { exact: true }).waitFor();
  t.same(await violations(page), [], 'the door: axe finds nothing while the hub is away');
  await page.context().setOffline(false);
  // Away is no reason to call an invitation used.
  await page.route('**/api/v1/invitations/look', (route) => route.abort());
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByRole('alert').getByText('The hub does not answer', { exact: true }).waitFor();
  t.equal(await page.getByText('This invitation does not open').count(), 0);
  await page.unroute('**/api/v1/invitations/look');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByLabel('Your name').waitFor();
}

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

/** What a phone said: by the number in its message, or by a link with it, one comes to the alarm, wherever that is in the list. */
async function byNumber(t: Test, page: Page, site: TestSite): Promise<void> {
  const [vehicle] = await alarmsOf(site, (alarms) => alarms.some(({ kind }) => kind === 'vehicle')).then((alarms) => alarms.filter(({ kind }) => kind === 'vehicle'));
  const number = noticeNumberOf(vehicle?.id ?? '');
  await goTo(page, '/review');
  await page.getByText('Find what a notice was about').click();
  await page.getByLabel('Number of the notice').fill('00000000');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText('No notice of that number is known here.').waitFor();
  await page.getByLabel('Number of the notice').fill(`${number}.jpg.age`);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('dialog', { name: /^Vehicle/ }).waitFor();
  await page.keyboard.press('Escape');
  await goTo(page, `/review#notice=${number.slice(0, 8)}`);
  await page.getByRole('dialog', { name: /^Vehicle/ }).waitFor();
  t.same(await violations(page), [], 'axe finds nothing where a number led');
  await page.keyboard.press('Escape');
  await goTo(page, '/review');
}

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
  const least = dialog.getByLabel('Size at least', { exact: true });
  await least.fill('20');
  await dialog.getByRole('button', { name: 'Try it now' }).click();
  await dialog.getByText('This rule would have rung not once in the last day').waitFor();
  await least.fill('tall');
  await dialog.getByRole('button', { name: 'Try it now' }).click();
  await dialog.locator('p.danger').first().waitFor();
  t.match(await dialog.locator('p.danger').first().textContent(), /^Size at least must be a whole number, not text\. /, 'it says of which field');
  await least.fill('');
  await dialog.getByRole('button', { name: 'Try it now' }).click();
  await dialog.getByText('This rule would have rung once in the last day').waitFor();
  await inBothThemes(t, page, '97-rule', { whole: false });
  await dialog.getByLabel('Size at most', { exact: true }).fill('95');
  await dialog.getByLabel('Kept for', { exact: true }).fill('12');
  await dialog.getByLabel('Unit of Kept for').selectOption('hour');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(/^New alarm People: person at all cameras, at most 95 % of the picture's height/).waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Person at all cameras · at most 95 % of the picture\'s height · kept 12 hours').waitFor();
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
  await page.route('**/api/v1/alarms/front-door/*/full', (route) => route.fulfill({ status: 410, contentType: 'application/json', body: JSON.stringify({ error: { code: 'SP_ALARM', message: 'it is gone', hint: 'Look elsewhere.', evidence: { alarm: 'a'.repeat(16), reason: 'its key is destroyed' } } }) }));
  await open(page);
  await card(page, 'Person').getByRole('button', { name: /^Look at it/ }).click();
  await page.getByRole('dialog').getByRole('alert').getByText('its key is destroyed').waitFor();
  await page.getByRole('dialog').getByRole('alert').getByText('Code SP_ALARM').waitFor();
  await inBothThemes(t, page, '99-alarm-gone', { whole: false });
  await page.keyboard.press('Escape');
  t.ok(page.url().startsWith(https));
}
