/** A burnt hub's alarms come back with their pictures: sent by the hub's own duty, brought back by the real command line. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { openWhole } from '../../src/seal/opener.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import type { AlarmRow } from '../../src/vault/vault.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { close, makeUploads, objectsIn, recordWithKey, runCourier, settle, type InProcess, type UploadWorld } from '../duties/uploadworld.ts';
import { openVault, start } from '../vault/world.ts';
import { objectPath, putSlots } from './farworld.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const jpeg = (fill: number, bytes: number): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(bytes - 4, fill), Buffer.from([0xff, 0xd9])]);
const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 50 };

function sallyport(args: readonly string[]): Promise<{ status: number | null; stdout: Buffer; stderr: string }> {
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { timeoutMs: 60_000 });
}

/** What a person is shown of it; the slot's generation counts on. */
const told = (alarm: AlarmRow): object => ({ ...alarm, generation: 0 });

/** A house whose alarms leave with their pictures, and what makes it ring. */
async function house(folder: string): Promise<{ made: UploadWorld; ring(minute: number, fill: number): Promise<string> }> {
  const made = await makeUploads(folder, { send: 'alarms', slots: 'far', slotsAt: 'disk', slotsSamePlace: true });
  const { vault, world } = made;
  // To a kit and a space, as every slot is whose footage leaves with slots = "far".
  const recipients = [world.owner.recipient, world.owner.recipient];
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + hourMs + dayMs, recipients });
  const ring = async (minute: number, fill: number): Promise<string> => {
    const { row, key } = await recordWithKey(vault, period, minute * 60);
    const { id } = await vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs: row.startMs + 5_000, keepMs: 30 * dayMs, recipients, scorePm: 912 });
    await vault.holdForAlarm(id, row.id, key);
    key.close();
    await vault.putAlarmPictures(id, { full: jpeg(fill, 30_000), thumb: jpeg(fill, 4_000), text: { person: 'aabb' } });
    await vault.endAlarm(id, row.startMs + 25_000);
    return id;
  };
  return { made, ring };
}

/** All of it is there, and the lists name it; the courier goes on. */
async function arrived(made: UploadWorld): Promise<InProcess> {
  const { vault, world } = made;
  world.clock.set(start + 2 * hourMs);
  await vault.finishPeriods(start + 2 * hourMs);
  const courier = await runCourier(made);
  await settle(made);
  // The list of a day that goes on is renewed with pauses.
  world.clock.set(start + 2 * hourMs + 6 * minuteMs);
  await settle(made);
  return courier;
}

t.test('alarms come back with their pictures, their footage and their deadline; one whose pictures are gone comes back without', { timeout: 120_000 }, async (t) => {
  const folder = t.testdir();
  const { made, ring } = await house(folder);
  const { vault, world, disk } = made;
  const [first, second] = [await ring(1, 1), await ring(2, 2)];
  const before = await vault.alarms(everything);
  const sealed = (await vault.alarmPicture(first, 'thumb')).sealed;
  {
    await using _courier = await arrived(made);
  }

  await putSlots({ data: world.folder, vault, store: disk, destinations: ['disk'] });
  const ringFile = readFileSync(join(world.folder, 'keyring/keyring.1'));
  const daySlot = before[0]?.slot ?? -1;
  const { identity: day } = openSlot(ringFile.subarray(daySlot * slotBlockBytes).subarray(0, slotTextBytes), [world.owner], 'the day');
  const lines = (await vault.far.lines({ limit: 100 })).filter(({ class: klass }) => klass === 'picture');
  t.equal(lines.length, 2);
  await close(made);
  rmSync(world.folder, { recursive: true });
  const kit = join(folder, 'kit.txt');
  writeFileSync(kit, `${world.owner.reveal()}\n`);

  const again = join(folder, 'again');
  const whole = await sallyport(['restore', '--from', disk, '--identity', kit, '--data', again, '--json']);
  t.equal(whole.status, 0, whole.stderr);
  t.match(JSON.parse(whole.stdout.toString()), { alarms: 2, problems: [] });
  t.same((await verifyFolder({ folder: again })).problems, []);
  const back = await openVault({ ...world, folder: again });
  t.same((await back.alarms(everything)).map(told), before.map(told), 'the rows are what they were, footage and deadline too');
  const picture = await back.alarmPicture(first, 'thumb');
  t.same(picture.sealed, sealed, 'the picture is the one that was sealed');
  t.same(openWhole(picture.sealed, [day], 'a picture'), jpeg(1, 4_000));
  t.equal((await back.far.there('disk', ['picture'])).length, 2, 'and the hub knows what lies there of them');
  t.same(await back.far.picturesWishes({ destination: 'disk', keysAt: 'home' }, 9, true), [], 'which it does not send again');
  await back.purge((await back.duePeriods(start + 40 * dayMs)).filter(({ slot }) => slot === daySlot), {});
  t.same((await back.far.going('disk', 99)).filter(({ class: klass }) => klass === 'picture').length, 2, 'what is purged here goes from there');
  await back.close();

  // The first that was sent.
  const gone = lines.at(-1)?.object ?? '';
  t.ok((await objectsIn(disk)).has(gone));
  rmSync(objectPath(disk, gone));
  const poor = join(folder, 'poor');
  const some = await sallyport(['restore', '--from', disk, '--identity', kit, '--data', poor]);
  t.equal(some.status, 1);
  t.match(some.stderr, /SP_FAR_MISSING/);
  t.match(some.stdout.toString(), /2 alarms/);
  const kept = await openVault({ ...world, folder: poor });
  t.same((await kept.alarms(everything)).map(({ id, pictures, segments }) => [id, pictures.length, segments]), [[second, 3, 1], [first, 0, 1]]);
  await kept.close();
  day.close();
});

t.test('pictures that were replaced after the list was made come back as they lie there', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const { made, ring } = await house(folder);
  const { vault, world, disk } = made;
  const id = await ring(1, 1);
  const courier = await arrived(made);
  const sent = async (): Promise<string[]> => (await vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'put').map(({ class: klass }) => klass);
  const before = await sent();
  await vault.putAlarmPictures(id, { full: jpeg(3, 30_000), thumb: jpeg(3, 4_000) });
  await settle(made);
  t.same((await sent()).slice(0, -before.length), ['picture'], 'the list is not renewed yet');
  await courier[Symbol.asyncDispose]();
  const { sealed } = await vault.alarmPicture(id, 'thumb');
  await putSlots({ data: world.folder, vault, store: disk, destinations: ['disk'] });
  await close(made);
  rmSync(world.folder, { recursive: true });
  const kit = join(folder, 'kit.txt');
  writeFileSync(kit, `${world.owner.reveal()}\n`);
  const again = join(folder, 'again');
  const { status, stderr } = await sallyport(['restore', '--from', disk, '--identity', kit, '--data', again]);
  t.equal(status, 0, stderr);
  const back = await openVault({ ...world, folder: again });
  t.same((await back.alarmPicture(id, 'thumb')).sealed, sealed);
  await back.close();
});
