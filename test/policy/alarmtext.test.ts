import t from 'tap';
import fc from 'fast-check';
import { canonicalJson } from '../../src/base/canonical.ts';
import { alarmTextOf, readAlarmText, type AlarmText } from '../../src/policy/alarmtext.ts';

const person = '0123456789abcdef0123456789abcdef';
const padded = (text: AlarmText): Uint8Array => Buffer.from(canonicalJson(alarmTextOf(text)).padEnd(1024, ' '));

t.test('what an alarm says is read as it was written', async (t) => {
  for (const text of [{ zones: [] }, { zones: ['door', 'garden path'] }, { zones: ['door'], person }, { zones: ['door'], unsure: true }] satisfies AlarmText[]) t.same(readAlarmText(padded(text)), text);
  t.equal(canonicalJson(alarmTextOf({ zones: ['door'], person })), `{"person":"${person}","v":1,"zones":["door"]}`);
  t.equal(canonicalJson(alarmTextOf({ zones: ['door'], unsure: true })), '{"unsure":true,"v":1,"zones":["door"]}');
  t.same(readAlarmText(padded({ zones: [], person, unsure: true })), { zones: [], person }, 'who is certain is no doubt');
  t.same(readAlarmText(padded({ zones: [], unsure: false })), { zones: [] });
});

t.test('it always has room, however many zones there are and however they are called', async () => {
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 40, unit: 'grapheme' }), { maxLength: 70 }), fc.boolean(), (zones, known) => {
    const text = canonicalJson(alarmTextOf({ zones, ...(known ? { person } : { unsure: true }) }));
    const read = readAlarmText(Buffer.from(text));
    return Buffer.byteLength(text) <= 1024 && read.person === (known ? person : undefined) && read.unsure === (known ? undefined : true) && read.zones.every((zone, at) => zone === zones[at]);
  }));
});

const nothing: readonly (readonly [name: string, text: string])[] = [
  ['of before there were words', '{}'], ['none', ''], ['no JSON', 'door'], ['of another version', '{"v":2,"zones":["door"],"person":"x"}'], ['a list', '["door"]'], ['nothing at all', 'null'],
];
for (const [name, text] of nothing) t.test(`a text says nothing: ${name}`, async (t) => t.same(readAlarmText(Buffer.from(text.padEnd(64))), { zones: [] }));

t.test('what does not belong there is left out', async (t) => {
  t.same(readAlarmText(Buffer.from(JSON.stringify({ v: 1, zones: ['door', 7, null, 'x'.repeat(81)], person: 'ANNA', unsure: 'Anna', more: true }))), { zones: ['door'] });
  t.same(readAlarmText(Buffer.from(JSON.stringify({ v: 1, zones: 'door', person }))), { zones: [], person });
});
