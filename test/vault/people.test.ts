import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Identity } from '../../src/seal/identity.ts';
import { verifySignature } from '../../src/seal/sshsig.ts';
import { openConnection } from '../../src/vault/connection.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { receiptNamespace } from '../../src/vault/receipts.ts';
import { settle as settleAfter } from '../../src/vault/restore.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { needlesOf, searchEverywhere, type Needle } from './everywhere.ts';
import { consentOf, dayMs, page, somebody } from './somebody.ts';
import { makeWorld, openRaw, openVault, start, type World } from './world.ts';

async function searched(world: World, needles: readonly Needle[], scratch: string, kit: readonly Identity[] = []): Promise<string[]> {
  await mkdir(scratch, { recursive: true });
  return [...(await searchEverywhere(world.folder, needles, scratch, kit)).hits];
}

async function spoilSlot(world: World, name: 'keyring.1' | 'keyring.2', slot: number): Promise<void> {
  const file = join(world.folder, 'keyring', name);
  const bytes = await readFile(file);
  randomBytes(4096).copy(bytes, 4096 * slot);
  await writeFile(file, bytes);
}

async function auditOf(vault: Vault): Promise<{ what: string; who: string; account?: string; detail: Record<string, unknown> }[]> {
  return (await vault.auditBefore(undefined, 500)).lines.flatMap(({ entry }) => (entry === null ? [] : [JSON.parse(entry) as { what: string; who: string; detail: Record<string, unknown> }])).reverse();
}

t.test('a person is enrolled with all that there is, and opens again', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const ada = somebody();
  const id = await vault.people.enrol(ada);
  t.match(id, /^[0-9a-f]{32}$/);
  await vault.close();
  vault = await openVault(world);
  const [person] = await vault.people.open();
  t.match(person, { id, name: ada.name, state: 'given', consent: ada.consent, model: 'a model:1', vectors: 3, enrolledMs: start, lapsesMs: ada.lapsesMs });
  t.equal(person?.mark.length, 32);
  const { vectors, mark } = await vault.people.templates(id);
  t.same(vectors, ada.vectors);
  t.same(mark, person?.mark);
  t.same(await vault.people.crop(id), ada.crop);
  t.match((await auditOf(vault)).find(({ what }) => what === 'person.enrolled'), { who: 'page', account: page.account, detail: { person: id, templates: 3, how: 'in person', consent_version: 1, consent_sha256: ada.consent.sha256 } });
  t.notMatch(JSON.stringify(await auditOf(vault)), /Wilhelmina|Grace/);
  // It is no footage: nobody is given its slot, counts it, seals it anew or makes room by it.
  t.same(await vault.livePeriods(), []);
  t.same(await vault.periodCameras(), []);
  t.same(await vault.periodBytes(), []);
  await t.rejects(vault.periodOfSlot({ camera: id, slot: 0, generation: 1 }), { code: 'SP_SLOT_MISSING' });
  t.equal(await vault.finishPeriods(start + 400 * dayMs), 0);
  t.equal(await vault.checkKeyring(), undefined);
  await vault.close();
  t.same((await verifyFolder({ folder: world.folder })).problems, []);

  // One keyring file rots there: it is found, and mended from the other one.
  await spoilSlot(world, 'keyring.2', 0);
  t.match((await verifyFolder({ folder: world.folder })).problems, [{ code: 'SP_SLOT_MISSING', detail: /keyring\.2/ }]);
  vault = await openVault(world);
  t.match(await vault.checkKeyring(), /keyring\.2 lacked 1 of 1 slots and was mended/);
  t.match(await vault.people.open(), [{ id }]);
  await vault.close();
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
});

t.test('without a whole record of a consent nobody is enrolled, and no file has a template', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const ada = somebody();
  for (const lacking of [{ givenBy: ' ' }, { recordedBy: '' }, { how: 'somehow' as never }, { atMs: Number.NaN }, { version: 0 }, { sha256: '' }]) {
    t.throws(() => vault.people.enrol({ ...ada, consent: consentOf(lacking) }), { code: 'SP_CONSENT' });
  }
  t.throws(() => vault.people.enrol({ ...ada, consent: undefined as never }), { code: 'SP_CONSENT' });
  await vault.close();
  const db = await openRaw(world);
  t.throws(() => db.prepare("INSERT INTO templates (person_id, model, vectors, sealed) VALUES ('x', 'm', 1, x'00')").run(), /no consent/, 'not by whoever writes SQL either');
  db.close();
  t.same(await searched(world, needlesOf(ada), join(t.testdirName, 'scratch')), []);
});

