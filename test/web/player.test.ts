import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { codecsOf } from '../../src/base/codecs.ts';
import { fragmentTimes } from '../../src/base/mp4.ts';
import { liveFlags, liveHeader, readLiveFrame } from '../../src/policy/liveframe.ts';
import { cushionSecMax, cushionSecMin, nextCushion, nextLead, nextTryMs, stayAtEdge, type Edge, type EdgeStep } from '../../src/web/player/edge.ts';
import { HubClock, LiveTimes, Moments } from '../../src/web/player/livetimes.ts';
import { ReplayTimes, writeDuration } from '../../src/web/player/replaytimes.ts';
import { makeClip, streamOf, take } from '../capture/clips.ts';

const edge: Edge = { ranges: [[1, 10]], atSec: 9.9, leadSec: 0.1, pictureSec: 0.066, cushionSec: 0.034, sound: false };
const edges: [name: string, edge: Partial<Edge>, step: EdgeStep][] = [
  ['where it should be it stays', {}, { seekToSec: undefined, rate: 1 }],
  ['nothing is buffered', { ranges: [] }, { seekToSec: undefined, rate: 1 }],
  ['a little late: a little faster', { leadSec: 0.2 }, { seekToSec: undefined, rate: 1.06 }],
  ['later: faster', { leadSec: 0.4, atSec: 9.6 }, { seekToSec: undefined, rate: 1.25 }],
  ['half a second late: at once', { atSec: 9.3, leadSec: 0.7 }, { seekToSec: 9.9, rate: 1 }],
  ['too near to the end: slower', { leadSec: 0.03, atSec: 9.97 }, { seekToSec: undefined, rate: 0.95 }],
  ['before what is buffered: into it', { ranges: [[1, 4], [8, 10]], atSec: 5 }, { seekToSec: 9.9, rate: 1 }],
  ['in an older range: into the newest', { ranges: [[1, 4], [9.95, 10]], atSec: 3.9 }, { seekToSec: 9.95, rate: 1 }],
  ['far behind the end, after the camera began anew: back', { atSec: 20 }, { seekToSec: 9.9, rate: 1 }],
  ['sound is hardly stretched', { sound: true, leadSec: 0.5, atSec: 9.5 }, { seekToSec: undefined, rate: 1.04 }],
  ['and has a larger cushion', { sound: true, leadSec: 0.22, atSec: 9.78 }, { seekToSec: undefined, rate: 1 }],
];
for (const [name, facts, step] of edges) {
  t.test(`at the newest picture: ${name}`, async (t) => {
    t.same(stayAtEdge({ ...edge, ...facts }), step);
  });
}

t.test('wherever the player is, one step brings it into what is buffered', async () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0.04, max: 20, noNaN: true }), fc.double({ min: 0, max: 200, noNaN: true }), (fromSec, lengthSec, atSec) => {
    const { seekToSec } = stayAtEdge({ ...edge, ranges: [[fromSec, fromSec + lengthSec]], atSec });
    const is = seekToSec ?? atSec;
    return is >= fromSec && is <= fromSec + lengthSec + 0.5 && (seekToSec === undefined || is <= fromSec + lengthSec);
  }));
});

t.test('the cushion grows when pictures come late and shrinks while none does, within its bounds', async (t) => {
  let cushionSec = cushionSecMin;
  for (let count = 0; count < 100; count++) cushionSec = nextCushion(cushionSec, 0, true);
  t.equal(cushionSec, cushionSecMax);
  t.equal(nextCushion(cushionSec, 3, false), cushionSec);
  for (let count = 0; count < 100; count++) cushionSec = nextCushion(cushionSec, 30, false);
  t.equal(cushionSec, cushionSecMin);
  t.equal(nextLead(undefined, 2), 2);
  t.ok(nextLead(1, 2) > 1 && nextLead(1, 2) < 1.5);
  t.ok(nextTryMs(0, 0) < nextTryMs(3, 0) && nextTryMs(1000, 1) < 20_000);
});

t.test('the hub\'s clock is known by its quickest answer', async (t) => {
  const clock = new HubClock();
  t.equal(clock.at(5), undefined);
  clock.heard(0, 1_000_500, 1000);
  clock.heard(2000, 1_002_005, 2010);
  clock.heard(3000, 1_003_700, 3800);
  t.equal(clock.at(4000), 1_004_000);
});

t.test('what goes over the socket is read as it was written', async (t) => {
  const message = Buffer.concat([liveHeader(liveFlags.keyFrame | liveFlags.sound, 1_764_000_000_123.5), Buffer.from('abc')]);
  const frame = readLiveFrame(new Uint8Array(message).buffer);
  t.match(frame, { keyFrame: true, init: false, sound: true, wallMs: 1_764_000_000_123.5 });
  t.equal(Buffer.from(frame?.bytes ?? []).toString(), 'abc');
  t.equal(readLiveFrame(new ArrayBuffer(12)), undefined);
});

