import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hourMs } from '../../src/base/units.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { fileOf, arrived, played, withDuties, type Archived } from '../duties/archiveworld.ts';
import { answered, close, makeUploads, objectsIn, runCourier, settle } from '../duties/uploadworld.ts';
import { runKilled } from '../vault/killedchild.ts';
import { always, start } from '../vault/world.ts';

const child = join(import.meta.dirname, '../courier/killedarchive.ts');
const stepsMax = 100;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

t.test('a hub that is killed at any step of moving footage away, or of bringing it back, loses none of it, and removes nothing here that was not proven there', { timeout: 600_000 }, async (t) => {
  const folder = t.testdir();
  const first = join(folder, 'first');
  mkdirSync(first);
  const { made, one, two, bytes } = await arrived(first);
  {
    await using _courier = await runCourier(made);
    await settle(made);
  }
  await made.vault.finishPeriods(start + 2 * hourMs);
  await close(made);
  const wanted = bytes.map(hashOf);
  const stood = { both: 0, there: 0 };
  for (let step = 1; ; step++) {
    t.ok(step < stepsMax, 'the sweep comes to its end');
    const home = join(folder, `step-${step}`);
    cpSync(first, home, { recursive: true });
    const { status, signal, stderr } = await runKilled(child, home, String(step));
    if (status === 0) break;
    t.equal(signal, 'SIGKILL', stderr);
    const there = new Set([...(await objectsIn(join(home, 'disk'))).values()].map(hashOf));
    const again = (await makeUploads(home, { archiveAfterMs: 2 * hourMs })) as Archived;
    withDuties(again);
    t.same([again.vault.recovery.missing, (await verifyFolder({ folder: again.world.folder })).problems], [[], []], `step ${step}: nothing is missed at the start`);
    const rows = await again.vault.segments(always);
    for (const [index, row] of [one, two].entries()) {
      const file = fileOf(again, row);
      const hash = wanted[index] ?? '';
      if (existsSync(file)) t.equal(hashOf(readFileSync(file)), hash, `step ${step}: it is here`);
      else t.ok(there.has(hash) && rows.some(({ seq, archivedAt }) => seq === row.seq && archivedAt === 'disk'), `step ${step}: it is there, and its row says so`);
      stood[existsSync(file) ? 'both' : 'there']++;
    }
    const courier = await runCourier(again);
    again.world.clock.set(start + 3 * hourMs);
    await answered(again, again.archive.look());
    t.equal(again.archive.problem, undefined, `step ${step}: nothing is in the way`);
    t.notOk(existsSync(fileOf(again, one)) || existsSync(fileOf(again, two)), `step ${step}: the next look goes on`);
    t.same([await played(again, one), await played(again, two)].map(hashOf), wanted, `step ${step}: byte for byte`);
    await again.vault.finishPeriods(start + 3 * hourMs);
    await again.vault.purge(await again.vault.livePeriods(), {});
    await settle(again);
    t.same([...(await objectsIn(again.disk)).keys()], [], `step ${step}: a purge leaves nothing there`);
    t.ok((await again.vault.far.lines({ limit: 99 })).every(({ outcome }) => outcome !== undefined), `step ${step}: every order has its end`);
    await courier[Symbol.asyncDispose]();
    await close(again);
  }
  t.ok(stood.both > 5 && stood.there > 5, 'it was killed before files went, and after');
});
