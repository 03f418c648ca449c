/**
 * A store whose objects may lie there in pieces of one length (`policy/pieces.ts`): which of them do, their names say. A piece is put and proven as any object. The
 * first one tells length and nonce, from which the names of the others follow: it comes last and goes last, so that what has it is whole, and what takes another's
 * place does so in one step. What the one before had besides is deleted then, as far as that may be asked and done.
 */
import { createHash } from 'node:crypto';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Proof } from '../outbox/orders.ts';
import { ciphered, nonceOf, pieceName } from '../outbox/pieces.ts';
import { pieceHeadBytes, pieceNonceBytes, piecesOf, readLength, readReference, spansOf } from '../policy/pieces.ts';
import type { Listed, Probe, Put, Source, Store } from './destination.ts';

interface Pieced { readonly name: string; readonly pieceBytes: number }
interface Head { readonly nonce: Buffer; readonly bytes: number }

/** The weakest first. */
const weakest: readonly Proof[] = ['size', 'checksum', 'read back'];

export class PiecedStore implements Store {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get name(): string {
    return this.#store.name;
  }

  get off(): Store['off'] {
    return this.#store.off;
  }

  async put(put: Put, signal: AbortSignal): Promise<Proof> {
    const form = piecedOf(put.object);
    if (form === undefined) return this.#store.put(put, signal);
    const { source } = put;
    const nonce = nonceOf(form.name, put.replace ? source.sha256 : undefined);
    const begun = readNote(put.resume);
    const before = begun === undefined && put.replace ? await this.#there(form, signal) : begun?.before;
    const noteOf = (piece: number, inner?: string): Promise<void> => put.note(writeNote({ piece, proof, before, inner }));
    let proof = begun?.proof;
    let piece = begun?.piece ?? piecesOf(source.bytes, form.pieceBytes);
    if (begun === undefined) await noteOf(piece);
    while (piece > 0) {
      const resume = piece === begun?.piece ? begun.inner : undefined;
      const bytes = await pieceAt(form, source, nonce, piece - 1);
      const at = piece;
      const proven = await this.#store.put({ ...put, object: pieceName(form.name, nonce, piece - 1), source: sourceOf(bytes), resume, note: (text) => noteOf(at, text) }, signal);
      proof = proof === undefined || weakest.indexOf(proven) < weakest.indexOf(proof) ? proven : proof;
      await noteOf(--piece);
    }
    if (before !== undefined && !before.nonce.equals(nonce) && this.off.delete === undefined) await this.#deleteRest(form, before, signal);
    return proof ?? 'size';
  }

