/** Signatures of Ed25519 and SHA-512 in OpenSSH's SSHSIG format (PROTOCOL.sshsig): their bytes, and what is refused of them. Whoever makes or checks one brings the cipher. */
import { SallyportError } from '../../base/errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { concatBytes, utf8 } from './bytes.ts';
import { asciiOf } from './header.ts';

const keyType = 'ssh-ed25519';
const hashName = 'sha512';
const magic = utf8('SSHSIG');
const version = Uint8Array.of(0, 0, 0, 1);
const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';

export interface Signature {
  /** "ssh-ed25519 AAAA…", unverified. */
  readonly publicKey: string;
  /** The same as 32 bytes. */
  readonly point: Uint8Array;
  readonly namespace: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

export interface SignedMessage {
  readonly message: Uint8Array | string;
  readonly signature: string;
  readonly namespace: string;
  readonly publicKey: string;
  readonly what: string;
}

export interface VerifyPrimitives {
  readonly sha512: (message: Uint8Array) => Uint8Array;
  /** Ed25519 by the rules of RFC 8032, as OpenSSH has them. */
  readonly verify: (signature: Uint8Array, message: Uint8Array, point: Uint8Array) => boolean;
}

/** "ssh-ed25519 AAAA…", one line of an allowed_signers or authorized_keys file. */
export function publicKeyText(point: Uint8Array): string {
  return textOf(keyBlobOf(point));
}

/** What Ed25519 signs: the purpose and the message's SHA-512. */
export function signedBytes(hash: Uint8Array, namespace: string): Uint8Array {
  return concatBytes(magic, lengthed(namespace), lengthed(''), lengthed(hashName), lengthed(hash));
}

/** The armored signature. The namespace keeps a signature for one purpose from serving another. */
export function writeSignature({ point, namespace, signature }: Omit<Signature, 'publicKey'>): string {
  const blob = concatBytes(
    magic, version, lengthed(keyBlobOf(point)), lengthed(namespace), lengthed(''), lengthed(hashName), lengthed(concatBytes(lengthed(keyType), lengthed(signature))),
  );
  const lines = asciiOf(encodeBase64(blob, true)).match(/.{1,70}/g) ?? [];
  return `${[begin, ...lines, end].join('\n')}\n`;
}

/** undefined for whatever is no signature of Ed25519 and SHA-512. */
export function readSignature(armored: string): Signature | undefined {
  const lines = armored.trim().split(/\r?\n/);
  if (lines.shift() !== begin || lines.pop() !== end) return undefined;
  const blob = decodeBase64(utf8(lines.join('')), true);
  const start = magic.length + version.length;
  if (blob === undefined || asciiOf(blob.subarray(0, start)) !== asciiOf(concatBytes(magic, version))) return undefined;
  const fields = fieldsOf(blob, start);
  if (fields?.length !== 5) return undefined;
  const [keyBlob, namespace, reserved, hash, signatureBlob] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const point = ed25519Of(keyBlob, 32);
  const signature = ed25519Of(signatureBlob, 64);
  if (reserved.length !== 0 || asciiOf(hash) !== hashName || point === undefined || signature === undefined) return undefined;
  return { publicKey: textOf(keyBlob), point, namespace: new TextDecoder().decode(namespace), signature };
}

/** Throws SP_BAD_SIGNATURE, which says why, unless `publicKey` signed exactly that message (text as UTF-8) for that namespace. */
export function checkSignature(s: SignedMessage, { sha512, verify }: VerifyPrimitives): void {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_BAD_SIGNATURE', { what: s.what, reason });
  };
  const read = readSignature(s.signature) ?? refuse('it is not an SSH signature of Ed25519 and SHA-512');
  if (read.publicKey !== s.publicKey.trim().split(/\s+/).slice(0, 2).join(' ')) refuse('another key made it');
  if (read.namespace !== s.namespace) refuse(`it was made for ${JSON.stringify(read.namespace.slice(0, 60))}, not ${s.namespace}`);
  const hash = sha512(typeof s.message === 'string' ? utf8(s.message) : s.message);
  if (!verify(read.signature, signedBytes(hash, s.namespace), read.point)) refuse('what was signed was altered');
}

function keyBlobOf(point: Uint8Array): Uint8Array {
  return concatBytes(lengthed(keyType), lengthed(point));
}

function textOf(keyBlob: Uint8Array): string {
  return `${keyType} ${asciiOf(encodeBase64(keyBlob, true))}`;
}

function ed25519Of(blob: Uint8Array, bytes: number): Uint8Array | undefined {
  const [type, value, ...more] = fieldsOf(blob, 0) ?? [];
  return type !== undefined && asciiOf(type) === keyType && value?.length === bytes && more.length === 0 ? value : undefined;
}

/** The length-prefixed fields that fill `blob` from `from` on exactly. */
function fieldsOf(blob: Uint8Array, from: number): Uint8Array[] | undefined {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const fields: Uint8Array[] = [];
  let at = from;
  while (at < blob.length) {
    if (blob.length - at < 4) return undefined;
    const fieldEnd = at + 4 + view.getUint32(at);
    if (fieldEnd > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, fieldEnd));
    at = fieldEnd;
  }
  return at === blob.length ? fields : undefined;
}

function lengthed(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? utf8(value) : value;
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}
