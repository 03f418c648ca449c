/**
 * Reads the configuration: the household's sallyport.toml, then conf.d/*.toml beside it, of which 90-page.toml is the hub's own and
 * the only one that is ever written here. All problems are found at once, each with file, line, key and a hint. No file may hold a
 * secret, and no problem repeats a value, because a value may be one. docs/CONFIG.md describes the keys.
 */
import { basename, dirname, join, relative, resolve } from 'node:path';
import { TomlError, parse, stringify } from 'smol-toml';
import { SallyportError, isSallyportError, reasonOf } from './base/errors.ts';
import { ensureFolder, fileExists, listFolder, readFileBounded, writeFileAtomic } from './base/files.ts';
import { formatBytes, formatDuration } from './base/units.ts';
import { Findings, checkFile, checkTogether, durationMs, nestingMax, problemsMax, sizeBytes, type SoundFile } from './configcheck.ts';
import { checkDestinations, destinationOf } from './configdestinations.ts';
import { KeyLines } from './configlines.ts';
import { dataFolder, footageKeptFor, type AlarmEntry, type CameraEntry, type FileEntries, type RecordingEntry } from './configschema.ts';
import { alarmInWords, zoneInWords, type AlarmRule } from './policy/alarmrules.ts';
import { destinationInWords, withKeysOf } from './policy/declared.ts';
import { ruleInWords } from './policy/privacy.ts';
import { recordingInWords } from './policy/recordmode.ts';
import { always, isBySun, weekdays, type Schedule } from './policy/schedule.ts';
import type { CameraConfig, HubConfig } from './policy/settings.ts';
import type { Place } from './policy/sun.ts';

export type { CameraConfig, HubConfig } from './policy/settings.ts';
export type { CameraEntry } from './configschema.ts';

const fileBytesMax = 2 ** 20;
const filesMax = 100;
/** The hub's own file, beside the configuration's. */
export const pageFile = 'conf.d/90-page.toml';

/** Everything that is wrong with a configuration, at most 50 things. */
export class ConfigErrors extends Error {
  override readonly name = 'ConfigErrors';
  readonly problems: readonly SallyportError[];

  constructor(problems: readonly SallyportError[]) {
    super(problems.map((problem) => `${problem.code}: ${problem.message}`).join('\n'));
    this.problems = problems;
  }
}

export interface LoadedConfig {
  readonly config: HubConfig;
  /** The files that were read, in order. */
  readonly files: readonly string[];
  /** Sentences about what works but may not be meant. */
  readonly warnings: readonly string[];
}

/** Reads and checks the file at `path` and those in conf.d beside it. Throws ConfigErrors. */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  return build(resolve(path), await readAll(resolve(path)));
}

/** Checks one file's text as if it lay alone at `path`; nothing is read from the disk. Throws ConfigErrors. */
export function readConfigText(path: string, bytes: Uint8Array): LoadedConfig {
  return build(resolve(path), { files: [parseFile(path, bytes)], ignored: [] });
}

/**
 * Adds a camera to conf.d/90-page.toml, or replaces the one of that id there. The whole result is checked before it is written.
 * Throws ConfigErrors, SP_CAMERA_KNOWN when the household's files name the camera, SP_WRITE. Only one write at a time. Answers what comes of
 * it, also when, without `write`, it is not written.
 */
export async function writePageCamera(configPath: string, camera: CameraEntry, { write = true }: { readonly write?: boolean } = {}): Promise<HubConfig> {
  return changePage(configPath, (cameras, others) => {
    if (others.has(camera.id)) throw new SallyportError('SP_CAMERA_KNOWN', { camera: camera.id });
    return [...cameras.filter((known) => known.id !== camera.id), presentable(camera)];
  }, { write });
}

/** Gives a camera of conf.d/90-page.toml another name or space; SP_CAMERA_UNKNOWN when it is not there. */
export async function changePageCamera(configPath: string, id: string, { name, space }: { readonly name?: string | undefined; readonly space?: string | undefined }): Promise<void> {
  await changePage(configPath, (cameras) => {
    if (!cameras.some((known) => known.id === id)) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera: id });
    return cameras.map((known) => (known.id === id ? presentable({ ...known, ...(name === undefined ? {} : { name }), ...(space === undefined ? {} : { space }) }) : known));
  });
}

