import { readFile } from 'node:fs/promises';
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
      const lived = await Promise.race([scene.hub.answerTo(scene.placed.name).then(() => 'answered' as const), courier.child.exited.then(() => 'killed' as const)]);
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
