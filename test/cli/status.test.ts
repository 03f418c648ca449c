/** What `sallyport status` says of what the hub looks at itself, and of alarms. */
import t from 'tap';
import { alarmLines } from '../../src/cli/status.ts';

type Report = Parameters<typeof alarmLines>[0];
const looking = { stream: 'sub', frames: 9000, moving: true, restarts: 0, looks: 40, missed: 0, seen: { person: 2, motion: 1 } } as const;
const alarms: Report['alarms'] = { open: 0, begun: {}, suppressed: {}, failed: 0, withoutPictures: 0, notHeld: 0, detector: 'ready', droppedLooks: 0 };
const report = (about: Partial<typeof looking> | { missed: number }, more: Partial<Report['alarms']> = {}): Report => ({
  nowMs: 1_000_000, alarms: { ...alarms, ...more }, cameras: [{ camera: 'front-door', looking: { ...looking, ...about } }] as unknown as Report['cameras'],
});

t.test('looks that came to nothing, and looks that were dropped, are said in words; of none nothing is said', async (t) => {
  t.strictSame(alarmLines(report({})), ['', 'the hub looks at front-door (sub stream): something moves; 3 visits since it looks', 'alarms since the start: 0, 0 open']);
  const lines = alarmLines(report({ missed: 2 }, { droppedLooks: 7, begun: { night: 1 }, lastMs: 940_000 })).join('\n');
  t.match(lines, '3 visits since it looks; 2 of 42 looks came to nothing\n');
  t.match(lines, /^alarms since the start: 1, 0 open, the last one .* ago; 7 looks dropped for newer ones, because there was more to look at than this machine can$/m);
  t.match(alarmLines({ ...report({}, { droppedLooks: 1 }), cameras: [] }).join(), '1 look dropped for newer ones', 'also when nothing is looked at any more');
});
