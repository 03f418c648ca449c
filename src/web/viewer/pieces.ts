/** A store whose objects may lie there in pieces of one length (`policy/pieces.ts`): which of them do, their names in the lists say. */
import { sha256 } from '@noble/hashes/sha2.js';
import { SallyportError, isSallyportError } from '../../base/errors.ts';
import { counterAt, pieceHeadBytes, pieceKeyText, pieceNameText, pieceNonceBytes, piecesOf, readLength, readReference, spansOf } from '../../policy/pieces.ts';
import { toHex, utf8 } from '../crypto/bytes.ts';
import type { ByteRange } from '../crypto/fetcher.ts';
import type { ViewerStore } from './stores.ts';

/** Pieces fetched at once. */
const atOnce = 4;

export function withPieces(store: ViewerStore): ViewerStore {
  return { ...store, get: (object, range, signal) => (readReference(object).pieceBytes === undefined ? store.get(object, range, signal) : getPieced(store, object, range, signal)) };
}

async function getPieced(store: ViewerStore, object: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const { name, pieceBytes = 0 } = readReference(object);
  const nameOf = (nonce: Uint8Array, piece: number): string => toHex(sha256(utf8(pieceNameText(name, toHex(nonce), piece))).subarray(0, 16));
  try {
    const key = await crypto.subtle.importKey('raw', sha256(utf8(pieceKeyText(name))).slice(), 'AES-CTR', false, ['decrypt']);
    const head = await store.get(nameOf(new Uint8Array(), 0), { from: 0, to: pieceHeadBytes }, signal);
    const nonce = head.slice(0, pieceNonceBytes);
    const length = readLength(await deciphered(key, nonce, 0, head.subarray(pieceNonceBytes)));
    if (length === undefined) throw new SallyportError('SP_FAR_ANSWER', { destination: store.where, reason: 'the first piece is not one of ours' });
    const { from, to } = range ?? { from: 0, to: length };
    if (from < 0 || to > length || to <= from) throw new SallyportError('SP_FAR_ANSWER', { destination: store.where, reason: 'the object is shorter' });
    const spans = spansOf(pieceHeadBytes + from, to - from, pieceBytes);
    if (spans.length > piecesOf(length, pieceBytes)) throw new SallyportError('SP_FAR_ANSWER', { destination: store.where, reason: 'the first piece is not one of ours' });
    const bytes = new Uint8Array(to - from);
    let at = 0;
    for (let first = 0; first < spans.length; first += atOnce) {
      for (const piece of await Promise.all(spans.slice(first, first + atOnce).map((span) => store.get(nameOf(nonce, span.piece), { from: span.from, to: span.from + span.length }, signal)))) {
        bytes.set(piece, at);
        at += piece.length;
      }
    }
    return await deciphered(key, nonce, pieceHeadBytes - pieceNonceBytes + from, bytes);
  } catch (error) {
    throw isSallyportError(error, 'SP_FAR_MISSING') ? new SallyportError('SP_FAR_MISSING', { destination: store.where, object }, error) : error;
  }
}

async function deciphered(key: CryptoKey, nonce: Uint8Array, at: number, bytes: Uint8Array): Promise<Uint8Array> {
  const { counter, skip } = counterAt(nonce, at);
  const block = new Uint8Array(skip + bytes.length);
  block.set(bytes, skip);
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CTR', counter, length: 128 }, key, block)).subarray(skip);
}
