/** Every route, by every role, for one's own space, a foreign one, and what is nowhere. What is expected is written out here once more, apart from policy/access.ts. */
import t from 'tap';
import WebSocket from 'ws';
import { pageRoutes, type PageRoute, type PageRouteName } from '../../src/api/pagecontract.ts';
import { deviceOf, joinAs, makeOwner, newHalf, newLogin, startPage, type Browser, type PageSite } from './pagekit.ts';
import { Identity } from '../../src/seal/identity.ts';

type Where = 'own' | 'foreign' | 'nowhere';
const cameras: Record<Where, string> = { own: 'front', foreign: 'garden', nowhere: 'attic' };
const spaces: Record<Where, string> = { own: 'home', foreign: 'garden', nowhere: 'attic' };

/** Roles that may, and whether only in their own spaces. An owner may all. */
const expected: Partial<Record<PageRoute['need'], { roles: string[]; ownOnly: boolean }>> = {
  live: { roles: ['member', 'guest', 'live token'], ownOnly: true }, listen: { roles: ['member'], ownOnly: true }, talk: { roles: ['member'], ownOnly: true }, replay: { roles: ['member', 'live token'], ownOnly: true },
  export: { roles: ['member'], ownOnly: true }, privacy: { roles: ['member'], ownOnly: true }, hold: { roles: ['member'], ownOnly: true }, erase: { roles: [], ownOnly: true }, audit: { roles: ['member'], ownOnly: false }, configure: { roles: ['installer'], ownOnly: false }, status: { roles: ['installer', 'status token'], ownOnly: false },
  people: { roles: [], ownOnly: false },
  // A member only whom an owner lets: test/api/people.test.ts.
  names: { roles: [], ownOnly: false },
};
const withSession = ['owner', 'member', 'guest', 'installer'];
const tokens = ['live token', 'status token'];

interface Asked { path: string; body?: object }

/** A sound question: its answer is about who asks. Where it would do something, the thing that it is about is not there. */
function question(name: PageRouteName, where: Where): Asked {
  const route: PageRoute = pageRoutes[name];
  const camera = cameras[where];
  const path = route.path.replace(':camera', camera).replace(':slot', '1').replace(':generation', '1').replace(':stream', 'main').replace(':seq', '1').replace(':id', 'A'.repeat(22)).replace(':alarm', 'a'.repeat(16)).replace(':person', 'a'.repeat(32)).replace(':picture', 'thumb');
  const query: Partial<Record<PageRouteName, string>> = { live: `?camera=${camera}`, panel: `?camera=${camera}`, talk: `?camera=${camera}`, timeline: `?camera=${camera}&fromMs=0&toMs=1`, alarms: `?camera=${camera}`, notice: '?number=00000000' };
  const device = deviceOf(identity);
  const consent = { how: 'in person', givenBy: 'x', consent: 'a'.repeat(64) };
  const bodies: Partial<Record<PageRouteName, object>> = {
    firstBegin: { code: 'x' }, loginStretch: { name: 'x' }, login: { name: 'x', half: newHalf() }, inviteLook: { code: newHalf() }, join: { code: newHalf(), person: { name: 'x' }, login: newLogin() },
    recover: { document: '{}', signature: 'x' }, firstOwner: { person: { name: 'x' }, login: newLogin(), device, ownerList: '{}' },
    meChange: { nickname: '' }, meErase: { half: newHalf() }, mePassphrase: { half: newHalf(), login: newLogin() }, meDevice: device,
    slotReplace: { camera, slot: 1, generation: 1, from: 'a'.repeat(64), text: 'A'.repeat(1366), signature: 'x' },
    invite: { role: 'guest', spaces: [] }, accountChange: {}, ownerListTake: { text: '{}' }, tokenMake: { name: 'x', rights: ['live'], days: 1 },
    discover: { seconds: 0.5, range: '127.9.9.9-127.9.9.9' }, adopt: { address: '127.9.9.3', user: 'u', password: 'p' }, moved: { camera, address: '127.9.9.4' }, secret: { camera, password: 'p' }, destinationSecret: { destination: 'nowhere', secret: 'none', text: 'p', half: newHalf() },
    noteExport: { camera, fromMs: 0, toMs: 1 }, camera: { camera, order: { act: 'info' } }, ptz: { camera, order: { act: 'stop' } }, accept: { id: 'ffffffff', document: '{}', signature: 'x' }, keep: { footage: 'x' },
    hold: { camera, document: '{}', signature: 'x' }, holdHeaders: { camera, order: 'ffffffff', headers: [] }, holdDone: { camera, order: 'ffffffff' }, release: { camera, document: '{}', signature: 'x' },
    erase: { camera, document: '{}', signature: 'x' }, eraseHours: { camera, fromMs: 0, toMs: 1, why: '', half: newHalf() }, eraseLook: { camera, fromMs: 0, toMs: 1, whole: true }, erasePlan: { camera, order: 'ffffffff' },
    eraseHeaders: { camera, order: 'ffffffff', headers: [] }, eraseDone: { camera, order: 'ffffffff', force: false },
    peopleCheck: { picture: 'AAAA' }, enrol: { name: 'x', ...consent, pictures: ['AAAA'], half: newHalf() }, personRenew: { ...consent, half: newHalf() }, personForget: { half: newHalf() },
    alarmMark: { camera, alarm: 'a'.repeat(16), seen: true }, alarmTest: { rule: 'x' },
    privacy: { space: spaces[where], on: true }, cameraChange: { camera, name: 'x' }, settingsPlan: { camera, keys: [] }, settingsChange: { camera, keys: [{ key: 'name', value: '' }] },
  };
  return { path: `/api/v1${path}${query[name] ?? ''}`, ...(bodies[name] === undefined ? {} : { body: bodies[name] }) };
}
const identity = Identity.generate();

