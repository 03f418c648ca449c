/** Why there is no footage for a time; each gap row carries one of these, so that no missing second is unexplained. */
export const gapReasons = [
  'camera offline', 'credentials refused', 'stalled', 'stream ended', 'stream broken', 'no key frame', 'too slow',
  'hub stopped', 'hub was off', 'no slot', 'disk', 'time', 'no owner',
] as const;

export type GapReason = (typeof gapReasons)[number];
