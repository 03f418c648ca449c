/**
 * Three credentials, each optional: put, get, delete. With each choice of them, at real servers and at one that gives each key no right but its own: what is on
 * works, what is off asks nobody, and status, page and receipt say what is off.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyFar, type EgressParts } from '../../src/duties/egress.ts';
import { isSallyportError } from '../../src/base/errors.ts';
import { answered, makeUploads, reportOf, rules, runCourier, settle, type UploadWorld } from '../duties/uploadworld.ts';
import { S3Stub, type Right } from '../egress/s3stub.ts';
import { serveS3, serveWebdav } from '../egress/stores.ts';
import { hourMs, prepare, readJson, record, start } from '../vault/world.ts';
import { writeCredentials } from './farends.ts';

const allRights: readonly Right[] = ['put', 'get', 'delete'];
const every: readonly (readonly Right[])[] = [['put'], ['get'], ['delete'], ['put', 'get'], ['put', 'delete'], ['get', 'delete'], []];
/** A server whose logins have the same rights shows less by each: without get, what is put there is known in another way; without delete, it stays. */
const some: readonly (readonly Right[])[] = [['put'], ['get', 'delete']];

interface Server {
  readonly to: { kind: 's3' | 'webdav'; url: string; bucket?: string };
  /** The two lines of a file, of a key that may do this. */
  login(right: Right): string;
  close(): Promise<void>;
}

const servers: readonly (readonly [string, readonly (readonly Right[])[], (folder: string) => Promise<Server>])[] = [
  ['rclone serve webdav', some, async (folder) => {
    const server = await serveWebdav(folder);
    return { to: { kind: 'webdav', url: server.url.href }, login: () => 'sally\nport\n', close: () => server.close() };
  }],
  ['S3, s3rver', some, async (folder) => {
    const server = await serveS3(folder);
    return { to: { kind: 's3', url: server.url.href, bucket: 'bucket' }, login: () => 'S3RVER\nS3RVER\n', close: () => server.close() };
  }],
  ['S3, our own server, a key for each right', every, async () => {
    const stub = await S3Stub.start();
    const keys = Object.fromEntries(allRights.map((right) => [right, stub.grant([right])])) as Record<Right, { id: string; secret: string }>;
    return { to: { kind: 's3', url: `${new URL(stub.url).origin}/`, bucket: 'bucket' }, login: (right) => `${keys[right].id}\n${keys[right].secret}\n`, close: () => stub.close() };
  }],
];

function declare(made: UploadWorld, { to: { kind, ...to } }: Server): void {
  made.destinations = [{ name: 'disk', purpose: 'a copy in another house', kind, to, store: rules }];
}

/** Of an order to the courier: what came, or the code of why not. */
async function tried(made: UploadWorld, deed: () => Promise<unknown>): Promise<string> {
  try {
    await answered(made, deed());
    return 'done';
  } catch (error) {
    if (isSallyportError(error, 'SP_FAR_NO')) return String(error.evidence['code']);
    throw error;
  }
}

for (const [name, choices, serve] of servers) {
  for (const rights of choices) {
    t.test(`${name}, with ${rights.length === 0 ? 'no credential' : `${rights.join(' and ')} alone`}`, async (t) => {
      const folder = t.testdir();
      await using made = await makeUploads(folder);
      const server = await serve(folder);
      t.teardown(() => server.close());
      const { vault, world } = made;
      declare(made, server);
      const credentials = (given: readonly Right[]): string => writeCredentials(join(folder, given.join('-') || 'none'), Object.fromEntries(given.map((right) => [`disk.${right}`, server.login(right)])));
      // Something lies there, from when all three were given.
      made.credentials = credentials(allRights);
      const [early, late] = [await prepare(vault, world, { keepMs: hourMs }), await prepare(vault, world, { startMs: start + hourMs, keepMs: hourMs })];
      await record(vault, early);
      await (async () => {
        await using _courier = await runCourier(made);
        await settle(made);
      })();
      t.match(await vault.far.sums(), [{ state: 'there', objects: 2 }]);

      made.credentials = credentials(rights);
      t.equal(existsSync(join(made.credentials, 'disk.put')), rights.includes('put'));
      // The courier says so itself.
      made.off = { disk: allRights.filter((right) => !rights.includes(right)) };
      await record(vault, late);
      await using _courier = await runCourier(made);
      await settle(made);
      const [object] = (await vault.far.there('disk', ['segment'])).map(({ object: one }) => one);

      const puts = (await vault.far.lines({ limit: 100 })).filter(({ kind, atMs, class: klass }) => kind === 'put' && atMs >= start && klass === 'segment');
      if (rights.includes('put')) {
        t.match(await vault.far.sums(), [{ state: 'there', objects: 4 }]);
        t.match(puts[0]?.proof, server.to.kind === 's3' ? 'checksum' : rights.includes('get') ? 'read back' : 'size', 'how it is known to be there');
      } else t.match(puts[0], { outcome: 'failed', code: 'SP_FAR_FEATURE', sentBytes: 0 });
      t.equal(await tried(made, () => made.ledger.get('disk', object ?? '', 0, 16)), rights.includes('get') ? 'done' : 'SP_FAR_FEATURE');
      t.equal(await tried(made, () => verifyFar({ vault, ledger: made.ledger, destinations: () => made.destinations } as unknown as EgressParts, 'disk', false)), rights.includes('get') ? 'done' : 'SP_FAR_FEATURE');

      const deletes = rights.includes('delete');
      await answered(made, vault.purge([early], {}));
      t.match(await readJson(join(world.folder, 'receipts', '1.json')), { far: [{ objects: 2, delete: deletes ? 'asked' : 'not possible', opens: /with nothing/ }] });
      await settle(made);
      t.match((await vault.far.sums()).filter(({ state }) => state === 'kept'), deletes ? [] : [{ objects: 2 }]);
      t.equal(await tried(made, () => made.ledger.get('disk', object ?? '', 0, 16)), !rights.includes('get') ? 'SP_FAR_FEATURE' : deletes && object !== undefined ? 'SP_FAR_MISSING' : 'done');

      const [standing] = (await reportOf(made)).destinations;
      t.match(standing, { lacks: (['put', 'get'] as const).filter((right) => !rights.includes(right)), deletes: deletes ? 'yes' : 'no' });
      t.equal(standing?.counts?.refused, 0, 'nobody was asked, so nobody refused');
    });
  }
}
