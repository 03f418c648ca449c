/** Times in the hub's sentences, as a visitor of another zone reads them. */
import t from 'tap';
import { isoTime, withTimes } from '../../src/policy/times.ts';
import { hubWords, readBy } from '../../src/web/hubwords.ts';

t.test('a time in a sentence of the hub is written by the visitor\'s clock, and what is no time stays', async (t) => {
  readBy({ language: 'en-GB', timeZone: 'Pacific/Auckland' });
  const sentence = `nothing is recorded of gate from ${isoTime(Date.UTC(2026, 10, 24, 11, 0, 0))} to ${isoTime(Date.UTC(2026, 10, 24, 11, 30, 5, 250))}`;
  t.match(sentence, /2026-11-24T11:00:00Z to 2026-11-24T11:30:05Z$/, 'the hub knows no zone');
  t.equal(hubWords(sentence), 'Nothing is recorded of gate from 25 Nov 2026, 00:00 to 25 Nov 2026, 00:30:05');
  readBy({ language: 'en-GB', timeZone: 'America/New_York' });
  t.equal(hubWords(sentence, { inside: true }), 'nothing is recorded of gate from 24 Nov 2026, 06:00 to 24 Nov 2026, 06:30:05');
  for (const other of ['2026-11-24', '20261124T110000Z-7.mp4.age', '2026-99-99T99:99:99Z', 'x2026-11-24T11:00:00Z', '2026-11-24T11:00:00Z-7', '2026-11-24T11:00:00']) t.equal(hubWords(other, { inside: true }), other);
  t.equal(withTimes('at 2026-11-24T11:00:00.123Z', String), `at ${Date.UTC(2026, 10, 24, 11, 0, 0, 123)}`);
});
