/** Ed25519 signatures in OpenSSH's SSHSIG format (PROTOCOL.sshsig), hash SHA-512: what is signed here, `ssh-keygen -Y verify` checks. */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import { fillRandom, secureAlloc, signDetached, signKeys, verifyDetached, zero } from './sodium.ts';

const keyType = 'ssh-ed25519';
const hashName = 'sha512';
const magic = Buffer.from('SSHSIG');
const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';
const seedBytes = 32;

export class Signer {
  /** "ssh-ed25519 AAAA…", one line of an allowed_signers or authorized_keys file. */
  readonly publicKey: string;
  readonly #keyBlob: Buffer;
  /** Seed, then public key. */
  readonly #secretKey: Buffer = secureAlloc(64);

  private constructor(seed: Uint8Array) {
    const point = Buffer.alloc(32);
    signKeys(point, this.#secretKey, seed);
    this.#keyBlob = Buffer.concat([lengthed(keyType), lengthed(point)]);
    this.publicKey = `${keyType} ${this.#keyBlob.toString('base64')}`;
  }

  static generate(): Signer {
    const seed = secureAlloc(seedBytes);
    fillRandom(seed);
    const signer = new Signer(seed);
    zero(seed);
    return signer;
  }

  /** 32 bytes; the caller wipes its own copy. */
  static fromSeed(seed: Uint8Array): Signer {
    if (seed.length !== seedBytes) throw new SallyportError('SP_INTERNAL', { reason: `a signing seed of ${seed.length} bytes` });
    return new Signer(seed);
  }

  /** An armored signature; text is signed as UTF-8. The namespace keeps a signature for one purpose from serving another. */
  sign(message: Uint8Array | string, namespace: string): string {
    const signature = signDetached(signedBytes(message, namespace), this.#secretKey);
    const blob = Buffer.concat([
      magic, Buffer.from([0, 0, 0, 1]), lengthed(this.#keyBlob), lengthed(namespace), lengthed(''), lengthed(hashName),
      lengthed(Buffer.concat([lengthed(keyType), lengthed(signature)])),
    ]);
    const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
    return `${[begin, ...lines, end].join('\n')}\n`;
  }

  /** The seed in secure memory of the caller's, for the encrypted database. */
  seed(): Buffer {
    const seed = secureAlloc(seedBytes);
    this.#secretKey.copy(seed, 0, 0, seedBytes);
    return seed;
  }

  /** Wipes the secret key. */
  close(): void {
    zero(this.#secretKey);
  }
}

/** Throws SP_BAD_SIGNATURE, which says why, unless `publicKey` signed exactly that message for that namespace. */
export function verifySignature(s: { message: Uint8Array | string; signature: string; namespace: string; publicKey: string; what: string }): void {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_BAD_SIGNATURE', { what: s.what, reason });
  };
  const parsed = parse(s.signature) ?? refuse('it is not an SSH signature of Ed25519 and SHA-512');
  if (`${keyType} ${parsed.keyBlob.toString('base64')}` !== s.publicKey.trim().split(/\s+/).slice(0, 2).join(' ')) refuse('another key made it');
  if (parsed.namespace !== s.namespace) refuse(`it was made for ${JSON.stringify(parsed.namespace.slice(0, 60))}, not ${s.namespace}`);
  if (!verifyDetached(parsed.signature, signedBytes(s.message, s.namespace), parsed.point)) refuse('what was signed was altered');
}

/** The public key that a signature says it was made by, unverified; undefined when it is no signature. */
export function publicKeyIn(signature: string): string | undefined {
  const parsed = parse(signature);
  return parsed === undefined ? undefined : `${keyType} ${parsed.keyBlob.toString('base64')}`;
}

/** What Ed25519 signs: the purpose and the message's hash. */
function signedBytes(message: Uint8Array | string, namespace: string): Buffer {
  const hash = createHash(hashName).update(message).digest();
  return Buffer.concat([magic, lengthed(namespace), lengthed(''), lengthed(hashName), lengthed(hash)]);
}

function parse(armored: string): { keyBlob: Buffer; point: Buffer; namespace: string; signature: Buffer } | undefined {
  const lines = armored.trim().split(/\r?\n/);
  if (lines.shift() !== begin || lines.pop() !== end) return undefined;
  const base64 = lines.join('');
  const blob = Buffer.from(base64, 'base64');
  if (blob.toString('base64') !== base64) return undefined;
  const fields = fieldsOf(blob, magic.length + 4);
  if (!blob.subarray(0, magic.length).equals(magic) || blob.readUInt32BE(magic.length) !== 1 || fields?.length !== 5) return undefined;
  const [keyBlob, namespace, reserved, hash, signatureBlob] = fields as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const point = ed25519Of(keyBlob, 32);
  const signature = ed25519Of(signatureBlob, 64);
  if (reserved.length !== 0 || hash.toString('latin1') !== hashName || point === undefined || signature === undefined) return undefined;
  return { keyBlob, point, namespace: namespace.toString('utf8'), signature };
}

function ed25519Of(blob: Buffer, bytes: number): Buffer | undefined {
  const [type, value, ...more] = fieldsOf(blob, 0) ?? [];
  return type?.toString('latin1') === keyType && value?.length === bytes && more.length === 0 ? value : undefined;
}

/** The length-prefixed fields that fill `blob` from `from` on exactly. */
function fieldsOf(blob: Buffer, from: number): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = from; at < blob.length;) {
    if (blob.length - at < 4) return undefined;
    const fieldEnd = at + 4 + blob.readUInt32BE(at);
    if (fieldEnd > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, fieldEnd));
    at = fieldEnd;
  }
  return from > blob.length ? undefined : fields;
}

function lengthed(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