/** The configuration in a few sentences, for `check`. */
export function describeConfig(config: HubConfig): string[] {
  const { disk, keep, record, time } = config;
  return [
    `hub "${config.name}", data in ${config.data}`,
    config.owner === undefined ? (config.page.enabled ? 'sealed for the owner who begins on the page; before, nothing is recorded' : 'sealed for nobody: nothing is recorded') : `sealed for the owner of ${config.owner}`,
    `one key covers ${formatDuration(record.periodMs)}; footage is kept ${formatDuration(keep.footageMs)}, the log ${formatDuration(keep.logsMs)}, the audit ${formatDuration(keep.auditMs)}`,
    ...(disk.budgetBytes === undefined ? [] : [`footage may take ${formatBytes(disk.budgetBytes)} of the disk`]),
    time.source === 'system' ? 'the clock of this machine is trusted' : 'the clock is trusted when a time server keeps it',
    ...config.privacy.map(ruleInWords),
    ...config.recordings.map(recordingInWords),
    ...config.zones.map(zoneInWords),
    ...(config.faces.enabled ? [`faces are compared with those of people who agreed; a consent lasts ${formatDuration(config.faces.consentMs)}${config.faces.lock === 'owner' ? '; after a start nobody is recognised until an owner lends the keys' : ''}`] : []),
    ...config.alarms.map((rule) => `alarm ${alarmInWords(rule)}; kept ${formatDuration(rule.keepMs)}`),
    ...config.destinations.map((destination) => `destination ${destinationInWords(destination)}`),
    ...config.cameras.map((camera) =>
      `${camera.id}: ${camera.address} port ${camera.port} as ${camera.user}, ${camera.record ? `footage kept ${formatDuration(camera.keepMs)}` : 'not recorded'}, ${camera.audio ? 'with sound' : 'no sound'}${camera.budgetBytes === undefined ? '' : `, at most ${formatBytes(camera.budgetBytes)}`}`),
  ];
}

/** One file as read: its entries when nothing is wrong with it. */
interface ConfigFile {
  readonly path: string;
  readonly lines: KeyLines;
  readonly problems: readonly SallyportError[];
  readonly entries: FileEntries | undefined;
}

function pagePath(configPath: string): string {
  return join(dirname(configPath), pageFile);
}

async function readAll(path: string): Promise<{ files: ConfigFile[]; ignored: string[] }> {
  const folder = join(dirname(path), 'conf.d');
  const names = (await fileExists(folder)) ? await listFolder(folder).catch((error: unknown) => { throw unreadable(folder, error); }) : [];
  const read = names.filter((name) => name.endsWith('.toml') && !name.startsWith('.')).slice(0, filesMax);
  const files = [];
  for (const file of [path, ...read.map((name) => join(folder, name))]) files.push(await readOne(file));
  return { files, ignored: names.filter((name) => !read.includes(name)).map((name) => join(folder, name)) };
}

function unreadable(file: string, error: unknown): ConfigErrors {
  const reason = isSallyportError(error, 'SP_READ') ? String(error.evidence['reason']) : reasonOf(error);
  return new ConfigErrors([new SallyportError('SP_CONFIG_FILE', { file, reason }, error)]);
}

async function readOne(path: string): Promise<ConfigFile> {
  let bytes: Buffer;
  try {
    bytes = await readFileBounded(path, fileBytesMax);
  } catch (error) {
    const { problems } = unreadable(path, error);
    return { path, lines: new KeyLines(''), problems, entries: undefined };
  }
  return parseFile(path, bytes);
}

function parseFile(path: string, bytes: Uint8Array): ConfigFile {
  const broken = (line: number, reason: string, cause?: unknown): ConfigFile =>
    ({ path, lines: new KeyLines(''), problems: [new SallyportError('SP_CONFIG_SYNTAX', { file: path, line, reason }, cause)], entries: undefined });
  const badLine = lineOfBadUtf8(bytes);
  if (badLine !== undefined) return broken(badLine, bytes[0] === 0xff || bytes[0] === 0xfe ? 'it is not saved as UTF-8 (but as UTF-16)' : 'it is not saved as UTF-8');
  const text = new TextDecoder('utf-8').decode(bytes);
  let table: unknown;
  try {
    table = parse(text, { maxDepth: nestingMax, unsafeKeyBehaviour: 'keep' });
  } catch (error) {
    // The parser's own message goes on with the lines around, and those may hold a password. The cause is left out for the same reason.
    return error instanceof TomlError ? broken(error.line, parserReason(error)) : broken(1, reasonOf(error));
  }
  const lines = new KeyLines(text);
  const findings = new Findings(path, lines);
  const entries = checkFile(table, findings);
  return { path, lines, problems: findings.list, entries };
}

