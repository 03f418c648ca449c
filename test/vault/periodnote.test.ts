import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Identity } from '../../src/seal/identity.ts';
import { randomBytes } from '../../src/seal/secure.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { noteBytes, openNote, sealNote, type NotedPeriod } from '../../src/vault/periodnote.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { makeWorld, openRaw, openVault, prepare, record } from './world.ts';

const hub = Identity.generate();
const period: NotedPeriod = {
  camera: 'a'.repeat(40), class: 'footage', startMs: 1, endMs: 2, deadlineMs: 2 ** 52, slot: 2 ** 21, generation: 2 ** 40, recipient: Identity.generate().recipient, slotSha256: 'ab'.repeat(32),
};

t.test('a note tells all of its period to the hub, to nobody else, and only beside its own slot', async (t) => {
  const note = sealNote(period, hub.recipient);
  t.equal(note.length, noteBytes);
  t.same(openNote(note, hub, period), period);
  t.equal(openNote(note, Identity.generate(), period), undefined);
  t.equal(openNote(note, hub, { ...period, slot: 4 }), undefined);
  t.equal(openNote(note, hub, { ...period, slotSha256: 'cd'.repeat(32) }), undefined);
  t.equal(openNote(randomBytes(noteBytes), hub, period), undefined);
  note[700] = (note[700] ?? 0) ^ 1;
  t.equal(openNote(note, hub, period), undefined);
});

t.test('each period has its note in both keyring files, which the working key opens; it goes with the slot', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const made = await prepare(vault, world);
  const notes = async (): Promise<(NotedPeriod | undefined)[]> => {
    const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
    const key = await loadWorkingKey({ folder: world.folder, mayCreate: false });
    const slotSha256 = (await vault.livePeriods())[0]?.slotSha256 ?? lastSha256;
    lastSha256 = slotSha256;
    const identity = key.hubIdentity();
    const found = (await keyring.notes(made.slot)).map((note) => openNote(note, identity, { slot: made.slot, slotSha256 }));
    await keyring.close();
    return found;
  };
  let lastSha256 = '';
  const { id: _, ...facts } = made;
  t.match(await notes(), [facts, facts]);
  await vault.purge([made], {});
  t.same(await notes(), [undefined, undefined]);
  await vault.close();
});

t.test('a slot that no row knows is never overwritten: its footage opens as before', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const lost = await prepare(vault, world);
  await record(vault, lost);
  await vault.close();
  const db = await openRaw(world);
  db.pragma('foreign_keys = OFF');
  db.exec('DELETE FROM segments; DELETE FROM periods; DELETE FROM slot_generations');
  db.close();
  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  const before = await keyring.read(0);
  const again = await openVault(world);
  t.equal((await prepare(again, world, { camera: 'garden' })).slot, 1);
  t.equal((await prepare(again, world, { camera: 'porch' })).slot, 2);
  t.same(await keyring.read(0), before);
  await keyring.close();
  await again.close();
});
