/**
 * Sealed footage, fetched by ranges and opened here: what a player is given was verified chunk by chunk, and the hub never sees it open.
 * The hub says where segments and their key frames are (the timeline); what it says is compared with what was sealed.
 */
import type { Timeline } from '../../api/pagecontract.ts';
import { SallyportError } from '../../base/errors.ts';
import { boxAt, BoxError, fragmentTimes, tracksOf } from '../../base/mp4.ts';
import { readMetadata } from '../../seal/format/metadata.ts';
import { checkHold, holdBytes } from '../../seal/format/hold.ts';
import { chunkPlainBytes, chunkSealedBytes } from '../../seal/format/stream.ts';
import { thumbnailBoxBytes, thumbnailIn } from '../../seal/format/thumbnail.ts';
import { SealedFile, secondHeader } from './age.ts';
import { concatBytes, wipe, type Bytes } from './bytes.ts';
import { errorOf, HubAnswer, type Fetcher } from './fetcher.ts';
import type { Identity } from './identity.ts';
import { openSlot } from './slot.ts';

export type StreamName = 'main' | 'sub';
export type FootageTimeline = Pick<Timeline, 'periods' | 'segments' | 'gaps' | 'moreFromMs'>;
type Segment = FootageTimeline['segments'][number];

/** Bytes are the receiver's: each has a buffer of its own, which may be transferred. */
export type FootagePiece =
  /** `ftyp` and `moov`. Another one means that the camera's codec or picture size changed. */
  | { readonly kind: 'init'; readonly bytes: Bytes; readonly wallMs: number }
  /** `moof` and `mdat`, times as recorded. */
  | { readonly kind: 'fragment'; readonly bytes: Bytes; readonly wallMs: number; readonly key: boolean }
  | { readonly kind: 'gap'; readonly wallMs: number; readonly toMs: number; readonly reason: string }
  /** A segment, or the rest of one, that does not open; what follows may. */
  | { readonly kind: 'problem'; readonly wallMs: number; readonly error: SallyportError };

export interface FragmentOptions {
  /** Nothing that begins later is given. */
  readonly toMs?: number;
  /** Only fragments that begin with a key frame, for fast looking through; only their bytes are fetched. */
  readonly keyFramesOnly?: boolean;
  readonly signal?: AbortSignal;
  /** Told of each segment before its first piece, whether it opens or not. */
  readonly onSegment?: (segment: Segment, periods: FootageTimeline['periods']) => void;
}

export interface FootageRate {
  /** Sealed bytes that came. */
  readonly fetchedBytes: number;
  readonly openedBytes: number;
  /** Spent in opening alone. */
  readonly openingMs: number;
}

/** A key that opens a segment: by its own header, or by a second one. */
interface Way {
  readonly slot: number;
  readonly generation: number;
  readonly held: boolean;
}

/** What the hub asks a device to make a second header of, and for which period. */
export interface WantedHeader extends Way {
  readonly stream: StreamName;
  readonly seq: number;
}

export interface HeaderTarget {
  readonly slot: number;
  readonly generation: number;
  readonly recipient: string;
}

interface OpenedSegment {
  readonly file: SealedFile;
  readonly init: Bytes;
  readonly videoTrack: number;
  readonly timescale: number;
  /** Offset of the first fragment in the opened bytes. */
  readonly firstFragment: number;
}

/** A segment that is being opened; whoever plays it closes the bytes. */
interface Begun {
  readonly bytes: SegmentBytes;
  readonly opening: Promise<OpenedSegment>;
  /** Index of the key frame to begin with; -1 for the first fragment. */
  readonly at: number;
}

interface OpenedBox { readonly type: string; readonly bytes: Bytes; readonly offset: number }

const apiPath = '/api/v1';
const timelinePath = `${apiPath}/timeline`;
/** Header and payload nonce of a file with one recipient; where a header is longer, what was fetched by this guess is fetched anew. */
const usualPayloadStart = 184;
/** Chunks in one request: few for the first picture, more as it goes on. */
const firstBatch = 2;
const lastBatch = 16;
const boxBytesMax = 64 * 2 ** 20;
const periodsKept = 64;
const segmentsKept = 64;
/** Of at most 24 KiB each. */
const thumbnailsKept = 256;

