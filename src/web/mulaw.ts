/** ITU-T G.711 mu-law: 14 bits of loudness in 8, as a camera's loudspeaker takes it. */
const bias = 0x84;
const clip = 32_635;

export function mulaw(samples: Float32Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(samples, (sample) => encode(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767)));
}

function encode(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const size = Math.min(clip, Math.abs(sample)) + bias;
  const exponent = 31 - Math.clz32(size) - 7;
  const mantissa = (size >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}
