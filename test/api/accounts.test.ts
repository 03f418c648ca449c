import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Me } from '../../src/api/pagecontract.ts';
import type { PageReplyOf } from '../../src/api/pagecontract.ts';
import { recoverNamespace, recoveryDocument } from '../../src/policy/ownerdocuments.ts';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { ownerFileText, ownerNamespace, parseOwnerFile, signedOwnerList } from '../../src/seal/format/ownerlist.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeDevice } from '../../src/web/crypto/device.ts';
import { makeKit } from '../../src/web/crypto/kit.ts';
import { firstOwnerList, nextOwnerList } from '../../src/web/crypto/ownerlist.ts';
import { AheadClock, Browser, deviceOf, joinAs, makeOwner, newHalf, newLogin, openDoor, recordBefore, startPage } from './pagekit.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

t.test('the first hour: a code that is wrong or over opens nothing, the right one makes one owner and then nothing more', async (t) => {
  const site = await startPage(t);
  const browser = site.browser();
  t.match((await browser.get('hello')).body, { hub: 'Test', state: 'new', certificate: { own: true } });
  const { code = '' } = await site.pair();
  t.match(code, /^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/);
  t.equal((await browser.post('first/begin', { code: 'AAAA-AAAA-AAAA' })).code, 'SP_PAGE_CODE');
  site.clock.aheadMs += 2 * hourMs;
  t.equal((await browser.post('first/begin', { code })).code, 'SP_PAGE_CODE', 'its hour is over');
  const { code: fresh = '' } = await site.pair();
  t.not(fresh, code);
  t.equal((await browser.post('first/begin', { code: fresh.toLowerCase().replaceAll('-', ' ') })).status, 200, 'as people type it');
  t.equal((await browser.get('me')).code, 'SP_PAGE_SESSION', 'it is nobody yet');
  const owner = await makeOwner(site);
  t.match(owner.me, { account: { role: 'owner', name: 'Olga Owner', devices: [{ name: 'phone' }] }, session: { current: true } });
  t.match(await site.pair(), { page: { state: 'ready' }, code: undefined });
  t.equal((await browser.post('first/begin', { code: fresh })).code, 'SP_PAGE_CODE', 'there is an owner');
  t.equal((await browser.post('first/owner', { person: { name: 'x' }, login: newLogin(), device: deviceOf(owner.kit), ownerList: '{}' })).code, 'SP_PAGE_SESSION', 'whoever came in by the code has to leave');
});

t.test('a list that is not the kit\'s, or not for this device, makes no owner', async (t) => {
  const site = await startPage(t);
  const browser = site.browser();
  await browser.must('POST', 'first/begin', { code: (await site.pair()).code });
  const order = { person: { name: 'Olga' }, login: newLogin(), device: deviceOf(Identity.generate()), ownerList: '{"list":{}}' };
  t.equal((await browser.post('first/owner', order)).code, 'SP_OWNER_LIST');
  t.equal((await browser.get('hello')).body['state'], 'new');
  const owner = await makeOwner(site);
  t.match(await owner.browser.must('GET', 'owner'), { text: /sealed/ });
});

t.test('the hub keeps sessions over a restart, and its certificate', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  const words = (await site.pair()).page.words;
  await site.hub.close();
  const again = await startPage(t, { folder: site.folder, clock: site.clock });
  t.same((await again.pair()).page.words, words);
  const back = new Browser(again.base, browser.cookie);
  t.equal((await back.get('me')).status, 200);
  t.equal((await new Browser(again.base, browser.cookie?.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))).get('me')).code, 'SP_PAGE_SESSION');
});

