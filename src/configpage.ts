/**
 * Settings as the page shows and changes them: what is set, by which file, and what may be set on the page. What it sets goes to
 * conf.d/90-page.toml, which is the hub's own. A key that another file sets belongs to whoever wrote that file and is changed there, for
 * else that file would say one thing and the hub do another; what a household decides in its first hour is the exception
 * (`householdKeys`). A camera stands in one file; times of privacy add up, and each is taken out where it stands.
 */
import { SallyportError } from './base/errors.ts';
import { isOfPage, pageFile, type ConfigErrors, type EntriesOfFile } from './config.ts';
import { keysOf } from './configdestinations.ts';
import { FileSchema, nodeOf, type CameraEntry, type FileEntries, type SchemaNode } from './configschema.ts';
import { destinationKinds, secretsOf } from './policy/declared.ts';
import { fileKeys, householdKeys } from './policy/settings.ts';
import { ruleInWords, type PrivacyRule } from './policy/privacy.ts';
import { weekdays } from './policy/schedule.ts';

export type SettingValue = string | number | boolean | readonly string[];
type Table = Readonly<Record<string, unknown>>;

export interface SettingsChange {
  /** "record.cut_after", or of a camera "audio"; without a value what the page set is taken out. */
  readonly keys?: readonly { readonly key: string; readonly value?: SettingValue | undefined }[] | undefined;
  /** What `keys` are about; the hub itself when absent. */
  readonly camera?: string | undefined;
  /** The camera is taken out. */
  readonly remove?: boolean | undefined;
  /** Where a camera is asked from now on, where `https` is among `keys`: found out by the hub, no visitor's word. */
  readonly door?: { readonly port: number | undefined; readonly path: string | undefined };
  /** A time of privacy that goes, one that comes, or one in the place of the other. */
  readonly privacy?: { readonly out?: RuleEntry | undefined; readonly in?: RuleEntry | undefined } | undefined;
  /** A place in a picture, by camera and name, or a rule of alarms, by its name: one that goes, one that comes, or one in the place of the other. */
  readonly zone?: { readonly out?: Pick<ZoneEntry, 'camera' | 'name'> | undefined; readonly in?: ZoneEntry | undefined } | undefined;
  readonly alarm?: { readonly out?: Pick<RuleOfAlarms, 'name'> | undefined; readonly in?: RuleOfAlarms | undefined } | undefined;
  /** Where something goes to, by its name. */
  readonly destination?: { readonly out?: { readonly name: string } | undefined; readonly in?: DestinationOfPage | undefined } | undefined;
  /**
   * When cameras are recorded: a rule that goes, one that comes, or one in the place of the other. The first that fits counts, so one that comes stands
   * `at` this number of the hub's own, the first is 0; without it where the other was, or last.
   */
  readonly recording?: { readonly out?: RuleOfRecording | undefined; readonly in?: RuleOfRecording | undefined; readonly at?: number | undefined } | undefined;
}

/** As files have them; whether they are sound is for the check of the whole. */
export interface ZoneEntry {
  readonly camera: string;
  readonly name: string;
  readonly mask?: boolean;
  readonly points: readonly (readonly number[])[];
}
export interface RuleOfAlarms {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly cameras?: readonly string[];
  readonly spaces?: readonly string[];
  readonly zones?: readonly string[];
  readonly size_least?: number | string;
  readonly size_most?: number | string;
  readonly days?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly keep?: string;
  readonly before?: string;
  readonly after?: string;
  readonly enabled?: boolean;
}

/** Its keys, as files have them; `name` among them. */
export type DestinationOfPage = Readonly<Record<string, SettingValue>>;

export interface RuleOfRecording {
  readonly mode: string;
  readonly cameras?: readonly string[];
  readonly spaces?: readonly string[];
  readonly days?: readonly string[];
  readonly from?: string;
  readonly to?: string;
}

/** As files have it: `space` and `days` may be absent. Whether it is a rule is for the check of the whole. */
export interface RuleEntry {
  readonly space?: string;
  readonly days?: readonly string[];
  readonly from: string;
  readonly to: string;
}

