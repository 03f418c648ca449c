import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { find, findAll, textOf } from '../../src/base/xml.ts';
import { CameraControls } from '../../src/cameras/controls.ts';
import { password, send, sendClock, sendFault, serveFarEnd, startMs, StillClock, type Asked, type FarEnd } from './farend.ts';

const profiles = '<GetProfilesResponse>'
  + '<Profiles token="1.0"><Name>fixed</Name><VideoSourceConfiguration><SourceToken>src&amp;1</SourceToken></VideoSourceConfiguration></Profiles>'
  + '<Profiles token="00&amp;7"><Name>moving</Name><PTZConfiguration token="p"/></Profiles></GetProfilesResponse>';

function answer(asked: Asked, far: { host: string; port: number }): void {
  const { operation } = asked;
  if (operation === 'GetSystemDateAndTime') sendClock(asked, startMs);
  else if (operation === 'GetServices') {
    send(asked, '<GetServicesResponse>' + [['ver10/media/wsdl', 'media'], ['ver20/ptz/wsdl', 'ptz'], ['ver20/imaging/wsdl', 'imaging']]
      .map(([namespace, place]) => `<Service><Namespace>http://www.onvif.org/${namespace}</Namespace><XAddr>http://${far.host}:${far.port}/onvif/${place}</XAddr></Service>`).join('') + '</GetServicesResponse>');
  } else if (operation === 'GetProfiles') send(asked, profiles);
  else if (operation === 'GetPresets') send(asked, '<GetPresetsResponse><Preset token="4"><Name>gate &lt;b&gt;</Name></Preset><Preset token="gate"><Name>other</Name></Preset></GetPresetsResponse>');
  else if (operation === 'GetRelayOutputs') send(asked, '<GetRelayOutputsResponse><RelayOutputs token="r1"><Properties><Mode>Monostable</Mode><DelayTime>PT5S</DelayTime><IdleState>open</IdleState></Properties></RelayOutputs></GetRelayOutputsResponse>');
  else if (operation === 'GetImagingSettings') send(asked, '<GetImagingSettingsResponse><ImagingSettings><Brightness>0</Brightness><Contrast>50.5</Contrast><IrCutFilter>AUTO</IrCutFilter></ImagingSettings></GetImagingSettingsResponse>');
  else if (operation === 'GetOptions') sendFault(asked, 'ActionNotSupported', 'not here', 500);
  else if (operation === 'GetNTP') send(asked, '<GetNTPResponse><NTPInformation><FromDHCP>false</FromDHCP><NTPManual><Type>DNS</Type><DNSname>time.lan</DNSname></NTPManual></NTPInformation></GetNTPResponse>');
  else send(asked, `<${operation}Response/>`);
}

async function visit(t: Parameters<typeof serveFarEnd>[0]): Promise<{ far: FarEnd; controls: CameraControls; clock: StillClock; last: (operation: string) => Asked | undefined }> {
  const far = await serveFarEnd(t, (asked) => answer(asked, far));
  const clock = new StillClock();
  const controls = new CameraControls({ camera: 'garden', address: { host: far.host, port: far.port, path: '/onvif/device_service' }, user: 'me', password: new Secret(password), clock, log: silentLog });
  return { far, controls, clock, last: (operation) => far.asked.findLast((asked) => asked.operation === operation) };
}

function bodyOf(asked: Asked | undefined) {
  return find(asked?.soap, 'Body')?.children[0];
}

t.test('a movement ends by a stop, and by the camera itself should the hub not come back', async (t) => {
  const { far, controls, clock, last } = await visit(t);
  const moving = controls.move({ pan: -0.5, tilt: 0.25, zoom: 0 }, 7000);
  while (!clock.waitsFor(7000)) await new Promise((resolve) => setImmediate(resolve));
  t.equal(last('Stop'), undefined, 'not before its time');
  const body = bodyOf(last('ContinuousMove'));
  t.equal(textOf(body, 'ProfileToken'), '00&7', 'the profile that can be moved; its token stays text');
  t.match(find(body, 'Velocity', 'PanTilt')?.attributes, { x: '-0.5', y: '0.25' });
  t.equal(find(body, 'Velocity', 'Zoom'), undefined, 'what stands still is not said');
  t.equal(textOf(body, 'Timeout'), 'PT8S', 'and one second for the dead man');
  clock.pass(7000);
  await moving;
  t.equal(far.operations().at(-1), 'Stop');
});

