/** The X25519 stanza of an age header (C2SP age, "The X25519 recipient type"): wraps a file key for one recipient. */
import { SallyportError } from '../base/errors.ts';
import { decodeBase64, encodeBase64 } from './format/base64.ts';
import { asciiOf, type Stanza } from './format/header.ts';
import { FileKey, fileKeyBytes } from './filekey.ts';
import { hkdfSha256 } from './hkdf.ts';
import { Identity, recipientPoint } from './identity.ts';
import { aeadOpen, aeadSeal, secureAlloc, tagBytes, zero } from './sodium.ts';

const kind = 'X25519';
const info = 'age-encryption.org/v1/X25519';
// Each wrap key is used once, so its nonce is zero.
const nonce = new Uint8Array(12);
const shared = secureAlloc(32);
const wrapKey = secureAlloc(32);

/** SP_BAD_RECIPIENT. */
export function wrapFileKey(fileKey: FileKey, recipient: string): Stanza {
  const point = recipientPoint(recipient);
  const ephemeral = Identity.generate();
  try {
    ephemeral.sharedSecret(shared, point);
    deriveWrapKey(ephemeral.point, point);
    const body = new Uint8Array(fileKeyBytes + tagBytes);
    aeadSeal(body, fileKey.bytes, nonce, wrapKey);
    return { args: [kind, asciiOf(encodeBase64(ephemeral.point, false))], body };
  } finally {
    ephemeral.close();
    wipeScratch();
  }
}

/**
 * The file key for the first identity that fits; SP_WRONG_IDENTITY when none does. A malformed X25519 stanza is a malformed header
 * (SP_AGE_HEADER), even where another would have fitted; stanzas of other kinds fit nobody here.
 */
export function unwrapFileKey(stanzas: readonly Stanza[], identities: readonly Identity[], what: string): FileKey {
  if (stanzas.length > 1 && stanzas.some(({ args }) => args[0] === 'scrypt')) {
    throw new SallyportError('SP_AGE_HEADER', { what, reason: 'a passphrase stands beside other recipients' });
  }
  const ours = stanzas.filter(({ args }) => args[0] === kind).map((stanza) => ({ share: shareOf(stanza, what), body: stanza.body }));
  const fileKey = new FileKey();
  try {
    for (const { share, body } of ours) {
      for (const identity of identities) if (unwrap(fileKey, identity, share, body, what)) return fileKey;
    }
  } finally {
    wipeScratch();
  }
  fileKey.close();
  throw new SallyportError('SP_WRONG_IDENTITY', { what });
}

function unwrap(fileKey: FileKey, identity: Identity, share: Uint8Array, body: Uint8Array, what: string): boolean {
  if (!identity.sharedSecret(shared, share)) throw new SallyportError('SP_AGE_HEADER', { what, reason: 'a recipient is a low-order point' });
  deriveWrapKey(share, identity.point);
  return aeadOpen(fileKey.bytes, body, nonce, wrapKey);
}

function shareOf({ args, body }: Stanza, what: string): Uint8Array {
  const share = args.length === 2 ? decodeBase64(Buffer.from(args[1] as string, 'latin1'), false) : undefined;
  // The length is checked before opening: a longer one would let a file be made that opens differently for two people.
  if (share?.length !== 32 || body.length !== fileKeyBytes + tagBytes) {
    throw new SallyportError('SP_AGE_HEADER', { what, reason: 'an X25519 recipient is malformed' });
  }
  return share;
}

function deriveWrapKey(share: Uint8Array, point: Uint8Array): void {
  hkdfSha256(wrapKey, shared, Buffer.concat([share, point]), info);
}

function wipeScratch(): void {
  zero(shared);
  zero(wrapKey);
}
