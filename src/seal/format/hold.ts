/**
 * A hold: a second header for a sealed file, with the same file key sealed to another recipient. Put in place of the file's own first
 * 168 bytes it opens what comes after them; the file itself is never written again. Pure: whoever makes one (the hub, the owner's
 * terminal, a browser) brings its own primitives.
 */
import { SallyportError } from '../../base/errors.ts';
import { concatBytes } from './bytes.ts';
import { encodeCovered, encodeMacLine, parseHeader } from './header.ts';
import { stanzaOf, wrapInfo, wrappedIn, wrapSalt } from './x25519.ts';

/** A header with one X25519 recipient, without the payload nonce. */
export const holdBytes = 168;

/** What is handed out may lie in memory of its own kind; `wipe` is called for each secret once it was used. */
export interface HoldPrimitives {
  /** The public half of a fresh X25519 pair, and the secret that it shares with `point`. */
  readonly agree: (point: Uint8Array) => { readonly share: Uint8Array; readonly secret: Uint8Array };
  /** HKDF-SHA-256, 32 bytes. */
  readonly hkdf: (secret: Uint8Array, salt: Uint8Array, info: string) => Uint8Array;
  /** HMAC-SHA-256. */
  readonly hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  /** ChaCha20-Poly1305 under a nonce of 12 zero bytes, without associated data; the tag at the end. */
  readonly seal: (key: Uint8Array, plain: Uint8Array) => Uint8Array;
  readonly wipe: (secret: Uint8Array) => void;
}

const noSalt = new Uint8Array(0);

/** The second header: the 16-byte file key sealed to an X25519 public key (C2SP age, "The X25519 recipient type" and "Header MAC"). */
export function sealHold(fileKey: Uint8Array, point: Uint8Array, { agree, hkdf, hmac, seal, wipe }: HoldPrimitives): Uint8Array {
  const { share, secret } = agree(point);
  const wrapKey = hkdf(secret, wrapSalt(share, point), wrapInfo);
  wipe(secret);
  const covered = encodeCovered([stanzaOf({ share, body: seal(wrapKey, fileKey) })]);
  wipe(wrapKey);
  const macKey = hkdf(fileKey, noSalt, 'header');
  const hold = concatBytes(covered, encodeMacLine(hmac(macKey, covered)));
  wipe(macKey);
  return hold;
}

/** Size, shape and parse are right; whether it opens the file only the file key tells. SP_AGE_HEADER. */
export function checkHold(hold: Uint8Array, what: string): void {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_AGE_HEADER', { what, reason });
  };
  if (hold.length !== holdBytes) refuse(`it has ${hold.length} bytes instead of ${holdBytes}`);
  const { stanzas, size } = parseHeader(hold, what);
  if (size !== holdBytes || stanzas.length !== 1) refuse('it is no header for one recipient');
  if (wrappedIn(stanzas, what).length === 0) refuse('its recipient is not X25519');
}
