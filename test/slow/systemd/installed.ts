/** Sallyport, installed on a machine that systemd runs, with an emulated camera in the house and stores on the far side of its only link. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import type { StatusReport } from '../../../src/api/contract.ts';
import { callHub } from '../../../src/cli/control.ts';
import { run } from '../../../src/base/spawn.ts';
import { quickTables, shortFolder } from '../../e2e/site.ts';
import { emulatedAtHome, type CameraFacts } from '../egress/cameras.ts';
import { Link, type FarScript } from '../egress/link.ts';
import { certificate } from '../egress/prove.ts';
import { Machine } from './machine.ts';

const config = '/etc/sallyport/sallyport.toml';
const destinations: Readonly<Record<'dav' | 's3', string>> = {
  dav: 'kind = "webdav"\nurl = "https://dav.far.test/"',
  s3: 'kind = "s3"\nurl = "https://s3.far.test/"\nbucket = "bucket"',
};

export class Installed {
  readonly machine: Machine;
  readonly far: FarScript;
  readonly #folder: string;
  readonly #camera: CameraFacts;
  readonly #declared: ('dav' | 's3')[] = [];

  private constructor(machine: Machine, far: FarScript, folder: string, camera: CameraFacts) {
    this.machine = machine;
    this.far = far;
    this.#folder = folder;
    this.#camera = camera;
  }

  /** As docs/INSTALLERS.md says, up to where the units are enabled. */
  static async build(t: Test): Promise<Installed> {
    const link = await Link.build(t);
    const folder = await shortFolder(t);
    const root = join(folder, 'machine');
    await mkdir(root);
    // The checkout is only read there, so what is built in it is built before.
    const page = await run(resolve(import.meta.dirname, '../../../scripts/page'), [], { timeoutMs: 120_000, environment: { HOME: homedir() } });
    if (page.status !== 0) throw new Error(page.stderr);
    const machine = await Machine.boot(t, link, root);
    await machine.bringModules('/opt/sallyport');
    const installed = await machine.must(['/source/scripts/install']);
    t.match(installed, /Sallyport is installed in \/opt\/sallyport/);

    const farFolder = join(folder, 'far');
    await mkdir(farFolder);
    await certificate(farFolder);
    const dav = randomBytes(12).toString('hex');
    const far = await link.farScript(t, 'far.ts', [farFolder], { DAV_PASSWORD: dav, MQTT_PASSWORD: randomBytes(12).toString('hex') });
    const { key } = await far.next<{ key: { id: string; secret: string } }>();

    // The owner's device is elsewhere; the installer gets its public half.
    await machine.must(['sallyport', 'keys', 'new', '--out', '/root/owner']);
    await machine.must(['install', '-g', 'sallyport', '-m', '0640', '/root/owner/owner.json', '/etc/sallyport/owner.json']);
    await machine.must(['mkdir', '-p', '-m', '0700', '/etc/credstore']);
    await machine.write('/etc/credstore/sallyport.working.key', `${randomBytes(32).toString('hex')}\n`, '0600');
    t.match(await machine.must(['sallyport', 'units', '--write', '--network', '10.99.0.0/24']), /networks\.conf/);
    await machine.must(['systemctl', 'daemon-reload']);
    for (const [name, text] of [['dav.all', `sally\n${dav}\n`], ['s3.all', `${key.id}\n${key.secret}\n`]] as const) await machine.write(`/etc/credstore/sallyport.${name}`, text, '0600');
    await machine.write('/etc/sallyport/far.pem', await readFile(join(farFolder, 'cert.pem'), 'utf8'));
    const [, [camera]] = await emulatedAtHome(t, link, folder, ['--cameras', '1', '--no-discovery']);
    const house = new Installed(machine, far, folder, camera as CameraFacts);
    await house.#configure();
    return house;
  }

  status(): Promise<StatusReport> {
    return callHub(this.machine.path('/var/lib/sallyport/control.sock'), 'status', {});
  }

  /** Looks until it is so; the test's own time-out ends a vain wait. A hub that is just started anew does not answer. */
  async until(look: (status: StatusReport) => boolean): Promise<StatusReport> {
    for (;;) {
      const status = await this.status().catch(() => undefined);
      if (status !== undefined && look(status)) return status;
      await delay(200);
    }
  }

  async adopt(): Promise<void> {
    const { address, onvifPort, user, password, name } = this.#camera;
    await this.machine.must(['sallyport', 'adopt', '--address', `${address}:${onvifPort}`, '--user', user, '--as', name], `${password}\n`);
  }

  /** One destination more: in the installer's file, then the owner's yes. */
  async declare(name: 'dav' | 's3'): Promise<void> {
    this.#declared.push(name);
    await this.#configure();
    await this.machine.must(['systemctl', 'reload', 'sallyport']);
    const { pending } = await this.until(({ pending }) => pending.some(({ text }) => text.includes(name)));
    for (const { id } of pending) await this.machine.must(['sallyport', 'accept', id, '--identity', '/root/owner/kit.txt']);
  }

  /** One destination less, which needs nobody's yes. */
  async withdraw(name: 'dav' | 's3'): Promise<void> {
    this.#declared.splice(this.#declared.indexOf(name), 1);
    await this.#configure();
    await this.machine.must(['systemctl', 'reload', 'sallyport']);
  }

  /** How many objects lie in a store. */
  async stored(name: 'dav' | 's3'): Promise<number> {
    if (name === 's3') return (await this.far.order<{ stored: string[] }>('report')).stored.length;
    return (await readdir(join(this.#folder, 'far/dav'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && /^[0-9a-f]{32}$/.test(entry.name)).length;
  }

  /** Resolves when a store holds more objects than now. */
  async arrives(name: 'dav' | 's3'): Promise<number> {
    const before = await this.stored(name);
    for (;;) {
      const now = await this.stored(name);
      if (now > before) return now;
      await delay(200);
    }
  }

  /** Owner, group and mode of each path. */
  async rights(paths: readonly string[]): Promise<string[]> {
    return (await this.machine.must(['stat', '--format=%U:%G %a', ...paths])).trim().split('\n');
  }

  async #configure(): Promise<void> {
    const text = `name = "Test"
data = "/var/lib/sallyport"
owner = "/etc/sallyport/owner.json"

${quickTables()}
[discovery]
loopback = true
${this.#declared.map((name) => `
[[destination]]
name = "${name}"
purpose = "a copy in another house"
ca = "far.pem"
send = "all"
${destinations[name]}
`).join('')}`;
    // As an editor does: the file stays, with its owner and its rights.
    await this.machine.must(['sh', '-c', `cat >${config}`], text);
  }
}
