/**
 * Stores without the hub: a courier of the command's own, with an outbox of its own in a folder that goes with it. The command asks through `out/` and is
 * answered through `back/`, as a hub is, so the process that holds the kit speaks to nobody, and the one that speaks cannot open anything.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists, folderOf, joinPath, readTextBounded, writeFileAtomic } from '../base/files.ts';
import { Lifetime } from '../base/lifetime.ts';
import { launch } from '../base/spawn.ts';
import { FarAsker, type FarStore } from '../duties/farstore.ts';
import { BackReader } from '../outbox/back.ts';
import { Outbox } from '../outbox/out.ts';
import { readFarPlace, type FarPlaceKind } from '../policy/farplaces.ts';
import { readDestinations } from '../policy/destinations.ts';
import { readPassword } from './terminal.ts';

export const farOptionsHelp = `
  --far WHERE          a store with footage: a folder (/mnt/copy), WebDAV (https://nas.local/cameras) or a
                       bucket (s3:https://host/bucket/prefix); may stand several times
  --far-login FILE     its login, two lines: user or key id, and the secret; else it is asked for
  --slots WHERE        the store with the slots object (slots_at); else that of the footage is looked through
  --slots-login FILE   its login
  --pin SHA256         the certificate of the store, where no authority vouches for it
  --ca FILE            an authority of your own, PEM
  --region NAME        of a bucket, where it has one`;

export const farOption = {
  'far': { type: 'string', multiple: true }, 'far-login': { type: 'string', multiple: true }, 'slots': { type: 'string' }, 'slots-login': { type: 'string' }, 'pin': { type: 'string' }, 'ca': { type: 'string' }, 'region': { type: 'string' },
} as const;

export interface FarValues {
  readonly 'far'?: string[] | undefined;
  readonly 'far-login'?: string[] | undefined;
  readonly 'slots'?: string | undefined;
  readonly 'slots-login'?: string | undefined;
  readonly 'pin'?: string | undefined;
  readonly 'ca'?: string | undefined;
  readonly 'region'?: string | undefined;
}

export interface FarStores {
  readonly slots: FarStore;
  readonly stores: readonly FarStore[];
}

interface Declared {
  readonly name: string;
  readonly place: FarPlaceKind;
  readonly login: string | undefined;
}

const loginBytesMax = 4096;
const startMsMax = 30_000;

/** Starts a courier for the stores that were named, for as long as `work` takes. SP_USAGE, SP_COURIER_CONFIG, SP_FAR_…. */
export async function withFar<T>(command: string, values: FarValues, work: (far: FarStores) => Promise<T>): Promise<T> {
  const declared = await declaredOf(command, values);
  const life = new Lifetime();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-far-'));
    life.defer('the folder', () => rm(folder, { recursive: true, force: true }));
    for (const name of ['outbox/out', 'state', 'credentials']) await ensureFolder(join(folder, name));
    const config = join(folder, 'destinations.json');
    const text = JSON.stringify({ v: 1, destinations: declared.map((one) => destinationOf(one, values)) });
    try {
      readDestinations(text);
    } catch (error) {
      throw new SallyportError('SP_USAGE', { command, reason: `the store cannot be spoken to: ${(error as Error).message}` }, error);
    }
    await writeFileAtomic(config, text);
    for (const { name, login } of declared) if (login !== undefined) await writeFileAtomic(join(folder, 'credentials', `${name}.get`), login);
    const outbox = await Outbox.open({ folder: join(folder, 'outbox/out'), clock: systemClock });
    const said: { last: string | undefined } = { last: undefined };
    const asker = new FarAsker({ outbox, back: new BackReader(join(folder, 'outbox/back')), clock: systemClock, lastWords: () => said.last });
    await startCourier(folder, config, life, asker, said);
    const slots = declared.find(({ name }) => name === 'slots');
    const stores = declared.filter((one) => one !== slots).map(({ name }) => asker.store(name));
    return await work({ slots: slots === undefined ? stores[0] as FarStore : asker.store(slots.name), stores });
  } finally {
    await life.close();
  }
}

