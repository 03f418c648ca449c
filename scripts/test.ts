/** What `scripts/test` runs: types, lint, and the tests under tap, whose TAP is read here so that only failures are shown. */
import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { launch, type Child } from '../src/base/spawn.ts';
import { TapReader } from './tapreader.ts';

const root = resolve(import.meta.dirname, '..');
const { values: options, positionals } = parseArgs({ options: { slow: { type: 'boolean' } }, allowPositionals: true, strict: true });
const limitSeconds = options.slow === true || positionals.length > 0 ? 900 : 600;
const deadline = AbortSignal.timeout(limitSeconds * 1000);

/** What takes most of a minute alone, and whole sites with hub and cameras: they run when asked for. */
const slowFolders = ['test/slow/', 'test/e2e/'];

/** Tests inherit nothing of the caller's but these, and find our Node first. */
const environment: Record<string, string> = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}` };
for (const name of ['HOME', 'TMPDIR', 'CI']) {
  const value = process.env[name];
  if (value !== undefined) environment[name] = value;
}

let passed = 0;
let failed = 0;

if (positionals.length === 0) {
  await Promise.all([
    check('types', ['node_modules/typescript/bin/tsc', '--noEmit']),
    check('lint', ['node_modules/oxlint/bin/oxlint', '--deny-warnings', 'src', 'test', 'scripts', 'oxlint.config.ts']),
  ]);
}
await runTests(positionals.length === 0 ? allTests() : named(positionals));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function allTests(): string[] {
  return globSync('test/**/*.test.ts', { cwd: root }).filter((file) => options.slow === true || !slowFolders.some((folder) => file.startsWith(folder))).toSorted();
}

function named(paths: readonly string[]): string[] {
  const places = paths.map((path) => resolve(path));
  for (const place of places.filter((place) => !existsSync(place))) fail(`no such test: ${place}`);
  const files = places.filter((place) => existsSync(place)).flatMap((place) => (statSync(place).isDirectory() ? globSync(`${place}/**/*.test.ts`).toSorted() : [place]));
  return [...new Set(files)].map((file) => relative(root, file));
}

function fail(text: string): void {
  failed++;
  console.log(`FAILED ${text}`);
}

/** One check that says nothing when all is well: counts as one. */
async function check(name: string, args: readonly string[]): Promise<void> {
  const said: string[] = [];
  const { errorLines, cut, status } = await start(args, (line) => said.push(line));
  if (cut) fail(`${name}: cut after ${limitSeconds} s`);
  else if (status !== 0) fail(`${name}:\n${[...said, ...errorLines].join('\n')}`);
  else passed++;
}

async function runTests(files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const reader = new TapReader();
  // A slow test may take minutes; any other takes .taprc's time-out.
  const patience = options.slow === true || files.some((file) => file.startsWith('test/slow/')) ? ['--timeout=600'] : [];
  const { cut, status, errorLines } = await start(['node_modules/tap/dist/esm/run.mjs', '--reporter=tap', ...patience, ...files], (line) => reader.line(line));
  const result = reader.result();
  for (const [file, failures] of Map.groupBy(result.failures, (failure) => failure.file)) {
    console.log(`FAILED ${file}`);
    for (const failure of failures) console.log(`  ${failure.name}\n${failure.details.map((line) => `    ${line}`).join('\n')}`);
  }
  passed += result.passed;
  failed += result.failed;
  if (cut) {
    for (const file of files.filter((file) => !result.finished.has(file))) fail(`${file}: had not finished when the tests were cut after ${limitSeconds} s`);
  } else if (status !== 0 && result.failed === 0) fail(`tap ended with status ${status ?? 'none'}`);
  // Warnings of passing tests are nobody's news.
  if (failed > 0 && errorLines.length > 0) console.log(`Standard error of the tests, its last lines:\n${errorLines.slice(-30).map((line) => `  ${line}`).join('\n')}`);
  for (const [reason, names] of Map.groupBy(result.skipped, (skip) => skip.reason)) console.log(`skipped ${names.length}: ${reason}`);
}

interface Outcome { errorLines: string[]; status: number | null; cut: boolean }

/** Runs a script under this Node, in its own process group, so that the deadline and Ctrl-C end its children too. */
async function start(args: readonly string[], onLine: (line: string) => void = () => {}): Promise<Outcome> {
  const errorLines: string[] = [];
  const child = await launch(process.execPath, args, { folder: root, environment, detached: true, onErrorLine: (line) => errorLines.push(line) });
  const end = (): void => endGroup(child);
  deadline.addEventListener('abort', end);
  process.once('SIGINT', end).once('SIGTERM', end);
  if (deadline.aborted) end();
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) onLine(line);
  const { status } = await child.exited;
  deadline.removeEventListener('abort', end);
  process.off('SIGINT', end).off('SIGTERM', end);
  return { errorLines, status, cut: deadline.aborted };
}

function endGroup(child: Child): void {
  try {
    process.kill(-child.pid, 'SIGTERM');
    setTimeout(() => endGroupNow(child), 2000).unref();
  } catch { /* it has ended by itself */ }
}

function endGroupNow(child: Child): void {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch { /* nobody left */ }
}
