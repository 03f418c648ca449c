/**
 * The first hour as a household has it: from the address in a browser to sealed footage played back, in Chromium, on a real hub with its
 * usual settings and emulated cameras that it finds by itself. Each click and each key is counted and given a person's time; what the person
 * waits for is measured. In the end the hub's folders and the browser's profile are searched for plaintext of what the cameras sent.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { chromium, type Locator, type Page } from 'playwright-core';
import type { ReplyOf } from '../../src/api/contract.ts';
import { run } from '../../src/base/spawn.ts';
import { untilShown } from '../browser/browser.ts';
import { plaintextOf, searchFolders } from '../e2e/plaintext.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { benchOptions, figure, inFolder, report } from './measure.ts';

const options = benchOptions({ runs: 2, smokeRuns: 1, seconds: 1, smokeSeconds: 1 });
const [clickMs, keyMs] = [2000, 200];
const cameras = 2;
const passphrase = 'violet candle harbour';
/** As on a home network; what a person would type. */
const typedAddress = 'https://192.168.1.20:7443';
/** "Advanced" and "Proceed", before the certificate is trusted. */
const clicksOfWarning = 2;

/** All that a person does, and how long it is waited for. */
class Person {
  clicks = 0;
  keys = 0;
  decisions: string[] = [];
  readonly waits: { what: string; ms: number }[] = [];

  async click(at: Locator): Promise<void> {
    this.clicks++;
    await at.click();
  }

  /** A click into the field, and the keys. */
  async type(at: Locator, text: string): Promise<void> {
    this.clicks++;
    this.keys += text.length;
    await at.fill(text);
  }

  decide(what: string): void {
    this.decisions.push(what);
  }

  async wait(what: string, so: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    await so();
    this.waits.push({ what, ms: performance.now() - began });
  }

  get waitedMs(): number {
    return this.waits.reduce((sum, { ms }) => sum + ms, 0);
  }

  get tookMs(): number {
    return this.clicks * clickMs + this.keys * keyMs + this.waitedMs;
  }
}

async function firstHour(page: Page, site: TestSite, url: string, code: string): Promise<Person> {
  const person = new Person();
  person.keys += typedAddress.length + 1;
  person.clicks += clicksOfWarning;
  await person.wait('the page', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  });
  await person.type(page.getByLabel('One-time code'), code.replaceAll('-', ''));
  await person.click(page.getByRole('button', { name: 'Begin' }));
  await person.wait('the code', () => page.getByRole('heading', { name: 'Who are you?' }).waitFor());
  await person.type(page.getByLabel('Your name'), 'Anna');
  await person.type(page.getByLabel('Passphrase', { exact: true }), passphrase);
  await person.type(page.getByLabel('Passphrase, once more'), passphrase);
  await person.click(page.getByRole('button', { name: 'Next' }));

  await person.wait('the kit', () => page.locator('.kit-groups li').first().waitFor());
  const groups = await page.locator('.kit-groups .group').allTextContents();
  person.decide('where the kit goes');
  await Promise.all([page.waitForEvent('download'), person.click(page.getByRole('button', { name: 'Save as a file' }))]);
  await person.click(page.getByLabel('I have printed or saved it'));
  await person.click(page.getByRole('button', { name: 'Next' }));
  await person.wait('the question for two groups', () => page.getByRole('heading', { name: 'Prove it to yourself' }).waitFor());
  for (const label of await page.locator('.two label').allTextContents()) {
    await person.type(page.getByLabel(label, { exact: true }), (groups[Number(/\d+/.exec(label)?.[0] ?? 0) - 1] ?? '').toLowerCase());
  }
  await person.click(page.getByRole('button', { name: 'The kit is safe' }));

  await person.wait('cameras to be found', async () => {
    await page.getByRole('heading', { name: 'Your cameras' }).waitFor();
    await page.locator('.cameras-found').getByRole('checkbox').nth(cameras - 1).waitFor();
  });
  person.decide('which cameras, and their password');
  for (const camera of site.cameras) await person.click(page.locator('.cameras-found .found', { hasText: camera.address }).getByRole('checkbox'));
  const [first] = site.cameras;
  await person.type(page.getByLabel('User of the cameras'), first?.user ?? '');
  await person.type(page.getByLabel('Password of the cameras'), first?.password ?? '');
  await person.click(page.getByRole('button', { name: /^Take .* in$/ }));
  await person.wait('the cameras\' first pictures', async () => {
    await page.getByText('Taken in', { exact: true }).nth(cameras - 1).waitFor();
    await untilShown(page, '.found video');
  });
  await person.click(page.getByRole('button', { name: 'Go on', exact: true }));
  await person.wait('the disk\'s arithmetic', () => page.getByRole('button', { name: 'Keep it so long' }).waitFor());
  person.decide('how long to keep');
  await person.click(page.getByRole('radio', { name: /^3 days/ }));
  await person.click(page.getByRole('button', { name: 'Keep it so long' }));
  await person.wait('the first sealed footage, played', async () => {
    await page.getByRole('heading', { name: 'Sealed and recording' }).waitFor();
    await page.locator('.replay-screen video').waitFor({ timeout: 180_000 });
    await untilShown(page, '.replay-screen video');
  });
  await page.getByText(/Its key is destroyed on/).waitFor();
  return person;
}

