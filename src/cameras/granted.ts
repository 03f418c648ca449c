/** For how long a camera grants a subscription, by its own two times: its clock may be years off, but it is one clock. Pure. */
import { textOf, type XmlElement } from '../base/xml.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../base/units.ts';

/** Asked for in seconds: some cameras read the minutes of `PT10M` as seconds. */
export function secondsDuration(ms: number): string {
  return `PT${Math.max(1, Math.round(ms / secondMs))}S`;
}

const grantedMsMin = 5 * secondMs;

/**
 * Of the reply to CreatePullPointSubscription, Renew or PullMessages. Undefined where it does not say, or says nonsense: then what is known
 * otherwise counts.
 */
export function grantedMs(response: XmlElement): number | undefined {
  const current = parseCameraTime(textOf(response, 'CurrentTime'));
  const termination = parseCameraTime(textOf(response, 'TerminationTime'));
  if (current === undefined || termination === undefined) return undefined;
  const ms = termination - current;
  return ms < grantedMsMin || ms > dayMs ? undefined : ms;
}

/** xsd:dateTime as cameras write it: with or without zone, with blanks, with more digits of a second than there are. */
export function parseCameraTime(text: string | undefined): number | undefined {
  const match = /^\s*(\d{4})-(\d\d?)-(\d\d?)[T ](\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?\s*(Z|([+-])(\d\d):?(\d\d))?\s*$/i.exec(text ?? '');
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const zoneMs = match[8] === undefined ? 0 : (match[8] === '-' ? -1 : 1) * (Number(match[9]) * hourMs + Number(match[10]) * minuteMs);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second) - zoneMs;
  return month < 1 || month > 12 || day < 1 || Number.isNaN(ms) ? undefined : ms;
}
