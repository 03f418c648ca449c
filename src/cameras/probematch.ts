/** WS-Discovery messages (April 2005; ONVIF Core, chapter 7): the question, and what strangers answer. Pure. */
import { escapeXml, find, findAll, parseXml, textOf, type XmlElement } from '../base/xml.ts';
import { reasonOf } from '../base/errors.ts';
import { charsetOf, decodePercent, decodeXml, plainWord } from './charset.ts';
import { hardwareAddress, judgeXAddrs } from './addresses.ts';

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
  /** What it claims to be its hardware address; anybody can claim it. */
  readonly hardware: string | undefined;
}

export interface Reading {
  readonly matches: readonly Match[];
  /** Why something in it was left out; each reason once. */
  readonly reasons: readonly string[];
}

/** Reads one answer to a Probe or Resolve. Never throws; each match in it stands or falls alone. */
export function readMatches(datagram: Uint8Array, sender: string, o: { asked: ReadonlySet<string>; loopback: boolean }): Reading {
  const envelope = readEnvelope(datagram);
  if (typeof envelope === 'string') return { matches: [], reasons: [envelope] };
  const refused = checkAnswer(envelope, o.asked);
  if (refused !== undefined) return { matches: [], reasons: [refused] };
  const elements = answerKinds.flatMap(([list, one]) => findAll(find(envelope, 'Body', list), one));
  return readEach(elements.slice(0, matchesMax), { sender, loopback: o.loopback, charset: charsetOf(datagram) });
}

const answerKinds = [['ProbeMatches', 'ProbeMatch'], ['ResolveMatches', 'ResolveMatch']] as const;

/** What a device tells everybody without being asked. */
export type Announcement =
  /** It is there; without a match where it does not say at which address it is to be asked. */
  | { readonly kind: 'hello'; readonly urn: string | undefined; readonly match: Match | undefined }
  /** It goes; anybody can say so in its name. */
  | { readonly kind: 'bye'; readonly urn: string }
  | { readonly kind: 'left out'; readonly reason: string }
  /** Somebody's question, or an answer: not an announcement. */
  | { readonly kind: 'other' };

/** Reads what came to the group. Never throws. */
export function readAnnouncement(datagram: Uint8Array, sender: string, o: { loopback: boolean }): Announcement {
  const envelope = readEnvelope(datagram);
  if (typeof envelope === 'string') return { kind: 'left out', reason: envelope };
  const bye = find(envelope, 'Body', 'Bye');
  const hello = find(envelope, 'Body', 'Hello');
  const urn = urnOf(bye ?? hello);
  if (bye !== undefined) return urn === undefined ? { kind: 'left out', reason: 'a goodbye that does not say whose' } : { kind: 'bye', urn };
  if (hello === undefined) return { kind: 'other' };
  // By the standard a Hello may leave its addresses to be asked for; that it is a camera it says all the same.
  if ((textOf(hello, 'XAddrs') ?? '') === '' && urn !== undefined) return { kind: 'hello', urn, match: undefined };
  const { matches: [match], reasons: [reason] } = readEach([hello], { sender, loopback: o.loopback, charset: charsetOf(datagram) });
  return match === undefined ? { kind: 'left out', reason: reason ?? 'an empty announcement' } : { kind: 'hello', urn, match };
}

/** The message, or why it cannot be read. */
function readEnvelope(datagram: Uint8Array): XmlElement | string {
  try {
    if (datagram.length > datagramBytesMax) return `an answer of ${datagram.length} bytes`;
    const envelope = parseXml(decodeXml(datagram));
    return envelope.name === 'Envelope' ? envelope : 'an answer that is no SOAP';
  } catch (error) {
    return `an answer that cannot be read: ${plainWord(reasonOf(error), 100)}`;
  }
}

function checkAnswer(envelope: XmlElement, asked: ReadonlySet<string>): string | undefined {
  if (find(envelope, 'Body', 'Fault') !== undefined) return faultReason;
  if (answerKinds.every(([list]) => find(envelope, 'Body', list) === undefined)) return 'an answer that is no ProbeMatches';
  if (!asked.has(textOf(envelope, 'Header', 'RelatesTo')?.trim() ?? '')) return 'an answer to a question that was not asked';
  return undefined;
}

/** Said by cameras too that answer the other form of the question. */
export const faultReason = 'it answers with a fault';

/** Where an answer comes by an interface into whose network it does not belong; which one follows. */
export const strayReason = 'it is not in the network of ';

interface Where {
  readonly sender: string;
  readonly loopback: boolean;
  readonly charset: string;
}

function readEach(elements: readonly XmlElement[], where: Where): Reading {
  const matches: Match[] = [];
  const reasons = new Set<string>();
  if (elements.length === 0) reasons.add('an answer without a match');
  for (const element of elements) {
    try {
      const read = readMatch(element, where);
      if (typeof read === 'string') reasons.add(read);
      else matches.push(read);
    } catch (error) {
      reasons.add(`a match that cannot be read: ${plainWord(reasonOf(error), 100)}`);
    }
  }
  return { matches, reasons: [...reasons] };
}

/** The match, or why it is left out. */
function readMatch(element: XmlElement, { sender, loopback, charset }: Where): Match | string {
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
    urn: urnOf(element),
    name: scopeValue(scopes, 'name', charset),
    model: scopeValue(scopes, 'hardware', charset),
    hardware: hardwareScopes.map((kind) => hardwareAddress(scopeValue(scopes, kind, charset))).find((address) => address !== undefined),
  };
}

/** As Hikvision, Dahua and Uniview write it. */
const hardwareScopes = ['mac', 'macaddr', 'macaddress'];

function urnOf(element: XmlElement | undefined): string | undefined {
  return plainWord(textOf(element, 'EndpointReference', 'Address'), 128);
}

/** `onvif://www.onvif.org/name/Front%20door` → "Front door"; what is not percent-encoded properly stays as it is. */
function scopeValue(scopes: readonly string[], kind: string, charset: string): string | undefined {
  const prefix = `onvif://www.onvif.org/${kind}/`;
  const scope = scopes.find((candidate) => candidate.toLowerCase().startsWith(prefix))?.slice(prefix.length);
  return scope === undefined ? undefined : plainWord(decodePercent(scope, charset));
}
