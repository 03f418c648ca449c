/**
 * A hub that moves footage to where it lies alone, and brings one segment back, in a process that kills itself at a chosen step:
 * `killedarchive.ts FOLDER STEP`. It ends with status 0 when it lived through all of them.
 */
import { hourMs } from '../../src/base/units.ts';
import { played, withDuties, type Archived } from '../duties/archiveworld.ts';
import { answered, makeUploads, runCourier } from '../duties/uploadworld.ts';
import { always, start } from '../vault/world.ts';

const [folder = '', at = '0'] = process.argv.slice(2);
let steps = 0;
const step = (): void => {
  if (++steps === Number(at)) process.kill(process.pid, 'SIGKILL');
};

await using made = (await makeUploads(folder, { archiveAfterMs: 2 * hourMs }, { afterStep: step }, { afterStep: step })) as Archived;
withDuties(made);
await using _courier = await runCourier(made);
made.world.clock.set(start + 3 * hourMs);
await answered(made, made.archive.look());
const last = (await made.vault.segments(always)).at(-1);
if (last !== undefined) await played(made, last);
step();
