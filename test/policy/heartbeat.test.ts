import t from 'tap';
import { heartbeat, sealLateMs, type StreamPulse } from '../../src/policy/heartbeat.ts';

const late = sealLateMs + 1;
const good: StreamPulse = { camera: 'gate', wanted: true, deliveringMs: 10 * late, sealedAgoMs: 1000, excuse: undefined };

const table: ReadonlyArray<readonly [what: string, streams: readonly StreamPulse[], hubExcuse: string | undefined, feed: boolean]> = [
  ['no camera yet', [], undefined, true],
  ['it is sealed', [good], undefined, true],
  ['sealed at the limit', [{ ...good, sealedAgoMs: sealLateMs }], undefined, true],
  ['silently stopped', [{ ...good, sealedAgoMs: late }], undefined, false],
  ['one of two silently stopped', [good, { ...good, camera: 'yard', sealedAgoMs: late }], undefined, false],
  ['no pictures come', [{ ...good, deliveringMs: undefined, sealedAgoMs: 100 * late }], undefined, true],
  ['pictures came back only now', [{ ...good, deliveringMs: 1000, sealedAgoMs: 100 * late }], undefined, true],
  ['it is not to be recorded, or there is no owner', [{ ...good, wanted: false, sealedAgoMs: late }], undefined, true],
  ['it sends no key frame', [{ ...good, sealedAgoMs: late, excuse: 'no key frame' }], undefined, true],
  ['the disk is full and the owner knows', [{ ...good, sealedAgoMs: late }], 'disk full', true],
  ['never sealed since the start: a restart would not help, and the next neither', [{ ...good, sealedAgoMs: undefined, deliveringMs: 1000 * late }], undefined, true],
];

for (const [what, streams, hubExcuse, feed] of table) {
  t.test(what, async (t) => {
    const beat = heartbeat(streams, hubExcuse);
    t.equal(beat.feed, feed, beat.because);
    if (!feed) t.match(beat.because, streams.at(-1)?.camera as string);
  });
}
