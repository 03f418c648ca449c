/** Forms of the schema: what is typed becomes what a file would say, and what nobody touched is not sent. */
import t from 'tap';
import { formSchema } from '../../src/configpage.ts';
import type { SchemaNode } from '../../src/policy/schemanode.ts';
import { changedKeys, draftOf, entryOf, fieldsOf, kindOf, measureParts, measureText, unitsOf, valueOf, type Draft, type FieldKind, type Settings, type Value } from '../../src/web/schemaform.ts';

const schema = formSchema();
const nodeOf = (table: string, key: string): SchemaNode => (schema.properties?.[table]?.properties ?? schema.properties?.[table]?.items?.properties ?? {})[key]!;

t.test('each kind of key has its kind of field', async (t) => {
  const kinds: readonly [string, string, FieldKind][] = [
    ['keep', 'logs', 'measure'], ['disk', 'budget', 'measure'], ['privacy', 'from', 'moment'], ['privacy', 'days', 'days'], ['time', 'source', 'choice'], ['record', 'thumbnails', 'yes or no'], ['page', 'names', 'lines'],
    ['page', 'port', 'number'], ['place', 'latitude', 'number'], ['camera', 'name', 'text'],
  ];
  for (const [table, key, kind] of kinds) t.equal(kindOf(nodeOf(table, key)), kind, `${table}.${key}`);
});

t.test('a duration or size is a number and a unit, however a file writes it', async (t) => {
  for (const [text, number, unit, again] of [['3 days', '3', 'day', '3 days'], ['1 hour', '1', 'hour', '1 hour'], ['90s', '90', 'second', '90 seconds'], ['5 min', '5', 'minute', '5 minutes'], ['200 GB', '200', 'GB', '200 GB'], ['512 MiB', '512', 'MiB', '512 MiB'], ['20 ms', '20', 'ms', '20 ms']] as const) {
    t.same(measureParts(text), { number, unit }, text);
    t.equal(measureText({ number, unit }), again);
  }
  t.ok(unitsOf(nodeOf('disk', 'budget'), 'MiB').includes('MiB'), 'a file\'s own unit stays');
  t.notOk(unitsOf(nodeOf('disk', 'budget'), 'GB').includes('day'));
});

t.test('what is shown and not touched stays what it was, for every key', async (t) => {
  const values: Record<string, Value> = { 'keep.logs': '2 weeks', 'disk.budget': '512 MiB', 'discovery.interfaces': ['eth0'], 'page.port': 0, 'record.thumbnails': false, 'place.latitude': -33.5 };
  for (const table of Object.keys(schema.properties ?? {})) {
    const settings = { keys: Object.keys(schema.properties?.[table]?.properties ?? {}).map((key) => ({ key: `${table}.${key}`, byPage: false, fixed: false, ...(values[`${table}.${key}`] === undefined ? {} : { value: values[`${table}.${key}`] }) })) } as unknown as Settings;
    const fields = fieldsOf(schema, table, settings);
    t.same(changedKeys(fields, new Map(fields.map((field): [string, Draft] => [field.key, draftOf(field)]))), [], table);
    for (const { key, node, value } of fields) if (value !== undefined) t.same(valueOf(node, draftOf({ node, value })), value, key);
  }
});

t.test('what is typed goes as it is typed where it is no value, and nothing where a field is emptied', async (t) => {
  const cases: readonly [string, string, Draft, Value | undefined][] = [
    ['page', 'port', '8443', 8443], ['page', 'port', 'x', 'x'], ['page', 'port', '', undefined], ['place', 'longitude', '-13.45', -13.45], ['keep', 'logs', 'soon days', 'soon days'], ['keep', 'logs', ' days', undefined],
    ['discovery', 'interfaces', ' eth0 \n\nwlan0\n', ['eth0', 'wlan0']], ['discovery', 'interfaces', '', []], ['camera', 'name', '', undefined], ['privacy', 'days', [], []],
  ];
  for (const [table, key, draft, value] of cases) t.same(valueOf(nodeOf(table, key), draft), value, `${table}.${key}: ${JSON.stringify(draft)}`);
  const [field] = fieldsOf(schema, 'record', { keys: [{ key: 'record.cut_after', value: '30 seconds', byPage: true, fixed: false }] } as unknown as Settings);
  t.same(changedKeys([field!], new Map([['record.cut_after', ' seconds']])), [{ key: 'record.cut_after' }], 'back to what counts without it');
});

t.test('of a table of which there are several only what was chosen is written; no names are all, and no day is for the hub to refuse', async (t) => {
  const fields = Object.entries(schema.properties?.['recording']?.items?.properties ?? {}).map(([key, node]) => ({ key, node, value: ({ mode: 'alarms', cameras: ['a'], from: '22:00' } as Record<string, Value>)[key] }));
  t.same(entryOf(fields, new Map()), { mode: 'alarms', cameras: ['a'], from: '22:00' });
  t.same(entryOf(fields, new Map<string, Draft>([['cameras', ''], ['from', ''], ['mode', 'off'], ['spaces', '']])), { mode: 'off' });
  t.same(entryOf(fields, new Map<string, Draft>([['days', ['monday']], ['to', 'sunrise']])), { mode: 'alarms', cameras: ['a'], from: '22:00', days: ['monday'], to: 'sunrise' });
  t.same(entryOf(fields, new Map<string, Draft>([['days', []]]))['days'], []);
});
