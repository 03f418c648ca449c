import fc from 'fast-check';
import t from 'tap';
import {
  distanceMost, distanceOf, enrolWidthLeastPx, framesLeast, isInDoubt, judgePicture, marginLeast, matchFace, namedWidthLeastPx, nameOf, poorReasons, strangersAmong, templatesMost, vectorLength,
  type FaceMeasures, type FrameMatch, type Match, type PersonTemplates, type PoorReason,
} from '../../src/policy/faces.ts';

/** At that distance from `at(0)`, along the first axis. */
const at = (distance: number): Float32Array => new Float32Array(vectorLength).fill(distance, 0, 1);
const person = (name: string, ...distances: number[]): PersonTemplates => ({ person: name, vectors: distances.map(at) });
const zero = at(0);

t.test('a face is named by the nearest person, if that is near enough and the next one is not as near', (t) => {
  const cases: readonly (readonly [what: string, people: readonly PersonTemplates[], match: Match])[] = [
    ['nobody is enrolled', [], 'unknown'],
    ['somebody without templates', [person('a')], 'unknown'],
    ['near', [person('a', 0.3)], { person: 'a' }],
    ['just near enough', [person('a', 0.549)], { person: 'a' }],
    ['just too far', [person('a', 0.551)], 'unknown'],
    ['the best of several templates counts', [person('a', 0.9, 0.8, 0.2)], { person: 'a' }],
    ['a ninth template does not count', [person('a', 1, 1, 1, 1, 1, 1, 1, 1, 0.1)], 'unknown'],
    ['the eighth does', [person('a', 1, 1, 1, 1, 1, 1, 1, 0.1, 0.1)], { person: 'a' }],
    ['another one far behind', [person('a', 0.3), person('b', 0.5)], { person: 'a' }],
    ['another one close behind', [person('a', 0.45), person('b', 0.5)], 'unsure'],
    ['the same two the other way round', [person('b', 0.5), person('a', 0.45)], 'unsure'],
    ['close behind, and too far to be named itself', [person('a', 0.53), person('b', 0.57)], 'unsure'],
    ['both too far', [person('a', 0.6), person('b', 0.61)], 'unknown'],
    ['the same person twice is no other one', [person('a', 0.3), person('a', 0.32)], { person: 'a' }],
    ['the same person twice, and another one behind', [person('a', 0.3), person('b', 0.35), person('a', 0.1)], { person: 'a' }],
  ];
  for (const [what, people, match] of cases) t.strictSame(matchFace(zero, people), match, what);
  t.end();
});

t.test('what cannot be compared is unknown', (t) => {
  const enrolled = [person('a', 0)];
  for (const vector of [new Float32Array(), new Float32Array(127), new Float32Array(129), at(Number.NaN), at(Infinity)]) t.equal(matchFace(vector, enrolled), 'unknown');
  t.equal(matchFace(zero, [{ person: 'a', vectors: [new Float32Array(64)] }]), 'unknown', 'a template of another model');
  t.strictSame(matchFace(zero, [{ person: 'a', vectors: [at(Number.NaN), at(0.1)] }]), { person: 'a' }, 'one that is none does not hide the others');
  t.end();
});

const vectors = fc.array(fc.double({ min: -0.12, max: 0.12, noNaN: true }), { minLength: vectorLength, maxLength: vectorLength }).map((values) => Float32Array.from(values));
/** Round one face, so that many are near enough to be named. */
const near = fc.tuple(vectors, fc.double({ min: 0, max: 1.2, noNaN: true })).map(([vector, scale]) => vector.map((value) => value * scale));
const people = fc.uniqueArray(fc.record({ person: fc.constantFrom('a', 'b', 'c', 'd'), vectors: fc.array(near, { minLength: 1, maxLength: 10 }) }), { selector: (one) => one.person, maxLength: 4 });
const nearestOf = (vector: Float32Array, { vectors: templates }: PersonTemplates): number => Math.min(...templates.slice(0, templatesMost).map((template) => distanceOf(vector, template)));
const same = (a: Match, b: Match): boolean => JSON.stringify(a) === JSON.stringify(b);

t.test('whoever is named is near enough, and nobody else is nearer than by the margin', (t) => {
  let named = 0, unsure = 0;
  fc.assert(fc.property(near, people, (vector, enrolled) => {
    const match = matchFace(vector, enrolled);
    const distances = enrolled.map((one) => ({ person: one.person, distance: nearestOf(vector, one) })).sort((a, b) => a.distance - b.distance);
    const [first, second] = distances;
    if (match === 'unknown') return first === undefined || first.distance > distanceMost;
    if (match === 'unsure') unsure++;
    else named++;
    const clear = second === undefined || second.distance - (first?.distance ?? 0) >= marginLeast;
    return first !== undefined && first.distance <= distanceMost && (match === 'unsure' ? !clear : clear && match.person === first.person);
  }), { numRuns: 400 });
  t.ok(named > 20 && unsure > 20, `both were seen: ${named}, ${unsure}`);
  t.end();
});

