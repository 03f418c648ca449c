/** The page's side of the worker: each call of the keeper as a promise, footage as an async iterator. */
import { SallyportError } from '../../base/errors.ts';
import { sameBytes } from './bytes.ts';
import type { AlarmPictureOf, FootagePiece } from './footage.ts';
import { partsOf } from './footageparts.ts';
import type { ClipPiece, ClipRequest } from './clip.ts';
import type { Keeper, PlayRequest, ThumbnailRequest } from './keeper.ts';
import type { EraseOrder, HoldOrder, OrderDone } from './orders.ts';
import type { Halves, Stretch } from './stretch.ts';
import type { Call, KeeperCall } from './worker.ts';

/** What a Worker is to us. */
export interface CryptoWorker {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', take: (event: MessageEvent) => void): void;
  addEventListener(type: 'error', take: (event: ErrorEvent) => void): void;
  terminate(): void;
}

/** The keeper's calls, each answered later. */
type Remote = { readonly [C in KeeperCall]: (...args: Parameters<Keeper[C]>) => Promise<Awaited<ReturnType<Keeper[C]>>> };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly progress: ((done: number) => void) | undefined;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: Parameters<typeof SallyportError.fromJSON>[0];
  readonly progress?: number;
}

export class CryptoClient {
  readonly #worker: CryptoWorker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #over: SallyportError | undefined;

  constructor(worker: CryptoWorker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }) => this.#take(data as Answer));
    worker.addEventListener('error', (event) => this.#end(new SallyportError('SP_INTERNAL', { reason: `the worker failed: ${event.message}` })));
  }

  /** Any call of the keeper but those that have a method of their own here. Rejects with the SallyportError that it threw. */
  readonly ask: Remote = new Proxy({} as Remote, {
    // A promise has `then`; this is none.
    get: (_, call) => (call === 'then' ? undefined : (...args: readonly unknown[]) => this.#call(String(call), args)),
  });

  /** About a second of work, in the worker. @param progress From 0 to 1. */
  stretch(passphrase: string, by: Stretch, progress?: (done: number) => void): Promise<Halves> {
    return this.#call('stretch', [passphrase, by], progress) as Promise<Halves>;
  }

  /** Keeps footage longer, signed by this device. @param progress From 0 to 1. */
  hold(order: HoldOrder, nowMs: number, progress?: (done: number) => void): Promise<OrderDone> {
    return this.#order('hold', [order, nowMs], progress);
  }

  /** Ends a hold before its time; what only it kept is destroyed. */
  release(order: { readonly camera: string; readonly order: string }, nowMs: number): Promise<OrderDone> {
    return this.#order('release', [order, nowMs]);
  }

  /** Erases a time, signed by this device. @param progress From 0 to 1, of the sealing anew of what stays. */
  erase(order: EraseOrder, nowMs: number, progress?: (done: number) => void): Promise<OrderDone> {
    return this.#order('erase', [order, nowMs], progress);
  }

  async #order(call: string, args: readonly unknown[], progress?: (done: number) => void): Promise<OrderDone> {
    const { problems, ...done } = (await this.#call(call, args, progress)) as Omit<OrderDone, 'problems'> & { problems: Parameters<typeof SallyportError.fromJSON>[0][] };
    return { ...done, problems: problems.map((problem) => SallyportError.fromJSON(problem)) };
  }

  /** Footage as it is opened; the next batch is opened while this one is used. Ending the loop stops the fetching. */
  async *play(request: PlayRequest): AsyncGenerator<FootagePiece> {
    if (request.timeline === undefined) return yield* this.#play(request);
    let init: Uint8Array | undefined;
    for (const timeline of partsOf(request.timeline, request.fromMs, request.toMs)) {
      for await (const piece of this.#play({ ...request, timeline })) {
        // Each part begins with its own; a player takes another one for another picture.
        if (piece.kind === 'init' && init !== undefined && sameBytes(init, piece.bytes)) continue;
        if (piece.kind === 'init') init = piece.bytes.slice();
        yield piece;
      }
    }
  }

  async *#play(request: PlayRequest): AsyncGenerator<FootagePiece> {
    for await (const piece of this.#pulled<FootagePiece>('play', request)) yield piece.kind === 'problem' ? { ...piece, error: SallyportError.fromJSON(piece.error) } : piece;
  }

  /** What a clip is made of, as it is opened; the next part is made while this one is written. Ending the loop ends it, and so does the signal, at once: SP_STOPPED. */
  clip(request: ClipRequest, signal?: AbortSignal): AsyncGenerator<ClipPiece> {
    return this.#pulled<ClipPiece>('clip', request, signal);
  }

  /** Aborting ends the fetching; it rejects with SP_STOPPED then. */
  thumbnail(request: ThumbnailRequest, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#look('thumbnail', request, signal);
  }

  /** As `thumbnail`. */
  async alarmPicture(of: AlarmPictureOf, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#look('alarmPicture', of, signal)) ?? new Uint8Array();
  }

  async #look(call: 'thumbnail' | 'alarmPicture', request: ThumbnailRequest | AlarmPictureOf, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'looking' });
    const id = this.#lastId + 1;
    const forgo = (): void => void this.#call('forgo', [id]).catch(() => {});
    signal?.addEventListener('abort', forgo, { once: true });
    try {
      return (await this.#call(call, [request])) as Uint8Array<ArrayBuffer> | undefined;
    } finally {
      signal?.removeEventListener('abort', forgo);
    }
  }

  /** Wipes what the worker holds and ends it. */
  close(): void {
    this.#end(new SallyportError('SP_STOPPED', { what: 'the worker' }));
    this.#worker.terminate();
  }

  async *#pulled<P>(call: 'play' | 'clip', request: PlayRequest | ClipRequest, signal?: AbortSignal): AsyncGenerator<P> {
    const stream = (await this.#call(call, [request])) as number;
    const stop = (): void => void this.#call('stop', [stream]).catch(() => {});
    signal?.addEventListener('abort', stop, { once: true });
    const batch = (): Promise<{ pieces: P[]; done: boolean }> => this.#call('next', [stream]) as Promise<{ pieces: P[]; done: boolean }>;
    let next = batch();
    try {
      for (;;) {
        const { pieces, done } = await next;
        if (signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'making a clip' });
        if (!done) next = batch();
        yield* pieces;
        if (done) return;
      }
    } finally {
      next.catch(() => {});
      signal?.removeEventListener('abort', stop);
      stop();
    }
  }

  #call(call: string, args: readonly unknown[], progress?: (done: number) => void): Promise<unknown> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, progress });
      this.#worker.postMessage({ id, call, args } satisfies Call);
    });
  }

  #take({ id, result, error, progress }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (progress !== undefined) {
      waiting?.progress?.(progress);
      return;
    }
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(SallyportError.fromJSON(error));
  }

  #end(error: SallyportError): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** What TypeScript's library does not know of Trusted Types. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): unknown };
}

/**
 * Starts the worker. The page asks for Trusted Types, so a script's address must come from a policy: this one knows the one address.
 * @param url As Vite gives it: `import url from './crypto/worker.ts?worker&url'`.
 */
export function startCryptoWorker(url: string): CryptoClient {
  const trusted = (self as unknown as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('sallyport-worker', {
    createScriptURL: (asked) => {
      if (asked !== url) throw new TypeError('another script than the worker');
      return asked;
    },
  });
  return new CryptoClient(new Worker((trusted?.createScriptURL(url) ?? url) as string, { type: 'module', name: 'sallyport keys' }));
}
