import fc from 'fast-check';
import t from 'tap';
import { areaOf, atEdge, clamped, grown, overlap, wholePicture, type Box } from '../../src/detect/box.ts';
import { alignedSquare } from '../../src/detect/faces.ts';
import { apart, squareAround } from '../../src/detect/objects.ts';
import { cut } from '../../src/detect/pixels.ts';
import { isInside, type ZonePoint } from '../../src/policy/alarmrules.ts';
import { plain } from './pictures.ts';

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const anyBox = fc.record({ x: fc.double({ min: -1, max: 2, noNaN: true }), y: fc.double({ min: -1, max: 2, noNaN: true }), width: fraction, height: fraction });
const within = ({ x, y, width, height }: Box): boolean => x >= 0 && y >= 0 && width >= 0 && height >= 0 && x + width <= 1 + 1e-9 && y + height <= 1 + 1e-9;

t.test('boxes: what is cut off or grown lies in the picture; overlap is the same from both sides, 1 with itself, 0 apart', (t) => {
  fc.assert(fc.property(anyBox, anyBox, fraction, (a, b, share) => {
    const [one, other] = [clamped(a), clamped(b)];
    return within(one) && within(grown(a, share))
      && Math.abs(overlap(one, other) - overlap(other, one)) < 1e-9 && overlap(one, other) <= 1 + 1e-9 && (areaOf(one) < 1e-9 || Math.abs(overlap(one, one) - 1) < 1e-6);
  }));
  t.equal(overlap({ x: 0, y: 0, width: 0.2, height: 1 }, { x: 0.5, y: 0, width: 0.2, height: 1 }), 0);
  t.ok(atEdge({ x: 0, y: 0.3, width: 0.1, height: 0.1 }) && !atEdge({ x: 0.3, y: 0.3, width: 0.1, height: 0.1 }));
  t.end();
});

t.test('inside a polygon, also one with a bay', (t) => {
  const bay: readonly ZonePoint[] = [[0, 0], [1, 0], [1, 1], [0.5, 0.2], [0, 1]];
  for (const [x, y, is] of [[0.1, 0.5, true], [0.9, 0.5, true], [0.5, 0.5, false], [0.5, 0.1, true], [-0.1, 0.1, false], [0.5, 1.5, false]] as const) t.equal(isInside([x, y], bay), is, `${x}, ${y}`);
  t.end();
});

t.test('the square that is looked at holds what moves, and lies in the picture as far as it fits', (t) => {
  fc.assert(fc.property(anyBox, fc.constantFrom([640, 360], [360, 640], [512, 512], [1920, 1080]), (any, [width, height]) => {
    const roi = clamped(any), picture = plain(width as number, height as number);
    const { middle, side } = squareAround(picture, roi, { margin: 0.25, least: 0.5 });
    const [w, h] = [width as number, height as number];
    const [x, y] = [(roi.x + roi.width / 2) * w, (roi.y + roi.height / 2) * h];
    const holds = Math.abs(x - middle.x) <= side / 2 + 1 && Math.abs(y - middle.y) <= side / 2 + 1;
    const fits = (at: number, length: number): boolean => (side >= length ? Math.abs(at - length / 2) < 1e-6 : at - side / 2 > -1e-6 && at + side / 2 < length + 1e-6);
    return holds && side <= Math.max(w, h) && side >= Math.min(w, h) / 2 - 1e-6 && fits(middle.x, w) && fits(middle.y, h);
  }), { numRuns: 60 });
  t.equal(squareAround(plain(640, 360), wholePicture, { margin: 0.25, least: 0.5 }).side, 640);
  t.end();
});

t.test('what is cut out keeps its colours and places: straight, turned, made larger and smaller', (t) => {
  const picture = plain(100, 100, 0);
  for (let row = 40; row < 60; row++) for (let column = 70; column < 90; column++) picture.rgb.set([200, 100, 50], (row * 100 + column) * 3);
  const at = (values: Float32Array, size: number, x: number, y: number): number[] => [...values.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)].map(Math.round);
  const whole = { middle: { x: 50, y: 50 }, side: 100 };
  for (const size of [100, 50, 25, 200]) {
    const made = cut(picture, whole, size);
    t.strictSame(at(made, size, Math.floor(size * 0.8), size / 2 | 0), [200, 100, 50], `${size}`);
    t.strictSame(at(made, size, Math.floor(size * 0.2), size / 2 | 0), [0, 0, 0]);
  }
  // A quarter turn: what lay to the right of the middle lies above it.
  t.strictSame(at(cut(picture, { ...whole, turned: Math.PI / 2 }, 100), 100, 50, 20), [200, 100, 50]);
  t.strictSame(at(cut(picture, { middle: { x: 200, y: 200 }, side: 50 }, 10), 10, 5, 5), [114, 114, 114], 'outside of the picture');
  t.strictSame(at(cut(picture, whole, 100, { scale: 1 / 100, shift: 1 }), 100, 80, 50), [3, 2, 2]);
  t.end();
});

t.test('a face is put upright by its eyes and mouth, wherever it looks', (t) => {
  const keypoints = (turned: number): { x: number; y: number }[] => [[-10, -8], [10, -8], [0, 0], [0, 12], [-20, -6], [20, -6]]
    .map(([x, y]) => ({ x: (50 + (x as number) * Math.cos(turned) - (y as number) * Math.sin(turned)) / 100, y: (50 + (x as number) * Math.sin(turned) + (y as number) * Math.cos(turned)) / 100 }));
  for (const turned of [0, 0.4, -1, 2]) {
    const square = alignedSquare(plain(100, 100), keypoints(turned));
    t.ok(square !== undefined && Math.abs((square.turned as number) - turned) < 1e-9);
    t.ok(Math.abs((square?.side as number) - Math.hypot(10, 20) / 0.45) < 1e-6, 'its size does not hang on it');
  }
  t.equal(alignedSquare(plain(100, 100), Array.from({ length: 6 }, () => ({ x: 0.5, y: 0.5 }))), undefined);
  t.equal(alignedSquare(plain(100, 100), Array.from({ length: 6 }, () => ({ x: Number.NaN, y: 0.5 }))), undefined);
  t.end();
});

t.test('of two boxes of one thing the surer stays; two things of another kind are two', (t) => {
  const box = { x: 0.2, y: 0.2, width: 0.2, height: 0.4 };
  t.strictSame(apart([{ label: 'person', score: 0.4, box }, { label: 'person', score: 0.7, box: { ...box, x: 0.21 } }, { label: 'vehicle', score: 0.5, box }]).map(({ label, score }) => [label, score]), [['person', 0.7], ['vehicle', 0.5]]);
  t.end();
});
