/** What a core dump of the detector would show of a face that nobody is known by: nothing, as soon as it has answered, whether or not anybody comes after. */
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { launch } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector } from '../../src/detect/client.ts';
import { alignedSquare } from '../../src/detect/faces.ts';
import { cut } from '../../src/detect/pixels.ts';
import { wipeFaces } from '../../src/detect/protocol.ts';
import { embedSize } from '../../src/detect/runtime.ts';
import { faceOf, facesFolder, missing } from '../detect/pictures.ts';
import { runBytes, type Plaintext } from '../e2e/plaintext.ts';
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
