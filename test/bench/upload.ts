/**
 * How fast sealed files go to a WebDAV server by the courier, against `rclone copy` of the same files to the same server (`rclone serve webdav` on
 * loopback), and the CPU time of both. As many at once on both sides. The orders lie in `out/` before the courier starts; its time is from its
 * first order to the last answer, with its journal and answers synced to the disk; rclone's is that of the whole program.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launch, run } from '../../src/base/spawn.ts';
import type { Answer } from '../../src/outbox/orders.ts';
import { HubSide, makeHome, startCourier } from '../courier/kit.ts';
import { serveWebdav, type Rclone } from '../egress/stores.ts';
import { sealedText } from '../outbox/world.ts';
import { benchOptions, figure, inFolder, inTurn, report, usageOf } from './measure.ts';

const options = benchOptions({ runs: 7, smokeRuns: 1, seconds: 1, smokeSeconds: 1 }, ['files', 'mebibytes']);
const files = options.number('files') ?? (options.smoke ? 4 : 16);
const fileBytes = (options.number('mebibytes') ?? (options.smoke ? 2 : 16)) * 2 ** 20;
const atOnce = 4;

interface Turn { readonly mebibytesPerSecond: number; readonly cpuSeconds: number }

async function byCourier(folder: string, server: Rclone, readBack?: boolean): Promise<Turn> {
  const home = makeHome(folder, [{ name: 'dav', kind: 'webdav', url: server.url.href, lanes: atOnce, ...(readBack === undefined ? {} : { read_back: readBack }) }], { 'dav.all': 'sally\nport\n' });
  const hub = await HubSide.open(home);
  const names: string[] = [];
  for (const bytes of contents) names.push((await hub.outbox.put(sealedText(bytes), { to: 'dav', class: 'segment' })).name);
  const courier = await startCourier(home, ['--confined', 'bench']);
  await courier.said('the courier is running');
  const before = usageOf([courier.child.pid]);
  const begun = performance.now();
  const answers: Answer[] = [];
  for (const name of names) answers.push(await hub.answerTo(name));
  const seconds = (performance.now() - begun) / 1000;
  const after = usageOf([courier.child.pid]);
  await courier.stop();
  if (answers.some(({ outcome }) => outcome !== 'done')) throw new Error(`not everything went: ${courier.lines.filter((line) => line.includes('warn')).join()}`);
  return { mebibytesPerSecond: (files * fileBytes) / 2 ** 20 / seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds };
}

async function byRclone(folder: string, server: Rclone): Promise<Turn> {
  const from = join(folder, 'from');
  await mkdir(from, { recursive: true });
  for (const [index, bytes] of contents.entries()) await writeFile(join(from, String(index)), sealedText(bytes).bytes);
  const begun = performance.now();
  const obscured = (await run('rclone', ['obscure', 'port'])).stdout.toString().trim();
  const child = await launch('bash', ['-c', 'rclone "$@"; times >&2', 'bash', 'copy', from, ':webdav:/copied', '--webdav-url', server.url.href, '--webdav-user', 'sally', '--webdav-pass', obscured, '--transfers', String(atOnce), '--config', join(folder, 'none')], {
    environment: { HOME: folder }, onErrorLine: (line) => lines.push(line),
  });
  child.stdout.resume();
  const { status } = await child.exited;
  const seconds = (performance.now() - begun) / 1000;
  if (status !== 0) throw new Error(lines.join('\n'));
  // The last line of `times` is that of the children: user and system.
  const cpuSeconds = [...(lines.at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return { mebibytesPerSecond: (files * fileBytes) / 2 ** 20 / seconds, cpuSeconds };
}

const lines: string[] = [];
const contents = Array.from({ length: files }, () => randomBytes(fileBytes));

await inFolder(options, async (folder) => {
  const server = await serveWebdav(folder);
  // The same server told to give a hash as its ETag: what it holds is proven without being read back.
  await mkdir(join(folder, 'hashing'));
  const hashing = await serveWebdav(join(folder, 'hashing'), { etagHash: 'MD5' });
  const cpu = new Map<string, number[]>();
  const measured = (name: string, turn: (place: string) => Promise<Turn>): [string, (round: number) => Promise<number>] => [name, async (round) => {
    const place = join(folder, `${name}-${round}`);
    await mkdir(place);
    const { mebibytesPerSecond, cpuSeconds } = await turn(place);
    cpu.set(name, [...(cpu.get(name) ?? []), cpuSeconds]);
    await rm(place, { recursive: true });
    for (const { path } of [server, hashing]) {
      await rm(path, { recursive: true });
      await mkdir(path);
    }
    return mebibytesPerSecond;
  }];
  const values = await inTurn(options.runs, new Map([
    measured('rclone', (place) => byRclone(place, server)), measured('courier', (place) => byCourier(place, server, false)), measured('read back', (place) => byCourier(place, server, true)),
    measured('rclone to hashing', (place) => byRclone(place, hashing)), measured('checksum', (place) => byCourier(place, hashing)),
  ]));
  await server.close();
  await hashing.close();
  const of = (name: string): number[] => values.get(name) as number[];
  const peer = { peer: 'rclone copy', values: of('rclone') };
  const cpuPeer = { peer: 'rclone copy', values: cpu.get('rclone') as number[] };
  report('Uploading sealed files to WebDAV', [
    figure('rclone copy (the peer)', 'MiB/s', of('rclone')),
    figure('the courier', 'MiB/s', of('courier'), { ...peer, aim: '>= 0.9' }),
    figure('the courier, everything read back and compared', 'MiB/s', of('read back'), peer),
    figure('rclone copy to a server whose ETag is a hash (the peer)', 'MiB/s', of('rclone to hashing')),
    figure('the courier to that server, each object proven by its hash', 'MiB/s', of('checksum'), { peer: 'rclone copy to it', values: of('rclone to hashing'), aim: '>= 0.9' }),
    figure('CPU time of rclone copy', 's', cpuPeer.values),
    figure('CPU time of the courier', 's', cpu.get('courier') as number[], cpuPeer),
    figure('CPU time of the courier, reading back', 's', cpu.get('read back') as number[], cpuPeer),
    figure('CPU time of the courier, proven by hashes', 's', cpu.get('checksum') as number[], cpuPeer),
  ], options, [`${files} files of ${fileBytes / 2 ** 20} MiB, ${atOnce} at once. rclone compares sizes alone; the courier hashes each file before it sends it.`]);
});
