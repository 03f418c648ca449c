/** The payload cipher of age (C2SP age, "Payload"): ChaCha20-Poly1305 in chunks of 64 KiB under a key of their own. */
import { advanceChunkNonce, chunkNonceBytes, chunkSealedBytes, setChunkNonce } from './format/stream.ts';
import type { FileKey } from './filekey.ts';
import { hkdfSha256, hmacSha256 } from './hkdf.ts';
import { aeadOpen, aeadSeal, secureAlloc, tagBytes, zero } from './sodium.ts';

const noSalt = new Uint8Array(0);

/** Sealed chunks that were written and given back. Fresh memory from the kernel for each chunk costs a tenth of the sealing rate. */
const spare: Buffer[] = [];
const spareMax = 32;

/** Takes back a chunk's buffer; the caller must not touch it any more. */
export function recycleChunk(sealed: Buffer): void {
  if (sealed.length === chunkSealedBytes && spare.length < spareMax && !spare.includes(sealed)) spare.push(sealed);
}

export class PayloadCipher {
  readonly #key: Buffer = secureAlloc(32);
  readonly #nonce = new Uint8Array(chunkNonceBytes);

  /** `payloadNonce`: the 16 bytes behind the header. */
  constructor(fileKey: FileKey, payloadNonce: Uint8Array) {
    hkdfSha256(this.#key, fileKey.bytes, payloadNonce, 'payload');
  }

  /** Seals chunks in order, each into a buffer that is the caller's. */
  sealNext(plain: Uint8Array, last: boolean): Buffer {
    const sealed = (plain.length + tagBytes === chunkSealedBytes ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(plain.length + tagBytes);
    if (last) this.#nonce[11] = 1;
    aeadSeal(sealed, plain, this.#nonce, this.#key);
    advanceChunkNonce(this.#nonce);
    return sealed;
  }

  /** Opens any chunk; false when it is not that chunk, unaltered, with (or without) the final mark. */
  open(plain: Uint8Array, sealed: Uint8Array, index: number, last: boolean): boolean {
    setChunkNonce(this.#nonce, index, last);
    return aeadOpen(plain, sealed, this.#nonce, this.#key);
  }

  close(): void {
    zero(this.#key);
  }
}

/** The MAC of a header; not secret once sealed. */
export function headerMac(fileKey: FileKey, covered: Uint8Array): Buffer {
  const key = secureAlloc(32);
  hkdfSha256(key, fileKey.bytes, noSalt, 'header');
  const mac = Buffer.alloc(32);
  hmacSha256(mac, key, covered);
  zero(key);
  return mac;
}
