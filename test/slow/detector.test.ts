import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { createLog, silentLog, type Log } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector, modelId, waitingMax, type DetectorOptions } from '../../src/detect/client.ts';
import { embeddingSum } from '../../src/detect/models.ts';
import { cropSide, encodeAnswer, examinedMax, type Answer, type ExaminedFace, type Face } from '../../src/detect/protocol.ts';
import { distanceMost, judgePicture, namedWidthLeastPx } from '../../src/policy/faces.ts';
import { atSecond, cartoon, faceOf, facesFolder, missing, picture, plain, walkClip } from '../detect/pictures.ts';

t.setTimeout(240_000);

const facts = await probeJail({ log: silentLog });
const jail = new Jail({ facts, need: 'off' });
const ready = encodeAnswer({ kind: 'ready', id: 0, embedding: embeddingSum }).toString('hex');

function detectorOf(t: Test, more: Partial<DetectorOptions> = {}): Detector {
  const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, readyMs: 60_000, answerMs: 60_000, ...more });
  t.teardown(() => detector.close());
  return detector;
}

/** A detector with a mind of its own; `ready` is what it must say first, `order` calls with each order's id. */
function entryOf(t: Test, script: string): string {
  const file = join(t.testdir(), 'inmate.mjs');
  writeFileSync(file, `
    const say = (hex) => process.stdout.write(Buffer.from(hex, 'hex'));
    const ready = '${ready}';
    const onOrder = (act) => { let bytes = Buffer.alloc(0); process.stdin.on('data', (more) => { bytes = Buffer.concat([bytes, more]); while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE(0)) { const size = 4 + bytes.readUInt32LE(0); act(bytes.readUInt32LE(5)); bytes = bytes.subarray(size); } }); };
    ${script}
  `);
  return file;
}

const hex = (answer: Answer): string => encodeAnswer(answer).toString('hex');
const distance = (a: Float32Array, b: Float32Array): number => Math.sqrt(a.reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0));

t.test('nothing runs until something is asked, and when nothing is asked any more, nothing runs', async (t) => {
  const detector = detectorOf(t, { idleMs: 300 });
  t.equal(detector.status.state, 'off');
  t.equal(detector.pid, undefined);
  t.strictSame(await detector.objects(plain(320, 180)), [], 'a gray picture has nobody in it');
  const pid = detector.pid as number;
  t.equal(detector.status.state, 'ready');
  t.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /detector/);
  t.equal(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[18], '10', 'it steps back before the hub');
  t.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +1 +1/, 'and leaves no core dump');
  while (existsSync(`/proc/${pid}`)) await systemClock.sleep(20);
  t.equal(detector.status.state, 'off');
  t.strictSame(await detector.objects(plain(320, 180)), [], 'asked again, it runs again');
  t.not(detector.pid, pid);
});

t.test('somebody in the picture is found, in the whole and in a part of it, at the same place', { skip: missing(walkClip) }, async (t) => {
  const detector = detectorOf(t);
  const frame = await atSecond(walkClip, 10);
  const [whole] = await detector.objects(frame);
  const [part] = await detector.objects(frame, { x: 0.4, y: 0, width: 0.3, height: 1 });
  for (const found of [whole, part]) {
    t.equal(found?.label, 'person');
    t.ok(found !== undefined && found.score > 0.5);
    t.ok(found !== undefined && Math.abs(found.box.x - 0.5) < 0.06 && found.box.y < 0.1 && Math.abs(found.box.width - 0.18) < 0.08 && found.box.height > 0.75, JSON.stringify(found?.box));
  }
  t.strictSame(await detector.objects(await atSecond(walkClip, 2)), [], 'the empty room');
});

