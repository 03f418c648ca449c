import t from 'tap';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isSallyportError } from '../../../src/base/errors.ts';
import { decodeArmor } from '../../../src/seal/format/armor.ts';
import { readMetadata } from '../../../src/seal/format/metadata.ts';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { openWhole as hubOpens } from '../../../src/seal/opener.ts';
import { sealArmored as hubSealsArmored, sealWhole as hubSeals } from '../../../src/seal/sealer.ts';
import { makePeriodKey, openSlot as hubOpensSlot, slotBlockBytes } from '../../../src/seal/slot.ts';
import { openWhole, SealedFile, sealArmored, sealWhole } from '../../../src/web/crypto/age.ts';
import { checkRecipient, Identity } from '../../../src/web/crypto/identity.ts';
import { slotTextBytes } from '../../../src/seal/format/slot.ts';
import { openSlot, resealSlot } from '../../../src/web/crypto/slot.ts';
import { pattern } from '../../seal/bytes.ts';
import { ageOpens, ageSeals, noAge, typageOpens } from '../../seal/referees.ts';
import { codesFor, fitNobody, noTestkit, notSeenAsArmor, readVector, vectorNames, type Vector } from '../../seal/testkit.ts';

const kit = Identity.generate();
const other = Identity.generate();
const folder = t.testdir({ 'kit.txt': `${kit.reveal()}\n`, 'other.txt': `${other.reveal()}\n` });
const sizes = [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000];

t.test('C2SP\'s vectors end here as they end in the hub', { skip: noTestkit }, async (t) => {
  for (const name of vectorNames()) {
    const vector = readVector(name);
    const identities = vector.identities.map((text) => Identity.parse(text, name));
    const codes = codesFor(name, vector);
    const whole = outcome(() => [openWhole(vector.file, identities, name)]);
    t.ok(notSeenAsArmor.has(name) ? whole.code === 'SP_AGE_HEADER' : codes.includes(whole.code), `${name} as a whole: ${whole.code}`);
    const streamed = outcome((released) => stream(vector, identities, name, released));
    t.ok(codes.includes(streamed.code), `${name} in chunks: ${streamed.code}`);
    if (!fitNobody.has(name) && vector.payload !== undefined) t.equal(streamed.hash, vector.payload, `${name}: what was released before the end`);
    if (!fitNobody.has(name) && vector.expect === 'success') t.equal(whole.hash, vector.payload, name);
  }
});

t.test('the project\'s own vectors: slot, segment, cut segment, hour list, and each damaged form', async (t) => {
  const vectors = new URL('../../vectors/', import.meta.url);
  const read = (name: string): Buffer => readFileSync(new URL(name, vectors));
  const index = JSON.parse(read('index.json').toString());
  const [owner] = Identity.parseFile(read(index.kit.file).toString(), 'kit.txt') as [Identity];
  t.equal(owner.recipient, index.kit.recipient);
  t.equal(owner.signer, index.kit.signer);
  const text = read(index.slot.files[0]).subarray(index.slot.slot * slotBlockBytes).subarray(0, slotTextBytes);
  const { identity: period, ...facts } = openSlot(text, [owner], 'the slot');
  t.equal(period.recipient, index.slot.recipient);
  t.strictSame(facts, { camera: index.slot.camera, class: index.slot.class, startMs: index.slot.start_ms });
  for (const slot of index.slot.shredded) t.throws(() => openSlot(read(index.slot.files[0]).subarray(slot * slotBlockBytes, slot * slotBlockBytes + slotTextBytes), [owner], 'it'), { code: 'SP_SLOT_MISSING' });
  for (const { file, plain_sha256: hash } of [index.segment, index.hour_list]) t.equal(sha256(openWhole(read(file), [period], file)), hash, file);
  t.strictSame(readMetadata(openWhole(read(index.segment.file), [period], 'it'), 'it'), index.segment.metadata);
  const cut = outcome((released) => streamBytes(read(index.cut_segment.file), [period], 'it', released));
  t.strictSame(cut, { code: 'SP_SEGMENT_CUT', hash: index.cut_segment.plain_sha256 });
  for (const { name, at, xor, keep, code, chunk } of index.damaged) {
    const file = Buffer.from(read(index.segment.file).subarray(0, keep));
    if (at !== undefined) file[at] = (file[at] as number) ^ xor;
    t.throws(() => openWhole(file, [period], name), { code, ...(chunk === undefined ? {} : { evidence: { chunk } }) }, name);
  }
});

t.test('what is sealed here opens with stock age, with age-encryption and in the hub, at every edge of a chunk', { skip: noAge }, async (t) => {
  const hubKit = HubIdentity.parse(kit.reveal(), 'kit');
  for (const size of sizes) {
    const plain = pattern(size);
    const sealed = Buffer.from(sealWhole(plain, [other.recipient, kit.recipient]));
    t.ok((await ageOpens(sealed, `${folder}/kit.txt`))?.equals(plain), `${size} bytes: age`);
    t.ok((await ageOpens(Buffer.from(sealArmored(plain, [kit.recipient])), `${folder}/kit.txt`))?.equals(plain), `${size} bytes, armored: age`);
    t.ok((await typageOpens(sealed, other.reveal()))?.equals(plain), `${size} bytes: age-encryption`);
    t.ok(hubOpens(sealed, [hubKit], 'it').equals(plain), `${size} bytes: the hub`);
  }
  t.equal(await ageOpens(Buffer.from(sealWhole(pattern(10), [kit.recipient])), `${folder}/other.txt`), undefined, 'somebody else opens nothing');
  t.throws(() => sealWhole(pattern(10), []), { code: 'SP_BAD_RECIPIENT' });
});

