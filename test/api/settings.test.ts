/** Settings by the page: what is set and by which file, what a change would do, what waits, who may; and the operator's log. */
import { appendFileSync, mkdirSync, readFileSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { PageReplyOf } from '../../src/api/pagecontract.ts';
import { loadConfig } from '../../src/config.ts';
import { acceptNamespace, approvalDocument } from '../../src/policy/ownerdocuments.ts';
import { AheadClock, configText, joinAs, makeOwner, recordBefore, startPage, type Owned, type PageSite } from './pagekit.ts';

type Settings = PageReplyOf<'settings'>;
type Plan = PageReplyOf<'settingsPlan'>;
type Changed = PageReplyOf<'settingsChange'>;
const night = { space: 'home', days: ['monday', 'friday'], from: '22:00', to: '06:00' };

/** A site with a camera that the page has taken in, besides those of the installer's file. */
async function startSite(t: Test, more = '', recorded: Parameters<typeof recordBefore>[2] = []): Promise<{ site: PageSite; owner: Owned; page: () => string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'conf.d'));
  writeFileSync(join(folder, 'conf.d', '90-page.toml'), '[[camera]]\nid = "yard"\nname = "Yard"\naddress = "127.9.9.5"\nuser = "u"\nrecord = false\nevents = false\n');
  const clock = new AheadClock();
  if (recorded.length > 0) await recordBefore(folder, clock, recorded);
  const site = await startPage(t, { folder, clock, config: configText().replace('[time]', `${more}[record]\nperiod = "30 minutes"\n\n[time]`) });
  return { site, owner: await makeOwner(site), page: () => readFileSync(join(folder, 'conf.d', '90-page.toml'), 'utf8') };
}

function signYes({ kit, browser }: Owned, change: Changed['pending'][number]): Promise<unknown> {
  const document = approvalDocument(change, Date.now());
  const signer = kit.signer();
  const signature = signer.sign(document, acceptNamespace);
  signer.close();
  return browser.must('POST', 'accept', { id: change.id, document, signature });
}

t.test('settings say which file sets what; what the installer\'s file sets is changed there', async (t) => {
  const { site, owner: { browser }, page } = await startSite(t);
  const settings = await browser.must<Settings>('GET', 'settings');
  const of = (key: string): Settings['keys'][number] | undefined => settings.keys.find((one) => one.key === key);
  t.same(of('record.period'), { key: 'record.period', value: '30 minutes', file: 'sallyport.toml', byPage: false, fixed: true });
  t.same(of('record.cut_after'), { key: 'record.cut_after', byPage: false, fixed: false });
  t.match(of('capture.ffmpeg'), { fixed: true }, 'no visitor says which program runs');
  t.match(settings.cameras, [{ camera: 'front', file: 'sallyport.toml', fixed: true }, { camera: 'garden', fixed: true }, { camera: 'yard', file: 'conf.d/90-page.toml', fixed: false, values: { name: 'Yard', record: false } }]);
  for (const [body, code] of [
    [{ keys: [{ key: 'record.period', value: '1 hour' }] }, 'SP_SETTING_FIXED'], [{ keys: [{ key: 'capture.ffmpeg', value: '/bin/sh' }] }, 'SP_SETTING_FIXED'], [{ keys: [{ key: 'data', value: '/etc' }] }, 'SP_SETTING_FIXED'],
    [{ camera: 'front', keys: [{ key: 'name', value: 'Door' }] }, 'SP_SETTING_FIXED'], [{ camera: 'yard', keys: [{ key: 'address', value: '127.9.9.6' }] }, 'SP_SETTING_FIXED'],
    [{ camera: 'attic', keys: [{ key: 'name', value: 'x' }] }, 'SP_CAMERA_UNKNOWN'], [{ camera: 'yard', keys: [{ key: 'space', value: 'attic' }] }, 'SP_SPACE_UNKNOWN'],
    [{ keys: [{ key: 'record.nothing', value: 1 }] }, 'SP_CONFIG_UNKNOWN_KEY'], [{ keys: [{ key: 'constructor.name', value: 'x' }] }, 'SP_CONFIG_UNKNOWN_KEY'], [{ keys: [{ key: '__proto__.x', value: 1 }] }, 'SP_PAGE_REQUEST'],
    [{ privacy: { out: night } }, 'SP_SETTING_GONE'], [{ keys: [{ key: 'camera' }] }, 'SP_SETTING_FIXED'], [{ keys: [{ key: 'privacy' }] }, 'SP_SETTING_FIXED'], [{ keys: [{ key: 'place' }] }, 'SP_SETTING_FIXED'],
    [{ keys: [{ key: 'record' }] }, 'SP_SETTING_FIXED'], [{ keys: [{ key: 'camera.id', value: 'x' }] }, 'SP_SETTING_FIXED'], [{ keys: [{ key: 'privacy.from', value: '10:00' }] }, 'SP_CONFIG_VALUE'],
  ] as const) {
    const before = page();
    t.equal((await browser.post('settings', body)).code, code, JSON.stringify(body));
    t.equal(page(), before, 'nothing is written');
  }
  const rule = { alarm: { in: { name: 'tall', kinds: ['person'], size_least: 'tall' } } };
  t.match((await browser.must<Plan>('POST', 'settings/plan', rule)).problems, [{ key: 'size_least' }], 'of a rule that is tried first, too, it is said what is wrong');
  t.match((await browser.post('alarms/test', { rule: 'tall', change: rule })).body, { error: { code: 'SP_CONFIG_VALUE', message: /size_least of alarm no\. \d+ must be/ } });
  const schema = await browser.must<{ properties: Record<string, { title: string; properties?: Record<string, object> }> }>('GET', 'settings/schema');
  t.match(schema.properties['record'], { title: 'Recording', properties: { cut_after: { 'title': 'New segment after', 'x-unit': 'duration', 'x-max': '90 seconds', 'default': '60 seconds' } } });
  t.equal((await loadConfig(join(site.folder, 'sallyport.toml'))).config.cameras.length, 3);
});

