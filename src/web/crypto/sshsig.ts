/** SSHSIG by Ed25519 with SHA-512, byte for byte as `src/seal/sshsig.ts` makes it: what is signed here, `ssh-keygen -Y verify` checks. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { SallyportError } from '../../base/errors.ts';
import { decodeBase64, encodeBase64 } from '../../seal/format/base64.ts';
import { asciiOf } from '../../seal/format/header.ts';
import { concatBytes, utf8, wipe, type Bytes } from './bytes.ts';

const keyType = 'ssh-ed25519';
const hashName = 'sha512';
const magic = utf8('SSHSIG');
const version = Uint8Array.of(0, 0, 0, 1);
const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';

export class Signer {
  /** "ssh-ed25519 AAAA…" */
  readonly publicKey: string;
  readonly #keyBlob: Bytes;
  readonly #seed: Bytes;

  /** 32 bytes, which become the signer's own and are wiped with it. */
  constructor(seed: Bytes) {
    this.#seed = seed;
    this.#keyBlob = concatBytes(lengthed(keyType), lengthed(ed25519.getPublicKey(seed)));
    this.publicKey = publicKeyOf(this.#keyBlob);
  }

  /** An armored signature; text is signed as UTF-8. */
  sign(message: Uint8Array | string, namespace: string): string {
    const signature = ed25519.sign(signedBytes(message, namespace), this.#seed);
    const blob = concatBytes(
      magic, version, lengthed(this.#keyBlob), lengthed(namespace), lengthed(''), lengthed(hashName), lengthed(concatBytes(lengthed(keyType), lengthed(signature))),
    );
    const lines = asciiOf(encodeBase64(blob, true)).match(/.{1,70}/g) ?? [];
    return `${[begin, ...lines, end].join('\n')}\n`;
  }

  close(): void {
    wipe(this.#seed);
  }
}

/** Throws SP_BAD_SIGNATURE, which says why, unless `publicKey` signed exactly that message for that namespace. */
export function verifySignature(s: { message: Uint8Array | string; signature: string; namespace: string; publicKey: string; what: string }): void {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_BAD_SIGNATURE', { what: s.what, reason });
  };
  const parsed = parse(s.signature) ?? refuse('it is not an SSH signature of Ed25519 and SHA-512');
  if (publicKeyOf(parsed.keyBlob) !== s.publicKey.trim().split(/\s+/).slice(0, 2).join(' ')) refuse('another key made it');
  if (parsed.namespace !== s.namespace) refuse(`it was made for ${JSON.stringify(parsed.namespace.slice(0, 60))}, not ${s.namespace}`);
  if (!holds(parsed.signature, signedBytes(s.message, s.namespace), parsed.point)) refuse('what was signed was altered');
}

function holds(signature: Uint8Array, message: Uint8Array, point: Uint8Array): boolean {
  try {
    // RFC 8032 rules, as OpenSSH and libsodium have them.
    return ed25519.verify(signature, message, point, { zip215: false });
  } catch {
    return false;
  }
}

function publicKeyOf(keyBlob: Uint8Array): string {
  return `${keyType} ${asciiOf(encodeBase64(keyBlob, true))}`;
}

function signedBytes(message: Uint8Array | string, namespace: string): Bytes {
  const hash = sha512(typeof message === 'string' ? utf8(message) : message);
  return concatBytes(magic, lengthed(namespace), lengthed(''), lengthed(hashName), lengthed(hash));
}

function parse(armored: string): { keyBlob: Uint8Array; point: Uint8Array; namespace: string; signature: Uint8Array } | undefined {
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
  return { keyBlob, point, namespace: new TextDecoder().decode(namespace), signature };
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
  for (; at < blob.length;) {
    if (blob.length - at < 4) return undefined;
    const fieldEnd = at + 4 + view.getUint32(at);
    if (fieldEnd > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, fieldEnd));
    at = fieldEnd;
  }
  return at === blob.length ? fields : undefined;
}

function lengthed(value: Uint8Array | string): Bytes {
  const bytes = typeof value === 'string' ? utf8(value) : value;
  const field = new Uint8Array(4 + bytes.length);
  new DataView(field.buffer).setUint32(0, bytes.length);
  field.set(bytes, 4);
  return field;
}
