import { mkdir, open, rename, symlink, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../src/base/spawn.ts';
import type { FaultCase } from '../fault.ts';
import { sallyport } from '../../e2e/site.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause, untilAllSeal } from '../kit/hub.ts';

const good = 'name = "x"\n[[camera]]\nid = "front"\naddress = "192.168.1.9"\nuser = "admin"\n';
/** Of the processor, so that a busy machine is no fault. */
const cpuSecondsMax = 8;

/** Contents, or a way to make the file. Each must be refused. */
const files: Readonly<Record<string, string | Buffer | ((path: string) => Promise<unknown>)>> = {
  'tables nested 5,000 deep': `${'['.repeat(5000)}a${']'.repeat(5000)}\n`,
  'lists nested 100,000 deep': `a = ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`,
  'inline tables nested': `a = ${'{a='.repeat(20_000)}1${'}'.repeat(20_000)}\n`,
  'dotted keys without end': `${'a.'.repeat(50_000)}a = 1\n`,
  '100 MB': async (path) => {
    const file = await open(path, 'w');
    await file.truncate(100_000_000);
    await file.close();
  },
  '60,000 unknown keys': Array.from({ length: 60_000 }, (_, n) => `k${n} = 1`).join('\n'),
  '15,000 cameras': Array.from({ length: 15_000 }, (_, n) => `[[camera]]\nid = "c${n}"\naddress = "192.168.1.9"\nuser = "a"`).join('\n').slice(0, 2 ** 20 - 10),
  'a key __proto__': `${good}[__proto__]\npolluted = "yes"\n`,
  'a key constructor.prototype': `${good}[constructor.prototype]\npolluted = "yes"\n`,
  'wrong types': 'name = 5\ndata = []\nkeep = "x"\ncamera = { id = 1 }\n',
  'numbers beyond': `${good}port = 99999999999999999999\nkeep = "1e999 days"\n`,
  'an unknown key': `${good}recrod = true\n`,
  'a password': `${good}password = "hunter2hunter2"\n`,
  'a command': `${good}[capture]\nffmpeg_args = "-i /etc/passwd"\n`,
  'UTF-16': Buffer.from(`\ufeff${good}`, 'utf16le'),
  'NUL bytes': `name = "x\0y"\n`,
  'an endless device': (path) => symlink('/dev/zero', path),
  'a folder': (path) => mkdir(path),
  'a pipe that nobody feeds': (path) => run('mkfifo', [path]),
  'a name that is an escape': `${good}name = "\u001b]0;owned\u0007"\n`,
};

const hostileConfig: FaultCase = {
  id: 'R22',
  fault: `configurations that mean harm: ${Object.keys(files).join(', ')}`,
  expected: 'each is refused within 8 s of the processor, in our words, without a value repeated; the running hub keeps the one in force and records on',
  limitMs: { quick: 240_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    await untilAllSeal(o, site);
    // The time before the first picture is a gap of its own.
    const gapsBefore = (await site.list()).gaps.length;
    const problems: string[] = [];
    let slowestMs = 0;
    const inForce = await readFile(site.config);
    for (const [what, content] of Object.entries(files)) {
      if (o.signal.aborted) break;
      const folder = join(o.folder, `config-${Object.keys(files).indexOf(what)}`);
      await mkdir(folder);
      const path = join(folder, 'sallyport.toml');
      if (typeof content === 'function') await content(path);
      else await writeFile(path, content);
      const began = performance.now();
      const { status, stdout, stderr } = await run('prlimit', [`--cpu=${cpuSecondsMax}`, sallyport, 'check', '--config', path], { timeoutMs: 50_000 }).catch((error: unknown) => ({ status: 0, stdout: Buffer.alloc(0), stderr: String(error) }));
      const tookMs = performance.now() - began;
      slowestMs = Math.max(slowestMs, tookMs);
      const said = `${stdout.toString()}${stderr}`;
      if (status === 0) problems.push(`${what}: it was taken, or never ended: ${said.slice(0, 200)}`);
      if (status === null) problems.push(`${what}: it took more than ${cpuSecondsMax} s of the processor`);
      if (!said.includes('SP_CONFIG_')) problems.push(`${what}: refused without a word of ours: ${said.slice(0, 200)}`);
      // oxlint-disable-next-line no-control-regex -- what a terminal would obey is what is looked for
      if (/SP_INTERNAL|RangeError|at .*\.ts:|hunter2|\u001b\]/.test(said)) problems.push(`${what}: said what it should not: ${said.slice(0, 200)}`);
      if (typeof content !== 'function') {
        // The running hub is told to read it again.
        await replace(site.config, content);
        process.kill(site.hub?.pid as number, 'SIGHUP');
        await pause(o, 300);
      }
    }
    await replace(site.config, inForce);
    await untilAllSeal(o, site);
    const rows = await site.list();
    problems.push(...rows.gaps.slice(gapsBefore).map(({ camera, reason }) => `${camera} has a gap: ${reason}`));
    return { injected: Object.keys(files).length * 2, lost: '0 segments', recoveryMs: [], problems, figures: { 'slowest refusal, ms': Math.round(slowestMs) } };
  }),
};

/** At once: half a configuration may be a sound one. */
async function replace(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

export default hostileConfig;
