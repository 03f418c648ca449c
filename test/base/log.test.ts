import t from 'tap';
import { createLog, scrub } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';

function logInto(lines: string[]): ReturnType<typeof createLog> {
  return createLog({ level: 'debug', write: (line) => lines.push(line) });
}

t.test('a line is JSON with level, time, keys and a sentence', async (t) => {
  const lines: string[] = [];
  logInto(lines).info({ component: 'vault', camera: 'front' }, 'closed');
  t.equal(lines.length, 1);
  const line = JSON.parse(lines[0] as string) as Record<string, unknown>;
  t.match(line, { level: 'info', component: 'vault', camera: 'front', msg: 'closed', time: /^\d{4}-\d\d-\d\dT/ });
  t.notOk('pid' in line || 'hostname' in line);
});

t.test('first net: a Secret prints as [secret] wherever it is put', async (t) => {
  const lines: string[] = [];
  const secret = new Secret('tr0ub4dor');
  logInto(lines).info({ camera: { login: secret }, list: [secret], odd: secret }, `text ${secret}`);
  t.notOk(lines.join('').includes('tr0ub4dor'), lines.join(''));
  t.ok(lines.join('').includes('[secret]'));
});

t.test('second net: what is called a password is not printed', async (t) => {
  const lines: string[] = [];
  for (const key of ['password', 'pass', 'passphrase', 'secret', 'token', 'authorization', 'cookie', 'identity', 'key']) {
    logInto(lines).info({ [key]: 'tr0ub4dor', inner: { [key]: 'tr0ub4dor', more: { [key]: 'tr0ub4dor' } } }, 'x');
  }
  t.notOk(lines.join('').includes('tr0ub4dor'), lines.join(''));
});

t.test('third net: what stands inside a text is scrubbed', async (t) => {
  const cases: readonly (readonly [what: string, text: string])[] = [
    ['user info in an address', 'could not open rtsp://admin:tr0ub4dor@10.0.0.5:554/h264'],
    ['user info with an at sign', 'rtsp://admin:p@tr0ub4dor@10.0.0.5/'],
    ['user info in quotes', 'Error opening \'rtsp://admin:tr0ub4dor@cam/\' now'],
    ['a parameter', 'http://10.0.0.5/snap.cgi?usr=admin&pwd=tr0ub4dor&x=1'],
    ['CamHi\'s parameter', 'http://10.0.0.5/tmpfs/auto.jpg?-usr=x&-pwd=tr0ub4dor'],
    ['digest', 'Authorization: Digest username="a", response="tr0ub4dor"'],
    ['basic', 'authorization: Basic tr0ub4dor'],
    ['an identity', `AGE-SECRET-KEY-1${'tr0ub4dor'.toUpperCase()}QQQQ`],
    ['a lower-case identity', 'age-secret-key-1tr0ub4dorqqqqqqq'],
  ];
  for (const [what, text] of cases) {
    const lines: string[] = [];
    logInto(lines).warn({ detail: text }, text);
    t.notOk(/tr0ub4dor/i.test(lines.join('')), `${what}: ${lines.join('')}`);
    t.notOk(/tr0ub4dor/i.test(scrub(text)), what);
  }
});

t.test('what is no secret stays readable', async (t) => {
  for (const text of ['rtsp://10.0.0.5:554/h264', 'frame=12 fps=25', 'mail me @ home', 'a=1&b=2']) t.equal(scrub(text), text);
});

t.test('a camera\'s words do not steer the terminal', async (t) => {
  t.equal(scrub('\u001b[2J\u0007\u009b1m\u202eabc'), '·[2J··1m·abc');
  t.equal(scrub('tab\tand line\nstay'), 'tab\tand line\nstay');
});

t.test('a line has a bound and stays one line, and JSON where it is not cut', async (t) => {
  const lines: string[] = [];
  logInto(lines).info('x\nforged {"level":"info"}');
  logInto(lines).info({ detail: 'Authorization: Digest username="a", response="x"', after: 'seen' }, 'y');
  t.strictSame(lines.map((line) => line.trimEnd().split('\n').length), [1, 1]);
  t.match(JSON.parse(lines[1] as string), { after: 'seen', msg: 'y' });
  lines.length = 0;
  logInto(lines).info('x'.repeat(100_000));
  t.ok((lines[0] as string).length < 4100);
  t.ok((lines[0] as string).endsWith('…\n'));
});
