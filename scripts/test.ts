/**
 * What `scripts/test` runs: types, lint, and the tests, whose TAP is read here so that only failures are shown. The test files run in a
 * few processes side by side (`testprocess.ts`): a start of tap and of our modules costs a second, so the files of a folder share one.
 */
import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { launch, type Child } from '../src/base/spawn.ts';
import { TapReader, type Skip, type TapResult } from './tapreader.ts';

const root = resolve(import.meta.dirname, '..');
const { values: options, positionals } = parseArgs({ options: { slow: { type: 'boolean' } }, allowPositionals: true, strict: true });
const limitSeconds = options.slow === true || positionals.length > 0 ? 1800 : 240;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
const over = AbortSignal.any([AbortSignal.timeout(limitSeconds * 1000), interrupted.signal]);
const cutBy = (): string => interrupted.signal.aborted ? 'by a signal' : `after ${limitSeconds} s`;

/** What takes most of a minute alone, whole sites with hub and cameras, real stores far away, and what needs a browser: they run when asked for. */
const slowFolders = ['test/slow/', 'test/e2e/', 'test/browser/', 'test/courier/', 'test/egress/'];

/**
 * What takes longest starts first, so that nothing long is left for the end. A file that is named here has a process to itself: it takes many
 * seconds, or changes something of the whole process. All else shares one with the other files of its folder.
 */
const longestFirst = [
  'test/duties', 'test/vault', 'test/api', 'test/api/limits.test.ts', 'test/emulator', 'test/web/crypto', 'test/capture', 'test/vault/alarms.test.ts', 'test/capture/still.test.ts', 'test/capture/stream.test.ts', 'test/cameras', 'test/cli', 'test/duties/live.test.ts',
  'test/seal', 'test/duties/abilities.test.ts', 'test/policy', 'test/vault/purge.test.ts', 'test/duties/clock.test.ts', 'test/duties/alarms.test.ts', 'test/duties/panel.test.ts', 'test/vault/recover.test.ts', 'test/config', 'test/api/matrix.test.ts', 'test/vault/verify.test.ts', 'test/scripts',
  'test/api/browser.test.ts', 'test/vault/vault.test.ts',
];

/** How long a process may live on after its last test. */
const lingerSecondsMax = 30;

/** More than a small machine has processors, because tests of cameras and disks mostly wait. */
const processesMax = 4;

/** Tests inherit nothing of the caller's but these, and find our Node first, and what makes disks last. What Node compiles is kept, so that the next process need not. */
const environment: Record<string, string> = {
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'),
};
for (const name of ['HOME', 'TMPDIR', 'CI']) {
  const value = process.env[name];
  if (value !== undefined) environment[name] = value;
}

let passed = 0;
let failed = 0;

