import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ConfigErrors, changePageFile, describeConfig, loadConfig, writePageCamera } from '../../src/config.ts';
import { applyChange } from '../../src/configpage.ts';

const example = fileURLToPath(new URL('../../config/sallyport.example.toml', import.meta.url));
const installed = fileURLToPath(new URL('../../config/sallyport.toml', import.meta.url));

/** As the page does it. */
function takeOut(path: string, camera: string): Promise<unknown> {
  return changePageFile(path, (own, files) => applyChange(own, files, { camera, remove: true }), { write: true });
}

t.test('the example is good and shows the defaults', async (t) => {
  const { config, warnings } = await loadConfig(example);
  t.same(warnings, []);
  const bare = (await loadConfig(join(t.testdir({ 'sallyport.toml': '' }), 'sallyport.toml'))).config;
  t.same({ ...config, cameras: [], owner: undefined }, { ...bare, owner: undefined });
  t.same(config.cameras.map((camera) => [camera.id, camera.address, camera.port, camera.path, camera.keepMs / 86_400_000, camera.audio, camera.record, camera.space]), [
    ['front-door', '192.168.1.20', 80, '/onvif/device_service', 3, false, true, 'home'],
    ['garden', '192.168.1.21', 8000, '/onvif/device_service', 1, false, true, 'home'],
  ]);
});

t.test('what is installed needs no editing and brings no camera', async (t) => {
  const { config, warnings } = await loadConfig(installed);
  t.same(warnings, []);
  const bare = (await loadConfig(join(t.testdir({ 'sallyport.toml': '' }), 'sallyport.toml'))).config;
  t.same(config, bare);
});

t.test('an empty file is a hub with all defaults', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': '' });
  const { config } = await loadConfig(join(folder, 'sallyport.toml'));
  t.same(config, {
    name: 'Home', data: '/var/lib/sallyport', dataMount: false, socket: '/var/lib/sallyport/control.sock',
    record: { periodMs: 3_600_000, cutAfterMs: 60_000, thumbnails: true },
    keep: { footageMs: 259_200_000, logsMs: 1_209_600_000, auditMs: 63_072_000_000 },
    disk: {},
    scrub: { everyMs: 604_800_000, bytesPerSecond: 2_000_000 },
    time: { source: 'ntp', settleMs: 3_600_000 },
    page: { enabled: true, port: 7443, httpPort: 7480, names: [], panels: false }, discovery: { loopback: false, interfaces: [] },
    capture: { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', jail: 'files' },
    faces: { enabled: false, consentMs: 365 * 86_400_000, lock: 'hub' as const }, log: { level: 'info' }, privacy: [], zones: [], alarms: [], recordings: [], destinations: [],
    cameras: [],
  });
});

t.test('short periods and retention are possible, and relative paths begin at the file', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': 'data = "data"\nowner = "owner/owner.json"\n[record]\nperiod = "10 seconds"\ncut_after = "5 seconds"\n[keep]\nfootage = "15 seconds"\n[time]\nsource = "system"\nsettle = "0 s"\n[capture]\nffmpeg = "bin/ffmpeg"\n' });
  const { config } = await loadConfig(join(folder, 'sallyport.toml'));
  t.equal(config.data, join(folder, 'data'));
  t.equal(config.owner, join(folder, 'owner/owner.json'));
  t.equal(config.socket, join(folder, 'data/control.sock'));
  t.equal(config.capture.ffmpeg, join(folder, 'bin/ffmpeg'));
  t.same([config.record.periodMs, config.record.cutAfterMs, config.keep.footageMs, config.time.settleMs], [10_000, 5_000, 15_000, 0]);
});

t.test('budgets and the reserve are sizes', async (t) => {
  const camera = '[[camera]]\nid = "one"\naddress = "10.0.0.1"\nuser = "u"\nbudget = "20 GB"\n';
  const folder = t.testdir({ 'sallyport.toml': `[disk]\nbudget = "1 TB"\nreserve = "512 MiB"\n${camera}` });
  const { config } = await loadConfig(join(folder, 'sallyport.toml'));
  t.same(config.disk, { budgetBytes: 1e12, reserveBytes: 512 * 2 ** 20 });
  t.equal(config.cameras[0]?.budgetBytes, 20e9);
});

t.test('an archive needs one camera that is kept for longer, whichever file says so', async (t) => {
  const camera = (id: string, n: number, keep: string): string => `[[camera]]\nid = "${id}"\naddress = "10.0.0.${n}"\nuser = "u"\n${keep}`;
  const store = '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\nsend = "all"\narchive_after = "5 days"\n';
  const good = [
    { 'sallyport.toml': `${store}${camera('one', 1, 'keep = "1 day"\n')}${camera('two', 2, 'keep = "6 days"\n')}` },
    { 'sallyport.toml': store, 'conf.d': { 'keep.toml': `${camera('one', 1, '')}[keep]\nfootage = "6 days"\n` } },
  ];
  for (const [index, files] of good.entries()) {
    const { config } = await loadConfig(join(t.testdir({ [index]: files }), String(index), 'sallyport.toml'));
    t.equal(config.destinations[0]?.store?.archiveAfterMs, 5 * 86_400_000);
  }
});

