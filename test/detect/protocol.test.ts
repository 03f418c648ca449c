import fc from 'fast-check';
import t from 'tap';
import { isSallyportError } from '../../src/base/errors.ts';
import { wholePicture } from '../../src/detect/box.ts';
import {
  answerBytesMax, cropSide, decodeAnswer, decodeOrder, encodeAnswer, encodeOrder, examinedMax, facesMax, foundMax, keypointNames, Messages, orderBytesMax, pictureBytesMax, refusals, wipe,
  type Answer, type Order,
} from '../../src/detect/protocol.ts';
import { labels } from '../../src/detect/tracks.ts';
import { vectorLength } from '../../src/policy/faces.ts';

/** What four bytes hold exactly. */
const fraction = fc.integer({ min: 0, max: 1024 }).map((value) => value / 1024);
const box = fc.tuple(fraction, fraction, fraction, fraction).map(([x, y, width, height]) => ({ x, y, width: Math.min(width, 1 - x), height: Math.min(height, 1 - y) }));
const keypoints = fc.array(fc.record({ x: fraction, y: fraction }), { minLength: keypointNames.length, maxLength: keypointNames.length });
const quality = fc.record({ widthPx: fc.integer({ min: 0, max: 4096 }), sharpness: fraction, turn: fraction, tilt: fc.integer({ min: -180, max: 180 }) });
const id = fc.integer({ min: 1, max: 2 ** 32 - 1 });

const vector = fc.array(fraction, { minLength: vectorLength, maxLength: vectorLength }).map((values) => Float32Array.from(values));
const crop = fc.integer({ min: 0, max: 255 }).map((gray) => ({ rgb: new Uint8Array(cropSide ** 2 * 3).fill(gray), width: cropSide, height: cropSide }));
const pose = fc.record({ yaw: fc.integer({ min: -90, max: 90 }), roll: fc.integer({ min: -180, max: 180 }) });
const examined: fc.Arbitrary<Answer> = fc.record({
  kind: fc.constant('examine' as const), id, faces: fc.array(fc.record({ score: fraction, box, widthPx: fc.integer({ min: 0, max: 4096 }), blur: fraction, pose, vector, crop }), { maxLength: examinedMax }),
});
const answers: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ kind: fc.constant('objects' as const), id, found: fc.array(fc.record({ label: fc.constantFrom(...labels), score: fraction, box }), { maxLength: foundMax }) }),
  fc.record({ kind: fc.constant('faces' as const), id, faces: fc.array(fc.record({ score: fraction, box, keypoints, quality }), { maxLength: facesMax }) }),
  fc.record({ kind: fc.constant('embed' as const), id, vector }),
  fc.record({ kind: fc.constant('refused' as const), id, reason: fc.constantFrom(...refusals) }),
  fc.record({ kind: fc.constant('ready' as const), id: fc.constant(0 as const), embedding: fc.constant('ab'.repeat(32)) }),
);

const picture = fc.record({ width: fc.integer({ min: 16, max: 40 }), height: fc.integer({ min: 16, max: 40 }) }).map(({ width, height }) => ({ width, height, rgb: new Uint8Array(width * height * 3).fill(width) }));
const orders: fc.Arbitrary<Order> = fc.oneof(
  fc.record({ kind: fc.constantFrom('objects' as const, 'faces' as const, 'examine' as const), id, picture, roi: box }),
  fc.record({ kind: fc.constant('embed' as const), id, picture, keypoints }),
);

/** Without its length. */
const bodyOf = (message: Buffer): Buffer => message.subarray(4);
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, inner: unknown) => (ArrayBuffer.isView(inner) ? [...inner as Uint8Array] : inner)));

t.test('what is said is what is understood', (t) => {
  fc.assert(fc.property(answers, (answer) => JSON.stringify(plain(decodeAnswer(bodyOf(encodeAnswer(answer))))) === JSON.stringify(plain(answer))));
  fc.assert(fc.property(orders, (order) => {
    const said = decodeOrder(bodyOf(encodeOrder(order)));
    return JSON.stringify(plain({ ...said, picture: { ...said.picture, rgb: undefined } })) === JSON.stringify(plain({ ...order, picture: { ...order.picture, rgb: undefined } }))
      && Buffer.from(order.picture.rgb).equals(said.picture.rgb);
  }), { numRuns: 50 });
  t.end();
});

