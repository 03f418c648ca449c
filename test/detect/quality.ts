/**
 * How well it is seen who comes, on real clips with labels by eye (`labels/`), by the hub's own way from pictures to alarms (`hubpath.ts`): visits, who
 * stands in a zone, and persons in single pictures of a square with many of them; and false alarms on generated scenes without anybody, of a rule of
 * persons and vehicles and of one of motion. `node test/detect/quality.ts` prints it (`--minutes` of each scene, 10 when absent).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import type { Box } from '../../src/detect/box.ts';
import { Detector } from '../../src/detect/client.ts';
import type { Picture } from '../../src/detect/protocol.ts';
import type { ObjectFinder } from '../../src/duties/looker.ts';
import { footOf, isInside, type Zone } from '../../src/policy/alarmrules.ts';
import { motionHeight, motionWidth } from '../../src/policy/motionpicture.ts';
import { ruleOf, watch, type SeenAt, type Watched } from './hubpath.ts';
import { missing, squareClip, walkClip } from './pictures.ts';
import { fps, scene, type SceneOptions } from './scenes.ts';

type Span = readonly [from: number, to: number];
export interface RoomLabels { readonly zones: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[]; readonly visits: readonly Span[]; readonly table: readonly Span[]; readonly door: readonly Span[] }
interface SquareLabels { readonly pictures: readonly { readonly second: number; readonly persons: readonly (readonly [number, number])[] }[] }

export async function labels<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(import.meta.dirname, 'labels', `${name}.json`), 'utf8')) as T;
}

/** All gray pictures of a clip at five a second, as the motion takes them. */
export async function grayOf(clip: string): Promise<Uint8Array[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', clip, '-vf', `fps=${fps},scale=${motionWidth}:${motionHeight}:flags=area,format=gray`, '-f', 'rawvideo', '-'], { timeoutMs: 120_000 });
  const size = motionWidth * motionHeight;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, index) => new Uint8Array(stdout.subarray(index * size, (index + 1) * size)));
}

/** Colour pictures, as they are at each whole second. */
async function coloursOf(clip: string, width: number, height: number): Promise<Uint8Array[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', clip, '-vf', `fps=1:round=up,scale=${width}:${height}:flags=area,format=rgb24`, '-f', 'rawvideo', '-'], { timeoutMs: 120_000, stdoutBytesMax: 2 ** 28 });
  const size = width * height * 3;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, index) => new Uint8Array(stdout.subarray(index * size, (index + 1) * size)));
}

const overlaps = ([from, to]: Span, [a, b]: Span): boolean => a <= to + 1 && b >= from - 1;

/** What is labelled is found where something was told of at its time; what was told is right where something is labelled. To a second. */
export function score(found: readonly Span[], wanted: readonly Span[]): { found: number; wanted: number; covered: number; precision: number; recall: number } {
  const covered = wanted.filter((label) => found.some((span) => overlaps(label, span))).length;
  return { found: found.length, wanted: wanted.length, covered, precision: found.filter((span) => wanted.some((label) => overlaps(label, span))).length / found.length, recall: covered / wanted.length };
}

/** A clip as the hub would look at it, all of it. */
async function watched(detector: ObjectFinder, clip: string, [width, height]: readonly [number, number], more: { readonly rules: readonly ReturnType<typeof ruleOf>[]; readonly zones?: readonly Zone[] }): Promise<Watched> {
  const gray = await grayOf(clip), colours = await coloursOf(clip, width, height);
  const colour = (second: number): Picture | undefined => {
    const rgb = colours[Math.floor(second)];
    // It is wiped after its look.
    return rgb === undefined ? undefined : { rgb: Uint8Array.from(rgb), width, height };
  };
  return watch({ detector, colour, gray: gray.map((picture, index) => ({ gray: picture, second: index / fps })), ...more });
}

/** Times at which persons were told of in the zone, or anywhere, together where less than five seconds lie between. */
export function spansOf(seen: readonly SeenAt[], zone?: Pick<Zone, 'points'>): Span[] {
  const spans: [number, number][] = [];
  for (const { kind, box, second } of seen) {
    if (kind !== 'person' || box === undefined) continue;
    const [x, y] = footOf(box);
    // The feet of who is cut by the lower edge lie on it.
    if (zone !== undefined && !isInside([x, Math.min(y, 0.999)], zone.points)) continue;
    const last = spans.at(-1);
    if (last !== undefined && second - last[1] <= 4) last[1] = Math.max(last[1], second);
    else spans.push([second, second]);
  }
  return spans;
}

async function room(detector: ObjectFinder): Promise<void> {
  const { zones: places, ...wanted } = await labels<RoomLabels>('room');
  const zones: Zone[] = places.map(({ name, points }) => ({ camera: 'front', name, mask: false, points }));
  const { seen, looks, observations, alarms } = await watched(detector, walkClip, [640, 360], { zones, rules: [ruleOf('anybody', ['person', 'vehicle']), ...zones.map(({ name }) => ruleOf(name, ['person'], [name]))] });
  const stray = seen.filter(({ second }) => !wanted.visits.some((label) => overlaps(label, [second, second]))).length;
  const of = (kind: string): number => observations.filter((one) => one.kind === kind).length;
  print('who comes into the room', score(spansOf(seen), wanted.visits), `${stray} of ${seen.length} sightings while nobody is there; ${looks.length} looks; ${of('person')} observations of persons, ${of('vehicle')} of vehicles; alarms of a rule of both: ${told(alarms['anybody'])}`);
  for (const zone of zones) print(`who stands at the ${zone.name}`, score(spansOf(seen, zone), wanted[zone.name as 'table' | 'door']), `alarms of a rule with that zone: ${told(alarms[zone.name])}`);
}

