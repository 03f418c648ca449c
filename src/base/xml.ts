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

export const xmlBytesMax = 2 ** 20;
const depthMax = 64;
const elementsMax = 20_000;

/** Throws a plain Error that says what is wrong; the caller knows whose XML it is. */
export function parseXml(text: string): XmlElement {
  if (text.length > xmlBytesMax) throw new Error(`more than ${xmlBytesMax} characters of XML`);
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw new Error('XML with a document type or entities');
  checkDepth(text);
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
  processEntities: true,
  // For numeric references (`&#38;`), which cameras use in stream addresses.
  htmlEntities: true,
  removeNSPrefix: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/** The parser recurses; depth is bounded before it runs. */
function checkDepth(text: string): void {
  let depth = 0;
  const tag = /<(\/?)[A-Za-z_](?:[^<>"']|"[^"]*"|'[^']*')*?(\/?)>/g;
  for (let match = tag.exec(text); match !== null; match = tag.exec(text)) {
    if (match[1] === '/') depth--;
    else if (match[2] !== '/' && ++depth > depthMax) throw new Error(`XML deeper than ${depthMax} levels`);
  }
}

function toElement(node: OrderedNode, budget: { left: number }, depth: number): XmlElement | undefined {
  const name = Object.keys(node).find((key) => key !== ':@');
  if (name === undefined || name === '#text' || name.startsWith('?')) return undefined;
  if (--budget.left < 0 || depth > depthMax) throw new Error('too much XML');
  const inner = node[name] as OrderedNode[];
  const children: XmlElement[] = [];
  let text = '';
  for (const child of inner) {
    if ('#text' in child) text += String(child['#text']);
    else {
      const element = toElement(child, budget, depth + 1);
      if (element !== undefined) children.push(element);
    }
  }
  return { name, attributes: node[':@'] ?? {}, children, text };
}
