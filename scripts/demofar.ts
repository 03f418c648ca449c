/**
 * The demo's fire: what was recorded is sent, sealed, to a WebDAV server of this machine, the sealed keys to a second one; then the hub's folder is gone. With the
 * stores and the kit viewer.html plays it, and `sallyport restore` brings the hub back. Left out, and said so, where there is no rclone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { launch, run, type Child } from '../src/base/spawn.ts';
import { readSlotsHead } from '../src/seal/format/slotsobject.ts';
import { openCorsDoor } from './corsdoor.ts';

const root = resolve(import.meta.dirname, '..');
const chromium = '/usr/bin/chromium';
const login = { user: 'demo', password: 'a-login-of-the-demo' };

/** Of the demo, what is needed here. */
export interface Burning {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly kit: string;
  readonly children: Child[];
  step(name: string, work: () => Promise<string>): Promise<void>;
  call(args: readonly string[], input?: string): Promise<string>;
  attempt(args: readonly string[], input?: string): Promise<{ status: number | null; stdout: string; stderr: string }>;
}

interface Dav { readonly url: URL; readonly path: string }
export interface Far { readonly nas: Dav; readonly keys: Dav }

/** While the hub runs: two stores are declared, accepted, given their logins, and get what is due to them. */
export async function sendFar(demo: Burning, hub: Child): Promise<Far | undefined> {
  if ((await run('rclone', ['version'], { timeoutMs: 20_000 }).catch(() => undefined))?.status !== 0) {
    console.log('    (no rclone here: the fire is left out)');
    return undefined;
  }
  let far: Far | undefined;
  await demo.step('Sent away', async () => {
    const [nas, keys] = [await serve(demo, 'nas'), await serve(demo, 'keys')];
    const table = (name: string, { url }: Dav, purpose: string, more: string): string => `\n[[destination]]\nname = "${name}"\nkind = "webdav"\nurl = "${url.href}"\npurpose = "${purpose}"\n${more}\n`;
    await appendFile(demo.config, table('nas', nas, 'the footage survives a fire', 'send = "all"\nslots = "far"\nslots_at = "keys"') + table('keys', keys, 'the sealed keys of what is at nas', 'send = "alarms"\ncameras = []'));
    hub.kill('SIGHUP');
    for (const name of ['nas', 'keys']) await demo.call(['secret', 'set', `${name}.all`, '--config', demo.config], `${login.user}\n${login.password}\n`);
    const asked = await until('two changes that wait for the owner\'s yes', 20, async () => {
      const lines = (await demo.call(['accept', '--config', demo.config])).split('\n').filter((line) => /^\S+ {2}.*(nas|keys) \(WebDAV/.test(line));
      return lines.length >= 2 ? lines : undefined;
    });
    for (const line of asked) await demo.call(['accept', line.split(' ')[0] as string, '--identity', demo.kit, '--config', demo.config]);
    const { slots, objects } = await until('keys and footage at the stores', 60, async () => {
      const [object] = await objectsIn(keys.path);
      const head = object === undefined ? undefined : readSlotsHead(readFileSync(object).subarray(0, 256));
      const footage = await objectsIn(nas.path);
      return head !== undefined && head.slots >= 2 && footage.length >= 6 ? { slots: head.slots, objects: footage.length } : undefined;
    });
    far = { nas, keys };
    return `after the owner's signed yes: ${objects} sealed objects under random names at one WebDAV server (rclone), ${slots} sealed keys in one object at another`;
  });
  return far;
}

/** After the hub was stopped. */
export async function burnAndReturn(demo: Burning, { nas, keys }: Far): Promise<void> {
  await rm(demo.data, { recursive: true, force: true });
  if (existsSync(chromium)) await demo.step('Burnt, and seen in viewer.html', () => view(demo, { nas, keys }));
  else console.log('    (no Chromium here: viewer.html is left out)');
  await demo.step('Brought back', async () => {
    const file = join(demo.folder, 'login.txt');
    await writeFile(file, `${login.user}\n${login.password}\n`, { mode: 0o600 });
    const { stdout, stderr } = await demo.attempt(['restore', '--from', nas.url.href, '--far-login', file, '--slots', keys.url.href, '--slots-login', file, '--identity', demo.kit, '--data', demo.data, '--json']);
    if (!stdout.startsWith('{')) throw new Error(`restore: ${stderr}`);
    const { segments, periods, problems } = JSON.parse(stdout) as { segments: number; periods: number; problems: { code: string; message: string }[] };
    // A purge may have been under way: what it had destroyed here is gone there first.
    const odd = problems.filter(({ code }) => code !== 'SP_FAR_MISSING');
    if (segments === 0 || odd.length > 0) throw new Error(`${segments} segments came back; ${odd.map(({ message }) => message).join()}`);
    const verified = (await demo.call(['verify', '--data', demo.data])).trim();
    return `${segments} segments of ${periods} periods, from the two stores and the kit alone; verified: ${verified}`;
  });
}

/** The released file as a person has it, in a browser that has never seen the hub. */
async function view(demo: Burning, { nas, keys }: Far): Promise<string> {
  const { stdout } = await run(join(root, 'scripts/viewer'), [], { timeoutMs: 60_000 });
  const [hash = '', file = ''] = stdout.toString().trim().split(/\s+/);
  const { chromium: engine } = await import('playwright-core');
  const doors = [await openCorsDoor(nas.url), await openCorsDoor(keys.url)] as const;
  const browser = await engine.launch({ executablePath: chromium, args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(pathToFileURL(join(root, file)).href);
    for (const [name, door] of [['Where the footage is', doors[0]], ['Where the sealed keys are', doors[1]]] as const) {
      const place = page.getByRole('group', { name });
      await place.getByLabel('Address').fill(door.url.href);
      await place.getByLabel('User').fill(login.user);
      await place.getByLabel('Password').fill(login.password);
    }
    await page.getByLabel('The file kit.txt').setInputFiles(demo.kit);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('.times .run').first().click();
    const frames = await until('pictures in the viewer', 60, async () => {
      const shown = await page.evaluate("document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0");
      return typeof shown === 'number' && shown > 10 ? shown : undefined;
    });
    return `the hub's folder is gone; one file (SHA-256 ${hash.slice(0, 16)}…) in Chromium, the two stores and the kit: ${frames} pictures shown so far`;
  } finally {
    await browser.close();
    for (const door of doors) await door.close();
  }
}

async function serve(demo: Burning, name: string): Promise<Dav> {
  const path = join(demo.folder, 'stores', name);
  await mkdir(path, { recursive: true });
  let heard: (url: string) => void = () => {};
  const listens = new Promise<string>((tell) => { heard = tell; });
  const child = await launch('rclone', ['serve', 'webdav', '--addr', '127.0.0.1:0', '--user', login.user, '--pass', login.password, '--config', join(demo.folder, 'rclone.conf'), '--dir-cache-time', '0s', path], {
    environment: { HOME: demo.folder }, package: 'rclone', detached: true, stderrLinesMax: 100_000,
    onErrorLine: (line) => { const url = /started on \[?(http:\S+?)\]?$/i.exec(line)?.[1]; if (url !== undefined) heard(url); },
  });
  child.stdout.resume();
  demo.children.push(child);
  return { path, url: new URL(await Promise.race([listens, child.exited.then(({ status }) => { throw new Error(`rclone ended with ${status}`); })])) };
}

async function objectsIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && /^[0-9a-f]{32}$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
}

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await delay(300)) {
    const seen = await look();
    if (seen !== undefined) return seen;
  }
  throw new Error(`waited ${seconds} s in vain for: ${what}`);
}