t.test('who is forgotten is nowhere any more, whatever opens', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const ada = somebody();
  const id = await vault.people.enrol(ada);
  await vault.makeCopy();
  const [crop, name, template] = ['crop', 'name', 'template'].map((what) => new RegExp(`^${what} in copies`));
  t.match(await searched(world, needlesOf(ada), join(t.testdirName, 'before')), [crop, /^crop in working/, name, /^name in working/, template, /^template in working/], 'the search finds it in the database and in its copy');
  const receipt = await vault.people.forget(id, page);
  t.match(receipt, { readBack: true, erased: 'a person was forgotten', periods: [{ class: 'person', camera: id }] });
  verifySignature({ message: await readFile(receipt.file, 'utf8'), signature: await readFile(`${receipt.file}.sig`, 'utf8'), namespace: receiptNamespace, publicKey: vault.publicKey, what: 'the receipt' });
  t.equal((await vault.copies()).length, 1);
  t.equal(await vault.copiesOwed(), false);
  t.match((await auditOf(vault)).filter(({ what }) => what.startsWith('person.for')), [{ what: 'person.forget', who: 'page', account: page.account, detail: { person: id } }, { what: 'person.forgotten', detail: { person: id, purge: receipt.number } }]);
  await t.rejects(vault.people.forget(id, page), { code: 'SP_PERSON_UNKNOWN' });
  await t.rejects(vault.people.crop(id), { code: 'SP_PERSON_UNKNOWN' });
  t.same(await searched(world, needlesOf(ada), join(t.testdirName, 'after')), []);
  await vault.close();
});

t.test('a key without a person is shredded at the next start, a person without a key is dropped, and both are said', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const [id, lost] = [await vault.people.enrol(somebody('Ada Kettleborough')), await vault.people.enrol(somebody('Ben Kettleborough'))];
  await vault.preparePeriod({ camera: 'f'.repeat(32), class: 'person', startMs: start, endMs: start + 1, deadlineMs: start + dayMs, recipients: [Identity.generate().recipient] });
  await vault.close();
  // The second one's slot is gone from both files.
  for (const name of ['keyring.1', 'keyring.2'] as const) await spoilSlot(world, name, 1);
  vault = await openVault(world);
  t.match(await vault.people.open(), [{ id, name: 'Ada Kettleborough' }]);
  t.equal((await vault.people.list()).length, 1);
  const lines = await auditOf(vault);
  t.match(lines.filter(({ what }) => what === 'person.lost'), [{ detail: { person: lost } }]);
  const shredded = lines.filter(({ what }) => what === 'purge.shredded').flatMap(({ detail }) => (detail['slots'] as { camera: string }[]).map(({ camera }) => camera));
  t.same(shredded.sort(), [lost, 'f'.repeat(32)].sort());
  t.match(lines.find(({ what }) => what === 'purge.done'), { detail: { early: 'no person belongs to it' } });
  await vault.close();
});

