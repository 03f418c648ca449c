import { hunt } from '../../fuzz/hunt.ts';
import { targets } from '../../fuzz/targets.ts';
import { join } from 'node:path';
import type { FaultCase } from '../fault.ts';

const quickInputs = 2000;
/** A long run of a target takes so many parts, each with a seed of its own. */
const partsPerTarget = 4;
const foundFolder = join(import.meta.dirname, '../../fuzz/found');

const fuzz: FaultCase = {
  id: 'fuzz',
  fault: `altered bytes in each of ${targets.length} parsers: fMP4, age header and payload, slot, configuration, metadata, hour list, XML, addresses and more`,
  expected: 'an answer or a refusal in our own words within 1 s, in bounded memory; a planted defect is found',
  limitMs: { quick: 150_000, all: 535_000 },
  // The last part is the control.
  parts: targets.length * partsPerTarget + 1,
  async run(o) {
    const chosen = o.quick ? targets : targets.filter((_, index) => index === Math.floor((o.part - 1) / partsPerTarget));
    const problems: string[] = [];
    const figures: Record<string, string> = {};
    let injected = 0;
    const seed = Math.floor(o.random() * 2 ** 31);
    for (const { name, longRun } of chosen) {
      const result = await hunt({ target: name, seed, inputs: o.quick ? quickInputs : Math.ceil(longRun / partsPerTarget), seconds: o.quick ? 10 : 500, foundFolder, signal: o.signal });
      injected += result.inputs;
      figures[name] = `${result.inputs} inputs, ${Math.round(result.inputs / Math.max(0.001, result.elapsedMs / 1000))}/s, slowest ${result.slowestMs.toFixed(0)} ms, ${Math.round(result.rssBytes / 2 ** 20)} MiB`;
      o.say(`${name}: ${figures[name]}`);
      if (!o.quick && result.failure === undefined && result.inputs < longRun / partsPerTarget) problems.push(`${name}: only ${result.inputs} inputs in the time that a part has`);
      const { failure } = result;
      if (failure !== undefined) problems.push(`${name}, seed ${result.seed}: ${failure.kind}: ${failure.text}; the input is kept as ${failure.file}`);
    }
    if (o.quick || o.part > targets.length * partsPerTarget) {
      const control = await hunt({ target: 'planted-crash', seed, inputs: 10_000, seconds: 60, signal: o.signal });
      injected += control.inputs;
      if (control.failure?.kind !== 'crash') problems.push('the control failed: a planted defect was not found');
    }
    return { injected, lost: `${problems.length} crashes, hangs or leaks`, recoveryMs: [], problems, figures };
  },
};

export default fuzz;
