import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';

t.setTimeout(120_000);

t.test('our net gives the numbers that the code of the package gives which carries its weights', async (t) => {
  const { stdout, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'referee.mjs')], { timeoutMs: 100_000 });
  const said = JSON.parse(stdout.toString() || JSON.stringify({ failed: stderr })) as { largest: number; apart: number };
  t.ok(said.largest < 1e-4, `apart by ${said.largest} at most`);
  t.ok(said.apart > 0.1, 'and other pictures give other ones');
});
