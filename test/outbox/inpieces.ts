/** Takes an object apart as docs/FORMAT.md says, by another way than the courier's. */
import { randomBytes } from 'node:crypto';
import { ciphered, pieceName } from '../../src/outbox/pieces.ts';
import { pieceNonceBytes, piecesOf } from '../../src/policy/pieces.ts';

/** Names and bytes of its pieces. `told`: the length that its head tells. */
export function inPieces(name: string, bytes: Uint8Array, pieceBytes: number, told = bytes.length): [piece: string, bytes: Buffer][] {
  const plain = Buffer.alloc(piecesOf(bytes.length, pieceBytes) * pieceBytes - pieceNonceBytes);
  plain.writeBigUInt64BE(BigInt(told));
  plain.set(bytes, 8);
  // Any one: a reader takes what stands there.
  const nonce = randomBytes(pieceNonceBytes);
  const all = Buffer.concat([nonce, ciphered(name, nonce, 0, plain)]);
  return Array.from({ length: all.length / pieceBytes }, (_, piece) => [pieceName(name, nonce, piece), all.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)]);
}
