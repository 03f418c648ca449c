import { join, relative, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { TapReader, type TapResult } from '../../scripts/tapreader.ts';
import { run } from '../../src/base/spawn.ts';

const root = resolve(import.meta.dirname, '../..');

async function runFiles(t: Test, files: Readonly<Record<string, string>>): Promise<{ status: number | null; result: TapResult; path: (name: string) => string }> {
  const folder = t.testdir(files);
  const path = (name: string): string => relative(root, join(folder, name));
  const { status, stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'scripts/testprocess.ts'), '60', ...Object.keys(files).map(path)], { folder: root });
  const reader = new TapReader();
  for (const line of stdout.toString().split('\n')) reader.line(line);
  return { status, result: reader.result(), path };
}

t.test('files in one process pass and fail each for itself, under their own names', async (t) => {
  const { status, result, path } = await runFiles(t, {
    'passes.test.ts': 'import t from "tap"; let closed = false; t.before(() => { closed = false; }); t.test("one", async (t) => { t.ok(true); t.notOk(closed); }); t.teardown(() => { closed = true; });',
    'fails.test.ts': 'import t from "tap"; t.test("outer", async (t) => { await t.test("inner", async (t) => { t.equal(1, 2, "sums"); }); t.ok(true); });',
    'broken.test.ts': 'import "./not-there.ts";',
    'skips.test.ts': 'import t, { type Test } from "tap"; t.test("later", { skip: "no disk" }, async (t: Test) => { t.fail(); });',
    'throws.test.ts': 'import t from "tap"; t.test("late", async () => { setTimeout(() => { throw new Error("late"); }, 1); await new Promise((resolve) => setTimeout(resolve, 50)); });',
    'last.test.ts': 'import t from "tap"; t.test("still", async (t) => { t.match(t.testdir(), /last\\.test\\.ts-still$/); });',
  });
  t.not(status, 0);
  t.equal(result.passed, 4);
  t.same(result.failures.map(({ file, name }) => [file, name]), [
    [path('fails.test.ts'), 'outer > inner > sums'], [path('broken.test.ts'), result.failures[1]?.name], [path('throws.test.ts'), result.failures[2]?.name],
  ]);
  t.match(result.failures.map(({ name, details }) => name + details.join('\n')), [/sums/, /not-there\.ts/, /late/]);
  t.same(result.skipped, [{ file: path('skips.test.ts'), name: 'later', reason: 'no disk' }]);
  t.equal(result.finished.size, 6);
});

t.test('a process that dies has not finished the file that it was at', async (t) => {
  const { status, result, path } = await runFiles(t, {
    'before.test.ts': 'import t from "tap"; t.test("one", async (t) => { t.ok(true); });',
    'dies.test.ts': 'import t from "tap"; t.test("two", async () => { process.kill(process.pid, "SIGKILL"); await new Promise(() => {}); });',
    'after.test.ts': 'import t from "tap"; t.test("three", async (t) => { t.ok(true); });',
  });
  t.equal(status, null);
  t.same([...result.finished], [path('before.test.ts')]);
});

t.test('a test\'s folder is there until its teardown is through', async (t) => {
  const { status, result } = await runFiles(t, {
    'folder.test.ts': 'import { existsSync } from "node:fs"; import t from "tap"; t.test("one", async (t) => { const folder = t.testdir({ a: "" }); t.teardown(() => { if (!existsSync(folder)) throw new Error("it is gone"); }); t.ok(true); });',
  });
  t.same(result.failures, []);
  t.equal(status, 0);
});
