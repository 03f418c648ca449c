/** The X25519 stanza of an age header (C2SP age, "The X25519 recipient type"): wraps a file key for one recipient. */
import { SallyportError } from '../base/errors.ts';
import type { Stanza } from './format/header.ts';
import { lowOrderShare, stanzaOf, wrapInfo, wrappedIn, wrapSalt } from './format/x25519.ts';
import { FileKey, fileKeyBytes } from './filekey.ts';
import { hkdfSha256 } from './hkdf.ts';
import { Identity, recipientPoint } from './identity.ts';
import { aeadOpen, aeadSeal, secureAlloc, tagBytes, zero } from './sodium.ts';

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
    return stanzaOf({ share: ephemeral.point, body });
  } finally {
    ephemeral.close();
    wipeScratch();
  }
}

/** The file key for the first identity that fits; SP_WRONG_IDENTITY when none does, SP_AGE_HEADER. */
export function unwrapFileKey(stanzas: readonly Stanza[], identities: readonly Identity[], what: string): FileKey {
  const ours = wrappedIn(stanzas, what);
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
  if (!identity.sharedSecret(shared, share)) throw lowOrderShare(what);
  deriveWrapKey(share, identity.point);
  return aeadOpen(fileKey.bytes, body, nonce, wrapKey);
}

function deriveWrapKey(share: Uint8Array, point: Uint8Array): void {
  hkdfSha256(wrapKey, shared, wrapSalt(share, point), wrapInfo);
}

function wipeScratch(): void {
  zero(shared);
  zero(wrapKey);
}
