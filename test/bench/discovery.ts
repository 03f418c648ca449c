/**
 * Who finds how many cameras, and after how long the last one: 32 emulated cameras on loopback, and 4 on two LANs in network namespaces
 * (root only), against the `onvif` package's Discovery and `bonjour-service` alone. Each search is a process of its own; the cameras
 * are, too.
 */
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { join, resolve } from 'node:path';
import { launch, run } from '../../src/base/spawn.ts';
import { Lan, noLan } from '../slow/lan.ts';
import { benchOptions, figure, inFolder, inTurn, report, type BenchOptions, type Figure } from './measure.ts';

const options = benchOptions({ runs: 5, smokeRuns: 1, seconds: 3, smokeSeconds: 2 });
const [node, sallyport] = ['../../scripts/node', '../../scripts/sallyport'].map((path) => resolve(import.meta.dirname, path)) as [string, string];
const discoverer = join(import.meta.dirname, 'discoverer.ts');
const names = ['sallyport', 'onvif', 'bonjour', 'bonjour-told'];

await inFolder(options, onLoopback);
if (noLan === false) await inFolder(options, onTwoLans);
else console.log(noLan);

type Search = (contender: string) => Promise<ReadonlyMap<string, number>>;

async function onLoopback(folder: string): Promise<void> {
  const cameras = options.smoke ? 8 : 32;
  const network = `127.${randomInt(10, 251)}.${randomInt(10, 251)}`;
  const emulator = await launch(sallyport, ['emulate', '--cameras', String(cameras), '--address', `${network}.2`, '--seconds', '2', '--folder', join(folder, 'scenes'), '--json']);
  await once(emulator.stdout, 'data');
  emulator.stdout.resume();
  try {
    await compare(`${cameras} cameras on loopback`, cameras, async (contender) => read(await run(node, [discoverer, contender, String(options.seconds), '--loopback']), `${network}.`));
  } finally {
    emulator.kill('SIGTERM');
    await emulator.exited;
  }
}

async function onTwoLans(folder: string): Promise<void> {
  const ends: (() => unknown)[] = [];
  try {
    const lan = await Lan.build({ teardown: (end) => ends.push(end) });
    for (const [network, id] of [[0, 2], [0, 3], [1, 4], [1, 5]] as const) await lan.camera(network, id, { folder: join(folder, 'scenes') });
    await compare('4 cameras on two LANs', 4, async (contender) => read(await lan.inHub(node, discoverer, contender, String(options.seconds)), '10.7'));
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

function read({ stdout, stderr }: { stdout: Buffer; stderr: string }, network: string): ReadonlyMap<string, number> {
  if (stdout.length === 0) throw new Error(`a search ended without a word: ${stderr}`);
  return new Map((JSON.parse(stdout.toString()) as [string, number][]).filter(([address]) => address.startsWith(network)));
}

async function compare(title: string, cameras: number, search: Search): Promise<void> {
  const counts = new Map(names.map((name): [string, number[]] => [name, []]));
  const lasts = await inTurn(options.runs, new Map(names.map((name) => [name, async (): Promise<number> => {
    const found = await search(name);
    counts.get(name)?.push(found.size);
    return found.size === 0 ? Number.NaN : Math.max(...found.values());
  }])));
  const figures = names.flatMap((name): Figure[] => [
    figure(`${name}: found of ${cameras}`, '', counts.get(name) ?? []),
    figure(`${name}: time to the last that was found`, 'ms', lasts.get(name) ?? []),
  ]);
  report(title, figures, options satisfies BenchOptions, ['`bonjour-told`: with the interface and the wildcard address given, one instance for one LAN. NaN: nobody was found.']);
}
