/** A stolen recovery kit is replaced on the page: after that it opens nothing that is left, and lets nobody in; the new one does both. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import { run } from '../../src/base/spawn.ts';
import { slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { parseOwnerFile } from '../../src/seal/format/ownerlist.ts';
import { Identity } from '../../src/web/crypto/identity.ts';
import { openSpaces } from '../../src/web/crypto/ownerlist.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, untilShown, visitor } from './browser.ts';
import { inviteBy, Joined, makeOwner, openSettings, whereIs, type Where } from './owner.ts';

const passphrase = 'violet candle harbour';

t.test('the kit is replaced: the old one opens nothing that is left, the new one everything, and others go on', { timeout: 400_000 }, async (t) => {
  const site = await TestSite.start(t, { owner: false, config: quickConfig({ keep: '1 hour' }), emulator: { cameras: 1, seconds: 5 } });
  const where = await whereIs(site);
  const browser = await openBrowser(t);
  const { page: owner } = await visitor(t, browser);
  const oldKit = await makeOwner(owner, site, where, { name: 'Anna', passphrase });
  const cleo = await Joined.by(await inviteBy(owner, ['home']), where.http, 'Cleo');
  await site.untilSealed(3);
  await openSettings(owner, 'People');
  await owner.getByRole('button', { name: 'Say yes with this device' }).click();
  await owner.getByText('Signed. What is recorded from now on opens there, too.').waitFor();

  // What a thief of the kit has: it, and the spaces' keys that it opened.
  const stolen = join(site.folder, 'stolen.txt');
  const [thief] = Identity.parseFile(await readFile(oldKit, 'utf8'), 'it') as [Identity];
  const keys = openSpaces(parseOwnerFile(await listNow(owner), () => {}).list, thief).flatMap(({ identities }) => identities);
  await writeFile(stolen, [thief, ...keys].map((one) => `${one.reveal()}\n`).join(''));
  const before = await opened(site, stolen);
  t.ok(before.length === 2 && before.every(({ opens }) => opens > 0), 'before, it opens what is recorded');

  const newKit = await replace(t, owner, site);
  await owner.getByText(/nor to a kit that was replaced/).waitFor({ timeout: 120_000 });
  for (const { file, slots, opens } of await opened(site, stolen)) t.ok(slots > 0 && opens === 0, `${file}: of ${slots} slots the old kit, and what it opened, open ${opens}, with stock age`);
  // The hub's own slots, of the copies of its database, open with no kit.
  for (const [n, { file, opens }] of (await opened(site, newKit)).entries()) t.ok(opens >= (before[n]?.opens ?? Infinity), `${file}: and the new kit opens ${opens}, which are all that the old one had opened`);
  const { list } = parseOwnerFile(await listNow(owner), () => {});
  t.notOk(JSON.stringify(list).includes(thief.recipient), 'the list does not name it');
  t.equal(openSpaces(list, cleo.identity).length, 1, 'a member opens the space as before');
  t.equal((await cleo.get('/owner')).status, 200);
  t.match((await site.status()).notices, [{ kind: 'kit replaced' }]);

  // The owner's device opens the oldest, and what is recorded from now on opens with the new kit alone.
  await owner.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Timeline' }).click();
  await owner.getByRole('radio', { name: '10 min' }).check();
  await owner.locator('.strip .recorded').first().waitFor();
  await owner.getByRole('slider').first().focus();
  await owner.keyboard.press('Home');
  await owner.keyboard.press('Enter');
  await untilShown(owner, '.replay-screen video');

  await comeBack(t, await visitor(t, browser), where, { oldKit, newKit });
});

/** On the page, up to the yes. Resolves to the new kit's file. */
async function replace(t: Test, page: Page, site: TestSite): Promise<string> {
  await openSettings(page, 'My account');
  await page.getByRole('button', { name: 'Replace the kit' }).click();
  await page.getByRole('radio', { name: 'It was stolen' }).check();
  await page.getByText('stays with them').waitFor();
  await inBothThemes(t, page, '58-kit-why');
  await page.getByRole('button', { name: 'Make a new kit' }).click();
  await page.locator('.kit-groups li').first().waitFor();
  t.equal(await page.evaluate(() => document.activeElement?.textContent), 'Your new recovery kit', 'the focus goes along');
  const groups = await page.locator('.kit-groups .group').allTextContents();
  t.equal(await page.getByRole('button', { name: 'Next' }).isEnabled(), false, 'first it is put away');
  await page.emulateMedia({ media: 'print' });
  t.ok((await page.locator('.kit-sheet').boundingBox())?.y === 0, 'on paper it begins at the top');
  t.equal(await page.getByRole('heading', { name: 'Where you are logged in' }).isVisible(), false, 'and stands alone');
  await page.emulateMedia({ media: 'screen' });
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as a file' }).click()]);
  const kit = join(site.folder, 'new-kit.txt');
  await copyFile(await download.path(), kit);
  await page.getByLabel('I have printed or saved it').check();
  await page.getByRole('button', { name: 'Next' }).click();
  const fields = await page.locator('.two label').filter({ hasText: /^Group/ }).allTextContents();
  const type = async (of: (group: string) => string): Promise<void> => {
    for (const label of fields) await page.getByLabel(label, { exact: true }).fill(of(groups[Number(/\d+/.exec(label)?.[0] ?? 0) - 1] ?? ''));
  };
  const before = await listNow(page);
  const sign = page.getByRole('button', { name: 'Sign for the new kit' });
  await page.getByLabel('Your passphrase').fill(passphrase);
  await type((group) => `${group.slice(1)}${group.slice(0, 1)}X`);
  await sign.click();
  await page.getByText('That is not what this group says.').first().waitFor();
  await type((group) => group);
  await page.getByLabel('Your passphrase').fill('not the passphrase');
  await sign.click();
  await page.locator('form.card').getByRole('alert').filter({ hasText: 'passphrase' }).waitFor({ timeout: 60_000 });
  t.equal(await listNow(page), before, 'neither a wrong group nor a wrong passphrase replaces it');
  await inBothThemes(t, page, '59-kit-prove');
  await page.getByLabel('Your passphrase').fill(passphrase);
  await sign.click();
  await page.getByText('The new kit counts.').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Replace the kit' }).waitFor();
  t.notOk((await page.content()).includes(groups[3] ?? 'none'), 'the page shows nothing of it any more');
  return kit;
}

