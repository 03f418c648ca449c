/**
 * CPU and memory of the whole hub per 1080p camera, against programs that store the same cameras with less or no protection, for 1, 4 and
 * 16 cameras (or `--cameras N`; `--megabits` each). All of them watch the same emulated cameras at the same time, so a busy machine slows all alike; the cameras' own CPU is left out.
 */
import { randomInt } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLog } from '../../src/base/log.ts';
import { launch, run, type Child } from '../../src/base/spawn.ts';
import { Emulator, type EmulatedCamera } from '../../src/emulator/emulator.ts';
import { benchClip, benchOptions, figure, inFolder, median, report, usageOf, type Figure, type Usage } from './measure.ts';

const options = benchOptions({ runs: 5, smokeRuns: 1, seconds: 20, smokeSeconds: 8 }, ['cameras', 'warm-up', 'megabits']);
const cameraCounts = options.number('cameras') === undefined ? (options.smoke ? [4] : [1, 4, 16]) : [options.number('cameras') as number];
/** Long enough that Node has compiled what it runs: the first minute costs it several times as much. */
const warmUpSeconds = options.number('warm-up') ?? (options.smoke ? 10 : 90);
/** Each camera closes about one segment in each window, also where windows are shorter than the usual 60 s. */
const cutSeconds = Math.min(60, Math.max(5, options.seconds));
const sallyport = resolve(import.meta.dirname, '../../scripts/sallyport');

interface Contender {
  readonly name: string;
  readonly folder: string;
  start(): Promise<Child[]>;
}

class Hub implements Contender {
  readonly name = 'the hub';
  readonly folder: string;
  readonly #data: string;
  readonly #config: string;
  readonly #cameras: readonly EmulatedCamera[];
  #adopted = false;

  constructor(folder: string, cameras: readonly EmulatedCamera[]) {
    this.#data = folder;
    this.folder = join(folder, 'data', 'footage');
    this.#config = join(folder, 'sallyport.toml');
    this.#cameras = cameras;
  }

