import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { readFarList } from '../../src/policy/farlist.ts';
import { decodeSlotsObject, encodeSlotsObject, maySlotsObjectBe, readSlotsHead, slotsEntryBytes, type SlotsEntry } from '../../src/seal/format/slotsobject.ts';
import { Identity } from '../../src/seal/identity.ts';
import { padmeSize } from '../../src/seal/padme.ts';
import { Sealed } from '../../src/seal/sealed.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { makePeriodKey, openSlot } from '../../src/seal/slot.ts';
import { ageOpens, noAge } from './referees.ts';

const [kit, space] = [Identity.generate(), Identity.generate()];
const startMs = Date.UTC(2026, 10, 24, 5);
const hub = '3f0d6f6c9f5b4a0c8a54c36e5b8a2d11';

function entry(hour: number, recipients: readonly string[] = [kit.recipient, space.recipient]): SlotsEntry {
  const { slotText } = makePeriodKey({ camera: 'front', class: 'footage', startMs: startMs + hour * 3_600_000 }, recipients);
  return { slotText, destination: 'far-disk', list: `${(9 - hour).toString(16)}`.padStart(32, '0') };
}

const entries = Array.from({ length: 5 }, (_, hour) => entry(hour));
const bytes = encodeSlotsObject({ hub, madeMs: startMs, entries });
const altered = (at: number, byte: number): Uint8Array => Uint8Array.from(bytes, (old, index) => (index === at ? byte : old));

t.test('what was put in comes out, in an order that says nothing, and each slot opens with the kit', async (t) => {
  const { entries: back, ...head } = decodeSlotsObject(bytes, 'it');
  t.same(head, { hub, madeMs: startMs });
  t.same(back.map(({ list }) => list), entries.map(({ list }) => list).sort());
  t.same(back.map(({ destination }) => destination), Array.from({ length: 5 }, () => 'far-disk'));
  for (const { slotText } of back) openSlot(slotText, [kit], 'a slot').identity.close();
  t.same(decodeSlotsObject(encodeSlotsObject({ hub, madeMs: 0, entries: [] }), 'it'), { hub, madeMs: 0, entries: [] });
});

t.test('its size is a Padmé size, that of sealed files is not, and its first line is enough to know it', async (t) => {
  t.equal(padmeSize(bytes.length), bytes.length);
  t.ok(maySlotsObjectBe(bytes.length));
  t.match(readSlotsHead(bytes.subarray(0, 256)), { hub, madeMs: startMs, slots: 5 });
  t.equal(readSlotsHead(sealWhole(Buffer.alloc(300), [kit.recipient])), undefined);
  const mistaken = Array.from({ length: 2000 }, (_, n) => padmeSize(1000 * (n + 1))).filter((plain) => maySlotsObjectBe(sealWhole(Buffer.alloc(Math.min(plain, 1)), [kit.recipient]).length - 1 + plain + 16 * (Math.ceil(plain / 65_536) - 1)));
  t.ok(mistaken.length < 20, `${mistaken.length} of 2000 sizes`);
});

t.test('it may leave the house, as what it is and nothing else', async (t) => {
  const sealed = Sealed.recogniseSlots(bytes, 'it');
  t.ok(sealed.sizeHidden);
  t.equal(sealed.bytes, bytes);
  t.throws(() => Sealed.recognise(bytes, 'it'), { code: 'SP_AGE_HEADER' });
});

t.test('no byte can be another without its being seen: nothing hides in it', async (t) => {
  const end = (readSlotsHead(bytes)?.bytes ?? 0) + 5 * slotsEntryBytes;
  t.ok(end < bytes.length, 'there is padding to hide in');
  const refused = (changed: Uint8Array, what: string): void => void t.throws(() => Sealed.recogniseSlots(changed, 'it'), { code: 'SP_FAR_SLOTS' }, what);
  refused(altered(end, 0x41), 'padding');
  refused(altered(bytes.length - 1, 0), 'its last byte');
  refused(altered(0, 0x5b), 'its first byte');
  refused(bytes.subarray(0, -1), 'cut');
  refused(Buffer.concat([bytes, Buffer.alloc(1, ' ')]), 'longer');
  const [first] = entries as [SlotsEntry];
  const made = (one: SlotsEntry): Uint8Array => encodeSlotsObject({ hub, madeMs: 0, entries: [one] });
  t.ok(Sealed.recogniseSlots(made(first), 'it'));
  refused(made({ ...first, slotText: Buffer.alloc(1024, 'A') }), 'plain text for a slot');
  refused(made({ ...first, slotText: Buffer.alloc(1024, 7) }), 'a shredded slot');
  refused(made(entry(0, [kit.recipient])), 'one recipient alone');
  refused(made({ ...first, destination: 'Not A Name' }), 'a name with blanks');
  refused(made({ ...first, list: 'front-door' }), 'a list that has a name');
  const text = Buffer.from(first.slotText);
  const blanks = text.indexOf(' ', text.indexOf('-----END'));
  t.ok(blanks > 0);
  text.write('front door', blanks + 3);
  refused(made({ ...first, slotText: text }), 'words behind the armor');
});

t.test('a byte anywhere in a header or a line is noticed, or changes nothing but a slot, which then does not open', async () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const changed = altered(at, (bytes[at] ?? 0) ^ flip);
    try {
      const { entries: read } = decodeSlotsObject(changed, 'it');
      return read.length === 5;
    } catch (error) {
      return (error as { code?: string }).code === 'SP_FAR_SLOTS';
    }
  }), { numRuns: 300 });
});

t.test('the vector: stock age opens a slot of it, and with that the list, which names where each segment lies', { skip: noAge }, async (t) => {
  const folder = new URL('../vectors/', import.meta.url);
  const read = (name: string): Buffer => readFileSync(new URL(name, folder));
  interface Far { slots: { file: string; size: number; sha256: string; hub: string; made_ms: number; lists: string[]; destination: string }; list: { file: string; plain_sha256: string; objects: string[] } }
  const { far } = JSON.parse(read('index.json').toString()) as { far: Far };
  const object = read(far.slots.file);
  const sha256 = (of: string | Uint8Array): string => createHash('sha256').update(of).digest('hex');
  t.equal(object.length, far.slots.size);
  t.equal(sha256(object), far.slots.sha256);
  const { hub: of, madeMs, entries: read1 } = decodeSlotsObject(object, 'the vector');
  t.same([of, madeMs], [far.slots.hub, far.slots.made_ms]);
  t.same(read1.map(({ list }) => list), far.slots.lists);
  t.ok(read1.every(({ destination }) => destination === far.slots.destination));
  const hour = await ageOpens(Buffer.from(read1[0]?.slotText ?? []), new URL('kit.txt', folder).pathname);
  const work = t.testdir({ 'hour.txt': hour ?? '' });
  const list = await ageOpens(read(far.list.file), `${work}/hour.txt`);
  t.equal(sha256(list?.toString().trimEnd() ?? ''), far.list.plain_sha256);
  t.same(readFarList(list ?? Buffer.alloc(0), 'the vector').segments.map(({ object: name }) => name), far.list.objects);
});
