import fc from 'fast-check';
import t from 'tap';
import { findDeep, parseXml } from '../../src/base/xml.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { axes, limits, PtzHead } from '../../src/emulator/head.ts';
import { StillClock } from '../cameras/farend.ts';
import { postSoap, securityHeader, startEmulator } from './testkit.ts';

function ask(camera: EmulatedCamera, service: 'ptz' | 'imaging', operation: string, inner = '<ProfileToken>profile_main</ProfileToken>'): Promise<{ status: number; text: string }> {
  return postSoap(camera, `<p:${operation} xmlns:p="http://www.onvif.org/ver20/${service}/wsdl">${inner}</p:${operation}>`, { service, header: securityHeader(camera) });
}

const profile = '<ProfileToken>profile_sub</ProfileToken>';
const panTilt = (element: string, x: number, y: number): string => `<${element}><PanTilt x="${x}" y="${y}"/></${element}>`;

t.test('the head is where the clock says', (t) => {
  const clock = new StillClock();
  const head = new PtzHead(clock);
  head.goTo('pan', 1);
  clock.nowMs += 1000;
  t.equal(head.position.pan, 0.5);
  t.ok(head.moving('pan'));
  clock.nowMs += 5000;
  t.strictSame([head.position.pan, head.moving('pan')], [1, false]);
  head.drive('tilt', -0.5, 1000);
  clock.nowMs += 60_000;
  t.equal(head.position.tilt, -0.25, 'it stops after its time');
  head.drive('zoom', 1, 60_000);
  clock.nowMs += 2000;
  head.stop('zoom');
  clock.nowMs += 2000;
  t.equal(head.position.zoom, 0.5);
  fc.assert(fc.property(fc.array(fc.record({ axis: fc.constantFrom(...axes), velocity: fc.double({ min: -1, max: 1, noNaN: true }), forMs: fc.nat(60_000), thenMs: fc.nat(10_000) }), { maxLength: 20 }), (moves) => {
    for (const { axis, velocity, forMs, thenMs } of moves) {
      head.drive(axis, velocity, forMs);
      clock.nowMs += thenMs;
      const { position } = head;
      if (axes.some((one) => !(position[one] >= limits[one].min && position[one] <= limits[one].max))) return false;
    }
    return true;
  }), { numRuns: 100 });
  t.end();
});

t.test('a camera that moves says so, and one that does not has no such service', async (t) => {
  const { emulator } = await startEmulator(t, { cameras: 2, seconds: 1, ptz: [true, false] });
  const [moving, fixed] = emulator.cameras as [EmulatedCamera, EmulatedCamera];
  t.match((await postSoap(moving, '<GetServices/>')).text, /ver20\/ptz\/wsdl/);
  t.match((await postSoap(moving, '<GetProfiles/>', { service: 'media', header: securityHeader(moving) })).text, /<tt:PTZConfiguration token="PTZConfig1">.*<tt:NodeToken>PTZNode1</s);
  t.match((await postSoap(moving, '<GetCapabilities><Category>PTZ</Category></GetCapabilities>')).text, /<tt:PTZ><tt:XAddr>[^<]*ptz_service</);
  t.notMatch((await postSoap(fixed, '<GetServices/>')).text, /ptz_service/);
  t.equal(fixed.looksAt, undefined);
  t.match(await ask(fixed, 'ptz', 'GetStatus'), { status: 500, text: /ActionNotSupported/ });
});

