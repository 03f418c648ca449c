/** A whole site for tests: emulated cameras in this process, the hub as a process of its own, driven by the real command line. */
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReplyOf, StatusReport } from '../../src/api/contract.ts';
import { callHub } from '../../src/cli/control.ts';
import { silentLog } from '../../src/base/log.ts';
import { launch, run, type Child, type Finished } from '../../src/base/spawn.ts';
import { Emulator, type EmulatedCamera, type EmulatorOptions } from '../../src/emulator/emulator.ts';

export const sallyport = resolve(import.meta.dirname, '../../scripts/sallyport');

/** A test, or whatever else ends what was begun in it. */
export interface Ending { teardown(end: () => unknown): unknown }

/** Not `t.testdir()`: the name of a unix socket has at most 107 bytes. Removed with the test. */
export async function shortFolder(t: Ending): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface SiteOptions {
  readonly emulator?: Partial<EmulatorOptions>;
  /** TOML that goes before the cameras; the defaults are quick periods and the real clock. */
  readonly config?: string;
  readonly owner?: boolean;
  readonly adopt?: boolean;
  /** Else a new one, which goes with the test. */
  readonly folder?: string;
  /** For the hub, on top of what it always gets. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class TestSite {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly kit: string;
  readonly cameras: readonly EmulatedCamera[];
  readonly emulator: Emulator;
  /** What the hub wrote to standard error, all starts together. */
  readonly log: string[] = [];
  hub: Child | undefined;
  /** For each start of the hub from now on. */
  environment: Readonly<Record<string, string>>;

  private constructor(folder: string, emulator: Emulator, environment: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.config = join(folder, 'sallyport.toml');
    this.data = join(folder, 'data');
    this.kit = join(folder, 'owner', 'kit.txt');
    this.emulator = emulator;
    this.cameras = emulator.cameras;
    this.environment = environment;
  }

  /** A running hub that records, unless told otherwise. Everything ends with the test. */
  static async start(t: Ending, options: SiteOptions = {}): Promise<TestSite> {
    const folder = options.folder ?? await shortFolder(t);
    const emulator = await Emulator.start({
      cameras: 1, firstAddress: `127.${randomInt(10, 251)}.${randomInt(10, 251)}.2`, seconds: 5, log: silentLog, discovery: false, folder: join(folder, 'scenes'), ...options.emulator,
    });
    const site = new TestSite(folder, emulator, options.environment ?? {});
    t.teardown(async () => {
      await site.stop('SIGKILL');
      await emulator.close();
    });
    await mkdir(join(folder, 'tmp'), { recursive: true });
    if (options.owner !== false) await site.call(['keys', 'new', '--out', join(folder, 'owner')]);
    await writeFile(site.config, options.config ?? quickConfig());
    await site.startHub();
    if (options.adopt !== false) for (const camera of site.cameras) await site.adopt(camera);
    return site;
  }

  async startHub(): Promise<void> {
    const from = this.log.length;
    const child = await launch(sallyport, ['run', '--config', this.config], {
      detached: true, stderrLinesMax: 1_000_000, environment: { TMPDIR: join(this.folder, 'tmp'), ...this.environment }, onErrorLine: (line) => this.log.push(line),
    });
    child.stdout.resume();
    this.hub = child;
    const ended = child.exited.then(() => true);
    while (!this.log.slice(from).some((line) => line.includes('the hub is running'))) {
      if (await Promise.race([ended, delay(50, false)])) throw new Error(`the hub ended at once:\n${this.log.slice(from).join('\n')}`);
    }
  }

  /** Resolves when the hub is gone, to its exit status. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const hub = this.hub;
    if (hub === undefined) return null;
    this.hub = undefined;
    hub.kill(signal);
    return (await hub.exited).status;
  }

  async adopt(camera: EmulatedCamera, ...more: string[]): Promise<string> {
    return this.call(['adopt', '--address', `${camera.address}:${camera.onvifPort}`, '--user', camera.user, '--as', camera.name, '--config', this.config, ...more], `${camera.password}\n`);
  }

  /** Runs a command to its end, whatever that is. */
  attempt(args: readonly string[], input?: string | Uint8Array): Promise<Finished> {
    return run(sallyport, args, { timeoutMs: 50_000, ...(input === undefined ? {} : { input }) });
  }

  async call(args: readonly string[], input?: string): Promise<string> {
    const { status, stdout, stderr } = await this.attempt(args, input);
    if (status !== 0) throw new Error(`sallyport ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout.toString();
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.call([...args, '--json'])) as T;
  }

  /** Asks the hub's socket as the command line does, without a process for each look. */
  status(): Promise<StatusReport> {
    return callHub(join(this.data, 'control.sock'), 'status', {});
  }

  list(): Promise<ReplyOf<'list'>> {
    return callHub(join(this.data, 'control.sock'), 'list', { fromMs: 0, toMs: Date.now() + 3_600_000, limit: 10_000 });
  }

  /** Looks until it is so; the test's own time-out ends a vain wait. */
  async until(look: (status: StatusReport) => boolean): Promise<StatusReport> {
    for (;;) {
      const status = await this.status();
      if (look(status)) return status;
      await delay(200);
    }
  }

  untilRecording(camera: string): Promise<StatusReport> {
    return this.until(({ cameras }) => cameras.some((one) => one.camera === camera && one.recording));
  }

  untilSealed(segments: number): Promise<StatusReport> {
    return this.until((status) => status.cameras.length === this.cameras.length && status.cameras.every((camera) => camera.segmentsSealed >= segments));
  }
}

/** Short periods and segments, and a clock that is trusted at once. */
export function quickTables(keep = '1 hour'): string {
  return `[record]
period = "10 seconds"
cut_after = "2 seconds"

[keep]
footage = "${keep}"

[time]
source = "system"
settle = "1 second"
`;
}

export function quickConfig(o: { keep?: string; more?: string } = {}): string {
  return `name = "Test"
data = "data"
owner = "owner/owner.json"

${quickTables(o.keep)}
[page]
port = 0
http_port = 0

[discovery]
loopback = true
${o.more ?? ''}`;
}
