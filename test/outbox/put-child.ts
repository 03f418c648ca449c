/** Puts one order into the folder argv[2], and kills itself after the step argv[3]. Run by out.test.ts. */
import { systemClock } from '../../src/base/clock.ts';
import { Outbox } from '../../src/outbox/out.ts';
import { sealedText } from './world.ts';

const [, , folder = '', killedAfter = ''] = process.argv;
const outbox = await Outbox.open({ folder, clock: systemClock, hook: (step) => { if (step === killedAfter) process.kill(process.pid, 'SIGKILL'); } });
await outbox.put(sealedText('footage'), { to: 'nas', class: 'segment' });