t.test('pictures of any size, one after another, are looked at', { skip: missing(walkClip) }, async (t) => {
  const detector = detectorOf(t);
  for (const [width, height] of [[640, 360], [320, 180], [1280, 720], [352, 288], [640, 480], [1920, 1080]] as const) {
    const found = await detector.objects(await atSecond(walkClip, 10, width, height));
    t.equal(found[0]?.label, 'person', `${width}x${height}`);
  }
  t.strictSame(await detector.objects(plain(16, 4096)), []);
  await t.rejects(detector.objects({ rgb: new Uint8Array(100), width: 640, height: 360 }), { code: 'SP_PICTURE_SIZE' });
  await t.rejects(detector.objects(plain(8, 8)), { code: 'SP_PICTURE_SIZE' });
  t.equal(detector.status.broken, 0);
});

t.test('faces: one, two, none, a small one, a drawn one', { skip: missing(facesFolder) }, async (t) => {
  const detector = detectorOf(t);
  const one = await faceOf('person-1/20.jpg');
  const [face, ...more] = await detector.faces(one) as [Face, ...Face[]];
  t.strictSame(more, []);
  t.ok(face.score > 0.7 && face.quality.widthPx > 150 && face.quality.turn < 0.3 && Math.abs(face.quality.tilt) < 15 && face.quality.sharpness > 0.5, JSON.stringify(face.quality));
  const first = await detector.embed(one, face.keypoints), again = await detector.embed(one, face.keypoints);
  t.equal(first.modelId, modelId);
  t.strictSame(first.vector, again.vector, 'the same picture gives the same numbers');

  const two = await picture(['-i', join(facesFolder, 'person-1/20.jpg'), '-i', join(facesFolder, 'person-4/22.jpg')], 1280, 640, '[0:v]scale=640:640,setsar=1[a];[1:v]scale=640:640,setsar=1[b];[a][b]hstack');
  const both = await detector.faces(two);
  t.equal(both.length, 2);
  const vectors = await Promise.all(both.map((other) => detector.embed(two, other.keypoints)));
  const distances = vectors.map(({ vector }) => distance(vector, first.vector)).sort((a, b) => a - b);
  t.ok(distances[0] as number < 0.4 && distances[1] as number > 0.6, `one of them is the first: ${distances.join(', ')}`);

  t.strictSame(await detector.faces(plain(640, 360)), [], 'none');

  const small = await picture(['-i', join(facesFolder, 'person-4/22.jpg')], 640, 360, 'scale=78:52,pad=640:360:280:150:gray');
  const [tiny] = await detector.faces(small, { x: 280 / 640, y: 150 / 360, width: 78 / 640, height: 52 / 360 });
  t.ok(tiny === undefined || (tiny.quality.widthPx > 12 && tiny.quality.widthPx < 30), `a face of 20 pixels says that it is small: ${tiny?.quality.widthPx}`);

  const drawn = cartoon();
  for (const { keypoints, quality } of await detector.faces(drawn)) {
    const { vector } = await detector.embed(drawn, keypoints);
    t.ok(distance(vector, first.vector) > 0.6, `a drawing is nobody: ${distance(vector, first.vector)}, ${JSON.stringify(quality)}`);
  }
  await t.rejects(detector.embed(one, Array.from({ length: 6 }, () => ({ x: 0.5, y: 0.5 }))), { code: 'SP_DETECTOR_REFUSED' }, 'points that are no face');
  t.equal(detector.status.broken, 0);
});

const judged = (faces: readonly ExaminedFace[]): string => {
  const answer = judgePicture(faces);
  return 'poor' in answer ? answer.poor : `good, ${Math.round(answer.face.widthPx)} px`;
};

