import t from 'tap';
import { decodeHourList, encodeHourList, type HourList } from '../../src/vault/hourlist.ts';

const start = Date.UTC(2026, 10, 24, 5);
const hex = 'ab'.repeat(32);

const segment = {
  stream: 'main', seq: 7, boot: 'b', mono_ms: 12, start_ms: start + 1000, duration_ms: 60_000, size: 5000, header_sha256: hex, body_sha256: hex, header_bytes: 184,
  state: 'complete', chunks: 0, path: 'front/20261124/05/20261124T050001Z-7.mp4.age', key_frames: [[0, 700], [2000, 9000], [2000, 9100]], reason: 'continuous',
} as const;

const list: HourList = {
  v: 1, camera: 'front', class: 'footage', start_ms: start, end_ms: start + 3_600_000, deadline_ms: start + 7_200_000, slot: 3, generation: 1,
  segments: [segment, { ...segment, seq: 8, state: 'cut', chunks: 4, path: 'front/20261124/05/20261124T050101Z-8.mp4.age' }],
  gaps: [{ stream: 'main', from_ms: start, to_ms: start + 1000, reason: 'camera offline', detail: 'no route' }],
};

function decode(value: unknown): HourList {
  return decodeHourList(Buffer.from(JSON.stringify(value)), 'hour-3.json.age');
}

t.test('a list is canonical JSON and comes back as it was', async (t) => {
  const text = encodeHourList(list);
  t.match(text, /^\{"camera":"front","class":"footage","deadline_ms":\d+,"end_ms"/);
  t.same(decodeHourList(Buffer.from(text), 'x'), list);
  t.equal(encodeHourList(decodeHourList(Buffer.from(text), 'x')), text);
  const away = { ...list, segments: [{ ...segment, destination: 'disk', object: hex.slice(32) }] };
  t.same(decode(away), away);
  t.same(decode({ ...list, later: { unknown: true } }), list, 'what a later version adds is left out');
});

t.test('each wrong field is refused by name', async (t) => {
  const wrong: [string, unknown][] = [
    ['v', { ...list, v: 2 }], ['camera', { ...list, camera: '../x' }], ['class', { ...list, class: 'alarms' }], ['start_ms', { ...list, start_ms: -1 }],
    ['end_ms', { ...list, end_ms: start - 1 }], ['end_ms', { ...list, end_ms: start + 86_400_001 }], ['slot', { ...list, slot: 1.5 }], ['slot', { ...list, slot: '3' }],
    ['generation', { ...list, generation: null }], ['segments', { ...list, segments: {} }], ['gaps', { ...list, gaps: undefined }], ['segments[0].', { ...list, segments: [3] }],
    ...([
      ['stream', 'third'], ['seq', -1], ['boot', 5], ['boot', 'x'.repeat(501)], ['mono_ms', 1e20], ['duration_ms', -5], ['size', 0.5], ['header_sha256', hex.toUpperCase()], ['body_sha256', 'ab'], ['header_bytes', '184'],
      ['state', 'missing'], ['chunks', 1], ['path', '/etc/passwd'], ['path', 'front/20261124/05/../05/20261124T050001Z-7.mp4.age'], ['path', 'other/20261124/05/20261124T050001Z-7.mp4.age'],
      ['path', 'front/20261124/05/20261124T050001Z-7.mp4.age.part'], ['path', 'front/20261124/05/20261124T050001Z-9.mp4.age'], ['path', 'front/20261124/05/20261124T050001Z-7.sub.mp4.age'],
      ['key_frames', [[0]]], ['key_frames', [[0, 1, 2]]], ['key_frames', [[5, 1], [4, 2]]], ['key_frames', [[0, 2], [1, 2]]], ['key_frames', [['0', 1]]], ['key_frames', 'x'], ['reason', undefined],
    ] as const).map(([name, value]): [string, unknown] => [`segments[0].${name}`, { ...list, segments: [{ ...segment, [name]: value }] }]),
    ['segments[0].chunks', { ...list, segments: [{ ...segment, state: 'cut', chunks: 0 }] }],
    ['segments[0].destination', { ...list, segments: [{ ...segment, destination: '../x', object: hex.slice(32) }] }],
    ['segments[0].object', { ...list, segments: [{ ...segment, destination: 'disk' }] }],
    ['segments[0].object', { ...list, segments: [{ ...segment, destination: 'disk', object: hex }] }],
    ['gaps[0].to_ms', { ...list, gaps: [{ ...list.gaps[0], to_ms: start - 1 }] }],
    ['gaps[0].reason', { ...list, gaps: [{ ...list.gaps[0], reason: ['x'] }] }],
  ];
  for (const [field, value] of wrong) {
    try {
      decode(value);
      t.fail(`${field} was taken`);
    } catch (error) {
      t.match(error, { code: 'SP_HOUR_LIST' });
      t.ok((error as Error).message.includes(`hour-3.json.age cannot be used: ${field}`), (error as Error).message);
    }
  }
});

t.test('bytes that are no JSON object are refused', async (t) => {
  for (const bytes of ['', '{', 'null', '[]', '"x"', '7']) t.throws(() => decodeHourList(Buffer.from(bytes), 'f'), { code: 'SP_HOUR_LIST' }, bytes);
  t.throws(() => decodeHourList(Buffer.from([0x22, 0xff, 0x22]), 'f'), { code: 'SP_HOUR_LIST' });
  t.throws(() => decodeHourList(Buffer.from(`${encodeHourList(list).slice(0, -1)},"__proto__":{"slot":1}}`).subarray(0, -1), 'f'), { code: 'SP_HOUR_LIST' });
});

t.test('a list that would not decode is not encoded', async (t) => {
  t.throws(() => encodeHourList({ ...list, segments: [{ ...segment, mono_ms: 12.5 }] }), { code: 'SP_HOUR_LIST' });
});
