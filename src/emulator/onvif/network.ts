/** Where and as whom the camera stands in its network; addresses themselves are not to be changed. */
import { findAll, textOf, type XmlElement } from '../../base/xml.ts';
import { fixedScopesOf, scopesOf, type CameraFace } from '../face.ts';
import type { Operation } from './operation.ts';
import { leaf, SoapFault } from './soap.ts';

const scopesMax = 16;
const scopeMax = 256;

export const networkOperations: readonly (readonly [string, Operation])[] = [
  ['GetHostname', { access: 'PRE_AUTH', answer: (face) => `<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>${leaf('tt:Name', face.settings.hostname)}</tds:HostnameInformation></tds:GetHostnameResponse>` }],
  ['SetHostname', { access: 'WRITE_SYSTEM', answer: setHostname }],
  ['GetNetworkInterfaces', { access: 'READ_SYSTEM', answer: getNetworkInterfaces }],
  ['GetNetworkProtocols', { access: 'READ_SYSTEM', answer: getNetworkProtocols }],
  ['GetNetworkDefaultGateway', { access: 'READ_SYSTEM', answer: () => '<tds:GetNetworkDefaultGatewayResponse><tds:NetworkGateway/></tds:GetNetworkDefaultGatewayResponse>' }],
  ['GetDNS', { access: 'READ_SYSTEM', answer: () => '<tds:GetDNSResponse><tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation></tds:GetDNSResponse>' }],
  ['GetScopes', { access: 'READ_SYSTEM', answer: getScopes }],
  ['SetScopes', { access: 'WRITE_SYSTEM', answer: setScopes }],
  ['AddScopes', { access: 'WRITE_SYSTEM', answer: addScopes }],
  ['RemoveScopes', { access: 'WRITE_SYSTEM', answer: removeScopes }],
  ['GetDiscoveryMode', { access: 'READ_SYSTEM', answer: (face) => `<tds:GetDiscoveryModeResponse>${leaf('tds:DiscoveryMode', face.settings.discoverable ? 'Discoverable' : 'NonDiscoverable')}</tds:GetDiscoveryModeResponse>` }],
  ['SetDiscoveryMode', { access: 'WRITE_SYSTEM', answer: setDiscoveryMode }],
];

function setHostname({ settings }: CameraFace, request: XmlElement): string {
  const name = textOf(request, 'Name') ?? '';
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(name)) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'InvalidHostname'], reason: 'this is no host name' });
  settings.hostname = name;
  return '<tds:SetHostnameResponse/>';
}

function getNetworkInterfaces(face: CameraFace): string {
  return `<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>${leaf('tt:HwAddress', face.hardware)}<tt:MTU>1500</tt:MTU></tt:Info>`
    + `<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual>${leaf('tt:Address', face.address)}<tt:PrefixLength>24</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>`;
}

function getNetworkProtocols(face: CameraFace): string {
  const protocol = (name: string, port: number): string => (port === 0 ? '' : `<tds:NetworkProtocols>${leaf('tt:Name', name)}<tt:Enabled>true</tt:Enabled>${leaf('tt:Port', port)}</tds:NetworkProtocols>`);
  return `<tds:GetNetworkProtocolsResponse>${protocol('HTTP', face.onvifPort)}${protocol('HTTPS', face.httpsPort)}${protocol('RTSP', face.rtspPort)}</tds:GetNetworkProtocolsResponse>`;
}

function getScopes(face: CameraFace): string {
  const fixed = fixedScopesOf(face);
  return `<tds:GetScopesResponse>${scopesOf(face).map((scope) => `<tds:Scopes>${leaf('tt:ScopeDef', fixed.includes(scope) ? 'Fixed' : 'Configurable')}${leaf('tt:ScopeItem', scope)}</tds:Scopes>`).join('')}</tds:GetScopesResponse>`;
}

function setScopes(face: CameraFace, request: XmlElement): string {
  face.settings.scopes = checked(face, findAll(request, 'Scopes').map(({ text }) => text));
  return '<tds:SetScopesResponse/>';
}

function addScopes(face: CameraFace, request: XmlElement): string {
  face.settings.scopes = checked(face, [...new Set([...face.settings.scopes, ...findAll(request, 'ScopeItem').map(({ text }) => text)])]);
  return '<tds:AddScopesResponse/>';
}

function removeScopes(face: CameraFace, request: XmlElement): string {
  const removed = findAll(request, 'ScopeItem').map(({ text }) => text);
  if (removed.some((scope) => fixedScopesOf(face).includes(scope))) throw new SoapFault({ code: 'Sender', subcodes: ['OperationProhibited', 'FixedScope'], reason: 'fixed scopes stay' });
  if (removed.some((scope) => !face.settings.scopes.includes(scope))) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'NoScope'], reason: 'there is no such scope' });
  face.settings.scopes = face.settings.scopes.filter((scope) => !removed.includes(scope));
  return `<tds:RemoveScopesResponse>${removed.map((scope) => leaf('tds:ScopeItem', scope)).join('')}</tds:RemoveScopesResponse>`;
}

function checked(face: CameraFace, scopes: readonly string[]): readonly string[] {
  if (scopes.some((scope) => fixedScopesOf(face).includes(scope))) throw new SoapFault({ code: 'Sender', subcodes: ['OperationProhibited', 'ScopeOverwrite'], reason: 'fixed scopes stay as they are' });
  if (scopes.length > scopesMax) throw new SoapFault({ code: 'Receiver', subcodes: ['Action', 'TooManyScopes'], reason: `${scopesMax} scopes at most` });
  if (scopes.some((scope) => !/^[a-z]+:\/\/\S+$/i.test(scope) || scope.length > scopeMax)) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal'], reason: 'a scope is a URI' });
  return scopes;
}

function setDiscoveryMode({ settings }: CameraFace, request: XmlElement): string {
  const mode = textOf(request, 'DiscoveryMode');
  if (mode !== 'Discoverable' && mode !== 'NonDiscoverable') throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal'], reason: 'there are two modes' });
  settings.discoverable = mode === 'Discoverable';
  return '<tds:SetDiscoveryModeResponse/>';
}
