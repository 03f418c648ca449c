import { mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makePeriodKey, openSlot } from '../../src/seal/slot.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { ageOpens, noAge } from '../seal/referees.ts';

const names = ['keyring.1', 'keyring.2'];
const owner = Identity.generate();

function slotText(camera = 'front', hour = 3): Buffer {
  return makePeriodKey({ camera, class: 'footage', startMs: Date.UTC(2026, 10, 24, hour) }, [owner.recipient]).slotText;
}

async function openRing(t: Test, folder: string): Promise<Keyring> {
  const ring = await Keyring.open(folder, { log: silentLog });
  t.teardown(() => ring.close());
  return ring;
}

/** One bit of a slot's text is another one. */
async function rot(file: string, slot: number): Promise<void> {
  const bytes = await readFile(file);
  const at = slot * 4096 + 100;
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(file, bytes);
}

t.test('a new keyring is two private files that backups leave out', async (t) => {
  const folder = join(t.testdir(), 'keyring');
  await openRing(t, folder);
  for (const name of names) t.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  t.match(await readFile(join(folder, 'CACHEDIR.TAG'), 'utf8'), /^Signature: 8a477f597d28d172789f06886806bc55\n/);
});

t.test('each file holds a slot as text in its first quarter, and random bytes behind it', async (t) => {
  const folder = t.testdir();
  const ring = await openRing(t, folder);
  const text = slotText();
  await ring.write(0, slotText());
  const sha256 = await ring.write(2, text);
  t.match(sha256, /^[0-9a-f]{64}$/);
  t.equal(ring.slots, 3);
  t.same(await ring.read(2, sha256), text);
  t.same(await ring.read(2), text);
  const [first, second] = await Promise.all(names.map((name) => readFile(join(folder, name))));
  t.equal(first?.length, 3 * 4096);
  t.same(first, second);
  t.same(first?.subarray(8192, 9216), text);
  t.ok((first as Buffer).subarray(9216).some((byte) => byte !== 0));
  await t.rejects(ring.read(1), { code: 'SP_SLOT_MISSING' }, 'a hole is no slot');
  await t.rejects(ring.read(3), { code: 'SP_SLOT_MISSING' }, 'nor is what lies past the end');
  await t.rejects(ring.read(-1), { code: 'SP_SLOT_MISSING' });
  await t.rejects(ring.write(1, Buffer.alloc(1023)), { code: 'SP_INTERNAL' });
  await t.rejects(ring.write(2 ** 40, text), { code: 'SP_INTERNAL' });
});

