import fc from 'fast-check';
import t from 'tap';
import { assumedBytesPerHour, bytesPerHourOf, describeRoom, roomFor, type CameraRoom, type RoomFacts } from '../../src/policy/room.ts';
import { day, hour } from './configs.ts';

const GB = 1e9;

function camera(name: string, more: Partial<CameraRoom> = {}): CameraRoom {
  return { camera: name, bytesPerHour: GB, keepMs: 3 * day, usedBytes: 0, ...more };
}

/** 1 TB, of which 20 GB stay free. */
function facts(cameras: readonly CameraRoom[], more: Partial<RoomFacts> = {}): RoomFacts {
  return { cameras, otherBytes: 0, periodMs: hour, freeBytes: 1000 * GB, totalBytes: 1000 * GB, ...more };
}

t.test('what is kept times what comes in, and one period more, for a period goes as a whole', async (t) => {
  const fit = roomFor(facts([camera('front')]));
  t.match(fit, { needBytes: 73 * GB, roomBytes: 980 * GB, limit: 'disk', fits: true, warnings: [] });
  t.same(describeRoom(fit), ['front: 1.0 GB an hour x 3 days = 73 GB']);
});

t.test('what lies there already is room, too', async (t) => {
  t.equal(roomFor(facts([camera('front', { usedBytes: 50 * GB })], { freeBytes: 30 * GB, otherBytes: 5 * GB })).roomBytes, 65 * GB);
});

t.test('where it does not fit it says how much does, before it happens', async (t) => {
  const fit = roomFor(facts([camera('front', { keepMs: 14 * day, bytesPerHour: 3.6 * GB })], { freeBytes: 420 * GB }));
  t.equal(fit.fits, false);
  t.same(fit.warnings, ['keeping 14 days needs 1.2 TB; 400 GB are there with 20 GB staying free: about 4 days 14 h fit, then the oldest goes early']);
});

t.test('an assumption is named as one', async (t) => {
  const fit = roomFor(facts([camera('front', { bytesPerHour: undefined, keepMs: 60 * day })]));
  t.equal(fit.cameras[0]?.bytesPerHour, assumedBytesPerHour);
  t.match(fit.warnings, [/keeping 60 days needs 2.6 TB, taking 4 Mbit\/s for cameras of which nothing is recorded yet; 980 GB are there/]);
  t.match(describeRoom(fit), [/1\.8 GB an hour \(assumed: 4 Mbit\/s\)/]);
});

t.test('a camera\'s budget limits that camera', async (t) => {
  const fit = roomFor(facts([camera('front', { budgetBytes: 25 * GB }), camera('garden')]));
  t.same(fit.warnings, ['front: 3 days need 73 GB, its budget is 25 GB: about 1 day fit, then its oldest goes early']);
  t.same(fit.cameras.map(({ fitsMs }) => fitsMs), [day, 3 * day]);
  t.equal(fit.needBytes, 98 * GB, 'and takes no more than that');
});

t.test('the budget of all may be the limit', async (t) => {
  const fit = roomFor(facts([camera('front'), camera('garden', { keepMs: day })], { budgetBytes: 74 * GB }));
  t.match(fit, { limit: 'budget', roomBytes: 74 * GB });
  t.same(fit.warnings, ['keeping what is set needs 98 GB; 74 GB are there by the budget: about 2 days fit, then the oldest goes early']);
  t.same(fit.cameras.map(({ fitsMs }) => fitsMs), [2 * day, day]);
});

t.test('a rate needs a minute of footage', async (t) => {
  t.equal(bytesPerHourOf(30e6, 59_000), undefined);
  t.equal(bytesPerHourOf(30e6, 60_000), 1.8 * GB);
});

const cameras = fc.array(fc.record({ rate: fc.integer({ min: 1e6, max: 8 * GB }), keepDays: fc.integer({ min: 1, max: 400 }), usedBytes: fc.nat(100 * GB) })
  .map(({ rate, keepDays, usedBytes }) => camera('c', { bytesPerHour: rate, keepMs: keepDays * day, usedBytes })), { minLength: 1, maxLength: 16 });

t.test('what it says fits, fits, and an hour more would not', async () => {
  fc.assert(fc.property(cameras, fc.nat(1000 * GB), (all, freeBytes) => {
    const fit = roomFor(facts(all, { freeBytes }));
    const takes = (moreMs: number): number => fit.cameras.reduce((sum, one) => sum + (one.bytesPerHour * (Math.min(one.keepMs, one.fitsMs + moreMs) + hour)) / hour, 0);
    const nothingFits = fit.cameras.every((one) => one.fitsMs === 0);
    return (nothingFits || takes(0) <= fit.roomBytes + 1e3) && (fit.fits || takes(hour) > fit.roomBytes);
  }));
});
