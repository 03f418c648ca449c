/** What faces are compared with is in memory only while it may be, and consents end with the clock. */
import { createHmac } from 'node:crypto';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Notices } from '../../src/duties/notices.ts';
import { PeopleBook } from '../../src/duties/people.ts';
import type { FacesLock } from '../../src/policy/people.ts';
import { openLender, sealLent } from '../../src/seal/lender.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { consentOf, dayMs, somebody } from '../vault/somebody.ts';
import { makeWorld, openVault, start, type World } from '../vault/world.ts';

const model = 'a model:1';

interface Made { readonly world: World; readonly vault: Vault; readonly notices: Notices; readonly book: PeopleBook; readonly faces: { enabled: boolean; consentMs: number; lock: FacesLock }; readonly time: { trusted: boolean } }

async function made(t: Test): Promise<Made> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const notices = new Notices({ vault, clock: world.clock, log: silentLog });
  const faces: Made['faces'] = { enabled: true, consentMs: 365 * dayMs, lock: 'hub' };
  const time = { trusted: true };
  const owners = [world.owner.recipient];
  const book = new PeopleBook({ vault, owners: () => owners, faces: () => faces, model, timeTrusted: async () => time.trusted, notices, clock: world.clock, log: silentLog });
  t.teardown(async () => {
    await book.close();
    await notices.close();
    await vault.close();
  });
  return { world, vault, notices, book, faces, time };
}

const isWiped = (vectors: readonly Float32Array[] | undefined): boolean => vectors !== undefined && vectors.length > 0 && vectors.every((vector) => vector.every((value) => value === 0));

t.test('whoever may be recognised is in memory with a mark of their own, and what was taken out is wiped', async (t) => {
  const { vault, book, faces } = await made(t);
  t.same(book.templates(), [], 'nobody before anybody is enrolled');
  const ada = somebody('Ada');
  const [id, other] = [await vault.people.enrol(ada), await vault.people.enrol(somebody('Ben'))];
  await vault.people.enrol(somebody('Cleo', { model: 'another model:2' }));
  await book.refresh();
  t.same(book.templates().map(({ person }) => person).sort(), [id, other].sort(), 'templates of another model cannot be compared');
  t.same(book.templates().find(({ person }) => person === id)?.vectors, ada.vectors);
  const { mark } = await vault.people.templates(id);
  t.equal(book.markOf(id, '00000001aabbccdd'), createHmac('sha256', mark).update('00000001aabbccdd').digest('hex').slice(0, 32));
  t.not(book.markOf(id, '00000001aabbccdd'), book.markOf(id, '00000002aabbccdd'), 'it differs in each alarm');
  t.not(book.markOf(id, '00000001aabbccdd'), book.markOf(other, '00000001aabbccdd'));
  t.equal(book.markOf('f'.repeat(32), '00000001aabbccdd'), '');

  const held = book.templates();
  faces.enabled = false;
  t.same(book.templates(), [], 'turned off, at once');
  t.ok(held.every(({ vectors }) => isWiped(vectors)));
  t.equal(book.markOf(id, '00000001aabbccdd'), '');
  await book.refresh();
  t.same(book.templates(), []);
  t.equal((await vault.people.list()).length, 3, 'people stay until they are forgotten');
  faces.enabled = true;
  await book.refresh();
  const again = book.templates().find(({ person }) => person === id)?.vectors;
  t.same(again, ada.vectors);
  book.drop(id);
  t.ok(isWiped(again));
  t.same(book.templates().map(({ person }) => person), [other]);
  const last = book.templates()[0]?.vectors;
  await book.close();
  t.ok(isWiped(last), 'at the end of the hub');
});

t.test('matching stops in the moment in which a consent lapses; the owner is told; it may be given anew, or the person is due 30 days later', async (t) => {
  const { world, vault, notices, book } = await made(t);
  const id = await vault.people.enrol(somebody('Ada'));
  const other = await vault.people.enrol(somebody('Ben', { consent: consentOf({ atMs: start + 10 * dayMs }), lapsesMs: start + 375 * dayMs, forgottenMs: start + 405 * dayMs }));
  await book.refresh();
  const held = book.templates().find(({ person }) => person === id)?.vectors;
  world.clock.set(start + 365 * dayMs - 1);
  t.equal(book.templates().length, 2);
  world.clock.set(start + 365 * dayMs);
  t.same(book.templates().map(({ person }) => person), [other], 'before any turn of the duty');
  t.ok(isWiped(held));
  await book.refresh();
  t.match(notices.open, [{ kind: 'consent lapsed', detail: /^1 of 2, forgotten from / }]);
  t.notMatch(notices.open[0]?.detail, /Ada|Ben/);
  t.match(await vault.people.list(), [{ id, state: 'lapsed' }, { id: other, state: 'given' }]);
  t.equal(await vault.nextDeadlineMs(), start + 395 * dayMs);

  await vault.people.renew(id, consentOf({ atMs: start + 370 * dayMs }), { lapsesMs: start + 735 * dayMs, forgottenMs: start + 765 * dayMs });
  await book.refresh();
  t.same(notices.open, []);
  t.equal(book.templates().length, 2);
  t.equal(await vault.nextDeadlineMs(), start + 405 * dayMs);
});

t.test('a shorter time counts for consents of before, a longer one does not; a clock that is not believed ends matching and writes nothing down', async (t) => {
  const { world, vault, book, faces, time } = await made(t);
  const id = await vault.people.enrol(somebody('Ada'));
  await book.refresh();
  faces.consentMs = 10 * 365 * dayMs;
  world.clock.set(start + 366 * dayMs);
  time.trusted = false;
  t.same(book.templates(), []);
  await book.refresh();
  t.same(book.templates(), []);
  t.match(await vault.people.list(), [{ id, state: 'given' }], 'the clock was wrong');
  world.clock.set(start + 100 * dayMs);
  await book.refresh();
  t.equal(book.templates().length, 1, 'and is right again');
  time.trusted = true;
  faces.consentMs = 90 * dayMs;
  t.same(book.templates(), []);
  await book.refresh();
  t.match(await vault.people.list(), [{ id, state: 'lapsed', lapsesMs: start + 90 * dayMs }]);
  t.equal(await vault.nextDeadlineMs(), start + 120 * dayMs);
});

t.test('locked for the owner, the hub compares with nobody after a start; lent, it does; taken back, all is wiped at once', async (t) => {
  const { world, vault, notices, book, faces } = await made(t);
  const ada = somebody('Ada');
  await vault.people.enrol(ada);
  faces.lock = 'owner';
  await book.refresh();
  t.equal(book.templates().length, 1, 'until it ends it has them');
  await book.close();
  await vault.close();
  const later = await openVault(world);
  t.teardown(() => later.close());
  const next = new PeopleBook({ vault: later, faces: () => faces, owners: () => [world.owner.recipient], model, timeTrusted: async () => true, notices, clock: world.clock, log: silentLog });
  await next.refresh();
  t.same(next.templates(), []);
  const { to, sealed } = await later.people.lockQuestion();
  await later.people.lend(sealLent([openLender(sealed[0] ?? '', [world.owner])], to), { who: 'cli' });
  await next.refresh();
  t.same(next.templates().map(({ vectors }) => vectors), [ada.vectors]);
  const [held] = next.templates();
  const taken = next.takeBack({ who: 'cli' });
  t.ok(isWiped(held?.vectors), 'before anything is written down');
  await taken;
  t.same(next.templates(), []);
  await next.close();
});
