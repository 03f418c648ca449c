import { randomBytes } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { isSallyportError } from '../../src/base/errors.ts';
import { folderFar, objectName, never, partBytes, putOf, s3rverFar, sourceOf, stubFar, webdavFar, type Far } from './stores.ts';

const stores: readonly (readonly [name: string, open: (folder: string) => Promise<Far>])[] = [
  ['a folder', folderFar], ['rclone serve webdav', (folder) => webdavFar(folder)], ['rclone serve webdav --etag-hash MD5', (folder) => webdavFar(folder, { etagHash: 'MD5' })], ['S3, our own server', () => stubFar()], ['S3, s3rver', s3rverFar],
];

for (const [name, open] of stores) {
  t.test(`the contract of stores: ${name}`, async (t) => {
    const far = await open(t.testdir());
    t.teardown(() => far.close());
    const { store } = far;

    t.test('what was put is there, byte for byte, and the proof is more than its size', async (t) => {
      for (const length of [1, 168, 4096, 700_001]) {
        const bytes = randomBytes(length);
        const object = objectName();
        const tried = putOf(object, bytes);
        t.not(await store.put(tried.put, never), 'size');
        t.same(await far.held(object), bytes, String(length));
        t.equal(tried.sentBytes, length);
      }
    });

    t.test('a large object arrives whole', async (t) => {
      const bytes = randomBytes(2 * partBytes + 12_345);
      const object = objectName();
      t.not(await store.put(putOf(object, bytes).put, never), 'size');
      t.ok((await far.held(object))?.equals(bytes));
    });

    t.test('what is there already and the same is not sent again by another try', async (t) => {
      const bytes = randomBytes(100_000);
      const object = objectName();
      await store.put(putOf(object, bytes).put, never);
      const again = putOf(object, bytes, { again: true });
      t.not(await store.put(again.put, never), 'size');
      t.equal(again.sentBytes, 0);
    });

    t.test('something else under the name is never replaced by another try, unless it may be', async (t) => {
      const object = objectName();
      await store.put(putOf(object, randomBytes(1000)).put, never);
      const other = randomBytes(1000);
      await t.rejects(store.put(putOf(object, other, { again: true }).put, never), { code: 'SP_FAR_EXISTS' });
      await store.put(putOf(object, other, { replace: true }).put, never);
      t.same(await far.held(object), other);
    });

    t.test('ranges come exactly, or not at all', async (t) => {
      const bytes = randomBytes(300_000);
      const object = objectName();
      await store.put(putOf(object, bytes).put, never);
      // s3rver takes `bytes=0-0` for a wish for everything.
      const first = name === 'S3, s3rver' ? [0, 2] as const : [0, 1] as const;
      for (const [from, length] of [first, [0, 300_000], [65_552, 65_552], [299_999, 1]] as const) t.same(await store.get(object, from, length, never), bytes.subarray(from, from + length));
      await t.rejects(store.get(object, 299_999, 2, never), { code: 'SP_FAR_ANSWER' });
      await t.rejects(store.get(object, 300_000, 1, never), { code: 'SP_FAR_ANSWER' });
      await t.rejects(store.get(objectName(), 0, 1, never), { code: 'SP_FAR_MISSING' });
      t.same(await store.get(object, 299_000, 5000, never, true), bytes.subarray(299_000), 'or less, where it ends before');
      t.same(await store.get(object, 0, 2 ** 24, never, true), bytes);
      await t.rejects(store.get(object, 300_000, 1, never, true), { code: 'SP_FAR_ANSWER' }, 'but not nothing');
    });

    t.test('what was deleted is gone, and may be deleted again', async (t) => {
      const object = objectName();
      await store.put(putOf(object, randomBytes(1000)).put, never);
      await store.delete(object, never);
      t.equal(await far.held(object), undefined);
      await store.delete(object, never);
      await store.delete(objectName(), never);
      await t.rejects(store.get(object, 0, 1, never), { code: 'SP_FAR_MISSING' });
    });

    t.test('the list has names of ours with their sizes, in order, from any name on; others are counted', async (t) => {
      const objects = ['00', '0f', 'f0', 'ff'].map((begin) => `${begin}${objectName().slice(2)}`).sort();
      for (const object of objects) await store.put(putOf(object, randomBytes(10)).put, never);
      const before = await store.list(undefined, never);
      t.same(before.objects.filter(([object]) => objects.includes(object)), objects.map((object) => [object, 10]));
      t.same(before.objects.map(([object]) => object), before.objects.map(([object]) => object).toSorted());
      t.notOk(before.more);
      await far.place('00/notes.txt', Buffer.from('mine'));
      await far.place('holiday & co.jpg', Buffer.from('mine'));
      const after = await store.list(objects[1], never);
      t.same(after.objects.map(([object]) => object), before.objects.map(([object]) => object).filter((object) => object > (objects[1] as string)));
      const all = await store.list(undefined, never);
      t.same(all.objects, before.objects, 'foreign names are not among them');
      t.ok(all.foreign > before.foreign);
    });

    t.test('a try that was stopped leaves nothing under the name, and the next one brings it', async (t) => {
      const bytes = randomBytes(2 * partBytes + 500_000);
      const object = objectName();
      const stop = new AbortController();
      const source = sourceOf(bytes);
      // Within the second part, at a place that is none of its own.
      const cut = { ...source, read: async (from: number, length: number, into?: Buffer) => { if (from + length > partBytes + 300_000) stop.abort(); stop.signal.throwIfAborted(); return source.read(from, length, into); } };
      const first = putOf(object, bytes, { source: cut });
      await t.rejects(store.put(first.put, stop.signal));
      t.ok(stop.signal.aborted);
      t.equal(await far.held(object), undefined);
      const second = putOf(object, bytes, { again: true, resume: first.noted });
      t.not(await untilFree(() => store.put(second.put, never)), 'size');
      t.ok((await far.held(object))?.equals(bytes));
      // WebDAV has no parts, and s3rver does not list them.
      if (!name.startsWith('rclone serve webdav') && name !== 'S3, s3rver') t.ok(second.sentBytes < bytes.length, 'and does not begin anew');
    });

    t.test('a probe says whether it overwrites, and leaves nothing', async (t) => {
      const before = await store.list(undefined, never);
      t.match(await store.probe(never), { overwrites: 'yes', keepsVersions: /^(no|unknown)$/ });
      t.same((await store.list(undefined, never)).objects, before.objects);
    });
  });
}

/** A server may keep a name locked until it has noticed that the connection is gone. */
async function untilFree<T>(deed: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await deed();
    } catch (error) {
      if (!isSallyportError(error, 'SP_FAR_BUSY')) throw error;
      await systemClock.sleep(20);
    }
  }
}