export class SealedFootage {
  readonly #fetch: Fetcher;
  readonly #identities: readonly Identity[];
  readonly #periods = new Map<string, Promise<Identity>>();
  readonly #segments = new Map<string, Promise<OpenedSegment>>();
  readonly #thumbnails = new Map<string, Bytes>();
  readonly #rate = { fetchedBytes: 0, openedBytes: 0, openingMs: 0 };
  #closed = false;

  /** @param o.identities Of the spaces and of whoever looks: they stay the caller's. */
  constructor(o: { readonly fetch: Fetcher; readonly identities: readonly Identity[] }) {
    this.#fetch = o.fetch;
    this.#identities = o.identities;
  }

  get rate(): FootageRate {
    return { ...this.#rate };
  }

  /**
   * From the last key frame at or before `fromMs`, in the order of recording. Where the timeline says that there is more, and `toMs` is given,
   * the hub is asked for it. Failures come as pieces; SP_STOPPED is thrown when the signal aborts or `close` is called.
   */
  async *fragments(camera: string, stream: StreamName, fromMs: number, timeline: FootageTimeline, options: FragmentOptions = {}): AsyncGenerator<FootagePiece> {
    const toMs = options.toMs ?? Number.POSITIVE_INFINITY;
    let page: FootageTimeline | undefined = timeline;
    let init: Bytes | undefined;
    const ahead: { begun?: Begun | undefined } = {};
    const seen = new Set<string>();
    const isNew = (name: string): boolean => !seen.has(name) && seen.add(name) === seen;
    try {
      while (page !== undefined) {
        const here: FootageTimeline = page;
        const segments = here.segments.filter((segment) => segment.startMs <= toMs && segment.startMs + segment.durationMs > fromMs && isNew(`${segment.seq}`));
        const gaps = here.gaps.filter((gap) => gap.toMs > fromMs && gap.fromMs <= toMs && isNew(`${gap.fromMs} ${gap.toMs}`)).sort((a, b) => a.fromMs - b.fromMs);
        for (const [index, segment] of segments.entries()) {
          for (; gaps[0] !== undefined && gaps[0].fromMs <= segment.startMs; gaps.shift()) yield gapOf(gaps[0]);
          const begun = ahead.begun ?? this.#begin(camera, stream, segment, here, fromMs, options.signal);
          ahead.begun = undefined;
          options.onSegment?.(segment, here.periods);
          const next = segments[index + 1];
          // What the next segment needs first comes while the rest of this one is played.
          const soon = next === undefined ? undefined : () => void (ahead.begun ??= this.#begin(camera, stream, next, here, fromMs, options.signal));
          try {
            for await (const piece of this.#segment(segment, begun, nameOf(camera, stream, segment), options.keyFramesOnly === true, soon)) {
              if (piece.wallMs > toMs) return;
              if (piece.kind !== 'init') yield piece;
              else if (init === undefined || !sameBytes(init, piece.bytes)) {
                init = piece.bytes.slice();
                yield piece;
              }
            }
          } catch (error) {
            this.#checkGoing(options.signal);
            yield failureOf(error, segment);
          } finally {
            begun.bytes.close();
          }
        }
        for (const gap of gaps) yield gapOf(gap);
        page = page.moreFromMs === undefined || options.toMs === undefined ? undefined : await this.timeline(camera, stream, page.moreFromMs, toMs, options.signal);
      }
    } finally {
      // Whoever stopped watching wants nothing more.
      ahead.begun?.bytes.close();
    }
  }

  /** The picture at a time, as a player needs it: the key frame at or before it. undefined where there is none. Throws what keeps it from opening. */
  async keyFrame(camera: string, stream: StreamName, atMs: number, timeline: FootageTimeline, signal?: AbortSignal): Promise<{ init: Bytes; bytes: Bytes; wallMs: number } | undefined> {
    const segment = timeline.segments.findLast(({ startMs, durationMs }) => startMs <= atMs && startMs + durationMs > atMs);
    if (segment === undefined) return undefined;
    const begun = this.#begin(camera, stream, segment, timeline, atMs, signal);
    let init: Bytes | undefined;
    try {
      for await (const piece of this.#segment(segment, begun, nameOf(camera, stream, segment), true, undefined)) {
        if (piece.kind === 'init') init = piece.bytes;
        else if (piece.kind === 'fragment' && init !== undefined) return { init, bytes: piece.bytes, wallMs: piece.wallMs };
      }
      return undefined;
    } catch (error) {
      this.#checkGoing(signal);
      throw errorOf(error);
    } finally {
      begun.bytes.close();
    }
  }

  /**
   * A segment's own small picture, a JPEG; undefined where it has none, or what lies there is none. Of the segment only its header and the one
   * or two chunks with the picture are fetched and opened, so nothing tells it from another segment of its hour: it is for looking around.
   * Throws what keeps it from opening.
   */
  async thumbnail(camera: string, stream: StreamName, segment: Segment, timeline: Pick<FootageTimeline, 'periods'>, signal?: AbortSignal): Promise<Bytes | undefined> {
    const [offset, size] = segment.thumb ?? [0, 0];
    if (offset < 0 || size < thumbnailBoxBytes.min || size > thumbnailBoxBytes.max) return undefined;
    const key = `${camera}/${stream}/${segment.seq}`;
    const known = this.#thumbnails.get(key);
    if (known !== undefined) {
      remember(this.#thumbnails, key, known, thumbnailsKept);
      return known.slice();
    }
    const bytes = this.#bytesOf(camera, stream, segment, signal);
    try {
      const box = await this.#openBytes(camera, stream, segment, timeline, bytes, { offset, size });
      this.#checkGoing(signal);
      const jpeg = thumbnailIn(box)?.slice() as Bytes | undefined;
      if (jpeg !== undefined) remember(this.#thumbnails, key, jpeg, thumbnailsKept);
      return jpeg?.slice();
    } catch (error) {
      this.#checkGoing(signal);
      throw errorOf(error);
    } finally {
      bytes.close();
    }
  }

  /** What the hub knows of a time; none of it opens anything. */
  async timeline(camera: string, stream: StreamName, fromMs: number, toMs: number, signal?: AbortSignal): Promise<Timeline> {
    const query = new URLSearchParams({ camera, stream, fromMs: String(Math.floor(fromMs)), toMs: String(Math.ceil(toMs)) });
    return JSON.parse(new TextDecoder().decode(await this.#fetch(`${timelinePath}?${query}`, undefined, signal))) as Timeline;
  }

  /**
   * A second header for a period that keeps footage longer. That period's own slot must open here, and be of the same camera and of such a class:
   * a hub cannot have footage sealed to whom it likes. SP_HOLD, SP_SLOT_MISSING, SP_WRONG_IDENTITY, SP_AGE_MAC, and what the hub answered.
   */
  async secondHeader(camera: string, wanted: WantedHeader, target: HeaderTarget, signal?: AbortSignal): Promise<Uint8Array> {
    const what = `${camera} ${wanted.stream} ${wanted.seq}`;
    this.#checkGoing(signal);
    try {
      const [to, period, start] = await Promise.all([
        this.#period(camera, { ...target, held: true }), this.#period(camera, wanted),
        wanted.held ? this.#holdOf(camera, wanted.stream, wanted.seq, wanted.slot, signal) : this.#fetch(segmentPath(camera, wanted.stream, wanted.seq), { from: 0, to: holdBytes }, signal),
      ]);
      this.#checkGoing(signal);
      if (to.recipient !== target.recipient) throw new SallyportError('SP_HOLD', { reason: `slot ${target.slot} is not what the hub says it is` });
      return secondHeader(start, [period], target.recipient, what);
    } catch (error) {
      throw errorOf(error);
    }
  }

  /** Wipes all keys; whatever is still going ends with SP_STOPPED. */
  close(): void {
    this.#closed = true;
    for (const segment of this.#segments.values()) void segment.then(({ file }) => file.close(), () => {});
    for (const period of this.#periods.values()) void period.then((identity) => identity.close(), () => {});
    for (const jpeg of this.#thumbnails.values()) wipe(jpeg);
    this.#segments.clear();
    this.#periods.clear();
    this.#thumbnails.clear();
  }

  /** Asks at once for all that the first picture at `fromMs` needs: what lies at the key frame waits for no header. */
  #begin(camera: string, stream: StreamName, segment: Segment, timeline: FootageTimeline, fromMs: number, signal: AbortSignal | undefined): Begun {
    const bytes = this.#bytesOf(camera, stream, segment, signal);
    const at = segment.keyFrames.findLastIndex(([afterMs]) => segment.startMs + afterMs <= fromMs);
    const chunk = Math.floor((segment.keyFrames[at]?.[1] ?? 0) / chunkPlainBytes);
    if (chunk > 0) bytes.ahead(usualPayloadStart, chunk, firstBatch);
    const opening = this.#open(camera, stream, segment, timeline, bytes, chunk > 0 ? 1 : firstBatch);
    // Told when it is its turn.
    opening.catch(() => {});
    return { bytes, opening, at };
  }

  async *#segment(segment: Segment, { bytes, opening, at }: Begun, what: string, keyFramesOnly: boolean, soon: (() => void) | undefined): AsyncGenerator<FootagePiece> {
    const [seekMs, seekOffset] = segment.keyFrames[at] ?? [0, undefined];
    const opened = await opening;
    yield { kind: 'init', bytes: opened.init.slice(), wallMs: segment.startMs + seekMs };
    if (keyFramesOnly) {
      const frames = segment.keyFrames.slice(Math.max(0, at));
      for (const [index, [afterMs, offset]] of frames.entries()) {
        const next = frames[index + 1];
        if (next === undefined) soon?.();
        else bytes.ahead(opened.file.payloadStart, Math.floor(next[1] / chunkPlainBytes), firstBatch);
        const fragment = await firstOf(fragmentsIn(this.#boxes(opened.file, bytes, segment, offset, what, 1, undefined)));
        if (fragment !== undefined) yield { kind: 'fragment', bytes: fragment.bytes, wallMs: segment.startMs + afterMs, key: true };
      }
      return;
    }
    const keys = new Set(segment.keyFrames.map(([, offset]) => offset));
    let firstTime: number | undefined;
    for await (const { moof, bytes: fragment, offset } of fragmentsIn(this.#boxes(opened.file, bytes, segment, seekOffset ?? opened.firstFragment, what, firstBatch, soon))) {
      const time = timeOf(moof, opened.videoTrack, what);
      firstTime ??= time;
      const sinceFirstMs = time === undefined || firstTime === undefined ? 0 : ((time - firstTime) / opened.timescale) * 1000;
      yield { kind: 'fragment', bytes: fragment, wallMs: segment.startMs + seekMs + sinceFirstMs, key: keys.has(offset) };
    }
  }

  #open(camera: string, stream: StreamName, segment: Segment, timeline: FootageTimeline, bytes: SegmentBytes, chunks: number): Promise<OpenedSegment> {
    return kept(this.#segments, `${camera}/${stream}/${segment.seq}`, segmentsKept, () => this.#byAnyWay(segment, bytes, (way) => this.#openBy(way, camera, stream, segment, timeline, bytes, chunks)), ({ file }) => file.close());
  }

  async #byAnyWay<T>(segment: Segment, bytes: SegmentBytes, open: (way: Way) => Promise<T>): Promise<T> {
    const failures: unknown[] = [];
    for (const way of waysInto(segment)) {
      try {
        return await open(way);
      } catch (error) {
        this.#checkGoing();
        bytes.checkGoing();
        failures.push(error);
        // A second header may be of its maker's own making, and a key may be destroyed meanwhile: another one may open.
        if (!isUseless(error)) break;
      }
    }
    // That one key of several was destroyed is no fault; what keeps the others from opening is told.
    throw failures.find((error) => !isGone(error)) ?? failures[0];
  }

  /** The file by its own header, or with a second one in place of it, and what was read of its beginning: at least the header. */
  async #fileBy(way: Way, camera: string, stream: StreamName, segment: Segment, timeline: Pick<FootageTimeline, 'periods'>, bytes: SegmentBytes, bytesMin: number): Promise<SealedFile> {
    const [identity, read, hold] = await Promise.all([
      this.#period(camera, way, timeline, segment.startMs), bytes.read(0, Math.min(segment.sizeBytes, bytesMin)),
      way.held ? this.#holdOf(camera, stream, segment.seq, way.slot) : undefined,
    ]);
    this.#checkGoing();
    return SealedFile.open(hold === undefined ? read : concatBytes(hold, read.subarray(holdBytes)), segment.sizeBytes, [identity], nameOf(camera, stream, segment));
  }

  /** Opened bytes of a place, by the chunks in which it lies; what is asked for waits for no header. */
  #openBytes(camera: string, stream: StreamName, segment: Segment, timeline: Pick<FootageTimeline, 'periods'>, bytes: SegmentBytes, place: { offset: number; size: number }): Promise<Bytes> {
    const first = Math.floor(place.offset / chunkPlainBytes);
    const last = Math.floor((place.offset + place.size - 1) / chunkPlainBytes);
    bytes.ahead(usualPayloadStart, first, last + 1 - first);
    return this.#byAnyWay(segment, bytes, async (way) => this.#readPlace(await this.#fileBy(way, camera, stream, segment, timeline, bytes, usualPayloadStart), bytes, place, first, last));
  }

  async #readPlace(file: SealedFile, bytes: SegmentBytes, { offset, size }: { offset: number; size: number }, first: number, last: number): Promise<Bytes> {
    try {
      if (last >= file.chunkCount) throw file.damaged(last);
      const sealed = await bytes.read(file.chunkRange(first).from, file.chunkRange(last).to);
      const chunks: Uint8Array[] = [];
      for (let index = first; index <= last; index++) {
        const opened = this.#openChunk(file, sealed.subarray((index - first) * chunkSealedBytes, (index - first + 1) * chunkSealedBytes), index);
        if (opened.final && index < file.chunkCount - 1) throw file.damaged(index + 1);
        chunks.push(opened.plain);
      }
      const skip = offset - first * chunkPlainBytes;
      return concatBytes(...chunks).subarray(skip, skip + size);
    } finally {
      file.close();
    }
  }

  /** The first chunk tells whether the key is the file's. */
  async #openBy(way: Way, camera: string, stream: StreamName, segment: Segment, timeline: FootageTimeline, bytes: SegmentBytes, chunks: number): Promise<OpenedSegment> {
    const what = nameOf(camera, stream, segment);
    const file = await this.#fileBy(way, camera, stream, segment, timeline, bytes, usualPayloadStart + chunks * chunkSealedBytes);
    try {
      const opened = { file, ...(await this.#readStart(file, bytes, camera, stream, segment, what)) };
      this.#checkGoing();
      return opened;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  async #holdOf(camera: string, stream: StreamName, seq: number, slot: number, signal?: AbortSignal): Promise<Uint8Array> {
    const hold = await this.#fetch(`${apiPath}/holds/${encodeURIComponent(camera)}/${stream}/${seq}/${slot}`, undefined, signal);
    this.#rate.fetchedBytes += hold.length;
    checkHold(hold, `the second header of ${camera} ${stream} ${seq}`);
    return hold;
  }

  /** `ftyp` and `moov`; the metadata box between them must say that this is the segment that was asked for. */
  async #readStart(file: SealedFile, bytes: SegmentBytes, camera: string, stream: StreamName, segment: Segment, what: string): Promise<Omit<OpenedSegment, 'file'>> {
    const parts: Bytes[] = [];
    const init: Bytes[] = [];
    for await (const { type, bytes: box, offset } of this.#boxes(file, bytes, segment, 0, what, 1, undefined)) {
      parts.push(box);
      if (type === 'ftyp' || type === 'moov') init.push(box);
      if (type !== 'moov') continue;
      const metadata = readMetadata(concatBytes(...parts), what);
      // Keys of an hour open every segment of it: only what is sealed inside tells one from another.
      if (metadata.camera !== camera || metadata.stream !== stream || metadata.seq !== segment.seq || Math.abs(metadata.wall_ms - segment.startMs) > 1000) {
        throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: `it is ${metadata.camera} ${metadata.stream} ${metadata.seq} of ${new Date(metadata.wall_ms).toISOString()}` });
      }
      const start = concatBytes(...init);
      const video = [...boxesOf(() => tracksOf(start), what)].find(([, track]) => track.video);
      if (video === undefined || video[1].timescale === 0) throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: 'it has no video track' });
      return { init: start, videoTrack: video[0], timescale: video[1].timescale, firstFragment: offset + box.length };
    }
    throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: 'it has no video track' });
  }

  #period(camera: string, way: Way, timeline?: Pick<FootageTimeline, 'periods'>, atMs?: number): Promise<Identity> {
    const kind = way.held ? 'held/' : '';
    return kept(this.#periods, `${kind}${camera}/${way.slot}/${way.generation}`, periodsKept, () => this.#openPeriod(camera, way, timeline, atMs), (identity) => identity.close());
  }

  async #openPeriod(camera: string, way: Way, timeline: Pick<FootageTimeline, 'periods'> | undefined, atMs: number | undefined): Promise<Identity> {
    const what = atMs === undefined ? `slot ${way.slot} of ${camera}` : `the key of ${camera} at ${new Date(atMs).toISOString()}`;
    const text = await this.#fetch(slotPath(camera, way));
    this.#rate.fetchedBytes += text.length;
    const { identity, ...period } = openSlot(text, this.#identities, what);
    const listed = timeline?.periods.find(({ slot, generation }) => slot === way.slot && generation === way.generation);
    const right = way.held ? ['hold', 'rest', 'alarm'].includes(period.class) : period.class === 'footage';
    if (!this.#closed && period.camera === camera && right && (listed === undefined || listed.startMs === period.startMs)) return identity;
    identity.close();
    this.#checkGoing();
    throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: 'it is the key of another time or camera' });
  }

