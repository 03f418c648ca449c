/** What people read stands in one table; the page's elements hold none of it. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { pageRoutes } from '../../src/api/pagecontract.ts';
import { rights, roles } from '../../src/policy/access.ts';
import { gapReasons } from '../../src/policy/gaps.ts';
import { observationKinds } from '../../src/policy/observations.ts';
import { pictureReasons } from '../../src/policy/people.ts';
import { weekdays } from '../../src/policy/schedule.ts';
import { say } from '../../src/web/strings.ts';
import { settingsSections } from '../../src/web/router.ts';
import { readSource } from '../house/source.ts';

const web = resolve(import.meta.dirname, '../../src/web');
const sources = globSync(['**/*.tsx', '**/*.ts'], { cwd: web }).filter((name) => !name.startsWith('crypto/')).map((name) => [name, readFileSync(join(web, name), 'utf8')] as const);

t.test('every text says something', async (t) => {
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'string') t.ok(value.trim() !== '', path);
    else if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(say, 'say');
});

t.test('each code that the hub says has its words: reasons, observations, roles, rights, days, and what the audit notes', async (t) => {
  const without = (words: Readonly<Record<string, unknown>>, codes: readonly string[]): string[] => codes.filter((code) => words[code] === undefined);
  t.same(without(say.gap, gapReasons), []);
  t.same(without(say.observation, observationKinds), []);
  t.same(without(say.people.roles, roles), []);
  t.same(without(say.people.roleHints, roles), []);
  t.same(without(say.tokens.rights, rights.filter((right) => right !== 'people' && right !== 'names')), [], 'no token has the right over people, or to names');
  t.same(without(say.forms.days, weekdays), []);
  t.same(without(say.settings.sections, settingsSections), []);
  const { did, asked, whos } = auditCodes();
  t.ok(did.length > 60 && asked.length > 8 && whos.length >= 4, `${did.length} deeds, ${asked.length} routes, by ${whos.join(', ')}`);
  t.same(without(say.audit.did, did), []);
  t.same(without(say.audit.asked, asked), []);
  t.same(without(say.audit.whos, whos), []);
});

t.test('each reason for which a picture enrols nobody has its words', async (t) => {
  t.same(pictureReasons.filter((reason) => say.faces.poor[reason] === undefined), []);
  t.same(Object.keys(say.faces.poor).filter((reason) => !pictureReasons.some((one) => one === reason)), []);
});
/** As they stand where lines are written, such as 'camera.adopted': all that begin as one that has words; and the routes that are noted as they are asked. */
function auditCodes(): { did: string[]; asked: string[]; whos: string[] } {
  const src = resolve(web, '..');
  const texts = globSync(['duties/*.ts', 'vault/*.ts', 'api/*.ts', 'hub.ts'], { cwd: src }).map((name) => readFileSync(join(src, name), 'utf8'));
  const all = (pattern: RegExp, inner: RegExp): string[] => [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].flatMap(([found]) => [...found.matchAll(inner)].map(([, code = '']) => code))))];
  const beginnings = new Set(Object.keys(say.audit.did).filter((code) => code.includes('.')).map((code) => code.split('.')[0] ?? ''));
  const did = [...all(/\bwhat: [^,;{}]*'[a-z]+\.[a-z-]+'[^,;{}]*/g, /'([a-z]+\.[a-z-]+)'/g), ...all(/'[a-z]+\.[a-z-]+'/g, /'([a-z]+\.[a-z-]+)'/g).filter((code) => beginnings.has(code.split('.')[0] ?? '') && !/\.(?:pub|db)$/.test(code))];
  const asked = all(/\b(?:operate|mayDestroy)\((?:ask, )?'[^']+'/g, /'([^']+)'/g).filter((route) => (pageRoutes as Readonly<Record<string, { method: string }>>)[route]?.method !== 'GET');
  return { did: [...new Set(did)], asked, whos: all(/\bwho: '[a-z]+'/g, /'([a-z]+)'/g) };
}

t.test('no element holds a text of its own, and no attribute that is read out', async (t) => {
  for (const [name, text] of sources.filter(([name]) => name.endsWith('.tsx'))) {
    const loose = [...text.matchAll(/<\/?[a-zA-Z][^<>{}]*>\s*([^<>{}()=;\n]*[A-Za-z]{2,}[^<>{}()=;\n]*)<\//g)].map(([, words]) => words);
    t.same(loose, [], `${name}: between tags`);
    t.same([...text.matchAll(/\b(?:aria-label|title|placeholder|alt|label)="([^"]+)"/g)].map(([, words]) => words), [], `${name}: attributes`);
  }
});

/** What stands in a source in English and is no text for people: the hub's own words and codes that are compared, kinds of fields, kinds of work, and who belongs where. */
const codes: Readonly<Record<string, readonly string[]>> = {
  'parts/clip.tsx': ['the disk is full', 'it is more than this browser can hold'], 'parts/schemafield.tsx': ['yes or no'], 'settings/cameras.tsx': ['credentials refused', 'shows another certificate'],
  'schemaform.ts': ['yes or no'], 'clipfiles.ts': ['a clip was written before it began', 'it is more than this browser can hold'], 'held.tsx': ['there is no session here'],
  'keys.ts': ['kit confirmed'], 'renewing.ts': ['sallyport renewed '], 'player/livelink.ts': ['key frames'], 'facepicture.ts': ['no quality makes it small enough'], 'settings/faces.tsx': ['turn on', 'by guardian'], 'viewer/setup.tsx': ['Content-Security-Policy'],
};
/** Names that a browser gives: of keys, errors and itself. */
const names = /^(?:Arrow\w+|Page(?:Up|Down)|Home|End|Enter|Escape|Delete|Backspace|\w+Error|Alphanumeric|Byte|Worker|\w*MediaSource)$/;

t.test('no source but the table holds a sentence: what looks like one is a list of classes, or a code that is named here', async (t) => {
  const classes = new Set([...readFileSync(join(web, 'styles.css'), 'utf8').matchAll(/\.([a-z][a-z0-9-]*)/g)].map(([, name = '']) => name));
  const named: string[] = [];
  const texts = globSync(['**/*.tsx', '*.ts', 'parts/*.ts', 'settings/*.ts', 'pages/*.ts', 'player/*.ts'], { cwd: web }).filter((name) => !['strings.ts', 'vite.config.ts', 'devicename.ts'].includes(name));
  for (const name of texts) {
    const { strings, lineOf } = readSource(readFileSync(join(web, name), 'utf8'));
    for (const { text, start } of strings.filter(({ text }) => (/[A-Za-z]{2,} [A-Za-z]/.test(text) || /^[A-Z][a-z]{2,}/.test(text)) && !names.test(text))) {
      if (codes[name]?.includes(text) === true) named.push(`${name} ${text}`);
      else t.ok(text.trim().split(/\s+/).every((word) => classes.has(word) || (word.endsWith('-') && [...classes].some((one) => one?.startsWith(word) === true))), `${name}:${lineOf(start)}: ${text}`);
    }
  }
  for (const [name, all] of Object.entries(codes)) for (const text of all) t.ok(named.includes(`${name} ${text}`), `named and not there: ${name}: ${text}`);
});

/** Keys that a variable names, so that they stand in no source. */
const byName: Readonly<Record<string, readonly string[]>> = { gap: Object.keys(say.gap), observation: Object.keys(say.observation), cannot: ['crypto', 'media', 'storage', 'worker'], cameras: ['main', 'sub'] };

t.test('nothing is said for nobody: every text is used', async (t) => {
  const used = sources.map(([, text]) => text).join('\n');
  const unused = Object.entries(say).flatMap(([part, texts]) => typeof texts !== 'object' ? [] : Object.keys(texts)
    .filter((key) => byName[part]?.includes(key) !== true && !new RegExp(`say\\.${part}\\.${key}\\b`).test(used)).map((key) => `${part}.${key}`));
  t.same(unused, []);
});

t.test('what holds a command between backticks is drawn as prose, wherever it stands', async (t) => {
  const elements = sources.filter(([name]) => name.endsWith('.tsx'));
  const commanding = Object.entries(say).flatMap(([part, texts]) => typeof texts !== 'object' ? [] : Object.entries(texts)
    .filter(([, text]) => typeof text === 'string' ? text.includes('`') : typeof text === 'function' && String(text).includes('\\`')).map(([key]) => `say.${part}.${key}`));
  t.ok(['say.certificate.hubs', 'say.live.setCodec'].every((one) => commanding.includes(one)), 'texts and sentences');
  for (const text of commanding) {
    const bare = elements.flatMap(([name, source]) => source.split('\n').filter((line) => line.includes(text) && !new RegExp(`<Prose>\\{[^<]*${text.replaceAll('.', '\\.')}\\b`).test(line)).map(() => name));
    t.same(bare, [], text);
  }
  // The hub's hints, and what is to be done about a notice, name commands, too.
  for (const [name, source] of elements) t.same([...source.matchAll(/<(\w+)[^<>]*>\{(?:hubWords\()?\w+\.(?:\w+\.)*(?:hint|todo)\)?\}/g)].filter(([found, tag]) => tag !== 'Prose' && !found.includes('{say.')).map(([found]) => found), [], name);
});

t.test('counts are in their number', async (t) => {
  t.equal(say.first.found(1), '1 camera found');
  t.equal(say.first.found(12), '12 cameras found');
  t.equal(say.people.devices(0), '0 devices');
});
