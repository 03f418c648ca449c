import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyFolder } from '../../src/vault/verify.ts';
import { close, makeUploads, objectsIn, runCourier, settle } from '../duties/uploadworld.ts';
import { runKilled } from '../vault/killedchild.ts';
import { hourMs, prepare, record } from '../vault/world.ts';

const child = join(import.meta.dirname, '../courier/killeduploads.ts');
/** More steps than sending, purging and taking back two segments has. */
const stepsMax = 200;

t.test('a hub that is killed at any step of sending and taking back loses nothing, leaves nothing behind, and sends nothing twice unsaid', { timeout: 600_000 }, async (t) => {
  const folder = t.testdir();
  const first = join(folder, 'first');
  mkdirSync(first);
  const made = await makeUploads(first);
  const period = await prepare(made.vault, made.world, { keepMs: hourMs });
  for (let n = 0; n < 2; n++) await record(made.vault, period, { wallMs: period.startMs + n * 60_000 });
  await close(made);
  let purged = 0;
  for (let step = 1; ; step++) {
    t.ok(step < stepsMax, 'the sweep comes to its end');
    const home = join(folder, `step-${step}`);
    cpSync(first, home, { recursive: true });
    const { status, signal, stderr } = await runKilled(child, home, String(step));
    if (status === 0) break;
    t.equal(signal, 'SIGKILL', stderr);
    const again = await makeUploads(home);
    const courier = await runCourier(again);
    await settle(again);
    const lives = await again.vault.livePeriods();
    const objects = await objectsIn(again.disk);
    if (lives.length > 0) {
      t.equal(objects.size, 3, `step ${step}: all of it is there`);
      const puts = (await again.vault.far.lines({ limit: 99 })).filter(({ kind, class: klass }) => kind === 'put' && klass === 'segment');
      t.ok(puts.every(({ outcome }) => outcome !== undefined), `step ${step}: every order has its end`);
      t.equal(puts.filter(({ outcome }) => outcome === 'done').length, 2, `step ${step}: and arrived once`);
      await again.vault.purge(lives, {});
      await settle(again);
    } else purged++;
    t.same([...(await objectsIn(again.disk)).keys()], [], `step ${step}: nothing is left behind`);
    t.same(await again.vault.far.sums(), [], `step ${step}: and the book knows`);
    t.ok((await again.vault.far.lines({ limit: 99 })).every(({ outcome }) => outcome !== undefined));
    await courier[Symbol.asyncDispose]();
    await close(again);
    t.same((await verifyFolder({ folder: again.world.folder })).problems, []);
  }
  t.ok(purged > 5, 'it was killed behind the purge, too');
});
