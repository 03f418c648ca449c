/** A clip made on the owner's device: footage opened here, with times that run on, as the files of an MP4, and the manifest that this device signs. */
import { sha256 } from '@noble/hashes/sha2.js';
import { SallyportError } from '../../base/errors.ts';
import { segmentPath } from '../../policy/footagenames.ts';
import { ExportBook, exportManifest, exportNamespace, numberedName, type ExportGap, type ExportedFile } from '../../policy/exporting.ts';
import { concatBytes, toHex, type Bytes } from './bytes.ts';
import type { FootageTimeline, SealedFootage } from './footage.ts';
import type { Identity } from './identity.ts';

export interface ClipRequest {
  readonly camera: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the first file, as it will be called where it is kept: the manifest names it. */
  readonly name: string;
}

export interface ClipMade {
  readonly files: readonly ExportedFile[];
  readonly manifest: string;
  /** SSHSIG over the manifest, by this device. */
  readonly signature: string;
  readonly gaps: readonly ExportGap[];
  /** What did not open, in words. */
  readonly problems: readonly string[];
  /** Of the first and the last picture; the first is a key frame, so it may be earlier than was asked for. */
  readonly firstWallMs: number;
  readonly lastWallMs: number;
}

/** What is to be written, in this order. Bytes are the receiver's. */
export type ClipPiece =
  /** Another file begins: at the start, and where the codec or picture size changed. */
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'bytes'; readonly bytes: Bytes; readonly wallMs: number }
  | { readonly kind: 'made'; readonly made: ClipMade };

/** Written at once; a file's fragments are small. */
const blockBytes = 256 * 1024;

/**
 * Only verified bytes are in it. What does not open is left out and told; what may go through later (the hub is away) ends it instead, so
 * that no clip lacks what is there. SP_NOTHING_RECORDED, SP_STOPPED, and what the footage throws.
 */
export async function* makeClip(o: { footage: SealedFootage; signer: Pick<Identity, 'sign'>; request: ClipRequest; nowMs: () => number; signal: AbortSignal }): AsyncGenerator<ClipPiece> {
  const { camera, fromMs, toMs, name } = o.request;
  const book = new ExportBook();
  const files: { name: string; size: number; hash: ReturnType<typeof sha256.create> }[] = [];
  const waiting: { parts: Bytes[]; bytes: number; wallMs: number } = { parts: [], bytes: 0, wallMs: fromMs };
  const takeBlock = (): ClipPiece => {
    const bytes = concatBytes(...waiting.parts);
    waiting.parts = [];
    waiting.bytes = 0;
    return { kind: 'bytes', bytes, wallMs: waiting.wallMs };
  };
  const add = (bytes: Bytes, wallMs: number): void => {
    const file = files.at(-1);
    if (file === undefined) return;
    file.hash.update(bytes);
    file.size += bytes.length;
    waiting.parts.push(bytes);
    waiting.bytes += bytes.length;
    waiting.wallMs = wallMs;
  };
  const timeline = await o.footage.timeline(camera, 'main', fromMs, toMs, o.signal);
  const onSegment = ({ seq, startMs, slot, generation }: FootageTimeline['segments'][number], periods: FootageTimeline['periods']): void => {
    const period = periods.find((one) => one.slot === slot && one.generation === generation);
    book.segment({ path: segmentPath(camera, period?.startMs ?? startMs, { startMs, seq, stream: 'main' }), seq, startMs });
  };
  for await (const piece of o.footage.fragments(camera, 'main', fromMs, timeline, { toMs, signal: o.signal, onSegment })) {
    if (piece.kind === 'gap') book.gap({ fromMs: piece.wallMs, toMs: piece.toMs, reason: piece.reason });
    else if (piece.kind === 'problem') {
      if (piece.error.kind === 'retry') throw piece.error;
      book.problem(piece.error);
    } else if (piece.kind === 'init') {
      if (waiting.bytes > 0) yield takeBlock();
      book.begin(piece.bytes);
      const file = { name: numberedName(name, files.length + 1), size: 0, hash: sha256.create() };
      files.push(file);
      yield { kind: 'file', name: file.name };
      add(piece.bytes, piece.wallMs);
    } else {
      const bytes = book.fragment(piece.bytes, piece.wallMs);
      if (bytes !== undefined) add(bytes, piece.wallMs);
      if (waiting.bytes >= blockBytes) yield takeBlock();
    }
  }
  const { summary } = book;
  const { problems, gaps, firstWallMs, lastWallMs } = summary;
  if (firstWallMs === undefined || lastWallMs === undefined) {
    throw problems[0] ?? new SallyportError('SP_NOTHING_RECORDED', { camera, when: `from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}` });
  }
  if (waiting.bytes > 0) yield takeBlock();
  const exported = files.map((file) => ({ name: file.name, size: file.size, sha256: toHex(file.hash.digest()) }));
  const manifest = exportManifest({ camera, fromMs, toMs, madeMs: o.nowMs(), files: exported, summary });
  const signature = o.signer.sign(manifest, exportNamespace);
  yield { kind: 'made', made: { files: exported, manifest, signature, gaps, problems: problems.map(({ message }) => message), firstWallMs, lastWallMs } };
}
