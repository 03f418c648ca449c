import fc from 'fast-check';
import t from 'tap';
import {
  alarmInWords, alarmKeysMsMax, alarmMsMax, alarmsPerMinute, alarmsPerRuleAndMinute, anywhere, asksPlace, endObservation, endVisits, footOf, holdFor, hubLooksAt, isInside, judge, nextEndMs, noVisits, sizeInWords, visit,
  type AlarmRule, type Box, type RuleFacts, type Seen, type Verdict, type VisitEvent, type Visits, type Zone,
} from '../../src/policy/alarmrules.ts';
import { weekdays } from '../../src/policy/schedule.ts';

const second = 1000;
const minute = 60 * second;

/** 2026-11-27 is a Friday. */
function clock(time: string, day = 27): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return new Date(2026, 10, day, hours, minutes).getTime();
}

function rule(more: Partial<AlarmRule> = {}): AlarmRule {
  return { name: 'night', kinds: ['person'], days: weekdays, from: '00:00', to: '00:00', keepMs: 30 * 86_400_000, beforeMs: 5000, afterMs: 20_000, enabled: true, ...more };
}

function seen(more: Partial<Seen> = {}): Seen {
  return { camera: 'front', kind: 'person', by: 'hub', atMs: clock('12:00'), box: standing(0.5, 0.9), ...more };
}

/** Somebody whose feet are there. */
function standing(x: number, y: number): Box {
  return { x: x - 0.05, y: y - 0.3, width: 0.1, height: 0.3 };
}

function high(height: number): Box {
  return { x: 0.4, y: 0.6, width: 0.2, height };
}

const lower: Zone = { camera: 'front', name: 'path', mask: false, points: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]] };
const street: Zone = { camera: 'front', name: 'street', mask: true, points: [[0, 0], [1, 0], [1, 0.6], [0, 0.6]] };
const facts: RuleFacts = { space: 'home', detect: 'both', zones: [lower], place: undefined };

const table: [what: string, rule: Partial<AlarmRule>, seen: Partial<Seen>, facts: Partial<RuleFacts>, verdict: Verdict][] = [
  ['anything anywhere', {}, {}, {}, 'rings'],
  ['switched off', { enabled: false }, {}, {}, 'switched off'],
  ['of this camera', { cameras: ['front'] }, {}, {}, 'rings'],
  ['of another camera', { cameras: ['garden'] }, {}, {}, 'another camera'],
  ['of its space', { spaces: ['home'] }, {}, {}, 'rings'],
  ['of another space', { spaces: ['office'] }, {}, {}, 'another camera'],
  ['of another kind', { kinds: ['vehicle', 'motion'] }, {}, {}, 'another kind'],
  ['the camera\'s word counts as much', {}, { by: 'camera', box: undefined }, {}, 'rings'],
  ['only the hub counts', {}, { by: 'camera' }, { detect: 'hub' }, 'another source'],
  ['only the camera counts', {}, {}, { detect: 'camera' }, 'another source'],
  ['nobody counts', {}, {}, { detect: 'off' }, 'another source'],
  ['in its night, before midnight', { days: ['friday'], from: '22:00', to: '06:00' }, { atMs: clock('23:59') }, {}, 'rings'],
  ['in its night, after midnight', { days: ['friday'], from: '22:00', to: '06:00' }, { atMs: clock('05:59', 28) }, {}, 'rings'],
  ['in the next night', { days: ['friday'], from: '22:00', to: '06:00' }, { atMs: clock('23:00', 28) }, {}, 'another time'],
  ['by day', { from: '22:00', to: '06:00' }, {}, {}, 'another time'],
  ['with its feet in the zone', { zones: ['path'] }, {}, {}, 'rings'],
  ['with its head in the zone and its feet outside', { zones: ['path'] }, { box: standing(0.5, 0.49) }, {}, 'outside its zones'],
  ['in a zone of the same name of another camera', { zones: ['path'] }, {}, { zones: [{ ...lower, camera: 'garden' }] }, 'outside its zones'],
  ['in a place that is never looked at', {}, { box: standing(0.5, 0.5) }, { zones: [street] }, 'masked'],
  ['with its head there, and its feet not', {}, { box: standing(0.5, 0.7) }, { zones: [street] }, 'rings'],
  ['in both: the mask counts', { zones: ['path'] }, { box: standing(0.5, 0.55) }, { zones: [lower, street] }, 'masked'],
  ['somewhere, says the camera', { zones: ['path'] }, { by: 'camera', box: undefined }, {}, 'without a place'],
  ['as high as it must be', { sizeLeast: 0.3, sizeMost: 0.3 }, { box: high(0.3) }, {}, 'rings'],
  ['too far away', { sizeLeast: 0.31 }, { box: high(0.3) }, {}, 'too small'],
  ['too near', { sizeMost: 0.29 }, { box: high(0.3) }, {}, 'too large'],
  ['of no height that is a number', { sizeLeast: 0.1 }, { box: high(Number.NaN) }, {}, 'too small'],
  ['too far away, and outside: the zone is said', { sizeLeast: 0.5, zones: ['path'] }, { box: standing(0.5, 0.49) }, {}, 'outside its zones'],
  ['too far away, in the zone', { sizeLeast: 0.5, zones: ['path'] }, {}, {}, 'too small'],
  ['of whatever size, says the camera', { sizeMost: 0.9 }, { by: 'camera', box: undefined }, {}, 'without a size'],
  ['somewhere, of whatever size, says the camera', { sizeMost: 0.9, zones: ['path'] }, { by: 'camera', box: undefined }, {}, 'without a place'],
  ['a sound has no size', { sizeLeast: 0.5, kinds: ['sound'] }, { by: 'camera', kind: 'sound', box: undefined }, {}, 'rings'],
  ['a door bell is nowhere in the picture', { zones: ['path'], kinds: ['doorbell'] }, { by: 'camera', kind: 'doorbell', box: undefined }, {}, 'rings'],
];

