/** What a core dump of the hub or the detector would show of an alarm that was stored: nothing, once its moment is out of the memory of the last seconds. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import { launch, run } from '../../src/base/spawn.ts';
import { callHub } from '../../src/cli/control.ts';
import { motionHeight, motionWidth } from '../../src/policy/motionpicture.ts';
import { plaintextOf, runsOf, type Plaintext } from '../e2e/plaintext.ts';
import { quickConfig, shortFolder, TestSite } from '../e2e/site.ts';
import { childrenOf, searchMemory, unreadable, type Found } from './memory.ts';

t.setTimeout(400_000);

const rule = `
[[alarm]]
name = "Anybody"
kinds = ["person"]
keep = "1 hour"
before = "1 second"
after = "2 seconds"
`;
/** The streams keep ten seconds, to the key frame before them; what was asked for then is decoded within seconds. */
const memoryMs = 30_000;

/** Of each of the stream's pictures, decoded as the hub does. */
async function pixelsOf(scene: string, format: string, filter: string, frameBytes: number): Promise<Plaintext> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', scene, '-vf', `${filter},format=${format}`, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'], { stdoutBytesMax: 2 ** 30 });
  // Some rows of each: all of them would be gigabytes to look for.
  const rows = Array.from({ length: Math.floor(stdout.length / frameBytes) }, (_, frame) => stdout.subarray(Math.floor((frame + 0.5) * frameBytes), Math.floor((frame + 0.5) * frameBytes) + 2000));
  return runsOf(rows);
}

const runsIn = (found: Found, name: string): number => found.of[name]?.runs ?? 0;
const none = (found: Found): boolean => Object.values(found.of).every(({ runs }) => runs === 0);

t.test('after an alarm is stored, neither the hub\'s memory nor the detector\'s holds a picture of it any longer than the last seconds are kept', { skip: unreadable() }, async (t) => {
  const folder = await shortFolder(t);
  const clip = join(folder, 'known.mp4');
  // Unlike any other: its noise is of this run alone.
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=640x360:r=10:d=10,noise=alls=20:all_seed=${randomInt(2 ** 30)}:allf=t`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '10', '-b:v', '2M', clip]);
  t.equal(made.status, 0, made.stderr);
  const site = await TestSite.start(t, { emulator: { clip, seconds: 10 }, config: quickConfig({ more: rule }) });
  const camera = site.cameras[0]!;
  const hub = site.hub!.pid;
  const stream = await plaintextOf(camera.scenes.main, []), small = await plaintextOf(camera.scenes.sub, []);
  const colours = await pixelsOf(camera.scenes.sub, 'rgb24', 'scale=640:360:flags=area', 640 * 360 * 3), grays = await pixelsOf(camera.scenes.sub, 'gray', `scale=${motionWidth}:${motionHeight}:flags=area`, motionWidth * motionHeight);
  t.ok([stream, small, colours, grays].every(({ runs }) => runs > 100), `looked for: ${[stream, small, colours, grays].map(({ runs }) => runs).join(', ')} runs`);

  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working' && (cameras[0].looking?.looks ?? 0) > 2);
  camera.raise('person', true);
  const alarms = (): Promise<ReplyOf<'alarms'>['alarms']> => callHub(join(site.data, 'control.sock'), 'alarms', { fromMs: 0, toMs: Date.now() + 3_600_000, limit: 10 }).then((reply) => reply.alarms);
  while ((await alarms())[0]?.pictures.includes('full') !== true) await delay(100);
  camera.raise('person', false);
  const [alarm] = await alarms();
  await site.call(['alarms', 'show', alarm!.id, '--identity', site.kit, '--to', join(folder, 'shown'), '--config', site.config]);
  const jpegs = await Promise.all((await readdir(join(folder, 'shown'))).filter((name) => name.endsWith('.jpg')).map((name) => readFile(join(folder, 'shown', name))));
  const pictures = runsOf(jpegs.map((jpeg) => jpeg.subarray(700)));
  t.ok(pictures.runs > 50, `and ${pictures.runs} of the alarm's pictures`);

  const all = { 'the stream': stream, 'the small stream': small, 'the alarm\'s pictures': pictures, 'what was looked at': colours, 'small gray pictures': grays };

  // The controls: what lies in a memory is found.
  const sending = searchMemory(hub, all);
  t.ok(runsIn(sending, 'the stream') > 20, `while the camera sends, its last seconds lie in the hub's memory: ${JSON.stringify(Object.entries(sending.of).map(([name, { runs }]) => [name, runs]))}`);
  const holder = await launch(process.execPath, ['-e', 'const all = []; process.stdin.on("data", (bytes) => all.push(bytes)).on("end", () => { process.stdout.write("has it"); setInterval(() => all.length, 1000); });'], { input: Buffer.concat(jpegs) });
  await new Promise((done) => { holder.stdout.once('data', done); });
  t.ok(runsIn(searchMemory(holder.pid, all), 'the alarm\'s pictures') >= pictures.runs * 0.9, 'what another process holds of the pictures is found');
  holder.kill('SIGKILL');
  let looking = 0;
  for (let tries = 0; tries < 40 && looking === 0; tries++) {
    const [detector] = childrenOf(hub, 'detector');
    if (detector === undefined) await delay(100);
    else {
      process.kill(detector, 'SIGSTOP');
      looking = runsIn(searchMemory(detector, { colours }), 'colours');
      process.kill(detector, 'SIGCONT');
    }
  }
  t.ok(looking > 0, `in the detector's memory, stopped in the midst of a look, lies what it looks at: ${looking} runs`);

  const [detector] = childrenOf(hub, 'detector');
  await camera.stop();
  const sinceMs = Date.now();
  const search = (): (readonly [string, Found])[] => [['the hub', searchMemory(hub, all)], ...(detector === undefined || !existsSync(`/proc/${detector}`) ? [] : [['the detector', searchMemory(detector, all)] as const])];
  let left = search();
  while (left.some(([, found]) => !none(found)) && Date.now() - sinceMs < memoryMs) {
    await delay(500);
    left = search();
  }
  t.equal(left.length, 2, 'the detector was still there to be looked into');
  for (const [whose, found] of left) {
    for (const [what, { runs, places }] of Object.entries(found.of)) t.strictSame([runs, places], [0, []], `${whose}: nothing of ${what} in ${Math.round(found.bytes / 2 ** 20)} MiB`);
    t.ok(found.bytes > 20 * 2 ** 20, 'and it was really looked');
  }
  t.equal((await alarms()).length, 1, 'the hub is still the one that stored it');
});
