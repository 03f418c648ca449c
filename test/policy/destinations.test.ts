import t from 'tap';
import { placesOf, portsOf, readDestinations } from '../../src/policy/destinations.ts';

const good = { name: 's3', purpose: 'a copy in another house', kind: 's3', url: 'https://store.example', bucket: 'bucket' };
const broker = { name: 'home', purpose: 'lamps', kind: 'mqtt', url: 'mqtts://broker.example' };
const folder = { name: 'disk', purpose: 'a copy', kind: 'folder', path: '/mnt/usb' };
const read = (destinations: readonly object[]) => readDestinations(JSON.stringify({ v: 1, destinations }));

t.test('a destination without a purpose, over an open line, with a secret, or with unknown keys is none', async (t) => {
  for (const [why, destinations, says] of [
    ['no purpose', [{ ...good, purpose: '' }], /purpose/],
    ['a purpose that steers terminals', [{ ...good, purpose: 'a\u001b[2J' }], /purpose/],
    ['plain HTTP to elsewhere', [{ ...good, url: 'http://store.example' }], /https/],
    ['plain HTTP to a name that only begins so', [{ ...good, url: 'http://127.0.0.1.example' }], /https/],
    ['a password in the address', [{ ...good, url: 'https://me:pass@store.example' }], /no password/],
    ['a host that hides another', [{ ...good, url: 'https://store.example%2Eevil.example' }], /not written as it is used/],
    ['a number for a host', [{ ...good, url: 'https://2130706433' }], /not written as it is used/],
    ['a short number for this machine', [{ ...good, url: 'http://127.1:8080' }], /not written as it is used/],
    ['a path that climbs', [{ ...good, url: 'https://store.example/a/%2e%2e/b' }], /not written as it is used/],
    ['a host with a dot at its end', [{ ...good, url: 'https://store.example.' }], /not written as it is used/],
    ['a port that is none', [{ ...good, url: 'https://store.example:0' }], /not written as it is used/],
    ['an empty question', [{ ...good, url: 'https://store.example/?' }], /nothing behind the path/],
    ['a broker that is this machine only by its look', [{ ...broker, url: 'mqtt://127.999.999.999' }], /not written as it is used/],
    ['a broker that hides another', [{ ...broker, url: 'mqtts://broker.example%2Eevil.example' }], /not written as it is used/],
    ['plain MQTT to elsewhere', [{ ...broker, url: 'mqtt://127.0.0.1.example' }], /mqtts/],
    ['a proxy that hides another', [{ ...good, proxy: 'http://3232235777:3128' }], /proxy/],
    ['a proxy for plain HTTP', [{ ...good, url: 'http://127.0.0.1:8080', proxy: 'http://192.168.1.1:3128' }], /url must begin with https/],
    ['a secret behind the address', [{ ...good, url: 'https://store.example/?token=x' }], /address/],
    ['an unknown key', [{ ...good, secret: 'x' }], /not known: secret/],
    ['an unknown kind', [{ ...good, kind: 'ftp' }], /kind/],
    ['a kind of every object', [{ ...good, kind: 'toString' }], /kind/],
    ['a name twice', [good, good], /two destinations/],
    ['a name that is a path', [{ ...good, name: '../x' }], /name/],
    ['odd hours', [{ ...good, hours: ['25:00-26:00'] }], /hours/],
    ['a relative folder', [{ ...folder, path: 'usb' }], /path/],
    ['a folder that climbs', [{ ...folder, path: '/mnt/../etc' }], /path/],
    ['a folder that climbs at its end', [{ ...folder, path: '/mnt/..' }], /path/],
    ['a pin that is none', [{ ...good, pin: 'abc' }], /pin/],
    ['a prefix that climbs', [{ ...good, prefix: '../' }], /prefix/],
    ['a limit of nothing', [{ ...good, limit_bytes_per_second: 0 }], /limit/],
    ['an urgent kind that is none', [{ name: 'p', purpose: 'p', kind: 'ntfy', url: 'https://ntfy.example', urgent: ['x'] }], /urgent/],
  ] as const) t.throws(() => read(destinations), says, why);
  for (const json of ['', '{', '[]', 'null', '{"v":2,"destinations":[]}', '{"v":1}', '{"v":1,"destinations":[],"x":1}']) t.throws(() => readDestinations(json), TypeError, json);
  t.throws(() => read(Array.from({ length: 17 }, (_, index) => ({ ...folder, name: `d${index}` }))), /more than 16/);
});

t.test('addresses that are written as they are used are taken: with a port, in capitals, of IPv6', async (t) => {
  for (const url of ['https://store.example', 'https://STORE.example:443/', 'https://store.example:8443/a/b/', 'https://[2001:db8::1]:8443/dav', 'http://[::1]:8080', 'http://127.0.0.1:8080/dav', 'http://localhost/', 'https://xn--nas-qla.example/a%20b']) t.equal(read([{ ...good, url }]).length, 1, url);
  for (const url of ['mqtts://Broker.example', 'mqtts://broker.example:8883/', 'mqtt://127.0.0.1:1883', 'mqtt://[::1]', 'mqtts://[2001:db8::1]:8883', 'mqtts://192.168.1.4']) t.equal(read([{ ...broker, url }]).length, 1, url);
  for (const proxy of ['http://192.168.1.1:3128', 'http://Proxy.example:80/', 'http://[fd00::1]:3128']) t.equal(read([{ ...good, proxy }]).length, 1, proxy);
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
