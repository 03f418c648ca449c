/** SSHSIG in the browser: the format's (`src/seal/format/sshsig.ts`), by noble's Ed25519. What is signed here, `ssh-keygen -Y verify` checks. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { checkSignature, publicKeyText, signedBytes, writeSignature, type SignedMessage } from '../../seal/format/sshsig.ts';
import { utf8, wipe, type Bytes } from './bytes.ts';

export class Signer {
  /** "ssh-ed25519 AAAA…" */
  readonly publicKey: string;
  readonly #point: Uint8Array;
  readonly #seed: Bytes;

  /** 32 bytes, which become the signer's own and are wiped with it. */
  constructor(seed: Bytes) {
    this.#seed = seed;
    this.#point = ed25519.getPublicKey(seed);
    this.publicKey = publicKeyText(this.#point);
  }

  /** An armored signature; text is signed as UTF-8. */
  sign(message: Uint8Array | string, namespace: string): string {
    const hash = sha512(typeof message === 'string' ? utf8(message) : message);
    return writeSignature({ point: this.#point, namespace, signature: ed25519.sign(signedBytes(hash, namespace), this.#seed) });
  }

  close(): void {
    wipe(this.#seed);
  }
}

/** Throws SP_BAD_SIGNATURE, which says why, unless `publicKey` signed exactly that message for that namespace. */
export function verifySignature(s: SignedMessage): void {
  checkSignature(s, { sha512, verify });
}

function verify(signature: Uint8Array, message: Uint8Array, point: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, point, { zip215: false });
  } catch {
    return false;
  }
}
