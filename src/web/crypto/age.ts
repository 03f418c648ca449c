/** age v1 files in the browser, as strict as `src/seal/opener.ts`: no byte is handed out that was not verified. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { SallyportError } from '../../base/errors.ts';
import { decodeArmor, encodeArmor, looksArmored } from '../../seal/format/armor.ts';
import { encodeCovered, encodeMacLine, parseHeader, type Stanza } from '../../seal/format/header.ts';
import { sealHold, type HoldPrimitives } from '../../seal/format/hold.ts';
import { chunkNonceBytes, chunkPlainBytes, chunkSealedBytes, openByMark, payloadNonceBytes, plainPayloadSize, setChunkNonce } from '../../seal/format/stream.ts';
import { fileKeyBytes, lowOrderShare, stanzaOf, wrapInfo, wrappedIn, wrapSalt } from '../../seal/format/x25519.ts';
import { concatBytes, equalBytes, randomBytes, utf8, wipe, type Bytes } from './bytes.ts';
import { Identity, recipientPoint } from './identity.ts';

const keyBytes = 32;
const payloadInfo = utf8('payload');
const headerInfo = utf8('header');
// Each wrap key is used once, so its nonce is zero.
const zeroNonce = new Uint8Array(chunkNonceBytes);

export interface OpenedChunk {
  readonly plain: Uint8Array;
  /** It carries the final mark. */
  readonly final: boolean;
}

/** A sealed file whose header was opened: opens its chunks in any order. Holds one key, which `close` wipes. */
export class SealedFile {
  /** Bytes before the first chunk: header and payload nonce. */
  readonly payloadStart: number;
  readonly payloadBytes: number;
  /** The last one may be short. */
  readonly chunkCount: number;
  /** By the file's size; whether the last chunk is genuine shows when it is opened. */
  readonly plainSize: number;
  readonly #what: string;
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(chunkNonceBytes);

  private constructor(what: string, key: Uint8Array, payloadStart: number, payloadBytes: number) {
    this.#what = what;
    this.#key = key;
    this.payloadStart = payloadStart;
    this.payloadBytes = payloadBytes;
    this.chunkCount = Math.ceil(payloadBytes / chunkSealedBytes);
    this.plainSize = plainPayloadSize(payloadBytes);
  }

  /**
   * @param start The file's first bytes, header and payload nonce at least.
   * Throws SP_AGE_HEADER, SP_WRONG_IDENTITY, SP_AGE_MAC.
   */
  static open(start: Uint8Array, fileBytes: number, identities: readonly Identity[], what: string): SealedFile {
    const { fileKey, header } = openHeader(start, identities, what);
    try {
      const payloadStart = header.size + payloadNonceBytes;
      if (start.length < payloadStart) throw new SallyportError('SP_AGE_HEADER', { what, reason: 'it ends within its payload nonce' });
      const key = hkdf(sha256, fileKey, start.subarray(header.size, payloadStart), payloadInfo, keyBytes);
      return new SealedFile(what, key, payloadStart, Math.max(0, fileBytes - payloadStart));
    } finally {
      wipe(fileKey);
    }
  }

  /** Where a chunk's sealed bytes lie in the file; `to` is not part of it. */
  chunkRange(index: number): { from: number; to: number } {
    const from = this.payloadStart + index * chunkSealedBytes;
    return { from, to: Math.min(from + chunkSealedBytes, this.payloadStart + this.payloadBytes) };
  }

