import fc from 'fast-check';
import t from 'tap';
import type { Box } from '../../src/detect/box.ts';
import { cellColumns, Motion, type MotionNow, type MotionOptions } from '../../src/detect/motion.ts';
import type { ZonePoint } from '../../src/policy/alarmrules.ts';
import { motionHeight, motionWidth } from '../../src/policy/motionpicture.ts';
import { scene, walkerAt, type SceneOptions } from '../detect/scenes.ts';

const walker = { width: 10, height: 28, speed: 12, fromSecond: 20 };

/** What is said of each picture. */
function watch(seconds: number, o: SceneOptions, seed: number, options: MotionOptions = {}): (MotionNow & { second: number })[] {
  const motion = new Motion(options);
  return Array.from(scene(seconds, seed, o), ({ gray, atMs, second }) => ({ ...motion.frame(gray, atMs), second }));
}

const moves = ({ state }: MotionNow): boolean => state === 'moving';
const quiet: readonly (readonly [name: string, scene: SceneOptions])[] = [
  ['a yard with a quiet sensor', {}],
  ['a yard by night, with a noisy one', { noise: 8 }],
  ['a cloud before the sun and away again', { light: (second) => 20 * Math.sin(second / 10) }],
  ['the same by night', { noise: 5, light: (second) => 25 * Math.sin(second / 5) }],
  ['exposure that hunts', { light: (second) => (Math.round(second * 5) % 2) * 6 }],
  ['a flash', { light: (second) => (second >= 20 && second < 20.4 ? 90 : 0) }],
  ['a lamp that is switched on', { light: (second) => (second >= 20 ? 45 : 0) }],
  ['the camera goes over to its night picture', { light: (second) => (second >= 20 ? -70 : 0), noise: 3 }],
  ['drizzle', { streaks: 50 }],
  ['rain', { streaks: 150 }],
  ['a downpour', { streaks: 300 }],
  ['leaves in the wind', { wind: 2 }],
  ['leaves in a storm', { wind: 4, noise: 3 }],
  ['a lamp that flickers', { flicker: 15 }],
  ['one that is nearly out', { flicker: 70 }],
];

for (const [name, what] of quiet) {
  t.test(`nothing moves: ${name}`, (t) => {
    for (const seed of [1, 2, 3]) t.strictSame(watch(60, what, seed).filter(moves).map(({ second }) => second), [], `seed ${seed}`);
    t.end();
  });
}

const walks: readonly (readonly [name: string, scene: SceneOptions, withinSeconds: number])[] = [
  ['by day', { walker }, 1.5],
  ['dark in the dark, by night', { noise: 5, walker: { ...walker, gray: 80 } }, 2],
  ['in the rain', { streaks: 100, walker }, 2],
  ['before leaves in the wind', { wind: 3, walker }, 1.5],
  ['under a cloud', { light: (second) => 20 * Math.sin(second / 10), walker }, 1.5],
  ['small and far', { walker: { ...walker, width: 5, height: 13, speed: 7 } }, 2.5],
  ['near and large', { walker: { ...walker, width: 60, height: 75, speed: 40 } }, 1.5],
  ['slowly', { walker: { ...walker, speed: 4 } }, 4],
];

for (const [name, what, withinSeconds] of walks) {
  t.test(`somebody who walks is seen: ${name}`, (t) => {
    for (const seed of [1, 2, 3]) {
      const said = watch(45, what, seed);
      const inside = said.filter(({ second }) => walkerAt(what, second) !== undefined);
      const first = said.find(moves);
      t.ok(first !== undefined && first.second >= walker.fromSecond && first.second <= walker.fromSecond + withinSeconds, `seed ${seed}: from ${first?.second} s on`);
      t.ok(inside.filter(({ moving }) => moving !== undefined).length > 0.85 * inside.length - withinSeconds * 5, `seed ${seed}: while it walks`);
      const middle = inside.filter(moves).at(10) as MotionNow & { second: number };
      t.ok(holds(middle.moving as Box, (walkerAt(what, middle.second) as number) + 3), `seed ${seed}: the box is where the walker is`);
    }
    t.end();
  });
}

function holds({ x, width }: Box, column: number): boolean {
  return column / motionWidth >= x - 1 / cellColumns && column / motionWidth <= x + width + 1 / cellColumns;
}

t.test('a motion lasts for its tail, then ends', (t) => {
  const said = watch(60, { walker }, 4, { tailMs: 3000 });
  const last = said.findLastIndex(moves);
  t.ok(last > 0 && last < said.length - 30);
  t.ok(said.slice(last + 1, last + 15).every(({ state, moving, cells }) => state === 'tail' && moving !== undefined && cells.length === 0));
  t.ok(said.slice(last + 15).every(({ state, moving }) => state === 'still' && moving === undefined));
  t.end();
});

t.test('who stood there and has gone leaves no ghost', (t) => {
  const said = watch(90, { walker: { ...walker, stands: { x: 80, goneSecond: 60 } } }, 5, { tailMs: 400 });
  const from = (second: number, to: number): MotionNow[] => said.filter((one) => one.second >= second && one.second < to);
  t.ok(from(25, 27).every(moves), 'while it comes');
  t.strictSame(from(62, 90).filter(moves), [], 'once it is gone');
  t.end();
});

