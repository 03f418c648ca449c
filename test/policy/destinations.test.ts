import t from 'tap';
import { placesOf, portsOf, readDestinations } from '../../src/policy/destinations.ts';

const good = { name: 's3', purpose: 'a copy in another house', kind: 's3', url: 'https://store.example', bucket: 'bucket' };
const folder = { name: 'disk', purpose: 'a copy', kind: 'folder', path: '/mnt/usb' };
const read = (destinations: readonly object[]) => readDestinations(JSON.stringify({ v: 1, destinations }));

t.test('a destination without a purpose, over an open line, with a secret, or with unknown keys is none', async (t) => {
  for (const [why, destinations, says] of [
    ['no purpose', [{ ...good, purpose: '' }], /purpose/],
    ['a purpose that steers terminals', [{ ...good, purpose: 'a\u001b[2J' }], /purpose/],
    ['plain HTTP to elsewhere', [{ ...good, url: 'http://store.example' }], /https/],
    ['plain HTTP to a name that only begins so', [{ ...good, url: 'http://127.0.0.1.example' }], /https/],
    ['a password in the address', [{ ...good, url: 'https://me:pass@store.example' }], /no password/],
    ['a secret behind the address', [{ ...good, url: 'https://store.example/?token=x' }], /address/],
    ['an unknown key', [{ ...good, secret: 'x' }], /not known: secret/],
    ['an unknown kind', [{ ...good, kind: 'ftp' }], /kind/],
    ['a kind of every object', [{ ...good, kind: 'toString' }], /kind/],
    ['a name twice', [good, good], /two destinations/],
    ['a name that is a path', [{ ...good, name: '../x' }], /name/],
    ['odd hours', [{ ...good, hours: ['25:00-26:00'] }], /hours/],
    ['a relative folder', [{ ...folder, path: 'usb' }], /path/],
    ['a pin that is none', [{ ...good, pin: 'abc' }], /pin/],
    ['a prefix that climbs', [{ ...good, prefix: '../' }], /prefix/],
    ['a limit of nothing', [{ ...good, limit_bytes_per_second: 0 }], /limit/],
    ['an urgent kind that is none', [{ name: 'p', purpose: 'p', kind: 'ntfy', url: 'https://ntfy.example', urgent: ['x'] }], /urgent/],
  ] as const) t.throws(() => read(destinations), says, why);
  for (const json of ['', '{', '[]', 'null', '{"v":2,"destinations":[]}', '{"v":1}', '{"v":1,"destinations":[],"x":1}']) t.throws(() => readDestinations(json), TypeError, json);
  t.throws(() => read(Array.from({ length: 17 }, (_, index) => ({ ...folder, name: `d${index}` }))), /more than 16/);
});

t.test('what a good file means', async (t) => {
  const destinations = read([
    { ...good, hours: ['22:00-06:00'], limit_bytes_per_second: 500_000, pin: 'a'.repeat(64), ca: '/etc/ca.pem' }, folder,
    { name: 'dav', purpose: 'x', kind: 'webdav', url: 'http://127.0.0.1:8080/dav' }, { name: 'p', purpose: 'p', kind: 'ntfy', url: 'https://ntfy.example', quiet: ['22:00-07:00'], urgent: ['tamper', 'recording stopped'] },
  ]);
  t.match(destinations[0], { hours: [{ from: 1320, until: 360 }] });
  t.same(portsOf(destinations), [53, 443, 8080]);
  t.same(portsOf(read([folder])), [], 'for a folder no connection is made');
  t.same(placesOf(destinations), { reads: ['/etc/ca.pem'], writes: ['/mnt/usb'] });
});
