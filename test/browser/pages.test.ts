/** The page in Chromium, on a real hub with emulated cameras: the first hour, live, timeline, settings, joining, a browser that is new. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import type { ReplyOf } from '../../src/api/contract.ts';
import { Identity } from '../../src/web/crypto/identity.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { settingsSections } from '../../src/web/router.ts';
import { goTo } from './everypage.ts';
import { draw, inBothThemes, keyboardWalk, openBrowser, playFirst, untilShown, visitor } from './browser.ts';

execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });

const passphrase = 'violet candle harbour';
const person = 'Anna';

t.test('the page, from a hub without an owner to an account that joins', { timeout: 900_000 }, async (t) => {
  const site = await TestSite.start(t, { owner: false, adopt: false, config: quickConfig({ keep: '1 day' }), emulator: { cameras: 2, seconds: 5, ptz: true, talk: ['PCMU'], audio: 'aac' } });
  const { page: where, code } = await site.json<ReplyOf<'pair'>>(['pair', '--config', site.config]);
  const url = where.urls.find((one) => one.startsWith('https://')) ?? '';
  t.not(code, undefined);
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  await page.goto(url);

  const began = Date.now();
  const kit = await firstHour(t, site, page, code ?? '', where.words ?? []);
  t.comment(`first hour: ${((Date.now() - began) / 1000).toFixed(0)} s at a machine's speed, three decisions, no file edited`);
  await live(t, site, page);
  await timeline(t, page);
  await settings(t, page);
  await everySize(t, page);
  const invitation = await invite(t, page);
  await logOutAndIn(t, page, url);
  const { page: guest } = await visitor(t, browser, { agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1' });
  const words = await joining(t, guest, invitation);
  await newBrowser(t, (await visitor(t, browser)).page, url);
  await admitAndRemove(t, page, words);
  await recovering(t, (await visitor(t, browser, { clockAheadMs: 86_400_000 })).page, url, kit);
});

async function firstHour(t: Test, site: TestSite, page: Page, code: string, words: readonly string[]): Promise<string> {
  await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  t.same(await page.locator('.words li').allTextContents(), words, 'the same six words as on the terminal');
  await page.getByLabel('One-time code').fill('AAAA-AAAA-AAAA');
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByRole('alert').waitFor();
  await inBothThemes(t, page, '01-first-wrong-code');
  await page.getByLabel('One-time code').fill(code);
  await page.getByRole('button', { name: 'Begin' }).click();

  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await page.getByLabel('Your name').fill(person);
  await page.getByLabel('Passphrase', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Next' }).click();
  t.ok(await page.getByText('Use at least 12 characters.').isVisible(), 'what is too short is said');
  await inBothThemes(t, page, '02-first-you');
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByLabel('Passphrase, once more').fill(passphrase);
  await page.getByRole('button', { name: 'Next' }).click();

  await page.locator('.kit-groups li').first().waitFor();
  await inBothThemes(t, page, '03-first-kit');
  const groups = await page.locator('.kit-groups .group').allTextContents();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as a file' }).click()]);
  t.equal(download.suggestedFilename(), 'sallyport-kit.txt');
  const kit = await download.path();
  await page.getByLabel('I have printed or saved it').check();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Prove it to yourself' }).waitFor();
  const labels = await page.locator('.two label').allTextContents();
  for (const label of labels) await page.getByLabel(label, { exact: true }).fill('WRONG');
  await page.getByRole('button', { name: 'The kit is safe' }).click();
  t.equal(await page.getByText('That is not what this group says.').count(), 2, 'a wrong group is refused');
  await inBothThemes(t, page, '04-first-confirm');
  for (const label of labels) {
    const group = groups[Number(/\d+/.exec(label)?.[0] ?? 0) - 1] ?? '';
    await page.getByLabel(label, { exact: true }).fill(group.toLowerCase());
  }
  await page.getByRole('button', { name: 'The kit is safe' }).click();

  await page.getByRole('heading', { name: 'Your cameras' }).waitFor();
  t.equal((await page.content()).includes(groups[0] ?? '?'), false, 'the page has forgotten the kit');
  await page.getByText('Type an address').click();
  for (const [n, camera] of site.cameras.entries()) {
    await page.getByLabel('Address', { exact: true }).fill(`${camera.address}:${camera.onvifPort}`);
    await page.getByRole('button', { name: 'Add to the list' }).click();
    await page.getByLabel('Its name').nth(n).fill(['Front door', 'Garden'][n] ?? camera.name);
  }
  const [first] = site.cameras;
  await page.getByLabel('User of the cameras').fill(first?.user ?? '');
  await page.getByLabel('Password of the cameras').fill('wrong');
  await page.getByRole('button', { name: /^Take .* in$/ }).click();
  await page.getByText('Not taken in').first().waitFor();
  await inBothThemes(t, page, '05-first-cameras-refused');
  for (const box of await page.locator('.cameras-found').getByRole('checkbox').all()) await box.check();
  await page.getByLabel('Password of the cameras').fill(first?.password ?? '');
  await page.getByRole('button', { name: /^Take .* in$/ }).click();
  await page.getByText('Taken in', { exact: true }).nth(site.cameras.length - 1).waitFor();
  await untilShown(page, '.found video');
  await inBothThemes(t, page, '06-first-cameras');
  await page.getByRole('button', { name: 'Go on', exact: true }).click();

  await page.getByRole('heading', { name: 'How long to keep footage?' }).waitFor();
  await page.getByText(/cameras bring/).waitFor();
  await inBothThemes(t, page, '07-first-keep');
  await page.getByRole('radio', { name: /^3 days/ }).check();
  await page.getByRole('button', { name: 'Keep it so long' }).click();

  await page.getByRole('heading', { name: 'Sealed and recording' }).waitFor();
  await untilShown(page, '.replay-screen video');
  t.ok(await page.getByText(/Its key is destroyed on/).isVisible());
  await inBothThemes(t, page, '08-first-done');
  await page.getByRole('button', { name: 'To the live pictures' }).click();
  return kit;
}

async function live(t: Test, site: TestSite, page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  for (let n = 1; n <= site.cameras.length; n++) await untilShown(page, `.grid > li:nth-child(${n}) video`);
  await page.getByText(/ms behind/).first().waitFor();
  await inBothThemes(t, page, '10-live');
  const { names, unseen } = await keyboardWalk(page);
  t.same(unseen, [], 'one sees where the focus is');
  for (const wanted of ['Skip to content', 'Timeline', 'Settings', 'Promises']) t.ok(names.includes(wanted), `Tab reaches ${wanted}`);
  await page.locator('.tile-link').first().click();
  await page.getByRole('button', { name: 'Snapshot' }).waitFor();
  t.ok(await longestMove(page) > 10, 'something moves or fades');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  t.ok(await longestMove(page) <= 1, 'but for whoever wants no motion');
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await untilShown(page, '.stage video');
  await inBothThemes(t, page, '11-live-large');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Snapshot' }).click()]);
  t.match(download.suggestedFilename(), /\.png$/);
  await page.getByRole('button', { name: 'Left', exact: true }).click();
  t.equal(await page.getByRole('alert').count(), 0, 'the camera moves');
}

/** How many ms the slowest change of a look takes, of all elements that are there. */
function longestMove(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(...[...document.querySelectorAll('*')].flatMap((element) => {
    const { animationDuration, transitionDuration } = getComputedStyle(element);
    return `${animationDuration}, ${transitionDuration}`.split(', ').map((time) => Number.parseFloat(time) * (time.endsWith('ms') ? 1 : 1000)).filter(Number.isFinite);
  })));
}

