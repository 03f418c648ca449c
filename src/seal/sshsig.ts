/** SSHSIG by libsodium's Ed25519: format/sshsig.ts with keys in secure memory. What is signed here, `ssh-keygen -Y verify` checks. */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import { checkSignature, publicKeyText, readSignature, signedBytes, writeSignature, type SignedMessage } from './format/sshsig.ts';
import { fillRandom, secureAlloc, signDetached, signKeys, verifyDetached, zero } from './sodium.ts';

const seedBytes = 32;

export class Signer {
  /** "ssh-ed25519 AAAA…", one line of an allowed_signers or authorized_keys file. */
  readonly publicKey: string;
  readonly #point = new Uint8Array(32);
  /** Seed, then public key. */
  readonly #secretKey: Buffer = secureAlloc(64);

  private constructor(seed: Uint8Array) {
    signKeys(this.#point, this.#secretKey, seed);
    this.publicKey = publicKeyText(this.#point);
  }

  static generate(): Signer {
    const seed = secureAlloc(seedBytes);
    fillRandom(seed);
    const signer = new Signer(seed);
    zero(seed);
    return signer;
  }

  /** 32 bytes; the caller wipes its own copy. */
  static fromSeed(seed: Uint8Array): Signer {
    if (seed.length !== seedBytes) throw new SallyportError('SP_INTERNAL', { reason: `a signing seed of ${seed.length} bytes` });
    return new Signer(seed);
  }

  /** An armored signature; text is signed as UTF-8. The namespace keeps a signature for one purpose from serving another. */
  sign(message: Uint8Array | string, namespace: string): string {
    return writeSignature({ point: this.#point, namespace, signature: signDetached(signedBytes(sha512(message), namespace), this.#secretKey) });
  }

  /** The seed in secure memory of the caller's, for the encrypted database. */
  seed(): Buffer {
    const seed = secureAlloc(seedBytes);
    this.#secretKey.copy(seed, 0, 0, seedBytes);
    return seed;
  }

  /** Wipes the secret key. */
  close(): void {
    zero(this.#secretKey);
  }
}

/** Throws SP_BAD_SIGNATURE, which says why, unless `publicKey` signed exactly that message for that namespace. */
export function verifySignature(s: SignedMessage): void {
  checkSignature(s, { sha512, verify: verifyDetached });
}

/** The public key that a signature says it was made by, unverified; undefined when it is no signature. */
export function publicKeyIn(signature: string): string | undefined {
  return readSignature(signature)?.publicKey;
}

function sha512(message: Uint8Array | string): Buffer {
  return createHash('sha512').update(message).digest();
}