t.test('a picture to be enrolled by is examined in one order: every face with its measures, its numbers and a small picture', { skip: missing(facesFolder) }, async (t) => {
  const detector = detectorOf(t);
  const one = await faceOf('person-1/20.jpg');
  const [face, ...more] = await detector.examine(one) as [ExaminedFace, ...ExaminedFace[]];
  t.strictSame(more, []);
  t.match(judged([face]), /^good/);
  const { keypoints } = (await detector.faces(one))[0] as Face;
  t.ok(distance(face.vector, (await detector.embed(one, keypoints)).vector) < 1e-4, 'the numbers are those of the two orders');
  t.strictSame([face.crop.width, face.crop.height, face.crop.rgb.length], [cropSide, cropSide, cropSide ** 2 * 3]);
  const [again] = await detector.examine(face.crop) as [ExaminedFace];
  t.ok(distance(again.vector, face.vector) < distanceMost, 'the small picture shows the same face');
  t.ok(Math.abs(again.pose.roll) < 6 && again.widthPx > 50, `upright, and filling it: ${JSON.stringify(again.pose)}, ${again.widthPx}`);

  const turned = await picture(['-i', join(facesFolder, 'person-1/20.jpg')], 640, 640, 'rotate=0.9');
  t.equal(judged(await detector.examine(turned)), 'tilted');
  const [upright] = await detector.examine(turned) as [ExaminedFace];
  t.ok(upright.pose.roll > 30 && distance(upright.vector, face.vector) < distanceMost, 'aligned, it is the same face all the same');
  t.equal(judged(await detector.examine(await picture(['-i', join(facesFolder, 'person-1/20.jpg')], 640, 640, 'gblur=sigma=16'))), 'blurred');
  const blurs = await Promise.all([0.1, 4, 8, 16].map(async (sigma) => (await detector.examine(await picture(['-i', join(facesFolder, 'person-1/20.jpg')], 640, 640, `gblur=sigma=${sigma}`)))[0]?.blur ?? 1));
  t.strictSame(blurs, blurs.toSorted((a, b) => a - b), `what is more blurred is said to be: ${blurs.join(', ')}`);
  const mirrored = await detector.examine(await picture(['-i', join(facesFolder, 'person-3/12.jpg')], 640, 640, 'hflip')), plainly = await detector.examine(await faceOf('person-3/12.jpg'));
  t.ok(plainly[0] !== undefined && mirrored[0] !== undefined && plainly[0].pose.yaw < -3 && mirrored[0].pose.yaw > 3, `a mirror turns it the other way: ${plainly[0]?.pose.yaw}, ${mirrored[0]?.pose.yaw}`);
  t.equal(detector.status.broken, 0);
});

t.test('nobody, two, many, a face of 20 pixels, a drawing, and pictures of changing size: each has its answer', { skip: missing(facesFolder) }, async (t) => {
  const detector = detectorOf(t);
  t.equal(judged(await detector.examine(plain(640, 640))), 'no face');
  t.equal(judged(await detector.examine(plain(16, 4096))), 'no face');
  const both = await detector.examine(await picture(['-i', join(facesFolder, 'person-1/20.jpg'), '-i', join(facesFolder, 'person-4/22.jpg')], 1280, 640, '[0:v]scale=640:640,setsar=1[a];[1:v]scale=640:640,setsar=1[b];[a][b]hstack'));
  t.equal(both.length, 2);
  t.equal(judged(both), 'more than one face');
  const nine = await detector.examine(await picture(['-i', join(facesFolder, 'person-1/20.jpg')], 960, 960, 'scale=320:320,setsar=1,split=9[a][b][c][d][e][f][g][h][i];[a][b][c][d][e][f][g][h][i]xstack=inputs=9:layout=0_0|320_0|640_0|0_320|320_320|640_320|0_640|320_640|640_640'));
  t.equal(nine.length, examinedMax, 'of many those that are largest');
  t.equal(judged(nine), 'more than one face');

  const small = await detector.examine(await picture(['-i', join(facesFolder, 'person-4/22.jpg')], 640, 360, 'scale=78:52,pad=640:360:280:150:gray'));
  t.ok(['too small', 'no face', 'unclear'].includes(judged(small)), judged(small));
  t.ok(small.every(({ widthPx }) => widthPx < namedWidthLeastPx), 'and it is never named');

  const face = (await detector.examine(await faceOf('person-1/20.jpg')))[0] as ExaminedFace;
  for (const size of [128, 256, 640]) {
    const drawn = await detector.examine(cartoon(size));
    t.notMatch(judged(drawn), /^good/, `a drawing of ${size}`);
    t.ok(drawn.every(({ vector }) => distance(vector, face.vector) > distanceMost), 'and it is nobody');
  }
  for (const [width, height] of [[1600, 1600], [320, 320], [640, 480], [480, 640], [1920, 1440]] as const) {
    const [seen, ...others] = await detector.examine(await faceOf('person-1/20.jpg', width, height));
    t.ok(seen !== undefined && others.length === 0 && distance(seen.vector, face.vector) < distanceMost, `${width}x${height}: ${seen?.widthPx} px, ${seen === undefined ? '' : distance(seen.vector, face.vector)}`);
  }
  t.equal(detector.status.broken, 0);
});

