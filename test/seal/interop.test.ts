import t from 'tap';
import { isSallyportError } from '../../src/base/errors.ts';
import { Identity } from '../../src/seal/identity.ts';
import { chunkSealedBytes, headerSizeOf, openWhole } from '../../src/seal/opener.ts';
import { encodeCovered, encodeMacLine } from '../../src/seal/format/header.ts';
import { headerMac } from '../../src/seal/payload.ts';
import { sealArmored, sealWhole, StreamSealer } from '../../src/seal/sealer.ts';
import { wrapFileKey } from '../../src/seal/x25519.ts';
import { pattern } from './bytes.ts';
import { ageOpens, ageSeals, noAge, typageOpens, typageSeals } from './referees.ts';

const sizes = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 200_000, 524_288];
const kit = Identity.generate();
const other = Identity.generate();
const folder = t.testdir({ 'kit.txt': `# made for a test\n${kit.reveal()}\n`, 'other.txt': `${other.reveal()}\n` });

t.test('stock age opens what we seal, at every edge of a chunk', { skip: noAge }, async (t) => {
  for (const size of sizes) {
    const plain = pattern(size);
    t.ok((await ageOpens(sealWhole(plain, [kit.recipient]), `${folder}/kit.txt`))?.equals(plain), `${size} bytes`);
  }
});

t.test('age-encryption opens what we seal, at every edge of a chunk', async (t) => {
  for (const size of sizes) {
    const plain = pattern(size);
    t.ok((await typageOpens(sealWhole(plain, [kit.recipient]), kit.reveal()))?.equals(plain), `${size} bytes`);
  }
});

t.test('we open what stock age seals', { skip: noAge }, async (t) => {
  for (const size of sizes) {
    const plain = pattern(size);
    t.ok(openWhole(await ageSeals(plain, [kit.recipient]), [kit], 'a test').equals(plain), `${size} bytes`);
    t.ok(openWhole(await ageSeals(plain, [kit.recipient], true), [kit], 'a test').equals(plain), `${size} bytes, armored`);
  }
});

t.test('we open what age-encryption seals', async (t) => {
  for (const size of sizes) {
    const plain = pattern(size);
    t.ok(openWhole(await typageSeals(plain, [kit.recipient]), [kit], 'a test').equals(plain), `${size} bytes`);
  }
});

t.test('each of several recipients opens it, with each tool', { skip: noAge }, async (t) => {
  const plain = pattern(1000);
  const recipients = [other.recipient, kit.recipient];
  for (const sealed of [sealWhole(plain, recipients), Buffer.from(sealArmored(plain, recipients)), await ageSeals(plain, recipients), await typageSeals(plain, recipients)]) {
    for (const [identity, file] of [[kit, 'kit.txt'], [other, 'other.txt']] as const) {
      t.ok(openWhole(sealed, [identity], 'a test').equals(plain));
      t.ok((await ageOpens(sealed, `${folder}/${file}`))?.equals(plain));
      t.ok((await typageOpens(sealed, identity.reveal()))?.equals(plain));
    }
  }
});

t.test('somebody else opens nothing, with any tool', { skip: noAge }, async (t) => {
  const sealed = sealWhole(pattern(1000), [kit.recipient]);
  t.throws(() => openWhole(sealed, [other], 'a test'), { code: 'SP_WRONG_IDENTITY' });
  t.equal(await ageOpens(sealed, `${folder}/other.txt`), undefined);
  t.equal(await typageOpens(sealed, other.reveal()), undefined);
});

