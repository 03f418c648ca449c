import t from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { FileKey, FileKeys } from '../../src/seal/filekey.ts';

function movableClock(): Clock & { now: number } {
  return { now: 1000, wallMs: () => 0, monotonicMs() { return this.now; }, sleep: async () => {} };
}

t.test('a file key is forgotten 120 s after its segment was closed, and wiped', async (t) => {
  const clock = movableClock();
  const keys = new FileKeys(clock);
  const key = FileKey.generate();
  keys.keep('front/1', key);
  clock.now += 3_600_000;
  keys.forgetDue();
  t.equal(keys.size, 1, 'an open segment keeps its key');
  t.equal(keys.nextDueMs(), undefined);
  keys.closed('front/1');
  t.equal(keys.nextDueMs(), clock.now + 120_000);
  clock.now += 119_999;
  keys.closed('front/1');
  keys.forgetDue();
  t.equal(keys.size, 1, 'closing twice does not prolong it');
  clock.now += 1;
  t.equal(keys.take('front/1'), undefined, 'due is gone, also before anybody swept');
  keys.forgetDue();
  t.equal(keys.size, 0);
  t.ok(key.bytes.every((byte) => byte === 0));
  t.equal(keys.nextDueMs(), undefined);
});

t.test('a key that was taken belongs to the taker', async (t) => {
  const clock = movableClock();
  const keys = new FileKeys(clock, 10);
  const [one, two] = [FileKey.generate(), FileKey.generate()];
  keys.keep('front/1', one);
  keys.keep('front/2', two);
  keys.closed('front/1');
  clock.now += 5;
  keys.closed('front/2');
  t.equal(keys.nextDueMs(), 1010);
  t.equal(keys.take('front/1'), one);
  t.equal(keys.take('front/1'), undefined);
  t.equal(keys.take('front/3'), undefined);
  keys.closed('front/3');
  clock.now += 100;
  keys.forgetDue();
  t.notOk(one.bytes.every((byte) => byte === 0), 'it is not wiped under the taker');
  t.ok(two.bytes.every((byte) => byte === 0));
});

t.test('a key is lent as a copy, as often as it is asked for, until it is forgotten', async (t) => {
  const clock = movableClock();
  const keys = new FileKeys(clock, 10);
  const key = FileKey.generate();
  keys.keep('front/1', key);
  const lent = [keys.lend('front/1'), keys.lend('front/1')];
  for (const copy of lent) t.ok(copy?.bytes.equals(key.bytes));
  lent[0]?.close();
  t.ok(lent[1]?.bytes.equals(key.bytes), 'each is the borrower\'s own');
  keys.closed('front/1');
  clock.now += 10;
  t.equal(keys.lend('front/1'), undefined);
  t.equal(keys.lend('front/2'), undefined);
});

t.test('closing wipes every key, and a key kept twice leaves no first one', async (t) => {
  const keys = new FileKeys(movableClock());
  const [one, two] = [FileKey.generate(), FileKey.generate()];
  keys.keep('front/1', one);
  keys.keep('front/1', two);
  t.ok(one.bytes.every((byte) => byte === 0));
  keys.close();
  t.equal(keys.size, 0);
  t.ok(two.bytes.every((byte) => byte === 0));
});
