/**
 * One process of tests: runs the files it is given one after another, each as a subtest that bears the file's name, so that a group of small
 * files starts tap and loads our modules once. A test file is written as if it were alone: its `import t from 'tap'` is answered with its own
 * subtest, so that what it does to `t` (before, teardown, jobs) ends with the file.
 */
import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';

const root = resolve(import.meta.dirname, '..');
const [secondsMax = '', ...files] = process.argv.slice(2);

/** What stands behind `import t from 'tap'` in each file, by its URL. */
const tests = new Map<string, Test>();
(globalThis as Record<symbol, unknown>)[Symbol.for('sallyport.tests')] = tests;

registerHooks({
  resolve: (specifier, context, next) => (specifier === 'tap' && tests.has(context.parentURL ?? '')
    ? { url: `data:text/javascript,export default globalThis[Symbol.for('sallyport.tests')].get(${JSON.stringify(context.parentURL)})`, shortCircuit: true }
    : next(specifier, context)),
});

t.setTimeout(0);
// tap takes a test's folder away after those teardowns alone that are older than the folder. With one before all else, each comes first: what
// still runs, and writes there, is stopped before its folder goes; else that fails, and then nothing at all is stopped.
t.beforeEach((each) => each.teardown(() => {}));
for (const file of files) {
  void t.test(file, { timeout: Number(secondsMax) * 1000 }, async (own) => {
    own.testdirName = join(root, '.tap', 'fixtures', file.replaceAll('/', '-'));
    const { href } = pathToFileURL(join(root, file));
    tests.set(href, own);
    await import(href);
  });
}