/** A person is found when a box holds the point, nearly; a box is right when it holds one. Of the hub's own look that is nearest to each labelled picture, within a second. */
async function square(detector: ObjectFinder): Promise<void> {
  const { pictures } = await labels<SquareLabels>('square');
  const { looks } = await watched(detector, squareClip, [768, 576], { rules: [ruleOf('anybody', ['person', 'vehicle'])] });
  const hits = (box: Box, [x, y]: readonly [number, number]): boolean => Math.abs(x - box.x - box.width / 2) < box.width / 2 + 0.015 && Math.abs(y - box.y - box.height / 2) < box.height / 2 + 0.015;
  const count = { pictures: 0, persons: 0, seen: 0, boxes: 0, right: 0 };
  for (const { second, persons } of pictures) {
    const look = looks.find((one) => Math.floor(one.second) === second);
    if (look === undefined) continue;
    const boxes = look.found.filter(({ label }) => label === 'person');
    count.pictures++;
    count.persons += persons.length;
    count.boxes += boxes.length;
    count.seen += persons.filter((point) => boxes.some(({ box }) => hits(box, point))).length;
    count.right += boxes.filter(({ box }) => persons.some((point) => hits(box, point))).length;
  }
  const { persons, seen, boxes, right } = count;
  console.log(`persons of the square: the hub looked at ${count.pictures} of ${pictures.length} labelled pictures; ${seen} of ${persons} found there (recall ${percent(seen / persons)}), ${right} of ${boxes} boxes right (precision ${percent(right / boxes)})`);
}

export const empty: readonly (readonly [name: string, scene: SceneOptions])[] = [
  ['empty', {}], ['by night', { noise: 8 }], ['cloudy', { light: (second) => 20 * Math.sin(second / 10) }], ['flashes', { light: (second) => (second % 30 < 0.4 ? 90 : 0) }],
  ['windy', { wind: 3 }], ['stormy', { wind: 4, streaks: 100, noise: 3 }], ['drizzle', { streaks: 50 }], ['rain', { streaks: 150 }], ['downpour', { streaks: 300 }], ['flickering', { flicker: 40 }],
];

/** Alarms of a rule of persons and vehicles, and of one of motion, where nobody is. The detector is shown the scene as large as it is made. */
export async function falseAlarms(detector: ObjectFinder, seconds: number, what: SceneOptions, seed: number): Promise<{ readonly objects: number; readonly motion: number; readonly looks: number }> {
  let last: Uint8Array = new Uint8Array(motionWidth * motionHeight);
  function* pictures(): Generator<{ gray: Uint8Array; second: number }> {
    for (const { gray, second } of scene(seconds, seed, what)) {
      last = Uint8Array.from(gray);
      yield { gray, second };
    }
  }
  const colour = (): Picture => ({ rgb: Uint8Array.from({ length: last.length * 3 }, (_, at) => last[Math.floor(at / 3)] as number), width: motionWidth, height: motionHeight });
  const { alarms, looks } = await watch({ gray: pictures(), colour, detector, rules: [ruleOf('objects', ['person', 'vehicle']), ruleOf('motion', ['motion'])] });
  return { objects: alarms['objects']?.length ?? 0, motion: alarms['motion']?.length ?? 0, looks: looks.length };
}

function told(begun: readonly number[] = []): string {
  return begun.length === 0 ? 'none' : `${begun.length} (${begun.map((second) => `${second.toFixed(0)} s`).join(', ')})`;
}

function print(name: string, { found, wanted, covered, precision, recall }: ReturnType<typeof score>, more = ''): void {
  console.log(`${name}: ${covered} of ${wanted} (recall ${percent(recall)}), ${found} said (precision ${percent(precision)})${more === '' ? '' : `; ${more}`}`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

if (import.meta.main) {
  const detector = new Detector({ clock: systemClock, log: silentLog, jail: new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' }), random: () => 0, answerMs: 60_000, readyMs: 60_000 });
  try {
    if (missing(walkClip) === false) await room(detector);
    else console.log('visits of the room: skipped, the clip is not there');
    if (missing(squareClip) === false) await square(detector);
    else console.log('persons of the square: skipped, the clip is not there');
    const { values: { minutes } } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
    for (const [name, what] of empty) {
      const { objects, motion, looks } = await falseAlarms(detector, Number(minutes) * 60, what, 1);
      const hourly = (count: number): string => `${count} (${((60 * count) / Number(minutes)).toFixed(0)} an hour)`;
      console.log(`false alarms in ${minutes} minutes, ${name}: of persons and vehicles ${hourly(objects)}, of motion ${hourly(motion)}; ${looks} looks`);
    }
  } finally {
    await detector.close();
  }
}
