/**
 * A hub's uploads in a process that kills itself at a chosen step: `killeduploads.ts FOLDER STEP`. It sends what is recorded, purges it, and takes it back
 * from there; each step of outbox, ledger and purge counts. It ends with status 0 when it lived through all of them.
 */
import { makeUploads, runCourier, settle } from '../duties/uploadworld.ts';

const [folder = '', at = '0'] = process.argv.slice(2);
let steps = 0;
const step = (): void => {
  if (++steps === Number(at)) process.kill(process.pid, 'SIGKILL');
};

await using made = await makeUploads(folder, {}, { hook: step, afterStep: step }, { afterStep: step });
await using _courier = await runCourier(made);
await settle(made);
await made.vault.purge(await made.vault.livePeriods(), {});
await settle(made);
