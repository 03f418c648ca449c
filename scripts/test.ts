/** What `scripts/test` runs after set-up: types, lint, then tap over the test files; counts, and says what failed and where. */
import { glob, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { launch, run } from '../src/base/spawn.ts';

const root = resolve(import.meta.dirname, '..');
const startedAt = performance.now();

interface Tally { passed: number; failed: number; skipped: string[] }

/** One event of tap's `jsonstream` reporter: a test that starts or ends, or one assertion. */
type TapEvent = readonly ['start' | 'end' | 'pass' | 'fail' | 'skip' | 'todo' | string, {
  readonly name?: string;
  readonly fullname?: string;
  readonly level?: number;
  readonly ok?: boolean;
  readonly skip?: string | true;
  readonly time?: number;
  readonly diag?: Diagnosis;
}];

interface Diagnosis { readonly diff?: string; readonly at?: { fileName?: string; lineNumber?: number }; readonly exitCode?: number | null; readonly signal?: string | null; readonly stack?: string; readonly reason?: string; readonly expired?: string }

async function check(tally: Tally, name: string, args: readonly string[]): Promise<void> {
  const begun = performance.now();
  const { status, stdout, stderr } = await run(process.execPath, args, { folder: root, timeoutMs: 120_000 });
  if (status === 0) tally.passed++;
  else tally.failed++;
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds(performance.now() - begun)})`);
  if (status !== 0) console.log(indent(`${stdout.toString()}${stderr}`));
}

/** Counts tests while tap runs them. Tap puts the files' events one file after the other, whatever runs at once. */
class Counter {
  readonly #tally: Tally;
  #file: { name: string; passed: number; failed: number } | undefined;
  #level = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  take([kind, what]: TapEvent): void {
    if (kind === 'start') this.#begin(what);
    else if (kind === 'end') this.#end(what);
    else if (kind === 'skip' || kind === 'todo') this.#skipped(what);
    else if (kind === 'fail') this.#assertion(what, false);
    else if (kind === 'pass') this.#assertion(what, true);
  }

  #begin({ level = 0, name = '' }: TapEvent[1]): void {
    this.#level = level;
    if (level === 1) this.#file = { name, passed: 0, failed: 0 };
  }

  #end(what: TapEvent[1]): void {
    const { level = 0, ok = false } = what;
    this.#level = level - 1;
    if (what.skip !== undefined) this.#skipped(what);
    else if (level === 2) this.#count(ok);
    else if (level === 1) this.#fileEnd(what, ok);
  }

  #fileEnd({ time, diag, name = '' }: TapEvent[1], ok: boolean): void {
    const file = this.#file ?? { name, passed: 0, failed: 0 };
    if (!ok && file.failed === 0) {
      this.#count(false);
      console.log(`FAIL ${name}: ${diag?.expired ?? ending(diag)}`);
    }
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${file.passed} passed${file.failed > 0 ? `, ${file.failed} failed` : ''}${time === undefined ? '' : ` (${seconds(time)})`}`);
    this.#file = undefined;
  }

  /** Assertions make their test fail, and are shown; those outside any test are counted as one each. */
  #assertion({ fullname = '', diag }: TapEvent[1], ok: boolean): void {
    if (this.#level === 1) this.#count(ok);
    if (ok) return;
    const at = diag?.at?.fileName === undefined ? '' : ` (${diag.at.fileName}:${diag.at.lineNumber})`;
    console.log(`FAIL ${fullname}${at}`);
    console.log(indent(diag?.diff ?? diag?.stack ?? ending(diag)));
  }

  #count(ok: boolean): void {
    const file = this.#file;
    if (ok) this.#tally.passed++;
    else this.#tally.failed++;
    if (file !== undefined) file[ok ? 'passed' : 'failed']++;
  }

  #skipped({ fullname = '', skip }: TapEvent[1]): void {
    this.#tally.skipped.push(typeof skip === 'string' ? `${fullname} (${skip})` : fullname);
  }
}

async function runTests(tally: Tally, files: readonly string[], limitMs: number): Promise<void> {
  const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');
  const environment = Object.fromEntries(['HOME', 'TMPDIR'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const complaints: string[] = [];
  const child = await launch(process.execPath, [tap, '--reporter=jsonstream', ...files], {
    folder: root, environment, detached: true, onErrorLine: (line) => complaints.push(line),
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-child.pid, 'SIGKILL');
  }, limitMs);
  process.once('SIGINT', () => process.kill(-child.pid, 'SIGKILL'));
  const counter = new Counter(tally);
  const failedBefore = tally.failed;
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('[')) counter.take(JSON.parse(line) as TapEvent);
  const { status, signal } = await child.exited;
  clearTimeout(timer);
  if (late || (status !== 0 && tally.failed === failedBefore)) {
    tally.failed++;
    console.log(late ? `FAIL the tests took longer than ${seconds(limitMs)}` : `FAIL the test runner ended with ${status ?? signal}`);
  }
  if (tally.failed > failedBefore && complaints.length > 0) console.log(`on standard error:\n${indent(complaints.slice(-60).join('\n'))}`);
}

const slowFolders = ['test/slow/', 'test/e2e/', 'test/bench/'];

/** Test files below the places, those of slow folders only when asked for. */
async function filesIn(places: readonly string[], slow: boolean): Promise<string[]> {
  const files: string[] = [];
  for (const place of places) {
    const info = await stat(place).catch(() => undefined);
    if (info === undefined) throw new Error(`${place} is not there`);
    if (info.isFile()) files.push(relative(root, place));
    else for await (const name of glob('**/*.test.ts', { cwd: place })) files.push(relative(root, join(place, name)));
  }
  return [...new Set(files)].filter((file) => slow || !isSlow(file)).sort();
}

function isSlow(file: string): boolean {
  return slowFolders.some((folder) => file.startsWith(folder));
}

function ending(diag: Diagnosis | undefined): string {
  if (typeof diag?.signal === 'string') return `ended by ${diag.signal}`;
  return typeof diag?.exitCode === 'number' ? `ended with ${diag.exitCode}` : diag?.reason ?? 'failed';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  const lines = text.trimEnd().split('\n');
  const shown = lines.length > 80 ? [...lines.slice(0, 80), `… ${lines.length - 80} more lines`] : lines;
  return shown.map((line) => `     ${line}`).join('\n');
}

const { values: { slow = false }, positionals } = parseArgs({ options: { slow: { type: 'boolean' } }, allowPositionals: true, strict: true });
const tally: Tally = { passed: 0, failed: 0, skipped: [] };
const only = positionals.map((place) => resolve(place));
const files = await filesIn(only.length > 0 ? only : [join(root, 'test')], slow || only.length > 0);
if (only.length === 0) {
  await check(tally, 'types', ['node_modules/typescript/bin/tsc', '--noEmit']);
  await check(tally, 'lint', ['node_modules/oxlint/bin/oxlint', '--deny-warnings', 'src', 'test', 'scripts', 'oxlint.config.ts']);
}
const limitMs = files.some(isSlow) ? 600_000 : 240_000;
await runTests(tally, files, limitMs - (performance.now() - startedAt));
for (const name of tally.skipped) console.log(`skip ${name}`);
console.log(`\n${files.length} files in ${seconds(performance.now() - startedAt)}${tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : ''}`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;
