import t from 'tap';
import type { PageAlarm } from '../../src/api/pagecontract.ts';
import { queryOf, shownOf, together, type Filter } from '../../src/web/alarmlist.ts';
import { dayMs } from '../../src/web/format.ts';

const alarm = (id: string, fromMs: number, more: Partial<PageAlarm> = {}): PageAlarm => ({ id, camera: 'front', rule: 'r', kind: 'person', fromMs, scorePm: 0, pictures: [], picturesWhy: '', segments: 0, footageWhy: '', seen: false, falseAlarm: false, deadlineMs: 1, slot: 1, generation: 1, ...more });
const reader = { language: 'en-GB', timeZone: 'Europe/Berlin' };
const any: Filter = { camera: '', kind: '', span: 'all', dayStartMs: 0, fresh: false, who: '' };
const now = Date.UTC(2026, 10, 27, 12, 0, 30);

t.test('filters are asked as the hub takes them', async (t) => {
  t.same(queryOf(any, now, reader), { limit: 40 });
  t.same(queryOf({ ...any, camera: 'front', kind: 'person', span: 'day' }, now, reader), { camera: 'front', kind: 'person', fromMs: now - 30_000 - dayMs, limit: 40 });
  const start = Date.UTC(2026, 9, 24, 22);
  t.same(queryOf({ ...any, span: 'date', dayStartMs: start }, now, reader), { fromMs: start, toMs: start + (25 * 3_600_000), limit: 40 }, 'a day of 25 hours');
  t.same(queryOf(any, now, reader, alarm('b', 7)), { beforeMs: 7, beforeId: 'b', limit: 40 });
});

t.test('pages are one list, the newest first, each alarm once and as it is now', async (t) => {
  const list = together([[alarm('c', 3), alarm('b', 2)], [alarm('b', 2), alarm('a', 2)]], new Map([['b', alarm('b', 2, { seen: true })]]));
  t.same(list.map(({ id, seen }) => [id, seen]), [['c', false], ['b', true], ['a', false]]);
});

t.test('who is not seen yet, and who is in it, is told apart here; what is looked at stays', async (t) => {
  const anna = { id: 'anna', name: 'Anna', mark: '' };
  const all = [alarm('a', 4), alarm('b', 3, { seen: true }), alarm('c', 2), alarm('d', 1, { seen: true })];
  const words = new Map([['a', { zones: [] }], ['b', { zones: ['door'], who: anna }], ['c', { zones: [], who: anna }], ['d', { zones: [], who: { ...anna, id: 'other' } }]]);
  const ids = (filter: Partial<Filter>, openId?: string): string[] => shownOf(all, { ...any, ...filter }, words, openId).map(({ id }) => id);
  t.same(ids({}), ['a', 'b', 'c', 'd']);
  t.same(ids({ fresh: true }), ['a', 'c']);
  t.same(ids({ fresh: true }, 'b'), ['a', 'b', 'c']);
  t.same(ids({ who: 'anna' }), ['b', 'c']);
  t.same(ids({ who: 'anna', fresh: true }), ['c']);
  t.same(ids({ who: 'nobody' }), []);
});