t.test('moves, presets and home do what they are told, and refuse what cannot be', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1, ptz: true });
  const done = async (operation: string, inner: string): Promise<void> => { t.match(await ask(camera, 'ptz', operation, profile + inner), { status: 200 }, `${operation} ${inner}`); };
  await done('ContinuousMove', `${panTilt('Velocity', 1, 0)}<Timeout>PT60S</Timeout>`);
  t.match((await ask(camera, 'ptz', 'GetStatus')).text, /<tt:PanTilt>MOVING<.*<tt:Zoom>IDLE</s);
  while ((camera.looksAt?.pan ?? 0) <= 0) await new Promise((resolve) => { setImmediate(resolve); });
  await done('Stop', '');
  const stopped = camera.looksAt;
  t.ok((stopped?.pan ?? 0) > 0);
  const set = await ask(camera, 'ptz', 'SetPreset', `${profile}<PresetName>gate</PresetName>`);
  t.match(set.text, /<tptz:PresetToken>1</);
  await done('SetHomePosition', '');
  await done('AbsoluteMove', `${panTilt('Position', -1, 1)}${panTilt('Speed', 1, 1)}`);
  t.match((await ask(camera, 'ptz', 'GetStatus')).text, /MOVING/);
  await done('GotoPreset', '<PresetToken>1</PresetToken>');
  await done('GotoHomePosition', '');
  await done('RelativeMove', '<Translation><Zoom x="0.1"/></Translation>');
  const presets = findDeep(parseXml((await ask(camera, 'ptz', 'GetPresets')).text), 'Preset');
  t.match([presets?.attributes['token'], findDeep(presets, 'Name')?.text], ['1', 'gate']);
  for (const [operation, inner, fault] of [
    ['AbsoluteMove', panTilt('Position', 2, 0), 'InvalidPosition'], ['AbsoluteMove', '', 'InvalidPosition'], ['RelativeMove', panTilt('Translation', Number.NaN, 0), 'InvalidTranslation'],
    ['ContinuousMove', panTilt('Velocity', -3, 0), 'InvalidVelocity'], ['ContinuousMove', `${panTilt('Velocity', 1, 0)}<Timeout>PT1H</Timeout>`, 'TimeoutNotSupported'],
    ['SetPreset', '<PresetName>gate</PresetName>', 'PresetExist'], ['SetPreset', '<PresetToken>9</PresetToken>', 'NoToken'], ['GotoPreset', '<PresetToken>9</PresetToken>', 'NoToken'],
    ['GotoHomePosition', panTilt('Speed', 5, 5), 'InvalidSpeed'],
  ] as const) t.match(await ask(camera, 'ptz', operation, profile + inner), { status: 400, text: `ter:${fault}` }, `${operation} ${fault}`);
  t.match(await ask(camera, 'ptz', 'Stop', '<ProfileToken>none</ProfileToken>'), { status: 400, text: /NoProfile/ });
  await done('RemovePreset', '<PresetToken>1</PresetToken>');
  for (let n = 1; n <= 32; n++) await ask(camera, 'ptz', 'SetPreset', profile);
  t.match(await ask(camera, 'ptz', 'SetPreset', profile), { status: 500, text: /TooManyPresets/ });
});

t.test('the picture is set within its limits, and told as it was set', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const source = '<VideoSourceToken>VideoSource1</VideoSourceToken>';
  const set = (inner: string): Promise<{ status: number; text: string }> => ask(camera, 'imaging', 'SetImagingSettings', `${source}<ImagingSettings xmlns="http://www.onvif.org/ver10/schema">${inner}</ImagingSettings>`);
  t.match(await set('<Brightness>70.5</Brightness><IrCutFilter>OFF</IrCutFilter>'), { status: 200 });
  t.match((await ask(camera, 'imaging', 'GetImagingSettings', source)).text, /Brightness>70.5<.*ColorSaturation>50<.*IrCutFilter>OFF</);
  for (const wrong of ['<Contrast>101</Contrast>', '<Contrast>x</Contrast>', '<Brightness>10</Brightness><IrCutFilter>MAYBE</IrCutFilter>']) t.match(await set(wrong), { status: 400, text: /SettingsInvalid/ }, wrong);
  t.match((await ask(camera, 'imaging', 'GetImagingSettings', source)).text, /Brightness>70.5</, 'what was refused changed nothing');
  t.match((await ask(camera, 'imaging', 'GetOptions', source)).text, /Brightness><tt:Min>0<.*IrCutFilterModes>AUTO</);
  t.match(await ask(camera, 'imaging', 'GetStatus', '<VideoSourceToken>none</VideoSourceToken>'), { status: 400, text: /NoSource/ });
  t.match(await ask(camera, 'imaging', 'Move', source), { status: 500, text: /NoImagingForSource/ });
});
