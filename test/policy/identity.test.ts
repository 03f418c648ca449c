import t from 'tap';
import { isSameDevice, judgeMove, plainEndpoint, saysItIs, type KnownCamera, type MoveFacts } from '../../src/policy/identity.ts';

const known = { endpoints: ['urn:uuid:A1'], hardware: ['44:19:b6:00:00:01', '44:19:b6:00:00:02'] };
const [own, radio, other] = ['44:19:b6:00:00:01', '44:19:b6:00:00:02', '66:66:66:66:66:66'];

t.test('a camera is followed by what cannot be copied by a datagram, and by nothing else', async (t) => {
  const usual = { known, endpointShared: false, pinned: false };
  const cases: readonly (readonly [what: string, facts: MoveFacts, verdict: string])[] = [
    ['its uuid and its hardware address', { ...usual, seen: { endpoint: 'uuid:a1', hardware: own } }, 'the same: its hardware address'],
    ['by its other interface', { ...usual, seen: { endpoint: 'urn:uuid:A1', hardware: radio } }, 'the same: its hardware address'],
    ['without saying its name', { ...usual, seen: { endpoint: undefined, hardware: own } }, 'the same: its hardware address'],
    ['its name was never known', { ...usual, known: { ...known, endpoints: [] }, seen: { endpoint: 'urn:uuid:x', hardware: own } }, 'the same: its hardware address'],
    ['an impostor with its uuid', { ...usual, seen: { endpoint: 'urn:uuid:a1', hardware: other } }, `perhaps: its hardware address is ${other}, and not ${own} or ${radio}`],
    ['behind a router', { ...usual, seen: { endpoint: 'urn:uuid:a1', hardware: undefined } }, 'perhaps: its hardware address cannot be seen from here'],
    ['a camera that never told its hardware address', { ...usual, known: { ...known, hardware: [] }, seen: { endpoint: 'urn:uuid:a1', hardware: other } }, 'perhaps: its hardware address was not known when it was adopted'],
    ['another uuid behind the same interface', { ...usual, seen: { endpoint: 'urn:uuid:b2', hardware: own } }, 'another'],
    ['somebody else', { ...usual, seen: { endpoint: 'urn:uuid:b2', hardware: other } }, 'another'],
    ['nobody', { ...usual, seen: { endpoint: undefined, hardware: undefined } }, 'another'],
    ['a make of which all say the same: another one', { ...usual, endpointShared: true, seen: { endpoint: 'urn:uuid:a1', hardware: other } }, 'another'],
    ['a make of which all say the same: this one', { ...usual, endpointShared: true, seen: { endpoint: 'urn:uuid:a1', hardware: own } }, 'the same: its hardware address'],
    ['a certificate is remembered', { ...usual, pinned: true, seen: { endpoint: 'urn:uuid:a1', hardware: other } }, 'the same: its certificate'],
    ['a certificate is remembered, and all say the same', { ...usual, pinned: true, endpointShared: true, seen: { endpoint: 'urn:uuid:a1', hardware: other } }, 'another'],
  ];
  for (const [what, facts, expected] of cases) {
    const verdict = judgeMove(facts);
    t.equal(verdict.kind === 'another' ? 'another' : `${verdict.kind}: ${verdict.kind === 'the same' ? verdict.by : verdict.why}`, expected, what);
  }
});

t.test('one uuid is written in three ways', async (t) => {
  t.same(['urn:uuid:AB-1', ' uuid:ab-1', 'ab-1'].map(plainEndpoint), ['ab-1', 'ab-1', 'ab-1']);
});

t.test('one device is known again by its serial number, and two that share it stay two where they differ otherwise', async (t) => {
  const device = { manufacturer: 'M', model: 'X', serial: '123' };
  const one: KnownCamera = { device, identity: known };
  const cases: readonly (readonly [what: string, other: KnownCamera, same: boolean])[] = [
    ['all the same', one, true],
    ['by its other interface', { device, identity: { endpoints: ['uuid:a1'], hardware: [radio] } }, true],
    ['it tells nothing but its serial number', { device }, true],
    ['another serial number', { device: { ...device, serial: '124' }, identity: known }, false],
    ['another model', { device: { ...device, model: 'Y' }, identity: known }, false],
    ['a make whose cameras share a number', { device, identity: { endpoints: [], hardware: [other] } }, false],
    ['another channel of a recorder', { device, identity: { endpoints: ['uuid:b2'], hardware: known.hardware } }, false],
  ];
  for (const [what, another, same] of cases) {
    t.equal(isSameDevice(one, another), same, what);
    t.equal(isSameDevice(another, one), same, what);
  }
  t.notOk(isSameDevice({ device: { ...device, serial: '' } }, { device: { ...device, serial: '' } }), 'no number is no identity');
});

t.test('who says that it is a camera, and who is known to be another by its own word', async (t) => {
  t.ok(saysItIs(known, { endpoint: 'a1', hardware: undefined }));
  t.ok(saysItIs(known, { endpoint: 'a1', hardware: own }));
  t.notOk(saysItIs(known, { endpoint: 'a1', hardware: other }));
  t.notOk(saysItIs(known, { endpoint: 'b2', hardware: own }));
  t.notOk(saysItIs(known, { endpoint: undefined, hardware: own }));
});
