/** A person on the disk: what a withdrawal leaves of them, whenever the hub is killed; and real pictures through the real decoder and detector. */
import { createHmac, randomBytes } from 'node:crypto';
import { copyFile, cp, mkdir, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector, modelId } from '../../src/detect/client.ts';
import { CopiesDuty } from '../../src/duties/copies.ts';
import { EnrolDuty, type EnrolWish } from '../../src/duties/enrol.ts';
import { Notices } from '../../src/duties/notices.ts';
import { PeopleBook } from '../../src/duties/people.ts';
import { alarmTextOf, readAlarmText } from '../../src/policy/alarmtext.ts';
import { consentText } from '../../src/policy/facesnotice.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openWhole } from '../../src/seal/opener.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { openConnection } from '../../src/vault/connection.ts';
import { Vault } from '../../src/vault/vault.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { cartoon, facesFolder, missing } from '../detect/pictures.ts';
import { needlesOf, searchEverywhere, searchImage, type Needle } from '../vault/everywhere.ts';
import { mountImage, syncImage, unmountImage } from '../vault/image.ts';
import { dayMs, page, somebody } from '../vault/somebody.ts';
import { filesBelow, makeWorld, openVault, record, prepare, start, type World } from '../vault/world.ts';

t.setTimeout(480_000);

let searches = 0;
async function searched(t: Test, folder: string, needles: readonly Needle[], kit: readonly Identity[] = []): Promise<string[]> {
  const scratch = join(t.testdirName, `scratch-${searches++}`);
  await mkdir(scratch, { recursive: true });
  return [...(await searchEverywhere(folder, needles, scratch, kit)).hits];
}

/** One turn of the duty, as a start has it. */
async function copiesTurn(vault: Vault, world: Pick<World, 'clock'>): Promise<void> {
  let turned = (): void => {};
  const done = new Promise<void>((resolve) => { turned = resolve; });
  const clock = { wallMs: () => world.clock.wallMs(), monotonicMs: () => world.clock.monotonicMs(), sleep: (_ms: number, signal?: AbortSignal): Promise<void> => new Promise((resolve) => { turned(); signal?.addEventListener('abort', () => resolve()); }) };
  const copies = new CopiesDuty({ vault, clock, log: silentLog, notices: new Notices({ vault, clock, log: silentLog }) });
  copies.start();
  await done;
  await copies.close();
  t.equal(copies.state.problem, undefined);
}

