import fc from 'fast-check';
import t from 'tap';
import { answerChallenge, parseChallenge } from '../../src/base/digest.ts';
import { findAll, findDeep, parseXml, textOf } from '../../src/base/xml.ts';
import { eventKinds, makes, type EmulatedCamera, type Make } from '../../src/emulator/emulator.ts';
import { factsOf } from '../../src/emulator/makes.ts';
import { hello } from '../../src/emulator/wsmessage.ts';
import { makeFace } from '../../src/emulator/makeface.ts';
import { postSoap, RtspClient, securityHeader, startEmulator } from './testkit.ts';

const device = 'http://www.onvif.org/ver10/device/wsdl';
const media = { media: 'http://www.onvif.org/ver10/media/wsdl', media2: 'http://www.onvif.org/ver20/media/wsdl' };

t.test('each make is walked through from its services to its pictures', { timeout: 60_000 }, async (t) => {
  const { emulator } = await startEmulator(t, { cameras: makes.length, seconds: 1, makes });
  for (const [index, make] of makes.entries()) {
    const camera = emulator.cameras[index] as EmulatedCamera;
    const { habits } = factsOf[make];
    const call = async (body: string, url?: string): Promise<{ status: number; text: string }> => postSoap(camera, body, { header: securityHeader(camera), ...(url === undefined ? {} : { url }) });
    const services = findAll(findDeep(parseXml((await call(`<GetServices xmlns="${device}"/>`)).text), 'GetServicesResponse'), 'Service');
    const xaddrs = new Map(services.map((service) => [textOf(service, 'Namespace') ?? '', textOf(service, 'XAddr') ?? '']));
    t.equal(xaddrs.has(media.media), make !== 'profile-t', `${make}: Media`);
    t.equal(xaddrs.has(media.media2), habits.services.includes('media2'), `${make}: Media2`);
    t.equal(xaddrs.has('http://www.onvif.org/ver20/ptz/wsdl'), habits.moves, `${make}: PTZ`);
    const told = await call(`<GetDeviceInformation xmlns="${device}"/>`);
    t.match([told.status, told.text], [200, `<tds:SerialNumber>${camera.serial}</tds:SerialNumber>`], make);
    const service = xaddrs.has(media.media) ? media.media : media.media2;
    const url = xaddrs.get(service);
    const profiles = findAll(findDeep(parseXml((await call(`<GetProfiles xmlns="${service}"/>`, url)).text), 'GetProfilesResponse'), 'Profiles').map(({ attributes }) => attributes['token'] ?? '');
    t.strictSame(profiles, Object.values(habits.tokens.profiles), `${make}: tokens`);
    const uriOf = async (operation: string, token: string): Promise<string> =>
      findDeep(parseXml((await call(`<${operation} xmlns="${service}"><Protocol>RTSP</Protocol><ProfileToken>${token.replaceAll('&', '&amp;')}</ProfileToken></${operation}>`, url)).text), 'Uri')?.text ?? '';
    for (const [n, name] of (['main', 'sub'] as const).entries()) {
      const uri = await uriOf('GetStreamUri', profiles[n] as string);
      t.equal(uri, `rtsp://${camera.address}:${camera.rtspPort}${habits.rtspPaths[name]}`, `${make}: ${name}`);
      const client = await RtspClient.connect(camera);
      t.match(await client.askAs(camera, 'DESCRIBE', uri), { status: 200, body: /m=video/ });
      client.socket.destroy();
      if (habits.snapshot === undefined) t.equal(await uriOf('GetSnapshotUri', profiles[n] as string), '', `${make}: no snapshot`);
      else t.equal(await fetchSnapshot(camera, await uriOf('GetSnapshotUri', profiles[n] as string), habits.snapshotOpen), 'image/jpeg', `${make}: snapshot of ${name}`);
    }
  }
  const tapo = emulator.cameras[makes.indexOf('tapo')] as EmulatedCamera;
  t.match([tapo.urn, tapo.onvifPort], ['urn:uuid:3fa1fe68-b915-4053-a3e1-c006c3afec0e', 2020]);
  t.match(await postSoap(tapo, `<GetUsers xmlns="${device}"/>`), { status: 400, challenge: null }, 'it knows no HTTP Digest');
  const axis = emulator.cameras[makes.indexOf('axis')] as EmulatedCamera;
  t.match(await postSoap(axis, `<GetUsers xmlns="${device}"/>`), { status: 401, challenge: /algorithm=SHA-256/ });
});

