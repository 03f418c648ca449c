/**
 * How well it is seen what moves and who comes, on real clips with labels by eye (`labels/`): visits and where they go, as the hub works; and persons
 * in single pictures of a square with many of them. Then false alarms on generated scenes without anybody. `node test/detect/quality.ts` prints it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { around, type Box, type Point } from '../../src/detect/box.ts';
import { Detector } from '../../src/detect/client.ts';
import { Motion } from '../../src/detect/motion.ts';
import { Tracks, type Visit } from '../../src/detect/tracks.ts';
import { isInside, type ZonePoint } from '../../src/policy/alarmrules.ts';
import { motionHeight, motionWidth } from '../../src/policy/motionpicture.ts';
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

/** Colour pictures at one a second. */
async function coloursOf(clip: string, width: number, height: number): Promise<Uint8Array[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', clip, '-vf', `fps=1,scale=${width}:${height}:flags=area,format=rgb24`, '-f', 'rawvideo', '-'], { timeoutMs: 120_000, stdoutBytesMax: 2 ** 28 });
  const size = width * height * 3;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, index) => new Uint8Array(stdout.subarray(index * size, (index + 1) * size)));
}

/** What was found counts where it overlaps what was labelled, in time, and each label once. */
export function score(found: readonly Span[], wanted: readonly Span[]): { found: number; wanted: number; right: number; precision: number; recall: number } {
  const left = [...found];
  const right = wanted.filter(([from, to]) => {
    const at = left.findIndex(([a, b]) => a <= to + 1 && b >= from - 1);
    if (at !== -1) left.splice(at, 1);
    return at !== -1;
  }).length;
  return { found: found.length, wanted: wanted.length, right, precision: right / found.length, recall: right / wanted.length };
}

/** As the hub does it: motion on gray; while something moves a look each second, while a visit goes on each third. */
async function visitsOf(detector: Detector, clip: string): Promise<{ visits: readonly Visit[]; feet: readonly (readonly [number, Point])[]; looks: number }> {
  const [width, height] = [640, 360];
  const gray = await grayOf(clip), colours = await coloursOf(clip, width, height);
  const motion = new Motion(), tracks = new Tracks({ unseenMs: 4000 });
  const visits: Visit[] = [];
  const feet: [number, Point][] = [];
  let looks = 0;
  for (const [index, frame] of gray.entries()) {
    const atMs = index * (1000 / fps), said = motion.frame(frame, atMs), second = Math.floor(index / fps);
    const rgb = colours[second];
    if (index % fps !== 0 || rgb === undefined) continue;
    const going = tracks.going.map(({ last }) => last.box);
    const roi = said.state === 'moving' ? around([...(said.moving === undefined ? [] : [said.moving]), ...going]) : second % 3 === 0 ? around(going) : undefined;
    const found = roi === undefined ? undefined : await detector.objects({ rgb, width, height }, roi);
    if (found !== undefined) looks++;
    visits.push(...(found === undefined ? tracks.pass(atMs) : tracks.look({ atMs, picture: second, found })).ended);
    for (const { box } of found ?? []) feet.push([second, { x: box.x + box.width / 2, y: box.y + box.height }]);
  }
  visits.push(...tracks.end().ended);
  return { visits, feet, looks };
}

/** Times at which feet were in the zone, together where less than three seconds lie between. */
function spansIn(feet: readonly (readonly [number, Point])[], points: readonly ZonePoint[]): Span[] {
  const spans: [number, number][] = [];
  for (const [second, foot] of feet) {
    // The feet of who is cut by the lower edge lie on it.
    if (!isInside([foot.x, Math.min(foot.y, 0.999)], points)) continue;
    const last = spans.at(-1);
    if (last !== undefined && second - last[1] <= 4) last[1] = second;
    else spans.push([second, second]);
  }
  return spans;
}

