/** `faces.lock = "owner"`: what the hub has of persons opens for nobody until an owner lends the keys, and for nobody again after the hub has ended. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openLender, sealLent } from '../../src/seal/lender.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { needlesOf, searchEverywhere } from '../vault/everywhere.ts';
import { consentOf, dayMs, page, somebody } from '../vault/somebody.ts';
import { makeWorld, openVault, start, type World } from '../vault/world.ts';

const device = Identity.generate();
const second = Identity.generate();

function lockedBy(world: World, ...devices: readonly Identity[]): { lock: 'owner'; owners: string[] } {
  return { lock: 'owner', owners: [world.owner.recipient, ...devices.map(({ recipient }) => recipient)] };
}

/** As a device of the owner, or the kit, does it. */
async function lent(vault: Vault, who: Identity): Promise<number> {
  const { to, sealed } = await vault.people.lockQuestion();
  const lenders = sealed.flatMap((one) => {
    try {
      return [openLender(one, [who])];
    } catch {
      return [];
    }
  });
  return vault.people.lend(sealLent(lenders, to), page);
}

async function hits(world: World, needles: Parameters<typeof searchEverywhere>[1], scratch: string, kit: readonly Identity[] = []): Promise<readonly string[]> {
  await mkdir(scratch, { recursive: true });
  return (await searchEverywhere(world.folder, needles, scratch, kit)).hits;
}

t.test('after a restart nothing on the disk names or measures anybody until an owner lends the keys; in the other mode the hub reads it all', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const ada = somebody();
  const id = await vault.people.enrol(ada);
  await vault.makeCopy();
  t.ok((await hits(world, needlesOf(ada), join(t.testdirName, 'hub'))).length > 0, 'the hub has the keys: whoever has all of it reads it');
  await vault.people.keepLock(lockedBy(world, device));
  t.match(await vault.people.open(), [{ id, name: ada.name }], 'what it had it has until it ends');
  t.same(await vault.people.lockState(), { lock: 'owner', locked: 0 });
  await vault.close();

  t.same(await hits(world, needlesOf(ada), join(t.testdirName, 'owner')), [], 'nor do copies and the shredded slots');
  t.ok((await hits(world, needlesOf(ada), join(t.testdirName, 'kit'), [world.owner])).length > 0, 'the owner\'s kit opens it all');
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
  vault = await openVault(world);
  t.same(await vault.people.lockState(), { lock: 'owner', locked: 1 });
  t.same(await vault.people.open(), []);
  t.match(await vault.people.list(), [{ id, state: 'given' }]);
  for (const asked of [vault.people.templates(id).then(() => {}), vault.people.crop(id).then(() => {}), vault.people.renew(id, consentOf(), { lapsesMs: start + dayMs, forgottenMs: start + 2 * dayMs })]) await t.rejects(asked, { code: 'SP_FACES_LOCKED' });
  t.equal(await vault.people.lapse(id, { lapsesMs: start + dayMs, forgottenMs: start + 31 * dayMs }), true, 'a consent lapses all the same');

  await t.rejects(lent(vault, second), { code: 'SP_FACES_LEND' }, 'by no stranger');
  const { to } = await vault.people.lockQuestion();
  await t.rejects(vault.people.lend(sealWhole(Buffer.from(`${Identity.generate().reveal()}\n`), [to]), page), { code: 'SP_FACES_LEND' });
  await t.rejects(vault.people.lend(sealWhole(Buffer.from('nonsense'), [to]), page), { code: 'SP_FACES_LEND' });
  t.equal(await lent(vault, device), 1);
  t.match(await vault.people.open(), [{ id, name: ada.name }]);
  t.same((await vault.people.templates(id)).vectors, ada.vectors);
  await vault.people.renew(id, consentOf(), { lapsesMs: ada.lapsesMs, forgottenMs: ada.forgottenMs });
  const ben = await vault.people.enrol(somebody('Ben Kettleborough'));
  t.equal((await vault.people.open()).length, 2);
  await vault.people.takeBack(page);
  t.same(await vault.people.lockState(), { lock: 'owner', locked: 2 });
  t.same(await vault.people.open(), []);
  t.match(await vault.people.forget(ben, page), { readBack: true }, 'who withdraws is forgotten without the keys');
  const { lines } = await vault.auditBefore(undefined, 100);
  const audit = lines.flatMap(({ entry }) => (entry === null ? [] : [JSON.parse(entry) as { what: string; account?: string }]));
  t.same(audit.filter(({ what }) => ['people.lent', 'people.locked', 'person.sealed-anew'].includes(what)).map(({ what, account }) => [what, account]), [['people.locked', page.account], ['people.lent', page.account], ['person.sealed-anew', undefined]]);
  t.notMatch(JSON.stringify(audit), /Wilhelmina|Kettleborough|AGE-SECRET/);
  t.same(await hits(world, needlesOf(ada), join(t.testdirName, 'lent')), [], 'what was lent left nothing behind');
  await vault.close();
});