async function timeline(t: Test, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.getByRole('heading', { name: 'Timeline', level: 1 }).waitFor();
  await page.getByRole('radio', { name: '10 min' }).check();
  const strip = page.getByRole('slider').first();
  await page.locator('.strip .recorded').first().waitFor();
  await strip.focus();
  await page.keyboard.press('Home');
  t.match(await strip.getAttribute('aria-valuetext'), /\d\d:\d\d:\d\d, /, 'the strip says where one is and what is there');
  await page.keyboard.press('Enter');
  await untilShown(page, '.replay-screen video');
  await inBothThemes(t, page, '12-timeline');
  await page.getByLabel('Speed').selectOption('16');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  await page.getByText('As a list').click();
  await page.getByRole('table').first().waitFor();
  await inBothThemes(t, page, '13-timeline-list');
  await page.getByText('As a list').click();
  await keepAndErase(t, page);
}

/** Signed by this browser's device, which opens what it must and seals it anew. */
async function keepAndErase(t: Test, page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Keep this' }).click();
  t.ok(await page.getByText(/^Segments are kept as wholes: from /).isVisible(), 'what really stays is said');
  await page.getByLabel('A word for it').fill('the visitor');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByText(/^Hold [0-9a-f]{8}: \d+ segments? .* kept until/).waitFor();
  await page.getByText(/^the visitor · .* until/).waitFor();
  await inBothThemes(t, page, '14-timeline-keep');
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByRole('button', { name: 'Erase this' }).click();
  await page.getByText(/segments? .* go/).waitFor();
  await inBothThemes(t, page, '15-timeline-erase');
  await page.getByRole('button', { name: 'Erase it for ever' }).click();
  await page.getByText(/^Erased: \d+ segments?/).waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Close', exact: true }).click();
}

