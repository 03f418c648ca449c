import t from 'tap';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { earlierOwnerLists, loadOwner, ownerListText, takeOwnerList } from '../../src/duties/owner.ts';
import { Vault } from '../../src/vault/vault.ts';
import { makeDevice } from '../../src/web/crypto/device.ts';
import { makeKit } from '../../src/web/crypto/kit.ts';
import { firstOwnerList, followOwnerLists, nextOwnerList } from '../../src/web/crypto/ownerlist.ts';

const nowMs = Date.UTC(2026, 10, 27);
const kit = makeKit(nowMs).identity;
const phone = makeDevice('phone');
const first = firstOwnerList(kit, phone.shape, nowMs);
const second = nextOwnerList(first, phone.identity, { kind: 'space', name: 'garden' }, nowMs);
const third = nextOwnerList(second, phone.identity, { kind: 'space', name: 'cellar' }, nowMs);

async function openVault(folder: string): Promise<Vault> {
  return Vault.open({ folder: join(folder, 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
}

t.test('a newer list is taken from the page, and the file that was there first is left alone', async (t) => {
  const folder = t.testdir({ 'owner.json': first });
  const path = join(folder, 'owner.json');
  const vault = await openVault(folder);
  t.equal((await loadOwner(path, vault, silentLog)).list?.number, 1);
  t.equal((await takeOwnerList(second, 'the page\'s list', vault)).number, 2);
  t.match(await loadOwner(path, vault, silentLog), { list: { number: 2 }, problem: undefined });
  t.match(await loadOwner(undefined, vault, silentLog), { list: { number: 2 }, problem: undefined }, 'a list that a device signed is read back as it was taken');
  await takeOwnerList(third, 'the page\'s list', vault);
  t.equal(await ownerListText(vault), third);
  t.strictSame(await earlierOwnerLists(vault), [first, second]);
  t.equal(followOwnerLists(third, await earlierOwnerLists(vault), { known: first }).number, 3);
  await takeOwnerList(third, 'the same once more', vault);
  t.equal((await earlierOwnerLists(vault)).length, 2);
  await vault.close();
});

t.test('after the kit was replaced the file of the old one\'s time does no harm, and what the old kit signs later is not taken', async (t) => {
  const folder = t.testdir({ 'owner.json': first });
  const path = join(folder, 'owner.json');
  const vault = await openVault(folder);
  await loadOwner(path, vault, silentLog);
  const next = makeKit(nowMs).identity;
  const replaced = nextOwnerList(first, phone.identity, { kind: 'kit', recipient: next.recipient, signer: next.signer }, nowMs);
  await takeOwnerList(replaced, 'it', vault);
  t.match(await loadOwner(path, vault, silentLog), { list: { number: 2, kit: next.recipient }, problem: undefined });
  writeFileSync(path, nextOwnerList(nextOwnerList(first, kit, { kind: 'space', name: 'attic' }, nowMs), kit, { kind: 'space', name: 'attics' }, nowMs));
  t.match(await loadOwner(path, vault, silentLog), { list: { number: 2, kit: next.recipient }, problem: { code: 'SP_OWNER_LIST' } }, 'a newer one of the old kit');
  await vault.close();
});

t.test('no list of a stranger, none that is older, and none that only its own device has signed', async (t) => {
  const folder = t.testdir({});
  const path = join(folder, 'owner.json');
  const vault = await openVault(folder);
  t.match(await loadOwner(path, vault, silentLog), { list: undefined, problem: { code: 'SP_NO_OWNER' } });
  await t.rejects(takeOwnerList(second, 'it', vault), { code: 'SP_OWNER_LIST', message: /no list that knows the device/ });
  await takeOwnerList(first, 'it', vault);
  await takeOwnerList(second, 'it', vault);
  const strangers = firstOwnerList(makeKit(nowMs).identity, makeDevice('a stranger\'s').shape, nowMs);
  await t.rejects(takeOwnerList(strangers, 'it', vault), { code: 'SP_OWNER_LIST', message: /another owner/ });
  await t.rejects(takeOwnerList(first, 'it', vault), { code: 'SP_OWNER_LIST', message: /older/ });
  await t.rejects(takeOwnerList('x'.repeat(2 ** 20 + 1), 'it', vault), { code: 'SP_OWNER_LIST' });
  writeFileSync(path, strangers);
  t.match(await loadOwner(path, vault, silentLog), { list: { number: 2 }, problem: { code: 'SP_OWNER_LIST' } }, 'a file with another owner\'s list is a problem');
  writeFileSync(path, 'nonsense');
  t.match(await loadOwner(path, vault, silentLog), { list: { number: 2 }, problem: { code: 'SP_OWNER_LIST' } });
  await vault.close();
});
