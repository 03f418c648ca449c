/** When the sun rises and sets, to within two minutes between the polar circles: the sunrise equation, as the NOAA's pages give it. */
import type { UnixMs } from '../base/clock.ts';
import { dayMs } from '../base/units.ts';

export interface Place {
  /** Degrees north; to a tenth, which is some ten kilometres. */
  readonly latitude: number;
  /** Degrees east. */
  readonly longitude: number;
}

const julianOfEpoch = 2_440_587.5;
const julianOf2000 = 2_451_545;
/** The sun's upper edge, as the air bends its light. */
const horizonDegrees = -0.833;
const tiltDegrees = 23.4397;

/** Of the day at whose noon (local, by the sun) `nearMs` lies nearest; undefined where the sun does not rise and set that day. */
export function sunOf(nearMs: UnixMs, { latitude, longitude }: Place): { riseMs: UnixMs; setMs: UnixMs } | undefined {
  const days = Math.round(nearMs / dayMs + julianOfEpoch - julianOf2000 + longitude / 360);
  const noon = days - longitude / 360;
  const anomaly = 357.5291 + 0.98560028 * noon;
  const centre = 1.9148 * sin(anomaly) + 0.02 * sin(2 * anomaly) + 0.0003 * sin(3 * anomaly);
  const ecliptic = anomaly + centre + 180 + 102.9372;
  const transit = julianOf2000 + noon + 0.0053 * sin(anomaly) - 0.0069 * sin(2 * ecliptic);
  const sinDeclination = sin(ecliptic) * sin(tiltDegrees);
  const cosHour = (sin(horizonDegrees) - sin(latitude) * sinDeclination) / (cos(latitude) * Math.sqrt(1 - sinDeclination ** 2));
  if (Math.abs(cosHour) > 1) return undefined;
  const half = Math.acos(cosHour) / (2 * Math.PI);
  const unix = (julian: number): UnixMs => Math.round((julian - julianOfEpoch) * dayMs);
  return { riseMs: unix(transit - half), setMs: unix(transit + half) };
}

function sin(degrees: number): number {
  return Math.sin((degrees * Math.PI) / 180);
}

function cos(degrees: number): number {
  return Math.cos((degrees * Math.PI) / 180);
}