for (const [what, of, about, more, verdict] of table) {
  t.test(`${verdict}: ${what}`, async (t) => {
    t.equal(judge(rule(of), seen(about), { ...facts, ...more }), verdict);
  });
}

const share = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
const sizes = fc.record({ sizeLeast: share, sizeMost: share }, { requiredKeys: [] });

t.test('a size only ever takes away: what rings with it rings without, and of all heights exactly those between the two ring', async (t) => {
  const counts = new Map<Verdict, number>();
  fc.assert(fc.property(sizes, fc.integer({ min: 0, max: 100 }), fc.boolean(), fc.constantFrom<readonly string[] | undefined>(undefined, ['path']), (size, percent, placed, zones) => {
    const of = rule({ ...size, ...(zones === undefined ? {} : { zones }) });
    const about = seen({ box: placed ? high(percent / 100) : undefined, by: placed ? 'hub' : 'camera' });
    const verdict = judge(of, about, facts), without = judge(anywhere(of), about, facts);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    const between = percent / 100 >= (size.sizeLeast ?? 0) && percent / 100 <= (size.sizeMost ?? 1);
    if (without !== 'rings') return false;
    if (!placed) return (verdict === 'rings') === !asksPlace(of);
    return (verdict === 'rings') === (between && (zones === undefined || percent <= 100 && judge(rule({ zones }), about, facts) === 'rings'));
  }), { numRuns: 600 });
  for (const verdict of ['rings', 'too small', 'too large', 'without a size', 'without a place'] as const) t.ok((counts.get(verdict) ?? 0) > 5, `${verdict} was seen`);
});

t.test('whoever is high enough for a rule stays so when they come nearer, unless the rule has an upper end', async () => {
  fc.assert(fc.property(share, share, share, (sizeLeast, one, other) => {
    const rings = (height: number): boolean => judge(rule({ sizeLeast }), seen({ box: high(height) }), facts) === 'rings';
    return !rings(Math.min(one, other)) || rings(Math.max(one, other));
  }));
});

t.test('a rule says its size in words', async (t) => {
  t.match(alarmInWords(rule({ sizeLeast: 0.2 })), 'at all cameras, at least 20 % of the picture\'s height, each day');
  t.match(alarmInWords(rule({ sizeMost: 0.07, zones: ['path'] })), ', in path, at most 7 % of the picture\'s height,');
  t.match(sizeInWords({ sizeLeast: 0.2, sizeMost: 0.29 }), '20 % to 29 % of the picture\'s height');
  t.equal(sizeInWords({}), 'any');
});

t.test('a foot is in the picture, and in a polygon when it is', async (t) => {
  t.same(footOf({ x: 0.9, y: 0.9, width: 0.4, height: 0.4 }), [1, 1]);
  const coordinate = fc.integer({ min: 0, max: 1000 });
  fc.assert(fc.property(coordinate, coordinate, coordinate, coordinate, coordinate, coordinate, (x1, y1, x2, y2, x, y) => {
    const [left, right, top, bottom] = [Math.min(x1, x2), Math.max(x1, x2), Math.min(y1, y2), Math.max(y1, y2)];
    // Between the whole numbers, so that no point lies on an edge.
    const [px, py] = [x + 0.5, y + 0.5];
    return isInside([px, py], [[left, top], [right, top], [right, bottom], [left, bottom]]) === (left < px && px < right && top < py && py < bottom);
  }));
  const u: readonly (readonly [number, number])[] = [[0, 0], [0.3, 0], [0.3, 0.7], [0.7, 0.7], [0.7, 0], [1, 0], [1, 1], [0, 1]];
  t.same([isInside([0.5, 0.5], u), isInside([0.5, 0.8], u), isInside([0.1, 0.5], u), isInside([0.9, 0.5], u)], [false, true, true, true], 'a polygon with a bay');
});

