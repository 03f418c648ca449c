import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { createLog } from '../../src/base/log.ts';
import { Moments } from '../../src/capture/moments.ts';
import { MediaRing } from '../../src/capture/ring.ts';
import type { ExaminedFace, Picture } from '../../src/detect/protocol.ts';
import { FaceFinder, type FaceQuestion } from '../../src/duties/faces.ts';
import { namedWidthLeastPx, vectorLength, type PersonTemplates } from '../../src/policy/faces.ts';
import { makeClip, streamOf, take } from '../capture/clips.ts';

const vectorAt = (place: number): Float32Array => new Float32Array(vectorLength).fill(place, 0, 1);
const faceAt = (place: number, widthPx = 100): ExaminedFace => ({
  box: { x: 0.4, y: 0.4, width: 0.2, height: 0.2 }, widthPx, blur: 0.1, pose: { yaw: 0, roll: 0 }, score: 0.9, vector: vectorAt(place), crop: { rgb: new Uint8Array(160 * 160 * 3).fill(7), width: 160, height: 160 },
});
const ann: PersonTemplates = { person: 'ann', vectors: [vectorAt(0)] };
const bob: PersonTemplates = { person: 'bob', vectors: [vectorAt(2)] };

interface Fixture {
  readonly finder: FaceFinder;
  readonly question: FaceQuestion;
  /** Those that the detector was shown. */
  readonly pictures: Picture[];
  /** The memory that they came in. */
  readonly held: Uint8Array[];
  readonly lent: { asked: number; released: number };
  readonly lines: string[];
  templates: readonly PersonTemplates[];
  faces: readonly ExaminedFace[];
  /** Called while the detector looks. */
  meanwhile: () => void;
}

/** A real stream of 320x240 in memory and real decoders; the detector is told what it sees. */
async function fixture(t: Test): Promise<Fixture> {
  const { inits, fragments } = take(await streamOf(await makeClip(join(t.testdir(), 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false }));
  const ring = new MediaRing(2 ** 24);
  ring.retain(10_000);
  ring.begin(inits[0]!);
  for (const fragment of fragments) ring.push({ ...fragment, monotonicMs: 100_000 + fragment.timeMs });
  const lines: string[] = [];
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) });
  const moments = new Moments({ clock: systemClock, log });
  t.teardown(() => moments.close());
  const pictures: Picture[] = [];
  const held: Uint8Array[] = [];
  const lent = { asked: 0, released: 0 };
  const given = { templates: [ann, bob] as readonly PersonTemplates[], faces: [] as readonly ExaminedFace[], meanwhile: (): void => {} };
  const finder = new FaceFinder({
    moments, log, templates: () => given.templates,
    detector: {
      examine: async (picture) => {
        pictures.push({ ...picture, rgb: Uint8Array.from(picture.rgb) });
        held.push(picture.rgb);
        given.meanwhile();
        return given.faces;
      },
    },
  });
  const watch = { lend: async (stream: 'main' | 'sub') => { lent.asked++; return { stream, capture: { excerpt: (atMs: number) => ring.excerpt(atMs) }, release: () => { lent.released++; } }; } } as unknown as FaceQuestion['watch'];
  return Object.assign(given, { finder, pictures, held, lent, lines, question: { camera: 'front', watch, ffmpeg: 'ffmpeg', jail: undefined, atMs: 102_000, box: { x: 0.25, y: 0, width: 0.5, height: 1 } } });
}

const isWiped = ({ vector, crop: { rgb } }: ExaminedFace): boolean => vector.every((value) => value === 0) && rgb.every((value) => value === 0);

t.test('a face is compared with those who may be recognised, and overwritten before anything is said of it', async (t) => {
  const f = await fixture(t);
  const cases: readonly (readonly [what: string, faces: readonly ExaminedFace[], answer: unknown])[] = [
    ['somebody who is enrolled', [faceAt(0.1)], { match: { person: 'ann' }, widthPx: 100 }],
    ['the other one', [faceAt(1.9)], { match: { person: 'bob' }, widthPx: 100 }],
    ['a stranger', [faceAt(1)], { match: 'unknown', widthPx: 100 }],
    ['nobody', [], undefined],
    ['too small to be named', [faceAt(0, namedWidthLeastPx - 1)], { match: 'unsure', widthPx: namedWidthLeastPx - 1 }],
    ['two side by side', [faceAt(0), faceAt(2, 90)], { match: 'unsure', widthPx: 100 }],
    ['two strangers side by side', [faceAt(1), faceAt(1.05, 90)], { match: 'unknown', widthPx: 100 }],
    ['a stranger beside somebody who is enrolled', [faceAt(1), faceAt(0, 90)], { match: 'unsure', widthPx: 100 }],
    ['one behind', [faceAt(0), faceAt(2, 50)], { match: { person: 'ann' }, widthPx: 100 }],
  ];
  for (const [what, faces, answer] of cases) {
    f.faces = faces;
    t.strictSame(await f.finder.look(f.question), answer, what);
    t.ok(faces.every(isWiped), `${what}: wiped`);
  }
  t.strictSame(f.lines.filter((line) => /ann|bob|unknown|stranger/.test(line)), [], 'nothing of it is logged');
  const [first] = f.pictures as [Picture];
  // 0.5 of 320 and 0.6 of 240, each with its margin.
  t.strictSame([first.width, first.height], [208, 166], 'the upper part of somebody, at the stream\'s own size');
  t.ok(new Set(first.rgb).size > 50);
  t.ok(f.held.every((rgb) => rgb.every((value) => value === 0)), 'no picture is left');
  t.equal(f.lent.asked, f.lent.released);
});

t.test('while nobody is to be recognised, nothing is decoded and nothing looked at; nor of somebody who is too far away', async (t) => {
  const f = await fixture(t);
  f.faces = [faceAt(0)];
  t.equal(await f.finder.look({ ...f.question, box: { x: 0.4, y: 0.2, width: 0.2, height: 0.55 } }), 'not looked', 'of 132 pixels');
  t.strictSame([f.lent.asked, f.pictures.length], [1, 0]);
  f.templates = [];
  t.equal(await f.finder.look(f.question), 'not looked');
  t.strictSame([f.lent.asked, f.lent.released, f.pictures.length], [1, 1, 0], 'the stream is not even asked for');
});

t.test('who withdraws consent while it is looked is not named', async (t) => {
  const f = await fixture(t);
  f.faces = [faceAt(0)];
  f.meanwhile = () => { f.templates = [bob]; };
  t.strictSame(await f.finder.look(f.question), { match: 'unknown', widthPx: 100 });
  f.meanwhile = () => { f.templates = []; };
  f.templates = [ann];
  f.faces = [faceAt(0)];
  t.strictSame(await f.finder.look(f.question), { match: 'unknown', widthPx: 100 });
});

t.test('what cannot be looked at is no face, and stops nothing', async (t) => {
  const f = await fixture(t);
  t.equal(await f.finder.look({ ...f.question, atMs: 50_000 }), undefined, 'out of the memory');
  f.meanwhile = () => { throw new SallyportError('SP_DETECTOR_BUSY'); };
  t.equal(await f.finder.look(f.question), undefined, 'the detector has too much to do');
  t.ok(f.held.every((rgb) => rgb.every((value) => value === 0)));
  t.equal(f.pictures.length, 1);
});
