/**
 * The courier, seen from the hub: tells it where things may go, after the owner's yes, in a file of its own; and where no service manager runs it, starts
 * it as a child, which locks itself up, tells it of changes by starting it anew, and starts it again when it has died. Nothing here waits for it:
 * what is to leave lies in the outbox meanwhile.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists, folderOf, joinPath, listFolder, onDiskOfItsOwn, readTextBounded, removeFile, writeFileAtomic } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { launch, type Child, type Exit } from '../base/spawn.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { Secret } from '../base/secret.ts';
import { readCourierStatus, type CourierStatus } from '../outbox/courierstatus.ts';
import { backoffMs } from '../policy/backoff.ts';
import { destinationsFile, type DestinationConfig } from '../policy/declared.ts';
import type { By } from '../policy/access.ts';
import type { Vault } from '../vault/vault.ts';

export interface CourierOptions {
  readonly vault: Pick<Vault, 'secret' | 'putSecret' | 'audit'>;
  /** With `out/`, `back/`, the courier's own folder `state/` and its file `destinations.json`. */
  readonly folder: string;
  /** The hub starts it, or a service manager does. */
  readonly run: 'child' | 'service';
  /** Where secrets lie while it starts: memory, where there is some (`RuntimeDirectory`). */
  readonly credentials: string;
  /** In force. */
  readonly destinations: () => readonly DestinationConfig[];
  /** Something lies in the outbox. */
  readonly needed: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

export interface CourierState {
  readonly run: 'child' | 'service';
  readonly running: boolean;
  /** How it is confined, as it said itself; undefined before. */
  readonly confined: string | undefined;
  readonly sinceMs: UnixMs | undefined;
  readonly restarts: number;
  readonly problem: SallyportError | undefined;
}

const configBytesMax = 2 ** 18;
/** How often it is looked whether a disk came or went. */
const lookMs = 30 * secondMs;
/** One that ran so long has not failed at once. */
const steadyMs = minuteMs;
const retryMaxMs = 5 * minuteMs;
const stopMs = 5 * secondMs;
const rights = ['put', 'get', 'delete', 'all', 'topic', 'token', 'key', 'login', 'proxy'] as const;
/** `<destination>.<right>` */
export const credentialPattern = new RegExp(`^[a-z0-9][a-z0-9-]{0,39}\\.(${rights.join('|')})$`);

/** Beside it in a checkout and in a release; the ending is this file's own. */
const program = joinPath(folderOf(import.meta.dirname), import.meta.filename.endsWith('.ts') ? 'courier.ts' : 'courier.js');

interface Running {
  readonly child: Child;
  /** What it was started with: when that changes it is started anew. */
  readonly terms: string;
  readonly sinceMs: number;
  over: Exit | undefined;
}

export class CourierDuty {
  readonly #o: CourierOptions;
  readonly #loop: Loop;
  #running: Running | undefined;
  #confined: string | undefined;
  #sinceMs: UnixMs | undefined;
  #restarts = 0;
  #failures = 0;
  #notBeforeMs = -Infinity;
  #problem: SallyportError | undefined;
  /** Raised when a secret was set. */
  #secrets = 0;

  constructor(o: CourierOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#stop();
  }

  /** Destinations may have changed, or there is something to send. */
  nudge(): void {
    this.#loop.nudge();
  }

