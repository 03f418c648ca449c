/** A passphrase made into two keys (Argon2id, RFC 9106). It takes about a second and 64 MiB: run it in the worker (`client.ts`). */
import { argon2id } from '@noble/hashes/argon2.js';
import { SallyportError } from '../../base/errors.ts';
import { fromBase64url, randomBytes, toBase64url, utf8, wipe, type Bytes } from './bytes.ts';

/** As `StretchShape` of the page's contract. */
export interface Stretch {
  /** 32 bytes, base64url. */
  readonly salt: string;
  readonly memoryKib: number;
  readonly passes: number;
}

export interface Halves {
  /** Logs in: base64url of 32 bytes, as `login` takes it. */
  readonly half: string;
  /** Never leaves the browser: wraps the device's identity. The caller wipes it. */
  readonly secondHalf: Bytes;
}

const saltBytes = 32;
const halfBytes = 32;
/** What a hub may ask for: less would make the passphrase cheap to try, more would stop a phone. */
const limits = { memoryKib: [65_536, 262_144], passes: [3, 8] } as const;

/** For a new passphrase. */
export function newStretch(): Stretch {
  return { salt: toBase64url(randomBytes(saltBytes)), memoryKib: 65_536, passes: 3 };
}

/**
 * The same passphrase gives the same keys however it was typed (Unicode NFKC).
 * SP_STRETCH when the hub asks for a stretch that is weaker than ours, or too much for a phone: an altered hub could else learn the passphrase by trying.
 * @param progress From 0 to 1.
 */
export function stretch(passphrase: string, by: Stretch, progress?: (done: number) => void): Halves {
  const salt = fromBase64url(by.salt);
  if (salt?.length !== saltBytes || !isWithin(by.memoryKib, limits.memoryKib) || !isWithin(by.passes, limits.passes)) {
    throw new SallyportError('SP_STRETCH', { reason: `${by.memoryKib} KiB and ${by.passes} passes` });
  }
  const secret = utf8(passphrase.normalize('NFKC'));
  const both = argon2id(secret, salt, {
    m: by.memoryKib, t: by.passes, p: 1, dkLen: 2 * halfBytes, ...(progress === undefined ? {} : { onProgress: progress }),
  });
  const halves = { half: toBase64url(both.subarray(0, halfBytes)), secondHalf: both.slice(halfBytes) as Bytes };
  wipe(secret, both);
  return halves;
}

function isWithin(value: number, [min, max]: readonly [number, number]): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
