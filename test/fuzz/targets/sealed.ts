/** Sealed things as they lie on disks that strangers may write to: age header, payload, slot. What opens must be what was sealed. */
import { readFileSync } from 'node:fs';
import { encodeCovered, headerEnd, parseHeader } from '../../../src/seal/format/header.ts';
import { checkHold, holdBytes } from '../../../src/seal/format/hold.ts';
import { Identity } from '../../../src/seal/identity.ts';
import { headerSizeOf, Opener, openWhole } from '../../../src/seal/opener.ts';
import { sealArmored, sealWhole } from '../../../src/seal/sealer.ts';
import { looksLikeSlot, makePeriodKey, openSlot, slotBlockBytes, slotTextBytes } from '../../../src/seal/slot.ts';
import { memorySource } from '../../seal/bytes.ts';
import { byteMutators, textMutators, type Mutator } from '../mutate.ts';
import { expect, refusal, type Target } from '../target.ts';

const vectors = new URL('../../vectors/', import.meta.url);
const vector = (name: string): Buffer => readFileSync(new URL(name, vectors));
const keyring = (): Buffer => vector('data/keyring/keyring.1');
const slotOf = (slot: number): Buffer => keyring().subarray(slot * slotBlockBytes).subarray(0, slotTextBytes);
const [kit] = Identity.parseFile(vector('kit.txt').toString(), 'kit.txt') as [Identity];
const period = openSlot(slotOf(2), [kit], 'the vector slot');
const segments = ['data/footage/front/20261124/05/20261124T050000Z-1.mp4.age', 'data/footage/front/20261124/05/20261124T050010Z-2.mp4.age'];

const headerWords = textMutators([
  '-> X25519 ', '-> ', '---', '--- ', '\n', ' ', '=', '-> scrypt ', '-> x-grease ', 'age-encryption.org/v1\n', 'age-encryption.org/v2\n', '-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n', 'A'.repeat(64), 'A', '\r\n', '\u0000', '\u00e4',
]);

export const header: Target = {
  name: 'header',
  what: 'the age header, without keys (src/seal/format/header.ts)',
  bytesMax: 8192,
  longRun: 1_000_000,
  mutators: [...headerWords, ...byteMutators],
  corpus: () => [...segments, 'data/footage/front/20261124/05/hour-2.json.age'].map((name) => vector(name).subarray(0, 300))
    .concat(sealWhole(Buffer.from('x'), [kit.recipient, kit.recipient, kit.recipient]).subarray(0, 600), vector('data/footage/front/20261124/05/20261124T050000Z-1.mp4.age.4.hold')),
  read(bytes) {
    const end = headerEnd(bytes);
    try {
      const { stanzas, covered, size, mac } = parseHeader(bytes, 'it');
      expect(end === size, 'both find the same end');
      expect(Buffer.from(encodeCovered(stanzas)).equals(covered), 'a header has one encoding only');
      expect(mac.length === 32, 'a MAC has 32 bytes');
      if (isHold(bytes)) return 'read a hold';
      headerSizeOf(bytes, 'it');
      return `read ${Math.min(stanzas.length, 5)}`;
    } catch (error) {
      return refusal(error, ['SP_AGE_HEADER']);
    }
  },
};

/** What a device hands over is taken when it is exactly one header for one recipient. */
function isHold(bytes: Buffer): boolean {
  try {
    checkHold(bytes, 'it');
    expect(bytes.length === holdBytes && parseHeader(bytes, 'it').size === holdBytes && parseHeader(bytes, 'it').stanzas.length === 1, 'a hold is one header and nothing else');
    return true;
  } catch (error) {
    refusal(error, ['SP_AGE_HEADER']);
    return false;
  }
}

/** Sealed once per run; what an altered file opens to must be one of these, whole. */
const plains = [Buffer.alloc(0), Buffer.from('seven b'), Buffer.alloc(65_536, 5), Buffer.alloc(65_600, 7)];
const openerCodes = ['SP_AGE_HEADER', 'SP_AGE_MAC', 'SP_AGE_PAYLOAD', 'SP_AGE_ARMOR', 'SP_SEGMENT_CUT', 'SP_WRONG_IDENTITY'] as const;

