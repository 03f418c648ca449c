/** How age X25519 identities and recipients are written, and what is refused of them. Pure: whoever reads one brings the memory that a secret may lie in. */
import { SallyportError } from '../../base/errors.ts';
import { bech32Length, readBech32, writeBech32 } from './bech32.ts';
import { utf8 } from './bytes.ts';
import { asciiOf } from './header.ts';

export const keyBytes = 32;
const identityPrefix = 'AGE-SECRET-KEY-';
const recipientPrefix = 'age';
/** Characters of an identity's text. */
export const identityTextBytes = bech32Length(identityPrefix, keyBytes);
/** The HKDF info of the Ed25519 seed that signs in an identity's name. */
export const signInfo = 'sallyport sign v1';
/** With it a low-order point shows: the secret that they share is all zero, as with any other scalar. */
export const anyScalar = new Uint8Array(keyBytes).fill(0x55);

/** One AGE-SECRET-KEY-1… into `scalar`, 32 bytes; SP_BAD_IDENTITY names `what`, and the caller wipes what was begun. */
export function readIdentity(scalar: Uint8Array, text: Uint8Array, what: string): void {
  const reason = readBech32(scalar, identityPrefix, text);
  if (reason !== undefined) throw new SallyportError('SP_BAD_IDENTITY', { file: what, reason });
}

/** AGE-SECRET-KEY-1… into `identityTextBytes` bytes. */
export function writeIdentity(into: Uint8Array, scalar: Uint8Array): void {
  writeBech32(into, identityPrefix, scalar);
}

/** Of an age identity file: one identity a line, # comments and blank lines allowed. SP_BAD_IDENTITY when it holds none. */
export function identityLines(text: string, file: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new SallyportError('SP_BAD_IDENTITY', { file, reason: 'it holds no identity' });
  return lines;
}

/** "age1…" of an X25519 public key. */
export function recipientText(point: Uint8Array): string {
  const text = new Uint8Array(bech32Length(recipientPrefix, keyBytes));
  writeBech32(text, recipientPrefix, point);
  return asciiOf(text);
}

/** The X25519 public key of "age1…"; SP_BAD_RECIPIENT. */
export function readRecipient(text: string, isLowOrder: (point: Uint8Array) => boolean): Uint8Array {
  const point = new Uint8Array(keyBytes);
  const reason = readBech32(point, recipientPrefix, utf8(text)) ?? (isLowOrder(point) ? 'it is a low-order point, which protects nothing' : undefined);
  if (reason !== undefined) throw new SallyportError('SP_BAD_RECIPIENT', { recipient: JSON.stringify(text.slice(0, 80)), reason });
  return point;
}
