import t from 'tap';
import WebSocket from 'ws';
import { pageRoutes, type PageRoute } from '../../src/api/pagecontract.ts';
import { Browser, configText, makeOwner, newHalf, startPage } from './pagekit.ts';

t.test('another host, also one that leads here by DNS, is answered nothing', async (t) => {
  const site = await startPage(t, { config: configText('names = ["hub.example.org", "203.0.113.9"]') });
  const { browser } = await makeOwner(site);
  const port = new URL(site.base).port;
  for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '8.8.8.8', '127.0.0.1.evil.example', '127.0.0.1/', '127.0.0.1 evil', '[::1', '0x7f.1.evil', 'a@127.0.0.1', 'localhost:1:2', 'hub.example.org.evil']) {
    for (const path of ['me', 'hello', '/', '/index.html']) {
      const answer = await browser.ask('GET', path, { headers: { host } }).catch(() => undefined);
      t.ok(answer === undefined || answer.status === 403 || answer.status === 400, `${host} ${path}: ${answer?.status}`);
    }
  }
  for (const host of ['127.0.0.1', `127.0.0.1:${port}`, 'localhost', 'LOCALHOST:1', 'localhost.', '[::1]', '127.1', 'hub.example.org', 'Hub.Example.org:443', '203.0.113.9']) {
    t.equal((await browser.ask('GET', 'me', { headers: { host } })).status, 200, host);
  }
});

t.test('what changes something must come from the hub\'s own page', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  const changing = (Object.values(pageRoutes) as PageRoute[]).filter(({ method }) => ['POST', 'PATCH', 'DELETE'].includes(method));
  const port = new URL(site.base).port;
  const origins = [undefined, 'null', 'https://evil.example', `http://127.0.0.1:${port}`, 'https://127.0.0.1', `https://127.0.0.1:${Number(port) + 1}`, `https://127.0.0.1:${port}.evil.example`, `https://localhost:${port}`, site.plain, `${browser.origin}/`];
  for (const { method, path } of changing) {
    const at = `/api/v1${path.replaceAll(/:[a-z]+/g, 'A'.repeat(22))}`;
    for (const origin of origins) t.equal((await browser.ask(method, at, { body: {}, headers: { origin } })).code, 'SP_PAGE_ORIGIN', `${method} ${path} from ${origin}`);
    t.equal((await browser.ask(method, at, { body: {}, headers: { 'sec-fetch-site': 'cross-site' } })).code, 'SP_PAGE_ORIGIN');
    for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json-patch+json', 'text/plain; application/json']) {
      t.equal((await browser.ask(method, at, { raw: '{}', headers: { 'content-type': type } })).code, 'SP_PAGE_REQUEST', `${method} ${path} as ${type}`);
    }
    if (!(Object.values(pageRoutes) as PageRoute[]).some((other) => other.method === 'GET' && other.path === path)) {
      const get = await browser.get(at);
      t.ok(get.status === 404 && get.code === 'SP_PAGE_UNKNOWN', `GET ${path}: ${get.status}`);
    }
  }
  t.equal((await browser.get('me', { origin: 'https://evil.example' })).code, 'SP_PAGE_ORIGIN', 'and what is read by another page');
  t.equal((await browser.get('me', { 'sec-fetch-site': 'same-site' })).code, 'SP_PAGE_ORIGIN', 'another port of this machine is another page');
  t.equal((await browser.get('me', { 'sec-fetch-site': 'none' })).status, 200, 'typed by hand');
  for (const method of ['OPTIONS', 'PUT', 'TRACE', 'HEAD']) t.not((await browser.ask(method, '/api/v1/me', { body: undefined })).status, 200, method);
  t.equal((await browser.get('me')).headers['access-control-allow-origin'], undefined);
});

