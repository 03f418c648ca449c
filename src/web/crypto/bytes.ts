/**
 * What opens and signs in the visitor's browser: age files, identities, SSHSIG, the owner list, sealed footage. The formats are those of
 * docs/FORMAT.md; what is pure of them is shared with the hub (`src/seal/format/`), the ciphers are noble's. Nothing here touches the page;
 * the network, IndexedDB and the worker are passed in or touched in a function, so that tests run it all in Node.
 *
 * JavaScript cannot promise that a secret leaves no trace; what is held in arrays is overwritten when it is done with (`wipe`).
 * This file: bytes.
 */
import { decodeBase64, encodeBase64 } from '../../seal/format/base64.ts';
import { concatBytes, utf8 } from '../../seal/format/bytes.ts';
import { asciiOf } from '../../seal/format/header.ts';

export { concatBytes, utf8 };

export type Bytes = Uint8Array<ArrayBuffer>;

export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Takes as long for any two of one length. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) different |= (a[i] as number) ^ (b[i] ?? 0);
  return different === 0;
}

export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

/** As binary fields go over the wire: base64url without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return asciiOf(encodeBase64(bytes, false)).replaceAll('+', '-').replaceAll('/', '_');
}

/** undefined when it is none. */
export function fromBase64url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  return decodeBase64(utf8(text.replaceAll('-', '+').replaceAll('_', '/')), false) as Bytes | undefined;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
