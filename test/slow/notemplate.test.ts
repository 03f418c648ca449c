/** Fifty clips of people who never agreed to anything: what is left of their faces on the disk, and in the memory that they came in. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import type { Fragment, Init } from '../../src/capture/media.ts';
import { Moments } from '../../src/capture/moments.ts';
import { MediaRing } from '../../src/capture/ring.ts';
import { Detector, modelId } from '../../src/detect/client.ts';
import type { ExaminedFace, Picture } from '../../src/detect/protocol.ts';
import { AlarmsDuty } from '../../src/duties/alarms.ts';
import { EnrolDuty } from '../../src/duties/enrol.ts';
import { FaceFinder, type FaceQuestion } from '../../src/duties/faces.ts';
import { PeopleBook } from '../../src/duties/people.ts';
import type { AlarmRule } from '../../src/policy/alarmrules.ts';
import { nameOf, type FrameMatch } from '../../src/policy/faces.ts';
import { consentText } from '../../src/policy/facesnotice.ts';
import { always } from '../../src/policy/schedule.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Vault } from '../../src/vault/vault.ts';
import { streamOf, take } from '../capture/clips.ts';
import { facesFolder, missing } from '../detect/pictures.ts';
import { camera, hub } from '../policy/configs.ts';
import { needlesOf, needlesOfFace, searchEverywhere, type Needle } from '../vault/everywhere.ts';
import { dayMs, page, somebody } from '../vault/somebody.ts';
import { always as everything } from '../vault/world.ts';

t.setTimeout(300_000);

const strangers = ['person-1/20', 'person-1/21', 'person-2/16', 'person-2/17', 'person-3/3', 'person-3/12', 'person-4/22', 'person-4/23'];
const clipsOfEach = 7;
const clipMs = 1000;
const ruleOf = (place: string): AlarmRule => ({ name: `anybody at ${place}`, cameras: [place], kinds: ['person'], ...always, keepMs: 3_600_000, beforeMs: 0, afterMs: 1, enabled: true });

interface Clip {
  readonly init: Init;
  readonly fragments: readonly Fragment[];
}

/** A portrait in front of a wall, in each second in another place, light and posture; a clip is one of these seconds. */
async function clipsOf(folder: string, portrait: string): Promise<Clip[]> {
  const file = join(folder, `${portrait.replace('/', '-')}.mp4`);
  const made = await run('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', `color=gray:s=720x720:r=8:d=${clipsOfEach}`, '-loop', '1', '-i', join(facesFolder, `${portrait}.jpg`),
    '-filter_complex', "[1:v]scale=-2:640,eq=brightness='0.04*(floor(t)-3)':eval=frame,rotate='0.04*(floor(t)-3)'[f];[0:v][f]overlay=x='(W-w)/2+8*(floor(t)-3)':y='40+4*floor(t)':shortest=1,noise=alls=6:allf=t",
    '-t', String(clipsOfEach), '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '8', '-keyint_min', '8', '-bf', '0', '-pix_fmt', 'yuv420p', file,
  ]);
  if (made.status !== 0) throw new Error(made.stderr);
  const { inits: [init], fragments } = take(await streamOf(file, { audio: 'drop', hevc: false, richProbe: false }));
  return Array.from({ length: clipsOfEach }, (_, second) => ({ init: init as Init, fragments: fragments.filter(({ timeMs }) => Math.floor((timeMs + 1) / clipMs) === second) }));
}

/** In memory, as if it had come just now. */
function ringOf({ init, fragments }: Clip): MediaRing {
  const ring = new MediaRing(2 ** 24), nowMs = systemClock.monotonicMs(), begunMs = fragments[0]?.timeMs ?? 0;
  ring.retain(10_000);
  ring.begin(init);
  for (const fragment of fragments) ring.push({ ...fragment, monotonicMs: nowMs - clipMs + fragment.timeMs - begunMs });
  return ring;
}

