import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WorkingDatabase } from '../../src/vault/database.ts';

const key = (digit = '1'): Buffer => Buffer.from(`raw:${digit.repeat(64)}`);

async function open(t: Test): Promise<WorkingDatabase> {
  const database = await WorkingDatabase.open(join(t.testdir(), 'working.db'), key());
  await database.call('setUp', { hubName: 'hub', publicKey: 'ssh-ed25519 AAAA', signingSeed: new Uint8Array(32), atMs: 1 });
  return database;
}

t.test('what is asked is answered in the order of asking, and survives reopening', async (t) => {
  const database = await open(t);
  const order: number[] = [];
  await Promise.all(Array.from({ length: 50 }, (_, n) => database.call('putSetting', { name: 'x', json: String(n) }).then(() => order.push(n))));
  t.same(order, Array.from({ length: 50 }, (_, n) => n));
  await database.close();
  const again = await WorkingDatabase.open(join(t.testdirName, 'working.db'), key());
  t.equal(await again.call('setting', { name: 'x' }), '49');
  await again.close();
});

t.test('an operation that fails is rolled back whole, and the next one works', async (t) => {
  const database = await open(t);
  const period = { camera: 'front', class: 'footage', startMs: 10, endMs: 20, deadlineMs: 30, slot: 0, generation: 1, recipient: 'age1', slotSha256: '00'.repeat(32) } as const;
  await database.call('addPeriod', { period, atMs: 1 });
  const before = await database.call('checkpointFacts', { atMs: 1 });
  await t.rejects(database.call('addPeriod', { period, atMs: 1 }), { code: 'SP_DATABASE' }, 'a slot belongs to one period');
  t.same(await database.call('checkpointFacts', { atMs: 1 }), before, 'neither generation nor audit moved');
  await database.call('putSetting', { name: 'x', json: '1' });
  await database.close();
});

t.test('a thread that dies rejects everything outstanding and everything after', async (t) => {
  const database = await open(t);
  // Each is a transaction of its own, so that the thread cannot have answered all of them by the time it is ended.
  const outstanding = Array.from({ length: 1_000 }, (_, n) => database.call('putSetting', { name: `x${n}`, json: '1' }));
  const settled = Promise.allSettled(outstanding);
  await database.abort();
  const results = await settled;
  t.ok(results.some(({ status }) => status === 'rejected'));
  for (const result of results) if (result.status === 'rejected') t.match(result.reason, { code: 'SP_DATABASE' });
  await t.rejects(database.call('livePeriods'), { code: 'SP_DATABASE' });
  t.match(database.failure, { code: 'SP_DATABASE' });
  await database.close();
});

t.test('more requests than the disk can ever take are refused, not kept', async (t) => {
  const database = await open(t);
  const results = await Promise.allSettled(Array.from({ length: 2_100 }, () => database.call('setting', { name: 'x' })));
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 2_000);
  await database.call('setting', { name: 'x' });
  await database.close();
});

t.test('the key is moved into the thread and wiped here; another key is refused', async (t) => {
  await (await open(t)).close();
  const wrong = key('2');
  await t.rejects(WorkingDatabase.open(join(t.testdirName, 'working.db'), wrong), { code: 'SP_WRONG_WORKING_KEY' });
  t.ok(wrong.every((byte) => byte === 0));
});
