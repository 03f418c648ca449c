import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t from 'tap';
import { launch, run } from '../../src/base/spawn.ts';
import { quickConfig, sallyport, shortFolder } from './site.ts';

t.test('the hub tells the service manager that it is ready, lives, reads its configuration again, and stops', async (t) => {
  const folder = await shortFolder(t);
  const receiver = join(folder, 'receiver');
  const compiled = await run('gcc', ['-o', receiver, resolve(import.meta.dirname, '../native/receiver.c')], { timeoutMs: 120_000 });
  t.equal(compiled.status, 0, compiled.stderr);
  const socket = join(folder, 'notify');
  const ear = await launch(receiver, [socket]);
  t.teardown(() => ear.kill('SIGKILL'));
  let heard = '';
  ear.stdout.on('data', (chunk: Buffer) => { heard += chunk.toString(); });
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(heard)) await once(ear.stdout, 'data');
  };
  await until(/listening/);
  await writeFile(join(folder, 'sallyport.toml'), quickConfig());
  // No working.key lies in the credentials' folder: the unit names one that need not be there.
  const hub = await launch(sallyport, ['run', '--config', join(folder, 'sallyport.toml')], {
    environment: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000', CREDENTIALS_DIRECTORY: folder },
  });
  t.teardown(() => hub.kill('SIGKILL'));
  await until(/READY=1 from a process\nSTATUS=watching no cameras|READY=1 from a process\nSTATUS=watching 0 cameras/);
  await until(/(?:WATCHDOG=1 from a process\n[^]*){2}/);
  hub.kill('SIGHUP');
  await until(/RELOADING=1[^]*MONOTONIC_USEC=\d+[^]*READY=1/);
  hub.kill('SIGTERM');
  await until(/STOPPING=1/);
  t.equal((await hub.exited).status, 0);
  t.notMatch(heard.slice(heard.indexOf('STOPPING=1')), /WATCHDOG=1[^]*WATCHDOG=1/, 'a hub that has stopped feeds no more');
});
