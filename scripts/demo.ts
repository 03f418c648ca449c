/** What `scripts/demo` runs: the real command line, the real hub, emulated cameras, and stock age, dd, ssh-keygen and ffmpeg as judges. */
import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { StatusReport } from '../src/api/contract.ts';
import { launch, run, type Child } from '../src/base/spawn.ts';
import { callHub } from '../src/cli/control.ts';
import { burnAndReturn, sendFar } from './demofar.ts';
import { DemoPage, demoName } from './demopage.ts';

const sallyport = resolve(import.meta.dirname, 'sallyport');
const { values: options } = parseArgs({ options: { once: { type: 'boolean' }, cameras: { type: 'string' }, 'keep-files': { type: 'boolean' }, clip: { type: 'string' } }, strict: true });
const cameraCount = Number(options.cameras ?? '2');
const startedAt = performance.now();

interface EmulatedCamera { name: string; address: string; onvifPort: number; urn: string; serial: string; user: string; password: string; device: { model: string; firmware: string }; scenes: { main: string } }
interface Found { id: string; address: string; port: number; urn?: string; sources: string[] }
interface Segment { camera: string; seq: number; startMs: number; durationMs: number; sizeBytes: number; path: string; state: string }
interface Plan { periods: { camera: string; startMs: number; endMs: number; deadlineMs: number; slot: number; segments: number }[] }

const keep = options.once === true ? '15 seconds' : '10 minutes';