t.test('what is said of examined faces is what is understood, within its bound, and of one byte more or less nothing is', (t) => {
  fc.assert(fc.property(examined, (answer) => {
    const body = bodyOf(encodeAnswer(answer)), said = decodeAnswer(body);
    if (said.kind !== 'examine' || answer.kind !== 'examine' || body.length > answerBytesMax || said.faces.length !== answer.faces.length) return false;
    const equal = said.faces.every(({ vector: numbers, crop: { rgb }, ...rest }, at) => {
      const { vector: wanted, crop: { rgb: pixels }, ...other } = answer.faces[at] as (typeof answer.faces)[number];
      return Buffer.from(rgb).equals(pixels) && wanted.every((value, place) => value === numbers[place]) && JSON.stringify(rest) === JSON.stringify(other);
    });
    return equal && refused(() => decodeAnswer(Buffer.concat([body, Buffer.alloc(1)]))) && refused(() => decodeAnswer(body.subarray(0, -1)));
  }), { numRuns: 20 });
  t.end();
});

t.test('the largest answer is as long as its bound says', (t) => {
  const face = { score: 1, box: wholePicture, widthPx: 8192, blur: 1, pose: { yaw: 90, roll: 180 }, vector: new Float32Array(vectorLength).fill(-10), crop: { rgb: new Uint8Array(cropSide ** 2 * 3).fill(255), width: cropSide, height: cropSide } };
  t.equal(bodyOf(encodeAnswer({ kind: 'examine', id: 2 ** 32 - 1, faces: Array.from({ length: examinedMax }, () => face) })).length, answerBytesMax);
  t.throws(() => encodeAnswer({ kind: 'examine', id: 1, faces: Array.from({ length: examinedMax + 1 }, () => face) }), { code: 'SP_DETECTOR_SPOKE' });
  const body = bodyOf(encodeAnswer({ kind: 'examine', id: 1, faces: [face] }));
  for (const [what, place, value] of [['more faces than may be', 5, examinedMax + 1], ['a yaw beyond a quarter turn', 6 + 4 + 16 + 8 + 2, 0xff], ['a number of the vector that is none', 6 + 4 + 16 + 16 + 3, 0x7f]] as const) {
    const altered = Buffer.from(body);
    altered[place] = value;
    t.throws(() => decodeAnswer(altered), { code: 'SP_DETECTOR_SPOKE' }, what);
  }
  t.end();
});

t.test('of an answer that was wiped, no face is left', (t) => {
  fc.assert(fc.property(fc.oneof(examined, fc.record({ kind: fc.constant('embed' as const), id, vector })), (answer) => {
    wipe(answer);
    const left = answer.kind === 'embed' ? [answer.vector] : answer.kind === 'examine' ? answer.faces.flatMap(({ vector: numbers, crop: { rgb } }) => [numbers, rgb]) : [];
    return left.every((numbers) => numbers.every((value) => value === 0));
  }), { numRuns: 10 });
  t.end();
});

t.test('no answer is longer than its bound, and none with a byte more, less, or altered out of its bounds is understood as another kind', (t) => {
  fc.assert(fc.property(answers, fc.nat(), fc.integer({ min: 0, max: 255 }), (answer, place, value) => {
    const body = Buffer.from(bodyOf(encodeAnswer(answer)));
    if (body.length > answerBytesMax) return false;
    if (!refused(() => decodeAnswer(Buffer.concat([body, Buffer.alloc(1)]))) || !refused(() => decodeAnswer(body.subarray(0, -1)))) return false;
    body[place % body.length] = value;
    try {
      return inBounds(decodeAnswer(body));
    } catch (error) {
      return isSallyportError(error, 'SP_DETECTOR_SPOKE');
    }
  }), { numRuns: 500 });
  t.end();
});

