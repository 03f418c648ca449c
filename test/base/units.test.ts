import t from 'tap';
import { formatAge, formatBytes, formatDuration, parseBytes, parseDuration, parseUtcStamp, utcStamp } from '../../src/base/units.ts';

t.test('durations are read as people write them', async (t) => {
  for (const [text, ms] of [['3 days', 259_200_000], ['1 day', 86_400_000], ['90 s', 90_000], ['15 seconds', 15_000], ['1 hour', 3_600_000], ['10 min', 600_000], ['2 years', 63_072_000_000], ['500 ms', 500]] as const) {
    t.equal(parseDuration(text), ms, text);
  }
  for (const text of ['', '3', 'days', '-3 days', '3 parsecs', '1.5 h', '3  fortnights', '99999999999 s', 'constructor', '3 constructor']) t.equal(parseDuration(text), undefined, `refused: ${text}`);
});

t.test('durations and ages are written back', async (t) => {
  t.equal(formatDuration(259_200_000), '3 days');
  t.equal(formatDuration(15_000), '15 seconds');
  t.equal(formatDuration(90_000), '90 seconds');
  t.equal(formatDuration(1_500), '1.5 s');
  t.equal(formatAge(93_784_000), '1 day 2 h');
  t.equal(formatAge(65_000), '1 min 5 s');
  t.equal(formatAge(0), '0 s');
});

t.test('sizes', async (t) => {
  t.equal(parseBytes('20 GB'), 20e9);
  t.equal(parseBytes('512 MiB'), 512 * 2 ** 20);
  t.equal(parseBytes('lots'), undefined);
  t.equal(formatBytes(4_100_000), '4.1 MB');
  t.equal(formatBytes(999), '999 B');
});

t.test('stamps go both ways and refuse dates that do not exist', async (t) => {
  const ms = Date.UTC(2026, 10, 24, 5, 6, 7);
  t.equal(utcStamp(ms), '20261124T050607Z');
  t.equal(parseUtcStamp('20261124T050607Z'), ms);
  t.equal(parseUtcStamp('20260230T000000Z'), undefined);
  t.equal(parseUtcStamp('20261124T050607'), undefined);
});