t.test('of fifty clips with faces that nobody agreed to have recognised, no file has a template, whatever of it opens, and no memory that they came in', { skip: missing(facesFolder) }, async (t) => {
  const folder = join(t.testdir(), 'data');
  const lines: string[] = [];
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) });
  const kit = Identity.generate();
  const vault = await Vault.open({ folder, clock: systemClock, log, hubName: 'test hub' });
  const jail = new Jail({ facts: await probeJail({ log }), need: 'off' });
  const detector = new Detector({ clock: systemClock, log, jail, random: () => 0, readyMs: 60_000, answerMs: 60_000 });
  const moments = new Moments({ clock: systemClock, log });
  const faces = { enabled: true, consentMs: 365 * dayMs, lock: 'hub' as const };
  const book = new PeopleBook({ vault, owners: () => [], faces: () => faces, model: modelId, timeTrusted: async () => true, notices: { raise: () => {}, settle: () => {} }, clock: systemClock, log });
  const enrol = new EnrolDuty({ vault, book, faces: () => faces, model: modelId, examine: (picture) => detector.examine(picture), tools: () => ({ ffmpeg: 'ffmpeg', jail, clock: systemClock }), nameOf: () => 'Grace', clock: systemClock });

  // What the detector gave the hub, and copies of it to search for.
  const given: ExaminedFace[] = [], needles: Needle[] = [], vectors: Float32Array[] = [];
  const examine = async (picture: Picture): Promise<readonly ExaminedFace[]> => {
    const found = await detector.examine(picture);
    given.push(...found);
    for (const face of found) {
      needles.push(...needlesOfFace(face));
      vectors.push(Float32Array.from(face.vector));
    }
    return found;
  };
  const finder = new FaceFinder({ detector: { examine }, moments, templates: () => book.templates(), log });

  const places = strangers.map((_, at) => `place-${at}`);
  const config = hub(3, places.map((id) => camera(id)), { alarms: places.map(ruleOf), faces });
  let ring = new MediaRing(2 ** 24);
  const alarms = new AlarmsDuty({
    vault, fileKeys: new FileKeys(systemClock), config: () => config, plan: () => undefined, recipients: () => [kit.recipient], markOf: (person, alarm) => book.markOf(person, alarm), clock: systemClock, log,
    pictures: async (of, _atMs, about) => {
      const excerpt = ring.excerpt(Infinity);
      return excerpt === undefined ? undefined : moments.pictures({ camera: of, excerpt, ffmpeg: 'ffmpeg', jail }, about);
    },
  });
  alarms.start();
  t.teardown(async () => {
    await alarms.close();
    await book.close();
    await detector.close();
    await moments.close();
    await vault.close();
  });
  let searches = 0;
  const searched = async (what: readonly Needle[]): Promise<string[]> => {
    const scratch = join(t.testdirName, `scratch-${searches++}`);
    await mkdir(scratch);
    return [...(await searchEverywhere(folder, what, scratch, [kit])).hits];
  };

  const clips = await Promise.all(strangers.map((portrait) => clipsOf(t.testdirName, portrait)));
  const box = { x: 0.05, y: 0, width: 0.9, height: 1 };
  const question = (of: string, atMs: number): FaceQuestion => ({
    camera: of, watch: { lend: async () => ({ stream: 'main', capture: ring, release: () => {} }) } as unknown as FaceQuestion['watch'], ffmpeg: 'ffmpeg', jail, atMs, box,
  });
  ring = ringOf(clips[0]![0]!);
  t.equal(await finder.look(question('place-0', systemClock.monotonicMs())), 'not looked', 'while nobody has agreed, no face is looked at');
  t.equal(given.length, 0);

  // Somebody else has agreed, so every face is looked at from now on.
  const pictures = await Promise.all(['person-5/13.jpg', 'person-5/14.jpg'].map((file) => readFile(join(facesFolder, file))));
  const ada = await enrol.enrol({ name: 'Ada Kettleborough', how: 'in writing', givenBy: 'Ada Kettleborough', consent: consentText.sha256, pictures }, page.account);
  t.equal(book.templates().length, 1);

  let withFaces = 0;
  for (const [place, portraits] of clips.entries()) {
    for (const [second, clip] of portraits.entries()) {
      const of = places[place] as string, name = `${place} ${second}`;
      ring = ringOf(clip);
      const nowMs = Math.round(systemClock.wallMs()), frames: FrameMatch[] = [];
      alarms.observe({ camera: of, kind: 'person', by: 'hub', atMs: nowMs, box, name, lasts: true, score: 0.9 });
      // One look tells whose face it is; a visit is named by two.
      for (const backMs of second === 0 ? [600, 100] : [100]) {
        const frame = await finder.look(question(of, systemClock.monotonicMs() - backMs));
        if (typeof frame === 'object') frames.push(frame);
      }
      if (frames.length > 0) withFaces++;
      const who = nameOf(frames);
      alarms.observe({ camera: of, kind: 'person', by: 'hub', atMs: nowMs, box, name, lasts: true, score: 0.9, person: typeof who === 'string' ? undefined : who.person });
      alarms.ended(of, name, Math.round(systemClock.wallMs()));
      t.ok(frames.every(({ match }) => typeof match === 'string'), `${of}, clip ${second}: ${frames.map(({ match }) => JSON.stringify(match)).join(', ')}`);
    }
  }
  t.ok(withFaces >= 50, `${withFaces} clips with faces, ${vectors.length} vectors`);
  t.ok(given.every(({ vector, crop }) => vector.every((value) => value === 0) && crop.rgb.every((value) => value === 0)), 'what the detector gave is overwritten');
  await alarms.close();
  const rows = await vault.alarms(everything);
  t.ok(rows.length >= strangers.length && rows.every(({ pictures: stored }) => stored.includes('full') && stored.includes('crop')), `${rows.length} alarms of them with pictures`);
  await vault.makeCopy();
  t.ok(needles.length > 50 * 128, `${needles.length} pieces are searched for`);
  t.same(await searched(needles), [], 'nothing of a face is on the disk');
  t.strictSame(lines.filter((line) => vectors.some((vector) => line.includes(String(vector[0])))), [], 'nor in the log');

  // The search would have found it: of who has agreed it finds all, and of one of these faces as soon as it is enrolled.
  const known = await vault.people.templates(ada.id);
  t.match(await searched(needlesOf({ name: 'Ada Kettleborough', vectors: known.vectors, crop: await vault.people.crop(ada.id) })), [/^crop in copies/, /^crop in working/, /^name in copies/, /^name in working/, /^template in copies/, /^template in working/]);
  const id = await vault.people.enrol(somebody('Somebody of them', { model: modelId, vectors: [vectors[17] as Float32Array] }));
  t.match(await searched(needles), [/^template in working/], 'one that is enrolled is found');
  await vault.people.forget(id, page);
  t.same(await searched(needles), [], 'and is gone with the consent');
});
