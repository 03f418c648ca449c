/** Export: footage of a time as playable MP4 bytes with continuous times, and the manifest that says what it is made of. */
import { createHash } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { SallyportError } from '../base/errors.ts';
import { fragmentTimes, tracksOf, viewOf } from '../base/mp4.ts';
import type { Archive } from '../vault/archive.ts';
import { readFootage } from './footage.ts';

export const manifestNamespace = 'sallyport-export';

/** A time jump of more than this between two fragments is a new session of the camera, not its frame rate. */
const jumpMs = 2000;

/** Where `mfhd`, the first box of each `moof`, keeps its sequence number (ISO/IEC 14496-12, 8.8.5). */
const sequenceOffset = 8 + 8 + 4;

export interface ExportGap {
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly reason: string;
}

export interface ExportSummary {
  readonly segments: readonly { readonly path: string; readonly seq: number; readonly startMs: UnixMs }[];
  readonly gaps: readonly ExportGap[];
  readonly problems: readonly SallyportError[];
  readonly videoFragments: number;
  readonly firstWallMs: UnixMs | undefined;
  readonly lastWallMs: UnixMs | undefined;
}

export interface ExportSink {
  /** Begins another file: at the start, and where the codec or picture size changed. */
  begin(init: Buffer): Promise<void>;
  write(bytes: Buffer): Promise<void>;
}

/** Writes all that opens; gaps and what does not open are in the summary. Times begin at zero in each file and run on across gaps. */
export async function exportFootage(archive: Archive, camera: string, fromMs: UnixMs, toMs: UnixMs, sink: ExportSink): Promise<ExportSummary> {
  const segments: { path: string; seq: number; startMs: UnixMs }[] = [];
  const gaps: ExportGap[] = [];
  const problems: SallyportError[] = [];
  let retimer: Retimer | undefined;
  let videoFragments = 0;
  let firstWallMs: UnixMs | undefined;
  let lastWallMs: UnixMs | undefined;
  for await (const piece of readFootage(archive, camera, fromMs, toMs)) {
    if (piece.kind === 'segment') segments.push({ path: piece.segment.path, seq: piece.segment.seq, startMs: piece.segment.startMs });
    else if (piece.kind === 'gap') gaps.push({ fromMs: piece.fromMs, toMs: piece.toMs, reason: piece.reason });
    else if (piece.kind === 'problem') problems.push(piece.error);
    else if (piece.kind === 'init') {
      retimer = new Retimer(piece.bytes);
      await sink.begin(piece.bytes);
    } else if (retimer !== undefined) {
      const { bytes, video } = retimer.retime(piece.bytes);
      if (bytes === undefined) continue;
      if (video) videoFragments++;
      firstWallMs ??= piece.wallMs;
      lastWallMs = piece.wallMs;
      await sink.write(bytes);
    }
  }
  return { segments, gaps, problems, videoFragments, firstWallMs, lastWallMs };
}

/** Canonical JSON of what was exported: for a signature by the owner's key, namespace `sallyport-export`. */
export function exportManifest(o: { camera: string; fromMs: UnixMs; toMs: UnixMs; madeMs: UnixMs; files: readonly { name: string; size: number; sha256: string }[]; summary: ExportSummary }): string {
  const { summary } = o;
  const manifest: CanonicalValue = {
    v: 1,
    camera: o.camera,
    from: new Date(o.fromMs).toISOString(),
    to: new Date(o.toMs).toISOString(),
    made: new Date(o.madeMs).toISOString(),
    files: o.files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    segments: summary.segments.map((segment) => ({ path: segment.path, seq: segment.seq, start: new Date(segment.startMs).toISOString() })),
    gaps: summary.gaps.map((gap) => ({ from: new Date(gap.fromMs).toISOString(), to: new Date(gap.toMs).toISOString(), reason: gap.reason })),
    problems: summary.problems.map((error) => ({ code: error.code, sentence: error.message })),
  };
  return canonicalJson(manifest);
}

export function sha256Stream(): { update(bytes: Uint8Array): void; digest(): string } {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}

/**
 * Moves the decode times of fragments so that a file begins at zero and goes on without a jump where the camera's own times
 * began anew. All tracks are moved by the same time, so sound stays with its picture; sound before the first picture is dropped.
 */
class Retimer {
  readonly #tracks: Map<number, { timescale: number; video: boolean }>;
  #shiftMs: number | undefined;
  #lastVideoMs = 0;
  #frameMs = 40;
  #sequence = 0;

  constructor(init: Buffer) {
    this.#tracks = tracksOf(init);
  }

  retime(fragment: Buffer): { bytes: Buffer | undefined; video: boolean } {
    const times = fragmentTimes(fragment);
    const first = times[0];
    const track = first === undefined ? undefined : this.#tracks.get(first.track);
    if (first === undefined || track === undefined) return { bytes: undefined, video: false };
    const ms = (first.time / track.timescale) * 1000;
    if (track.video) this.#follow(ms);
    if (this.#shiftMs === undefined || ms + this.#shiftMs < 0) return { bytes: undefined, video: track.video };
    const bytes = Buffer.from(fragment);
    for (const entry of times) {
      const scale = this.#tracks.get(entry.track)?.timescale ?? track.timescale;
      putTime(bytes, entry.offset, entry.wide, Math.max(0, Math.round(entry.time + (this.#shiftMs / 1000) * scale)));
    }
    bytes.writeUInt32BE(++this.#sequence, sequenceOffset);
    return { bytes, video: track.video };
  }

  /** Keeps output times running on: a jump of the camera's times becomes one frame's length. */
  #follow(ms: number): void {
    const at = this.#shiftMs === undefined ? undefined : ms + this.#shiftMs;
    if (at === undefined) this.#shiftMs = -ms;
    else if (at < this.#lastVideoMs || at - this.#lastVideoMs > jumpMs) this.#shiftMs = this.#lastVideoMs + this.#frameMs - ms;
    else if (at > this.#lastVideoMs) this.#frameMs = at - this.#lastVideoMs;
    this.#lastVideoMs = ms + (this.#shiftMs as number);
  }
}

function putTime(fragment: Buffer, offset: number, wide: boolean, time: number): void {
  const view = viewOf(fragment);
  if (wide) view.setBigUint64(offset, BigInt(time));
  else view.setUint32(offset, time);
}
