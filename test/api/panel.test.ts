/** Who gets pictures for wall panels from a real hub, and who is told why not. */
import t from 'tap';
import WebSocket from 'ws';
import type { PageCamera } from '../../src/api/pagecontract.ts';
import { configText, joinAs, makeOwner, startPage, type Browser, type PageSite } from './pagekit.ts';

interface Knocked { readonly status: number; readonly code: string | undefined; readonly socket: WebSocket; readonly closed: Promise<number> }

function knock(site: PageSite, browser: Browser, camera: string, headers: Record<string, string> = {}): Promise<Knocked> {
  const socket = new WebSocket(`${site.base.replace('https', 'wss')}/api/v1/panel?camera=${camera}`, { rejectUnauthorized: false, origin: browser.origin, headers: { ...headers, ...(browser.cookie === undefined ? {} : { cookie: browser.cookie }) } });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('open', () => resolve({ status: 101, code: undefined, socket, closed }));
    socket.on('unexpected-response', (_request, reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, code: (JSON.parse(Buffer.concat(chunks).toString()) as { error: { code: string } }).error.code, socket, closed }));
    });
  });
}

async function camerasOf(browser: Browser): Promise<readonly PageCamera[]> {
  return (await browser.must<{ cameras: PageCamera[] }>('GET', 'cameras')).cameras;
}

t.test('off, as it is unless somebody switches it on: nothing is there, for an owner neither', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  t.match(await knock(site, browser, 'front'), { status: 404, code: 'SP_PANELS_OFF' });
  t.match(await knock(site, site.browser(), 'front'), { status: 401, code: 'SP_PAGE_SESSION' }, 'who is not let in is not told');
  const guest = (await joinAs(site, browser, 'guest', ['home'])).browser;
  t.match(await knock(site, guest, 'garden'), { status: 403, code: 'SP_PAGE_RIGHT' });
  t.same((await camerasOf(browser)).map(({ panel }) => panel), [false, false]);
});

t.test('on: by the right to look, in one\'s own spaces, as long as the session lasts', async (t) => {
  const site = await startPage(t, { config: configText('panels = true') });
  const owner = (await makeOwner(site)).browser;
  t.same((await camerasOf(owner)).map(({ panel }) => panel), [true, true]);
  for (const role of ['member', 'guest'] as const) {
    const { browser } = await joinAs(site, owner, role, ['home']);
    const own = await knock(site, browser, 'front');
    t.equal(own.status, 101, role);
    t.match(await knock(site, browser, 'garden'), { status: 403, code: 'SP_PAGE_RIGHT' }, `${role}, another space`);
    t.match(await knock(site, browser, 'nowhere'), { code: 'SP_PAGE_RIGHT' });
    await browser.must('POST', 'logout');
    t.equal(await own.closed, 4001, 'logged out');
  }
  const installer = (await joinAs(site, owner, 'installer', ['home'])).browser;
  t.match(await knock(site, installer, 'front'), { status: 403, code: 'SP_PAGE_RIGHT' }, 'an installer sees no picture');
  const { token, id } = await owner.must<{ token: string; id: string }>('POST', 'tokens', { name: 'wall panel', rights: ['live'], spaces: ['home'], days: 1 });
  const bearer = { authorization: `Bearer ${token}` };
  const panel = await knock(site, site.browser(), 'front', bearer);
  t.equal(panel.status, 101, 'a token that is for looking and ends');
  t.match(await knock(site, site.browser(), 'garden', bearer), { status: 403 });
  await owner.must('DELETE', `tokens/${id}`);
  t.equal(await panel.closed, 4001);
  const other = new WebSocket(`${site.base.replace('https', 'wss')}/api/v1/panel?camera=front`, { rejectUnauthorized: false, origin: 'https://evil.example', headers: { cookie: owner.cookie ?? '' } });
  t.match(await new Promise((resolve) => other.on('error', resolve)), { message: /403/ }, 'another site\'s page');
  const { lines } = await owner.must<{ lines: { what: string; camera: string }[] }>('GET', 'audit');
  t.ok(lines.some(({ what, camera }) => what === 'live.watched' && camera === 'front'), 'who looked is written down');
});
