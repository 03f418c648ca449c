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
import { silentLog } from '../../../src/base/log.ts';
import { launch, run, type Child } from '../../../src/base/spawn.ts';
import { callHub } from '../../../src/cli/control.ts';
import { modelId } from '../../../src/detect/client.ts';
import type { NoticeMessageKind } from '../../../src/policy/noticing.ts';
import { Vault, type LedgerRow } from '../../../src/vault/vault.ts';
import { HubSide, startCourier, type Home, type Running } from '../../courier/kit.ts';
import { quickTables, sallyport, shortFolder } from '../../e2e/site.ts';
import { consentOf, dayMs, somebody } from '../../vault/somebody.ts';
import { emulatedAtHome, type CameraFacts } from './cameras.ts';
import { Link, type FarScript } from './link.ts';
import type { Marker } from './markers.ts';
import { courierUser, homeAddress, hubUser } from './plan.ts';

export interface FarReport { readonly asked: string[]; readonly bodies: number; readonly states: number; readonly strangers: string[]; readonly joined: string[]; readonly stored: string[] }

const places = ['porch-of-marigold', 'nursery-upstairs'];

export class House {
  readonly t: Test;
  readonly folder: string;
  readonly link: Link;
  readonly far: FarScript;
  readonly home: Home;
  readonly users: { readonly hub: number | undefined; readonly courier: number | undefined };
  readonly cameras: readonly CameraFacts[];
  readonly secrets: { readonly dav: string; readonly s3: { id: string; secret: string }; readonly hook: string; readonly topic: string; readonly token: string; readonly broker: string };
  readonly #hub: Child;
  readonly #emulator: Child;
  #courier: Running | undefined;
  #hubSide: HubSide | undefined;
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
    const dav = `dav-${randomBytes(12).toString('hex')}`;
    const broker = randomBytes(15).toString('hex');
    const far = await link.farScript(t, 'far.ts', [farFolder], { DAV_PASSWORD: dav, MQTT_PASSWORD: broker });
    const { key } = await far.next<{ key: { id: string; secret: string } }>();
    const secrets = { dav, broker, s3: key, hook: randomBytes(20).toString('hex'), topic: `topic-${randomBytes(12).toString('hex')}`, token: `tk_${randomBytes(12).toString('hex')}` };

