/** The payload of an age file (C2SP age, "Payload"): sizes and nonces of its chunks. */
export const chunkPlainBytes = 65_536;
export const chunkSealedBytes = 65_552;
export const chunkTagBytes = 16;
export const payloadNonceBytes = 16;
export const chunkNonceBytes = 12;

/** Sealed payload bytes (header and payload nonce not counted) of so many plain ones; an empty payload still has its one chunk. */
export function sealedPayloadSize(plainBytes: number): number {
  return plainBytes + chunkTagBytes * Math.max(1, Math.ceil(plainBytes / chunkPlainBytes));
}

/** Plain bytes that a sealed payload of that size claims to hold; a rest too short for a chunk counts nothing. */
export function plainPayloadSize(sealedBytes: number): number {
  const whole = Math.floor(sealedBytes / chunkSealedBytes);
  const rest = sealedBytes - whole * chunkSealedBytes;
  return whole * chunkPlainBytes + Math.max(0, rest - chunkTagBytes);
}

/** Sets the nonce of a chunk: eleven bytes of big-endian counter, then 1 for the final chunk, else 0. */
export function setChunkNonce(nonce: Uint8Array, index: number, last: boolean): void {
  let rest = index;
  for (let i = 10; i >= 0; i--) {
    nonce[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  nonce[11] = last ? 1 : 0;
}

/** To the next chunk's nonce, in place. */
export function advanceChunkNonce(nonce: Uint8Array): void {
  for (let i = 10; i >= 0; i--) {
    nonce[i] = ((nonce[i] as number) + 1) & 0xff;
    if (nonce[i] !== 0) return;
  }
}

/**
 * A chunk by the mark that it may carry: `open` tries one, and answers undefined where the chunk is not that. Only whole chunks may lack the final
 * mark (a crash leaves such), and only a payload's first chunk may be empty; a chunk with the mark before the last place is genuine, what follows
 * it is not. undefined when it is damaged.
 */
export function openByMark<T>(sealedBytes: number, index: number, chunkCount: number, open: (last: boolean) => T | undefined): { readonly plain: T; readonly final: boolean } | undefined {
  const plainBytes = sealedBytes - chunkTagBytes;
  if (plainBytes < 0 || (plainBytes === 0 && index > 0)) return undefined;
  const expected = index === chunkCount - 1;
  for (const final of plainBytes === chunkPlainBytes ? [expected, !expected] : [expected]) {
    const plain = open(final);
    if (plain !== undefined) return { plain, final };
  }
  return undefined;
}
