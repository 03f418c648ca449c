/** The part of sodium-native 5 that sodium.ts uses; the package brings no types of its own. */
declare module 'sodium-native' {
  const sodium: {
    sodium_malloc(bytes: number): Buffer;
    sodium_memzero(buffer: Uint8Array): void;
    sodium_memcmp(a: Uint8Array, b: Uint8Array): boolean;
    randombytes_buf(into: Uint8Array): void;
    /** Throws when the result is all zero. */
    crypto_scalarmult(result: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
    crypto_scalarmult_base(result: Uint8Array, scalar: Uint8Array): void;
    readonly crypto_hash_sha256_STATEBYTES: number;
    crypto_hash_sha256_init(state: Uint8Array): void;
    crypto_hash_sha256_update(state: Uint8Array, input: Uint8Array): void;
    crypto_hash_sha256_final(state: Uint8Array, result: Uint8Array): void;
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed: Uint8Array, plain: Uint8Array, associated: null, secretNonce: null, nonce: Uint8Array, key: Uint8Array): number;
    /** Throws when the tag does not fit. */
    crypto_aead_chacha20poly1305_ietf_decrypt(plain: Uint8Array, secretNonce: null, sealed: Uint8Array, associated: null, nonce: Uint8Array, key: Uint8Array): number;
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  };
  export default sodium;
}