t.test('a WebSocket of another page, without a session, or for an odd camera is not opened', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  const knock = (path: string, headers: Record<string, string>): Promise<number> => new Promise((resolve) => {
    const socket = new WebSocket(`${site.base.replace('https', 'wss')}${path}`, { rejectUnauthorized: false, headers });
    socket.on('open', () => { socket.terminate(); resolve(101); });
    socket.on('error', () => resolve(0));
    socket.on('unexpected-response', (_request, reply) => { reply.resume(); resolve(reply.statusCode ?? 0); });
  });
  const cookie = browser.cookie ?? '';
  const own = { cookie, origin: browser.origin };
  const live = '/api/v1/live?camera=front';
  t.equal(await knock(live, { cookie }), 403, 'no origin');
  t.equal(await knock(live, { cookie, origin: 'https://evil.example' }), 403);
  t.equal(await knock(live, { ...own, host: 'evil.example' }), 403);
  t.equal(await knock(live, { origin: browser.origin }), 401);
  t.equal(await knock('/api/v1/me', own), 404);
  t.equal(await knock('/', own), 404);
  for (const camera of ['', '..', '%2e%2e', 'front%00', 'FRONT', 'a'.repeat(41), 'front&stream=third', 'front&more=1']) t.ok([400].includes(await knock(`/api/v1/live?camera=${camera}`, own)), camera);
  t.equal(await knock(live, own), 101, 'well formed');
});

t.test('odd bodies are refused with a code, never with a stack', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  const bodies: (string | Buffer)[] = [
    '', '{', '[]', 'null', '1', '"x"', '{"name":1,"half":2}', `{"name":"x","half":"${newHalf()}","more":1}`, '{"__proto__":{"role":"owner"},"name":"x"}', '{"constructor":{"prototype":{}}}', `{"name":"${'x'.repeat(20_000)}"}`,
    Buffer.from([0xff, 0xfe, 0x00]), Buffer.alloc(70_000, 0x20), '{"name":"\\u0000","half":"x"}', `${'['.repeat(5000)}${']'.repeat(5000)}`, '{"name":"x\\ud800","half":"x"}',
  ];
  for (const raw of bodies) {
    const answer = await browser.ask('POST', 'login', { raw });
    t.ok([400, 401, 413, 422].includes(answer.status) && /^SP_PAGE_(REQUEST|LOGIN)$/.test(answer.code ?? ''), `${raw.toString().slice(0, 30)}: ${answer.status} ${answer.code}`);
    t.notMatch(answer.bytes.toString(), /node_modules|at .*\.ts/);
  }
});

t.test('a head that is too long, and a cookie that comes twice, are refused', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  t.equal((await browser.get('me', { 'x-long': 'x'.repeat(20_000) }).catch(() => ({ status: 431 }))).status, 431);
  t.equal((await browser.get('me', { cookie: `${browser.cookie}; ${browser.cookie}` })).code, 'SP_PAGE_SESSION');
  t.equal((await browser.get('me', { cookie: browser.cookie?.replace('__Host-sallyport', 'sallyport-here') })).code, 'SP_PAGE_SESSION', 'that of plain HTTP does not count by HTTPS');
  const plain = new Browser(site.plain, browser.cookie);
  t.equal((await plain.get('me')).code, 'SP_PAGE_SESSION', 'nor the other way round');
});

t.test('every answer says what a browser may do with it', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  for (const path of ['/', '/anything', '/api/v1/me', '/api/v1/nothing']) {
    const { headers } = await browser.get(path);
    t.match(headers['content-security-policy'], /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/, path);
    t.notMatch(headers['content-security-policy'], /unsafe/);
    t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin' }, path);
    t.equal(headers['strict-transport-security'], undefined, 'a person could not click through then');
  }
  for (const path of ['/%ff', '/api/v1/slots/front/%ff/1', '/api/v1/live?camera=front']) {
    const { headers, code } = await browser.get(path, path.includes('live') ? { upgrade: 'websocket', connection: 'upgrade' } : {});
    t.match(headers, { 'content-security-policy': /default-src 'none'/, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }, path);
    t.match(code, /^SP_PAGE_/, path);
  }
  const login = await site.browser().post('login', { name: 'x', half: newHalf() });
  t.equal(login.headers['set-cookie'], undefined);
  t.equal((await browser.get('me')).headers['cache-control'], 'no-store');
});
