import t from 'tap';
import { answerChallenge, checkAnswer, parseAuthHeader, parseChallenge, type DigestAlgorithm, type DigestChallenge } from '../../src/base/digest.ts';

/** Reads `response="…"` of an answer made by other software. */
const header = (parts: Record<string, string>): string => `Digest ${Object.entries(parts).map(([key, value]) => `${key}="${value}"`).join(', ')}`;

t.test('the answers of RFC 7616, section 3.9.1, hold', async (t) => {
  const given = { realm: 'http-auth@example.org', nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v', username: 'Mufasa', password: 'Circle of Life', method: 'GET' };
  for (const [algorithm, response] of [['MD5', '8ca523f5e9506fed4657c9700eebdbec'], ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1']] as const) {
    const answer = header({ username: 'Mufasa', realm: given.realm, nonce: given.nonce, uri: '/dir/index.html', qop: 'auth', nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ', response });
    t.ok(checkAnswer(answer, { ...given, algorithm }), algorithm);
    t.notOk(checkAnswer(answer, { ...given, algorithm, password: 'circle of life' }), 'another password');
    t.notOk(checkAnswer(answer, { ...given, algorithm, method: 'POST' }), 'another method');
    t.notOk(checkAnswer(answer, { ...given, algorithm, nonce: 'other' }), 'another nonce');
    t.notOk(checkAnswer(answer, { ...given, algorithm, username: 'mufasa' }), 'another user');
  }
});

t.test('the answer of RFC 2617, section 3.5, holds, and without qop that of RFC 2069', async (t) => {
  const given = { realm: 'testrealm@host.com', nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093', username: 'Mufasa', password: 'Circle Of Life', method: 'GET', algorithm: 'MD5' } as const;
  const common = { username: 'Mufasa', realm: given.realm, nonce: given.nonce, uri: '/dir/index.html' };
  t.ok(checkAnswer(header({ ...common, qop: 'auth', nc: '00000001', cnonce: '0a4f113b', response: '6629fae49393a05397450978507c4ef1' }), given));
  t.ok(checkAnswer(header({ ...common, response: '670fd8c2df070c60b045671b8b24ff02' }), given));
});

t.test('what one end answers the other accepts, for each algorithm', async (t) => {
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] as const) {
    for (const qop of ['auth', undefined] as const) {
      const challenge: DigestChallenge = { realm: 'IP "Camera"', nonce: 'abc', algorithm, qop, opaque: 'o', stale: false };
      const request = { username: 'a"d\\min', password: 'pä:ss', method: 'DESCRIBE', uri: 'rtsp://10.0.0.5/x?a=1,2', count: 17 };
      const answer = answerChallenge(challenge, request);
      t.ok(checkAnswer(answer, { ...request, realm: challenge.realm, nonce: 'abc', algorithm }), `${algorithm} ${qop}`);
      t.equal(answer.includes('nc=00000011'), qop === 'auth', 'the count is eight hex digits');
      t.notOk(answer.includes('pä'), 'the password is not in it');
      t.equal(parseAuthHeader(answer, 'digest')?.get('username'), 'a"d\\min');
    }
  }
});

t.test('the strongest challenge that we can answer is taken', async (t) => {
  const md5 = 'Digest realm="r", nonce="m"';
  const sha = 'Digest realm="r", nonce="s", algorithm=sha-256, qop="auth-int, AUTH", stale=TRUE';
  t.match(parseChallenge([md5, sha]), { nonce: 's', algorithm: 'SHA-256', qop: 'auth', stale: true });
  t.match(parseChallenge([md5, 'Basic realm="r"']), { nonce: 'm', algorithm: 'MD5', qop: undefined, stale: false });
  const refused: readonly (readonly string[])[] = [[], ['Basic realm="r"'], ['Digest realm="r"'], ['Digest realm="r", nonce="x", algorithm=MD4'], ['Digest realm="r", nonce="x", qop="auth-int"']];
  for (const headers of refused) t.equal(parseChallenge(headers), undefined, headers.join());
});

t.test('odd headers are read with bounds', async (t) => {
  t.same(parseAuthHeader('Digest REALM="a\\"b" , nonce = x,opaque=""', 'digest'), new Map([['realm', 'a"b'], ['nonce', 'x'], ['opaque', '']]));
  t.equal(parseAuthHeader(`Digest realm="${'x'.repeat(9000)}"`, 'digest'), undefined);
  t.ok((parseAuthHeader(`Digest ${Array.from({ length: 200 }, (_, index) => `k${index}=v`).join(',')}`, 'digest')?.size ?? 0) <= 32);
  t.equal(parseAuthHeader('Digest realm="never closed', 'digest')?.size, 0);
  t.equal(parseAuthHeader('Basic x', 'digest'), undefined);
  t.notOk(checkAnswer('Digest', { username: '', password: '', method: '', realm: '', nonce: '', algorithm: 'MD5' satisfies DigestAlgorithm }));
});
