/** What a hunt tells its child, and what it hears from it. */

export interface Order {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly scratch: string;
  /** Tries this file's bytes alone, as long as the parent lets it. */
  readonly replay?: string;
  /** Inputs that failed once, tried first. */
  readonly found: readonly string[];
  readonly rssBytesMax: number;
}

export interface Progress {
  readonly inputs: number;
  readonly rssBytes: number;
  readonly outcomes: number;
  readonly slowestMs: number;
  readonly elapsedMs: number;
}

export type Said =
  | { readonly say: 'ready' }
  | { readonly say: 'progress'; readonly progress: Progress }
  | { readonly say: 'failure'; readonly kind: FailureKind; readonly text: string; readonly base64: string; readonly progress: Progress }
  | { readonly say: 'replayed'; readonly ms: number; readonly text?: string }
  | { readonly say: 'done'; readonly progress: Progress };

export type FailureKind = 'crash' | 'hang' | 'memory' | 'death';

/** No input may take longer. */
export const hangMs = 1000;
