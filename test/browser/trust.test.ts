/**
 * The real page by HTTPS as a household meets it: where the hub's authority is installed nothing warns, and where it is not a person goes on
 * past the warning. No flag of the browser's is used for it, in either case. `test/api/browser.test.ts` does the same at the door alone.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import { run } from '../../src/base/spawn.ts';
import { readQr, zbarimg } from '../cli/terminalqr.ts';
import { quickConfig, sallyport, shortFolder, TestSite } from '../e2e/site.ts';
import { inBothThemes, playFirst, untilShown } from './browser.ts';
import { makeOwner, whereIs, type Where } from './owner.ts';

const executable = '/usr/bin/chromium';
const skip = existsSync(executable) && existsSync('/usr/bin/certutil') ? false : 'chromium or certutil is not here';
const owner = { name: 'Anna', passphrase: 'violet candle harbour' };

execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });

t.test('with the hub\'s authority installed nothing warns, and everything works', { skip, timeout: 180_000 }, async (t) => {
  const { site, where } = await household(t);
  const home = await shortFolder(t);
  await install(t, home, await authorityOf(t, site, where));
  const page = await profile(t, home);
  // It throws where the browser warns.
  await page.goto(where.https);
  await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  await byTheQrCode(t, page, site, where);
  await usesThePage(t, page, site, where);
});

t.test('without it the browser warns; a person goes on, everything works, and the page says what is off', { skip, timeout: 180_000 }, async (t) => {
  const { site, where } = await household(t);
  const page = await profile(t, await shortFolder(t));
  await t.rejects(page.goto(where.https), /ERR_CERT_AUTHORITY_INVALID/);
  await page.click('#details-button');
  await page.click('#proceed-link');
  await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  await page.getByText('Did your browser warn on the way here?').click();
  await page.getByText('What is off is your browser\'s word that this is your hub').waitFor();
  await inBothThemes(t, page, '90-warned');
  const download = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download the hub\'s certificate' }).click()]).then(([file]) => file.path());
  t.same(await readFile(download), await authorityOf(t, site, where), 'the certificate is to be had there');
  // As the page says: this the browser withholds, and nothing that the page uses.
  const passkey = page.evaluate(() => navigator.credentials.get({ publicKey: { challenge: new Uint8Array(16) } }).then(() => 'given', (error: Error) => error.message));
  t.match(await passkey, /not supported on sites with TLS certificate errors/);
  await usesThePage(t, page, site, where);
});

t.test('a certificate of the household\'s own that the browser knows: nothing warns, and nobody says that it is not known', { skip, timeout: 120_000 }, async (t) => {
  const folder = await shortFolder(t);
  await mkdir(join(folder, 'tmp'), { recursive: true });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await openssl(['req', '-x509', ...key, '-subj', '/CN=Household', '-addext', 'keyUsage=critical,keyCertSign', '-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.pem')]);
  await openssl(['req', '-x509', ...key, '-CA', join(folder, 'ca.pem'), '-CAkey', join(folder, 'ca.key'), '-subj', '/CN=hub', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', join(folder, 'hub.key'), '-out', join(folder, 'hub.pem')]);
  await chmod(join(folder, 'hub.key'), 0o600);
  const site = await TestSite.start(t, { folder, owner: false, adopt: false, config: quickConfig().replace('[page]', `[page]\ncertificate = "hub.pem"\ncertificate_key = "hub.key"`) });
  const { page: told } = await site.json<ReplyOf<'pair'>>(['pair', '--config', site.config]);
  t.equal(told.own, false);
  t.match(await site.call(['pair', '--config', site.config]), /The certificate is your own, of \[page\]/);
  const home = await shortFolder(t);
  await install(t, home, await readFile(join(folder, 'ca.pem')));
  const page = await profile(t, home);
  await page.goto(told.urls.find((url) => url.startsWith('https://127.0.0.1:')) ?? '');
  await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  t.same(await page.locator('.words li').allTextContents(), told.words);
  await page.getByText('Did your browser warn on the way here?').click();
  await page.getByText('Nothing is off once this device trusts who signed the certificate').waitFor();
  t.equal(await page.getByRole('link', { name: 'Download the hub\'s certificate' }).count(), 0);
  t.notMatch(await page.locator('main').textContent(), /does not know/);
});

async function openssl(args: readonly string[]): Promise<void> {
  const { status, stderr } = await run('openssl', args);
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

/** As a phone does: reads the code off the terminal and opens it. */
async function byTheQrCode(t: Test, page: Page, site: TestSite, where: Where): Promise<void> {
  if (!existsSync(zbarimg)) {
    t.comment(`skipped: the QR code, for ${zbarimg} (zbar-tools) is not here`);
    return;
  }
  const { stdout } = await run(sallyport, ['pair', '--qr', '--config', site.config]);
  const link = await readQr(stdout.toString().split('\n'));
  t.match(link, `#code=${where.code}&words=`);
  t.notMatch(await site.call(['pair', '--config', site.config]), /[▀▄█]/, 'only at a terminal, or when asked for');
  await page.goto(link);
  await page.getByText('They are those of the QR code.').waitFor();
  t.equal(await page.getByLabel('One-time code').inputValue(), where.code);
  t.equal(new URL(page.url()).hash, '', 'the code is out of the address bar');
  await page.goto('about:blank');
  await page.goto(link.replace(/words=[a-z]+-[a-z]+/, 'words=wrong-wrong'));
  await page.getByRole('alert').filter({ hasText: 'These are not the words of the QR code' }).waitFor();
  await inBothThemes(t, page, '91-other-words');
  t.notMatch(site.log.join('\n'), where.code);
}