t.test('a change is told beforehand, judged as `check` does, and keeps the rest of the file', async (t) => {
  const { site, owner, page } = await startSite(t);
  const { browser } = owner;
  const keys = [{ key: 'record.cut_after', value: '30 seconds' }, { key: 'log.level', value: 'debug' }, { key: 'discovery.interfaces', value: ['eth0', 'wlan0'] }];
  const before = page();
  t.same(await browser.must<Plan>('POST', 'settings/plan', { keys }), {
    changes: [
      { text: 'segments are cut after 30 seconds instead of 1 minute', waits: false, restart: false }, { text: 'cameras are looked for on eth0, wlan0 (2 interfaces) instead of every local network', waits: false, restart: false },
      { text: 'the log level is debug instead of info', waits: false, restart: true },
    ],
    destroys: [], leavesOut: [], problems: [],
  });
  t.equal(page(), before, 'a plan changes nothing');
  t.match(await browser.must<Changed>('POST', 'settings', { keys }), { changes: { length: 3 }, pending: [] });
  t.match((await loadConfig(join(site.folder, 'sallyport.toml'))).config, { record: { periodMs: 1_800_000, cutAfterMs: 30_000 }, log: { level: 'debug' }, discovery: { interfaces: ['eth0', 'wlan0'] }, cameras: [{}, {}, { id: 'yard', name: 'Yard' }] });
  t.same(readdirSync(join(site.folder, 'conf.d')), ['90-page.toml'], 'nothing half-written is left');
  const now = await browser.must<Settings>('GET', 'settings');
  t.same(now.restart, ['the log level is debug instead of info'], 'what counts only after the next start');
  t.match(now.keys.find(({ key }) => key === 'record.cut_after'), { value: '30 seconds', byPage: true, fixed: false });

  const wrong = { keys: [{ key: 'record.cut_after', value: '5 hours' }, { key: 'page.names', value: 'hub' }, { key: 'scrub.rate', value: 'much' }] };
  const { changes, problems } = await browser.must<Plan>('POST', 'settings/plan', wrong);
  t.same(changes, []);
  t.match(problems.toSorted((a, b) => String(a.key).localeCompare(String(b.key))), [
    { key: 'page.names', text: 'must be a list, not text' }, { code: 'SP_CONFIG_VALUE', key: 'record.cut_after', text: 'is too long: at most 90 seconds', hint: /2 seconds to 90 seconds/ }, { key: 'scrub.rate', text: 'is no size' },
  ], 'all problems at once, each with its key');
  t.equal((await browser.post('settings', wrong)).code, 'SP_CONFIG_VALUE');
  t.match(await browser.must<Plan>('POST', 'settings/plan', { keys: [{ key: 'place.latitude', value: 52.5 }] }), { problems: [{ key: 'place.longitude', text: 'is missing' }] });
  t.match(await browser.must<Plan>('POST', 'settings/plan', { camera: 'yard', keys: [{ key: 'keep', value: 'for ever' }, { key: 'name', value: ' ' }] }), { problems: [{ key: 'keep', text: 'is no duration' }, { key: 'name' }] }, 'by the key of the camera\'s form');
  // Back to what counts without it.
  await browser.must('POST', 'settings', { keys: [{ key: 'record.cut_after' }] });
  t.match((await browser.must<Settings>('GET', 'settings')).keys.find(({ key }) => key === 'record.cut_after'), { byPage: false, fixed: false });
  t.notMatch(page(), /cut_after|\[record\]/, 'a table that holds nothing goes, too');
});

