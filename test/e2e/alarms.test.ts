import t from 'tap';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplyOf } from '../../src/api/contract.ts';
import { callHub } from '../../src/cli/control.ts';
import { noticeNumberOf } from '../../src/duties/notify.ts';
import { run } from '../../src/base/spawn.ts';
import { missing, walkClip } from '../detect/pictures.ts';
import { TestSite, quickConfig } from './site.ts';

type Alarms = ReplyOf<'alarms'>['alarms'];

const alarmsOf = (site: TestSite): Promise<Alarms> => callHub(join(site.data, 'control.sock'), 'alarms', { fromMs: 0, toMs: Date.now() + 3_600_000, limit: 100 }).then(({ alarms }) => alarms);

async function untilAlarms(site: TestSite, so: (alarms: Alarms) => boolean): Promise<Alarms> {
  for (;;) {
    const found = await alarmsOf(site);
    if (so(found)) return found;
    await site.status();
  }
}

const night = `
[[alarm]]
name = "Anybody"
kinds = ["person"]
keep = "1 hour"
before = "3 seconds"
after = "2 seconds"
`;
const aroundAlarms = '\n[[recording]]\nmode = "alarms"\n';

t.test('what a camera says becomes an alarm: pictures that only the kit opens, footage around it that outlives its hour, and the rest is gone', async (t) => {
  const site = await TestSite.start(t, { config: quickConfig({ keep: '10 seconds', more: night }) });
  const camera = site.cameras[0]!;
  const config = ['--config', site.config];
  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working' && cameras[0].segmentsSealed >= 3);
  const atMs = Date.now();
  camera.raise('person', true);
  await untilAlarms(site, (alarms) => alarms.length === 1);
  camera.raise('person', false);
  const [alarm] = await untilAlarms(site, ([first]) => first?.toMs !== undefined && first.segments >= 2 && first.pictures.length === 3);
  t.match(alarm, { camera: 'front-door', rule: 'Anybody', kind: 'person', seen: false, falseAlarm: false });
  t.same(alarm?.pictures, ['full', 'thumb', 'text']);
  t.ok(Math.abs((alarm?.fromMs ?? 0) - atMs) < 5000, 'by the hub\'s clock');
  t.match(await site.call(['alarms', ...config]), new RegExp(`^${alarm?.id} +front-door .* Anybody +person +full thumb text +\\d segments +new`, 'm'));
  t.match(await site.call(['status', ...config]), /^alarms since the start: 1, 0 open/m);
  t.match(await site.call(['metrics', ...config]), /^sallyport_alarms_total 1$/m);

  const opened = join(site.folder, 'opened');
  await site.call(['alarms', 'show', alarm!.id, '--identity', site.kit, '--to', opened, ...config]);
  const names = (await readdir(opened)).sort();
  t.same(names, ['full.jpg', 'text.json', 'thumb.jpg'].map((name) => `front-door-${alarm!.id}-${name}`));
  for (const name of names.filter((one) => one.endsWith('.jpg'))) {
    const shown = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', join(opened, name)]);
    t.equal(shown.stdout.toString().trim(), 'mjpeg', name);
  }
  const stranger = join(site.folder, 'stranger');
  await site.call(['keys', 'new', '--out', stranger]);
  t.match(await site.attempt(['alarms', 'show', alarm!.id, '--identity', join(stranger, 'kit.txt'), '--to', stranger, ...config]), { status: 1, stderr: /SP_WRONG_IDENTITY/ });

  // A picture as it comes with a notice, and what its number leads to.
  const number = noticeNumberOf(alarm!.id);
  const { pictures } = await callHub(join(site.data, 'control.sock'), 'alarm-pictures', { id: alarm!.id });
  const attachment = join(site.folder, `${number}.jpg.age`);
  await writeFile(attachment, Buffer.from(pictures.find(({ which }) => which === 'thumb')?.sealed ?? '', 'base64'));
  t.match(await site.call(['alarms', 'notice', number.slice(0, 8), ...config]), new RegExp(`^${number} .* person[^]*^${alarm!.id} `, 'm'));
  await site.call(['alarms', 'notice', number, '--picture', attachment, '--identity', site.kit, ...config]);
  t.ok((await readFile(join(site.folder, `${number}.jpg`))).equals(await readFile(join(opened, `front-door-${alarm!.id}-thumb.jpg`))), 'the kit opens it');
  t.match(await site.attempt(['alarms', 'notice', number, '--picture', attachment, '--identity', join(stranger, 'kit.txt'), ...config]), { status: 1, stderr: /SP_WRONG_IDENTITY/ });
  t.match(await site.attempt(['alarms', 'notice', 'f'.repeat(32), ...config]), { status: 1, stdout: /no notice of that number/ });

  t.match(await site.call(['alarms', 'front-door', '--kind', 'vehicle,person', '--new', ...config]), new RegExp(`^${alarm!.id} `, 'm'));
  t.match(await site.call(['alarms', '--kind', 'vehicle', ...config]), /no alarms in that time/);
  t.match(await site.call(['alarms', 'false', alarm!.id, ...config]), / false/);
  t.match(await site.call(['alarms', '--kind', 'person', '--new', ...config]), /no alarms in that time/, 'it was looked at');

  // Its hour is long over, the footage of the alarm is not.
  const held = await callHub(join(site.data, 'control.sock'), 'alarm-pictures', { id: alarm!.id });
  const heldPaths = held.footage.map(({ path }) => path).sort();
  t.ok(held.footage.some(({ startMs }) => startMs <= alarm!.fromMs - 2900 + 2500), 'from its pre-roll on');
  for (;;) {
    const { segments } = await site.list();
    const old = segments.filter(({ startMs }) => startMs < alarm!.fromMs + 4000);
    if (old.every(({ path }) => heldPaths.includes(path))) break;
  }
  const left = (await site.list()).segments.map(({ path }) => path);
  t.ok(heldPaths.every((path) => left.includes(path)), 'what belongs to it is there, its neighbours are gone');
  await site.attempt(['export', 'front-door', '--from', new Date(alarm!.fromMs - 3000).toISOString(), '--to', new Date(alarm!.fromMs + 1000).toISOString(), '--identity', site.kit, '-o', join(site.folder, 'alarm.mp4'), ...config]);
  const played = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', join(site.folder, 'alarm.mp4')]);
  t.ok(Number(played.stdout.toString().trim()) >= 45, `${played.stdout.toString().trim()} pictures of it play`);
});

