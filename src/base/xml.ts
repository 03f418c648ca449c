/**
 * XML of strangers (SOAP, WS-Discovery) as a plain tree of local names: bounded in size, depth and attributes, no DTD, no entities
 * beyond the five of XML, text stays text ("5.10", "00123").
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';

export interface XmlElement {
  /** Without its namespace prefix. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** No reply is read beyond this. */
export const xmlBytesMax = 2 ** 20;
/** Characters: the parser goes one by one, and a process that has just begun takes 90 ms for a million. */
export const xmlLengthMax = 2 ** 19;
const depthMax = 64;
/** The longest answers that were seen have 1,500; a small computer parses so many in a tenth of a second. */
const elementsMax = 5000;
const attributesMax = 10_000;
/** Some makes declare every namespace there is, in each answer. */
const attributesPerTagMax = 256;
const tagLengthMax = 2 ** 16;

/** Throws a plain Error that says what is wrong; the caller knows whose XML it is. */
export function parseXml(text: string): XmlElement {
  if (text.length > xmlLengthMax) throw new Error(`more than ${xmlLengthMax} characters of XML`);
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw new Error('XML with a document type or entities');
  checkShape(text);
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new Error(`not well-formed XML: ${valid.err.msg}`);
  const nodes = parser.parse(text) as OrderedNode[];
  const budget = { left: elementsMax };
  const root = nodes.map((node) => toElement(node, budget, 0)).find((element) => element !== undefined);
  if (root === undefined) throw new Error('no XML element');
  return root;
}

/** The first element on the path of local names below `element`. */
export function find(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let at = element;
  for (const name of path) at = at?.children.find((child) => child.name === name);
  return at;
}

export function findAll(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** The first element of that local name anywhere below, document order. */
export function findDeep(element: XmlElement | undefined, name: string): XmlElement | undefined {
  for (const child of element?.children ?? []) {
    const hit = child.name === name ? child : findDeep(child, name);
    if (hit !== undefined) return hit;
  }
  return undefined;
}

export function textOf(element: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  return find(element, ...path)?.text;
}

/** For element content and attribute values; characters that XML 1.0 cannot carry are dropped. */
export function escapeXml(text: string): string {
  return text
    // oxlint-disable-next-line no-control-regex -- XML 1.0 forbids these characters
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&apos;');
}

type OrderedNode = Record<string, unknown> & { ':@'?: Record<string, string> };

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  // It would go over each text a dozen times; `unescapeXml` does it once.
  processEntities: false,
  cdataPropName: '#cdata',
  removeNSPrefix: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/**
 * One pass before the parser, which is not made for strangers: what is deeper, wider or longer than any camera's answer costs it tenths of
 * a second and a hundred megabytes. Also what never closes is found here, in linear time.
 */
function checkShape(text: string): void {
  let depth = 0;
  let elements = 0;
  let attributes = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const markup = markups.find(({ begin }) => text.startsWith(begin, at));
    if (markup !== undefined) {
      const end = text.indexOf(markup.end, at + markup.begin.length);
      if (end === -1) throw new Error(`not well-formed XML: ${markup.begin} is not closed`);
      at = end + markup.end.length;
      continue;
    }
    const { end, attributes: own } = readTag(text, at + 1);
    attributes += own;
    if (attributes > attributesMax) throw new Error(`XML of more than ${attributesMax} attributes`);
    if (text[at + 1] === '/') depth--;
    else {
      if (++elements > elementsMax) throw new Error(`XML of more than ${elementsMax} elements`);
      if (text[end - 1] !== '/' && ++depth > depthMax) throw new Error(`XML deeper than ${depthMax} levels`);
    }
    at = end + 1;
  }
}

/** What begins with `<` and is no tag. */
const markups = [{ begin: '<!--', end: '-->' }, { begin: '<![CDATA[', end: ']]>' }, { begin: '<?', end: '?>' }];

/** Where the tag's `>` is, and how many attributes it has; quotes are passed over. */
function readTag(text: string, from: number): { end: number; attributes: number } {
  let attributes = 0;
  let quote = '';
  for (let at = from; at < text.length && at - from < tagLengthMax; at++) {
    const character = text[at] as string;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '>') return { end: at, attributes };
    else if (character === '"' || character === "'") quote = character;
    else if (character === '<') break;
    else if (character === '=' && ++attributes > attributesPerTagMax) throw new Error(`XML with more than ${attributesPerTagMax} attributes at one element`);
  }
  throw new Error('not well-formed XML: a tag is not closed, or too long');
}

function toElement(node: OrderedNode, budget: { left: number }, depth: number): XmlElement | undefined {
  const name = Object.keys(node).find((key) => key !== ':@');
  if (name === undefined || name === '#text' || name.startsWith('?')) return undefined;
  if (--budget.left < 0 || depth > depthMax) throw new Error('too much XML');
  const inner = node[name] as OrderedNode[];
  const children: XmlElement[] = [];
  let text = '';
  for (const child of inner) {
    if ('#text' in child) text += unescapeXml(String(child['#text']));
    else if ('#cdata' in child) text += (child['#cdata'] as { '#text'?: unknown }[]).map((part) => String(part['#text'] ?? '')).join('');
    else {
      const element = toElement(child, budget, depth + 1);
      if (element !== undefined) children.push(element);
    }
  }
  const attributes = Object.fromEntries(Object.entries(node[':@'] ?? {}).map(([key, value]) => [key, unescapeXml(value)]));
  return { name, attributes, children, text };
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: '\'' };

/** The five entities of XML and numeric references, which cameras use in stream addresses; what else looks like one stays as it is. */
export function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(?:(lt|gt|amp|quot|apos)|#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7})));/g, (whole, name: string | undefined, hex: string | undefined, digits: string | undefined) => {
    if (name !== undefined) return named[name] ?? whole;
    const code = hex === undefined ? Number(digits) : Number.parseInt(hex, 16);
    // Not a character of XML 1.0: it says nothing.
    return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? '\ufffd' : String.fromCodePoint(code);
  });
}
