/** Base64 (RFC 4648, standard alphabet), canonical both ways: bits that must be zero are, padding is where it must be and nowhere else. */
const alphabet = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const values = new Int8Array(256).fill(-1);
for (const [value, character] of alphabet.entries()) values[character] = value;
const equals = 0x3d;

/** ASCII bytes. */
export function encodeBase64(bytes: Uint8Array, padded: boolean): Uint8Array {
  const text = new Uint8Array(padded ? Math.ceil(bytes.length / 3) * 4 : Math.ceil((bytes.length * 4) / 3));
  let at = 0;
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    pending = ((pending & 0x3f) << 8) | byte;
    bits += 8;
    for (; bits >= 6; bits -= 6) text[at++] = alphabet[(pending >> (bits - 6)) & 63] as number;
  }
  if (bits > 0) text[at++] = alphabet[(pending << (6 - bits)) & 63] as number;
  text.fill(equals, at);
  return text;
}

/** undefined when `text` is not the one encoding of any bytes. */
export function decodeBase64(text: Uint8Array, padded: boolean): Uint8Array | undefined {
  const length = padded ? unpaddedLength(text) : text.length;
  if (length === undefined || length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let at = 0;
  let bits = 0;
  let pending = 0;
  for (let i = 0; i < length; i++) {
    const value = values[text[i] as number] as number;
    if (value < 0) return undefined;
    pending = ((pending & 0xff) << 6) | value;
    bits += 6;
    if (bits >= 8) bytes[at++] = (pending >> (bits -= 8)) & 0xff;
  }
  return (pending & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

function unpaddedLength(text: Uint8Array): number | undefined {
  if (text.length % 4 !== 0) return undefined;
  const end = text.length;
  if (end === 0 || text[end - 1] !== equals) return end;
  return text[end - 2] === equals ? end - 2 : end - 1;
}
