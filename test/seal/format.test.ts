import t from 'tap';
import fc from 'fast-check';
import { boxesIn, makeBox } from '../../src/base/mp4.ts';
import { decodeArmor, encodeArmor } from '../../src/seal/format/armor.ts';
import { decodeBase64, encodeBase64 } from '../../src/seal/format/base64.ts';
import { bech32Length, readBech32, writeBech32 } from '../../src/seal/format/bech32.ts';
import { encodeCovered, encodeMacLine, headerEnd, parseHeader } from '../../src/seal/format/header.ts';
import { advanceChunkNonce, plainPayloadSize, sealedPayloadSize, setChunkNonce } from '../../src/seal/format/stream.ts';
import { metadataBox, readMetadata, segmentUuid, type SegmentMetadata } from '../../src/seal/metadata.ts';
import { paddingBox, padmeSize } from '../../src/seal/padme.ts';

t.test('base64 is what Buffer writes, and only that is read', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const padded = Buffer.from(bytes).toString('base64');
    const plain = padded.replace(/=+$/, '');
    return Buffer.from(encodeBase64(bytes, true)).toString() === padded && Buffer.from(encodeBase64(bytes, false)).toString() === plain
      && Buffer.from(bytes).equals(decodeBase64(Buffer.from(padded), true) ?? Buffer.from('x')) && Buffer.from(bytes).equals(decodeBase64(Buffer.from(plain), false) ?? Buffer.from('x'));
  }));
  fc.assert(fc.property(fc.string({ maxLength: 12 }), fc.boolean(), (text, padded) => {
    const bytes = decodeBase64(Buffer.from(text), padded);
    return bytes === undefined || Buffer.from(encodeBase64(bytes, padded)).toString() === text;
  }));
});

t.test('bech32 goes both ways and notices a change', async () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom('age', 'AGE-SECRET-KEY-'), fc.nat(), fc.integer({ min: 1, max: 127 }), (data, prefix, at, change) => {
    const text = Buffer.alloc(bech32Length(prefix, 32));
    writeBech32(text, prefix, data);
    const back = new Uint8Array(32);
    const reason = readBech32(back, prefix, text);
    text[at % text.length] = (text[at % text.length] as number) ^ change;
    return reason === undefined && Buffer.from(back).equals(data) && readBech32(new Uint8Array(32), prefix, text) !== undefined;
  }));
});

t.test('armor goes both ways, with any white space around and with CRLF', async () => {
  const blank = fc.array(fc.constantFrom(' ', '\n', '\t', '\r'), { maxLength: 20 }).map((parts) => parts.join(''));
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), blank, blank, fc.boolean(), (bytes, before, after, crlf) => {
    const text = `${before}${crlf ? encodeArmor(bytes).replaceAll('\n', '\r\n') : encodeArmor(bytes)}${after}`;
    return Buffer.from(decodeArmor(Buffer.from(text), 'a test')).equals(bytes);
  }));
});

t.test('a header reads back as it was written, and is found by its end', async () => {
  const word = fc.string({ unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength: 20 });
  const stanza = fc.record({ args: fc.array(word, { minLength: 1, maxLength: 4 }), body: fc.uint8Array({ maxLength: 150 }) });
  fc.assert(fc.property(fc.array(stanza, { minLength: 1, maxLength: 4 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 40 }), (stanzas, mac, rest) => {
    const covered = encodeCovered(stanzas);
    const bytes = Buffer.concat([covered, encodeMacLine(mac), rest]);
    const header = parseHeader(bytes, 'a test');
    return header.size === bytes.length - rest.length && headerEnd(bytes) === header.size && Buffer.from(header.mac).equals(mac)
      && Buffer.from(header.covered).equals(covered) && Buffer.from(encodeCovered(header.stanzas)).equals(covered);
  }));
});

t.test('strangers\' bytes end in an error of ours', async (t) => {
  const near = fc.array(fc.constantFrom('age-encryption.org/v1\n', '-> ', 'X25519 ', 'AAAA', '\n', '---', ' ', '-----BEGIN AGE ENCRYPTED FILE-----\n', '=', '\r', '\u00e9'), { maxLength: 30 }).map((parts) => Buffer.from(parts.join('')));
  for (const bytes of fc.sample(fc.oneof(near, fc.uint8Array({ maxLength: 200 })), 500)) {
    for (const [read, code] of [[() => parseHeader(bytes, 'it'), /^SP_AGE_HEADER$/], [() => decodeArmor(bytes, 'it'), /^SP_AGE_ARMOR$/], [() => readMetadata(bytes, 'it'), /^SP_SEGMENT_METADATA$/]] as const) {
      try {
        read();
      } catch (error) {
        if (!code.test((error as { code?: string }).code ?? '')) t.fail(`${String(error)} for ${Buffer.from(bytes).toString('base64')}`);
      }
    }
  }
});

