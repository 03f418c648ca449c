/** Device service (ONVIF Core, chapter 8): what profiles S and T want of it; clock, users, network and relays have files of their own. */
import { textOf, type XmlElement } from '../../base/xml.ts';
import { xaddrOf, type CameraFace } from '../face.ts';
import { clockOperations } from './clock.ts';
import { networkOperations } from './network.ts';
import type { Call, Operation, ServiceFacts } from './operation.ts';
import { relayOperations } from './relays.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';
import { userOperations } from './users.ts';

const version = { major: 20, minor: 12 };

export const deviceService: ServiceFacts = {
  name: 'device',
  namespace: namespaces.device,
  capabilities,
  category: { name: 'Device', content: deviceCategory },
  operations: new Map<string, Operation>([
    ['GetServices', { access: 'PRE_AUTH', answer: getServices }],
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: (face) => wrap('GetServiceCapabilities', capabilities(face)) }],
    ['GetCapabilities', { access: 'PRE_AUTH', answer: getCapabilities }],
    ['GetWsdlUrl', { access: 'PRE_AUTH', answer: () => wrap('GetWsdlUrl', leaf('tds:WsdlUrl', 'http://www.onvif.org/')) }],
    ['GetEndpointReference', { access: 'PRE_AUTH', answer: (face) => wrap('GetEndpointReference', leaf('tds:GUID', face.urn)) }],
    ['GetDeviceInformation', { access: 'READ_SYSTEM', answer: getDeviceInformation }],
    ['SystemReboot', { access: 'UNRECOVERABLE', answer: () => wrap('SystemReboot', leaf('tds:Message', 'Rebooting')), afterwards: (face) => face.reboot() }],
    ...clockOperations, ...networkOperations, ...userOperations, ...relayOperations,
  ]),
};

function getServices(face: CameraFace, request: XmlElement, { services }: Call): string {
  const withCapabilities = textOf(request, 'IncludeCapability') === 'true';
  return wrap('GetServices', services.map(({ name, namespace, capabilities: own }) =>
    `<tds:Service>${leaf('tds:Namespace', namespace)}${leaf('tds:XAddr', xaddrOf(face, face.habits.paths[name]))}`
    + (withCapabilities ? `<tds:Capabilities>${own(face)}</tds:Capabilities>` : '')
    + `<tds:Version>${leaf('tt:Major', version.major)}${leaf('tt:Minor', version.minor)}</tds:Version></tds:Service>`).join(''));
}

function capabilities({ habits: { access } }: CameraFace): string {
  return '<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false" NTP="4"/>'
    + '<tds:Security TLS1.0="false" TLS1.1="false" TLS1.2="false" OnboardKeyGeneration="false" AccessPolicyConfig="false" X.509Token="false" SAMLToken="false"'
    + ` KerberosToken="false" UsernameToken="${access.token}" HttpDigest="${access.digest !== 'none'}" RELToken="false" MaxUsers="8"/>`
    + '<tds:System DiscoveryResolve="true" DiscoveryBye="true" RemoteDiscovery="false" SystemBackup="false" SystemLogging="false" FirmwareUpgrade="false"/></tds:Capabilities>';
}

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

function wrap(operation: string, body: string): string {
  return `<tds:${operation}Response>${body}</tds:${operation}Response>`;
}
