import t from 'tap';
import { Motion } from '../../src/detect/motion.ts';
import { missing, walkClip } from './pictures.ts';
import { grayOf, labels, score, type RoomLabels } from './quality.ts';
import { fps } from './scenes.ts';

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

t.test('the score counts each label once', (t) => {
  t.match(score([[1, 5], [2, 4], [20, 30]], [[0, 6], [40, 50]]), { found: 3, wanted: 2, right: 1, precision: 1 / 3, recall: 0.5 });
  t.match(score([], [[0, 1]]), { right: 0, recall: 0 });
  t.end();
});