function parserReason(error: TomlError): string {
  return (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
}

function lineOfBadUtf8(bytes: Uint8Array): number | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const valid = (part: Uint8Array): boolean => {
    try {
      decoder.decode(part);
      return true;
    } catch {
      return false;
    }
  };
  if (valid(bytes)) return undefined;
  let from = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(10, from);
    if (newline < 0 || !valid(bytes.subarray(from, newline))) return line;
    from = newline + 1;
  }
}

function build(path: string, { files, ignored }: { files: readonly ConfigFile[]; ignored: readonly string[] }): LoadedConfig {
  const problems = files.flatMap((file) => file.problems);
  const sound = files.filter((file): file is ConfigFile & SoundFile => file.entries !== undefined);
  const all = [...problems, ...checkTogether(sound), ...checkDestinations(sound, path)];
  if (all.length > 0) throw new ConfigErrors(all.slice(0, problemsMax));
  const config = merge(dirname(path), sound.map((file) => file.entries), sound.find((file) => file.path === pagePath(path))?.entries);
  return { config, files: files.map((file) => file.path), warnings: warningsOf(config, ignored) };
}

/** Later files win, cameras add up; relative paths begin at the folder of sallyport.toml, in whichever file they stand. */
function merge(folder: string, entries: readonly FileEntries[], page: FileEntries | undefined): HubConfig {
  const last = <T>(pick: (file: FileEntries) => T | undefined): T | undefined => entries.map(pick).findLast((value) => value !== undefined);
  const lengthMs = (fallback: string, pick: (file: FileEntries) => string | undefined): number => durationMs(last(pick) ?? fallback);
  const pathOf = (text: string): string => resolve(folder, text);
  const data = pathOf(last((file) => file.data) ?? dataFolder);
  const optionalPath = <K extends string>(key: K, text: string | undefined): { [key in K]?: string } => (text === undefined ? {} : { [key]: pathOf(text) } as { [key in K]: string });
  const owner = last((file) => file.owner);
  const footageMs = lengthMs(footageKeptFor, (file) => file.keep?.footage);
  return {
    name: last((file) => file.name) ?? 'Home',
    data,
    dataMount: last((file) => file.data_mount) ?? false,
    ...(owner === undefined ? {} : { owner: pathOf(owner) }),
    socket: pathOf(last((file) => file.socket) ?? join(data, 'control.sock')),
    record: { periodMs: lengthMs('1 hour', (file) => file.record?.period), cutAfterMs: lengthMs('60 seconds', (file) => file.record?.cut_after), thumbnails: last((file) => file.record?.thumbnails) ?? true },
    keep: { footageMs, logsMs: lengthMs('14 days', (file) => file.keep?.logs), auditMs: lengthMs('2 years', (file) => file.keep?.audit) },
    disk: { ...bytesOf('budgetBytes', last((file) => file.disk?.budget)), ...bytesOf('reserveBytes', last((file) => file.disk?.reserve)) },
    scrub: { everyMs: lengthMs('7 days', (file) => file.scrub?.every), bytesPerSecond: sizeBytes(last((file) => file.scrub?.rate) ?? '2 MB') },
    time: { source: last((file) => file.time?.source) ?? 'ntp', settleMs: lengthMs('1 hour', (file) => file.time?.settle) },
    discovery: { loopback: last((file) => file.discovery?.loopback) ?? false, interfaces: last((file) => file.discovery?.interfaces) ?? [] },
    page: {
      enabled: last((file) => file.page?.enabled) ?? true,
      port: last((file) => file.page?.port) ?? 7443,
      httpPort: last((file) => file.page?.http_port) ?? 7480,
      names: (last((file) => file.page?.names) ?? []).map((name) => name.toLowerCase()),
      panels: last((file) => file.page?.panels) ?? false,
      ...optionalPath('certificate', last((file) => file.page?.certificate)),
      ...optionalPath('certificateKey', last((file) => file.page?.certificate_key)),
    },
    capture: { ffmpeg: program(last((file) => file.capture?.ffmpeg) ?? 'ffmpeg', pathOf), ffprobe: program(last((file) => file.capture?.ffprobe) ?? 'ffprobe', pathOf), jail: last((file) => file.capture?.jail) ?? 'files' },
    faces: { enabled: last((file) => file.faces?.enabled) ?? false, consentMs: lengthMs('1 year', (file) => file.faces?.consent_lasts), lock: last((file) => file.faces?.lock) ?? 'hub' },
    log: { level: last((file) => file.log?.level) ?? 'info' },
    privacy: entries.flatMap((file) => file.privacy ?? []).map((rule) => ({ space: rule.space ?? 'home', days: rule.days ?? weekdays, from: rule.from, to: rule.to })),
    zones: entries.flatMap((file) => file.zone ?? []).map(({ camera, name, mask, points }) => ({ camera, name, mask: mask ?? false, points: points.map(([x = 0, y = 0]) => [x, y] as const) })),
    alarms: entries.flatMap((file) => file.alarm ?? []).map(alarmOf),
    recordings: entries.flatMap((file) => file.recording ?? []).map((rule) => ({ ...concernsOf(rule), ...scheduleOf(rule), mode: rule.mode })),
    ...placeOf(last((file) => file.place)),
    destinations: withKeysOf(entries.flatMap((file) => file.destination ?? []).map((entry) => destinationOf(entry, pathOf))),
    cameras: entries.flatMap((file) => (file.camera ?? []).map((camera) => ({ ...cameraOf(camera, footageMs), ...(file === page ? { byPage: true as const } : {}) }))),
  };
}

