/** The X25519 stanza of an age header (C2SP age, "The X25519 recipient type"): how it is written, and what is refused of it. */
import { SallyportError } from '../../base/errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { concatBytes, utf8 } from './bytes.ts';
import { asciiOf, type Stanza } from './header.ts';
import { chunkTagBytes } from './stream.ts';

export const fileKeyBytes = 16;
/** The HKDF info of the key that wraps a file key. */
export const wrapInfo = 'age-encryption.org/v1/X25519';
const kind = 'X25519';

export interface Wrapped {
  /** The public half of the pair that was made for it. */
  readonly share: Uint8Array;
  /** The file key, sealed. */
  readonly body: Uint8Array;
}

export function wrapSalt(share: Uint8Array, point: Uint8Array): Uint8Array {
  return concatBytes(share, point);
}

export function stanzaOf({ share, body }: Wrapped): Stanza {
  return { args: [kind, asciiOf(encodeBase64(share, false))], body };
}

/** Those of a header. A malformed one is a malformed header (SP_AGE_HEADER), even where another would have fitted; stanzas of other kinds fit nobody here. */
export function wrappedIn(stanzas: readonly Stanza[], what: string): Wrapped[] {
  if (stanzas.length > 1 && stanzas.some(({ args }) => args[0] === 'scrypt')) {
    throw new SallyportError('SP_AGE_HEADER', { what, reason: 'a passphrase stands beside other recipients' });
  }
  return stanzas.filter(({ args }) => args[0] === kind).map((stanza) => ({ share: shareOf(stanza, what), body: stanza.body }));
}

/** What a share is that agrees with nobody's scalar. */
export function lowOrderShare(what: string): SallyportError {
  return new SallyportError('SP_AGE_HEADER', { what, reason: 'a recipient is a low-order point' });
}

function shareOf({ args, body }: Stanza, what: string): Uint8Array {
  const share = args.length === 2 ? decodeBase64(utf8(args[1] as string), false) : undefined;
  // The length is checked before opening: a longer one would let a file be made that opens differently for two people.
  if (share?.length !== 32 || body.length !== fileKeyBytes + chunkTagBytes) {
    throw new SallyportError('SP_AGE_HEADER', { what, reason: 'an X25519 recipient is malformed' });
  }
  return share;
}
