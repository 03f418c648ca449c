/** G.711: mu-law, as visitors send it, into A-law, for cameras whose loudspeakers take only that. Pure. */

/** ITU-T G.711, through the linear value: a byte of mu-law to a byte of A-law. */
const aLawOf: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => encodeALaw(decodeMuLaw(byte)));

export function muLawToALaw(sound: Uint8Array): Buffer {
  return Buffer.from(sound.map((byte) => aLawOf[byte] ?? 0xd5));
}

/** 16-bit linear. */
export function decodeMuLaw(byte: number): number {
  const inverted = ~byte & 0xff;
  const magnitude = (((inverted & 0x0f) << 3) + 0x84) << ((inverted >> 4) & 7);
  return (inverted & 0x80) === 0 ? magnitude - 0x84 : 0x84 - magnitude;
}

export function encodeALaw(linear: number): number {
  const sample = linear >> 3;
  const magnitude = Math.min(sample >= 0 ? sample : -sample - 1, 0xfff);
  const segment = Math.max(0, 32 - Math.clz32(magnitude) - 5);
  const step = (magnitude >> Math.max(1, segment)) & 0x0f;
  return ((segment << 4) | step) ^ (sample >= 0 ? 0xd5 : 0x55);
}
