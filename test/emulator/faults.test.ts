import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { EmulatorControl } from '../../src/emulator/controlsocket.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { Faults } from '../../src/emulator/faults.ts';
import { faultLines, faultTable, readFaultOrder } from '../../src/emulator/faulttable.ts';
import { ownAddress, postSoap, RtspClient, startEmulator } from './testkit.ts';

const askClock = '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/>';

async function startFaults(t: Test, cameras = 1): Promise<{ camera: EmulatedCamera; faults: Faults; cameras: readonly EmulatedCamera[] }> {
  const { emulator, camera } = await startEmulator(t, { seconds: 1, cameras, tls: 'also' });
  const faults = new Faults(emulator.cameras, silentLog);
  t.teardown(() => faults.close());
  return { camera, faults, cameras: emulator.cameras };
}

t.test('an order on the command line is read, or refused with what there is', async (t) => {
  const cases: [text: string, order: object][] = [
    ['front-door=stall', { camera: 'front-door', fault: 'stall' }],
    ['front-door=stall@30s+10s', { camera: 'front-door', fault: 'stall', afterSeconds: 30, forSeconds: 10 }],
    ['*=drop:5@1.5', { camera: '*', fault: 'drop', value: '5', afterSeconds: 1.5 }],
    ['garden=move:127.9.9.9', { camera: 'garden', fault: 'move', value: '127.9.9.9' }],
    ['garden=clock:-3600+2', { camera: 'garden', fault: 'clock', value: '-3600', forSeconds: 2 }],
    ['hall=event:person', { camera: 'hall', fault: 'event', value: 'person' }],
  ];
  for (const [text, order] of cases) t.strictSame(readFaultOrder(text), order, text);
  for (const text of ['', 'stall', '=stall', 'a=', 'a=nonsense', 'a=constructor', 'a=stall:5', 'a=drop:0', 'a=drop:x', 'a=drop:', 'a=move:10.0.0.1', 'a=move:127.0.0.300', 'a=move:127.255.255.255', 'a=event:earthquake', 'a=reset+5', 'a=stall@99999', 'a b=stall', 'a=stall@x']) {
    t.throws(() => readFaultOrder(text), { code: 'SP_EMULATED_FAULT' }, text);
  }
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      return Object.hasOwn(faultTable, readFaultOrder(`a=${text}`).fault);
    } catch (error) {
      return (error as { code?: string }).code === 'SP_EMULATED_FAULT';
    }
  }));
  t.equal(faultLines().length, Object.keys(faultTable).length);
});

t.test('every fault begins, ends, and leaves a camera that answers', async (t) => {
  const { camera, faults } = await startFaults(t);
  const values: Record<string, string> = { move: ownAddress(), password: 'another', reboot: '0.1' };
  for (const [fault, { end }] of Object.entries(faultTable)) {
    await faults.order({ camera: camera.name, fault, ...(values[fault] === undefined ? {} : { value: values[fault] }) });
    t.equal(faults.list().some((state) => state.fault === fault), end !== undefined, fault);
    await faults.end({ camera: camera.name, fault });
    t.strictSame(faults.list(), []);
    t.strictSame({ ...camera.quirks, broken: undefined }, { broken: undefined }, `${fault} leaves nothing`);
    // A reboot is still under way.
    if (fault === 'reboot') await camera.start();
    t.equal((await postSoap(camera, askClock)).status, 200);
  }
  t.strictSame([camera.address, camera.password], [values['move'], 'another']);
});

