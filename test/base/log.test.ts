import t from 'tap';
import { createLog, scrub } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';

t.test('a secret is scrubbed from any text', async (t) => {
  for (const text of [
    'rtsp://admin:hunter2@192.168.1.20:554/stream',
    'http://hunter2@cam/',
    'GET /snap.jpg?user=admin&pwd=hunter2&x=1',
    'http://cam/snap-pwd=hunter2&',
    'Authorization: Basic hunter2',
    '"authorization":"Bearer hunter2"',
    'AGE-SECRET-KEY-1HUNTER2HUNTER2HUNTER2',
  ]) t.notMatch(scrub(text), /hunter2/i, text);
  t.equal(scrub('rtsp://192.168.1.20:554/stream at 5 pictures/s'), 'rtsp://192.168.1.20:554/stream at 5 pictures/s', 'what is no secret stays');
});

t.test('a camera\'s words do not steer a terminal', async (t) => {
  t.equal(scrub('\u001b[2Jclear \u202eright to left\u0007'), '·[2Jclear ·right to left·');
});

t.test('three nets: by type, by name, by look', async (t) => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', write: (line) => lines.push(line) });
  log.info({ camera: 'garden', given: new Secret('hunter2'), password: 'hunter2', login: { token: 'hunter2' }, url: 'rtsp://a:hunter2@cam/' }, 'connected to rtsp://a:hunter2@cam/');
  log.debug('not at this level');
  t.equal(lines.length, 1);
  const [line = ''] = lines;
  t.notMatch(line, /hunter2/);
  t.match(JSON.parse(line), { level: 'info', camera: 'garden' });
});

t.test('a line is bounded and stays one line', async (t) => {
  const lines: string[] = [];
  createLog({ level: 'info', write: (line) => lines.push(line) }).info(`${'x'.repeat(10_000)}\nforged`);
  t.ok((lines[0] ?? '').length < 4100);
  t.equal((lines[0] ?? '').trimEnd().split('\n').length, 1);
});
