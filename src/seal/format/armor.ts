/** age's ASCII armor (C2SP age, "ASCII armor"): strict PEM; white space before and after it is allowed, lines may end in CRLF. */
import { SallyportError } from '../../base/errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { asciiOf } from './header.ts';

export const armorBegin = '-----BEGIN AGE ENCRYPTED FILE-----';
export const armorEnd = '-----END AGE ENCRYPTED FILE-----';
const columns = 64;

export function encodeArmor(bytes: Uint8Array): string {
  const base64 = asciiOf(encodeBase64(bytes, true));
  let text = `${armorBegin}\n`;
  for (let at = 0; at < base64.length; at += columns) text += `${base64.slice(at, at + columns)}\n`;
  return `${text}${armorEnd}\n`;
}

/** True when the text, white space aside, begins as armor does; it may still be broken further on. */
export function looksArmored(text: Uint8Array): boolean {
  const start = skipSpace(text, 0);
  return asciiOf(text.subarray(start, start + armorBegin.length)) === armorBegin;
}

/** SP_AGE_ARMOR says what is wrong with it. */
export function decodeArmor(text: Uint8Array, what: string): Uint8Array {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_AGE_ARMOR', { what, reason });
  };
  const lines = asciiOf(text.subarray(skipSpace(text, 0), skipSpaceBack(text))).split(/\r?\n/);
  if (lines.shift() !== armorBegin) refuse(`it does not begin with ${armorBegin}`);
  if (lines.pop() !== armorEnd) refuse(`it does not end with ${armorEnd}`);
  for (const [index, line] of lines.entries()) {
    const fits = index === lines.length - 1 ? line.length > 0 && line.length <= columns : line.length === columns;
    if (!fits) refuse(`line ${index + 2} has ${line.length} characters`);
  }
  return decodeBase64(new TextEncoder().encode(lines.join('')), true) ?? refuse('it is not canonical base64');
}

function skipSpace(text: Uint8Array, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text[at] as number)) at++;
  return at;
}

function skipSpaceBack(text: Uint8Array): number {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1] as number)) end--;
  return end;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