  /** Whole boxes from `offset` on. A crash-cut segment may end inside a box; that rest is dropped. */
  async *#boxes(file: SealedFile, bytes: SegmentBytes, segment: Segment, offset: number, what: string, batch: number, soon: (() => void) | undefined): AsyncGenerator<OpenedBox> {
    let rest: Uint8Array = new Uint8Array(0);
    let at = offset;
    for await (const chunk of this.#chunks(file, bytes, segment, offset, what, batch, soon)) {
      rest = rest.length === 0 ? chunk : concatBytes(rest, chunk);
      let used = 0;
      for (;;) {
        const box = boxesOf(() => boxAt(rest, used), what);
        if (box !== undefined && box.size > boxBytesMax) throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: `a box of ${box.size} bytes` });
        if (box === undefined || used + box.size > rest.length) break;
        yield { type: box.type, bytes: new Uint8Array(rest.subarray(used, used + box.size)), offset: at };
        used += box.size;
        at += box.size;
      }
      rest = rest.subarray(used);
    }
  }

  /** Verified bytes from `offset` to the end. The next batch is fetched while this one is opened and used. */
  async *#chunks(file: SealedFile, bytes: SegmentBytes, segment: Segment, offset: number, what: string, batch: number, soon: (() => void) | undefined): AsyncGenerator<Uint8Array> {
    let size = batch;
    let skip = offset % chunkPlainBytes;
    let final = false;
    for (let first = Math.floor(offset / chunkPlainBytes); first < file.chunkCount; first += size, size = Math.min(lastBatch, size * 2)) {
      const last = Math.min(first + size, file.chunkCount) - 1;
      const sealed = bytes.read(file.chunkRange(first).from, file.chunkRange(last).to);
      // Who reads chunk by chunk wants a few of them only.
      if (last + 1 >= file.chunkCount) soon?.();
      else if (size > 1) bytes.ahead(file.payloadStart, last + 1, Math.min(lastBatch, size * 2));
      const run = await sealed;
      for (let index = first; index <= last; index++) {
        this.#checkGoing();
        bytes.checkGoing();
        const from = (index - first) * chunkSealedBytes;
        const opened = this.#openChunk(file, run.subarray(from, from + chunkSealedBytes), index);
        yield skip === 0 ? opened.plain : opened.plain.subarray(skip);
        skip = 0;
        // Something was appended behind the genuine end.
        if (opened.final && index < file.chunkCount - 1) throw file.damaged(index + 1);
        final = opened.final;
      }
    }
    if (!final && segment.cutChunks !== file.chunkCount) throw new SallyportError('SP_SEGMENT_CUT', { what, chunks: file.chunkCount });
  }

  #openChunk(file: SealedFile, sealed: Uint8Array, index: number): ReturnType<SealedFile['openChunk']> {
    const begun = performance.now();
    const opened = file.openChunk(sealed, index);
    this.#rate.openingMs += performance.now() - begun;
    this.#rate.openedBytes += opened.plain.length;
    return opened;
  }

  #bytesOf(camera: string, stream: StreamName, segment: Segment, signal: AbortSignal | undefined): SegmentBytes {
    return new SegmentBytes(async (from, to, stop) => {
      const bytes = await this.#fetch(segmentPath(camera, stream, segment.seq), { from, to }, stop);
      this.#rate.fetchedBytes += bytes.length;
      return bytes;
    }, segment.sizeBytes, signal);
  }

  #checkGoing(signal?: AbortSignal): void {
    if (this.#closed || signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'playing' });
  }
}

