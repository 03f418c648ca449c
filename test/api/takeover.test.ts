/** Ways to more than one was given: by an account, a code, a key, an invitation, or a session that was. */
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Me, PageReplyOf } from '../../src/api/pagecontract.ts';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { recoverNamespace, recoveryDocument } from '../../src/policy/ownerdocuments.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList } from '../../src/seal/owner.ts';
import { AheadClock, configText, deviceOf, joinAs, makeOwner, newHalf, newLogin, openDoor, recordBefore, startPage } from './pagekit.ts';

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
  const other = await joinAs(site, owner.browser, 'owner', [], 'Otto', owner.half);
  const { code } = await other.browser.must<{ code: string }>('POST', 'invitations', { role: 'owner', spaces: [], half: other.half });
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

t.test('who has an owner\'s session, and not the passphrase, makes no owner, and comes in no other way', async (t) => {
  const door = await openDoor(t, {});
  const owner = await door.owner();
  const member = await door.member(owner.browser, 'member', ['home']);
  const { browser } = owner;
  const role = (half?: string) => browser.ask('PATCH', `accounts/${member.me.account.id}`, { body: { role: 'owner', ...(half === undefined ? {} : { half }) } });
  for (const half of [undefined, newHalf()]) {
    const code = half === undefined ? 'SP_PAGE_PROOF' : 'SP_PAGE_LOGIN';
    t.equal((await browser.post('invitations', { role: 'owner', spaces: [], ...(half === undefined ? {} : { half }) })).code, code);
    t.equal((await role(half)).code, code);
  }
  t.equal((await browser.post('me/passphrase', { half: newHalf(), login: newLogin() })).code, 'SP_PAGE_LOGIN');
  t.equal((await browser.ask('DELETE', 'me', { body: { half: newHalf() } })).code, 'SP_PAGE_LOGIN');
  t.same((await browser.get('accounts')).body['invitations'], []);
  t.equal(door.accounts.book.owners.length, 1, 'there is one owner still');
  door.clock.aheadMs += 60_000;
  t.equal((await role(owner.half)).status, 200);
});

t.test('who has an owner\'s session, and not the passphrase, destroys nothing by settings, not step by step either; nor does an installer', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const clock = new AheadClock();
  await recordBefore(folder, clock, [{ camera: 'front', hoursAgo: 48, keepDays: 3 }, { camera: 'front', hoursAgo: 2, keepDays: 3 }, { camera: 'garden', hoursAgo: 48, keepDays: 3 }]);
  const site = await startPage(t, { folder, clock });
  const owner = await makeOwner(site);
  const { browser } = owner;
  const installer = await joinAs(site, browser, 'installer', [], 'Ines');
  const { token } = await browser.must<{ token: string }>('POST', 'tokens', { name: 'a script', rights: ['configure', 'erase'], days: 1 });
  const left = async (): Promise<number> => (await browser.must<PageReplyOf<'status'>>('GET', 'status')).footage.reduce((sum, { segments }) => sum + segments, 0);
  const set = (key: string, value: string) => ['settings', { keys: [{ key, value }] }] as const;
  // A time at which something would be due in an hour is refused like one at which it is due now: the next step would be a shorter one.
  const destroying = [['keep', { footage: '1 day' }], ['keep', { footage: '48 hours' }], set('keep.footage', '1 day'), set('keep.footage', '2 hours'), set('keep.audit', '1 day'), set('disk.budget', '10 MB')] as const;
  for (const [path, body] of destroying) {
    if (body !== undefined && path === 'settings') t.match((await browser.must<PageReplyOf<'settingsPlan'>>('POST', 'settings/plan', body)).destroys, [/./], JSON.stringify(body));
    t.equal((await browser.post(path, body)).code, 'SP_PAGE_PROOF', `${path} ${JSON.stringify(body)}`);
    t.equal((await installer.browser.post(path, body)).code, 'SP_PAGE_RIGHT', 'who sets a site up erases nothing');
    t.equal((await installer.browser.post(path, { ...body, half: installer.half })).code, 'SP_PAGE_RIGHT', 'with the passphrase either');
    const script = await site.browser().ask('POST', path, { body: { ...body, half: owner.half }, headers: { authorization: `Bearer ${token}`, origin: undefined } });
    t.equal(script.code, 'SP_PAGE_RIGHT', 'and no script');
  }
  t.equal((await browser.post('settings', { ...set('keep.footage', '1 day')[1], half: newHalf() })).code, 'SP_PAGE_LOGIN');
  clock.aheadMs += 60_000;
  t.same([await left(), (await browser.must<PageReplyOf<'settings'>>('GET', 'settings')).keys.some(({ byPage }) => byPage)], [3, false], 'nothing was destroyed, and nothing set');

  t.equal((await installer.browser.post('keep', { footage: '70 hours' })).status, 200, 'shorter, and nothing goes by it soon');
  t.equal((await browser.post('keep', { footage: '30 days' })).status, 200, 'longer waits for a yes');
  t.equal((await browser.post('settings', set('disk.budget', '900 GB')[1])).status, 200, 'more room than is needed');
  t.equal((await browser.post('keep', { footage: '1 day', half: owner.half })).status, 200, 'who has the passphrase may');
  const { lines } = await browser.must<PageReplyOf<'audit'>>('GET', 'audit?limit=100');
  t.match(lines.find(({ what }) => what === 'page.asked'), { who: 'Olga Owner', route: 'keep', detail: /front: footage of .*garden: footage of / });
});
