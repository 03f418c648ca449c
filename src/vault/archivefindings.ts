/** What is found in a data folder without its database. */
import type { UnixMs } from '../base/clock.ts';
import type { SallyportError } from '../base/errors.ts';
import type { ThumbnailPlace } from '../seal/thumbnail.ts';
import type { StreamName } from './footagepaths.ts';
import type { GapRow } from './gaptable.ts';

export interface ArchiveSegment {
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
  readonly startMs: UnixMs;
  /** Undefined where no list says it. */
  readonly durationMs: number | undefined;
  /** Relative to `footage/`; ends in `.part` while it is being written. */
  readonly path: string;
  /** Sealed; of an unlisted file that ends within a chunk: up to that chunk. */
  readonly sizeBytes: number;
  readonly slot: number;
  /** The whole chunks of a segment without final chunk. */
  readonly cutChunks: number | undefined;
  readonly keyFrames: readonly (readonly [timeMs: number, plainOffset: number])[];
  readonly state: 'complete' | 'cut' | 'unlisted';
  /** The latest deadline of the periods whose lists name it; absent where none does. */
  readonly deadlineMs?: UnixMs;
  /** When the hub found it to be not what was written. */
  readonly damagedMs?: UnixMs;
  /** Slots of periods whose second headers open it too; alone, when `slot` is one of them. */
  readonly heldBy?: readonly number[];
  /** Where its thumbnail's box lies in the opened bytes: as the list says, or as it was found in a file that no list covers. */
  readonly thumb?: ThumbnailPlace;
  /** No file of it is here: the destination that has it alone, as its list says; '' where no list says where it is. */
  readonly archivedAt?: string;
}

export interface ArchiveFindings {
  readonly segments: ArchiveSegment[];
  readonly gaps: GapRow[];
  readonly problems: SallyportError[];
}

export interface Range {
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
}

export interface Folder {
  readonly camera: string;
  /** `<camera>/<date>/<hour>`. */
  readonly path: string;
  readonly startMs: UnixMs;
}