t.test('recorded around alarms only: nothing else is, and a hub that is killed in between settles what was open', async (t) => {
  const site = await TestSite.start(t, { config: quickConfig({ more: night + aroundAlarms }) });
  const camera = site.cameras[0]!;
  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working' && cameras[0].streams[0]?.resting === 'no alarm');
  t.match(await site.call(['status', '--config', site.config]), /online, recorded when there is an alarm/);
  const since = Date.now();
  await site.until(() => Date.now() - since > 4000);
  t.equal((await site.list()).segments.length, 0);
  const atMs = Date.now();
  camera.raise('person', true);
  await site.until(({ cameras }) => cameras[0]?.recording === true);
  await site.until(({ cameras }) => (cameras[0]?.segmentsSealed ?? 0) >= 1);
  t.match(await site.call(['alarms', 'test', 'Anybody', '--config', site.config]), /1 it keeps[^]*1 alarm:/);
  t.match(await site.attempt(['alarms', 'test', 'Nobody', '--config', site.config]), { status: 1, stderr: /SP_ALARM_RULE: there is no alarm called Nobody/ });
  await site.stop('SIGKILL');
  camera.raise('person', false);
  await site.startHub();
  const [alarm] = await untilAlarms(site, ([first]) => first?.toMs !== undefined);
  t.ok((alarm?.segments ?? 0) >= 1 || alarm?.footageWhy !== '', 'it says what became of its footage');
  const { segments, gaps } = await site.list();
  const first = segments.toSorted((a, b) => a.startMs - b.startMs)[0]!;
  t.ok(first.startMs <= atMs - 3000 + 1500 && first.startMs >= atMs - 3000 - 1600, `begins ${atMs - first.startMs} ms before it`);
  t.ok(gaps.some(({ reason, toMs }) => reason === 'no alarm' && Math.abs(toMs - first.startMs) < 2), 'and the time before is a gap that says so');
  await site.until(({ cameras }) => cameras[0]?.streams[0]?.resting === 'no alarm');
});

