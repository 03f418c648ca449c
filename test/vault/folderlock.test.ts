import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { launch, type Child } from '../../src/base/spawn.ts';
import { lockFolder } from '../../src/vault/folderlock.ts';

/** Locks its folder, says how that went, and holds the lock until its input ends. */
const program = `
  const { lockFolder } = await import(${JSON.stringify(new URL('../../src/vault/folderlock.ts', import.meta.url).href)});
  process.stdin.resume();
  try {
    const lock = await lockFolder(process.argv[1]);
    process.stdin.on('end', () => lock.close());
    console.log('locked ' + process.pid);
  } catch (error) {
    console.log(error.code + ' ' + error.evidence?.pid);
    process.exit();
  }
`;

async function another(t: Test, folder: string): Promise<{ child: Child; said: string }> {
  const child = await launch(process.execPath, ['--input-type=module', '-e', program, folder], { input: 'pipe' });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, said };
}

t.test('one hub holds a folder, the next is told who', async (t) => {
  const folder = t.testdir();
  const lock = await lockFolder(folder);
  t.equal((await another(t, folder)).said, `SP_DATA_LOCKED ${process.pid}`);
  await t.rejects(lockFolder(folder), { code: 'SP_DATA_LOCKED', evidence: { pid: process.pid } }, 'in this process too');
  await symlink(folder, join(folder, 'alias'));
  await t.rejects(lockFolder(join(folder, 'alias')), { code: 'SP_DATA_LOCKED' }, 'and under another name');
  t.match((await another(t, folder)).said, /^SP_DATA_LOCKED/, 'being refused here has not let go of it');
  await lock.close();
  await lock.close();
  const { said, child } = await another(t, folder);
  t.equal(said, `locked ${child.pid}`);
  t.equal((await stat(join(folder, 'lock'))).size, 0);
});

t.test('of eight that start at once exactly one wins', async (t) => {
  const folder = t.testdir();
  const all = await Promise.all(Array.from({ length: 8 }, () => another(t, folder)));
  t.equal(all.filter(({ said }) => said.startsWith('locked')).length, 1, all.map(({ said }) => said).join(', '));
  t.equal(all.filter(({ said }) => said.startsWith('SP_DATA_LOCKED')).length, 7);
});

t.test('a killed hub leaves no lock behind', async (t) => {
  const folder = t.testdir();
  for (let round = 0; round < 3; round++) {
    const { child, said } = await another(t, folder);
    t.equal(said, `locked ${child.pid}`);
    await t.rejects(lockFolder(folder), { code: 'SP_DATA_LOCKED', evidence: { pid: child.pid } });
    child.kill('SIGKILL');
    await child.exited;
  }
  await (await lockFolder(folder)).close();
});

t.test('a hub that ends lets go', async (t) => {
  const folder = t.testdir();
  const { child } = await another(t, folder);
  child.stdin?.end();
  t.match(await child.exited, { status: 0 });
  await (await lockFolder(folder)).close();
});

t.test('a folder that cannot be locked is named', async (t) => {
  const folder = t.testdir({ file: '', locked: { lock: {} }, strange: { lock: 'somebody else\'s file, not empty' } });
  for (const name of ['absent', 'file', 'locked', 'strange']) await t.rejects(lockFolder(join(folder, name)), { code: 'SP_DATA_FOLDER' }, name);
});