const sections = ['Cameras', 'Storage', 'People', 'My account', 'Privacy', 'Alarms', 'Approvals', 'Audit', 'Logs and health', 'System'] as const;

async function settings(t: Test, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).click();
  for (const [n, section] of sections.entries()) {
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: section, exact: true }).click();
    await page.getByRole('heading', { name: `Settings: ${section}` }).waitFor();
    await page.locator('.settings .card, .settings .empty').first().waitFor();
    await inBothThemes(t, page, `2${n}-settings-${section.toLowerCase().replaceAll(' ', '-')}`);
  }
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Privacy' }).click();
  await page.getByRole('button', { name: 'Privacy on' }).click();
  await page.getByRole('button', { name: 'Privacy off' }).waitFor();
  await page.getByRole('link', { name: 'Live', exact: true }).click();
  await page.getByText('Privacy is on: pictures and sound are off, for everybody').first().waitFor();
  await inBothThemes(t, page, '30-live-private');
  await page.goBack();
  await page.getByRole('button', { name: 'Privacy off' }).click();
  await page.getByRole('button', { name: 'Privacy on' }).waitFor();
  await page.getByRole('link', { name: 'Promises' }).click();
  await page.getByRole('heading', { name: 'Promises' }).waitFor();
  await inBothThemes(t, page, '31-promises');
}