t.test('who is forgotten is nowhere any more, neither template nor crop nor name; and deleting the rows alone would not be enough', async (t) => {
  const world = makeWorld(t.testdir());
  const image = join(t.testdirName, 'disk.img'), control = { folder: join(t.testdirName, 'control'), image: join(t.testdirName, 'control.img') };
  const noImage = await mountImage(image, world.folder);
  const skip = noImage === undefined ? {} : { skip: noImage };
  t.teardown(() => Promise.all([unmountImage(world.folder), unmountImage(control.folder)]));
  /** On the disk, with all that was ever unlinked there; where there is one. */
  const onDisk = async (needles: readonly Needle[], of: { image: string; folder: string } = { image, folder: world.folder }): Promise<string[] | undefined> => {
    if (noImage !== undefined) return undefined;
    await syncImage(of.folder);
    const { hits, pages } = await searchImage(of.image, of.folder, needles, [world.owner]);
    t.ok(pages > 50, `${pages} of the disk's blocks and of what they hold are pages of a database`);
    return [...hits];
  };
  let vault = await openVault(world);
  const [ada, ben] = [somebody(), somebody('Benedict Ashworth-Quill')];
  await record(vault, await prepare(vault, world));
  const id = await vault.people.enrol(ada);
  await vault.people.enrol(ben);
  await vault.makeCopy();

  // An alarm was hers: what names her there is made with a mark that her record alone has.
  const { mark } = await vault.people.templates(id);
  const kinds = ['crop', 'mark', 'name', 'template'];
  const needles = [...needlesOf(ada), { what: 'mark', bytes: Buffer.from(mark) }, { what: 'mark', bytes: Buffer.from(mark.toString('base64url')) }];
  const { id: alarm } = await vault.openAlarm({ camera: 'front', rule: 'anybody', kind: 'person', atMs: start, keepMs: 30 * dayMs, recipients: [world.owner.recipient] });
  const marked = await markFor(vault, world, id, alarm);
  const jpeg = Buffer.concat([Buffer.from('ffd8', 'hex'), randomBytes(3_000), Buffer.from('ffd9', 'hex')]);
  await vault.putAlarmPictures(alarm, { full: jpeg, text: alarmTextOf({ zones: ['gate'], person: marked }) });
  t.match(await namesOf(vault, world, alarm), ['Wilhelmina Featherstone'], 'the alarm has her name');

  world.clock.set(start + dayMs);
  await vault.makeCopy();
  await vault.close();
  const places = kinds.flatMap((what) => [new RegExp(`^${what} in copies.*24T`), new RegExp(`^${what} in copies.*25T`), new RegExp(`^${what} in working.db`)]);
  t.match(await searched(t, world.folder, needles, [world.owner]), places, 'the search finds it in the database and in both copies');
  const before = await onDisk(needles);
  for (const what of kinds) t.ok(before?.some((hit) => hit.startsWith(what)) ?? true, `and the ${what} by the disk's blocks`, skip);

  // On another disk, or in another folder, the rows alone are deleted.
  if (noImage === undefined) {
    await copyFile(image, control.image);
    t.equal(await mountImage(control.image, control.folder, { isMade: true }), undefined, 'a copy of the disk is mounted');
  } else await cp(world.folder, control.folder, { recursive: true });
  const key = await loadWorkingKey({ folder: control.folder, mayCreate: false });
  const db = openConnection(join(control.folder, 'working.db'), key.databaseKey(), { readonly: false });
  db.prepare('DELETE FROM people WHERE id = ?').run(id);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  key.close();
  t.match(await searched(t, control.folder, needles, [world.owner]), places.filter((_, at) => at % 3 !== 2), 'a deletion of rows leaves it in the copies');
  await rm(join(control.folder, 'copies'), { recursive: true });
  t.same(await searched(t, control.folder, needles, [world.owner]), [], 'where those are deleted, too, no file has it');
  const unlinked = await onDisk(needles, control);
  for (const what of kinds) t.ok(unlinked?.some((hit) => hit.startsWith(what)) ?? true, `but the ${what} is on the disk`, skip);

  vault = await openVault(world);
  await vault.people.forget(id, page);
  t.same(await searched(t, world.folder, needles, [world.owner]), [], 'also while the hub runs, with the log of its database');
  t.same(await onDisk(needles) ?? [], [], 'nor does any block of the disk have it, whatever opens', skip);
  t.match((await vault.alarm(alarm))?.pictures, ['full', 'text'], 'the alarm is there');
  t.match(await namesOf(vault, world, alarm), [], 'and has nobody\'s name');
  await vault.close();
  t.same(await searched(t, world.folder, needles, [world.owner]), []);
  const bens = needlesOf(ben).map(({ what, bytes }) => ({ what: `the other's ${what}`, bytes }));
  t.match(await searched(t, world.folder, bens, [world.owner]), [/crop in copies/, /crop in working.db/, /name in copies/, /name in working.db/, /template in copies/, /template in working.db/], 'the other one is still there: the search opens what can be opened');
  const after = await onDisk([...needles, ...bens]);
  t.ok(after?.every((hit) => hit.startsWith('the other')) ?? true, 'nor after the hub has ended', skip);
  for (const what of ['crop', 'name', 'template']) t.ok(after?.some((hit) => hit.startsWith(`the other's ${what}`)) ?? true, `while the other's ${what} is on the disk`, skip);
  t.match((await filesBelow(world.folder)).filter((name) => name.startsWith('copies/')), [/^copies\/working-/], 'one copy, of after it');
});

