/** What goes into one SourceBuffer: in order, one append at a time, only while a managed source wants it, and never more kept than is needed. */
import { say } from '../strings.ts';
import { wantsMore } from './media.ts';

const pendingBytesMax = 24 * 2 ** 20;
/** What is joined into one append when several fragments wait. */
const joinedBytesMax = 2 ** 20;

interface Pending {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsetSec: number | undefined;
}

export class Feed {
  readonly #source: MediaSource;
  readonly #buffer: SourceBuffer;
  readonly #onAppended: () => void;
  readonly #onFault: (words: string) => void;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #trimTo: readonly [number, number] | undefined;
  #closed = false;

  constructor(o: { readonly source: MediaSource; readonly buffer: SourceBuffer; readonly onAppended: () => void; readonly onFault: (words: string) => void }) {
    this.#source = o.source;
    this.#buffer = o.buffer;
    this.#onAppended = o.onAppended;
    this.#onFault = o.onFault;
    o.buffer.mode = 'segments';
    o.buffer.addEventListener('updateend', this.#updated);
    o.buffer.addEventListener('error', this.#failed);
    o.source.addEventListener('startstreaming', this.#resumed);
  }

  get ranges(): [number, number][] {
    if (this.#closed || this.#source.readyState === 'closed') return [];
    const { buffered } = this.#buffer;
    return Array.from({ length: buffered.length }, (_, index) => [buffered.start(index), buffered.end(index)]);
  }

  /** The browser wants no more for now: what is pushed waits, and nothing should be fetched for it. */
  get held(): boolean {
    return !this.#closed && !wantsMore(this.#source);
  }

  get idle(): boolean {
    return this.#pending.length === 0 && !this.#buffer.updating;
  }

  /** `offsetSec`: what is added to the fragment's own time; as before when undefined. */
  push(bytes: Uint8Array<ArrayBuffer>, offsetSec?: number): void {
    if (this.#closed) return;
    this.#pending.push({ bytes, offsetSec });
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > pendingBytesMax) this.#fail(say.player.tooSlow);
    else this.#pump();
  }

  /** Forgets what lies between these times, when there is nothing more urgent. */
  trim(fromSec: number, toSec: number): void {
    if (this.#closed || toSec <= fromSec) return;
    this.#trimTo = [fromSec, toSec];
    this.#pump();
  }

  /** Drops what waits and forgets all that is buffered. */
  empty(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    // What is being appended now is whole fragments, and goes with the rest.
    this.trim(0, Infinity);
  }

  close(): void {
    this.#closed = true;
    this.#pending = [];
    this.#buffer.removeEventListener('updateend', this.#updated);
    this.#buffer.removeEventListener('error', this.#failed);
    this.#source.removeEventListener('startstreaming', this.#resumed);
  }

  readonly #updated = (): void => {
    this.#onAppended();
    this.#pump();
  };

  readonly #resumed = (): void => this.#pump();

  readonly #failed = (): void => this.#fail(say.player.refuses);

  #fail(words: string): void {
    if (this.#closed) return;
    this.close();
    this.#onFault(words);
  }

  #pump(): void {
    // One that was ended opens again by itself.
    if (this.#closed || this.#buffer.updating || this.#source.readyState === 'closed') return;
    try {
      const trim = this.#trimTo;
      this.#trimTo = undefined;
      if (trim !== undefined) this.#buffer.remove(...trim);
      else if (this.#pending.length > 0 && !this.held) this.#append();
    } catch (error) {
      this.#refused(error);
    }
  }

  #append(): void {
    const { offsetSec } = this.#pending[0] as Pending;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for (const { bytes, offsetSec: own } of this.#pending) {
      if (parts.length > 0 && ((own !== undefined && own !== offsetSec) || size + bytes.length > joinedBytesMax)) break;
      parts.push(bytes);
      size += bytes.length;
    }
    if (offsetSec !== undefined && offsetSec !== this.#buffer.timestampOffset) this.#buffer.timestampOffset = offsetSec;
    this.#buffer.appendBuffer(parts.length === 1 ? parts[0] as Uint8Array<ArrayBuffer> : joined(parts, size));
    this.#pending.splice(0, parts.length);
    this.#pendingBytes -= size;
  }

  /** Full: the older half goes, then it is tried again. */
  #refused(error: unknown): void {
    const full = error instanceof DOMException && error.name === 'QuotaExceededError';
    const [first, last] = [this.ranges[0], this.ranges.at(-1)];
    if (!full || first === undefined || last === undefined || last[1] - first[0] < 1) return this.#fail(error instanceof Error ? error.message : String(error));
    this.trim(first[0], (first[0] + last[1]) / 2);
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