async function everySize(t: Test, page: Page): Promise<void> {
  for (const [name, width, height] of [['360', 360, 740], ['4k', 3840, 2160]] as const) {
    await page.setViewportSize({ width, height });
    for (const path of ['/', '/timeline', '/review', ...settingsSections.map((section) => `/settings/${section}`), '/promises', '/nowhere']) {
      await goTo(page, path);
      await page.locator('main .loading').first().waitFor({ state: 'detached' });
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await draw(page, `40-${name}${path.replaceAll('/', '-')}-${colorScheme}`);
      }
      t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${path} fits ${width} px`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 820 });
}

async function invite(t: Test, page: Page): Promise<string> {
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await inBothThemes(t, page, '32-invite', { whole: false });
  await page.getByRole('button', { name: 'Make the invitation' }).click();
  await page.getByLabel('Link').waitFor();
  await inBothThemes(t, page, '33-invitation', { whole: false });
  const link = await page.getByLabel('Link').inputValue();
  await page.keyboard.press('Escape');
  await page.getByText('Open invitations').waitFor();
  return link;
}

async function logOutAndIn(t: Test, page: Page, url: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'My account' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.goto(url);
  await page.getByLabel('Name').fill(person);
  await page.getByLabel('Passphrase', { exact: true }).fill('not the passphrase');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Name and passphrase do not fit each other.').waitFor();
  await inBothThemes(t, page, '34-login-wrong');
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.getByText('Choose a moment on the timeline').waitFor();
  t.pass('the passphrase unlocks this device');
  // After the page was loaded anew the session is there, and the key is locked.
  await page.reload();
  await page.getByText('Open old footage on this device').waitFor();
  await inBothThemes(t, page, '35-timeline-locked');
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('Choose a moment on the timeline').waitFor();
}

async function joining(t: Test, page: Page, link: string): Promise<string[]> {
  await page.goto(link);
  await page.getByRole('heading', { name: /^Join/ }).waitFor();
  await inBothThemes(t, page, '36-join');
  await page.getByLabel('Your name').fill('Ben');
  await page.getByLabel('Passphrase', { exact: true }).fill('another long passphrase');
  await page.getByLabel('Passphrase, once more').fill('another long passphrase');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  t.equal(await page.getByRole('link', { name: 'Settings' }).count(), 1);
  await untilShown(page, '.grid > li:first-child video');
  await page.getByRole('link', { name: 'Settings' }).click();
  t.equal(await page.getByRole('link', { name: 'People' }).count(), 0, 'a member sees no settings of others');
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.getByText('This device waits for a yes').waitFor();
  await page.locator('.note .words li').nth(5).waitFor();
  await inBothThemes(t, page, '49-timeline-waiting');
  return page.locator('.note .words li').allTextContents();
}

async function newBrowser(t: Test, page: Page, url: string): Promise<void> {
  await page.goto(`${url}/nowhere/at/all`);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.getByText('This browser is new to your account').waitFor();
  await inBothThemes(t, page, '37-login-new-browser');
  await page.getByLabel('Name').fill(person);
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await inBothThemes(t, page, '38-no-such-page');
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.getByText('This device has no key for old footage').waitFor();
  await inBothThemes(t, page, '39-timeline-without-key');
}

async function admitAndRemove(t: Test, page: Page, words: readonly string[]): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'People' }).click();
  await page.getByText('Devices that wait for a yes').waitFor();
  await page.locator('.words li').nth(5).waitFor();
  t.same(await page.locator('.words li').allTextContents(), words, 'the same six words as on the device that waits');
  await inBothThemes(t, page, '50-people-waiting');
  await page.getByRole('button', { name: 'Say yes with this device' }).first().click();
  await page.getByText('Signed. What is recorded from now on opens there, too.').waitFor();
  await page.getByRole('button', { name: 'Remove' }).first().click();
  await inBothThemes(t, page, '51-people-remove', { whole: false });
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The account was erased.').waitFor();
  await page.getByText('Ben', { exact: true }).waitFor({ state: 'detached' });
}

/** On a phone whose clock is a day ahead: what it signs is of the hub's hour, and its timeline opens at the hub's day. */
async function recovering(t: Test, page: Page, url: string, kit: string): Promise<void> {
  await page.goto(`${url}/recover`);
  await page.getByRole('heading', { name: 'Back with the recovery kit' }).waitFor();
  await page.getByText('This device\'s clock is 1 day ahead of the hub\'s.').waitFor();
  await inBothThemes(t, page, '52-recover');
  await page.getByLabel('Name').fill(person);
  await page.getByLabel('Recovery kit', { exact: true }).setInputFiles({ name: 'kit.txt', mimeType: 'text/plain', buffer: Buffer.from(`${Identity.generate().reveal()}\n`) });
  await page.getByLabel('New passphrase', { exact: true }).fill('a wholly new passphrase');
  await page.getByLabel('New passphrase, once more').fill('a wholly new passphrase');
  await page.getByRole('button', { name: 'New passphrase, and log in' }).click();
  await page.getByRole('alert').getByText('This kit is not the one of this hub').waitFor();
  t.pass('a kit that is not this hub\'s is refused in words');
  await inBothThemes(t, page, '52-recover-wrong-kit');
  await page.getByLabel('Recovery kit', { exact: true }).setInputFiles(kit);
  await page.getByRole('button', { name: 'New passphrase, and log in' }).click();
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'Timeline' }).click();
  await playFirst(page);
  t.pass('with the kit, this browser opens what was recorded before it was there');
}
