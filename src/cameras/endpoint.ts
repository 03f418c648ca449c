/**
 * The address of a subscription (WS-Addressing 1.0): what it is called, and what must be sent along to it. Some makes have one address for all
 * subscriptions and tell them apart by ReferenceParameters, which are to be echoed as header blocks.
 */
import { escapeXml, find, textOf, unescapeXml, type XmlElement } from '../base/xml.ts';

export interface Endpoint {
  /** As the camera wrote it: for `wsa:To`. */
  readonly to: string;
  /** Header blocks, escaped. */
  readonly parameters: string;
}

const addressMax = 1024;
const parametersMax = 8;
const parameterMax = 512;
const blockMax = 4096;
/** A reply with an address is small; what searches it must not be given a megabyte. */
const xmlMax = 64 * 1024;

/** Of a CreatePullPointSubscriptionResponse; `xml` is all of it, for its namespaces. Undefined where it names no address. */
export function readEndpoint(response: XmlElement, xml: string): Endpoint | undefined {
  const to = textOf(find(response, 'SubscriptionReference'), 'Address')?.trim();
  return to === undefined || to === '' || to.length > addressMax ? undefined : { to, parameters: readParameters(xml) };
}

/** WS-Addressing 1.0 headers of one request to it. */
export function addressingHeaders(action: string, endpoint?: Endpoint): string {
  const wsa = 'xmlns:wsa="http://www.w3.org/2005/08/addressing"';
  const to = endpoint === undefined ? '' : `<wsa:To ${wsa}>${escapeXml(endpoint.to)}</wsa:To>${endpoint.parameters}`;
  return `<wsa:Action ${wsa}>${escapeXml(action)}</wsa:Action>${to}`;
}

/**
 * What the camera wrote is not copied: each parameter that holds plain text is written anew, with its namespace. Deeper ones were never
 * seen and are left out.
 */
function readParameters(xml: string): string {
  if (xml.length > xmlMax) return '';
  const start = /<(?:[\w.-]{1,32}:)?ReferenceParameters\b[^<>]{0,512}>/.exec(xml);
  if (start === null) return '';
  const from = start.index + start[0].length;
  const length = xml.slice(from, from + blockMax).search(/<\/(?:[\w.-]{1,32}:)?ReferenceParameters\s*>/);
  if (length === -1) return '';
  const [before, inner] = [xml.slice(0, from), xml.slice(from, from + length)];
  const blocks: string[] = [];
  for (const match of inner.matchAll(/<(?:([\w.-]{1,32}):)?([A-Za-z_][\w.-]{0,63})((?:\s[^<>]{0,512})?)>([^<]{0,512})<\/(?:[\w.-]{1,32}:)?[\w.-]{1,64}\s*>/g)) {
    const [, prefix, name, attributes, text] = match as unknown as [string, string | undefined, string, string, string];
    const namespace = namespaceOf(prefix, attributes) ?? namespaceOf(prefix, before);
    if (blocks.length >= parametersMax || text.length > parameterMax) break;
    const declared = namespace === undefined ? '' : ` xmlns="${escapeXml(namespace)}"`;
    blocks.push(`<${name}${declared} xmlns:wsa="http://www.w3.org/2005/08/addressing" wsa:IsReferenceParameter="true">${escapeXml(unescapeXml(text.trim()))}</${name}>`);
  }
  return blocks.join('');
}

/** The last declaration in `text`, which is the nearest one before the element. */
function namespaceOf(prefix: string | undefined, text: string): string | undefined {
  const attribute = prefix === undefined ? 'xmlns' : `xmlns:${prefix.replaceAll('.', '\\.')}`;
  const found = [...text.matchAll(new RegExp(`\\s${attribute}\\s*=\\s*["']([^"'<>]{1,256})["']`, 'g'))].at(-1)?.[1];
  return found === undefined ? undefined : unescapeXml(found);
}
