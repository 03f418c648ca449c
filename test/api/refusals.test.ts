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

/** Names that climb, end early, mean something elsewhere, or are merely odd. */
function oddNames(): string[] {
  const climbs = ['..', '../', '../../etc/passwd', '..%2f', '%2e%2e%2f', '%252e%252e%252f', '..%5c', '..\\', '....//', './', '.', '%2e', '/etc/passwd', '//etc/passwd', '%2fetc%2fpasswd', 'file:///etc/passwd', '~root', '~/', 'C:\\', '\\\\server\\share', '%c0%ae%c0%ae/', '%e0%80%ae', '..;/', '..%00/', '.%00./'];
  const ends = ['%00', 'front%00', 'front%00.mp4', 'front%0a', 'front%0d%0aX: y', 'front%20', '%20front', 'front%09', 'front%7f', 'front%ff', 'front%fe%ff', '%', '%%', '%zz', '%u002e'];
  const means = ['*', '?', 'front*', 'front?', '|id', ';id', '$(id)', '`id`', '&&id', '\'', '"', '\' OR 1=1 --', '"; DROP TABLE accounts; --', '{}', '{"$ne":1}', '[]', '<script>', '<!--', '${7*7}', '{{7*7}}', '%{7}', '#', '@', '!', '^', '(', ')', ',', '=', '+', '-', '--', '-rf', '__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'null', 'undefined', 'NaN', 'Infinity', 'true', 'false', 'CON', 'NUL', 'aux.txt'];
  const numbers = ['-1', '-0', '0x10', '1e3', '1.5', '01', '1 ', ' 1', '99999999999999999999', '9007199254740993', '١', '²', '1_000', '1,000', '٣'];
  const letters = ['FRONT', 'Front', 'frönt', 'ｆｒｏｎｔ', 'fro\u200bnt', 'front\u2028', 'İ', 'ı', 'front\u00a0', 'ß', '\u202efront', 'front\u0301', '😀', '\ufeff', 'ﬀ', 'а', 'front.', '.front', '_front', '-front', 'front/../garden', 'front/', '/front', 'front//', 'a'.repeat(41), 'a'.repeat(300), 'a'.repeat(5000)];
  const base = [...climbs, ...ends, ...means, ...numbers, ...letters];
  const plain = base.filter((name) => !name.includes('%'));
  return [...base, ...plain.map((name) => encodeURIComponent(name)), ...plain.map((name) => encodeURIComponent(encodeURIComponent(name))), ...base.map((name) => `front${name}`), ...base.map((name) => `${name}front`), ...climbs.map((name) => `${name}${name}${name}etc/passwd`)];
}

t.test('odd and climbing names, in each parameter and in the path, open nothing', async (t) => {
  const site = await startPage(t);
  // By plain HTTP: thousands of handshakes would test the machine.
  const { half } = await makeOwner(site);
  const browser = new Browser(site.plain);
  await browser.must('POST', 'login', { name: 'Olga Owner', half });
  const names = [...new Set(oddNames())];
  t.ok(names.length >= 500, `${names.length} names`);
  // As bytes on the wire: what no client library sends.
  const wire = (name: string): string => encodeURI(name).replaceAll('%25', '%').replaceAll(/[#?]/g, (character) => encodeURIComponent(character));
  const routes = (Object.values(pageRoutes) as PageRoute[]).map(({ method, path, query }) => ({ method, path: `/api/v1${path}`, keys: Object.keys((query as { properties?: object } | undefined)?.properties ?? {}) }));
  const goodOnes: Record<string, string> = { camera: 'front', stream: 'main', fromMs: '0', toMs: '1', picture: 'thumb', alarm: 'a'.repeat(16), id: 'A'.repeat(22) };
  const good = (path: string): string => path.replaceAll(/:(\w+)/g, (_, key: string) => goodOnes[key] ?? '1');
  /** Each parameter of each path: of those that read, and of those that change. */
  const inPath = routes.flatMap(({ method, path }) => [...path.matchAll(/:\w+/g)].map(([key]) => ({ method, at: (name: string) => good(path.replace(key, '\0')).replace('\0', () => name) })));
  const inQuery = routes.flatMap(({ method, path, keys }) => keys.map((key) => ({
    method, at: (name: string) => `${path}?${[...keys.filter((other) => other !== key && other in goodOnes).map((other) => `${other}=${goodOnes[other]}`), `${key}=${name}`].join('&')}`,
  })));
  t.ok(inPath.length >= 20 && inQuery.length >= 20, `${inPath.length} parameters of paths, ${inQuery.length} of queries`);
  const elsewhere = ['/', '/assets/', '/api/v1/'].map((before) => ({ method: 'GET', at: (name: string) => `${before}${name}` }));
  let asked = 0;
  const wrong: string[] = [];
  // A third of the names in each of so many places, another third in the next.
  const some = (n: number): string[] => names.filter((_, index) => index % 3 === n % 3);
  const queue = [
    ...inPath.filter(({ method }) => method === 'GET').flatMap(({ method, at }) => names.map((name) => ({ method, path: at(wire(name)), opens: true }))),
    ...elsewhere.flatMap(({ method, at }) => names.map((name) => ({ method, path: at(wire(name)), opens: false }))),
    ...inPath.filter(({ method }) => method !== 'GET').flatMap(({ method, at }, n) => some(n).map((name) => ({ method, path: at(wire(name)), opens: true }))),
    ...inQuery.flatMap(({ method, at }, n) => some(n).map((name) => ({ method, path: at(wire(name)), opens: at('x').includes('camera=x') && !/^[a-z0-9][a-z0-9-]{0,39}$/.test(name) }))),
  ];
  const ask = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { method, path, opens } = next;
      const question = method === 'WS' ? { headers: { upgrade: 'websocket', connection: 'upgrade', origin: browser.origin } } : method === 'GET' ? {} : { body: {} };
      const answer = await browser.ask(method === 'WS' ? 'GET' : method, path, question).catch((error: unknown) => ({ status: -1, bytes: Buffer.from(String(error)) }));
      asked++;
      // What a path names is there under its own name alone; a well-formed camera that is not there has an empty list, and a number may be odd and still be one.
      const odd = answer.bytes.includes('root:') || answer.status === 500 || answer.status === -1 || (answer.status === 200 && opens);
      if (odd) wrong.push(`${method} ${path.slice(0, 100)}: ${answer.status} ${answer.bytes.subarray(0, 100).toString()}`);
    }
  };
  await Promise.all(Array.from({ length: 6 }, ask));
  t.same(wrong.slice(0, 20), []);
  t.comment(`${names.length} names in ${inPath.length + inQuery.length + elsewhere.length} places: ${asked} asked`);
  t.equal((await browser.get('me')).status, 200, 'and the session is still there');
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
