/** HMAC- and HKDF-SHA-256 (RFC 2104, RFC 5869) whose every intermediate value stays in secure memory; node:crypto would copy the keys. */
import { secureAlloc, sha256, zero } from './sodium.ts';

const blockBytes = 64;
const pad = secureAlloc(blockBytes);
const inner = secureAlloc(32);
const pseudoRandomKey = secureAlloc(32);
const one = Uint8Array.of(1);

/** `result` gets 32 bytes; `key` has at most 64. */
export function hmacSha256(result: Uint8Array, key: Uint8Array, ...message: readonly Uint8Array[]): void {
  xorPad(key, 0x36);
  sha256(inner, pad, ...message);
  xorPad(key, 0x5c);
  sha256(result, pad, inner);
  zero(pad);
  zero(inner);
}

/** `result` gets 32 bytes, which is all that age and we ever derive at once. */
export function hkdfSha256(result: Uint8Array, secret: Uint8Array, salt: Uint8Array, info: string): void {
  hmacSha256(pseudoRandomKey, salt, secret);
  hmacSha256(result, pseudoRandomKey, Buffer.from(info, 'latin1'), one);
  zero(pseudoRandomKey);
}

function xorPad(key: Uint8Array, value: number): void {
  pad.fill(value);
  for (let i = 0; i < key.length; i++) pad[i] = value ^ (key[i] as number);
}
