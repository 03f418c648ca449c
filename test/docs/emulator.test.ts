/** What docs/DEVELOPING.md shows another project's CI works as it stands there. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { emulate } from '../../src/cli/emulate.ts';
import { readFaultOrder } from '../../src/emulator/faulttable.ts';

const root = resolve(import.meta.dirname, '../..');
const hasCurl = await run('curl', ['--version']).then(() => true, () => false);

const section = readFileSync(`${root}/docs/DEVELOPING.md`, 'utf8').split('## The emulator in another project\'s tests')[1]?.split('\n## ')[0] ?? '';

t.test('the emulator serves another project\'s CI as DEVELOPING shows it', { skip: hasCurl ? false : 'no curl' }, async (t) => {
  const example = /```sh\n([^]*?)```/.exec(section)?.[1] ?? 'false';
  const done = await run('sh', ['-euc', example.replace('kill $emulator\n', 'cat "$folder/cameras.json"; kill $emulator\n')], { folder: root, timeoutMs: 60_000 });
  t.equal(done.status, 0, done.stderr);
  const said = done.stdout.toString();
  const answers = said.split('\n').filter((line) => line.startsWith('{"')).map((line) => JSON.parse(line) as { cameras?: unknown; faults?: unknown });
  t.match(answers[0], { cameras: [{ name: 'front-door', address: '127.77.0.2', user: 'admin' }, { name: 'garden' }] });
  t.strictSame(answers.slice(-2).map(({ faults }) => faults), [
    [{ camera: 'front-door', fault: 'stall' }, { camera: 'garden', fault: 'drop', value: 5 }, { camera: 'garden', fault: 'event', value: 'person' }], [],
  ]);
  t.match(JSON.parse(said.slice(said.indexOf('{\n'))), { cameras: [{ name: 'front-door' }, { name: 'garden' }] });
});

t.test('each flag and each fault that is shown there is one that the emulator knows', (t) => {
  const flags = new Set(section.match(/--[a-z][a-z-]*/g)?.filter((flag) => !/^--(?:silent|show-error|fail-with-body|unix-socket|help)$/.test(flag)));
  t.ok(flags.size > 10);
  for (const flag of flags) t.ok(new RegExp(`^  ${flag} `, 'm').test(emulate.help), flag);
  const orders = [...section.matchAll(/--fault '?([^'`\s]+)/g)].map(([, order = '']) => order);
  t.ok(orders.length > 10);
  for (const order of orders) t.ok(readFaultOrder(order), order);
  const makes = [...section.matchAll(/--make ([\w,-]+)/g)].flatMap(([, names = '']) => names.split(','));
  for (const make of makes) t.ok(new RegExp(`[ ,]${make}[,\\n]`).test(emulate.help), make);
  t.end();
});