t.test('what lowers privacy waits for a signed yes; asked for no more, it waits no more', async (t) => {
  const { owner } = await startSite(t);
  const { browser } = owner;
  const longer = { camera: 'yard', keys: [{ key: 'keep', value: '10 days' }, { key: 'audio', value: true }] };
  t.match(await browser.must<Plan>('POST', 'settings/plan', longer), { changes: [{ text: 'yard: footage is kept 10 days instead of 3 days', waits: true }, { text: 'yard: sound is recorded: yes instead of no', waits: true }] });
  const { pending } = await browser.must<Changed>('POST', 'settings', longer);
  t.match(pending, [{ camera: 'yard', key: 'keep' }, { camera: 'yard', key: 'audio' }]);
  const keepMs = async (): Promise<number | undefined> => (await browser.must<PageReplyOf<'cameras'>>('GET', 'cameras')).cameras.find(({ camera }) => camera === 'yard')?.keepMs;
  t.equal(await keepMs(), 3 * 86_400_000);
  t.match(await browser.must<Plan>('POST', 'settings/plan', { keys: [{ key: 'record.cut_after', value: '30 seconds' }] }), { changes: [{ text: /segments/ }] }, 'what waits already is no part of another change');
  await signYes(owner, pending[0]!);
  t.equal(await keepMs(), 10 * 86_400_000, 'in force');
  t.match(await browser.must<Plan>('POST', 'settings/plan', { camera: 'yard', keys: [{ key: 'audio' }] }), { changes: [{ text: 'no longer asked for: yard: sound is recorded: yes instead of no', waits: false }] });
  t.same((await browser.must<Changed>('POST', 'settings', { camera: 'yard', keys: [{ key: 'audio' }] })).pending, []);
  t.same((await browser.must<Changed>('POST', 'settings', { camera: 'yard', keys: [{ key: 'keep', value: '1 day' }] })).changes, ['yard: footage is kept 1 day instead of 10 days'], 'a shorter time counts at once');
});

t.test('what a change destroys is told beforehand, camera by camera, and is done with the passphrase once more', async (t) => {
  const { owner: { browser, half } } = await startSite(t, '', [{ camera: 'yard', hoursAgo: 60, keepDays: 30 }, { camera: 'yard', hoursAgo: 5, keepDays: 30 }, { camera: 'front', hoursAgo: 60, keepDays: 3 }]);
  const plan = (body: object) => browser.must<Plan>('POST', 'settings/plan', body);
  const shorter = { camera: 'yard', keys: [{ key: 'keep', value: '2 days' }] };
  t.match(await plan(shorter), { changes: [{ text: 'yard: footage is kept 2 days instead of 3 days' }], destroys: [/^yard: footage of \S+Z to \S+Z, \d/] });
  t.match((await plan({ camera: 'yard', keys: [{ key: 'budget', value: '10 MB' }] })).destroys, [/^yard: the oldest of .* of footage, for which 10 MB are too little/], 'what it brings in half a day is more');
  t.same((await plan({ camera: 'yard', keys: [{ key: 'budget', value: '900 GB' }] })).destroys, []);
  t.same((await plan({ camera: 'yard', keys: [{ key: 'name', value: 'Back yard' }] })).destroys, []);
  t.same((await plan({ camera: 'yard', remove: true })).destroys, [], 'what was recorded stays until its deadline');
  t.same((await plan({ keys: [{ key: 'keep.footage', value: '10 days' }] })).destroys, []);
  t.equal((await browser.post('settings', shorter)).code, 'SP_PAGE_PROOF');
  await browser.must('POST', 'settings', { ...shorter, half });
  t.match((await browser.must<PageReplyOf<'audit'>>('GET', 'audit?limit=60')).lines.find(({ what }) => what === 'page.asked'), { who: 'Olga Owner', person: true, route: 'settings', detail: /yard: footage of/ });
  t.match(await plan({ camera: 'yard', keys: [{ key: 'keep', value: '50 hours' }] }), { changes: [{ waits: true }], destroys: [] }, 'what is due by then is so no more by another change');
});

