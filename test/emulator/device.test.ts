import t, { type Test } from 'tap';
import { connect } from 'node:net';
import { findDeep, parseXml, textOf } from '../../src/base/xml.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { postSoap, securityHeader, startEmulator } from './testkit.ts';

const ns = 'xmlns="http://www.onvif.org/ver10/device/wsdl"';

/** One call of the device service, as the camera's own user unless told otherwise. */
function caller(camera: EmulatedCamera): (operation: string, inner?: string, header?: string) => Promise<{ status: number; text: string }> {
  return (operation, inner = '', header = securityHeader(camera, { createdMs: Date.now() + shiftOf(camera) })) => postSoap(camera, `<${operation} ${ns}>${inner}</${operation}>`, { header });
}

const shifts = new WeakMap<EmulatedCamera, number>();
const shiftOf = (camera: EmulatedCamera): number => shifts.get(camera) ?? 0;

async function clockOf(camera: EmulatedCamera): Promise<number> {
  const { text } = await postSoap(camera, `<GetSystemDateAndTime ${ns}/>`);
  const utc = findDeep(parseXml(text), 'UTCDateTime');
  const part = (...path: readonly string[]): number => Number(textOf(utc, ...path));
  return Date.UTC(part('Date', 'Year'), part('Date', 'Month') - 1, part('Date', 'Day'), part('Time', 'Hour'), part('Time', 'Minute'), part('Time', 'Second'));
}

const near = (t: Test, ms: number, expected: number, name: string): boolean => t.ok(Math.abs(ms - expected) < 5000, `${name}: ${ms - expected} ms off`);
const moment = (date: Date): string => `<UTCDateTime><Time><Hour>${date.getUTCHours()}</Hour><Minute>${date.getUTCMinutes()}</Minute><Second>${date.getUTCSeconds()}</Second></Time>`
  + `<Date><Year>${date.getUTCFullYear()}</Year><Month>${date.getUTCMonth() + 1}</Month><Day>${date.getUTCDate()}</Day></Date></UTCDateTime>`;

t.test('a clock that was set is the clock from then on, for tokens and events too', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const call = caller(camera);
  const yesterday = Date.now() - 86_400_000;
  t.match(await call('SetSystemDateAndTime', `<DateTimeType>Manual</DateTimeType><DaylightSavings>false</DaylightSavings><TimeZone><TZ>CET-1CEST,M3.5.0,M10.5.0/3</TZ></TimeZone>${moment(new Date(yesterday))}`), { status: 200 });
  near(t, await clockOf(camera), yesterday, 'set to yesterday');
  t.match(await postSoap(camera, '<GetUsers/>', { header: securityHeader(camera) }), { status: 400, text: /NotAuthorized/ }, 'tokens of today are of the future');
  shifts.set(camera, -86_400_000);
  t.match(await call('GetUsers'), { status: 200 });
  t.match((await call('GetSystemDateAndTime')).text, /Manual.*CET-1CEST/);
  t.match(await call('SetSystemDateAndTime', `<DateTimeType>Manual</DateTimeType>${moment(new Date(yesterday)).replace(/<Month>\d+/, '<Month>2').replace(/<Day>\d+/, '<Day>30')}`), { status: 400, text: /InvalidDateTime/ });
  t.match(await call('SetSystemDateAndTime', '<DateTimeType>Sundial</DateTimeType>'), { status: 400, text: /InvalidDateTime/ });
  t.match(await call('SetSystemDateAndTime', '<DateTimeType>NTP</DateTimeType>'), { status: 200 });
  near(t, await clockOf(camera), Date.now(), 'by NTP it is right');
  camera.quirks.clockStep = { atMs: Date.now() + 3_600_000, byMs: 7200_000 };
  near(t, await clockOf(camera), Date.now(), 'before the step');
  camera.quirks.clockStep = { atMs: Date.now() - 1, byMs: 7200_000 };
  near(t, await clockOf(camera), Date.now() + 7200_000, 'after the step');
  delete camera.quirks.clockStep;
  camera.quirks.localTimeToldMs = 3_600_000;
  near(t, await clockOf(camera), Date.now() + 3_600_000, 'local time is told as UTC');
  shifts.set(camera, 0);
  t.match(await call('GetUsers'), { status: 200 }, 'and tokens are judged by the truth');
});