t.test('the hub looks only while a rule needs it, and is asked again when that may change', async (t) => {
  const night = rule({ from: '22:00', to: '06:00', kinds: ['person', 'doorbell'] });
  const front = { id: 'front', space: 'home', detect: 'both' } as const;
  t.same([...hubLooksAt(front, [night], undefined, clock('23:00')).kinds], ['person']);
  t.same(hubLooksAt(front, [night], undefined, clock('12:00')), { kinds: new Set(), nextMs: clock('22:00') });
  t.equal(hubLooksAt({ ...front, detect: 'camera' }, [night], undefined, clock('23:00')).kinds.size, 0);
  t.equal(hubLooksAt({ ...front, id: 'garden' }, [rule({ cameras: ['front'] })], undefined, clock('23:00')).kinds.size, 0);
  t.equal(hubLooksAt(front, [rule({ kinds: ['doorbell'] }), rule({ enabled: false })], undefined, clock('23:00')).kinds.size, 0);
});

/** What happens, in order; answers all events. */
function play(steps: readonly (readonly [atMs: number, what: 'seen' | 'begins' | 'ends' | 'look', name?: string])[], of: AlarmRule = rule()): { events: VisitEvent[]; visits: Visits } {
  let visits = noVisits;
  const events: VisitEvent[] = [];
  for (const [atMs, what, name = 'a'] of steps) {
    const ended = endVisits(visits, atMs);
    visits = ended.visits;
    events.push(...ended.events);
    if (what === 'look') continue;
    if (what === 'ends') {
      visits = endObservation(visits, 'front', name, atMs);
      continue;
    }
    const after = visit(visits, of, { camera: 'front', atMs }, { name, lasts: what === 'begins' });
    visits = after.visits;
    events.push(...after.events);
  }
  return { events, visits };
}

const shape = (events: readonly VisitEvent[]): [string, number, number][] => events.map(({ what, visit: { fromMs, lastMs } }) => [what, fromMs, lastMs]);

t.test('a visit is one alarm, however often and by whomever it is seen', async (t) => {
  const t0 = 1_000_000_000_000;
  t.same(shape(play([[t0, 'begins', 'camera'], [t0 + 3 * second, 'begins', 'hub'], [t0 + 9 * second, 'ends', 'camera'], [t0 + 15 * second, 'ends', 'hub'], [t0 + 34 * second, 'look'], [t0 + 35 * second, 'look']]).events), [
    ['begun', t0, t0], ['goes on', t0, t0 + 3 * second], ['alarm over', t0, t0 + 15 * second], ['over', t0, t0 + 15 * second],
  ]);
  t.same(shape(play([[t0, 'seen'], [t0 + 19 * second, 'seen'], [t0 + 38 * second, 'seen'], [t0 + 60 * second, 'look'], [t0 + 61 * second, 'seen']]).events).map(([what]) => what), ['begun', 'goes on', 'goes on', 'alarm over', 'over', 'begun'], 'whoever comes back in time has not been away');
  t.same(shape(play([[t0, 'begins'], [t0 + 11 * minute, 'look'], [t0 + 20 * minute, 'ends'], [t0 + 21 * minute, 'look']]).events), [
    ['begun', t0, t0], ['alarm over', t0, t0 + alarmMsMax], ['over', t0, t0 + 20 * minute],
  ], 'what goes on for ever is an alarm for ten minutes');
});

t.test('a clock that is set back leaves no visit open until its time comes again', async (t) => {
  const t0 = 1_000_000_000_000;
  t.same(shape(play([[t0, 'seen'], [t0 - 60 * minute, 'look']]).events).map(([what]) => what), ['begun', 'alarm over', 'over']);
  t.same(shape(play([[t0, 'begins'], [t0 - 60 * minute, 'look'], [t0 - 59 * minute, 'ends'], [t0 - 58 * minute, 'look']]).events), [['begun', t0, t0], ['alarm over', t0, t0], ['over', t0, t0]]);
});

const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 90 * second }), fc.constantFrom('seen', 'begins', 'ends', 'look'), fc.constantFrom('a', 'b', 'c')), { maxLength: 60 });

