/**
 * What a changed configuration leaves out of recording from now on: the hours of a week in which a camera was recorded and is so no more, or around
 * alarms only. Nothing that lies there goes by it (`losses.ts` says what does); whoever changes it is told before.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs, formatDuration, minuteMs } from '../base/units.ts';
import { concerns } from './concerns.ts';
import { recordModeAt, recordModes, type ModeNow } from './recordmode.ts';
import type { CameraConfig, HubConfig } from './settings.ts';

const weekMs = 7 * dayMs;

/** In words, a line for each camera and way; none where each is recorded as much as before. Cameras that are new or go have no line. */
export function unrecorded(before: HubConfig, after: HubConfig, nowMs: UnixMs): string[] {
  if (JSON.stringify(recordingOf(before)) === JSON.stringify(recordingOf(after))) return [];
  return after.cameras.flatMap((camera) => {
    const was = before.cameras.find(({ id }) => id === camera.id);
    if (was === undefined) return [];
    const lost = lostInAWeek((atMs) => modeOf(was, before, atMs), (atMs) => modeOf(camera, after, atMs), nowMs);
    const rings = after.alarms.some((rule) => rule.enabled && concerns(rule, camera));
    return [
      ...(lost.off === 0 ? [] : [`${camera.id}: nothing is recorded any more ${shareOf(lost.off)}`]),
      ...(lost.alarms === 0 ? [] : [`${camera.id}: only what an alarm is about is recorded ${shareOf(lost.alarms)}${rings ? '' : '; no rule of alarms is about it, so that is nothing'}`]),
    ];
  });
}

/** All that it depends on: most changes touch none of it. */
function recordingOf({ recordings, alarms, place, cameras }: HubConfig): unknown {
  return [recordings, alarms.map(({ enabled, cameras: named, spaces }) => [enabled, named, spaces]), place, cameras.map(({ id, space, record }) => [id, space, record])];
}

function modeOf(camera: CameraConfig, { recordings, place }: HubConfig, atMs: UnixMs): ModeNow {
  return camera.record ? recordModeAt(camera, recordings, place, atMs) : { mode: 'off', nextMs: undefined };
}

/** How long, of the week from now on, the mode is one that keeps less than it did. */
function lostInAWeek(was: (atMs: UnixMs) => ModeNow, is: (atMs: UnixMs) => ModeNow, nowMs: UnixMs): { off: number; alarms: number } {
  const lost = { off: 0, alarms: 0 };
  for (let atMs = nowMs, endMs = nowMs + weekMs; atMs < endMs;) {
    const [old, next] = [was(atMs), is(atMs)];
    const untilMs = Math.min(endMs, old.nextMs ?? endMs, next.nextMs ?? endMs);
    // Those that keep more stand before those that keep less.
    if (next.mode !== 'continuous' && recordModes.indexOf(next.mode) > recordModes.indexOf(old.mode)) lost[next.mode] += untilMs - atMs;
    atMs = untilMs;
  }
  return lost;
}

/** The sun moves by minutes, and so do the days on which clocks change. */
function shareOf(ms: number): string {
  return ms >= weekMs ? 'at any time' : `for about ${formatDuration(Math.max(minuteMs, ms >= dayMs / 4 ? Math.round(ms / (60 * minuteMs)) * 60 * minuteMs : Math.round(ms / minuteMs) * minuteMs))} a week`;
}
