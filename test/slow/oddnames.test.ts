import t from 'tap';
import { pageRoutes, type PageRoute } from '../../src/api/pagecontract.ts';
import { Browser, makeOwner, startPage } from '../api/pagekit.ts';

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
