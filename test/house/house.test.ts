import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { lint } from './lint.ts';
import { modules, harmlessModules } from './plan.ts';
import { checkHouse, roomsPresent } from './rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

t.test('the house stands: each room imports what it may, by no way around, without cycles and dead files', async (t) => {
  t.strictSame(await checkHouse(root), []);
});

t.test('the linter finds nothing, warnings counted', (t) => {
  const { status, said } = lint(root, ['src', 'test', 'scripts', 'oxlint.config.ts']);
  t.equal(status, 0, said);
  t.end();
});

t.test('each dependency belongs to a room, and each package of the plan is a dependency', async (t) => {
  const { dependencies, devDependencies } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const packagesOf = (built: boolean): Set<string> => new Set(modules.filter((rule) => (rule.built === true) === built).flatMap(({ names }) => names).filter((name) => !name.startsWith('node:')).map(packageOf));
  const planned = packagesOf(false);
  t.strictSame(Object.keys(dependencies).filter((name) => !planned.has(name)), [], 'a dependency says which room alone may use it');
  t.strictSame([...planned].filter((name) => !(name in dependencies)), [], 'no row outlives its package');
  t.strictSame([...packagesOf(true)].filter((name) => !(name in devDependencies)), [], 'what the page is built of is no dependency of the hub');
  t.strictSame(modules.flatMap(({ names }) => names).filter((name) => harmlessModules.includes(name)), []);
});

t.test('docs/ARCHITECTURE.md has a row for each room', async (t) => {
  const text = await readFile(`${root}/docs/ARCHITECTURE.md`, 'utf8');
  for (const room of (await roomsPresent(root)).keys()) {
    if (!['config', 'hub', 'courier', 'detector'].includes(room)) t.ok(text.includes(`| \`${room}/\` |`), `${room}/`);
  }
});

/** `typebox/value` → `typebox`, `@fastify/x/y` → `@fastify/x`. */
function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
