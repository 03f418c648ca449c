import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { jailLauncher } from '../../src/capture/jail.ts';
import { run } from '../../src/base/spawn.ts';
import { TestSite } from './site.ts';

/** The hub's children that read cameras, by what they are told. */
async function readersOf(hub: number): Promise<{ pid: string; status: string }[]> {
  const readers = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      const folder = join('/proc', pid);
      const status = await readFile(join(folder, 'status'), 'utf8');
      const line = await readFile(join(folder, 'cmdline'), 'latin1');
      if (status.includes(`\nPPid:\t${hub}\n`) && line.includes('frag_every_frame')) readers.push({ pid, status });
    } catch {
      continue; // It is gone meanwhile.
    }
  }
  return readers;
}

t.test('the hub\'s ffmpeg runs in the jail, is told no password, and status says how far', async (t) => {
  const site = await TestSite.start(t);
  await site.untilSealed(1);
  // scripts/sallyport becomes Node, so the process that was started is the hub.
  const hub = site.hub?.pid ?? 0;
  const readers = await readersOf(hub);
  t.equal(readers.length, 1, 'one camera, one ffmpeg');
  for (const { pid, status } of readers) {
    t.match(status, /\nSeccomp:\t2\n/, 'calls are filtered');
    t.match(status, /\nNoNewPrivs:\t1\n/, 'no new privileges');
    t.match(await readFile(`/proc/${pid}/environ`, 'utf8'), /^(?:MALLOC_PERTURB_=\d+\0GLIBC_TUNABLES=glibc\.malloc\.tcache_count=0\0)?(?:LD_PRELOAD=[^\0]*\/native\/build\/ahead\0)?$/, 'no environment but that what is freed is overwritten, and the library that reads ahead');
    t.match(await readFile(`/proc/${pid}/limits`, 'utf8'), /Max file size +0 +0 /, 'no file');
  }
  const { stdout } = await run(jailLauncher, ['--probe']);
  const { confinement } = await site.status();
  t.match(confinement, { level: (JSON.parse(stdout.toString()) as { level: string }).level, need: 'files', seccomp: true });
  t.match(await site.call(['status', '--config', site.config]), /ffmpeg is confined: level (full|files)/);
});
