import fc from 'fast-check';
import t from 'tap';
import { fitOf } from '../../src/web/disk.ts';

const dayMs = 86_400_000;
const camera = { bytesPerHour: 1e9, assumed: false };

t.test('how long fits: what comes in an hour, times how long, against the room', async (t) => {
  t.match(fitOf({ cameras: [camera, camera], roomBytes: 200e9, keepMs: 3 * dayMs }), { bytesPerDay: 48e9, needBytes: 146e9, fits: true, reachMs: 3 * dayMs, assumed: false });
  const { fits, reachMs } = fitOf({ cameras: [camera, camera], roomBytes: 50e9, keepMs: 3 * dayMs });
  t.notOk(fits);
  t.equal(reachMs, dayMs, '50 GB hold a day, and the hour that is being recorded');
  t.match(fitOf({ cameras: [], roomBytes: 0, keepMs: dayMs }), { needBytes: 0, fits: true, reachMs: dayMs });
  t.equal(fitOf({ cameras: [camera, { ...camera, assumed: true }], roomBytes: 1, keepMs: dayMs }).assumed, true);
});

t.test('more room never keeps for less long, and never more than was asked', async () => {
  fc.assert(fc.property(fc.nat(1e9), fc.nat(1e12), fc.nat(1e12), fc.integer({ min: 1, max: 60 }), (bytesPerHour, room, more, days) => {
    const of = (roomBytes: number): number => fitOf({ cameras: [{ bytesPerHour, assumed: false }], roomBytes, keepMs: days * dayMs }).reachMs;
    return of(room) <= of(room + more) && of(room + more) <= days * dayMs;
  }));
});
