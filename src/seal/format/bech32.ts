/**
 * Bech32 (BIP 173) as age uses it: 32 bytes under "age" (lower case) or "AGE-SECRET-KEY-" (upper case), no limit of 90 characters.
 * Works on buffers of the caller, so a private key can go from secure memory to secure memory and never becomes a string.
 */
const charset = new TextEncoder().encode('qpzry9x8gf2tvdw0s3jn54khce6mua7l');
const values = new Int8Array(128).fill(-1);
for (const [value, character] of charset.entries()) values[character] = value;
const checksumLength = 6;
const caseBit = 0x20;

export function bech32Length(prefix: string, dataBytes: number): number {
  return prefix.length + 1 + Math.ceil((dataBytes * 8) / 5) + checksumLength;
}

/** Writes ASCII to `into` in the prefix's own case; `into` has `bech32Length` bytes. */
export function writeBech32(into: Uint8Array, prefix: string, data: Uint8Array): void {
  const upper = isUpper(prefix);
  let at = 0;
  const write = (character: number): void => void (into[at++] = upper && character >= 0x61 ? character ^ caseBit : character);
  for (let i = 0; i < prefix.length; i++) into[at++] = prefix.charCodeAt(i);
  into[at++] = 0x31;
  let sum = sumOfPrefix(prefix);
  let bits = 0;
  let pending = 0;
  const put = (value: number): void => {
    sum = step(sum, value);
    write(charset[value] as number);
  };
  for (const byte of data) {
    pending = ((pending & 0x1f) << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) put((pending >> (bits - 5)) & 31);
  }
  if (bits > 0) put((pending << (5 - bits)) & 31);
  for (let i = 0; i < checksumLength; i++) sum = step(sum, 0);
  sum ^= 1;
  for (let i = 0; i < checksumLength; i++) write(charset[(sum >> (5 * (checksumLength - 1 - i))) & 31] as number);
}

/** Fills `into` from ASCII `text` of exactly that prefix, case and length; says why not, or undefined when all is well. */
export function readBech32(into: Uint8Array, prefix: string, text: Uint8Array): string | undefined {
  if (!startsWith(text, `${prefix}1`)) return `it does not begin with ${prefix}1`;
  if (text.length !== bech32Length(prefix, into.length)) return `it has ${text.length} characters instead of ${bech32Length(prefix, into.length)}`;
  const upper = isUpper(prefix);
  const dataEnd = text.length - checksumLength;
  let sum = sumOfPrefix(prefix);
  let at = 0;
  let bits = 0;
  let pending = 0;
  for (let i = prefix.length + 1; i < text.length; i++) {
    const value = valueOf(text[i] as number, upper);
    if (value < 0) return 'it has a character that does not belong there';
    sum = step(sum, value);
    if (i >= dataEnd) continue;
    pending = ((pending & 0xff) << 5) | value;
    bits += 5;
    if (bits >= 8) into[at++] = (pending >> (bits -= 8)) & 0xff;
  }
  if (sum !== 1) return 'its checksum does not fit: a character was mistyped';
  return (pending & ((1 << bits) - 1)) === 0 ? undefined : 'its last bits are not zero';
}

function valueOf(character: number, upper: boolean): number {
  const lower = character >= 0x61 && character <= 0x7a;
  const capital = character >= 0x41 && character <= 0x5a;
  if (upper ? lower : capital) return -1;
  return values[capital ? character ^ caseBit : character] ?? -1;
}

function sumOfPrefix(prefix: string): number {
  const lower = prefix.toLowerCase();
  let sum = 1;
  for (let i = 0; i < lower.length; i++) sum = step(sum, lower.charCodeAt(i) >> 5);
  sum = step(sum, 0);
  for (let i = 0; i < lower.length; i++) sum = step(sum, lower.charCodeAt(i) & 31);
  return sum;
}

function step(sum: number, value: number): number {
  const top = sum >>> 25;
  let next = ((sum & 0x1ffffff) << 5) ^ value;
  if ((top & 1) !== 0) next ^= 0x3b6a57b2;
  if ((top & 2) !== 0) next ^= 0x26508e6d;
  if ((top & 4) !== 0) next ^= 0x1ea119fa;
  if ((top & 8) !== 0) next ^= 0x3d4233dd;
  if ((top & 16) !== 0) next ^= 0x2a1462b3;
  return next;
}

function isUpper(prefix: string): boolean {
  return prefix === prefix.toUpperCase();
}

function startsWith(text: Uint8Array, start: string): boolean {
  for (let i = 0; i < start.length; i++) if (text[i] !== start.charCodeAt(i)) return false;
  return true;
}
