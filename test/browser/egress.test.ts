/** What leaves, in Chromium on a real hub: the owner's yes with this device, then the destination with its purpose, its counts and the ledger. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { quickConfig, shortFolder, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, visitor } from './browser.ts';
import { makeOwner, openSettings, whereIs } from './owner.ts';

const passphrase = 'violet candle harbour';

t.test('nothing leaves before the yes; after it the page says where it went, why, and each order', { timeout: 300_000 }, async (t) => {
  const folder = await shortFolder(t);
  for (const name of ['disk', 'keys']) mkdirSync(join(folder, name));
  const site = await TestSite.start(t, { folder, owner: false, adopt: false, config: quickConfig({ keep: '1 day', more: '\n[[destination]]\nname = "disk"\npurpose = "a copy on another disk"\nkind = "folder"\npath = "disk"\nmount = false\nsend = "all"\nslots = "far"\nslots_at = "keys"\n\n[[destination]]\nname = "keys"\npurpose = "sealed keys in another house"\nkind = "folder"\npath = "keys"\nmount = false\nsend = "alarms"\ncameras = []\n' }).replace('owner = "owner/owner.json"\n', ''), emulator: { cameras: 1, seconds: 5 } });
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  await makeOwner(page, site, await whereIs(site), { name: 'Anna', passphrase });
  await site.adopt(site.cameras[0]!);
  await site.untilSealed(1);
  await openSettings(page, 'What leaves');
  await page.getByText('Nothing leaves the house: there is no destination.').waitFor();
  await openSettings(page, 'Approvals');
  await page.getByText(/new destination disk .* its purpose: a copy on another disk/i).first().waitFor();
  for (let left = 2; left > 0; left--) {
    await page.getByRole('button', { name: 'Say yes, signed by this device' }).first().click();
    while ((await site.status()).pending.length >= left) await page.waitForTimeout(100);
  }
  await site.until(({ doors }) => doors.last?.order === 'put');
  await openSettings(page, 'What leaves');
  const card = page.getByRole('region', { name: 'disk', exact: true });
  await card.getByText('a copy on another disk').waitFor();
  t.ok(await card.getByText('Sealed, at keys').isVisible());
  const ledger = page.getByRole('region', { name: 'What went, the newest first' });
  await ledger.getByRole('row').filter({ hasText: 'sent: footage' }).first().waitFor();
  await ledger.getByLabel('Destination').selectOption('disk');
  await ledger.getByRole('row').filter({ hasText: 'Done' }).first().waitFor();
  await site.until(({ doors: { slots } }) => slots.some(({ destination, current }) => destination === 'keys' && current));
  t.match(await site.call(['egress', '--config', site.config]), /  sealed keys at keys: \d+ keys? of .* ago/);
  await openSettings(page, 'Approvals');
  await openSettings(page, 'What leaves');
  await page.getByRole('region', { name: 'keys', exact: true }).getByText(/\d+ keys?, put there/).waitFor();
  t.notOk(await page.getByText(/undefined|\[object/).count(), 'no text is missing');
  await openSettings(page, 'System');
  const told = page.getByRole('region', { name: 'Notices' }).getByRole('listitem').filter({ hasText: 'Something more may leave this house than before (disk)' });
  await told.getByText('take the destination out of the configuration').waitFor();
  t.match(await site.call(['status', '--config', site.config]), /^! told .*something more may leave this house than before \(disk\)\.\n {2}If no owner of yours said yes to it/m);
  await openSettings(page, 'What leaves');
  await inBothThemes(t, page, '96-what-leaves');
  await byForm(t, page, site);
});

/** A disk is added by the form, gets footage after the yes, and is taken out; of a server the password is given. */
async function byForm(t: Test, page: Page, site: TestSite): Promise<void> {
  const list = page.getByRole('region', { name: 'Destinations', exact: true });
  t.equal(await list.getByText('Set by the installer\'s file (sallyport.toml), and changed there.').count(), 2);
  t.equal(await list.getByRole('button', { name: 'Change disk' }).count(), 0);
  const dialog = page.getByRole('dialog');
  await list.getByRole('button', { name: 'Add a destination' }).click();
  await dialog.getByLabel('Kind').selectOption('A WebDAV server');
  await dialog.getByLabel('Name', { exact: true }).fill('cellar');
  await dialog.getByLabel('Address', { exact: true }).fill('ftp://cellar');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  t.match(await wrongOf(dialog, 'Purpose'), /missing/);
  t.match(await wrongOf(dialog, 'Address'), /https:\/\//);
  await inBothThemes(t, page, '96-destination-wrong', { whole: false });
  // Its name stays when the kind is another one.
  await dialog.getByLabel('Kind').selectOption('A disk or folder');
  t.equal(await dialog.getByLabel('Name', { exact: true }).inputValue(), 'cellar');
  t.equal(await dialog.getByLabel('Address', { exact: true }).count(), 0);
  await dialog.getByLabel('Purpose', { exact: true }).fill('a disk in the cellar');
  await dialog.getByLabel('Folder', { exact: true }).fill(join(site.folder, 'cellar'));
  await dialog.getByLabel('What it gets').selectOption('All that is recorded');
  await dialog.getByText('More', { exact: true }).click();
  await dialog.getByRole('checkbox', { name: 'On a disk of its own' }).uncheck();
  await inBothThemes(t, page, '96-destination', { whole: false });
  await page.setViewportSize({ width: 360, height: 740 });
  await inBothThemes(t, page, '96-destination-360', { whole: false });
  await page.setViewportSize({ width: 1280, height: 820 });
  mkdirSync(join(site.folder, 'cellar'));
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText(/New destination cellar .* its keys stay at home; its purpose: a disk in the cellar/i).waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Say yes, signed by this device' }).click();
  await dialog.waitFor({ state: 'detached' });
  const card = page.getByRole('region', { name: 'cellar', exact: true });
  await card.getByText('a disk in the cellar').waitFor();
  while (!readdirSync(join(site.folder, 'cellar'), { recursive: true }).some((name) => /[0-9a-f]{32}$/.test(String(name)))) await page.waitForTimeout(100);

  await list.getByRole('button', { name: 'Add a destination' }).click();
  await dialog.getByLabel('Kind').selectOption('A WebDAV server');
  await dialog.getByLabel('Name', { exact: true }).fill('nas');
  await dialog.getByLabel('Purpose', { exact: true }).fill('a copy at Grandma\'s');
  await dialog.getByLabel('Address', { exact: true }).fill('https://nas.example/dav/');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Later' }).click();
  await list.getByText(/New destination nas/i).waitFor();
  await list.getByRole('button', { name: 'Password or key of nas' }).click();
  await dialog.getByLabel('User, or key id').fill('sally');
  await dialog.getByLabel('Password, or key', { exact: true }).fill('quarry stone');
  await dialog.getByLabel('Your passphrase').fill(passphrase);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('SP_CREDENTIAL').waitFor();
  await inBothThemes(t, page, '96-destination-secret', { whole: false });
  await dialog.getByLabel('Password, or key', { exact: true }).fill('quarry-stone');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  for (const name of ['nas', 'cellar']) {
    await list.getByRole('button', { name: `Remove ${name}` }).click();
    await dialog.getByText('what lies there stays, sealed').waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await list.getByRole('button', { name: `Remove ${name}` }).waitFor({ state: 'detached' });
  }
  t.notMatch(readFileSync(join(site.folder, 'conf.d', '90-page.toml'), 'utf8'), /destination|quarry/);
  t.ok(readdirSync(join(site.folder, 'cellar')).length > 0, 'what lies there stays');
}

async function wrongOf(dialog: Locator, label: string): Promise<string> {
  const field = dialog.getByLabel(label, { exact: true });
  await field.and(dialog.locator('[aria-invalid="true"]')).waitFor();
  return await field.evaluate((element) => element.closest('.field')?.querySelector('[role=alert]')?.textContent ?? '');
}
