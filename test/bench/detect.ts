/**
 * What the detector costs: milliseconds and CPU of a picture looked at for persons and vehicles, of a face found, and of one made into its vector; memory
 * with and without it; how long until it is ready; and, with `--faces FOLDER` (pictures as `identity/file`), how often faces of one are taken for
 * one at the fixed distance, and of two.
 */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector } from '../../src/detect/client.ts';
import type { Face, Picture } from '../../src/detect/protocol.ts';
import { atSecond, facesFolder, missing, plain, walkClip } from '../detect/pictures.ts';
import { figure, quantile, report, usageOf, type BenchOptions, type Figure } from './measure.ts';

const { values } = parseArgs({ options: { smoke: { type: 'boolean' }, json: { type: 'boolean' }, runs: { type: 'string' }, faces: { type: 'string' } }, strict: true });
const smoke = values.smoke === true;
const runs = Number(values.runs ?? (smoke ? 3 : 40));
const options: BenchOptions = { smoke, json: values.json === true, runs, seconds: 0, folder: undefined, number: () => undefined };
/** L2; chosen before, on other pictures. */
const distanceMax = 0.55;

const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, answerMs: 60_000, readyMs: 60_000 });
const notes: string[] = [];
const figures: Figure[] = [];

/** Wall and CPU of each run, in ms. */
async function measured(name: string, deed: () => Promise<unknown>): Promise<void> {
  await deed();
  const wall: number[] = [], cpu: number[] = [];
  for (let index = 0; index < runs; index++) {
    const before = usageOf([detector.pid as number]).cpuSeconds, begunMs = performance.now();
    await deed();
    wall.push(performance.now() - begunMs);
    cpu.push((usageOf([detector.pid as number]).cpuSeconds - before) * 1000);
  }
  figures.push(figure(`${name}, wall`, 'ms', wall), figure(`${name}, CPU`, 'ms', cpu));
  notes.push(`${name}: p95 ${quantile(wall, 0.95).toFixed(0)} ms wall, ${quantile(cpu, 0.95).toFixed(0)} ms CPU; ${(1000 / quantile(cpu, 0.5)).toFixed(1)} a second of one core`);
}

const rssMib = (): number => usageOf([detector.pid as number]).rssBytes / 2 ** 20;

async function timeToReady(): Promise<void> {
  const wall: number[] = [], cpu: number[] = [];
  for (let index = 0; index < Math.min(runs, 5); index++) {
    const one = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, readyMs: 60_000, answerMs: 60_000 });
    const begunMs = performance.now();
    const first = one.embed(plain(16, 16), Array.from({ length: 6 }, () => ({ x: 0.5, y: 0.5 }))).catch(() => {});
    await first;
    wall.push(performance.now() - begunMs);
    cpu.push(usageOf([one.pid as number]).cpuSeconds * 1000);
    await one.close();
  }
  figures.push(figure('from the first order to ready, wall (aim 1500)', 'ms', wall), figure('from the first order to ready, CPU', 'ms', cpu));
}

/** At its own size, at most 640 wide. */
async function pictureOf(file: string, scale = 1): Promise<Picture> {
  const asked = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', file]);
  const [w, h] = asked.stdout.toString().trim().split(',').map(Number) as [number, number];
  const width = Math.max(16, Math.round(w * scale)), height = Math.max(16, Math.round(h * scale));
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-vf', `scale=${width}:${height}:flags=area,format=rgb24`, '-frames:v', '1', '-f', 'rawvideo', '-']);
  return { rgb: new Uint8Array(stdout), width, height };
}

interface Named { readonly who: string; readonly vector: Float32Array }

/** The largest face of each picture, shrunk to that many pixels of width; undefined: as it is. */
async function vectorsOf(folder: string, widthPx: number | undefined): Promise<{ all: Named[]; pictures: number }> {
  const all: Named[] = [];
  let pictures = 0;
  for (const entry of (await readdir(folder, { withFileTypes: true })).filter((one) => one.isDirectory())) {
    for (const name of await readdir(join(folder, entry.name))) {
      const file = join(folder, entry.name, name);
      pictures++;
      let picture = await pictureOf(file);
      let [face] = await detector.faces(picture) as [Face | undefined];
      if (face !== undefined && widthPx !== undefined) {
        picture = await pictureOf(file, widthPx / face.quality.widthPx);
        [face] = await detector.faces(picture) as [Face | undefined];
      }
      if (face !== undefined) all.push({ who: entry.name, vector: (await detector.embed(picture, face.keypoints)).vector });
    }
  }
  return { all, pictures };
}

async function faces(folder: string): Promise<void> {
  for (const widthPx of [undefined, 80, 48, 32]) {
    const { all, pictures } = await vectorsOf(folder, widthPx);
    const pairs = all.flatMap((a, index) => all.slice(index + 1).map((b) => ({ same: a.who === b.who, near: Math.hypot(...a.vector.map((value, at) => value - (b.vector[at] as number))) < distanceMax })));
    const same = pairs.filter((pair) => pair.same), other = pairs.filter((pair) => !pair.same);
    notes.push(`faces ${widthPx === undefined ? 'as they are' : `of ${widthPx} px`}: found in ${all.length} of ${pictures} pictures; below ${distanceMax}: ${same.filter(({ near }) => near).length} of ${same.length} pairs of one person (TAR), ${other.filter(({ near }) => near).length} of ${other.length} of two (FAR)`);
    for (const { vector } of all) vector.fill(0);
  }
}

try {
  await timeToReady();
  const frame = missing(walkClip) === false ? await atSecond(walkClip, 10) : plain(640, 360);
  await detector.objects(frame);
  figures.push(figure('memory, models of objects and faces loaded (aim 300)', 'MiB', [rssMib()]));
  await measured('persons and vehicles, a crop of 640x360', () => detector.objects(frame, { x: 0.4, y: 0, width: 0.3, height: 1 }));
  if (missing(facesFolder) === false) {
    const portrait = await pictureOf(join(facesFolder, 'person-1/20.jpg'));
    const [face] = await detector.faces(portrait) as [Face];
    await measured('faces, found', () => detector.faces(portrait));
    await measured('face to vector', async () => (await detector.embed(portrait, face.keypoints)).vector.fill(0));
    await measured('face and vector', async () => (await detector.embed(portrait, ((await detector.faces(portrait)) as [Face])[0].keypoints)).vector.fill(0));
  }
  figures.push(figure('memory after all of it (aim 300)', 'MiB', [rssMib()]));
  notes.push(`most memory ever: ${Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${detector.pid}/status`, 'latin1'))?.[1]) >> 10} MiB; when it is ended: 0`);
  const folder = values.faces ?? facesFolder;
  if (missing(folder) === false) await faces(folder);
  else notes.push('faces: skipped, there are no pictures');
  report('the detector', figures, options, notes);
} finally {
  await detector.close();
}