interface Held { readonly from: number; readonly to: number; readonly bytes: Promise<Uint8Array> }

/** Where the hub gives a period's sealed key. */
export function slotPath(camera: string, { slot, generation }: { readonly slot: number; readonly generation: number }): string {
  return `${apiPath}/slots/${encodeURIComponent(camera)}/${slot}/${generation}`;
}

function segmentPath(camera: string, stream: StreamName, seq: number): string {
  return `${apiPath}/segments/${encodeURIComponent(camera)}/${stream}/${seq}`;
}

/** Its own header first, unless its key is gone; then the second ones. */
function waysInto({ slot, generation, holds = [] }: Segment): Way[] {
  return [...(holds.some((hold) => hold.slot === slot) ? [] : [{ slot, generation, held: false }]), ...holds.map((hold) => ({ ...hold, held: true }))];
}

/** What one way into a segment fails with, where another one may open. */
function isUseless(error: unknown): boolean {
  if (isGone(error) || (error instanceof HubAnswer && error.error.code === 'SP_HOLD_DAMAGED')) return true;
  return error instanceof SallyportError && (['SP_WRONG_IDENTITY', 'SP_AGE_HEADER', 'SP_AGE_MAC', 'SP_AGE_PAYLOAD', 'SP_SEGMENT_METADATA'] as const).some((code) => code === error.code);
}

