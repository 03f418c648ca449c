/** A household's days with the page, on a real hub: an own kit, cameras that are heard, talking, approvals, a second device, sessions that end, and what a browser lacks. */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Browser, Locator, Page } from 'playwright-core';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, playFirst, untilShown, visitor } from './browser.ts';
import { fromCamerasOn, inviteBy, openSettings, sayWho, whereIs, type Where } from './owner.ts';

const passphrase = 'violet candle harbour';
const changed = 'silver lantern meadow';

t.test('a household\'s days with the page', { timeout: 480_000 }, async (t) => {
  // Discovery hears whoever speaks on loopback: addresses of this test's own tell its cameras from others.
  const site = await TestSite.start(t, {
    adopt: false, config: quickConfig({ keep: '1 hour' }),
    emulator: { cameras: 2, seconds: 5, talk: ['PCMU'], audio: 'aac', discovery: true, firstAddress: `127.${randomInt(100, 251)}.${randomInt(10, 251)}.2` },
  });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page, context } = await visitor(t, browser);
  await ownKit(t, page, site, where);
  await approval(t, page, site);
  await soundAndTalk(t, page, site);
  await tokens(t, page);
  await anotherDevice(t, page, browser, where);
  await secondTab(t, await context.newPage(), where);
  await changePassphrase(t, page);
  await sessionEnds(t, page, browser, where);
  await eraseOneself(t, page, browser);
  await context.setOffline(true);
  await page.getByText('What you see may be old').waitFor();
  await inBothThemes(t, page, '66-offline', { whole: false });
  await context.setOffline(false);
  await page.getByText('What you see may be old').waitFor({ state: 'detached', timeout: 40_000 });
  await lacking(t, browser, where);
});

async function ownKit(t: Test, page: Page, site: TestSite, where: Where): Promise<void> {
  await sayWho(page, where, { name: 'Anna', passphrase });
  await page.getByText('This hub knows an owner\'s kit already.').waitFor();
  await page.getByLabel('kit.txt').setInputFiles({ name: 'kit.txt', mimeType: 'text/plain', buffer: Buffer.from('not a kit') });
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('there is no line that begins with').waitFor();
  await inBothThemes(t, page, '60-first-own-kit');
  await page.getByLabel('kit.txt').setInputFiles(site.kit);
  await page.getByRole('button', { name: 'Next' }).click();

  await page.getByRole('heading', { name: 'Your cameras' }).waitFor();
  const [camera, other] = site.cameras as [EmulatedCamera, EmulatedCamera];
  const { password } = camera;
  other.setPassword('Another-0ne');
  const [found, otherFound] = [camera, other].map(({ address, onvifPort }) => page.locator('.found').filter({ hasText: `at ${address}:${onvifPort}` })) as [Locator, Locator];
  // A click anywhere on the card chooses it.
  for (const card of [found, otherFound]) await card.getByText(/^at /).or(card.locator('b')).first().click();
  await page.getByLabel('User of the cameras').fill(camera.user);
  await page.getByLabel('Password of the cameras').fill(password);
  await page.getByRole('button', { name: 'Take 2 cameras in' }).click();
  await found.getByText('Taken in', { exact: true }).waitFor();
  await otherFound.getByText('Not taken in', { exact: true }).waitFor();
  t.pass('a camera that was heard is taken in by the password that was typed once');
  t.match(await otherFound.getByRole('status').textContent(), /password|credentials/i, 'the other one says why');
  await otherFound.getByText('Is its password another one? Choose only this camera and type its password.').waitFor();
  t.match([camera.tries, other.tries], [{ wrong: 0 }, { right: 0, wrong: 1 }], 'each was asked once: a camera that locks up after wrong tries has seen one');
  await inBothThemes(t, page, '60-first-two-passwords');
  const { tries } = other;
  await otherFound.locator('b').click();
  await page.getByLabel('Password of the cameras').fill('wrong, too');
  await page.getByRole('button', { name: 'Take this camera in' }).click();
  await otherFound.getByText('Asked…').waitFor({ state: 'detached' });
  await otherFound.getByText('Not taken in', { exact: true }).waitFor();
  t.same(other.tries, { ...tries, wrong: 2 }, 'and once more for each time that somebody asks');
  await fromCamerasOn(page);
}