t.test('a movement that is called off ends by a stop, too', async (t) => {
  const { controls, last } = await visit(t);
  const off = new AbortController();
  const moving = controls.move({ pan: 0, tilt: 0, zoom: 1 }, 60_000, off.signal);
  while (last('ContinuousMove') === undefined) await new Promise((resolve) => setImmediate(resolve));
  t.equal(find(bodyOf(last('ContinuousMove')), 'Velocity', 'PanTilt'), undefined);
  t.equal(textOf(bodyOf(last('ContinuousMove')), 'Timeout'), 'PT11S', 'ten seconds at most');
  off.abort();
  await moving;
  t.match(bodyOf(last('Stop')), { name: 'Stop' });
});

t.test('places are found by name, then by token; names are escaped', async (t) => {
  const { controls, last } = await visit(t);
  t.same(await controls.goTo('gate <b>'), { token: '4', name: 'gate <b>' });
  t.equal(textOf(bodyOf(last('GotoPreset')), 'PresetToken'), '4');
  t.same(await controls.goTo('gate'), { token: 'gate', name: 'other' });
  await t.rejects(controls.goTo('pond'), { code: 'SP_CAMERA_FAULT', message: /no place called pond; it has gate <b>, other/ });
  await controls.savePreset('a & <b>');
  t.equal(textOf(bodyOf(last('SetPreset')), 'PresetName'), 'a & <b>');
  t.equal(find(bodyOf(last('SetPreset')), 'PresetToken'), undefined);
  await controls.savePreset('other');
  t.equal(textOf(bodyOf(last('SetPreset')), 'PresetToken'), 'gate', 'one of that name is replaced');
});

t.test('a picture\'s number may be 0, and what is not named is not touched', async (t) => {
  const { controls, last } = await visit(t);
  await controls.setImaging(new Map([['Sharpness', 3], ['Brightness', 0]]), 'OFF');
  const body = bodyOf(last('SetImagingSettings'));
  t.equal(textOf(body, 'VideoSourceToken'), 'src&1');
  t.same(find(body, 'ImagingSettings')?.children.map(({ name, text }) => [name, text]), [['Brightness', '0'], ['IrCutFilter', 'OFF'], ['Sharpness', '3']], 'in the schema\'s order');
  const { numbers, infraredFilter } = await controls.imaging();
  t.same([[...numbers], infraredFilter], [[['Brightness', { value: 0 }], ['Contrast', { value: 50.5 }]], 'AUTO'], 'a camera without ranges');
});

t.test('relays and the clock', async (t) => {
  const { controls, last } = await visit(t);
  t.same(await controls.relays(), [{ token: 'r1', delay: 'PT5S', idle: 'open' }]);
  await controls.setRelay('r1', true);
  t.equal(textOf(bodyOf(last('SetRelayOutputState')), 'LogicalState'), 'active');
  t.match(await controls.clock(), { offsetMs: 0, kind: undefined, ntp: { fromNetwork: false, servers: ['time.lan'] } });
  await controls.setClock();
  const utc = find(bodyOf(last('SetSystemDateAndTime')), 'UTCDateTime');
  t.same(findAll(utc, 'Date').flatMap(({ children }) => children.map(({ text }) => text)), ['2026', '11', '24']);
  await controls.useNtp('192.168.1.1');
  t.equal(textOf(bodyOf(last('SetNTP')), 'NTPManual', 'IPv4Address'), '192.168.1.1');
  t.equal(textOf(bodyOf(last('SetSystemDateAndTime')), 'DateTimeType'), 'NTP');
});

t.test('a camera that cannot be moved says so', async (t) => {
  const far = await serveFarEnd(t, (asked) => {
    if (asked.operation === 'GetServices') send(asked, `<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://${far.host}:${far.port}/m</XAddr></Service></GetServicesResponse>`);
    else answer(asked, far);
  });
  const controls = new CameraControls({ camera: 'garden', address: { host: far.host, port: far.port, path: '/onvif/device_service' }, user: 'me', password: new Secret(password), clock: new StillClock(), log: silentLog });
  await t.rejects(controls.presets(), { code: 'SP_CAMERA_FAULT', message: 'garden refused ptz: it has no such service' });
});
