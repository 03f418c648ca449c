/** The XML of strangers as text, by the character set that it declares: older cameras write Latin-1 or GB2312. */

const bytesOfDeclaration = 256;

/** Never throws; what the character set cannot say becomes U+FFFD. What stands before the first `<` or after the last `>` is dropped. */
export function decodeXml(bytes: Uint8Array, contentType = ''): string {
  const text = new TextDecoder(charsetOf(bytes, contentType)).decode(bytes);
  const start = text.indexOf('<');
  // Leading line breaks and trailing zero bytes are seen, and no XML parser takes them.
  return start === -1 ? text : text.slice(start, text.lastIndexOf('>') + 1);
}

/** What every second byte of zero, or a mark at the beginning, gives away. */
const wideBeginnings = [['\u00ff\u00fe', 'utf-16le'], ['\u00fe\u00ff', 'utf-16be'], ['<\u0000?\u0000', 'utf-16le'], ['\u0000<\u0000?', 'utf-16be'], ['<\u0000', 'utf-16le'], ['\u0000<', 'utf-16be']] as const;

/** The name of the character set, one that TextDecoder knows. */
export function charsetOf(bytes: Uint8Array, contentType = ''): string {
  const beginning = new TextDecoder('latin1').decode(bytes.subarray(0, bytesOfDeclaration));
  const wide = wideBeginnings.find(([start]) => beginning.startsWith(start));
  if (wide !== undefined) return wide[1];
  const declared = /<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/.exec(beginning)?.[1]
    ?? /charset\s*=\s*"?([A-Za-z0-9._-]{1,40})/i.exec(contentType)?.[1];
  try {
    // A declaration that could be read byte by byte is not UTF-16, whatever it says.
    return declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : new TextDecoder(declared).encoding;
  } catch {
    return 'utf-8';
  }
}

/** `%C3%A9` as UTF-8, else in the character set of the message; unchanged where it is neither. */
export function decodePercent(text: string, charset: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) return text;
  const encoded = Buffer.from(text, 'utf8').toString('latin1');
  const bytes = Buffer.from(encoded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1');
  // Text that is not ASCII any more was decoded from the message's character set: the rest cannot be in it, too.
  const sets = encoded === text ? ['utf-8', charset] : ['utf-8'];
  for (const set of sets) {
    try {
      return new TextDecoder(set, { fatal: true }).decode(bytes);
    } catch {
      // The next, or none.
    }
  }
  return text;
}

/** A camera's word for people: control characters and direction marks out, one line, at most `max` characters; undefined when nothing is left. */
export function plainWord(text: string | undefined, max = 64): string | undefined {
  const plain = (text ?? '').toWellFormed()
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/g, ' ').replaceAll(/\s+/g, ' ').trim();
  return plain === '' ? undefined : [...plain].slice(0, max).join('');
}
