import t from 'tap';
import fc from 'fast-check';
import { sealedPayloadSize } from '../../src/seal/format/stream.ts';
import { FileKey } from '../../src/seal/filekey.ts';
import { Identity } from '../../src/seal/identity.ts';
import { chunkPlainBytes, chunkSealedBytes, openWhole } from '../../src/seal/opener.ts';
import { sealWhole, StreamSealer } from '../../src/seal/sealer.ts';
import { pattern } from './bytes.ts';

const kit = Identity.generate();

function sealInPieces(plain: Buffer, pieces: Iterable<number>): Buffer {
  const sealer = new StreamSealer([kit.recipient]);
  const sealed = [sealer.header];
  let at = 0;
  for (const piece of pieces) {
    // Each piece stands in memory that is spoilt right after.
    const bytes = Buffer.from(plain.subarray(at, at + piece));
    sealed.push(...sealer.push(bytes));
    bytes.fill(0xee);
    at += piece;
  }
  sealed.push(...sealer.push(plain.subarray(at)), sealer.finish());
  sealer.close();
  sealer.fileKey.close();
  return Buffer.concat(sealed);
}

t.test('a stream sealed byte by byte opens as one sealed whole', async (t) => {
  const plain = pattern(2 * chunkPlainBytes + 5);
  const sealed = sealInPieces(plain, Array.from({ length: plain.length }, () => 1));
  t.equal(sealed.length, sealWhole(plain, [kit.recipient]).length);
  t.ok(openWhole(sealed, [kit], 'a test').equals(plain));
});

t.test('a stream opens to what was pushed, however it was split', async () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 200_000 }), fc.constantFrom(65_535, 65_536, 65_537, 131_072, 131_073));
  fc.assert(fc.property(fc.array(size, { maxLength: 6 }), (pieces) => {
    const plain = pattern(pieces.reduce((sum, piece) => sum + piece, 0));
    const sealed = sealInPieces(plain, pieces);
    return sealed.length === 184 + sealedPayloadSize(plain.length) && openWhole(sealed, [kit], 'a test').equals(plain);
  }), { numRuns: 60 });
});

t.test('chunks leave as soon as more follows them, and the last waits for the end', async (t) => {
  const sealer = new StreamSealer([kit.recipient]);
  t.equal(sealer.header.length, 184);
  t.equal(sealer.push(pattern(chunkPlainBytes)).length, 0, 'a full chunk may be the final one');
  t.strictSame(sealer.push(pattern(1)).map(({ length }) => length), [chunkSealedBytes]);
  t.strictSame(sealer.push(pattern(2 * chunkPlainBytes - 1)).map(({ length }) => length), [chunkSealedBytes]);
  t.equal(sealer.plainBytes, 3 * chunkPlainBytes);
  t.equal(sealer.finish().length, chunkSealedBytes, 'a final chunk may be full');
  sealer.close();
});

t.test('nothing is sealed behind the final chunk or after the key was wiped', async (t) => {
  const finished = new StreamSealer([kit.recipient]);
  finished.finish();
  t.throws(() => finished.push(pattern(1)), { code: 'SP_INTERNAL' });
  t.throws(() => finished.finish(), { code: 'SP_INTERNAL' });
  const closed = new StreamSealer([kit.recipient]);
  closed.push(pattern(10));
  closed.close();
  t.throws(() => closed.push(pattern(1)), { code: 'SP_INTERNAL' });
  t.throws(() => closed.finish(), { code: 'SP_INTERNAL' });
});

t.test('a buffer given back is used again, and never for two chunks at once', async (t) => {
  const plain = pattern(10 * chunkPlainBytes);
  const sealer = new StreamSealer([kit.recipient]);
  const sealed = [sealer.header];
  for (let at = 0; at < plain.length; at += 100_000) {
    for (const chunk of sealer.push(plain.subarray(at, at + 100_000))) {
      sealed.push(Buffer.from(chunk));
      StreamSealer.recycle(chunk);
      StreamSealer.recycle(chunk);
    }
  }
  sealed.push(sealer.finish());
  t.ok(openWhole(Buffer.concat(sealed), [kit], 'a test').equals(plain));
  const [one, two] = [new StreamSealer([kit.recipient]), new StreamSealer([kit.recipient])];
  t.not(one.push(plain)[0]?.buffer, two.push(plain)[0]?.buffer);
});

t.test('every file has a key and an ephemeral share of its own', async (t) => {
  const headers = Array.from({ length: 50 }, () => sealWhole(pattern(1), [kit.recipient]).subarray(0, 184).toString('latin1'));
  t.equal(new Set(headers.map((header) => header.split('\n')[1])).size, 50);
  t.equal(new Set(headers.map((header) => header.slice(-16))).size, 50);
  const keys = [FileKey.generate(), FileKey.generate()];
  t.notSame(keys[0]?.bytes, keys[1]?.bytes);
  keys[0]?.close();
  t.ok(keys[0]?.bytes.every((byte) => byte === 0), 'closed is wiped');
});

t.test('nothing is sealed for nobody, or for what is no recipient', async (t) => {
  t.throws(() => new StreamSealer([]), { code: 'SP_BAD_RECIPIENT' });
  t.throws(() => sealWhole(pattern(1), ['age1']), { code: 'SP_BAD_RECIPIENT' });
  t.throws(() => sealWhole(pattern(1), [kit.recipient, kit.recipient.toUpperCase()]), { code: 'SP_BAD_RECIPIENT' });
});
