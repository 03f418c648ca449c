/**
 * Duties: what the hub and the owner's tools do, each in a file of its own: rooms called in order, nothing touched directly.
 * A duty may call every room below it (policy, seal, vault, cameras, capture, detect, outbox) and never the api, the cli or the
 * wide world. `docs/ARCHITECTURE.md` tells which duty keeps which promise.
 *
 * This file: sealed footage as one run of fragments, opened with the owner's identities. Playing and exporting both read it.
 */
import { boxAt, fragmentTimes, tracksOf } from '../base/mp4.ts';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { isoTime } from '../policy/times.ts';
import { purgedMeanwhile, type Archive, type ArchiveSegment } from '../vault/archive.ts';
import type { Opener } from '../seal/opener.ts';

export type FootagePiece =
  /** A new beginning: `ftyp` and `moov`. A second one means that the camera's codec or picture size changed. */
  | { readonly kind: 'init'; readonly bytes: Buffer }
  | { readonly kind: 'segment'; readonly segment: ArchiveSegment }
  /** `moof` and `mdat`, times as recorded. */
  | { readonly kind: 'fragment'; readonly bytes: Buffer; readonly wallMs: UnixMs }
  | { readonly kind: 'gap'; readonly fromMs: UnixMs; readonly toMs: UnixMs; readonly reason: string }
  /** A segment, or the rest of one, that does not open; what follows may. */
  | { readonly kind: 'problem'; readonly error: SallyportError };

const boxBytesMax = 64 * 2 ** 20;

/**
 * The footage of a camera's main stream from the last key frame at or before `fromMs` to `toMs`, in the order of recording.
 * Only verified bytes are yielded. Throws SP_NOTHING_RECORDED when nothing overlaps.
 */
export async function* readFootage(archive: Archive, camera: string, fromMs: UnixMs, toMs: UnixMs): AsyncGenerator<FootagePiece> {
  const { segments, gaps, problems } = await archive.segments(camera, fromMs, toMs);
  const main = segments.filter((segment) => segment.stream === 'main');
  for (const error of problems) yield { kind: 'problem', error };
  if (main.length === 0) {
    throw problems[0] ?? new SallyportError('SP_NOTHING_RECORDED', { camera, when: `from ${iso(fromMs)} to ${iso(toMs)}` });
  }
  let init: Buffer | undefined;
  const pendingGaps = gaps.filter((gap) => gap.stream === 'main').sort((a, b) => a.fromMs - b.fromMs);
  for (const [index, segment] of main.entries()) {
    const next = main[index + 1];
    if (next !== undefined) archive.ahead(next);
    while (pendingGaps[0] !== undefined && pendingGaps[0].fromMs <= segment.startMs) {
      const { fromMs: from, toMs: to, reason } = pendingGaps.shift() as (typeof pendingGaps)[number];
      yield { kind: 'gap', fromMs: from, toMs: to, reason };
    }
    yield { kind: 'segment', segment };
    try {
      for await (const piece of readSegment(archive, segment, fromMs, toMs)) {
        if (piece.kind !== 'init') yield piece;
        else if (init === undefined || !init.equals(piece.bytes)) {
          init = piece.bytes;
          yield piece;
        }
      }
    } catch (error) {
      // A purge goes its way beside whoever plays: that is no fault of the footage.
      if (purgedMeanwhile(error)) yield { kind: 'gap', fromMs: segment.startMs, toMs: segment.startMs + (segment.durationMs ?? 0), reason: 'purged meanwhile' };
      else yield { kind: 'problem', error: asSallyportError(error) };
    }
  }
  for (const gap of pendingGaps) yield { kind: 'gap', fromMs: gap.fromMs, toMs: gap.toMs, reason: gap.reason };
}

async function* readSegment(archive: Archive, segment: ArchiveSegment, fromMs: UnixMs, toMs: UnixMs): AsyncGenerator<FootagePiece> {
  const opener = await archive.openSegment(segment);
  try {
    const { init, firstFragment, timescale, videoTrack } = await readInit(opener, segment);
    yield { kind: 'init', bytes: init };
    const seek = [...segment.keyFrames].reverse().find(([timeMs]) => segment.startMs + timeMs <= fromMs);
    let firstTime: number | undefined;
    let pending: Buffer | undefined;
    for await (const { type, bytes } of readBoxes(opener, seek?.[1] ?? firstFragment, segment)) {
      if (type === 'moof') pending = bytes;
      else if (type === 'mdat' && pending !== undefined) {
        const time = decodeTimeOf(pending, videoTrack);
        firstTime ??= time;
        const sinceFirstMs = time === undefined || firstTime === undefined ? 0 : ((time - firstTime) / timescale) * 1000;
        const wallMs = segment.startMs + (seek?.[0] ?? 0) + sinceFirstMs;
        if (wallMs > toMs) return;
        yield { kind: 'fragment', bytes: Buffer.concat([pending, bytes]), wallMs };
        pending = undefined;
      }
    }
  } finally {
    opener.close();
  }
}

/** `ftyp` and `moov` (the metadata box between them stays behind), and where the first fragment begins. */
async function readInit(opener: Opener, segment: ArchiveSegment): Promise<{ init: Buffer; firstFragment: number; timescale: number; videoTrack: number }> {
  const parts: Buffer[] = [];
  let at = 0;
  for await (const { type, bytes } of readBoxes(opener, 0, segment)) {
    if (type === 'ftyp' || type === 'moov') parts.push(bytes);
    at += bytes.length;
    if (type !== 'moov') continue;
    const init = Buffer.concat(parts);
    const video = [...tracksOf(init)].find(([, track]) => track.video);
    if (video === undefined) break;
    return { init, firstFragment: at, videoTrack: video[0], timescale: video[1].timescale };
  }
  throw new SallyportError('SP_SEGMENT_METADATA', { what: segment.path, reason: 'it has no video track' });
}

/** Whole boxes from `offset` on. A crash-cut segment may end inside a box; that rest is dropped. */
async function* readBoxes(opener: Opener, offset: number, segment: ArchiveSegment): AsyncGenerator<{ type: string; bytes: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunksFrom(opener, offset, segment)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let box = boxAt(rest, 0); box !== undefined && at + box.size <= rest.length; box = boxAt(rest, at)) {
      yield { type: box.type, bytes: rest.subarray(at, at + box.size) };
      at += box.size;
    }
    const next = boxAt(rest, at);
    if (next !== undefined && next.size > boxBytesMax) throw new SallyportError('SP_SEGMENT_METADATA', { what: segment.path, reason: `a box of ${next.size} bytes` });
    rest = rest.subarray(at);
  }
}

async function* chunksFrom(opener: Opener, offset: number, segment: ArchiveSegment): AsyncGenerator<Buffer> {
  if (offset === 0) {
    yield* opener.chunks();
    return;
  }
  const step = 2 ** 18;
  for (let at = offset; at < opener.plainSize; at += step) yield await opener.read(at, Math.min(step, opener.plainSize - at));
  if (opener.cut && segment.cutChunks === undefined) throw new SallyportError('SP_SEGMENT_CUT', { what: segment.path, chunks: '?' });
}

function decodeTimeOf(moof: Buffer, track: number): number | undefined {
  return fragmentTimes(moof).find((entry) => entry.track === track)?.time;
}

function iso(ms: UnixMs): string {
  return Number.isFinite(ms) ? isoTime(ms) : 'ever';
}