t.test('logging in: a wrong passphrase, an unknown name and a known one are answered alike', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const browser = site.browser();
  const known = await browser.must('POST', 'login/stretch', { name: 'olga OWNER' });
  const unknown = await browser.must('POST', 'login/stretch', { name: 'Nobody' });
  t.same(Object.keys(known), Object.keys(unknown));
  t.same(await browser.must('POST', 'login/stretch', { name: 'nobody' }), unknown, 'the false salt is steady');
  t.equal((await browser.post('login', { name: 'Olga Owner', half: newHalf() })).code, 'SP_PAGE_LOGIN');
  t.equal((await browser.post('login', { name: 'Nobody', half: newHalf() })).code, 'SP_PAGE_LOGIN');
  const me = await browser.must<Me>('POST', 'login', { name: 'olga owner', half: owner.half });
  t.equal(me.account.id, owner.me.account.id);
  t.match((await browser.get('sessions')).body, { sessions: [{ current: false }, { current: true, address: '127.0.0.1' }] });
});

t.test('strangers\' tries make them wait longer and longer, and hold up no browser that was in before', async (t) => {
  const clock = new AheadClock();
  const site = await startPage(t, { clock });
  const owner = await makeOwner(site);
  const stranger = site.browser();
  let refused = 0;
  for (let i = 0; i < 12; i++) refused += Number((await stranger.post('login', { name: 'Olga Owner', half: newHalf() })).code === 'SP_PAGE_TRIES');
  t.ok(refused >= 6, `${refused} of 12 were not even looked at`);
  const held = await stranger.post('login', { name: 'Olga Owner', half: owner.half });
  t.equal(held.status, 429, 'also with the right passphrase');
  t.ok(Number(held.headers['retry-after']) > 0);
  const device = owner.me.account.devices[0]?.id;
  t.equal((await site.browser().post('login', { name: 'Olga Owner', half: owner.half, device })).status, 200, 'a known device comes in');
  t.equal((await site.browser().post('login', { name: 'Olga Owner', half: owner.half, device: 'A'.repeat(22) })).status, 429, 'an invented one does not');
  clock.aheadMs += hourMs;
  t.equal((await stranger.post('login', { name: 'Olga Owner', half: owner.half })).status, 200, 'and waiting helps');
});

t.test('a session is exchanged each day, and ends when it is not used, or is old', async (t) => {
  const clock = new AheadClock();
  const site = await startPage(t, { clock });
  const { browser } = await makeOwner(site);
  const first = browser.cookie;
  await browser.must('GET', 'me');
  t.equal(browser.cookie, first);
  clock.aheadMs += dayMs + 1000;
  await browser.must('GET', 'me');
  t.not(browser.cookie, first);
  t.equal((await new Browser(site.base, first).get('me')).status, 200, 'what was on its way with the old one is answered');
  clock.aheadMs += 3 * 60_000;
  t.equal((await new Browser(site.base, first).get('me')).code, 'SP_PAGE_SESSION');
  clock.aheadMs += 29 * dayMs;
  t.equal((await browser.get('me')).status, 200);
  clock.aheadMs += 31 * dayMs;
  t.equal((await browser.get('me')).code, 'SP_PAGE_SESSION', 'not used for a month');
});

t.test('a token opens until its days are over; neither it nor a cookie is written down, only what they hash to', async (t) => {
  const site = await openDoor(t, {});
  const { browser } = await site.owner();
  const { token } = await browser.must<{ token: string }>('POST', 'tokens', { name: 'script', rights: ['live'], days: 1 });
  const cookie = browser.cookie?.split('=')[1] ?? '';
  const book = await site.vault.accountsBook();
  for (const [what, secret, rows] of [['token', token, book.tokens], ['cookie', cookie, book.sessions]] as const) {
    t.equal(Buffer.from(secret, 'base64url').length, 32, `256 bits of ${what}`);
    t.notOk(JSON.stringify(book).includes(secret), what);
    t.ok(rows.some(({ hash }) => hash === createHash('sha256').update(secret).digest('hex')), what);
  }
  const asked = async (): Promise<number> => (await site.browser().get('cameras', { authorization: `Bearer ${token}` })).status;
  t.equal(await asked(), 200);
  site.clock.aheadMs += dayMs - 60_000;
  t.equal(await asked(), 200);
  site.clock.aheadMs += 61_000;
  t.equal(await asked(), 401);
});