t.test('a byte order mark and Windows line ends do not matter', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': '\ufeffname = "Tür"\r\n\r\n[keep]\r\nfootage = "1 day"\r\n' });
  const { config } = await loadConfig(join(folder, 'sallyport.toml'));
  t.equal(config.name, 'Tür');
  t.equal(config.keep.footageMs, 86_400_000);
});

t.test('files in conf.d add cameras and override single keys, in the order of their names', async (t) => {
  const folder = t.testdir({
    'sallyport.toml': 'name = "A"\n[keep]\nfootage = "1 day"\nlogs = "2 days"\n[[camera]]\nid = "one"\naddress = "10.0.0.1"\nuser = "u"\n',
    'conf.d': {
      '20-b.toml': 'name = "C"\n[[camera]]\nid = "three"\naddress = "10.0.0.3"\nuser = "u"\n',
      '10-a.toml': 'name = "B"\ndata = "data"\n[keep]\nfootage = "2 days"\n[[camera]]\nid = "two"\naddress = "10.0.0.1"\nport = 81\nuser = "u"\n',
      'old.toml.bak': 'nonsense',
    },
  });
  const { config, files, warnings } = await loadConfig(join(folder, 'sallyport.toml'));
  t.equal(config.name, 'C');
  t.equal(config.data, join(folder, 'data'), 'relative to sallyport.toml');
  t.same(config.keep, { footageMs: 172_800_000, logsMs: 172_800_000, auditMs: 63_072_000_000 });
  t.same(config.cameras.map((camera) => [camera.id, camera.keepMs]), [['one', 172_800_000], ['two', 172_800_000], ['three', 172_800_000]]);
  t.same(files.map((file) => file.slice(folder.length + 1)), ['sallyport.toml', 'conf.d/10-a.toml', 'conf.d/20-b.toml']);
  t.match(warnings.join(), /old\.toml\.bak is not read/);
});

t.test('an adopted camera goes to conf.d/90-page.toml, and sallyport.toml stays as it is', async (t) => {
  const own = '# mine\n[[camera]]\nid = "one"\naddress = "10.0.0.1"\nuser = "u"\n';
  const folder = t.testdir({ 'sallyport.toml': own });
  const path = join(folder, 'sallyport.toml');
  await writePageCamera(path, { id: 'two', name: 'Tür "links"\u0007', address: '10.0.0.2', user: 'onvif', keep: '2 days', serial: '\u0000SN 1\n' });
  await writePageCamera(path, { id: 'three', address: '10.0.0.3', user: 'onvif', audio: true });
  await writePageCamera(path, { id: 'two', name: 'Gate', address: '10.0.0.4', port: 8080, user: 'onvif', serial: '\u0007' });
  const { config } = await loadConfig(path);
  t.same(config.cameras.map(({ id, name, address, port, audio, serial }) => [id, name, address, port, audio, serial]), [
    ['one', 'one', '10.0.0.1', 80, false, undefined], ['three', 'three', '10.0.0.3', 80, true, undefined], ['two', 'Gate', '10.0.0.4', 8080, false, undefined],
  ]);
  t.equal(readFileSync(path, 'utf8'), own);
  t.same(readdirSync(join(folder, 'conf.d')), ['90-page.toml'], 'nothing half-written stays');
  t.equal(statSync(join(folder, 'conf.d/90-page.toml')).mode & 0o777, 0o640);
  await takeOut(path, 'two');
  t.same((await loadConfig(path)).config.cameras.map((camera) => camera.id), ['one', 'three']);
});

t.test('the page cannot write what could not be read again', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': '[[camera]]\nid = "one"\naddress = "10.0.0.1"\nuser = "u"\n' });
  const path = join(folder, 'sallyport.toml');
  await t.rejects(writePageCamera(path, { id: 'one', address: '10.0.0.9', user: 'u' }), { code: 'SP_CAMERA_KNOWN' });
  await t.rejects(writePageCamera(path, { id: 'two', address: '10.0.0.1', user: 'u' }), ConfigErrors);
  await t.rejects(writePageCamera(path, { id: '../x', address: '10.0.0.2', user: 'u' }), ConfigErrors);
  await t.rejects(writePageCamera(path, { id: 'x', address: '10.0.0.2', user: 'u', keep: 'forever' }), ConfigErrors);
  await t.rejects(takeOut(path, 'two'), { code: 'SP_CAMERA_UNKNOWN' });
  t.same(readdirSync(folder), ['sallyport.toml'], 'nothing was written');
});

t.test('a broken page file is told, not overwritten', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': '', 'conf.d': { '90-page.toml': 'x = = 1' } });
  await t.rejects(writePageCamera(join(folder, 'sallyport.toml'), { id: 'a', address: '10.0.0.2', user: 'u' }), ConfigErrors);
  t.equal(readFileSync(join(folder, 'conf.d/90-page.toml'), 'utf8'), 'x = = 1');
});

