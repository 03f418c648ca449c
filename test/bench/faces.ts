/**
 * How well people are recognised by pictures of a folder (`identity/file`, any format that ffmpeg reads), and what it costs: `--faces FOLDER`, else the
 * tests' own pictures where they are there. Prints
 *
 *   which pictures are refused for an enrolment, and why, beside copies made poor on purpose, all of which should be;
 *   all pairs: how many of one person are accepted at the distance where at most 1 % of two are (TAR at FAR <= 1 %), and at the hub's own distance, for faces
 *     as they are and made 80 and 48 pixels wide;
 *   naming, as the hub does it: each picture against everybody enrolled by all the others, and with its own person left out, as a stranger;
 *   time to enrol somebody with these pictures, to be sealed and durable, and to forget them, keys shredded and read back.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector, modelId } from '../../src/detect/client.ts';
import { wipeFaces, type ExaminedFace, type Picture } from '../../src/detect/protocol.ts';
import { EnrolDuty } from '../../src/duties/enrol.ts';
import { Notices } from '../../src/duties/notices.ts';
import { PeopleBook } from '../../src/duties/people.ts';
import { distanceMost, distanceOf, judgePicture, matchFace, templatesMost } from '../../src/policy/faces.ts';
import { consentText } from '../../src/policy/facesnotice.ts';
import { facesFolder, missing } from '../detect/pictures.ts';
import { dayMs, page } from '../vault/somebody.ts';
import { makeWorld, openVault } from '../vault/world.ts';
import { figure, report, type BenchOptions, type Figure } from './measure.ts';

const { values } = parseArgs({ options: { smoke: { type: 'boolean' }, json: { type: 'boolean' }, faces: { type: 'string' } }, strict: true });
const folder = values.faces ?? facesFolder;
const options: BenchOptions = { smoke: values.smoke === true, json: values.json === true, runs: 1, seconds: 0, folder: undefined, number: () => undefined, flag: () => false };
const sideMax = 1024;
const farMost = 0.01;

interface Shown { readonly who: string; readonly file: string; readonly face: ExaminedFace }

const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, answerMs: 60_000, readyMs: 60_000 });
const notes: string[] = [];
const figures: Figure[] = [];
const percent = (part: number, whole: number): string => `${part} of ${whole}${whole === 0 ? '' : ` (${((100 * part) / whole).toFixed(1)} %)`}`;

async function filesOf(): Promise<{ who: string; file: string }[]> {
  const people = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  return (await Promise.all(people.map(async (who) => (await readdir(join(folder, who))).sort().map((name) => ({ who, file: join(folder, who, name) }))))).flat();
}

/** At most `sideMax` wide and high; `scale` makes it smaller, `filter` poorer. */
async function pictureOf(file: string, { scale = 1, filter = 'null' }: { scale?: number; filter?: string } = {}): Promise<Picture | undefined> {
  const asked = await run('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', file]);
  const [w = 0, h = 0] = asked.stdout.toString().trim().split(',').map(Number);
  const factor = scale * Math.min(1, sideMax / Math.max(w, h));
  const [width, height] = [Math.round(w * factor), Math.round(h * factor)];
  if (!(Math.min(width, height) >= 16)) return undefined;
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-vf', `${filter},scale=${width}:${height}:flags=area,format=rgb24`, '-frames:v', '1', '-f', 'rawvideo', '-']);
  return stdout.length === width * height * 3 ? { rgb: new Uint8Array(stdout), width, height } : undefined;
}

async function examined(file: string, how: { scale?: number; filter?: string } = {}): Promise<readonly ExaminedFace[]> {
  const picture = await pictureOf(file, how);
  return picture === undefined ? [] : detector.examine(picture);
}