t.test('a phone whose clock is off by a day: what it signs is taken, and its session lasts by the hub\'s clock', async (t) => {
  const site = await startPage(t);
  const kit = makeKit(Date.now()).identity;
  const phone = makeDevice('phone');
  const browser = site.browser();
  await browser.must('POST', 'first/begin', { code: (await site.pair()).code });
  const list = firstOwnerList(kit, phone.shape, Date.now() + dayMs);
  const answer = await browser.ask('POST', 'first/owner', { body: { person: { name: 'Olga Owner' }, login: newLogin(), device: phone.shape, ownerList: list } });
  t.equal(answer.status, 200, 'a list of tomorrow');
  const cookie = String(answer.headers['set-cookie']);
  t.match(cookie, /; Max-Age=7776000;/, 'counted from when it came');
  t.notMatch(cookie, /expires/i, 'and not by a date that such a phone would take for past');
  t.equal((await browser.post('owner', { text: nextOwnerList(list, phone.identity, { kind: 'space', name: 'cellar' }, Date.now() - dayMs) })).status, 200, 'one of yesterday after it: lists go by their numbers');
  const { nowMs } = (await browser.get('hello')).body as { nowMs: number };
  t.ok(Math.abs(nowMs - Date.now()) < 10_000, 'the hub tells its time, by which a recovery is signed');
});

t.test('two tabs: whichever asks first when the cookie is exchanged, both stay in', async (t) => {
  const clock = new AheadClock();
  const site = await startPage(t, { clock });
  const { browser } = await makeOwner(site);
  const old = browser.cookie;
  clock.aheadMs += dayMs + 1000;
  const tabs = Array.from({ length: 8 }, () => new Browser(site.base, old));
  t.same((await Promise.all(tabs.map((tab) => tab.get('me')))).map(({ status }) => status), Array(8).fill(200));
  const given = [...new Set(tabs.map(({ cookie }) => cookie))].filter((cookie) => cookie !== old);
  t.equal(given.length, 1, 'one new cookie, which the browser shares among its tabs');
  clock.aheadMs += 3 * 60_000;
  t.equal((await new Browser(site.base, given[0]).get('me')).status, 200);
  t.equal((await new Browser(site.base, old).get('me')).code, 'SP_PAGE_SESSION');
});

t.test('logout, ending another session, and a new passphrase', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const [a, b, c] = [site.browser(), site.browser(), site.browser()];
  const sessions = [];
  for (const browser of [a, b, c]) sessions.push((await browser.must<Me>('POST', 'login', { name: 'Olga Owner', half: owner.half })).session.id);
  await a.must('POST', 'logout');
  t.equal(a.cookie, undefined);
  await owner.browser.must('DELETE', `sessions/${sessions[1]}`);
  t.equal((await b.get('me')).code, 'SP_PAGE_SESSION');
  t.equal((await owner.browser.ask('DELETE', `sessions/${'x'.repeat(22)}`)).code, 'SP_PAGE_UNKNOWN');
  t.equal((await owner.browser.post('me/passphrase', { half: newHalf(), login: newLogin() })).code, 'SP_PAGE_LOGIN');
  const half = newHalf();
  await owner.browser.must('POST', 'me/passphrase', { half: owner.half, login: newLogin(half) });
  t.equal((await c.get('me')).code, 'SP_PAGE_SESSION', 'all others have ended');
  t.equal((await owner.browser.get('me')).status, 200);
  t.equal((await site.browser().post('login', { name: 'Olga Owner', half: owner.half })).code, 'SP_PAGE_LOGIN');
  t.equal((await site.browser().post('login', { name: 'Olga Owner', half })).status, 200);
});