/** Unlike every other clip: its noise is of this run alone. */
async function knownClip(file: string): Promise<string> {
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=640x360:r=15:d=4,noise=alls=20:all_seed=${randomInt(2 ** 30)}:allf=t`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '15', '-b:v', '2M', file]);
  if (made.status !== 0) throw new Error(made.stderr);
  return file;
}

/** As it comes, but on free ports and with cameras on loopback; segments of 2 s where it must be quick. */
const config = options.smoke ? quickConfig({ keep: '1 day' }) : 'name = "Test"\ndata = "data"\n\n[time]\nsource = "system"\n\n[page]\nport = 0\nhttp_port = 0\n\n[discovery]\nloopback = true\n';

execFileSync(resolve(import.meta.dirname, '../../scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });

const rounds: { person: Person; plaintextBytes: number; searched: string; found: readonly string[] }[] = [];
for (let round = 0; round < options.runs; round++) {
  await inFolder(options, async (folder) => {
    const ends: (() => unknown)[] = [];
    try {
      const clip = await knownClip(join(folder, 'known.mp4'));
      const [siteFolder, profile, downloads] = [join(folder, 's'), join(folder, 'profile'), join(folder, 'downloads')];
      for (const path of [siteFolder, profile, downloads]) await mkdir(path);
      const site = await TestSite.start({ teardown: (end) => void ends.push(end) }, { folder: siteFolder, owner: false, adopt: false, config, emulator: { cameras, clip, discovery: true, folder: join(folder, 'scenes') } });
      const { page: where, code } = await site.json<ReplyOf<'pair'>>(['pair', '--config', site.config]);
      const context = await chromium.launchPersistentContext(profile, {
        executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'], viewport: { width: 1280, height: 820 }, locale: 'en-GB', ignoreHTTPSErrors: true, acceptDownloads: true, downloadsPath: downloads,
      });
      ends.push(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      page.on('pageerror', (error) => console.error(`in the page: ${error.message}`));
      const person = await firstHour(page, site, where.urls.find((one) => one.startsWith('https://127.0.0.1')) ?? '', code ?? '');
      await context.close();
      const plaintext = await plaintextOf(site.cameras[0]?.scenes.main ?? '', [join(dirname(site.cameras[0]?.scenes.main ?? ''), 'main.jpg')]);
      const own = await searchFolders([site.data, join(site.folder, 'tmp')], plaintext);
      const browser = await searchFolders([profile, downloads], plaintext, { runsOnly: true });
      const found = [...own.findings, ...browser.findings];
      const bytes = await Promise.all(found.map(({ file }) => stat(file).then(({ size }) => size, () => 0)));
      rounds.push({
        person, plaintextBytes: bytes.reduce((sum, size) => sum + size, 0), found: found.map(({ file, what }) => `${file}: ${what}`),
        searched: `${own.files + browser.files} files, ${((own.bytes + browser.bytes) / 1e6).toFixed(1)} MB, for ${plaintext.runs} runs of the cameras' pictures`,
      });
    } finally {
      for (const end of ends.toReversed()) await end();
    }
  });
}

const of = (value: (person: Person) => number): number[] => rounds.map(({ person }) => value(person));
const last = rounds.at(-1);
report('The first hour', [
  figure('at a person\'s pace (2 s a click, 200 ms a key, waits)', 's', of(({ tookMs }) => tookMs / 1000)),
  figure('of it waiting for the hub and the browser', 's', of(({ waitedMs }) => waitedMs / 1000)),
  figure('clicks', '', of(({ clicks }) => clicks)),
  figure('keys', '', of(({ keys }) => keys)),
  figure('decisions', '', of(({ decisions }) => decisions.length)),
  figure('bytes of plaintext on disk', '', rounds.map(({ plaintextBytes }) => plaintextBytes)),
], options, [
  `aims: <= 300 s, 3 decisions, 0 bytes. Decisions: ${last?.person.decisions.join('; ') ?? ''}`,
  `waits: ${last?.person.waits.map(({ what, ms }) => `${what} ${(ms / 1000).toFixed(1)} s`).join(', ') ?? ''}`,
  `searched: ${last?.searched ?? ''}`, ...(last?.found ?? []),
]);
