import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dayFileWriter, ensureFolder, fileExists, listFolder, protectSocket, readFileBounded, readTextBounded, removeFile, removeSocket, writeFileAtomic } from '../../src/base/files.ts';
import { run } from '../../src/base/spawn.ts';

t.test('a whole file is read, up to its bound', async (t) => {
  const folder = t.testdir({ five: 'fünf' });
  t.equal(await readTextBounded(join(folder, 'five'), 5), 'fünf', 'the bound counts bytes and is included');
  await t.rejects(readTextBounded(join(folder, 'five'), 4), { code: 'SP_READ', message: /is larger than 4 bytes/ });
});

t.test('files without a size of their own are read to their end', async (t) => {
  t.match(await readTextBounded('/proc/self/status', 100_000), /^Name:/);
  await t.rejects(readTextBounded('/proc/self/status', 10), { code: 'SP_READ' });
});

t.test('what is no regular file is refused, and a FIFO is not waited for', async (t) => {
  const folder = t.testdir({ inner: {} });
  await run('mkfifo', [join(folder, 'fifo')]);
  await t.rejects(readFileBounded(join(folder, 'fifo'), 10), { code: 'SP_READ', message: /not a regular file/ });
  await t.rejects(readFileBounded(join(folder, 'inner'), 10), { code: 'SP_READ' });
  await t.rejects(readFileBounded(join(folder, 'absent'), 10), { code: 'SP_READ', message: /no such file or folder/ });
  await t.rejects(readFileBounded('/dev/zero', 10), { code: 'SP_READ', message: /not a regular file/ });
});

t.test('symbolic links are followed unless they must not be', async (t) => {
  const folder = t.testdir({ real: 'x' });
  await symlink('real', join(folder, 'link'));
  t.equal(await readTextBounded(join(folder, 'link'), 10), 'x');
  await t.rejects(readFileBounded(join(folder, 'link'), 10, { noFollow: true }), { code: 'SP_READ', message: /is a symbolic link/ });
});

t.test('a file is written for its owner alone, and replaced as a whole', async (t) => {
  const folder = t.testdir({});
  const path = join(folder, 'state.json');
  await writeFileAtomic(path, 'one');
  t.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFileAtomic(path, Buffer.from('two'), 0o640);
  t.equal(await readFile(path, 'utf8'), 'two');
  t.equal((await stat(path)).mode & 0o777, 0o640);
  t.strictSame(await readdir(folder), ['state.json'], 'nothing is left beside it');
});

t.test('a write that fails leaves the old file and nothing half-written', async (t) => {
  const folder = t.testdir({ taken: { inner: 'x' } });
  await t.rejects(writeFileAtomic(join(folder, 'taken'), 'new'), { code: 'SP_WRITE', message: /taken could not be written/ });
  t.strictSame(await readdir(folder), ['taken']);
  await t.rejects(writeFileAtomic(join(folder, 'absent/file'), 'new'), { code: 'SP_WRITE', message: /no such file or folder/ });
});

t.test('folders are made with their parents and listed in order; an absent one is empty', async (t) => {
  const folder = t.testdir({ b: '', a: '' });
  await ensureFolder(join(folder, 'x/y'));
  t.equal((await stat(join(folder, 'x/y'))).mode & 0o777, 0o700);
  t.strictSame(await listFolder(folder), ['a', 'b', 'x']);
  t.strictSame(await listFolder(join(folder, 'absent')), []);
  await t.rejects(listFolder(join(folder, 'a')), { code: 'SP_READ' });
  await t.rejects(ensureFolder(join(folder, 'a')), { code: 'SP_WRITE' });
});

t.test('removing what is gone is no error, removing what cannot be is one', async (t) => {
  const folder = t.testdir({ a: '', inner: {} });
  await removeFile(join(folder, 'a'));
  await removeFile(join(folder, 'a'));
  t.notOk(await fileExists(join(folder, 'a')));
  t.ok(await fileExists(join(folder, 'inner')));
  await t.rejects(removeFile(join(folder, 'inner')), { code: 'SP_WRITE' });
});

t.test('only a socket is removed in a socket\'s place, and it is opened by its owner alone', async (t) => {
  // A socket's path holds 107 characters; the test's own folder may be longer.
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file'), 'precious');
  const path = join(folder, 's');
  const server = createServer();
  await new Promise<void>((done) => server.listen(path, done));
  t.teardown(() => server.close());
  await chmod(path, 0o777);
  await protectSocket(path);
  t.equal((await lstat(path)).mode & 0o777, 0o600);
  await removeSocket(path);
  t.notOk(await fileExists(path));
  await removeSocket(path);
  await t.rejects(removeSocket(join(folder, 'file')), { code: 'SP_WRITE', message: /not a socket/ });
  t.equal(await readFile(join(folder, 'file'), 'utf8'), 'precious');
});

t.test('log lines go to a file of their day, and a missing folder stops nobody', async (t) => {
  const folder = t.testdir({});
  let now = Date.parse('2026-11-24T23:59:59Z');
  const write = dayFileWriter(folder, () => now);
  write('one\n');
  now += 1000;
  write('two\n');
  t.strictSame(await listFolder(folder), ['20261124.log', '20261125.log']);
  t.equal(await readFile(join(folder, '20261125.log'), 'utf8'), 'two\n');
  t.equal((await stat(join(folder, '20261125.log'))).mode & 0o777, 0o600);
  t.doesNotThrow(() => dayFileWriter(join(folder, 'absent'), () => now)('lost\n'));
});

t.test('a file left half-written by a process that died is not in the way of another name', async (t) => {
  const folder = t.testdir({});
  await mkdir(join(folder, 'd'));
  await writeFile(join(folder, 'd', `x.${process.pid + 1}.part`), 'half');
  await writeFileAtomic(join(folder, 'd', 'x'), 'whole');
  t.equal(await readFile(join(folder, 'd', 'x'), 'utf8'), 'whole');
});
