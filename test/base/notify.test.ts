import { once } from 'node:events';
import { join, resolve } from 'node:path';
import t from 'tap';
import { serviceManager } from '../../src/base/notify.ts';
import { launch, run } from '../../src/base/spawn.ts';

const folder = t.testdir({});
const receiver = join(folder, 'receiver');
const compiled = await run('gcc', ['-o', receiver, resolve(import.meta.dirname, '../native/receiver.c')], { timeoutMs: 120_000 });
if (compiled.status !== 0) throw new Error(compiled.stderr);

/** A socket under this name, and what has arrived at it. */
async function listen(name: string): Promise<{ text: () => string }> {
  const child = await launch(receiver, [name]);
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  while (!text.includes('listening\n')) await once(child.stdout, 'data');
  return { text: () => text.replace('listening\n', '') };
}

for (const name of [join('/tmp', `sp-notify-${process.pid}`), `@sallyport-test-${process.pid}`]) {
  t.test(`states arrive at ${name.startsWith('@') ? 'an abstract name' : 'a path'}, whole, before the teller ends`, async (t) => {
    const ear = await listen(name);
    const manager = serviceManager({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '90000000' });
    t.equal(manager.present, true);
    t.equal(manager.watchdogMs, 90_000);
    t.equal(await manager.notify('READY=1', 'STATUS=watching 2 cameras, "quoted"'), undefined);
    t.equal(await manager.notify('WATCHDOG=1'), undefined);
    while (!ear.text().endsWith('WATCHDOG=1 from a process\nBARRIER=1 from a process\n')) await new Promise(setImmediate);
    t.equal(ear.text(), ['READY=1', 'STATUS=watching 2 cameras, "quoted"', 'BARRIER=1', 'WATCHDOG=1', 'BARRIER=1'].map((line) => `${line} from a process\n`).join(''));
    if (!name.startsWith('@')) await run('rm', ['-f', name]);
  });
}

t.test('nobody to tell is no fault; one that cannot be told is said', async (t) => {
  const none = serviceManager({});
  t.match(none, { present: false, watchdogMs: undefined });
  t.equal(await none.notify('READY=1'), undefined);
  t.match(await serviceManager({ NOTIFY_SOCKET: '/nowhere/notify' }).notify('READY=1'), /nowhere/);
  t.match(await serviceManager({ NOTIFY_SOCKET: 'relative' }).notify('READY=1'), /NOTIFY_SOCKET/);
  t.match(await serviceManager({ NOTIFY_SOCKET: '/x' }, '/nowhere/notify').notify('READY=1'), /not found/);
});

t.test('a watchdog that is meant for another process is not ours', async (t) => {
  t.equal(serviceManager({ WATCHDOG_USEC: '1000000', WATCHDOG_PID: String(process.pid) }).watchdogMs, 1000);
  t.equal(serviceManager({ WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }).watchdogMs, undefined);
  for (const us of ['0', '', '-5', '1e9', 'x']) t.equal(serviceManager({ WATCHDOG_USEC: us }).watchdogMs, undefined, us);
});