t.test('an altered file is refused by all three readers', { skip: noAge }, async (t) => {
  const sealed = sealWhole(pattern(200_000), [kit.recipient]);
  const start = headerSizeOf(sealed, 'a test');
  const chunk = (index: number): Buffer => sealed.subarray(start + index * chunkSealedBytes, start + (index + 1) * chunkSealedBytes);
  const head = sealed.subarray(0, start);
  const stanza = sealed.indexOf('\n', sealed.indexOf('-> ')) + 5;
  const mac = sealed.indexOf('--- ') + 8;
  const altered: readonly [string, Buffer, readonly string[]][] = [
    ['a flip in the version line', flip(sealed, 20), ['SP_AGE_HEADER']],
    ['a flip in the recipient', flip(sealed, stanza), ['SP_WRONG_IDENTITY', 'SP_AGE_HEADER']],
    ['a flip in the MAC', flip(sealed, mac), ['SP_AGE_MAC', 'SP_AGE_HEADER']],
    ['a flip in the payload nonce', flip(sealed, start - 1), ['SP_AGE_PAYLOAD']],
    ['a flip in the first chunk', flip(sealed, start + 100), ['SP_AGE_PAYLOAD']],
    ['a flip in the last chunk', flip(sealed, sealed.length - 30), ['SP_AGE_PAYLOAD']],
    ['the end cut off within a chunk', sealed.subarray(0, sealed.length - 100), ['SP_AGE_PAYLOAD']],
    ['the end cut off between chunks', sealed.subarray(0, start + 2 * chunkSealedBytes), ['SP_SEGMENT_CUT']],
    ['chunks swapped', Buffer.concat([head, chunk(1), chunk(0), chunk(2), chunk(3)]), ['SP_AGE_PAYLOAD']],
    ['a chunk twice', Buffer.concat([head, chunk(0), chunk(0), chunk(1), chunk(2), chunk(3)]), ['SP_AGE_PAYLOAD']],
    ['a chunk missing', Buffer.concat([head, chunk(0), chunk(2), chunk(3)]), ['SP_AGE_PAYLOAD']],
    ['bytes behind the end', Buffer.concat([sealed, Buffer.alloc(20)]), ['SP_AGE_PAYLOAD']],
    ['the payload of another file', Buffer.concat([head, sealWhole(pattern(200_000), [kit.recipient]).subarray(start)]), ['SP_AGE_PAYLOAD']],
  ];
  t.ok((await ageOpens(sealed, `${folder}/kit.txt`)) !== undefined && (await typageOpens(sealed, kit.reveal())) !== undefined, 'unaltered it opens');
  for (const [name, file, codes] of altered) {
    t.ok(codes.includes(codeOf(() => openWhole(file, [kit], 'a test'))), `${name}: ours`);
    t.equal(await ageOpens(file, `${folder}/kit.txt`), undefined, `${name}: age`);
    t.equal(await typageOpens(file, kit.reveal()), undefined, `${name}: age-encryption`);
  }
});

t.test('the file key that a sealer gave opens its segment once more, through a second header for somebody else', { skip: noAge }, async (t) => {
  const plain = pattern(100_000);
  const sealer = new StreamSealer([kit.recipient]);
  const sealed = Buffer.concat([sealer.header, ...sealer.push(plain), sealer.finish()]);
  sealer.close();
  const covered = encodeCovered([wrapFileKey(sealer.fileKey, other.recipient)]);
  const hold = Buffer.concat([covered, encodeMacLine(headerMac(sealer.fileKey, covered))]);
  sealer.fileKey.close();
  t.equal(hold.length, 168);
  const held = Buffer.concat([hold, sealed.subarray(168)]);
  t.ok((await ageOpens(held, `${folder}/other.txt`))?.equals(plain));
  t.equal(await ageOpens(held, `${folder}/kit.txt`), undefined);
  t.ok(openWhole(held, [other], 'a test').equals(plain));
});

t.test('no single flipped bit of a small file goes unnoticed', async (t) => {
  const sealed = sealWhole(pattern(40), [kit.recipient]);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const file = Buffer.from(sealed);
    file[bit >> 3] = (file[bit >> 3] as number) ^ (1 << (bit & 7));
    const code = codeOf(() => openWhole(file, [kit], 'a test'));
    if (!/^SP_(AGE|WRONG_IDENTITY|SEGMENT_CUT)/.test(code)) t.fail(`bit ${bit} ended as ${code}`);
  }
});

t.test('cut off anywhere, it opens nowhere', async (t) => {
  const sealed = sealWhole(pattern(40), [kit.recipient]);
  for (let length = 0; length < sealed.length; length++) {
    const code = codeOf(() => openWhole(sealed.subarray(0, length), [kit], 'a test'));
    if (!/^SP_(AGE|SEGMENT_CUT)/.test(code)) t.fail(`${length} bytes ended as ${code}`);
  }
});

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  // 0x02 keeps letters letters, so that the flip is not only found by the alphabet.
  flipped[at] = (flipped[at] as number) ^ 0x02;
  return flipped;
}

function codeOf(open: () => unknown): string {
  try {
    open();
    return 'none';
  } catch (error) {
    if (isSallyportError(error)) return error.code;
    throw error;
  }
}