t.test('users come and go, and each may do what its level allows', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const call = caller(camera);
  const user = (name: string, level: string, password?: string): string => `<User><Username>${name}</Username>${password === undefined ? '' : `<Password>${password}</Password>`}<UserLevel>${level}</UserLevel></User>`;
  t.match(await call('CreateUsers', user('olga', 'Operator', 'o-pass') + user('ulf', 'User', 'u-pass')), { status: 200 });
  t.match(await call('GetUsers'), { text: /admin<.*Administrator<.*olga<.*Operator<.*ulf<.*User</ });
  const as = (name: string, password: string): string => securityHeader({ ...camera, user: name } as EmulatedCamera, { password });
  for (const [operation, inner, olga, ulf] of [
    ['GetDeviceInformation', '', 200, 200], ['SetRelayOutputState', '<RelayOutputToken>RelayOutput1</RelayOutputToken><LogicalState>active</LogicalState>', 200, 400],
    ['GetUsers', '', 400, 400], ['SetHostname', '<Name>x</Name>', 400, 400], ['SystemReboot', '', 400, 400],
  ] as const) {
    t.equal((await call(operation, inner, as('olga', 'o-pass'))).status, olga, `${operation} by an operator`);
    t.equal((await call(operation, inner, as('ulf', 'u-pass'))).status, ulf, `${operation} by a user`);
  }
  t.match(await call('GetDeviceInformation', '', as('olga', 'u-pass')), { status: 400 });
  for (const [operation, inner, fault] of [
    ['CreateUsers', user('ulf', 'User', 'x'), 'UsernameClash'], ['CreateUsers', user('', 'User', 'x'), 'UsernameTooShort'], ['CreateUsers', user('new', 'User'), 'PasswordTooWeak'],
    ['CreateUsers', Array.from({ length: 6 }, (_, n) => user(`u${n}`, 'User', 'x')).join(''), 'TooManyUsers'], ['SetUser', user('nobody', 'User'), 'UsernameMissing'],
    ['SetUser', user('admin', 'User'), 'FixedUser'], ['DeleteUsers', '<Username>admin</Username>', 'FixedUser'],
  ] as const) t.match((await call(operation, inner)).text, `ter:${fault}`, fault);
  t.match(await call('SetUser', user('ulf', 'Operator', 'new')), { status: 200 });
  t.match(await call('GetDeviceInformation', '', as('ulf', 'new')), { status: 200 });
  t.match(await call('DeleteUsers', '<Username>ulf</Username>'), { status: 200 });
  t.match(await call('GetDeviceInformation', '', as('ulf', 'new')), { status: 400 });
  t.match(await call('SetUser', user('admin', 'Administrator', 'changed &amp; long')), { status: 200 });
  t.equal(camera.password, 'changed & long');
  t.match(await call('GetUsers'), { status: 200 }, 'by the new password');
});

t.test('what was set is told: host name, scopes, time servers, relay', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const call = caller(camera);
  await call('SetHostname', '<Name>porch-2</Name>');
  t.match(await call('GetHostname'), { text: /<tt:Name>porch-2</ });
  t.match(await call('SetHostname', '<Name>a b</Name>'), { status: 400, text: /InvalidHostname/ });
  await call('SetScopes', '<Scopes>onvif://www.onvif.org/name/Porch</Scopes>');
  t.match(await call('GetScopes'), { text: /Fixed<.*Configurable<.*name\/Porch</ });
  t.match(await call('RemoveScopes', '<ScopeItem>onvif://www.onvif.org/type/video_encoder</ScopeItem>'), { status: 400, text: /FixedScope/ });
  t.match(await call('SetScopes', '<Scopes>onvif://www.onvif.org/Profile/Streaming</Scopes>'), { status: 400, text: /ScopeOverwrite/ });
  t.match(await call('GetNTP'), { text: /<tt:FromDHCP>true</ });
  await call('SetNTP', '<FromDHCP>false</FromDHCP><NTPManual><Type>IPv4</Type><IPv4Address>10.0.0.1</IPv4Address></NTPManual>');
  t.match(await call('GetNTP'), { text: /<tt:FromDHCP>false<.*<tt:IPv4Address>10\.0\.0\.1</ });
  t.match(await call('SetNTP', '<FromDHCP>false</FromDHCP><NTPManual><Type>DNS</Type><DNSname>a b</DNSname></NTPManual>'), { status: 400, text: /InvalidDnsName/ });
  await call('SetRelayOutputSettings', '<RelayOutputToken>RelayOutput1</RelayOutputToken><Properties><Mode>Bistable</Mode><DelayTime>PT2S</DelayTime><IdleState>closed</IdleState></Properties>');
  t.match(await call('GetRelayOutputs'), { text: /Bistable<.*PT2S<.*closed</ });
  t.match(await call('SetRelayOutputState', '<RelayOutputToken>other</RelayOutputToken><LogicalState>active</LogicalState>'), { status: 400, text: /RelayToken/ });
  t.match(await call('GetNetworkInterfaces'), { text: /<tt:HwAddress>02:00:7f:/ });
});

t.test('SystemReboot cuts every connection, and the camera comes back as another boot with what was set', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1, rebootMs: 50 });
  const call = caller(camera);
  await call('SetHostname', '<Name>kept</Name>');
  const socket = connect(camera.rtspPort, camera.address);
  await new Promise((resolve) => socket.once('connect', resolve));
  const cut = new Promise<void>((resolve) => socket.once('error', () => {}).once('close', () => resolve()));
  t.match(await call('SystemReboot'), { status: 200, text: /Rebooting/ });
  await cut;
  t.equal(camera.boots, 1);
  const port = camera.onvifPort;
  await camera.start();
  t.equal(camera.boots, 2);
  t.equal(camera.onvifPort, port);
  t.match(await call('GetHostname'), { text: /kept/ });
  await camera.reboot(0);
  t.equal(camera.boots, 3);
});
