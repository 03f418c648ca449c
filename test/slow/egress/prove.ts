/**
 * A house with all that can be on, whose only link leads to the far side of `link.ts`, and what is to be said of that link afterwards: nobody was spoken to
 * but who is declared, no name was asked for but theirs, and nothing that was seen here can be read there.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import type { ReplyOf, StatusReport } from '../../../src/api/contract.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { launch, run, type Child } from '../../../src/base/spawn.ts';
import { callHub } from '../../../src/cli/control.ts';
import type { NoticeMessageKind } from '../../../src/policy/noticing.ts';
import { Sealed } from '../../../src/seal/sealed.ts';
import { HubSide, startCourier, type Home, type Running } from '../../courier/kit.ts';
import { sallyport, shortFolder } from '../../e2e/site.ts';
import { Link, type FarScript } from './link.ts';
import type { Marker } from './markers.ts';
import { courierUser, homeAddress, hubUser } from './plan.ts';

export interface CameraFacts { readonly name: string; readonly address: string; readonly onvifPort: number; readonly user: string; readonly password: string; readonly serial: string; readonly urn: string; readonly scenes: { readonly main: string; readonly sub: string } }

export interface FarReport { readonly asked: string[]; readonly bodies: number; readonly strangers: string[]; readonly stored: string[] }

/** An order of the ledger and what came of it. */
export interface Left { readonly to: string; readonly object: string; readonly sha256: string; readonly sentBytes: number }

const places = ['porch-of-marigold', 'nursery-upstairs'];

export class House {
  readonly t: Test;
  readonly folder: string;
  readonly link: Link;
  readonly far: FarScript;
  readonly home: Home;
  readonly users: { readonly hub: number | undefined; readonly courier: number | undefined };
  readonly cameras: readonly CameraFacts[];
  readonly secrets: { readonly dav: string; readonly s3: { id: string; secret: string }; readonly hook: string; readonly topic: string; readonly token: string };
  readonly left: Left[] = [];
  readonly #hub: Child;
  readonly #emulator: Child;
  #courier: Running | undefined;
  hubSide!: HubSide;
  pairCode = '';

  private constructor(o: Pick<House, 't' | 'folder' | 'link' | 'far' | 'home' | 'users' | 'cameras' | 'secrets'> & { hub: Child; emulator: Child }) {
    this.t = o.t;
    this.folder = o.folder;
    this.link = o.link;
    this.far = o.far;
    this.home = o.home;
    this.users = o.users;
    this.cameras = o.cameras;
    this.secrets = o.secrets;
    this.#hub = o.hub;
    this.#emulator = o.emulator;
  }

  static async build(t: Test, link: Link): Promise<House> {
    const folder = await shortFolder(t);
    await chmod(folder, 0o755);
    const users = await usersFor(folder);
    t.comment(users.hub === undefined ? 'hub and courier run as one user: others may not read this checkout' : 'hub and courier run as two users');

    const farFolder = join(folder, 'far');
    await mkdir(farFolder);
    await certificate(farFolder);
    const dav = `dav ${randomBytes(12).toString('hex')}`;
    const far = await link.farScript(t, 'far.ts', [farFolder], { DAV_PASSWORD: dav.replaceAll(' ', '-') });
    const { key } = await far.next<{ key: { id: string; secret: string } }>();
    const secrets = { dav: dav.replaceAll(' ', '-'), s3: key, hook: randomBytes(20).toString('hex'), topic: `topic-${randomBytes(12).toString('hex')}`, token: `tk_${randomBytes(12).toString('hex')}` };

    const [emulator, cameras] = await emulated(t, link, folder);
    const home = await courierHome(folder, farFolder, users, secrets);
    const hub = await startHub(t, link, folder, users.hub, cameras);
    const house = new House({ t, folder, link, far, home, users, cameras, secrets, hub, emulator });
    for (const [index, camera] of cameras.entries()) {
      const { status, stderr } = await link.inHome([sallyport, 'secret', 'set', places[index] ?? '', '--config', join(folder, 'site/sallyport.toml')], { input: `${camera.password}\n` });
      if (status !== 0) throw new Error(`the password of ${camera.name}: ${stderr}`);
    }
    house.hubSide = await HubSide.open(home);
    return house;
  }