/** Everything of one run of the demo: its folder, its children, its configuration. */
class Demo {
  readonly folder: string;
  readonly kit: string;
  readonly config: string;
  readonly data: string;
  readonly children: Child[] = [];
  readonly stepTimes: string[] = [];
  /** Of the account `demo` on the page. */
  readonly passphrase = randomBytes(6).toString('hex').replaceAll(/(....)(?=.)/g, '$1-');
  cameras: EmulatedCamera[] = [];
  /** The one that a rule of alarms is about. */
  watched: EmulatedCamera | undefined;
  hub: Child | undefined;
  /** The watched one shows a clip of somebody. */
  showsSomebody = false;
  sceneFolder = '';
  steps = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.kit = join(folder, 'owner', 'kit.txt');
    this.config = join(folder, 'sallyport.toml');
    this.data = join(folder, 'data');
  }

  /** Does one step of the story and prints what it saw; the first that fails ends it. */
  async step(name: string, work: () => Promise<string>): Promise<void> {
    const seen = await work();
    this.steps++;
    console.log(`${String(this.steps).padStart(2)}. ${name}: ${seen}`);
  }

  /** A command of ours; its standard output, or an error with what it said. */
  async call(args: readonly string[], input?: string): Promise<string> {
    const { status, stdout, stderr } = await this.attempt(args, input);
    if (status !== 0) throw new Error(`sallyport ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  }

  async attempt(args: readonly string[], input?: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const { status, stdout, stderr } = await run(sallyport, args, { timeoutMs: 60_000, ...(input === undefined ? {} : { input }) });
    return { status, stdout: stdout.toString(), stderr };
  }

  async json<T>(args: readonly string[], input?: string): Promise<T> {
    return JSON.parse(await this.call([...args, '--json'], input)) as T;
  }

  /** Asks the hub's socket as the command line does, without a process for each look. */
  status(): Promise<StatusReport> {
    return callHub(join(this.data, 'control.sock'), 'status', {});
  }

  /** Ends what was started, in the opposite order, and waits for it. */
  async close(): Promise<void> {
    for (const child of this.children.reverse()) {
      child.kill('SIGTERM');
      await Promise.race([child.exited, delay(8000, undefined, { ref: false })]);
      child.kill('SIGKILL');
    }
  }
}

function must(truth: boolean, otherwise: string): void {
  if (!truth) throw new Error(otherwise);
}

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await delay(300);
  }
  throw new Error(`waited ${seconds} s in vain for: ${what}`);
}

// The story

async function prepare(demo: Demo): Promise<void> {
  await demo.step('The owner makes a recovery kit', async () => {
    await demo.call(['keys', 'new', '--out', join(demo.folder, 'owner')]);
    const kit = await readFile(demo.kit, 'utf8');
    return `a standard age identity file, ${/public key: (\S+)/.exec(kit)?.[1]?.slice(0, 16)}…; the hub gets public halves only`;
  });
  const { stdout } = await run(resolve(import.meta.dirname, '../native/build/jail'), ['--probe']);
  const { level } = JSON.parse(stdout.toString()) as { level: string };
  await writeFile(demo.config, `# The demo's hub: short periods, real clock, real scheduler.
name = "Demo"
data = "data"
owner = "owner/owner.json"

[record]
period = "${options.once === true ? '10 seconds' : '1 minute'}"
cut_after = "5 seconds"

[keep]
footage = "${keep}"

[time]
source = "system"
settle = "2 seconds"

[page]
port = 0
http_port = 0

[discovery]
loopback = true
${level === 'off' ? '\n[capture]\njail = "off"   # this kernel has no Landlock\n' : ''}`);
  await demo.step('Cameras', async () => {
    const audio = Array.from({ length: cameraCount }, (_, index) => ['aac', 'none', 'alaw'][index % 3]).join(',');
    const child = await launch(sallyport, ['emulate', '--cameras', String(cameraCount), '--audio', audio, '--json'], { detached: true });
    demo.children.push(child);
    const telling = firstJson<{ folder: string; cameras: EmulatedCamera[] }>(child, 60);
    const { clip, what } = await clipOf(demo);
    // One that shows something else needs an emulator of its own.
    const watching = await launch(sallyport, ['emulate', '--cameras', '1', '--address', `127.0.0.${2 + cameraCount}`, ...(clip === undefined ? [] : ['--clip', clip, '--seconds', String(clipSeconds)]), '--json'], { detached: true });
    demo.children.push(watching);
    const told = await telling;
    demo.cameras = told.cameras;
    demo.sceneFolder = told.folder;
    demo.watched = { ...(await firstJson<{ cameras: EmulatedCamera[] }>(watching, 60)).cameras[0] as EmulatedCamera, name: 'hall' };
    const all = [...demo.cameras, demo.watched];
    return `${all.length} emulated ONVIF cameras: ${all.map((camera) => `${camera.name} at ${camera.address}:${camera.onvifPort}`).join(', ')}; hall shows ${what}`;
  });
  await demo.step('The hub', async () => {
    const begun = performance.now();
    const lines: string[] = [];
    const child = await launch(sallyport, ['run', '--config', demo.config], { detached: true, stderrLinesMax: 100_000, onErrorLine: (line) => lines.push(line) });
    child.stdout.resume();
    demo.children.push(child);
    demo.hub = child;
    await until('the hub to run', 20, async () => lines.some((line) => line.includes('the hub is running')) ? true : undefined).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${lines.join('\n')}`);
    });
    return `runs as process ${child.pid}, ready after ${Math.round(performance.now() - begun)} ms${level === 'off' ? '; this kernel does not keep its files from ffmpeg (no Landlock)' : ''}`;
  });
}

/** Of the clip, from where somebody comes in. */
const clipFromSeconds = 5;
const clipSeconds = 16;

/** What the third camera shows: a real clip, from the command line or as the tests have it, in which somebody walks through a room; else a scene that moves. */
async function clipOf(demo: Demo): Promise<{ clip: string | undefined; what: string }> {
  const given = options.clip ?? await import('../test/detect/pictures.ts').then(({ missing, walkClip }) => (missing(walkClip) === false ? walkClip : undefined), () => undefined);
  if (given === undefined) return { clip: undefined, what: 'a scene that moves, for there is no clip of somebody' };
  const clip = join(demo.folder, 'clip-of-hall.mp4');
  const from = options.clip === undefined ? clipFromSeconds : 0;
  const made = await run('ffmpeg', ['-v', 'error', '-ss', String(from), '-i', given, '-t', String(clipSeconds), '-an', '-c:v', 'libx264', '-preset', 'ultrafast', '-r', '15', '-g', '15', '-bf', '0', '-pix_fmt', 'yuv420p', clip], { timeoutMs: 60_000 });
  must(made.status === 0, `ffmpeg cannot read ${given}: ${made.stderr}`);
  demo.showsSomebody = true;
  return { clip, what: `the clip ${basename(given)}` };
}

