/**
 * Forms out of the configuration's schema: what a field holds while somebody types, what it was, and what of it is to be sent. Whether a
 * value is sound is the hub's to say, with the same check as for files. Pure.
 */
import type { PageReplyOf, PageRequestOf } from '../api/pagecontract.ts';
import type { SchemaNode } from '../policy/schemanode.ts';

export type Settings = PageReplyOf<'settings'>;
export type SettingsChange = PageRequestOf<'settingsChange'>;
export type Value = NonNullable<Settings['keys'][number]['value']>;
/** While it is typed: numbers are text, lists of free text have a line each. */
export type Draft = string | boolean | readonly string[];
export type FieldKind = 'measure' | 'moment' | 'choice' | 'yes or no' | 'days' | 'lines' | 'number' | 'text';

export interface FormField {
  readonly key: string;
  readonly node: SchemaNode;
  /** What is set now; undefined where nothing is. */
  readonly value: Value | undefined;
}

export function kindOf(node: SchemaNode): FieldKind {
  if (node['x-unit'] === 'duration' || node['x-unit'] === 'size') return 'measure';
  if (node['x-unit'] === 'moment') return 'moment';
  if (node.type === 'array') return node.items?.enum === undefined ? 'lines' : 'days';
  if (node.enum !== undefined) return 'choice';
  if (node.type === 'boolean') return 'yes or no';
  return node.type === 'integer' || node.type === 'number' ? 'number' : 'text';
}

const durations = ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] as const;
const sizes = ['kB', 'MB', 'GB', 'TB'] as const;
const shortUnits: Readonly<Record<string, string>> = { s: 'second', sec: 'second', min: 'minute', h: 'hour', d: 'day', KB: 'kB' };

/** As files write it, "90 seconds", in its two parts; the number may be anything that somebody typed. */
export function measureParts(text: string): { readonly number: string; readonly unit: string } {
  const [, number = '', word = ''] = /^\s*(\S*?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [undefined, text];
  const singular = word === 'ms' || word.endsWith('B') ? word : word.replace(/s$/, '');
  return { number, unit: shortUnits[word] ?? shortUnits[singular] ?? singular };
}

export function measureText({ number, unit }: { readonly number: string; readonly unit: string }): string {
  const isDuration = durations.some((one) => one === unit);
  return `${number.trim()} ${isDuration && number.trim() !== '1' ? `${unit}s` : unit}`;
}

/** What can be chosen; also what a file says in a unit of its own. */
export function unitsOf(node: SchemaNode, unit: string): readonly string[] {
  const usual: readonly string[] = node['x-unit'] === 'size' ? sizes : durations;
  return usual.includes(unit) || unit === '' ? usual : [...usual, unit];
}

/** What most would give: not beyond the most that may be. */
function usualUnit(node: SchemaNode): string {
  const most = measureParts(node['x-max'] ?? '').unit;
  if (node['x-unit'] === 'size') return most === 'MiB' || most === 'MB' ? 'MB' : 'GB';
  return most === 'second' || most === 'minute' || most === 'hour' ? `${most}s` : 'days';
}

export function draftOf({ node, value = node.default as Value | undefined }: Pick<FormField, 'node' | 'value'>): Draft {
  switch (kindOf(node)) {
    case 'yes or no': return value === true;
    case 'days': return Array.isArray(value) ? value : [...node.items?.enum ?? []];
    case 'lines': return Array.isArray(value) ? value.join('\n') : '';
    case 'measure': return value === undefined ? ` ${usualUnit(node)}` : String(value);
    default: return value === undefined ? '' : String(value);
  }
}

/** Undefined: nothing is set, and what counts without it counts. What is no number goes as it was typed, for the hub to say so. */
export function valueOf(node: SchemaNode, draft: Draft): Value | undefined {
  if (typeof draft === 'boolean') return draft;
  if (typeof draft !== 'string') return [...draft];
  switch (kindOf(node)) {
    case 'measure': return measureParts(draft).number === '' ? undefined : draft.trim();
    case 'lines': return draft.split('\n').map((line) => line.trim()).filter((line) => line !== '');
    case 'number': return draft.trim() === '' ? undefined : /^-?\d+(\.\d+)?$/.test(draft.trim()) ? Number(draft) : draft;
    default: return draft === '' ? undefined : draft;
  }
}

/** What was changed, and nothing else: what nobody touched is not written down as if somebody had wanted it. */
export function changedKeys(fields: readonly FormField[], drafts: ReadonlyMap<string, Draft>): NonNullable<SettingsChange['keys']> {
  return fields.flatMap(({ key, node, value }) => {
    const draft = drafts.get(key);
    if (draft === undefined || JSON.stringify(draft) === JSON.stringify(draftOf({ node, value }))) return [];
    const now = valueOf(node, draft);
    return [{ key, ...(now === undefined ? {} : { value: now }) }];
  });
}

/** An entry of a table of which there are several, as a file would write it: what nobody touched is not written down. No names chosen are all; no day, or no kind, is for the hub to refuse. */
export function entryOf(fields: readonly FormField[], drafts: ReadonlyMap<string, Draft>): Readonly<Record<string, Value>> {
  return Object.fromEntries(fields.flatMap(({ key, node, value }) => {
    const draft = drafts.get(key);
    const is = draft === undefined ? value : valueOf(node, draft);
    const untouched = draft !== undefined && value === undefined && JSON.stringify(draft) === JSON.stringify(draftOf({ node, value }));
    const all = Array.isArray(is) && is.length === 0 && kindOf(node) === 'lines';
    return is === undefined || untouched || all ? [] : [[key, is]];
  }));
}

/** The keys of a table, or those at the top that are no table, as fields. `key` is what the hub calls it: "record.cut_after". */
export function fieldsOf(schema: SchemaNode, table: string, settings: Settings): readonly FormField[] {
  const nodes = Object.entries((table === '' ? schema : schema.properties?.[table])?.properties ?? {});
  return nodes.filter(([, node]) => node.properties === undefined && node.items?.properties === undefined).flatMap(([name, node]) => {
    const key = table === '' ? name : `${table}.${name}`;
    const known = settings.keys.find((one) => one.key === key);
    return known === undefined ? [] : [{ key, node, value: known.value }];
  });
}
