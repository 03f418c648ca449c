/** What a passphrase must be, and one to begin with. */
export const passphraseLengthMin = 12;
const wordsOfOne = 5;

export function passphraseFits(text: string): boolean {
  return [...text].length >= passphraseLengthMin;
}

/** Five words of a list of 2,048 by the browser's own randomness: 55 bits, stretched. */
export function suggestPassphrase(words: readonly string[], random: (values: Uint32Array<ArrayBuffer>) => Uint32Array): string {
  // A power of two of words, so that no word is likelier than another.
  return Array.from(random(new Uint32Array(wordsOfOne)), (n) => words[n % words.length] ?? '').join(' ');
}