t.test('under a mask nothing moves, and beside it everything does', (t) => {
  const lower: readonly ZonePoint[] = [[0, 0.4], [1, 0.4], [1, 1], [0, 1]];
  t.strictSame(watch(40, { walker }, 6, { masks: [lower] }).filter(moves), []);
  const left: readonly ZonePoint[] = [[0, 0], [0.3, 0], [0.3, 1], [0, 1]];
  const first = watch(40, { walker }, 6, { masks: [left] }).find(moves) as MotionNow & { second: number };
  t.ok(first.second > walker.fromSecond + (0.3 * motionWidth) / walker.speed - 1);
  t.ok(first.cells.every((cell) => (cell % cellColumns) + 1 > 0.3 * cellColumns));
  const everything: readonly ZonePoint[] = [[0, 0], [1, 0], [1, 1], [0, 1]];
  t.strictSame(watch(40, { walker }, 6, { masks: [everything] }).filter(moves), []);
  t.end();
});

t.test('two who walk apart have two boxes', (t) => {
  const motion = new Motion();
  const right = scene(60, 7, { walker: { ...walker, speed: 12, fromSecond: 20 } }), left = scene(60, 7, { walker: { ...walker, speed: 3, fromSecond: 20 } });
  let two = 0;
  for (const { gray, atMs, second } of right) {
    const other = left.next().value as { gray: Uint8Array };
    // The left part of one scene and the right part of the other; both have the same noise.
    const both = gray.map((value, at) => (at % motionWidth < 60 ? (other.gray[at] as number) : value));
    const { boxes } = motion.frame(both, atMs);
    if (second > 27 && boxes.length === 2 && Math.abs((boxes[0] as Box).x - (boxes[1] as Box).x) > 0.2) two++;
  }
  t.ok(two > 10, `${two} pictures with two boxes`);
  t.end();
});

t.test('a camera that is turned about or carried off rings in the end', (t) => {
  const motion = new Motion();
  const states: string[] = [];
  for (const { gray, atMs, second } of scene(40, 8)) {
    const shift = second < 20 ? 0 : Math.round((second - 20) * 35);
    states.push(motion.frame(gray.map((_, at) => gray[(at * 7 + shift * 977) % gray.length] as number), atMs).state);
  }
  t.ok(states.slice(100, 120).every((state) => state !== 'moving'), 'at first it is taken for the light');
  t.ok(states.slice(135).includes('moving'));
  t.end();
});

t.test('a camera that repeats its picture is said to be frozen, and one that comes back is looked at', (t) => {
  const motion = new Motion();
  const pictures = [...scene(10, 9)].map(({ gray }) => Uint8Array.from(gray));
  const still = pictures[0] as Uint8Array;
  const states = Array.from({ length: 100 }, (_, index) => motion.frame(still, index * 200).state);
  t.equal(states[40], 'still');
  t.equal(states[99], 'frozen');
  t.not(motion.frame(pictures[1] as Uint8Array, 100 * 200).state, 'frozen');
  t.end();
});

t.test('times that go back, jump or stand still cost nothing but the comparison', (t) => {
  const motion = new Motion();
  const pictures = Array.from(scene(20, 10, { walker: { ...walker, fromSecond: 5 } }), ({ gray }) => Uint8Array.from(gray));
  for (const [index, gray] of pictures.entries()) motion.frame(gray, index * 200);
  const [first, last] = [pictures[0] as Uint8Array, pictures.at(-1) as Uint8Array];
  t.equal(motion.frame(first, 1000).state, 'learning', 'back');
  t.equal(motion.frame(last, 1000 + 3_600_000).state, 'learning', 'an hour ahead');
  t.not(motion.frame(last, 1000 + 3_600_000).state, 'moving', 'the same time again');
  t.end();
});

t.test('a picture of another size is refused, whatever its size', (t) => {
  const motion = new Motion();
  for (const size of [0, 1, motionWidth * motionHeight - 1, motionWidth * motionHeight + 1, 320 * 180]) t.throws(() => motion.frame(new Uint8Array(size), 0), RangeError);
  t.doesNotThrow(() => motion.frame(new Uint8Array(motionWidth * motionHeight), 0), 'and the next one is taken');
  t.end();
});

t.test('what is known of the picture can be overwritten', (t) => {
  const motion = new Motion();
  for (const { gray, atMs } of scene(10, 11)) motion.frame(gray, atMs);
  motion.clear();
  t.equal(motion.frame(new Uint8Array(motionWidth * motionHeight).fill(200), 10_000).state, 'learning');
  t.end();
});

t.test('whatever the pictures are, the answer is well formed', (t) => {
  const size = motionWidth * motionHeight;
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 0, max: 5000 })), { minLength: 1, maxLength: 40 }), (steps) => {
    const motion = new Motion();
    let atMs = 0;
    for (const [value, from, stepMs] of steps) {
      const gray = new Uint8Array(size).fill(100);
      gray.fill(value, from, Math.min(size, from + 3000));
      const said = motion.frame(gray, atMs += stepMs);
      const boxes = [...said.boxes, ...(said.moving === undefined ? [] : [said.moving])];
      if (!boxes.every(({ x, y, width, height }) => x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1.000001 && y + height <= 1.000001)) return false;
      if ((said.state === 'moving') !== said.cells.length > 0 || said.boxes.length > 4) return false;
    }
    return true;
  }), { numRuns: 60 });
  t.end();
});
