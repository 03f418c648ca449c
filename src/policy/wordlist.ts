/** Fingerprints as words that people can read to each other. The list has 2,048 words: two letters' syllables, eleven bits a word. */

const consonants = ['b', 'd', 'f', 'g', 'h', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'w', 'z'] as const;
const vowels = ['a', 'e', 'i', 'o'] as const;

/** Consonant, vowel, consonant, vowel of two: 16 × 4 × 16 × 2. */
export const wordlist: readonly string[] = consonants.flatMap((first) =>
  vowels.flatMap((second) => consonants.flatMap((third) => ['a', 'o'].map((fourth) => `${first}${second}${third}${fourth}`))));

/** Six words from the first 66 bits of a fingerprint in hex. */
export function fingerprintWords(hex: string): string[] {
  const bits = BigInt(`0x${hex.slice(0, 17)}`) >> 2n;
  return Array.from({ length: 6 }, (_, index) => wordlist[Number((bits >> BigInt(11 * (5 - index))) & 2047n)] ?? '');
}
