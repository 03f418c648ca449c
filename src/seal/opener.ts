/** Opening: strict as C2SP age says, and no byte is handed out that was not verified. */
import { SallyportError } from '../base/errors.ts';
import { decodeArmor, looksArmored } from './format/armor.ts';
import { headerBytesMax, headerEnd, parseHeader, type Header } from './format/header.ts';
import { chunkPlainBytes, chunkSealedBytes, chunkTagBytes, openByMark, payloadNonceBytes, plainPayloadSize } from './format/stream.ts';
import type { FileKey } from './filekey.ts';
import type { Identity } from './identity.ts';
import { headerMac, PayloadCipher } from './payload.ts';
import { equalBytes } from './sodium.ts';
import { unwrapFileKey } from './x25519.ts';

export { chunkPlainBytes, chunkSealedBytes } from './format/stream.ts';

/** Random access to sealed bytes. A short read is an error of the source's own. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

interface Layout {
  readonly what: string;
  /** Where the payload's first chunk begins. */
  readonly payloadStart: number;
  readonly payloadBytes: number;
  /** The last one may be short. */
  readonly chunkCount: number;
}

interface Opened {
  readonly index: number;
  readonly plain: Buffer;
  /** It carries the final mark. */
  readonly final: boolean;
}

const firstReadBytes = 1024;

export class Opener {
  /** By the file's size; whether the last chunk is genuine shows when it is read. */
  readonly plainSize: number;
  readonly #source: ByteSource;
  readonly #cipher: PayloadCipher;
  readonly #layout: Layout;
  readonly #cutChunks: number | undefined;
  #cut = false;
  #kept: Opened | undefined;
  #closed = false;

  private constructor(source: ByteSource, cipher: PayloadCipher, layout: Layout, cutChunks: number | undefined) {
    this.#source = source;
    this.#cipher = cipher;
    this.#layout = layout;
    this.#cutChunks = cutChunks;
    this.plainSize = plainPayloadSize(layout.payloadBytes);
  }

  /**
   * Reads and checks the header, and looks at the last chunk. SP_AGE_HEADER, SP_WRONG_IDENTITY, SP_AGE_MAC; damage further on shows
   * where it is read.
   * @param options.cutChunks The catalogue says that the segment was cut off by a crash after exactly so many whole chunks.
   */
  static async open(source: ByteSource, identities: readonly Identity[], what: string, options: { cutChunks?: number } = {}): Promise<Opener> {
    const start = await readStart(source, what);
    const { cipher, layout } = openHeader(start, source.size, identities, what);
    const opener = new Opener(source, cipher, layout, options.cutChunks);
    try {
      await opener.#lookAtEnd();
      return opener;
    } catch (error) {
      opener.close();
      throw error;
    }
  }

  /** The last chunk carries no final mark: a crash cut the segment off, or somebody took its end away. */
  get cut(): boolean {
    return this.#cut;
  }

  /** As `slice` would of the whole plain bytes: clamped to `plainSize`. SP_AGE_PAYLOAD names the chunk that is damaged. */
  async read(offset: number, length: number): Promise<Buffer> {
    const end = Math.min(offset + length, this.plainSize);
    const parts: Buffer[] = [];
    for (let at = Math.max(0, offset); at < end;) {
      const index = Math.floor(at / chunkPlainBytes);
      const chunkStart = index * chunkPlainBytes;
      const { plain } = await this.#chunk(index);
      parts.push(plain.subarray(at - chunkStart, end - chunkStart));
      at = chunkStart + chunkPlainBytes;
    }
    return Buffer.concat(parts);
  }

  /**
   * Verified chunks in order. SP_AGE_PAYLOAD where one is damaged; at the end SP_SEGMENT_CUT when the final mark is missing, unless
   * `cutChunks` says exactly that.
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const { what, chunkCount } = this.#layout;
    for (let index = 0; index < chunkCount; index++) {
      const { plain, final } = await this.#chunk(index);
      // The buffer is the caller's from here on.
      this.#kept = undefined;
      yield plain;
      // Something was appended behind the genuine end.
      if (final && index < chunkCount - 1) throw damaged(what, index + 1);
    }
    if (this.#cut && this.#cutChunks !== chunkCount) throw new SallyportError('SP_SEGMENT_CUT', { what, chunks: chunkCount });
  }

  /** Wipes the payload key. */
  close(): void {
    this.#closed = true;
    this.#kept = undefined;
    this.#cipher.close();
  }

  async #lookAtEnd(): Promise<void> {
    const { chunkCount } = this.#layout;
    if (chunkCount === 0) {
      this.#cut = true;
      return;
    }
    const sealed = await this.#readSealed(chunkCount - 1);
    const opened = openChunk(this.#cipher, this.#layout, sealed, chunkCount - 1);
    this.#cut = opened !== undefined && !opened.final;
    this.#kept = opened;
  }