function isGone(error: unknown): boolean {
  return (error instanceof HubAnswer && error.gone) || (error instanceof SallyportError && error.code === 'SP_SLOT_MISSING');
}

/** One segment's sealed bytes by ranges: what was asked for ahead is not asked for again. */
class SegmentBytes {
  readonly #get: (from: number, to: number, signal: AbortSignal) => Promise<Uint8Array>;
  readonly #size: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #held: Held[] = [];

  constructor(get: (from: number, to: number, signal: AbortSignal) => Promise<Uint8Array>, size: number, signal: AbortSignal | undefined) {
    this.#get = get;
    this.#size = size;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Begins to fetch chunks that will be read soon. */
  ahead(payloadStart: number, chunk: number, count: number): void {
    const from = payloadStart + chunk * chunkSealedBytes;
    const to = Math.min(this.#size, from + count * chunkSealedBytes);
    if (from < to && this.#holding(from, to) === undefined) this.#hold(from, to);
  }

  checkGoing(): void {
    if (this.#signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'playing' });
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    this.checkGoing();
    const parts: Uint8Array[] = [];
    for (let at = from; at < to;) {
      const held = this.#held.find((one) => one.from <= at && one.to > at);
      // What is not held is asked for up to where something is.
      const next = held ?? this.#hold(at, Math.min(to, ...this.#held.filter((one) => one.from > at).map((one) => one.from)));
      const end = Math.min(to, next.to);
      const bytes = await next.bytes;
      parts.push(bytes.subarray(at - next.from, end - next.from));
      at = end;
    }
    this.#held = this.#held.filter((one) => one.to > to || one.from < usualPayloadStart);
    return parts.length === 1 ? parts[0] as Uint8Array : concatBytes(...parts);
  }

  close(): void {
    this.#held = [];
    this.#stop.abort();
  }

  #holding(from: number, to: number): unknown {
    return this.#held.find((one) => one.from <= from && one.to >= to);
  }

  #hold(from: number, to: number): Held {
    const bytes = this.#get(from, to, this.#signal);
    // Told to whoever reads it; nobody may.
    bytes.catch(() => {});
    const held = { from, to, bytes };
    this.#held.push(held);
    return held;
  }
}

/** `moof` with the `mdat` behind it. */
async function* fragmentsIn(boxes: AsyncIterable<OpenedBox>): AsyncGenerator<{ moof: Bytes; bytes: Bytes; offset: number }> {
  let pending: OpenedBox | undefined;
  for await (const box of boxes) {
    if (box.type === 'moof') pending = box;
    else if (box.type === 'mdat' && pending !== undefined) {
      yield { moof: pending.bytes, bytes: concatBytes(pending.bytes, box.bytes), offset: pending.offset };
      pending = undefined;
    }
  }
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

function timeOf(moof: Uint8Array, track: number, what: string): number | undefined {
  return boxesOf(() => fragmentTimes(moof), what).find((entry) => entry.track === track)?.time;
}

function boxesOf<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BoxError) throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: error.message });
    throw error;
  }
}