/** The first JSON document that a child prints. */
async function firstJson<T>(child: Child, seconds: number): Promise<T> {
  let text = '';
  child.stdout.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing after ${seconds} s`)), seconds * 1000);
    void child.exited.then(() => reject(new Error('it ended at once')));
    child.stdout.on('data', (chunk: string) => {
      text += chunk;
      try {
        const value = JSON.parse(text) as T;
        clearTimeout(timer);
        resolve(value);
      } catch {
        // Not whole yet.
      }
    });
  });
}

async function findAndAdopt(demo: Demo): Promise<void> {
  let found: Found[] = [];
  await demo.step('Found', async () => {
    const result = await demo.json<{ found: Found[]; leftOut: unknown[] }>(['discover', '--config', demo.config]);
    found = camerasOf(demo).map((camera) => {
      const hit = result.found.find((candidate) => candidate.urn === camera.urn);
      must(hit !== undefined, `${camera.name} was not found`);
      must(hit?.sources.includes('ws-discovery') === true && hit.sources.includes('mdns'), `${camera.name} was found by ${hit?.sources.join()} only`);
      return hit as Found;
    });
    return found.map((camera) => `${camera.id} at ${camera.address}:${camera.port} by ${camera.sources.join(' and ')}`).join('; ');
  });
  await demo.step('A wrong password', async () => {
    const camera = demo.cameras[0] as EmulatedCamera;
    const { status, stderr } = await demo.attempt(['adopt', (found[0] as Found).id, '--user', camera.user, '--as', camera.name, '--config', demo.config], 'not-the-password\n');
    must(status !== 0 && stderr.includes('SP_CAMERA_REFUSED'), `it was not refused: ${status} ${stderr}`);
    return `"${stderr.split('\n')[0]}"`;
  });
  await demo.step('Adopted', async () => {
    const told: string[] = [];
    for (const [index, camera] of camerasOf(demo).entries()) {
      const text = await demo.call(['adopt', (found[index] as Found).id, '--user', camera.user, '--as', camera.name, '--config', demo.config], `${camera.password}\n`);
      const [, device, stream] = text.split('\n').map((line) => line.trim());
      must(text.includes(camera.serial), `the serial ${camera.serial} is not in: ${text}`);
      told.push(`${camera.name} (${device}; ${stream})`);
    }
    return told.join('; ');
  });
}

function camerasOf(demo: Demo): EmulatedCamera[] {
  return [...demo.cameras, demo.watched as EmulatedCamera];
}

async function addRule(demo: Demo): Promise<void> {
  await demo.step('A rule of alarms', async () => {
    const kind = demo.showsSomebody ? 'person' : 'motion';
    await appendFile(demo.config, `
[[alarm]]
name = "In the hall"
kinds = ["${kind}"]
cameras = ["hall"]
keep = "${keep}"
before = "2 seconds"
after = "3 seconds"
`);
    (demo.hub as Child).kill('SIGHUP');
    await until('the hub to look at the hall', 20, async () => (await demo.status()).cameras.find(({ camera }) => camera === 'hall')?.looking);
    return `"${kind}" in the hall is an alarm; the hub looks at the camera's small stream itself, from now on`;
  });
}

/** What somebody has who looks at the alarms: on the page with the device's key, at the terminal with the kit. */
async function alarm(demo: Demo, visitor: DemoPage): Promise<void> {
  const found = await until('an alarm with pictures', 60, async () => (await visitor.alarms('hall')).find(({ pictures }) => pictures.includes('full') && pictures.includes('text')));
  await demo.step('An alarm on the page', async () => {
    const { sizes, text } = await visitor.alarmPictures(found);
    return `${found.kind} in the hall at ${new Date(found.fromMs).toISOString()}, found by the hub in its jail; ${Object.entries(sizes).map(([which, bytes]) => `${which} of ${bytes} bytes`).join(', ')} opened by the device's own key; its words: ${text}`;
  });
  await demo.step('The alarm with the kit', async () => {
    const folder = join(demo.folder, 'alarm');
    await demo.call(['alarms', 'show', found.id, '--identity', demo.kit, '--to', folder, '--config', demo.config]);
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0', join(folder, `hall-${found.id}-full.jpg`)]);
    const [codec, width, height] = stdout.toString().trim().split(',');
    must(codec === 'mjpeg' && Number(width) >= 320, `the picture is none: ${stdout.toString()}`);
    const { status, stderr } = await demo.attempt(['alarms', 'show', found.id, '--identity', await strangersKit(demo), '--to', folder, '--config', demo.config]);
    must(status !== 0 && stderr.includes('SP_WRONG_IDENTITY'), `another kit was not refused: ${status} ${stderr}`);
    return `a JPEG of ${width}x${height} (ffprobe agrees); another kit opens none`;
  });
}

