/** What lies at a store is found whatever order it is told in, whatever lies there besides, and however the far end writes its own address. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Store } from '../../src/egress/destination.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import { WebdavStore } from '../../src/egress/webdav.ts';
import { S3Stub } from './s3stub.ts';
import { keysOf, never, noPace, s3StoreAt } from './stores.ts';

/** A WebDAV server that lists what it is given, as it is given. */
async function davThatSays(t: Test, path: string, answer: (folder: string) => string): Promise<WebdavStore> {
  const server = createServer((request, response) => response.writeHead(207).end(answer((request.url ?? '').slice(path.length))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const door = new HttpDoor({ origin: { name: 'dav', url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`) }, clock: systemClock, pace: noPace });
  const login = { user: 'sally', password: new Secret('port') };
  const store = new WebdavStore({ door, clock: systemClock, logins: { put: login, get: login, delete: login }, readBack: 'never' });
  t.teardown(async () => { await store.close(); server.close(); });
  return store;
}

const multistatus = (responses: readonly string[]): string => `<?xml version="1.0" encoding="utf-8"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">${responses.join('')}</d:multistatus>\n`;
const entry = (href: string, kind: string): string => `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${kind}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;
const folder = (href: string): string => entry(href, '<d:resourcetype><d:collection/></d:resourcetype>');
const file = (href: string, bytes: number): string => entry(href, `<d:resourcetype/><d:getcontentlength>${bytes}</d:getcontentlength>`);
const nameOf = (shard: string, n: number): string => `${shard}${n.toString(16).padStart(30, '0')}`;

/** All of it, page after page. */
async function listed(store: Store): Promise<{ names: string[]; pages: number }> {
  const names: string[] = [];
  for (let pages = 1; ; pages++) {
    const { objects, more } = await store.list(names.at(-1), never);
    names.push(...objects.map(([name]) => name));
    if (!more) return { names, pages };
  }
}

t.test('a WebDAV server that lists in no order, more than a page, some names twice, and writes its own path otherwise, is understood', async (t) => {
  const lengths = { 'fe': 900, '0a': 1100 };
  const names = Object.entries(lengths).flatMap(([shard, length]) => Array.from({ length }, (_, n) => nameOf(shard, n)));
  const store = await davThatSays(t, '/dav/files/me@home/cameras', (path) => {
    const above = '/dav/files/me%40home/cameras';
    if (path === '/') return multistatus([folder(`${above}/`), folder(`${above}/fe/`), file(`${above}/a%20note.txt`, 3), folder(`${above}/0a/`), folder(`${above}/fe/`)]);
    const shard = path.slice(1, 3);
    const ours = names.filter((name) => name.startsWith(shard)).toReversed();
    return multistatus([folder(`${above}/${shard}/`), ...ours.map((name) => file(`${above}/${shard}/${name}`, 10)), file(`${above}/${shard}/${ours[0]}`, 10)]);
  });
  t.same(await listed(store), { names: names.toSorted(), pages: 2 });
});

t.test('what is no whole list is not taken for one', async (t) => {
  let says = '';
  const store = await davThatSays(t, '/dav', () => says);
  const whole = multistatus([folder('/dav/'), folder('/dav/0a/')]);
  for (const [what, text] of [
    ['a page for people', '<html><body>Sign in</body></html>'], ['nothing', ''], ['one that is cut', whole.slice(0, -20)], ['one that is cut between', whole.slice(0, whole.lastIndexOf('<d:response'))],
    ['an element without an end', multistatus(['<d:response>'])], ['elements of two kinds', multistatus([folder('/dav/'), '<x:response></x:response>'])], ['a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${whole}`],
    ['a million elements without an end', multistatus(['<d:response>'.repeat(1_000_000)])],
  ] as const) {
    says = text;
    await t.rejects(store.list(undefined, never), { code: 'SP_FAR_ANSWER' }, what);
  }
});

t.test('a bucket with much of others in it: what is ours is found behind it, and one that never comes to it is left', async (t) => {
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const store = s3StoreAt(stub.url, keysOf(stub));
  t.teardown(() => store.close());
  const names = [nameOf('0a', 1), nameOf('fe', 1)];
  const object = { bytes: Buffer.from('x'), etag: '"x"', sha256: undefined };
  for (const name of names) stub.objects.set(name, object);
  for (let n = 0; n < 1100; n++) stub.objects.set(`Photos/${n}`, object);
  t.same(await listed(store), { names, pages: 2 });

  let asked = 0;
  const server = createServer((_request, response) => response.end(`<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>${++asked}</NextContinuationToken><Contents><Key>Photos/${asked}</Key><Size>1</Size></Contents></ListBucketResult>`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const endless = s3StoreAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`, keysOf(stub));
  t.teardown(() => endless.close());
  await t.rejects(endless.list(undefined, never), { code: 'SP_FAR_ANSWER', message: /none of ours/ });
  t.equal(asked, 200);
});
