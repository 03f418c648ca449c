/**
 * What an alarm says in words: in which zones it was, and whether somebody enrolled was recognised, or may have been there. It is sealed with the alarm's pictures,
 * to the key of its day. Whom it names is told by that person's record alone: the mark is another one in each alarm, and says nothing
 * once the record is gone. Shared with the browser and the command line, which open it.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';

export interface AlarmText {
  /** Names of the zones that it was in, as they were called then. */
  readonly zones: readonly string[];
  /** Of whoever was recognised: the first 16 bytes, in hex, of HMAC-SHA-256 by the person's mark over the alarm's id. */
  readonly person?: string | undefined;
  /** Somebody resembled a person who is enrolled, and it was not certain. Whom is said nowhere: a wrong name is worse than none. */
  readonly unsure?: boolean | undefined;
}

/** What is longer than this is shortened, zone by zone; the room for it is 1,024 bytes (vault/alarms.ts). */
const zonesBytesMax = 900;
const zonesMax = 64;
const nameMax = 80;
const personMark = /^[0-9a-f]{32}$/;

/** As it is sealed. */
export function alarmTextOf({ zones, person, unsure }: AlarmText): CanonicalValue {
  const fitting: string[] = [];
  for (const zone of zones) {
    if (new TextEncoder().encode(canonicalJson([...fitting, zone])).length > zonesBytesMax) break;
    fitting.push(zone);
  }
  return { v: 1, zones: fitting, ...(person !== undefined ? { person } : unsure === true ? { unsure } : {}) };
}

/** Padded with blanks, as it was opened. What is of another version, or no such text, says nothing. */
export function readAlarmText(bytes: Uint8Array): AlarmText {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { zones: [] };
  }
  if (typeof value !== 'object' || value === null || !('v' in value) || value.v !== 1) return { zones: [] };
  const { zones, person, unsure } = value as { zones?: unknown; person?: unknown; unsure?: unknown };
  return {
    zones: Array.isArray(zones) ? zones.filter((zone): zone is string => typeof zone === 'string' && zone.length <= nameMax).slice(0, zonesMax) : [],
    ...(typeof person === 'string' && personMark.test(person) ? { person } : unsure === true ? { unsure } : {}),
  };
}
