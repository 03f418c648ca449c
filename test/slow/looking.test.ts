import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { isSallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Moments } from '../../src/capture/moments.ts';
import { Detector, type DetectorOptions } from '../../src/detect/client.ts';
import type { Observed } from '../../src/duties/alarms.ts';
import { FaceFinder } from '../../src/duties/faces.ts';
import { DetectDuty } from '../../src/duties/detect.ts';
import type { Watched } from '../../src/duties/watch.ts';
import type { AlarmRule, Zone } from '../../src/policy/alarmrules.ts';
import { always } from '../../src/policy/schedule.ts';
import { atSecond, missing, walkClip } from '../detect/pictures.ts';
import { camera, hub } from '../policy/configs.ts';
import { oneCamera, until, type Ending, type OneCamera } from '../duties/onecamera.ts';

const rule: AlarmRule = { name: 'anybody', kinds: ['person'], ...always, keepMs: 1, beforeMs: 0, afterMs: 0, enabled: true };

interface Fixture extends OneCamera {
  readonly detector: Detector;
  readonly duty: DetectDuty;
  readonly seen: Observed[];
  readonly ended: string[];
  /** As when its space is private, or the camera is gone. */
  away: boolean;
  set(alarms: readonly AlarmRule[], zones?: readonly Zone[]): void;
}

async function fixture(t: Ending, more: Partial<DetectorOptions> = {}): Promise<Fixture> {
  const one = await oneCamera(t, { emulator: { clip: walkClip, seconds: 30 } });
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const detector = new Detector({ clock: systemClock, log: silentLog, random: () => 0, jail, ...more });
  const moments = new Moments({ clock: systemClock, log: silentLog });
  const given = { away: false };
  const [seen, ended]: [Observed[], string[]] = [[], []];
  let config = hub(3, [camera('front')], { alarms: [rule] });
  const duty = new DetectDuty({
    config: () => config, watchOf: (): Watched | undefined => (given.away ? undefined : one.watch), jail: () => jail, detector, moments, vault: one.vault, face: new FaceFinder({ detector, moments, templates: () => [], log: silentLog }), clock: systemClock, log: silentLog, random: () => 0,
    onSeen: (what) => seen.push(what), onEnded: (_, name) => ended.push(name),
  });
  t.teardown(async () => {
    await duty.close();
    await detector.close();
    await moments.close();
  });
  duty.start();
  return Object.assign(given, {
    ...one, detector, duty, seen, ended,
    set: (alarms: readonly AlarmRule[], zones: readonly Zone[] = []) => {
      config = { ...config, alarms, zones };
      duty.nudge();
    },
  });
}

t.test('the hub looks while a rule needs it and the camera may be looked at, sees who comes, and ends what it saw when it looks no more', { skip: missing(walkClip) }, async (t) => {
  const f = await fixture(t);
  await until(() => f.seen.length > 2);
  const [first] = f.seen;
  t.match(first, { camera: 'front', kind: 'person', by: 'hub', lasts: true });
  t.ok(first!.box !== undefined && first!.box.height > 0.1 && (first!.score ?? 0) >= 0.3 && Math.abs(first!.atMs - Date.now()) < 30_000);
  t.ok(f.seen.every(({ atMs }, index) => index === 0 || atMs >= first!.atMs));
  const [row] = await f.vault.observations({ camera: 'front', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 });
  t.match(row, { kind: 'person', source: /^hub \d+$/ });
  const pictures = await f.duty.pictures('front', systemClock.monotonicMs() - 2000, first!.box);
  t.ok((pictures?.full.length ?? 0) > 1000 && (pictures?.crop?.length ?? 0) > 500, 'of the moment two seconds ago, from the large stream');

  f.set([{ ...rule, enabled: false }]);
  await until(() => f.duty.of('front') === undefined);
  await until(() => f.ended.includes(first!.name));
  f.set([rule]);
  await until(() => (f.duty.of('front')?.frames ?? 0) > 0);
  f.away = true;
  f.duty.nudge();
  await until(() => f.duty.of('front') === undefined);
  t.equal(await f.duty.pictures('front', systemClock.monotonicMs(), undefined), undefined, 'of what is private there is no picture');
});

t.test('what stands in a mask was never there', { skip: missing(walkClip) }, async (t) => {
  const f = await fixture(t);
  f.set([{ ...rule, kinds: ['person', 'motion'] }], [{ camera: 'front', name: 'all', mask: true, points: [[0, 0], [1, 0], [1, 1], [0, 1]] }]);
  await until(() => f.duty.of('front') !== undefined);
  f.seen.length = 0;
  await until(() => (f.duty.of('front')?.frames ?? 0) > 60);
  t.same(f.seen, []);
});

t.test('a detector that breaks costs looks, is counted and shown, and recording goes on', { skip: missing(walkClip) }, async (t) => {
  const f = await fixture(t, { entry: '/nonexistent/detector.js' });
  await until(() => (f.duty.of('front')?.missed ?? 0) > 1);
  t.match(f.duty.of('front'), { looks: 0, problem: String });
  t.match(f.duty.status(), { detector: 'failing', problem: String });
  const sealed = f.watch.status.segmentsSealed;
  await until(() => f.watch.status.segmentsSealed > sealed);
  t.ok((f.duty.of('front')?.frames ?? 0) > 0, 'and what moves is still seen');
});

t.test('a detector that is asked for far more than it can do drops the oldest and counts them, and no footage is missing', { skip: missing(walkClip) }, async (t) => {
  const f = await fixture(t);
  const picture = await atSecond(walkClip, 20);
  await until(() => f.watch.status.segmentsSealed > 0 && f.seen.length > 0);
  let [answered, dropped, over] = [0, 0, false];
  const ask = async (): Promise<void> => {
    while (!over) {
      try {
        await f.detector.objects(picture);
        answered++;
      } catch (error) {
        if (!isSallyportError(error, 'SP_DETECTOR_BUSY')) throw error;
        dropped++;
        await turn();
      }
    }
  };
  const asking = Array.from({ length: 24 }, ask);
  const before = f.watch.status.segmentsSealed;
  await until(() => f.watch.status.segmentsSealed > before + 3);
  over = true;
  await Promise.all(asking);
  t.ok(answered > 3 && dropped > 10, `${answered} looked at, ${dropped} dropped`);
  t.ok(f.detector.status.dropped >= dropped, 'all of these are counted');
  const rows = await f.vault.segments({ camera: 'front', stream: 'main', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1_000 });
  t.ok(rows.length > before + 3);
  t.same(rows.slice(1).map(({ startMs }, index) => Math.abs(startMs - (rows[index]!.startMs + (rows[index]!.durationMs ?? 0))) < 300), rows.slice(1).map(() => true), 'each begins where the one before it ended');
});
