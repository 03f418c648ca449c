/** Two LANs in network namespaces: the hub's has a bridge for each, and each camera one of its own with a hardware address of its own. Root only. */
import { randomInt } from 'node:crypto';
import { createInterface, type Interface } from 'node:readline';
import { join, resolve } from 'node:path';
import { reasonOf } from '../../src/base/errors.ts';
import { launch, run, type Child } from '../../src/base/spawn.ts';

const node = resolve(import.meta.dirname, '../../scripts/node');

/** Why there can be no LANs here, in words; false where there can. */
export const noLan: string | false = await refusal();

async function refusal(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'no LANs: network namespaces are made by root only';
  const name = `sp${randomInt(1e6)}-try`;
  try {
    await ip('netns', 'add', name);
    try {
      await ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge');
      await ip('-n', name, 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other');
      return false;
    } finally {
      await ip('netns', 'del', name);
    }
  } catch (error) {
    return `no LANs: network namespaces, bridges and pairs of interfaces cannot be made here (${reasonOf(error)})`;
  }
}

interface Ending { teardown(end: () => unknown): unknown }

export async function ip(...args: string[]): Promise<void> {
  const { status, stderr } = await run('ip', args);
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

export interface LanCameraFacts {
  readonly urn: string;
  readonly hardware: string;
  readonly onvifPort: number;
  readonly user: string;
  readonly password: string;
}

export class Lan {
  /** The hub's namespace; its addresses end in .1. */
  readonly hub: string;
  readonly networks = ['10.77.0', '10.78.0'] as const;
  readonly #prefix = `sp${randomInt(1e6)}`;
  readonly #t: Ending;

  static async build(t: Ending): Promise<Lan> {
    const lan = new Lan(t);
    await lan.#namespace(lan.hub);
    for (const [index, network] of lan.networks.entries()) {
      await ip('-n', lan.hub, 'link', 'add', `br${index}`, 'type', 'bridge');
      await ip('-n', lan.hub, 'addr', 'add', `${network}.1/24`, 'dev', `br${index}`);
      await ip('-n', lan.hub, 'link', 'set', `br${index}`, 'up');
    }
    // As on a machine with a router on its first network; what is sent to nobody's network goes there.
    await ip('-n', lan.hub, 'route', 'add', 'default', 'via', `${lan.networks[0]}.254`);
    return lan;
  }

  private constructor(t: Ending) {
    this.#t = t;
    this.hub = `${this.#prefix}-hub`;
  }

  /** Runs a program in the hub's namespace to its end. */
  inHub(command: string, ...args: string[]) {
    return run('ip', ['netns', 'exec', this.hub, command, ...args], { timeoutMs: 90_000 });
  }

  /** `id` from 2 to 9: the emulated camera 127.0.0.id, at .id0 of its LAN. */
  async camera(lan: 0 | 1, id: number, o: { folder?: string; impersonate?: string; hardware?: string } = {}): Promise<LanCamera> {
    const name = `${this.#prefix}-c${id}`;
    const address = `${this.networks[lan]}.${id}0`;
    const hardware = o.hardware ?? `02:00:7f:00:00:0${id}`;
    await this.#namespace(name);
    await ip('link', 'add', `${this.#prefix}v${id}`, 'netns', this.hub, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await ip('-n', this.hub, 'link', 'set', `${this.#prefix}v${id}`, 'master', `br${lan}`, 'up');
    await ip('-n', name, 'link', 'set', 'eth0', 'address', hardware, 'up');
    await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    const args = [`127.0.0.${id}`, address, ...(o.folder === undefined ? [] : ['--folder', o.folder]), ...(o.impersonate === undefined ? [] : ['--impersonate', o.impersonate])];
    const child = await launch('ip', ['netns', 'exec', name, node, join(import.meta.dirname, 'lancamera.ts'), ...args], { input: 'pipe', onErrorLine: (line) => console.error(line) });
    const camera = new LanCamera(name, address, child);
    this.#t.teardown(() => camera.close());
    await camera.ready();
    return camera;
  }

  async #namespace(name: string): Promise<void> {
    await ip('netns', 'add', name);
    this.#t.teardown(() => run('ip', ['netns', 'del', name]));
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }
}

export class LanCamera {
  readonly #namespace: string;
  readonly #child: Child;
  readonly #lines: Interface;
  readonly #said: string[] = [];
  #heardLine: () => void = () => {};
  #address: string;
  #facts: LanCameraFacts | undefined;

  constructor(namespace: string, address: string, child: Child) {
    this.#namespace = namespace;
    this.#address = address;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => {
      this.#said.push(line);
      this.#heardLine();
    });
  }

  get address(): string { return this.#address; }

  get facts(): LanCameraFacts {
    if (this.#facts === undefined) throw new Error('the camera is not ready');
    return this.#facts;
  }

  /** What was sent to it by TCP, where it only says that it is a camera. */
  get heard(): string[] {
    return this.#said.filter((line) => line.startsWith('heard '));
  }

  async ready(): Promise<void> {
    this.#facts = JSON.parse(await this.#line((line) => line.startsWith('{'))) as LanCameraFacts;
  }

  /** Gets another address of its LAN, as by DHCP. */
  async moveTo(address: string): Promise<void> {
    await this.vanish();
    await this.take(address);
    await this.appear();
  }

  /** The address alone, while it is not there. */
  async take(address: string): Promise<void> {
    await ip('-n', this.#namespace, 'addr', 'del', `${this.#address}/24`, 'dev', 'eth0');
    await ip('-n', this.#namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    this.#address = address;
  }

  appear(): Promise<void> {
    return this.#order(`at ${this.#address}`);
  }

  vanish(): Promise<void> {
    return this.#order('vanish');
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#child.exited;
  }

  async #order(words: string): Promise<void> {
    this.#said.splice(0, this.#said.length, ...this.heard);
    this.#child.stdin?.write(`${words}\n`);
    await this.#line((line) => line === `done ${words}`);
  }

  async #line(wanted: (line: string) => boolean): Promise<string> {
    const ended = this.#child.exited.then(() => 'ended');
    for (;;) {
      const line = this.#said.find(wanted);
      if (line !== undefined) return line;
      const heard = new Promise<void>((resolve) => { this.#heardLine = resolve; });
      if (await Promise.race([heard, ended]) === 'ended') throw new Error('the camera ended');
    }
  }
}