t.test('a device of one\'s own is removed: its sessions end, no other account\'s is touched, and it is said where a signed list still names it', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const member = await joinAs(site, owner.browser, 'member', ['home']);
  const [tablet, lost] = [Identity.generate(), Identity.generate()];
  const [a, b] = [site.browser(), site.browser()];
  const told = async (): Promise<number> => (await owner.browser.must<{ lines: { what: string; text: string }[] }>('GET', 'audit')).lines.filter(({ what, text }) => what === 'notice.told' && text.includes('new device')).length;
  const before = await told();
  for (const [browser, identity] of [[a, tablet], [b, lost]] as const) {
    await browser.must('POST', 'login', { name: 'Olga Owner', half: owner.half });
    await browser.must('POST', 'me/devices', deviceOf(identity));
  }
  t.equal(await told(), before + 2, 'each new device is told of, once');
  const idOf = async ({ recipient }: Identity): Promise<string> => (await owner.browser.must<Me>('GET', 'me')).account.devices.find((device) => device.recipient === recipient)?.id ?? '';
  const removed = await idOf(lost);
  t.equal((await member.browser.ask('DELETE', `me/devices/${removed}`)).code, 'SP_PAGE_UNKNOWN', 'no account removes another one\'s');
  t.same(await owner.browser.must('DELETE', `me/devices/${removed}`), { done: true, listed: false });
  t.equal((await b.get('me')).code, 'SP_PAGE_SESSION', 'nobody is in by it any more');
  t.equal((await a.get('me')).status, 200, 'by another one all goes on');
  t.equal((await owner.browser.ask('DELETE', `me/devices/${removed}`)).code, 'SP_PAGE_UNKNOWN', 'it is gone');
  t.equal(await idOf(lost), '');
  const answer = await a.ask('DELETE', `me/devices/${await idOf(tablet)}`);
  t.equal(answer.status, 200, 'also the one that one sits at');
  t.equal(a.cookie, undefined, 'whose browser forgets its cookie');
  const { body } = await owner.browser.ask('DELETE', `me/devices/${owner.me.account.devices[0]?.id}`);
  t.same(body, { done: true, listed: true }, 'the signed list names this one until a newer one is signed');
});

t.test('whose keys the owner\'s list still names when they have left is told of until a list without them is signed, over a restart too', async (t) => {
  const door = await openDoor(t, {});
  const kit = makeKit(Date.now()).identity;
  const phone = makeDevice('phone');
  const browser = door.browser();
  await browser.must('POST', 'first/begin', { code: door.page.pair().code });
  const first = firstOwnerList(kit, phone.shape, Date.now());
  await browser.must('POST', 'first/owner', { person: { name: 'Olga Owner' }, login: newLogin(), device: phone.shape, ownerList: first });
  const [member, guest] = [await door.member(browser, 'member', ['home']), await door.member(browser, 'guest', ['home'])];
  const second = nextOwnerList(first, phone.identity, { kind: 'member', space: 'home', recipient: member.kit.recipient, past: false }, Date.now());
  await browser.must('POST', 'owner', { text: second });
  const rung = (): string[] => door.notices.open.map(({ kind }) => kind);
  await guest.browser.must('DELETE', 'me', { half: guest.half });
  t.same(rung(), [], 'the list names no key of a guest');
  await member.browser.must('DELETE', 'me', { half: member.half });
  t.same(rung(), ['keys of who left']);
  t.same(await door.vault.setting('page left keys'), [member.kit.recipient], 'kept, so that the next start tells it');
  await browser.must('POST', 'owner', { text: nextOwnerList(second, phone.identity, { kind: 'space', name: 'cellar' }, Date.now()) });
  t.same(rung(), ['keys of who left'], 'another list that names it');
  const third = (await browser.must<{ text?: string }>('GET', 'owner')).text ?? await door.vault.setting('owner list') as string;
  await browser.must('POST', 'owner', { text: nextOwnerList(third, phone.identity, { kind: 'member removed', recipient: member.kit.recipient }, Date.now()) });
  t.same(rung(), []);
  t.same(await door.vault.setting('page left keys'), []);
});