  async #chunk(index: number): Promise<Opened> {
    if (this.#kept?.index === index) return this.#kept;
    const sealed = await this.#readSealed(index);
    if (this.#closed) throw new SallyportError('SP_STOPPED', { what: `reading ${this.#layout.what}` });
    const opened = openChunk(this.#cipher, this.#layout, sealed, index);
    if (opened === undefined) throw damaged(this.#layout.what, index);
    this.#kept = opened;
    return opened;
  }

  #readSealed(index: number): Promise<Buffer> {
    const { payloadStart, payloadBytes } = this.#layout;
    const from = index * chunkSealedBytes;
    return readExactly(this.#source, payloadStart + from, Math.min(chunkSealedBytes, payloadBytes - from), this.#layout.what);
  }
}

/**
 * A whole file, binary or armored, in memory: all of it or an error (those of `Opener`, and SP_AGE_ARMOR).
 * @param allocate Where the plain bytes go: secure memory for keys.
 */
export function openWhole(bytes: Uint8Array, identities: readonly Identity[], what: string, allocate: (bytes: number) => Buffer = Buffer.allocUnsafeSlow): Buffer {
  const file = looksArmored(bytes) ? decodeArmor(bytes, what) : bytes;
  const { cipher, layout } = openHeader(file, file.length, identities, what);
  try {
    const plain = allocate(plainPayloadSize(layout.payloadBytes));
    openInto(plain, cipher, layout, file);
    return plain;
  } finally {
    cipher.close();
  }
}

/** Bytes of header and payload nonce, found without keys; SP_AGE_HEADER. */
export function headerSizeOf(bytes: Uint8Array, what: string): number {
  const size = parseHeader(bytes, what).size + payloadNonceBytes;
  if (bytes.length < size) throw new SallyportError('SP_AGE_HEADER', { what, reason: 'it ends within its payload nonce' });
  return size;
}

/** The file key in a header, or in a file's beginning, for whoever makes a second header; the caller closes it. SP_AGE_HEADER, SP_WRONG_IDENTITY, SP_AGE_MAC. */
export function fileKeyIn(start: Uint8Array, identities: readonly Identity[], what: string): FileKey {
  return readHeader(start, identities, what).fileKey;
}

function readHeader(start: Uint8Array, identities: readonly Identity[], what: string): { header: Header; fileKey: FileKey } {
  const header = parseHeader(start, what);
  const fileKey = unwrapFileKey(header.stanzas, identities, what);
  if (equalBytes(headerMac(fileKey, header.covered), header.mac)) return { header, fileKey };
  fileKey.close();
  throw new SallyportError('SP_AGE_MAC', { what });
}

function openHeader(start: Uint8Array, fileBytes: number, identities: readonly Identity[], what: string): { cipher: PayloadCipher; layout: Layout } {
  const { header, fileKey } = readHeader(start, identities, what);
  try {
    const payloadStart = header.size + payloadNonceBytes;
    if (start.length < payloadStart) throw new SallyportError('SP_AGE_HEADER', { what, reason: 'it ends within its payload nonce' });
    const payloadBytes = fileBytes - payloadStart;
    const cipher = new PayloadCipher(fileKey, start.subarray(header.size, payloadStart));
    return { cipher, layout: { what, payloadStart, payloadBytes, chunkCount: Math.ceil(payloadBytes / chunkSealedBytes) } };
  } finally {
    fileKey.close();
  }
}

function openInto(plain: Buffer, cipher: PayloadCipher, layout: Layout, file: Uint8Array): void {
  const { what, payloadStart, chunkCount } = layout;
  let cut = true;
  for (let index = 0; index < chunkCount; index++) {
    const from = payloadStart + index * chunkSealedBytes;
    const sealed = file.subarray(from, from + chunkSealedBytes);
    const at = index * chunkPlainBytes;
    const opened = openChunk(cipher, layout, sealed, index, plain.subarray(at, at + sealed.length - chunkTagBytes));
    if (opened === undefined) throw damaged(what, index);
    if (opened.final && index < chunkCount - 1) throw damaged(what, index + 1);
    cut = !opened.final;
  }
  if (cut) throw new SallyportError('SP_SEGMENT_CUT', { what, chunks: chunkCount });
}

/** undefined when it is damaged. */
function openChunk(cipher: PayloadCipher, { chunkCount }: Layout, sealed: Uint8Array, index: number, into?: Buffer): Opened | undefined {
  const opened = openByMark(sealed.length, index, chunkCount, (last) => {
    const plain = into ?? Buffer.allocUnsafeSlow(sealed.length - chunkTagBytes);
    return cipher.open(plain, sealed, index, last) ? plain : undefined;
  });
  return opened === undefined ? undefined : { index, ...opened };
}

async function readStart(source: ByteSource, what: string): Promise<Buffer> {
  const start = await readExactly(source, 0, Math.min(source.size, firstReadBytes), what);
  const end = headerEnd(start);
  if (start.length === source.size || (end !== undefined && end + payloadNonceBytes <= start.length)) return start;
  return readExactly(source, 0, Math.min(source.size, headerBytesMax + payloadNonceBytes), what);
}

async function readExactly(source: ByteSource, offset: number, length: number, what: string): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) throw new SallyportError('SP_READ', { file: what, reason: `it gave ${bytes.length} of ${length} bytes at ${offset}` });
  return bytes;
}

function damaged(what: string, chunk: number): SallyportError {
  return new SallyportError('SP_AGE_PAYLOAD', { what, chunk });
}