async function strangersKit(demo: Demo): Promise<string> {
  await demo.call(['keys', 'new', '--out', join(demo.folder, 'stranger')]);
  return join(demo.folder, 'stranger', 'kit.txt');
}

/** The page as its owner's browser uses it. */
async function page(demo: Demo): Promise<DemoPage> {
  const { page: { urls }, code } = await callHub(join(demo.data, 'control.sock'), 'pair', {});
  const url = urls.find((one) => one.startsWith('http://'));
  must(url !== undefined && code !== undefined, `the page is not open: ${urls.join()}`);
  const visitor = new DemoPage(url as string);
  await demo.step('The page', async () => {
    await visitor.begin({ code: code as string, kitFile: demo.kit, listFile: join(demo.folder, 'owner', 'owner.json'), passphrase: demo.passphrase });
    const html = await (await fetch(`${visitor.url}/`)).text();
    must(html.includes('<script type="module"'), `no page is served: ${html.slice(0, 200)}`);
    return `${urls.join(' and ')}; its first owner came with the one-time code, and the kit has signed for a device`;
  });
  await demo.step('Live on the page', async () => {
    const seen: string[] = [];
    for (const { name } of demo.cameras) {
      const { video, pictures } = await visitor.live(name, 10);
      seen.push(`${name}: ${pictures} pictures, ${video}`);
    }
    return seen.join('; ');
  });
  return visitor;
}

async function replay(demo: Demo, visitor: DemoPage): Promise<void> {
  await demo.step('The page\'s timeline', async () => {
    const seen: string[] = [];
    for (const { name } of demo.cameras) {
      const { segments, pictures, problems } = await until('a segment that the new device opens', 60, async () => {
        const found = await visitor.replay(name, Date.now() - 20_000, Date.now());
        // On a busy machine the oldest of it may go while it is looked at.
        return found.pictures > 0 && !found.problems.some((problem) => problem.endsWith(': 410')) ? found : undefined;
      });
      must(problems.length === 0, problems.join());
      seen.push(`${name}: ${segments} segments, ${pictures} pictures opened by the device's own key`);
    }
    return `${seen.join('; ')}; the hub handed out sealed bytes only`;
  });
}

async function record(demo: Demo): Promise<{ segments: Segment[]; copy: string }> {
  let segments: Segment[] = [];
  const copy = join(demo.folder, 'copy-before');
  await demo.step('Recorded sealed', async () => {
    let firstAfterMs = 0;
    await until('two sealed segments of each camera', 60, async () => {
      const status = await demo.status();
      if (firstAfterMs === 0 && status.cameras.some((camera) => camera.segmentsSealed > 0)) firstAfterMs = performance.now() - startedAt;
      return status.cameras.length === camerasOf(demo).length && status.cameras.every((camera) => camera.segmentsSealed >= 2) ? status : undefined;
    });
    // The copy a thief, or a careful owner, could have taken before the deadline.
    await copyLiving(join(demo.data, 'footage'), join(copy, 'footage'));
    await copyLiving(join(demo.data, 'keyring'), join(copy, 'keyring'));
    segments = (await demo.json<{ segments: Segment[] }>(['list', '--config', demo.config])).segments.filter((segment) => segment.state === 'complete');
    const there = new Set((await readdir(join(copy, 'footage'), { recursive: true })).map((name) => join('footage', name)));
    // What an alarm keeps is not purged with its hour, so the hall is left out of that story.
    segments = segments.filter((segment) => there.has(join('footage', segment.path)) && demo.cameras.some(({ name }) => name === segment.camera));
    must(segments.length >= 2 * demo.cameras.length, `only ${segments.length} segments`);
    const bytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    return `${segments.length} segments of ${demo.cameras.length} cameras, ${(bytes / 1e6).toFixed(1)} MB; the first was sealed ${(firstAfterMs / 1000).toFixed(1)} s after the demo began`;
  });
  await demo.step('Verified without any key of the owner', async () => (await demo.call(['verify', '--config', demo.config])).trim());
  return { segments, copy };
}

