/** Where one segment ends and the next begins. */
import type { UnixMs } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';

/** No segment is open longer, nor larger, than this, whatever the camera sends: it bounds what a crash can cost and what a reader must hold. */
export const segmentMsMax = 90 * secondMs;
export const segmentBytesMax = 64 * 2 ** 20;

export type CutDecision = 'go on' | 'cut' | 'cut by limit';

export interface CutFacts {
  /** Media time from the segment's first frame to the fragment that comes next. */
  readonly openForMs: number;
  /** Plaintext bytes in the segment so far. */
  readonly bytes: number;
  /** Whether the next fragment begins with a key frame. */
  readonly keyFrame: boolean;
  /** Wall time of the next fragment. */
  readonly wallMs: UnixMs;
  /** End of the period that the segment is sealed to. */
  readonly periodEndMs: UnixMs;
  /** Whom it is sealed for is not whom footage is sealed for now. */
  readonly othersNow: boolean;
  readonly cutAfterMs: number;
}

/**
 * Decides before each video fragment whether it begins a new segment. A clean cut needs a key frame, or the next segment would begin
 * with pictures that nothing can show; 'cut by limit' is for cameras whose key frames are minutes apart, and the caller says so.
 */
export function decideCut(facts: CutFacts): CutDecision {
  const atLimit = facts.openForMs >= segmentMsMax || facts.bytes >= segmentBytesMax;
  const wanted = facts.openForMs >= facts.cutAfterMs || facts.wallMs >= facts.periodEndMs || facts.othersNow;
  if (facts.keyFrame && (wanted || atLimit)) return 'cut';
  return atLimit ? 'cut by limit' : 'go on';
}
