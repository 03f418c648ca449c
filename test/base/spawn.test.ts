import { once } from 'node:events';
import t from 'tap';
import { launch, run } from '../../src/base/spawn.ts';

const node = process.execPath;

t.test('a program runs to its end, with its output and status', async (t) => {
  const { status, signal, stdout, stderr } = await run('sh', ['-c', 'echo out; echo err >&2; exit 3']);
  t.strictSame([status, signal, stdout.toString(), stderr], [3, null, 'out\n', 'err']);
});

t.test('arguments are never read by a shell', async (t) => {
  const hostile = ['$(id)', '; rm -rf /', '`id`', 'a b', '*', '\'"'];
  const { stdout } = await run('printf', ['%s\\n', ...hostile]);
  t.strictSame(stdout.toString().split('\n').slice(0, -1), hostile);
});

t.test('the environment is chosen, not inherited', async (t) => {
  process.env['SALLYPORT_TEST_SECRET'] = 'tr0ub4dor';
  t.teardown(() => delete process.env['SALLYPORT_TEST_SECRET']);
  const { stdout } = await run('env', ['-u', 'NODE_OPTIONS', 'env', '-0'], { environment: { CHOSEN: 'yes' } });
  const names = stdout.toString().split('\0').slice(0, -1).map((line) => line.split('=')[0] as string);
  t.ok(names.includes('CHOSEN') && names.includes('PATH') && names.includes('LANG'));
  t.notOk(stdout.toString().includes('tr0ub4dor'));
  t.strictSame(names.filter((name) => !/^(?:CHOSEN|PATH|LANG|_TAPJS_\w+|_|PWD|SHLVL)$/.test(name)), [], 'but for what the test runner adds');
});

t.test('input is written and closed', async (t) => {
  t.equal((await run('cat', [], { input: 'hello' })).stdout.toString(), 'hello');
  t.equal((await run('wc', ['-c'], { input: Buffer.alloc(1_000_000) })).stdout.toString().trim(), '1000000');
  t.equal((await run('true', [], { input: Buffer.alloc(1_000_000) })).status, 0, 'a program that does not read is not waited for');
});

t.test('input that is left open is written by the caller', async (t) => {
  const child = await launch('cat', [], { input: 'pipe' });
  child.stdin?.write('ping');
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  t.equal(chunk.toString(), 'ping');
  child.stdin?.end();
  t.strictSame(await child.exited, { status: 0, signal: null });
});

t.test('a program that is not there is named with its package', async (t) => {
  await t.rejects(run('sallyport-no-such-program', [], { package: 'nosuch' }), { code: 'SP_TOOL_MISSING', message: /sallyport-no-such-program/, hint: /nosuch/ });
  await t.rejects(run('/etc/passwd', []), { code: 'SP_INTERNAL', message: /permission denied/ });
});

t.test('what takes too long, prints too much or is no longer wanted is ended', async (t) => {
  await t.rejects(run('sleep', ['60'], { timeoutMs: 50 }), { code: 'SP_STOPPED', message: /took too long/ });
  await t.rejects(run('yes', [], { stdoutBytesMax: 100_000 }), { code: 'SP_STOPPED', message: /printed too much/ });
  await t.rejects(run('sleep', ['60'], { signal: AbortSignal.abort() }), { code: 'SP_STOPPED', message: /was stopped/ });
  const stop = new AbortController();
  const running = run('sleep', ['60'], { signal: stop.signal });
  stop.abort();
  await t.rejects(running, { code: 'SP_STOPPED' });
});

t.test('a signal\'s end is told as such', async (t) => {
  const child = await launch('sleep', ['60']);
  child.kill('SIGTERM');
  t.strictSame(await child.exited, { status: null, signal: 'SIGTERM' });
  t.doesNotThrow(() => child.kill('SIGKILL'), 'ending what has ended is no error');
});

t.test('standard error comes by lines, bounded and scrubbed', async (t) => {
  const lines: string[] = [];
  const say = 'process.stderr.write("rtsp://u:tr0ub4dor@cam/\\rsecond\\n\\n" + "x".repeat(5000) + "\\n" + "\\u001b[31mred\\nlast")';
  const child = await launch('env', ['-u', 'NODE_OPTIONS', node, '-e', say], { onErrorLine: (line) => lines.push(line) });
  await child.exited;
  t.strictSame(lines.map((line) => line.length > 100 ? line.length : line), ['rtsp://[secret]@cam/', 'second', 500, '·[31mred', 'last']);
});

t.test('a flood on standard error is dropped, not kept', async (t) => {
  let lines = 0;
  const child = await launch('sh', ['-c', 'seq 1 5000 >&2'], { stderrLinesMax: 10, onErrorLine: () => lines++ });
  t.equal((await child.exited).status, 0);
  t.equal(lines, 10);
});

t.test('a detached program has a process group of its own', async (t) => {
  const group = async (detached: boolean): Promise<string> => {
    const child = await launch('sh', ['-c', 'cut -d " " -f 5 /proc/$$/stat'], { detached });
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    await child.exited;
    return chunk.toString().trim() === String(child.pid) ? 'own' : 'shared';
  };
  t.equal(await group(true), 'own');
  t.equal(await group(false), 'shared');
});

t.test('the folder is the one that was given', async (t) => {
  const folder = t.testdir({});
  t.equal((await run('pwd', [], { folder })).stdout.toString().trim(), folder);
});
