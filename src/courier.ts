/**
 * The courier: the process that speaks. Read `start` for the plan; closing goes the other way. It reads `out/`, speaks to the declared destinations,
 * and writes what they said to `back/`. It has no key, sees no picture and knows no camera, and it cannot read the hub's data folder: it begins
 * by locking itself up (`native/jail.c`).
 *
 * Destinations that change, and SIGHUP, end it with status 0, to be started again: what it may reach is fixed once it is locked up.
 *
 *   courier --config FILE --outbox FOLDER --state FOLDER [--credentials FOLDER] [--jail off|files|full]
 *
 * FOLDER of --outbox holds `out/` and `back/`; --state is the courier's own, for its journal and its log. Credentials come from there, else from systemd.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { systemClock } from './base/clock.ts';
import { SallyportError, asSallyportError } from './base/errors.ts';
import { dayFileWriter, ensureFolder, fileExists, folderOf, joinPath, readTextBounded } from './base/files.ts';
import { Lifetime } from './base/lifetime.ts';
import { createLog, type Log } from './base/log.ts';
import { become, run } from './base/spawn.ts';
import { Credentials } from './egress/credentials.ts';
import { Dispatch } from './egress/dispatch.ts';
import { Journal } from './egress/journal.ts';
import { openDestination } from './egress/open.ts';
import { Reload, hashOf } from './egress/reload.ts';
import { Report } from './egress/report.ts';
import type { Destined } from './egress/sender.ts';
import { BackWriter } from './outbox/back.ts';
import { CommandWriter } from './outbox/commands.ts';
import { plainly } from './outbox/courierstatus.ts';
import { OutReader } from './outbox/out.ts';
import { placesOf, portsOf, readDestinations, type Destination } from './policy/destinations.ts';

const configBytesMax = 2 ** 18;
const root = folderOf(import.meta.dirname);

interface Options {
  readonly config: string;
  readonly outbox: string;
  readonly state: string;
  readonly credentials: string | undefined;
  /** They are systemd's, which guards them. */
  readonly trusted: boolean;
  /** The least confinement that is accepted. */
  readonly jail: 'off' | 'files' | 'full';
  /** How it is confined, once it is. */
  readonly confined: string | undefined;
}

async function start(o: Options, life: Lifetime, log: Log): Promise<void> {
  const startedMs = Math.round(systemClock.wallMs());
  const { destinations, sha256 } = await readConfig(o.config);
  const out = new OutReader(joinPath(o.outbox, 'out'));
  const backFolder = joinPath(o.outbox, 'back');
  const back = await BackWriter.open(backFolder);
  const commands = await CommandWriter.open(backFolder, systemClock);
  const journal = await Journal.open(joinPath(o.state, 'journal'));
  const parts = { out, back, journal, clock: systemClock, log, random, localMinute };
  const credentials = new Credentials(o.credentials, o.trusted);
  const opened = new Map<string, Destined>();
  for (const destination of destinations) opened.set(destination.name, await life.own(destination.name, openDestination(destination, credentials, parts, commands)));
  const dispatch = await life.own('dispatch', new Dispatch({ out, back, journal, destinations: opened, clock: systemClock, log }));
  const reload = await life.own('reload', new Reload({ file: o.config, bytesMax: configBytesMax, inForce: sha256, clock: systemClock, log, changed: () => end(life, log, 'to begin anew') }));
  const report = await life.own('report', new Report({
    back: backFolder, clock: systemClock, log,
    state: () => ({
      started_ms: startedMs, confined: confinedAs(o.confined), config_sha256: sha256, odd: dispatch.odd, ...(reload.wrong === undefined ? {} : { config_error: plainly(reload.wrong) }),
      destinations: [...opened].map(([name, destined]) => ({ name, ...destined.state() })),
    }),
  }));
  for (const destined of opened.values()) destined.start();
  dispatch.start();
  reload.start();
  report.start();
  process.on('SIGHUP', () => reload.ask());
  log.info({ component: 'courier', confined: o.confined ?? 'no', destinations: [...opened.keys()] }, 'the courier is running');
}

