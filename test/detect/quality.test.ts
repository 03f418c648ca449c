import t from 'tap';
import { Motion } from '../../src/detect/motion.ts';
import type { Found } from '../../src/detect/tracks.ts';
import type { ObjectFinder } from '../../src/duties/looker.ts';
import type { Zone } from '../../src/policy/alarmrules.ts';
import { ruleOf, watch, type Watched } from './hubpath.ts';
import { missing, plain, walkClip } from './pictures.ts';
import { grayOf, labels, score, type RoomLabels } from './quality.ts';
import { fps, scene } from './scenes.ts';

t.setTimeout(120_000);

t.test('on a real clip, each who comes is seen to move within 1.5 s, while they come and go, and an empty room is still', { skip: missing(walkClip) }, async (t) => {
  const { visits } = await labels<RoomLabels>('room');
  const motion = new Motion({ tailMs: 1000 });
  const moving = (await grayOf(walkClip)).map((gray, index) => ({ second: index / fps, moves: motion.frame(gray, index * (1000 / fps)).state === 'moving' }));
  const movesIn = (from: number, to: number): number => moving.filter(({ second, moves }) => moves && second >= from && second < to).length;
  for (const [from, to] of visits) {
    t.ok(movesIn(from, from + 1.5) > 0, `who comes at ${from} s`);
    t.ok(movesIn(to - 2, to + 0.5) > 0, `and goes at ${to} s`);
  }
  const empty = visits.map(([, to], index) => [to + 1.5, (visits[index + 1]?.[0] ?? 139) - 0.5] as const);
  for (const [from, to] of [[0, 5.5] as const, ...empty]) t.equal(movesIn(from, to), 0, `nobody is there from ${from} to ${to} s`);
});

t.test('of what is labelled it counts what was told of, and of what was told what is labelled', (t) => {
  t.match(score([[1, 5], [2, 4], [20, 30]], [[0, 6], [40, 50]]), { found: 3, wanted: 2, covered: 1, precision: 2 / 3, recall: 0.5 });
  t.match(score([[0, 60]], [[0, 6], [40, 50]]), { found: 1, covered: 2, precision: 1, recall: 1 });
  t.match(score([], [[0, 1]]), { covered: 0, recall: 0 });
  t.end();
});

const sees = (found: readonly Found[]): ObjectFinder => ({ objects: async () => found });
const somebody: Found = { label: 'person', score: 0.8, box: { x: 0.3, y: 0.2, width: 0.2, height: 0.6 } };

t.test('pictures go the hub\'s own way: nobody is looked for where nothing moves, whoever is seen twice is one alarm, and rules go by zones and sizes', async (t) => {
  const rules = [ruleOf('anybody', ['person']), { ...ruleOf('near', ['person']), sizeLeast: 0.7 }, ruleOf('street', ['person'], ['street']), ruleOf('motion', ['motion'])];
  const zones: Zone[] = [{ camera: 'front', name: 'street', mask: false, points: [[0.6, 0], [1, 0], [1, 1], [0.6, 1]] }];
  const of = (found: readonly Found[]): Promise<Watched> => watch({ gray: scene(34, 3, { walker: { width: 10, height: 30, speed: 12, fromSecond: 18 } }), colour: () => plain(64, 36), detector: sees(found), rules, zones });
  const { alarms, looks, observations } = await of([somebody]);
  // The first picture of all is looked at, whatever it shows; then, though the detector would see somebody in each, only those in which something moves.
  t.ok(looks.length > 5 && looks.every(({ second }) => second === 0 || second >= 18), `${looks.length} looks`);
  t.same([alarms['anybody']?.length, alarms['near'], alarms['street'], alarms['motion']?.length], [1, [], [], 1], 'one alarm, of the rules that it concerns');
  t.ok((alarms['anybody']?.[0] ?? 0) < 23, `at ${alarms['anybody']?.[0]} s`);
  t.match(observations.map(({ kind }) => kind).toSorted(), ['motion', 'person']);
  const nobody = await of([]);
  t.same([nobody.alarms['anybody'], nobody.alarms['motion']?.length], [[], 1], 'what moves and is nobody is an alarm of motion alone');
});
