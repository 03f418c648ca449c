/** How long footage fits: what the cameras bring in an hour, times how long it is kept, against the room there is. */

export interface CameraRate {
  readonly bytesPerHour: number;
  /** Nothing was measured yet. */
  readonly assumed: boolean;
}

export interface Fit {
  readonly bytesPerDay: number;
  readonly needBytes: number;
  readonly roomBytes: number;
  readonly fits: boolean;
  /** How old footage becomes before the oldest must go early; `keepMs` where all fits. */
  readonly reachMs: number;
  readonly assumed: boolean;
}

const hourMs = 3_600_000;

/** What is kept for `keepMs` lies there one period longer at most: a key covers a whole period. */
export function fitOf({ cameras, roomBytes, keepMs }: { readonly cameras: readonly CameraRate[]; readonly roomBytes: number; readonly keepMs: number }): Fit {
  const bytesPerHour = cameras.reduce((sum, camera) => sum + camera.bytesPerHour, 0);
  const needBytes = Math.round((bytesPerHour * (keepMs + hourMs)) / hourMs);
  const reachMs = bytesPerHour === 0 ? keepMs : Math.min(keepMs, Math.max(0, ((roomBytes / bytesPerHour) * hourMs) - hourMs));
  return { bytesPerDay: bytesPerHour * 24, needBytes, roomBytes, fits: needBytes <= roomBytes, reachMs, assumed: cameras.some(({ assumed }) => assumed) };
}