/** Locks itself up: this process becomes the jail, which becomes this program again. Comes back where there is no jail and none is asked for. SP_JAIL_MISSING. */
async function confine(o: Options): Promise<void> {
  const launcher = joinPath(root, 'native/build/jail');
  const probe = (await fileExists(launcher)) ? await run(launcher, ['--probe'], { timeoutMs: 10_000, stdoutBytesMax: 4096 }) : undefined;
  if (probe?.status !== 0) {
    if (o.jail !== 'off') throw new SallyportError('SP_JAIL_MISSING', { path: launcher, reason: 'it was not built' });
    return;
  }
  const { level } = JSON.parse(probe.stdout.toString()) as { level: string };
  const { destinations } = await readConfig(o.config);
  const places = placesOf(destinations);
  const back = joinPath(o.outbox, 'back');
  for (const folder of [back, o.state]) await ensureFolder(folder, 0o750);
  // The file of destinations is replaced when they change, and a rule on a file is for that one alone: where it lies in the outbox, that is read as a whole.
  const config = folderOf(o.config) === o.outbox ? o.outbox : o.config;
  const reads = [joinPath(root, 'src'), joinPath(root, 'dist'), joinPath(root, 'node_modules'), joinPath(root, 'package.json'), joinPath(o.outbox, 'out'), config, ...(o.credentials === undefined ? [] : [o.credentials]), ...places.reads];
  become(launcher, [
    '--courier', '--need', o.jail, '--parent', String(process.ppid), ...portsOf(destinations).flatMap((port) => ['--port', String(port)]),
    ...reads.flatMap((path) => ['--read', path]), ...[back, o.state, ...places.writes].flatMap((path) => ['--write', path]),
    '--', process.execPath, ...process.execArgv, import.meta.filename, ...process.argv.slice(2), ...(o.credentials === undefined ? [] : ['--credentials', o.credentials]), ...(o.trusted ? ['--trusted'] : []), '--confined', level,
  ]);
}

/** SP_COURIER_CONFIG. */
async function readConfig(file: string): Promise<{ destinations: readonly Destination[]; sha256: string }> {
  try {
    const text = await readTextBounded(file, configBytesMax);
    return { destinations: readDestinations(text), sha256: hashOf(text) };
  } catch (error) {
    throw new SallyportError('SP_COURIER_CONFIG', { file, reason: (error as Error).message }, error);
  }
}

function readOptions(): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { config: text, outbox: text, state: text, credentials: text, jail: text, confined: text, trusted: { type: 'boolean' } } });
  const need = (name: 'config' | 'outbox' | 'state'): string => {
    const value = values[name];
    if (value?.startsWith('/') !== true) throw new SallyportError('SP_USAGE', { command: 'courier', reason: `--${name} needs an absolute path` });
    return value;
  };
  const systemd = process.env['CREDENTIALS_DIRECTORY'];
  const jail = (['off', 'files', 'full'] as const).find((level) => level === (values.jail ?? 'off'));
  if (jail === undefined) throw new SallyportError('SP_USAGE', { command: 'courier', reason: '--jail is off, files or full' });
  return { config: need('config'), outbox: need('outbox'), state: need('state'), credentials: values.credentials ?? systemd, trusted: values.trusted ?? (values.credentials === undefined && systemd !== undefined), jail, confined: values.confined };
}

async function openLog(state: string): Promise<Log> {
  const folder = joinPath(state, 'log');
  await ensureFolder(folder);
  const toFile = dayFileWriter(folder, () => systemClock.wallMs());
  return createLog({ level: 'info', write: (line) => { toFile(line); process.stderr.write(line); } });
}

function confinedAs(level: string | undefined): 'no' | 'off' | 'files' | 'full' {
  return (['off', 'files', 'full'] as const).find((one) => one === level) ?? 'no';
}

/** Minutes since midnight, here. */
function localMinute(): number {
  const now = new Date(systemClock.wallMs());
  return now.getHours() * 60 + now.getMinutes();
}

/** Jitter only; no secret depends on it. */
function random(): number {
  return randomInt(2 ** 31) / 2 ** 31;
}

/** First SIGTERM: what is under way is cut, written down, and goes on at the next start. Second: leave. */
function stopOnSignals(life: Lifetime, log: Log): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    end(life, log, 'by a signal');
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function end(life: Lifetime, log: Log, why: string): void {
  life.close().then(() => { log.info({ component: 'courier', why }, 'the courier has stopped'); process.exit(0); }, () => process.exit(1));
}

async function main(): Promise<void> {
  process.umask(0o027);
  const options = readOptions();
  if (options.confined === undefined) await confine(options);
  const log = await openLog(options.state);
  const life = new Lifetime();
  stopOnSignals(life, log);
  // Before it runs there is nothing to begin anew.
  process.on('SIGHUP', () => {});
  await start(options, life, log);
}

try {
  await main();
} catch (error) {
  const { code, message, hint } = asSallyportError(error);
  process.stderr.write(`courier: ${message}\n  ${hint}\n`);
  // As `sallyport`: wrong usage and configuration do not cure by themselves.
  process.exit(code === 'SP_USAGE' ? 64 : code === 'SP_COURIER_CONFIG' ? 78 : 1);
}
