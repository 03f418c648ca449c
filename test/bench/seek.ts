/** A random key frame out of a sealed 60 s segment by its index, warm, against the plain file and against `age -d` of the whole. */
import { randomFillSync, randomInt } from 'node:crypto';
import { open, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Opener, type ByteSource } from '../../src/seal/opener.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { FileSource } from '../../src/vault/filesource.ts';
import { benchOptions, figure, inFolder, inTurn, median, quantile, report, timeMs } from './measure.ts';

const options = benchOptions({ runs: 7, smokeRuns: 3, seconds: 1, smokeSeconds: 1 });
/** 60 s at 4 Mbit/s; each 2 s a key frame of 89 kB, as real ones of that rate are. */
const [segmentBytes, gopBytes, keyFrameBytes] = [30_000_000, 1_000_000, 89_000];
const seeksPerRun = options.smoke ? 100 : 1000;

/** One handle that stays open, no reading ahead. */
class BareSource implements ByteSource {
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafeSlow(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }
}

function anyKeyFrame(): number {
  return randomInt(segmentBytes / gopBytes) * gopBytes + 1000;
}

/** Median ms of one seek. */
async function seek(read: (offset: number) => Promise<Buffer>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < seeksPerRun; n++) {
    const offset = anyKeyFrame();
    times.push(await timeMs(async () => {
      if ((await read(offset)).length !== keyFrameBytes) throw new Error('too little was read');
    }));
  }
  slowest.push(quantile(times, 0.95));
  return median(times);
}

const slowest: number[] = [];

await inFolder(options, async (folder) => {
  const identity = Identity.generate();
  const [plainFile, sealedFile, identityFile] = ['plain.mp4', 'sealed.mp4.age', 'identity.txt'].map((name) => join(folder, name)) as [string, string, string];
  const plain = randomFillSync(Buffer.allocUnsafeSlow(segmentBytes));
  await writeFile(plainFile, plain);
  await writeFile(sealedFile, sealWhole(plain, [identity.recipient]));
  await writeFile(identityFile, identity.reveal(), { mode: 0o600 });
  await readFile(sealedFile);

  const plainHandle = await open(plainFile);
  const sealedHandle = await open(sealedFile);
  const plainSource = new BareSource(plainHandle, segmentBytes);
  const bare = await Opener.open(new BareSource(sealedHandle, (await sealedHandle.stat()).size), [identity], sealedFile);
  const product = await Opener.open(await FileSource.open(sealedFile), [identity], sealedFile);
  const first = anyKeyFrame();
  if (!(await product.read(first, keyFrameBytes)).equals(plain.subarray(first, first + keyFrameBytes))) throw new Error('what was opened is not what was sealed');

  const values = await inTurn(options.runs, new Map<string, () => Promise<number>>([
    ['plain', () => seek((offset) => plainSource.read(offset, keyFrameBytes))],
    ['bare', () => seek((offset) => bare.read(offset, keyFrameBytes))],
    ['product', () => seek((offset) => product.read(offset, keyFrameBytes))],
    ['cold open', async () => {
      const times: number[] = [];
      for (let n = 0; n < seeksPerRun / 10; n++) {
        times.push(await timeMs(async () => {
          const opener = await Opener.open(await FileSource.open(sealedFile), [identity], sealedFile);
          await opener.read(anyKeyFrame(), keyFrameBytes);
          opener.close();
        }));
      }
      return median(times);
    }],
    ['age', () => timeMs(async () => {
      const { status, stderr } = await run('age', ['-d', '-i', identityFile, '-o', '/dev/null', sealedFile]);
      if (status !== 0) throw new Error(`age: ${stderr}`);
    })],
  ]));
  bare.close();
  product.close();
  identity.close();
  await plainHandle.close();
  await sealedHandle.close();

  const of = (name: string): number[] => values.get(name) as number[];
  const plainPeer = { peer: 'the plain file', values: of('plain') };
  const agePeer = { peer: 'age -d', values: of('age') };
  report('Seeking a key frame in a sealed segment of 60 s', [
    figure('plain file, one read (the peer)', 'ms', of('plain')),
    figure('sealed, by index, file kept open', 'ms', of('bare'), { ...plainPeer, aim: '<= 0.2 ms' }),
    figure('sealed, by index, as the vault reads (1 MiB ahead)', 'ms', of('product'), { ...plainPeer, aim: '<= 0.2 ms' }),
    figure('the same with opening the segment first', 'ms', of('cold open'), plainPeer),
    figure('age -d of the whole segment (process included)', 'ms', of('age'), plainPeer),
    figure('sealed, as the vault reads, against age -d', 'ms', of('product'), agePeer),
  ], options, [`${seeksPerRun} random key frames of ${keyFrameBytes / 1000} kB a run, files in the page cache, medians; worst p95 of a run ${Math.max(...slowest).toFixed(2)} ms.`]);
});
