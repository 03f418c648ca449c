import t from 'tap';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { randomBytes } from '../../src/seal/secure.ts';
import { sealArmored, sealWhole } from '../../src/seal/sealer.ts';
import { looksLikeSlot, makePeriodKey, openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { pattern } from './bytes.ts';
import { ageOpens, noAge, typageOpens } from './referees.ts';

const kit = Identity.generate();
const startMs = Date.UTC(2026, 10, 24, 5);
const period = { camera: 'front', class: 'footage', startMs };
const people = Array.from({ length: 6 }, () => Identity.generate());
const recipients = people.map(({ recipient }) => recipient);

t.test('a slot gives the period key and says whose it is', async (t) => {
  const { recipient, slotText } = makePeriodKey(period, [kit.recipient]);
  const { identity, ...rest } = openSlot(slotText, [kit], 'slot 0');
  t.equal(identity.recipient, recipient);
  t.strictSame(rest, period);
  const later = { ...period, startMs: startMs + 1234 };
  t.equal(openSlot(makePeriodKey(later, [kit.recipient]).slotText, [kit], 'slot 1').startMs, later.startMs);
});

t.test('with one to five recipients a slot is exactly 1,024 bytes, and each of them opens it', async (t) => {
  for (let count = 1; count <= 5; count++) {
    const { recipient, slotText } = makePeriodKey(period, recipients.slice(0, count));
    t.equal(slotText.length, slotTextBytes);
    t.equal(slotText.at(-1), 0x0a);
    for (const person of people.slice(0, count)) t.equal(openSlot(slotText, [person], 'a slot').identity.recipient, recipient);
    for (const person of people.slice(count)) t.throws(() => openSlot(slotText, [person], 'a slot'), { code: 'SP_WRONG_IDENTITY' });
  }
});

t.test('a slot that would not fit is refused, never shortened', async (t) => {
  t.throws(() => makePeriodKey(period, recipients), { code: 'SP_SLOT_TOO_LONG' });
  const longest = { ...period, camera: 'a'.repeat(40) };
  t.throws(() => makePeriodKey(longest, recipients.slice(0, 5)), { code: 'SP_SLOT_TOO_LONG' });
  t.equal(makePeriodKey(longest, recipients.slice(0, 4)).slotText.length, slotTextBytes);
  t.equal(makePeriodKey({ ...period, camera: 'garden' }, recipients.slice(0, 5)).slotText.length, slotTextBytes);
  t.throws(() => makePeriodKey({ ...period, camera: 'gardens' }, recipients.slice(0, 5)), { code: 'SP_SLOT_TOO_LONG' });
  t.throws(() => makePeriodKey(period, []), { code: 'SP_BAD_RECIPIENT' });
  for (const camera of ['front door', 'front\nAGE-SECRET-KEY-1', '']) t.throws(() => makePeriodKey({ ...period, camera }, [kit.recipient]), { code: 'SP_INTERNAL' });
});

t.test('each period has a key of its own', async (t) => {
  t.equal(new Set(Array.from({ length: 20 }, () => makePeriodKey(period, [kit.recipient]).recipient)).size, 20);
});

t.test('dd, age and the kit open a slot in its keyring, and then the hour, without us', { skip: noAge }, async (t) => {
  const folder = t.testdir({ 'kit.txt': `${kit.reveal()}\n` });
  for (let count = 1; count <= 5; count++) {
    const { recipient, slotText } = makePeriodKey(period, [...recipients.slice(0, count - 1), kit.recipient]);
    writeBlock(`${folder}/keyring.1`, 3, slotText);
    const { stdout } = await run('dd', [`if=${folder}/keyring.1`, 'bs=1024', `skip=${4 * 3}`, 'count=1']);
    const hour = await ageOpens(stdout, `${folder}/kit.txt`);
    t.match(hour?.toString(), /^# front footage 2026-11-24T05:00:00Z\nAGE-SECRET-KEY-1[A-Z0-9]{58}\n$/);
    t.ok((await typageOpens(stdout, kit.reveal()))?.equals(hour as Buffer), 'age-encryption reads the same');
    writeFileSync(`${folder}/hour.txt`, hour as Buffer);
    const segment = pattern(100_000);
    t.ok((await ageOpens(sealWhole(segment, [recipient]), `${folder}/hour.txt`))?.equals(segment));
    t.equal(Identity.parseFile(readFileSync(`${folder}/hour.txt`, 'utf8'), 'hour.txt')[0]?.recipient, recipient);
  }
});

t.test('a shredded slot opens for nobody', async (t) => {
  const shredded = randomBytes(slotTextBytes);
  t.equal(looksLikeSlot(shredded), false);
  t.throws(() => openSlot(shredded, [kit], 'front 2026-11-24T05'), { code: 'SP_SLOT_MISSING', evidence: { what: 'front 2026-11-24T05' } });
  t.throws(() => openSlot(Buffer.alloc(slotTextBytes), [kit], 'an empty one'), { code: 'SP_SLOT_MISSING' });
  t.equal(looksLikeSlot(makePeriodKey(period, [kit.recipient]).slotText), true);
});

t.test('a damaged slot is told from a shredded one', async (t) => {
  const { slotText } = makePeriodKey(period, [kit.recipient]);
  slotText.fill('A', 300, 310);
  t.throws(() => openSlot(slotText, [kit], 'a slot'), { code: /^SP_AGE_/ });
});

t.test('a sealed text that is no slot is refused', async (t) => {
  for (const text of ['hello\n', '', '# front footage 2026-11-24T05:00:00Z\n', '# front footage 2026-11-24T05:00:00Z\nAGE-SECRET-KEY-1\n']) {
    t.throws(() => openSlot(Buffer.from(sealArmored(Buffer.from(text), [kit.recipient])), [kit], 'a slot'), { code: 'SP_BAD_IDENTITY' });
  }
});

function writeBlock(file: string, slot: number, text: Buffer): void {
  const handle = openSync(file, 'w');
  writeSync(handle, Buffer.concat([text, randomBytes(slotBlockBytes - slotTextBytes)]), 0, slotBlockBytes, slot * slotBlockBytes);
  closeSync(handle);
}