  get state(): CourierState {
    return { run: this.#o.run, running: this.#o.run === 'service' || (this.#running !== undefined && this.#running.over === undefined), confined: this.#confined, sinceMs: this.#sinceMs, restarts: this.#restarts, problem: this.#problem };
  }

  /** What it says of itself: a stranger's word; undefined where there is none, or none that can be used. */
  async word(): Promise<CourierStatus | undefined> {
    try {
      return await readCourierStatus(joinPath(this.#o.folder, 'back'));
    } catch (error) {
      this.#o.log.warn({ component: 'courier', code: asSallyportError(error).code }, 'what the courier says of itself cannot be used');
      return undefined;
    }
  }

  /** A secret of a destination, for the courier alone: it is kept in the vault, and given to it at its start. SP_CREDENTIAL. */
  async setSecret(name: string, text: string, by: By): Promise<void> {
    if (!credentialPattern.test(name)) throw new SallyportError('SP_CREDENTIAL', { name, reason: `it is not named DESTINATION.RIGHT, with one of ${rights.join(', ')}` });
    if (this.#o.run === 'service') throw new SallyportError('SP_CREDENTIAL', { name, reason: 'the courier is a service here: give it a systemd credential' });
    const lines = text.trim().split(/\r?\n/).map((line) => line.trim());
    if (lines.length > 2 || lines.some((line) => !/^[!-~]{1,2000}$/.test(line))) throw new SallyportError('SP_CREDENTIAL', { name, reason: 'it is neither one line with a secret, nor one with a user or key id and one with its secret' });
    await this.#o.vault.putSecret(secretName(name), new Secret(lines.join('\n')));
    await this.#o.vault.audit({ what: 'destination.secret-set', ...by, detail: { name } });
    this.#secrets++;
    this.#notBeforeMs = -Infinity;
    this.#loop.nudge();
  }

  async #turn(): Promise<number> {
    const { clock, log, random } = this.#o;
    try {
      await this.#declare();
      return this.#o.run === 'service' ? lookMs : await this.#care();
    } catch (error) {
      this.#problem = asSallyportError(error);
      this.#failures++;
      const waitMs = backoffMs(this.#failures, random, retryMaxMs);
      this.#notBeforeMs = clock.monotonicMs() + waitMs;
      log.error({ component: 'courier', code: this.#problem.code, waitMs }, this.#problem.message);
      return waitMs;
    }
  }

  /** Where things may go: only what an owner has said yes to. Written in one step, so that the courier reads one whole truth. */
  async #declare(): Promise<void> {
    const { folder, destinations, log } = this.#o;
    const text = destinationsFile(destinations());
    const file = joinPath(folder, 'destinations.json');
    if ((await fileExists(file)) && (await readTextBounded(file, configBytesMax)) === text) return;
    await ensureFolder(folder, 0o750);
    await writeFileAtomic(file, text, 0o640);
    log.info({ component: 'courier', destinations: destinations().map(({ name }) => name) }, 'the courier is told where things may go');
  }

  /** Answers how long until the next look. */
  async #care(): Promise<number> {
    const { clock, destinations, needed, random, log } = this.#o;
    const wanted = destinations().length > 0 || needed();
    const terms = wanted ? await this.#terms() : '';
    const running = this.#running;
    if (running?.over !== undefined) {
      this.#running = undefined;
      const lastedMs = clock.monotonicMs() - running.sinceMs;
      // It has ended by itself, to begin anew with what it was told.
      const failed = running.over.status !== 0;
      this.#failures = failed ? (lastedMs > steadyMs ? 1 : this.#failures + 1) : 0;
      this.#restarts++;
      if (failed) {
        this.#problem ??= new SallyportError('SP_COURIER_GONE', { reason: running.over.signal ?? `status ${running.over.status}` });
        const waitMs = backoffMs(this.#failures, random, retryMaxMs);
        this.#notBeforeMs = clock.monotonicMs() + waitMs;
        log.warn({ component: 'courier', code: this.#problem.code, waitMs }, this.#problem.message);
      }
    } else if (running !== undefined && running.terms !== terms) {
      await this.#stop();
      this.#notBeforeMs = -Infinity;
    }
    const restMs = this.#notBeforeMs - clock.monotonicMs();
    if (!wanted || this.#running !== undefined) return lookMs;
    if (restMs > 0) return restMs;
    await this.#launch(terms);
    return lookMs;
  }

  /** What it must be started anew for: a jail takes the disk that is mounted when it is made, and secrets are read once. */
  async #terms(): Promise<string> {
    const places = await Promise.all(this.#o.destinations().flatMap(({ to }) => (typeof to['path'] === 'string' ? [to['path']] : [])).map(async (path) => `${path} ${await fileExists(path)} ${await onDiskOfItsOwn(path)}`));
    return [destinationsFile(this.#o.destinations()), ...places, String(this.#secrets)].join('\n');
  }

  async #launch(terms: string): Promise<void> {
    const { folder, credentials, clock, log } = this.#o;
    await this.#putSecrets();
    for (const name of ['out', 'back', 'state']) await ensureFolder(joinPath(folder, name), 0o750);
    const child = await launch(process.execPath, [
      '--disable-warning=ExperimentalWarning', program, '--config', joinPath(folder, 'destinations.json'), '--outbox', folder, '--state', joinPath(folder, 'state'), '--credentials', credentials,
    ], { detached: true, stderrLinesMax: Number.MAX_SAFE_INTEGER, onErrorLine: (line) => this.#said(line) });
    child.stdout.resume();
    const running: Running = this.#running = { child, terms, sinceMs: clock.monotonicMs(), over: undefined };
    this.#confined = undefined;
    this.#problem = undefined;
    void child.exited.then((exit) => {
      running.over = exit;
      this.#loop.nudge();
    });
    log.info({ component: 'courier', pid: child.pid }, 'the courier is started');
  }

  /** Its log is its own; the hub takes from it that it runs and how it is held, or why it does not. */
  #said(line: string): void {
    if (line.includes('"the courier is running"') || /"confined":"\w+"/.test(line)) {
      this.#confined = /"confined":"(\w{1,10})"/.exec(line)?.[1] ?? 'no';
      this.#sinceMs = Math.round(this.#o.clock.wallMs());
      void this.#removeSecrets();
    } else if (line.startsWith('courier: ')) {
      this.#problem = new SallyportError('SP_COURIER_GONE', { reason: line.slice(9, 300) });
    }
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await this.#removeSecrets();
    if (running === undefined || running.over !== undefined) return;
    running.child.kill('SIGTERM');
    const patience = new AbortController();
    this.#o.clock.sleep(stopMs, patience.signal).then(() => running.child.kill('SIGKILL'), () => {});
    await running.child.exited;
    patience.abort();
  }

  async #putSecrets(): Promise<void> {
    const { credentials, destinations, vault } = this.#o;
    await ensureFolder(credentials, 0o700);
    await this.#removeSecrets();
    for (const { name } of destinations()) {
      for (const right of rights) {
        const secret = await vault.secret(secretName(`${name}.${right}`));
        if (secret !== undefined) await writeFileAtomic(joinPath(credentials, `${name}.${right}`), `${secret.reveal()}\n`, 0o600);
      }
    }
  }

  /** It has read them. */
  async #removeSecrets(): Promise<void> {
    const { credentials, log } = this.#o;
    try {
      if (this.#o.run === 'child' && (await fileExists(credentials))) for (const name of await listFolder(credentials)) if (credentialPattern.test(name)) await removeFile(joinPath(credentials, name));
    } catch (error) {
      log.warn({ component: 'courier', code: asSallyportError(error).code }, `secrets of destinations were not removed: ${asSallyportError(error).message}`);
    }
  }
}

function secretName(name: string): string {
  return `destination.${name}`;
}
