import t from 'tap';
import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import { hunt } from './hunt.ts';
import { planted } from './planted.ts';
import { targets } from './targets.ts';

// Short hunts, so that no change of a parser goes without one; longer ones are `scripts/fuzz` and the fault suite's.
const foundFolder = join(import.meta.dirname, 'found');

t.test('each parser answers or refuses in our words, whatever the bytes', async (t) => {
  for (const { name } of targets) {
    const { failure, inputs } = await hunt({ target: name, seed: 1, inputs: 200, seconds: 5, foundFolder });
    t.ok(failure === undefined && inputs > 0, `${name}: ${failure === undefined ? `${inputs} inputs` : `${failure.kind}: ${failure.text}, kept as ${failure.file}`}`);
  }
});

t.test('a hunt finds what is planted: a crash, a hang, a leak, a death, each with a small input', async (t) => {
  const folder = t.testdir();
  for (const [name, kind] of [['planted-crash', 'crash'], ['planted-hang', 'hang'], ['planted-greed', 'memory'], ['planted-death', 'death']] as const) {
    const { failure } = await hunt({ target: name, seed: 1, inputs: 100_000, seconds: 60, foundFolder: folder, rssBytesMax: 384 * 2 ** 20 });
    t.equal(failure?.kind, kind, name);
    t.ok((failure?.input.length ?? Infinity) <= 256, `${name}: ${failure?.input.length} bytes`);
    t.equal((await readdir(join(folder, name))).length, 1, 'the input was kept');
  }
  t.equal(planted.length, 4);
});

t.test('the same seed gives the same failure', async (t) => {
  const [first, second] = [await hunt({ target: 'planted-crash', seed: 7, inputs: 10_000, seconds: 60 }), await hunt({ target: 'planted-crash', seed: 7, inputs: 10_000, seconds: 60 })];
  t.ok(first.failure !== undefined && second.failure?.input.equals(first.failure.input), 'byte for byte');
  t.equal(second.inputs, first.inputs);
});