  async start(): Promise<Child[]> {
    if (!this.#adopted) await this.#settle();
    const lines: string[] = [];
    const child = await launch(sallyport, ['run', '--config', this.#config], { detached: true, stderrLinesMax: 100_000, onErrorLine: (line) => lines.push(line) });
    child.stdout.resume();
    const said = (text: string): number => lines.filter((line) => line.includes(text)).length;
    await until('the hub runs', () => said('the hub is running') > 0);
    if (!this.#adopted) for (const camera of this.#cameras) await this.#adopt(camera);
    this.#adopted = true;
    await until('all cameras are live', () => said('stream is live') >= this.#cameras.length);
    return [child];
  }

  async #settle(): Promise<void> {
    await call(['keys', 'new', '--out', join(this.#data, 'owner')]);
    // The peers make no thumbnails; what those cost is measured by thumbnails.ts.
    await writeFile(this.#config, `name = "Bench"\ndata = "data"\nowner = "owner/owner.json"\n[record]\ncut_after = "${cutSeconds} seconds"\nthumbnails = false\n[time]\nsource = "system"\nsettle = "1 second"\n[page]\nport = 0\nhttp_port = 0\n[discovery]\nloopback = true\n`);
  }

  async #adopt(camera: EmulatedCamera): Promise<void> {
    await call(['adopt', '--address', `${camera.address}:${camera.onvifPort}`, '--user', camera.user, '--as', camera.name, '--config', this.#config], `${camera.password}\n`);
  }
}

/** One process (or pipeline) for each camera, as a shell line. */
class Lines implements Contender {
  readonly name: string;
  readonly folder: string;
  readonly #lines: readonly string[];

  constructor(name: string, folder: string, cameras: readonly EmulatedCamera[], line: (input: string, file: string) => string) {
    this.name = name;
    this.folder = folder;
    this.#lines = cameras.map((camera) => line(
      `ffmpeg -hide_banner -loglevel error -nostdin -y -probesize 32768 -rtsp_transport tcp -timeout 5000000 -i 'rtsp://${camera.user}:${camera.password}@${camera.address}:${camera.rtspPort}/main' -map 0:v:0 -an -c copy`,
      join(folder, camera.name),
    ));
  }

  async start(): Promise<Child[]> {
    const children = await Promise.all(this.#lines.map((line) => launch('sh', ['-c', line], { detached: true, onErrorLine: (text) => void (ending || complaints.add(`${this.name}: ${text}`)) })));
    for (const child of children) child.stdout.resume();
    return children;
  }
}

interface Sample extends Usage { readonly storedBytes: number }

/** What is said while a round is ended by signals is no news. */
let ending = false;
const complaints = new Set<string>();
const fragments = '-f mp4 -movflags +empty_moov+default_base_moof';
const values = new Map<string, Sample[]>();
const contenderNames = [['segments', 'ffmpeg to segments'], ['the hub', 'the hub'], ['age', 'ffmpeg | age']] as const;
/** With so many cameras only the hub and its peer run, at a quarter of the rate: more would be lost data on two cores, no figure. */
const many = 8;

let cameraCount = 0;
for (const count of cameraCounts) {
  cameraCount = count;
  values.clear();
  const megabits = options.number('megabits') ?? (count >= many ? 1 : 4);
  await inFolder(options, async (folder) => {
    const emulator = await Emulator.start({
      cameras: count, firstAddress: `127.${randomInt(10, 251)}.${randomInt(10, 251)}.2`, clip: await benchClip(20, megabits), seconds: 20, log: silentLog, discovery: false,
    });
    try {
      await measureTogether(await makeContenders(folder, emulator.cameras));
    } finally {
      await emulator.close();
    }
  });
  report(`CPU of recording ${count} camera${count === 1 ? '' : 's'}, 1080p25 at ${megabits} Mbit/s`, figuresOf(), options, notes());
}

async function makeContenders(folder: string, cameras: readonly EmulatedCamera[]): Promise<Contender[]> {
  const at = async (name: string): Promise<string> => {
    await mkdir(join(folder, name));
    return join(folder, name);
  };
  const identity = await run('age-keygen', []);
  const recipient = /age1[0-9a-z]+/.exec(identity.stdout.toString())?.[0] ?? '';
  const all = [
    new Lines('segments', await at('segments'), cameras, (input, file) => `exec ${input} -f segment -segment_time ${cutSeconds} -segment_format mp4 -reset_timestamps 1 ${file}-%04d.mp4`),
    new Hub(await at('hub'), cameras),
    new Lines('age', await at('age'), cameras, (input, file) => `${input} ${fragments}+frag_keyframe pipe:1 | age -r ${recipient} -o ${file}.mp4.age`),
    new Lines('fMP4', await at('fmp4'), cameras, (input, file) => `exec ${input} ${fragments}+frag_keyframe ${file}.mp4`),
    new Lines('each frame', await at('frames'), cameras, (input, file) => `exec ${input} ${fragments}+frag_every_frame+skip_trailer -flush_packets 1 ${file}.mp4`),
  ];
  return cameras.length >= many ? all.slice(0, 2) : all;
}

async function measureTogether(contenders: readonly Contender[]): Promise<void> {
  ending = false;
  const running: { contender: Contender; children: Child[] }[] = [];
  try {
    for (const contender of contenders) running.push({ contender, children: await contender.start() });
    await delay(warmUpSeconds * 1000);
    let before = await lookAtAll(running);
    for (let window = 0; window < options.runs; window++) {
      await delay(options.seconds * 1000);
      const after = await lookAtAll(running);
      for (const [index, { contender }] of running.entries()) note(contender.name, before[index] as Sample, after[index] as Sample);
      before = after;
    }
  } finally {
    ending = true;
    await Promise.all(running.flatMap(({ contender, children }) => children.map((child) => end(child, contender instanceof Hub))));
    for (const { contender } of running.filter((one) => !(one.contender instanceof Hub))) {
      await rm(contender.folder, { recursive: true });
      await mkdir(contender.folder);
    }
  }
}

async function lookAtAll(running: readonly { contender: Contender; children: readonly Child[] }[]): Promise<Sample[]> {
  const usages = running.map(({ children }) => usageOf(children.map(({ pid }) => pid)));
  return Promise.all(running.map(async ({ contender }, index) => ({ ...usages[index] as Usage, storedBytes: await bytesBelow(contender.folder) })));
}

function note(name: string, before: Sample, after: Sample): void {
  const sample = {
    ...after, cpuSeconds: after.cpuSeconds - before.cpuSeconds, ownCpuSeconds: after.ownCpuSeconds - before.ownCpuSeconds, storedBytes: after.storedBytes - before.storedBytes,
    writtenBytes: after.writtenBytes - before.writtenBytes, wakeUps: after.wakeUps - before.wakeUps,
  };
  values.set(name, [...(values.get(name) ?? []), sample]);
}

function figuresOf(): Figure[] {
  const cpu = (name: string, of: (sample: Sample) => number = (sample) => sample.cpuSeconds): number[] =>
    (values.get(name) ?? []).map((sample) => (of(sample) / options.seconds / cameraCount) * 100);
  const memory = (name: string, of: (sample: Sample) => number): number[] => (values.get(name) ?? []).map((sample) => of(sample) / cameraCount / 2 ** 20);
  const rate = (name: string, of: (sample: Sample) => number): number[] => (values.get(name) ?? []).map((sample) => of(sample) / options.seconds / cameraCount);
  const megabitsOf = (name: string): number[] => rate(name, ({ writtenBytes }) => (writtenBytes * 8) / 1e6);
  const storedOf = (name: string): number[] => rate(name, ({ storedBytes }) => (storedBytes * 8) / 1e6);
  const peer = { peer: 'ffmpeg to segments', values: cpu('segments') };
  const unit = '% of a core each';
  const all = [
    figure('ffmpeg -c copy -f segment, in clear (the peer)', unit, cpu('segments')),
    figure('the hub, all of it', unit, cpu('the hub'), { ...peer, aim: '<= 1.05 from 4 on' }),
    figure('  of that its ffmpegs', unit, cpu('the hub', (sample) => sample.cpuSeconds - sample.ownCpuSeconds), peer),
    figure('  of that Node: receiving, sealing, writing', unit, cpu('the hub', (sample) => sample.ownCpuSeconds), peer),
    figure('ffmpeg to fMP4 | age -r', unit, cpu('age'), peer),
    figure('ffmpeg to one fMP4 file, in clear', unit, cpu('fMP4'), peer),
    figure('ffmpeg to one fMP4 file, a fragment per picture', unit, cpu('each frame'), peer),
    figure('the hub, against ffmpeg to fMP4 | age -r', unit, cpu('the hub'), { peer: 'ffmpeg | age', values: cpu('age') }),
    figure('wake-ups of ffmpeg to segments', 'a second each', rate('segments', ({ wakeUps }) => wakeUps)),
    figure('wake-ups of the hub with its ffmpegs', 'a second each', rate('the hub', ({ wakeUps }) => wakeUps), { peer: 'ffmpeg to segments', values: rate('segments', ({ wakeUps }) => wakeUps) }),
    figure('written by the hub, catalogue, keys and audit included', 'Mbit/s each', megabitsOf('the hub'), { peer: 'what ffmpeg to segments stored', values: storedOf('segments'), aim: '<= 1.05' }),
    figure('written by ffmpeg to segments', 'Mbit/s each', megabitsOf('segments'), { peer: 'what it stored', values: storedOf('segments') }),
    ...contenderNames.filter(([name]) => values.has(name)).flatMap(([name, title]) => [
      figure(`memory (RSS) of ${title}`, 'MiB each', memory(name, ({ rssBytes }) => rssBytes), { peer: 'ffmpeg to segments', values: memory('segments', ({ rssBytes }) => rssBytes) }),
      figure(`memory (PSS) of ${title}`, 'MiB each', memory(name, ({ pssBytes }) => pssBytes), { peer: 'ffmpeg to segments', values: memory('segments', ({ pssBytes }) => pssBytes) }),
    ]),
  ];
  // A contender that did not run has none.
  return all.filter(({ value }) => !Number.isNaN(value));
}

function notes(): string[] {
  const stored = [...values].map(([name, samples]) => `${name} ${median(samples.map(({ storedBytes }) => (storedBytes * 8) / options.seconds / cameraCount / 1e6)).toFixed(2)}`);
  return [
    `Windows of ${options.seconds} s, one after the other, after ${warmUpSeconds} s; a segment per ${cutSeconds} s. All watch the same cameras at the same time.`,
    `Stored, Mbit/s per camera: ${stored.join(', ')}.`,
    ...[...complaints].slice(0, 5),
  ];
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)).then(({ size }) => size, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function until(what: string, look: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 120_000; !look(); await delay(50)) if (performance.now() > endMs) throw new Error(`waited 120 s in vain: ${what}`);
}

async function call(args: readonly string[], input?: string): Promise<void> {
  const { status, stderr } = await run(sallyport, args, { timeoutMs: 60_000, ...(input === undefined ? {} : { input }) });
  if (status !== 0) throw new Error(`sallyport ${args.join(' ')}: ${stderr}`);
}

/** The hub ends its own ffmpegs; a shell line is a process group. */
async function end(child: Child, alone: boolean): Promise<void> {
  const target = alone ? child.pid : -child.pid;
  signal(target, 'SIGTERM');
  const gone = await Promise.race([child.exited.then(() => true), delay(8000, false, { ref: false })]);
  if (!gone) signal(target, 'SIGKILL');
}

function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // It has ended.
  }
}
