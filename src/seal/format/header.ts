/** The header of an age file (C2SP age, "Header"), strict: only what the one encoding of a header allows is read. */
import { SallyportError } from '../../base/errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { concatBytes } from './bytes.ts';

export interface Stanza {
  /** The kind first. */
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

export interface Header {
  readonly stanzas: readonly Stanza[];
  /** What the MAC covers: everything up to and with the three dashes. */
  readonly covered: Uint8Array;
  readonly mac: Uint8Array;
  /** Bytes up to the payload nonce. */
  readonly size: number;
}

/** A header with more recipients than this holds (over 600) is refused. */
export const headerBytesMax = 65_536;

const versionLine = 'age-encryption.org/v1';
const lineFeed = 0x0a;
const space = 0x20;
const dash = 0x2d;
const bodyColumns = 64;

/** Where the header ends, or undefined when `bytes` does not reach that far. */
export function headerEnd(bytes: Uint8Array): number | undefined {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(lineFeed, at);
    if (end < 0) return undefined;
    if (bytes[at] === dash && bytes[at + 1] === dash && bytes[at + 2] === dash) return end + 1;
    at = end + 1;
  }
  return undefined;
}

/** SP_AGE_HEADER says what is wrong with it. `bytes` may go on after the header. */
export function parseHeader(bytes: Uint8Array, what: string): Header {
  const lines: Lines = new Lines(bytes.subarray(0, headerBytesMax), what);
  if (asciiOf(lines.next()) !== versionLine) lines.refuse(`its first line is not ${versionLine}`);
  const stanzas: Stanza[] = [];
  for (;;) {
    const start = lines.at;
    const line = lines.next();
    if (line[0] === dash && line[1] === dash && line[2] === dash) {
      if (stanzas.length === 0) lines.refuse('it has no recipient');
      const mac = line[3] === space ? decodeBase64(line.subarray(4), false) : undefined;
      if (mac === undefined || mac.length !== 32) lines.refuse('its last line is malformed');
      return { stanzas, covered: bytes.subarray(0, start + 3), mac, size: lines.at };
    }
    stanzas.push({ args: argsOf(line, lines), body: bodyOf(lines) });
  }
}

/** The part that the MAC covers. */
export function encodeCovered(stanzas: readonly Stanza[]): Uint8Array {
  let text = `${versionLine}\n`;
  for (const { args, body } of stanzas) {
    const base64 = asciiOf(encodeBase64(body, false));
    text += `-> ${args.join(' ')}\n`;
    for (let at = 0; at <= base64.length; at += bodyColumns) text += `${base64.slice(at, at + bodyColumns)}\n`;
  }
  return new TextEncoder().encode(`${text}---`);
}

export function encodeMacLine(mac: Uint8Array): Uint8Array {
  return new TextEncoder().encode(` ${asciiOf(encodeBase64(mac, false))}\n`);
}

export function asciiOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function argsOf(line: Uint8Array, lines: Lines): string[] {
  if (line[0] !== dash || line[1] !== 0x3e || line[2] !== space) lines.refuse('a recipient does not begin with ->');
  const text = line.subarray(3);
  if (text.some((byte) => byte < space || byte > 0x7e)) lines.refuse('a recipient has a character that does not belong there');
  const args = asciiOf(text).split(' ');
  if (args.includes('')) lines.refuse('a recipient has an empty argument');
  return args;
}

function bodyOf(lines: Lines): Uint8Array {
  const parts: Uint8Array[] = [];
  for (;;) {
    const line = lines.next();
    if (line.length > bodyColumns) lines.refuse('a line of a recipient is too long');
    const part = decodeBase64(line, false);
    if (part === undefined) lines.refuse('a recipient is not canonical base64');
    parts.push(part);
    if (line.length < bodyColumns) return concatBytes(...parts);
  }
}

class Lines {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  next(): Uint8Array {
    const end = this.#bytes.indexOf(lineFeed, this.at);
    if (end < 0) this.refuse(this.at === 0 ? 'its first line is not age-encryption.org/v1' : 'it ends within its header');
    const line = this.#bytes.subarray(this.at, end);
    this.at = end + 1;
    return line;
  }

  refuse(reason: string): never {
    throw new SallyportError('SP_AGE_HEADER', { what: this.#what, reason });
  }
}