async function fetchSnapshot(camera: EmulatedCamera, url: string, open: boolean): Promise<string | null> {
  const first = await fetch(url);
  await first.arrayBuffer();
  if (open) return first.headers.get('content-type');
  const challenge = parseChallenge([first.headers.get('www-authenticate') ?? '']);
  if (challenge === undefined) return 'no challenge';
  const { pathname, search } = new URL(url);
  const answer = await fetch(url, { headers: { Authorization: answerChallenge(challenge, { username: camera.user, password: camera.password, method: 'GET', uri: pathname + search, count: 1 }) } });
  await answer.arrayBuffer();
  return answer.headers.get('content-type');
}

t.test('each make tells of what happens under its own topics', async (t) => {
  const { emulator } = await startEmulator(t, { cameras: makes.length, seconds: 1, makes });
  const ns = 'xmlns="http://www.onvif.org/ver10/events/wsdl"';
  for (const [index, make] of makes.entries()) {
    const camera = emulator.cameras[index] as EmulatedCamera;
    const url = `http://${camera.address}:${camera.onvifPort}${factsOf[make].habits.paths.events}`;
    const created = parseXml((await postSoap(camera, `<CreatePullPointSubscription ${ns}/>`, { url, header: securityHeader(camera) })).text);
    const where = findDeep(created, 'Address')?.text ?? '';
    const id = findDeep(created, 'SubscriptionId')?.text;
    t.equal(id !== undefined, make === 'axis', `${make}: by reference parameter`);
    const pull = async (): Promise<string> => (await postSoap(camera, `<PullMessages ${ns}><Timeout>PT0S</Timeout><MessageLimit>60</MessageLimit></PullMessages>`, { url: where, header: `${id === undefined ? '' : `<SubscriptionId>${id}</SubscriptionId>`}${securityHeader(camera)}` })).text;
    await pull();
    for (const kind of eventKinds) {
      camera.raise(kind, true);
      const told = [...(await pull()).matchAll(/<wsnt:Topic [^>]*>([^<]*)</g)].map((match) => match[1]);
      t.strictSame(told, factsOf[make].habits.topics[kind].map(({ path }) => path), `${make}: ${kind}`);
    }
  }
});

t.test('a camera may lie about its address in each known way', (t) => {
  const { signal } = new AbortController();
  const face = makeFace({ name: 'x', address: '127.1.2.3', streams: {} as never, user: 'u', password: 'p', talk: [], tls: 'none', rebootMs: 0, closed: signal, make: 'standard' satisfies Make, moves: false, ports: { onvif: 80, rtsp: 1 } });
  const told = (xaddrs: typeof face.quirks.xaddrs): string => {
    if (xaddrs === undefined) delete face.quirks.xaddrs;
    else face.quirks.xaddrs = xaddrs;
    return findDeep(parseXml(hello(face, { instance: 1, number: 1 })), 'XAddrs')?.text ?? '';
  };
  const path = '/onvif/device_service';
  for (const [xaddrs, text] of [
    [undefined, `http://127.1.2.3:80${path}`], ['unset', `http://0.0.0.0:80${path}`], ['link-local', `http://169.254.7.33:80${path}`], ['with link-local', `http://127.1.2.3:80${path} http://169.254.7.33:80${path}`],
    ['IPv6', `http://[fe80::4619:b6ff:fe3e:baa1]:80${path}`], ['with IPv6', `http://127.1.2.3:80${path} http://[fe80::4619:b6ff:fe3e:baa1]:80${path}`], ['wrong host', `http://192.0.2.77:80${path}`], ['none', ''],
  ] as const) t.equal(told(xaddrs), text, xaddrs ?? 'the truth');
  fc.assert(fc.property(fc.constantFrom(...makes), (make) => factsOf[make].habits.services.includes('device') && new Set(Object.values(factsOf[make].habits.rtspPaths)).size === 2));
  t.end();
});
