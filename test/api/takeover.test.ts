/** Ways to more than one was given: by an account, a code, a key, an invitation, or a session that was. */
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Me } from '../../src/api/pagecontract.ts';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { recoverNamespace, recoveryDocument } from '../../src/policy/ownerdocuments.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList } from '../../src/seal/owner.ts';
import { configText, deviceOf, joinAs, makeOwner, newHalf, newLogin, openDoor, startPage } from './pagekit.ts';

t.test('who has the code and the list in force, which is no secret, is no owner without the kit', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const kit = Identity.generate();
  const text = makeOwnerList(kit, Date.now());
  await writeFile(join(folder, 'owner.json'), text);
  const site = await startPage(t, { folder, config: `owner = "owner.json"\n${configText()}` });
  const browser = site.browser();
  await browser.must('POST', 'first/begin', { code: (await site.pair()).code });
  t.equal((await browser.post('first/owner', { person: { name: 'Igor' }, login: newLogin(), device: deviceOf(kit), ownerList: text })).code, 'SP_OWNER_LIST');
  t.equal((await browser.get('hello')).body['state'], 'new');
  const { list } = JSON.parse(text) as { list: Record<string, CanonicalValue> };
  const next = { ...list, number: 2 };
  const ownerList = JSON.stringify({ list: next, signature: kit.signer().sign(canonicalJson(next), 'sallyport-owner') });
  t.equal((await browser.post('first/owner', { person: { name: 'Olga' }, login: newLogin(), device: deviceOf(kit), ownerList })).status, 200, 'the kit has signed the next one');
});

t.test('who is an owner no more does not come back by an invitation made before', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const other = await joinAs(site, owner.browser, 'owner', [], 'Otto');
  const { code } = await other.browser.must<{ code: string }>('POST', 'invitations', { role: 'owner', spaces: [] });
  await owner.browser.must('PATCH', `accounts/${other.me.account.id}`, { role: 'guest', spaces: ['home'] });
  t.equal((await site.browser().post('invitations/join', { code, person: { name: 'back again' }, login: newLogin() })).code, 'SP_PAGE_CODE');
  t.same((await owner.browser.get('accounts')).body['invitations'], []);
});

t.test('strangers\' tries keep no owner from recovery, from the same address either', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const stranger = site.browser();
  for (let n = 0; n < 30; n++) await stranger.post('invitations/look', { code: newHalf() });
  t.equal((await stranger.post('invitations/look', { code: newHalf() })).code, 'SP_PAGE_TRIES');
  const { key } = (await stranger.get('hello')).body as { key: string };
  const document = recoveryDocument({ v: 1, what: 'recover', hub: key, name: 'Olga Owner', login: newLogin(), device: deviceOf(Identity.generate()), madeMs: Date.now() });
  t.equal((await site.browser().post('recover', { document, signature: owner.kit.signer().sign(document, recoverNamespace) })).status, 200);
});

t.test('a key belongs to one account, and one that the owner has signed for is not pushed out by others', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const member = await joinAs(site, owner.browser, 'member', ['home'], 'Mia');
  t.equal((await member.browser.post('me/devices', deviceOf(owner.kit))).code, 'SP_PAGE_REQUEST', 'the owner\'s own');
  const { code } = await owner.browser.must<{ code: string }>('POST', 'invitations', { role: 'guest', spaces: ['home'] });
  t.equal((await site.browser().post('invitations/join', { code, person: { name: 'Eve' }, login: newLogin(), device: deviceOf(member.kit) })).code, 'SP_PAGE_REQUEST');
  for (let n = 0; n < 21; n++) await owner.browser.must('POST', 'me/devices', deviceOf(Identity.generate(), `phone ${n}`));
  const { account: { devices } } = await owner.browser.must<Me>('GET', 'me');
  t.equal(devices.length, 20);
  t.ok(devices.some(({ recipient }) => recipient === owner.kit.recipient), 'the oldest, which the list names');
});

t.test('what is held open for a session that ended meanwhile ends at once', async (t) => {
  const door = await openDoor(t, {});
  const { browser } = await door.owner();
  const found = await door.accounts.sessions.ofCookie(browser.cookie?.split('=')[1] ?? '', { mayTurn: false });
  await browser.must('POST', 'logout');
  t.ok(door.accounts.sessions.hold(found!.principal).signal.aborted);
});

t.test('a still that was asked for before privacy came is not shown after it', async (t) => {
  let isPrivate = false;
  let asked = 0;
  const still = async (): Promise<Buffer> => {
    asked++;
    isPrivate = true;
    return Buffer.from('picture');
  };
  const door = await openDoor(t, { still, privacy: { of: () => (isPrivate ? { sinceMs: 0, untilMs: undefined, by: 'hand' } : undefined), switch: async () => {} } });
  const { browser } = await door.owner();
  for (let n = 0; n < 2; n++) {
    const answer = await browser.get('stills/front');
    t.equal(answer.code, 'SP_PRIVATE');
    t.notOk(answer.bytes.includes('picture'));
  }
  t.equal(asked, 1, 'in private nothing is asked for');
});
