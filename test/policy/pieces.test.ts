import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { counterAt, pieceBytesMax, pieceBytesMin, pieceHeadBytes, piecesOf, readLength, readReference, referencePattern, spansOf, writeReference } from '../../src/policy/pieces.ts';

t.test('spans are the bytes asked for, in their order, each within its piece', async (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 9_000 }), (from, length, pieceBytes) => {
    const all = spansOf(from, length, pieceBytes).flatMap((span) => {
      if (span.length < 1 || span.from < 0 || span.from + span.length > pieceBytes) throw new Error('beyond its piece');
      return Array.from({ length: span.length }, (_, at) => span.piece * pieceBytes + span.from + at);
    });
    return all.length === length && all.every((at, index) => at === from + index);
  }));
  t.equal(piecesOf(pieceBytesMin - pieceHeadBytes, pieceBytesMin), 1);
  t.equal(piecesOf(pieceBytesMin - pieceHeadBytes + 1, pieceBytesMin), 2);
});

t.test('names tell whether, and of what length; others are none', async (t) => {
  const name = randomBytes(16).toString('hex');
  for (const pieceBytes of [undefined, pieceBytesMin, 1_000_000, pieceBytesMax]) {
    const object = writeReference({ name, pieceBytes });
    t.match(object, referencePattern);
    t.same(readReference(object), { name, pieceBytes });
  }
  for (const odd of [`${name}.`, `${name}.0`, `${name}.9999`, `${name}.010000`, `${name}.1e5`, `${name}.99999999`, `${name}.65536.65536`, `../${name}`, `${name.toUpperCase()}.65536`]) t.notMatch(odd, referencePattern, odd);
});

t.test('a counter in the middle is that of the cipher that began before', async () => {
  const key = randomBytes(32);
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 0, max: 3_000 }), fc.boolean(), (nonce, at, high) => {
    // At the end of the number, it begins anew.
    if (high) nonce.fill(255, 1);
    const whole = createCipheriv('aes-256-ctr', key, nonce).update(Buffer.alloc(at + 40));
    const { counter, skip } = counterAt(nonce, at);
    return createCipheriv('aes-256-ctr', key, counter).update(Buffer.alloc(skip + 40)).subarray(skip).equals(whole.subarray(at));
  }), { numRuns: 200 });
});

t.test('a length that nothing has is none', async (t) => {
  t.equal(readLength(Buffer.from('0000000000abcdef', 'hex')), 0xabcdef);
  for (const odd of ['0000000000000000', 'ffffffffffffffff', '0000020000000000', '00000000']) t.equal(readLength(Buffer.from(odd, 'hex')), undefined, odd);
});