t.test('alarms of one rule and camera never overlap, each ends, and none is longer than its bound', async () => {
  fc.assert(fc.property(steps, (moves) => {
    let atMs = 1_000_000_000_000;
    const timed = moves.map(([waitMs, what, name]) => [atMs += waitMs, what, name] as const);
    const ended = [...timed, ...(['a', 'b', 'c'] as const).map((name) => [atMs, 'ends', name] as const), [atMs + 20 * minute, 'look'] as const];
    const { events, visits } = play(ended);
    const begun = events.filter(({ what }) => what === 'begun').map(({ visit }) => visit.fromMs);
    const over = events.filter(({ what }) => what === 'alarm over').map(({ visit }) => visit);
    return visits.open.size === 0 && nextEndMs(visits) === undefined && begun.length === over.length
      && over.every((one, index) => one.fromMs === begun[index] && one.lastMs >= one.fromMs && one.lastMs - one.fromMs <= alarmMsMax && (begun[index + 1] ?? Infinity) > one.lastMs);
  }));
});

t.test('a thousand a minute are bounded for each rule and for all, and every one too many is counted', async (t) => {
  let visits = noVisits;
  const counted = { begun: 0, suppressed: 0 };
  const t0 = 1_000_000_000_000;
  for (let index = 0; index < 1000; index++) {
    const { visits: next, events } = visit(visits, rule({ name: `rule ${index % 20}` }), { camera: `camera ${index}`, atMs: t0 + index * 59 }, { name: 'x', lasts: false });
    visits = next;
    for (const { what } of events) if (what === 'begun' || what === 'suppressed') counted[what]++;
  }
  t.same(counted, { begun: alarmsPerMinute, suppressed: 1000 - alarmsPerMinute });
  const one = Array.from({ length: 100 }, (_, index) => visit(visits, rule(), { camera: `other ${index}`, atMs: t0 + 3 * minute + index }, { name: 'x', lasts: false })).map(({ events }) => events[0]?.what);
  t.ok(one.every((what) => what === 'begun'), 'a minute later there is room again');
  let alone = noVisits;
  const of = Array.from({ length: 100 }, (_, index) => {
    const after = visit(alone, rule(), { camera: `camera ${index}`, atMs: t0 }, { name: 'x', lasts: false });
    alone = after.visits;
    return after.events[0]?.what;
  });
  t.equal(of.filter((what) => what === 'begun').length, alarmsPerRuleAndMinute);
});

const alarm = { fromMs: 100 * second, toMs: 130 * second, beforeMs: 5 * second, afterMs: 20 * second };
const holds: [what: string, startS: number, endS: number, closedS: number, nowS: number, toMs: number | undefined, decision: string][] = [
  ['within it', 100, 130, 130, 131, 130 * second, 'hold'],
  ['just before its pre-roll', 35, 95, 95, 131, 130 * second, 'not concerned'],
  ['up to its pre-roll\'s first moment', 36, 96, 96, 131, 130 * second, 'hold'],
  ['from its post-roll\'s last moment on', 149, 209, 209, 210, 130 * second, 'hold'],
  ['after its post-roll', 150, 210, 210, 211, 130 * second, 'not concerned'],
  ['while it is open', 400, 460, 460, 461, undefined, 'hold'],
  ['when it has been open for ten minutes', 721, 780, 780, 781, undefined, 'not concerned'],
  ['whose key is still there', 36, 96, 96, 96 + 119, undefined, 'hold'],
  ['whose key is gone', 36, 96, 96, 96 + 120, undefined, 'too late'],
];
for (const [what, startS, endS, closedS, nowS, toMs, decision] of holds) {
  t.test(`${decision}: a segment ${what}`, async (t) => {
    t.equal(holdFor({ segment: { startMs: startS * second, endMs: endS * second, closedMs: closedS * second }, alarm: { ...alarm, toMs }, nowMs: nowS * second }), decision);
  });
}

t.test('every segment that touches an alarm\'s time is held, or too late, and no other', async () => {
  const ms = fc.integer({ min: 0, max: 30 * minute });
  fc.assert(fc.property(ms, fc.integer({ min: 0, max: 90 * second }), ms, fc.integer({ min: 0, max: 10 * minute }), fc.integer({ min: 0, max: 4 * minute }), (startMs, lengthMs, fromMs, lastsMs, lateMs) => {
    const endMs = startMs + lengthMs;
    const decision = holdFor({ segment: { startMs, endMs, closedMs: endMs }, alarm: { fromMs, toMs: fromMs + lastsMs, beforeMs: 5000, afterMs: 20_000 }, nowMs: endMs + lateMs });
    const touches = endMs > fromMs - 5000 && startMs < fromMs + lastsMs + 20_000;
    return decision === (!touches ? 'not concerned' : lateMs < alarmKeysMsMax ? 'hold' : 'too late');
  }));
});
