/** Sealing: age v1 files (C2SP age) with one X25519 stanza per recipient. Anything sealed here opens with the stock `age` tool. */
import { SallyportError } from '../base/errors.ts';
import { encodeArmor } from './format/armor.ts';
import { encodeCovered, encodeMacLine } from './format/header.ts';
import { chunkPlainBytes, payloadNonceBytes } from './format/stream.ts';
import { FileKey } from './filekey.ts';
import { headerMac, PayloadCipher, recycleChunk } from './payload.ts';
import { randomBytes } from './secure.ts';
import { zero } from './sodium.ts';
import { wrapFileKey } from './x25519.ts';

/** Seals bytes as they come. `fileKey` is the caller's from the start; `close` wipes everything else. */
export class StreamSealer {
  /** Header and 16-byte payload nonce: 184 bytes with one recipient. */
  readonly header: Buffer;
  readonly fileKey: FileKey;
  readonly #cipher: PayloadCipher;
  /** Plain bytes of a chunk that may yet be the final one. */
  readonly #held: Buffer = Buffer.allocUnsafeSlow(chunkPlainBytes);
  #heldBytes = 0;
  #plainBytes = 0;
  #finished = false;

  /** SP_BAD_RECIPIENT. */
  constructor(recipients: readonly string[]) {
    ({ header: this.header, fileKey: this.fileKey, cipher: this.#cipher } = beginFile(recipients));
  }

  get plainBytes(): number {
    return this.#plainBytes;
  }

  /**
   * The chunks (65,552 bytes each, the caller's) that these bytes complete. A full chunk waits until more comes or `finish`: a final
   * chunk may be full, but is never empty unless the payload is. `plain` is not used after the return.
   */
  push(plain: Uint8Array): Buffer[] {
    this.#checkOpen();
    const sealed: Buffer[] = [];
    let at = 0;
    while (at < plain.length) {
      if (this.#heldBytes === chunkPlainBytes) sealed.push(this.#sealHeld(false));
      // Whole chunks with more behind them are sealed where they are, without a copy.
      for (; this.#heldBytes === 0 && plain.length - at > chunkPlainBytes; at += chunkPlainBytes) {
        sealed.push(this.#cipher.sealNext(plain.subarray(at, at + chunkPlainBytes), false));
      }
      const part = plain.subarray(at, at + chunkPlainBytes - this.#heldBytes);
      this.#held.set(part, this.#heldBytes);
      this.#heldBytes += part.length;
      at += part.length;
    }
    this.#plainBytes += plain.length;
    return sealed;
  }

  /** The final chunk, marked. Nothing can be pushed any more. */
  finish(): Buffer {
    this.#checkOpen();
    this.#finished = true;
    return this.#sealHeld(true);
  }

  /** A chunk of `push` or `finish` that was written may be given back, once, and not be used after; what is kept is bounded. Optional. */
  static recycle(sealed: Buffer): void {
    recycleChunk(sealed);
  }

  close(): void {
    this.#finished = true;
    this.#cipher.close();
    zero(this.#held);
  }

  #sealHeld(last: boolean): Buffer {
    const plain = this.#held.subarray(0, this.#heldBytes);
    const sealed = this.#cipher.sealNext(plain, last);
    zero(plain);
    this.#heldBytes = 0;
    return sealed;
  }

  #checkOpen(): void {
    // A chunk behind the final one, or under a wiped key, would be worse than no chunk.
    if (this.#finished) throw new SallyportError('SP_INTERNAL', { reason: 'a finished file was sealed further' });
  }
}

/** A whole file at once; `plain` is read where it is, so secrets stay in secure memory. */
export function sealWhole(plain: Uint8Array, recipients: readonly string[]): Buffer {
  const { header, fileKey, cipher } = beginFile(recipients);
  try {
    const parts = [header];
    let at = 0;
    for (; plain.length - at > chunkPlainBytes; at += chunkPlainBytes) parts.push(cipher.sealNext(plain.subarray(at, at + chunkPlainBytes), false));
    return Buffer.concat([...parts, cipher.sealNext(plain.subarray(at), true)]);
  } finally {
    cipher.close();
    fileKey.close();
  }
}

/** `sealWhole` as age's ASCII armor with a final newline. */
export function sealArmored(plain: Uint8Array, recipients: readonly string[]): string {
  return encodeArmor(sealWhole(plain, recipients));
}

function beginFile(recipients: readonly string[]): { header: Buffer; fileKey: FileKey; cipher: PayloadCipher } {
  if (recipients.length === 0) throw new SallyportError('SP_BAD_RECIPIENT', { recipient: 'an empty list', reason: 'something sealed for nobody would open for nobody' });
  const fileKey = FileKey.generate();
  try {
    const covered = encodeCovered(recipients.map((recipient) => wrapFileKey(fileKey, recipient)));
    const payloadNonce = randomBytes(payloadNonceBytes);
    const header = Buffer.concat([covered, encodeMacLine(headerMac(fileKey, covered)), payloadNonce]);
    return { header, fileKey, cipher: new PayloadCipher(fileKey, payloadNonce) };
  } catch (error) {
    fileKey.close();
    throw error;
  }
}