t.test('a face in a part of a picture is examined there, and the others of the picture are not', { skip: missing(facesFolder) }, async (t) => {
  const detector = detectorOf(t);
  const two = await picture(['-i', join(facesFolder, 'person-1/20.jpg'), '-i', join(facesFolder, 'person-4/22.jpg')], 1280, 640, '[0:v]scale=640:640,setsar=1[a];[1:v]scale=640:640,setsar=1[b];[a][b]hstack');
  for (const x of [0, 0.5]) {
    const seen = await detector.examine(two, { x: x + 0.1, y: 0.1, width: 0.3, height: 0.8 });
    t.ok(seen.length === 1 && (seen[0] as ExaminedFace).box.x > x && (seen[0] as ExaminedFace).box.x < x + 0.5, JSON.stringify(seen.map(({ box }) => box)));
  }
});

t.test('a thousand orders at once: those that there is room for are answered, the others are dropped and counted', async (t) => {
  const detector = detectorOf(t);
  const frame = plain(320, 180);
  const results = await Promise.allSettled(Array.from({ length: 1000 }, () => detector.objects(frame)));
  const answered = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  // The first was in work when the others came; of those the newest are kept.
  t.strictSame(answered, [0, ...Array.from({ length: waitingMax }, (_, index) => 1000 - waitingMax + index)]);
  t.ok(results.every((result) => result.status === 'fulfilled' || (result.reason as { code: string }).code === 'SP_DETECTOR_BUSY'));
  t.equal(detector.status.dropped, 1000 - answered.length);
  t.equal(detector.status.answered, answered.length);
});

t.test('killed at work: what was asked fails, and after a pause it runs again', async (t) => {
  const detector = detectorOf(t);
  await detector.objects(plain(320, 180));
  const asked = detector.objects(plain(1280, 720));
  process.kill(detector.pid as number, 'SIGKILL');
  await t.rejects(asked, { code: 'SP_DETECTOR_GONE', message: /SIGKILL/ });
  t.equal(detector.status.state, 'failing');
  await t.rejects(detector.objects(plain(320, 180)), { code: 'SP_DETECTOR_GONE', message: /started again in/ }, 'at once, while it pauses');
  await systemClock.sleep(600);
  t.strictSame(await detector.objects(plain(320, 180)), []);
  t.match(detector.status, { state: 'ready', broken: 1, reason: undefined });
});

t.test('closed at work, it is gone', async (t) => {
  const detector = detectorOf(t);
  await detector.objects(plain(320, 180));
  const pid = detector.pid as number;
  const asked = [detector.objects(plain(320, 180)), detector.objects(plain(320, 180))];
  const all = Promise.allSettled(asked);
  await detector.close();
  for (const result of await all) t.match(result, { status: 'rejected', reason: { code: 'SP_DETECTOR_GONE' } });
  t.notOk(existsSync(`/proc/${pid}`));
  await t.rejects(detector.objects(plain(320, 180)), { code: 'SP_DETECTOR_GONE' });
});