/** As a child draws somebody. */
async function cartoonJpeg(): Promise<Buffer> {
  const { rgb, width, height } = cartoon(512);
  const { stdout, status, stderr } = await run('ffmpeg', ['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-i', '-', '-frames:v', '1', '-c:v', 'mjpeg', '-f', 'mjpeg', '-'], { input: rgb });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** As the hub writes it on an alarm that was this person's. */
async function markFor(vault: Vault, world: World, person: string, alarm: string): Promise<string> {
  const book = new PeopleBook({ vault, owners: () => [], faces: () => ({ enabled: true, consentMs: 365 * dayMs, lock: 'hub' as const }), model: 'a model:1', timeTrusted: async () => true, notices: new Notices({ vault, clock: world.clock, log: silentLog }), clock: world.clock, log: silentLog });
  await book.refresh();
  const marked = book.markOf(person, alarm);
  await book.close();
  return marked;
}

/** Whoever opens the alarm with the kit, and has the records of all who are enrolled. */
async function namesOf(vault: Vault, world: World, alarm: string): Promise<string[]> {
  const { sealed, period } = await vault.alarmPicture(alarm, 'text');
  const { identity } = openSlot((await vault.slotText(period)), [world.owner], 'the alarm\'s day');
  const { person } = readAlarmText(openWhole(sealed, [identity], 'its text'));
  identity.close();
  return (await vault.people.open()).flatMap(({ name, mark }) => (createHmac('sha256', mark).update(alarm, 'latin1').digest('hex').startsWith(person ?? 'none') ? [name] : []));
}

t.test('a hub that is killed at any step of forgetting ends it at the next start', async (t) => {
  const base = makeWorld(t.testdir());
  let vault = await openVault(base);
  const ada = somebody();
  const needles = needlesOf(ada);
  const id = await vault.people.enrol(ada);
  await vault.makeCopy();
  await vault.close();
  const child = join(import.meta.dirname, '../vault/people-child.ts');
  // Seven steps of the person's purge, then seven of that of the older copies.
  for (let step = 1; step <= 15; step++) {
    const folder = join(t.testdirName, `killed-${step}`);
    await cp(base.folder, folder, { recursive: true });
    const { signal, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', child, folder, id, String(step)]);
    if (step === 15) t.notOk(signal, `nothing is left to be killed in: ${stderr}`);
    else t.equal(signal, 'SIGKILL', `step ${step}: ${stderr}`);
    const world = { ...base, folder };
    vault = await openVault(world);
    await copiesTurn(vault, world);
    t.same(await vault.people.list(), [], `step ${step}`);
    t.equal(await vault.copiesOwed(), false, `step ${step}`);
    t.equal((await vault.copies()).length, 1, `step ${step}`);
    await vault.close();
    t.same(await searched(t, folder, needles), [], `step ${step}`);
  }
});

t.test('a database that somebody else has locked: nobody is enrolled, nothing is left of it, and it goes on afterwards', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const key = await loadWorkingKey({ folder: world.folder, mayCreate: false });
  const db = openConnection(join(world.folder, 'working.db'), key.databaseKey(), { readonly: false });
  key.close();
  const ada = somebody();
  db.exec('BEGIN IMMEDIATE');
  await t.rejects(vault.people.enrol(ada), { code: 'SP_NO_SLOT' });
  db.exec('ROLLBACK');
  db.close();
  t.same(await vault.people.list(), []);
  t.same(await searched(t, world.folder, needlesOf(ada)), []);
  await vault.mend();
  const id = await vault.people.enrol(ada);
  t.match(await vault.people.open(), [{ id, name: ada.name }]);
  await vault.close();
});

t.test('a disk that is full at any moment of an enrolment: nobody is enrolled by halves', { skip: process.getuid?.() === 0 ? false : 'skipped: file systems are mounted by root only' }, async (t) => {
  const world = makeWorld(t.testdir());
  await mkdir(world.folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8M', 'tmpfs', world.folder]);
  try {
    const vault = await openVault(world);
    const ada = somebody();
    const ballast = join(world.folder, 'ballast');
    let refused = 0;
    // With a few pages more each time: first the key cannot be written, then its row, then the person's.
    for (let freeKib = 0; freeKib <= 96 && refused < 100; freeKib += 8) {
      await writeFile(ballast, Buffer.alloc(2 ** 23, 1)).catch(() => {});
      await truncate(ballast, Math.max(0, (await stat(ballast)).size - freeKib * 1024));
      const id = await vault.people.enrol(ada).catch(() => undefined);
      if (id === undefined) refused++;
      await rm(ballast);
      await vault.mend();
      t.match((await vault.people.open()).map((person) => person.id), id === undefined ? [] : [id], `${freeKib} KiB free`);
      t.equal((await vault.people.list()).length, id === undefined ? 0 : 1);
      if (id !== undefined) await vault.people.forget(id, { who: 'cli' });
    }
    t.ok(refused > 2, `${refused} times`);
    t.equal(await vault.nextDeadlineMs().then((next) => next === undefined || next < start + 300 * dayMs), true, 'no key of a person is left, only the copies of the database have one');
    await vault.close();
    t.same((await verifyFolder({ folder: world.folder })).problems, []);
    t.same(await searched(t, world.folder, needlesOf(ada)), []);
  } finally {
    await run('umount', ['-l', world.folder]);
  }
});

t.test('real pictures: who agreed is enrolled by them, poor ones are refused each with its reason, and no picture touches the disk', { skip: missing(facesFolder) }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, readyMs: 60_000, answerMs: 60_000 });
  const notices = new Notices({ vault, clock: world.clock, log: silentLog });
  let faces = { enabled: true, consentMs: 365 * dayMs, lock: 'hub' as const };
  const book = new PeopleBook({ vault, owners: () => [], faces: () => faces, model: modelId, timeTrusted: async () => true, notices, clock: world.clock, log: silentLog });
  const tools = { ffmpeg: 'ffmpeg', jail, clock: systemClock };
  const enrol = new EnrolDuty({ vault, book, faces: () => faces, model: modelId, examine: (picture) => detector.examine(picture), tools: () => tools, nameOf: () => 'Grace', clock: world.clock });
  t.teardown(async () => {
    await book.close();
    await detector.close();
    await vault.close();
  });
  const jpeg = (file: string): Promise<Buffer> => readFile(join(facesFolder, file));
  const made = async (...args: string[]): Promise<Buffer> => (await run('ffmpeg', ['-v', 'error', ...args, '-frames:v', '1', '-c:v', 'mjpeg', '-f', 'mjpeg', '-'])).stdout;
  const wish = (pictures: readonly Buffer[], more: Partial<EnrolWish> = {}): EnrolWish => ({ name: 'Ada Kettleborough', how: 'in writing', givenBy: 'Ada Kettleborough', consent: consentText.sha256, pictures, ...more });

  // What is no picture of one person's face.
  const whole = await jpeg('person-1/20.jpg');
  const bomb = Buffer.from(whole);
  for (let at = 0; at < bomb.length - 9; at++) if (bomb[at] === 0xff && (bomb[at + 1] === 0xc0 || bomb[at + 1] === 0xc2)) { bomb.writeUInt16BE(65_500, at + 5); bomb.writeUInt16BE(65_500, at + 7); break; }
  const reasons: [string, Buffer, string | RegExp][] = [
    ['no bytes of a picture', Buffer.from('what is this'), 'no picture'],
    ['nothing', Buffer.alloc(0), 'no picture'],
    ['half a JPEG', whole.subarray(0, whole.length >> 1), 'no picture'],
    ['a JPEG that claims four billion pixels', bomb, 'no picture'],
    ['a PNG', (await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'color=gray:s=300x300', '-frames:v', '1', '-c:v', 'png', '-f', 'image2pipe', '-'])).stdout, 'no picture'],
    ['more than any page sends', Buffer.concat([whole, Buffer.alloc(600_000)]), 'too large'],
    ['a gray wall', await made('-f', 'lavfi', '-i', 'color=gray:s=640x480'), 'no face'],
    ['a drawing', await made('-f', 'lavfi', '-i', 'testsrc=s=640x480'), /no face|unclear/],
    ['a cartoon', await cartoonJpeg(), /no face|unclear|more than one face/],
    ['a face that is out of focus', await made('-i', join(facesFolder, 'person-1/20.jpg'), '-vf', 'scale=640:640,gblur=sigma=12:steps=3'), 'blurred'],
    ['a head that is tilted by 45 degrees', await made('-i', join(facesFolder, 'person-1/20.jpg'), '-vf', 'scale=640:640,rotate=PI/4:ow=900:oh=900'), 'tilted'],
    ['half a face at the edge', await made('-i', join(facesFolder, 'person-1/20.jpg'), '-vf', 'scale=640:640,crop=320:640:0:0'), /cut off|no face|unclear|turned aside/],
    ['a face of some 20 pixels', await made('-i', join(facesFolder, 'person-1/20.jpg'), '-vf', 'scale=-2:60,pad=640:480:300:200:gray'), /too small|no face|unclear/],
    ['two people', await made('-i', join(facesFolder, 'person-1/20.jpg'), '-i', join(facesFolder, 'person-2/16.jpg'), '-filter_complex', '[0]scale=480:480[a];[1]scale=480:480[b];[a][b]hstack'), 'more than one face'],
  ];
  for (const [what, picture, reason] of reasons) t.match(await enrol.check(Buffer.from(picture)), { ok: false, reason }, what);

  const before = await filesBelow(world.folder);
  await t.rejects(enrol.enrol(wish([await jpeg('person-1/20.jpg'), await jpeg('person-2/16.jpg')]), page.account), { code: 'SP_ENROL' }, 'two people are not one');
  await t.rejects(enrol.enrol(wish([await jpeg('person-1/20.jpg'), Buffer.from('no')]), page.account), { code: 'SP_ENROL', evidence: { picture: 2, reason: 'no picture' } });
  await t.rejects(enrol.enrol(wish([await jpeg('person-1/20.jpg')], { consent: '0'.repeat(64) }), page.account), { code: 'SP_CONSENT' });
  faces = { ...faces, enabled: false };
  await t.rejects(enrol.enrol(wish([await jpeg('person-1/20.jpg')]), page.account), { code: 'SP_FACES_OFF' });
  faces = { ...faces, enabled: true };
  t.same(await vault.people.list(), [], 'nobody was enrolled by any of these');
  t.same(await filesBelow(world.folder), before);

  const pictures = [await jpeg('person-1/20.jpg'), await jpeg('person-1/21.jpg')];
  const sent = pictures.map((picture) => Buffer.from(picture));
  const person = await enrol.enrol(wish(pictures), page.account);
  t.match(person, { name: 'Ada Kettleborough', state: 'given', templates: 2, usable: true, how: 'in writing', recordedBy: 'Grace', consentVersion: consentText.version });
  t.ok(pictures.every((picture) => picture.every((byte) => byte === 0)), 'the pictures are wiped');
  const [known] = book.templates();
  t.equal(known?.vectors.length, 2);
  const crop = await enrol.picture(person.id, page.account);
  t.same([...crop.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  const { vectors } = await vault.people.templates(person.id);
  const needles = [...needlesOf({ name: 'Ada Kettleborough', vectors, crop }), ...sent.flatMap((bytes) => [5_000, 10_000, 15_000].map((at) => ({ what: 'picture', bytes: bytes.subarray(at, at + 24) })))];
  const found = await searched(t, world.folder, needles);
  t.ok(found.some((hit) => hit.startsWith('template')) && found.some((hit) => hit.startsWith('crop')) && found.some((hit) => hit.startsWith('name')), 'sealed, it is there');
  t.notOk(found.some((hit) => hit.startsWith('picture')), 'the pictures are nowhere');

  const held = book.templates()[0]?.vectors ?? [];
  t.match(await enrol.forget(person.id, page), { readBack: true });
  t.ok(held.every((vector) => vector.every((value) => value === 0)), 'what was in memory is wiped');
  t.same(book.templates(), []);
  t.same(await searched(t, world.folder, needles), []);
  t.not((await readdir(join(world.folder, 'receipts'))).length, 0);
});
