/** A home and a far side in network namespaces: one link between them, and nothing else. Root only. */
import { randomInt } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { launch, run, type Child, type Finished } from '../../../src/base/spawn.ts';
import type { Ending } from '../../e2e/site.ts';
import { ip } from '../lan.ts';
import { farAddresses, homeAddress } from './plan.ts';

const node = resolve(import.meta.dirname, '../../../scripts/node');

export class Link {
  readonly home: string;
  readonly far: string;

  private constructor(prefix: string) {
    this.home = `${prefix}-home`;
    this.far = `${prefix}-far`;
  }

  /** All that a machine at home sends elsewhere goes to the far side, also to addresses that nobody has. */
  static async build(t: Ending): Promise<Link> {
    const link = new Link(`sp${randomInt(1e6)}`);
    for (const name of [link.home, link.far]) {
      await ip('netns', 'add', name);
      t.teardown(() => run('ip', ['netns', 'del', name]));
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    await ip('link', 'add', 'eth0', 'netns', link.home, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', link.far);
    for (const [name, own, six] of [[link.home, homeAddress, 'fd99::2'], [link.far, farAddresses.gateway, 'fd99::1']] as const) {
      await ip('-n', name, 'link', 'set', 'eth0', 'up');
      await ip('-n', name, 'addr', 'add', `${own}/24`, 'dev', 'eth0');
      await ip('-n', name, 'addr', 'add', `${six}/64`, 'dev', 'eth0', 'nodad');
    }
    for (const address of Object.values(farAddresses).filter((one) => one !== farAddresses.gateway)) await ip('-n', link.far, 'addr', 'add', `${address}/32`, 'dev', 'lo');
    await ip('-n', link.home, 'route', 'add', 'default', 'via', farAddresses.gateway);
    await ip('-n', link.home, '-6', 'route', 'add', 'default', 'via', 'fd99::1');
    // `ip netns exec` shows this as /etc/resolv.conf.
    const folder = `/etc/netns/${link.home}`;
    await mkdir(folder, { recursive: true });
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'resolv.conf'), `nameserver ${farAddresses.gateway}\n`);
    return link;
  }

  /** The words before a program that runs at home, perhaps as another user. */
  atHome(user?: number): string[] {
    return ['ip', 'netns', 'exec', this.home, ...(user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--no-new-privs'])];
  }

  /** Runs a program at home to its end. */
  inHome(command: readonly string[], o: { user?: number; input?: string } = {}): Promise<Finished> {
    const [first = '', ...rest] = [...this.atHome(o.user), ...command];
    return run(first, rest, { timeoutMs: 90_000, ...(o.input === undefined ? {} : { input: o.input }) });
  }

  /** A script of ours on the far side; each line that it prints is JSON. */
  async farScript(t: Ending, script: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<FarScript> {
    const child = await launch('ip', ['netns', 'exec', this.far, node, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, script), ...args], { input: 'pipe', environment, onErrorLine: (line) => console.error(`${script}: ${line}`) });
    t.teardown(async () => { child.stdin?.end(); child.kill('SIGTERM'); await child.exited; });
    return new FarScript(child);
  }

  /** Everything on the link from now on, until `stop`; resolves when it listens. */
  async capture(t: Ending, file: string): Promise<{ stop(): Promise<void> }> {
    let listens: () => void = () => {};
    const listening = new Promise<void>((resolve) => { listens = resolve; });
    const said: string[] = [];
    const child = await launch('ip', ['netns', 'exec', this.home, 'tcpdump', '-i', 'eth0', '-n', '-s', '0', '-B', '65536', '-Z', 'root', '--immediate-mode', '-U', '-w', file], {
      package: 'tcpdump', onErrorLine: (line) => { said.push(line); if (line.includes('listening on')) listens(); },
    });
    t.teardown(() => child.kill('SIGKILL'));
    await Promise.race([listening, child.exited.then(({ status }) => { throw new Error(`tcpdump ended with ${status}: ${said.join('\n')}`); })]);
    return {
      stop: async () => {
        child.kill('SIGINT');
        await child.exited;
        if (!said.includes('0 packets dropped by kernel')) throw new Error(`packets were missed: ${said.join('\n')}`);
      },
    };
  }
}

export class FarScript {
  readonly #child: Child;
  readonly #lines: AsyncIterator<string>;

  constructor(child: Child) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the script on the far side has ended');
    return JSON.parse(value as string) as T;
  }

  order<T>(words: string): Promise<T> {
    this.#child.stdin?.write(`${words}\n`);
    return this.next();
  }
}
