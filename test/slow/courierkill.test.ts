import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { startCourier } from '../courier/kit.ts';
import { finish, makeScene } from '../courier/killed.ts';

const tracer = await run('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true']).then(({ status, stderr }) => (status === 0 ? undefined : stderr), () => 'strace is not there');
/** What makes something durable, visible or gone; each is a step that a crash may come after. */
const calls = ['fdatasync', 'fsync', 'rename', 'unlink'] as const;
/** More than an order has; the sweep of a call ends where the courier lives to answer. */
const pointsMax = 40;

for (const call of calls) {
  t.test(`a courier that is killed at any ${call} loses nothing and sends nothing twice unsaid`, tracer === undefined ? {} : { skip: `nothing can be traced here: ${tracer}` }, async (t) => {
    for (let point = 1; ; point++) {
      t.ok(point < pointsMax, 'the sweep comes to its end');
      const scene = await makeScene(t.testdir());
      const courier = await startCourier(scene.home, ['--confined', 'test'], ['strace', '-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${point}`], false);
      const over = new AbortController();
      const answered = scene.hub.answerTo(scene.placed.name, over.signal).then(() => 'answered' as const);
      answered.catch(() => {});
      const lived = await Promise.race([answered, courier.child.exited.then(() => 'killed' as const)]);
      over.abort();
      // An answer is seen before the calls behind it: the courier may still be about to be killed. strace passes no signal on.
      const traced = await readFile(`/proc/${courier.child.pid}/task/${courier.child.pid}/children`, 'latin1').catch(() => '');
      if (lived === 'answered' && traced.trim() !== '') process.kill(Number(traced.trim()), 'SIGTERM');
      const outcome = await courier.child.exited;
      const { problems } = await finish(scene);
      t.same(problems, [], `${call} ${point}`);
      if (outcome.signal !== 'SIGKILL') break;
    }
  });
}

/** The far end sees what the courier does, and kills it at that moment. */
const moments: readonly (readonly [what: string, moment: 'before' | 'done', fits: (method: string, path: string) => boolean, attempts: number])[] = [
  ['the upload was begun, and the courier does not know', 'done', (method, path) => method === 'POST' && path.endsWith('?uploads='), 2],
  ['the first part is there, and the courier does not know', 'done', (_, path) => path.includes('partNumber=1'), 2],
  ['the second part came in', 'before', (_, path) => path.includes('partNumber=2'), 2],
  ['the object is whole, and the courier does not know', 'done', (method, path) => method === 'POST' && path.includes('uploadId'), 2],
];

for (const [what, moment, fits, attempts] of moments) {
  t.test(`killed when ${what}: it arrives once, and the answer tells both attempts`, async (t) => {
    const scene = await makeScene(t.testdir());
    const courier = await startCourier(scene.home, ['--confined', 'test']);
    scene.stub.hook = async (at, method, path) => {
      if (at !== moment || !fits(method, path)) return;
      scene.stub.hook = () => {};
      courier.child.kill('SIGKILL');
      await courier.child.exited;
    };
    t.equal((await courier.child.exited).signal, 'SIGKILL');
    const { problems, answer } = await finish(scene);
    t.same(problems, []);
    t.equal(answer.attempts, attempts);
  });
}

t.test('a journal that is damaged says at least that the order was begun', async (t) => {
  const scene = await makeScene(t.testdir());
  scene.stub.faults.push({ does: 'stall', query: /partNumber=2/, times: 1 });
  const first = await startCourier(scene.home, ['--confined', 'test']);
  while (!scene.stub.requests.some(({ path }) => path.includes('partNumber=2'))) await new Promise((resolve) => { setImmediate(resolve); });
  first.child.kill('SIGKILL');
  await first.child.exited;
  const journal = join(scene.home.state, 'journal');
  const [file] = readdirSync(journal).filter((name) => name.endsWith('.json'));
  writeFileSync(join(journal, file as string), readFileSync(join(journal, file as string)).subarray(0, 20));
  const { problems, answer } = await finish(scene);
  t.same(problems, []);
  t.equal(answer.attempts, 2);
});