/** Of a hub that goes on: what gets its final name or is purged meanwhile is left out. */
async function copyLiving(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    const copied = entry.isDirectory() ? copyLiving(source, target) : entry.isFile() ? copyFile(source, target) : Promise.resolve();
    await copied.catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

async function open(demo: Demo, segments: readonly Segment[], copy: string): Promise<void> {
  await demo.step('Opened with stock dd and age', async () => {
    const seen: string[] = [];
    for (const camera of demo.cameras) {
      const segment = segments.filter((candidate) => candidate.camera === camera.name).at(-1) as Segment;
      const clip = await openWithStockTools(demo, copy, segment);
      const frames = await frameHashes(clip);
      const sent = await frameHashes(camera.scenes.main);
      must(frames.length > 0 && isCyclicRun(frames, sent), `the ${frames.length} frames of ${segment.path} are not those that ${camera.name} sent`);
      seen.push(`${camera.name}: ${frames.length} frames, each equal to the one sent`);
      await rm(clip);
    }
    return seen.join('; ');
  });
  await demo.step('Played', async () => {
    const segment = segments.at(-1) as Segment;
    const { stdout } = await run(sallyport, ['play', segment.camera, '--at', new Date(segment.startMs + 1000).toISOString(), '--for', '3 s', '--identity', demo.kit, '--data', copy], { timeoutMs: 30_000 });
    const probed = await countFrames(stdout);
    must(probed > 0, 'nothing plays');
    return `${probed} frames from ${new Date(segment.startMs + 1000).toISOString()} on, from a copied folder, without the hub and its working key`;
  });
  await demo.step('Exported', async () => {
    const camera = (demo.cameras[0] as EmulatedCamera).name;
    const { segments: now } = await demo.json<{ segments: Segment[] }>(['list', camera, '--config', demo.config]);
    const last = now.filter((segment) => segment.state === 'complete').slice(-2);
    const [from, to] = [last[0] as Segment, last.at(-1) as Segment];
    const clip = join(demo.folder, 'clip.mp4');
    const text = await demo.call(['export', camera, '--from', new Date(from.startMs).toISOString(), '--to', new Date(to.startMs + to.durationMs).toISOString(), '--identity', demo.kit, '--config', demo.config, '-o', clip]);
    const said = Number(/(\d+) pictures?/.exec(text)?.[1]);
    const probed = await countFrames(await readFile(clip));
    must(probed === said && probed > 0, `ffprobe counts ${probed} frames, the export says ${said}`);
    const manifest = await readFile(`${clip}.manifest.json`);
    const signer = /"signer":\s*"([^"]+)"/.exec(await readFile(join(demo.folder, 'owner', 'owner.json'), 'utf8'))?.[1] ?? '';
    await verifyBySshKeygen(demo, signer, 'sallyport-export', manifest, `${clip}.manifest.json.sig`);
    return `one MP4 of ${probed} frames (ffprobe counts the same), its manifest signed by the owner's key (ssh-keygen agrees)`;
  });
}

