/** What is kept of a passphrase, which never comes here: how the browser stretches it, and a hash of the half that logs in. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface Stretch { readonly salt: string; readonly memoryKib: number; readonly passes: number }
export interface LoginSecret { readonly stretch: Stretch; readonly half: string }

/** Of a name that is not there, so that an answer tells nothing. */
const usualStretch = { memoryKib: 65_536, passes: 3 } as const;

export function falseStretch(falseSalt: Buffer, nameKey: string): Stretch {
  return { salt: createHmac('sha256', falseSalt).update(nameKey).digest('base64url'), ...usualStretch };
}

export function stretchOf({ salt, memoryKib, passes }: Stretch): Stretch {
  return { salt, memoryKib, passes };
}

export function verifierOf({ stretch, half }: LoginSecret): Stretch & { verifier: string } {
  return { ...stretchOf(stretch), verifier: hashHalf(stretch.salt, half).toString('hex') };
}

/** As long for a name that is not there. */
export function isHalf({ salt, verifier }: { salt: string; verifier: string }, half: string): boolean {
  return timingSafeEqual(hashHalf(salt, half), Buffer.from(verifier, 'hex'));
}

function hashHalf(salt: string, half: string): Buffer {
  return createHash('sha256').update(Buffer.from(salt, 'base64url')).update(Buffer.from(half, 'base64url')).digest();
}
