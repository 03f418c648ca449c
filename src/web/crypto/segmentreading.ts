/** A sealed segment as it is read: verified chunks, whole boxes of them, and what is in it. */
import { SallyportError } from '../../base/errors.ts';
import { boxAt, BoxError, fragmentTimes, tracksOf } from '../../base/mp4.ts';
import { readMetadata } from '../../seal/format/metadata.ts';
import { chunkPlainBytes, chunkSealedBytes } from '../../seal/format/stream.ts';
import type { SealedFile } from './age.ts';
import { concatBytes, type Bytes } from './bytes.ts';
import type { FootageSource } from './footagesource.ts';
import type { SegmentBytes } from './segmentbytes.ts';
import type { SegmentOf } from './segmentways.ts';

/** What has to be known of a segment before its pictures can be played. */
export interface SegmentStart {
  /** `ftyp` and `moov`. */
  readonly init: Bytes;
  readonly videoTrack: number;
  readonly timescale: number;
  /** Offset of the first fragment in the opened bytes. */
  readonly firstFragment: number;
}

/** `moof` with the `mdat` behind it. */
export interface Fragment {
  readonly moof: Bytes;
  readonly bytes: Bytes;
  readonly offset: number;
}

export interface Place {
  readonly offset: number;
  readonly size: number;
}

interface OpenedBox { readonly type: string; readonly bytes: Bytes; readonly offset: number }

/** Chunks in one request: few for the first picture, more as it goes on. */
export const firstBatch = 2;
const lastBatch = 16;
const boxBytesMax = 64 * 2 ** 20;

/** Between which chunks opened bytes lie. */
export function chunksOf({ offset, size }: Place): { readonly first: number; readonly last: number } {
  return { first: Math.floor(offset / chunkPlainBytes), last: Math.floor((offset + size - 1) / chunkPlainBytes) };
}

export class SegmentReader {
  readonly #o: { readonly source: FootageSource; readonly file: SealedFile; readonly bytes: SegmentBytes; readonly of: SegmentOf };

  constructor(o: { readonly source: FootageSource; readonly file: SealedFile; readonly bytes: SegmentBytes; readonly of: SegmentOf }) {
    this.#o = o;
  }

  /** `ftyp` and `moov`; the metadata box between them must say that this is the segment that was asked for. */
  async start(): Promise<SegmentStart> {
    const { camera, stream, segment, what } = this.#o.of;
    const parts: Bytes[] = [];
    const init: Bytes[] = [];
    for await (const { type, bytes: box, offset } of this.#boxes(0, 1)) {
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

  /** Fragments from `offset` on; `soon` is called once nothing more of the segment will be asked for. */
  async *fragments(offset: number, batch: number, soon?: () => void): AsyncGenerator<Fragment> {
    let pending: OpenedBox | undefined;
    for await (const box of this.#boxes(offset, batch, soon)) {
      if (box.type === 'moof') pending = box;
      else if (box.type === 'mdat' && pending !== undefined) {
        yield { moof: pending.bytes, bytes: concatBytes(pending.bytes, box.bytes), offset: pending.offset };
        pending = undefined;
      }
    }
  }

  /** The first one from `offset` on, by single chunks; undefined where there is none. */
  async firstFragment(offset: number): Promise<Fragment | undefined> {
    for await (const fragment of this.fragments(offset, 1)) return fragment;
    return undefined;
  }

  /** A fragment's time on a track, in the track's units. */
  timeOf(moof: Uint8Array, track: number): number | undefined {
    return boxesOf(() => fragmentTimes(moof), this.#o.of.what).find((entry) => entry.track === track)?.time;
  }

  /** Opened bytes of a place, by the chunks in which it lies. */
  async place({ offset, size }: Place): Promise<Bytes> {
    const { file, bytes, source } = this.#o;
    const { first, last } = chunksOf({ offset, size });
    if (last >= file.chunkCount) throw file.damaged(last);
    const sealed = await bytes.read(file.chunkRange(first).from, file.chunkRange(last).to);
    const chunks: Uint8Array[] = [];
    for (let index = first; index <= last; index++) {
      const opened = source.openChunk(file, sealed.subarray((index - first) * chunkSealedBytes, (index - first + 1) * chunkSealedBytes), index);
      if (opened.final && index < file.chunkCount - 1) throw file.damaged(index + 1);
      chunks.push(opened.plain);
    }
    const skip = offset - first * chunkPlainBytes;
    return concatBytes(...chunks).subarray(skip, skip + size);
  }

  /** Whole boxes from `offset` on. A crash-cut segment may end inside a box; that rest is dropped. */
  async *#boxes(offset: number, batch: number, soon?: () => void): AsyncGenerator<OpenedBox> {
    const { what } = this.#o.of;
    let rest: Uint8Array = new Uint8Array(0);
    let at = offset;
    for await (const chunk of this.#chunks(offset, batch, soon)) {
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
  async *#chunks(offset: number, batch: number, soon: (() => void) | undefined): AsyncGenerator<Uint8Array> {
    const { file, bytes, of: { segment, what } } = this.#o;
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
        this.#o.source.checkGoing();
        bytes.checkGoing();
        const from = (index - first) * chunkSealedBytes;
        const opened = this.#o.source.openChunk(file, run.subarray(from, from + chunkSealedBytes), index);
        yield skip === 0 ? opened.plain : opened.plain.subarray(skip);
        skip = 0;
        // Something was appended behind the genuine end.
        if (opened.final && index < file.chunkCount - 1) throw file.damaged(index + 1);
        final = opened.final;
      }
    }
    if (!final && segment.cutChunks !== file.chunkCount) throw new SallyportError('SP_SEGMENT_CUT', { what, chunks: file.chunkCount });
  }
}

function boxesOf<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BoxError) throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: error.message });
    throw error;
  }
}
