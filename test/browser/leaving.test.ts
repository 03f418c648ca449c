/** Who may open what, proven with keys: a member opens what was recorded since the owner's yes; who has left opens nothing that is left. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import { run } from '../../src/base/spawn.ts';
import { slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { parseOwnerFile } from '../../src/seal/format/ownerlist.ts';
import { openSpaces } from '../../src/web/crypto/ownerlist.ts';
import type { PageReplyOf } from '../../src/api/pagecontract.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, untilShown, visitor } from './browser.ts';
import { inviteBy, Joined, makeOwner, openSettings, whereIs } from './owner.ts';

t.test('who joins opens what comes, and who leaves opens nothing that is left', { timeout: 400_000 }, async (t) => {
  const site = await TestSite.start(t, { owner: false, config: quickConfig({ keep: '1 hour' }), emulator: { cameras: 2, seconds: 5 } });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page: owner } = await visitor(t, browser);
  const kit = await makeOwner(owner, site, where, { name: 'Anna', passphrase: 'violet candle harbour' });
  const [home, garden] = site.cameras.map(({ name }) => name) as [string, string];
  await makeSpace(t, owner, garden);
  await site.untilSealed(3);

  // Cleo has a key that the test can look at; Ben has a browser.
  const cleo = await Joined.by(await inviteBy(owner, ['home']), where.http, 'Cleo');
  await sayYes(owner, 'Cleo');
  await site.untilSealed((await sealedNow(site)) + 3);
  const { text } = await (await cleo.get('/owner')).json() as PageReplyOf<'ownerList'>;
  const [space] = openSpaces(parseOwnerFile(text ?? '', () => {}).list, cleo.identity);
  const [kept] = space?.identities ?? [];
  t.ok(kept, 'her key opens the space');
  const files = { kit, cleo: join(site.folder, 'cleo.txt'), kept: join(site.folder, 'kept.txt') };
  await writeFile(files.cleo, `${cleo.identity.reveal()}\n`);
  await writeFile(files.kept, `${kept?.reveal()}\n`);
  const before = await opened(site, files);
  t.ok(count(before, 'kept', home) > 0 && count(before, 'kept', home) < count(before, 'kit', home), `of the ${count(before, 'kit', home)} keys of her camera the space's opens the ${count(before, 'kept', home)} since the yes`);
  t.ok(count(before, 'kit', garden) > 0);
  t.equal(count(before, 'kept', garden), 0, 'and none of another space, with stock age');

  const { page: ben } = await visitor(t, browser);
  await ben.goto(await inviteBy(owner, ['home']));
  await ben.getByLabel('Your name').fill('Ben');
  await ben.getByLabel('Passphrase', { exact: true }).fill('another long passphrase');
  await ben.getByLabel('Passphrase, once more').fill('another long passphrase');
  await ben.getByRole('button', { name: 'Join' }).click();
  await ben.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  await sayYes(owner, 'Ben');
  const yesMs = Date.now();
  const statuses = await ben.evaluate((camera) => Promise.all(['timeline?fromMs=0&toMs=1&camera=', 'slots/'].map(async (path) => (await fetch(`/api/v1/${path}${camera}${path === 'slots/' ? '/1/1' : ''}`)).status)), garden);
  t.same(statuses, [403, 403], 'the hub hands him nothing of a foreign space');
  t.equal(await ben.locator('.grid > li').count(), 1);
  await site.untilSealed((await sealedNow(site)) + 3);
  await ben.goto(`${where.https}/timeline`);
  await unlock(ben);
  await memberPlays(t, ben, yesMs);

  await openSettings(owner, 'People');
  await owner.getByRole('listitem').filter({ hasText: 'Cleo' }).getByRole('button', { name: 'Remove' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await owner.getByText('The account was erased.').waitFor();
  await owner.getByText(/none that is left opens to who has gone/).waitFor({ timeout: 60_000 });
  t.equal((await cleo.get('/owner')).status, 401, 'her session has ended');
  const after = await opened(site, files);
  for (const name of ['cleo', 'kept'] as const) t.same(after[name], { [home]: 0, [garden]: 0 }, 'neither her key nor the space\'s old one opens a slot, with stock age');
  t.ok(count(after, 'kit', home) >= count(before, 'kit', home) && count(after, 'kit', garden) >= count(before, 'kit', garden), `and the kit opens all ${count(after, 'kit', home) + count(after, 'kit', garden)}`);

  await ben.reload();
  await unlock(ben);
  await memberPlays(t, ben, yesMs);
  // What the owner had before all of that opens, too.
  await playFirst(owner);
  await untilShown(owner, '.replay-screen video');
  t.pass('the owner opens the oldest');

  await wholeHour(t, owner);
  await leavesByHimself(t, site, owner, ben);
});

/** An owner whose key is not open on this device erases an hour as a whole, by the passphrase once more. */
async function wholeHour(t: Test, owner: Page): Promise<void> {
  await owner.reload();
  await owner.locator('.strip .recorded').first().waitFor();
  await owner.getByRole('button', { name: 'Erase this hour' }).click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByText(/segments? .* go/).waitFor();
  const words = await dialog.getByRole('status').textContent() ?? '';
  t.match(words, /from \d+ \w+ \d{4}, \d\d:\d\d(:\d\d)? to /, 'times by the visitor\'s clock');
  t.notMatch(words, /\dZ\b/, 'none by the hub\'s');
  await inBothThemes(t, owner, '55-erase-hour', { whole: false });
  await dialog.getByLabel('Passphrase').fill('not the passphrase');
  await dialog.getByRole('button', { name: 'Erase the whole hour for ever' }).click();
  await dialog.getByRole('alert').waitFor({ timeout: 60_000 });
  t.match(await dialog.getByRole('alert').textContent(), /passphrase/);
  await dialog.getByLabel('Passphrase').fill('violet candle harbour');
  await dialog.getByRole('button', { name: 'Erase the whole hour for ever' }).click();
  await dialog.getByText(/^Erased: \d+ segments?/).waitFor({ timeout: 120_000 });
  await owner.keyboard.press('Escape');
}