function isAboutSomething(name: PageRouteName): boolean {
  return JSON.stringify(question(name, 'own')) !== JSON.stringify(question(name, 'foreign')) && !['login', 'join', 'firstOwner', 'inviteLook', 'meErase', 'mePassphrase'].includes(name);
}

function mayAsk(role: string, { need, path }: PageRoute, where: Where): boolean {
  if (need === 'nobody') return true;
  if (need === 'first') return role === 'first';
  if (role === 'nobody' || role === 'first') return false;
  if (need === 'account') return withSession.includes(role) || path === '/cameras' || path === '/openapi.json';
  if (role === 'owner') return true;
  const rule = expected[need];
  return rule?.roles.includes(role) === true && (!rule.ownOnly || where === 'own');
}

t.test('every route x every role x own, foreign and absent object', async (t) => {
  const fresh = await startPage(t);
  const first = fresh.browser();
  await first.must('POST', 'first/begin', { code: (await fresh.pair()).code });
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const browsers: Record<string, Browser> = { nobody: site.browser(), owner: owner.browser };
  for (const role of ['member', 'guest', 'installer']) browsers[role] = (await joinAs(site, owner.browser, role, ['home'])).browser;
  const bearer: Record<string, string> = {};
  for (const [role, rights] of [['live token', ['live', 'replay']], ['status token', ['status']]] as const) {
    bearer[role] = (await owner.browser.must<{ token: string }>('POST', 'tokens', { name: role, rights, spaces: ['home'], days: 1 })).token;
  }
  let asked = 0;
  let denied = 0;
  const wrong: string[] = [];
  for (const name of Object.keys(pageRoutes) as PageRouteName[]) {
    const route: PageRoute = pageRoutes[name];
    for (const role of ['nobody', 'first', ...withSession, ...tokens]) {
      for (const where of (isAboutSomething(name) ? ['own', 'foreign', 'nowhere'] : ['own']) as Where[]) {
        // Once an owner is made, nobody is let in by the code: that one is another hub's.
        if (role === 'first' && route.need === 'nobody') continue;
        if (role !== 'nobody' && role !== 'first' && ['logout'].includes(name)) continue;
        const { path, body } = question(name, where);
        const browser = role === 'first' ? first : browsers[role] ?? site.browser();
        const headers = bearer[role] === undefined ? {} : { authorization: `Bearer ${bearer[role]}` };
        const { status, code } = route.method === 'WS' ? await knock(role === 'first' ? fresh : site, path, browser, headers) : await browser.ask(route.method, path, { body, headers });
        asked++;
        const gate = code === 'SP_PAGE_SESSION' || code === 'SP_PAGE_RIGHT';
        const may = mayAsk(role, route, where);
        if (gate) denied++;
        if (may === gate) wrong.push(`${name} as ${role}, ${where}: ${status} ${code ?? ''} but ${may ? 'allowed' : 'forbidden'}`);
        if (gate && ![401, 403].includes(status)) wrong.push(`${name} as ${role}: ${status}`);
      }
    }
  }
  t.same(wrong, []);
  t.comment(`${Object.keys(pageRoutes).length} routes, ${asked} combinations asked, ${denied} denied`);
  t.ok(asked > 400 && denied > 200, `${asked} asked, ${denied} denied`);
});

/** What a WebSocket is answered; 101 when it opens. */
function knock(site: PageSite, path: string, browser: Browser, headers: Record<string, string>): Promise<{ status: number; code: string | undefined }> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${site.base.replace('https', 'wss')}${path}`, { rejectUnauthorized: false, origin: browser.origin, headers: { ...headers, ...(browser.cookie === undefined ? {} : { cookie: browser.cookie }) } });
    socket.on('open', () => { socket.terminate(); resolve({ status: 101, code: undefined }); });
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, code: (JSON.parse(Buffer.concat(chunks).toString()) as { error: { code: string } }).error.code }));
    });
  });
}
