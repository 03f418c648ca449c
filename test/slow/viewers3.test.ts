/** viewer.html in Chromium, straight from a bucket of a real S3 server with the rule that docs/burnt-hub.md names, a key that a person types in, and the kit; no hub anywhere. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import type { Page } from 'playwright-core';
import { Identity } from '../../src/seal/identity.ts';
import { openBrowser, untilShown, visitor } from '../browser/browser.ts';
import { noChromium } from '../browser/chromium.ts';
import { writeCredentials } from '../courier/farends.ts';
import { putSlots } from '../courier/farworld.ts';
import { close, makeUploads, rules, runCourier, settle } from '../duties/uploadworld.ts';
import { serveS3, type S3rver } from '../egress/stores.ts';
import { hourMs, start } from '../vault/world.ts';
import { recordFilm } from '../web/crypto/world.ts';

const root = resolve(import.meta.dirname, '../..');

interface Rule { readonly AllowedOrigins: readonly string[]; readonly AllowedMethods: readonly string[]; readonly AllowedHeaders: readonly string[] }

/** The rule of the document, as the server takes it. */
function ruleOfDocument(): string {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/burnt-hub.md'), 'utf8')) ?? [];
  const { CORSRules } = JSON.parse(json) as { CORSRules: readonly Rule[] };
  const tags = (name: string, values: readonly string[]): string => values.map((value) => `<${name}>${value}</${name}>`).join('');
  return `<CORSConfiguration>${CORSRules.map((rule) => `<CORSRule>${tags('AllowedOrigin', rule.AllowedOrigins)}${tags('AllowedMethod', rule.AllowedMethods)}${tags('AllowedHeader', rule.AllowedHeaders)}</CORSRule>`).join('')}</CORSConfiguration>`;
}

/** What the hub's own upload sends to the bucket, with the sealed keys beside it below a prefix of their own; then the hub is gone. */
async function burn(folder: string, server: S3rver): Promise<string> {
  const made = await makeUploads(folder, {});
  made.credentials = writeCredentials(join(folder, 'credentials'), { 'disk.all': 'S3RVER\nS3RVER\n' });
  made.destinations = [{ name: 'disk', purpose: 'a copy in another house', kind: 's3', to: { url: server.url.href, bucket: 'bucket', prefix: 'house/' }, store: { ...rules, slots: 'far', slotsAt: 'keys' } }];
  const { vault, world } = made;
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 50 * hourMs, recipients: [world.owner.recipient, Identity.generate().recipient] });
  for (const minute of [0, 5]) await recordFilm(vault, period, { wallMs: start + minute * 60_000, rounds: 4 });
  await vault.finishPeriods(start + 2 * hourMs);
  const courier = await runCourier(made);
  await settle(made);
  const keys = join(folder, 'keys');
  const object = await putSlots({ data: world.folder, vault, store: keys, destinations: ['disk'] });
  const [first] = await vault.far.listed(['disk']);
  await courier[Symbol.asyncDispose]();
  await close(made);
  rmSync(world.folder, { recursive: true });
  if (first === undefined) throw new Error('nothing was sent');
  // As the server keeps its objects: the bytes, with two small files beside them that are any object's.
  const like = join(server.path, 'house', `${first.list}._S3rver_`);
  cpSync(join(keys, object.slice(0, 2), object), join(server.path, 'keys', `${object}._S3rver_object`));
  for (const part of ['object.md5', 'metadata.json']) cpSync(`${like}${part}`, join(server.path, 'keys', `${object}._S3rver_${part}`));
  return `${world.owner.reveal()}\n`;
}

async function fillIn(page: Page, name: string, o: { url: URL; prefix: string; key?: string }): Promise<void> {
  const place = page.getByRole('group', { name });
  await place.getByLabel('Kind of store').selectOption('s3');
  await place.getByLabel('Address').fill(o.url.href);
  await place.getByLabel('Bucket').fill('bucket');
  await place.getByLabel('Prefix').fill(o.prefix);
  await place.getByLabel('Key id').fill(o.key ?? 'S3RVER');
  await place.getByLabel('Secret key').fill('S3RVER');
}

t.test('the file alone plays from an S3 bucket', { skip: noChromium, timeout: 180_000 }, async (t) => {
  const [, file = ''] = execFileSync(join(root, 'scripts/viewer'), { cwd: root, encoding: 'utf8' }).trim().split(/\s+/);
  const folder = t.testdir();
  const server = await serveS3(folder, { cors: ruleOfDocument() });
  t.teardown(() => server.close());
  const kit = await burn(folder, server);
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  const spoken: { method: string; url: string; headers: Record<string, string> }[] = [];
  page.on('request', (request) => { if (/^https?:/.test(request.url())) spoken.push({ method: request.method(), url: request.url(), headers: request.headers() }); });
  await page.goto(pathToFileURL(join(root, file)).href);
  await fillIn(page, 'Where the footage is', { url: server.url, prefix: 'house' });
  await fillIn(page, 'Where the sealed keys are', { url: server.url, prefix: 'keys/', key: 'nobody' });
  await page.getByLabel('Or its characters').fill(kit);
  await page.getByRole('button', { name: 'Open' }).click();
  t.match(await page.getByRole('alert').textContent(), /InvalidAccessKeyId.*SP_FAR_REFUSED/, 'a key that the store does not know');
  await fillIn(page, 'Where the sealed keys are', { url: server.url, prefix: 'keys/' });
  await page.getByRole('button', { name: 'Open' }).click();
  await page.locator('.times .run').last().click();
  await untilShown(page, 'video');
  await page.locator('[role=status][data-state=ended]').waitFor();
  t.ok(spoken.every(({ url, method }) => new URL(url).origin === server.url.origin && method === 'GET'), 'it speaks to the store alone, and only reads');
  t.ok(spoken.some(({ headers }) => headers['range'] !== undefined), 'by ranges');
  t.notOk(spoken.some(({ url }) => /S3RVER|[Ss]ignature/.test(url)), 'and nothing of the key stands in an address');
});

t.test('without the rule the browser keeps the page from it, and the page says what is to be set', { skip: noChromium, timeout: 120_000 }, async (t) => {
  const [, file = ''] = execFileSync(join(root, 'scripts/viewer'), { cwd: root, encoding: 'utf8' }).trim().split(/\s+/);
  const folder = t.testdir();
  const server = await serveS3(folder);
  t.teardown(() => server.close());
  const kit = await burn(folder, server);
  const browser = await openBrowser(t);
  const { page } = await visitor(t, browser);
  await page.goto(pathToFileURL(join(root, file)).href);
  await fillIn(page, 'Where the footage is', { url: server.url, prefix: 'house' });
  await fillIn(page, 'Where the sealed keys are', { url: server.url, prefix: 'keys' });
  await page.getByLabel('Or its characters').fill(kit);
  await page.getByRole('button', { name: 'Open' }).click();
  t.match(await page.getByRole('alert').textContent(), /SP_FAR_UNREACHABLE.*docs\/burnt-hub\.md/);
});
