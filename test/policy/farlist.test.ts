import t from 'tap';
import { farListJson, readFarList, type FarList } from '../../src/policy/farlist.ts';

const hash = 'ab'.repeat(32);
const segment: FarList['segments'][number] = {
  stream: 'main', seq: 1, boot: 'boot-1', mono_ms: 5000, start_ms: 1_795_496_400_000, duration_ms: 60_000, size: 1_000_000, header_sha256: hash, body_sha256: hash, header_bytes: 184,
  state: 'complete', chunks: 0, path: 'front/20261124/05/20261124T050000Z-1.mp4.age', key_frames: [[0, 812], [2000, 90_000]], reason: 'continuous', thumb: [900_000, 4000], object: '01'.repeat(16),
};
const list: FarList = {
  v: 1, camera: 'front', class: 'footage', start_ms: 1_795_496_400_000, end_ms: 1_795_500_000_000, deadline_ms: 1_795_600_000_000, slot: 2, generation: 1, segments: [segment],
  gaps: [{ stream: 'main', from_ms: 1_795_496_460_000, to_ms: 1_795_496_470_000, reason: 'offline', detail: 'no answer' }],
};
const alarms: FarList = {
  ...list, class: 'alarm', order: 'cafe0123', maker: 'hub', label: '', segments: [{ ...segment, hold_sha256: hash, hold_object: '02'.repeat(16) }],
  alarms: [{ id: '00000001cafe0123', rule: 'door', kind: 'person', from_ms: 1_795_496_405_000, score_pm: 912, footage: ['main 1'], sha256: hash, object: '03'.repeat(16) }, { id: '00000002cafe0123', rule: 'door', kind: 'motion', from_ms: 1_795_496_405_000, to_ms: 1_795_496_406_000, score_pm: 0, footage: [] }],
};
const withAlarm = (change: object): unknown => ({ ...alarms, alarms: [{ ...alarms.alarms?.[0], ...change }] });
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}   `);
const withSegment = (change: object): unknown => ({ ...list, segments: [{ ...segment, ...change }] });

t.test('what was written is read, blanks behind it and keys of later versions or not', async (t) => {
  t.same(readFarList(new TextEncoder().encode(`${farListJson(list)}    `), 'it'), list);
  t.same(readFarList(encode({ ...list, later: 1, segments: [{ ...segment, later: { a: 1 } }] }), 'it'), list);
  const held: FarList = { ...list, class: 'hold', order: 'cafe0123', maker: 'hub', label: 'the fence', segments: [{ ...segment, hold_sha256: hash, hold_object: '02'.repeat(16) }] };
  t.same(readFarList(encode(held), 'it'), held);
  t.same(readFarList(new TextEncoder().encode(farListJson(alarms)), 'it'), alarms);
});

t.test('a list of a stranger\'s making is refused whole', async (t) => {
  const refusals: readonly [string, unknown][] = [
    ['not an object', 7], ['no version', { ...list, v: 2 }], ['no camera id', { ...list, camera: '../x' }], ['a class of another kind', { ...list, class: 'database' }],
    ['ends before it begins', { ...list, end_ms: 1 }], ['a fraction', { ...list, slot: 1.5 }], ['a slot beyond all keyrings', { ...list, slot: 2 ** 23 }], ['no segments', { ...list, segments: undefined }],
    ['a path that leads out', withSegment({ path: '../../etc/cron.d/20261124T050000Z-1.mp4.age' })], ['a path of another camera', withSegment({ path: 'back/20261124/05/20261124T050000Z-1.mp4.age' })],
    ['a path of another segment', withSegment({ path: 'front/20261124/05/20261124T050000Z-2.mp4.age' })], ['a path of another stream', withSegment({ path: 'front/20261124/05/20261124T050000Z-1.sub.mp4.age' })],
    ['a path with more behind it', withSegment({ path: 'front/20261124/05/20261124T050000Z-1.mp4.age/x' })], ['a part', withSegment({ path: 'front/20261124/05/20261124T050000Z-1.mp4.age.part' })],
    ['an object that has a name', withSegment({ object: 'front-1' })], ['a hash that is none', withSegment({ body_sha256: 'ab' })], ['key frames that go back', withSegment({ key_frames: [[0, 812], [2000, 12]] })],
    ['cut without chunks', withSegment({ state: 'cut' })], ['whole with chunks', withSegment({ chunks: 3 })], ['footage that is held', withSegment({ hold_sha256: hash })], ['a hold that is none', { ...list, class: 'hold' }],
    ['alarms of an hour', { ...list, alarms: alarms.alarms }], ['an alarm whose id is none', withAlarm({ id: '../../x' })], ['footage that is none', withAlarm({ footage: ['../main 1'] })], ['a picture that has a name', withAlarm({ object: 'full.jpg' })], ['a rule with control characters', withAlarm({ rule: 'a\u0007' })],
    ['a gap with control characters', { ...list, gaps: [{ ...list.gaps[0], detail: 'a\u0007b' }] }],
  ];
  for (const [what, value] of refusals) t.throws(() => readFarList(encode(value), 'it'), { code: 'SP_FAR_LIST' }, what);
  t.throws(() => readFarList(Uint8Array.of(0xff, 0xfe), 'it'), { code: 'SP_FAR_LIST' }, 'no text');
});