t.test('the order of people and of their templates changes nothing, and one more person never gives a name to who had none', (t) => {
  fc.assert(fc.property(near, people, near, (vector, enrolled, stranger) => {
    const match = matchFace(vector, enrolled);
    const turned = enrolled.map((one) => ({ ...one, vectors: one.vectors.slice(0, templatesMost).reverse() })).reverse();
    const more = matchFace(vector, [...enrolled, { person: 'e', vectors: [stranger] }]);
    return same(match, matchFace(vector, turned)) && (typeof more === 'string' || more.person === 'e' || same(more, match));
  }), { numRuns: 300 });
  t.end();
});

t.test('vectors that come in are not touched', (t) => {
  fc.assert(fc.property(near, people, (vector, enrolled) => {
    const before = JSON.stringify([[...vector], enrolled.map((one) => one.vectors.map((template) => [...template]))]);
    matchFace(vector, enrolled);
    return before === JSON.stringify([[...vector], enrolled.map((one) => one.vectors.map((template) => [...template]))]);
  }), { numRuns: 50 });
  t.end();
});

t.test('a name needs two frames that agree, of faces that are wide enough', (t) => {
  const a: Match = { person: 'a' }, b: Match = { person: 'b' };
  const frames = (...list: (readonly [Match, number])[]): FrameMatch[] => list.map(([match, widthPx]) => ({ match, widthPx }));
  const cases: readonly (readonly [what: string, frames: FrameMatch[], match: Match])[] = [
    ['no frame', [], 'unknown'],
    ['one frame', frames([a, 100]), 'unsure'],
    ['two that agree', frames([a, 100], [a, 48]), a],
    ['the second too small', frames([a, 100], [a, 47.9]), 'unsure'],
    ['both too small', frames([a, 20], [a, 20]), 'unsure'],
    ['of no width', frames([a, Number.NaN], [a, Number.NaN]), 'unsure'],
    ['two that do not agree', frames([a, 100], [b, 100]), 'unsure'],
    ['two that agree, and one that does not', frames([a, 100], [b, 100], [a, 100]), 'unsure'],
    ['two that agree, and one that does not but is too small to say so', frames([a, 100], [b, 30], [a, 100]), a],
    ['some that do not know do not matter', frames(['unknown', 100], [a, 100], ['unsure', 100], [a, 100]), a],
    ['a stranger', frames(['unknown', 100], ['unknown', 100]), 'unknown'],
    ['never certain', frames(['unsure', 100], ['unsure', 100], ['unknown', 100]), 'unsure'],
  ];
  for (const [what, list, match] of cases) t.strictSame(nameOf(list), match, what);
  t.end();
});

t.test('a doubt is told where a face that is wide enough resembles somebody enrolled, and of nobody else', (t) => {
  const a: Match = { person: 'a' }, b: Match = { person: 'b' };
  const cases: readonly (readonly [what: string, frames: readonly (readonly [Match, number])[], doubt: boolean])[] = [
    ['no frame', [], false], ['a stranger', [['unknown', 100], ['unknown', 100]], false], ['a stranger far away', [['unsure', 40], ['unsure', 47.9]], false], ['a stranger who came from far', [['unsure', 40], ['unknown', 100]], false],
    ['one frame', [[a, 100]], true], ['two persons as near', [['unsure', 100], ['unknown', 100]], true], ['frames that differ', [[a, 100], [b, 100]], true], ['one frame, and one too small', [[a, 100], [a, 20]], true],
    ['certain', [[a, 100], [a, 100]], false], ['certain, after a doubt', [['unsure', 100], [a, 100], [a, 100]], false], ['too small alone', [[a, 40], [a, 40]], false], ['of no width', [[a, Number.NaN]], false],
  ];
  for (const [what, list, doubt] of cases) t.equal(isInDoubt(list.map(([match, widthPx]) => ({ match, widthPx }))), doubt, what);
  t.end();
});

const matches: fc.Arbitrary<Match> = fc.oneof(fc.constantFrom('a', 'b').map((name) => ({ person: name })), fc.constantFrom('unsure' as const, 'unknown' as const));
const frames = fc.array(fc.record({ match: matches, widthPx: fc.integer({ min: 10, max: 120 }) }), { maxLength: 8 });

t.test('nobody is named by fewer frames than it takes, in whatever order they came', (t) => {
  fc.assert(fc.property(frames, fc.nat(), (list, turn) => {
    const match = nameOf(list), cut = list.length === 0 ? 0 : turn % list.length;
    if (!same(match, nameOf([...list.slice(cut), ...list.slice(0, cut)]))) return false;
    const wide = list.filter(({ widthPx }) => widthPx >= namedWidthLeastPx);
    if (!same(typeof match === 'string' ? 'unknown' : match, typeof nameOf(wide) === 'string' ? 'unknown' : nameOf(wide))) return false;
    return typeof match === 'string' || wide.filter((one) => same(one.match, match)).length >= framesLeast;
  }), { numRuns: 500 });
  t.end();
});