  /** Throws SP_AGE_PAYLOAD unless `sealed` is that chunk, unaltered. */
  openChunk(sealed: Uint8Array, index: number): OpenedChunk {
    const opened = openByMark(sealed.length, index, this.chunkCount, (last) => this.#try(sealed, index, last));
    if (opened === undefined) throw this.damaged(index);
    return opened;
  }

  damaged(chunk: number): SallyportError {
    return new SallyportError('SP_AGE_PAYLOAD', { what: this.#what, chunk });
  }

  /** Wipes the key; nothing opens any more. */
  close(): void {
    wipe(this.#key);
  }

  #try(sealed: Uint8Array, index: number, last: boolean): Uint8Array | undefined {
    setChunkNonce(this.#nonce, index, last);
    return aeadOpen(this.#key, this.#nonce, sealed);
  }
}

/**
 * The second header that opens a file for `recipient`: the same file key, once the file's own header, or another second one, has given it.
 * @param start The file's first bytes, its header at least. SP_AGE_HEADER, SP_WRONG_IDENTITY, SP_AGE_MAC, SP_BAD_RECIPIENT.
 */
export function secondHeader(start: Uint8Array, identities: readonly Identity[], recipient: string, what: string): Uint8Array {
  const { fileKey } = openHeader(start, identities, what);
  try {
    return sealHold(fileKey, recipientPoint(recipient), holdPrimitives);
  } finally {
    wipe(fileKey);
  }
}

const holdPrimitives: HoldPrimitives = {
  agree: (point) => {
    const ephemeral = Identity.generate();
    try {
      return { share: ephemeral.point, secret: ephemeral.sharedSecret(point) as Uint8Array };
    } finally {
      ephemeral.close();
    }
  },
  hkdf: (secret, salt, info) => hkdf(sha256, secret, salt, utf8(info), keyBytes),
  hmac: (key, message) => hmac(sha256, key, message),
  seal: (key, plain) => chacha20poly1305(key, zeroNonce).encrypt(plain),
  wipe,
};

/** The caller wipes the key. */
function openHeader(start: Uint8Array, identities: readonly Identity[], what: string): { fileKey: Uint8Array; header: ReturnType<typeof parseHeader> } {
  const header = parseHeader(start, what);
  const fileKey = unwrapFileKey(header.stanzas, identities, what);
  if (equalBytes(headerMac(fileKey, header.covered), header.mac)) return { fileKey, header };
  wipe(fileKey);
  throw new SallyportError('SP_AGE_MAC', { what });
}

/** A whole file, binary or armored: all of it or an error (those of `SealedFile`, SP_AGE_ARMOR, SP_SEGMENT_CUT). */
export function openWhole(bytes: Uint8Array, identities: readonly Identity[], what: string): Bytes {
  const file = looksArmored(bytes) ? decodeArmor(bytes, what) : bytes;
  const sealed = SealedFile.open(file, file.length, identities, what);
  try {
    const plain = new Uint8Array(sealed.plainSize);
    let cut = true;
    for (let index = 0; index < sealed.chunkCount; index++) {
      const { from, to } = sealed.chunkRange(index);
      const opened = sealed.openChunk(file.subarray(from, to), index);
      // Something was appended behind the genuine end.
      if (opened.final && index < sealed.chunkCount - 1) throw sealed.damaged(index + 1);
      plain.set(opened.plain, index * chunkPlainBytes);
      wipe(opened.plain);
      cut = !opened.final;
    }
    if (cut) throw new SallyportError('SP_SEGMENT_CUT', { what, chunks: sealed.chunkCount });
    return plain;
  } finally {
    sealed.close();
  }
}

/** SP_BAD_RECIPIENT. */
export function sealWhole(plain: Uint8Array, recipients: readonly string[]): Bytes {
  if (recipients.length === 0) throw new SallyportError('SP_BAD_RECIPIENT', { recipient: 'an empty list', reason: 'something sealed for nobody would open for nobody' });
  const fileKey = randomBytes(fileKeyBytes);
  const payloadNonce = randomBytes(payloadNonceBytes);
  const key = hkdf(sha256, fileKey, payloadNonce, payloadInfo, keyBytes);
  try {
    const covered = encodeCovered(recipients.map((recipient) => wrapFileKey(fileKey, recipient)));
    const parts: Uint8Array[] = [covered, encodeMacLine(headerMac(fileKey, covered)), payloadNonce];
    const count = Math.max(1, Math.ceil(plain.length / chunkPlainBytes));
    const nonce = new Uint8Array(chunkNonceBytes);
    for (let index = 0; index < count; index++) {
      setChunkNonce(nonce, index, index === count - 1);
      parts.push(chacha20poly1305(key, nonce).encrypt(plain.subarray(index * chunkPlainBytes, (index + 1) * chunkPlainBytes)));
    }
    return concatBytes(...parts);
  } finally {
    wipe(fileKey, key);
  }
}

/** `sealWhole` as age's ASCII armor with a final newline. */
export function sealArmored(plain: Uint8Array, recipients: readonly string[]): string {
  return encodeArmor(sealWhole(plain, recipients));
}

function headerMac(fileKey: Uint8Array, covered: Uint8Array): Uint8Array {
  const key = hkdf(sha256, fileKey, undefined, headerInfo, keyBytes);
  try {
    return hmac(sha256, key, covered);
  } finally {
    wipe(key);
  }
}

function wrapFileKey(fileKey: Uint8Array, recipient: string): Stanza {
  const point = recipientPoint(recipient);
  const ephemeral = Identity.generate();
  const shared = ephemeral.sharedSecret(point) as Uint8Array;
  const key = wrapKeyOf(shared, ephemeral.point, point);
  try {
    return stanzaOf({ share: ephemeral.point, body: chacha20poly1305(key, zeroNonce).encrypt(fileKey) });
  } finally {
    wipe(shared, key);
    ephemeral.close();
  }
}

/** The file key for the first identity that fits. */
function unwrapFileKey(stanzas: readonly Stanza[], identities: readonly Identity[], what: string): Uint8Array {
  for (const { share, body } of wrappedIn(stanzas, what)) {
    for (const identity of identities) {
      const fileKey = unwrap(identity, share, body, what);
      if (fileKey !== undefined) return fileKey;
    }
  }
  throw new SallyportError('SP_WRONG_IDENTITY', { what });
}

function unwrap(identity: Identity, share: Uint8Array, body: Uint8Array, what: string): Uint8Array | undefined {
  const shared = identity.sharedSecret(share);
  if (shared === undefined) throw lowOrderShare(what);
  const key = wrapKeyOf(shared, share, identity.point);
  try {
    return aeadOpen(key, zeroNonce, body);
  } finally {
    wipe(shared, key);
  }
}

function wrapKeyOf(shared: Uint8Array, share: Uint8Array, point: Uint8Array): Uint8Array {
  return hkdf(sha256, shared, wrapSalt(share, point), utf8(wrapInfo), keyBytes);
}

function aeadOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return chacha20poly1305(key, nonce).decrypt(sealed);
  } catch {
    return undefined;
  }
}
