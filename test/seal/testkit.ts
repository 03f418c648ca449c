/** C2SP's age vectors, and what each must give to a reader that knows X25519 alone. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

// Only X25519 is ours: what only the implementation of another recipient kind can notice ends as "nobody fits".
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
export const fitNobody = new Set([
  'armor_hybrid', 'hybrid', 'hybrid_and_x25519', 'hybrid_grease', 'hybrid_multiple_recipients',
  'hybrid_extra_argument', 'hybrid_identity', 'hybrid_long_file_key', 'hybrid_long_share', 'hybrid_low_order', 'hybrid_not_canonical_enc', 'hybrid_short_share',
  'armor_scrypt', 'scrypt',
  'scrypt_extra_argument', 'scrypt_long_file_key', 'scrypt_not_canonical_salt', 'scrypt_salt_long', 'scrypt_salt_missing', 'scrypt_salt_short',
  'scrypt_work_factor_23', 'scrypt_work_factor_hex', 'scrypt_work_factor_leading_garbage', 'scrypt_work_factor_leading_plus',
  'scrypt_work_factor_leading_zero_decimal', 'scrypt_work_factor_leading_zero_octal', 'scrypt_work_factor_missing', 'scrypt_work_factor_negative',
  'scrypt_work_factor_overflow', 'scrypt_work_factor_trailing_garbage', 'scrypt_work_factor_zero',
]);

/** Armor whose first line is so broken that, with no word that it should be armor, it counts as a damaged binary file. */
export const notSeenAsArmor = new Set(['armor_garbage_leading', 'armor_lowercase', 'armor_whitespace_begin', 'armor_wrong_type']);

/** These end truly without the final mark, and nothing else is wrong with them. */
export const onlyCut = new Set(['stream_no_chunks', 'stream_no_final_full', 'stream_no_final_two_chunks_full']);

export const noTestkit: string | false = existsSync(folder) ? false : 'they are not here (../shared/fixtures/age)';

export function vectorNames(): string[] {
  return noTestkit === false ? readdirSync(folder).sort() : [];
}

/** The codes of which one must come. */
export function codesFor(name: string, vector: Vector): readonly string[] {
  if (fitNobody.has(name)) return ['SP_WRONG_IDENTITY'];
  if (onlyCut.has(name)) return ['SP_SEGMENT_CUT'];
  return (codesOf.get(vector.expect) ?? []).filter((code) => code !== 'SP_SEGMENT_CUT');
}

export interface Vector {
  readonly expect: string;
  readonly payload: string | undefined;
  readonly armored: boolean;
  /** AGE-SECRET-KEY-1… */
  readonly identities: readonly string[];
  readonly file: Buffer;
}

export function readVector(name: string): Vector {
  const bytes = readFileSync(new URL(name, folder));
  const end = bytes.indexOf('\n\n');
  const fields = bytes.toString('utf8', 0, end).split('\n').map((line) => line.split(': ') as [string, string]);
  const value = (key: string): string | undefined => fields.find(([name]) => name === key)?.[1];
  const body = bytes.subarray(end + 2);
  return {
    expect: value('expect') ?? '',
    payload: value('payload'),
    armored: value('armored') === 'yes',
    identities: fields.filter(([key, text]) => key === 'identity' && text.startsWith('AGE-SECRET-KEY-1')).map(([, text]) => text),
    file: value('compressed') === 'zlib' ? inflateSync(body) : body,
  };
}