t.test('a doubt is no name, and is there only where some frame alone could have been one', (t) => {
  fc.assert(fc.property(frames, (list) => {
    const doubt = isInDoubt(list), name = nameOf(list);
    const hints = list.some(({ match, widthPx }) => match !== 'unknown' && widthPx >= namedWidthLeastPx);
    return doubt === (hints && typeof name === 'string');
  }), { numRuns: 500 });
  t.end();
});

const good: FaceMeasures = { box: { x: 0.3, y: 0.2, width: 0.3, height: 0.4 }, widthPx: 160, blur: 0.2, pose: { yaw: 4, roll: -3 }, score: 0.95 };

t.test('a picture to be enrolled by shows one face, large, whole, sharp, and looking this way', (t) => {
  const cases: readonly (readonly [what: string, faces: FaceMeasures[], answer: PoorReason | number])[] = [
    ['good', [good], 0],
    ['nobody', [], 'no face'],
    ['two', [good, { ...good, widthPx: 100 }], 'more than one face'],
    ['five', Array.from({ length: 5 }, () => good), 'more than one face'],
    ['somebody far behind', [{ ...good, widthPx: 50 }, good], 1],
    ['a drawing', [{ ...good, score: 0.58 }], 'unclear'],
    ['20 pixels', [{ ...good, widthPx: 20 }], 'too small'],
    ['just too small', [{ ...good, widthPx: enrolWidthLeastPx - 0.1 }], 'too small'],
    ['just large enough', [{ ...good, widthPx: enrolWidthLeastPx }], 0],
    ['at the left edge', [{ ...good, box: { ...good.box, x: 0 } }], 'cut off'],
    ['at the lower edge', [{ ...good, box: { x: 0.3, y: 0.5, width: 0.3, height: 0.5 } }], 'cut off'],
    ['moved', [{ ...good, blur: 0.51 }], 'blurred'],
    ['to the left', [{ ...good, pose: { yaw: 31, roll: 0 } }], 'turned aside'],
    ['to the right', [{ ...good, pose: { yaw: -50, roll: 0 } }], 'turned aside'],
    ['lying', [{ ...good, pose: { yaw: 0, roll: 90 } }], 'tilted'],
    ['on its head', [{ ...good, pose: { yaw: 0, roll: -179 } }], 'tilted'],
    ...(['widthPx', 'blur', 'score'] as const).map((name) => [`without a ${name}`, [{ ...good, [name]: Number.NaN }], { widthPx: 'too small', blur: 'blurred', score: 'unclear' }[name]] as [string, FaceMeasures[], PoorReason]),
  ];
  for (const [what, faces, answer] of cases) t.strictSame(judgePicture(faces), typeof answer === 'number' ? { face: faces[answer] } : { poor: answer }, what);
  t.end();
});

const measure = fc.record({
  box: fc.record({ x: fc.double({ min: 0, max: 0.6, noNaN: true }), y: fc.double({ min: 0, max: 0.6, noNaN: true }), width: fc.double({ min: 0, max: 0.4, noNaN: true }), height: fc.double({ min: 0, max: 0.4, noNaN: true }) }),
  widthPx: fc.double({ min: 0, max: 300 }), blur: fc.double({ min: 0, max: 1 }), pose: fc.record({ yaw: fc.double({ min: -90, max: 90 }), roll: fc.double({ min: -180, max: 180 }) }), score: fc.double({ min: 0, max: 1 }),
});

t.test('worse is never better: what makes one measure poorer does not make a refused picture good', (t) => {
  fc.assert(fc.property(measure, fc.double({ min: 1, max: 3, noNaN: true }), (face, factor) => {
    const judged = judgePicture([face]);
    if ('poor' in judged) {
      const worse: FaceMeasures[] = [{ ...face, widthPx: face.widthPx / factor }, { ...face, blur: face.blur * factor }, { ...face, score: face.score / factor }, { ...face, pose: { yaw: face.pose.yaw * factor, roll: face.pose.roll * factor } }];
      return poorReasons.includes(judged.poor) && worse.every((one) => 'poor' in judgePicture([one]));
    }
    return 'poor' in judgePicture([face, face]);
  }), { numRuns: 500 });
  t.end();
});

t.test('of an enrolment\'s pictures, those of somebody else are told', (t) => {
  const cases: readonly (readonly [what: string, distances: readonly number[], strangers: readonly number[]])[] = [
    ['none', [], []],
    ['one', [0], []],
    ['two of one person', [0, 0.3], []],
    ['two of one person that are far apart', [0, 0.64], []],
    ['two of two', [0, 0.9], [0, 1]],
    ['three, one of them a stranger', [0, 0.2, 1.5], [2]],
    ['a stranger in the midst', [0, 1.5, 0.2, 0.3], [1]],
    ['three strangers', [0, 1, 2], [0, 1, 2]],
  ];
  for (const [what, distances, strangers] of cases) t.strictSame(strangersAmong(distances.map(at)), strangers, what);
  t.end();
});
