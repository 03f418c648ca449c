/** docs/DISCLOSURE.md against what is: the packages' own code, and what a hub and its courier do at work. */
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { disclosure, programs } from '../../scripts/disclosure.ts';
import { launch } from '../../src/base/spawn.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';

t.test('docs/DISCLOSURE.md is what the house plan and the packages make of it', async (t) => {
  t.equal(readFileSync(resolve(import.meta.dirname, '../../docs/DISCLOSURE.md'), 'utf8'), disclosure(), 'else: scripts/node scripts/disclosure.ts');
});

t.test('a hub at work and its courier start the programs of the list and no other, and connect to cameras, visitors and what is declared', { timeout: 170_000 }, async (t) => {
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const key = stub.grant(['put', 'get', 'delete']);
  const url = new URL(stub.url);
  const site = await TestSite.start(t, { adopt: false, config: quickConfig({ more: `\n[[destination]]\nname = "store"\npurpose = "a copy"\nkind = "s3"\nurl = "${url.origin}"\nbucket = "bucket"\nsend = "all"\n` }) });
  const trace = join(site.folder, 'trace');
  const strace = await launch('strace', ['-f', '-qq', '-s', '200', '-e', 'trace=execve,connect,bind,sendto', '-e', 'signal=none', '-o', trace, '-p', String(site.hub?.pid)], { package: 'strace' });
  t.teardown(() => strace.kill('SIGKILL'));
  await until(() => Number(/TracerPid:\t(\d+)/.exec(readFileSync(`/proc/${site.hub?.pid}/status`, 'utf8'))?.[1]) === strace.pid);
  await site.call(['secret', 'set', 'store.all', '--config', site.config], `${key.id}\n${key.secret}\n`);
  const { pending } = await site.status();
  for (const { id } of pending) await site.call(['accept', id, '--identity', site.kit, '--config', site.config]);
  for (const camera of site.cameras) await site.adopt(camera);
  await site.untilSealed(3);
  await until(() => stub.objects.size > 0);
  await site.stop();
  await strace.exited;

  const lines = readFileSync(trace, 'utf8').split('\n');
  const started = new Set(lines.flatMap((line) => /execve\("([^"]+)".*= 0$/.exec(line)?.[1] ?? []));
  const known = new Set(programs.map(([name]) => basename(name)));
  // What a shell script of ours becomes the hub by is over before the trace begins.
  t.same([...started].filter((path) => !known.has(basename(path))), []);
  for (const name of ['jail', 'ffmpeg', 'node']) t.ok([...started].some((path) => basename(path) === name), `control: ${name} was seen`);

  const addresses = new Set(lines.flatMap((line) => (/ (?:connect|sendto)\(/.test(line) ? /htons\((\d+)\).*inet_(?:addr\("|pton\(AF_INET6, ")([^"]+)"/.exec(line)?.slice(1, 3).toReversed().join(':') ?? [] : [])));
  const cameras = site.cameras.map(({ address }) => address);
  const odd = [...addresses].filter((address) => {
    const host = address.slice(0, address.lastIndexOf(':'));
    // Cameras are looked for at two groups; and nothing else of this machine itself is spoken to.
    return !cameras.includes(host) && address !== url.host && !/^(239\.255\.255\.250:3702|224\.0\.0\.251:5353)$/.test(address);
  });
  t.same(odd, []);
  t.ok([...addresses].some((address) => cameras.some((camera) => address.startsWith(`${camera}:`))), 'control: the camera was spoken to');
  t.ok(addresses.has(url.host), 'control: the store was spoken to');
});

async function until(look: () => boolean): Promise<void> {
  while (!look()) await delay(50);
}
