/**
 * What may stand in a configuration file: keys of the schema, values in range, no secrets, no camera twice. Problems name file, line and
 * key, and never repeat a value, because a value may be a secret.
 */
import { isIPv4 } from 'node:net';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { SallyportError } from './base/errors.ts';
import { parseBytes, parseDuration } from './base/units.ts';
import type { KeyLines, KeyPath } from './configlines.ts';
import { FileSchema, nodeOf, type FileEntries, type SchemaNode } from './configschema.ts';
import { areaOf } from './policy/alarmrules.ts';

export const camerasMax = 256;
export const problemsMax = 50;
/** How deep tables and lists may nest; the parser refuses more. */
export const nestingMax = 12;

export interface SoundFile {
  readonly path: string;
  readonly lines: KeyLines;
  readonly entries: FileEntries;
}

/** Checks one parsed file; what is wrong goes to `problems`, and the entries come back when nothing is. */
export function checkFile(parsed: unknown, problems: Findings): FileEntries | undefined {
  findSecrets(parsed, problems);
  checkNode(nodeOf(FileSchema), parsed, [], problems);
  return problems.list.length === 0 && Value.Check(FileSchema, parsed) ? parsed : undefined;
}

/** What no file shows alone: a camera or its address given twice, across all files; rules about cameras and zones that none of them names. */
export function checkTogether(files: readonly SoundFile[]): SallyportError[] {
  const problems: SallyportError[] = checkRules(files);
  const ids = new Set<string>();
  const aliases = new Set<string>();
  const places = new Map<string, string>();
  for (const file of files) {
    const found = new Findings(file.path, file.lines);
    (file.entries.camera ?? []).forEach((camera, index) => {
      const path = ['camera', index];
      if (ids.has(camera.id)) found.duplicate([...path, 'id'], camera.id);
      if (camera.alias !== undefined && aliases.has(camera.alias)) found.duplicate([...path, 'alias'], camera.alias);
      if (camera.alias !== undefined) aliases.add(camera.alias);
      ids.add(camera.id);
      const place = `${camera.address.toLowerCase()} ${camera.port ?? 80}`;
      const other = places.get(place);
      if (other !== undefined && other !== camera.id) found.value([...path, 'address'], `and port are those of ${other} already`, 'Each camera has an address and port of its own; take one of the two out.');
      places.set(place, other ?? camera.id);
    });
    problems.push(...found.list);
  }
  const cameras = files.reduce((sum, file) => sum + (file.entries.camera?.length ?? 0), 0);
  const last = files.at(-1);
  if (cameras > camerasMax && last !== undefined) problems.push(new SallyportError('SP_CONFIG_VALUE', { file: last.path, line: 1, key: 'camera', reason: `is given ${cameras} times`, expected: `Expected: at most ${camerasMax} cameras.` }));
  return problems.slice(0, problemsMax);
}

/** Of zones, alarms and recordings, each of which may be about cameras and zones of another file. */
function checkRules(files: readonly SoundFile[]): SallyportError[] {
  const cameras = new Set(files.flatMap(({ entries }) => entries.camera ?? []).map(({ id }) => id));
  const zones = files.flatMap(({ entries }) => entries.zone ?? []);
  const zoneNames = new Set(zones.filter(({ mask }) => mask !== true).map(({ name }) => name));
  const seen = new Set<string>();
  return files.flatMap((file) => {
    const found = new Findings(file.path, file.lines);
    const once = (path: KeyPath, what: string, value: string): void => {
      if (seen.has(`${what} ${value}`)) found.duplicate(path, value);
      seen.add(`${what} ${value}`);
    };
    const known = (path: KeyPath, names: readonly string[] | undefined): void => {
      if (names?.some((name) => !cameras.has(name)) === true) found.value(path, 'names a camera that there is not', oneOf(cameras, 'cameras'));
    };
    for (const [index, zone] of (file.entries.zone ?? []).entries()) {
      known(['zone', index, 'camera'], [zone.camera]);
      once(['zone', index, 'name'], `zone of ${zone.camera}`, zone.name);
      if (areaOf(zone.points as [number, number][]) < areaMin) found.value(['zone', index, 'points'], 'enclose nothing', 'Give the corners one after the other, as one goes round.');
    }
    for (const [index, alarm] of (file.entries.alarm ?? []).entries()) {
      once(['alarm', index, 'name'], 'alarm', alarm.name);
      known(['alarm', index, 'cameras'], alarm.cameras);
      if (alarm.zones?.some((name) => !zoneNames.has(name)) === true) found.value(['alarm', index, 'zones'], 'names a zone that there is not', oneOf(zoneNames, 'zones'));
      else if (alarm.cameras !== undefined && alarm.zones?.some((name) => !zones.some((zone) => zone.name === name && alarm.cameras?.includes(zone.camera))) === true) {
        found.value(['alarm', index, 'zones'], 'names a zone that none of its cameras has', 'Draw the zone in the picture of one of these cameras, or name the zone\'s camera.');
      }
      if (alarm.size_least !== undefined && alarm.size_most !== undefined && alarm.size_least > alarm.size_most) found.value(['alarm', index, 'size_most'], 'is less than size_least', 'Nothing would ever ring: give a greater one, or leave one of the two out.');
    }
    for (const [index, { cameras: named }] of (file.entries.recording ?? []).entries()) known(['recording', index, 'cameras'], named);
    for (const table of ['alarm', 'recording'] as const) {
      for (const [index, rule] of (file.entries[table] ?? []).entries()) {
        if (rule.cameras !== undefined && rule.spaces !== undefined) found.value([table, index, 'spaces'], 'stands beside cameras', 'Give either cameras or spaces.');
      }
    }
    return found.list;
  });
}

