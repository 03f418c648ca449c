/** What people read stands in one table; the page's elements hold none of it. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { gapReasons } from '../../src/policy/gaps.ts';
import { observationKinds } from '../../src/policy/observations.ts';
import { pictureReasons } from '../../src/policy/people.ts';
import { say } from '../../src/web/strings.ts';

const web = resolve(import.meta.dirname, '../../src/web');
const sources = globSync(['**/*.tsx', '**/*.ts'], { cwd: web }).filter((name) => !name.startsWith('crypto/') && !name.startsWith('player/')).map((name) => [name, readFileSync(join(web, name), 'utf8')] as const);

t.test('every text says something', async (t) => {
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'string') t.ok(value.trim() !== '', path);
    else if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(say, 'say');
});

t.test('each reason of a gap and each kind of observation has its words', async (t) => {
  t.same(gapReasons.filter((reason) => say.gap[reason] === undefined), []);
  t.same(observationKinds.filter((kind) => say.observation[kind] === undefined), []);
});

t.test('each reason for which a picture enrols nobody has its words', async (t) => {
  t.same(pictureReasons.filter((reason) => say.faces.poor[reason] === undefined), []);
  t.same(Object.keys(say.faces.poor).filter((reason) => !pictureReasons.some((one) => one === reason)), []);
});

t.test('no element holds a text of its own, and no attribute that is read out', async (t) => {
  for (const [name, text] of sources.filter(([name]) => name.endsWith('.tsx'))) {
    const loose = [...text.matchAll(/<\/?[a-zA-Z][^<>{}]*>\s*([^<>{}()=;\n]*[A-Za-z]{2,}[^<>{}()=;\n]*)<\//g)].map(([, words]) => words);
    t.same(loose, [], `${name}: between tags`);
    t.same([...text.matchAll(/\b(?:aria-label|title|placeholder|alt|label)="([^"]+)"/g)].map(([, words]) => words), [], `${name}: attributes`);
  }
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
