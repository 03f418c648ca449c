import t from 'tap';
import { pageRoutes, type PageRoute } from '../../src/api/pagecontract.ts';
import { rights } from '../../src/policy/access.ts';
import { startPage, makeOwner } from './pagekit.ts';

t.test('every shape that a visitor fills in is closed, so that nothing else is taken along', async (t) => {
  const open: string[] = [];
  const look = (name: string, node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, additionalProperties } = node as { type?: unknown; additionalProperties?: unknown };
    if (type === 'object' && additionalProperties !== false) open.push(name);
    for (const [key, inner] of Object.entries(node)) look(`${name}.${key}`, inner);
  };
  for (const [name, route] of Object.entries(pageRoutes) as [string, PageRoute][]) {
    look(`${name}.request`, route.request);
    look(`${name}.query`, route.query);
  }
  t.same(open, []);
});

t.test('each route needs a right that there is, changes nothing by GET, and has a path of its own', async (t) => {
  const seen = new Set<string>();
  for (const [name, route] of Object.entries(pageRoutes) as [string, PageRoute][]) {
    t.ok(['nobody', 'first', 'account', ...rights].includes(route.need), name);
    t.notOk(route.method === 'GET' && route.request !== undefined, `${name} takes a body`);
    t.notOk(seen.has(`${route.method} ${route.path}`), name);
    seen.add(`${route.method} ${route.path}`);
  }
});

t.test('OpenAPI 3.1 says the same, to whoever is logged in', async (t) => {
  const site = await startPage(t);
  t.equal((await site.browser().get('openapi.json')).code, 'SP_PAGE_SESSION');
  const { browser } = await makeOwner(site);
  const document = await browser.must<{ openapi: string; paths: Record<string, Record<string, { operationId: string; security: unknown[] }>> }>('GET', 'openapi.json');
  t.match(document.openapi, /^3\.1\./);
  const told = Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
  t.same(told.toSorted(), Object.keys(pageRoutes).toSorted());
});
