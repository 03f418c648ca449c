/** Device service (ONVIF Core, chapter 8): what profile S wants of it for reading. */
import { textOf, type XmlElement } from '../../base/xml.ts';
import { cameraTimeMs, scopesOf, xaddrOf, type CameraFace } from '../face.ts';
import type { Call, Operation, ServiceFacts } from './operation.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';

const version = { major: 20, minor: 12 };

export const deviceService: ServiceFacts = {
  name: 'device',
  namespace: namespaces.device,
  capabilities: () => capabilities,
  category: { name: 'Device', content: deviceCategory },
  operations: new Map<string, Operation>([
    ['GetSystemDateAndTime', { access: 'PRE_AUTH', answer: getSystemDateAndTime }],
    ['GetServices', { access: 'PRE_AUTH', answer: getServices }],
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: () => wrap('GetServiceCapabilities', capabilities) }],
    ['GetCapabilities', { access: 'PRE_AUTH', answer: getCapabilities }],
    ['GetHostname', { access: 'PRE_AUTH', answer: (face) => wrap('GetHostname', `<tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>${leaf('tt:Name', face.name)}</tds:HostnameInformation>`) }],
    ['GetWsdlUrl', { access: 'PRE_AUTH', answer: () => wrap('GetWsdlUrl', leaf('tds:WsdlUrl', 'http://www.onvif.org/')) }],
    ['GetEndpointReference', { access: 'PRE_AUTH', answer: (face) => wrap('GetEndpointReference', leaf('tds:GUID', face.urn)) }],
    ['GetDeviceInformation', { access: 'READ_SYSTEM', answer: getDeviceInformation }],
    ['GetScopes', { access: 'READ_SYSTEM', answer: (face) => wrap('GetScopes', scopesOf(face).map((scope) => `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>${leaf('tt:ScopeItem', scope)}</tds:Scopes>`).join('')) }],
    ['GetUsers', { access: 'READ_SYSTEM_SECRET', answer: (face) => wrap('GetUsers', `<tds:User>${leaf('tt:Username', face.user)}<tt:UserLevel>Administrator</tt:UserLevel></tds:User>`) }],
    ['GetDiscoveryMode', { access: 'READ_SYSTEM', answer: () => wrap('GetDiscoveryMode', '<tds:DiscoveryMode>Discoverable</tds:DiscoveryMode>') }],
    ['GetNetworkInterfaces', { access: 'READ_SYSTEM', answer: getNetworkInterfaces }],
    ['GetNetworkProtocols', { access: 'READ_SYSTEM', answer: getNetworkProtocols }],
    ['GetDNS', { access: 'READ_SYSTEM', answer: () => wrap('GetDNS', '<tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation>') }],
    ['GetNTP', { access: 'READ_SYSTEM', answer: () => wrap('GetNTP', '<tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP></tds:NTPInformation>') }],
  ]),
};

function getSystemDateAndTime(face: CameraFace): string {
  const now = new Date(cameraTimeMs(face));
  const moment = (name: string): string => `<${name}><tt:Time>${leaf('tt:Hour', now.getUTCHours())}${leaf('tt:Minute', now.getUTCMinutes())}${leaf('tt:Second', now.getUTCSeconds())}</tt:Time>`
    + `<tt:Date>${leaf('tt:Year', now.getUTCFullYear())}${leaf('tt:Month', now.getUTCMonth() + 1)}${leaf('tt:Day', now.getUTCDate())}</tt:Date></${name}>`;
  return wrap('GetSystemDateAndTime', '<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>'
    + `<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>${moment('tt:UTCDateTime')}${moment('tt:LocalDateTime')}</tds:SystemDateAndTime>`);
}

function getServices(face: CameraFace, request: XmlElement, { services }: Call): string {
  const withCapabilities = textOf(request, 'IncludeCapability') === 'true';
  return wrap('GetServices', services.map(({ name, namespace, capabilities: own }) =>
    `<tds:Service>${leaf('tds:Namespace', namespace)}${leaf('tds:XAddr', xaddrOf(face, face.habits.paths[name]))}`
    + (withCapabilities ? `<tds:Capabilities>${own(face)}</tds:Capabilities>` : '')
    + `<tds:Version>${leaf('tt:Major', version.major)}${leaf('tt:Minor', version.minor)}</tds:Version></tds:Service>`).join(''));
}

