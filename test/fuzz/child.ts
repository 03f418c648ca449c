/**
 * The process in which one target is fuzzed, so that whatever happens in it is seen from outside. Each input is written to the scratch
 * file before it is read, so that it is known when this process hangs or dies. What it has to say goes to standard output, a JSON line each.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { hangMs, type Order, type Progress, type Said } from './messages.ts';
import { planted } from './planted.ts';
import { mutant } from './mutate.ts';
import { Random, seedOf } from './random.ts';
import { shrink } from './shrink.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

const beatMs = 200;
const outcomesMax = 2000;
const shrinkLimit = { tries: 3000, ms: 20_000 };

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const target = [...targets, ...planted].find((one) => one.name === order.target);
if (target === undefined) throw new Error(`no target is called ${order.target}`);
await (order.replay === undefined ? hunt(target, order) : replay(target, order.replay));

async function hunt(target: Target, order: Order): Promise<void> {
  const random = new Random(seedOf(order.seed, target.name));
  const pool = [...await target.corpus()];
  const first = [...pool, ...order.found.map((path) => readFileSync(path))];
  const outcomes = new Set<string>();
  const scratch = openSync(order.scratch, 'r+');
  const framed = Buffer.alloc(4 + Math.max(target.bytesMax, ...first.map((input) => input.length)));
  const begunMs = performance.now();
  let slowestMs = 0;
  let inputs = 0;
  let beatAtMs = begunMs;
  const progress = (): Progress => ({ inputs, rssBytes: process.memoryUsage.rss(), outcomes: outcomes.size, slowestMs, elapsedMs: performance.now() - begunMs });
  say({ say: 'ready' });
  for (; inputs < order.inputs; inputs++) {
    const input = first[inputs] ?? mutant(random, pool, target.mutators, target.bytesMax);
    framed.writeUInt32BE(input.length, 0);
    input.copy(framed, 4);
    writeSync(scratch, framed, 0, 4 + input.length, 0);
    const beforeMs = performance.now();
    try {
      const outcome = target.read(input);
      const word = typeof outcome === 'string' ? outcome : await outcome;
      if (outcomes.size < outcomesMax && !outcomes.has(word)) {
        outcomes.add(word);
        pool.push(input);
      }
    } catch (error) {
      const signature = signatureOf(error);
      const small = await shrink(input, async (candidate) => signatureOf(await errorOf(target, candidate)) === signature, shrinkLimit);
      return say({ say: 'failure', kind: 'crash', text: textOf(error), base64: small.toString('base64'), progress: progress() });
    }
    const afterMs = performance.now();
    slowestMs = Math.max(slowestMs, afterMs - beforeMs);
    // A loaded machine may hold anything up once; a slow input is slow each time.
    if (afterMs - beforeMs > hangMs && await isSlow(target, input)) return say({ say: 'failure', kind: 'hang', text: `${Math.round(afterMs - beforeMs)} ms`, base64: input.toString('base64'), progress: progress() });
    if (afterMs - beatAtMs < beatMs) continue;
    beatAtMs = afterMs;
    const now = progress();
    say({ say: 'progress', progress: now });
    // Memory outside V8 is given back between turns of the event loop only; a target that never waits would seem to leak it.
    await new Promise(setImmediate);
    if (now.rssBytes > order.rssBytesMax) return say({ say: 'failure', kind: 'memory', text: `${Math.round(now.rssBytes / 2 ** 20)} MiB`, base64: input.toString('base64'), progress: now });
    if (now.elapsedMs > order.seconds * 1000) break;
  }
  say({ say: 'done', progress: progress() });
}

async function replay(target: Target, path: string): Promise<void> {
  const input = readFileSync(path);
  await target.corpus();
  say({ say: 'ready' });
  const beforeMs = performance.now();
  const error = await errorOf(target, input);
  const ms = performance.now() - beforeMs;
  say({ say: 'replayed', ms, ...(error === undefined ? {} : { text: textOf(error) }) });
}

async function isSlow(target: Target, input: Buffer): Promise<boolean> {
  for (let round = 0; round < 3; round++) {
    const beforeMs = performance.now();
    await target.read(input);
    if (performance.now() - beforeMs <= hangMs) return false;
  }
  return true;
}

async function errorOf(target: Target, input: Buffer): Promise<unknown> {
  try {
    await target.read(input);
    return undefined;
  } catch (error) {
    return error ?? new Error('undefined was thrown');
  }
}

function signatureOf(error: unknown): string {
  return error instanceof Error ? `${error.name} ${error.message.replaceAll(/\d+/g, '#')}` : String(error);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 6).join('\n') : String(error);
}

function say(said: Said): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
