/** WS-Discovery messages (April 2005; ONVIF Core, chapter 7): the question, and what strangers answer. Pure. */
import { escapeXml, find, findAll, parseXml, textOf, type XmlElement } from '../base/xml.ts';
import { reasonOf } from '../base/errors.ts';
import { decodeXml, plainWord } from './charset.ts';
import { judgeXAddrs } from './addresses.ts';

export const datagramBytesMax = 16 * 1024;
const matchesMax = 64;

/**
 * A Probe in one line: Hikvision answers line breaks with a fault. Some cameras answer only when their type is asked for, others
 * (TP-Link) only when none is, so both are sent.
 */
export function probeMessage(messageId: string, withTypes: boolean): string {
  return '<?xml version="1.0" encoding="UTF-8"?>'
    + '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">'
    + '<s:Header><a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>'
    + `<a:MessageID>${escapeXml(messageId)}</a:MessageID>`
    + '<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>'
    + '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>'
    + '<s:Body><Probe xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery">'
    + (withTypes ? '<d:Types xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">dn:NetworkVideoTransmitter</d:Types>' : '')
    + '</Probe></s:Body></s:Envelope>';
}

/** A camera as an answer tells of it; the address is the sender's. */
export interface Match {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly secure: boolean;
  readonly xaddrs: string[];
  readonly urn: string | undefined;
  readonly name: string | undefined;
  readonly model: string | undefined;
}

export interface Reading {
  readonly matches: readonly Match[];
  /** Why something in it was left out; each reason once. */
  readonly reasons: readonly string[];
}

/** Reads one datagram. Never throws; each ProbeMatch stands or falls alone. */
export function readMatches(datagram: Uint8Array, sender: string, o: { asked: ReadonlySet<string>; loopback: boolean }): Reading {
  try {
    if (datagram.length > datagramBytesMax) return { matches: [], reasons: [`an answer of ${datagram.length} bytes`] };
    const envelope = parseXml(decodeXml(datagram));
    const refused = checkEnvelope(envelope, o.asked);
    if (refused !== undefined) return { matches: [], reasons: [refused] };
    return readEach(findAll(find(envelope, 'Body', 'ProbeMatches'), 'ProbeMatch').slice(0, matchesMax), sender, o.loopback);
  } catch (error) {
    return { matches: [], reasons: [`an answer that cannot be read: ${plainWord(reasonOf(error), 100)}`] };
  }
}

function checkEnvelope(envelope: XmlElement, asked: ReadonlySet<string>): string | undefined {
  if (envelope.name !== 'Envelope') return 'an answer that is no SOAP';
  if (find(envelope, 'Body', 'Fault') !== undefined) return 'it answers with a fault';
  if (find(envelope, 'Body', 'ProbeMatches') === undefined) return 'an answer that is no ProbeMatches';
  if (!asked.has(textOf(envelope, 'Header', 'RelatesTo') ?? '')) return 'an answer to a question that was not asked';
  return undefined;
}

function readEach(elements: readonly XmlElement[], sender: string, loopback: boolean): Reading {
  const matches: Match[] = [];
  const reasons = new Set<string>();
  if (elements.length === 0) reasons.add('an answer without a match');
  for (const element of elements) {
    try {
      const read = readMatch(element, sender, loopback);
      if (typeof read === 'string') reasons.add(read);
      else matches.push(read);
    } catch (error) {
      reasons.add(`a match that cannot be read: ${plainWord(reasonOf(error), 100)}`);
    }
  }
  return { matches, reasons: [...reasons] };
}

/** The match, or why it is left out. */
function readMatch(element: XmlElement, sender: string, loopback: boolean): Match | string {
  const types = textOf(element, 'Types') ?? '';
  const scopes = (textOf(element, 'Scopes') ?? '').split(/\s+/).slice(0, 256);
  const isCamera = /(?:^|[\s:])NetworkVideoTransmitter(?:\s|$)/.test(types)
    || (scopes.some((scope) => scope.startsWith('onvif://')) && !/NetworkVideo(?:Display|Storage|Analytics)/.test(types));
  if (!isCamera) return `it is no camera (${plainWord(types) ?? 'it does not say what it is'})`;
  const verdict = judgeXAddrs(textOf(element, 'XAddrs') ?? '', sender, { loopback });
  if (!verdict.accepted) return verdict.reason;
  const { port, path, secure, xaddrs } = verdict;
  return {
    address: sender, port, path, secure, xaddrs,
    urn: plainWord(textOf(element, 'EndpointReference', 'Address'), 128),
    name: scopeValue(scopes, 'name'),
    model: scopeValue(scopes, 'hardware'),
  };
}

/** `onvif://www.onvif.org/name/Front%20door` → "Front door"; what is not percent-encoded properly stays as it is. */
function scopeValue(scopes: readonly string[], kind: string): string | undefined {
  const prefix = `onvif://www.onvif.org/${kind}/`;
  const scope = scopes.find((candidate) => candidate.toLowerCase().startsWith(prefix))?.slice(prefix.length);
  if (scope === undefined) return undefined;
  try {
    return plainWord(decodeURIComponent(scope));
  } catch {
    return plainWord(scope);
  }
}
