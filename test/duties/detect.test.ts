import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Moments } from '../../src/capture/moments.ts';
import { MediaRing } from '../../src/capture/ring.ts';
import { DetectDuty, type DetectOptions } from '../../src/duties/detect.ts';
import { FaceFinder } from '../../src/duties/faces.ts';
import type { AlarmRule } from '../../src/policy/alarmrules.ts';
import { always } from '../../src/policy/schedule.ts';
import { camera, hub } from '../policy/configs.ts';
import { makeClip, streamOf, take } from '../capture/clips.ts';

const rule: AlarmRule = { name: 'bell', kinds: ['doorbell'], ...always, cameras: ['front'], keepMs: 1, beforeMs: 0, afterMs: 0, enabled: true };

/** Two cameras, each with one stream, of which the rule concerns the first. */
async function fixture(t: Test): Promise<{ duty: DetectDuty; rings: ReadonlyMap<string, MediaRing>; retained: Map<string, number>; moments: Moments }> {
  const moments = new Moments({ clock: systemClock, log: silentLog });
  t.teardown(() => moments.close());
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const rings = new Map(['front', 'garden'].map((id) => [id, new MediaRing(2 ** 24)]));
  const retained = new Map<string, number>();
  const watchOf = (id: string): unknown => {
    const ring = rings.get(id) as MediaRing;
    return { lend: async () => ({ stream: 'main', capture: { excerpt: (atMs: number) => ring.excerpt(atMs), retain: (_: string, ms: number) => { retained.set(id, ms); ring.retain(ms); } }, release: () => {} }) };
  };
  const config = hub(3, [camera('front'), camera('garden')], { alarms: [rule] });
  const duty = new DetectDuty({
    config: () => config, watchOf: watchOf as DetectOptions['watchOf'], jail: () => jail, moments, detector: { objects: async () => [], status: { state: 'off', dropped: 0 } },
    vault: { noteObservations: async () => {} }, face: new FaceFinder({ detector: { examine: async () => [] }, moments, templates: () => [], log: silentLog }), clock: systemClock, log: silentLog, random: () => 0, onSeen: () => {}, onEnded: () => {},
  });
  t.teardown(() => duty.close());
  return { duty, rings, retained, moments };
}

t.test('an alarm has the picture of its moment, or none: not the last one of a stream that has been away since', async (t) => {
  const { duty, rings, moments } = await fixture(t);
  const { inits, fragments } = take(await streamOf(await makeClip(join(t.testdir(), 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false }));
  const ring = rings.get('front') as MediaRing;
  ring.retain(10_000);
  ring.begin(inits[0]!);
  for (const fragment of fragments) ring.push({ ...fragment, monotonicMs: 100_000 + fragment.timeMs });
  t.ok(await duty.pictures('front', 102_000, undefined), 'of the moment');
  t.ok(await duty.pictures('front', 90_000, undefined), 'or of soon after it, where that is the first there is');
  ring.lose({ kind: 'lost', reason: 'stream ended', detail: '', wallMs: 0, monotonicMs: 0 });
  t.ok(await duty.pictures('front', 105_000, undefined), 'some seconds are no other time');
  t.equal(await duty.pictures('front', 3_600_000, undefined), undefined);
  t.equal(moments.state.failed, 0, 'nothing was decoded for that');
  ring.begin(inits[0]!);
  for (const fragment of fragments) ring.push({ ...fragment, monotonicMs: 3_600_500 + fragment.timeMs });
  t.ok(await duty.pictures('front', 3_600_000, undefined), 'until it is back');
});

t.test('of a camera with one stream that cannot be decoded, it is tried once', async (t) => {
  const { duty, rings, moments } = await fixture(t);
  const ring = rings.get('front') as MediaRing;
  ring.begin({ ftyp: Buffer.alloc(8), moov: Buffer.alloc(8), videoCodec: 'avc1.4d401f', audioCodec: undefined });
  ring.push({ bytes: Buffer.alloc(100), track: 'video', keyFrame: true, timeMs: 0, durationMs: 40, wallMs: 1000, monotonicMs: 1000 });
  t.equal(await duty.pictures('front', 1000, undefined), undefined);
  t.equal(moments.state.failed, 1);
});

t.test('the last seconds are kept in memory of the cameras that a rule concerns, and of no other', async (t) => {
  const { duty, retained } = await fixture(t);
  duty.start();
  while (retained.size < 2) await new Promise((resolve) => { setImmediate(resolve); });
  t.ok((retained.get('front') ?? 0) > 0);
  t.equal(retained.get('garden'), 0);
});
