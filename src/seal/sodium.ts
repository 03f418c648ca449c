/** libsodium with types, and the only importer of `sodium-native`. Lengths are the caller's duty: sodium-native throws where they are wrong. */
import sodium from 'sodium-native';

export const tagBytes = 16;

/** Memory for secrets: guard pages around it, locked against swapping, left out of core dumps, zeroed when it is freed. */
export function secureAlloc(bytes: number): Buffer {
  const buffer = sodium.sodium_malloc(bytes);
  sodium.sodium_memzero(buffer);
  return buffer;
}

export function zero(buffer: Uint8Array): void {
  if (buffer.length > 0) sodium.sodium_memzero(buffer);
}

export function fillRandom(buffer: Uint8Array): void {
  if (buffer.length > 0) sodium.randombytes_buf(buffer);
}

/** In constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.sodium_memcmp(a, b);
}

/** X25519 (RFC 7748). False when the shared secret is all zero, which a low-order point gives with any scalar. */
export function scalarMult(shared: Uint8Array, scalar: Uint8Array, point: Uint8Array): boolean {
  try {
    sodium.crypto_scalarmult(shared, scalar, point);
    return true;
  } catch {
    return false;
  }
}

export function scalarMultBase(point: Uint8Array, scalar: Uint8Array): void {
  sodium.crypto_scalarmult_base(point, scalar);
}

/** ChaCha20-Poly1305 (RFC 8439) without associated data; `sealed` is 16 bytes longer than `plain`. */
export function aeadSeal(sealed: Uint8Array, plain: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plain, null, null, nonce, key);
}

/** False when the tag does not fit; `plain` is then all zero. */
export function aeadOpen(plain: Uint8Array, sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
  try {
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plain, null, sealed, null, nonce, key);
    return true;
  } catch {
    return false;
  }
}

const hashState = secureAlloc(sodium.crypto_hash_sha256_STATEBYTES);

export function sha256(result: Uint8Array, ...parts: readonly Uint8Array[]): void {
  sodium.crypto_hash_sha256_init(hashState);
  for (const part of parts) if (part.length > 0) sodium.crypto_hash_sha256_update(hashState, part);
  sodium.crypto_hash_sha256_final(hashState, result);
  zero(hashState);
}

/** Ed25519 (RFC 8032): 32-byte public, 64-byte secret key from a 32-byte seed. */
export function signKeys(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void {
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
}

export function signDetached(message: Uint8Array, secretKey: Uint8Array): Buffer {
  const signature = Buffer.alloc(64);
  sodium.crypto_sign_detached(signature, message, secretKey);
  return signature;
}

export function verifyDetached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return signature.length === 64 && publicKey.length === 32 && sodium.crypto_sign_verify_detached(signature, message, publicKey);
}
