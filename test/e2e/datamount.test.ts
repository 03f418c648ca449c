/** `data_mount = true`: an empty folder where the disk should be is no place for a new vault. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { onDiskOfItsOwn } from '../../src/base/files.ts';
import { Hub } from '../../src/hub.ts';

t.test('the root, and what would be made on it, is no disk of its own; another file system is', async (t) => {
  for (const path of ['/', '/nowhere/at/all']) t.notOk(await onDiskOfItsOwn(path), path);
  for (const path of ['/proc', '/proc/nothing/here']) t.ok(await onDiskOfItsOwn(path), path);
});

t.test('a hub whose disk is not mounted says so, waits, and makes nothing in its place', async (t) => {
  const data = `/sallyport-test-${process.pid}`;
  const configPath = join(t.testdir({ 'sallyport.toml': `data = "${data}"\ndata_mount = true\n` }), 'sallyport.toml');
  const hub = new Hub();
  const said = Promise.withResolvers<string>();
  const started = hub.start({ configPath, echo: (line) => said.resolve(line) });
  t.match(await said.promise, `${data} cannot be used now: it is not mounted`);
  await hub.close();
  await t.rejects(started, { code: 'SP_STOPPED' });
  await t.rejects(access(data), { code: 'ENOENT' });
});