t.test('the kit is replaced by an owner\'s device with the passphrase once more; by nobody else, and not with a kit that nobody has', async (t) => {
  const site = await startPage(t);
  const [kit, next, phone, stranger] = [makeKit(Date.now()).identity, makeKit(Date.now()).identity, makeDevice('phone'), makeDevice('stranger')];
  const browser = site.browser();
  await browser.must('POST', 'first/begin', { code: (await site.pair()).code });
  const half = newHalf();
  const first = firstOwnerList(kit, phone.shape, Date.now());
  await browser.must('POST', 'first/owner', { person: { name: 'Olga Owner' }, login: newLogin(half), device: phone.shape, ownerList: first });
  const member = await joinAs(site, browser, 'member', ['home']);
  const joined = nextOwnerList(first, phone.identity, { kind: 'member', space: 'home', recipient: member.kit.recipient, past: true }, Date.now());
  await browser.must('POST', 'owner', { text: joined });

  const text = nextOwnerList(joined, phone.identity, { kind: 'kit', recipient: next.recipient, signer: next.signer }, Date.now());
  const confirmed = nextOwnerList(text, next, { kind: 'kit confirmed' }, Date.now());
  const { list } = parseOwnerFile(text, () => {});
  const signedBy = (by: typeof kit): string => ownerFileText(list, by.sign(signedOwnerList(list), ownerNamespace), by.signer);
  const refused = async (by: Browser, body: object, code: string, why: string): Promise<void> => { t.equal((await by.post('owner', body)).code, code, why); };
  await refused(browser, { text, confirmed }, 'SP_PAGE_PROOF', 'a session alone');
  await refused(browser, { text, confirmed, half: newHalf() }, 'SP_PAGE_LOGIN', 'another passphrase');
  await refused(browser, { text, half }, 'SP_OWNER_LIST', 'a kit that has signed nothing');
  await refused(browser, { text, confirmed: nextOwnerList(text, phone.identity, { kind: 'kit confirmed' }, Date.now()), half }, 'SP_OWNER_LIST', 'the device in the new kit\'s place');
  await refused(browser, { text: signedBy(kit), confirmed, half }, 'SP_OWNER_LIST', 'the old kit, which may be stolen');
  await refused(browser, { text: signedBy(stranger.identity), confirmed, half }, 'SP_OWNER_LIST', 'a stranger');
  await refused(browser, { text: signedBy(next), confirmed, half }, 'SP_OWNER_LIST', 'the new kit for itself');
  await refused(browser, { text: joined, confirmed: text, half }, 'SP_OWNER_LIST', 'another kit behind a list that brings none');
  const theirs = member.kit.signer();
  await refused(browser, { text: ownerFileText(list, theirs.sign(signedOwnerList(list), ownerNamespace), theirs.publicKey), confirmed, half }, 'SP_OWNER_LIST', 'a member\'s device');
  await refused(member.browser, { text, confirmed, half: member.half }, 'SP_PAGE_RIGHT', 'a member brings none');
  t.match(await browser.must('GET', 'owner'), { text: joined }, 'nothing has changed');

  await browser.must('POST', 'owner', { text, confirmed, half });
  t.match(await browser.must('GET', 'owner'), { text: confirmed, earlier: [first, joined, text] });
  await refused(browser, { text: nextOwnerList(joined, kit, { kind: 'space', name: 'attic' }, Date.now()) }, 'SP_OWNER_LIST', 'the old kit signs nothing any more');
  t.match(await browser.must('GET', 'status'), { notices: [{ kind: 'kit replaced' }] });
  const { lines } = await browser.must<{ lines: { what: string }[] }>('GET', 'audit?limit=200');
  t.ok(lines.some(({ what }) => what === 'owner.kit-replaced'));
  await browser.must('POST', 'owner', { text: nextOwnerList(confirmed, phone.identity, { kind: 'space', name: 'attic' }, Date.now()) });

  const { key } = (await browser.get('hello')).body as { key: string };
  const device = makeDevice('new phone');
  const recover = async (by: typeof kit): Promise<string | undefined> => {
    const document = recoveryDocument({ v: 1, what: 'recover', hub: key, name: 'Olga Owner', login: newLogin(), device: device.shape, madeMs: Date.now() });
    return (await site.browser().post('recover', { document, signature: by.sign(document, recoverNamespace) })).code;
  };
  t.equal(await recover(kit), 'SP_BAD_SIGNATURE', 'nobody comes back with the old kit');
  t.equal(await recover(next), undefined, 'the owner does with the new one');
});

