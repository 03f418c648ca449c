import t, { type Test } from 'tap';
import { createHash } from 'node:crypto';
import { cp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { Archive } from '../../src/vault/archive.ts';
import { restoreDatabase } from '../../src/vault/restore.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { Period, Vault } from '../../src/vault/vault.ts';
import { Identity as BrowserIdentity } from '../../src/web/crypto/identity.ts';
import { resealSlot } from '../../src/web/crypto/slot.ts';
import { always, hourMs, makeWorld, openVault, record, start, type World } from './world.ts';

const [before, after] = [Identity.generate(), Identity.generate()];

interface Site { readonly world: World; readonly vault: Vault; readonly period: Period; readonly from: string; readonly text: Buffer }

/** A period with a segment, sealed to the owner and to `before`; `text` is what the owner's device makes of its slot for `after`. */
async function makeSite(t: Test, hooks?: Parameters<typeof openVault>[1]): Promise<Site> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world, hooks);
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients: [world.owner.recipient, before.recipient] });
  await record(vault, period);
  const [old] = await texts(world, period.slot) as [Buffer, Buffer];
  const text = Buffer.from(resealSlot(old, [BrowserIdentity.parse(before.reveal(), 'it')], [world.owner.recipient, after.recipient]));
  return { world, vault, period, from: sha256(old), text };
}

async function texts(world: World, slot: number): Promise<Buffer[]> {
  const files = await Promise.all(['keyring.1', 'keyring.2'].map((name) => readFile(join(world.folder, 'keyring', name))));
  return files.map((bytes) => Buffer.from(bytes.subarray(slot * slotBlockBytes, slot * slotBlockBytes + slotTextBytes)));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function opens(text: Buffer, who: Identity): boolean {
  try {
    openSlot(text, [who], 'the slot').identity.close();
    return true;
  } catch {
    return false;
  }
}

t.test('a slot sealed anew opens for the new people in both files, and what was recorded is all there', async (t) => {
  const { world, vault, period, from, text } = await makeSite(t);
  await vault.replaceSlot({ slot: period.slot, generation: period.generation, from, text });
  for (const held of await texts(world, period.slot)) {
    t.ok(held.equals(text));
    t.strictSame([world.owner, after, before].map((who) => opens(held, who)), [true, true, false]);
  }
  t.equal(await vault.checkKeyring(), undefined);
  await record(vault, period, { wallMs: start + 60_000 });
  t.not((await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients: [world.owner.recipient, after.recipient] })).id, period.id, 'what comes for the new people has a key of its own: who left may have kept this one');
  const archive = await Archive.open(world.folder, [after]);
  t.equal((await archive.segments('front', start, start + hourMs)).segments.length, 2);
  await archive.close();
  await t.rejects(vault.replaceSlot({ slot: period.slot, generation: period.generation, from, text }), { code: 'SP_SLOT_CHANGED' }, 'not twice');
  await vault.purge([period], { early: 'a test' });
  for (const held of await texts(world, period.slot)) t.strictSame([world.owner, after, before].map((who) => opens(held, who)), [false, false, false], 'and it can be shredded');
  await vault.close();
  t.match(await verifyFolder({ folder: world.folder }), { problems: [] });
});

t.test('what is no slot for a kit and a space, and what is not meant for what is there, changes nothing', async (t) => {
  const { world, vault, period, from, text } = await makeSite(t);
  const ask = { slot: period.slot, generation: period.generation, from, text };
  const alone = Buffer.from(resealSlot(text, [BrowserIdentity.parse(after.reveal(), 'it')], [after.recipient]));
  const many = Buffer.from(resealSlot(text, [BrowserIdentity.parse(after.reveal(), 'it')], [1, 2, 3].map(() => after.recipient)));
  for (const [wrong, code] of [
    [{ text: Buffer.alloc(1024, ' ') }, 'SP_AGE_ARMOR'], [{ text: text.subarray(1) }, 'SP_AGE_ARMOR'], [{ text: alone }, 'SP_AGE_HEADER'],
    [{ from: sha256(text) }, 'SP_SLOT_CHANGED'], [{ generation: 7 }, 'SP_SLOT_CHANGED'], [{ slot: 99 }, 'SP_SLOT_CHANGED'],
  ] as const) await t.rejects(vault.replaceSlot({ ...ask, ...wrong }), { code });
  t.ok((await texts(world, period.slot)).every((held) => sha256(held) === from));
  await vault.replaceSlot({ ...ask, text: many });
  await vault.purge([period], { early: 'a test' });
  await t.rejects(vault.replaceSlot({ ...ask, from: sha256(many) }), { code: 'SP_SLOT_CHANGED' }, 'what was purged stays so');
  await vault.close();
});

