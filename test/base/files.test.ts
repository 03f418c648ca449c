import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { dayFileWriter, ensureFolder, listFolder, readFileBounded, removeFile, removeSocket, writeFileAtomic } from '../../src/base/files.ts';

t.test('a file is read up to its bound, and nothing but a file', async (t) => {
  const folder = t.testdir({ 'ten': '0123456789', 'folder': {} });
  t.equal((await readFileBounded(join(folder, 'ten'), 10)).toString(), '0123456789');
  await t.rejects(readFileBounded(join(folder, 'ten'), 9), { code: 'SP_READ' }, 'larger than the bound');
  await t.rejects(readFileBounded(join(folder, 'folder'), 10), { code: 'SP_READ' }, 'a folder');
  await t.rejects(readFileBounded(join(folder, 'none'), 10), { code: 'SP_READ' }, 'nothing');
  await t.rejects(readFileBounded('/dev/zero', 10), { code: 'SP_READ' }, 'a device without an end');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await t.rejects(readFileBounded(join(folder, 'pipe'), 10), { code: 'SP_READ' }, 'a pipe that nobody writes does not stop us');
  symlinkSync('ten', join(folder, 'link'));
  t.equal((await readFileBounded(join(folder, 'link'), 10)).length, 10);
  await t.rejects(readFileBounded(join(folder, 'link'), 10, { noFollow: true }), { code: 'SP_READ' }, 'a link, where none is wanted');
});

t.test('a file is replaced whole or not at all', async (t) => {
  const folder = t.testdir({ 'kept': 'old' });
  await writeFileAtomic(join(folder, 'kept'), 'new');
  t.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'new');
  t.equal(statSync(join(folder, 'kept')).mode & 0o777, 0o600, 'for its user alone');
  mkdirSync(join(folder, 'in-the-way'));
  await t.rejects(writeFileAtomic(join(folder, 'in-the-way'), 'x'), { code: 'SP_WRITE', evidence: { file: join(folder, 'in-the-way') } });
  t.same(readdirSync(folder).toSorted(), ['in-the-way', 'kept'], 'nothing half-written stays');
});

t.test('folders: made with their parents, listed in order; absent ones are empty', async (t) => {
  const folder = t.testdir({ 'file': '' });
  await ensureFolder(join(folder, 'a', 'b'));
  t.equal(statSync(join(folder, 'a', 'b')).mode & 0o777, 0o700);
  t.same(await listFolder(folder), ['a', 'file']);
  t.same(await listFolder(join(folder, 'none')), []);
  await t.rejects(listFolder(join(folder, 'file')), { code: 'SP_READ' });
  await t.rejects(ensureFolder(join(folder, 'file', 'below')), { code: 'SP_WRITE' });
  await removeFile(join(folder, 'file'));
  await removeFile(join(folder, 'file'));
  t.notOk(existsSync(join(folder, 'file')), 'removing what is gone is no error');
});

t.test('a socket is cleared away, a file in its place is not', async (t) => {
  const folder = t.testdir({ 'precious': 'data' });
  await t.rejects(removeSocket(join(folder, 'precious')), { code: 'SP_WRITE' });
  t.ok(existsSync(join(folder, 'precious')));
  // A path of a socket holds 107 characters; the test's own folder may be longer.
  process.chdir(folder);
  const server = createServer().listen('s');
  await once(server, 'listening');
  await removeSocket('s');
  t.notOk(existsSync('s'));
  await removeSocket('s');
  server.close();
});

t.test('the log is a file a day, and a full disk ends nothing', async (t) => {
  const folder = t.testdir({});
  let now = Date.UTC(2026, 10, 24, 23, 59, 59);
  const write = dayFileWriter(folder, () => now);
  write('one\n');
  now += 2000;
  write('two\n');
  t.same(readdirSync(folder), ['20261124.log', '20261125.log']);
  t.equal(statSync(join(folder, '20261124.log')).mode & 0o777, 0o600);
  t.doesNotThrow(() => dayFileWriter(join(folder, 'none'), () => now)('lost\n'));
  writeFileSync(join(folder, 'done'), '');
});