/** He erases his own account: the owner is told at the next visit, and signs a list without his key. */
async function leavesByHimself(t: Test, site: TestSite, owner: Page, ben: Page): Promise<void> {
  const list = async (): Promise<string> => owner.evaluate(async () => ((await (await fetch('/api/v1/owner')).json()) as { text: string }).text);
  const { list: before } = parseOwnerFile(await list(), () => {});
  const owners = [before.kit, ...(before.devices ?? []).map(({ recipient }) => recipient)];
  const his = before.spaces.flatMap(({ members }) => members).find((member) => !owners.includes(member)) ?? '';
  t.match(his, /^age1/, 'his key is in the list');
  await openSettings(ben, 'My account');
  await ben.getByRole('button', { name: 'Erase my account' }).click();
  await ben.getByRole('dialog').getByLabel('Passphrase').fill('another long passphrase');
  await ben.getByRole('dialog').getByRole('button', { name: 'Erase my account' }).click();
  await ben.getByText('Your account was erased.').waitFor();
  t.match((await site.status()).notices, [{ kind: 'keys of who left' }]);
  await owner.reload();
  await owner.getByText('1 key in your list belongs to nobody here any more').waitFor();
  await inBothThemes(t, owner, '56-left-notice', { whole: false });
  await openSettings(owner, 'People');
  await owner.getByRole('region', { name: 'Keys of who has left' }).getByText('A key of nobody here').waitFor();
  await inBothThemes(t, owner, '57-left-people');
  await owner.getByLabel('Passphrase', { exact: true }).fill('violet candle harbour');
  await owner.getByRole('button', { name: 'Unlock' }).click();
  await owner.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Live' }).click();
  await owner.getByRole('button', { name: 'Sign a list without it' }).click();
  await owner.getByText('Signed. Nothing is sealed to it from now on.').waitFor();
  await owner.getByText('1 key in your list belongs to nobody here any more').waitFor({ state: 'detached' });
  t.notOk((await list()).includes(his), 'the list in force does not name him');
  t.same((await site.status()).notices.filter(({ kind }) => kind === 'keys of who left'), []);
}

const sealedNow = async (site: TestSite): Promise<number> => (await site.status()).cameras[0]?.segmentsSealed ?? 0;

