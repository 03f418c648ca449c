/** Holds as the hub and the owner's terminal make them: format/hold.ts with libsodium, every secret in secure memory. */
import { checkHold, holdBytes, sealHold, type HoldPrimitives } from './format/hold.ts';
import type { FileKey } from './filekey.ts';
import { hkdfSha256, hmacSha256 } from './hkdf.ts';
import { Identity, recipientPoint } from './identity.ts';
import { aeadSeal, secureAlloc, tagBytes, zero } from './sodium.ts';

export { checkHold, holdBytes };

const zeroNonce = new Uint8Array(12);

const primitives: HoldPrimitives = {
  agree: (point) => {
    const ephemeral = Identity.generate();
    try {
      const secret = secureAlloc(32);
      ephemeral.sharedSecret(secret, point);
      return { share: ephemeral.point, secret };
    } finally {
      ephemeral.close();
    }
  },
  hkdf: (secret, salt, info) => {
    const key = secureAlloc(32);
    hkdfSha256(key, secret, salt, info);
    return key;
  },
  hmac: (key, message) => {
    const mac = Buffer.alloc(32);
    hmacSha256(mac, key, message);
    return mac;
  },
  seal: (key, plain) => {
    const sealed = Buffer.alloc(plain.length + tagBytes);
    aeadSeal(sealed, plain, zeroNonce, key);
    return sealed;
  },
  wipe: zero,
};

/** The second header of a file, for the owner of `recipient`. The key stays the caller's. SP_BAD_RECIPIENT. */
export function makeHold(fileKey: FileKey, recipient: string): Buffer {
  return Buffer.from(sealHold(fileKey.bytes, recipientPoint(recipient), primitives));
}