/** Twice the area: a hundredth of a percent of the picture. */
const areaMin = 0.0002;

function oneOf(names: ReadonlySet<string>, what: string): string {
  return names.size === 0 ? `There are no ${what} yet.` : `Known ${what}: ${[...names].slice(0, 20).join(', ')}.`;
}

/** The problems of one file; when there are too many, the first ones are enough. */
export class Findings {
  readonly list: SallyportError[] = [];
  readonly #file: string;
  readonly #lines: KeyLines;

  constructor(file: string, lines: KeyLines) {
    this.#file = file;
    this.#lines = lines;
  }

  get full(): boolean {
    return this.list.length >= problemsMax;
  }

  /** Whether something was said about this very key. */
  mentions(path: KeyPath): boolean {
    const key = keyName(path);
    return this.list.some((problem) => problem.evidence['key'] === key);
  }

  secret(path: KeyPath): void {
    if (!this.full) this.list.push(new SallyportError('SP_CONFIG_SECRET', this.#place(path)));
  }

  unknown(path: KeyPath, nearest: string): void {
    if (!this.full) this.list.push(new SallyportError('SP_CONFIG_UNKNOWN_KEY', { ...this.#place(path), nearest }));
  }

  value(path: KeyPath, reason: string, expected: string): void {
    if (!this.full) this.list.push(new SallyportError('SP_CONFIG_VALUE', { ...this.#place(path), reason, expected }));
  }

  duplicate(path: KeyPath, value: string): void {
    if (!this.full) this.list.push(new SallyportError('SP_CONFIG_DUPLICATE', { ...this.#place(path), value }));
  }

  #place(path: KeyPath): { file: string; line: number; key: string } {
    return { file: this.#file, line: this.#lines.of(path), key: keyName(path) };
  }
}

/** camera[0].address → "address of camera no. 1"; others as written: record.cut_after. */
function keyName(path: KeyPath): string {
  const [table, index, ...rest] = path;
  if (typeof table === 'string' && typeof index === 'number') {
    const which = `${table} no. ${index + 1}`;
    return rest.length === 0 ? which : `${rest.map(shownKey).join('.')} of ${which}`;
  }
  return path.length === 0 ? 'the file' : path.map(shownKey).join('.');
}

function shownKey(key: string | number): string {
  const text = String(key);
  return /^[A-Za-z0-9_-]{1,40}$/.test(text) ? text : JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text).replaceAll(/[^ -~]/g, '·');
}

const secretKey = /password|passwd|passphrase|passcode|secret|token|credential|privatekey|apikey|authorization|^(pass|pwd|psw|pin|auth)$/;
const secretValue = /(?<=[a-z][a-z0-9+.-]*):\/\/[^\s/?#]*@|[?&;-](pwd|pass|passwd|password|psw|token|auth|key)=.|AGE-SECRET-KEY-1/i;

/** Looks at each key and text, known or not. Goes by a list, not by recursion: dotted keys may nest as deep as a file is long. */
function findSecrets(root: unknown, problems: Findings): void {
  const waiting: { value: unknown; path: KeyPath }[] = [{ value: root, path: [] }];
  for (let next = waiting.pop(); next !== undefined && !problems.full; next = waiting.pop()) {
    const { value, path } = next;
    if (typeof value === 'string' && secretValue.test(value)) problems.secret(path);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value).reverse()) {
      // Deeper paths all tell the line of their outermost known part.
      const innerPath = path.length >= nestingMax ? path : [...path, Array.isArray(value) ? Number(key) : key];
      if (!Array.isArray(value) && secretKey.test(key.toLowerCase().replaceAll(/[-_ ]/g, ''))) problems.secret(innerPath);
      else waiting.push({ value: inner, path: innerPath });
    }
  }
}

function checkNode(node: SchemaNode & TSchema, value: unknown, path: KeyPath, problems: Findings): void {
  if (node.properties !== undefined) checkTable(node, value, path, problems);
  else if (node.items?.properties !== undefined) checkTables(node, node.items, value, path, problems);
  else checkLeaf(node, value, path, problems);
}

function checkTable(node: SchemaNode, value: unknown, path: KeyPath, problems: Findings): void {
  if (!isTable(value)) return problems.value(path, 'must be a table', `Write [${keyName(path)}] on a line of its own and its keys below.`);
  const known = new Map(Object.entries(node.properties ?? {}));
  for (const [key, inner] of Object.entries(value)) {
    const innerNode = known.get(key);
    if (problems.mentions([...path, key])) continue;
    if (innerNode === undefined) problems.unknown([...path, key], nearestHint(key, known));
    else checkNode(innerNode, inner, [...path, key], problems);
    if (problems.full) return;
  }
  for (const key of node.required ?? []) {
    if (!Object.hasOwn(value, key)) problems.value([...path, key], 'is missing', sentence(known.get(key)?.['x-expected']));
  }
}

function checkTables(node: SchemaNode, itemNode: SchemaNode, value: unknown, path: KeyPath, problems: Findings): void {
  if (!Array.isArray(value)) return problems.value(path, 'must be a list of tables', `Write [[${keyName(path)}]] with two brackets, and its keys below.`);
  const most = node.maxItems ?? camerasMax;
  if (value.length > most) return problems.value(path, `has more than ${most} entries`, sentence(node['x-expected']));
  value.forEach((item: unknown, index) => checkTable(itemNode, item, [...path, index], problems));
}

function checkLeaf(node: SchemaNode & TSchema, value: unknown, path: KeyPath, problems: Findings): void {
  const wrong = whatIsWrong(node, value);
  if (wrong !== undefined) problems.value(path, wrong, sentence(node['x-expected']));
}

function whatIsWrong(node: SchemaNode & TSchema, value: unknown): string | undefined {
  const [error] = Value.Errors(node, value);
  if (error !== undefined) return ruleBroken(error.keyword, node, value);
  if (node['x-unit'] === 'duration') return outOfRange(durationMs(String(value)), node);
  if (node['x-unit'] === 'size') return wrongSize(sizeBytes(String(value)), node);
  return node['x-unit'] === 'address' ? wrongAddress(String(value)) : undefined;
}

/** In words that say what is wrong without repeating the value. */
function ruleBroken(keyword: string, node: SchemaNode, value: unknown): string {
  const kinds = new Map([['string', 'text in double quotes'], ['integer', 'a whole number'], ['boolean', 'true or false'], ['array', 'a list']]);
  if (keyword === 'type') return `must be ${kinds.get(node.type ?? '') ?? 'something else'}, not ${kindOf(value)}`;
  if (keyword === 'enum') return 'is none of the values that it can have';
  if (keyword === 'minimum' || keyword === 'maximum') return 'is out of range';
  if (keyword === 'minLength' || (keyword === 'minItems' && Array.isArray(value) && value.length === 0)) return 'is empty';
  if (keyword === 'maxLength') return 'is too long';
  if (keyword === 'maxItems') return 'has too many entries';
  if (keyword === 'minItems') return 'has too few entries';
  if (node['x-unit'] === 'duration') return 'is no duration';
  if (node['x-unit'] === 'size') return 'is no size';
  return 'cannot be used as it is written';
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as 'string' | 'number' | 'boolean'] ?? 'something else';
}

function outOfRange(ms: number, node: SchemaNode): string | undefined {
  if (ms < durationMs(node['x-min'])) return `is too short: at least ${node['x-min']}`;
  if (ms > durationMs(node['x-max'])) return `is too long: at most ${node['x-max']}`;
  if (node['x-divides'] !== undefined && durationMs(node['x-divides']) % ms !== 0) return `does not divide ${node['x-divides']}`;
  return undefined;
}

function wrongSize(bytes: number, node: SchemaNode): string | undefined {
  if (bytes < sizeBytes(node['x-min'])) return `is too small: at least ${node['x-min']}`;
  if (bytes > sizeBytes(node['x-max'])) return `is too large: at most ${node['x-max']}`;
  return undefined;
}

function sentence(expected: string | undefined): string {
  return `Expected: ${expected ?? 'something else'}.`;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function nearestHint(key: string, known: ReadonlyMap<string, SchemaNode>): string {
  const near = [...known.keys()].map((name) => ({ name, distance: editDistance(key.slice(0, 40), name) })).sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined && near.distance <= Math.max(1, Math.floor(near.name.length / 2))) return `Did you mean ${near.name}?`;
  for (const [table, node] of Object.entries(nodeOf(FileSchema).properties ?? {})) {
    if (node.properties !== undefined && Object.hasOwn(node.properties, key)) return `${key} belongs under [${table}].`;
  }
  return `Known here: ${[...known.keys()].join(', ')}.`;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Names whose last part is a number are read as addresses by some and as names by others, so only plain IPv4 is taken. */
function wrongAddress(address: string): string | undefined {
  const labels = address.split('.');
  if (/^(0x[0-9a-f]*|[0-9]+)$/i.test(labels.at(-1) ?? '')) {
    if (!isIPv4(address)) return 'is no IPv4 address';
    const first = Number(labels[0]);
    return first === 0 || first >= 224 ? 'is not the address of one device' : undefined;
  }
  return labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)) ? undefined : 'is no host name';
}

/** Of text that the schema's pattern has passed. */
export function sizeBytes(text: string | undefined): number {
  return parseBytes(text ?? '') ?? 0;
}

/** Of text that the schema's pattern has passed. */
export function durationMs(text: string | undefined): number {
  return parseDuration(text ?? '') ?? 0;
}