async function soundAndTalk(t: Test, page: Page, site: TestSite): Promise<void> {
  // Sound is there once an owner has said yes to it.
  const name = site.cameras[1]?.name ?? '';
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Live' }).click();
  await page.locator('.tile-link').filter({ hasText: name }).click();
  await untilShown(page, '.stage video');
  const muted = (): Promise<boolean> => page.evaluate(() => document.querySelector('video')?.muted ?? true);
  t.equal(await muted(), true, 'silent until asked');
  await page.getByRole('button', { name: 'Sound on' }).click();
  await page.getByRole('button', { name: 'Sound off' }).waitFor();
  t.equal(await muted(), false);
  await page.getByRole('button', { name: 'Sound off' }).click();
  t.equal(await muted(), true);
  const button = page.getByRole('button', { name: 'Hold to talk' });
  await button.hover();
  await page.mouse.down();
  await page.getByRole('button', { name: 'Talking: release to stop' }).waitFor();
  await inBothThemes(t, page, '61-talking', { whole: false });
  const ears = site.cameras[1];
  for (let tries = 0; tries < 60 && (ears?.heard().length ?? 0) < 4000; tries++) await delay(250);
  await page.mouse.up();
  await button.waitFor();
  t.ok((ears?.heard().length ?? 0) >= 4000, `the camera heard ${ears?.heard().length} bytes of sound`);
}

async function approval(t: Test, page: Page, site: TestSite): Promise<void> {
  const [, second] = site.cameras;
  if (second === undefined) throw new Error('there is no second camera');
  await site.adopt(second, '--audio');
  await openSettings(page, 'Approvals');
  await page.getByRole('button', { name: 'Say yes, signed by this device' }).first().waitFor();
  await inBothThemes(t, page, '62-approval');
  while (await page.getByRole('button', { name: 'Say yes, signed by this device' }).count() > 0) {
    await page.getByRole('button', { name: 'Say yes, signed by this device' }).first().click();
    await page.getByText('Signed and in force.').first().waitFor();
    await delay(500);
  }
  await page.getByText('Nothing waits.').waitFor();
  t.same((await site.status()).pending, []);
  await openSettings(page, 'Audit');
  await page.getByText('said yes to a change').first().waitFor();
  t.ok(await page.getByRole('row').filter({ hasText: 'a camera was adopted' }).filter({ hasText: 'Anna' }).count() > 0, 'a camera that was taken in on the page stands under who did it');
}

async function tokens(t: Test, page: Page): Promise<void> {
  await openSettings(page, 'System');
  t.equal(await page.getByRole('region', { name: 'Notices' }).getByText('owner.json').count(), 0, 'no warning of a list that the page has brought');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Prometheus');
  await inBothThemes(t, page, '63-token', { whole: false });
  await page.getByRole('button', { name: 'Make it' }).click();
  const token = await page.getByLabel('Token', { exact: true }).inputValue();
  t.match(token, /^[A-Za-z0-9_-]{43}$/);
  await page.keyboard.press('Escape');
  const asked = (): Promise<number> => page.evaluate(async (bearer) => (await fetch('/api/v1/metrics', { credentials: 'omit', headers: { authorization: `Bearer ${bearer}` } })).status, token);
  t.equal(await asked(), 200);
  await page.getByRole('listitem').filter({ hasText: 'Prometheus' }).getByRole('button', { name: 'End' }).click();
  await page.getByText('The token opens nothing any more.').waitFor();
  t.equal(await asked(), 401);
}

