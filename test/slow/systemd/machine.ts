/** A small machine that systemd runs, in namespaces of its own (`boot.sh`), at the home end of a link. Root only. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { launch, run, type Child, type Finished } from '../../../src/base/spawn.ts';
import type { Ending } from '../../e2e/site.ts';
import type { Link } from '../egress/link.ts';
import { noLan } from '../lan.ts';

const checkout = resolve(import.meta.dirname, '../../..');

/** Why there can be no such machine here, in words that say what to do; false where there can. */
export const noMachine: string | false = noLan === false ? await refusal() : noLan;

async function refusal(): Promise<string | false> {
  if (!existsSync('/lib/systemd/systemd')) return 'no machine: systemd is not installed (apt-get install --no-install-recommends systemd)';
  for (const [tool, package_] of [['unshare', 'util-linux'], ['nsenter', 'util-linux'], ['rclone', 'rclone'], ['mosquitto', 'mosquitto']] as const) {
    if (!['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, tool)))) return `no machine: ${tool} is not installed (apt-get install --no-install-recommends ${package_})`;
  }
  if (groups() === undefined) return 'no machine: systemd 252 and newer want cgroup v2, and none is mounted here';
  try {
    await rmdir(await ownGroup());
  } catch (error) {
    return `no machine: no group of processes can be made here (${(error as Error).message})`;
  }
  const { status, stderr } = await run('unshare', ['--fork', '--pid', '--mount', '--ipc', '--uts', '--cgroup', 'sh', '-c', 'mount -t tmpfs x /mnt && mkdir /mnt/a /mnt/b /mnt/c && mount -t overlay -o lowerdir=/usr,upperdir=/mnt/a,workdir=/mnt/b overlay /mnt/c && mount -t proc proc /proc']);
  return status === 0 ? false : `no machine: namespaces or layers of folders cannot be made here (${stderr})`;
}

/** Where cgroup v2 is mounted. */
function groups(): string | undefined {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
}

async function ownGroup(): Promise<string> {
  const folder = join(groups() ?? '', `sallyport-${randomBytes(4).toString('hex')}`);
  await mkdir(folder);
  return folder;
}

export class Machine {
  /** Of its process 1, as seen from here. */
  readonly #first: number;

  private constructor(first: number) {
    this.#first = first;
  }

  /** Resolves when systemd says that it has started everything. `folder` is the test's, and empty. */
  static async boot(t: Ending, link: Link, folder: string): Promise<Machine> {
    const group = await ownGroup();
    const said: string[] = [];
    // Into its group first: `ip netns exec` shows another /sys. A test that is killed takes the machine with it.
    const child = await launch('sh', ['-c', 'echo $$ >"$1" && shift && exec "$@"', 'sh', join(group, 'cgroup.procs'), ...link.atHome(),
      'setpriv', '--pdeathsig', 'KILL', 'unshare', '--fork', '--pid', '--mount', '--ipc', '--uts', '--cgroup', '--kill-child', join(import.meta.dirname, 'boot.sh'), folder, checkout], { onErrorLine: (line) => said.push(line) });
    child.stdout.resume();
    t.teardown(() => close(child, group));
    let pid: number | undefined;
    const ended = child.exited.then(() => true);
    while (pid === undefined || (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim() !== 'systemd' || !existsSync(`/proc/${pid}/root/run/systemd/private`)) {
      if (await Promise.race([ended, delay(50, false)])) throw new Error(`the machine did not start:\n${said.join('\n')}`);
      pid ??= Number((await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ')[0]) || undefined;
    }
    const machine = new Machine(pid);
    const state = await machine.run(['systemctl', 'is-system-running', '--wait']);
    if (state.stdout.toString().trim() !== 'running') throw new Error(`the machine is ${state.stdout}${state.stderr}:\n${(await machine.run(['systemctl', '--failed', '--no-pager'])).stdout}`);
    return machine;
  }

  /** A path of the machine's, as seen from here. */
  path(path: string): string {
    return join(`/proc/${this.#first}/root`, path);
  }

  /** As root of the machine, outside of every unit. */
  command(command: readonly string[]): [string, string[]] {
    return ['nsenter', ['--target', String(this.#first), '--mount', '--pid', '--ipc', '--uts', '--net', '--cgroup', '--root', '--wdns=/', 'env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', 'HOME=/root', 'LANG=C.UTF-8', ...command]];
  }

  run(command: readonly string[], input?: string): Promise<Finished> {
    return run(...this.command(command), { timeoutMs: 120_000, ...(input === undefined ? {} : { input }) });
  }

  async must(command: readonly string[], input?: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(command, input);
    if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stdout}${stderr}`);
    return stdout.toString();
  }

  /** A file of root's. */
  async write(path: string, text: string, mode: '0600' | '0640' | '0644' = '0644'): Promise<void> {
    await this.must(['sh', '-c', 'umask 077; cat >"$1" && chmod "$2" "$1"', 'sh', path, mode], text);
  }

  /** What systemd says of a unit now. */
  async show(unit: string): Promise<Record<string, string>> {
    const text = await this.must(['systemctl', 'show', '--no-pager', unit]);
    return Object.fromEntries(text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  }

  /** Looks until a unit is as it should be; the test's own time-out ends a vain wait. */
  async until(unit: string, look: (facts: Record<string, string>) => boolean): Promise<Record<string, string>> {
    for (;;) {
      const facts = await this.show(unit);
      if (look(facts)) return facts;
      await delay(100);
    }
  }

  /** What systemd and the processes of a unit said, for people. */
  async journal(unit: string): Promise<string> {
    return this.must(['journalctl', '--no-pager', '--output=cat', `--unit=${unit}`]);
  }

  /** Runs a program of ours in the place of a unit's: with its user, its rules, its view of files. It prints JSON. */
  async asUnit<T>(unit: string, program: string): Promise<T> {
    const name = `${unit}-probe`;
    const text = await this.must(['systemctl', 'cat', '--no-pager', `${unit}.service`]);
    const service = text.split('\n')
      .filter((line) => !/^(Type|NotifyAccess|WatchdogSec|Restart|RestartSec|ConditionPathExists|ExecReload|ExecStart|RuntimeDirectory|RuntimeDirectoryMode)=/.test(line))
      .join('\n').replace('[Install]', '[Service]');
    const folder = this.path('/var/lib/probe');
    await mkdir(folder, { recursive: true });
    await this.write(`/var/lib/probe/${name}.cjs`, program);
    await this.write(`/run/systemd/system/${name}.service`, `${service}\n[Service]\nType=oneshot\nStandardOutput=truncate:/var/lib/probe/${name}.json\nStandardError=journal\nExecStart=/opt/sallyport/scripts/node /var/lib/probe/${name}.cjs\n`.replace(/^WantedBy=.*$/m, ''));
    await this.must(['systemctl', 'daemon-reload']);
    const { status, stderr } = await this.run(['systemctl', 'start', name]);
    if (status !== 0) throw new Error(`${stderr}\n${await this.journal(name)}`);
    return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as T;
  }

  /** The node modules of this checkout that an installation has, as if `scripts/install` had been there before: it needs no registry then. */
  async bringModules(prefix: string): Promise<void> {
    const { packages } = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean; devOptional?: boolean }> };
    const wanted = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true && existsSync(join(checkout, path))).map(([path]) => path);
    const outermost = wanted.filter((path) => !wanted.some((other) => other !== path && path.startsWith(`${other}/`)));
    await this.must(['sh', '-c', `mkdir -p ${prefix}/node_modules && cd /source && tar cf - -T - | tar xf - --no-same-owner -C ${prefix} && sha256sum <package-lock.json >${prefix}/node_modules/.sallyport-install`], `${outermost.join('\n')}\n`);
  }
}

/** Its process 1 goes with the program that waits for it, and all others with process 1. */
async function close(child: Child, group: string): Promise<void> {
  child.kill('SIGKILL');
  await child.exited;
  for (;;) {
    if (await removeGroup(group).then(() => true, () => false)) return;
    await delay(50);
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isDirectory()) await removeGroup(join(folder, entry.name));
  await rmdir(folder);
}
