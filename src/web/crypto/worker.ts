/**
 * The worker in which private keys and opening live, off the page's main thread. `client.ts` speaks to it: a call is `{id, call, args}` and is answered
 * by `{id, result}` or `{id, error}`, with `{id, progress}` before. Footage is pulled: `next` gives a batch, whose bytes change hands without a copy.
 */
import { asSallyportError } from '../../base/errors.ts';
import type { Stretch } from './stretch.ts';
import { errorOf, httpFetcher, httpPoster } from './fetcher.ts';
import { Keeper, type PlayRequest, type ThumbnailRequest } from './keeper.ts';
import type { ClipPiece, ClipRequest } from './clip.ts';
import type { AlarmPictureOf, FootagePiece } from './footage.ts';
import { indexedDbRecords } from './indexeddb.ts';
import type { EraseOrder, HoldOrder, OrderDone } from './orders.ts';
import { memoryRecords, type RecordStore } from './records.ts';

/** What a worker and a port of Node's have in common. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

export interface Call {
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

interface Playing {
  readonly pieces: AsyncGenerator<FootagePiece | ClipPiece>;
  readonly stop: AbortController;
}

/** Bytes in one answer: a few pictures of a large camera, so that the first one never waits for many. */
const batchBytes = 512 * 1024;
const batchPieces = 64;
const playingMax = 32;

/** Answers calls for a keeper. */
export class CryptoServer {
  readonly #port: Port;
  readonly #keeper: Keeper;
  readonly #playing = new Map<number, Playing>();
  /** Pictures that are being fetched and opened. */
  readonly #looking = new Map<number, AbortController>();

  constructor(port: Port, keeper: Keeper) {
    this.#port = port;
    this.#keeper = keeper;
  }

  async answer({ id, call, args }: Call): Promise<void> {
    try {
      const { result, transfer } = await this.#do(id, call, args);
      this.#port.postMessage({ id, result }, transfer);
    } catch (error) {
      this.#port.postMessage({ id, error: errorOf(error).toJSON() }, []);
    }
  }

  async #do(id: number, call: string, args: readonly unknown[]): Promise<{ result: unknown; transfer: Transferable[] }> {
    if (call === 'play') return { result: this.#play(id, (signal) => this.#keeper.play(args[0] as PlayRequest, signal)), transfer: [] };
    if (call === 'clip') return { result: this.#play(id, (signal) => this.#keeper.clip(args[0] as ClipRequest, signal)), transfer: [] };
    if (call === 'thumbnail') return this.#look(id, (signal) => this.#keeper.thumbnail(args[0] as ThumbnailRequest, signal));
    if (call === 'alarmPicture') return this.#look(id, (signal) => this.#keeper.alarmPicture(args[0] as AlarmPictureOf, signal));
    if (call === 'forgo') return { result: this.#looking.get(args[0] as number)?.abort(), transfer: [] };
    if (call === 'next') return this.#next(args[0] as number);
    if (call === 'stop') return { result: await this.#stop(args[0] as number), transfer: [] };
    const progress = (done: number): void => this.#port.postMessage({ id, progress: done }, []);
    if (call === 'hold') return { result: plain(await this.#keeper.hold(args[0] as HoldOrder, args[1] as number, progress)), transfer: [] };
    if (call === 'erase') return { result: plain(await this.#keeper.erase(args[0] as EraseOrder, args[1] as number, progress)), transfer: [] };
    if (call === 'release') return { result: plain(await this.#keeper.release(args[0] as { camera: string; order: string }, args[1] as number)), transfer: [] };
    if (call === 'stretch') {
      return { result: this.#keeper.stretch(args[0] as string, args[1] as Stretch, progress), transfer: [] };
    }
    if (!isKeeperCall(call)) throw new TypeError(`no such call: ${call}`);
    const work = this.#keeper[call] as (...given: unknown[]) => unknown;
    return { result: await work.apply(this.#keeper, [...args]), transfer: [] };
  }

  async #look(id: number, open: (signal: AbortSignal) => Promise<Uint8Array | undefined>): Promise<{ result: unknown; transfer: Transferable[] }> {
    const stop = new AbortController();
    this.#looking.set(id, stop);
    try {
      const result = await open(stop.signal);
      return { result, transfer: result === undefined ? [] : [result.buffer as ArrayBuffer] };
    } finally {
      this.#looking.delete(id);
    }
  }

  #play(id: number, begin: (signal: AbortSignal) => Playing['pieces']): number {
    if (this.#playing.size >= playingMax) throw new RangeError(`more than ${playingMax} at once`);
    const stop = new AbortController();
    this.#playing.set(id, { pieces: begin(stop.signal), stop });
    return id;
  }

  async #next(id: number): Promise<{ result: unknown; transfer: Transferable[] }> {
    const playing = this.#playing.get(id);
    const pieces: unknown[] = [];
    const transfer: Transferable[] = [];
    let bytes = 0;
    let done = playing === undefined;
    while (playing !== undefined && pieces.length < batchPieces && bytes < batchBytes) {
      const { value, done: ended } = await playing.pieces.next();
      if (ended === true) {
        done = true;
        break;
      }
      pieces.push(value.kind === 'problem' ? { ...value, error: value.error.toJSON() } : value);
      if ('bytes' in value) {
        bytes += value.bytes.length;
        transfer.push(value.bytes.buffer);
        // The first picture goes at once.
        if (value.kind === 'fragment' && value.key && pieces.length <= 2) break;
      }
    }
    if (done) this.#playing.delete(id);
    return { result: { pieces, done }, transfer };
  }

  async #stop(id: number): Promise<void> {
    const playing = this.#playing.get(id);
    this.#playing.delete(id);
    playing?.stop.abort();
    await playing?.pieces.return(undefined).catch(() => {});
  }
}

const keeperCalls = [
  'newStretch', 'makeKit', 'takeKit', 'showKit', 'forgetKit', 'makeDevice', 'saveDevice', 'knownDevices', 'findDevice', 'noteDevice', 'forgetDevice', 'unlock', 'lock',
  'firstOwnerList', 'nextOwnerList', 'openOwnerList', 'deviceWords', 'signApproval', 'signRecovery', 'resealSlot', 'renewSlot', 'spacesToRenew', 'keyFrame', 'rate',
] as const satisfies readonly (keyof Keeper)[];
export type KeeperCall = (typeof keeperCalls)[number];

function isKeeperCall(call: string): call is KeeperCall {
  return (keeperCalls as readonly string[]).includes(call);
}

/** Errors cross as what they are in JSON. */
function plain({ problems, ...done }: OrderDone): object {
  return { ...done, problems: problems.map((problem) => problem.toJSON()) };
}

/** Only where this file is a worker of a browser; elsewhere it is imported. */
function serve(): void {
  const scope = self as unknown as { postMessage: Port['postMessage']; addEventListener(type: 'message', take: (event: MessageEvent) => void): void };
  const server = new CryptoServer({ postMessage: (message, transfer) => scope.postMessage(message, transfer) }, new Keeper({ records: recordsHere(), fetch: httpFetcher, post: httpPoster }));
  scope.addEventListener('message', ({ data }) => void server.answer(data as Call));
}

/** A private window may have none: then the device is known until the window closes. */
function recordsHere(): RecordStore {
  try {
    return indexedDbRecords(indexedDB);
  } catch (error) {
    asSallyportError(error);
    return memoryRecords();
  }
}

if (typeof self !== 'undefined' && 'WorkerGlobalScope' in self) serve();
