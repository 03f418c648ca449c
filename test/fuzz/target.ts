/** What is fuzzed: a parser of ours behind one function that takes bytes. */
import { isSallyportError, type ErrorCode } from '../../src/base/errors.ts';
import type { Mutator } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** What is attacked, in words. */
  readonly what: string;
  /** Real inputs, from which the others are made. */
  corpus(): Buffer[] | Promise<Buffer[]>;
  readonly mutators: readonly Mutator[];
  readonly bytesMax: number;
  /** How many inputs a long run has; fewer where each needs a key agreement. */
  readonly longRun: number;
  /**
   * Reads the input as the product does and says in a word what became of it, for inputs with a new outcome are kept to be changed
   * further. Whatever it throws is a defect, so what may be thrown is caught here (`refusal`).
   */
  read(bytes: Buffer): string | Promise<string>;
}

/** The outcome of an input that was refused as it should be; anything else is thrown on. */
export function refusal(error: unknown, codes: readonly ErrorCode[]): string {
  if (!isSallyportError(error) || !codes.includes(error.code)) throw error;
  return `${error.code} ${error.message.replaceAll(/\d+/g, '#').slice(0, 60)}`;
}

export function expect(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`broken promise: ${promise}`);
}
