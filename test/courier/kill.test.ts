import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startCourier } from './kit.ts';
import { finish, makeScene } from './killed.ts';

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

t.test('killed when the answer was written: it is not sent again', async (t) => {
  const scene = await makeScene(t.testdir());
  const first = await startCourier(scene.home, ['--confined', 'test']);
  await scene.hub.answerTo(scene.placed.name);
  first.child.kill('SIGKILL');
  await first.child.exited;
  const requests = scene.stub.requests.length;
  const { problems, answer } = await finish(scene);
  t.same(problems, []);
  t.equal(answer.attempts, 1);
  t.equal(scene.stub.requests.length, requests);
});

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
