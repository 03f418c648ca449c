import t from 'tap';
import { join } from 'node:path';
import { readdir, readFile } from 'node:fs/promises';
import { hunt } from '../fuzz/hunt.ts';
import { mutant } from '../fuzz/mutate.ts';
import { planted } from '../fuzz/planted.ts';
import { Random, seedOf } from '../fuzz/random.ts';
import { targets } from '../fuzz/targets.ts';

// A glance only, so that no change of a parser goes without one; hunts are `scripts/fuzz` and a case of the fault suite.
const foundFolder = join(import.meta.dirname, '../fuzz/found');

for (const target of targets) {
  t.test(`${target.name}: real inputs, what once failed, and some strange ones are answered or refused in our words`, async (t) => {
    const corpus = await target.corpus();
    const files = (await readdir(join(foundFolder, target.name)).catch(() => [])).map((name) => join(foundFolder, target.name, name));
    const found = await Promise.all(files.map((path) => readFile(path)));
    const random = new Random(seedOf(1, target.name));
    const outcomes = [];
    for (const input of [...corpus, ...found, ...Array.from({ length: 100 }, () => mutant(random, corpus, target.mutators, target.bytesMax))]) outcomes.push(await target.read(input));
    t.equal(outcomes.length, corpus.length + found.length + 100);
    t.ok(new Set(outcomes.slice(0, corpus.length)).size > 0 && new Set(outcomes).size > 1, 'and not all are alike');
  });
}

t.test('a hunt finds what is planted: a crash, a hang, a leak, a death, and makes the input small', { timeout: 115_000 }, async (t) => {
  const folder = t.testdir();
  const controls = [['planted-crash', 'crash'], ['planted-hang', 'hang'], ['planted-greed', 'memory'], ['planted-death', 'death']] as const;
  t.same(planted.map(({ name }) => name), controls.map(([name]) => name));
  await Promise.all(controls.map(async ([name, kind]) => {
    const { failure } = await hunt({ target: name, seed: 1, inputs: 100_000, seconds: 100, foundFolder: folder, rssBytesMax: 384 * 2 ** 20 });
    t.equal(failure?.kind, kind, name);
    t.ok((failure?.input.length ?? Infinity) <= 256, `${name}: ${failure?.input.length} bytes`);
    t.equal((await readdir(join(folder, name))).length, 1, 'the input was kept');
  }));
});

t.test('the same seed gives the same failure', { timeout: 115_000 }, async (t) => {
  const again = { target: 'planted-crash', seed: 7, inputs: 10_000, seconds: 60 };
  const [first, second] = await Promise.all([hunt(again), hunt(again)]);
  t.ok(first.failure !== undefined && second.failure?.input.equals(first.failure.input), 'byte for byte');
  t.equal(second.inputs, first.inputs);
});
