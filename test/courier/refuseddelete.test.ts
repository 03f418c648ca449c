/**
 * A far end that will not delete: a WebDAV server that only reads, an S3 server that does not know the key for deleting, and one where that key has no such
 * right. What was purged still lies there, and everything that is said of it says so; it is asked again a day later, and gone once it may be.
 */
import { join } from 'node:path';
import t from 'tap';
import { doorLines } from '../../src/cli/egress.ts';
import { dayMs } from '../../src/base/units.ts';
import type { DestinationConfig } from '../../src/policy/declared.ts';
import { makeUploads, reportOf, rules, runCourier, settle, type UploadWorld } from '../duties/uploadworld.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { serveS3, serveWebdav } from '../egress/stores.ts';
import { hourMs, prepare, readJson, record, start } from '../vault/world.ts';
import { writeCredentials } from './farends.ts';

/** A far end that may first put, then refuses to delete, then does it; each as the courier finds it from then on. */
interface Refusing {
  readonly code: RegExp;
  begin(made: UploadWorld): Promise<void>;
  allow(made: UploadWorld): Promise<void>;
  close(): Promise<void>;
}

function at(made: UploadWorld, kind: 'webdav' | 's3', url: URL): void {
  const to: DestinationConfig['to'] = kind === 's3' ? { url: `${url.origin}/`, bucket: 'bucket' } : { url: url.href };
  made.destinations = [{ name: 'disk', purpose: 'a copy in another house', kind, to, store: rules }];
}

async function readOnlyWebdav(folder: string): Promise<Refusing> {
  let server = await serveWebdav(folder);
  // The same folder, served anew.
  const again = async (made: UploadWorld, readOnly: boolean): Promise<void> => {
    await server.close();
    server = await serveWebdav(folder, { readOnly });
    at(made, 'webdav', server.url);
  };
  return {
    code: /status 405/,
    begin: async (made) => {
      made.credentials = writeCredentials(join(folder, 'credentials'), { 'disk.all': 'sally\nport\n' });
      at(made, 'webdav', server.url);
      const courier = await runCourier(made);
      await settle(made);
      await courier[Symbol.asyncDispose]();
      await again(made, true);
    },
    allow: (made) => again(made, false),
    close: () => server.close(),
  };
}

async function unknownKey(folder: string): Promise<Refusing> {
  const server = await serveS3(folder);
  const credentials = (made: UploadWorld, id: string): void => { made.credentials = writeCredentials(join(folder, 'credentials'), { 'disk.put': 'S3RVER\nS3RVER\n', 'disk.get': 'S3RVER\nS3RVER\n', 'disk.delete': `${id}\nS3RVER\n` }); };
  return {
    code: /status 403, InvalidAccessKeyId/,
    begin: async (made) => { at(made, 's3', server.url); credentials(made, 'NOBODY'); },
    allow: async (made) => credentials(made, 'S3RVER'),
    close: () => server.close(),
  };
}

async function keyWithoutRight(folder: string): Promise<Refusing> {
  const stub = await S3Stub.start();
  const [putter, getter, deleter] = [stub.grant(['put']), stub.grant(['get']), stub.grant(['get'])];
  return {
    code: /status 403, AccessDenied/,
    begin: async (made) => {
      at(made, 's3', new URL(stub.url));
      made.credentials = writeCredentials(join(folder, 'credentials'), Object.fromEntries(Object.entries({ put: putter, get: getter, delete: deleter }).map(([right, { id, secret }]) => [`disk.${right}`, `${id}\n${secret}\n`])));
    },
    allow: async () => void stub.keys.set(deleter.id, { secret: deleter.secret, rights: ['delete'] }),
    close: () => stub.close(),
  };
}

async function runAndSettle(made: UploadWorld): Promise<void> {
  await using _courier = await runCourier(made);
  await settle(made);
}

async function asked(made: UploadWorld): Promise<number> {
  return (await made.vault.far.lines({ limit: 1000 })).filter(({ kind }) => kind === 'delete').length;
}

for (const [name, open] of [['WebDAV that only reads', readOnlyWebdav], ['S3, s3rver, a key that it does not know', unknownKey], ['S3, our own server, a key without that right', keyWithoutRight]] as const) {
  t.test(`a delete that is refused is said everywhere, and asked for again a day later: ${name}`, async (t) => {
    const folder = t.testdir();
    await using made = await makeUploads(folder);
    const { vault, world } = made;
    const far = await open(folder);
    t.teardown(() => far.close());
    const [first, second] = [await prepare(vault, world, { keepMs: hourMs }), await prepare(vault, world, { startMs: start + hourMs, keepMs: hourMs })];
    await record(vault, first);
    await record(vault, second);
    await far.begin(made);
    await runAndSettle(made);
    await vault.purge([first], {});
    t.match(await readJson(join(world.folder, 'receipts', '1.json')), { far: [{ objects: 2, delete: 'asked', opens: /with nothing/ }] });
    await runAndSettle(made);

    const lines = (await vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'delete');
    t.equal(lines.length, 2, 'asked once for each');
    t.ok(lines.every(({ outcome, code, reason = '' }) => outcome === 'failed' && code === 'SP_FAR_REFUSED' && far.code.test(reason)), `the ledger: ${JSON.stringify(lines.map(({ reason }) => reason))}`);
    const { doors, destinations } = await reportOf(made);
    t.match(destinations, [{ counts: { kept: 2, refused: 2, leaving: 0 } }], 'the page');
    t.ok(doorLines(doors as unknown as Parameters<typeof doorLines>[0], world.clock.wallMs()).some((line) => /! 2 objects \(.*\) that were purged here still lie at disk: it refused to delete them, and is asked again each day/.test(line)), 'the status');

    world.clock.set(start + 20 * hourMs);
    await runAndSettle(made);
    t.equal(await asked(made), 2, 'not before its day is over');
    world.clock.set(start + 2 * dayMs);
    await runAndSettle(made);
    t.ok(await asked(made) >= 4, 'asked again, a day later');
    t.match((await reportOf(made)).doors.refused, [{ destination: 'disk', objects: 2 }]);
    t.match((await vault.far.sums()).filter(({ state }) => state !== 'there'), [{ state: 'kept', objects: 2 }]);
    await vault.purge([second], {});
    t.match(await readJson(join(world.folder, 'receipts', '2.json')), { far: [{ objects: 2, delete: /^asked; what was asked for before still lies there \(2 objects\): it refused, and is asked again each day$/ }] });

    await far.allow(made);
    world.clock.set(start + 4 * dayMs);
    await runAndSettle(made);
    t.same(await vault.far.sums(), [], 'gone, as soon as it may be');
    t.same((await reportOf(made)).doors.refused, []);
  });
}

t.test('a WebDAV server that only reads refuses what is put there by name, and what else waits is not held back', async (t) => {
  const folder = t.testdir();
  await using made = await makeUploads(folder);
  const server = await serveWebdav(folder, { readOnly: true });
  t.teardown(() => server.close());
  at(made, 'webdav', server.url);
  made.credentials = writeCredentials(join(folder, 'credentials'), { 'disk.all': 'sally\nport\n' });
  await record(made.vault, await prepare(made.vault, made.world, { keepMs: hourMs }));
  await runAndSettle(made);
  t.match((await made.vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'put'), [{ outcome: 'failed', code: 'SP_FAR_REFUSED', attempts: 1, reason: /for reading alone/ }]);
});
