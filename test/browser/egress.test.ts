/** What leaves, in Chromium on a real hub: the owner's yes with this device, then the destination with its purpose, its counts and the ledger. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { quickConfig, shortFolder, TestSite } from '../e2e/site.ts';
import { inBothThemes, openBrowser, visitor } from './browser.ts';
import { makeOwner, openSettings, whereIs } from './owner.ts';

t.test('nothing leaves before the yes; after it the page says where it went, why, and each order', { timeout: 180_000 }, async (t) => {
  const folder = await shortFolder(t);
  for (const name of ['disk', 'keys']) mkdirSync(join(folder, name));
  const site = await TestSite.start(t, { folder, owner: false, adopt: false, config: quickConfig({ keep: '1 day', more: '\n[[destination]]\nname = "disk"\npurpose = "a copy on another disk"\nkind = "folder"\npath = "disk"\nmount = false\nsend = "all"\nslots = "far"\nslots_at = "keys"\n\n[[destination]]\nname = "keys"\npurpose = "sealed keys in another house"\nkind = "folder"\npath = "keys"\nmount = false\nsend = "alarms"\ncameras = []\n' }).replace('owner = "owner/owner.json"\n', ''), emulator: { cameras: 1, seconds: 5 } });
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  await makeOwner(page, site, await whereIs(site), { name: 'Anna', passphrase: 'violet candle harbour' });
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
});