const capabilities = '<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false"/>'
  + '<tds:Security TLS1.0="false" TLS1.1="false" TLS1.2="false" OnboardKeyGeneration="false" AccessPolicyConfig="false" X.509Token="false" SAMLToken="false"'
  + ' KerberosToken="false" UsernameToken="true" HttpDigest="true" RELToken="false"/>'
  + '<tds:System DiscoveryResolve="true" DiscoveryBye="true" RemoteDiscovery="false" SystemBackup="false" SystemLogging="false" FirmwareUpgrade="false"/></tds:Capabilities>';

/** Categories come in the order of the schema. */
const categories = ['Device', 'Events', 'Imaging', 'Media', 'PTZ'];

function getCapabilities(face: CameraFace, request: XmlElement, { services }: Call): string {
  const wanted = textOf(request, 'Category') ?? 'All';
  const parts = services.flatMap(({ name, category }) => category !== undefined && (wanted === 'All' || wanted === category.name) ? [{ name, category }] : [])
    .sort((a, b) => categories.indexOf(a.category.name) - categories.indexOf(b.category.name));
  if (parts.length === 0) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported', 'NoSuchService'], reason: `no ${wanted} service` });
  return wrap('GetCapabilities', `<tds:Capabilities>${parts.map(({ name, category }) =>
    `<tt:${category.name}>${leaf('tt:XAddr', xaddrOf(face, face.habits.paths[name]))}${category.content(face)}</tt:${category.name}>`).join('')}</tds:Capabilities>`);
}

function deviceCategory(): string {
  return '<tt:Network><tt:IPFilter>false</tt:IPFilter><tt:ZeroConfiguration>false</tt:ZeroConfiguration><tt:IPVersion6>false</tt:IPVersion6><tt:DynDNS>false</tt:DynDNS></tt:Network>'
    + '<tt:System><tt:DiscoveryResolve>true</tt:DiscoveryResolve><tt:DiscoveryBye>true</tt:DiscoveryBye><tt:RemoteDiscovery>false</tt:RemoteDiscovery>'
    + '<tt:SystemBackup>false</tt:SystemBackup><tt:SystemLogging>false</tt:SystemLogging><tt:FirmwareUpgrade>false</tt:FirmwareUpgrade>'
    + `<tt:SupportedVersions>${leaf('tt:Major', version.major)}${leaf('tt:Minor', version.minor)}</tt:SupportedVersions></tt:System>`
    + '<tt:IO><tt:InputConnectors>1</tt:InputConnectors><tt:RelayOutputs>1</tt:RelayOutputs></tt:IO>'
    + '<tt:Security><tt:TLS1.1>false</tt:TLS1.1><tt:TLS1.2>false</tt:TLS1.2><tt:OnboardKeyGeneration>false</tt:OnboardKeyGeneration><tt:AccessPolicyConfig>false</tt:AccessPolicyConfig>'
    + '<tt:X.509Token>false</tt:X.509Token><tt:SAMLToken>false</tt:SAMLToken><tt:KerberosToken>false</tt:KerberosToken><tt:RELToken>false</tt:RELToken></tt:Security>';
}

function getDeviceInformation({ device }: CameraFace): string {
  return wrap('GetDeviceInformation', leaf('tds:Manufacturer', device.manufacturer) + leaf('tds:Model', device.model) + leaf('tds:FirmwareVersion', device.firmware)
    + leaf('tds:SerialNumber', device.serial) + leaf('tds:HardwareId', device.hardware));
}

function getNetworkInterfaces(face: CameraFace): string {
  return wrap('GetNetworkInterfaces', `<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>${leaf('tt:HwAddress', face.hardware)}<tt:MTU>1500</tt:MTU></tt:Info>`
    + `<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual>${leaf('tt:Address', face.address)}<tt:PrefixLength>24</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces>`);
}

function getNetworkProtocols(face: CameraFace): string {
  const protocol = (name: string, port: number): string => port === 0 ? '' : `<tds:NetworkProtocols>${leaf('tt:Name', name)}<tt:Enabled>true</tt:Enabled>${leaf('tt:Port', port)}</tds:NetworkProtocols>`;
  return wrap('GetNetworkProtocols', protocol('HTTP', face.onvifPort) + protocol('HTTPS', face.httpsPort) + protocol('RTSP', face.rtspPort));
}

function wrap(operation: string, body: string): string {
  return `<tds:${operation}Response>${body}</tds:${operation}Response>`;
}
