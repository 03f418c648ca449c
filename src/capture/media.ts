import type { UnixMs } from '../base/clock.ts';
import type { GapReason } from '../policy/gaps.ts';

/** One moof+mdat pair, usually one frame. Its bytes belong to the ring: readers change nothing, and copy what they keep beyond asking for the next event. */
export interface Fragment {
  readonly bytes: Buffer;
  readonly track: 'video' | 'audio';
  /** The first video sample is a sync sample; false for audio. */
  readonly keyFrame: boolean;
  /** Decode time since the session's first fragment; as the camera says, so it may jump or go backwards. */
  readonly timeMs: number;
  readonly durationMs: number;
  /** When its last byte arrived; when it was read in a batch with others, to within the time between two readings. */
  readonly wallMs: UnixMs;
  readonly monotonicMs: number;
}

/** What a player needs before the first fragment. */
export interface Init {
  readonly ftyp: Buffer;
  readonly moov: Buffer;
  /** RFC 6381, as Media Source Extensions want it: `avc1.4d401f`, `hvc1.1.6.L93.B0`. */
  readonly videoCodec: string;
  /** RFC 6381 (`mp4a.40.2`); undefined when there is no sound. */
  readonly audioCodec: string | undefined;
}

export type MediaEvent =
  | { readonly kind: 'init'; readonly init: Init }
  | { readonly kind: 'fragment'; readonly fragment: Fragment }
  | { readonly kind: 'lost'; readonly reason: GapReason; readonly detail: string; readonly wallMs: UnixMs; readonly monotonicMs: number }
  | { readonly kind: 'behind'; readonly droppedBytes: number };

export type Lost = Extract<MediaEvent, { kind: 'lost' }>;

/** `live`: somebody watches, and each fragment is wanted at once. */
export type ReadingPace = 'live' | 'at leisure';