    const [emulator, cameras] = await emulatedAtHome(t, link, folder, ['--cameras', '2', '--audio', 'aac,none', '--ptz', 'on', '--control', join(folder, 'emulator.sock')]);
    const home = await courierHome(folder, users, secrets);
    const hub = await startHub(t, link, folder, users.hub, cameras);
    const house = new House({ t, folder, link, far, home, users, cameras, secrets, hub, emulator });
    for (const [index, camera] of cameras.entries()) {
      const { status, stderr } = await link.inHome([sallyport, 'secret', 'set', places[index] ?? '', '--config', join(folder, 'site/sallyport.toml')], { input: `${camera.password}\n` });
      if (status !== 0) throw new Error(`the password of ${camera.name}: ${stderr}`);
    }
    return house;
  }

  /** The hub's side of the outbox, once the hub has stopped. */
  get hubSide(): HubSide {
    if (this.#hubSide === undefined) throw new Error('the hub has it');
    return this.#hubSide;
  }

  get socket(): string {
    return join(this.folder, 'site/data/control.sock');
  }

  status(): Promise<StatusReport> {
    return callHub(this.socket, 'status', {});
  }

  /** Somebody of the household on the far side of the link, which is this machine's LAN, too. */
  async visitor(seconds: number): Promise<FarScript> {
    const { code } = await callHub(this.socket, 'pair', {}) as ReplyOf<'pair'>;
    if (code === undefined) throw new Error('there is an owner already');
    this.pairCode = code;
    return this.link.farScript(this.t, 'visitor.ts', [`https://${homeAddress}:7443`, code, personName, String(seconds)]);
  }

  /** The owner's yes to each destination; resolves when the courier serves them all. */
  async declare(kit: string): Promise<void> {
    await writeFile(this.path('kit.txt'), `${kit}\n`, { mode: 0o600 });
    // And to the notice about faces.
    const wanted = Object.keys(purposesOf).length + 1;
    const waits = async (): Promise<StatusReport['pending']> => (await this.status()).pending;
    while ((await waits()).length < wanted) await delay(100);
    for (const { id } of await waits()) {
      const { status, stderr } = await run(sallyport, ['accept', id, '--identity', this.path('kit.txt'), '--socket', this.socket], { timeoutMs: 60_000 });
      if (status !== 0) throw new Error(`the owner's yes: ${stderr}`);
    }
    while (!(await readFile(this.home.config, 'utf8').then((text) => Object.keys(purposesOf).every((name) => text.includes(`"name":"${name}"`)), () => false))) await delay(100);
    await this.startCourier();
    void this.#copyOutbox();
  }

  async startCourier(): Promise<void> {
    const probe = JSON.parse((await run(resolve(import.meta.dirname, '../../../native/build/jail'), ['--probe'])).stdout.toString()) as { level: 'off' | 'files' | 'full' };
    this.#courier = await startCourier(this.home, ['--jail', probe.level], this.link.atHome(this.users.courier));
    this.t.teardown(() => this.#courier?.stop());
  }

  /** Copies of what lies in the outbox, while it is there; an order that is settled at once may be missed. */
  async #copyOutbox(): Promise<void> {
    const out = join(this.home.outbox, 'out');
    const copied = new Set<string>();
    while (!this.#stopped) {
      for (const name of await readdir(out).catch(() => [])) {
        if (name.endsWith('.part') || copied.has(name)) continue;
        if (await copyFile(join(out, name), join(this.folder, 'outbox-copies', name)).then(() => true, () => false)) copied.add(name);
      }
      await delay(50);
    }
  }
  #stopped = false;

  /** What the courier sent of this hub's own accord, as the ledger has it. After the hub has stopped. */
  async ledger(): Promise<LedgerRow[]> {
    const vault = await Vault.open({ folder: join(this.folder, 'site/data'), clock: systemClock, log: silentLog, hubName });
    try {
      return (await vault.far.lines({ limit: 100_000 })).toSorted((one, other) => one.n - other.n);
    } finally {
      await vault.close();
    }
  }

  /** One notice to each phone and program, past the hub; resolves to the outcomes. */
  async notify(kind: NoticeMessageKind): Promise<string[]> {
    const outcomes: string[] = [];
    for (const to of ['hook', 'phone', 'broker']) {
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
      text('the name of the hub', hubName), text('the name of a person', personName), text('the name of somebody enrolled', enrolledName), text('who gave consent', consentName), text('a latitude', '52.4713'), text('a longitude', '13.3807'),
      ...zones.map((zone) => text(`zone ${zone}`, zone)), ...rules.map((rule) => text(`rule ${rule}`, rule)), ...places.map((place) => text(`camera ${place}`, place)), ...cameraNames.map((name) => text(`camera ${name}`, name)),
      ...this.cameras.flatMap(({ name, address, user, password, serial, urn, onvifPort }) => [
        text(`${name}: address`, `${address}:${onvifPort}`), text(`${name}: password`, password), text(`${name}: serial`, serial), text(`${name}: urn`, urn), text(`${name}: login`, `${user}:${password}`),
      ]),
      text('pairing code', this.pairCode), text('pairing code, short', this.pairCode.replaceAll('-', '')), text('data folder', join(this.folder, 'site/data')), ...Object.values(purposesOf).map((purpose) => text(`purpose ${purpose}`, purpose)),
      { what: 'dav password', text: this.secrets.dav, told: true }, { what: 's3 secret', text: this.secrets.s3.secret, told: true }, { what: 'webhook key', text: this.secrets.hook, told: true },
      { what: 'broker password', text: this.secrets.broker, told: true }, { what: 'ntfy topic', text: this.secrets.topic, told: true }, { what: 'ntfy token', text: this.secrets.token, told: true }, text('rtsp', 'rtsp://127.44.0'), text('a private key', 'AGE-SECRET-KEY-1'),
    ];
  }

  async stopHub(): Promise<void> {
    for (const child of [this.#hub, this.#emulator]) {
      child.kill('SIGTERM');
      await child.exited;
    }
    this.#hubSide = await HubSide.open(this.home);
  }

  /** Orders that the hub had not settled when it stopped, answered by now. */
  readonly answered: { to: string; object: string; sentBytes: number }[] = [];

  /** Waits until every order has its answer. */
  async settled(): Promise<void> {
    for (const [name, order] of this.hubSide.outbox.orders) {
      const { sent_bytes: sentBytes } = await this.hubSide.answerTo(name);
      this.answered.push({ to: order.to, object: 'object' in order ? order.object : '', sentBytes });
    }
  }

  async stopCourier(): Promise<void> {
    this.#stopped = true;
    await this.#courier?.stop();
    this.#courier = undefined;
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
const enrolledName = 'Leonore Amselgruber';
const consentName = 'Konstantin Amselgruber';
const cameraNames = ['Porch of the Brandtners', 'Nursery of little Jonas'];
const zones = ['Gate of the neighbours', 'Bed of little Jonas'];
const rules = ['Burglar after midnight', 'Somebody at the bed'];
const purposesOf: Readonly<Record<string, string>> = { dav: 'a copy at my sister Elfriede\'s', s3: 'a copy in a rented store', hook: 'a program that switches the lamp', phone: 'the phone of Ottilie', broker: 'the lights of Marigold Lane', disk: 'the disk under the stairs' };

const farKinds = (disk: string): Readonly<Record<string, string>> => ({
  disk: `kind = "folder"\npath = "${disk}"\nmount = false\nsend = "all"`,
  dav: 'kind = "webdav"\nurl = "https://dav.far.test/"\nsend = "all"',
  s3: 'kind = "s3"\nurl = "https://s3.far.test/"\nbucket = "bucket"\nsend = "all"\nslots = "far"\nslots_at = "dav"',
  hook: 'kind = "webhook"\nurl = "https://hook.far.test/house"\nproxy = "http://proxy.far.test:3128"\npicture = true\ngroup = "0 seconds"\nper_hour = 1000',
  phone: 'kind = "ntfy"\nurl = "https://ntfy.far.test/"\npicture = true\ngroup = "0 seconds"\nper_hour = 1000',
  broker: 'kind = "mqtt"\nurl = "mqtts://mqtt.far.test:8883"\ngroup = "0 seconds"\nper_hour = 1000\ndiscovery = "homeassistant"\ncommands = true',
});

const siteConfig = (cameras: readonly CameraFacts[], ca: string, disk: string): string => `name = "${hubName}"
data = "data"

${quickTables()}
[page]
port = 7443
http_port = 0

[faces]
enabled = true

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
after = "4 seconds"

[[alarm]]
name = "${rules[1]}"
cameras = ["${places[1]}"]
kinds = ["motion", "person"]
after = "4 seconds"
${Object.entries(farKinds(disk)).map(([name, keys]) => `
[[destination]]
name = "${name}"
purpose = "${purposesOf[name]}"
${name === 'disk' ? '' : `ca = "${ca}"`}
${keys}
`).join('')}
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

export async function certificate(folder: string): Promise<void> {
  const names = ['IP:127.0.0.1', ...['dav', 's3', 'hook', 'ntfy', 'mqtt', 'undeclared'].map((name) => `DNS:${name}.far.test`)].join(',');
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem'), '-days', '2', '-subj', '/CN=far', '-addext', `subjectAltName=${names}`]);
  if (made.status !== 0) throw new Error(made.stderr);
}

/** As tmpfiles.conf has it. */
async function courierHome(folder: string, users: House['users'], secrets: House['secrets']): Promise<Home> {
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
  await make(join(folder, 'disk'), 0o700, courier, courier);
  await mkdir(join(folder, 'outbox-copies'));
  for (const [name, text] of Object.entries({ 'dav.all': `sally\n${secrets.dav}\n`, 's3.all': `${secrets.s3.id}\n${secrets.s3.secret}\n`, 'hook.key': `${secrets.hook}\n`, 'phone.topic': `${secrets.topic}\n`, 'phone.token': `${secrets.token}\n`, 'broker.login': `hub\n${secrets.broker}\n` })) {
    await writeFile(join(home.credentials, name), text, { mode: 0o600 });
    await chown(join(home.credentials, name), courier, courier);
  }
  return home;
}

/** As the page does, with numbers and a picture of nobody. */
async function enrol(data: string): Promise<void> {
  const vault = await Vault.open({ folder: data, clock: systemClock, log: silentLog, hubName });
  const nowMs = Math.round(systemClock.wallMs());
  await vault.people.enrol(somebody(enrolledName, { model: modelId, consent: consentOf({ atMs: nowMs, givenBy: consentName }), lapsesMs: nowMs + 100 * dayMs, forgottenMs: nowMs + 130 * dayMs }));
  await vault.close();
}

async function startHub(t: Test, link: Link, folder: string, user: number | undefined, cameras: readonly CameraFacts[]): Promise<Child> {
  const site = join(folder, 'site');
  await mkdir(join(site, 'conf.d'), { recursive: true });
  await mkdir(join(site, 'tmp'));
  await writeFile(join(site, 'sallyport.toml'), siteConfig(cameras, join(folder, 'far/cert.pem'), join(folder, 'disk')));
  await enrol(join(site, 'data'));
  for (const path of [site, ...(await readdir(site, { recursive: true })).map((name) => join(site, name))]) await chown(path, user ?? 0, user ?? 0);
  const [first = '', ...rest] = [...link.atHome(user), sallyport, 'run', '--config', join(site, 'sallyport.toml')];
  const log: string[] = [];
  const hub = await launch(first, rest, { environment: { TMPDIR: join(site, 'tmp'), SALLYPORT_OUTBOX: join(folder, 'outbox'), SALLYPORT_COURIER: 'service' }, stderrLinesMax: 1_000_000, onErrorLine: (line) => log.push(line) });
  hub.stdout.resume();
  t.teardown(async () => { hub.kill('SIGKILL'); await hub.exited; });
  while (!log.some((line) => line.includes('the hub is running'))) {
    if (await Promise.race([hub.exited.then(() => true), delay(50, false)])) throw new Error(`the hub ended at once:\n${log.join('\n')}`);
  }
  return hub;
}