t.test('times of privacy are added at once, and go or change with a yes; those of the installer\'s file are changed there', async (t) => {
  const { owner, site } = await startSite(t, '[[privacy]]\nspace = "garden"\nfrom = "sunset"\nto = "sunrise"\n\n');
  const { browser } = owner;
  const rules = async (): Promise<Settings['privacy']> => (await browser.must<Settings>('GET', 'settings')).privacy;
  t.match(await rules(), [{ space: 'garden', days: { length: 7 }, file: 'sallyport.toml', fixed: true }]);
  t.match(await browser.must<Plan>('POST', 'settings/plan', { privacy: { in: night } }), { changes: [{ text: 'new: home is private monday, friday from 22:00 to 06:00', waits: false }] });
  t.same((await browser.must<Changed>('POST', 'settings', { privacy: { in: night } })).pending, []);
  t.match((await rules())[1], { ...night, fixed: false });
  t.equal((await browser.post('settings', { privacy: { out: { space: 'garden', days: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'], from: 'sunset', to: 'sunrise' } } })).code, 'SP_SETTING_FIXED');
  t.match(await browser.must<Plan>('POST', 'settings/plan', { privacy: { out: night, in: { ...night, days: ['someday'], to: '25:00' } } }), { problems: [{ key: 'days', text: /./ }, { key: 'to' }] });
  t.match(await browser.must<Plan>('POST', 'settings/plan', { privacy: { in: { ...night, days: [] } } }), { problems: [{ key: 'days' }] }, 'on no day at all is no time');

  const { pending } = await browser.must<Changed>('POST', 'settings', { privacy: { out: night, in: { ...night, to: '05:00' } } });
  t.match(pending, [{ key: 'privacy', text: 'no longer: home is private monday, friday from 22:00 to 06:00' }]);
  const inForce = async (): Promise<string[] | undefined> => (await browser.must<PageReplyOf<'spaces'>>('GET', 'spaces')).spaces.find(({ space }) => space === 'home')?.schedule;
  t.same(await inForce(), ['monday, friday from 22:00 to 05:00', 'monday, friday from 22:00 to 06:00'], 'the old one counts until the yes');
  await signYes(owner, pending[0]!);
  t.same(await inForce(), ['monday, friday from 22:00 to 05:00']);
  // In force at once, not only when the clock comes round: a time that is now.
  await browser.must('POST', 'settings', { privacy: { in: { space: 'garden', days: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'], from: '00:00', to: '00:00' } } });
  t.match((await browser.must<PageReplyOf<'spaces'>>('GET', 'spaces')).spaces.find(({ space }) => space === 'garden'), { private: true, by: 'rule' });
  t.match((await browser.must<PageReplyOf<'cameras'>>('GET', 'cameras')).cameras.find(({ camera }) => camera === 'garden'), { privacy: true });
  t.equal(site.hub.log === undefined, false);
});

t.test('an installer changes settings, but neither spaces nor privacy nor the place; the audit says who; a token of two rights no more', async (t) => {
  const { site, owner } = await startSite(t, '[[privacy]]\nspace = "garden"\nfrom = "sunset"\nto = "sunrise"\n\n[place]\nlatitude = 52.5\nlongitude = 13.4\n\n');
  const { browser } = await joinAs(site, owner.browser, 'installer', [], 'Ines Installer');
  const seen = await browser.must<Settings>('GET', 'settings');
  t.same([seen.privacy, seen.keys.filter(({ key }) => key.startsWith('place.'))], [[], []], 'when a house is private, and where it is, is its own business');
  for (const body of [{ privacy: { in: night } }, { keys: [{ key: 'place.latitude', value: 1 }] }, { camera: 'yard', keys: [{ key: 'space', value: 'garden' }] }]) {
    t.equal((await browser.post('settings', body)).code, 'SP_PAGE_RIGHT', JSON.stringify(body));
    t.equal((await browser.post('settings/plan', body)).code, 'SP_PAGE_RIGHT');
  }
  t.match(await browser.must<Changed>('POST', 'settings', { camera: 'yard', keys: [{ key: 'name', value: 'Back yard' }, { key: 'keep', value: '30 days' }] }), { pending: [{ key: 'keep' }] });
  await browser.must('POST', 'secret', { camera: 'yard', password: 'p' });
  t.equal((await browser.post('accept', { id: 'ffffffff', document: '{}', signature: 'x' })).code, 'SP_PAGE_RIGHT');
  const { lines } = await owner.browser.must<PageReplyOf<'audit'>>('GET', 'audit?limit=40');
  for (const what of ['config.changed', 'camera.password-set']) t.equal(lines.find((line) => line.what === what)?.who, 'Ines Installer', what);
  await owner.browser.must('POST', 'settings', { camera: 'yard', remove: true });
  t.match((await owner.browser.must<PageReplyOf<'audit'>>('GET', 'audit?limit=10')).lines.find(({ what }) => what === 'camera.removed'), { who: 'Olga Owner', camera: 'yard' });
  t.same((await owner.browser.must<Settings>('GET', 'settings')).cameras.map(({ camera }) => camera), ['front', 'garden']);
  t.equal((await owner.browser.post('settings', { camera: 'yard', remove: true })).code, 'SP_CAMERA_UNKNOWN');
});

t.test('the operator\'s log: the newest lines first, by level and component, bounded, for owner and installer', async (t) => {
  const { site, owner } = await startSite(t);
  const { browser } = await joinAs(site, owner.browser, 'installer', [], 'an installer');
  const file = join(site.data, 'log', '20200101.log');
  writeFileSync(file, `${'x'.repeat(3000)}\n${JSON.stringify({ level: 'error', time: '2020-01-01T00:00:00.000Z', component: 'old', msg: 'long ago' })}\n{"level":"in`);
  const all = await browser.must<PageReplyOf<'logs'>>('GET', 'logs');
  t.ok(all.lines.some(({ text, component }) => text === 'the hub is running' && component === 'hub'));
  t.equal(all.lines.at(-1)?.text, 'long ago', 'an older day, and no half line');
  t.same(all.lines.map(({ atMs }) => atMs), all.lines.map(({ atMs }) => atMs).toSorted((a, b) => b - a));
  t.equal(all.whole, true);
  t.ok(all.components.includes('old'));
  t.same((await browser.must<PageReplyOf<'logs'>>('GET', 'logs?level=error&component=old')).lines, [{ atMs: Date.parse('2020-01-01'), level: 'error', component: 'old', text: 'long ago' }]);
  t.match(await browser.must<PageReplyOf<'logs'>>('GET', 'logs?limit=1'), { lines: { length: 1 }, whole: false });
  t.match((await browser.get('logs?limit=501')).code, 'SP_PAGE_REQUEST');
  t.match((await browser.get('logs?component=../../etc')).code, 'SP_PAGE_REQUEST');
  // More than is ever read at once.
  const line = `${JSON.stringify({ level: 'info', time: '2021-01-01T00:00:00.000Z', component: 'many', msg: 'm'.repeat(900) })}\n`;
  for (let n = 0; n < 40; n++) appendFileSync(join(site.data, 'log', '20210101.log'), line.repeat(100));
  const many = await browser.must<PageReplyOf<'logs'>>('GET', 'logs?component=old');
  t.match(many, { lines: [], whole: false }, 'two megabytes at most are looked through');
  t.equal((await (await joinAs(site, owner.browser, 'member', ['home'], 'a member')).browser.get('logs')).code, 'SP_PAGE_RIGHT');
});

t.test('a shorter time for the log counts at once', async (t) => {
  const site = await startPage(t, { config: configText().replace('source = "system"', 'source = "system"\nsettle = "0 seconds"') });
  const { browser } = await makeOwner(site);
  const day = (days: number): string => `${new Date(Date.now() - (days * 86_400_000)).toISOString().slice(0, 10).replaceAll('-', '')}.log`;
  const folder = join(site.data, 'log');
  writeFileSync(join(folder, day(5)), '{}\n');
  await browser.must('POST', 'settings', { keys: [{ key: 'keep.logs', value: '2 days' }] });
  await new Promise<void>((gone) => {
    const watcher = watch(folder, () => look());
    const look = (): void => {
      if (readdirSync(folder).includes(day(5))) return;
      watcher.close();
      gone();
    };
    look();
  });
  t.ok(readdirSync(folder).includes(day(0)));
});
