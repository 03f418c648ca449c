import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { allServices } from '../../src/emulator/onvif/services.ts';
import { postSoap, securityHeader, startEmulator } from '../emulator/testkit.ts';

const wsdl = new URL('../../../shared/fixtures/onvif-wsdl/', import.meta.url).pathname;
const skip = existsSync(wsdl) ? false : `no schemas in ${wsdl}`;

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
  ['imaging SetImagingSettings', `${source}<ImagingSettings><Contrast>20</Contrast></ImagingSettings>`],
]);

/** Asked of all operations of a service that are not named above. */
const otherwise: Partial<Record<string, string>> = { ptz: profile, imaging: source };

/** What the camera refuses by its nature: a fault, and valid too. */
const refused = new Set(['events Subscribe', 'imaging Move', 'imaging Stop']);

t.test('every answer and every fault is valid by ONVIF\'s schemas', { skip, timeout: 120_000 }, async (t) => {
  const { camera } = await startEmulator(t, { audio: 'alaw', rebootMs: 0, ptz: true });
  const folder = t.testdir();
  await deriveSchemas(folder);
  const files: string[] = [];
  const keep = async (name: string, text: string): Promise<void> => {
    files.push(`${name}.xml`);
    await writeFile(`${folder}/${name}.xml`, text);
  };
  // The newer media service is not in the schemas that there are.
  for (const service of allServices.filter(({ name }) => name !== 'media2')) {
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
});

/** Resolves when the camera answers again after a reboot. */
async function back(camera: EmulatedCamera): Promise<void> {
  while (camera.boots < 2) await camera.start();
}

const derived = [['http://www.onvif.org/ver10/device/wsdl', 'devicemgmt'], ['http://www.onvif.org/ver10/media/wsdl', 'media'], ['http://www.onvif.org/ver10/events/wsdl', 'events'],
  ['http://www.onvif.org/ver20/ptz/wsdl', 'ptz'], ['http://www.onvif.org/ver20/imaging/wsdl', 'imaging']] as const;

/** Copies the schema files beside schemas taken out of the WSDL, with a stand-in for SOAP's envelope that wants known elements in body and detail. */
async function deriveSchemas(folder: string): Promise<void> {
  for (const name of ['onvif.xsd', 'b-2.xsd', 'bf-2.xsd', 'r-2.xsd', 't-1.xsd', 'ws-addr.xsd', 'xml.xsd', 'envelope', 'include', 'xmlmime']) await cp(`${wsdl}/${name}`, `${folder}/${name}`);
  for (const [, name] of derived) {
    const text = await readFile(`${wsdl}/${name}.wsdl`, 'utf8');
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
    ['http://www.w3.org/2003/05/soap-envelope', 'soap'], ['http://docs.oasis-open.org/wsrf/r-2', 'r-2'], ['http://docs.oasis-open.org/wsn/b-2', 'b-2'], ['http://www.w3.org/2005/08/addressing', 'ws-addr'], ...derived,
  ].map(([namespace, file]) => `<xs:import namespace="${namespace}" schemaLocation="${file}.xsd"/>`).join('')));
}
