/** WS-Discovery (April 2005) messages as ONVIF Core, chapter 7, has cameras send them. */
import { randomUUID } from 'node:crypto';
import { escapeXml, find, parseXml, textOf, type XmlElement } from '../base/xml.ts';
import { deviceXaddr, scopesOf, type CameraFace } from './face.ts';

const discoveryNamespace = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const anonymous = 'http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous';
const everybody = 'urn:schemas-xmlsoap-org:ws:2005:04:discovery';

/** A Probe or Resolve that was asked of everybody. */
export type WsQuestion =
  | { readonly kind: 'probe'; readonly messageId: string; readonly types: readonly string[]; readonly scopes: readonly string[] }
  | { readonly kind: 'resolve'; readonly messageId: string; readonly urn: string };

/** Undefined for anything that is no question; never throws. */
export function readQuestion(datagram: Buffer): WsQuestion | undefined {
  let message: XmlElement;
  try {
    message = parseXml(datagram.toString('utf8'));
  } catch {
    return undefined;
  }
  const messageId = textOf(message, 'Header', 'MessageID');
  if (messageId === undefined || messageId === '') return undefined;
  const probe = find(message, 'Body', 'Probe');
  if (probe !== undefined) {
    // Qualified names; every prefix is taken for the right one.
    const types = words(textOf(probe, 'Types')).map((name) => name.replace(/^.*:/, ''));
    return { kind: 'probe', messageId, types, scopes: words(textOf(probe, 'Scopes')) };
  }
  const urn = textOf(message, 'Body', 'Resolve', 'EndpointReference', 'Address');
  return urn === undefined ? undefined : { kind: 'resolve', messageId, urn };
}

const ourTypes = ['NetworkVideoTransmitter', 'Device'];

/** Whether this camera is meant and wants to be found: all types are its own, all scopes are prefixes of one of its own (RFC 3986 rule, by segments). */
export function isMeant(question: WsQuestion, face: CameraFace): boolean {
  if (!face.settings.discoverable) return false;
  if (question.kind === 'resolve') return question.urn === face.urn;
  const scopes = scopesOf(face).map((scope) => `${scope}/`);
  return question.types.every((type) => ourTypes.includes(type))
    && question.scopes.every((wanted) => scopes.some((scope) => scope.startsWith(`${wanted.replace(/\/$/, '')}/`)));
}

export function answerTo(question: WsQuestion, face: CameraFace, sequence: Sequence): string {
  const [answer, match] = question.kind === 'probe' ? ['ProbeMatches', 'ProbeMatch'] : ['ResolveMatches', 'ResolveMatch'];
  return message({
    action: answer, to: anonymous, relatesTo: question.messageId, sequence,
    body: `<d:${answer}><d:${match}>${describe(face)}</d:${match}></d:${answer}>`,
  });
}

export function hello(face: CameraFace, sequence: Sequence): string {
  return message({ action: 'Hello', to: everybody, sequence, body: `<d:Hello>${describe(face)}</d:Hello>` });
}

export function bye(face: CameraFace, sequence: Sequence): string {
  return message({ action: 'Bye', to: everybody, sequence, body: `<d:Bye>${endpoint(face)}</d:Bye>` });
}

export interface Sequence {
  /** Seconds; grows with each start of the camera. */
  readonly instance: number;
  readonly number: number;
}

function describe(face: CameraFace): string {
  return `${endpoint(face)}<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>${escapeXml(scopesOf(face).join(' '))}</d:Scopes>`
    + `<d:XAddrs>${escapeXml(xaddrsOf(face))}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>`;
}

/** Addresses that lead nowhere beside, or instead of, the true one. */
function xaddrsOf(face: CameraFace): string {
  const plain = deviceXaddr(face);
  const at = (host: string): string => plain.replace(face.address, host);
  const [linkLocal, ipv6] = [at('169.254.7.33'), at('[fe80::4619:b6ff:fe3e:baa1]')];
  switch (face.quirks.xaddrs) {
    case 'unset': return at('0.0.0.0');
    case 'link-local': return linkLocal;
    case 'with link-local': return `${plain} ${linkLocal}`;
    case 'IPv6': return ipv6;
    case 'with IPv6': return `${plain} ${ipv6}`;
    case 'wrong host': return at('192.0.2.77');
    case 'none': return '';
    default: return plain;
  }
}

function endpoint(face: CameraFace): string {
  return `<a:EndpointReference><a:Address>${escapeXml(face.urn)}</a:Address></a:EndpointReference>`;
}

function message(o: { action: string; to: string; relatesTo?: string; sequence: Sequence; body: string }): string {
  return '<?xml version="1.0" encoding="UTF-8"?>'
    + '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    + ` xmlns:d="${discoveryNamespace}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">`
    + `<s:Header><a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>${o.relatesTo === undefined ? '' : `<a:RelatesTo>${escapeXml(o.relatesTo)}</a:RelatesTo>`}`
    + `<a:To s:mustUnderstand="true">${o.to}</a:To><a:Action s:mustUnderstand="true">${discoveryNamespace}/${o.action}</a:Action>`
    + `<d:AppSequence InstanceId="${o.sequence.instance}" MessageNumber="${o.sequence.number}"/></s:Header><s:Body>${o.body}</s:Body></s:Envelope>`;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