for (const step of ['replace intended', 'replace written'] as const) {
  t.test(`a kill after "${step}" ends whole at the next start`, async (t) => {
    const crashed = join(t.testdir(), 'crashed');
    const site = await makeSite(t, { afterStep: async (done) => void (done === step && await cp(site.world.folder, crashed, { recursive: true })) });
    await site.vault.replaceSlot({ slot: site.period.slot, generation: site.period.generation, from: site.from, text: site.text });
    await site.vault.close();
    await restart(t, { ...site, world: { ...site.world, folder: crashed } }, step === 'replace written');
  });
}

t.test('a kill between the two files ends with the new text in both', async (t) => {
  const crashed = join(t.testdir(), 'crashed');
  const site = await makeSite(t, { afterStep: async (done) => void (done === 'replace written' && await cp(site.world.folder, crashed, { recursive: true })) });
  const old = (await texts(site.world, site.period.slot))[1] as Buffer;
  await site.vault.replaceSlot({ slot: site.period.slot, generation: site.period.generation, from: site.from, text: site.text });
  await site.vault.close();
  const second = await open(join(crashed, 'keyring/keyring.2'), 'r+');
  await second.write(old, 0, old.length, site.period.slot * slotBlockBytes);
  await second.close();
  await restart(t, { ...site, world: { ...site.world, folder: crashed } }, true);
});

t.test('an old keyring file that comes back brings no old text along', async (t) => {
  const { world, vault, period, from, text } = await makeSite(t);
  const kept = await readFile(join(world.folder, 'keyring/keyring.2'));
  await vault.replaceSlot({ slot: period.slot, generation: period.generation, from, text });
  const second = await open(join(world.folder, 'keyring/keyring.2'), 'r+');
  await second.write(kept, 0, kept.length, 0);
  await second.close();
  t.match(await vault.checkKeyring(), /mended/);
  t.ok((await texts(world, period.slot)).every((held) => held.equals(text)));
  await vault.close();
});

t.test('a database that is put back to the time before knows the new text again, and purges nothing', async (t) => {
  const { world, vault, period, from, text } = await makeSite(t);
  await vault.makeCopy();
  await vault.replaceSlot({ slot: period.slot, generation: period.generation, from, text });
  await vault.close();
  const restored = await restoreDatabase({ folder: world.folder, clock: world.clock, log: silentLog, hubName: 'test hub', keepMs: hourMs });
  t.match(restored.reconciliation, { purged: 0, unknownSlots: 0 });
  const again = await openVault(world);
  t.match(await again.livePeriods(), [{ id: period.id, slotSha256: sha256(text), segments: 1 }]);
  t.equal(await again.checkKeyring(), undefined);
  await again.purge([period], { early: 'a test' });
  t.ok((await texts(world, period.slot)).every((held) => !opens(held, after)), 'and it can be shredded still');
  await again.close();
});

/** Opens what a kill has left. */
async function restart(t: Test, { world, period, from, text }: Site, done: boolean): Promise<void> {
  await rm(join(world.folder, 'lock'), { force: true });
  const vault = await openVault(world);
  t.equal(await vault.checkKeyring().then((told) => told === undefined || /mended/.test(told)), true);
  for (const held of await texts(world, period.slot)) t.equal(sha256(held), done ? sha256(text) : from);
  t.equal((await vault.segments(always)).length, 1);
  t.equal((await vault.livePeriods()).length, 1);
  await vault.close();
  t.match(await verifyFolder({ folder: world.folder }), { problems: [] });
}