/** What spoils a picture, and should be refused. */
const spoilt: Readonly<Record<string, { scale?: number; filter?: string }>> = {
  'blurred': { filter: 'gblur=sigma=24' }, 'very small': { scale: 0.12 }, 'lying': { filter: 'transpose=1' }, 'two side by side': { filter: 'split[a][b];[a][b]hstack' }, 'the face covered': { filter: 'drawbox=x=0:y=0:w=iw:h=ih:color=gray:t=fill' },
};

async function quality(files: readonly { who: string; file: string }[]): Promise<Shown[]> {
  const shown: Shown[] = [];
  const refused = new Map<string, number>();
  for (const { who, file } of files) {
    const faces = await examined(file), judged = judgePicture(faces);
    if ('poor' in judged) refused.set(judged.poor, (refused.get(judged.poor) ?? 0) + 1);
    else shown.push({ who, file, face: judged.face });
    wipeFaces(faces.filter((face) => !('face' in judged) || face !== judged.face));
  }
  notes.push(`refused for an enrolment: ${percent(files.length - shown.length, files.length)}${refused.size === 0 ? '' : `: ${[...refused].map(([why, count]) => `${count} ${why}`).join(', ')}`}`);
  for (const [what, how] of Object.entries(spoilt)) {
    let count = 0;
    for (const { file } of shown) {
      const faces = await examined(file, how);
      if ('poor' in judgePicture(faces)) count++;
      wipeFaces(faces);
    }
    notes.push(`good ones made poor, refused: ${what}: ${percent(count, shown.length)}`);
    figures.push(figure(`refused: ${what}`, '%', [(100 * count) / Math.max(1, shown.length)]));
  }
  return shown;
}

/** Those whose face could still be found. */
async function atWidth(shown: readonly Shown[], widthPx: number | undefined): Promise<Shown[]> {
  if (widthPx === undefined) return [...shown];
  const smaller: Shown[] = [];
  for (const { who, file, face: { widthPx: was } } of shown) {
    const [face, ...rest] = await examined(file, { scale: Math.min(1, widthPx / was) });
    wipeFaces(rest);
    if (face !== undefined) smaller.push({ who, file, face });
  }
  return smaller;
}

function pairs(name: string, shown: readonly Shown[], of: number): void {
  const all = shown.flatMap((a, index) => shown.slice(index + 1).map((b) => ({ same: a.who === b.who, distance: distanceOf(a.face.vector, b.face.vector) })));
  const own = all.filter(({ same }) => same).map(({ distance }) => distance), others = all.filter(({ same }) => !same).map(({ distance }) => distance).sort((a, b) => a - b);
  // The largest distance below which at most so many strangers are.
  const threshold = others[Math.floor(others.length * farMost)] ?? Infinity;
  const accepted = own.filter((distance) => distance < threshold).length, atFixed = own.filter((distance) => distance <= distanceMost).length, wrong = others.filter((distance) => distance <= distanceMost).length;
  notes.push(`${name}: found ${percent(shown.length, of)}; TAR at FAR <= 1 %: ${percent(accepted, own.length)} below ${threshold.toFixed(3)}; at ${distanceMost}: TAR ${percent(atFixed, own.length)}, FAR ${percent(wrong, others.length)}`);
  figures.push(figure(`${name}: TAR at FAR <= 1 %`, '%', [(100 * accepted) / Math.max(1, own.length)]), figure(`${name}: TAR at ${distanceMost} (aim >= 90)`, '%', [(100 * atFixed) / Math.max(1, own.length)]), figure(`${name}: FAR at ${distanceMost} (aim <= 1)`, '%', [(100 * wrong) / Math.max(1, others.length)]));
}

