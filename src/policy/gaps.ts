/** Why there is no footage for a time, and where footage ends. Each gap row carries a reason, so that no missing second is unexplained. */
export const gapReasons = [
  'camera offline', 'credentials refused', 'certificate changed', 'stalled', 'stream ended', 'stream broken', 'no key frame', 'codec changed', 'too slow',
  'hub stopped', 'hub was off', 'settings changed', 'not recorded', 'privacy', 'no slot', 'disk', 'time', 'no owner', 'account lost', 'erased', 'no alarm', 'schedule',
] as const;

export type GapReason = (typeof gapReasons)[number];

/** Shorter pauses are the camera's frame rate, not a gap. */
export const gapMsMin = 500;

/** Why the last watching ended; what is learnt after it tells more of the time since. */
const ofThePast: ReadonlySet<GapReason> = new Set(['hub stopped', 'hub was off', 'settings changed', 'not recorded', 'privacy', 'no owner']);

export function isOfThePast(reason: GapReason): boolean {
  return ofThePast.has(reason);
}

/** What the tries after a loss say of its cause. */
const tellsMore: ReadonlySet<GapReason> = new Set(['camera offline', 'credentials refused', 'certificate changed', 'codec changed']);

/**
 * The reason of a gap that goes on, when a later try says another one: a camera that vanishes is first seen as a stream that ended.
 * What was seen at the beginning stays where it says more (a camera that stalled is silent at the next try, too).
 */
export function betterReason(known: GapReason, later: GapReason): GapReason {
  return (known === 'stream ended' || known === 'stream broken') && tellsMore.has(later) ? later : known;
}

/**
 * How long a segment is. The camera's own times say it to the millisecond, as long as they agree with the clock by which it arrived;
 * where they do not (a clock of its own speed, a jump, a burst at the start), the arrival counts, or rows would overlap or leave holes.
 */
export function segmentSpanMs({ mediaMs, arrivedMs }: { readonly mediaMs: number; readonly arrivedMs: number }): number {
  const trusted = mediaMs >= 0 && Math.abs(mediaMs - arrivedMs) <= gapMsMin / 2;
  return Math.round(Math.max(0, trusted ? mediaMs : arrivedMs));
}