t.test('stock dd and age open a slot from either file, and after its shredding from none', { skip: noAge }, async (t) => {
  const folder = t.testdir({ 'kit.txt': `${owner.reveal()}\n` });
  const ring = await openRing(t, folder);
  await ring.write(0, slotText('garden'));
  const sha256 = await ring.write(1, slotText());
  const stock = (name: string, slot: number): Promise<Buffer | undefined> => run('dd', [`if=${join(folder, name)}`, 'bs=1024', `skip=${4 * slot}`, 'count=1'])
    .then(({ stdout }) => ageOpens(stdout, join(folder, 'kit.txt')));
  for (const name of names) t.match(String(await stock(name, 1)), /^# front footage 2026-11-24T03:00:00Z\nAGE-SECRET-KEY-1/);
  const [result] = await ring.shred([{ slot: 1, sha256 }]);
  t.match(result, { slot: 1, result: 'shredded' });
  for (const name of names) {
    t.equal(await stock(name, 1), undefined);
    t.match(String(await stock(name, 0)), /^# garden footage/, 'its neighbour still opens');
  }
});

t.test('a shredded slot opens for nobody, and nothing of its block is left in either file', async (t) => {
  const folder = t.testdir();
  const ring = await openRing(t, folder);
  const texts = Array.from({ length: 20 }, (_, hour) => slotText('front', hour));
  const hashes: string[] = [];
  for (const [slot, text] of texts.entries()) hashes.push(await ring.write(slot, text));
  const before = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const due = [3, 4, 5, 17, 9];
  const results = await ring.shred(due.map((slot) => ({ slot, sha256: hashes[slot] as string })));
  t.same(results.map(({ slot }) => slot), due, 'answers come in the order of the question');
  t.ok(results.every(({ result }) => result === 'shredded'));
  for (const [index, name] of names.entries()) {
    const after = await readFile(join(folder, name));
    for (const slot of texts.keys()) {
      const [old, now] = [before[index], after].map((bytes) => (bytes as Buffer).subarray(slot * 4096, (slot + 1) * 4096)) as [Buffer, Buffer];
      if (!due.includes(slot)) t.same(now, old, `slot ${slot} is untouched`);
      else for (let at = 0; at < 4096; at += 16) if (now.subarray(at, at + 16).equals(old.subarray(at, at + 16))) t.fail(`slot ${slot} still has its bytes at ${at}`);
    }
  }
  for (const slot of due) await t.rejects(ring.read(slot, hashes[slot]), { code: 'SP_SLOT_MISSING' });
  t.ok(results.every(({ readBack }) => readBack === results[0]?.readBack));
});

t.test('shredding may be repeated, and leaves a slot alone that is somebody else\'s by now', async (t) => {
  const ring = await openRing(t, t.testdir());
  const [old, other] = [await ring.write(0, slotText()), await ring.write(1, slotText())];
  await ring.shred([{ slot: 0, sha256: old }]);
  const text = slotText('garden');
  const fresh = await ring.write(0, text);
  t.same((await ring.shred([{ slot: 1, sha256: other }, { slot: 0, sha256: old }, { slot: 1, sha256: other }, { slot: 700, sha256: old }])).map(({ result }) => result), ['shredded', 'gone already', 'shredded', 'gone already']);
  t.same((await ring.shred([{ slot: 1, sha256: other }])).map(({ result }) => result), ['gone already']);
  t.same(await ring.read(0, fresh), text);
  t.same(await ring.shred([]), []);
});

t.test('a shred that a kill stopped between the two files finishes when repeated', async (t) => {
  const folder = t.testdir();
  const ring = await openRing(t, folder);
  const sha256 = await ring.write(0, slotText());
  await rot(join(folder, 'keyring.1'), 0);
  t.same(await ring.lacking(0, sha256), [join(folder, 'keyring.1')]);
  t.match(await ring.shred([{ slot: 0, sha256 }]), [{ result: 'shredded' }]);
  t.equal((await ring.lacking(0, sha256)).length, 2);
});

t.test('a slot is served from the file that has it whole', async (t) => {
  const folder = t.testdir();
  const ring = await openRing(t, folder);
  const texts = [slotText(), slotText()] as const;
  const hashes = [await ring.write(0, texts[0]), await ring.write(1, texts[1])];
  await rot(join(folder, 'keyring.1'), 0);
  await rot(join(folder, 'keyring.2'), 1);
  t.same(await ring.read(0, hashes[0]), texts[0]);
  t.same(await ring.read(1, hashes[1]), texts[1]);
  t.equal((await ring.candidates(0)).length, 2);
  await rot(join(folder, 'keyring.2'), 0);
  await t.rejects(ring.read(0, hashes[0]), { code: 'SP_SLOT_MISSING' });
});

t.test('a lost file is begun anew and fills up again, its old slots are served from the other one', async (t) => {
  for (const lost of names) {
    const folder = t.testdir();
    const before = await Keyring.open(folder, { log: silentLog });
    const text = slotText();
    const sha256 = await before.write(1, text);
    await before.close();
    await rm(join(folder, lost));
    const readOnly = await Keyring.open(folder, { log: silentLog, writable: false });
    t.same(await readOnly.read(1, sha256), text);
    await readOnly.close();
    const ring = await openRing(t, folder);
    t.same(await ring.read(1, sha256), text);
    t.equal(ring.slots, 2);
    const fresh = await ring.write(2, text);
    t.same(await ring.lacking(2, fresh), []);
    t.same(await ring.lacking(1, sha256), [join(folder, lost)]);
    t.match(await ring.shred([{ slot: 1, sha256 }]), [{ result: 'shredded' }]);
  }
});

t.test('a torn last block does not count and is grown over', async (t) => {
  const folder = t.testdir();
  const before = await Keyring.open(folder, { log: silentLog });
  const hashes = [await before.write(0, slotText()), await before.write(1, slotText())];
  await before.close();
  for (const name of names) await truncate(join(folder, name), 4096 + 700);
  const ring = await openRing(t, folder);
  t.equal(ring.slots, 1);
  await ring.read(0, hashes[0]);
  await t.rejects(ring.read(1, hashes[1]), { code: 'SP_SLOT_MISSING' });
  t.same(await ring.lacking(1, await ring.write(1, slotText())), []);
});

t.test('a scan finds each slot once, and both texts where the files differ', async (t) => {
  const folder = t.testdir();
  const ring = await openRing(t, folder);
  for (const slot of [0, 3, 260]) await ring.write(slot, slotText());
  await rot(join(folder, 'keyring.2'), 3);
  const found = new Map<number, number>();
  for await (const { slot, texts } of ring.scan()) found.set(slot, texts.length);
  t.same([...found], [[0, 1], [3, 2], [260, 1]]);
});

t.test('what cannot be a keyring is named', async (t) => {
  const folder = t.testdir();
  await t.rejects(Keyring.open(folder, { log: silentLog, writable: false }), { code: 'SP_KEYRING' }, 'nothing is made when only reading');
  await symlink('/dev/null', join(folder, 'keyring.1'));
  await t.rejects(Keyring.open(folder, { log: silentLog }), { code: 'SP_KEYRING', message: /keyring\.1/ });
  await rename(join(folder, 'keyring.1'), join(folder, 'other'));
  await mkdir(join(folder, 'keyring.2'));
  await t.rejects(Keyring.open(folder, { log: silentLog }), { code: 'SP_KEYRING', message: /keyring\.2/ });
});

t.test('slots opened later carry their period', async (t) => {
  const ring = await openRing(t, t.testdir());
  await ring.write(0, slotText('garden', 5));
  const { identity, ...period } = openSlot(await ring.read(0), [owner], 'slot 0');
  identity.close();
  t.same(period, { camera: 'garden', class: 'footage', startMs: Date.UTC(2026, 10, 24, 5) });
});
