/** What `scripts/fuzz` runs: target after target, a line each, and what failed with the way to repeat it. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hunt, type HuntResult } from '../test/fuzz/hunt.ts';
import { targets } from '../test/fuzz/targets.ts';

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, inputs: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' }, long: { type: 'boolean' } }, strict: true,
});
const seed = options.seed === undefined ? randomInt(2 ** 31) : Number(options.seed);
const wanted = options.only?.split(',') ?? targets.map(({ name }) => name);
const unknown = wanted.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0) throw new Error(`no target is called ${unknown.join(', ')}`);

console.log(`seed ${seed}`);
let failed = 0;
for (const target of targets.filter(({ name }) => wanted.includes(name))) {
  const inputs = options.inputs === undefined ? (options.long === true ? target.longRun : 20_000) : Number(options.inputs);
  const seconds = options.seconds === undefined ? (options.long === true ? 24 * 3600 : 60) : Number(options.seconds);
  const result = await hunt({ target: target.name, seed, inputs, seconds, foundFolder: join(import.meta.dirname, '../test/fuzz/found') });
  console.log(lineOf(result));
  if (result.failure === undefined) continue;
  failed++;
  const { kind, text, input, file } = result.failure;
  console.log(`FAILED ${target.name}: ${kind}: ${text}\n  seed ${result.seed}, ${input.length} bytes${file === undefined ? '' : ` kept as ${file}`}: ${input.toString('base64').slice(0, 400)}`);
}
console.log(`${wanted.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function lineOf({ target, inputs, elapsedMs, outcomes, slowestMs, rssBytes, falseAlarms }: HuntResult): string {
  const perSecond = Math.round(inputs / Math.max(0.001, elapsedMs / 1000));
  return `${target.padEnd(10)} ${String(inputs).padStart(8)} inputs  ${String(perSecond).padStart(7)}/s  ${String(outcomes).padStart(5)} outcomes  slowest ${slowestMs.toFixed(1)} ms  ${Math.round(rssBytes / 2 ** 20)} MiB${falseAlarms === 0 ? '' : `  ${falseAlarms} false alarms`}`;
}
