/**
 * Sealed footage, fetched by ranges and opened here: what a player is given was verified chunk by chunk, and the hub never sees it open.
 * The hub says where segments and their key frames are (the timeline); what it says is compared with what was sealed.
 */
import type { Timeline } from '../../api/pagecontract.ts';
import type { SallyportError } from '../../base/errors.ts';
import { holdBytes } from '../../seal/format/hold.ts';
import { chunkPlainBytes, chunkSealedBytes } from '../../seal/format/stream.ts';
import { thumbnailBoxBytes, thumbnailIn } from '../../seal/format/thumbnail.ts';
import { SealedFile, openWhole } from './age.ts';
import { concatBytes, sameBytes, wipe, type Bytes } from './bytes.ts';
import { errorOf, type Fetcher } from './fetcher.ts';
import { FootageKeys, type HeaderTarget, type WantedHeader } from './footagekeys.ts';
import { FootageSource, type FootageRate } from './footagesource.ts';
import type { Identity } from './identity.ts';
import { kept, remember } from './kept.ts';
import { SegmentBytes, usualPayloadStart } from './segmentbytes.ts';
import { chunksOf, firstBatch, SegmentReader, type Place, type SegmentStart } from './segmentreading.ts';
import { alarmPath, apiPath, isGone, segmentOf, segmentPath, type FootageTimeline, type Segment, type SegmentOf, type StreamName, type Way } from './segmentways.ts';

export type { FootageRate, FootageTimeline, StreamName };

/** `slot` and `generation`: of the key of its day. */
export interface AlarmPictureOf {
  readonly camera: string;
  readonly alarm: string;
  readonly picture: 'full' | 'crop' | 'thumb' | 'text';
  readonly slot: number;
  readonly generation: number;
}

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
interface OpenedSegment extends SegmentStart {
  readonly file: SealedFile;
}

/** A segment that is being opened; whoever plays it closes the bytes. */
interface Begun {
  readonly bytes: SegmentBytes;
  readonly opening: Promise<OpenedSegment>;
  /** Index of the key frame to begin with; -1 for the first fragment. */
  readonly at: number;
}

const timelinePath = `${apiPath}/timeline`;
const segmentsKept = 64;
/** Of at most 24 KiB each. */
const thumbnailsKept = 256;
export class SealedFootage {
  readonly #source: FootageSource;
  readonly #keys: FootageKeys;
  readonly #segments = new Map<string, Promise<OpenedSegment>>();
  readonly #thumbnails = new Map<string, Bytes>();

  /** @param o.identities Of the spaces and of whoever looks: they stay the caller's. */
  constructor(o: { readonly fetch: Fetcher; readonly identities: readonly Identity[] }) {
    this.#source = new FootageSource(o.fetch);
    this.#keys = new FootageKeys(this.#source, o.identities);
  }

