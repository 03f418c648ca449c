import { minuteMs, secondMs } from '../base/units.ts';

/**
 * How long to wait before try `attempt` (from 1): doubling from 1 s to `maxMs`, each with jitter of up to half, so that what failed
 * together does not come back together.
 */
export function backoffMs(attempt: number, random: () => number, maxMs = minuteMs): number {
  const full = Math.min(maxMs, secondMs * 2 ** Math.min(attempt - 1, 10));
  return Math.round(full / 2 + (full / 2) * random());
}