/** A hub without an owner whose one camera records as soon as there is one. */
async function household(t: Test): Promise<{ site: TestSite; where: Where }> {
  const site = await TestSite.start(t, { owner: false, config: quickConfig({ keep: '1 day' }) });
  return { site, where: await whereIs(site) };
}

/** The certificate that the hub gives to devices, once it is the one that the terminal names. */
async function authorityOf(t: Test, site: TestSite, where: Where): Promise<Buffer> {
  const reply = await fetch(new URL('/api/v1/authority', where.http));
  const authority = Buffer.from(await reply.arrayBuffer());
  const { page } = await site.json<ReplyOf<'pair'>>(['pair', '--config', site.config]);
  t.equal(createHash('sha256').update(authority).digest('hex'), page.fingerprint, 'it is the one whose fingerprint the terminal shows');
  return authority;
}

/** Into the NSS store of that home, which is where Chromium on Linux looks. */
async function install(t: Test, home: string, authority: Buffer): Promise<void> {
  const store = join(home, '.pki', 'nssdb');
  await mkdir(store, { recursive: true });
  await writeFile(join(home, 'hub.crt'), authority);
  t.equal((await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password'])).status, 0);
  t.equal((await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'hub', '-i', join(home, 'hub.crt'), ...(authority.includes('-----BEGIN') ? ['-a'] : [])])).status, 0);
}

/** A browser as it is installed, with a new profile and that home. What goes wrong in the page fails the test. */
async function profile(t: Test, home: string): Promise<Page> {
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: executable, args: ['--no-sandbox'], headless: true, locale: 'en-GB', acceptDownloads: true, env: { ...process.env as Record<string, string>, HOME: home },
  });
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('console', (message) => { if (/Content Security Policy|Trusted/i.test(message.text())) t.fail(`refused by the policy: ${message.text()}`); });
  page.on('pageerror', (error) => t.fail(`an error in the page: ${error.message}`));
  return page;
}

/** The first hour, moving pictures by WSS, old footage by the keys' worker, and logging in again. */
async function usesThePage(t: Test, page: Page, site: TestSite, where: Where): Promise<void> {
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  const workers: string[] = [];
  page.on('worker', (worker) => workers.push(worker.url()));
  await makeOwner(page, site, where, owner);
  t.ok(await page.evaluate(() => isSecureContext && location.protocol === 'https:'));

  await untilShown(page, '.tile video');
  await untilMoved(page, '.tile video');
  t.ok(sockets.length > 0 && sockets.every((url) => url.startsWith('wss://')), `the picture moves, by ${sockets.join(' ')}`);

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Timeline' }).click();
  await playFirst(page);
  t.ok(workers.some((url) => url.startsWith(where.https)), `sealed footage was opened in ${workers.join(' ')}`);

  await page.context().clearCookies();
  await page.goto(where.https);
  await page.getByLabel('Name').fill(owner.name);
  await page.getByLabel('Passphrase', { exact: true }).fill(owner.passphrase);
  await page.getByText('The hub\'s certificate and its six words').click();
  await page.getByText('This hub made its certificate itself.').waitFor();
  await page.getByText('Did your browser warn on the way here?').waitFor();
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  await untilShown(page, '.tile video');
}

/** Looks until the video shows another picture than now. The test's own time-out ends a vain wait. */
async function untilMoved(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((wanted) => {
    const video = document.querySelector<HTMLVideoElement>(wanted);
    if (video === null || video.videoWidth === 0) return false;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [64, 36];
    const context = canvas.getContext('2d');
    context?.drawImage(video, 0, 0, 64, 36);
    const now = canvas.toDataURL();
    const store = window as unknown as { firstSeen?: string };
    store.firstSeen ??= now;
    return now !== store.firstSeen;
  }, selector);
}