export interface Settings {
  /** Each key of the hub; without a value where no file sets it. `file`: the one that counts. */
  readonly keys: readonly { readonly key: string; readonly value?: SettingValue; readonly file?: string; readonly byPage: boolean; readonly fixed: boolean }[];
  readonly cameras: readonly { readonly camera: string; readonly file: string; readonly fixed: boolean; readonly values: Readonly<Record<string, SettingValue>> }[];
  readonly privacy: readonly (PrivacyRule & { readonly file: string; readonly fixed: boolean })[];
  readonly zones: readonly (ZoneEntry & { readonly file: string; readonly fixed: boolean })[];
  readonly alarms: readonly (RuleOfAlarms & { readonly file: string; readonly fixed: boolean })[];
  readonly destinations: readonly { readonly name: string; readonly file: string; readonly fixed: boolean; readonly values: Readonly<Record<string, SettingValue>> }[];
  /** In the order in which they count. */
  readonly recordings: readonly (RuleOfRecording & { readonly file: string; readonly fixed: boolean })[];
}

export interface SettingProblem {
  readonly code: string;
  /** Of those that were to be changed; absent when it is about something else. */
  readonly key?: string;
  readonly text: string;
  readonly hint: string;
}

export function settingsOf(files: readonly EntriesOfFile[]): Settings {
  return {
    keys: hubKeys().map((key) => {
      const { value, file, byPage, fixed } = standingOf(files, key);
      return { key, ...(value === undefined ? {} : { value: value as SettingValue }), ...(file === undefined ? {} : { file }), byPage, fixed };
    }),
    cameras: files.flatMap(({ name, page, entries }) => (entries.camera ?? []).map((camera) => ({ camera: camera.id, file: name, fixed: !page, values: camera as Record<string, SettingValue> }))),
    privacy: files.flatMap(({ name, page, entries }) => (entries.privacy ?? []).map((rule) => ({ ...ruleOf(rule), file: name, fixed: !page }))),
    zones: files.flatMap(({ name, page, entries }) => (entries.zone ?? []).map((zone) => ({ ...zone, file: name, fixed: !page }))),
    alarms: files.flatMap(({ name, page, entries }) => (entries.alarm ?? []).map((rule) => ({ ...rule, file: name, fixed: !page }))),
    destinations: files.flatMap(({ name, page, entries }) => (entries.destination ?? []).map((one) => ({ name: one.name, file: name, fixed: !page, values: one as Record<string, SettingValue> }))),
    recordings: files.flatMap(({ name, page, entries }) => (entries.recording ?? []).map((rule) => ({ ...rule, file: name, fixed: !page }))),
  };
}

/** What conf.d/90-page.toml holds after the change. SP_SETTING_FIXED, SP_SETTING_GONE, SP_CAMERA_UNKNOWN; whether values are sound is for the check of the whole. */
export function applyChange(own: FileEntries, files: readonly EntriesOfFile[], change: SettingsChange): FileEntries {
  const changed = change.camera === undefined ? changeKeys(own, files, change.keys ?? []) : changeCamera(own, files, change.camera, change);
  const other = change.privacy === undefined ? changed : changePrivacy(changed, files, change.privacy);
  const zoned = change.zone === undefined ? other : changeNamed(other, files, 'zone', change.zone, ({ camera, name }) => `${camera} ${name}`);
  const ringing = change.alarm === undefined ? zoned : changeNamed(zoned, files, 'alarm', change.alarm, ({ name }) => name);
  const leaving = change.destination === undefined ? ringing : changeNamed(ringing, files, 'destination', change.destination, ({ name }: DestinationOfPage) => String(name));
  return change.recording === undefined ? leaving : changeRecording(leaving, files, change.recording);
}

/** In the words of a form, with the key that each is about. `own`: what the file would have held. */
export function problemsOf({ problems }: ConfigErrors, change: SettingsChange, own: FileEntries): SettingProblem[] {
  const camera = (own.camera ?? []).findIndex(({ id }) => id === change.camera);
  // What comes stands last, but for recordings, whose order counts.
  const numbers: Readonly<Record<string, number>> = {
    camera, privacy: change.privacy?.in === undefined ? -1 : (own.privacy ?? []).length - 1,
    zone: change.zone?.in === undefined ? -1 : (own.zone ?? []).length - 1, alarm: change.alarm?.in === undefined ? -1 : (own.alarm ?? []).length - 1,
    destination: change.destination?.in === undefined ? -1 : (own.destination ?? []).length - 1,
    recording: (own.recording ?? []).findIndex((rule) => change.recording?.in !== undefined && sameRecording(rule, change.recording.in)),
  };
  return problems.map((problem) => {
    const [, name, table, number] = /^(.+?)(?: of (camera|privacy|zone|alarm|destination|recording) no\. (\d+))?$/.exec(String(problem.evidence['key'] ?? '')) ?? [];
    const ours = isOfPage(problem) && (table === undefined || Number(number) - 1 === numbers[table]);
    return {
      code: problem.code, hint: problem.hint, ...(ours && name !== undefined ? { key: name } : {}),
      text: ours && problem.code === 'SP_CONFIG_VALUE' ? String(problem.evidence['reason']) : problem.message,
    };
  });
}

