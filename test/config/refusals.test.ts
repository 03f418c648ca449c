import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { run } from '../../src/base/spawn.ts';
import { ConfigErrors, loadConfig } from '../../src/config.ts';

interface Told { code: string; line: number; message: string; hint: string }

async function refusal(path: string): Promise<Told[]> {
  try {
    await loadConfig(path);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.problems.map((problem) => ({ code: problem.code, line: Number(problem.evidence['line'] ?? 0), message: problem.message, hint: problem.hint }));
  }
}

function file(t: Test, content: string | Buffer): string {
  const path = join(t.testdir({}), 'sallyport.toml');
  writeFileSync(path, content);
  return path;
}

const camera = (more = ''): string => `[[camera]]\nid = "front-door"\naddress = "192.168.1.20"\nuser = "onvif"\n${more}`;

const store = (name: string, more = ''): string => `[[destination]]\nname = "${name}"\npurpose = "x"\nkind = "folder"\npath = "/d"\n${more}`;
const bucket = (name: string, more = ''): string => `[[destination]]\nname = "${name}"\npurpose = "x"\nkind = "s3"\nurl = "https://s3.example"\nbucket = "cameras"\n${more}`;

const cases: [name: string, text: string | Buffer, code: string, line: number, message: RegExp, hint: RegExp][] = [
  ['an unknown key', 'name = "Home"\nnmae = "Home"\n', 'SP_CONFIG_UNKNOWN_KEY', 2, /unknown key nmae/, /Did you mean name\?/],
  ['an unknown key in a table', '[record]\n\ncut_aftr = "60 s"\n', 'SP_CONFIG_UNKNOWN_KEY', 3, /record\.cut_aftr/, /Did you mean cut_after\?/],
  ['an unknown table', '\n[recrod]\nperiod = "1 hour"\n', 'SP_CONFIG_UNKNOWN_KEY', 2, /recrod/, /Did you mean record\?/],
  ['a key in the wrong place', 'footage = "3 days"\n', 'SP_CONFIG_UNKNOWN_KEY', 1, /footage/, /belongs under \[keep\]/],
  ['an unknown key far from all', '[keep]\nxyzzy = 1\n', 'SP_CONFIG_UNKNOWN_KEY', 2, /keep\.xyzzy/, /Known here: footage, logs, audit/],
  ['an unknown key in the second camera', `${camera()}${camera('adress = "x"\n').replace('front-door', 'garden')}`, 'SP_CONFIG_UNKNOWN_KEY', 9, /adress of camera no\. 2/, /Did you mean address\?/],
  ['an unknown dotted key', 'keep.footage = "1 day"\nkeep.fotage = "1 day"\n', 'SP_CONFIG_UNKNOWN_KEY', 2, /keep\.fotage/, /footage/],
  ['an unknown key in an inline table', 'name = "x"\nkeep = { footage = "1 day", lgos = "1 day" }\n', 'SP_CONFIG_UNKNOWN_KEY', 2, /keep\.lgos/, /Did you mean logs\?/],
  ['an unknown key in an inline list', 'camera = [\n  { id = "a", address = "10.0.0.1", user = "u" },\n  { id = "b", address = "10.0.0.2", user = "u", prot = 3 },\n]\n', 'SP_CONFIG_UNKNOWN_KEY', 3, /prot of camera no\. 2/, /Did you mean port\?/],
  ['a number where text belongs', '[keep]\nfootage = 3\n', 'SP_CONFIG_VALUE', 2, /keep\.footage must be text in double quotes, not a number/, /3 days/],
  ['text where a number belongs', camera('port = "80"\n'), 'SP_CONFIG_VALUE', 5, /port of camera no\. 1 must be a whole number, not text/, /1 to 65535/],
  ['a size without a unit', '[disk]\nbudget = "200"\n', 'SP_CONFIG_VALUE', 2, /disk\.budget is no size/, /200 GB/],
  ['a budget too small to record in', camera('budget = "9 MB"\n'), 'SP_CONFIG_VALUE', 5, /budget of camera no\. 1 is too small: at least 10 MB/, /512 MiB/],
  ['a reserve larger than any disk', '[disk]\nreserve = "100 TB"\n', 'SP_CONFIG_VALUE', 2, /disk\.reserve is too large: at most 99 TB/, /4 MB/],
  ['text where yes or no belongs', camera('audio = "no"\n'), 'SP_CONFIG_VALUE', 5, /must be true or false, not text/, /without quotes/],
  ['a private time that is none', '[[privacy]]\nfrom = "25:00"\nto = "sunrise"\n', 'SP_CONFIG_VALUE', 2, /from of/, /22:00/],
  ['a day that is none', '[[privacy]]\ndays = ["fridays"]\nfrom = "22:00"\nto = "06:00"\n', 'SP_CONFIG_VALUE', 2, /days/, /saturday/],
  ['a zone of no camera', '[[zone]]\ncamera = "gate"\nname = "door"\npoints = [[0, 0], [1, 0], [1, 1]]\n', 'SP_CONFIG_VALUE', 2, /camera of zone no\. 1 names a camera that there is not/, /There are no cameras yet/],
  ['a zone of two corners', `${camera()}[[zone]]\ncamera = "front-door"\nname = "door"\npoints = [[0, 0], [1, 0]]\n`, 'SP_CONFIG_VALUE', 8, /points of zone no\. 1 has too few entries/, /3 to 32 points/],
  ['a corner outside the picture', `${camera()}[[zone]]\ncamera = "front-door"\nname = "door"\npoints = [[0, 0], [1, 0], [640, 480]]\n`, 'SP_CONFIG_VALUE', 8, /points of zone no\. 1 is out of range/, /from 0 to 1/],
  ['a zone that is a line', `${camera()}[[zone]]\ncamera = "front-door"\nname = "door"\npoints = [[0, 0], [0.5, 0.5], [1, 1]]\n`, 'SP_CONFIG_VALUE', 8, /points of zone no\. 1 enclose nothing/, /as one goes round/],
  ['a zone twice', `${camera()}${'[[zone]]\ncamera = "front-door"\nname = "door"\npoints = [[0, 0], [1, 0], [1, 1]]\n'.repeat(2)}`, 'SP_CONFIG_DUPLICATE', 11, /name of zone no\. 2 is given twice: door/, /each zone of a camera/],
  ['an alarm without kinds', '[[alarm]]\nname = "Night"\nkinds = []\n', 'SP_CONFIG_VALUE', 3, /kinds of alarm no\. 1 is empty/, /"person"/],
  ['an alarm of what nobody observes', '[[alarm]]\nname = "Night"\nkinds = ["ghost"]\n', 'SP_CONFIG_VALUE', 3, /kinds of alarm no\. 1/, /"person", "vehicle"/],
  ['an alarm twice', '[[alarm]]\nname = "Night"\nkinds = ["person"]\n[[alarm]]\nname = "Night"\nkinds = ["vehicle"]\n', 'SP_CONFIG_DUPLICATE', 5, /name of alarm no\. 2 is given twice: Night/, /each alarm and each destination a name of its own/],
  ['an alarm of no camera', `${camera()}[[alarm]]\nname = "Night"\nkinds = ["person"]\ncameras = ["gate"]\n`, 'SP_CONFIG_VALUE', 8, /cameras of alarm no\. 1 names a camera that there is not/, /Known cameras: front-door/],
  ['an alarm of cameras and spaces', `${camera()}[[alarm]]\nname = "Night"\nkinds = ["person"]\ncameras = ["front-door"]\nspaces = ["home"]\n`, 'SP_CONFIG_VALUE', 9, /spaces of alarm no\. 1 stands beside cameras/, /either cameras or spaces/],
  ['an alarm in no zone', '[[alarm]]\nname = "Night"\nkinds = ["person"]\nzones = ["door"]\n', 'SP_CONFIG_VALUE', 4, /zones of alarm no\. 1 names a zone that there is not/, /no zones yet/],
  ['an alarm in a mask', `${camera()}[[zone]]\ncamera = "front-door"\nname = "street"\nmask = true\npoints = [[0, 0], [1, 0], [1, 1]]\n[[alarm]]\nname = "Night"\nkinds = ["person"]\nzones = ["street"]\n`, 'SP_CONFIG_VALUE', 13, /names a zone that there is not/, /no zones yet/],
  ['an alarm in another camera\'s zone', `${camera()}${camera().replace('front-door', 'garden').replace('.20', '.21')}[[zone]]\ncamera = "garden"\nname = "door"\npoints = [[0, 0], [1, 0], [1, 1]]\n[[alarm]]\nname = "Night"\ncameras = ["front-door"]\nkinds = ["person"]\nzones = ["door"]\n`, 'SP_CONFIG_VALUE', 17, /names a zone that none of its cameras has/, /Draw the zone/],
  ['an alarm larger than the picture', '[[alarm]]\nname = "Night"\nkinds = ["person"]\nsize_least = 101\n', 'SP_CONFIG_VALUE', 4, /size_least of alarm no\. 1/, /per cent, from 1 to 100/],
  ['an alarm of half a per cent', '[[alarm]]\nname = "Night"\nkinds = ["person"]\nsize_most = 0.5\n', 'SP_CONFIG_VALUE', 4, /size_most of alarm no\. 1/, /per cent, from 1 to 100/],
  ['an alarm of no size', '[[alarm]]\nname = "Night"\nkinds = ["person"]\nsize_least = 40\nsize_most = 30\n', 'SP_CONFIG_VALUE', 5, /size_most of alarm no\. 1 is less than size_least/, /Nothing would ever ring/],
  ['a pre-roll longer than memory', '[[alarm]]\nname = "Night"\nkinds = ["person"]\nbefore = "31 seconds"\n', 'SP_CONFIG_VALUE', 4, /before of alarm no\. 1 is too long: at most 30 seconds/, /30 seconds/],
  ['a recording of no mode', '[[recording]]\nfrom = "22:00"\n', 'SP_CONFIG_VALUE', 1, /mode of recording no\. 1 is missing/, /"continuous", "alarms" or "off"/],
  ['a recording of no camera', `${camera()}[[recording]]\nmode = "off"\ncameras = ["gate"]\n`, 'SP_CONFIG_VALUE', 7, /cameras of recording no\. 1/, /Known cameras/],
  ['detection by nobody known', camera('detect = "cloud"\n'), 'SP_CONFIG_VALUE', 5, /detect of camera no\. 1 is none of the values/, /"both", "hub", "camera" or "off"/],
  ['half a place', '[place]\nlatitude = 52.5\n', 'SP_CONFIG_VALUE', 1, /longitude/, /13\.4/],
  ['a date where text belongs', 'name = 2026-11-24\n', 'SP_CONFIG_VALUE', 1, /not a date/, /text/],
  ['a value where a table belongs', 'keep = "3 days"\n', 'SP_CONFIG_VALUE', 1, /keep must be a table/, /\[keep\]/],
  ['one bracket instead of two', '[camera]\nid = "a"\n', 'SP_CONFIG_VALUE', 1, /camera must be a list of tables/, /\[\[camera\]\]/],
  ['none of the values', '[time]\nsource = "gps"\n', 'SP_CONFIG_VALUE', 2, /time\.source is none of the values/, /"ntp" or "system"/],
  ['a bad duration', '[keep]\nfootage = "3 parsecs"\n', 'SP_CONFIG_VALUE', 2, /keep\.footage is no duration/, /10 seconds to 10 years/],
  ['a negative duration', '[keep]\nfootage = "-3 days"\n', 'SP_CONFIG_VALUE', 2, /is no duration/, /3 days/],
  ['too short a duration', '[keep]\nfootage = "9 seconds"\n', 'SP_CONFIG_VALUE', 2, /is too short: at least 10 seconds/, /10 years/],
  ['too long a duration', '[record]\ncut_after = "91 s"\n', 'SP_CONFIG_VALUE', 2, /is too long: at most 90 seconds/, /2 seconds to 90 seconds/],
  ['a period that does not divide a day', '[record]\nperiod = "7 hours"\n', 'SP_CONFIG_VALUE', 2, /does not divide 1 day/, /whole number of them/],
  ['a port out of range', camera('port = 65536\n'), 'SP_CONFIG_VALUE', 5, /out of range/, /65535/],
  ['a fraction as port', camera('port = 80.5\n'), 'SP_CONFIG_VALUE', 5, /whole number/, /65535/],
  ['an id that is no folder name', camera().replace('front-door', '../etc'), 'SP_CONFIG_VALUE', 2, /id of camera no\. 1/, /a-z, 0-9 and hyphen/],
  ['an id of one option', camera().replace('front-door', '-rf'), 'SP_CONFIG_VALUE', 2, /id of camera no\. 1/, /beginning with a letter/],
  ['a missing key', '[[camera]]\nid = "a"\nuser = "u"\n', 'SP_CONFIG_VALUE', 1, /address of camera no\. 1 is missing/, /192\.168\.1\.20/],
  ['an address that is a URL', camera().replace('192.168.1.20', 'http://192.168.1.20/'), 'SP_CONFIG_VALUE', 3, /address/, /alone/],
  ['an address with a port', camera().replace('192.168.1.20', '192.168.1.20:80'), 'SP_CONFIG_VALUE', 3, /address/, /keys of their own/],
  ['an address out of range', camera().replace('192.168.1.20', '192.168.1.256'), 'SP_CONFIG_VALUE', 3, /is no IPv4 address/, /IPv4/],
  ['an address in octal', camera().replace('192.168.1.20', '192.168.1.020'), 'SP_CONFIG_VALUE', 3, /is no IPv4 address/, /IPv4/],
  ['an address as one number', camera().replace('192.168.1.20', '0x7f000001'), 'SP_CONFIG_VALUE', 3, /is no IPv4 address/, /IPv4/],
  ['an address of many', camera().replace('192.168.1.20', '239.255.255.250'), 'SP_CONFIG_VALUE', 3, /not the address of one device/, /IPv4/],
  ['a name that is no host name', camera().replace('192.168.1.20', 'a..b'), 'SP_CONFIG_VALUE', 3, /no host name/, /host name/],
  ['a path that leads to another host', camera('path = "//evil/x"\n'), 'SP_CONFIG_VALUE', 5, /path of camera no\. 1/, /one \//],
  ['a control character in a name', camera('name = "a\\u0007b"\n'), 'SP_CONFIG_VALUE', 5, /name of camera no\. 1/, /plain text/],
  ['a home folder by tilde', 'data = "~/sallyport"\n', 'SP_CONFIG_VALUE', 1, /data/, /~ is not expanded/],
  ['a program that is an option', '[capture]\nffmpeg = "-version"\n', 'SP_CONFIG_VALUE', 2, /capture\.ffmpeg/, /path/],
  ['a camera twice', `${camera()}${camera().replace('.20', '.21')}`, 'SP_CONFIG_DUPLICATE', 6, /id of camera no\. 2 is given twice: front-door/, /id of its own/],
  ['an address twice', `${camera()}${camera().replace('front-door', 'garden')}`, 'SP_CONFIG_VALUE', 7, /those of front-door already/, /address and port of its own/],
  ['a destination twice', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\n'.repeat(2), 'SP_CONFIG_DUPLICATE', 7, /name of destination no\. 2 is given twice: d/, /each alarm and each destination a name/],
  ['a destination without its address', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "webdav"\n', 'SP_CONFIG_VALUE', 1, /url of destination no\. 1 is missing/, /kind "webdav" needs it/],
  ['a key of another kind', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "ntfy"\nurl = "https://n.example"\nsend = "all"\n', 'SP_CONFIG_VALUE', 6, /send of destination no\. 1 does not go with kind "ntfy"/, /With it go: url/],
  ['a destination in the clear', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "webdav"\nurl = "http://nas.example/"\n', 'SP_CONFIG_VALUE', 5, /url of destination no\. 1 must begin with https/, /CONFIG/],
  ['a destination with a password in its address', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "webdav"\nurl = "https://me:hunter2@nas.example/"\n', 'SP_CONFIG_SECRET', 5, /url of destination no\. 1 holds a secret/, /secret set/],
  ['a destination for no camera', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\ncameras = ["gate"]\n', 'SP_CONFIG_VALUE', 6, /cameras of destination no\. 1 names a camera that there is not/, /no cameras yet/],
  ['an archive of what alarms keep', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\narchive_after = "1 day"\n', 'SP_CONFIG_VALUE', 6, /archive_after of destination no\. 1 stands without send = "all"/, /stays at the hub/],
  ['an archive of what is destroyed before', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\nsend = "all"\narchive_after = "3 days"\n', 'SP_CONFIG_VALUE', 7, /archive_after of destination no\. 1 is not shorter than the footage is kept/, /kept for 3 days at most/],
  ['an archive of a camera that is kept for less', `${camera('keep = "1 day"\n')}[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\nsend = "all"\ncameras = ["front-door"]\narchive_after = "2 days"\n`, 'SP_CONFIG_VALUE', 13, /not shorter/, /kept for 1 day at most/],
  ['keys that go nowhere', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\nslots = "far"\nslots_at = "e"\n', 'SP_CONFIG_VALUE', 7, /slots_at of destination no\. 1 names a destination that there is not/, /Known: d/],
  ['keys beside what they open, unsaid', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\nslots = "far"\nslots_at = "d"\n', 'SP_CONFIG_VALUE', 7, /slots_at of destination no\. 1 is this destination itself/, /slots_same_place/],
  ['keys at the very place of what they open, under another name', `${store('d', 'slots = "far"\nslots_at = "e"\n')}${store('e').replace('/d', '/d/../d/keys')}`, 'SP_CONFIG_VALUE', 7, /slots_at of destination no\. 1 is this very place by another name/, /slots_same_place/],
  ['keys in the bucket of what they open', `${bucket('d', 'prefix = "a/"\nslots = "far"\nslots_at = "e"\n')}${bucket('e', 'prefix = "b/"\n')}`, 'SP_CONFIG_VALUE', 9, /slots_at of destination no\. 1 is this very place/, /slots_same_place/],
  ['the hub\'s data as a destination', `data = "data"\n${store('d').replace('/d', 'data')}`, 'SP_CONFIG_VALUE', 6, /path of destination no\. 1 is, holds or lies in the hub's own data folder/, /must not reach/],
  ['a destination in the hub\'s data', `data = "data"\n${store('d').replace('/d', 'x/../data/footage')}`, 'SP_CONFIG_VALUE', 6, /lies in the hub's own data folder/, /must not reach/],
  ['the whole machine as a destination', store('d').replace('/d', '/'), 'SP_CONFIG_VALUE', 5, /holds or lies in the hub's own data folder/, /must not reach/],
  ['a destination that holds the configuration', store('d').replace('/d', '.'), 'SP_CONFIG_VALUE', 5, /path of destination no\. 1 holds the hub's configuration/, /must not tell the hub/],
  ['an authority among the hub\'s keys', 'data = "data"\n[[destination]]\nname = "d"\npurpose = "x"\nkind = "webdav"\nurl = "https://nas.example/"\nca = "data/working.key"\n', 'SP_CONFIG_VALUE', 7, /ca of destination no\. 1 lies in the hub's own data folder/, /must not reach/],
  ['a host that is written as another', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "webdav"\nurl = "https://nas.home.arpa%2Eevil.example/"\n', 'SP_CONFIG_VALUE', 5, /url of destination no\. 1 is not written as it is used/, /CONFIG/],
  ['a proxy for what is said in the clear', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "webdav"\nurl = "http://127.0.0.1:8080/"\nproxy = "http://192.168.1.2:3128"\n', 'SP_CONFIG_VALUE', 5, /url of destination no\. 1 must begin with https:\/\/ or mqtts:\/\/ where there is a proxy/, /CONFIG/],
  ['one broker and topic twice', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "mqtt"\nurl = "mqtts://b.example"\n[[destination]]\nname = "e"\npurpose = "x"\nkind = "mqtt"\nurl = "mqtts://B.example"\ntopic = "sallyport"\n', 'SP_CONFIG_VALUE', 10, /url of destination no\. 2 and topic are those of another/, /another topic/],
  ['pieces that are too small', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "folder"\npath = "/d"\nconstant_size = "4 KiB"\n', 'SP_CONFIG_VALUE', 6, /constant_size of destination no\. 1 is too small/, /64 KiB/],
  ['pieces of a notice', '[[destination]]\nname = "d"\npurpose = "x"\nkind = "ntfy"\nurl = "https://n.example"\njitter = "5 minutes"\n', 'SP_CONFIG_VALUE', 6, /jitter of destination no\. 1 does not go with kind "ntfy"/, /With it go: url/],
  ['a password', camera('password = "hunter2"\n'), 'SP_CONFIG_SECRET', 5, /password of camera no\. 1 holds a secret/, /sallyport secret set/],
  ['a secret under an unknown table', '[mqtt]\nuser = "x"\napi_key = "hunter2"\n', 'SP_CONFIG_SECRET', 3, /mqtt\.api_key holds a secret/, /secret set/],
  ['a secret deep inside', '[a]\nb = { c = [ { "pass-phrase" = "hunter2" } ] }\n', 'SP_CONFIG_SECRET', 2, /holds a secret/, /secret set/],
  ['a URL with a password', camera('path = "rtsp://admin:hunter2@192.168.1.20/live"\n'), 'SP_CONFIG_SECRET', 5, /path of camera no\. 1 holds a secret/, /secret set/],
  ['a URL with a password in escapes', 'name = "rtsp:\\u002f/admin:hunter2@x/"\n', 'SP_CONFIG_SECRET', 1, /name holds a secret/, /secret set/],
  ['a password as parameter', camera('path = "/snap.cgi?-usr=admin&-pwd=hunter2"\n'), 'SP_CONFIG_SECRET', 5, /path of camera no\. 1/, /secret set/],
  ['an age identity', 'owner = "AGE-SECRET-KEY-1HUNTER2"\n', 'SP_CONFIG_SECRET', 1, /owner holds a secret/, /secret set/],
  ['a user with a password', camera().replace('"onvif"', '"admin:hunter2"'), 'SP_CONFIG_VALUE', 4, /user of camera no\. 1/, /without a colon/],
  ['broken syntax beside a password', 'password = "hunter2\nname = "x"\n', 'SP_CONFIG_SYNTAX', 1, /not valid TOML/, /double quotes/],
  ['a key given twice', 'name = "a"\nname = "b"\n', 'SP_CONFIG_SYNTAX', 2, /not valid TOML/, /quotes/],
  ['a prototype key', '__proto__ = { polluted = true }\n', 'SP_CONFIG_UNKNOWN_KEY', 1, /__proto__/, /Known here/],
  ['a prototype key in a camera', camera('constructor = { prototype = 1 }\n'), 'SP_CONFIG_UNKNOWN_KEY', 5, /constructor of camera no\. 1/, /Known here/],
  ['a prototype table', '[__proto__.x]\ny = 1\n', 'SP_CONFIG_UNKNOWN_KEY', 1, /__proto__/, /Known here/],
  ['Latin-1', Buffer.from('# ok\nname = "T\xfcr"\n', 'latin1'), 'SP_CONFIG_SYNTAX', 2, /not saved as UTF-8/, /TOML|quotes/],
  ['UTF-16', Buffer.from('\ufeffname = "x"\n', 'utf16le'), 'SP_CONFIG_SYNTAX', 1, /UTF-16/, /quotes/],
  ['a NUL byte', 'name = "a\0b"\n', 'SP_CONFIG_SYNTAX', 1, /not valid TOML/, /quotes/],
  ['deep nesting', `name = ${'['.repeat(100_000)}\n`, 'SP_CONFIG_SYNTAX', 1, /nested/, /quotes/],
  ['a number beyond all numbers', camera('port = 99999999999999999999\n'), 'SP_CONFIG_SYNTAX', 5, /integer/, /quotes/],
];

for (const [name, text, code, line, message, hint] of cases) {
  t.test(`refused with code, line and hint: ${name}`, async (t) => {
    const path = file(t, text);
    const told = await refusal(path);
    const first = told[0];
    t.equal(first?.code, code);
    t.equal(first?.line, line);
    t.match(first?.message, message);
    t.ok(first?.message.includes(`${path}:${line}`), 'file and line are in the sentence');
    t.match(first?.hint, hint);
    t.notMatch(JSON.stringify(told), /hunter2/i, 'no secret is repeated');
  });
}

t.test('all problems are told at once, but not more than fifty', async (t) => {
  t.same((await refusal(file(t, 'nmae = "x"\n[keep]\nfootage = 3\nlogs = "1 minute"\n[[camera]]\npassword = "x"\n'))).map((told) => [told.code, told.line]), [
    ['SP_CONFIG_SECRET', 6], ['SP_CONFIG_UNKNOWN_KEY', 1], ['SP_CONFIG_VALUE', 3], ['SP_CONFIG_VALUE', 4], ['SP_CONFIG_VALUE', 5], ['SP_CONFIG_VALUE', 5], ['SP_CONFIG_VALUE', 5],
  ]);
  const many = Array.from({ length: 5000 }, (_, index) => `k${index} = 1`).join('\n');
  t.equal((await refusal(file(t, many))).length, 50);
});

t.test('what is no readable file is refused as such', async (t) => {
  const folder = t.testdir({ 'folder.toml': {} });
  const fifo = join(folder, 'fifo.toml');
  t.equal((await run('mkfifo', [fifo], { timeoutMs: 5000 })).status, 0);
  const huge = join(folder, 'huge.toml');
  writeFileSync(huge, '');
  truncateSync(huge, 100 * 2 ** 20);
  for (const [path, why] of [[join(folder, 'folder.toml'), /not a regular file|is a folder/], [join(folder, 'none.toml'), /no such file/], [fifo, /not a regular file/], [huge, /larger than 1048576 bytes/], ['/dev/zero', /not a regular file/]] as const) {
    const [told] = await refusal(path);
    t.equal(told?.code, 'SP_CONFIG_FILE', path);
    t.match(told?.message, why);
    t.match(told?.hint, /1 MiB/);
  }
});

t.test('a bomb of a megabyte is refused like any other file', async (t) => {
  const size = 2 ** 20 - 64;
  const bombs = [`${'a.'.repeat(size / 2)}a = 1`, `[${'a.'.repeat(size / 2)}a]`, `a = ${'{ a = '.repeat(size / 8)}`, '[[camera]]\n'.repeat(size / 11), '[[a]]\n[a.b]\n'.repeat(size / 12), `a = "${'\\'.repeat(size)}"`, `"${'k'.repeat(size)}" = 1`];
  for (const bomb of bombs) {
    const told = await refusal(file(t, bomb));
    t.ok(told.length > 0 && told.length <= 50);
    t.ok(told.every((one) => one.message.length < 1000), 'and the sentence stays short');
  }
});

t.test('problems in conf.d name their own file', async (t) => {
  const path = file(t, camera());
  mkdirSync(join(path, '..', 'conf.d'));
  const other = join(path, '..', 'conf.d', '10-more.toml');
  writeFileSync(other, `# more\n${camera()}`);
  const [told] = await refusal(path);
  t.equal(told?.code, 'SP_CONFIG_DUPLICATE');
  t.match(told?.message, new RegExp(`^${other}:3: `));
});

t.test('no text makes it fail in another way', async (t) => {
  const pieces = fc.constantFrom('[', ']', '[[', ']]', '{', '}', '"', "'", '"""', "'''", '=', '.', ',', '#', '\n', '\r\n', ' ', '\\', 'camera', 'id', 'keep', 'name', '__proto__', '1', '"x"', 'true', '\ufeff', 'ü', '\0');
  const path = file(t, '');
  await fc.assert(fc.asyncProperty(fc.array(pieces, { maxLength: 40 }), async (parts) => {
    writeFileSync(path, parts.join(''));
    for (const told of await refusal(path)) if (!told.code.startsWith('SP_CONFIG_')) throw new Error(told.code);
  }), { numRuns: 500 });
});
