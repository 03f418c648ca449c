import t from 'tap';
import { answerChallenge, checkAnswer, parseAuthHeader, parseChallenge, type DigestAlgorithm, type DigestChallenge } from '../../src/base/digest.ts';

/** RFC 7616, 3.9.1: the client's nonce is given there, so the answer is checked by the server's half. */
const example = {
  header: (algorithm: string, response: string) => 'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
    + `algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", `
    + `qop=auth, response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
  expected: { username: 'Mufasa', password: 'Circle of Life', method: 'GET', realm: 'http-auth@example.org', nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v' },
};

t.test('the answers of RFC 7616 are accepted, and no others', async (t) => {
  const answers: [DigestAlgorithm, string][] = [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ];
  for (const [algorithm, response] of answers) {
    const header = example.header(algorithm, response);
    const expected = { ...example.expected, algorithm };
    t.ok(checkAnswer(header, expected), algorithm);
    t.notOk(checkAnswer(header, { ...expected, password: 'circle of life' }), 'another password');
    t.notOk(checkAnswer(header, { ...expected, method: 'POST' }), 'another method');
    t.notOk(checkAnswer(header, { ...expected, nonce: 'another' }), 'another nonce');
    t.notOk(checkAnswer(example.header(algorithm, response.slice(1)), expected), 'a shortened response');
  }
  t.notOk(checkAnswer('Basic TXVmYXNhOng=', { ...example.expected, algorithm: 'MD5' }), 'another scheme');
});

t.test('what the client answers, the server accepts: every algorithm, with and without qop', async (t) => {
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] as const) {
    for (const qop of ['auth', undefined] as const) {
      const challenge: DigestChallenge = { realm: 'a "quoted" \\ realm', nonce: 'n', algorithm, qop, opaque: 'o', stale: false };
      const answer = answerChallenge(challenge, { username: 'u"\\', password: 'pä:ss', method: 'DESCRIBE', uri: 'rtsp://127.0.0.1/a?b=c,d', count: 17 });
      t.ok(checkAnswer(answer, { ...challenge, username: 'u"\\', password: 'pä:ss', method: 'DESCRIBE' }), `${algorithm} ${qop ?? 'without qop'}`);
      t.notMatch(answer, /pä/, 'the password does not travel');
    }
  }
});

t.test('the strongest challenge that can be answered is taken', async (t) => {
  const md5 = 'Digest realm="cam", nonce="1", qop="auth-int, auth"';
  t.match(parseChallenge(['Basic realm="x"', md5, 'Digest realm="cam", nonce="2", algorithm=sha-256, qop="auth", stale=TRUE']), { algorithm: 'SHA-256', nonce: '2', qop: 'auth', stale: true });
  t.match(parseChallenge([md5]), { algorithm: 'MD5', nonce: '1', qop: 'auth', stale: false });
  for (const header of ['Basic realm="x"', 'Digest realm="cam"', 'Digest realm="cam", nonce="1", algorithm=SHA-512', 'Digest realm="cam", nonce="1", qop="auth-int"', '']) {
    t.equal(parseChallenge([header]), undefined, `cannot be answered: ${header}`);
  }
});

t.test('a hostile header ends soon', async (t) => {
  t.equal(parseAuthHeader(`Digest ${'a=b,'.repeat(5000)}`, 'digest'), undefined, 'too long');
  t.equal(parseAuthHeader(`Digest ${'a=b,'.repeat(100)}`, 'digest')?.size, 1);
  t.equal(parseAuthHeader(`Digest ${Array.from({ length: 100 }, (_, n) => `p${n}=1`).join(',')}`, 'digest')?.size, 32, 'bounded');
  t.same([...parseAuthHeader('Digest __proto__="x", constructor=y', 'digest') ?? []], [['__proto__', 'x'], ['constructor', 'y']]);
});
