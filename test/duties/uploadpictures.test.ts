/** Alarms' pictures leave as their footage does: sealed to the key of their day, found by its list, and gone when it is purged. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { dayMs, minuteMs } from '../../src/base/units.ts';
import type { DestinationConfig } from '../../src/policy/declared.ts';
import { readFarList, type FarList } from '../../src/policy/farlist.ts';
import { decodePicturesObject } from '../../src/seal/format/picturesobject.ts';
import type { Identity } from '../../src/seal/identity.ts';
import { openWhole } from '../../src/seal/opener.ts';
import { padmeSize } from '../../src/seal/format/padme.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { prepare, start } from '../vault/world.ts';
import { makeUploads, objectsIn, recordWithKey, rules, runCourier, settle, type UploadWorld } from './uploadworld.ts';

const jpeg = (fill: number, bytes: number): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(bytes - 4, fill), Buffer.from([0xff, 0xd9])]);

/** An alarm with a segment and pictures. */
async function ring({ vault, world }: UploadWorld): Promise<{ id: string; slot: number; periodSlot: number }> {
  const period = await prepare(vault, world, { keepMs: dayMs });
  const { row, key } = await recordWithKey(vault, period, 1);
  const { id, slot } = await vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs: start + 5_000, keepMs: 2 * dayMs, recipients: [world.owner.recipient] });
  await vault.holdForAlarm(id, row.id, key);
  key.close();
  await vault.putAlarmPictures(id, { full: jpeg(1, 30_000), thumb: jpeg(3, 4_000), text: { person: 'aabb' } });
  return { id, slot, periodSlot: period.slot };
}

async function keyIn({ world }: UploadWorld, slot: number): Promise<Identity> {
  const ring = await readFile(join(world.folder, 'keyring/keyring.1'));
  return openSlot(ring.subarray(slot * slotBlockBytes).subarray(0, slotTextBytes), [world.owner], 'the day').identity;
}

/** The day's list, as whoever has its key finds it. */
function listIn(objects: ReadonlyMap<string, Buffer>, key: Identity): FarList | undefined {
  for (const bytes of objects.values()) {
    try {
      const list = readFarList(openWhole(bytes, [key], 'a list'), 'a list');
      if (list.class === 'alarm') return list;
    } catch { /* another object */ }
  }
  return undefined;
}

t.test('a yes to a line that did not name pictures sends none; after the yes to the one that does, those that are there go', async (t) => {
  await using made = await makeUploads(t.testdir(), { send: 'alarms' });
  const [disk] = made.destinations;
  const { pictures: _, ...rulesThen } = disk?.store ?? rules;
  made.destinations = [{ ...disk as DestinationConfig, store: rulesThen }];
  await ring(made);
  await using _courier = await runCourier(made);
  await settle(made);
  const classes = async (): Promise<string[]> => [...new Set((await made.vault.far.lines({ limit: 100 })).filter(({ kind, outcome }) => kind === 'put' && outcome === 'done').map((line) => line.class))].toSorted();
  t.same((await classes()).filter((one) => one === 'picture'), []);
  t.ok((await classes()).includes('segment'), 'footage goes on');
  made.destinations = [disk as DestinationConfig];
  await settle(made);
  t.ok((await classes()).includes('picture'));
});

t.test('an alarm\'s pictures arrive as one object of hidden size, which the key of its day opens and its list names, and go with the day', async (t) => {
  await using made = await makeUploads(t.testdir(), { send: 'alarms' });
  const { vault, world, disk } = made;
  const { id, slot, periodSlot } = await ring(made);
  await using _courier = await runCourier(made);
  await settle(made);
  const key = await keyIn(made, slot);
  const objects = await objectsIn(disk);
  const list = listIn(objects, key);
  t.match(list?.alarms, [{ id, rule: 'door', kind: 'person', from_ms: start + 5_000, footage: ['main 1'] }]);
  t.equal(list?.alarms?.[0]?.to_ms, undefined, 'it lasts');
  const object = objects.get(list?.alarms?.[0]?.object ?? '') ?? Buffer.alloc(0);
  const plain = openWhole(object, [key], 'the pictures');
  t.equal(plain.length, padmeSize(plain.length));
  const found = decodePicturesObject(plain, 'the pictures');
  t.equal(found.alarm, id);
  t.same(found.pictures.map(([which]) => which), ['full', 'thumb', 'text']);
  t.same(openWhole(found.pictures[1]?.[1] ?? Buffer.alloc(0), [key], 'the thumbnail'), jpeg(3, 4_000));
  for (const [which, sealed] of found.pictures) t.same(Buffer.from(sealed), (await vault.alarmPicture(id, which)).sealed, `${which} as it lies at home`);
  const hour = await keyIn(made, periodSlot);
  t.throws(() => openWhole(object, [hour], 'the pictures'), { code: 'SP_WRONG_IDENTITY' }, 'the key of the hour opens none of it');
  t.throws(() => openWhole(object, [world.owner], 'the pictures'), { code: 'SP_WRONG_IDENTITY' }, 'nor does the kit without the slot');
  const lines = (await vault.far.lines({ limit: 100 })).filter(({ class: klass }) => klass === 'picture');
  t.match(lines, [{ kind: 'put', camera: 'front', outcome: 'done', object: list?.alarms?.[0]?.object, sizeBytes: object.length, recipients: [key.recipient] }]);

  // Better pictures while it lasts come with a pause; its end at once, under the same name, and the list says so.
  await vault.putAlarmPictures(id, { full: jpeg(2, 31_000), thumb: jpeg(4, 5_000) });
  await settle(made);
  t.equal((await vault.far.lines({ limit: 100 })).filter(({ class: klass }) => klass === 'picture').length, 1, 'not yet');
  await vault.endAlarm(id, start + 20_000);
  world.clock.set(start + 6 * minuteMs);
  await settle(made);
  const after = await objectsIn(disk);
  const later = listIn(after, key);
  t.match(later?.alarms, [{ id, to_ms: start + 20_000, object: list?.alarms?.[0]?.object }]);
  const newer = decodePicturesObject(openWhole(after.get(later?.alarms?.[0]?.object ?? '') ?? Buffer.alloc(0), [key], 'the pictures'), 'the pictures');
  t.same(openWhole(newer.pictures[1]?.[1] ?? Buffer.alloc(0), [key], 'the thumbnail'), jpeg(4, 5_000));
  await settle(made);
  t.equal((await vault.far.lines({ limit: 100 })).filter(({ class: klass }) => klass === 'picture').length, 2, 'what has not changed is not sent again');

  const due = (await vault.duePeriods(start + 9 * dayMs)).filter(({ slot: one }) => one === slot);
  const receipt = await vault.purge(due, {});
  t.match(JSON.stringify(receipt), /"far":\[\{[^\]]*"destination":"disk"/);
  await settle(made);
  const left = await objectsIn(disk);
  t.notOk(left.has(later?.alarms?.[0]?.object ?? ''), 'its pictures are gone there');
  t.equal(listIn(left, key), undefined, 'and so is the list of the day');
  for (const one of [key, hour]) one.close();
});

t.test('pictures of cameras that a destination does not get stay at home, and what cannot be reached waits', async (t) => {
  await using made = await makeUploads(t.testdir(), { send: 'all', cameras: ['back'] });
  await ring(made);
  await using _courier = await runCourier(made);
  await settle(made);
  t.equal((await objectsIn(made.disk)).size, 0);
});
