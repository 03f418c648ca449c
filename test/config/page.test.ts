/** What the page may set beside other files: each key belongs to one of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigErrors, changePageFile, readEntries } from '../../src/config.ts';
import type { FileEntries } from '../../src/configschema.ts';
import { applyChange, formSchema, problemsOf, settingsOf, type SettingsChange } from '../../src/configpage.ts';
import type { SchemaNode } from '../../src/policy/schemanode.ts';

async function standing(files: Readonly<Record<string, string>>, key: string): Promise<object | undefined> {
  const folder = t.testdir({});
  mkdirSync(join(folder, 'conf.d'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return settingsOf(await readEntries(join(folder, 'sallyport.toml'))).keys.find((one) => one.key === key);
}

const main = 'sallyport.toml';
const page = 'conf.d/90-page.toml';
const cut = (seconds: number): string => `[record]\ncut_after = "${seconds} seconds"\n`;
const cases: readonly [string, Readonly<Record<string, string>>, string, object][] = [
  ['nobody sets it', { [main]: '' }, 'record.cut_after', { key: 'record.cut_after', byPage: false, fixed: false }],
  ['the installer\'s file sets it', { [main]: cut(30) }, 'record.cut_after', { key: 'record.cut_after', value: '30 seconds', file: main, byPage: false, fixed: true }],
  ['the page sets it', { [main]: '', [page]: cut(20) }, 'record.cut_after', { key: 'record.cut_after', value: '20 seconds', file: page, byPage: true, fixed: false }],
  ['the page has set it before the installer\'s file did: the page\'s counts, and can be taken back there', { [main]: cut(30), [page]: cut(20) }, 'record.cut_after', { key: 'record.cut_after', value: '20 seconds', file: page, byPage: true, fixed: false }],
  ['a file behind the page\'s sets it', { [main]: '', [page]: cut(20), 'conf.d/95-late.toml': cut(10) }, 'record.cut_after', { key: 'record.cut_after', value: '10 seconds', file: 'conf.d/95-late.toml', byPage: false, fixed: true }],
  ['what a household decides in its first hour', { [main]: '[keep]\nfootage = "2 days"\n' }, 'keep.footage', { key: 'keep.footage', value: '2 days', file: main, byPage: false, fixed: false }],
  ['but not where a later file would win all the same', { [main]: '', 'conf.d/95-late.toml': '[keep]\nfootage = "2 days"\n' }, 'keep.footage', { key: 'keep.footage', value: '2 days', file: 'conf.d/95-late.toml', byPage: false, fixed: true }],
  ['a place is said as a whole', { [main]: '[place]\nlatitude = 1\nlongitude = 2\n' }, 'place.latitude', { key: 'place.latitude', value: 1, file: main, byPage: false, fixed: true }],
  ['a path is never set on the page', { [main]: '' }, 'page.certificate', { key: 'page.certificate', byPage: false, fixed: true }],
];

for (const [name, files, key, expected] of cases) t.test(name, async (t) => t.same(await standing(files, key), expected));

t.test('what others have set in the page\'s file stays through a change', async (t) => {
  const folder = t.testdir({ [main]: '', 'conf.d': { '90-page.toml': `${cut(20)}[keep]\nlogs = "3 days"\n\n[[privacy]]\nfrom = "22:00"\nto = "06:00"\n\n[[camera]]\nid = "a"\naddress = "10.0.0.1"\nuser = "u"\n` } });
  const path = join(folder, main);
  const change = (wish: SettingsChange): Promise<unknown> => changePageFile(path, (own, files) => applyChange(own, files, wish), { write: true });
  await change({ keys: [{ key: 'keep.audit', value: '1 year' }, { key: 'record.cut_after' }] });
  await change({ camera: 'a', keys: [{ key: 'name', value: 'Gate' }] });
  await change({ privacy: { in: { space: 'home', days: ['sunday'], from: '10:00', to: '11:00' } } });
  t.same((await readEntries(path)).find((file) => file.page)?.entries, {
    keep: { logs: '3 days', audit: '1 year' }, privacy: [{ from: '22:00', to: '06:00' }, { space: 'home', days: ['sunday'], from: '10:00', to: '11:00' }], camera: [{ id: 'a', address: '10.0.0.1', user: 'u', name: 'Gate' }],
  });
});

t.test('each key has a name for its field, and words that help', async (t) => {
  const nameless: string[] = [];
  const look = (name: string, node: SchemaNode): void => {
    if (name !== '' && (node.title === undefined || node.description === undefined)) nameless.push(name);
    for (const [key, inner] of Object.entries(node.properties ?? node.items?.properties ?? {})) look(`${name}.${key}`, inner);
  };
  look('', formSchema());
  t.same(nameless, []);
});

t.test('a camera that is to be asked by HTTPS is asked where the hub found that it offers it, and by plain HTTP at its usual port', async (t) => {
  const own = { camera: [{ id: 'a', address: '10.0.0.1', user: 'u', port: 8080, path: '/onvif/device_service' }] };
  const files = [{ name: main, page: false, entries: {} }, { name: page, page: true, entries: own }];
  const secure = applyChange(own, files, { camera: 'a', keys: [{ key: 'https', value: true }], door: { port: 8443, path: '/onvif/secure' } });
  t.same(secure.camera, [{ id: 'a', address: '10.0.0.1', user: 'u', path: '/onvif/secure', https: true, port: 8443 }]);
  t.same(applyChange(secure, files, { camera: 'a', keys: [{ key: 'https' }], door: { port: undefined, path: undefined } }).camera, [{ id: 'a', address: '10.0.0.1', user: 'u', path: '/onvif/secure' }]);
});

t.test('a zone and a rule of alarms come, change and go by their names; those of another file stay there', async (t) => {
  const camera = '[[camera]]\nid = "a"\naddress = "10.0.0.1"\nuser = "u"\n';
  const folder = t.testdir({ [main]: `${camera}\n[[alarm]]\nname = "Theirs"\nkinds = ["person"]\n`, 'conf.d': {} });
  const path = join(folder, main);
  const change = (wish: SettingsChange): Promise<unknown> => changePageFile(path, (own, files) => applyChange(own, files, wish), { write: true });
  const own = async (): Promise<object | undefined> => (await readEntries(path)).find((file) => file.page)?.entries;
  const points = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.955]];
  await change({ zone: { in: { camera: 'a', name: 'door', points } } });
  await change({ alarm: { in: { name: 'Door', kinds: ['person'], zones: ['door'], keep: '2 days' } } });
  t.same(await own(), { zone: [{ camera: 'a', name: 'door', points }], alarm: [{ name: 'Door', kinds: ['person'], zones: ['door'], keep: '2 days' }] });
  t.match(settingsOf(await readEntries(path)), { zones: [{ camera: 'a', name: 'door', file: page, fixed: false }], alarms: [{ name: 'Theirs', file: main, fixed: true }, { name: 'Door', file: page, fixed: false }] });
  await change({ alarm: { out: { name: 'Door' }, in: { name: 'Anywhere', kinds: ['person', 'vehicle'], size_least: 12 } } });
  await change({ zone: { out: { camera: 'a', name: 'door' }, in: { camera: 'a', name: 'street', mask: true, points } } });
  t.same(await own(), { zone: [{ camera: 'a', name: 'street', mask: true, points }], alarm: [{ name: 'Anywhere', kinds: ['person', 'vehicle'], size_least: 12 }] });
  await t.rejects(change({ alarm: { in: { name: 'Wrong', kinds: ['person'], size_most: 'tall' } } }), /size_most/, 'what is no number is refused as in a file');
  await t.rejects(change({ alarm: { out: { name: 'Theirs' } } }), { code: 'SP_SETTING_FIXED' });
  await t.rejects(change({ zone: { out: { camera: 'a', name: 'door' } } }), { code: 'SP_SETTING_GONE' });
  await t.rejects(change({ zone: { in: { camera: 'a', name: 'street', points } } }), /zone/, 'a name is given once');
  await change({ zone: { out: { camera: 'a', name: 'street' } }, alarm: { out: { name: 'Anywhere' } } });
  t.same(await own(), {});
});

t.test('a destination comes, changes and goes by its name; one of another file stays there; what is wrong is told by its key', async (t) => {
  const folder = t.testdir({ [main]: '[[camera]]\nid = "a"\naddress = "10.0.0.1"\nuser = "u"\n[[destination]]\nname = "theirs"\npurpose = "x"\nkind = "folder"\npath = "/mnt/theirs"\n', 'conf.d': {} });
  const path = join(folder, main);
  const change = (destination: SettingsChange['destination'], write = true): Promise<unknown> => changePageFile(path, (own, files) => applyChange(own, files, { destination }), { write });
  const own = async (): Promise<object | undefined> => (await readEntries(path)).find((file) => file.page)?.entries;
  const nas = { name: 'nas', purpose: 'a copy', kind: 'webdav', url: 'https://nas.example/dav/', send: 'all', lanes: 2, cameras: ['a'], slots_same_place: false };
  await change({ in: nas });
  t.same(await own(), { destination: [nas] });
  t.match(settingsOf(await readEntries(path)).destinations, [{ name: 'theirs', file: main, fixed: true, values: { path: '/mnt/theirs' } }, { name: 'nas', file: page, fixed: false, values: nas }]);
  await change({ out: { name: 'nas' }, in: { ...nas, lanes: 4 } });
  t.same(await own(), { destination: [{ ...nas, lanes: 4 }] });
  await t.rejects(change({ out: { name: 'theirs' } }), { code: 'SP_SETTING_FIXED' });
  await t.rejects(change({ out: { name: 'attic' } }), { code: 'SP_SETTING_GONE' });
  for (const [wrong, key] of [
    [{ ...nas, name: 'other', lanes: 9 }, 'lanes'], [{ ...nas, name: 'other', url: 'https://user:word@nas.example/' }, 'url'], [{ ...nas, name: 'other', bucket: 'b' }, 'bucket'],
    [{ name: 'other', purpose: 'x', kind: 's3', url: 'https://s3.example' }, 'bucket'], [{ ...nas, name: 'other', slots: 'far' }, 'slots_at'], [{ ...nas, name: 'other', password: 'x' }, undefined],
  ] as const) {
    const wish: SettingsChange = { destination: { in: wrong } };
    let entries = {};
    const error = await changePageFile(path, (mine, files) => { entries = applyChange(mine, files, wish); return entries; }, { write: false }).then(() => undefined, (caught: unknown) => caught);
    t.type(error, ConfigErrors);
    const problems = problemsOf(error as ConfigErrors, wish, entries);
    t.ok(problems.some((one) => key === undefined || one.key === key), `${key}: ${JSON.stringify(problems)}`);
  }
  await change({ out: { name: 'nas' } });
  t.same(await own(), {});
});

t.test('a rule of recording comes, changes its place, changes and goes by its words; one of another file stays there', async (t) => {
  const folder = t.testdir({ [main]: '[[camera]]\nid = "a"\naddress = "10.0.0.1"\nuser = "u"\n[[recording]]\nmode = "off"\nspaces = ["garden"]\n', 'conf.d': {} });
  const path = join(folder, main);
  const change = (recording: SettingsChange['recording']): Promise<unknown> => changePageFile(path, (own, files) => applyChange(own, files, { recording }), { write: true });
  const own = async (): Promise<object | undefined> => (await readEntries(path)).find((file) => file.page)?.entries;
  const [night, day, weekend] = [{ mode: 'alarms', from: '22:00', to: '06:00' }, { mode: 'off', cameras: ['a'], from: '08:00', to: '20:00' }, { mode: 'continuous', days: ['saturday', 'sunday'] }];
  for (const rule of [night, day, weekend]) await change({ in: rule });
  t.same(await own(), { recording: [night, day, weekend] });
  t.match(settingsOf(await readEntries(path)).recordings, [{ mode: 'off', spaces: ['garden'], file: main, fixed: true }, { ...night, file: page, fixed: false }, { ...day }, { ...weekend }]);
  await change({ out: { ...weekend, days: ['sunday', 'saturday'] }, in: weekend, at: 0 });
  t.same(await own(), { recording: [weekend, night, day] }, 'the order of days is none');
  await change({ out: night, in: { ...night, to: '07:00' } });
  t.same(await own(), { recording: [weekend, { ...night, to: '07:00' }, day] }, 'it stays where it was');
  await change({ in: day });
  t.same(await own(), { recording: [weekend, { ...night, to: '07:00' }, day] }, 'a second of the same words would never count');
  await t.rejects(change({ out: { mode: 'off', spaces: ['garden'] } }), { code: 'SP_SETTING_FIXED' });
  await t.rejects(change({ out: night }), { code: 'SP_SETTING_GONE' });
  const wrong = { mode: 'sometimes', from: '25:00' };
  let would: FileEntries = {};
  const error: unknown = await changePageFile(path, (entries, files) => (would = applyChange(entries, files, { recording: { in: wrong, at: 1 } })), { write: false }).catch((failed: unknown) => failed);
  t.match(problemsOf(error as ConfigErrors, { recording: { in: wrong, at: 1 } }, would), [{ key: 'mode' }, { key: 'from' }], 'what is wrong stands at its field, wherever the rule stands');
  for (const rule of [weekend, { ...night, to: '07:00' }, day]) await change({ out: rule });
  t.same(await own(), {});
});
