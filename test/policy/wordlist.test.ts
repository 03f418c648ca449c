import t from 'tap';
import { createHash } from 'node:crypto';
import { fingerprintWords, words } from '../../src/policy/wordlist.ts';

t.test('there are 2,048 short words, each told from all others by its first four letters', async (t) => {
  t.equal(words.length, 2048);
  t.equal(new Set(words).size, 2048);
  t.equal(new Set(words.map((word) => word.slice(0, 4))).size, 2048);
  t.strictSame(words.filter((word) => !/^[a-z]{3,8}$/.test(word)), []);
  t.strictSame([...words].sort(), words);
});

t.test('the list is the one that it was: another would say other words for the same key', async (t) => {
  t.equal(createHash('sha256').update(words.join('\n')).digest('hex'), 'feb267bca9263a7f995a62f810d92a36b6a63eddcbfc3c2478dcf33c51b72892');
});

t.test('six words say the first 66 bits', async (t) => {
  t.strictSame(fingerprintWords('0'.repeat(64)), Array.from({ length: 6 }, () => words[0]));
  t.strictSame(fingerprintWords('f'.repeat(64)), Array.from({ length: 6 }, () => words[2047]));
  const hex = '00080100200401' + 'ffff'.repeat(8);
  const bits = BigInt(`0x${hex}`).toString(2).padStart(hex.length * 4, '0');
  t.strictSame(fingerprintWords(hex), [0, 11, 22, 33, 44, 55].map((at) => words[Number.parseInt(bits.slice(at, at + 11), 2)]));
  t.strictSame(fingerprintWords(`${hex.slice(0, 17)}0`), fingerprintWords(`${hex.slice(0, 17)}fff`), 'what follows does not matter');
  t.strictSame(fingerprintWords('AB:CD:'.repeat(5)), fingerprintWords('abcd'.repeat(5)), 'as openssl prints it, too');
  t.throws(() => fingerprintWords('ab'), RangeError);
  t.throws(() => fingerprintWords('z'.repeat(64)), RangeError);
});