/** Somebody without passphrase or device. */
async function comeBack(t: Test, { page }: { readonly page: Page }, where: Where, { oldKit, newKit }: { readonly oldKit: string; readonly newKit: string }): Promise<void> {
  await page.goto(`${where.https}/recover`);
  await page.getByLabel('Name').fill('Anna');
  await page.getByLabel('New passphrase', { exact: true }).fill('meadow lantern thunder');
  await page.getByLabel('New passphrase, once more').fill('meadow lantern thunder');
  const submit = page.getByRole('button', { name: 'New passphrase, and log in' });
  await page.locator('#recover-kit').setInputFiles(oldKit);
  await submit.click();
  await page.getByRole('alert').filter({ hasText: /sign/i }).waitFor({ timeout: 60_000 });
  t.match(new URL(page.url()).pathname, '/recover', 'the old kit lets nobody in');
  await page.locator('#recover-kit').setInputFiles(newKit);
  await submit.click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor({ timeout: 60_000 });
  t.pass('the new one does, and signs for the new device');
}

const listNow = (page: Page): Promise<string> => page.evaluate(async () => ((await (await fetch('/api/v1/owner')).json()) as { text: string }).text);

/** How many slots there are in each keyring file, and how many of them an identity file opens, with stock age. */
async function opened(site: TestSite, identities: string): Promise<{ file: string; slots: number; opens: number }[]> {
  return Promise.all(['keyring.1', 'keyring.2'].map(async (file) => {
    const keyring = await readFile(join(site.data, 'keyring', file));
    const slots = Array.from({ length: Math.floor(keyring.length / slotBlockBytes) }, (_, n) => keyring.subarray(n * slotBlockBytes).subarray(0, slotTextBytes)).filter((text) => text.toString('latin1').startsWith('-----BEGIN AGE'));
    let opens = 0;
    for (const input of slots) opens += Number((await run('age', ['-d', '-i', identities], { input, timeoutMs: 10_000 })).status === 0);
    return { file, slots: slots.length, opens };
  }));
}
