import t from 'tap';
import { sealedLateMs, sealingComplaint, type SealingFacts } from '../../src/policy/sealing.ts';

const second = 1000;
const main: SealingFacts = { stream: 'main', wanted: true, ageMs: 0, state: 'recording' };
const offline = { ageMs: 121 * second, state: 'offline since 22:14' };

const cases: [name: string, streams: SealingFacts[], complaint: string | undefined][] = [
  ['all is sealed', [main], undefined],
  ['a segment as long as one may be', [{ ...main, ageMs: 120 * second }], undefined],
  ['nothing for longer', [{ ...main, ...offline }], 'offline since 22:14'],
  ['what nobody wants recorded', [{ ...main, ...offline, wanted: false }], undefined],
  ['the sub stream alone', [main, { ...main, ...offline, stream: 'sub' }], 'sub stream: offline since 22:14'],
  ['both', [{ ...main, ...offline }, { ...main, ...offline, stream: 'sub' }], 'offline since 22:14; sub stream: offline since 22:14'],
  ['no stream', [], undefined],
];

for (const [name, streams, complaint] of cases) t.test(name, async (t) => void t.equal(sealingComplaint(streams, 60 * second), complaint));

t.test('the limit follows how segments are cut, and never comes before a segment that is cut by limit', async (t) => {
  t.same([2, 60, 90].map((seconds) => sealedLateMs(seconds * second) / second), [120, 120, 120]);
});
