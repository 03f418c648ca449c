/** Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019): at most 12 % more bytes, few different sizes. */

/** The smallest Padmé size that is not below `bytes`. */
export function padmeSize(bytes: number): number {
  if (bytes < 2) return bytes;
  let exponent = Math.floor(Math.log2(bytes));
  if (2 ** exponent > bytes) exponent--;
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - mantissaBits);
  return Math.ceil(bytes / step) * step;
}

/** Bytes of the padding box behind so many plain bytes: a box has at least 8. */
export function paddingBoxSize(plainBytes: number): number {
  return padmeSize(plainBytes + 8) - plainBytes;
}