const wrongs: readonly (readonly [name: string, script: string, code: string, message: RegExp])[] = [
  ['hangs at its start', 'setInterval(() => {}, 1000);', 'SP_DETECTOR_GONE', /not ready within/],
  ['hangs at work', 'say(ready); setInterval(() => {}, 1000);', 'SP_DETECTOR_GONE', /did not answer within/],
  ['ends at its start', 'process.exit(7);', 'SP_DETECTOR_GONE', /ended with 7/],
  ['fails at its start', 'throw new Error("no");', 'SP_DETECTOR_GONE', /ended with 1/],
  ['ends at work', 'say(ready); onOrder(() => process.exit(0));', 'SP_DETECTOR_GONE', /ended with 0/],
  ['answers another question', `say(ready); onOrder((id) => say('${hex({ kind: 'objects', id: 77_777, found: [] })}'));`, 'SP_DETECTOR_SPOKE', /another question/],
  ['answers another kind', `say(ready); onOrder((id) => say('${hex({ kind: 'faces', id: 1, faces: [] })}'));`, 'SP_DETECTOR_SPOKE', /another question/],
  ['babbles', 'say(ready); onOrder(() => say("ff".repeat(5000)));', 'SP_DETECTOR_SPOKE', /a message of/],
  ['speaks unasked', `say(ready + '${hex({ kind: 'objects', id: 1, found: [] })}'); setInterval(() => {}, 1000);`, 'SP_DETECTOR_SPOKE', /unasked/],
  ['has another model for vectors', `say('${encodeAnswer({ kind: 'ready', id: 0, embedding: 'ab'.repeat(32) }).toString('hex')}'); setInterval(() => {}, 1000);`, 'SP_MODEL_CHANGED', /one of vectors/],
  ['has not enough memory', `say(ready); onOrder(() => { const all = []; for (;;) all.push(Buffer.alloc(2 ** 24, 1)); });`, 'SP_DETECTOR_GONE', /it ended/],
  ['says that it has not', `say(ready); onOrder(() => say('${hex({ kind: 'refused', id: 1, reason: 'there is not enough memory' })}'));`, 'SP_DETECTOR_GONE', /not enough memory/],
];

for (const [name, script, code, message] of wrongs) {
  t.test(`a detector that ${name} is ended, and what was asked fails`, async (t) => {
    const lines: string[] = [];
    const log: Log = createLog({ level: 'warn', write: (line) => lines.push(line) });
    const hangs = name.startsWith('hangs');
    const detector = detectorOf(t, { entry: entryOf(t, script), log, ...(hangs ? { readyMs: name === 'hangs at work' ? 60_000 : 1000, answerMs: 500 } : {}) });
    await t.rejects(detector.objects(plain(64, 64)), { code, message });
    t.equal(detector.status.state, 'failing');
    t.equal(detector.status.broken, 1);
    t.match(lines.join(''), code, 'the log has it');
    t.equal(detector.pid, undefined);
  });
}

t.test('one that outgrows its memory is ended after its answer', async (t) => {
  const detector = detectorOf(t, { residentMibMax: 60 });
  t.strictSame(await detector.objects(plain(320, 180)), []);
  const pid = detector.pid as number;
  await t.rejects(detector.objects(plain(320, 180)), { code: 'SP_DETECTOR_GONE', message: /started again in/ });
  t.match(detector.status, { state: 'failing', reason: /more memory than it may/, broken: 1 });
  t.notOk(existsSync(`/proc/${pid}`));
});

