/** age X25519 identities and recipients in the browser: the format's (`src/seal/format/identity.ts`), by noble's ciphers. */
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { asciiOf } from '../../seal/format/header.ts';
import { anyScalar, identityLines, identityTextBytes, keyBytes, readIdentity, readRecipient, recipientText, signInfo, writeIdentity } from '../../seal/format/identity.ts';
import { randomBytes, utf8, wipe, type Bytes } from './bytes.ts';
import { Signer } from './sshsig.ts';

export { identityTextBytes };

export class Identity {
  /** "age1…" */
  readonly recipient: string;
  /** The X25519 public key that `recipient` encodes. */
  readonly point: Uint8Array;
  readonly #scalar: Bytes;
  #signer: string | undefined;

  private constructor(scalar: Bytes) {
    this.#scalar = scalar;
    this.point = x25519.getPublicKey(scalar);
    this.recipient = recipientText(this.point);
  }

  /** "ssh-ed25519 …", the public half of the key that signs in this identity's name. */
  get signer(): string {
    return this.#signer ??= this.#withSigner((signer) => signer.publicKey);
  }

  static generate(): Identity {
    return new Identity(randomBytes(keyBytes));
  }

  /** The 32 bytes become the identity's own and are wiped with it. */
  static ofScalar(scalar: Bytes): Identity {
    return new Identity(scalar);
  }

  /** One AGE-SECRET-KEY-1…; SP_BAD_IDENTITY names `what`. */
  static parse(text: string, what: string): Identity {
    return Identity.parseBytes(utf8(text.trim()), what);
  }

  static parseBytes(text: Uint8Array, what: string): Identity {
    const scalar = new Uint8Array(keyBytes);
    try {
      readIdentity(scalar, text, what);
    } catch (error) {
      wipe(scalar);
      throw error;
    }
    return new Identity(scalar);
  }

  /** An age identity file: one identity a line, # comments and blank lines allowed. SP_BAD_IDENTITY also when it holds none. */
  static parseFile(text: string, file: string): Identity[] {
    return identityLines(text, file).map((line) => Identity.parse(line, file));
  }

  /** AGE-SECRET-KEY-1… as a string, which cannot be wiped: for the kit that the owner puts away. */
  reveal(): string {
    const text = new Uint8Array(identityTextBytes);
    this.writeText(text);
    const revealed = asciiOf(text);
    wipe(text);
    return revealed;
  }

  /** AGE-SECRET-KEY-1… into `identityTextBytes` bytes, which the caller wipes. */
  writeText(into: Uint8Array): void {
    writeIdentity(into, this.#scalar);
  }

  /** A copy that the caller wipes. */
  copyScalar(): Bytes {
    return this.#scalar.slice();
  }

  /** An SSHSIG in this identity's name: Ed25519, its seed HKDF-SHA-256 of the scalar. */
  sign(message: Uint8Array | string, namespace: string): string {
    return this.#withSigner((signer) => signer.sign(message, namespace));
  }

  /** undefined for a low-order point. The caller wipes it. */
  sharedSecret(point: Uint8Array): Uint8Array | undefined {
    return multiply(this.#scalar, point);
  }

  /** Wipes the private key. */
  close(): void {
    wipe(this.#scalar);
  }

  #withSigner<T>(use: (signer: Signer) => T): T {
    const signer = new Signer(hkdf(sha256, this.#scalar, undefined, utf8(signInfo), keyBytes) as Bytes);
    try {
      return use(signer);
    } finally {
      signer.close();
    }
  }
}

/** SP_BAD_RECIPIENT. */
export function checkRecipient(text: string): void {
  recipientPoint(text);
}

/** The X25519 public key of "age1…"; SP_BAD_RECIPIENT. */
export function recipientPoint(text: string): Uint8Array {
  return readRecipient(text, (point) => multiply(anyScalar, point) === undefined);
}

function multiply(scalar: Uint8Array, point: Uint8Array): Uint8Array | undefined {
  try {
    const shared = x25519.getSharedSecret(scalar, point);
    return shared.some((byte) => byte !== 0) ? shared : undefined;
  } catch {
    return undefined;
  }
}