function bytesOf<K extends string>(key: K, text: string | undefined): { [key in K]?: number } {
  return text === undefined ? {} : { [key]: sizeBytes(text) } as { [key in K]: number };
}

function shareOf<K extends string>(key: K, percent: number | undefined): { [key in K]?: number } {
  return percent === undefined ? {} : { [key]: percent / 100 } as { [key in K]: number };
}

function alarmOf(entry: AlarmEntry): AlarmRule {
  return {
    name: entry.name, ...concernsOf(entry), kinds: entry.kinds, ...(entry.zones === undefined ? {} : { zones: entry.zones }), ...shareOf('sizeLeast', entry.size_least), ...shareOf('sizeMost', entry.size_most), ...scheduleOf(entry),
    keepMs: durationMs(entry.keep ?? '30 days'), beforeMs: durationMs(entry.before ?? '5 seconds'), afterMs: durationMs(entry.after ?? '20 seconds'), enabled: entry.enabled ?? true,
  };
}

function concernsOf({ cameras, spaces }: AlarmEntry | RecordingEntry): { cameras?: readonly string[]; spaces?: readonly string[] } {
  return { ...(cameras === undefined ? {} : { cameras }), ...(spaces === undefined ? {} : { spaces }) };
}

function scheduleOf({ days, from, to }: AlarmEntry | RecordingEntry): Schedule {
  return { days: days ?? weekdays, from: from ?? always.from, to: to ?? always.to };
}

/** To a tenth of a degree: nobody needs to know it better. */
function placeOf(place: FileEntries['place']): { place?: Place } {
  return place === undefined ? {} : { place: { latitude: Math.round(place.latitude * 10) / 10, longitude: Math.round(place.longitude * 10) / 10 } };
}

/** A bare name is looked for in PATH. */
function program(text: string, pathOf: (text: string) => string): string {
  return text.includes('/') ? pathOf(text) : text;
}

function cameraOf(entry: CameraEntry, footageMs: number): CameraConfig {
  return {
    id: entry.id,
    name: entry.name ?? entry.id,
    address: entry.address.toLowerCase(),
    port: entry.port ?? (entry.https === true ? 443 : 80),
    path: entry.path ?? '/onvif/device_service',
    secure: entry.https ?? false,
    user: entry.user,
    keepMs: entry.keep === undefined ? footageMs : durationMs(entry.keep),
    ownKeep: entry.keep !== undefined,
    audio: entry.audio ?? false,
    record: entry.record ?? true,
    sub: entry.sub ?? false,
    events: entry.events ?? true,
    detect: entry.detect ?? 'both',
    space: entry.space ?? 'home',
    ...(entry.serial === undefined ? {} : { serial: entry.serial }),
    ...(entry.alias === undefined ? {} : { alias: entry.alias }),
    ...bytesOf('budgetBytes', entry.budget),
  };
}