t.test('a model file of which one byte differs is refused, whichever it is', async (t) => {
  const packages = join(import.meta.dirname, '../../node_modules');
  const files = ([['@vladmandic/human/models', /^(centernet|blazeface)\./], ['@vladmandic/face-api/model', /^face_recognition_model/]] as const)
    .flatMap(([folder, pattern]) => readdirSync(join(packages, folder)).filter((one) => pattern.test(one)).map((name) => `${folder}/${name}`));
  t.equal(files.length, 6);
  for (const file of files) {
    const models = t.testdir();
    for (const one of files) cpSync(join(packages, one), join(models, one));
    const bytes = readFileSync(join(models, file));
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(join(models, file), bytes);
    const detector = detectorOf(t, { models });
    await t.rejects(detector.objects(plain(64, 64)), { code: 'SP_MODEL_CHANGED', message: new RegExp(file.replaceAll('.', '\\.')) });
    await t.rejects(detector.objects(plain(64, 64)), { code: 'SP_DETECTOR_GONE', message: /[45] min/ }, 'it is not tried all the time');
  }
});

/** What it could do, as a line of standard error. */
const attempts = (port: number, place: string): string => `
  import { connect, createServer } from 'node:net';
  import { createSocket } from 'node:dgram';
  import { readFileSync, writeFileSync, appendFileSync, mkdirSync } from 'node:fs';
  import { spawnSync } from 'node:child_process';
  import { Worker } from 'node:worker_threads';
  const could = [];
  const attempt = (name, act) => { try { act(); could.push(name); } catch {} };
  attempt('read', () => readFileSync('/etc/passwd'));
  attempt('read the project', () => readFileSync('${join(import.meta.dirname, '../../README.md')}'));
  attempt('write', () => writeFileSync('${place}/written', 'x'));
  attempt('append to itself', () => appendFileSync(process.argv[1], ' '));
  attempt('make a folder', () => mkdirSync('${place}/made'));
  attempt('start a program', () => { if (spawnSync('/bin/true').status !== 0) throw new Error('no'); });
  const event = (name, start) => new Promise((done) => { try { start(() => { could.push(name); done(); }, done); } catch { done(); } });
  await event('connect', (yes, no) => connect(${port}, '127.0.0.1').once('connect', yes).once('error', no));
  await event('listen', (yes, no) => createServer().once('error', no).listen(0, '127.0.0.1', yes));
  await event('send a datagram', (yes, no) => { const socket = createSocket('udp4'); socket.once('error', no); socket.send('x', ${port}, '127.0.0.1', (error) => (error ? no() : yes())); });
  process.stderr.write('could: ' + could.join(', ') + '\\n');
  process.exit(9);
`;

t.test('inside, nothing can be read, written, connected to or started; outside of the jail the same program can do all of it', { skip: facts.level === 'off' ? 'skipped: this kernel has no Landlock' : false }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await new Promise((done) => server.once('listening', done));
  const place = t.testdir();
  const script = attempts((server.address() as AddressInfo).port, place);
  const file = join(place, 'inmate.mjs');
  writeFileSync(file, script);

  const free = await run(process.execPath, [file]);
  t.equal(free.stderr, 'could: read, read the project, write, append to itself, make a folder, start a program, connect, listen, send a datagram', 'the control');

  writeFileSync(file, script);
  const detector = detectorOf(t, { entry: file });
  await t.rejects(detector.objects(plain(64, 64)), { code: 'SP_DETECTOR_GONE', message: /ended with 9 \(could: \)/ }, 'as the detector is started');

  // Node's own permissions left out: what the kernel alone holds.
  const jailed = await jail.run(process.execPath, [file], { reads: [file, '/etc/ssl/openssl.cnf'], memoryMib: 900, spaceMib: 2 ** 24 });
  t.equal(jailed.stderr, 'could: ');

  // The jail left out: what Node's permissions hold, where a kernel gives no more.
  const permitted = await run(process.execPath, ['--permission', `--allow-fs-read=${file}`, '--disable-warning=SecurityWarning', file]);
  t.equal(permitted.stderr, 'could: connect, listen, send a datagram');
});
