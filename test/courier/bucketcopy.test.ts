/**
 * What the owner is promised of `slots = "home"`: a full copy of the bucket, taken by somebody before a purge, opens with nothing after it. Tried on each
 * kind of store with a far end that is real, with the courier's own parts, and with every key that is left; what opens, stock `age` decides.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { dayMs } from '../../src/base/units.ts';
import { Identity } from '../../src/seal/identity.ts';
import { slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import type { FarList } from '../../src/vault/farlisttable.ts';
import { decodeHourList } from '../../src/vault/hourlist.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { makeUploads, recordWithKey, runCourier, settle, type UploadWorld } from '../duties/uploadworld.ts';
import { ageOpens, noAge } from '../seal/referees.ts';
import { hourMs, readJson, record, start } from '../vault/world.ts';
import { farEnds } from './farends.ts';

/** Files of all the keys that there are: the kit, the space, the hub's own, and what these find in every block of both keyrings (`dd … | age -d -i kit.txt > key.txt`). */
async function keysLeft({ world, folder }: UploadWorld, space: Identity): Promise<string[]> {
  const owner = join(folder, 'owner');
  await mkdir(owner, { recursive: true });
  const working = await loadWorkingKey({ folder: world.folder, mayCreate: false });
  const hub = working.hubIdentity();
  working.close();
  const keys: string[] = [];
  const keep = async (name: string, text: string | Buffer): Promise<void> => {
    keys.push(join(owner, name));
    await writeFile(join(owner, name), text);
  };
  await keep('kit.txt', `${world.owner.reveal()}\n`);
  await keep('space.txt', `${space.reveal()}\n`);
  await keep('hub.txt', `${hub.reveal()}\n`);
  hub.close();
  const holders = [...keys];
  for (const file of ['keyring.1', 'keyring.2']) {
    const ring = await readFile(join(world.folder, 'keyring', file));
    for (let slot = 0; slot * slotBlockBytes < ring.length; slot++) {
      const text = ring.subarray(slot * slotBlockBytes, slot * slotBlockBytes + slotTextBytes);
      if (!text.includes('BEGIN AGE')) continue;
      for (const holder of holders) {
        const opened = await ageOpens(text, holder);
        if (opened !== undefined) await keep(`${file}-${slot}-${holders.indexOf(holder)}.txt`, opened);
      }
    }
  }
  return keys;
}

async function openedBy(objects: ReadonlyMap<string, Buffer>, keys: readonly string[]): Promise<Map<string, Buffer>> {
  const opened = new Map<string, Buffer>();
  for (const [name, bytes] of objects) for (const key of keys) {
    const plain = opened.has(name) ? undefined : await ageOpens(bytes, key);
    if (plain !== undefined) opened.set(name, plain);
  }
  return opened;
}

for (const [name, open] of farEnds) {
  t.test(`a full copy of the bucket that was taken before a purge opens with nothing after it: ${name}`, { skip: noAge }, async (t) => {
    const folder = t.testdir();
    await using made = await makeUploads(folder);
    const end = await open(folder);
    t.teardown(() => end.close());
    made.destinations = [end.destination];
    made.credentials = end.credentials;
    const { vault, world } = made;
    const space = Identity.generate();
    const recipients = [world.owner.recipient, space.recipient];
    const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients });
    const { row, key } = await recordWithKey(vault, period, 10);
    const alarm = await vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs: world.clock.wallMs(), keepMs: 30 * dayMs, recipients, scorePm: 900 });
    await vault.holdForAlarm(alarm.id, row.id, key);
    key.close();
    const plain = await record(vault, period, { wallMs: start + 90_000 });
    await using _courier = await runCourier(made);
    await settle(made);
    const copy = await end.copy();
    t.equal(copy.size, 5, 'two segments, a second header, a list of the hour and one of the alarms');

    const before = await openedBy(copy, await keysLeft(made, space));
    t.equal(before.size, 4, 'with the keyring, all but the second header, which is a header alone');
    const lists = [...before.values()].filter((bytes) => /^\{"(alarms|camera)"/.test(bytes.subarray(0, 10).toString())).map((bytes) => ({ list: decodeHourList(bytes, 'list'), far: JSON.parse(bytes.toString()) as FarList }));
    t.same(lists.map(({ list }) => [list.class, list.segments.length]).sort(), [['alarm', 1], ['footage', 2]]);
    const held = lists.find(({ list }) => list.class === 'alarm')?.far.segments[0];
    const hold = copy.get(held?.hold_object ?? '') ?? Buffer.alloc(0);
    const whole = Buffer.concat([hold, (copy.get(held?.object ?? '') ?? Buffer.alloc(0)).subarray(hold.length)]);

    // The hour goes. What the alarm keeps stays, and opens by its second header alone.
    await vault.purge([period], {});
    const after = await openedBy(copy, await keysLeft(made, space));
    t.same([...after.values()].map((bytes) => bytes.subarray(0, 8).toString()), ['{"alarms'], 'but the list of the alarms nothing of the copy opens by itself');
    t.equal((await openedBy(new Map([['held', whole]]), await keysLeft(made, space))).size, 1);
    t.match(await readJson(join(world.folder, 'receipts', '1.json')), { far: [{ destination: 'disk', objects: 2, keys: 'home', delete: 'asked', opens: /with nothing/ }] });
    await settle(made);
    const left = await end.copy();
    t.equal(left.size, 3, 'what nothing keeps is deleted there');
    t.notOk([...left.values()].some((bytes) => bytes.length === plain.sizeBytes));

    // The alarm goes.
    await vault.purge((await vault.livePeriods()).filter((one) => one.class === 'alarm'), {});
    const last = await keysLeft(made, space);
    t.ok(last.length >= 3, 'the kit, the space and the hub are tried all the same');
    t.equal((await openedBy(new Map([...copy, ...left, ['held', whole]]), last)).size, 0, 'nothing opens the copies any more');
    await settle(made);
    t.equal((await end.copy()).size, 0);
    t.same(await vault.far.sums(), []);
    t.equal((await vault.far.lines({ limit: 100 })).filter(({ kind, outcome }) => kind === 'delete' && outcome === 'done').length, 5);
  });
}
