import fc from 'fast-check';
import t from 'tap';
import { nextReading, pipeBytes, readEveryMsMax, readEveryMsMin, type Reading } from '../../src/policy/reading.ts';

const cases: [name: string, before: Reading, bytes: number, after: Reading][] = [
  ['a usual camera keeps its pace', { everyMs: 250, calm: 0 }, 130_000, { everyMs: 250, calm: 0 }],
  ['a full pipe is read twice as often', { everyMs: 250, calm: 0 }, pipeBytes, { everyMs: 125, calm: 0 }],
  ['a pipe that was more than full too', { everyMs: 125, calm: 20 }, 900_000, { everyMs: 62.5, calm: 0 }],
  ['but never more often than that', { everyMs: readEveryMsMin, calm: 0 }, 900_000, { everyMs: readEveryMsMin, calm: 0 }],
  ['one calm reading changes nothing', { everyMs: 125, calm: 0 }, 20_000, { everyMs: 125, calm: 1 }],
  ['many of them halve the readings', { everyMs: 125, calm: 31 }, 20_000, { everyMs: 250, calm: 0 }],
  ['a key frame among them begins the count anew', { everyMs: 125, calm: 31 }, 150_000, { everyMs: 125, calm: 0 }],
  ['the longest time is the longest', { everyMs: 250, calm: 31 }, 100, { everyMs: 250, calm: 0 }],
];

for (const [name, before, bytes, after] of cases) {
  t.test(name, async (t) => {
    t.same(nextReading(before, bytes, readEveryMsMax), after);
  });
}

t.test('whatever comes, the time between readings stays within its bounds', async () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 24 }), { maxLength: 500 }), fc.integer({ min: 1, max: readEveryMsMax }), (batches, mostMs) => {
    let reading: Reading = { everyMs: mostMs, calm: 0 };
    return batches.every((bytes) => {
      reading = nextReading(reading, bytes, mostMs);
      return reading.everyMs <= mostMs && reading.everyMs >= Math.min(readEveryMsMin, mostMs);
    });
  }));
});

t.test('a stream of any rate comes to a pace at which the pipe is not full, if there is one', async () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 6000 }), (bytesPerMs) => {
    let reading: Reading = { everyMs: readEveryMsMax, calm: 0 };
    for (let count = 0; count < 10; count++) reading = nextReading(reading, bytesPerMs * reading.everyMs, readEveryMsMax);
    return bytesPerMs * reading.everyMs < pipeBytes || reading.everyMs === readEveryMsMin;
  }));
});
