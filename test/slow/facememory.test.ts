/** What a core dump of the detector would show of a face that nobody is known by: nothing, as soon as it has answered, whether or not anybody comes after. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { launch, run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector, modelId } from '../../src/detect/client.ts';
import { alignedSquare } from '../../src/detect/faces.ts';
import { cut } from '../../src/detect/pixels.ts';
import { wipeFaces } from '../../src/detect/protocol.ts';
import { embedSize } from '../../src/detect/runtime.ts';
import { Vault } from '../../src/vault/vault.ts';
import { streamOf } from '../capture/clips.ts';
import { faceOf, facesFolder, missing } from '../detect/pictures.ts';
import { runBytes, type Plaintext } from '../e2e/plaintext.ts';
import { somebody } from '../vault/somebody.ts';
import { faceLooks } from './facelook.ts';
import { searchMemory, unreadable } from './memory.ts';

t.setTimeout(400_000);

/** Every run of it, or every so many. */
function piecesOf(bytes: Buffer, every = 1): Plaintext {
  const byStart = new Map<number, Buffer[]>();
  let runs = 0;
  for (let at = 0; at + runBytes <= bytes.length; at += runBytes * every) {
    const piece = Buffer.from(bytes.subarray(at, at + runBytes));
    if (new Set(piece).size < 10) continue;
    byStart.set(piece.readUInt32BE(0), [...(byStart.get(piece.readUInt32BE(0)) ?? []), piece]);
    runs++;
  }
  return { byStart, begins: new Uint8Array(2 ** 16), runs };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array | Float64Array): Buffer => Buffer.from(Buffer.from(buffer, byteOffset, byteLength));

t.test('a face that was examined, its numbers, its picture and what it was made from are nowhere in the detector\'s memory when it has answered, while it waits for the next', { skip: unreadable() || missing(facesFolder) }, async (t) => {
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, readyMs: 120_000, answerMs: 60_000, idleMs: 600_000 });
  t.teardown(() => detector.close());
  const all: Record<string, Plaintext> = {}, copies: Buffer[] = [];
  for (const file of ['person-1/20.jpg', 'person-3/3.jpg']) {
    const picture = await faceOf(file);
    const [found] = await detector.faces(picture);
    const square = found === undefined ? undefined : alignedSquare(picture, found.keypoints);
    const faces = await detector.examine(picture);
    const [face] = faces;
    if (face === undefined || square === undefined) throw new Error(`${file} shows no face`);
    const kept = { 'its numbers': bytesOf(face.vector), 'its numbers in 8 bytes': bytesOf(Float64Array.from(face.vector)), 'its small picture': bytesOf(face.crop.rgb), 'what the numbers are made from': bytesOf(cut(picture, square, embedSize)), 'the picture': bytesOf(picture.rgb) };
    for (const [what, bytes] of Object.entries(kept)) all[`${file}: ${what}`] = piecesOf(bytes, bytes.length > 2 ** 14 ? 50 : 1);
    copies.push(...Object.values(kept));
    wipeFaces(faces);
  }
  const pid = detector.pid;
  if (pid === undefined) throw new Error('the detector is gone');
  const { bytes, of } = searchMemory(pid, all);
  t.ok(bytes > 50 * 2 ** 20, `${Math.round(bytes / 2 ** 20)} MiB were looked through`);
  for (const [what, { runs, places }] of Object.entries(of)) t.strictSame([runs, places], [0, []], `none of ${all[what]?.runs} pieces of ${what}`);
  t.equal(detector.pid, pid, 'it is still the one that looked');

  // The control: what lies in a memory is found.
  const holder = await launch(process.execPath, ['-e', 'const all = []; process.stdin.on("data", (bytes) => all.push(bytes)).on("end", () => { process.stdout.write("has it"); setInterval(() => all.length, 1000); });'], { input: Buffer.concat(copies) });
  try {
    await new Promise((done) => { holder.stdout.once('data', done); });
    for (const [what, { runs }] of Object.entries(searchMemory(holder.pid, all).of)) t.ok(runs >= (all[what]?.runs ?? Infinity) * 0.9 && runs > 10, `${runs} pieces of ${what} are found where they are`);
  } finally {
    holder.kill('SIGKILL');
  }
});