/** One frame's word; the hub takes two that agree. */
function naming(name: string, enrolled: readonly Shown[], seen: readonly Shown[]): void {
  const count = { right: 0, wrong: 0, unsure: 0, unknown: 0, strangers: 0, named: 0, unsureOfStrangers: 0 };
  for (const { who, file, face } of seen) {
    const templates = [...new Set(enrolled.map((one) => one.who))].map((person) => ({ person, vectors: enrolled.filter((one) => one.who === person && one.file !== file).map((one) => one.face.vector).slice(0, templatesMost) })).filter(({ vectors }) => vectors.length > 0);
    if (templates.some(({ person }) => person === who)) {
      const match = matchFace(face.vector, templates);
      count[typeof match === 'string' ? match : match.person === who ? 'right' : 'wrong']++;
    }
    const match = matchFace(face.vector, templates.filter(({ person }) => person !== who));
    count.strangers++;
    if (typeof match !== 'string') count.named++;
    else if (match === 'unsure') count.unsureOfStrangers++;
  }
  const own = count.right + count.wrong + count.unsure + count.unknown;
  notes.push(`${name}: somebody enrolled is named rightly in ${percent(count.right, own)}, wrongly in ${count.wrong}, unsure ${count.unsure}, unknown ${count.unknown}; a stranger gets a name in ${percent(count.named, count.strangers)}, unsure ${count.unsureOfStrangers}`);
}

/** Through the decoder, the detector and the vault on this disk. */
async function life(shown: readonly Shown[]): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'sp-bench-faces-'));
  const world = makeWorld(place), vault = await openVault(world);
  const notices = new Notices({ vault, clock: world.clock, log: silentLog });
  const on = { enabled: true, consentMs: 365 * dayMs, lock: 'hub' as const };
  const book = new PeopleBook({ vault, owners: () => [], faces: () => on, model: modelId, timeTrusted: async () => true, notices, clock: world.clock, log: silentLog });
  const duty = new EnrolDuty({ vault, book, faces: () => on, model: modelId, examine: (picture) => detector.examine(picture), tools: () => ({ ffmpeg: 'ffmpeg', jail, clock: systemClock }), nameOf: () => 'bench', clock: world.clock });
  const enrolMs: number[] = [], perPictureMs: number[] = [], forgetMs: number[] = [];
  try {
    for (const who of [...new Set(shown.map((one) => one.who))].slice(0, options.smoke ? 2 : 20)) {
      const jpegs = await Promise.all(shown.filter((one) => one.who === who && /\.jpe?g$/i.test(one.file)).slice(0, templatesMost).map(({ file }) => readFile(file)));
      if (jpegs.length === 0) continue;
      const begunMs = performance.now();
      const enrolled = await duty.enrol({ name: who, how: 'in person', givenBy: who, consent: consentText.sha256, pictures: jpegs }, page.account).catch((error: unknown) => { notes.push(`not enrolled: ${(error as Error).message}`); });
      if (enrolled === undefined) continue;
      enrolMs.push(performance.now() - begunMs);
      perPictureMs.push((performance.now() - begunMs) / jpegs.length);
      const forgottenMs = performance.now();
      await vault.people.forget(enrolled.id, page);
      forgetMs.push(performance.now() - forgottenMs);
    }
    if (enrolMs.length > 0) figures.push(figure('time to enrol', 'ms', enrolMs), figure('time to enrol, a picture', 'ms', perPictureMs), figure('time to forget', 'ms', forgetMs));
  } finally {
    await book.close();
    await vault.close();
    await rm(place, { recursive: true, force: true });
  }
}

try {
  const absent = values.faces === undefined ? missing(folder) : false;
  if (absent !== false) notes.push(absent);
  else {
    const shown = await quality(await filesOf());
    for (const widthPx of options.smoke ? [undefined] : [undefined, 80, 48]) {
      const name = widthPx === undefined ? 'as they are' : `${widthPx} px wide`;
      const seen = await atWidth(shown, widthPx);
      pairs(name, seen, shown.length);
      naming(name, shown, seen);
      if (widthPx !== undefined) wipeFaces(seen.map(({ face }) => face));
    }
    await life(shown);
    wipeFaces(shown.map(({ face }) => face));
  }
  report('faces', figures, options, notes);
} finally {
  await detector.close();
}