t.test('whatever bytes the detector sends, they are understood within their bounds or refused with one code', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 700 }), fc.constantFrom(1, 2, 3, 4, 8, 9, 0, 77), (bytes, kind) => {
    if (bytes.length > 0) bytes[0] = kind;
    try {
      return inBounds(decodeAnswer(bytes));
    } catch (error) {
      return isSallyportError(error, 'SP_DETECTOR_SPOKE');
    }
  }), { numRuns: 1000 });
  t.end();
});

t.test('an order with a picture of another size than it says, or of a size that no order may have, is refused', (t) => {
  const order = (width: number, height: number, bytes = width * height * 3): Order => ({ kind: 'objects', id: 1, roi: wholePicture, picture: { width, height, rgb: new Uint8Array(bytes) } });
  for (const [width, height, bytes] of [[15, 20], [20, 15], [0, 0], [-16, 16], [16.5, 16], [Number.NaN, 16], [4097, 16], [2000, 1400], [640, 360, 640 * 360 * 3 - 1], [640, 360, 0]] as const) {
    t.throws(() => encodeOrder(order(width, height, bytes ?? Math.max(0, Math.ceil((width || 0) * (height || 0) * 3)))), { code: 'SP_PICTURE_SIZE' }, `${width}x${height}`);
  }
  const good = bodyOf(encodeOrder(order(32, 32)));
  t.throws(() => decodeOrder(good.subarray(0, -3)), { code: 'SP_PICTURE_SIZE' });
  t.throws(() => decodeOrder(Buffer.concat([good, good])), { code: 'SP_PICTURE_SIZE' });
  t.throws(() => decodeOrder(Buffer.from([9, ...good.subarray(1)])), { code: 'SP_DETECTOR_SPOKE' });
  t.ok(pictureBytesMax < orderBytesMax);
  t.end();
});

t.test('numbers that are none never leave', (t) => {
  for (const score of [Number.NaN, Infinity]) t.throws(() => encodeAnswer({ kind: 'objects', id: 1, found: [{ label: 'person', score, box: wholePicture }] }), { code: 'SP_DETECTOR_SPOKE' });
  t.end();
});

t.test('messages are put together from pieces of any size, and wiped after their use', (t) => {
  fc.assert(fc.property(fc.array(answers, { maxLength: 5 }), fc.integer({ min: 1, max: 300 }), (list, size) => {
    const bytes = Buffer.concat(list.map((answer) => encodeAnswer(answer)));
    const messages = new Messages(answerBytesMax);
    const taken: Buffer[] = [], heard: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      messages.take(bytes.subarray(at, at + size), (message) => {
        taken.push(message);
        heard.push(plain(decodeAnswer(message)));
      });
    }
    return JSON.stringify(heard) === JSON.stringify(plain(list)) && taken.every((message) => message.every((byte) => byte === 0));
  }), { numRuns: 100 });
  t.end();
});

t.test('a message of no length, or beyond its bound, is not waited for', (t) => {
  for (const size of [0, answerBytesMax + 1, 0xffffffff]) {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(size);
    t.throws(() => new Messages(answerBytesMax).take(prefix, () => t.fail('a message')), { code: 'SP_DETECTOR_SPOKE' });
  }
  t.end();
});

function refused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    return isSallyportError(error, 'SP_DETECTOR_SPOKE');
  }
}

function inBounds(answer: Answer): boolean {
  const within = (...values: number[]): boolean => values.every((value) => value >= 0 && value <= 1);
  switch (answer.kind) {
    case 'objects': return answer.found.length <= foundMax && answer.found.every(({ score, box: b }) => within(score, b.x, b.y, b.width, b.height));
    case 'faces': return answer.faces.length <= facesMax && answer.faces.every(({ score, box: b, keypoints: points, quality: q }) => within(score, b.x, b.y, b.width, b.height, q.sharpness, q.turn) && points.every(({ x, y }) => Math.abs(x) <= 4 && Math.abs(y) <= 4));
    case 'embed': return answer.vector.every((value) => Math.abs(value) <= 10);
    case 'examine': return answer.faces.length <= examinedMax;
    case 'refused': return refusals.includes(answer.reason);
    case 'ready': return /^[0-9a-f]{64}$/.test(answer.embedding);
  }
}