  get socket(): string {
    return join(this.folder, 'site/data/control.sock');
  }

  status(): Promise<StatusReport> {
    return callHub(this.socket, 'status', {});
  }

  async startCourier(): Promise<void> {
    const probe = JSON.parse((await run(resolve(import.meta.dirname, '../../../native/build/jail'), ['--probe'])).stdout.toString()) as { level: 'off' | 'files' | 'full' };
    this.#courier = await startCourier(this.home, ['--jail', probe.level], this.link.atHome(this.users.courier));
    this.t.teardown(() => this.#courier?.stop());
  }

  /** Somebody of the household on the far side of the link, which is this machine's LAN, too. */
  async visitor(seconds: number): Promise<FarScript> {
    const { code } = await callHub(this.socket, 'pair', {}) as ReplyOf<'pair'>;
    if (code === undefined) throw new Error('there is an owner already');
    this.pairCode = code;
    return this.link.farScript(this.t, 'visitor.ts', [`https://${homeAddress}:7443`, code, personName, String(seconds)]);
  }

  /** Puts what is sealed and new into the outbox, for both stores, and waits for the answers. Copies of what lay in the outbox stay in `outbox-copies/`. */
  async feed(): Promise<number> {
    const { outbox } = this.hubSide;
    const footage = join(this.folder, 'site/data/footage');
    const files = (await readdir(footage, { recursive: true })).filter((name) => /\.(age|hold)$/.test(name) && !this.#fed.has(name)).slice(0, 40);
    const placed: { name: string; to: string; object: string; sealed: Sealed }[] = [];
    for (const file of files) {
      const bytes = await readFile(join(footage, file)).catch(() => undefined);
      this.#fed.add(file);
      if (bytes === undefined) continue;
      const sealed = file.endsWith('.hold') ? Sealed.recogniseHold(bytes, file) : Sealed.recognise(bytes, file);
      // An hour's list says by its size how much there is; it leaves padded, in another form.
      if (sealed.sizeHidden) for (const to of ['dav', 's3']) placed.push({ ...(await outbox.put(sealed, { to, class: file.endsWith('.hold') ? 'hold' : file.includes('hour-') ? 'hours' : 'segment' })), to, sealed });
    }
    for (const { name, to, object } of placed) {
      await copyFile(join(this.home.outbox, 'out', name), join(this.folder, 'outbox-copies', name));
      const answer = await this.hubSide.answerTo(name);
      if (answer.outcome !== 'done') throw new Error(`${to}: ${JSON.stringify(answer)}`);
      const { sha256 } = JSON.parse((await readFile(join(this.home.outbox, 'out', name))).subarray(0, 4096).toString().trim()) as { sha256: string };
      this.left.push({ to, object, sha256, sentBytes: answer.sent_bytes });
      await this.hubSide.settle(name);
    }
    return placed.length;
  }
  readonly #fed = new Set<string>();

  /** One notice to each phone and program; resolves to the outcomes. */
  async notify(kind: NoticeMessageKind): Promise<string[]> {
    const outcomes: string[] = [];
    for (const to of ['hook', 'phone']) {
      const { name } = await this.hubSide.outbox.notice(to, { kind, camera: 'camera-1', atMs: Math.round(systemClock.wallMs()), id: randomBytes(16).toString('hex') });
      await copyFile(join(this.home.outbox, 'out', name), join(this.folder, 'outbox-copies', name));
      const answer = await this.hubSide.answerTo(name);
      outcomes.push(answer.code ?? answer.outcome);
      await this.hubSide.settle(name);
    }
    return outcomes;
  }

  /** What must stay here. */
  markers(): Marker[] {
    const text = (what: string, value: string): Marker => ({ what, text: value });
    return [
      text('the name of the hub', hubName), text('the name of a person', personName), text('a latitude', '52.4713'), text('a longitude', '13.3807'),
      ...zones.map((zone) => text(`zone ${zone}`, zone)), ...rules.map((rule) => text(`rule ${rule}`, rule)), ...places.map((place) => text(`camera ${place}`, place)), ...cameraNames.map((name) => text(`camera ${name}`, name)),
      ...this.cameras.flatMap(({ name, address, user, password, serial, urn, onvifPort }) => [
        text(`${name}: address`, `${address}:${onvifPort}`), text(`${name}: password`, password), text(`${name}: serial`, serial), text(`${name}: urn`, urn), text(`${name}: login`, `${user}:${password}`),
      ]),
      text('pairing code', this.pairCode), text('pairing code, short', this.pairCode.replaceAll('-', '')), text('data folder', join(this.folder, 'site/data')), ...purposes.map((purpose) => text(`purpose ${purpose}`, purpose)),
      { what: 'dav password', text: this.secrets.dav, told: true }, { what: 's3 secret', text: this.secrets.s3.secret, told: true }, { what: 'webhook key', text: this.secrets.hook, told: true },
      { what: 'ntfy topic', text: this.secrets.topic, told: true }, { what: 'ntfy token', text: this.secrets.token, told: true }, text('rtsp', 'rtsp://127.44.0'), text('a private key', 'AGE-SECRET-KEY-1'),
    ];
  }

  async stop(): Promise<void> {
    await this.#courier?.stop();
    this.#courier = undefined;
    for (const child of [this.#hub, this.#emulator]) {
      child.kill('SIGTERM');
      await child.exited;
    }
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  short(file: string): string {
    return relative(this.folder, file);
  }
}

const hubName = 'Marigold Lane 7';
const personName = 'Ottilie Brandtner';
const cameraNames = ['Porch of the Brandtners', 'Nursery of little Jonas'];
const zones = ['Gate of the neighbours', 'Bed of little Jonas'];
const rules = ['Burglar after midnight', 'Somebody at the bed'];
const purposes = ['a copy at my sister Elfriede\'s', 'a copy in a rented store', 'a program that switches the lamp', 'the phone of Ottilie'];

const siteConfig = (cameras: readonly CameraFacts[]): string => `name = "${hubName}"
data = "data"

[record]
period = "10 seconds"
cut_after = "2 seconds"

[keep]
footage = "1 hour"

[time]
source = "system"
settle = "1 second"

[page]
port = 7443
http_port = 0

[place]
latitude = 52.4713
longitude = 13.3807

[[zone]]
camera = "${places[0]}"
name = "${zones[0]}"
points = [[0, 0], [1, 0], [1, 1], [0, 1]]

[[zone]]
camera = "${places[1]}"
name = "${zones[1]}"
points = [[0, 0], [1, 0], [1, 1], [0, 1]]

[[alarm]]
name = "${rules[0]}"
cameras = ["${places[0]}"]
kinds = ["person", "motion", "doorbell"]

[[alarm]]
name = "${rules[1]}"
cameras = ["${places[1]}"]
kinds = ["motion", "person"]
${cameras.map(({ address, onvifPort, user }, index) => `
[[camera]]
id = "${places[index]}"
name = "${cameraNames[index]}"
address = "${address}"
port = ${onvifPort}
user = "${user}"
sub = true
detect = "camera"
`).join('')}`;

/** Two users where others may read this checkout; else none. */
async function usersFor(folder: string): Promise<House['users']> {
  const { status } = await run('setpriv', [`--reuid=${courierUser}`, `--regid=${courierUser}`, '--clear-groups', process.execPath, '-e', `require('fs').readFileSync(${JSON.stringify(resolve(import.meta.dirname, '../../../src/courier.ts'))}); require('fs').readdirSync(${JSON.stringify(folder)})`]);
  return status === 0 ? { hub: hubUser, courier: courierUser } : { hub: undefined, courier: undefined };
}

async function certificate(folder: string): Promise<void> {
  const names = ['dav', 's3', 'hook', 'ntfy', 'undeclared'].map((name) => `DNS:${name}.far.test`).join(',');
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem'), '-days', '2', '-subj', '/CN=far', '-addext', `subjectAltName=${names}`]);
  if (made.status !== 0) throw new Error(made.stderr);
}

async function emulated(t: Test, link: Link, folder: string): Promise<[Child, CameraFacts[]]> {
  const [first = '', ...rest] = [...link.atHome(), sallyport, 'emulate', '--cameras', '2', '--address', '127.44.0.2', '--seconds', '3', '--audio', 'aac,none', '--control', join(folder, 'emulator.sock'), '--folder', join(folder, 'scenes'), '--json'];
  const child = await launch(first, rest, { onErrorLine: (line) => console.error(line) });
  t.teardown(async () => { child.kill('SIGTERM'); await child.exited; });
  let text = '';
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    text += piece.toString();
    const read = parsed(text);
    if (read !== undefined) {
      child.stdout.resume();
      return [child, read.cameras];
    }
  }
  throw new Error('the emulated cameras ended');
}

function parsed(text: string): { cameras: CameraFacts[] } | undefined {
  try {
    return JSON.parse(text) as { cameras: CameraFacts[] };
  } catch {
    return undefined;
  }
}

/** As tmpfiles.conf has it. */
async function courierHome(folder: string, far: string, users: House['users'], secrets: House['secrets']): Promise<Home> {
  const home: Home = { folder, outbox: join(folder, 'outbox'), state: join(folder, 'courier'), config: join(folder, 'outbox/destinations.json'), credentials: join(folder, 'credentials') };
  const [hub, courier] = [users.hub ?? 0, users.courier ?? 0];
  const make = async (path: string, mode: number, owner: number, group: number): Promise<void> => {
    await mkdir(path);
    await chown(path, owner, group);
    await chmod(path, mode);
  };
  await make(home.outbox, 0o2750, hub, courier);
  await make(join(home.outbox, 'out'), 0o2750, hub, courier);
  await make(join(home.outbox, 'back'), 0o2750, courier, hub);
  await make(home.state, 0o700, courier, courier);
  await make(home.credentials, 0o700, courier, courier);
  await mkdir(join(folder, 'outbox-copies'));
  const ca = join(far, 'cert.pem');
  await writeFile(home.config, JSON.stringify({ v: 1, destinations: [
    { name: 'dav', purpose: purposes[0], kind: 'webdav', url: 'https://dav.far.test/', ca },
    { name: 's3', purpose: purposes[1], kind: 's3', url: 'https://s3.far.test/', bucket: 'bucket', ca },
    { name: 'hook', purpose: purposes[2], kind: 'webhook', url: 'https://hook.far.test/house', ca, group_seconds: 0, per_hour: 1000 },
    { name: 'phone', purpose: purposes[3], kind: 'ntfy', url: 'https://ntfy.far.test/', ca, group_seconds: 0, per_hour: 1000 },
  ] }), { mode: 0o640 });
  await chown(home.config, hub, courier);
  for (const [name, text] of Object.entries({ 'dav.all': `sally\n${secrets.dav}\n`, 's3.all': `${secrets.s3.id}\n${secrets.s3.secret}\n`, 'hook.key': `${secrets.hook}\n`, 'phone.topic': `${secrets.topic}\n`, 'phone.token': `${secrets.token}\n` })) {
    await writeFile(join(home.credentials, name), text, { mode: 0o600 });
    await chown(join(home.credentials, name), courier, courier);
  }
  return home;
}

async function startHub(t: Test, link: Link, folder: string, user: number | undefined, cameras: readonly CameraFacts[]): Promise<Child> {
  const site = join(folder, 'site');
  await mkdir(join(site, 'conf.d'), { recursive: true });
  await mkdir(join(site, 'tmp'));
  await writeFile(join(site, 'sallyport.toml'), siteConfig(cameras));
  for (const path of [site, join(site, 'conf.d'), join(site, 'tmp')]) await chown(path, user ?? 0, user ?? 0);
  const [first = '', ...rest] = [...link.atHome(user), sallyport, 'run', '--config', join(site, 'sallyport.toml')];
  const log: string[] = [];
  const hub = await launch(first, rest, { environment: { TMPDIR: join(site, 'tmp') }, stderrLinesMax: 1_000_000, onErrorLine: (line) => log.push(line) });
  hub.stdout.resume();
  t.teardown(async () => { hub.kill('SIGKILL'); await hub.exited; });
  while (!log.some((line) => line.includes('the hub is running'))) {
    if (await Promise.race([hub.exited.then(() => true), delay(50, false)])) throw new Error(`the hub ended at once:\n${log.join('\n')}`);
  }
  return hub;
}