t.test('chunk nonces count up in eleven bytes', async (t) => {
  const counted = new Uint8Array(12);
  for (let i = 0; i < 70_000; i++) advanceChunkNonce(counted);
  const set = new Uint8Array(12);
  setChunkNonce(set, 70_000, false);
  t.strictSame(counted, set);
  setChunkNonce(set, 2 ** 40 + 5, true);
  t.equal(Buffer.from(set).toString('hex'), '000000000001000000000501');
});

t.test('payload sizes fit each other', async () => {
  fc.assert(fc.property(fc.oneof(fc.nat(), fc.integer({ min: 0, max: 100 }).map((n) => n * 65_536)), (bytes) => plainPayloadSize(sealedPayloadSize(bytes)) === bytes));
});

t.test('Padmé never shrinks, adds at most 12 %, and leaves few sizes', async (t) => {
  const size = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 2 ** 26 }), fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 50));
  fc.assert(fc.property(size, (bytes) => {
    const padded = padmeSize(bytes);
    return padded >= bytes && padded <= bytes * 1.12 + 1 && padmeSize(padded) === padded && padmeSize(bytes + 1) >= padded;
  }));
  const sizes = new Set<number>();
  for (let bytes = 2 ** 20; bytes <= 2 ** 24; bytes += 997) sizes.add(padmeSize(bytes));
  t.ok(sizes.size <= 4 * 32 + 1, `${sizes.size} sizes between 1 and 16 MiB`);
  for (const [bytes, padded] of [[0, 0], [1, 1], [2, 2], [3, 3], [9, 10], [200, 208], [1000, 1024], [1_000_000, 1_015_808]] as const) t.equal(padmeSize(bytes), padded, `${bytes}`);
});

t.test('the padding box is a valid box that brings a segment to a Padmé size', async () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 3_000_000 }), (bytes) => {
    const box = paddingBox(bytes);
    return box.length >= 8 && padmeSize(bytes + box.length) === bytes + box.length && boxesIn(box).length === 1 && box.toString('latin1', 4, 8) === 'free';
  }), { numRuns: 50 });
});

const metadata: SegmentMetadata = { v: 1, camera: 'front', stream: 'main', seq: 7, boot: '6c0d7c2e', mono_ms: 12_345, wall_ms: 1_795_500_000_000, clock: 'synchronised' };
const ftyp = Buffer.from(makeBox('ftyp', Buffer.from('isom0000')));

t.test('metadata reads back from the beginning of a segment', async (t) => {
  const box = metadataBox(metadata);
  t.equal(boxesIn(box)[0]?.type, 'uuid');
  t.ok(box.subarray(8, 24).equals(segmentUuid));
  t.equal(box.toString('utf8', 24), '{"boot":"6c0d7c2e","camera":"front","clock":"synchronised","mono_ms":12345,"seq":7,"stream":"main","v":1,"wall_ms":1795500000000}');
  t.strictSame(readMetadata(Buffer.concat([ftyp, box, Buffer.alloc(100)]), 'front/7'), metadata);
  t.strictSame(readMetadata(Buffer.concat([ftyp, metadataBox({ ...metadata, mono_ms: 12_344.7 })]), 'front/7'), metadata);
});

t.test('metadata in any other form is refused', async (t) => {
  const uuidBox = (text: string, id: Uint8Array = segmentUuid): Buffer => Buffer.concat([ftyp, makeBox('uuid', Buffer.concat([id, Buffer.from(text)]))]);
  const json = metadataBox(metadata).toString('utf8', 24);
  const wrong: readonly [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['no ftyp', metadataBox(metadata)],
    ['no box behind it', ftyp],
    ['another box', Buffer.concat([ftyp, makeBox('moov', Buffer.alloc(50))])],
    ['another id', uuidBox(json, new Uint8Array(16))],
    ['cut off', Buffer.concat([ftyp, metadataBox(metadata)]).subarray(0, 80)],
    ['a box of size 3', Buffer.concat([ftyp, Buffer.from([0, 0, 0, 3]), Buffer.from('uuid')])],
    ['no JSON', uuidBox(json.slice(1))],
    ['a list', uuidBox('[]')],
    ['a newer version', uuidBox(json.replace('"v":1', '"v":2'))],
    ['blanks', uuidBox(json.replace(',', ', '))],
    ['another key', uuidBox(json.replace('{', '{"a":1,'))],
    ['a missing key', uuidBox(json.replace('"seq":7,', ''))],
    ['a seq of text', uuidBox(json.replace('"seq":7', '"seq":"7"'))],
    ['another stream', uuidBox(json.replace('main', 'side'))],
    ['another clock', uuidBox(json.replace('synchronised', 'broken'))],
    ['a large box', uuidBox(`${json}${' '.repeat(5000)}`)],
  ];
  for (const [name, bytes] of wrong) t.throws(() => readMetadata(bytes, 'front/7'), { code: 'SP_SEGMENT_METADATA', evidence: { what: 'front/7' } }, name);
});
