/**
 * The room of keys and ciphers. It makes age v1 files chunk by chunk (sealer.ts) and opens them strictly (opener.ts), makes and opens
 * period keys in their slots (slot.ts), signs and checks SSHSIG (sshsig.ts), and reads and makes the owner's list (owner.ts).
 * It knows no path and no table: bytes come in, bytes go out, and an error names what the caller called them.
 *
 * It alone may import sodium-native (in sodium.ts). Private scalars, period keys, file keys and payload keys live in sodium_malloc
 * memory and are wiped on close; none becomes a JavaScript string, but for `reveal`, which makes the owner's kit.
 * What lies in format/ is pure and runs in a browser too.
 *
 * docs/FORMAT.md describes every byte. This file: age X25519 identities and recipients.
 */
import { anyScalar, identityLines, identityTextBytes, keyBytes, readIdentity, readRecipient, recipientText, signInfo, writeIdentity } from './format/identity.ts';
import { hkdfSha256 } from './hkdf.ts';
import { fillRandom, scalarMult, scalarMultBase, secureAlloc, zero } from './sodium.ts';
import { Signer } from './sshsig.ts';

export { identityTextBytes };

const noSalt = new Uint8Array(0);

export class Identity {
  /** "age1…" */
  readonly recipient: string;
  /** The X25519 public key that `recipient` encodes. */
  readonly point: Uint8Array;
  readonly #scalar: Buffer;

  private constructor(scalar: Buffer) {
    this.#scalar = scalar;
    this.point = new Uint8Array(keyBytes);
    scalarMultBase(this.point, scalar);
    this.recipient = recipientText(this.point);
  }

  static generate(): Identity {
    const scalar = secureAlloc(keyBytes);
    fillRandom(scalar);
    return new Identity(scalar);
  }

  /** From 32 bytes of secure memory, which become the identity's own and are wiped with it. */
  static ofScalar(scalar: Buffer): Identity {
    return new Identity(scalar);
  }

  /** One AGE-SECRET-KEY-1…; SP_BAD_IDENTITY names `what`. */
  static parse(text: string, what: string): Identity {
    return Identity.parseBytes(Buffer.from(text.trim()), what);
  }

  /** The same from ASCII bytes, so that a key in secure memory stays there. */
  static parseBytes(text: Uint8Array, what: string): Identity {
    const scalar = secureAlloc(keyBytes);
    try {
      readIdentity(scalar, text, what);
    } catch (error) {
      zero(scalar);
      throw error;
    }
    return new Identity(scalar);
  }

  /** An age identity file: one identity a line, # comments and blank lines allowed. SP_BAD_IDENTITY also when it holds none. */
  static parseFile(text: string, file: string): Identity[] {
    return identityLines(text, file).map((line) => Identity.parse(line, file));
  }

  /** AGE-SECRET-KEY-1… as a string that cannot be wiped: only for kit files that the owner keeps. */
  reveal(): string {
    const text = secureAlloc(identityTextBytes);
    this.writeText(text);
    const revealed = text.toString('latin1');
    zero(text);
    return revealed;
  }

  /** AGE-SECRET-KEY-1… into `identityTextBytes` bytes of secure memory. */
  writeText(into: Uint8Array): void {
    writeIdentity(into, this.#scalar);
  }

  /** The key that signs in this identity's name: Ed25519, its seed HKDF-SHA-256 of the scalar. The caller closes it. */
  signer(): Signer {
    const seed = secureAlloc(keyBytes);
    hkdfSha256(seed, this.#scalar, noSalt, signInfo);
    const signer = Signer.fromSeed(seed);
    zero(seed);
    return signer;
  }

  /** X25519 with somebody's point into secure memory; false for a low-order point. */
  sharedSecret(into: Buffer, point: Uint8Array): boolean {
    return scalarMult(into, this.#scalar, point);
  }

  /** Wipes the private key. */
  close(): void {
    zero(this.#scalar);
  }
}

/** SP_BAD_RECIPIENT. */
export function checkRecipient(text: string): void {
  recipientPoint(text);
}

/** The X25519 public key of "age1…"; SP_BAD_RECIPIENT. */
export function recipientPoint(text: string): Uint8Array {
  return readRecipient(text, isLowOrder);
}

function isLowOrder(point: Uint8Array): boolean {
  return !scalarMult(new Uint8Array(keyBytes), anyScalar, point);
}
