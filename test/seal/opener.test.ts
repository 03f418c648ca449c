import t from 'tap';
import fc from 'fast-check';
import { Identity } from '../../src/seal/identity.ts';
import { chunkPlainBytes, chunkSealedBytes, headerSizeOf, Opener, type ByteSource } from '../../src/seal/opener.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { memorySource, pattern } from './bytes.ts';

const kit = Identity.generate();
const plain = pattern(3 * chunkPlainBytes + 1234);
const sealed = sealWhole(plain, [kit.recipient]);
const headerBytes = headerSizeOf(sealed, 'a test');

async function collect(opener: Opener): Promise<{ bytes: Buffer; error: unknown }> {
  const parts: Buffer[] = [];
  try {
    for await (const chunk of opener.chunks()) parts.push(chunk);
    return { bytes: Buffer.concat(parts), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(parts), error };
  } finally {
    opener.close();
  }
}

t.test('any range reads as a slice of the whole', async () => {
  const opener = await Opener.open(memorySource(sealed), [kit], 'a test');
  const place = fc.oneof(fc.integer({ min: 0, max: plain.length + 10 }), fc.integer({ min: -2, max: 2 }).map((d) => Math.max(0, 2 * chunkPlainBytes + d)));
  await fc.assert(fc.asyncProperty(place, place, async (offset, length) => (await opener.read(offset, length)).equals(plain.subarray(offset, offset + length))), { numRuns: 200 });
  opener.close();
});

t.test('chunks come in order and whole', async (t) => {
  const opener = await Opener.open(memorySource(sealed), [kit], 'a test');
  t.equal(opener.plainSize, plain.length);
  t.equal(opener.cut, false);
  const { bytes, error } = await collect(opener);
  t.equal(error, undefined);
  t.ok(bytes.equals(plain));
});

t.test('damage is named by its chunk, and the chunks around it still open', async (t) => {
  const damaged = Buffer.from(sealed);
  damaged[headerBytes + chunkSealedBytes + 77] = 0;
  damaged[headerBytes + chunkSealedBytes + 78] = 0;
  const opener = await Opener.open(memorySource(damaged), [kit], 'front/1');
  await t.rejects(opener.read(chunkPlainBytes, 10), { code: 'SP_AGE_PAYLOAD', evidence: { what: 'front/1', chunk: 1 } });
  t.ok((await opener.read(2 * chunkPlainBytes, chunkPlainBytes)).equals(plain.subarray(2 * chunkPlainBytes, 3 * chunkPlainBytes)));
  const { bytes, error } = await collect(opener);
  t.ok(bytes.equals(plain.subarray(0, chunkPlainBytes)), 'what lies before it is given');
  t.match(error, { code: 'SP_AGE_PAYLOAD', evidence: { chunk: 1 } });
});

t.test('a segment that a crash cut off gives its verified chunks, and says that it is cut', async (t) => {
  for (const chunks of [0, 1, 2, 3]) {
    const cut = sealed.subarray(0, headerBytes + chunks * chunkSealedBytes);
    for (const [cutChunks, accepted] of [[undefined, false], [chunks, true], [chunks + 1, false], [chunks - 1, false]] as const) {
      const opener = await Opener.open(memorySource(cut), [kit], 'a test', cutChunks === undefined ? {} : { cutChunks });
      t.equal(opener.cut, true);
      t.equal(opener.plainSize, chunks * chunkPlainBytes);
      const { bytes, error } = await collect(opener);
      t.ok(bytes.equals(plain.subarray(0, chunks * chunkPlainBytes)));
      if (accepted) t.equal(error, undefined);
      else t.match(error, { code: 'SP_SEGMENT_CUT', evidence: { chunks } }, `${chunks} chunks, the row says ${cutChunks}`);
    }
  }
});

t.test('a whole segment needs no row that says so', async (t) => {
  const { bytes, error } = await collect(await Opener.open(memorySource(sealed), [kit], 'a test', { cutChunks: 4 }));
  t.equal(error, undefined);
  t.ok(bytes.equals(plain));
});

t.test('what was appended behind the end is never given', async (t) => {
  const full = sealWhole(plain.subarray(0, chunkPlainBytes), [kit.recipient]);
  const opener = await Opener.open(memorySource(Buffer.concat([full, Buffer.alloc(5000)])), [kit], 'a test');
  const { bytes, error } = await collect(opener);
  t.ok(bytes.equals(plain.subarray(0, chunkPlainBytes)));
  t.match(error, { code: 'SP_AGE_PAYLOAD', evidence: { chunk: 1 } });
});

t.test('opening reads the header and the last chunk, nothing between', async (t) => {
  const reads: [number, number][] = [];
  const memory = memorySource(sealed);
  const source: ByteSource = { size: memory.size, read: (offset, length) => (reads.push([offset, length]), memory.read(offset, length)) };
  const opener = await Opener.open(source, [kit], 'a test');
  t.strictSame(reads, [[0, 1024], [headerBytes + 3 * chunkSealedBytes, 1234 + 16]]);
  await opener.read(10, 20);
  await opener.read(30, 20);
  t.equal(reads.length, 3, 'the last opened chunk is kept');
  opener.close();
});

t.test('a header of many recipients is read as well', async (t) => {
  const recipients = Array.from({ length: 20 }, () => Identity.generate().recipient);
  const file = sealWhole(plain, [...recipients, kit.recipient]);
  const opener = await Opener.open(memorySource(file), [Identity.generate(), kit], 'a test');
  t.ok((await opener.read(0, plain.length)).equals(plain));
  opener.close();
});

t.test('the wrong identity, a short source and a closed opener are told apart', async (t) => {
  await t.rejects(Opener.open(memorySource(sealed), [Identity.generate()], 'front/1'), { code: 'SP_WRONG_IDENTITY', evidence: { what: 'front/1' } });
  await t.rejects(Opener.open(memorySource(sealed), [], 'front/1'), { code: 'SP_WRONG_IDENTITY' });
  await t.rejects(Opener.open({ size: sealed.length, read: async () => Buffer.alloc(3) }, [kit], 'front/1'), { code: 'SP_READ' });
  await t.rejects(Opener.open(memorySource(Buffer.alloc(300_000, 'x')), [kit], 'front/1'), { code: 'SP_AGE_HEADER' });
  await t.rejects(Opener.open(memorySource(Buffer.alloc(0)), [kit], 'front/1'), { code: 'SP_AGE_HEADER' });
  const opener = await Opener.open(memorySource(sealed), [kit], 'front/1');
  opener.close();
  await t.rejects(opener.read(0, 1), { code: 'SP_STOPPED' });
});

t.test('the size of a header is found without keys', async (t) => {
  t.equal(headerBytes, 184);
  t.throws(() => headerSizeOf(sealed.subarray(0, 183), 'a test'), { code: 'SP_AGE_HEADER' });
  t.throws(() => headerSizeOf(sealed.subarray(0, 60), 'a test'), { code: 'SP_AGE_HEADER' });
});
