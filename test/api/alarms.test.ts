/** Alarms by the page: who is told of which, sealed pictures as they lie there, marks, what a rule would have rung, and the line in the audit. */
import t, { type Test } from 'tap';
import type { PageAlarm, PageReplyOf } from '../../src/api/pagecontract.ts';
import { AlarmList } from '../../src/duties/alarmlist.ts';
import { noticeNumberOf } from '../../src/duties/notify.ts';
import { hourMs, minuteMs } from '../../src/base/units.ts';
import { Identity } from '../../src/seal/identity.ts';
import type { HubConfig } from '../../src/policy/settings.ts';
import { Identity as BrowserIdentity } from '../../src/web/crypto/identity.ts';
import { openWhole } from '../../src/web/crypto/age.ts';
import { openSlot } from '../../src/web/crypto/slot.ts';
import { openDoor, type Door } from './pagekit.ts';

const jpegOf = (word: string): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.from(word), Buffer.from([0xff, 0xd9])]);
const kit = Identity.generate();
const anybody: HubConfig['alarms'][number] = { name: 'Anybody', kinds: ['person'], from: '00:00', to: '00:00', days: [...['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const], keepMs: hourMs, beforeMs: 0, afterMs: 20_000, enabled: true };

interface Made { readonly id: string; readonly camera: string; readonly fromMs: number }

async function door(t: Test): Promise<{ door: Door; add(camera: string, kind: string, agoMs: number, pictures?: boolean): Promise<Made> }> {
  const door = await openDoor(t, ({ vault, clock, config }) => ({
    alarms: new AlarmList({ vault, clock, timekeeper: { verdict: undefined }, config: () => ({ ...config, alarms: [anybody] }) }),
    playback: {
      timeline: async () => ({ periods: [], segments: [], gaps: [], observations: [] }), segment: async () => { throw new Error('none'); }, secondHeader: async () => { throw new Error('none'); },
      slot: async (camera, slot, generation) => vault.slotText(await vault.periodOfSlot({ camera, slot, generation })),
    },
  }));
  const { vault, clock } = door;
  return {
    door,
    add: async (camera, kind, agoMs, pictures = true) => {
      const fromMs = Math.round(clock.wallMs() - agoMs);
      const { id } = await vault.openAlarm({ camera, rule: 'Anybody', kind, atMs: fromMs, keepMs: hourMs, recipients: [kit.recipient], scorePm: 900 });
      if (pictures) await vault.putAlarmPictures(id, { full: jpegOf(`full ${id}`), thumb: jpegOf(`thumb ${id}`) });
      await vault.endAlarm(id, fromMs + 1000);
      return { id, camera, fromMs };
    },
  };
}

const listOf = async (browser: { must<T>(method: string, path: string): Promise<T> }, query = ''): Promise<PageReplyOf<'alarms'>> => browser.must('GET', `alarms${query}`);
const ids = ({ alarms }: PageReplyOf<'alarms'>): string[] => alarms.map(({ id }) => id);

t.test('each is told of the alarms of their own spaces, the newest first, filtered and by pages', async (t) => {
  const { door: { owner, member }, add } = await door(t);
  const [old, garden, vehicle, late] = [await add('front', 'person', 50 * minuteMs), await add('garden', 'person', 40 * minuteMs), await add('front', 'vehicle', 30 * minuteMs), await add('front', 'person', minuteMs)];
  const { browser } = await owner();
  const home = await member(browser, 'member', ['home']);
  t.same(ids(await listOf(browser)), [late, vehicle, garden, old].map(({ id }) => id));
  t.same(ids(await listOf(home.browser)), [late, vehicle, old].map(({ id }) => id));
  t.equal((await home.browser.get('alarms?camera=garden')).code, 'SP_PAGE_RIGHT');
  t.same(ids(await listOf(browser, '?camera=garden')), [garden.id]);
  t.same(ids(await listOf(browser, '?kind=vehicle')), [vehicle.id]);
  t.same(ids(await listOf(browser, `?fromMs=${vehicle.fromMs - 1}&toMs=${late.fromMs - 1}`)), [vehicle.id]);
  const first = await listOf(home.browser, '?limit=2');
  t.match(first, { more: true, alarms: [{ id: late.id, camera: 'front', kind: 'person', rule: 'Anybody', seen: false, falseAlarm: false, pictures: ['full', 'thumb', 'text'] }, { id: vehicle.id }] });
  const last = first.alarms[1] as PageAlarm;
  t.match(await listOf(home.browser, `?limit=2&beforeMs=${last.fromMs}&beforeId=${last.id}`), { more: false, alarms: [{ id: old.id }] });
  const guest = await member(browser, 'guest', ['home']);
  const installer = await member(browser, 'installer', ['home']);
  for (const other of [guest, installer]) t.equal((await other.browser.get('alarms')).code, 'SP_PAGE_RIGHT');
});

t.test('pictures come sealed as they lie there, and open by the slot of their day; the audit says once who looked', async (t) => {
  const { door: { owner, member }, add } = await door(t);
  const alarm = await add('front', 'person', minuteMs);
  const bare = await add('front', 'person', minuteMs, false);
  const { browser } = await owner();
  const home = await member(browser, 'member', ['home']);
  const { slot, generation } = (await listOf(home.browser)).alarms.find(({ id }) => id === alarm.id)!;
  const device = BrowserIdentity.parse(kit.reveal(), 'kit');
  const { identity, ...period } = openSlot((await home.browser.get(`slots/front/${slot}/${generation}`)).bytes, [device], 'the slot');
  t.match(period, { camera: 'front', class: 'alarm' });
  for (const picture of ['full', 'thumb'] as const) {
    const { status, headers, bytes } = await home.browser.get(`alarms/front/${alarm.id}/${picture}`);
    t.match([status, headers['content-type'], headers['cache-control']], [200, 'application/octet-stream', 'no-store']);
    t.notOk(bytes.includes(picture), 'nothing of it is to be read');
    t.equal(Buffer.from(openWhole(bytes, [identity], picture)).toString('latin1'), jpegOf(`${picture} ${alarm.id}`).toString('latin1'));
  }
  t.equal(Buffer.from(openWhole((await home.browser.get(`alarms/front/${alarm.id}/text`)).bytes, [identity], 'text')).toString().trim(), '{}');
  t.match([await home.browser.get(`alarms/front/${alarm.id}/crop`), await home.browser.get(`alarms/front/${bare.id}/thumb`), await home.browser.get(`alarms/front/${'0'.repeat(16)}/thumb`)].map(({ status, code }) => [status, code]), Array.from({ length: 3 }, () => [410, 'SP_ALARM']));
  t.equal((await browser.get(`alarms/garden/${alarm.id}/thumb`)).code, 'SP_ALARM', 'not as another camera\'s');
  t.equal((await home.browser.get(`alarms/front/${alarm.id}/other`)).status, 400);
  t.equal((await home.browser.get(`alarms/garden/${alarm.id}/thumb`)).code, 'SP_PAGE_RIGHT');
  const { lines } = await browser.must<PageReplyOf<'audit'>>('GET', 'audit');
  t.same(lines.filter(({ what }) => what === 'alarm.shown').map(({ who, camera }) => [who, camera]), [['a member of home', 'front']], 'one line of that day, who only tried stands in none');
});

t.test('seen, new again, and a false alarm; not by who may not, and not of another camera', async (t) => {
  const { door: { owner, member }, add } = await door(t);
  const alarm = await add('front', 'person', minuteMs);
  const { browser } = await owner();
  const home = await member(browser, 'member', ['home']);
  const mark = (more: object): Promise<PageAlarm> => home.browser.must('POST', 'alarms', { camera: 'front', alarm: alarm.id, ...more });
  t.match(await mark({ seen: true }), { seen: true, falseAlarm: false });
  t.match(await mark({ falseAlarm: true }), { seen: true, falseAlarm: true });
  t.match(await mark({ seen: false, falseAlarm: false }), { seen: false, falseAlarm: false });
  t.equal((await browser.post('alarms', { camera: 'garden', alarm: alarm.id, seen: true })).code, 'SP_ALARM');
  const garden = await member(browser, 'member', ['garden']);
  t.equal((await garden.browser.post('alarms', { camera: 'front', alarm: alarm.id, seen: true })).code, 'SP_PAGE_RIGHT');
  t.match((await listOf(browser)).alarms, [{ id: alarm.id, seen: false }]);
  const { lines } = await browser.must<PageReplyOf<'audit'>>('GET', 'audit');
  t.match(lines.filter(({ what }) => what.startsWith('alarm.')).map(({ what, who, camera, fromMs }) => [what, who, camera, fromMs]), [
    ['alarm.not-false', 'a member of home', 'front', alarm.fromMs], ['alarm.false', 'a member of home', 'front', alarm.fromMs],
    ['alarm.seen', 'a member of home', 'front', alarm.fromMs],
  ], 'the audit says who said what; who might not stands in no line');
});

t.test('past its deadline an alarm is told to nobody, nor its pictures, also while its purge waits', async (t) => {
  const { door: { owner, clock }, add } = await door(t);
  const alarm = await add('front', 'person', minuteMs);
  const { browser } = await owner();
  const [known] = (await listOf(browser)).alarms;
  clock.aheadMs += known!.deadlineMs - clock.wallMs() + minuteMs;
  // The session is older than a day then.
  t.same((await listOf(browser)).alarms, []);
  t.equal((await browser.get(`alarms/front/${alarm.id}/thumb`)).code, 'SP_FOOTAGE_LOCKED');
});

t.test('a rule is tried against the last day: how often it would have rung, and when, for who may replay there', async (t) => {
  const { door: { owner, member, vault, clock } } = await door(t);
  const nowMs = Math.round(clock.wallMs());
  for (const [camera, kind, agoMs] of [['front', 'person', 20 * minuteMs], ['front', 'person', 10 * minuteMs], ['garden', 'person', 5 * minuteMs], ['front', 'vehicle', 4 * minuteMs]] as const) {
    await vault.noteObservations([{ camera, kind, source: '', fromMs: nowMs - agoMs, toMs: nowMs - agoMs + 1000 }]);
  }
  const { browser } = await owner();
  const tested = await browser.must<PageReplyOf<'alarmTest'>>('POST', 'alarms/test', { rule: 'Anybody' });
  t.match(tested, { observations: 4, alarms: 3, verdicts: { 'rings': 3, 'another kind': 1 } });
  t.same(tested.visits.map(({ camera }) => camera), ['front', 'front', 'garden']);
  const installer = await member(browser, 'installer', ['home']);
  t.match(await installer.browser.must('POST', 'alarms/test', { rule: 'Anybody' }), { alarms: 3, visits: [] });
  t.equal((await browser.post('alarms/test', { rule: 'Nobody' })).code, 'SP_ALARM_RULE');
});

t.test('the number of a notice leads to its alarm, for whoever may see that; what the hub itself had to say is for an owner', async (t) => {
  const { door: { owner, member, vault, clock }, add } = await door(t);
  const [front, garden] = [await add('front', 'person', 9 * minuteMs), await add('garden', 'person', 8 * minuteMs)];
  const { browser } = await owner();
  const home = await member(browser, 'member', ['home']);
  type Found = PageReplyOf<'notice'>;
  const of = (who: typeof browser, number: string): Promise<Found> => who.must('GET', `notices?number=${number}`);
  for (const number of [noticeNumberOf(front.id), noticeNumberOf(front.id).slice(0, 8)]) t.match(await of(home.browser, number), { notices: [{ id: noticeNumberOf(front.id), kind: 'person', alarm: { id: front.id, camera: 'front' } }] });
  t.same(await of(home.browser, noticeNumberOf(garden.id)), { notices: [] }, 'not of another space');
  t.match(await of(browser, noticeNumberOf(garden.id)), { notices: [{ alarm: { id: garden.id } }] });
  t.same(await of(browser, 'f'.repeat(32)), { notices: [] });
  for (const bad of ['', 'abc', `${'a'.repeat(31)}%25`, 'A'.repeat(33)]) t.equal((await browser.get(`notices?number=${bad}`)).code, 'SP_PAGE_REQUEST', `"${bad}"`);
  const id = 'cd'.repeat(16);
  const line = { name: `${'0'.repeat(15)}-${id}`, atMs: Math.round(clock.wallMs()), destination: 'phone', purpose: 'x', kind: 'notice' as const, class: 'disk full', camera: '', object: id, sizeBytes: 0, sha256: '', recipients: [] };
  await vault.far.asked(line);
  t.match(await of(browser, id.slice(0, 8)), { notices: [{ id, kind: 'disk full', text: 'the disk is full and nothing may be deleted', todo: /Make room/ }] });
  t.same(await of(home.browser, id), { notices: [] });
  const guest = await member(browser, 'guest', ['home']);
  t.equal((await guest.browser.get(`notices?number=${id}`)).code, 'SP_PAGE_RIGHT');
});