function changeKeys(own: FileEntries, files: readonly EntriesOfFile[], keys: NonNullable<SettingsChange['keys']>): FileEntries {
  let table: Table = own;
  for (const { key, value } of keys) {
    // A whole table, and all cameras or times of privacy at once, would go with one word.
    if (!key.includes('.') && isTable(key)) throw new SallyportError('SP_SETTING_FIXED', { key, reason: 'it is set key by key' });
    const { fixed, file } = standingOf(files, key);
    if (fixed) throw new SallyportError('SP_SETTING_FIXED', { key, reason: file === undefined || fileKeys.has(key) ? 'files alone set it' : `${file} sets it` });
    const [name, inner] = key.split('.', 2) as [string, string | undefined];
    if (inner === undefined) table = withValue(table, name, value);
    else table = withValue(table, name, withValue((table[name] ?? {}) as Table, inner, value));
  }
  return table as FileEntries;
}

function changeCamera(own: FileEntries, files: readonly EntriesOfFile[], id: string, { keys = [], remove = false, door }: SettingsChange): FileEntries {
  const cameras = own.camera ?? [];
  const other = files.find((file) => !file.page && file.entries.camera?.some((camera) => camera.id === id) === true);
  if (other !== undefined) throw new SallyportError('SP_SETTING_FIXED', { key: `camera ${id}`, reason: `${other.name} sets it` });
  if (!cameras.some((camera) => camera.id === id)) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera: id });
  // Zones lie in the camera's picture, and go with it.
  if (remove) return { ...own, camera: cameras.filter((camera) => camera.id !== id), ...(own.zone === undefined ? {} : { zone: own.zone.filter(({ camera }) => camera !== id) }) };
  return { ...own, camera: cameras.map((camera) => (camera.id === id ? atDoor(keys.reduce((table, { key, value }) => withCameraKey(table, key, value), camera), door) : camera)) };
}

/** The path stays where nothing else is known. */
function atDoor(camera: CameraEntry, door: SettingsChange['door']): CameraEntry {
  if (door === undefined) return camera;
  return withValue(door.path === undefined ? camera : { ...camera, path: door.path }, 'port', door.port) as CameraEntry;
}

function withCameraKey(camera: CameraEntry, key: string, value: SettingValue | undefined): CameraEntry {
  if (fileKeys.has(`camera.${key}`)) throw new SallyportError('SP_SETTING_FIXED', { key, reason: 'it was found out when the camera was adopted' });
  return withValue(camera, key, value) as CameraEntry;
}

function changePrivacy(own: FileEntries, files: readonly EntriesOfFile[], { out, in: coming }: NonNullable<SettingsChange['privacy']>): FileEntries {
  const rules = own.privacy ?? [];
  const isOut = (rule: RuleEntry): boolean => out !== undefined && same(rule, out);
  if (out !== undefined && !rules.some(isOut)) {
    const other = files.find((file) => !file.page && file.entries.privacy?.some(isOut) === true);
    throw other === undefined ? new SallyportError('SP_SETTING_GONE', { what: 'time of privacy' }) : new SallyportError('SP_SETTING_FIXED', { key: 'this time of privacy', reason: `${other.name} sets it` });
  }
  const left = rules.filter((rule) => !isOut(rule) && (coming === undefined || !same(rule, coming)));
  const now = [...left, ...(coming === undefined ? [] : [coming as Entry])];
  return withValue(own as Table, 'privacy', now.length === 0 ? undefined : now) as FileEntries;
}

/** Tables that have a name: one of another file stays there. */
function changeNamed<N extends object, E extends N>(own: FileEntries, files: readonly EntriesOfFile[], table: 'zone' | 'alarm' | 'destination', { out, in: coming }: { readonly out?: N | undefined; readonly in?: E | undefined }, nameOf: (entry: N) => string): FileEntries {
  const all = (entries: FileEntries): readonly N[] => (entries[table] ?? []) as unknown as readonly N[];
  const isOut = (entry: N): boolean => out !== undefined && nameOf(entry) === nameOf(out);
  if (out !== undefined && !all(own).some(isOut)) {
    const other = files.find((file) => !file.page && all(file.entries).some(isOut));
    throw other === undefined ? new SallyportError('SP_SETTING_GONE', { what: `${table} ${nameOf(out)}` }) : new SallyportError('SP_SETTING_FIXED', { key: `${table} ${nameOf(out)}`, reason: `${other.name} sets it` });
  }
  const now = [...all(own).filter((entry) => !isOut(entry)), ...(coming === undefined ? [] : [coming])];
  return withValue(own as Table, table, now.length === 0 ? undefined : now) as FileEntries;
}

