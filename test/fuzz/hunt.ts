/**
 * Hunts for defects in what parses strangers' bytes. Each target has a process of its own; this side watches it: nothing heard for a
 * while is a hang, a death is a death, and the input that did it lies in the scratch file. What fails is made small and kept.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launch, type Child } from '../../src/base/spawn.ts';
import { hangMs, type FailureKind, type Order, type Progress, type Said } from './messages.ts';
import { shrink } from './shrink.ts';

export interface HuntOptions {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  /** Where failing inputs are kept, and those of earlier hunts lie: a folder a target. */
  readonly foundFolder?: string;
  readonly rssBytesMax?: number;
  readonly signal?: AbortSignal;
}

export interface Failure {
  readonly kind: FailureKind;
  readonly text: string;
  readonly input: Buffer;
  /** Where it was kept. */
  readonly file: string | undefined;
}

export interface HuntResult extends Progress {
  readonly target: string;
  readonly seed: number;
  readonly failure: Failure | undefined;
  /** How often nothing was heard although the input was innocent: the machine was busy. */
  readonly falseAlarms: number;
}

/** With nothing heard for so long, the input at hand is tried alone; progress is told five times a second. */
const silenceMs = 5000;
/** The same, when one input is tried alone. */
const aloneMs = 2 * hangMs;
const startMs = 120_000;
/** Each try is a process. */
const shrinkLimit = { tries: 40, ms: 5000 };
const falseAlarmsMax = 5;
const rssBytesMaxDefault = 512 * 2 ** 20;
const childFile = join(import.meta.dirname, 'child.ts');

export async function hunt(o: HuntOptions): Promise<HuntResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-hunt-'));
  try {
    return await huntIn(folder, o);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function huntIn(folder: string, o: HuntOptions): Promise<HuntResult> {
  const scratch = join(folder, 'input');
  const total: Progress = { inputs: 0, rssBytes: 0, outcomes: 0, slowestMs: 0, elapsedMs: 0 };
  const found = await foundBefore(o);
  for (let falseAlarms = 0, sofar = total; ; falseAlarms++) {
    await writeFile(scratch, '');
    const order: Order = {
      target: o.target, seed: o.seed + falseAlarms, inputs: o.inputs - sofar.inputs, seconds: o.seconds - sofar.elapsedMs / 1000, scratch, found,
      rssBytesMax: o.rssBytesMax ?? rssBytesMaxDefault,
    };
    const end = await watch(order, silenceMs, o.signal);
    sofar = sum(sofar, end.progress);
    const result = { target: o.target, seed: order.seed, falseAlarms, ...sofar };
    if (end.said?.say === 'done') return { ...result, failure: undefined };
    if (end.said?.say === 'failure') return { ...result, failure: await keep(o, end.said.kind, end.said.text, Buffer.from(end.said.base64, 'base64')) };
    o.signal?.throwIfAborted();
    const input = await inputIn(scratch);
    const kind = end.silent ? 'hang' : 'death';
    const text = await confirmed(order, join(folder, 'replay'), input, kind);
    if (text !== undefined) {
      const small = await shrink(input, async (candidate) => await confirmed(order, join(folder, 'replay'), candidate, kind, 1) !== undefined, shrinkLimit);
      return { ...result, failure: await keep(o, kind, text, small) };
    }
    if (falseAlarms >= falseAlarmsMax) return { ...result, failure: { kind: 'death', text: `the process ended ${falseAlarms} times, and no input does it alone: ${end.lastWords}`, input, file: undefined } };
  }
}

interface End {
  readonly said: Said | undefined;
  readonly progress: Progress;
  readonly silent: boolean;
  readonly lastWords: string;
}

/** Until the child is gone, which is helped along when it is not heard any more. */
async function watch(order: Order, patienceMs: number, signal?: AbortSignal): Promise<End> {
  const words: string[] = [];
  const child = await start(order, (line) => words.push(line));
  let said: Said | undefined;
  let progress: Progress = { inputs: 0, rssBytes: 0, outcomes: 0, slowestMs: 0, elapsedMs: 0 };
  let silent = false;
  const onAbort = (): void => child.kill('SIGKILL');
  signal?.addEventListener('abort', onAbort, { once: true });
  const alarm = new Alarm(() => {
    silent = true;
    child.kill('SIGKILL');
  });
  alarm.set(startMs);
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    alarm.set(patienceMs);
    said = JSON.parse(line) as Said;
    if ('progress' in said) progress = said.progress;
  }
  await child.exited;
  alarm.clear();
  signal?.removeEventListener('abort', onAbort);
  return { said, progress, silent, lastWords: words.slice(-5).join(' | ') };
}

class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings when it is not set again within that time. */
  set(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#ring, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

function start(order: Order, onErrorLine: (line: string) => void): Promise<Child> {
  // A hunt that is ended at once leaves no child behind that hangs for ever.
  return launch('setpriv', ['--pdeathsig', 'KILL', process.execPath, '--disable-warning=ExperimentalWarning', '--max-old-space-size=384', childFile, JSON.stringify(order)], { onErrorLine, detached: true });
}

/** What is wrong with the input when it is tried alone, `rounds` times; undefined when it is innocent. */
async function confirmed(order: Order, path: string, input: Buffer, kind: 'hang' | 'death', rounds = 3): Promise<string | undefined> {
  await writeFile(path, input);
  let text: string | undefined;
  for (let round = 0; round < rounds; round++) {
    const { said, silent, lastWords } = await watch({ ...order, replay: path }, aloneMs);
    if (said?.say === 'replayed' && said.text !== undefined) text = said.text;
    else if (said?.say === 'replayed') {
      if (kind === 'death' || said.ms <= hangMs) return undefined;
      text = `${Math.round(said.ms)} ms`;
    } else text = silent ? `over ${aloneMs} ms` : `the process ended: ${lastWords}`;
  }
  return text;
}

async function inputIn(scratch: string): Promise<Buffer> {
  const framed = await readFile(scratch);
  return framed.length < 4 ? Buffer.alloc(0) : framed.subarray(4, 4 + framed.readUInt32BE(0));
}

async function keep(o: HuntOptions, kind: FailureKind, text: string, input: Buffer): Promise<Failure> {
  if (o.foundFolder === undefined) return { kind, text, input, file: undefined };
  const folder = join(o.foundFolder, o.target);
  const file = join(folder, `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, input);
  return { kind, text, input, file };
}

async function foundBefore(o: HuntOptions): Promise<string[]> {
  if (o.foundFolder === undefined) return [];
  const folder = join(o.foundFolder, o.target);
  return (await readdir(folder).catch(() => [])).sort().map((name) => join(folder, name));
}

function sum(a: Progress, b: Progress): Progress {
  return {
    inputs: a.inputs + b.inputs, outcomes: Math.max(a.outcomes, b.outcomes), rssBytes: Math.max(a.rssBytes, b.rssBytes),
    slowestMs: Math.max(a.slowestMs, b.slowestMs), elapsedMs: a.elapsedMs + b.elapsedMs,
  };
}
