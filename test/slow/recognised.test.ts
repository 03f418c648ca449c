/** Who comes into a camera's picture is recognised, if enrolled, and is nobody otherwise: real stream, decoders and models. */
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { createLog, silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Moments } from '../../src/capture/moments.ts';
import { Detector } from '../../src/detect/client.ts';
import type { ExaminedFace } from '../../src/detect/protocol.ts';
import type { Observed } from '../../src/duties/alarms.ts';
import { DetectDuty } from '../../src/duties/detect.ts';
import { FaceFinder } from '../../src/duties/faces.ts';
import type { AlarmRule } from '../../src/policy/alarmrules.ts';
import { judgePicture, type PersonTemplates } from '../../src/policy/faces.ts';
import { always } from '../../src/policy/schedule.ts';
import { faceOf, facesFolder, missing } from '../detect/pictures.ts';
import { oneCamera, until, type Ending, type OneCamera } from '../duties/onecamera.ts';
import { camera, hub } from '../policy/configs.ts';

t.setTimeout(300_000);

const rule: AlarmRule = { name: 'anybody', kinds: ['person'], ...always, keepMs: 3_600_000, beforeMs: 0, afterMs: 5000, enabled: true };

/** Somebody who walks from one side of the picture to the other and back, looking at the camera. */
async function walker(folder: string, face: string): Promise<string> {
  const file = join(folder, `${face.replace('/', '-')}.mp4`);
  const made = await run('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', 'color=gray:s=1280x720:r=10:d=12', '-loop', '1', '-i', join(facesFolder, face),
    '-filter_complex', "[1:v]scale=-2:640[f];[0:v][f]overlay=x='(W-w)/2+(W-w)/2*sin(t*PI/3)':y=80:shortest=1,noise=alls=6:allf=t", '-c:v', 'libx264', '-preset', 'veryfast', '-g', '10', '-bf', '0', '-pix_fmt', 'yuv420p', file,
  ]);
  if (made.status !== 0) throw new Error(made.stderr);
  return file;
}

interface Fixture extends OneCamera {
  readonly duty: DetectDuty;
  readonly detector: Detector;
  readonly seen: Observed[];
  readonly lines: string[];
  /** Pictures that were examined. */
  readonly examined: { count: number };
  templates: readonly PersonTemplates[];
}

async function fixture(t: Ending & { testdir(): string }, face: string): Promise<Fixture> {
  const one = await oneCamera(t, { emulator: { clip: await walker(t.testdir(), face), seconds: 12 } });
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const detector = new Detector({ clock: systemClock, log: silentLog, random: () => 0, jail, readyMs: 60_000, answerMs: 60_000 });
  const moments = new Moments({ clock: systemClock, log: silentLog });
  const lines: string[] = [], seen: Observed[] = [], examined = { count: 0 };
  const given = { templates: [] as readonly PersonTemplates[] };
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) });
  const finder = new FaceFinder({ detector: { examine: (picture) => { examined.count++; return detector.examine(picture); } }, moments, templates: () => given.templates, log });
  const config = hub(3, [camera('front')], { alarms: [rule] });
  const duty = new DetectDuty({
    config: () => config, watchOf: () => one.watch, jail: () => jail, detector, moments, face: finder, vault: one.vault, clock: systemClock, log, random: () => 0, onSeen: (what) => seen.push(what), onEnded: () => {},
  });
  t.teardown(async () => {
    await duty.close();
    await detector.close();
    await moments.close();
  });
  return Object.assign(given, { ...one, duty, detector, seen, lines, examined });
}

/** By one picture, as it is enrolled. */
async function enrolled(detector: Detector, person: string, file: string): Promise<PersonTemplates> {
  const judged = judgePicture(await detector.examine(await faceOf(file)));
  if ('poor' in judged) throw new Error(`${file}: ${judged.poor}`);
  return { person, vectors: [(judged.face as ExaminedFace).vector] };
}

t.test('who is enrolled is named by what the camera shows, by another picture than the enrolled one, and by nobody else\'s name', { skip: missing(facesFolder) }, async (t) => {
  const f = await fixture(t, 'person-1/20.jpg');
  f.templates = [await enrolled(f.detector, 'ann', 'person-1/21.jpg'), await enrolled(f.detector, 'bob', 'person-4/22.jpg')];
  f.duty.start();
  await until(() => f.seen.some(({ person }) => person !== undefined));
  t.ok(f.seen.every(({ person }) => person === undefined || person === 'ann'));
  const visit = f.seen.find(({ person }) => person !== undefined)!.name, count = f.examined.count;
  t.ok(count >= 2, `by ${count} frames`);
  const told = f.seen.length;
  await until(() => f.seen.length > told + 3);
  t.ok(f.seen.slice(told).every(({ name, person }) => name !== visit || person === 'ann'), 'each later word of the visit names the same');
  t.equal(f.examined.count, count, 'and nothing more is looked at');
  t.notMatch(f.lines.join(''), /ann|bob/, 'the log has no name');
});

t.test('a stranger is nobody, however often seen; and while nobody is enrolled no face is examined at all', { skip: missing(facesFolder) }, async (t) => {
  const f = await fixture(t, 'person-3/3.jpg');
  f.duty.start();
  await until(() => f.seen.length > 4);
  t.equal(f.examined.count, 0, 'nobody is enrolled');
  f.templates = [await enrolled(f.detector, 'ann', 'person-1/21.jpg'), await enrolled(f.detector, 'bob', 'person-4/22.jpg')];
  await until(() => f.examined.count >= 5);
  const told = f.seen.length;
  await until(() => f.seen.length > told + 1);
  t.ok(f.seen.every(({ person, unsure }) => person === undefined && unsure !== true), 'nor is there a doubt');
  f.templates = [];
  const count = f.examined.count;
  await until(() => f.seen.length > told + 4);
  t.ok(f.examined.count <= count + 1, 'nor after the last consent is gone');
});

t.test('who is as near to one enrolled person as to another is named by neither, and that it is not certain is told', { skip: missing(facesFolder) }, async (t) => {
  const f = await fixture(t, 'person-1/20.jpg');
  // The same face under two names: no picture can tell which of them it is.
  const [vector] = (await enrolled(f.detector, 'ann', 'person-1/21.jpg')).vectors as [Float32Array];
  f.templates = [{ person: 'ann', vectors: [vector] }, { person: 'anne', vectors: [Float32Array.from(vector)] }, await enrolled(f.detector, 'bob', 'person-4/22.jpg')];
  f.duty.start();
  await until(() => f.seen.some(({ unsure }) => unsure === true));
  const told = f.seen.length;
  await until(() => f.examined.count >= 3 && f.seen.length > told + 1);
  t.ok(f.seen.every(({ person }) => person === undefined));
  t.notMatch(f.lines.join(''), /ann|bob|unsure/, 'the log says nothing of it');
});