t.test('the kit alone opens a person\'s slot and record with stock age', async (t) => {
  if ((await run('age', ['--version']).catch(() => ({ status: 1 }))).status !== 0) return void t.comment('skipped: no age here');
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  await vault.people.enrol(somebody());
  await vault.people.keepLock(lockedBy(world, device));
  await vault.close();
  await writeFile(join(t.testdirName, 'kit.txt'), `${world.owner.reveal()}\n`);
  const { status, stdout } = await run('sh', ['-c', `dd if="${join(world.folder, 'keyring/keyring.1')}" bs=1024 count=1 2>/dev/null | age -d -i "${join(t.testdirName, 'kit.txt')}"`]);
  t.equal(status, 0);
  t.match(stdout, /^# [0-9a-f]{32} person .*\nAGE-SECRET-KEY-1/);
});

t.test('an owner\'s device that goes opens nothing of it any more, one that comes may lend; while nothing is lent, both wait', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const ada = somebody();
  await vault.people.enrol(ada);
  await vault.people.keepLock(lockedBy(world, device));
  await vault.close();
  vault = await openVault(world);
  await vault.people.keepLock(lockedBy(world, second));
  await t.rejects(lent(vault, second), { code: 'SP_FACES_LEND' }, 'it waits until one that could lends once more');
  t.equal(await lent(vault, device), 1);
  await vault.people.keepLock(lockedBy(world, second));
  await vault.close();
  t.same(await hits(world, needlesOf(ada), join(t.testdirName, 'gone'), [device]), [], 'not with the device that went');
  vault = await openVault(world);
  await t.rejects(lent(vault, device), { code: 'SP_FACES_LEND' });
  t.equal(await lent(vault, second), 1);
  t.match(await vault.people.open(), [{ name: ada.name }]);

  await vault.close();
  vault = await openVault(world);
  await vault.people.keepLock({ lock: 'hub', owners: [] });
  t.same(await vault.people.lockState(), { lock: 'hub', locked: 1 }, 'back to the hub, but nobody lent it');
  await lent(vault, world.owner);
  await vault.people.keepLock({ lock: 'hub', owners: [] });
  await vault.close();
  vault = await openVault(world);
  t.same(await vault.people.lockState(), { lock: 'hub', locked: 0 });
  t.match(await vault.people.open(), [{ name: ada.name }]);
  t.same((await vault.people.lockQuestion()).sealed, [], 'no lender is left of it');
  await vault.close();
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
});

t.test('whoever is enrolled first under the lock needs nobody to lend; without an owner nothing changes', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  await vault.people.keepLock({ lock: 'owner', owners: [] });
  t.same(await vault.people.lockState(), { lock: 'hub', locked: 0 });
  await vault.people.keepLock(lockedBy(world, device));
  await vault.close();
  vault = await openVault(world);
  await vault.people.keepLock(lockedBy(world, device));
  const id = await vault.people.enrol(somebody());
  t.match(await vault.people.open(), [{ id }]);
  t.equal((await vault.people.lockQuestion()).sealed.length, 1, 'the one before, which nobody needs, is gone');
  await vault.close();
});

for (const step of ['replace intended', 'replace written'] as const) {
  t.test(`a hub that dies at "${step}" has the person's key in one of both ways, and ends it`, async (t) => {
    const world = makeWorld(t.testdir());
    let vault = await openVault(world);
    const ada = somebody();
    const id = await vault.people.enrol(ada);
    await vault.close();
    const crashed = { ...world, folder: join(t.testdirName, 'crashed') };
    vault = await openVault(world, { afterStep: async (at) => void (at === step && await cp(world.folder, crashed.folder, { recursive: true })) });
    await vault.people.keepLock(lockedBy(world, device));
    await vault.close();
    vault = await openVault(crashed);
    await vault.people.keepLock(lockedBy(world, device));
    t.same(await vault.people.lockState(), { lock: 'owner', locked: 1 });
    await lent(vault, device);
    t.match(await vault.people.open(), [{ id, name: ada.name }]);
    await vault.close();
    t.same(await hits(crashed, needlesOf(ada), join(t.testdirName, 'killed')), []);
    t.same((await verifyFolder({ folder: crashed.folder })).problems, []);
  });
}