await Promise.all([
  ...(positionals.length > 0 ? [] : [
    check('types', ['node_modules/typescript/bin/tsc', '--noEmit']),
    check('types of the page', ['node_modules/typescript/bin/tsc', '-p', 'src/web', '--noEmit']),
    check('types of its tests', ['node_modules/typescript/bin/tsc', '-p', 'test/web', '--noEmit']),
    check('lint', ['node_modules/oxlint/bin/oxlint', '--deny-warnings', 'src', 'test', 'scripts', 'oxlint.config.ts']),
  ]),
  runTests(positionals.length === 0 ? allTests() : named(positionals)),
]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function allTests(): string[] {
  return globSync('test/**/*.test.ts', { cwd: root }).filter((file) => options.slow === true || !isSlow(file)).toSorted();
}

function named(paths: readonly string[]): string[] {
  const places = paths.map((path) => resolve(path));
  for (const place of places.filter((place) => !existsSync(place))) fail(`no such test: ${place}`);
  const files = places.filter((place) => existsSync(place)).flatMap((place) => (statSync(place).isDirectory() ? globSync(`${place}/**/*.test.ts`).toSorted() : [place]));
  return [...new Set(files)].map((file) => relative(root, file));
}

function isSlow(file: string): boolean {
  return slowFolders.some((folder) => file.startsWith(folder));
}

function fail(text: string): void {
  failed++;
  console.log(`FAILED ${text}`);
}

/** One check that says nothing when all is well: counts as one. */
async function check(name: string, args: readonly string[]): Promise<void> {
  const said: string[] = [];
  const { errorLines, cut, status } = await start(args, (line) => said.push(line));
  if (cut) fail(`${name}: cut ${cutBy()}`);
  else if (status !== 0) fail(`${name}:\n${[...said, ...errorLines].join('\n')}`);
  else passed++;
}

async function runTests(files: readonly string[]): Promise<void> {
  const skipped: Skip[] = [];
  const processes = [...processesFor(files)];
  const errorLines: string[] = [];
  await Promise.all(Array.from({ length: processesMax }, async () => {
    for (let next = processes.shift(); next !== undefined; next = processes.shift()) {
      const { result, said } = await runProcess(next);
      skipped.push(...result.skipped);
      errorLines.push(...said);
    }
  }));
  // Warnings of passing tests are nobody's news.
  if (failed > 0 && errorLines.length > 0) console.log(`Standard error of the tests, its last lines:\n${errorLines.slice(-30).map((line) => `  ${line}`).join('\n')}`);
  for (const [reason, names] of Map.groupBy(skipped, (skip) => skip.reason)) console.log(`skipped ${names.length}: ${reason}`);
}

/** Which files share a process, in the order in which the processes start. */
function processesFor(files: readonly string[]): string[][] {
  const place = (name: string): number => longestFirst.includes(name) ? longestFirst.indexOf(name) : longestFirst.length;
  const processes = Map.groupBy(files, (file) => longestFirst.includes(file) || isSlow(file) ? file : dirname(file));
  return [...processes].toSorted(([one], [other]) => place(one) - place(other)).map(([, shared]) => shared);
}

async function runProcess(files: readonly string[]): Promise<{ result: TapResult; said: string[] }> {
  const reader = new TapReader();
  const secondsMax = files.some(isSlow) ? 1740 : 300;
  const { cut, stuck, status, errorLines } = await start(
    ['--disable-warning=ExperimentalWarning', 'scripts/testprocess.ts', String(secondsMax), ...files], (line) => reader.line(line),
    () => files.every((file) => reader.finished.has(file)) ? lingerSecondsMax : secondsMax + lingerSecondsMax,
  );
  const result = reader.result();
  for (const [file, failures] of Map.groupBy(result.failures, (failure) => failure.file)) {
    console.log(`FAILED ${file}`);
    for (const failure of failures) console.log(`  ${failure.name}\n${failure.details.map((line) => `    ${line}`).join('\n')}`);
  }
  passed += result.passed;
  failed += result.failed;
  const unfinished = files.filter((file) => !result.finished.has(file));
  if (cut) for (const file of unfinished) fail(`${file}: had not finished when the tests were cut ${cutBy()}`);
  else if (unfinished.length > 0) fail(`${unfinished.join(', ')}: the process ended ${stuck ? 'because it was silent for too long' : `with status ${status ?? 'none'}`} in the first of these`);
  else if (stuck) fail(`${files.join(', ')}: all tests are done, and something that was not closed keeps the process`);
  else if (status !== 0 && result.failed === 0) fail(`${files.join(', ')}: the process ended with status ${status ?? 'none'}`);
  return { result, said: errorLines };
}

interface Outcome { errorLines: string[]; status: number | null; cut: boolean; stuck: boolean }

/** Runs a script under this Node, in its own process group, so that its children end with it: at the deadline, at Ctrl-C, and after `silenceSecondsMax` without a line. */
async function start(args: readonly string[], onLine: (line: string) => void = () => {}, silenceSecondsMax: () => number = () => limitSeconds): Promise<Outcome> {
  const errorLines: string[] = [];
  if (over.aborted) return { errorLines, status: null, cut: true, stuck: false };
  const child = await launch(process.execPath, args, { folder: root, environment, detached: true, onErrorLine: (line) => errorLines.push(line) });
  const end = (): void => endGroup(child);
  over.addEventListener('abort', end);
  if (over.aborted) end();
  let stuck = false;
  let silence: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      stuck = true;
      end();
    }, silenceSecondsMax() * 1000);
  };
  heard();
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    onLine(line);
    heard();
  }
  const { status } = await child.exited;
  clearTimeout(silence);
  over.removeEventListener('abort', end);
  return { errorLines, status, cut: over.aborted, stuck };
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
