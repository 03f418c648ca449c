/** Forgets the person argv[3] in the data folder argv[2], and kills itself after the argv[4]th step of what that is. Run by test/slow/faces.test.ts. */
import { silentLog } from '../../src/base/log.ts';
import { Vault } from '../../src/vault/vault.ts';
import { TestClock, hourMs, start } from './world.ts';

const [, , folder = '', person = '', killedAfter = ''] = process.argv;
let steps = 0;
const vault = await Vault.open({
  folder, clock: new TestClock(start + 10 * hourMs), log: silentLog, hubName: 'test hub',
  hooks: { afterStep: () => { if (++steps === Number(killedAfter)) process.kill(process.pid, 'SIGKILL'); } },
});
await vault.people.forget(person, { who: 'cli' });
await vault.close();
