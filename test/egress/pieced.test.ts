import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import type { Feature, Store } from '../../src/egress/destination.ts';
import { FolderStore } from '../../src/egress/folder.ts';
import { PiecedStore } from '../../src/egress/pieced.ts';
import { isReplaced, writeReference } from '../../src/policy/pieces.ts';
import { never, noPace, objectName, putOf, sourceOf } from './stores.ts';

const pieceBytes = 65_535;

/** A folder that does what it is asked for, or half of it, and fails at the n-th question that changes something. */
function failing(store: Store, at: number, half: 'before' | 'after', without: readonly Feature[] = []): Store {
  let asked = 0;
  const deed = async <T>(act: () => Promise<T>): Promise<T> => {
    const fails = ++asked === at;
    if (fails && half === 'before') throw new SallyportError('SP_FAR_UNREACHABLE', { destination: 'disk', reason: 'it was cut' });
    const done = await act();
    if (fails) throw new SallyportError('SP_FAR_UNREACHABLE', { destination: 'disk', reason: 'it was cut' });
    return done;
  };
  return {
    name: store.name, off: Object.fromEntries(without.map((feature) => [feature, 'no credential'])), list: (...args) => store.list(...args), probe: (signal) => store.probe(signal), close: () => store.close(),
    get: (...args) => store.get(...args), put: (...args) => deed(() => store.put(...args)), delete: (...args) => deed(() => store.delete(...args)),
  };
}

for (const [from, to] of [[300_000, 100], [100, 300_000], [200_000, 200_000]] as const) {
  t.test(`what takes the place of another is there as the old or as the new one wherever it is cut, and nothing else stays: ${from} to ${to} bytes`, async (t) => {
    const path = t.testdir({ disk: {} });
    for (const half of ['before', 'after'] as const) {
      for (let at = 1, cut = true; cut; at++) {
        const folder = join(path, `${half}-${at}`);
        await mkdir(folder);
        const disk = new FolderStore({ name: 'disk', path: folder, mount: false, pace: noPace });
        const whole = new PiecedStore(disk);
        const object = writeReference({ name: objectName(), pieceBytes });
        const [old, next] = [randomBytes(from), randomBytes(to)];
        await whole.put(putOf(object, old, { replace: true }).put, never);
        const first = putOf(object, next, { replace: true });
        cut = await new PiecedStore(failing(disk, at, half)).put(first.put, never).then(() => false, (error: unknown) => { t.match(error, { code: 'SP_FAR_UNREACHABLE' }); return true; });
        const there = await whole.get(object, 0, 2 ** 24, never, true);
        t.ok(there.equals(old) || there.equals(next), `cut ${half} step ${at}`);
        const second = putOf(object, next, { replace: true, again: true, resume: first.noted });
        await whole.put(second.put, never);
        t.ok((await whole.get(object, 0, to, never)).equals(next));
        t.equal((await disk.list(undefined)).objects.length, Math.ceil((to + 24) / pieceBytes), `cut ${half} step ${at}: nothing of the old one stays`);
        await whole.delete(object, never);
        t.same((await disk.list(undefined)).objects, []);
        t.ok(at < 30);
      }
    }
  });
}

t.test('an erasing that is cut is ended by the next, also where nobody may read', async (t) => {
  const path = t.testdir({ disk: {} });
  for (const without of [[], ['get']] as const) {
    for (const replace of [false, true]) {
      for (let at = 1, cut = true; cut; at++) {
        const folder = join(path, `${without.length}-${String(replace)}-${at}`);
        await mkdir(folder);
        const disk = new FolderStore({ name: 'disk', path: folder, mount: false, pace: noPace });
        const object = writeReference({ name: objectName(), pieceBytes });
        const bytes = randomBytes(250_000);
        await new PiecedStore(disk).put(putOf(object, bytes, { replace }).put, never);
        const known = { bytes: bytes.length, sha256: replace ? sourceOf(bytes).sha256 : undefined };
        cut = await new PiecedStore(failing(disk, at, 'after', without)).delete(object, never, known).then(() => false, () => true);
        await new PiecedStore(failing(disk, 0, 'after', without)).delete(object, never, known);
        t.same((await disk.list(undefined)).objects, [], `step ${at}`);
      }
    }
  }
});

t.test('what may be replaced is what the hub puts so', (t) => {
  t.same(['segment', 'hold', 'hours', 'picture'].map(isReplaced), [false, false, true, true]);
  t.end();
});
