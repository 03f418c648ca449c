/** Bytes for the tests of this room. */
import type { ByteSource } from '../../src/seal/opener.ts';

export function memorySource(bytes: Buffer): ByteSource {
  return { size: bytes.length, read: async (offset, length) => Buffer.from(bytes.subarray(offset, offset + length)) };
}

/** Bytes that tell where they stand, so that swapped chunks show. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
  return bytes;
}
