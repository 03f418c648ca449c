/** How fast a payload is sealed, against the bare cipher of libsodium over chunks of the same size, and against the `age` program. */
import sodium from 'sodium-native';
import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { chunkPlainBytes, chunkSealedBytes } from '../../src/seal/opener.ts';
import { StreamSealer } from '../../src/seal/sealer.ts';
import { benchOptions, figure, inFolder, inTurn, report, timeMs } from './measure.ts';

const options = benchOptions({ runs: 9, smokeRuns: 3, seconds: 1, smokeSeconds: 1 });
const totalBytes = (options.smoke ? 64 : 512) * 2 ** 20;
const plain = randomFillSync(Buffer.allocUnsafeSlow(2 ** 20));
const identity = Identity.generate();
const mebibytes = totalBytes / 2 ** 20;

/** MiB/s of the bare cipher: same chunks, one output buffer, a nonce that counts. */
function bare(): number {
  const [key, nonce, sealed] = [Buffer.alloc(32, 7), Buffer.alloc(12), Buffer.allocUnsafeSlow(chunkSealedBytes)];
  const begun = performance.now();
  for (let done = 0, chunk = 0; done < totalBytes; done += chunkPlainBytes, chunk++) {
    const at = done % plain.length;
    nonce.writeUInt32BE(chunk, 7);
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plain.subarray(at, at + chunkPlainBytes), null, null, nonce, key);
  }
  return rate(performance.now() - begun);
}

/** MiB/s of a whole sealed stream: header and all, handed over in pieces as fragments come. */
function sealed(pieceBytes: number, recycle: boolean): number {
  const begun = performance.now();
  const sealer = new StreamSealer([identity.recipient]);
  for (let done = 0; done < totalBytes; done += pieceBytes) {
    const at = done % plain.length;
    for (const chunk of sealer.push(plain.subarray(at, at + pieceBytes))) if (recycle) StreamSealer.recycle(chunk);
  }
  sealer.finish();
  sealer.fileKey.close();
  sealer.close();
  return rate(performance.now() - begun);
}

async function age(file: string): Promise<number> {
  return rate(await timeMs(async () => {
    const { status, stderr } = await run('age', ['-r', identity.recipient, '-o', '/dev/null', file]);
    if (status !== 0) throw new Error(`age: ${stderr}`);
  }));
}

function rate(ms: number): number {
  return mebibytes / (ms / 1000);
}

await inFolder(options, async (folder) => {
  const file = join(folder, 'plain');
  const handle = await open(file, 'w');
  for (let done = 0; done < totalBytes; done += plain.length) await handle.write(plain);
  await handle.sync();
  await handle.close();
  // The first passes are the compiler's.
  bare();
  sealed(2 ** 16, true);
  const values = await inTurn(options.runs, new Map<string, () => Promise<number>>([
    ['bare', async () => bare()],
    ['4 KiB', async () => sealed(2 ** 12, true)],
    ['20 KiB', async () => sealed(20 * 2 ** 10, true)],
    ['64 KiB', async () => sealed(2 ** 16, true)],
    ['1 MiB', async () => sealed(2 ** 20, true)],
    ['kept', async () => sealed(2 ** 16, false)],
    ['age', () => age(file)],
  ]));
  const of = (name: string): number[] => values.get(name) as number[];
  const peer = { peer: 'the bare cipher', values: of('bare') };
  report('Sealing a payload', [
    figure('sodium, ChaCha20-Poly1305 over 64 KiB (the peer)', 'MiB/s', of('bare')),
    figure('sealed in pieces of 64 KiB', 'MiB/s', of('64 KiB'), { ...peer, aim: '>= 0.9' }),
    figure('sealed in pieces of 1 MiB', 'MiB/s', of('1 MiB'), { ...peer, aim: '>= 0.9' }),
    figure('sealed in pieces of 20 KiB, as 4 Mbit/s pictures are', 'MiB/s', of('20 KiB'), peer),
    figure('sealed in pieces of 4 KiB', 'MiB/s', of('4 KiB'), peer),
    figure('pieces of 64 KiB, no buffer given back', 'MiB/s', of('kept'), peer),
    figure('the age program, a warm file to /dev/null', 'MiB/s', of('age'), peer),
    figure('sealed in pieces of 64 KiB, against age', 'MiB/s', of('64 KiB'), { peer: 'the age program', values: of('age') }),
  ], options, [`${mebibytes} MiB a run. age's time holds the start of its process and the reading of the file.`]);
});
identity.close();