t.test('settings of the page survive an adoption', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': '', 'conf.d': { '90-page.toml': 'name = "Ours"\n[keep]\nfootage = "1 day"\n' } });
  const path = join(folder, 'sallyport.toml');
  await writePageCamera(path, { id: 'a', address: '10.0.0.2', user: 'u' });
  const { config } = await loadConfig(path);
  t.same([config.name, config.keep.footageMs, config.cameras.length], ['Ours', 86_400_000, 1]);
});

const night = '[[alarm]]\nname = "Night"\nkinds = ["person"]\nzones = ["door"]\n';

t.test('zones, alarms and recordings of all files add up, and may be about what another file brings', async (t) => {
  const folder = t.testdir({
    'sallyport.toml': `${night}[[recording]]\ncameras = ["two"]\nmode = "alarms"\ndays = ["friday"]\nfrom = "sunset"\n[[camera]]\nid = "one"\naddress = "10.0.0.1"\nuser = "u"\ndetect = "hub"\n`,
    'conf.d': {
      '90-page.toml': '[[camera]]\nid = "two"\naddress = "10.0.0.2"\nuser = "u"\n[[zone]]\ncamera = "two"\nname = "door"\npoints = [[0, 0.5], [1, 0.5], [1, 1]]\n[[alarm]]\nname = "Car"\nspaces = ["home"]\nkinds = ["vehicle"]\nkeep = "2 days"\nbefore = "0 s"\nafter = "1 minute"\nsize_least = 7\nsize_most = 90\nfrom = "22:00"\nto = "06:00"\nenabled = false\n',
    },
  });
  const path = join(folder, 'sallyport.toml');
  const { config, warnings } = await loadConfig(path);
  const everyDay = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
  t.same(config.zones, [{ camera: 'two', name: 'door', mask: false, points: [[0, 0.5], [1, 0.5], [1, 1]] }]);
  t.same(config.alarms, [
    { name: 'Night', kinds: ['person'], zones: ['door'], days: everyDay, from: '00:00', to: '00:00', keepMs: 30 * 86_400_000, beforeMs: 5000, afterMs: 20_000, enabled: true },
    { name: 'Car', spaces: ['home'], kinds: ['vehicle'], sizeLeast: 0.07, sizeMost: 0.9, days: everyDay, from: '22:00', to: '06:00', keepMs: 2 * 86_400_000, beforeMs: 0, afterMs: 60_000, enabled: false },
  ]);
  t.same(config.recordings, [{ cameras: ['two'], days: ['friday'], from: 'sunset', to: '00:00', mode: 'alarms' }]);
  t.same(config.cameras.map(({ detect }) => detect), ['hub', 'both']);
  t.match(warnings.join(), /a rule goes by the sun/);
  const text = describeConfig(config).join('\n');
  t.match(text, /^two is recorded around alarms only friday from sunset to 00:00$/m);
  t.match(text, /^two: zone door$/m);
  t.match(text, /^alarm Night: person at all cameras, in door, each day; kept 30 days$/m);
  t.match(text, /^alarm Car: vehicle at all cameras of home, 7 % to 90 % of the picture's height, each day from 22:00 to 06:00, switched off; kept 2 days$/m);

  await t.rejects(takeOut(path, 'two'), /names a camera that there is not/, 'the household\'s own file is about it');
  writeFileSync(path, '');
  await writePageCamera(path, { id: 'three', address: '10.0.0.3', user: 'u' });
  t.match((await loadConfig(path)).config, { zones: [{ name: 'door' }], alarms: [{ name: 'Car' }] }, 'an adoption leaves them');
  await takeOut(path, 'two');
  t.same((await loadConfig(path)).config.zones, [], 'its zones go with it');
});

t.test('a name in two files is refused where it stands the second time', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': night.replace(/zones.*\n/, ''), 'conf.d': { '90-page.toml': `\n${night.replace(/zones.*\n/, '')}` } });
  await t.rejects(loadConfig(join(folder, 'sallyport.toml')), new RegExp(`90-page\\.toml:3: name of alarm no\\. 1 is given twice: Night`));
});

t.test('where the hub is, is known to a tenth of a degree, however exactly it was written', async (t) => {
  const folder = t.testdir({ 'sallyport.toml': '[place]\nlatitude = 52.516275\nlongitude = -13.377704\n' });
  const { config } = await loadConfig(join(folder, 'sallyport.toml'));
  t.same(config.place, { latitude: 52.5, longitude: -13.4 });
});

t.test('a configuration is described in sentences', async (t) => {
  const text = describeConfig((await loadConfig(example)).config).join('\n');
  t.match(text, /footage is kept 3 days/);
  t.match(text, /garden: 192\.168\.1\.21 port 8000 as onvif, footage kept 1 day, no sound/);
});

t.test('retention shorter than a period is warned of', async (t) => {
  const path = join(t.testdir({}), 'sallyport.toml');
  writeFileSync(path, '[keep]\nfootage = "10 minutes"\n');
  t.match((await loadConfig(path)).warnings.join(), /footage is kept 10 minutes, but one key covers 1 hour/);
});
