/** Debian's own broker, and its own client as the judge of what it holds. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { AddressInfo } from 'node:net';
import { launch, run, type Child } from '../../src/base/spawn.ts';

export interface BrokerAsked {
  /** A user with a password; without, anybody may come in. */
  readonly login?: { readonly user: string; readonly password: string };
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Lines of an access list. */
  readonly rights?: readonly string[];
  /** Where it keeps what is to be kept over a restart. */
  readonly persistent?: boolean;
  /** The port of one before it. */
  readonly port?: number;
}

export interface RunningBroker {
  readonly port: number;
  readonly said: string[];
  /** As a broker that loses its power. */
  kill(): Promise<void>;
}

export interface Message { readonly topic: string; readonly payload: string; readonly retained: boolean }

const program = existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';

/** A port that was free a moment ago: a broker cannot be told to choose one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

/** Resolves when it listens. */
export async function startBroker(folder: string, asked: BrokerAsked = {}): Promise<RunningBroker> {
  const port = asked.port ?? await freePort();
  const lines = [`listener ${port} 127.0.0.1`, `allow_anonymous ${asked.login === undefined}`, 'user root', 'log_type all', 'log_dest stderr', ...(asked.persistent === true ? ['persistence true', `persistence_location ${folder}/`, 'autosave_on_changes true', 'autosave_interval 1'] : [])];
  if (asked.login !== undefined) {
    const file = join(folder, 'passwords');
    writeFileSync(file, '', { mode: 0o600 });
    const made = await run('mosquitto_passwd', ['-b', file, asked.login.user, asked.login.password]);
    if (made.status !== 0) throw new Error(`mosquitto_passwd: ${made.stderr}`);
    lines.push(`password_file ${file}`);
  }
  if (asked.rights !== undefined) {
    writeFileSync(join(folder, 'rights'), `${asked.rights.join('\n')}\n`);
    chmodSync(join(folder, 'rights'), 0o600);
    lines.push(`acl_file ${join(folder, 'rights')}`);
  }
  if (asked.tls !== undefined) lines.push(`certfile ${asked.tls.certificate}`, `keyfile ${asked.tls.key}`);
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const said: string[] = [];
  let heard: () => void = () => {};
  const listens = new Promise<void>((resolve) => { heard = resolve; });
  const child = await launch(program, ['-c', file], { package: 'mosquitto', stderrLinesMax: 100_000, onErrorLine: (line) => { said.push(line); if (line.includes('running')) heard(); } });
  child.stdout.resume();
  await Promise.race([listens, child.exited.then(({ status }) => { throw new Error(`mosquitto ended with ${status}:\n${said.join('\n')}`); })]);
  return { port, said, kill: async () => { child.kill('SIGKILL'); await child.exited; } };
}

/** How its own clients come in. */
export interface Door { readonly port: number; readonly login?: BrokerAsked['login']; readonly ca?: string }

function argumentsOf({ port, login, ca }: Door): string[] {
  return ['-h', '127.0.0.1', '-p', String(port), '-V', 'mqttv5', ...(login === undefined ? [] : ['-u', login.user, '-P', login.password]), ...(ca === undefined ? [] : ['--cafile', ca])];
}

/** Whoever reads along: everything, from now on and what is kept. */
export class Listener {
  readonly messages: Message[] = [];
  readonly #child: Child;
  #changed: () => void = () => {};

  private constructor(child: Child) {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, retained, topic, payload] = /^([01]) (\S+) (.*)$/.exec(line) ?? [];
      if (topic !== undefined) this.messages.push({ topic, payload: payload as string, retained: retained === '1' });
      this.#changed();
    });
  }

  /** Resolves when it is listened to. */
  static async open(door: Door, topic = '#'): Promise<Listener> {
    let heard: () => void = () => {};
    const listens = new Promise<void>((resolve) => { heard = resolve; });
    const child = await launch('stdbuf', ['-oL', 'mosquitto_sub', ...argumentsOf(door), '-q', '1', '-t', topic, '-F', '%r %t %p', '-d'], { package: 'mosquitto-clients', stderrLinesMax: 1000 });
    const listener = new Listener(child);
    // Of its own doings it speaks on the same channel.
    createInterface({ input: child.stdout }).on('line', (line) => { if (line.startsWith('Subscribed')) heard(); });
    await Promise.race([listens, child.exited.then(({ status }) => { throw new Error(`mosquitto_sub ended with ${status}`); })]);
    return listener;
  }

  /** The first that fits from `from` on. */
  async until(fits: (message: Message) => boolean, from = 0): Promise<Message> {
    for (;;) {
      const found = this.messages.slice(from).find(fits);
      if (found !== undefined) return found;
      const changed = new Promise<void>((resolve) => { this.#changed = resolve; });
      await Promise.race([changed, this.#child.exited.then(() => { throw new Error(`it ended; heard: ${this.messages.map(({ topic, payload }) => `${topic} ${payload}`).join('\n')}`); })]);
    }
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
  }
}

export async function publish(door: Door, topic: string, payload: string | Buffer, more: readonly string[] = []): Promise<void> {
  const said = await run('mosquitto_pub', [...argumentsOf(door), '-q', '1', '-t', topic, ...(payload.length === 0 ? ['-n'] : ['-s']), ...more], payload.length === 0 ? {} : { input: Buffer.from(payload) });
  if (said.status !== 0) throw new Error(`mosquitto_pub: ${said.stderr}`);
}