/** They have no name; two of the same words are the same, and the second would never count. */
function changeRecording(own: FileEntries, files: readonly EntriesOfFile[], { out, in: coming, at }: NonNullable<SettingsChange['recording']>): FileEntries {
  const rules: readonly RuleOfRecording[] = own.recording ?? [];
  const place = out === undefined ? rules.length : rules.findIndex((rule) => sameRecording(rule, out));
  if (out !== undefined && place === -1) {
    const other = files.find((file) => !file.page && file.entries.recording?.some((rule) => sameRecording(rule, out)) === true);
    throw other === undefined ? new SallyportError('SP_SETTING_GONE', { what: 'rule of recording' }) : new SallyportError('SP_SETTING_FIXED', { key: 'this rule of recording', reason: `${other.name} sets it` });
  }
  const left = rules.filter((rule, index) => (out === undefined || index !== place) && (coming === undefined || !sameRecording(rule, coming)));
  const now = coming === undefined ? left : left.toSpliced(at ?? place, 0, coming);
  return withValue(own as Table, 'recording', now.length === 0 ? undefined : now) as FileEntries;
}

function sameRecording(one: RuleOfRecording, other: RuleOfRecording): boolean {
  const inOrder = ({ mode, cameras, spaces, days, from, to }: RuleOfRecording): string => JSON.stringify([mode, cameras, spaces, days?.toSorted(), from, to]);
  return inOrder(one) === inOrder(other);
}

function same(one: RuleEntry, other: RuleEntry): boolean {
  return ruleInWords(ruleOf(one)) === ruleInWords(ruleOf(other));
}

type Entry = NonNullable<FileEntries['privacy']>[number];

function ruleOf({ space, days, from, to }: RuleEntry): PrivacyRule {
  return { space: space ?? 'home', days: (days ?? weekdays) as PrivacyRule['days'], from, to };
}

/** Without a value the key goes, and a table that holds nothing goes with it. */
function withValue(table: Table, key: string, value: unknown): Table {
  const { [key]: _, ...rest } = table;
  const empty = value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0);
  return empty ? rest : { ...rest, [key]: value };
}

/** Which file's value counts. A place is one thing: the last file that says it says all of it. */
function standingOf(files: readonly EntriesOfFile[], key: string): { value: unknown; file: string | undefined; byPage: boolean; fixed: boolean } {
  const sets = (file: EntriesOfFile): boolean => (key.startsWith('place.') ? file.entries.place !== undefined : valueIn(file.entries, key) !== undefined);
  const last = files.findLast(sets);
  const pageIndex = files.findIndex((file) => file.page);
  const before = last !== undefined && (pageIndex === -1 ? last === files[0] || last.name < pageFile : files.indexOf(last) < pageIndex);
  const fixed = fileKeys.has(key) || (last !== undefined && !last.page && !(householdKeys.has(key) && before));
  return { value: last === undefined ? undefined : valueIn(last.entries, key), file: last?.name, byPage: last?.page === true, fixed };
}

function valueIn(entries: FileEntries, key: string): unknown {
  const [name, inner] = key.split('.', 2) as [string, string | undefined];
  const value = Object.hasOwn(entries, name) ? (entries as Table)[name] : undefined;
  if (inner === undefined) return value;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, inner) ? (value as Table)[inner] : undefined;
}

function isTable(key: string): boolean {
  const node = nodeOf(FileSchema).properties?.[key];
  return node?.properties !== undefined || node?.items?.properties !== undefined;
}

/** All but the tables of which there may be several: cameras, times of privacy, zones, alarms, destinations, recordings. */
function hubKeys(): string[] {
  return Object.entries(nodeOf(FileSchema).properties ?? {}).flatMap(([name, node]: [string, SchemaNode]) => {
    if (node.items?.properties !== undefined) return [];
    return node.properties === undefined ? [name] : Object.keys(node.properties).map((inner) => `${name}.${inner}`);
  });
}

/** What forms are made of: of the whole file, with each table that it may have several of. */
export function formSchema(): SchemaNode {
  const all = nodeOf(FileSchema);
  const kinds = Object.fromEntries(destinationKinds.map((kind) => [kind, { needs: keysOf[kind].needs, may: keysOf[kind].may.filter((key) => !keysOf[kind].needs.includes(key)), secrets: secretsOf[kind] }]));
  return { ...all, properties: { ...all.properties, destination: { ...all.properties?.['destination'], 'x-kinds': kinds } } };
}
