/** The door in a real browser: with the hub's authority installed there is no warning, without it a person may go on; no flag of the browser's is used for it. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { run } from '../../src/base/spawn.ts';
import { openDoor, type Door } from './pagekit.ts';

const executable = '/usr/bin/chromium';
const skip = existsSync(executable) && existsSync('/usr/bin/certutil') ? false : 'chromium or certutil is not here';

/** A page with a script of its own, an inline one, and one of another site: the first runs, the others must not. */
async function built(t: Test): Promise<Door> {
  const site = await openDoor(t, {});
  await mkdir(join(site.folder, 'page', 'assets'), { recursive: true });
  await writeFile(join(site.folder, 'page', 'index.html'), '<!doctype html><title>page</title><script>document.title = "inline ran"</script><script type="module" src="/assets/own.js"></script><iframe src="/x"></iframe>');
  await writeFile(join(site.folder, 'page', 'assets', 'own.js'), 'document.documentElement.dataset.own = "ran"');
  return site;
}

async function browse(t: Test, home: string): Promise<{ context: BrowserContext; page: Page }> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  const context = await chromium.launchPersistentContext(folder, { executablePath: executable, args: ['--no-sandbox'], headless: true, env: { ...process.env as Record<string, string>, HOME: home } });
  t.teardown(async () => {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { context, page: await context.newPage() };
}

/** Begins the first hour from the page; answers what the browser makes of it. */
async function begin(site: Door, page: Page): Promise<{ begun: number; secure: boolean; script: string | undefined; title: string; cookie: string }> {
  return page.evaluate(`(async () => {
    const reply = await fetch('/api/v1/first/begin', { method: 'POST', body: ${JSON.stringify(JSON.stringify({ code: site.page.pair().code }))}, headers: { 'content-type': 'application/json' } });
    return { begun: reply.status, secure: isSecureContext, script: document.documentElement.dataset.own, title: document.title, cookie: document.cookie };
  })()`);
}

const works = { begun: 200, secure: true, script: 'ran', title: 'page', cookie: '' };

t.test('without the authority the browser warns; a person goes on, and everything works', { skip }, async (t) => {
  const site = await built(t);
  const home = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(home, { recursive: true, force: true }));
  const { context, page } = await browse(t, home);
  await t.rejects(page.goto(site.base), /ERR_CERT_AUTHORITY_INVALID/);
  await page.click('#details-button');
  await page.click('#proceed-link');
  await page.waitForFunction('document.documentElement.dataset.own === "ran"');
  t.same(await begin(site, page), works);
  t.match(await context.cookies(), [{ name: '__Host-sallyport', secure: true, httpOnly: true, sameSite: 'Strict' }]);
});

t.test('with the authority installed it does not warn', { skip }, async (t) => {
  const site = await built(t);
  const home = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(home, { recursive: true, force: true }));
  const store = join(home, '.pki', 'nssdb');
  await mkdir(store, { recursive: true });
  await writeFile(join(home, 'hub.crt'), new X509Certificate((await site.browser().get('authority')).bytes).toString());
  t.equal((await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password'])).status, 0);
  t.equal((await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'hub', '-i', join(home, 'hub.crt')])).status, 0);
  const { context, page } = await browse(t, home);
  for (const base of [site.base, site.base.replace('127.0.0.1', 'localhost')]) {
    await page.goto(base);
    await page.waitForFunction('document.documentElement.dataset.own === "ran"');
    t.same(await begin(site, page), works, base);
  }
  t.match(await context.cookies(site.base), [{ name: '__Host-sallyport' }]);
});

t.test('by plain HTTP of this machine everything works too, with a cookie of its own', { skip }, async (t) => {
  const site = await built(t);
  const home = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(home, { recursive: true, force: true }));
  const { context, page } = await browse(t, home);
  await page.goto(site.plain);
  await page.waitForFunction('document.documentElement.dataset.own === "ran"');
  t.same(await begin(site, page), works);
  t.match(await context.cookies(), [{ name: 'sallyport-here', httpOnly: true, sameSite: 'Strict' }]);
});
