/** Where a camera's ONVIF services stray from the standard; `Quirks` (face.ts) has these and those of its streams. */
import type { UnixMs } from '../base/clock.ts';

export interface OnvifQuirks {
  /** Added to the camera's own clock. */
  clockOffsetMs?: number;
  /** Its clock jumps when the true time is `atMs`. */
  clockStep?: { readonly atMs: UnixMs; readonly byMs: number };
  /** It tells its local time as UTC, so far from the truth by which it judges tokens. */
  localTimeToldMs?: number;
  /** What it tells of its address when it is looked for. */
  xaddrs?: 'unset' | 'link-local' | 'with link-local' | 'IPv6' | 'with IPv6' | 'wrong host' | 'none';
  /** What GetStreamUri answers instead of the truth. */
  streamUri?: string;
  /** PullMessages answers at once, also when there is nothing. */
  pullsAtOnce?: boolean;
  /** It claims to have pull points and has none. */
  noPullPoint?: boolean;
  /** Whoever unsubscribes ends everybody's subscription. */
  unsubscribeEndsAll?: boolean;
  /** `State="FALSE"` */
  upperCaseStates?: boolean;
  /** What the messages of events say about when. */
  eventTimes?: 'no zone' | '1970';
  renewFails?: boolean;
  /** How it misreads `PT10M` or `PT60S`. */
  durations?: 'minutes as seconds' | 'seconds as minutes';
  pullPointsMax?: number;
}
