import { existsSync } from 'node:fs';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { startEmulator } from '../emulator/testkit.ts';

const wsdl = new URL('../../../shared/fixtures/onvif-wsdl', import.meta.url).pathname;
const python = '/usr/bin/python3';
const zeep = '/usr/lib/python3/dist-packages/zeep';
const missing = [wsdl, python, zeep].find((path) => !existsSync(path));

t.test('a foreign client that knows the WSDL files alone drives each service', { skip: missing === undefined ? false : `no ${missing}`, timeout: 120_000 }, async (t) => {
  const { camera } = await startEmulator(t, { ptz: true, audio: 'alaw' });
  const done = await run(python, [new URL('foreignclient.py', import.meta.url).pathname, wsdl, `${camera.address}:${camera.onvifPort}`, camera.user], { input: Buffer.from(`${camera.password}\n`), timeoutMs: 100_000 });
  t.equal(done.status, 0, done.stderr);
  t.strictSame(done.stdout.toString('utf8').trim().split('\n'), ['device', 'media', 'ptz', 'imaging', 'events']);
});
