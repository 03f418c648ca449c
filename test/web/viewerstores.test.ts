/** An S3 bucket as viewer.html reads it, at a server that checks each signature itself. That a browser may is test/slow/viewers3.test.ts. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { s3Store, type S3Place } from '../../src/web/viewer/stores.ts';
import { S3Stub } from '../egress/s3stub.ts';

const prefix = 'my house+garden/(1)/';

async function bucket(): Promise<{ stub: S3Stub; place: S3Place; objects: Map<string, Buffer> }> {
  const stub = await S3Stub.start();
  const { id, secret } = stub.grant(['get']);
  const objects = new Map(Array.from({ length: 1203 }, () => [randomBytes(16).toString('hex'), randomBytes(40)]));
  for (const [name, bytes] of objects) stub.objects.set(`${prefix}${name}`, { bytes, etag: '"x"', sha256: undefined });
  for (const name of ['holiday.jpg', `${prefix}notes.txt`, `other/${randomBytes(16).toString('hex')}`]) stub.objects.set(name, { bytes: Buffer.from('mine'), etag: '"x"', sha256: undefined });
  return { stub, objects, place: { url: new URL(new URL(stub.url).origin), bucket: 'bucket', prefix, region: 'garage', id, secret } };
}

t.test('it lists all of a bucket that takes more than one answer, below a prefix of any letters, and reads ranges and wholes', async (t) => {
  const { stub, place, objects } = await bucket();
  t.teardown(() => stub.close());
  const store = s3Store(place);
  t.same(new Map(await store.list()), new Map([...objects].map(([name]) => [name, 40])));
  const [[name, bytes]] = objects as unknown as [[string, Buffer]];
  t.same(Buffer.from(await store.get(name)), bytes);
  t.same(Buffer.from(await store.get(name, { from: 3, to: 17 })), bytes.subarray(3, 17));
  await t.rejects(store.get(name, { from: 30, to: 60 }), { code: 'SP_FAR_ANSWER' });
  await t.rejects(store.get('0'.repeat(32)), { code: 'SP_FAR_MISSING' });
  t.ok(stub.requests.every(({ path, method }) => method === 'GET' && !/signature|credential/i.test(path)), 'nothing of the key is in an address');
});

t.test('what the store says of a refusal is said: another secret, a key that may not read, a key that nobody knows, a clock that is off', async (t) => {
  const { stub, place } = await bucket();
  t.teardown(() => stub.close());
  const putter = stub.grant(['put']);
  await t.rejects(s3Store({ ...place, secret: 'x' }).list(), { code: 'SP_FAR_REFUSED', message: /status 403, SignatureDoesNotMatch/ });
  await t.rejects(s3Store({ ...place, id: putter.id, secret: putter.secret }).list(), { code: 'SP_FAR_REFUSED', message: /status 403, AccessDenied/ });
  await t.rejects(s3Store({ ...place, id: 'nobody' }).list(), { code: 'SP_FAR_REFUSED', message: /InvalidAccessKeyId/ });
  await t.rejects(s3Store(place, () => Date.now() + 3_600_000).list(), { code: 'SP_FAR_REFUSED', message: /RequestTimeTooSkewed/ });
});
