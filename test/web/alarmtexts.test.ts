/** Words of alarms: opened once, a few at a time, read again while they may change, and kept no longer than they may be seen. */
import t from 'tap';
import type { PageAlarm } from '../../src/api/pagecontract.ts';
import { AlarmTexts } from '../../src/web/alarmtexts.ts';

type Of = Pick<PageAlarm, 'id' | 'camera' | 'slot' | 'generation' | 'toMs' | 'pictures'>;
const lasting = (id: string): Of => ({ id, camera: 'front', slot: 1, generation: 1, pictures: ['full', 'text'] });
const alarmOf = (id: string, more: Partial<Of> = {}): Of => ({ ...lasting(id), toMs: 1000, ...more });
const never = new AbortController().signal;
const late = 1_000_000;

t.test('each is opened once, in the order of the list, and no more than a few at a time', async (t) => {
  const asked: string[] = [];
  let [going, most] = [0, 0];
  const texts = new AlarmTexts(async ({ id }) => {
    asked.push(id);
    most = Math.max(most, ++going);
    await new Promise((next) => { setImmediate(next); });
    going--;
    return { zones: [id] };
  });
  const alarms = Array.from({ length: 9 }, (_, n) => alarmOf(`a${n}`));
  let told = 0;
  await texts.open(alarms, late, never, () => { told++; });
  t.same(asked, alarms.map(({ id }) => id));
  t.equal(most, 3);
  t.equal(told, 9);
  await texts.open([...alarms, alarmOf('new')], late, never, () => {});
  t.same(asked.slice(9), ['new'], 'only what is new');
  t.same(texts.texts.get('a4'), { zones: ['a4'] });
});

t.test('while an alarm lasts, and a minute longer, its words are read again', async (t) => {
  let turn = 0;
  const texts = new AlarmTexts(async () => ({ zones: [String(++turn)] }));
  const rounds: readonly (readonly [Of, nowMs: number])[] = [[lasting('a'), 500], [alarmOf('a'), 30_000], [alarmOf('a'), 62_000], [alarmOf('a'), 90_000]];
  const read: string[] = [];
  for (const [alarm, nowMs] of rounds) {
    await texts.open([alarm], nowMs, never, () => {});
    read.push(...texts.texts.get('a')?.zones ?? []);
  }
  t.same(read, ['1', '2', '3', '3']);
});

t.test('what has no words is not asked for; what does not open is tried with the next answer; what is locked is forgotten', async (t) => {
  const asked: string[] = [];
  const texts = new AlarmTexts(async ({ id }) => {
    asked.push(id);
    if (asked.length === 1) throw new Error('away');
    return { zones: [] };
  });
  const alarms = [alarmOf('bare', { pictures: [] }), alarmOf('a')];
  for (let round = 0; round < 3; round++) await texts.open(alarms, late, never, () => {});
  t.same(asked, ['a', 'a']);
  texts.clear();
  t.equal(texts.texts.size, 0);
  t.same(texts.lacking(alarms).map(({ id }) => id), ['a']);
});

t.test('nobody waits for them any more: nothing more is fetched, and what comes is not kept', async (t) => {
  const stop = new AbortController();
  const asked: string[] = [];
  const texts = new AlarmTexts(async ({ id }) => {
    asked.push(id);
    stop.abort();
    return { zones: [] };
  });
  await texts.open(Array.from({ length: 20 }, (_, n) => alarmOf(`a${n}`)), late, stop.signal, () => {});
  t.ok(asked.length <= 3);
  t.equal(texts.texts.size, 0);
});
