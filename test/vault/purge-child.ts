/** Purges what is due in the data folder argv[2], and kills itself after the step argv[3]; argv[4] is why, where it is an erasing. Run by purge.test.ts and hold.test.ts. */
import { silentLog } from '../../src/base/log.ts';
import { Vault } from '../../src/vault/vault.ts';
import { TestClock, hourMs, start } from './world.ts';

const [, , folder = '', killedAfter = '', erased] = process.argv;
const clock = new TestClock(start + 10 * hourMs);
const vault = await Vault.open({
  folder, clock, log: silentLog, hubName: 'test hub',
  hooks: { afterStep: (step) => { if (step === killedAfter) process.kill(process.pid, 'SIGKILL'); } },
});
await vault.purge(await vault.duePeriods(start + 3 * hourMs), erased === undefined ? {} : { erased });
await vault.close();
