import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import { run } from '../../src/base/spawn.ts';
import { startEmulator } from '../emulator/testkit.ts';
import { copyWsdl, noMedia2, noWsdl } from './wsdl.ts';

const python = '/usr/bin/python3';
const missing = [python, '/usr/lib/python3/dist-packages/zeep'].find((path) => !existsSync(path));
const noZeep = missing === undefined ? false : `no ${missing}`;

t.test('a foreign client that knows the WSDL files alone drives each service', { skip: noWsdl || noZeep, timeout: 120_000 }, (t) => drive(t, ['device', 'media', 'ptz', 'imaging', 'events']));

t.test('and Media2', { skip: noMedia2 || noZeep, timeout: 120_000 }, (t) => drive(t, ['media2']));

async function drive(t: Test, services: readonly string[]): Promise<void> {
  const { camera } = await startEmulator(t, { ptz: true, audio: 'alaw' });
  const wsdl = t.testdir();
  await copyWsdl(wsdl);
  const done = await run(python, [new URL('foreignclient.py', import.meta.url).pathname, wsdl, `${camera.address}:${camera.onvifPort}`, camera.user, ...services], { input: Buffer.from(`${camera.password}\n`), timeoutMs: 100_000 });
  t.equal(done.status, 0, done.stderr);
  t.strictSame(done.stdout.toString('utf8').trim().split('\n'), services);
}