t.test('off is not recorded, and watched; a rule that keeps longer than footage waits for the owner', async (t) => {
  const site = await TestSite.start(t, { config: quickConfig({ more: '\n[[recording]]\nmode = "off"\n' }) });
  await site.until(({ cameras }) => cameras[0]?.streams[0]?.resting === 'schedule' && cameras[0].online);
  const next = join(site.folder, 'next.toml');
  await writeFile(next, `${await readFile(site.config, 'utf8')}${night.replace('"1 hour"', '"2 days"')}`);
  t.match(await site.call(['plan', next, '--config', site.config]), /new alarm Anybody: person at all cameras, each day; its pictures and footage are kept 2 days/);
  await rename(next, site.config);
  process.kill(site.hub!.pid, 'SIGHUP');
  const { pending } = await site.until((status) => status.pending.length > 0);
  t.match(pending, [{ key: 'alarm', text: 'alarm Anybody: its pictures and footage would be kept 2 days instead of 1 hour' }]);
  t.equal((await site.list()).segments.length, 0);
});

t.test('the hub itself sees who comes in a real clip: a person is one alarm with what it is about cut out, and its footage stays when its neighbours go', { skip: missing(walkClip) }, async (t) => {
  const site = await TestSite.start(t, { emulator: { clip: walkClip, seconds: 60 }, config: quickConfig({ keep: '10 seconds', more: night }) });
  const config = ['--config', site.config];
  const looks = await site.until(({ cameras }) => (cameras[0]?.looking?.looks ?? 0) > 0);
  t.match(looks.cameras[0]?.looking, { stream: 'sub', problem: undefined });
  const ready = ({ pictures, segments }: Alarms[number]): boolean => pictures.length === 4 && segments > 0;
  const [first] = (await untilAlarms(site, (alarms) => alarms.some(ready))).filter(ready);
  // People come one after the other in it, which is one visit: it ends when nobody is seen any more.
  await site.cameras[0]!.stop();
  const [alarm] = (await untilAlarms(site, (alarms) => alarms.some(({ id, toMs }) => id === first!.id && toMs !== undefined))).filter(({ id }) => id === first!.id);
  t.match(alarm, { camera: 'front-door', rule: 'Anybody', kind: 'person', pictures: ['full', 'crop', 'thumb', 'text'] });
  t.ok((alarm?.scorePm ?? 0) >= 300, `${alarm?.scorePm} of a thousand`);
  const opened = join(site.folder, 'opened');
  await site.call(['alarms', 'show', alarm!.id, '--identity', site.kit, '--to', opened, ...config]);
  const [full, crop] = await Promise.all(['full', 'crop'].map(async (which) => {
    const shown = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', join(opened, `front-door-${alarm!.id}-${which}.jpg`)]);
    return shown.stdout.toString().trim().split(',').map(Number) as [number, number];
  })) as [[number, number], [number, number]];
  t.ok(crop[0] < full[0] && crop[1] <= full[1], `${crop.join('x')} of ${full.join('x')}`);
  const { footage } = await callHub(join(site.data, 'control.sock'), 'alarm-pictures', { id: alarm!.id });
  const held = footage.map(({ path }) => path);
  for (;;) {
    const { segments } = await site.list();
    const last = footage.at(-1)!;
    if (segments.filter(({ state, startMs }) => state !== 'held' && startMs <= last.startMs).every(({ path }) => held.includes(path))) break;
  }
  const left = (await site.list()).segments.map(({ path }) => path);
  t.ok(held.every((path) => left.includes(path)), 'what belongs to it is there');
  await site.cameras[0]!.start();
  await site.until(({ cameras }) => cameras[0]?.looking !== undefined);
  t.match(await site.call(['status', ...config]), /^the hub looks at front-door \(sub stream\): (something|nothing) moves; \d+ visits? since it looks$/m);

  await site.call(['privacy', 'on', ...config]);
  const { cameras } = await site.until((status) => status.cameras[0]?.privacy === true && status.cameras[0].looking === undefined);
  t.equal(cameras[0]?.recording, false, 'what is private is neither recorded nor looked at');
});
