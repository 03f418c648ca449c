import fc from 'fast-check';
import t from 'tap';
import { LoginTries, networkOf } from '../../src/policy/logintries.ts';

const minute = 60_000;
const stranger = { nameKey: 'olga', address: '192.168.1.66', device: undefined };
const known = { nameKey: 'olga', address: '192.168.1.66', device: 'A'.repeat(22) };

/** How many of so many tries, one a second, are looked at. */
function tried(tries: LoginTries, count: number, what: (n: number) => Parameters<LoginTries['waitMs']>[0], everyMs = 1000): number {
  let looked = 0;
  for (let n = 0; n < count; n++) {
    if (tries.waitMs(what(n), n * everyMs) > 0) continue;
    tries.begin(what(n), n * everyMs);
    looked++;
  }
  return looked;
}

t.test('people who mistype wait for nothing, who guesses waits longer and longer', async (t) => {
  const tries = new LoginTries();
  for (let n = 0; n < 4; n++) {
    t.equal(tries.waitMs(stranger, n), 0);
    tries.begin(stranger, n);
  }
  tries.passed(stranger);
  t.equal(tries.waitMs(stranger, 10), 0);
  const guesses = tried(new LoginTries(), 86_400, () => stranger);
  t.ok(guesses < 115, `${guesses} of a day's 86,400 guesses are looked at`);
});

t.test('10,000 tries of strangers, from anywhere and for any name, hold up no browser that is known', async (t) => {
  const tries = new LoginTries();
  const looked = tried(tries, 10_000, (n) => ({ nameKey: n % 2 === 0 ? 'olga' : `name ${n}`, address: `10.0.${n % 200}.${n % 250}`, device: undefined }), 10);
  t.ok(looked < 8_000);
  t.ok(tries.waitMs(stranger, 100_000) > 0, 'the name is held');
  t.equal(tries.waitMs(known, 100_000), 0, 'the device is not');
  for (let n = 0; n < 6; n++) tries.begin(known, 100_000);
  t.ok(tries.waitMs(known, 100_000) > 0, 'nor is it free to guess');
});

t.test('many at once gain nothing: each counts from its beginning', async (t) => {
  const tries = new LoginTries();
  let begun = 0;
  for (let n = 0; n < 1000; n++) {
    if (tries.waitMs(stranger, 0) > 0) continue;
    tries.begin(stranger, 0);
    begun++;
  }
  t.equal(begun, 5);
});

t.test('who has an account does not clear the way for trying others\'', async (t) => {
  const tries = new LoginTries();
  let looked = 0;
  for (let n = 0; n < 200; n++) {
    const other = { nameKey: `other ${n}`, address: '192.168.1.9', device: undefined };
    if (tries.waitMs(other, n) === 0) {
      looked++;
      tries.begin(other, n);
    }
    const own = { nameKey: 'own', address: '192.168.1.9', device: undefined };
    if (tries.waitMs(own, n) === 0) {
      tries.begin(own, n);
      tries.passed(own);
    }
  }
  t.ok(looked <= 21, `${looked} others were tried`);
});

t.test('a wait is never longer than a quarter of an hour, and what rests a day is forgotten', async (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 500 }), (count) => {
    const tries = new LoginTries();
    for (let n = 0; n < count; n++) tries.begin(stranger, 0);
    const waitMs = tries.waitMs(stranger, 0);
    t.ok(waitMs <= 15 * minute && tries.waitMs(stranger, waitMs) === 0 && tries.waitMs(stranger, 25 * 60 * minute) === 0);
  }), { numRuns: 50 });
});

t.test('a code has no name: only the address is counted', async (t) => {
  const tries = new LoginTries();
  const code = { nameKey: undefined, address: '10.0.0.1', device: undefined };
  for (let n = 0; n < 30; n++) tries.begin(code, 0);
  t.ok(tries.waitMs(code, 0) > 0);
  t.equal(tries.waitMs({ ...code, address: '10.0.0.2' }, 0), 0);
  for (let n = 0; n < 30; n++) tries.begin({ ...code, address: 'fe80::1' }, 0);
  t.ok(tries.waitMs({ ...code, address: 'fe80::1' }, 0) > 0);
  t.equal(tries.waitMs({ ...code, address: 'fe80::2' }, 0), 0, 'a neighbour in the same /64 keeps nobody from a code');
  t.equal(tries.waitMs({ ...code, nameKey: 'olga' }, 0), 0, 'nor from a passphrase');
});

t.test('a /64 of IPv6 is one household', async (t) => {
  t.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:db8:1:2::9'));
  t.not(networkOf('2001:db8:1:2::9'), networkOf('2001:db8:1:3::9'));
  t.equal(networkOf('::ffff:10.0.0.1'), '10.0.0.1');
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  t.equal(networkOf('::1'), '0:0:0:0::/64');
});
