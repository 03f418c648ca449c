/** Device service (ONVIF Core, chapter 8): what profile S wants of it for reading. */
import { textOf } from '../../base/xml.ts';
import { cameraTimeMs, deviceXaddr, macOf, scopesOf, type CameraFace } from '../face.ts';
import { mediaServiceCapabilities } from './media.ts';
import type { Operation, Service } from './operation.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';

export const mediaPath = '/onvif/media_service';
export const devicePath = '/onvif/device_service';
const version = { major: 20, minor: 12 };

export const deviceService: Service = new Map<string, Operation>([
  ['GetSystemDateAndTime', { open: true, answer: getSystemDateAndTime }],
  ['GetServices', { open: true, answer: (face, request) => wrap('GetServices', servicesOf(face, textOf(request, 'IncludeCapability') === 'true')) }],
  ['GetServiceCapabilities', { open: true, answer: () => wrap('GetServiceCapabilities', serviceCapabilities) }],
  ['GetCapabilities', { open: true, answer: (face, request) => getCapabilities(face, textOf(request, 'Category') ?? 'All') }],
  ['GetHostname', { open: true, answer: (face) => wrap('GetHostname', `<tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>${leaf('tt:Name', face.name)}</tds:HostnameInformation>`) }],
  ['GetWsdlUrl', { open: true, answer: () => wrap('GetWsdlUrl', leaf('tds:WsdlUrl', 'http://www.onvif.org/')) }],
  ['GetEndpointReference', { open: true, answer: (face) => wrap('GetEndpointReference', leaf('tds:GUID', face.urn)) }],
  ['GetDeviceInformation', { answer: getDeviceInformation }],
  ['GetScopes', { answer: (face) => wrap('GetScopes', scopesOf(face).map((scope) => `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>${leaf('tt:ScopeItem', scope)}</tds:Scopes>`).join('')) }],
  ['GetUsers', { answer: (face) => wrap('GetUsers', `<tds:User>${leaf('tt:Username', face.user)}<tt:UserLevel>Administrator</tt:UserLevel></tds:User>`) }],
  ['GetDiscoveryMode', { answer: () => wrap('GetDiscoveryMode', '<tds:DiscoveryMode>Discoverable</tds:DiscoveryMode>') }],
  ['GetNetworkInterfaces', { answer: getNetworkInterfaces }],
  ['GetNetworkProtocols', { answer: getNetworkProtocols }],
  ['GetDNS', { answer: () => wrap('GetDNS', '<tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation>') }],
  ['GetNTP', { answer: () => wrap('GetNTP', '<tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP></tds:NTPInformation>') }],
]);

function getSystemDateAndTime(face: CameraFace): string {
  const now = new Date(cameraTimeMs(face));
  const moment = (name: string): string => `<${name}><tt:Time>${leaf('tt:Hour', now.getUTCHours())}${leaf('tt:Minute', now.getUTCMinutes())}${leaf('tt:Second', now.getUTCSeconds())}</tt:Time>`
    + `<tt:Date>${leaf('tt:Year', now.getUTCFullYear())}${leaf('tt:Month', now.getUTCMonth() + 1)}${leaf('tt:Day', now.getUTCDate())}</tt:Date></${name}>`;
  return wrap('GetSystemDateAndTime', '<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>'
    + `<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>${moment('tt:UTCDateTime')}${moment('tt:LocalDateTime')}</tds:SystemDateAndTime>`);
}

function servicesOf(face: CameraFace, withCapabilities: boolean): string {
  const service = (namespace: string, path: string, capabilities: string): string =>
    `<tds:Service>${leaf('tds:Namespace', namespace)}${leaf('tds:XAddr', new URL(path, deviceXaddr(face)).href)}`
    + (withCapabilities ? `<tds:Capabilities>${capabilities}</tds:Capabilities>` : '')
    + `<tds:Version>${leaf('tt:Major', version.major)}${leaf('tt:Minor', version.minor)}</tds:Version></tds:Service>`;
  return service(namespaces.device, devicePath, serviceCapabilities) + service(namespaces.media, mediaPath, mediaServiceCapabilities);
}