async function purge(demo: Demo, segments: readonly Segment[], copy: string): Promise<void> {
  const after = join(demo.folder, 'copy-after');
  await demo.step('The control, before the deadline\'s keys are gone', async () => {
    const opened = await openableSegments(demo, join(copy, 'keyring'), copy, segments);
    must(opened === segments.length, `${opened} of ${segments.length} open`);
    return `the copy with its keyring: ${opened} of ${segments.length} segments open with stock age and the kit`;
  });
  await demo.step('Purged', async () => {
    await until('the purge of what was copied', 60, async () => {
      const { periods } = await demo.json<Plan>(['purge', '--dry-run', '--config', demo.config]);
      const live = segments.some((segment) => periods.some((period) => period.camera === segment.camera && period.startMs <= segment.startMs && segment.startMs < period.endMs));
      return live ? undefined : true;
    });
    await copyLiving(demo.data, after);
    const { lastReceipt } = (await demo.status()).purge;
    const receipts = (await readdir(join(after, 'receipts'))).filter((name) => name.endsWith('.json'));
    const hub = (await readFile(join(demo.data, 'hub.pub'), 'utf8')).trim().split(' ').slice(0, 2).join(' ');
    for (const name of receipts) await verifyBySshKeygen(demo, hub, 'sallyport-receipt', await readFile(join(after, 'receipts', name)), join(after, 'receipts', `${name}.sig`));
    return `${receipts.length} receipts, signed by the hub (ssh-keygen agrees); the newest, number ${lastReceipt?.number}: ${lastReceipt?.segments} segments, ${lastReceipt?.readBack ? 'read back from the disk' : 'not read back: this file system has no direct reads'}`;
  });
  await demo.step('Beyond recovery', async () => {
    const old = await openableSegments(demo, join(after, 'keyring'), copy, segments);
    must(old === 0, `${old} of the segments copied before the purge still open`);
    const left = (await readdir(join(after, 'footage'), { recursive: true })).filter((name) => segments.some((segment) => segment.path === name));
    must(left.length === 0, `${left.join()} are still in the data folder`);
    // Whatever else the folder holds (database, its log, receipts) is tried as an identity file, too: none of it opens anything.
    const files = (await readdir(after, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const first = join(copy, 'footage', (segments[0] as Segment).path);
    for (const file of files) must((await run('age', ['-d', '-i', file, '-o', '/dev/null', first])).status !== 0, `${file} opens ${first}`);
    return `with the kit and both keyring files, stock age opens 0 of the ${segments.length} segments copied before the purge; none of them is left in a copy of the whole data folder, and none of its ${files.length} files opens one`;
  });
}

async function stop(demo: Demo): Promise<void> {
  await demo.step('Stopped', async () => {
    const hub = demo.hub as Child;
    const begun = performance.now();
    hub.kill('SIGTERM');
    const { status } = await hub.exited;
    const tookMs = performance.now() - begun;
    must(status === 0 && tookMs < 5000, `it ended with ${status} after ${Math.round(tookMs)} ms`);
    const verified = (await demo.call(['verify', '--config', demo.config])).trim();
    return `in ${Math.round(tookMs)} ms, segments closed; verified again: ${verified}`;
  });
}

// Judges: stock tools only

/** dd | age -d -i kit > hour.txt; age -d -i hour.txt segment > clip. */
async function openWithStockTools(demo: Demo, folder: string, segment: Segment): Promise<string> {
  const slots = await allSlots(join(folder, 'keyring'));
  for (const slot of slots) {
    const hour = await slotIdentity(demo, join(folder, 'keyring', 'keyring.1'), slot);
    if (hour === undefined) continue;
    const clip = join(demo.folder, `opened-${segment.camera}-${segment.seq}.mp4`);
    const { status } = await run('age', ['-d', '-i', hour, '-o', clip, join(folder, 'footage', segment.path)]);
    if (status === 0) return clip;
  }
  throw new Error(`no slot opens ${segment.path}`);
}

async function allSlots(keyring: string): Promise<number[]> {
  const bytes = await readFile(join(keyring, 'keyring.1'));
  return Array.from({ length: Math.floor(bytes.length / 4096) }, (_, slot) => slot);
}

async function slotIdentity(demo: Demo, keyring: string, slot: number): Promise<string | undefined> {
  const { stdout } = await run('dd', [`if=${keyring}`, 'bs=1024', `skip=${4 * slot}`, 'count=1', 'status=none']);
  const { status, stdout: identity } = await run('age', ['-d', '-i', demo.kit], { input: stdout });
  if (status !== 0) return undefined;
  const file = join(demo.folder, `hour-${slot}.txt`);
  await writeFile(file, identity, { mode: 0o600 });
  return file;
}

/** How many of the segments, as they lie in `folder`, any slot of `keyring` opens. */
async function openableSegments(demo: Demo, keyring: string, folder: string, segments: readonly Segment[]): Promise<number> {
  const identities: string[] = [];
  for (const file of ['keyring.1', 'keyring.2']) {
    for (const slot of await allSlots(keyring)) {
      const identity = await slotIdentity(demo, join(keyring, file), slot);
      if (identity !== undefined) identities.push('-i', identity);
    }
  }
  let opened = 0;
  for (const segment of segments) {
    if (identities.length === 0) break;
    const { status } = await run('age', ['-d', ...identities, '-o', '/dev/null', join(folder, 'footage', segment.path)]);
    if (status === 0) opened++;
  }
  return opened;
}

async function frameHashes(file: string): Promise<string[]> {
  const { status, stdout, stderr } = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'], { timeoutMs: 120_000 });
  if (status !== 0) throw new Error(`ffmpeg cannot decode ${file}: ${stderr}`);
  return stdout.toString().split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** Whether `run` lies in the endless repetition of `loop`. */
function isCyclicRun(run: readonly string[], loop: readonly string[]): boolean {
  return loop.some((_, start) => run.every((hash, index) => hash === loop[(start + index) % loop.length]));
}

async function countFrames(clip: Buffer): Promise<number> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', '-'], { input: clip });
  return Number(stdout.toString().trim().replace(',', ''));
}

async function verifyBySshKeygen(demo: Demo, publicKey: string, namespace: string, message: Buffer, signatureFile: string): Promise<void> {
  const signers = join(demo.folder, 'allowed-signers');
  await writeFile(signers, `signer ${publicKey}\n`);
  const { status, stdout, stderr } = await run('ssh-keygen', ['-Y', 'verify', '-f', signers, '-I', 'signer', '-n', namespace, '-s', signatureFile], { input: message });
  must(status === 0, `ssh-keygen does not accept ${signatureFile}: ${stdout.toString()} ${stderr}`);
}

/** The hub at work, until the person leaves. */
async function stay(demo: Demo, visitor: DemoPage): Promise<void> {
  let said: string[] = [];
  openBrowser(visitor.url);
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  let running = true;
  void stopped.then(() => { running = false; });
  while (running) {
    said = [...said, ...await visitor.sayYes().catch(() => [])];
    const text = await demo.call(['status', '--config', demo.config]).catch((error: unknown) => (error as Error).message);
    process.stdout.write(`${process.stdout.isTTY ? '\u001b[2J\u001b[H' : '\n'}${text}\nOpen ${visitor.url}
  name ${demoName}, passphrase ${demo.passphrase}; for old footage choose Timeline, Add this device: the demo, which has the kit, says yes.${said.map((device) => `\n  It has said yes to ${device}.`).join('')}
Try in another terminal:\n  export SALLYPORT_CONFIG=${demo.config} SALLYPORT_IDENTITY=${demo.kit}\n  ${sallyport} list\n  ${sallyport} play ${demo.cameras[0]?.name ?? 'front-door'} --at "-10 s" | ffplay -\n  ${sallyport} alarms\nCtrl-C ends the demo.\n`);
    await Promise.race([stopped, delay(2000, undefined, { ref: false })]);
  }
}

/** Where somebody sits before a screen. */
function openBrowser(url: string): void {
  if (process.stdout.isTTY && (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']) !== undefined) void run('xdg-open', [url], { timeoutMs: 10_000 }).catch(() => {});
}

const demo = new Demo(await mkdtemp(join(tmpdir(), 'sallyport-demo-')));
let failed = false;
try {
  await prepare(demo);
  await findAndAdopt(demo);
  await addRule(demo);
  if (options.once === true) {
    const visitor = await page(demo);
    const { segments, copy } = await record(demo);
    await replay(demo, visitor);
    await open(demo, segments, copy);
    await alarm(demo, visitor);
    await purge(demo, segments, copy);
    const far = await sendFar(demo, demo.hub as Child);
    await stop(demo);
    if (far !== undefined) await burnAndReturn(demo, far);
    console.log(`The whole story took ${((performance.now() - startedAt) / 1000).toFixed(0)} s.`);
  } else await stay(demo, await page(demo));
} catch (error) {
  failed = true;
  console.error(`FAILED after ${demo.steps} steps: ${(error as Error).message}`);
} finally {
  await demo.close();
  if (options['keep-files'] === true) console.log(`The demo's files are in ${demo.folder}`);
  else await rm(demo.folder, { recursive: true, force: true });
}
console.log(options.once === true ? `${demo.steps} passed, ${failed ? 1 : 0} failed` : 'The demo has ended; its files are removed.');
process.exitCode = failed ? 1 : 0;