t.test('nor is anything of it in the hub\'s part of the work, which knows whoever agreed for as long as the consent lives', { skip: unreadable() || missing(facesFolder) }, async (t) => {
  const folder = join(t.testdir(), 'data');
  const streams = await Promise.all(['person-1/20.jpg', 'person-3/3.jpg'].map(async (portrait, at) => {
    const clip = join(t.testdirName, `${at}.mp4`), stream = join(t.testdirName, `${at}.fmp4`);
    const made = await run('ffmpeg', ['-v', 'error', '-loop', '1', '-i', join(facesFolder, portrait), '-vf', 'scale=640:640', '-r', '5', '-t', '1', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '5', '-bf', '0', '-pix_fmt', 'yuv420p', clip]);
    if (made.status !== 0) throw new Error(made.stderr);
    await writeFile(stream, await streamOf(clip, { audio: 'drop', hevc: false, richProbe: false }));
    return stream;
  }));
  // The same looks in this process tell what is to be looked for.
  const vectors: Buffer[] = [], crops: Buffer[] = [], known = somebody('Ada Kettleborough', { model: modelId });
  const here = await faceLooks(() => [{ person: 'nobody of them', vectors: known.vectors }], (faces) => {
    vectors.push(...faces.map(({ vector }) => bytesOf(vector)));
    crops.push(...faces.map(({ crop }) => bytesOf(crop.rgb)));
  });
  for (const stream of streams) t.match(await here.look(stream), { match: 'unknown' });
  await here.close();
  const all = { 'their numbers': piecesOf(Buffer.concat(vectors)), 'their pictures': piecesOf(Buffer.concat(crops), 50) };
  const templates = { 'who agreed': piecesOf(Buffer.concat(known.vectors.map(bytesOf))) };
  t.ok(Object.values(all).every(({ runs }) => runs > 50), 'there is something to look for');
  const vault = await Vault.open({ folder, clock: systemClock, log: silentLog, hubName: 'test hub' });
  await vault.people.enrol({ ...known, consent: { ...known.consent, atMs: Math.round(systemClock.wallMs()) }, lapsesMs: systemClock.wallMs() + 9e9, forgottenMs: systemClock.wallMs() + 1e10 });
  await vault.close();

  for (const mode of ['keep', 'wipe']) {
    const child = await launch(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'facelook-child.ts'), folder, mode, ...streams], { input: 'pipe' });
    try {
      const said = (): Promise<string> => new Promise((done) => { child.stdout.once('data', (bytes: Buffer) => done(bytes.toString())); });
      t.match(JSON.parse(await said()), { answers: [{ match: 'unknown' }, { match: 'unknown' }] });
      const { of, bytes } = searchMemory(child.pid, { ...all, ...templates });
      t.ok((of['who agreed']?.runs ?? 0) > 50, `${mode}: who agreed is known, in one of ${Math.round(bytes / 2 ** 20)} MiB`);
      for (const [what, { runs: most }] of Object.entries(all)) {
        const { runs = 0, places = [] } = of[what] ?? {};
        if (mode === 'keep') t.ok(runs > most * 0.9, `${what}: one that keeps them is found out, with ${runs} of ${most} pieces`);
        else t.strictSame([runs, places], [0, []], `${what}: none of ${most} pieces`);
      }
      if (mode === 'keep') continue;
      const dropped = said();
      child.stdin?.write('forget\n');
      t.equal(await dropped, '0 kept\n');
      const after = searchMemory(child.pid, templates).of['who agreed'];
      t.strictSame([after?.runs, after?.places], [0, []], 'who withdrew is known no more');
    } finally {
      child.kill('SIGKILL');
      await child.exited;
    }
  }
});