  get rate(): FootageRate {
    return this.#source.rate;
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
          const of = segmentOf(camera, stream, segment);
          const begun = ahead.begun ?? this.#begin(of, here, fromMs, options.signal);
          ahead.begun = undefined;
          options.onSegment?.(segment, here.periods);
          const next = segments[index + 1];
          // What the next segment needs first comes while the rest of this one is played.
          const soon = next === undefined ? undefined : () => void (ahead.begun ??= this.#begin(segmentOf(camera, stream, next), here, fromMs, options.signal));
          try {
            for await (const piece of this.#segment(of, begun, options.keyFramesOnly === true, soon)) {
              if (piece.wallMs > toMs) return;
              if (piece.kind !== 'init') yield piece;
              else if (init === undefined || !sameBytes(init, piece.bytes)) {
                init = piece.bytes.slice();
                yield piece;
              }
            }
          } catch (error) {
            this.#source.checkGoing(options.signal);
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
    const of = segmentOf(camera, stream, segment);
    const begun = this.#begin(of, timeline, atMs, signal);
    let init: Bytes | undefined;
    try {
      for await (const piece of this.#segment(of, begun, true, undefined)) {
        if (piece.kind === 'init') init = piece.bytes;
        else if (piece.kind === 'fragment' && init !== undefined) return { init, bytes: piece.bytes, wallMs: piece.wallMs };
      }
      return undefined;
    } catch (error) {
      this.#source.checkGoing(signal);
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
    const of = segmentOf(camera, stream, segment);
    const bytes = this.#bytesOf(of, signal);
    try {
      const box = await this.#openBytes(of, timeline, bytes, { offset, size });
      this.#source.checkGoing(signal);
      const jpeg = thumbnailIn(box)?.slice() as Bytes | undefined;
      if (jpeg !== undefined) remember(this.#thumbnails, key, jpeg, thumbnailsKept);
      return jpeg?.slice();
    } catch (error) {
      this.#source.checkGoing(signal);
      throw errorOf(error);
    } finally {
      bytes.close();
    }
  }

  /** A picture of an alarm, or its text, by the key of its day. Throws what keeps it from opening. */
  async alarmPicture(of: AlarmPictureOf, signal?: AbortSignal): Promise<Bytes> {
    const what = `the picture "${of.picture}" of alarm ${of.alarm}`;
    try {
      const [identity, sealed] = await Promise.all([this.#keys.alarms(of.camera, of), this.#source.fetch(alarmPath(of), undefined, signal)]);
      this.#source.checkGoing(signal);
      return openWhole(sealed, [identity], what);
    } catch (error) {
      this.#source.checkGoing(signal);
      throw errorOf(error);
    }
  }

  /** What the hub knows of a time; none of it opens anything. */
  async timeline(camera: string, stream: StreamName, fromMs: number, toMs: number, signal?: AbortSignal): Promise<Timeline> {
    const query = new URLSearchParams({ camera, stream, fromMs: String(Math.floor(fromMs)), toMs: String(Math.ceil(toMs)) });
    return JSON.parse(new TextDecoder().decode(await this.#source.ask(`${timelinePath}?${query}`, undefined, signal))) as Timeline;
  }

  /** A second header for a period that keeps footage longer: see `FootageKeys`. */
  secondHeader(camera: string, wanted: WantedHeader, target: HeaderTarget, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#keys.secondHeader(camera, wanted, target, signal);
  }

  /** Wipes all keys; whatever is still going ends with SP_STOPPED. */
  close(): void {
    this.#source.close();
    this.#keys.close();
    for (const segment of this.#segments.values()) void segment.then(({ file }) => file.close(), () => {});
    for (const jpeg of this.#thumbnails.values()) wipe(jpeg);
    this.#segments.clear();
    this.#thumbnails.clear();
  }

  /** Asks at once for all that the first picture at `fromMs` needs: what lies at the key frame waits for no header. */
  #begin(of: SegmentOf, timeline: FootageTimeline, fromMs: number, signal: AbortSignal | undefined): Begun {
    const { segment } = of;
    const bytes = this.#bytesOf(of, signal);
    const at = segment.keyFrames.findLastIndex(([afterMs]) => segment.startMs + afterMs <= fromMs);
    const chunk = Math.floor((segment.keyFrames[at]?.[1] ?? 0) / chunkPlainBytes);
    if (chunk > 0) bytes.ahead(usualPayloadStart, chunk, firstBatch);
    const opening = this.#open(of, timeline, bytes, chunk > 0 ? 1 : firstBatch);
    // Told when it is its turn.
    opening.catch(() => {});
    return { bytes, opening, at };
  }

  async *#segment(of: SegmentOf, { bytes, opening, at }: Begun, keyFramesOnly: boolean, soon: (() => void) | undefined): AsyncGenerator<FootagePiece> {
    const { segment } = of;
    const [seekMs, seekOffset] = segment.keyFrames[at] ?? [0, undefined];
    const opened = await opening;
    const reader = new SegmentReader({ source: this.#source, file: opened.file, bytes, of });
    yield { kind: 'init', bytes: opened.init.slice(), wallMs: segment.startMs + seekMs };
    if (keyFramesOnly) {
      const frames = segment.keyFrames.slice(Math.max(0, at));
      for (const [index, [afterMs, offset]] of frames.entries()) {
        const next = frames[index + 1];
        if (next === undefined) soon?.();
        else bytes.ahead(opened.file.payloadStart, Math.floor(next[1] / chunkPlainBytes), firstBatch);
        const fragment = await reader.firstFragment(offset);
        if (fragment !== undefined) yield { kind: 'fragment', bytes: fragment.bytes, wallMs: segment.startMs + afterMs, key: true };
      }
      return;
    }
    const keys = new Set(segment.keyFrames.map(([, offset]) => offset));
    let firstTime: number | undefined;
    for await (const { moof, bytes: fragment, offset } of reader.fragments(seekOffset ?? opened.firstFragment, firstBatch, soon)) {
      const time = reader.timeOf(moof, opened.videoTrack);
      firstTime ??= time;
      const sinceFirstMs = time === undefined || firstTime === undefined ? 0 : ((time - firstTime) / opened.timescale) * 1000;
      yield { kind: 'fragment', bytes: fragment, wallMs: segment.startMs + seekMs + sinceFirstMs, key: keys.has(offset) };
    }
  }

  #open(of: SegmentOf, timeline: FootageTimeline, bytes: SegmentBytes, chunks: number): Promise<OpenedSegment> {
    const open = (way: Way): Promise<OpenedSegment> => this.#openBy(way, of, timeline, bytes, chunks);
    return kept(this.#segments, `${of.camera}/${of.stream}/${of.segment.seq}`, segmentsKept, () => this.#keys.byAnyWay(of.segment, () => bytes.checkGoing(), open), ({ file }) => file.close());
  }

  /** The first chunk tells whether the key is the file's. */
  async #openBy(way: Way, of: SegmentOf, timeline: FootageTimeline, bytes: SegmentBytes, chunks: number): Promise<OpenedSegment> {
    const file = await this.#fileBy(way, of, timeline, bytes, usualPayloadStart + chunks * chunkSealedBytes);
    try {
      const opened = { file, ...(await new SegmentReader({ source: this.#source, file, bytes, of }).start()) };
      this.#source.checkGoing();
      return opened;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The file by its own header, or with a second one in place of it, and what was read of its beginning: at least the header. */
  async #fileBy(way: Way, { camera, stream, segment, what }: SegmentOf, timeline: Pick<FootageTimeline, 'periods'>, bytes: SegmentBytes, bytesMin: number): Promise<SealedFile> {
    const [identity, read, hold] = await Promise.all([
      this.#keys.period(camera, way, timeline, segment.startMs), bytes.read(0, Math.min(segment.sizeBytes, bytesMin)),
      way.held ? this.#keys.holdOf(camera, stream, segment.seq, way.slot) : undefined,
    ]);
    this.#source.checkGoing();
    return SealedFile.open(hold === undefined ? read : concatBytes(hold, read.subarray(holdBytes)), segment.sizeBytes, [identity], what);
  }

  /** Opened bytes of a place; what is asked for waits for no header. */
  #openBytes(of: SegmentOf, timeline: Pick<FootageTimeline, 'periods'>, bytes: SegmentBytes, place: Place): Promise<Bytes> {
    const { first, last } = chunksOf(place);
    bytes.ahead(usualPayloadStart, first, last + 1 - first);
    return this.#keys.byAnyWay(of.segment, () => bytes.checkGoing(), async (way) => {
      const file = await this.#fileBy(way, of, timeline, bytes, usualPayloadStart);
      try {
        return await new SegmentReader({ source: this.#source, file, bytes, of }).place(place);
      } finally {
        file.close();
      }
    });
  }

  #bytesOf({ camera, stream, segment }: SegmentOf, signal: AbortSignal | undefined): SegmentBytes {
    return new SegmentBytes((from, to, stop) => this.#source.fetch(segmentPath(camera, stream, segment.seq), { from, to }, stop), segment.sizeBytes, signal);
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