t.test('keys of a camera that was taken out can be sealed anew, too: the owner is told of it and given them, a member is not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const clock = new AheadClock();
  await recordBefore(folder, clock, [{ camera: 'shed', hoursAgo: 2, keepDays: 2 }]);
  const site = await startPage(t, { folder, clock });
  const owner = await makeOwner(site);
  t.same((await owner.browser.get('slots')).body, { cameras: ['shed'] }, 'no camera of that name is there any more');
  const { periods } = await owner.browser.must<{ periods: { slot: number; generation: number }[] }>('GET', `timeline?camera=shed&fromMs=0&toMs=${Date.now()}`);
  t.equal(periods.length, 1);
  t.equal((await owner.browser.get(`slots/shed/${periods[0]?.slot}/${periods[0]?.generation}`)).status, 200);
  const member = await joinAs(site, owner.browser, 'member', ['home', 'garden']);
  t.equal((await member.browser.get('slots')).code, 'SP_PAGE_RIGHT');
});

t.test('an invitation opens once, for what it says, until its time is over; the last owner stays', async (t) => {
  const clock = new AheadClock();
  const site = await startPage(t, { clock });
  const owner = await makeOwner(site);
  const { code } = await owner.browser.must<{ code: string }>('POST', 'invitations', { role: 'member', spaces: ['home'] });
  const browser = site.browser();
  t.match((await browser.post('invitations/look', { code })).body, { hub: 'Test', role: 'member', spaces: ['home'], from: 'Olga Owner' });
  t.equal((await browser.post('invitations/join', { code, person: { name: 'OLGA owner' }, login: newLogin() })).code, 'SP_PAGE_NAME');
  const me = await browser.must<Me>('POST', 'invitations/join', { code, person: { name: 'Mia', nickname: 'M' }, login: newLogin() });
  t.match(me, { account: { role: 'member', spaces: ['home'], name: 'Mia' } });
  t.equal((await site.browser().post('invitations/join', { code, person: { name: 'Eve' }, login: newLogin() })).code, 'SP_PAGE_CODE', 'it was used');
  const late = await owner.browser.must<{ code: string; id: string }>('POST', 'invitations', { role: 'guest', spaces: ['home'] });
  clock.aheadMs += 3 * dayMs;
  t.equal((await site.browser().post('invitations/look', { code: late.code })).code, 'SP_PAGE_CODE', 'its time is over');
  t.equal((await owner.browser.ask('PATCH', `accounts/${owner.me.account.id}`, { body: { role: 'guest' } })).code, 'SP_PAGE_LAST_OWNER');
  t.equal((await owner.browser.ask('DELETE', `accounts/${owner.me.account.id}`)).code, 'SP_PAGE_LAST_OWNER');
  await owner.browser.must('PATCH', `accounts/${me.account.id}`, { role: 'guest', spaces: ['garden'] });
  t.match((await browser.get('me')).body, { account: { role: 'guest', spaces: ['garden'] }, rights: ['live'] });
});

t.test('recovery: the kit gives an owner a new passphrase once, at this hub, within the hour', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const browser = site.browser();
  const { key } = (await browser.get('hello')).body as { key: string };
  const half = newHalf();
  const device = deviceOf(Identity.generate(), 'new phone');
  const sign = (by: Identity, more: object = {}): { document: string; signature: string } => {
    const document = recoveryDocument({ v: 1, what: 'recover', hub: key, name: 'Olga Owner', login: newLogin(half), device, madeMs: Date.now(), ...more });
    return { document, signature: by.signer().sign(document, recoverNamespace) };
  };
  t.equal((await browser.post('recover', sign(Identity.generate()))).code, 'SP_BAD_SIGNATURE', 'another kit');
  t.equal((await browser.post('recover', sign(owner.kit, { hub: 'ssh-ed25519 AAAA' }))).code, 'SP_BAD_SIGNATURE', 'another hub');
  t.equal((await browser.post('recover', sign(owner.kit, { madeMs: Date.now() - dayMs }))).code, 'SP_BAD_SIGNATURE', 'yesterday\'s');
  t.equal((await browser.post('recover', sign(owner.kit, { name: 'Nobody' }))).code, 'SP_PAGE_UNKNOWN');
  t.equal((await browser.post('recover', sign(owner.kit, { login: { stretch: { salt: 'short', memoryKib: 65_536, passes: 3 }, half } }))).code, 'SP_PAGE_REQUEST', 'of another shape');
  const order = sign(owner.kit);
  t.match((await browser.post('recover', order)).body, { account: { id: owner.me.account.id } });
  t.equal((await owner.browser.get('me')).code, 'SP_PAGE_SESSION', 'whoever was in has to leave');
  t.equal((await site.browser().post('recover', order)).code, 'SP_BAD_SIGNATURE', 'once');
  t.equal((await site.browser().post('login', { name: 'Olga Owner', half })).status, 200);
});

