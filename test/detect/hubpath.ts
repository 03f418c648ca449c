/**
 * The hub's own way from pictures to alarms, without a camera: its `Looker` gets small grey pictures as its decoder would bring them, asks the real detector,
 * and what it tells goes through the rules as `AlarmsDuty` does it. Time is the pictures' own, so an hour takes as long as its work; a look takes none
 * of it, as on a machine that keeps up.
 */
import type { GrayFrame } from '../../src/capture/frames.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Box } from '../../src/detect/box.ts';
import type { Picture } from '../../src/detect/protocol.ts';
import type { Found } from '../../src/detect/tracks.ts';
import type { Observed } from '../../src/duties/alarms.ts';
import { Looker, type ObjectFinder } from '../../src/duties/looker.ts';
import type { LentStream } from '../../src/duties/watch.ts';
import { endObservation, endVisits, judge, noVisits, visit, type AlarmRule, type Visits, type Zone } from '../../src/policy/alarmrules.ts';
import type { ObservationKind } from '../../src/policy/observations.ts';
import { always } from '../../src/policy/schedule.ts';
import { start, TestClock } from '../vault/world.ts';

export interface SeenAt extends Observed { readonly second: number }
export interface Watched {
  /** What the looker told, in its order. */
  readonly seen: readonly SeenAt[];
  /** Each picture that the detector was asked about, and all that it found there. */
  readonly looks: readonly { readonly second: number; readonly found: readonly Found[] }[];
  /** When each alarm began, by its rule. */
  readonly alarms: Readonly<Record<string, readonly number[]>>;
  /** As the hub notes them: their kind, and from when to when. */
  readonly observations: readonly { readonly kind: ObservationKind; readonly from: number; readonly to: number }[];
}

export function ruleOf(name: string, kinds: AlarmRule['kinds'], zones?: readonly string[]): AlarmRule {
  return { name, kinds, ...always, keepMs: 1, beforeMs: 5000, afterMs: 20_000, enabled: true, ...(zones === undefined ? {} : { zones }) };
}

export interface WatchOptions {
  readonly gray: Iterable<{ readonly gray: Uint8Array; readonly second: number }>;
  /** In colour, as it was then. */
  readonly colour: (second: number) => Picture | undefined;
  readonly detector: ObjectFinder;
  readonly rules: readonly AlarmRule[];
  readonly zones?: readonly Zone[];
}

export async function watch({ gray, colour, detector, rules, zones = [] }: WatchOptions): Promise<Watched> {
  const clock = new TestClock();
  const seconds = (ms: number): number => (ms - start) / 1000;
  const seen: SeenAt[] = [], looks: { second: number; found: readonly Found[] }[] = [];
  const noted = new Map<string, Watched['observations'][number]>();
  const alarms = Object.fromEntries(rules.map(({ name }) => [name, [] as number[]]));
  let visits: Visits = noVisits, asked = 0, now = 0;
  let onFrame: ((frame: GrayFrame) => void) | undefined;

  const ring = (what: Observed): void => {
    seen.push({ ...what, second: seconds(what.atMs) });
    for (const rule of rules) {
      if (judge(rule, what, { space: 'home', detect: 'both', zones, place: undefined }) !== 'rings') continue;
      const after = visit(visits, rule, what, { name: what.name, lasts: what.lasts });
      visits = after.visits;
      for (const { what: event } of after.events) if (event === 'begun') alarms[rule.name]?.push(seconds(what.atMs));
    }
  };
  const capture = { retain: () => {}, excerpt: (atMs: number) => ({ bytes: Buffer.alloc(0), wallMs: clock.wallMs(), monotonicMs: atMs }) };
  const looker = new Looker({
    camera: 'front', lent: { stream: 'sub', capture, release: () => {} } as unknown as LentStream, kinds: new Set(rules.flatMap(({ kinds }) => kinds)), zones, clock, log: silentLog, random: () => 0, ffmpeg: 'ffmpeg', jail: undefined,
    frames: (o) => {
      onFrame = o.onFrame;
      return { start: () => {}, close: async () => {}, state: { running: true, frames: 0, restarts: 0, problem: undefined } };
    },
    moments: { colour: async () => { asked++; return colour(now); } },
    detector: {
      objects: async (picture: Picture, roi?: Box) => {
        const found = await detector.objects(picture, roi);
        looks.push({ second: now, found });
        return found;
      },
    },
    face: async () => 'not looked',
    vault: { noteObservations: async (rows) => { for (const { kind, source, fromMs, toMs } of rows) noted.set(`${kind} ${source} ${fromMs}`, { kind: kind as ObservationKind, from: seconds(fromMs), to: seconds(toMs ?? fromMs) }); } },
    onSeen: ring, onEnded: (name, atMs) => { visits = endObservation(visits, 'front', name, atMs); },
  });
  looker.start();
  for (const { gray: picture, second } of gray) {
    clock.set(start + second * 1000);
    now = second;
    onFrame?.({ gray: picture, wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
    // The picture after this one comes when the look at it is over.
    while (looker.state.looks + looker.state.missed < asked) await new Promise((resolve) => { setImmediate(resolve); });
    await new Promise((resolve) => { setImmediate(resolve); });
    visits = endVisits(visits, clock.wallMs()).visits;
  }
  await looker.close();
  return { seen, looks, alarms, observations: [...noted.values()] };
}
