/** Names and ciphering of the pieces in which an object of constant size lies (`policy/pieces.ts`): for the hub, which compares what lies there, and the courier. */
import { createCipheriv, createHash } from 'node:crypto';
import { counterAt, pieceKeyText, pieceNameText, pieceNonceBytes, pieceNonceText } from '../policy/pieces.ts';

/** @param nonce Of no matter for the first, 0, in which it is found. */
export function pieceName(name: string, nonce: Uint8Array, piece: number): string {
  return createHash('sha256').update(pieceNameText(name, Buffer.from(nonce).toString('hex'), piece)).digest('hex').slice(0, 32);
}

/** @param sha256 In hexadecimal digits, of an object that may be replaced: each that takes the place of another has a nonce of its own. undefined of one that is put once. */
export function nonceOf(name: string, sha256: string | undefined): Buffer {
  return createHash('sha256').update(pieceNonceText(name, sha256 ?? '')).digest().subarray(0, pieceNonceBytes);
}

/** Enciphers or deciphers what stands `at` bytes behind the nonce; a copy. It hides sizes from a store that does not know the name, and nothing from who does: what is inside is sealed. */
export function ciphered(name: string, nonce: Uint8Array, at: number, bytes: Uint8Array): Buffer {
  const { counter, skip } = counterAt(nonce, at);
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(pieceKeyText(name)).digest(), counter);
  cipher.update(Buffer.alloc(skip));
  return cipher.update(bytes);
}