async function startCourier(folder: string, config: string, life: Lifetime, asker: FarAsker, said: { last: string | undefined }): Promise<void> {
  const program = joinPath(folderOf(import.meta.dirname), 'courier.ts');
  let running = (): void => {};
  const runs = new Promise<void>((tell) => { running = tell; });
  const child = await launch(process.execPath, [
    '--disable-warning=ExperimentalWarning', program, '--config', config, '--outbox', join(folder, 'outbox'), '--state', join(folder, 'state'), '--credentials', join(folder, 'credentials'),
  ], {
    detached: true, stderrLinesMax: 100_000,
    onErrorLine: (line) => {
      if (line.includes('the courier is running')) running();
      said.last = wordsOf(line) ?? said.last;
    },
  });
  child.stdout.resume();
  life.defer('the courier', async () => {
    child.kill('SIGTERM');
    await child.exited;
  });
  const ended = child.exited.then(({ status }) => {
    const error = new SallyportError('SP_STOPPED', { what: `the courier (status ${status ?? 'none'}${said.last === undefined ? '' : `: ${said.last}`})` });
    asker.end(error);
    throw error;
  });
  // Told to whoever asks it.
  ended.catch(() => {});
  const over = new AbortController();
  const late = systemClock.sleep(startMsMax, over.signal).then(() => { throw new SallyportError('SP_STOPPED', { what: 'starting the courier' }); });
  await Promise.race([runs, ended, late]).finally(() => over.abort());
}

/** What it warns of, from its log; or what it says when it ends. */
function wordsOf(line: string): string | undefined {
  if (!line.startsWith('{')) return line.trim() === '' ? undefined : line.trim();
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return (level === 'warn' || level === 'error' || Number(level) >= 40) && typeof msg === 'string' ? msg : undefined;
  } catch {
    return undefined;
  }
}

async function declaredOf(command: string, values: FarValues): Promise<Declared[]> {
  const far = values.far ?? [];
  if (far.length === 0) throw new SallyportError('SP_USAGE', { command, reason: 'it is not said where: --far WHERE' });
  const declared: Declared[] = [];
  for (const [index, where] of far.entries()) declared.push(await declare(command, far.length === 1 ? 'far' : `far-${index + 1}`, where, values['far-login']?.[index]));
  if (values.slots !== undefined) declared.push(await declare(command, 'slots', values.slots, values['slots-login']));
  return declared;
}

async function declare(command: string, name: string, where: string, loginFile: string | undefined): Promise<Declared> {
  const isFolder = !/^(s3:|https?:)/.test(where);
  const place = readFarPlace(isFolder ? resolve(where) : where);
  if (place === undefined) throw new SallyportError('SP_USAGE', { command, reason: `"${where}" is no store: write a folder, https://…, or s3:https://host/bucket (a password stands in a file of its own)` });
  if (place.kind === 'folder') {
    if (!(await fileExists(place.path))) throw new SallyportError('SP_USAGE', { command, reason: `there is no folder ${place.path}` });
    return { name, place, login: undefined };
  }
  return { name, place, login: loginFile === undefined ? await askedLogin(command, where) : await readTextBounded(loginFile, loginBytesMax) };
}

async function askedLogin(command: string, where: string): Promise<string> {
  if (process.stdin.isTTY !== true) throw new SallyportError('SP_USAGE', { command, reason: `the login of ${where} is missing: --far-login FILE, or --slots-login FILE` });
  const user = await readPassword(`User (or key id) at ${where}: `, command);
  const secret = await readPassword(`Password (or secret key) at ${where}: `, command);
  return `${user}\n${secret}\n`;
}

function destinationOf({ name, place }: Declared, { pin, ca, region }: FarValues): object {
  const every = { name, purpose: 'read once, at the command of whoever has the kit' };
  if (place.kind === 'folder') return { ...every, kind: 'folder', path: place.path, mount: false };
  const trust = { ...(pin === undefined ? {} : { pin: pin.toLowerCase().replaceAll(':', '') }), ...(ca === undefined ? {} : { ca: resolve(ca) }) };
  if (place.kind === 'webdav') return { ...every, ...trust, kind: 'webdav', url: place.url };
  return { ...every, ...trust, kind: 's3', url: place.url, bucket: place.bucket, ...(place.prefix === '' ? {} : { prefix: place.prefix }), ...(region === undefined ? {} : { region }) };
}
