import t from 'tap';
import type { RecordingRule } from '../../src/policy/recordmode.ts';
import { always, weekdays } from '../../src/policy/schedule.ts';
import type { HubConfig } from '../../src/policy/settings.ts';
import { unrecorded } from '../../src/policy/unrecorded.ts';
import { camera, hub } from './configs.ts';

/** A Wednesday at noon, far from days on which clocks change. */
const nowMs = new Date(2026, 10, 25, 12).getTime();
const rule = (mode: RecordingRule['mode'], more: Partial<RecordingRule> = {}): RecordingRule => ({ mode, ...always, ...more });
const night = { days: weekdays, from: '22:00', to: '06:00' };
const cameras = [camera('front'), camera('garden')];
const site = (recordings: readonly RecordingRule[], more: Partial<HubConfig> = {}): HubConfig => hub(3, cameras, { recordings, ...more });
const rings = { alarms: [{ name: 'Night', kinds: ['person'], ...always, keepMs: 1, beforeMs: 0, afterMs: 0, enabled: true }] } satisfies Partial<HubConfig>;

for (const [what, before, after, expected] of [
  ['the same leaves out nothing', site([rule('off')]), site([rule('off')]), []],
  ['neither does more than before', site([rule('off')]), site([rule('alarms')]), []],
  ['off at any time', site([]), site([rule('off', { cameras: ['front'] })]), ['front: nothing is recorded any more at any time']],
  ['off in the night', site([]), site([rule('off', { cameras: ['front'], ...night })]), ['front: nothing is recorded any more for about 56 hours a week']],
  ['of minutes it tells minutes', site([]), site([rule('off', { cameras: ['front'], days: ['sunday'], from: '10:00', to: '10:15' })]), ['front: nothing is recorded any more for about 15 minutes a week']],
  ['around alarms, of which there are none', site([]), site([rule('alarms', { cameras: ['garden'] })]), ['garden: only what an alarm is about is recorded at any time; no rule of alarms is about it, so that is nothing']],
  ['around alarms that ring', site([], rings), site([rule('alarms', { spaces: ['home'] })], rings), ['front: only what an alarm is about is recorded at any time', 'garden: only what an alarm is about is recorded at any time']],
  ['only where it was more before', site([rule('alarms', night)], rings), site([rule('off')], rings), ['front: nothing is recorded any more at any time', 'garden: nothing is recorded any more at any time']],
  ['the order counts', site([rule('continuous', night), rule('off')]), site([rule('off'), rule('continuous', night)]), ['front: nothing is recorded any more for about 56 hours a week', 'garden: nothing is recorded any more for about 56 hours a week']],
  ['a camera\'s own switch', site([]), site([], { cameras: [cameras[0]!, camera('garden', { record: false })] }), ['garden: nothing is recorded any more at any time']],
  ['who is new or goes has no line', hub(3, [cameras[0]!]), hub(3, [camera('yard')], { recordings: [rule('off')] }), []],
] as const satisfies readonly (readonly [string, HubConfig, HubConfig, readonly string[]])[]) t.test(what, async (t) => t.same(unrecorded(before, after, nowMs), expected));
