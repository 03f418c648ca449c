/** Times in sentences: one way to write them for all who do, so that whoever shows a sentence can write them by the reader's clock. */

/** "2026-11-24T05:00:00Z": how a time stands in a sentence, wherever it is read. Whoever shows the sentence writes it by the reader's clock (`withTimes`). */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}

/** A sentence with each time in it as `say` writes it. */
export function withTimes(sentence: string, say: (ms: number) => string): string {
  return sentence.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z(?![\w-])/g, (iso) => {
    const ms = Date.parse(iso);
    return Number.isNaN(ms) ? iso : say(ms);
  });
}