function warningsOf(config: HubConfig, ignored: readonly string[]): string[] {
  const { footageMs } = config.keep;
  return [
    ...ignored.map((file) => `${file} is not read: only files that end in .toml are`),
    ...(config.place === undefined && [...config.privacy, ...config.alarms, ...config.recordings].some(isBySun) ? ['a rule goes by the sun, but [place] does not say where the hub is: sunrise counts as 06:00, sunset as 18:00'] : []),
    ...(footageMs < config.record.periodMs ? [`footage is kept ${formatDuration(footageMs)}, but one key covers ${formatDuration(config.record.periodMs)}: what is recorded at its beginning stays for both together`] : []),
  ];
}

function changePage(configPath: string, change: (cameras: readonly CameraEntry[], others: ReadonlySet<string>) => CameraEntry[], how: { readonly write: boolean } = { write: true }): Promise<HubConfig> {
  return changePageFile(configPath, (own, files) => {
    const others = new Set(files.filter((file) => !file.page).flatMap((file) => file.entries.camera ?? []).map((camera) => camera.id));
    return { ...own, camera: change(own.camera ?? [], others) };
  }, how);
}

/** One of the files, in the order in which they count: a later one wins. */
export interface EntriesOfFile {
  /** "sallyport.toml", "conf.d/10-site.toml". */
  readonly name: string;
  /** It is the hub's own. */
  readonly page: boolean;
  readonly entries: FileEntries;
}

/** What each file says. Throws ConfigErrors when something is wrong with one. */
export async function readEntries(configPath: string): Promise<readonly EntriesOfFile[]> {
  const path = resolve(configPath);
  const read = await readAll(path);
  build(path, read);
  return entriesOf(path, read.files);
}

/**
 * What conf.d/90-page.toml holds after `change`, judged together with all other files, as the configuration that comes of it. Only with
 * `write` it is written then, once `before` has let it pass. Throws ConfigErrors: problems of what was changed name that file; and what `change` and `before` throw.
 */
export async function changePageFile(configPath: string, change: (own: FileEntries, files: readonly EntriesOfFile[]) => FileEntries, { write, before }: { readonly write: boolean; readonly before?: (config: HubConfig) => Promise<void> }): Promise<HubConfig> {
  const path = resolve(configPath);
  const page = pagePath(path);
  const { files, ignored } = await readAll(path);
  build(path, { files, ignored });
  const own: FileEntries = files.find((file) => file.path === page)?.entries ?? {};
  const text = `${pageHead}${stringify(change(own, entriesOf(path, files)))}\n`;
  const rest = files.filter((file) => file.path !== page);
  const changed = [...rest, parseFile(page, Buffer.from(text))].sort((a, b) => (a.path === path ? -1 : b.path === path ? 1 : basename(a.path) < basename(b.path) ? -1 : 1));
  const { config } = build(path, { files: changed, ignored });
  if (write) {
    await before?.(config);
    await ensureFolder(dirname(page), 0o755);
    await writeFileAtomic(page, text, 0o640);
  }
  return config;
}

function entriesOf(path: string, files: readonly ConfigFile[]): EntriesOfFile[] {
  return files.flatMap((file) => (file.entries === undefined ? [] : [{ name: relative(dirname(path), file.path), page: file.path === pagePath(path), entries: file.entries }]));
}

/** Whether a problem lies in what the page set. */
export function isOfPage(problem: SallyportError): boolean {
  return basename(String(problem.evidence['file'] ?? '')) === basename(pageFile);
}

const pageHead = '# Written by the hub: what `sallyport adopt` and the page set. Changes by hand are lost; your own go to sallyport.toml.\n\n';

/** Names and serial numbers are a camera's own words: what a configuration cannot hold of them is left out. */
function presentable(camera: CameraEntry): CameraEntry {
  const { name, serial, ...rest } = camera;
  const plain = (text: string | undefined, lengthMax: number): string => Array.from((text ?? '').replaceAll(/\p{C}+/gu, ' ').trim()).slice(0, lengthMax).join('').trim();
  const [plainName, plainSerial] = [plain(name, 80), plain(serial, 100)];
  return { ...rest, ...(plainName === '' ? {} : { name: plainName }), ...(plainSerial === '' ? {} : { serial: plainSerial }) };
}
