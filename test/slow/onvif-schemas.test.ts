import { readFile, writeFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { run } from '../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { allServices } from '../../src/emulator/onvif/services.ts';
import type { ServiceName } from '../../src/emulator/habits.ts';
import { postSoap, securityHeader, startEmulator } from '../emulator/testkit.ts';
import { copyWsdl, noMedia2, noWsdl } from './wsdl.ts';

const profile = '<ProfileToken>profile_main</ProfileToken>';
const source = '<VideoSourceToken>VideoSource1</VideoSourceToken>';

/** What is asked beyond the operation's name; an operation that is not named here needs what its service needs. */
const parameters = new Map([
  ['device GetServices', '<IncludeCapability>true</IncludeCapability>'],
  ['media GetProfile', '<ProfileToken>profile_sub</ProfileToken>'], ['media GetStreamUri', '<ProfileToken>profile_main</ProfileToken>'],
  ['media GetSnapshotUri', '<ProfileToken>profile_main</ProfileToken>'], ['media GetVideoSourceConfiguration', '<ConfigurationToken>VSC1</ConfigurationToken>'],
  ['media GetVideoEncoderConfiguration', '<ConfigurationToken>VEC_sub</ConfigurationToken>'],
  ['media SetVideoEncoderConfiguration', '<Configuration token="VEC_sub"><Quality>5</Quality></Configuration>'], ['media SetSynchronizationPoint', '<ProfileToken>profile_sub</ProfileToken>'],
  ['device SetSystemDateAndTime', '<DateTimeType>NTP</DateTimeType><DaylightSavings>false</DaylightSavings>'], ['device SetNTP', '<FromDHCP>false</FromDHCP><NTPManual><Type>DNS</Type><DNSname>time.example</DNSname></NTPManual><NTPManual><Type>IPv4</Type><IPv4Address>10.0.0.1</IPv4Address></NTPManual>'],
  ['device SetHostname', '<Name>porch</Name>'], ['device SetScopes', '<Scopes>onvif://www.onvif.org/name/porch</Scopes>'], ['device AddScopes', '<ScopeItem>onvif://www.onvif.org/location/x</ScopeItem>'],
  ['device RemoveScopes', '<ScopeItem>onvif://www.onvif.org/location/x</ScopeItem>'], ['device SetDiscoveryMode', '<DiscoveryMode>Discoverable</DiscoveryMode>'],
  ['device CreateUsers', '<User><Username>anna</Username><Password>secret</Password><UserLevel>Operator</UserLevel></User>'], ['device SetUser', '<User><Username>anna</Username><UserLevel>User</UserLevel></User>'],
  ['device DeleteUsers', '<Username>anna</Username>'], ['device SetRelayOutputSettings', '<RelayOutputToken>RelayOutput1</RelayOutputToken><Properties><Mode>Monostable</Mode><DelayTime>PT5S</DelayTime><IdleState>closed</IdleState></Properties>'],
  ['device SetRelayOutputState', '<RelayOutputToken>RelayOutput1</RelayOutputToken><LogicalState>active</LogicalState>'],
  ['events PullMessages', '<Timeout>PT1S</Timeout><MessageLimit>50</MessageLimit>'],
  ['events GetCurrentMessage', '<Topic>tns1:VideoSource/MotionAlarm</Topic>'],
  ['ptz GetNode', '<NodeToken>PTZNode1</NodeToken>'], ['ptz GetConfiguration', '<PTZConfigurationToken>PTZConfig1</PTZConfigurationToken>'], ['ptz GetConfigurationOptions', '<ConfigurationToken>PTZConfig1</ConfigurationToken>'],
  ['ptz AbsoluteMove', `${profile}<Position><PanTilt x="1" y="0"/><Zoom x="1"/></Position>`], ['ptz RelativeMove', `${profile}<Translation><Zoom x="1"/></Translation>`], ['ptz ContinuousMove', `${profile}<Velocity><Zoom x="1"/></Velocity>`],
  ['ptz GotoPreset', `${profile}<PresetToken>1</PresetToken>`], ['ptz RemovePreset', `${profile}<PresetToken>1</PresetToken>`],
  ['media2 GetProfiles', '<Type>All</Type>'], ['media2 GetStreamUri', `<Protocol>RTSP</Protocol>${profile}`], ['media2 GetVideoEncoderInstances', '<ConfigurationToken>VSC1</ConfigurationToken>'],
  ['media2 GetSnapshotUri', profile], ['media2 SetSynchronizationPoint', profile], ['media2 SetVideoEncoderConfiguration', '<Configuration token="VEC_sub"><Quality>5</Quality></Configuration>'],
  ['imaging SetImagingSettings', `${source}<ImagingSettings><Contrast>20</Contrast></ImagingSettings>`],
]);

/** Asked of all operations of a service that are not named above. */
const otherwise: Partial<Record<string, string>> = { ptz: profile, imaging: source };

/** What the camera refuses by its nature: a fault, and valid too. */
const refused = new Set(['events Subscribe', 'imaging Move', 'imaging Stop']);

const namespaces = new Map<ServiceName, string>(allServices.map(({ name, namespace }) => [name, namespace]));
/** Which schema tells of a service. */
const described: Readonly<Record<ServiceName, string>> = { device: 'devicemgmt', media: 'media', media2: 'media2', events: 'events', ptz: 'ptz', imaging: 'imaging' };
const older = (['device', 'media', 'events', 'ptz', 'imaging'] as const);

t.test('every answer and every fault is valid by ONVIF\'s schemas', { skip: noWsdl, timeout: 120_000 }, (t) => judge(t, older));

t.test('Media2 too', { skip: noMedia2, timeout: 120_000 }, (t) => judge(t, ['media2']));

async function judge(t: Test, names: readonly ServiceName[]): Promise<void> {
  const { camera } = await startEmulator(t, { audio: 'alaw', rebootMs: 0, ptz: true, bFrames: 1 });
  const folder = t.testdir();
  await deriveSchemas(folder, names);
  const files: string[] = [];
  const keep = async (name: string, text: string): Promise<void> => {
    files.push(`${name}.xml`);
    await writeFile(`${folder}/${name}.xml`, text);
  };
  for (const service of allServices.filter(({ name }) => names.includes(name))) {
    for (const name of service.operations.keys()) {
      const key = `${service.name} ${name}`;
      // The first subscription is number 1, and ends with its Unsubscribe.
      const header = `${securityHeader(camera)}<SubscriptionId>1</SubscriptionId><MessageID>urn:uuid:1</MessageID>`;
      const { status, text } = await postSoap(camera, `<x:${name} xmlns:x="${service.namespace}">${parameters.get(key) ?? otherwise[service.name] ?? ''}</x:${name}>`, { service: service.name, header });
      t.equal(status < 400, !refused.has(key), `${key}: ${status < 400 ? '' : text}`);
      await keep(`${service.name}-${name}`, text);
      if (name === 'SystemReboot') await back(camera);
      const { text: fault } = await postSoap(camera, `<x:${name} xmlns:x="${service.namespace}"><ProfileToken/><ConfigurationToken/><Topic>no:thing</Topic><TerminationTime>PT0S</TerminationTime><InitialTerminationTime>PT0S</InitialTerminationTime></x:${name}>`, { service: service.name, header: securityHeader(camera) });
      await keep(`${service.name}-${name}-fault`, fault);
    }
  }
  const judged = await run('xmllint', ['--nonet', '--noout', '--schema', 'all.xsd', ...files], { folder, package: 'libxml2-utils', stderrLinesMax: 500 });
  t.strictSame(judged.stderr.split('\n'), files.map((file) => `${file} validates`));
}

/** Resolves when the camera answers again after a reboot. */
async function back(camera: EmulatedCamera): Promise<void> {
  while (camera.boots < 2) await camera.start();
}

/** Copies the schema files beside schemas taken out of the WSDL, with a stand-in for SOAP's envelope that wants known elements in body and detail. */
async function deriveSchemas(folder: string, names: readonly ServiceName[]): Promise<void> {
  await copyWsdl(folder);
  for (const service of names) {
    const name = described[service];
    const text = await readFile(`${folder}/${name}.wsdl`, 'utf8');
    const prefixes = [.../<wsdl:definitions([^>]*)>/.exec(text)?.[1]?.matchAll(/xmlns:[\w-]+="[^"]*"/g) ?? []].map(([one]) => one);
    const [, open = '', rest = ''] = /<wsdl:types>\s*(<xs:schema[^>]*>)(.*?<\/xs:schema>)/s.exec(text) ?? [];
    const missing = prefixes.filter((prefix) => !open.includes(prefix.slice(0, prefix.indexOf('=') + 1)));
    await writeFile(`${folder}/${name}.xsd`, open.replace('<xs:schema', `<xs:schema ${missing.join(' ')}`) + rest);
  }
  const schema = (attributes: string, inner: string): string => `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" ${attributes}>${inner}</xs:schema>`;
  const element = (name: string, inner: string, often = ''): string => `<xs:element name="${name}" ${often}><xs:complexType><xs:sequence>${inner}</xs:sequence></xs:complexType></xs:element>`;
  const lax = '<xs:any processContents="lax" maxOccurs="unbounded"/>';
  await writeFile(`${folder}/soap.xsd`, schema('targetNamespace="http://www.w3.org/2003/05/soap-envelope" elementFormDefault="qualified"',
    element('Envelope', element('Header', '<xs:any processContents="strict" maxOccurs="unbounded"/>', 'minOccurs="0"') + element('Body', '<xs:any processContents="strict"/>'))
    + element('Fault', element('Code', lax) + element('Reason', lax) + element('Detail', '<xs:any processContents="strict"/>', 'minOccurs="0"'))
    + '<xs:element name="Value" type="xs:QName"/><xs:element name="Subcode"><xs:complexType><xs:sequence><xs:any processContents="strict" maxOccurs="2"/></xs:sequence></xs:complexType></xs:element>'
    + '<xs:element name="Text"><xs:complexType><xs:simpleContent><xs:extension base="xs:string"><xs:anyAttribute processContents="skip"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>'));
  await writeFile(`${folder}/all.xsd`, schema('', [
    ['http://www.w3.org/2003/05/soap-envelope', 'soap'], ['http://docs.oasis-open.org/wsrf/r-2', 'r-2'], ['http://docs.oasis-open.org/wsn/b-2', 'b-2'], ['http://www.w3.org/2005/08/addressing', 'ws-addr'],
    ...names.map((name) => [namespaces.get(name), described[name]] as const),
  ].map(([namespace, file]) => `<xs:import namespace="${namespace}" schemaLocation="${file}.xsd"/>`).join('')));
}
