import t from 'tap';
import { createHash } from 'node:crypto';
import { isSallyportError } from '../../src/base/errors.ts';
import { decodeArmor } from '../../src/seal/format/armor.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Opener, openWhole } from '../../src/seal/opener.ts';
import { memorySource } from './bytes.ts';
import { codesFor, fitNobody, noTestkit, notSeenAsArmor, onlyCut, readVector, vectorNames, type Vector } from './testkit.ts';

t.test('every vector that we read otherwise is there', { skip: noTestkit }, async (t) => {
  const names = new Set(vectorNames());
  for (const name of [...fitNobody, ...onlyCut]) t.ok(names.has(name), name);
});

for (const name of vectorNames()) {
  t.test(name, async (t) => {
    const vector = readVector(name);
    const identities = vector.identities.map((text) => Identity.parse(text, name));
    const codes = codesFor(name, vector);
    if (fitNobody.has(name)) t.match(name, /hybrid|scrypt/);

    const whole = await outcome(async () => [openWhole(vector.file, identities, name)]);
    t.ok(notSeenAsArmor.has(name) ? whole.code === 'SP_AGE_HEADER' : codes.includes(whole.code), `as a whole: ${whole.code}`);
    const streamed = await outcome((released) => stream(vector, identities, name, released));
    t.ok(codes.includes(streamed.code), `in chunks: ${streamed.code}`);
    const isOurs = !fitNobody.has(name);
    if (isOurs && vector.payload !== undefined) t.equal(streamed.hash, vector.payload, 'what was released before the end');
    if (isOurs && vector.expect === 'success') t.equal(whole.hash, vector.payload);
  });
}

async function stream(vector: Vector, identities: readonly Identity[], name: string, released: (bytes: Buffer) => void): Promise<Buffer[]> {
  const file = vector.armored ? Buffer.from(decodeArmor(vector.file, name)) : vector.file;
  const opener = await Opener.open(memorySource(file), identities, name);
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
