import t, { type Test } from 'tap';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObservationRow, Vault } from '../../src/vault/vault.ts';
import { filesBelow, hourMs, makeWorld, openVault, start } from './world.ts';

async function withVault(t: Test, deed: (vault: Vault) => Promise<void>): Promise<void> {
  const vault = await openVault(makeWorld(t.testdir()));
  try {
    await deed(vault);
  } finally {
    await vault.close();
  }
}

function row(fromMs: number, toMs: number | undefined, more: Partial<ObservationRow> = {}): ObservationRow {
  return { camera: 'front', kind: 'motion', source: '000', fromMs: start + fromMs, toMs: toMs === undefined ? undefined : start + toMs, ...more };
}

const always = { fromMs: 0, toMs: start + 1e9, limit: 100 };

t.test('what begins is ended later, by its name; noted twice, it is there once', (t) => withVault(t, async (vault) => {
  await vault.noteObservations([row(0, undefined), row(0, undefined), row(0, 0, { kind: 'line' }), row(0, undefined, { source: '' })]);
  t.same((await vault.observations(always)).map(({ kind, source, toMs }) => [kind, source, toMs]), [['motion', '000', undefined], ['line', '000', start], ['motion', '', undefined]]);
  await vault.noteObservations([row(0, 5000), row(0, 5000)]);
  t.same((await vault.observations({ ...always, camera: 'front' }))[0], row(0, 5000));
  await vault.noteObservations([row(9000, 9500)]);
  t.equal((await vault.observations(always)).length, 4, 'an end whose beginning was never noted is a row of its own');
}));

t.test('all rows of a note are there, or none', (t) => withVault(t, async (vault) => {
  await t.rejects(vault.noteObservations([row(0, 1), row(5, 4)]), { code: 'SP_DATABASE' });
  t.same(await vault.observations(always), []);
}));

t.test('those that touch the time asked for are listed, of one camera or of all, up to a limit', (t) => withVault(t, async (vault) => {
  await vault.noteObservations([row(0, 1000), row(2000, 3000), row(2500, undefined), row(4000, 4000, { camera: 'yard' }), row(9000, 9000)]);
  const at = async (fromMs: number, toMs: number, camera?: string, limit = 9): Promise<number[]> =>
    (await vault.observations({ camera, fromMs: start + fromMs, toMs: start + toMs, limit })).map(({ fromMs: ms }) => ms - start);
  t.same(await at(500, 2600), [0, 2000, 2500]);
  t.same(await at(3500, 5000), [2500, 4000], 'what lasts is of every time since');
  t.same(await at(3500, 5000, 'yard'), [4000]);
  t.same(await at(0, 9999, undefined, 2), [0, 2000]);
}));

t.test('what a killed hub left open lasted until the last that is known of its camera, and the day is counted on', (t) => withVault(t, async (vault) => {
  await vault.noteObservations([row(0, 1000), row(2000, undefined), row(7000, 8000, { kind: 'person' }), row(3000, undefined, { camera: 'yard' })]);
  t.same(await vault.beginObserving('front', start + 1500), { count: 2, lastMs: start + 7000 });
  t.same((await vault.observations({ ...always, camera: 'front' })).map(({ toMs }) => (toMs ?? 0) - start), [1000, 8000, 8000]);
  t.equal((await vault.observations({ ...always, camera: 'yard' }))[0]?.toMs, undefined, 'other cameras are not touched');
  t.same(await vault.beginObserving('gate', start), { count: 0, lastMs: undefined });
}));

t.test('each camera\'s go at their own time, in batches, also of a camera that nobody knows any more; what lasts stays', (t) => withVault(t, async (vault) => {
  const many = Array.from({ length: 2_500 }, (_, index) => row(index, index + 1, { source: String(index) }));
  await vault.noteObservations([...many, row(2000, undefined, { kind: 'input' }), row(10, 5 * hourMs, { kind: 'sound' }), row(0, 10, { camera: 'yard' }), row(0, 10, { camera: 'gone' })]);
  t.equal(await vault.dropObservations((camera) => (camera === 'yard' ? start - hourMs : start + hourMs)), 2_501);
  t.same((await vault.observations(always)).map(({ camera, kind }) => `${camera} ${kind}`), ['yard motion', 'front sound', 'front input']);
  t.equal(await vault.dropObservations(() => start - hourMs), 0);
}));

t.test('they survive a restart, and trouble no checkpoint: the database is still the one that was signed', async (t) => {
  const world = makeWorld(t.testdir());
  const first = await openVault(world);
  await first.checkpoint();
  await first.noteObservations([row(0, 1)]);
  await first.close();
  const second = await openVault(world);
  t.equal(second.databaseDoubt, undefined);
  t.equal((await second.observations(always)).length, 1);
  await second.close();
});

t.test('in the file they are sealed as all of it', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  await vault.noteObservations([row(0, 1, { source: 'a source to look for' })]);
  await vault.close();
  for (const name of await filesBelow(world.folder)) t.notOk((await readFile(join(world.folder, name))).includes('a source to look for'), name);
});