const serviceCapabilities = '<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false"/>'
  + '<tds:Security TLS1.0="false" TLS1.1="false" TLS1.2="false" OnboardKeyGeneration="false" AccessPolicyConfig="false" X.509Token="false" SAMLToken="false"'
  + ' KerberosToken="false" UsernameToken="true" HttpDigest="true" RELToken="false"/>'
  + '<tds:System DiscoveryResolve="true" DiscoveryBye="true" RemoteDiscovery="false" SystemBackup="false" SystemLogging="false" FirmwareUpgrade="false"/></tds:Capabilities>';

function getCapabilities(face: CameraFace, category: string): string {
  const device = `<tt:Device>${leaf('tt:XAddr', deviceXaddr(face))}`
    + '<tt:Network><tt:IPFilter>false</tt:IPFilter><tt:ZeroConfiguration>false</tt:ZeroConfiguration><tt:IPVersion6>false</tt:IPVersion6><tt:DynDNS>false</tt:DynDNS></tt:Network>'
    + '<tt:System><tt:DiscoveryResolve>true</tt:DiscoveryResolve><tt:DiscoveryBye>true</tt:DiscoveryBye><tt:RemoteDiscovery>false</tt:RemoteDiscovery>'
    + '<tt:SystemBackup>false</tt:SystemBackup><tt:SystemLogging>false</tt:SystemLogging><tt:FirmwareUpgrade>false</tt:FirmwareUpgrade>'
    + `<tt:SupportedVersions>${leaf('tt:Major', version.major)}${leaf('tt:Minor', version.minor)}</tt:SupportedVersions></tt:System>`
    + '<tt:IO><tt:InputConnectors>0</tt:InputConnectors><tt:RelayOutputs>0</tt:RelayOutputs></tt:IO>'
    + '<tt:Security><tt:TLS1.1>false</tt:TLS1.1><tt:TLS1.2>false</tt:TLS1.2><tt:OnboardKeyGeneration>false</tt:OnboardKeyGeneration><tt:AccessPolicyConfig>false</tt:AccessPolicyConfig>'
    + '<tt:X.509Token>false</tt:X.509Token><tt:SAMLToken>false</tt:SAMLToken><tt:KerberosToken>false</tt:KerberosToken><tt:RELToken>false</tt:RELToken></tt:Security></tt:Device>';
  const media = `<tt:Media>${leaf('tt:XAddr', new URL(mediaPath, deviceXaddr(face)).href)}`
    + '<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>false</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>';
  const wanted = new Map([['All', device + media], ['Device', device], ['Media', media]]).get(category);
  if (wanted === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported', 'NoSuchService'], reason: `no ${category} service` });
  return wrap('GetCapabilities', `<tds:Capabilities>${wanted}</tds:Capabilities>`);
}

function getDeviceInformation({ device }: CameraFace): string {
  return wrap('GetDeviceInformation', leaf('tds:Manufacturer', device.manufacturer) + leaf('tds:Model', device.model) + leaf('tds:FirmwareVersion', device.firmware)
    + leaf('tds:SerialNumber', device.serial) + leaf('tds:HardwareId', device.hardware));
}

function getNetworkInterfaces(face: CameraFace): string {
  return wrap('GetNetworkInterfaces', `<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>${leaf('tt:HwAddress', macOf(face.address))}<tt:MTU>1500</tt:MTU></tt:Info>`
    + `<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual>${leaf('tt:Address', face.address)}<tt:PrefixLength>24</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces>`);
}

function getNetworkProtocols(face: CameraFace): string {
  const protocol = (name: string, port: number): string => `<tds:NetworkProtocols>${leaf('tt:Name', name)}<tt:Enabled>true</tt:Enabled>${leaf('tt:Port', port)}</tds:NetworkProtocols>`;
  return wrap('GetNetworkProtocols', protocol('HTTP', face.onvifPort) + protocol('RTSP', face.rtspPort));
}

function wrap(operation: string, body: string): string {
  return `<tds:${operation}Response>${body}</tds:${operation}Response>`;
}