t.test('what the hub and stock age seal opens here', { skip: noAge }, async (t) => {
  for (const size of sizes) {
    const plain = pattern(size);
    for (const sealed of [hubSeals(plain, [kit.recipient]), Buffer.from(hubSealsArmored(plain, [other.recipient, kit.recipient])), await ageSeals(plain, [kit.recipient]), await ageSeals(plain, [kit.recipient], true)]) {
      t.ok(plain.equals(openWhole(sealed, [kit], 'it')), `${size} bytes`);
    }
  }
});

t.test('no single flipped bit of a small file goes unnoticed, and cut off anywhere it opens nowhere', async (t) => {
  const sealed = sealWhole(pattern(40), [kit.recipient]);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const file = sealed.slice();
    file[bit >> 3] = (file[bit >> 3] as number) ^ (1 << (bit & 7));
    const { code } = outcome(() => [openWhole(file, [kit], 'it')]);
    if (!/^SP_(AGE|WRONG_IDENTITY|SEGMENT_CUT)/.test(code)) t.fail(`bit ${bit} ended as ${code}`);
  }
  for (let length = 0; length < sealed.length; length++) {
    const { code } = outcome(() => [openWhole(sealed.subarray(0, length), [kit], 'it')]);
    if (!/^SP_(AGE|SEGMENT_CUT)/.test(code)) t.fail(`${length} bytes ended as ${code}`);
  }
});

t.test('identities and recipients are read as strictly as in the hub', async (t) => {
  const hub = HubIdentity.generate();
  const same = Identity.parse(hub.reveal(), 'it');
  t.equal(same.recipient, hub.recipient);
  t.equal(same.signer, hub.signer().publicKey);
  t.equal(same.reveal(), hub.reveal());
  for (const text of ['', 'AGE-SECRET-KEY-1', hub.reveal().toLowerCase(), `${hub.reveal()}Q`, hub.reveal().replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'))]) t.throws(() => Identity.parse(text, 'it'), { code: 'SP_BAD_IDENTITY' });
  for (const text of ['age1nobody', hub.recipient.toUpperCase(), `age1${'q'.repeat(58)}`]) t.throws(() => checkRecipient(text), { code: 'SP_BAD_RECIPIENT' });
  t.equal(Identity.parseFile(`# mine\n\n${hub.reveal()}\r\n`, 'kit.txt')[0]?.recipient, hub.recipient);
  t.throws(() => Identity.parseFile('# nothing\n', 'kit.txt'), { code: 'SP_BAD_IDENTITY' });
});

t.test('a slot sealed anew opens for the new people, with stock age too, and not for those before', { skip: noAge }, async (t) => {
  const [before, after] = [Identity.generate(), Identity.generate()];
  const period = { camera: 'front-door', class: 'footage', startMs: Date.UTC(2026, 10, 24, 5) };
  const { recipient, slotText } = makePeriodKey(period, [kit.recipient, before.recipient]);
  const next = Buffer.from(resealSlot(slotText, [before], [kit.recipient, after.recipient]));
  t.equal(next.length, slotTextBytes);
  t.match(hubOpensSlot(next, [HubIdentity.parse(after.reveal(), 'it')], 'it'), { ...period, identity: { recipient } });
  t.equal(openSlot(next, [kit], 'it').identity.recipient, recipient);
  t.throws(() => openSlot(next, [before], 'it'), { code: 'SP_WRONG_IDENTITY' });
  t.throws(() => resealSlot(next, [before], [before.recipient]), { code: 'SP_WRONG_IDENTITY' });
  t.throws(() => resealSlot(next, [kit], Array.from({ length: 9 }, () => kit.recipient)), { code: 'SP_SLOT_TOO_LONG' });
  const work = t.testdir({ 'before.txt': `${before.reveal()}\n`, 'after.txt': `${after.reveal()}\n` });
  t.match((await ageOpens(next, `${work}/after.txt`))?.toString(), /^# front-door footage 2026-11-24T05:00:00Z\nAGE-SECRET-KEY-1/);
  t.equal(await ageOpens(next, `${work}/before.txt`), undefined);
});

function stream(vector: Vector, identities: readonly Identity[], name: string, released: (bytes: Uint8Array) => void): Uint8Array[] {
  return streamBytes(vector.armored ? decodeArmor(vector.file, name) : vector.file, identities, name, released);
}

function streamBytes(file: Uint8Array, identities: readonly Identity[], name: string, released: (bytes: Uint8Array) => void): Uint8Array[] {
  const sealed = SealedFile.open(file, file.length, identities, name);
  let final = false;
  for (let index = 0; index < sealed.chunkCount; index++) {
    const { from, to } = sealed.chunkRange(index);
    const opened = sealed.openChunk(file.subarray(from, to), index);
    released(opened.plain);
    if (opened.final && index < sealed.chunkCount - 1) throw sealed.damaged(index + 1);
    final = opened.final;
  }
  // As `openWhole` and a player of a segment say it.
  if (!final) openWhole(file, identities, name);
  return [];
}

function outcome(open: (released: (bytes: Uint8Array) => void) => Uint8Array[]): { code: string; hash: string } {
  const hash = createHash('sha256');
  const release = (bytes: Uint8Array): void => void hash.update(bytes);
  try {
    for (const bytes of open(release)) release(bytes);
    return { code: 'none', hash: hash.digest('hex') };
  } catch (error) {
    if (!isSallyportError(error)) throw error;
    return { code: error.code, hash: hash.digest('hex') };
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