  async get(object: string, from: number, length: number, signal: AbortSignal, orLess = false): Promise<Buffer> {
    const form = piecedOf(object);
    if (form === undefined) return this.#store.get(object, from, length, signal, orLess);
    try {
      const { nonce, bytes } = await this.#head(form, signal);
      const end = Math.min(from + length, bytes);
      if (end <= from || (end < from + length && !orLess)) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'the object is shorter' });
      const parts: Buffer[] = [];
      for (const { piece, from: at, length: some } of spansOf(pieceHeadBytes + from, end - from, form.pieceBytes)) parts.push(await this.#store.get(pieceName(form.name, nonce, piece), at, some, signal));
      return ciphered(form.name, nonce, pieceHeadBytes - pieceNonceBytes + from, Buffer.concat(parts));
    } catch (error) {
      throw isSallyportError(error, 'SP_FAR_MISSING') ? new SallyportError('SP_FAR_MISSING', { destination: this.name, object }, error) : error;
    }
  }

  async delete(object: string, signal: AbortSignal, known?: { readonly bytes: number; readonly sha256: string | undefined }): Promise<void> {
    const form = piecedOf(object);
    if (form === undefined) return this.#store.delete(object, signal);
    const heads = [await this.#there(form, signal), known === undefined ? undefined : { nonce: nonceOf(form.name, known.sha256), bytes: known.bytes }];
    // What lies there may be another one than the hub knows of.
    for (const head of heads) if (head !== undefined) await this.#deleteRest(form, head, signal);
    await this.#store.delete(pieceName(form.name, Buffer.alloc(0), 0), signal);
  }

  list(after: string | undefined, signal: AbortSignal): Promise<Listed> {
    return this.#store.list(after, signal);
  }

  probe(signal: AbortSignal): Promise<Probe> {
    return this.#store.probe(signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** All but the first. */
  async #deleteRest({ name, pieceBytes }: Pieced, { nonce, bytes }: Head, signal: AbortSignal): Promise<void> {
    for (let piece = piecesOf(bytes, pieceBytes) - 1; piece > 0; piece--) await this.#store.delete(pieceName(name, nonce, piece), signal);
  }

  /** undefined: there is none, or nobody may look. */
  async #there(form: Pieced, signal: AbortSignal): Promise<Head | undefined> {
    if (this.off.get !== undefined) return undefined;
    try {
      return await this.#head(form, signal);
    } catch (error) {
      if (isSallyportError(error, 'SP_FAR_MISSING') || isSallyportError(error, 'SP_FAR_ANSWER')) return undefined;
      throw error;
    }
  }

  async #head({ name }: Pieced, signal: AbortSignal): Promise<Head> {
    const head = await this.#store.get(pieceName(name, Buffer.alloc(0), 0), 0, pieceHeadBytes, signal);
    const nonce = head.subarray(0, pieceNonceBytes);
    const bytes = readLength(ciphered(name, nonce, 0, head.subarray(pieceNonceBytes)));
    if (bytes === undefined) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'the first piece is not one of ours' });
    return { nonce, bytes };
  }
}

function piecedOf(object: string): Pieced | undefined {
  const { name, pieceBytes } = readReference(object);
  return pieceBytes === undefined ? undefined : { name, pieceBytes };
}

/** The last is filled up with zeros, which look like all else there. */
async function pieceAt({ name, pieceBytes }: Pieced, source: Source, nonce: Buffer, piece: number): Promise<Buffer> {
  const plain = Buffer.alloc(pieceBytes);
  const first = piece === 0 ? pieceHeadBytes : 0;
  const from = piece * pieceBytes + first - pieceHeadBytes;
  const length = Math.min(pieceBytes - first, source.bytes - from);
  if (length > 0) (await source.read(from, length)).copy(plain, first);
  if (piece > 0) return ciphered(name, nonce, piece * pieceBytes - pieceNonceBytes, plain);
  plain.writeBigUInt64BE(BigInt(source.bytes), pieceNonceBytes);
  return Buffer.concat([nonce, ciphered(name, nonce, 0, plain.subarray(pieceNonceBytes))]);
}

function sourceOf(bytes: Buffer): Source {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), read: async (from, length) => bytes.subarray(from, from + length) };
}

interface Note {
  /** All from this one on is put. */
  readonly piece: number;
  readonly proof: Proof | undefined;
  /** What is replaced. */
  readonly before: Head | undefined;
  /** How far the piece before `piece` has come. */
  readonly inner: string | undefined;
}

function writeNote({ piece, proof, before, inner }: Note): string {
  return `${piece} ${proof ?? '-'} ${before === undefined ? '-' : `${before.nonce.toString('hex')} ${before.bytes}`}\n${inner ?? ''}`;
}

function readNote(text: string | undefined): Note | undefined {
  const [, piece, proof, nonce, bytes, inner = ''] = /^(\d{1,7}) (size|checksum|read back|-) (?:-|([0-9a-f]{32}) (\d{1,13}))\n([\s\S]*)$/.exec(text ?? '') ?? [];
  if (piece === undefined) return undefined;
  return { piece: Number(piece), proof: weakest.find((one) => one === proof), before: nonce === undefined ? undefined : { nonce: Buffer.from(nonce, 'hex'), bytes: Number(bytes) }, inner: inner === '' ? undefined : inner };
}