async function anotherDevice(t: Test, page: Page, browser: Browser, where: Where): Promise<void> {
  await openSettings(page, 'My account');
  await page.getByRole('button', { name: 'Add another device' }).click();
  const link = await page.getByLabel('Link').inputValue();
  await inBothThemes(t, page, '64-another-device', { whole: false });
  await page.keyboard.press('Escape');
  const { page: other } = await visitor(t, browser, { agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1' });
  const logIn = async (address: string): Promise<void> => {
    await other.goto('about:blank');
    await other.goto(address);
    await other.getByRole('heading', { name: 'Add this device' }).waitFor();
    t.equal(await other.getByLabel('Name').inputValue(), 'Anna', 'the link says who it is for');
    await other.getByLabel('Passphrase', { exact: true }).fill(passphrase);
    await other.getByRole('button', { name: 'Log in' }).click();
  };
  // A hub that shows another owner's list than the one of the device that is in.
  const key = /trust=([^&]*)/.exec(link)?.[1] ?? '';
  await logIn(link.replace(key, encodeURIComponent(`${decodeURIComponent(key).slice(0, -4)}AAAA`)));
  await other.getByRole('alert').getByText('signed by another owner').waitFor();
  await other.context().clearCookies();
  await logIn(link);
  await other.getByText('This device waits for a yes').waitFor();
  await other.locator('.note .words li').nth(5).waitFor();
  const words = await other.locator('.note .words li').allTextContents();
  await openSettings(page, 'People');
  await page.locator('.words li').nth(5).waitFor();
  t.same(await page.locator('.words li').allTextContents(), words, 'the same six words on both');
  await page.getByRole('button', { name: 'Say yes with this device' }).click();
  await page.getByText('Signed. What is recorded from now on opens there, too.').waitFor();
  await other.goto(`${where.https}/timeline`);
  await other.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await other.getByRole('button', { name: 'Unlock' }).click();
  await playFirst(other);
  t.pass('the owner\'s new device opens what was recorded before it was there');
  await other.context().close();
}

async function secondTab(t: Test, page: Page, where: Where): Promise<void> {
  await page.goto(`${where.https}/timeline`);
  await page.getByText('Open old footage on this device').waitFor();
  await page.getByLabel('Passphrase', { exact: true }).fill('not the passphrase');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('That is not the passphrase of this account.').waitFor();
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('Choose a moment on the timeline').waitFor();
  t.pass('a second tab has the session, and is unlocked by itself');
  await page.close();
}

async function changePassphrase(t: Test, page: Page): Promise<void> {
  await openSettings(page, 'My account');
  await page.getByLabel('Passphrase now').fill('not the passphrase');
  await page.getByLabel('New passphrase', { exact: true }).fill(changed);
  await page.getByLabel('New passphrase, once more').fill(changed);
  await page.getByRole('button', { name: 'Change the passphrase' }).click();
  await page.getByText('That is not your passphrase now.').waitFor();
  await page.getByLabel('Passphrase now').fill(passphrase);
  await page.getByRole('button', { name: 'Change the passphrase' }).click();
  await page.getByText('Changed. All other sessions have ended.').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Anna');
  await page.getByLabel('Passphrase', { exact: true }).fill(changed);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Timeline' }).click();
  await page.getByText('Choose a moment on the timeline').waitFor();
  t.pass('the new passphrase logs in, and unlocks this device');
}

async function sessionEnds(t: Test, page: Page, browser: Browser, where: Where): Promise<void> {
  const { page: other } = await visitor(t, browser, { agent: 'Mozilla/5.0 (Windows NT 10.0; Win64) Firefox/140.0' });
  await other.goto(where.https);
  await other.getByLabel('Name').fill('Anna');
  await other.getByLabel('Passphrase', { exact: true }).fill(changed);
  await other.getByRole('button', { name: 'Log in' }).click();
  await untilShown(other, '.grid video');
  await openSettings(page, 'My account');
  await page.getByRole('listitem').filter({ hasText: 'Firefox on Windows' }).getByRole('button', { name: 'End' }).click();
  await other.getByText('Your session has ended.').waitFor({ timeout: 30_000 });
  t.equal(await other.locator('video').count(), 0, 'who watched sees nothing more');
  await inBothThemes(t, other, '65-session-ended');
  await other.context().close();
}

async function eraseOneself(t: Test, page: Page, browser: Browser): Promise<void> {
  const link = await inviteBy(page);
  const { page: ben } = await visitor(t, browser);
  await ben.goto(link);
  await ben.getByLabel('Your name').fill('Ben');
  await ben.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await ben.getByLabel('Passphrase, once more').fill(passphrase);
  await ben.getByRole('button', { name: 'Join' }).click();
  await ben.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  await openSettings(ben, 'My account');
  await ben.getByRole('button', { name: 'Erase my account' }).click();
  await ben.getByRole('dialog').getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await ben.getByRole('dialog').getByRole('button', { name: 'Erase my account' }).click();
  await ben.getByText('Your account was erased.').waitFor();
  await ben.getByRole('heading', { name: 'Log in' }).waitFor();
  await openSettings(page, 'Cameras');
  await openSettings(page, 'People');
  await page.getByRole('heading', { name: 'People', exact: true }).waitFor();
  t.equal(await page.getByText('Ben', { exact: true }).count(), 0);
  await ben.context().close();
}

/** What a browser lacks is said before anything is asked of it; a lack of moving pictures leaves the rest. */
async function lacking(t: Test, browser: Browser, where: Where): Promise<void> {
  const without = async (script: () => void): Promise<Page> => {
    const { page, context } = await visitor(t, browser);
    await context.addInitScript(script);
    await page.goto(where.https);
    return page;
  };
  const old = await without(() => {
    Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });
    Object.defineProperty(globalThis, 'indexedDB', { value: null });
  });
  await old.getByRole('heading', { name: 'This browser cannot show Sallyport' }).waitFor();
  for (const words of ['Cryptography (WebCrypto)', 'IndexedDB']) t.ok(await old.getByText(words).isVisible(), words);
  await inBothThemes(t, old, '67-cannot');
  const still = await without(() => {
    Reflect.deleteProperty(globalThis, 'MediaSource');
    Reflect.deleteProperty(globalThis, 'ManagedMediaSource');
  });
  await still.getByLabel('Name').fill('Anna');
  await still.getByLabel('Passphrase', { exact: true }).fill(changed);
  await still.getByRole('button', { name: 'Log in' }).click();
  await still.getByText('so there are neither live pictures nor replay here').first().waitFor();
  await inBothThemes(t, still, '68-no-moving-pictures');
  await openSettings(still, 'System');
}
