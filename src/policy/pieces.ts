/**
 * Objects of constant size. What is to lie at a destination with `constant_size` is cut into pieces of one length, each under a name of its own, so that a store
 * and whoever watches the line see equal pieces and no sizes. `<32 hexadecimal digits>.<bytes of a piece>` is such an object's name in every list and in the
 * hub's book; no store ever sees it, and from it follow the names of the pieces and the key under which they look like nothing. docs/FORMAT.md, "Pieces". Pure.
 */

/** What the hub calls an object: its name at the store, or the one from which its pieces' names follow. */
export const referencePattern = /^[0-9a-f]{32}(?:\.[1-9][0-9]{4,6})?$/;
export const pieceBytesMin = 65_536;
export const pieceBytesMax = 8 * 2 ** 20;

/** Before an object's bytes: 16 random-looking bytes, with which the rest is enciphered, and its length, 8 bytes, the highest first. */
export const pieceNonceBytes = 16;
export const pieceHeadBytes = 24;
/** No longer object is made. */
const objectBytesMax = 2 ** 27;

export interface Reference {
  /** 32 hexadecimal digits. */
  readonly name: string;
  /** undefined: it lies there as it is. */
  readonly pieceBytes: number | undefined;
}

export function readReference(object: string): Reference {
  const [name = '', bytes] = object.split('.');
  return { name, pieceBytes: bytes === undefined ? undefined : Number(bytes) };
}

export function writeReference({ name, pieceBytes }: Reference): string {
  return pieceBytes === undefined ? name : `${name}.${pieceBytes}`;
}

/** A piece's length for what the owner has asked for: an odd number, for no Padmé size is one, and what holds sealed keys is looked for among objects of these. */
export function pieceBytesFor(bytes: number): number {
  return bytes % 2 === 0 ? bytes - 1 : bytes;
}

/** How many pieces an object of so many bytes has. */
export function piecesOf(bytes: number, pieceBytes: number): number {
  return Math.ceil((pieceHeadBytes + bytes) / pieceBytes);
}

/** Whether an object of this class may take the place of one of the same name. */
export function isReplaced(klass: string): boolean {
  return klass === 'hours' || klass === 'picture' || klass === 'keyring';
}

/** A part of one piece. */
export interface Span {
  /** From 0. */
  readonly piece: number;
  readonly from: number;
  readonly length: number;
}

/** Where `length` bytes of the pieces' bytes from `from` on lie, their head counted. */
export function spansOf(from: number, length: number, pieceBytes: number): Span[] {
  const spans: Span[] = [];
  for (let at = from; at < from + length;) {
    const piece = Math.floor(at / pieceBytes);
    const end = Math.min(from + length, (piece + 1) * pieceBytes);
    spans.push({ piece, from: at - piece * pieceBytes, length: end - at });
    at = end;
  }
  return spans;
}

/** The first 16 bytes of its SHA-256 are the piece's name. The first piece has one that follows from the object's name alone; what is replaced there is replaced by its one. */
export function pieceNameText(name: string, nonce: string, piece: number): string {
  return piece === 0 ? `sallyport piece ${name} 0` : `sallyport piece ${name} ${piece} ${nonce}`;
}

/** Its SHA-256 is the key of AES-256 in counter mode; the counter begins at the nonce, a number of 128 bits. */
export function pieceKeyText(name: string): string {
  return `sallyport pieces ${name}`;
}

/** The first 16 bytes of its SHA-256 are the nonce. `sha256`: of what may be replaced, so that no two contents have the same one; else empty. */
export function pieceNonceText(name: string, sha256: string): string {
  return `sallyport nonce ${name} ${sha256}`;
}

/** What the counter is at this byte behind the nonce, and how many bytes of that block stand before it. */
export function counterAt(nonce: Uint8Array, at: number): { counter: Uint8Array<ArrayBuffer>; skip: number } {
  const counter = Uint8Array.from(nonce);
  for (let carry = Math.floor(at / 16), index = counter.length - 1; carry > 0 && index >= 0; index--) {
    const sum = (counter[index] ?? 0) + (carry % 256);
    counter[index] = sum % 256;
    carry = Math.floor(carry / 256) + (sum > 255 ? 1 : 0);
  }
  return { counter, skip: at % 16 };
}

/** The length that a head tells, deciphered; undefined: no object has it. */
export function readLength(bytes: Uint8Array): number | undefined {
  const length = [...bytes.subarray(0, 8)].reduce((sum, byte) => sum * 256 + byte, 0);
  return bytes.length >= 8 && length > 0 && length <= objectBytesMax ? length : undefined;
}
