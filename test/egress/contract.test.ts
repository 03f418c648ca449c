import { randomBytes } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { isSallyportError } from '../../src/base/errors.ts';
import { PiecedStore } from '../../src/egress/pieced.ts';
import { ciphered, pieceName } from '../../src/outbox/pieces.ts';
import { pieceBytesFor, pieceHeadBytes, pieceNonceBytes, piecesOf, readReference, writeReference } from '../../src/policy/pieces.ts';
import { folderFar, objectName as randomName, never, partBytes, putOf, s3rverFar, sourceOf, stubFar, webdavFar, type Far } from './stores.ts';

const stores: readonly (readonly [name: string, open: (folder: string) => Promise<Far>])[] = [
  ['a folder', folderFar], ['rclone serve webdav', (folder) => webdavFar(folder)], ['rclone serve webdav --etag-hash MD5', (folder) => webdavFar(folder, { etagHash: 'MD5' })], ['S3, our own server', () => stubFar()], ['S3, s3rver', s3rverFar],
  ['a folder, in pieces', inPieces(folderFar)], ['rclone serve webdav, in pieces', inPieces((folder) => webdavFar(folder))], ['S3, our own server, in pieces', inPieces(() => stubFar())], ['S3, s3rver, in pieces', inPieces(s3rverFar)],
];
const pieceBytes = pieceBytesFor(2 ** 20);

for (const [name, open] of stores) {
  const pieced = name.endsWith('in pieces');
  const objectName = (): string => writeReference({ name: randomName(), pieceBytes: pieced ? pieceBytes : undefined });
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
        t.equal(tried.sentBytes, pieced ? piecesOf(length, pieceBytes) * pieceBytes : length);
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
      const first = name.startsWith('S3, s3rver') ? [0, 2] as const : [0, 1] as const;
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

    if (!pieced) t.test('the list has names of ours with their sizes, in order, from any name on; others are counted', async (t) => {
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
      // Within the second part, at a place that is none of its own; pieces go from the last to the first.
      const cut = { ...source, read: async (from: number, length: number, into?: Buffer) => { if (pieced ? from < partBytes : from + length > partBytes + 300_000) stop.abort(); stop.signal.throwIfAborted(); return source.read(from, length, into); } };
      const first = putOf(object, bytes, { source: cut });
      await t.rejects(store.put(first.put, stop.signal));
      t.ok(stop.signal.aborted);
      t.equal(await far.held(object), undefined);
      const second = putOf(object, bytes, { again: true, resume: first.noted });
      t.not(await untilFree(() => store.put(second.put, never)), 'size');
      t.ok((await far.held(object))?.equals(bytes));
      // WebDAV has no parts, and s3rver does not list them.
      if (pieced || (!name.startsWith('rclone serve webdav') && name !== 'S3, s3rver')) t.ok(second.sentBytes < bytes.length, 'and does not begin anew');
    });

    if (pieced) t.test('all that lies there is of one size and looks like nothing; a shorter one in its place leaves nothing of the longer one', async (t) => {
      const object = objectName();
      const before = new Set((await store.list(undefined, never)).objects.map(([one]) => one));
      for (const [length, pieces] of [[3 * pieceBytes, 4], [5, 1], [pieceBytes - pieceHeadBytes, 1], [pieceBytes - pieceHeadBytes + 1, 2]] as const) {
        await store.put(putOf(object, Buffer.alloc(length, 'age-encryption.org/v1'), { replace: true }).put, never);
        const now = (await store.list(undefined, never)).objects.filter(([one]) => !before.has(one));
        t.same(now.map(([, bytes]) => bytes), Array.from({ length: pieces }, () => pieceBytes), String(length));
        t.notOk(now.some(([one]) => one === readReference(object).name));
        for (const [one] of now) t.notOk((await store.get(one, 0, pieceBytes, never)).includes('age-encryption'));
      }
      await store.delete(object, never);
      t.same((await store.list(undefined, never)).objects.filter(([one]) => !before.has(one)), []);
    });

    t.test('a probe says whether it overwrites, and leaves nothing', async (t) => {
      const before = await store.list(undefined, never);
      t.match(await store.probe(never), { overwrites: 'yes', keepsVersions: /^(no|unknown)$/ });
      t.same((await store.list(undefined, never)).objects, before.objects);
    });
  });
}

/** The same far end, whose objects are put together again as a stranger would by `policy/pieces.ts`. */
function inPieces(open: (folder: string) => Promise<Far>): (folder: string) => Promise<Far> {
  return async (folder) => {
    const far = await open(folder);
    const held = async (object: string): Promise<Buffer | undefined> => {
      const { name } = readReference(object);
      const pieces: Buffer[] = [];
      for (let piece = await far.held(pieceName(name, Buffer.alloc(0), 0)); piece !== undefined; piece = await far.held(pieceName(name, pieces[0]?.subarray(0, pieceNonceBytes) ?? Buffer.alloc(0), pieces.length))) pieces.push(piece);
      const all = Buffer.concat(pieces);
      if (all.length === 0) return undefined;
      const plain = ciphered(name, all.subarray(0, pieceNonceBytes), 0, all.subarray(pieceNonceBytes));
      return plain.subarray(8, 8 + Number(plain.readBigUInt64BE()));
    };
    return { ...far, store: new PiecedStore(far.store), held };
  };
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
