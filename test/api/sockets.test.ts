import t, { type Test } from 'tap';
import WebSocket from 'ws';
import type { PageParts } from '../../src/api/page.ts';
import type { Me } from '../../src/api/pagecontract.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Browser, deviceOf, openDoor, type Door } from './pagekit.ts';

interface Watching { socket: WebSocket; closed: Promise<number>; opened: Promise<boolean> }

function watch(site: Door, browser: Browser, camera = 'front', headers: Record<string, string> = {}): Watching {
  const socket = new WebSocket(`${site.base.replace('https', 'wss')}/api/v1/live?camera=${camera}`, { rejectUnauthorized: false, origin: browser.origin, headers: { ...headers, ...(browser.cookie === undefined ? {} : { cookie: browser.cookie }) } });
  socket.on('error', () => {});
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  return { socket, closed, opened: Promise.race([new Promise<boolean>((resolve) => socket.on('open', () => resolve(true))), closed.then(() => false)]) };
}

/** Says who may listen, then nothing until it has to end. */
async function door(t: Test): Promise<{ site: Door; heard: { camera: string; mayListen: boolean }[] }> {
  const heard: { camera: string; mayListen: boolean }[] = [];
  const live: PageParts['live'] = async (socket, { camera, mayListen, onListen }, signal) => {
    heard.push({ camera, mayListen });
    if (mayListen) onListen();
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
      socket.on('close', () => resolve());
    });
  };
  return { site: await openDoor(t, { live }), heard };
}

t.test('live pictures end with the session: revoked, logged out, less allowed, erased', async (t) => {
  const { site, heard } = await door(t);
  const owner = await site.owner();
  const member = await site.member(owner.browser, 'member', ['home']);
  const guest = await site.member(owner.browser, 'guest', ['home']);
  const [a, b, c] = [watch(site, owner.browser, 'garden'), watch(site, member.browser), watch(site, guest.browser)];
  t.same(await Promise.all([a.opened, b.opened, c.opened]), [true, true, true]);
  t.same(heard.map(({ mayListen }) => mayListen).toSorted(), [false, true, true], 'a guest hears nothing');
  await owner.browser.must('PATCH', `accounts/${member.me.account.id}`, { spaces: ['garden'] });
  t.equal(await b.closed, 4001, 'the space was taken away');
  t.equal(await watch(site, member.browser).opened, false);
  t.equal(await watch(site, member.browser, 'garden').opened, true);
  await owner.browser.must('DELETE', `accounts/${guest.me.account.id}`);
  t.equal(await c.closed, 4001, 'the account is gone');
  const second = site.browser();
  await second.must('POST', 'login', { name: 'Olga Owner', half: owner.half });
  const d = watch(site, second);
  t.ok(await d.opened);
  const { sessions } = await owner.browser.must<{ sessions: { id: string; current: boolean }[] }>('GET', 'sessions');
  await owner.browser.must('DELETE', `sessions/${sessions.find(({ current }) => !current)?.id}`);
  t.equal(await d.closed, 4001, 'that session was ended');
  const third = site.browser();
  await third.must('POST', 'login', { name: 'Olga Owner', half: owner.half, device: owner.me.account.devices[0]?.id });
  await third.must('POST', 'me/devices', deviceOf(Identity.generate(), 'lost'));
  const e = watch(site, third);
  t.ok(await e.opened);
  const { account } = await owner.browser.must<Me>('GET', 'me');
  await owner.browser.must('DELETE', `me/devices/${account.devices.find(({ name }) => name === 'lost')?.id}`);
  t.equal(await e.closed, 4001, 'its device was removed');
  const f = watch(site, new Browser(site.base, owner.browser.cookie), 'garden');
  t.ok(await f.opened, 'a second tab has the same cookie');
  await owner.browser.must('POST', 'logout');
  t.same(await Promise.all([a.closed, f.closed]), [4001, 4001], 'logged out, in every tab');
});

t.test('a camera that comes into another space is watched by those of that space only', async (t) => {
  const { site } = await door(t);
  const owner = await site.owner();
  const member = await site.member(owner.browser, 'member', ['home']);
  const [a, b] = [watch(site, owner.browser), watch(site, member.browser)];
  t.same(await Promise.all([a.opened, b.opened]), [true, true]);
  site.moveCamera('front', 'garden');
  t.equal(await b.closed, 4001);
  t.equal(a.socket.readyState, WebSocket.OPEN);
  t.equal(await watch(site, member.browser).opened, false);
});

t.test('the audit says who watched and listened, once for many connections', async (t) => {
  const { site } = await door(t);
  const owner = await site.owner();
  for (let i = 0; i < 5; i++) {
    const { socket, opened, closed } = watch(site, owner.browser);
    await opened;
    socket.close();
    await closed;
  }
  const { lines } = await owner.browser.must<{ lines: { what: string; who: string; camera: string }[] }>('GET', 'audit');
  t.same(lines.filter(({ what }) => what.startsWith('live.')).map(({ what, who, camera }) => [what, who, camera]).toSorted(), [['live.listened', 'Olga Owner', 'front'], ['live.watched', 'Olga Owner', 'front']]);
});

t.test('so many of one account and no more; a token with the right watches, and ends with it', async (t) => {
  const { site } = await door(t);
  const owner = await site.owner();
  const all = Array.from({ length: 60 }, () => watch(site, owner.browser));
  const open = (await Promise.all(all.map(({ opened }) => opened))).filter(Boolean).length;
  t.equal(open, 48);
  for (const { socket } of all) socket.terminate();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { token, id } = await owner.browser.must<{ token: string; id: string }>('POST', 'tokens', { name: 'wall panel', rights: ['live'], spaces: ['home'], days: 1 });
  const script = site.browser();
  const panel = watch(site, script, 'front', { authorization: `Bearer ${token}` });
  t.ok(await panel.opened);
  t.notOk(await watch(site, script, 'garden', { authorization: `Bearer ${token}` }).opened, 'another space');
  t.equal((await script.get('me', { authorization: `Bearer ${token}` })).code, 'SP_PAGE_RIGHT', 'it is nobody\'s account');
  t.match((await script.get('cameras', { authorization: `Bearer ${token}` })).body, { cameras: [{ camera: 'front', rights: ['live'] }] });
  await owner.browser.must('DELETE', `tokens/${id}`);
  t.equal(await panel.closed, 4001);
  t.equal((await script.get('cameras', { authorization: `Bearer ${token}` })).code, 'SP_PAGE_SESSION');
  t.equal((await owner.browser.post('tokens', { name: 'x', rights: ['people'], days: 1 })).code, 'SP_PAGE_RIGHT');
});

t.test('floods of odd messages end their own connection and no other', async (t) => {
  const { site } = await door(t);
  const owner = await site.owner();
  const calm = watch(site, owner.browser);
  await calm.opened;
  const loud = watch(site, owner.browser);
  await loud.opened;
  loud.socket.send(Buffer.alloc(70_000));
  t.equal(await loud.closed, 1009, 'too long');
  t.equal(calm.socket.readyState, WebSocket.OPEN);
});
