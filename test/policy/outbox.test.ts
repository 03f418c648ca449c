import t from 'tap';
import { isExpired, noRoomFor, type OrderKind } from '../../src/policy/outbox.ts';
import { faultsMax, inHours, mayUpload, minuteOfDay, nextTry, retryAfter } from '../../src/policy/sending.ts';

const bounds = { bytesMax: 1000, ordersMax: 80 };

t.test('footage waits first, the rest has room of its own', async (t) => {
  const cases: readonly (readonly [what: string, kind: OrderKind, bytes: number, held: { bytes: number; orders: number }, fits: boolean])[] = [
    ['an empty outbox', 'put', 1000, { bytes: 0, orders: 0 }, true],
    ['one byte too many', 'put', 1001, { bytes: 0, orders: 0 }, false],
    ['what waits counts', 'put', 500, { bytes: 501, orders: 1 }, false],
    ['a notice in a full outbox', 'notice', 4096, { bytes: 1000, orders: 3 }, true],
    ['footage as the 71st order', 'put', 1, { bytes: 0, orders: 70 }, false],
    ['an erasure as the 80th', 'delete', 4096, { bytes: 0, orders: 79 }, true],
    ['an erasure as the 81st', 'delete', 4096, { bytes: 0, orders: 80 }, false],
  ];
  for (const [what, kind, bytes, held, fits] of cases) t.equal(noRoomFor(kind, bytes, held, bounds) === undefined, fits, what);
});

t.test('each kind has its age', async (t) => {
  const hour = 3_600_000;
  for (const [kind, age, expired] of [
    ['notice', 12 * hour, false], ['notice', 12 * hour + 1, true], ['state', 2 * 60_000 + 1, true], ['heard', hour, false], ['put', 7 * 24 * hour, false], ['put', 7 * 24 * hour + 1, true], ['get', 2 * 60_000 + 1, true], ['delete', 29 * 24 * hour, false], ['withdraw', 1e15, false],
  ] as const) t.equal(isExpired(kind, 0, age), expired, `${kind} ${age}`);
});

t.test('hours go over midnight', async (t) => {
  const night = [{ from: 22 * 60, until: 6 * 60 }];
  for (const [minute, inside] of [[21 * 60 + 59, false], [22 * 60, true], [0, true], [5 * 60 + 59, true], [6 * 60, false]] as const) t.equal(inHours(night, minute), inside, String(minute));
  t.equal(inHours([{ from: 60, until: 120 }], 119), true);
  t.equal(inHours([{ from: 60, until: 120 }], 120), false);
  t.equal(mayUpload([], 700), true, 'without hours always');
  t.equal(mayUpload(night, 700), false);
  t.same(['00:00', '22:30', '24:00', '24:01', '7:00', '12:60', 'noon'].map(minuteOfDay), [0, 1350, 1440, undefined, undefined, undefined, undefined]);
});

t.test('what may go through later is tried later, what is refused is not', async (t) => {
  const middle = (): number => 0.5;
  t.same(nextTry('refuse', 1, 0, undefined, middle), 'give up');
  t.same(nextTry('fault', 1, faultsMax, undefined, middle), 'give up');
  t.same(nextTry('fault', 1, faultsMax - 1, undefined, middle), { afterMs: 750 });
  t.same(nextTry('retry', 1, 0, undefined, middle), { afterMs: 750 });
  t.same(nextTry('retry', 50, 0, undefined, () => 1), { afterMs: 600_000 }, 'at most ten minutes');
  t.same(nextTry('retry', 1, 0, 30_000, middle), { afterMs: 30_500 }, 'not before the far end wants it, and not all at once');
  t.same(nextTry('retry', 1, 0, 1e12, () => 0), { afterMs: 3_600_000 }, 'but within the hour');
});

t.test('Retry-After is seconds or a date, and nothing else', async (t) => {
  const now = Date.UTC(2026, 10, 24, 3);
  for (const [header, ms] of [
    ['120', 120_000], ['0', 0], ['Tue, 24 Nov 2026 03:01:00 GMT', 60_000], ['Tue, 24 Nov 2026 02:00:00 GMT', 0], [undefined, undefined], ['soon', undefined], ['-5', undefined], ['1e3', undefined], ['99999999999', undefined], ['2026-11-24', undefined],
  ] as const) t.equal(retryAfter(header, now), ms, String(header));
});