async function sayYes(owner: Page, name: string): Promise<void> {
  await openSettings(owner, 'Cameras');
  await openSettings(owner, 'People');
  const row = owner.getByRole('listitem').filter({ hasText: `${name}: ` });
  await row.getByRole('button', { name: 'Say yes with this device' }).click();
  await owner.getByText('Signed. What is recorded from now on opens there, too.').waitFor();
  await row.waitFor({ state: 'detached' });
}

async function unlock(page: Page): Promise<void> {
  await page.getByLabel('Passphrase', { exact: true }).fill('another long passphrase');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('Choose a moment on the timeline').waitFor();
}

type Opened = Readonly<Record<string, Readonly<Record<string, number>>>>;
const count = (opened: Opened, file: string, camera: string): number => opened[file]?.[camera] ?? 0;

/** How many slots of the hub's keyring each of these identities opens, camera by camera, with stock age. */
async function opened(site: TestSite, files: Readonly<Record<string, string>>): Promise<Opened> {
  const keyring = await readFile(join(site.data, 'keyring', 'keyring.1'));
  const texts = Array.from({ length: Math.floor(keyring.length / slotBlockBytes) }, (_, n) => keyring.subarray(n * slotBlockBytes).subarray(0, slotTextBytes)).filter((text) => text.toString('latin1').startsWith('-----BEGIN AGE'));
  const counts: Record<string, Record<string, number>> = {};
  for (const [name, file] of Object.entries(files)) {
    const of: Record<string, number> = Object.fromEntries(site.cameras.map((camera) => [camera.name, 0]));
    counts[name] = of;
    for (const text of texts) {
      const { status, stdout } = await run('age', ['-d', '-i', file], { input: text, timeoutMs: 10_000 });
      const camera = /^# (\S+) footage .*\nAGE-SECRET-KEY-1/.exec(stdout.toString())?.[1] ?? '';
      if (status === 0) of[camera] = (of[camera] ?? 0) + 1;
    }
  }
  return counts;
}

/** A space of its own, made and signed on the page, for a camera that was in the first one. */
async function makeSpace(t: Test, page: Page, camera: string): Promise<void> {
  await openSettings(page, 'Privacy');
  await page.getByRole('button', { name: 'Add a space' }).click();
  await page.getByLabel('Name of the space').fill('Her Garden');
  await page.getByRole('button', { name: 'Make it, signed by this device' }).click();
  await page.getByText('begin with a letter or digit').waitFor();
  await page.getByLabel('Name of the space').fill('garden');
  await page.getByRole('button', { name: 'Make it, signed by this device' }).click();
  await page.getByRole('region', { name: 'Space garden' }).getByText('No camera is in it yet.').waitFor();
  await openSettings(page, 'Cameras');
  const card = page.getByRole('region', { name: camera });
  await card.getByText('Details').click();
  await card.getByRole('button', { name: 'Its settings' }).click();
  await page.getByLabel('Name', { exact: true }).waitFor();
  await inBothThemes(t, page, '53-camera-change', { whole: false });
  await page.getByLabel('Name', { exact: true }).fill('The roses');
  await page.getByLabel('Space', { exact: true }).selectOption('garden');
  await page.getByRole('button', { name: 'See what changes' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'The roses' }).waitFor();
  await openSettings(page, 'Privacy');
  await page.getByRole('region', { name: 'Space garden' }).getByText('Cameras: The roses').waitFor();
  await inBothThemes(t, page, '54-spaces');
}

async function playFirst(page: Page): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Timeline' }).click();
  await page.getByRole('radio', { name: '10 min' }).check();
  await page.locator('.strip .recorded').first().waitFor();
  await page.getByRole('slider').first().focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
}

/** Asked for the oldest, the page goes on to what opens: the first picture is from after the yes. */
async function memberPlays(t: Test, page: Page, yesMs: number): Promise<void> {
  await playFirst(page);
  await untilShown(page, '.replay-screen video');
  const shown = (await page.locator('.replay .replay-clock').textContent() ?? '').slice(0, 8);
  const yes = new Date(yesMs - 5000).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' });
  t.ok(shown >= yes, `nothing from before the yes is shown: ${shown}, and the yes came at ${yes}`);
}