async function room(detector: Detector): Promise<void> {
  const { zones, ...wanted } = await labels<RoomLabels>('room');
  const { visits, feet, looks } = await visitsOf(detector, walkClip);
  const spans = visits.filter(({ label }) => label === 'person').map(({ fromMs, toMs }): Span => [fromMs / 1000, toMs / 1000]);
  print('visits of the room', score(spans, wanted.visits), `${looks} looks; ${visits.filter(({ label }) => label !== 'person').length} of other kinds; ${spans.map(([a, b]) => `${a}-${b}`).join(' ')}`);
  for (const { name, points } of zones) print(`zone ${name}`, score(spansIn(feet, points), wanted[name as 'table' | 'door']));
}

/** A person is found when a box holds the point, nearly; a box is right when it holds one. */
async function square(detector: Detector): Promise<void> {
  const { pictures } = await labels<SquareLabels>('square');
  const [width, height] = [768, 576];
  const motion = new Motion(), gray = await grayOf(squareClip);
  const counts = new Map(['whole picture', 'whole picture, where something moved'].map((name) => [name, { persons: 0, seen: 0, boxes: 0, right: 0 }]));
  let watched = 0;
  for (const { second, persons } of pictures) {
    for (; watched <= second * fps; watched++) motion.frame(gray[watched] as Uint8Array, watched * (1000 / fps));
    const { stdout } = await run('ffmpeg', ['-v', 'error', '-ss', String(second), '-i', squareClip, '-frames:v', '1', '-vf', `scale=${width}:${height},format=rgb24`, '-f', 'rawvideo', '-']);
    const all = (await detector.objects({ rgb: new Uint8Array(stdout), width, height })).filter(({ label }) => label === 'person');
    const hits = (box: Box, [x, y]: readonly [number, number]): boolean => Math.abs(x - box.x - box.width / 2) < box.width / 2 + 0.015 && Math.abs(y - box.y - box.height / 2) < box.height / 2 + 0.015;
    for (const [name, count] of counts) {
      // Before it has learned the scene, everything may move.
      if (name.endsWith('moved') && second < 8) continue;
      const boxes = name.endsWith('moved') ? all.filter(({ box }) => motion.moved(box)) : all;
      count.persons += persons.length;
      count.boxes += boxes.length;
      count.seen += persons.filter((point) => boxes.some(({ box }) => hits(box, point))).length;
      count.right += boxes.filter(({ box }) => persons.some((point) => hits(box, point))).length;
    }
  }
  for (const [name, { persons, seen, boxes, right }] of counts) console.log(`persons of the square, ${name}: ${seen} of ${persons} found (recall ${percent(seen / persons)}), ${right} of ${boxes} boxes right (precision ${percent(right / boxes)})`);
}

export const empty: readonly (readonly [name: string, scene: SceneOptions])[] = [
  ['empty', {}], ['by night', { noise: 8 }], ['cloudy', { light: (second) => 20 * Math.sin(second / 10) }], ['flashes', { light: (second) => (second % 30 < 0.4 ? 90 : 0) }],
  ['windy', { wind: 3 }], ['stormy', { wind: 4, streaks: 100, noise: 3 }], ['drizzle', { streaks: 50 }], ['rain', { streaks: 150 }], ['downpour', { streaks: 300 }], ['flickering', { flicker: 40 }],
];

/** Motions that begin, each of ten minutes. */
export function falseMotions(seconds: number, what: SceneOptions, seed: number): number {
  const motion = new Motion();
  let count = 0, before = false;
  for (const { gray, atMs } of scene(seconds, seed, what)) {
    const now = motion.frame(gray, atMs).moving !== undefined;
    if (now && !before) count++;
    before = now;
  }
  return count;
}

function print(name: string, { found, wanted, right, precision, recall }: ReturnType<typeof score>, more = ''): void {
  console.log(`${name}: ${right} of ${wanted} (recall ${percent(recall)}), ${found} said (precision ${percent(precision)})${more === '' ? '' : `; ${more}`}`);
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
  } finally {
    await detector.close();
  }
  for (const [name, what] of empty) console.log(`motions in ten minutes, ${name}: ${falseMotions(600, what, 1)}`);
}