t.test('consent that is given anew keeps key, templates and mark; one that lapses moves the deadline, at which the person is purged', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const ada = somebody();
  const id = await vault.people.enrol(ada);
  const { mark } = await vault.people.templates(id);
  const again = consentOf({ atMs: start + 100 * dayMs, how: 'by message', givenBy: 'Wilhelmina' });
  await vault.people.renew(id, again, { lapsesMs: start + 465 * dayMs, forgottenMs: start + 495 * dayMs });
  t.match(await vault.people.open(), [{ name: ada.name, consent: again, state: 'given', lapsesMs: start + 465 * dayMs, mark }]);
  t.same((await vault.people.templates(id)).vectors, ada.vectors);
  t.equal(await vault.nextDeadlineMs(), start + 495 * dayMs);
  t.equal(await vault.people.lapse(id, { lapsesMs: start + 200 * dayMs, forgottenMs: start + 230 * dayMs }), true);
  t.equal(await vault.people.lapse(id, { lapsesMs: start + 200 * dayMs, forgottenMs: start + 230 * dayMs }), false, 'once');
  t.match(await vault.people.list(), [{ state: 'lapsed', lapsesMs: start + 200 * dayMs }]);
  t.equal(await vault.nextDeadlineMs(), start + 230 * dayMs);
  t.same(await vault.duePeriods(start + 229 * dayMs), []);
  const due = await vault.duePeriods(start + 230 * dayMs);
  await vault.purge(due, {});
  t.same(await vault.people.list(), []);
  t.equal(await vault.copiesOwed(), true, 'older copies of the database go with the next one');
  t.same((await auditOf(vault)).map(({ what }) => what).filter((what) => what.startsWith('person.')), ['person.enrolled', 'person.renewed', 'person.lapsed', 'person.forgotten']);
  t.throws(() => vault.people.renew(id, consentOf({ givenBy: '' }), { lapsesMs: 1, forgottenMs: 2 }), { code: 'SP_CONSENT' });
  await t.rejects(vault.people.renew(id, again, { lapsesMs: start + 465 * dayMs, forgottenMs: 0 }), { code: 'SP_PERSON_UNKNOWN' });
  await vault.close();
});

t.test('a database that is locked while somebody is enrolled has nothing of it, and no key stays', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const key = await loadWorkingKey({ folder: world.folder, mayCreate: false });
  const db = openConnection(join(world.folder, 'working.db'), key.databaseKey(), { readonly: false });
  key.close();
  // From the moment on in which the key is there: whoever else has the file.
  db.exec("CREATE TRIGGER locked BEFORE INSERT ON templates BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
  const ada = somebody();
  await t.rejects(vault.people.enrol(ada), { code: 'SP_DATABASE' });
  t.same(await vault.people.list(), []);
  t.equal(await vault.nextDeadlineMs(), undefined, 'the key that was made for it is shredded');
  db.exec('DROP TRIGGER locked');
  db.close();
  const id = await vault.people.enrol(ada);
  t.match(await vault.people.open(), [{ id }]);
  await vault.people.forget(id, { who: 'cli' });
  await vault.close();
  t.same(await searched(world, needlesOf(ada), join(t.testdirName, 'scratch')), []);
});

t.test('a database that is put back, or made anew, knows no person whose key is gone, and shreds the key of one it does not know', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const [ada, ben] = [somebody('Ada Kettleborough'), somebody('Ben Kettleborough')];
  const stays = await vault.people.enrol(ada);
  await vault.makeCopy();
  const before = await readFile(join(world.folder, 'working.db'));
  await vault.people.enrol(ben);
  const late = needlesOf(ben);
  await vault.close();
  // Back to before the second one.
  await writeFile(join(world.folder, 'working.db'), before);
  const db = await openRaw(world);
  db.prepare("INSERT INTO settings (name, value) VALUES ('reconcile', '{\"keepMs\":1000}')").run();
  db.close();
  const { reconciliation } = await settleAfter({ folder: world.folder, keepMs: 1_000, clock: world.clock, log: silentLog, hubName: 'test hub' });
  t.match(reconciliation, { purged: 0, unknownSlots: 0 });
  vault = await openVault(world);
  t.match(await vault.people.open(), [{ id: stays, name: 'Ada Kettleborough' }]);
  t.equal(await vault.copiesOwed(), true);
  await vault.close();
  t.same(await searched(world, late, join(t.testdirName, 'scratch')), []);
  // Made anew: of nobody it can be known who it was.
  await rebuildDatabase({ folder: world.folder, clock: world.clock, log: silentLog, hubName: 'test hub', identities: [world.owner], periodMs: 3_600_000, keepMs: () => 3_600_000, gapMsMin: 500, force: true });
  vault = await openVault(world);
  t.same(await vault.people.list(), []);
  t.match((await auditOf(vault)).find(({ what }) => what === 'purge.done'), { detail: { early: 'no person belongs to it' } });
  await vault.close();
  t.same(await searched(world, needlesOf(ada), join(t.testdirName, 'anew')), [], 'the database that was set aside still has rows, and nothing opens them');
});
