/** Settings in Chromium, on a real hub: forms made of the schema, what they will change, what waits for a yes, what an installer's file sets; times of privacy; the log. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { inBothThemes, keyboardWalk, openBrowser, visitor } from './browser.ts';
import { makeOwner, openSettings, whereIs } from './owner.ts';

const passphrase = 'violet candle harbour';
const yes = 'Say yes, signed by this device';

t.test('settings, from a form to what is in force', { timeout: 480_000 }, async (t) => {
  const site = await TestSite.start(t, { owner: false, adopt: false, config: quickConfig({ keep: '1 day' }).replace('cut_after = "2 seconds"\n', ''), emulator: { cameras: 1, seconds: 5 } });
  const browser = await openBrowser(t);
  const { page, context } = await visitor(t, browser);
  const where = await whereIs(site);
  await makeOwner(page, site, where, { name: 'Anna', passphrase });
  await site.adopt(site.cameras[0]!);
  await recording(t, page, site);
  await wrongValue(t, page);
  await longerKeep(t, page, site);
  await shorterKeep(t, page, site);
  await recordingRules(t, page, site);
  await cameraForm(t, page, site);
  await privacyTimes(t, page, site);
  await logs(t, page);
  await byKeyboard(t, page);
  await small(t, page);
  const link = await inviteAnInstaller(page);
  await context.setOffline(true);
  await openSettings(page, 'System');
  await page.getByText('The hub does not answer', { exact: true }).first().waitFor();
  await inBothThemes(t, page, '87-settings-offline');
  await context.setOffline(false);
  await asInstaller(t, (await visitor(t, browser)).page, link);
  await takeOut(t, page, site);
});

function card(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true });
}

function ownFile(site: TestSite): Promise<string> {
  return readFile(join(site.folder, 'conf.d', '90-page.toml'), 'utf8');
}

async function recording(t: Test, page: Page, site: TestSite): Promise<void> {
  await openSettings(page, 'Storage');
  const facts = card(page, 'Recording');
  await facts.getByText('Set by the installer\'s file (sallyport.toml), and changed there.').waitFor();
  t.match(await facts.textContent(), /One key covers10 seconds.*New segment after60 seconds/);
  await facts.getByRole('button', { name: 'Change Recording' }).click();
  const dialog = page.getByRole('dialog');
  t.equal(await dialog.getByLabel('One key covers').count(), 0, 'what the installer\'s file sets has no field');
  await dialog.getByLabel('New segment after', { exact: true }).fill('30');
  await dialog.getByRole('checkbox', { name: 'Thumbnails' }).uncheck();
  await inBothThemes(t, page, '70-form', { whole: false });
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('Segments are cut after 30 seconds instead of 1 minute').waitFor();
  await dialog.getByText('Each segment has a thumbnail: no instead of yes').waitFor();
  await inBothThemes(t, page, '71-what-will-change', { whole: false });
  t.notMatch(await ownFile(site), /cut_after/, 'nothing is written before');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await dialog.waitFor({ state: 'detached' });
  await facts.getByText('30 seconds').waitFor();
  t.match(await ownFile(site), /cut_after = "30 seconds"\nthumbnails = false/);
  await inBothThemes(t, page, '72-storage');
}

async function wrongValue(t: Test, page: Page): Promise<void> {
  await card(page, 'Recording').getByRole('button', { name: 'Change Recording' }).click();
  const dialog = page.getByRole('dialog');
  const field = dialog.getByLabel('New segment after', { exact: true });
  await dialog.getByLabel('Unit of New segment after').selectOption('hour');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('This is too long: at most 90 seconds.').waitFor();
  t.equal(await field.getAttribute('aria-invalid'), 'true');
  t.equal(await field.evaluate((element) => element === document.activeElement), true, 'the focus is where something is wrong');
  await inBothThemes(t, page, '73-wrong-value', { whole: false });
  await field.fill('soon');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('This is no duration.').waitFor();
  await field.fill('30');
  await dialog.getByLabel('Unit of New segment after').selectOption('second');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('Nothing would change.').waitFor();
  await page.keyboard.press('Escape');
}

/** A household's own decision: also where the installer's file says something. */
async function longerKeep(t: Test, page: Page, site: TestSite): Promise<void> {
  const kept = async (): Promise<number | undefined> => (await site.status()).disk.cameras?.[0]?.keepMs;
  await card(page, 'Kept for').getByRole('button', { name: 'Change Kept for' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Footage', { exact: true }).fill('8');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('waits for a yes').first().waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Saved. This waits for an owner\'s yes:').waitFor();
  await inBothThemes(t, page, '74-waits', { whole: false });
  await dialog.getByRole('button', { name: 'Later' }).click();
  await card(page, 'Kept for').getByText('Waits for an owner\'s yes; now').waitFor();
  const before = await kept();
  const since = (await site.status()).cameras[0]?.streams[0]?.sinceMs;
  await openSettings(page, 'Approvals');
  await page.getByRole('button', { name: yes }).click();
  await page.getByText('Nothing waits.').waitFor();
  t.same((await site.status()).pending, []);
  await site.until((status) => status.disk.cameras?.[0]?.keepMs === 8 * 86_400_000);
  t.not(before, 8 * 86_400_000, 'in force only after the yes');
  t.equal((await site.status()).cameras[0]?.streams[0]?.sinceMs, since, 'recording was not interrupted for it');
}

/** Some of what is there would be destroyed: by a session alone it is not. */
async function shorterKeep(t: Test, page: Page, site: TestSite): Promise<void> {
  const keep = async (): Promise<string | undefined> => /^footage = "(.+)"$/m.exec(await ownFile(site))?.[1];
  await openSettings(page, 'Storage');
  await card(page, 'Kept for').getByRole('button', { name: 'Change Kept for' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Footage', { exact: true }).fill('6');
  await dialog.getByLabel('Unit of Footage').selectOption('hour');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('This destroys, now or within half a day:').waitFor();
  t.match(await dialog.getByRole('listitem').allTextContents(), [/kept 6 hours instead of 8 days/, /kept 6 hours/, /: footage of .* to .*, \d/]);
  const again = dialog.getByLabel('Your passphrase');
  await inBothThemes(t, page, '74b-destroys', { whole: false });
  await dialog.getByRole('button', { name: 'Save' }).click();
  t.equal(await again.evaluate((field: HTMLInputElement) => field.validity.valueMissing), true);
  t.equal(await keep(), '8 days', 'nothing is written without it');
  await again.fill(passphrase);
  await page.keyboard.press('Enter');
  // It is stretched first.
  await dialog.waitFor({ state: 'detached', timeout: 60_000 });
  t.equal(await keep(), '6 hours');
  await site.until((status) => status.disk.cameras?.[0]?.keepMs === 6 * 3_600_000);
}

/** When cameras are recorded: from always to around alarms to never in the night, and back; what it leaves out is said before. */
async function recordingRules(t: Test, page: Page, site: TestSite): Promise<void> {
  const rules = card(page, 'When cameras are recorded');
  const dialog = page.getByRole('dialog');
  const [camera] = site.cameras.map(({ name }) => name) as [string];
  const rulesInFile = async (): Promise<string> => [...(await ownFile(site)).matchAll(/\[\[recording\]\]\n(?:\w+ = .*\n?)+/g)].map(([text]) => text.replaceAll(/\[\[recording\]\]\n|\n$/g, '').replaceAll('\n', '; ')).join(' | ');
  await rules.getByText('There is no rule: all is recorded, at any time.').waitFor();
  await rules.getByRole('button', { name: 'Add a rule of recording' }).click();
  await dialog.getByRole('checkbox', { name: camera, exact: true }).check();
  await inBothThemes(t, page, '74c-recording', { whole: false });
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(new RegExp(`New: ${camera} is recorded around alarms only each day`)).waitFor();
  await dialog.getByText('only what an alarm is about is recorded at any time; no rule of alarms is about it, so that is nothing').waitFor();
  await inBothThemes(t, page, '74d-recording-leaves-out', { whole: false });
  t.equal(await rulesInFile(), '', 'nothing is written before');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await rules.getByText(`${camera} · at any time`).waitFor();
  await site.until((status) => status.cameras[0]?.recording === false);

  await rules.getByRole('button', { name: 'Add a rule of recording' }).click();
  await dialog.getByLabel('What is recorded').selectOption('Nothing');
  await dialog.getByLabel('Time of From').fill('22:00');
  await dialog.getByLabel('Time of To').fill('06:00');
  for (const day of ['Saturday', 'Sunday']) await dialog.getByRole('checkbox', { name: day }).uncheck();
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(/^New: all cameras are not recorded .*friday from 22:00 to 06:00/).waitFor();
  t.equal(await dialog.getByText('This leaves out, from then on:').count(), 0, 'the first rule counts there, so this one leaves out nothing');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const night = rules.getByRole('listitem').filter({ hasText: 'Nothing' });
  await night.getByRole('button', { name: /^Earlier: / }).click();
  await dialog.getByText('Which rule of recording counts first has changed').waitFor();
  await dialog.getByText(/nothing is recorded any more for about 40 hours a week/).waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await rules.getByRole('listitem').first().getByText('Nothing').waitFor();
  t.match(await rulesInFile(), /^from = "22:00"; to = "06:00"; days = .*mode = "off" \| cameras = .*mode = "alarms"$|^mode = "off".* \| mode = "alarms"; cameras = /);
  await inBothThemes(t, page, '74e-recordings');

  await night.getByRole('button', { name: /^Change: / }).click();
  for (const day of ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday']) await dialog.getByRole('checkbox', { name: day }).uncheck();
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('This is empty.').waitFor();
  await dialog.getByRole('checkbox', { name: 'Monday' }).check();
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(/^New: all cameras are not recorded monday from 22:00 to 06:00/).waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await night.getByText('Monday, from 22:00 to 06:00').waitFor();
  for (const rule of ['at any time', 'Monday, from 22:00 to 06:00']) {
    await rules.getByRole('listitem').filter({ hasText: rule }).getByRole('button', { name: /^Remove: / }).click();
    await dialog.getByText(/^No longer: /).waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
  }
  await rules.getByText('There is no rule: all is recorded, at any time.').waitFor();
  t.equal(await rulesInFile(), '');
  await site.until((status) => status.cameras[0]?.recording === true);
}

async function cameraForm(t: Test, page: Page, site: TestSite): Promise<void> {
  const name = site.cameras[0]!.name;
  await openSettings(page, 'Cameras');
  const one = card(page, name);
  await one.getByText('Details').click();
  await one.getByRole('button', { name: 'Its settings' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Front door');
  t.equal(await dialog.getByLabel('Address').count(), 0, 'where it is asked with its password is not typed here');
  await dialog.getByRole('checkbox', { name: 'Sound' }).check();
  await dialog.getByLabel('May take of the disk', { exact: true }).fill('200');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(/is called Front door instead of/).waitFor();
  await inBothThemes(t, page, '75-camera-will-change', { whole: false });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: yes }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Front door', exact: true }).waitFor();
  const file = await ownFile(site);
  t.match(file, /name = "Front door"/);
  t.match(file, /budget = "200 GB"/);
  t.same((await site.status()).pending, [], 'the yes came with it');
  await card(page, 'Front door').getByRole('button', { name: 'Its settings' }).click();
  t.equal(await dialog.getByLabel('Name', { exact: true }).inputValue(), 'Front door');
  await inBothThemes(t, page, '76-camera', { whole: false });
  await page.keyboard.press('Escape');
  await card(page, 'Front door').getByRole('button', { name: 'Ask it again' }).click();
  await page.locator('.toast').filter({ hasText: /firmware|asked again/ }).waitFor();
  const { lines } = await page.evaluate(async () => (await fetch('/api/v1/audit?limit=60')).json() as Promise<{ lines: { what: string; who: string }[] }>);
  t.equal(lines.find(({ what }) => what === 'camera.control')?.who, 'Anna', 'what was done to a camera stands under who did it');
  await openSettings(page, 'Audit');
  await page.getByText('the configuration changed').first().waitFor();
  t.ok(await page.getByRole('row').filter({ hasText: 'the configuration changed' }).first().getByText('Anna').isVisible(), 'the audit names who it was');
}

/** Who chooses for how long says yes to that, and to nothing else that waits. */
async function longerAlone(t: Test, page: Page, site: TestSite): Promise<void> {
  await openSettings(page, 'Storage');
  await card(page, 'Kept for 6 hours').getByRole('button', { name: 'Change' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: '14 days' }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('This device signed it for you.').waitFor();
  await site.until((status) => status.disk.cameras?.[0]?.keepMs === 14 * 86_400_000);
  t.match((await site.status()).pending, [{ key: 'privacy' }]);
}

async function privacyTimes(t: Test, page: Page, site: TestSite): Promise<void> {
  await openSettings(page, 'Privacy');
  const times = card(page, 'Times of privacy');
  await times.getByText('No space is private by itself.').waitFor();
  await times.getByRole('button', { name: 'Add a time' }).click();
  const dialog = page.getByRole('dialog');
  for (const day of ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']) await dialog.getByRole('checkbox', { name: day }).uncheck();
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('This is empty.').waitFor();
  await dialog.getByRole('checkbox', { name: 'Sunday' }).check();
  await dialog.getByLabel('To', { exact: true }).selectOption('sunrise');
  await dialog.getByLabel('Time of From').fill('23:15');
  await inBothThemes(t, page, '77-privacy-time', { whole: false });
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('New: home is private sunday from 23:15 to sunrise').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await times.getByText('Sunday, from 23:15 to sunrise').waitFor();
  t.same((await site.status()).pending, [], 'a time that is added waits for nothing');

  await times.getByRole('button', { name: 'Change home, Sunday' }).click();
  await dialog.getByLabel('Time of From').fill('23:45');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('No longer: home is private sunday from 23:15 to sunrise').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Later' }).click();
  await times.getByText('Still counts, until an owner says yes to its end: home is private sunday from 23:15 to sunrise.').waitFor();
  await times.getByText('Sunday, from 23:45 to sunrise').waitFor();
  await inBothThemes(t, page, '78-privacy-waits');
  await longerAlone(t, page, site);
  await openSettings(page, 'Approvals');
  await page.getByRole('button', { name: yes }).click();
  await page.getByText('Nothing waits.').waitFor();

  await openSettings(page, 'Privacy');
  await card(page, 'Where the hub is').getByRole('button', { name: 'Change Where the hub is' }).click();
  await dialog.getByLabel('Latitude').fill('52.52');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('This is missing.').waitFor();
  await dialog.getByLabel('Longitude').fill('13.4');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('For the sun, the hub is at 52.5, 13.4').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await card(page, 'Where the hub is').getByText('13.4').waitFor();

  await times.getByRole('button', { name: 'Remove home, Sunday' }).click();
  await dialog.getByText('waits for a yes').waitFor();
  await inBothThemes(t, page, '79-privacy-remove', { whole: false });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: yes }).click();
  await times.getByText('No space is private by itself.').waitFor();
  t.notMatch(await ownFile(site), /privacy/);
}

async function logs(t: Test, page: Page): Promise<void> {
  await openSettings(page, 'Logs and health');
  await card(page, 'Health').getByText('1 of 1').waitFor();
  const log = card(page, 'The hub\'s log');
  await log.getByText('The hub is running').waitFor();
  await inBothThemes(t, page, '80-logs');
  await log.getByLabel('Part', { exact: true }).selectOption('hub');
  await log.getByRole('cell', { name: 'watch', exact: true }).first().waitFor({ state: 'detached' });
  t.same([...new Set(await log.locator('tbody tr td:nth-child(2)').allTextContents())], ['hub']);
  await log.getByRole('radio', { name: 'Error' }).check();
  await log.getByText('No such lines.').waitFor();
}

/** From opening a form to saving it, without a mouse. */
async function byKeyboard(t: Test, page: Page): Promise<void> {
  await openSettings(page, 'System');
  await card(page, 'Log').getByText('How much is logged').waitFor();
  const { names, unseen } = await keyboardWalk(page);
  t.same(unseen, [], 'one sees where the focus is');
  t.ok(names.includes('Change Log'), 'Tab reaches what changes a table');
  await card(page, 'Log').getByRole('button', { name: 'Change Log' }).focus();
  await page.keyboard.press('Enter');
  const choice = page.getByRole('dialog').getByLabel('How much is logged');
  await choice.focus();
  await page.keyboard.type('Debug');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('heading', { name: 'This will change' }).waitFor();
  // The form's own hint says so, too.
  t.equal(await page.getByRole('dialog').locator('.badge').textContent(), 'at the next start');
  await page.getByRole('dialog').locator('.form:focus').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('After the next start of the hub:').waitFor();
  t.equal(await card(page, 'Log').getByRole('button', { name: 'Change Log' }).evaluate((element) => element === document.activeElement), true, 'the focus comes back');
  await page.getByText('Files alone set this').first().waitFor();
  await inBothThemes(t, page, '81-system');
}

async function small(t: Test, page: Page): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [name, section, table] of [['82-360-storage', 'Storage', 'Room on the disk'], ['83-360-system', 'System', 'This page']] as const) {
    await openSettings(page, section);
    await card(page, table).waitFor();
    await inBothThemes(t, page, name);
  }
  await openSettings(page, 'Storage');
  await page.getByRole('button', { name: 'Change Checking what is stored' }).click();
  await inBothThemes(t, page, '84-360-form', { whole: false });
  await page.keyboard.press('Escape');
  await openSettings(page, 'Logs and health');
  await card(page, 'The hub\'s log').getByRole('row').nth(1).waitFor();
  await inBothThemes(t, page, '85-360-logs', { whole: false });
  await page.setViewportSize({ width: 1280, height: 820 });
}

async function inviteAnInstaller(page: Page): Promise<string> {
  await openSettings(page, 'People');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await page.getByRole('radio', { name: /^Installer/ }).check();
  await page.getByRole('button', { name: 'Make the invitation' }).click();
  const link = await page.getByLabel('Link').inputValue();
  await page.keyboard.press('Escape');
  return link;
}

async function asInstaller(t: Test, page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel('Your name').fill('Ines');
  await page.getByLabel('Passphrase', { exact: true }).fill('another long passphrase');
  await page.getByLabel('Passphrase, once more').fill('another long passphrase');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  await openSettings(page, 'Cameras');
  await page.getByText('Details').click();
  await page.getByRole('button', { name: 'Its settings' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('An owner may choose another space.').waitFor();
  t.equal(await dialog.getByLabel('Space', { exact: true }).count(), 0);
  await dialog.getByLabel('Unit of Footage is kept').selectOption('hour');
  await dialog.getByLabel('Footage is kept', { exact: true }).fill('3');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('An owner alone may do that.').waitFor();
  t.same([await dialog.getByRole('button', { name: 'Save' }).count(), await dialog.getByLabel('Your passphrase').count()], [0, 0], 'an installer destroys nothing');
  await dialog.getByRole('button', { name: 'Back' }).click();
  await dialog.getByLabel('Unit of Footage is kept').selectOption('day');
  await dialog.getByLabel('Footage is kept', { exact: true }).fill('20');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('An owner says yes to it under Approvals.').waitFor();
  t.equal(await dialog.getByRole('button', { name: yes }).count(), 0);
  await inBothThemes(t, page, '86-installer', { whole: false });
  await dialog.getByRole('button', { name: 'Later' }).click();
  await card(page, 'Front door').getByText('Front-door: footage would be kept 20 days instead of').waitFor();
  t.equal(await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Privacy' }).count(), 0, 'when the house is private is not an installer\'s');
}

async function takeOut(t: Test, page: Page, site: TestSite): Promise<void> {
  await openSettings(page, 'Cameras');
  await card(page, 'Front door').getByText('Details').click();
  await card(page, 'Front door').getByRole('button', { name: 'Take it out' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/is no longer recorded; what was recorded stays until its deadline/).waitFor();
  await inBothThemes(t, page, '88-camera-out', { whole: false });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('No camera is taken in yet.').waitFor();
  t.same((await site.status()).cameras, []);
  // By the back door either: what it has left would be kept for a shorter time.
  const { address, onvifPort, user, password, name } = site.cameras[0]!;
  const adopt = (more: object) => page.evaluate(async (body) => {
    const answer = await fetch('/api/v1/adopt', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return await answer.json() as { camera?: string; error?: { code: string; message: string } };
  }, { address, port: onvifPort, user, password, as: name, ...more });
  t.match((await adopt({ keep: '1 hour' })).error, { code: 'SP_CAMERA_LEFT', message: /front-door: footage of/ });
  t.same((await site.status()).cameras, []);
  t.equal((await adopt({})).camera, name, 'for as long as before it may come back');
}
