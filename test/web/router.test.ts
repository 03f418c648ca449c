import fc from 'fast-check';
import t from 'tap';
import { pathOf, routeOf, settingsSections, type Route } from '../../src/web/router.ts';

const routes: readonly Route[] = [
  { page: 'live' }, { page: 'live', camera: 'front-door' }, { page: 'timeline' }, { page: 'timeline', camera: 'garden', atMs: 1_795_000_000_000 }, { page: 'review' }, { page: 'review', notice: 'ab'.repeat(16) }, { page: 'review', notice: '0123abcd' }, { page: 'promises' }, { page: 'first' }, { page: 'first', code: 'ABCD-2345-WXYZ', words: ['apple', 'bread', 'cable', 'dance', 'eagle', 'fence'] }, { page: 'login' },
  { page: 'recover' }, { page: 'join', code: 'k'.repeat(43) }, ...settingsSections.map((section) => ({ page: 'settings', section }) as const),
];

t.test('each page has an address, and each address its page', async (t) => {
  for (const route of routes) {
    const { pathname, search, hash } = new URL(pathOf(route), 'https://hub.test');
    t.strictSame(routeOf({ pathname, search, hash }), route, pathOf(route));
  }
});

t.test('the code of an invitation stands behind the #, which browsers send to nobody', async (t) => {
  const { pathname, search } = new URL(pathOf({ page: 'join', code: 'secret' }), 'https://hub.test');
  t.notMatch(pathname + search, /secret/);
});

t.test('the code of the QR at the terminal stands there, too; what is no code and are no words is not read', async (t) => {
  const { pathname, search, hash } = new URL(pathOf({ page: 'first', code: 'ABCD-2345-WXYZ' }), 'https://hub.test');
  t.equal(pathname + search, '/first');
  t.equal(hash, '#code=ABCD-2345-WXYZ');
  for (const odd of ['#code=', '#code=<script>', '#code=ABCD-2345-WXYZ-MORE', '#words=one-two', '#words=a-b-c-d-e-f', '#%', '#words=Apple-bread-cable-dance-eagle-fence']) t.strictSame(routeOf({ pathname: '/first', hash: odd }), { page: 'first' }, odd);
});

t.test('what is no address of the page is no page, whatever it is', async (t) => {
  for (const pathname of ['/live/UPPER', '/live/a/b', '/settings/nothing', '/timeline/..%2f', '/api/v1/me', '/live/%00', '/index.html', '/promises/more', `/live/${'a'.repeat(41)}`]) {
    t.strictSame(routeOf({ pathname }), { page: 'unknown' }, pathname);
  }
  fc.assert(fc.property(fc.webPath(), fc.webQueryParameters(), (pathname, query) => {
    const route = routeOf({ pathname, search: `?${query}` });
    return 'camera' in route && route.camera !== undefined ? /^[a-z0-9-]{1,40}$/.test(route.camera) : true;
  }));
});