t.test('faults last as long as they are told, one of a kind at a time', async (t) => {
  const { faults, cameras } = await startFaults(t, 2);
  const [first, second] = cameras as [EmulatedCamera, EmulatedCamera];
  await faults.order({ camera: '*', fault: 'garbage' });
  await faults.order({ camera: first.name, fault: 'flood' });
  t.strictSame(faults.list().map(({ camera, fault }) => `${camera} ${fault}`).toSorted(), ['front-door flood', 'garden garbage']);
  t.strictSame([first.quirks.hostile, second.quirks.hostile], ['flood', 'garbage']);
  await faults.end({ camera: '*' });
  t.strictSame([first.quirks.hostile, second.quirks.hostile], [undefined, undefined]);
  await faults.order({ camera: first.name, fault: 'drop', value: 30, afterSeconds: 0.02 });
  t.equal(first.quirks.lossPercent, undefined, 'not yet');
  while (first.quirks.lossPercent !== 30) await new Promise((resolve) => setTimeout(resolve, 1));
  await faults.order({ camera: first.name, fault: 'drop', value: 30, forSeconds: 0.02 });
  while (faults.list().length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  t.equal(first.quirks.lossPercent, undefined, 'over');
  await t.rejects(faults.order({ camera: 'nobody', fault: 'stall', afterSeconds: 1 }), { code: 'SP_EMULATED_FAULT' });
  await faults.order({ camera: first.name, fault: 'away' });
  await faults.order({ camera: first.name, fault: 'move', value: ownAddress() });
  t.equal((await postSoap(first, askClock)).status, 200, 'who is away comes up elsewhere');
  await faults.end({ camera: first.name });
  t.equal((await postSoap(first, askClock)).status, 200);
});

t.test('HTTP answers come slowly, are refused, have no end, or no bottom', async (t) => {
  const { camera, faults } = await startFaults(t);
  const whole = await postSoap(camera, askClock);
  await faults.order({ camera: camera.name, fault: 'slow', value: 10_000 });
  t.equal((await postSoap(camera, askClock)).text.length, whole.text.length, 'slow, but whole');
  await faults.order({ camera: camera.name, fault: 'giant', value: 3 });
  t.ok((await postSoap(camera, askClock)).text.length > 3 * 2 ** 20);
  await faults.order({ camera: camera.name, fault: 'deep', value: 5000 });
  t.match((await postSoap(camera, askClock)).text, /(?:<a>){5000}(?:<\/a>){5000}/);
  await faults.order({ camera: camera.name, fault: '401-loop' });
  const refused = [await postSoap(camera, askClock), await postSoap(camera, askClock)];
  t.strictSame(refused.map(({ status }) => status), [401, 401]);
  t.not(refused[0]?.challenge, refused[1]?.challenge);
  const client = await RtspClient.connect(camera);
  t.equal((await client.askAs(camera, 'DESCRIBE', `rtsp://${camera.address}:${camera.rtspPort}/main`)).status, 401);
  client.socket.destroy();
  await faults.order({ camera: camera.name, fault: 'drip' });
  t.equal(camera.quirks.refusesAll, undefined, 'the refusal has ended');
  const dripping = request({ host: camera.address, port: camera.onvifPort, method: 'POST', path: '/onvif/device_service' });
  dripping.on('error', () => {});
  dripping.end('x');
  await new Promise((resolve) => dripping.once('response', resolve));
  // Who has enough of it leaves, and the camera goes on.
  dripping.destroy();
  await faults.end({ camera: camera.name });
  t.equal((await postSoap(camera, askClock)).status, 200);
});

function askSocket(socketPath: string, method: string, path: string, body?: string): Promise<{ status: number; json: unknown }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, agent: false, headers: body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, json: JSON.parse(Buffer.concat(chunks).toString()) as unknown }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

t.test('the control socket is its user\'s alone, does what it is told, and refuses everything else', async (t) => {
  const { camera, faults } = await startFaults(t);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-emulate-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'control');
  const control = await EmulatorControl.open(path, { cameras: () => [{ name: camera.name }], faults });
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.strictSame((await askSocket(path, 'GET', '/cameras')).json, { cameras: [{ name: 'front-door' }] });
  t.match(await askSocket(path, 'POST', '/faults', '{"camera":"front-door","fault":"drop","value":7}'), { status: 200, json: { faults: [{ camera: 'front-door', fault: 'drop', value: 7 }] } });
  t.equal(camera.quirks.lossPercent, 7);
  t.match(await askSocket(path, 'DELETE', '/faults', '{"camera":"*"}'), { status: 200, json: { faults: [] } });
  for (const [method, url, body] of [
    ['POST', '/faults', 'no json'], ['POST', '/faults', '[]'], ['POST', '/faults', 'null'], ['POST', '/faults', '{}'], ['POST', '/faults', '{"camera":"front-door","fault":"stall","more":1}'],
    ['POST', '/faults', '{"camera":"front-door","fault":"stall","forSeconds":"1"}'], ['POST', '/faults', '{"camera":"front-door","fault":"stall","forSeconds":-1}'], ['POST', '/faults', '{"camera":"nobody","fault":"stall"}'],
    ['POST', '/faults', '{"camera":"front-door","fault":"__proto__"}'], ['POST', '/faults', `"${'a'.repeat(100_000)}"`], ['DELETE', '/faults', '{"fault":"stall"}'], ['GET', '/', undefined], ['PUT', '/faults', '{}'],
  ] as const) {
    t.match(await askSocket(path, method, url, body), { status: 400, json: { error: { code: 'SP_EMULATED_FAULT' } } }, `${method} ${url} ${body?.slice(0, 80)}`);
  }
  t.strictSame(faults.list(), []);
  const again = await EmulatorControl.open(path, { cameras: () => [], faults });
  t.strictSame((await askSocket(path, 'GET', '/cameras')).json, { cameras: [] }, 'a socket that was left behind is replaced');
  await again.close();
  await control.close();
  await t.rejects(EmulatorControl.open(join(folder, 'x'.repeat(120)), { cameras: () => [], faults }), { code: 'SP_EMULATOR' }, 'a path too long for a socket');
  writeFileSync(path, 'a file');
  await t.rejects(EmulatorControl.open(path, { cameras: () => [], faults }), { code: 'SP_WRITE' }, 'a file is not');
});
