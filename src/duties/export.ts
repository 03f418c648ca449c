/** Export: footage of a time as playable MP4 bytes with continuous times; what it is made of is for its manifest (`policy/exporting.ts`). */
import { createHash } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { ExportBook, type ExportSummary } from '../policy/exporting.ts';
import type { Archive } from '../vault/archive.ts';
import { readFootage } from './footage.ts';

export interface ExportSink {
  /** Begins another file: at the start, and where the codec or picture size changed. */
  begin(init: Uint8Array): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
}

/** Writes all that opens; gaps and what does not open are in the summary. Times begin at zero in each file and run on across gaps. */
export async function exportFootage(archive: Archive, camera: string, fromMs: UnixMs, toMs: UnixMs, sink: ExportSink): Promise<ExportSummary> {
  const book = new ExportBook();
  for await (const piece of readFootage(archive, camera, fromMs, toMs)) {
    if (piece.kind === 'segment') book.segment(piece.segment);
    else if (piece.kind === 'gap') book.gap(piece);
    else if (piece.kind === 'problem') book.problem(piece.error);
    else if (piece.kind === 'init') {
      book.begin(piece.bytes);
      await sink.begin(piece.bytes);
    } else {
      const bytes = book.fragment(piece.bytes, piece.wallMs);
      if (bytes !== undefined) await sink.write(bytes);
    }
  }
  return book.summary;
}

export function sha256Stream(): { update(bytes: Uint8Array): void; digest(): string } {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}
