/**
 * A stream's last fragments in memory, and the readers on it. It keeps the current GOP, the last seconds if they are wanted, and whatever
 * the slowest reader has not had yet, up to a bound; past the bound the oldest goes first and the reader that wanted it is told `behind`. What it holds are copies in memory
 * of its own, wiped and used again when they are let go, but not while a reader has them in its hands.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Fragment, Init, Lost, MediaEvent, ReadingPace } from './media.ts';
import { Slabs, type Piece } from './slabs.ts';

/** What a fragment costs beside its bytes, so that a stream of empty ones is bounded too. */
const overheadBytes = 512;
const compactFrom = 1024;

interface Session {
  readonly init: Init;
  lost: Lost | undefined;
  /** Has had one. */
  keyFrames: boolean;
}

/** Pictures up to a moment; its bytes are whose it was asked for, who wipes them. */
export interface Excerpt {
  readonly init: Init;
  /** Fragments, from a key frame on. */
  readonly bytes: Buffer;
  readonly pictures: number;
  /** When its last picture came. */
  readonly wallMs: UnixMs;
  readonly monotonicMs: number;
}

interface Entry {
  readonly event: Extract<MediaEvent, { kind: 'fragment' }>;
  readonly session: Session;
  readonly piece: Piece;
  /** The ring, and each reader that has it in its hands. */
  holders: number;
  /** Media bytes of the stream before this entry. */
  readonly offset: number;
}

interface Cursor {
  readonly live: boolean;
  next: number;
  /** What the reader was given and has not come back from. */
  inHand: Entry | undefined;
  session: Session | undefined;
  lost: Lost | undefined;
  needsKeyFrame: boolean;
  /** Media bytes of the stream up to what was read or passed over. */
  offset: number;
  wake: (() => void) | undefined;
}

export class MediaRing {
  readonly #bytesMax: number;
  readonly #onWatched: (watched: boolean) => void;
  readonly #cursors = new Set<Cursor>();
  readonly #slabs = new Slabs();
  /** `#entries[0]` has number `#base`; the first `#gone` of them have been let go. */
  #entries: Array<Entry | undefined> = [];
  #base = 0;
  #gone = 0;
  #costBytes = 0;
  #offset = 0;
  /** Number of the current GOP's key frame, while it is held. */
  #keyFrame: number | undefined;
  #session: Session | undefined;
  #lost: Lost | undefined;
  #closed = false;
  /** How far back a reader may begin. */
  #retainMs = 0;

  /** `onWatched` is told when the first live reader comes and when the last has gone. */
  constructor(bytesMax: number, onWatched: (watched: boolean) => void = () => {}) {
    this.#bytesMax = bytesMax;
    this.#onWatched = onWatched;
  }

  /** A new session, or a new setup in mid-session: what follows belongs to it. */
  begin(init: Init): void {
    this.#session = { init, lost: undefined, keyFrames: false };
    this.#lost = undefined;
    this.#keyFrame = undefined;
    this.#wake();
  }

  /** Copies the fragment's bytes. */
  push(fragment: Fragment): void {
    const session = this.#session;
    if (session === undefined) return;
    if (fragment.keyFrame) {
      this.#keyFrame = this.#end;
      // What `starve` said is over.
      if (!session.keyFrames) this.#lost = session.lost = undefined;
      session.keyFrames = true;
      this.#trim();
    }
    this.#keep(fragment, session);
    this.#costBytes += fragment.bytes.length + overheadBytes;
    this.#offset += fragment.bytes.length;
    while (this.#costBytes > this.#bytesMax && this.#first < this.#end) this.#drop();
    this.#wake();
  }

  #keep({ bytes, track, keyFrame, timeMs, durationMs, wallMs, monotonicMs }: Fragment, session: Session): void {
    const piece = this.#slabs.keep(bytes);
    const fragment: Fragment = { bytes: piece.bytes, track, keyFrame, timeMs, durationMs, wallMs, monotonicMs };
    this.#entries.push({ event: { kind: 'fragment', fragment }, session, piece, holders: 1, offset: this.#offset });
  }

  /** The session is over. Each reader is told once, after what it still has to read; further calls before the next `begin` say nothing new. */
  lose(lost: Lost): void {
    this.#note(lost);
    this.#session = undefined;
    this.#keyFrame = undefined;
    this.#trim();
    this.#wake();
  }

