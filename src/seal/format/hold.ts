/**
 * A hold: a second header for a sealed file, with the same file key sealed to another recipient. Put in place of the file's own first
 * 168 bytes it opens what comes after them; the file itself is never written again. Pure: whoever makes one (the hub, the owner's
 * terminal, a browser) brings its own primitives.
 */
import { SallyportError } from '../../base/errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { asciiOf, encodeCovered, encodeMacLine, parseHeader } from './header.ts';

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

const kind = 'X25519';
const keyBytes = 32;
const noSalt = new Uint8Array(0);

/** The second header: the 16-byte file key sealed to an X25519 public key (C2SP age, "The X25519 recipient type" and "Header MAC"). */
export function sealHold(fileKey: Uint8Array, point: Uint8Array, { agree, hkdf, hmac, seal, wipe }: HoldPrimitives): Uint8Array {
  const { share, secret } = agree(point);
  const wrapKey = hkdf(secret, joined(share, point), 'age-encryption.org/v1/X25519');
  wipe(secret);
  const covered = encodeCovered([{ args: [kind, asciiOf(encodeBase64(share, false))], body: seal(wrapKey, fileKey) }]);
  wipe(wrapKey);
  const macKey = hkdf(fileKey, noSalt, 'header');
  const hold = joined(covered, encodeMacLine(hmac(macKey, covered)));
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
  const [stanza] = stanzas;
  if (size !== holdBytes || stanzas.length !== 1 || stanza === undefined) return refuse('it is no header for one recipient');
  const share = stanza.args.length === 2 && stanza.args[0] === kind ? decodeBase64(new TextEncoder().encode(stanza.args[1]), false) : undefined;
  if (share?.length !== keyBytes || stanza.body.length !== keyBytes) refuse('its recipient is not X25519');
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