/** Inputs are large here, so that most changes would fall into ciphertext: half of them go for the header and the first bytes after it. */
const atTheHead = byteMutators.slice(0, 4).map((mutate): Mutator => (random, bytes, other) => Buffer.concat([mutate(random, bytes.subarray(0, 260), other), bytes.subarray(260)]));
const chunks: readonly Mutator[] = [
  // Whole chunks are cut off, doubled, swapped.
  (random, bytes) => bytes.subarray(0, 184 + random.below(3) * 65_552),
  (_random, bytes) => Buffer.concat([bytes, bytes.subarray(184, 184 + 65_552)]),
  (_random, bytes) => Buffer.concat([bytes.subarray(0, 184), bytes.subarray(184 + 65_552), bytes.subarray(184, 184 + 65_552)]),
];

export const payload: Target = {
  name: 'payload',
  what: 'sealed files, opened with their key, whole and by chunks (src/seal/opener.ts)',
  bytesMax: 200_000,
  longRun: 100_000,
  mutators: [...atTheHead, ...headerWords, ...chunks, ...byteMutators],
  corpus: () => [...plains.map((plain) => sealWhole(plain, [period.identity.recipient])), Buffer.from(sealArmored(plains[1] as Buffer, [kit.recipient, period.identity.recipient]))],
  async read(bytes) {
    let whole: Buffer | undefined;
    let outcome: string;
    try {
      whole = openWhole(bytes, [period.identity], 'it');
      expect(plains.some((plain) => plain.equals(whole as Buffer)), 'what opens is what was sealed');
      outcome = `opened ${whole.length}`;
    } catch (error) {
      outcome = refusal(error, openerCodes);
    }
    const streamed = await inChunks(bytes);
    // Armor is for small things, which are opened whole.
    if (whole !== undefined && bytes[0] === 0x61) expect(streamed !== undefined && streamed.equals(whole), 'chunk by chunk it is the same');
    return outcome;
  },
};

async function inChunks(bytes: Buffer): Promise<Buffer | undefined> {
  let opener: Opener | undefined;
  const parts: Buffer[] = [];
  try {
    opener = await Opener.open(memorySource(bytes), [period.identity], 'it');
    for await (const chunk of opener.chunks()) {
      parts.push(chunk);
      const sofar = Buffer.concat(parts);
      expect(plains.some((plain) => plain.subarray(0, sofar.length).equals(sofar)), 'each chunk that comes out is genuine');
    }
    return Buffer.concat(parts);
  } catch (error) {
    refusal(error, openerCodes);
    return undefined;
  } finally {
    opener?.close();
  }
}

/** First byte: whether the rest is a slot as it lies there, or the text that somebody sealed into one. */
const altered = 0;
const sealedByStranger = 1;

export const slot: Target = {
  name: 'slot',
  what: 'slots of the keyring: armor, age, and the text sealed inside (src/seal/slot.ts)',
  bytesMax: 4096,
  longRun: 100_000,
  mutators: [...textMutators(['-----BEGIN AGE ENCRYPTED FILE-----', '-----END AGE ENCRYPTED FILE-----', '\n', '\r\n', ' ', '# front footage 2026-11-24T05:00:00Z', 'AGE-SECRET-KEY-1', '..', '/', '9999-99-99T99:99:99Z', '=']), ...byteMutators],
  corpus: () => {
    const text = `# front footage 2026-11-24T05:00:00Z\n${period.identity.reveal()}\n`;
    const five = makePeriodKey({ camera: 'front', class: 'footage', startMs: Date.UTC(2026, 10, 24, 5) }, Array.from({ length: 5 }, () => kit.recipient)).slotText;
    return [tagged(altered, slotOf(2)), tagged(altered, slotOf(1)), tagged(altered, five), tagged(sealedByStranger, Buffer.from(text)), tagged(sealedByStranger, Buffer.from(text.replace('front', 'back-door')))];
  },
  read(bytes) {
    const rest = bytes.subarray(1);
    try {
      const looks = looksLikeSlot(rest);
      const opened = openSlot(bytes[0] === sealedByStranger ? padded(sealArmored(rest, [kit.recipient])) : rest, [kit], 'it');
      expect(/^[a-z0-9-]+$/.test(opened.camera) && Number.isFinite(opened.startMs), 'a slot names a camera and a time');
      expect(bytes[0] === sealedByStranger || looks, 'what opens looks like a slot');
      opened.identity.close();
      return `opened ${opened.class}`;
    } catch (error) {
      return refusal(error, [...openerCodes, 'SP_SLOT_MISSING', 'SP_BAD_IDENTITY']);
    }
  },
};

function tagged(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), bytes]);
}

function padded(armored: string): Buffer {
  return Buffer.from(armored.padEnd(slotTextBytes - 1, ' '), 'latin1');
}