t.test('one changes own data, and erases the account with the passphrase', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const member = await joinAs(site, owner.browser, 'member', ['home'], 'Mia');
  const changed = await member.browser.must<Me>('PATCH', 'me', { nickname: 'Mi', language: 'de', timeZone: 'Europe/Berlin', picture: 'data:image/png;base64,AAAA' });
  t.match(changed.account, { name: 'Mia', nickname: 'Mi', language: 'de' });
  t.equal((await member.browser.ask('PATCH', 'me', { body: { picture: 'https://example.org/x.png' } })).code, 'SP_PAGE_REQUEST');
  t.equal((await member.browser.ask('PATCH', 'me', { body: { role: 'owner' } })).code, 'SP_PAGE_REQUEST', 'nobody makes himself an owner');
  t.equal((await member.browser.ask('DELETE', 'me', { body: { half: newHalf() } })).code, 'SP_PAGE_LOGIN');
  await member.browser.must('DELETE', 'me', { half: member.half });
  t.equal((await member.browser.get('me')).code, 'SP_PAGE_SESSION');
  const { lines } = await owner.browser.must<PageReplyOf<'audit'>>('GET', 'audit?limit=200');
  t.match(lines.find(({ what }) => what === 'page.person-changed'), { who: '', person: true });
  t.notOk(JSON.stringify(lines).includes('Mia'));
});

t.test('a newer list of the owner is taken at once, an older one and a stranger\'s are not; the file that was there first does no harm', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const { text } = await owner.browser.must<{ text: string }>('GET', 'owner');
  const listOf = (number: number, by: Identity): string => {
    const { list } = JSON.parse(text) as { list: Record<string, CanonicalValue> };
    const signer = by.signer();
    const changed = { ...list, number, signer: signer.publicKey };
    return JSON.stringify({ list: changed, signature: signer.sign(canonicalJson(changed), 'sallyport-owner') });
  };
  t.equal((await owner.browser.post('owner', { text: listOf(2, Identity.generate()) })).code, 'SP_OWNER_LIST', 'a stranger\'s');
  await owner.browser.must('POST', 'owner', { text: listOf(3, owner.kit) });
  t.equal((await owner.browser.post('owner', { text: listOf(2, owner.kit) })).code, 'SP_OWNER_LIST', 'an older one');
  t.match(await owner.browser.must('GET', 'owner'), { text: /"number":3/, earlier: [text] });
  const member = await joinAs(site, owner.browser, 'member', ['home'], 'Mia');
  t.equal((await member.browser.post('owner', { text: listOf(4, owner.kit) })).code, 'SP_PAGE_RIGHT', 'members bring none');
  const status = await owner.browser.must<{ owner: { present: boolean; problem?: unknown } }>('GET', 'status');
  t.match(status.owner, { present: true, problem: undefined });
});

t.test('tries that fail are told to the owner, and no line of the audit says whose they were', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const stranger = site.browser();
  for (let name = 0; name < 12; name++) await stranger.post('login', { name: `guess ${name}`, half: newHalf() });
  const { notices } = await owner.browser.must<{ notices: { kind: string; text: string }[] }>('GET', 'status');
  t.match(notices.find(({ kind }) => kind === 'failed logins'), { text: /1[0-2] tries within an hour/ });
  const { lines } = await owner.browser.must<{ lines: object[] }>('GET', 'audit?limit=100');
  t.notMatch(JSON.stringify(lines), /guess|127\.0\.0\.1/);
});
