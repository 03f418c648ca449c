import t from 'tap';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { isSallyportError } from '../../src/base/errors.ts';
import { decodeArmor } from '../../src/seal/format/armor.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Opener, openWhole } from '../../src/seal/opener.ts';
import { memorySource } from './bytes.ts';

// C2SP's age vectors. Only X25519 is ours: what only the implementation of another recipient kind can notice ends as "nobody fits".
const folder = new URL('../../../shared/fixtures/age/testdata/', import.meta.url);

const codesOf = new Map([
  ['success', ['none']],
  ['no match', ['SP_WRONG_IDENTITY']],
  ['HMAC failure', ['SP_AGE_MAC']],
  ['header failure', ['SP_AGE_HEADER']],
  ['payload failure', ['SP_AGE_PAYLOAD', 'SP_SEGMENT_CUT']],
  ['armor failure', ['SP_AGE_ARMOR']],
]);

/** Vectors whose files are sealed with another kind only, or whose header is wrong in a way that only that kind sees. */
const fitNobody = new Set([
  'armor_hybrid', 'hybrid', 'hybrid_and_x25519', 'hybrid_grease', 'hybrid_multiple_recipients',
  'hybrid_extra_argument', 'hybrid_identity', 'hybrid_long_file_key', 'hybrid_long_share', 'hybrid_low_order', 'hybrid_not_canonical_enc', 'hybrid_short_share',
  'armor_scrypt', 'scrypt',
  'scrypt_extra_argument', 'scrypt_long_file_key', 'scrypt_not_canonical_salt', 'scrypt_salt_long', 'scrypt_salt_missing', 'scrypt_salt_short',
  'scrypt_work_factor_23', 'scrypt_work_factor_hex', 'scrypt_work_factor_leading_garbage', 'scrypt_work_factor_leading_plus',
  'scrypt_work_factor_leading_zero_decimal', 'scrypt_work_factor_leading_zero_octal', 'scrypt_work_factor_missing', 'scrypt_work_factor_negative',
  'scrypt_work_factor_overflow', 'scrypt_work_factor_trailing_garbage', 'scrypt_work_factor_zero',
]);

/** Armor whose first line is so broken that, with no word that it should be armor, it counts as a damaged binary file. */
const notSeenAsArmor = new Set(['armor_garbage_leading', 'armor_lowercase', 'armor_whitespace_begin', 'armor_wrong_type']);

/** These end truly without the final mark, and nothing else is wrong with them. */
const onlyCut = new Set(['stream_no_chunks', 'stream_no_final_full', 'stream_no_final_two_chunks_full']);

if (!existsSync(folder)) {
  t.test('the C2SP age vectors', { skip: 'they are not here (../shared/fixtures/age)' }, async () => {});
} else {
  for (const name of readdirSync(folder).sort()) {
    t.test(name, async (t) => {
      const vector = readVector(name);
      const expected = codesOf.get(vector.expect) ?? [];
      const codes = fitNobody.has(name) ? ['SP_WRONG_IDENTITY'] : onlyCut.has(name) ? ['SP_SEGMENT_CUT'] : expected.filter((code) => code !== 'SP_SEGMENT_CUT');
      if (fitNobody.has(name)) t.match(name, /hybrid|scrypt/);

      const whole = await outcome(async () => [openWhole(vector.file, vector.identities, name)]);
      t.ok(notSeenAsArmor.has(name) ? whole.code === 'SP_AGE_HEADER' : codes.includes(whole.code), `as a whole: ${whole.code}`);
      const streamed = await outcome((released) => stream(vector, name, released));
      t.ok(codes.includes(streamed.code), `in chunks: ${streamed.code}`);
      const isOurs = !fitNobody.has(name);
      if (isOurs && vector.payload !== undefined) t.equal(streamed.hash, vector.payload, 'what was released before the end');
      if (isOurs && vector.expect === 'success') t.equal(whole.hash, vector.payload);
    });
  }

  t.test('every vector that we read otherwise is there', async (t) => {
    const names = new Set(readdirSync(folder));
    for (const name of [...fitNobody, ...onlyCut]) t.ok(names.has(name), name);
  });
}

interface Vector {
  readonly expect: string;
  readonly payload: string | undefined;
  readonly armored: boolean;
  readonly identities: readonly Identity[];
  readonly file: Buffer;
}

function readVector(name: string): Vector {
  const bytes = readFileSync(new URL(name, folder));
  const end = bytes.indexOf('\n\n');
  const fields = bytes.toString('utf8', 0, end).split('\n').map((line) => line.split(': ') as [string, string]);
  const value = (key: string): string | undefined => fields.find(([name]) => name === key)?.[1];
  const body = bytes.subarray(end + 2);
  return {
    expect: value('expect') ?? '',
    payload: value('payload'),
    armored: value('armored') === 'yes',
    identities: fields.filter(([key, text]) => key === 'identity' && text.startsWith('AGE-SECRET-KEY-1')).map(([, text]) => Identity.parse(text, name)),
    file: value('compressed') === 'zlib' ? inflateSync(body) : body,
  };
}

async function stream(vector: Vector, name: string, released: (bytes: Buffer) => void): Promise<Buffer[]> {
  const file = vector.armored ? Buffer.from(decodeArmor(vector.file, name)) : vector.file;
  const opener = await Opener.open(memorySource(file), vector.identities, name);
  for await (const chunk of opener.chunks()) released(chunk);
  opener.close();
  return [];
}

async function outcome(open: (released: (bytes: Buffer) => void) => Promise<Buffer[]>): Promise<{ code: string; hash: string }> {
  const hash = createHash('sha256');
  const release = (bytes: Buffer): void => void hash.update(bytes);
  try {
    (await open(release)).forEach(release);
    return { code: 'none', hash: hash.digest('hex') };
  } catch (error) {
    if (!isSallyportError(error)) throw error;
    return { code: error.code, hash: hash.digest('hex') };
  }
}