/** A purge goes its way beside whoever plays: that is no fault of the footage. */
function failureOf(error: unknown, segment: Segment): FootagePiece {
  if (isGone(error)) return { kind: 'gap', wallMs: segment.startMs, toMs: segment.startMs + segment.durationMs, reason: 'purged meanwhile' };
  return { kind: 'problem', wallMs: segment.startMs, error: errorOf(error) };
}

function gapOf({ fromMs, toMs, reason }: FootageTimeline['gaps'][number]): FootagePiece {
  return { kind: 'gap', wallMs: fromMs, toMs, reason };
}

function nameOf(camera: string, stream: StreamName, segment: Segment): string {
  return `${camera} ${stream} ${segment.seq} of ${new Date(segment.startMs).toISOString()}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** As the newest; of too many the one that was not asked for longest is forgotten. */
function remember<T>(values: Map<string, T>, key: string, value: T, most: number): void {
  values.delete(key);
  values.set(key, value);
  for (const oldest of values.keys()) {
    if (values.size <= most) break;
    values.delete(oldest);
  }
}

/** The value under a key, made when it is not there; of too many, what was not asked for longest is forgotten. What failed is tried again the next time. */
function kept<T>(values: Map<string, Promise<T>>, key: string, most: number, make: () => Promise<T>, forget: (old: T) => void): Promise<T> {
  const value = values.get(key) ?? make();
  values.delete(key);
  values.set(key, value);
  value.catch(() => {
    if (values.get(key) === value) values.delete(key);
  });
  for (const [oldest, old] of values) {
    if (values.size <= most) break;
    values.delete(oldest);
    void old.then(forget, () => {});
  }
  return value;
}
