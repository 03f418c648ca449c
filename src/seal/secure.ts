/** Memory and randomness for other rooms. */
import { fillRandom, secureAlloc, zero } from './sodium.ts';

const pageBytes = 4096;

/** Page-aligned memory out of swap and core dumps, as O_DIRECT reads need it; `bytes` is rounded up to whole pages. */
export function securePages(bytes: number): Buffer {
  // libsodium puts an allocation's end at a page's end, so whole pages begin at a page.
  return secureAlloc(Math.max(1, Math.ceil(bytes / pageBytes)) * pageBytes);
}

export function wipe(buffer: Buffer): void {
  zero(buffer);
}

export function randomBytes(n: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(n);
  fillRandom(buffer);
  return buffer;
}
