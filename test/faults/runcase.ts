/**
 * One run of one case, in a process of its own: `runcase.ts ID JSON`. Lines on standard output are JSON: `{"say": …}` on the way,
 * `{"outcome": …}` at the end. The process knows its limit and ends by itself; whoever started it kills it beyond that.
 */
import type { FaultOutcome, FaultRun } from './fault.ts';
import { findCase } from './cases.ts';

export interface CaseOrder {
  readonly folder: string;
  readonly quick: boolean;
  readonly part: number;
  readonly parts: number;
  readonly seed: number;
  readonly logFile: string;
  readonly limitMs: number;
}

const [id = '', json = '{}'] = process.argv.slice(2);
const order = JSON.parse(json) as CaseOrder;
const stop = new AbortController();
const timer = setTimeout(() => stop.abort(new Error(`it had not ended after ${Math.round(order.limitMs / 1000)} s`)), order.limitMs);

// What does not stop when it is told to is left to whoever kills this process.
const giveUp = new Promise<FaultOutcome>((resolve) => {
  stop.signal.addEventListener('abort', () => void setTimeout(() => resolve({ injected: 0, lost: '', recoveryMs: [], problems: [`${String((stop.signal.reason as Error).message)}, and did not stop`] }), 20_000), { once: true });
});
const outcome = await Promise.race([runCase(), giveUp]);
clearTimeout(timer);
process.stdout.write(`${JSON.stringify({ outcome })}\n`, () => process.exit(0));

async function runCase(): Promise<FaultOutcome> {
  const run: FaultRun = {
    folder: order.folder, logFile: order.logFile, quick: order.quick, part: order.part, parts: order.parts, signal: stop.signal,
    almostOver: () => performance.now() > (order.limitMs * 8) / 10,
    random: mulberry32(order.seed), say: (line) => void process.stdout.write(`${JSON.stringify({ say: line })}\n`),
  };
  try {
    const fault = await findCase(id);
    const done = await fault.run(run);
    return stop.signal.aborted ? { ...done, problems: [...done.problems, String((stop.signal.reason as Error).message)] } : done;
  } catch (error) {
    const why = stop.signal.aborted ? (stop.signal.reason as Error) : (error as Error);
    return { injected: 0, lost: '', recoveryMs: [], problems: [`the case broke off: ${(why.stack ?? why.message).slice(0, 2000)}`] };
  }
}

/** A small generator of which only repeatability is asked. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