t.test('of a real stream', async (t) => {
  const folder = t.testdir();
  const { inits: [init], fragments: video } = take(await streamOf(await makeClip(join(folder, 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false }));
  const loud = take(await streamOf(await makeClip(join(folder, 'loud.mp4'), { audio: 'aac' }), { audio: 'copy', hevc: false, richProbe: false }));
  const [loudInit] = loud.inits;
  if (init === undefined || loudInit === undefined) throw new Error('no init');
  const start = Buffer.concat([init.ftyp, init.moov]);
  const copy = (index: number): Uint8Array<ArrayBuffer> => new Uint8Array(video[index]!.bytes);
  const near = (t: Test, is: number | undefined, should: number): void => void t.ok(is !== undefined && Math.abs(is - should) < 0.002, `${is} is ${should}`);

  await t.test('the codecs are named as the hub names them', async (t) => {
    t.same(codecsOf(start), { video: init.videoCodec, audio: undefined });
    t.same(codecsOf(Buffer.concat([loudInit.ftyp, loudInit.moov])), { video: loudInit.videoCodec, audio: 'mp4a.40.2' });
    t.same(codecsOf(Buffer.concat([init.ftyp])), { video: undefined, audio: undefined });
  });

  await t.test('live: pictures follow each other on one line, also when the camera begins anew or leaves pictures out', async (t) => {
    const times = new LiveTimes();
    t.equal(times.place(copy(0)), undefined, 'before the init nothing has a place');
    times.begin(start);
    near(t, times.place(copy(0))?.atSec, 1);
    near(t, times.place(copy(1))?.atSec, 1.04);
    near(t, times.place(copy(30))?.atSec, 2.2);
    const again = times.place(copy(0));
    t.ok((again?.atSec ?? 0) > 2.2 && (again?.atSec ?? 9) < 2.35, 'times that go back go on');
    near(t, times.place(copy(25), { close: true })?.atSec, (again?.atSec ?? 0) + times.pictureSec);
    times.begin(start);
    const anew = times.place(copy(10));
    t.ok((anew?.atSec ?? 0) > 2.5 && (anew?.atSec ?? 9) < 2.8, 'an init begins behind what was there');
    near(t, (anew?.offsetSec ?? 0) + 10 / 25, anew?.atSec ?? 0);
  });

  await t.test('sound waits for the first picture, and goes where the pictures go', async (t) => {
    const [sound] = loud.fragments.filter(({ track }) => track === 'audio').map(({ bytes }) => new Uint8Array(bytes));
    const picture = new Uint8Array(loud.fragments.find(({ track }) => track === 'video')!.bytes);
    const times = new LiveTimes();
    times.begin(Buffer.concat([loudInit.ftyp, loudInit.moov]));
    t.equal(times.place(sound!), undefined);
    const placed = times.place(picture);
    t.equal(times.place(sound!)?.offsetSec, placed?.offsetSec);
    const replay = new ReplayTimes();
    replay.begin(Buffer.concat([loudInit.ftyp, loudInit.moov]));
    t.same(replay.place(new Uint8Array(sound!), 0), []);
    replay.place(new Uint8Array(picture), 0);
    near(t, replay.place(new Uint8Array(sound!), 0)[0]?.atSec, times.place(sound!)?.atSec ?? 0);
  });

  await t.test('moments are found by the time of the picture that stands', async (t) => {
    const moments = new Moments();
    for (let index = 0; index < 5000; index++) moments.add(index / 25, index * 40);
    t.equal(moments.wallAt(4999 / 25 - 1e-7), 4999 * 40);
    t.equal(moments.wallAt(4999 / 25 - 0.02), 4998 * 40);
    t.equal(moments.wallAt(0), undefined, 'old ones are forgotten');
  });

  await t.test('replay: times are written so that sessions and segments follow without holes, and wall time is found again', async (t) => {
    const times = new ReplayTimes();
    times.begin(start);
    const written = [0, 1, 2].flatMap((index) => times.place(copy(index), 5000 + index * 40));
    t.same(written.map(({ bytes }) => fragmentTimes(bytes)[0]?.time), [12800, 13312, 13824], 'whole ticks, from the line\'s beginning');
    times.begin(start);
    const [next] = times.place(copy(50), 90_000);
    near(t, next?.atSec, 1.12);
    times.gap();
    const [after] = times.place(copy(0), 200_000);
    near(t, after?.atSec, 1.16);
    near(t, times.wallAt(1.05), 5050);
    near(t, times.wallAt(1.13), 90_010);
    near(t, times.at(5050), 1.05);
    near(t, times.at(90_000), 1.12);
    t.equal(times.at(150_000), undefined, 'what is not there');
    t.equal(times.at(1), undefined);
    t.equal(times.wallAt(0.5), undefined);
  });

  await t.test('looking through fast: each key frame stands until the next', async (t) => {
    const times = new ReplayTimes(8);
    times.begin(start);
    const keys = [0, 25, 50].flatMap((index) => times.place(copy(index), index * 40));
    t.same(keys.map(({ atSec }) => atSec), [1, 1.125]);
    const last = times.end();
    t.same(last.map(({ atSec }) => atSec), [1.25]);
    near(t, times.wallAt(1.2), 1600);
    near(t, times.at(1600), 1.2);
    const sizes = [...keys, ...last].map(({ bytes }) => bytes.length);
    t.same(sizes, [0, 25, 50].map((index) => video[index]!.bytes.length), 'nothing else of them changes');
  });

  await t.test('whatever the camera\'s times do, the line only goes forward', async () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 74 }), fc.boolean()), { maxLength: 60 }), (steps) => {
      const times = new ReplayTimes();
      times.begin(start);
      let before = 0;
      return steps.every(([index, anew], number) => {
        if (anew) times.begin(start);
        const [placed] = times.place(copy(index), number);
        const forward = placed !== undefined && placed.atSec >= before - 1e-9;
        before = placed?.atSec ?? before;
        return forward;
      });
    }), { numRuns: 30 });
  });

  await t.test('strange bytes are no reason to go astray', async () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 103 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const odd = copy(3);
      odd[at] = byte;
      for (const deed of [() => new ReplayTimes().place(odd, 0), () => writeDuration(odd, 1)]) {
        try {
          deed();
        } catch (error) {
          if (!(error instanceof Error) || error.name === 'TypeError') throw error;
        }
      }
    }));
  });
});
