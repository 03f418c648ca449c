/** The namespace of the element that a SOAP body holds, for the parser of base/ keeps local names only. The text is well-formed XML. */

const name = '(?:([\\w.-]{1,64}):)?[\\w.-]{1,128}';
/** Bounded, so that no text makes it slow. */
const bodyStart = new RegExp(`<(?:[\\w.-]{1,64}:)?Body(?:\\s[^<>]{0,4000})?>\\s{0,4000}<${name}((?:\\s[^<>]{0,8000})?)/?>`);

/** Undefined where it cannot be told. */
export function namespaceOfBody(text: string): string | undefined {
  const match = bodyStart.exec(text);
  if (match === null) return undefined;
  const [, prefix, attributes = ''] = match;
  const before = text.slice(0, match.index + match[0].length - attributes.length);
  return declaration(attributes, prefix) ?? declaration(before, prefix);
}

/** The last one of the text: of several, the innermost is nearest. */
function declaration(text: string, prefix: string | undefined): string | undefined {
  const attribute = prefix === undefined ? 'xmlns' : `xmlns:${prefix.replaceAll('.', '\\.')}`;
  return [...text.matchAll(new RegExp(`\\s${attribute}\\s{0,16}=\\s{0,16}(?:"([^"<]{0,512})"|'([^'<]{0,512})')`, 'g'))].map((match) => match[1] ?? match[2]).at(-1);
}
