/**
 * A clip of footage as files that play everywhere: what becomes of each piece that opened, and the manifest that says what they are made
 * of. Pure, so that terminal and page make the same; docs/FORMAT.md describes the manifest.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { SallyportError } from '../base/errors.ts';
import { Retimer } from '../base/retime.ts';
import type { UnixMs } from '../base/units.ts';

/** SSHSIG namespace of a clip's manifest. */
export const exportNamespace = 'sallyport-export';

export interface ExportSegment {
  /** Relative to `footage/`. */
  readonly path: string;
  readonly seq: number;
  readonly startMs: UnixMs;
}

export interface ExportGap {
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly reason: string;
}

export interface ExportSummary {
  readonly segments: readonly ExportSegment[];
  readonly gaps: readonly ExportGap[];
  readonly problems: readonly SallyportError[];
  readonly videoFragments: number;
  readonly firstWallMs: UnixMs | undefined;
  readonly lastWallMs: UnixMs | undefined;
}

export interface ExportedFile {
  readonly name: string;
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
}

/** Takes the pieces of a clip in their order, gives what is to be written, and keeps account. Times begin at zero in each file and run on across gaps. */
export class ExportBook {
  readonly #segments: ExportSegment[] = [];
  readonly #gaps: ExportGap[] = [];
  readonly #problems: SallyportError[] = [];
  #retimer: Retimer | undefined;
  #videoFragments = 0;
  #firstWallMs: UnixMs | undefined;
  #lastWallMs: UnixMs | undefined;

  segment({ path, seq, startMs }: ExportSegment): void {
    this.#segments.push({ path, seq, startMs });
  }

  gap({ fromMs, toMs, reason }: ExportGap): void {
    this.#gaps.push({ fromMs, toMs, reason });
  }

  problem(error: SallyportError): void {
    this.#problems.push(error);
  }

  /** Another file begins with this `ftyp` and `moov`: at the start, and where the codec or picture size changed. Throws BoxError. */
  begin(init: Uint8Array): void {
    this.#retimer = new Retimer(init);
  }

  /** What is to be written of a fragment; undefined for what has no place in the file. Throws BoxError. */
  fragment(bytes: Uint8Array, wallMs: UnixMs): Uint8Array<ArrayBuffer> | undefined {
    const { bytes: moved, video } = this.#retimer?.retime(bytes) ?? { bytes: undefined, video: false };
    if (moved === undefined) return undefined;
    if (video) this.#videoFragments++;
    this.#firstWallMs ??= wallMs;
    this.#lastWallMs = wallMs;
    return moved;
  }

  get summary(): ExportSummary {
    return {
      segments: this.#segments, gaps: this.#gaps, problems: this.#problems, videoFragments: this.#videoFragments, firstWallMs: this.#firstWallMs, lastWallMs: this.#lastWallMs,
    };
  }
}

/** `clip.mp4`, `clip-2.mp4`, …: the files of a clip whose codec or picture size changed. */
export function numberedName(first: string, number: number): string {
  return number === 1 ? first : first.replace(/(\.[a-z0-9]+)?$/i, (ending) => `-${number}${ending}`);
}

/** What lies beside the first file. */
export function manifestName(first: string): string {
  return `${first}.manifest.json`;
}

/** Canonical JSON of what was exported: for a signature by the owner's key, namespace `sallyport-export`. */
export function exportManifest(o: { camera: string; fromMs: UnixMs; toMs: UnixMs; madeMs: UnixMs; files: readonly ExportedFile[]; summary: ExportSummary }): string {
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
