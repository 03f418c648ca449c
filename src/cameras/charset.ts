/** The XML of strangers as text, by the character set that it declares: older cameras write Latin-1 or GB2312. */

const bytesOfDeclaration = 256;

/** Never throws; what the character set cannot say becomes U+FFFD. What stands before the first `<` or after the last `>` is dropped. */
export function decodeXml(bytes: Uint8Array, contentType = ''): string {
  const text = decoderOf(bytes, contentType).decode(bytes);
  const start = text.indexOf('<');
  // Leading line breaks and trailing zero bytes are seen, and no XML parser takes them.
  return start === -1 ? text : text.slice(start, text.lastIndexOf('>') + 1);
}

function decoderOf(bytes: Uint8Array, contentType: string): InstanceType<typeof TextDecoder> {
  const beginning = new TextDecoder('latin1').decode(bytes.subarray(0, bytesOfDeclaration));
  if (beginning.startsWith('\u00ff\u00fe') || beginning.startsWith('\u00fe\u00ff')) return new TextDecoder(beginning.startsWith('\u00ff') ? 'utf-16le' : 'utf-16be');
  const declared = /<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/.exec(beginning)?.[1]
    ?? /charset\s*=\s*"?([A-Za-z0-9._-]{1,40})/i.exec(contentType)?.[1];
  try {
    // A declaration that could be read byte by byte is not UTF-16, whatever it says.
    return new TextDecoder(declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : declared);
  } catch {
    return new TextDecoder('utf-8');
  }
}

/** A camera's word for people: control characters and direction marks out, one line, at most `max` characters; undefined when nothing is left. */
export function plainWord(text: string | undefined, max = 64): string | undefined {
  const plain = (text ?? '').toWellFormed()
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/g, ' ').replaceAll(/\s+/g, ' ').trim();
  return plain === '' ? undefined : [...plain].slice(0, max).join('');
}
