import t from 'tap';
import { startCourier } from './kit.ts';
import { finish, makeScene } from './killed.ts';

// Every other step is in test/slow/courierkill.test.ts.
t.test('killed when the object is whole, and it does not know: it arrives once, and the answer tells both attempts', async (t) => {
  const scene = await makeScene(t.testdir());
  const courier = await startCourier(scene.home, ['--confined', 'test']);
  scene.stub.hook = async (moment, method, path) => {
    if (moment !== 'done' || method !== 'POST' || !path.includes('uploadId')) return;
    scene.stub.hook = () => {};
    courier.child.kill('SIGKILL');
    await courier.child.exited;
  };
  t.equal((await courier.child.exited).signal, 'SIGKILL');
  const { problems, answer } = await finish(scene);
  t.same(problems, []);
  t.equal(answer.attempts, 2);
});

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