  /** The session goes on without key frames. Only readers that could not begin for want of one are told. */
  starve(lost: Lost): void {
    if (this.#session?.keyFrames !== false) return;
    this.#note(lost);
    this.#wake();
  }

  /** Readers end after what they still have to read; nothing else is kept. */
  close(): void {
    this.#closed = true;
    this.#retainMs = 0;
    this.#trim();
    this.#wake();
  }

  /** From now on the last so many milliseconds are kept, to the key frame before them. */
  retain(ms: number): void {
    if (!this.#closed) this.#retainMs = ms;
  }

  /** It is so late (monotonic). While a stream is away, nothing else would tell that its last seconds are long past. */
  pass(nowMs: number): void {
    if (this.#session === undefined) this.#trim(nowMs);
  }

  /**
   * A copy of the pictures from the key frame at or before a moment up to the moment, as a movie: what shows the moment. Undefined when
   * it is not held (any more).
   */
  excerpt(monotonicMs: number): Excerpt | undefined {
    const from = this.#keyFrameAt(monotonicMs);
    if (from === undefined) return undefined;
    const { session } = this.#at(from);
    const fragments: Fragment[] = [];
    for (let number = from; number < this.#end; number++) {
      const { event: { fragment }, session: of } = this.#at(number);
      if (of !== session) break;
      if (fragment.track !== 'video') continue;
      if (fragments.length > 0 && fragment.monotonicMs > monotonicMs) break;
      fragments.push(fragment);
    }
    const last = fragments.at(-1);
    if (last === undefined) return undefined;
    return { init: session.init, bytes: Buffer.concat(fragments.map(({ bytes }) => bytes)), pictures: fragments.length, wallMs: last.wallMs, monotonicMs: last.monotonicMs };
  }

  /** Bytes held, for tests and the state page. */
  get heldBytes(): number {
    return this.#costBytes;
  }

  get readers(): number {
    return this.#cursors.size;
  }

  /**
   * Begins with the current init at the current GOP's key frame when that is held, else at the next one; with `sinceMs` (monotonic) at the
   * key frame at or before it, or the oldest one that is held. Ends when aborted or closed.
   * A fragment's bytes are there until the reader asks for the next event or ends.
   */
  async *read(signal?: AbortSignal, pace: ReadingPace = 'at leisure', sinceMs?: number): AsyncGenerator<MediaEvent> {
    const cursor = this.#cursor(pace === 'live', sinceMs);
    const onAbort = (): void => cursor.wake?.();
    signal?.addEventListener('abort', onAbort);
    this.#cursors.add(cursor);
    this.#tellWatched();
    try {
      while (signal?.aborted !== true) {
        this.#takeBack(cursor);
        const event = this.#next(cursor);
        if (event !== undefined) yield event;
        else if (this.#closed) return;
        else await new Promise<void>((resolve) => { cursor.wake = resolve; });
      }
    } finally {
      this.#cursors.delete(cursor);
      this.#takeBack(cursor);
      this.#tellWatched();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #tellWatched(): void {
    this.#onWatched([...this.#cursors].some((cursor) => cursor.live));
  }

  #cursor(live: boolean, sinceMs: number | undefined): Cursor {
    const next = (sinceMs === undefined ? undefined : this.#keyFrameAt(sinceMs) ?? this.#oldestKeyFrame()) ?? this.#keyFrame ?? this.#end;
    return { live, next, inHand: undefined, session: undefined, lost: undefined, needsKeyFrame: true, offset: next < this.#end ? this.#at(next).offset : this.#offset, wake: undefined };
  }

  #note(lost: Lost): void {
    if (this.#lost !== undefined) return;
    this.#lost = lost;
    if (this.#session !== undefined) this.#session.lost = lost;
  }

  #next(cursor: Cursor): MediaEvent | undefined {
    if (cursor.next < this.#first) return this.#fallenOut(cursor);
    while (cursor.next < this.#end) {
      const entry = this.#at(cursor.next);
      if (entry.session !== cursor.session) return this.#enter(cursor, entry.session);
      cursor.next++;
      cursor.offset = entry.offset + entry.event.fragment.bytes.length;
      if (cursor.needsKeyFrame && !entry.event.fragment.keyFrame) continue;
      cursor.needsKeyFrame = false;
      cursor.inHand = entry;
      entry.holders++;
      return entry.event;
    }
    if (this.#lost !== undefined && cursor.lost !== this.#lost && (this.#session === undefined || this.#session === cursor.session)) return this.#tell(cursor, this.#lost);
    if (this.#session !== undefined && this.#session !== cursor.session) return this.#enter(cursor, this.#session);
    return undefined;
  }

  #takeBack(cursor: Cursor): void {
    const entry = cursor.inHand;
    cursor.inHand = undefined;
    if (entry !== undefined) this.#letGo(entry);
    // No key frame will come that would be a reason to look.
    if (this.#session === undefined) this.#trim();
  }

  #letGo(entry: Entry): void {
    if (--entry.holders === 0) this.#slabs.wipe(entry.piece);
  }

  /** Into another session: first the end of the old one, if it was lost and that is not told yet, then the new one's init. */
  #enter(cursor: Cursor, session: Session): MediaEvent {
    const lost = cursor.session?.lost;
    if (lost !== undefined && cursor.lost !== lost) return this.#tell(cursor, lost);
    cursor.session = session;
    cursor.needsKeyFrame = true;
    return { kind: 'init', init: session.init };
  }

  #tell(cursor: Cursor, lost: Lost): MediaEvent {
    cursor.lost = lost;
    cursor.needsKeyFrame = true;
    return lost;
  }

  #fallenOut(cursor: Cursor): MediaEvent {
    let to = this.#first;
    while (to < this.#end && !this.#at(to).event.fragment.keyFrame) to++;
    const offset = to < this.#end ? this.#at(to).offset : this.#offset;
    const event: MediaEvent = { kind: 'behind', droppedBytes: offset - cursor.offset };
    cursor.next = to;
    cursor.offset = offset;
    cursor.needsKeyFrame = true;
    return event;
  }

  /** The last one at or before a moment. */
  #keyFrameAt(monotonicMs: number): number | undefined {
    let found: number | undefined;
    for (let number = this.#first; number < this.#end; number++) {
      const { fragment } = this.#at(number).event;
      if (fragment.track !== 'video') continue;
      if (fragment.monotonicMs > monotonicMs) break;
      if (fragment.keyFrame) found = number;
    }
    return found;
  }

  #oldestKeyFrame(): number | undefined {
    for (let number = this.#first; number < this.#end; number++) if (this.#at(number).event.fragment.keyFrame) return number;
    return undefined;
  }

  /** From where the last seconds must stay: those before now, or before the newest fragment. */
  #retainedFrom(nowMs: number | undefined): number {
    if (this.#retainMs === 0 || this.#first === this.#end) return this.#end;
    const newestMs = this.#at(this.#end - 1).event.fragment.monotonicMs;
    const fromMs = (nowMs ?? newestMs) - this.#retainMs;
    return newestMs < fromMs ? this.#end : this.#keyFrameAt(fromMs) ?? this.#first;
  }

  /** Lets go of what lies before the current GOP and the last seconds, and every reader has had. */
  #trim(nowMs?: number): void {
    let keep = Math.min(this.#keyFrame ?? this.#end, this.#retainedFrom(nowMs));
    for (const cursor of this.#cursors) keep = Math.min(keep, cursor.next);
    while (this.#first < keep) this.#drop();
  }

  #drop(): void {
    const entry = this.#entries[this.#gone] as Entry;
    this.#entries[this.#gone++] = undefined;
    this.#costBytes -= entry.event.fragment.bytes.length + overheadBytes;
    if (this.#keyFrame !== undefined && this.#keyFrame < this.#first) this.#keyFrame = undefined;
    if (this.#gone >= compactFrom && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#base += this.#gone;
      this.#gone = 0;
    }
    this.#letGo(entry);
  }

  #at(number: number): Entry {
    return this.#entries[number - this.#base] as Entry;
  }

  get #first(): number {
    return this.#base + this.#gone;
  }

  get #end(): number {
    return this.#base + this.#entries.length;
  }

  #wake(): void {
    for (const cursor of this.#cursors) {
      const wake = cursor.wake;
      if (wake === undefined) continue;
      cursor.wake = undefined;
      wake();
    }
  }
}
