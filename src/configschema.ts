/**
 * The one schema of the configuration: it validates, completes in editors (config/schema.json), documents (docs/CONFIG.md), is what the
 * page makes its forms of, and says what needs a restart (`x-restart`) and what files alone set (`x-file`). Durations are text in the
 * file; `x-min` and `x-max` say their range.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { destinationKinds, sends, slotPlaces } from './policy/declared.ts';
import { cameraIdPattern } from './policy/names.ts';
import { noticeMessageKinds } from './policy/noticing.ts';
import { observationKinds } from './policy/observations.ts';
import { facesLocks } from './policy/people.ts';
import { recordModes } from './policy/recordmode.ts';
import { momentPattern, weekdays } from './policy/schedule.ts';
import type { SchemaNode } from './policy/schemanode.ts';
import { detectBy, fileKeys, jailLevels, restartKeys } from './policy/settings.ts';

const durationPattern = '^[0-9]{1,9} *(ms|s|secs?|seconds?|mins?|minutes?|h|hours?|d|days?|weeks?|months?|years?)$';
const sizePattern = '^[0-9]{1,12} *(kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$';
/** No control characters; at least one visible one at both ends. */
const plainText = '^[^\\s\\p{C}]([^\\p{C}]*[^\\s\\p{C}])?$';

/** A host name, an IPv4 or an IPv6 address. */
const pageNamePattern = '^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$';

function about(key: string, description: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const title = titles[key];
  return { ...(title === undefined ? {} : { title }), description, ...(restartKeys.has(key) ? { 'x-restart': true } : {}), ...(fileKeys.has(key) ? { 'x-file': true } : {}), ...more };
}

/** What each key is called in forms. */
const titles: Readonly<Record<string, string>> = {
  'name': 'Name of the hub', 'data': 'Data folder', 'data_mount': 'Data folder on a disk of its own', 'owner': 'Owner list', 'socket': 'Control socket',
  'record': 'Recording', 'record.period': 'One key covers', 'record.cut_after': 'New segment after', 'record.thumbnails': 'Thumbnails',
  'keep': 'Kept for', 'keep.footage': 'Footage', 'keep.logs': 'Log', 'keep.audit': 'Audit',
  'disk': 'Room on the disk', 'disk.budget': 'All footage together', 'disk.reserve': 'Stays free',
  'scrub': 'Checking what is stored', 'scrub.every': 'Again after', 'scrub.rate': 'Read per second',
  'time': 'Clock', 'time.source': 'Whose time is believed', 'time.settle': 'Steady for',
  'discovery': 'Finding cameras', 'discovery.loopback': 'On this machine, too', 'discovery.interfaces': 'Network interfaces',
  'page': 'This page', 'page.enabled': 'There is a page', 'page.port': 'Port for HTTPS', 'page.http_port': 'Port on this machine itself', 'page.names': 'Names and addresses', 'page.panels': 'Wall panels', 'page.certificate': 'Certificate', 'page.certificate_key': 'Key of the certificate',
  'capture': 'Programs that read cameras', 'capture.ffmpeg': 'ffmpeg', 'capture.ffprobe': 'ffprobe', 'capture.jail': 'Least confinement',
  'faces': 'Faces', 'faces.enabled': 'Faces are recognised', 'faces.consent_lasts': 'A consent lasts', 'faces.lock': 'Who has the keys of who is recognised',
  'log': 'Log', 'log.level': 'How much is logged',
  'place': 'Where the hub is', 'place.latitude': 'Latitude', 'place.longitude': 'Longitude',
  'privacy': 'Private by itself', 'privacy.space': 'Space', 'privacy.days': 'Days', 'privacy.from': 'From', 'privacy.to': 'To',
  'camera': 'Cameras', 'camera.id': 'Id', 'camera.name': 'Name', 'camera.address': 'Address', 'camera.port': 'Port', 'camera.path': 'Path', 'camera.https': 'Asked by HTTPS', 'camera.user': 'User', 'camera.keep': 'Footage is kept', 'camera.audio': 'Sound', 'camera.record': 'Recorded',
  'camera.sub': 'Small pictures, too', 'camera.events': 'Events', 'camera.space': 'Space', 'camera.budget': 'May take of the disk', 'camera.serial': 'Serial number', 'camera.alias': 'Called outside', 'camera.detect': 'Whose observations count',
  'zone': 'Zones and masks', 'zone.camera': 'Camera', 'zone.name': 'Name', 'zone.mask': 'Never looked at', 'zone.points': 'Corners',
  'alarm': 'Alarms', 'alarm.name': 'Name', 'alarm.cameras': 'Cameras', 'alarm.spaces': 'Spaces', 'alarm.kinds': 'What rings', 'alarm.zones': 'Zones', 'alarm.size_least': 'Size at least', 'alarm.size_most': 'Size at most', 'alarm.days': 'Days', 'alarm.from': 'From', 'alarm.to': 'To',
  'alarm.keep': 'Kept for', 'alarm.before': 'Before it', 'alarm.after': 'After it', 'alarm.enabled': 'It rings',
  'recording': 'When cameras are recorded', 'recording.cameras': 'Cameras', 'recording.spaces': 'Spaces', 'recording.days': 'Days', 'recording.from': 'From', 'recording.to': 'To', 'recording.mode': 'What is recorded',
  'destination': 'What leaves the house', 'destination.name': 'Name', 'destination.purpose': 'Purpose', 'destination.kind': 'Kind', 'destination.send': 'What it gets', 'destination.cameras': 'Cameras', 'destination.slots': 'Where the keys are',
  'destination.path': 'Folder', 'destination.mount': 'On a disk of its own', 'destination.url': 'Address', 'destination.fingerprint': 'Fingerprint of its certificate', 'destination.ca': 'Authority', 'destination.proxy': 'Proxy', 'destination.bucket': 'Bucket', 'destination.region': 'Region', 'destination.prefix': 'Prefix',
  'destination.slots_at': 'Which place gets the keys', 'destination.slots_same_place': 'Keys and footage in one place', 'destination.limit': 'Sent per second', 'destination.archive_after': 'Lies there alone after', 'destination.constant_size': 'In pieces of', 'destination.jitter': 'Sent later, up to', 'destination.hours': 'Sent at', 'destination.lanes': 'Sent at once', 'destination.read_back': 'Read again',
  'destination.kinds': 'What it hears of', 'destination.picture': 'Sealed picture', 'destination.group': 'One message within', 'destination.per_hour': 'Messages an hour', 'destination.quiet': 'Quiet at', 'destination.urgent': 'Rings all the same', 'destination.topic': 'Topic', 'destination.discovery': 'Where it is looked for', 'destination.commands': 'Takes orders',
};

/** Where nothing says otherwise. */
export const footageKeptFor = '3 days';
export const dataFolder = '/var/lib/sallyport';

function text(key: string, description: string, more: { default?: string; maxLength?: number; pattern?: string; expected?: string; examples?: string[]; 'x-unit'?: 'address' | 'moment' } = {}) {
  const { expected, ...rest } = more;
  return Type.String(about(key, description, { minLength: 1, maxLength: 80, pattern: plainText, 'x-expected': expected ?? 'plain text', ...rest }));
}

function path(key: string, description: string, fallback?: string) {
  return text(key, description, {
    maxLength: 4096, pattern: '^[^\\p{C}~-][^\\p{C}]*$', expected: 'a path; relative ones begin at the folder of sallyport.toml, and ~ is not expanded', ...(fallback === undefined ? {} : { default: fallback }),
  });
}

function duration(key: string, description: string, more: { default?: string; min: string; max: string; divides?: string }) {
  const { min, max, divides, ...rest } = more;
  return Type.String(about(key, description, {
    pattern: durationPattern, 'x-unit': 'duration', 'x-min': min, 'x-max': max, ...(divides === undefined ? {} : { 'x-divides': divides }),
    'x-expected': `a number and a unit, such as "90 seconds" or "3 days"; ${min} to ${max}${divides === undefined ? '' : `, and ${divides} must be a whole number of them`}`, ...rest,
  }));
}

function size(key: string, description: string, more: { default?: string; min: string; max: string; defaultText?: string }) {
  const { min, max, defaultText, ...rest } = more;
  return Type.String(about(key, description, {
    pattern: sizePattern, 'x-unit': 'size', 'x-min': min, 'x-max': max, ...(defaultText === undefined ? {} : { 'x-default': defaultText }),
    'x-expected': `a number and a unit, such as "200 GB" or "512 MiB"; ${min} to ${max}`, ...rest,
  }));
}

function port(key: string, description: string, fallback: number) {
  return Type.Integer(about(key, description, { minimum: 0, maximum: 65_535, default: fallback, 'x-expected': 'a whole number from 0 to 65535' }));
}

function percent(key: string, description: string) {
  return Type.Integer(about(key, description, { minimum: 1, maximum: 100, 'x-expected': 'a whole number of per cent, from 1 to 100' }));
}

function yesNo(key: string, description: string, fallback: boolean) {
  return Type.Boolean(about(key, description, { default: fallback, 'x-expected': 'true or false, without quotes' }));
}

function table<P extends Record<string, TSchema>>(key: string, description: string, properties: P) {
  return Type.Optional(Type.Object(properties, { additionalProperties: false, ...about(key, description) }));
}

export const CameraSchema = Type.Object({
  id: text('camera.id', 'The camera\'s name in commands, folders and records. It never changes.', {
    maxLength: 40, pattern: cameraIdPattern.source, expected: '1 to 40 of a-z, 0-9 and hyphen, beginning with a letter or digit', examples: ['front-door'],
  }),
  name: Type.Optional(text('camera.name', 'What people call it; the id when absent.')),
  address: text('camera.address', 'IPv4 address or host name, without http:// or a port.', {
    maxLength: 253, pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$', expected: 'an IPv4 address or host name alone, such as "192.168.1.20"; port and path have keys of their own', examples: ['192.168.1.20'], 'x-unit': 'address',
  }),
  port: Type.Optional(Type.Integer(about('camera.port', 'Port of its ONVIF service; with `https` 443 when absent.', { minimum: 1, maximum: 65_535, default: 80, 'x-expected': 'a whole number from 1 to 65535' }))),
  path: Type.Optional(text('camera.path', 'Path of its ONVIF device service.', {
    maxLength: 256, pattern: '^/(?!/)[!-~]*$', default: '/onvif/device_service', expected: 'a path that begins with one /',
  })),
  https: Type.Optional(yesNo('camera.https', 'Whether it is asked by HTTPS, and its stream taken by RTSPS where it has that. The certificate that it shows first is remembered; another one is not believed.', false)),
  user: text('camera.user', 'The user at the camera. Its password never stands in a file: `sallyport secret set ID`.', {
    maxLength: 64, pattern: '^[^\\p{C}:]+$', expected: 'the user\'s name alone, without a colon', examples: ['onvif'],
  }),
  keep: Type.Optional(duration('camera.keep', 'How long its footage is kept; `keep.footage` when absent. A longer time than now waits for the owner\'s yes.', { min: '10 seconds', max: '10 years' })),
  audio: Type.Optional(yesNo('camera.audio', 'Whether sound is recorded. Waits for the owner\'s yes.', false)),
  record: Type.Optional(yesNo('camera.record', 'Whether it is recorded.', true)),
  sub: Type.Optional(yesNo('camera.sub', 'Whether its sub stream is recorded too: small pictures for slow connections.', false)),
  events: Type.Optional(yesNo('camera.events', 'Whether its events (motion, persons, a door bell, …) are asked for and kept as observations, as long as its footage.', true)),
  detect: Type.Optional(Type.Enum([...detectBy], about('camera.detect', 'Whose observations count for alarms: what the hub finds in its pictures, what its own events say, or both. The hub looks only while an alarm needs it.', { default: 'both', 'x-expected': '"both", "hub", "camera" or "off"' }))),
  space: Type.Optional(text('camera.space', 'Which space, that is which people, its footage is sealed for. The owner list names the spaces.', {
    maxLength: 40, pattern: cameraIdPattern.source, default: 'home', expected: 'the name of a space in the owner list',
  })),
  budget: Type.Optional(size('camera.budget', 'What its footage may take of the disk. Beyond it, its own oldest footage goes before its deadline.', { min: '10 MB', max: '999 TB' })),
  alias: Type.Optional(text('camera.alias', 'What notices call it outside of the house: whoever reads them on their way reads this, so another one waits for an owner\'s yes. Absent: a number, such as camera-1.', { maxLength: 40, pattern: '^(?!camera(-[0-9]+)?$)[a-z0-9][a-z0-9-]{0,39}$', expected: '1 to 40 of a-z, 0-9 and hyphen, and none of the numbers that the hub gives', examples: ['north'] })),
  serial: Type.Optional(text('camera.serial', 'Its serial number, as it said when it was adopted.', { maxLength: 100 })),
}, { additionalProperties: false, description: 'A camera; one such table each.' });

const moment = { pattern: momentPattern, expected: 'a time of the day such as "22:00", "sunrise" or "sunset"', 'x-unit': 'moment' as const };

function days(key: string) {
  return Type.Optional(Type.Array(Type.Enum([...weekdays]), about(key, 'On which days it begins; each day when absent.', { minItems: 1, maxItems: 7, 'x-expected': 'a list of days, such as ["saturday", "sunday"]' })));
}

/** The keys by which a rule says of which cameras it is. */
function which(table: string) {
  return {
    cameras: Type.Optional(Type.Array(text(`${table}.cameras`, 'A camera.', { maxLength: 40, pattern: cameraIdPattern.source }),
      about(`${table}.cameras`, 'Which cameras; all when neither cameras nor spaces are given.', { minItems: 1, maxItems: 256, 'x-expected': 'a list of camera ids, such as ["front-door"]' }))),
    spaces: Type.Optional(Type.Array(text(`${table}.spaces`, 'A space.', { maxLength: 40, pattern: cameraIdPattern.source }),
      about(`${table}.spaces`, 'Which spaces, instead of cameras.', { minItems: 1, maxItems: 64, 'x-expected': 'a list of spaces, such as ["home"]' }))),
  };
}

/** The keys by which a rule says when; midnight where nothing is said, so that none of them is always. */
function when(table: string) {
  return {
    days: days(`${table}.days`),
    from: Type.Optional(text(`${table}.from`, 'When its time begins, by the machine\'s zone or by the sun; midnight when absent.', moment)),
    to: Type.Optional(text(`${table}.to`, 'When its time ends; on the next day where it is not later than `from`; midnight when absent.', moment)),
  };
}

export const PrivacySchema = Type.Object({
  space: Type.Optional(text('privacy.space', 'Which space. Its cameras are then neither watched nor recorded.', { maxLength: 40, pattern: cameraIdPattern.source, default: 'home', expected: 'the name of a space in the owner list' })),
  days: days('privacy.days'),
  from: text('privacy.from', 'When it begins, by the machine\'s zone or by the sun.', moment),
  to: text('privacy.to', 'When it ends; on the next day where it is not later than `from`.', moment),
}, { additionalProperties: false, description: 'A time in which a space is private. To take one out waits for the owner\'s yes.' });

const pointExpected = { 'x-expected': 'a list of 3 to 32 points [x, y], each from 0 to 1 of the picture\'s width and height, from its upper left corner' };
export const ZoneSchema = Type.Object({
  camera: text('zone.camera', 'In whose picture it lies.', { maxLength: 40, pattern: cameraIdPattern.source, expected: 'the id of a camera' }),
  name: text('zone.name', 'What it is called; alarms name it so. Zones of several cameras may have the same name.', { maxLength: 40 }),
  mask: Type.Optional(yesNo('zone.mask', 'Whether it is a place that is never looked at: the street, a neighbour\'s window. It is recorded all the same.', false)),
  points: Type.Array(Type.Array(Type.Number({ minimum: 0, maximum: 1 }), { minItems: 2, maxItems: 2 }),
    about('zone.points', 'Its corners in their order, as fractions of the picture.', { minItems: 3, maxItems: 32, ...pointExpected })),
}, { additionalProperties: false, description: 'A place in a camera\'s picture. Somebody is in it whose feet are.' });

export const AlarmSchema = Type.Object({
  name: text('alarm.name', 'What it is called, in notices and lists.', { maxLength: 40, examples: ['Night'] }),
  ...which('alarm'),
  kinds: Type.Array(Type.Enum([...observationKinds]), about('alarm.kinds', 'What becomes an alarm, whoever has observed it: the camera, or the hub itself (person, vehicle, motion).', { minItems: 1, maxItems: observationKinds.length, 'x-expected': `a list of ${observationKinds.map((kind) => `"${kind}"`).join(', ')}` })),
  zones: Type.Optional(Type.Array(text('alarm.zones', 'A zone.', { maxLength: 40 }),
    about('alarm.zones', 'Only in these zones; anywhere when absent. Where a thing is only the hub knows: what a camera says without a place does not count then, but for sounds, door bells and the like.', { minItems: 1, maxItems: 64, 'x-expected': 'a list of names of zones, such as ["door"]' }))),
  size_least: Type.Optional(percent('alarm.size_least', 'Only what is at least so high, in per cent of the picture\'s height; whoever comes nearer counts from then on. How high a thing is only the hub knows: what a camera says without it does not count then, but for sounds, door bells and the like.')),
  size_most: Type.Optional(percent('alarm.size_most', 'Only what is at most so high, in per cent of the picture\'s height, such as nothing that covers the lens. What a camera says without a size does not count then, either.')),
  ...when('alarm'),
  keep: Type.Optional(duration('alarm.keep', 'How long its pictures and its footage are kept. A longer time than now, or in a new alarm than `keep.footage`, waits for the owner\'s yes.', { default: '30 days', min: '10 seconds', max: '10 years' })),
  before: Type.Optional(duration('alarm.before', 'So much before it is kept too; the hub has it in memory.', { default: '5 seconds', min: '0 seconds', max: '30 seconds' })),
  after: Type.Optional(duration('alarm.after', 'So much after it is kept too. Whoever comes back within it has not been away.', { default: '20 seconds', min: '0 seconds', max: '5 minutes' })),
  enabled: Type.Optional(yesNo('alarm.enabled', 'Whether it rings.', true)),
}, { additionalProperties: false, description: 'Which observations become alarms: pictures and footage of them are kept for a time of their own.' });

export const RecordingSchema = Type.Object({
  ...which('recording'),
  ...when('recording'),
  mode: Type.Enum([...recordModes], about('recording.mode', '"continuous": all is recorded. "alarms": only the time of an alarm, with what it wants before and after. "off": nothing is; live view goes on.', { 'x-labels': { continuous: 'All of it', alarms: 'Around alarms only', off: 'Nothing' }, 'x-expected': '"continuous", "alarms" or "off"' })),
}, { additionalProperties: false, description: 'When cameras are recorded. The first one that fits camera and time counts; where none does, all is recorded.' });

const clockHours = '^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]:[0-5][0-9]|2[0-3]:[0-5][0-9]|24:00)$';
function dayHours(key: string, description: string) {
  return Type.Optional(Type.Array(Type.String({ pattern: clockHours }), about(key, description, { minItems: 1, maxItems: 8, 'x-expected': 'a list of times such as ["22:00-06:00"]' })));
}

const store = '"folder", "webdav", "s3": ';
const messenger = '"ntfy", "webhook", "mqtt": ';
const broker = '"mqtt": ';
export const DestinationSchema = Type.Object({
  name: text('destination.name', 'What it is called, in the ledger and as the name of its credentials (`sallyport secret set NAME.put`).', { maxLength: 40, pattern: '^[a-z0-9][a-z0-9-]{0,39}$', expected: '1 to 40 of a-z, 0-9 and hyphen', examples: ['nas'] }),
  purpose: text('destination.purpose', 'Why something goes there, in your words; the owner reads it before saying yes.', { maxLength: 200, examples: ['a copy in another house'] }),
  kind: Type.Enum([...destinationKinds], about('destination.kind', 'How it is spoken to: the first three take sealed footage, the others notices.', { 'x-expected': destinationKinds.map((kind) => `"${kind}"`).join(', '), 'x-labels': { folder: 'A disk or folder', webdav: 'A WebDAV server', s3: 'An S3 bucket', ntfy: 'ntfy, for phones', webhook: 'A webhook', mqtt: 'An MQTT broker' } })),
  // where
  path: Type.Optional(path('destination.path', '"folder": where it is, such as a USB disk or a network mount; never the data folder, nor one that holds it or this file.')),
  mount: Type.Optional(yesNo('destination.mount', '"folder": whether nothing is written unless a disk of its own is mounted there.', true)),
  url: Type.Optional(text('destination.url', 'All but "folder": its address, written as it is used: nothing in it may be short for something else.', { maxLength: 500, pattern: '^(https?|mqtts?)://[!-~]+$', expected: 'https://… or mqtts://…, or http:// or mqtt:// to this machine itself, without user, password or question mark' })),
  fingerprint: Type.Optional(text('destination.fingerprint', 'SHA-256 of the certificate that it must show, in an authority\'s place.', { maxLength: 64, pattern: '^[0-9a-f]{64}$', expected: '64 hexadecimal digits' })),
  ca: Type.Optional(path('destination.ca', 'A PEM file of the authority that signs its certificate.')),
  proxy: Type.Optional(text('destination.proxy', 'All but "folder": an HTTP proxy that joins the connection through (CONNECT); it sees host, port and sizes. Its login is the credential `NAME.proxy`.', { maxLength: 300, pattern: '^http://[!-~]+$', expected: 'http://HOST:PORT' })),
  bucket: Type.Optional(text('destination.bucket', '"s3": the bucket.', { maxLength: 63, pattern: '^[a-z0-9][a-z0-9.-]{1,62}$', expected: 'the name of a bucket' })),
  region: Type.Optional(text('destination.region', '"s3": the region.', { maxLength: 40, pattern: '^[a-z0-9-]{1,40}$', expected: 'the name of a region', default: 'us-east-1' })),
  prefix: Type.Optional(text('destination.prefix', '"s3": what stands before each name.', { maxLength: 164, pattern: '^([a-z0-9-]{1,40}/){1,4}$', expected: 'folder names, each with / behind it' })),
  // what of footage
  send: Type.Optional(Type.Enum([...sends], about('destination.send', `${store}"alarms": the footage and the pictures of alarms. "all": all that is recorded, and the pictures of alarms.`, { default: 'alarms', 'x-expected': '"alarms" or "all"', 'x-labels': { alarms: 'What alarms keep', all: 'All that is recorded' } }))),
  cameras: Type.Optional(Type.Array(text('destination.cameras', 'A camera.', { maxLength: 40, pattern: cameraIdPattern.source }),
    about('destination.cameras', `${store}of which cameras; of all when absent.`, { minItems: 0, maxItems: 256, 'x-expected': 'a list of camera ids, such as ["front-door"]' }))),
  slots: Type.Optional(Type.Enum([...slotPlaces], about('destination.slots', `${store}"home": the keys of what lies there never leave the hub, and once they are shredded here nothing there opens any more. "far": the sealed keys go to \`slots_at\`, so that the recovery kit alone opens it when the hub is lost.`, { default: 'home', 'x-expected': '"home" or "far"' }))),
  slots_at: Type.Optional(text('destination.slots_at', `${store}with \`slots = "far"\`: the name of the destination that gets the sealed keys.`, { maxLength: 40, pattern: '^[a-z0-9][a-z0-9-]{0,39}$', expected: 'the name of another destination' })),
  slots_same_place: Type.Optional(yesNo('destination.slots_same_place', `${store}whether keys and footage may lie at the same destination, or at one place under two names.`, false)),
  archive_after: Type.Optional(duration('destination.archive_after', `${store}footage that is older lies there alone: once the far end has shown that it holds it, the hub removes its own file, and fetches it back through the courier for whoever plays it. Needs send = "all", the credential to get, and that footage is kept for longer. Footage that is held stays at the hub, and what is purged is erased there.`, { min: '1 hour', max: '10 years' })),
  // how it is sent
  constant_size: Type.Optional(size('destination.constant_size', `${store}all but the sealed keys lies there in pieces of this size (less a byte where it is an even number) that look alike, so that sizes tell nothing. Each thing is filled up to whole pieces: a second header of 168 bytes takes one, too. It counts for what is sent from then on.`, { min: '64 KiB', max: '8 MiB' })),
  jitter: Type.Optional(duration('destination.jitter', `${store}what is new is sent up to so much later, at a moment of chance, so that times there tell less of when something happened; a hub that burns loses up to so much more. Notices are not delayed.`, { min: '1 second', max: '1 day' })),
  limit: Type.Optional(size('destination.limit', `${store}so much is sent per second at most.`, { min: '1 KiB', max: '1 TB' })),
  hours: dayHours('destination.hours', `${store}footage goes at these hours alone, by the machine's zone.`),
  lanes: Type.Optional(Type.Integer(about('destination.lanes', `${store}so many are sent at once.`, { minimum: 1, maximum: 8, default: 3, 'x-expected': 'a whole number from 1 to 8' }))),
  read_back: Type.Optional(Type.Boolean(about('destination.read_back', '"webdav", "s3": whether what was sent is read again and compared. Without it, it is where no checksum of the store proves what it holds: of "s3" nearly all give one; of "webdav" `rclone serve webdav --etag-hash MD5`. true also finds a store that lies about checksums; with false a WebDAV store without them is compared by size alone.', { 'x-default': 'where no checksum proves it', 'x-expected': 'true or false, without quotes' }))),
  // notices
  kinds: Type.Optional(Type.Array(Type.Enum([...noticeMessageKinds]), about('destination.kinds', `${messenger}of what it hears; of everything when absent.`, { minItems: 1, maxItems: noticeMessageKinds.length, 'x-expected': 'a list of kinds of notices, such as ["person", "recording stopped"]' }))),
  picture: Type.Optional(yesNo('destination.picture', '"ntfy", "webhook": whether an alarm\'s small picture goes along, sealed to the key of its day: an ntfy server keeps attachments for a while, and cannot open it.', false)),
  group: Type.Optional(duration('destination.group', `${messenger}what follows a notice of a kind within this time goes as one message.`, { default: '60 seconds', min: '0 seconds', max: '1 hour' })),
  per_hour: Type.Optional(Type.Integer(about('destination.per_hour', `${messenger}so many messages an hour at most.`, { minimum: 1, maximum: 1000, default: 30, 'x-expected': 'a whole number from 1 to 1000' }))),
  quiet: dayHours('destination.quiet', `${messenger}at these hours only what is urgent rings.`),
  topic: Type.Optional(text('destination.topic', `${broker}what all of its topics begin with; another one for each hub at a broker.`, { maxLength: 100, pattern: '^[a-z0-9_-]{1,40}(/[a-z0-9_-]{1,40}){0,3}$', default: 'sallyport', expected: 'words of a-z, 0-9, hyphen and underscore, with / between them' })),
  discovery: Type.Optional(text('destination.discovery', `${broker}where Home Assistant looks for what there is; "none" where nobody looks.`, { maxLength: 100, pattern: '^[a-z0-9_-]{1,40}(/[a-z0-9_-]{1,40}){0,3}$', default: 'homeassistant', expected: 'the prefix that Home Assistant has, or "none"' })),
  commands: Type.Optional(yesNo('destination.commands', `${broker}whether whoever may write there may make a camera's space private, and turn a camera to a saved place. Never the other way.`, false)),
  urgent: Type.Optional(Type.Array(Type.Enum([...noticeMessageKinds]), about('destination.urgent', `${messenger}what rings at quiet hours too.`, { maxItems: noticeMessageKinds.length, 'x-expected': 'a list of kinds of notices' }))),
}, { additionalProperties: false, description: 'A place outside of the hub that gets something: sealed footage, or notices without names and pictures. A new one, and whatever lets more out, waits for the owner\'s yes. Which keys go with which kind stands in front of them.' });

export const FileSchema = Type.Object({
  name: Type.Optional(text('name', 'What the hub is called.', { default: 'Home' })),
  data: Type.Optional(path('data', 'The data folder: footage, keys, catalogue, log.', dataFolder)),
  data_mount: Type.Optional(yesNo('data_mount', 'Whether the data folder lies on a disk of its own. The hub then waits for that disk at its start, instead of beginning anew in the empty folder where it should be.', false)),
  owner: Type.Optional(path('owner', 'The owner list that `sallyport keys new` wrote. Without it nothing is recorded.')),
  socket: Type.Optional(path('socket', 'The control socket; `control.sock` in the data folder when absent.')),
  record: table('record', 'How recordings are cut, and what lies in them.', {
    period: Type.Optional(duration('record.period', 'How much time one key covers, counted from midnight UTC. The smallest piece that can be destroyed on schedule.', { default: '1 hour', min: '10 seconds', max: '1 day', divides: '1 day' })),
    cut_after: Type.Optional(duration('record.cut_after', 'After this time the next key frame begins a new segment. A crash costs at most about this much.', { default: '60 seconds', min: '2 seconds', max: '90 seconds' })),
    thumbnails: Type.Optional(yesNo('record.thumbnails', 'Whether a small picture of its beginning lies in each segment, sealed with it, for the timeline.', true)),
  }),
  keep: table('keep', 'How long things are kept, then destroyed. A longer time than now waits for the owner\'s yes.', {
    footage: Type.Optional(duration('keep.footage', 'Footage, counted from the end of its period.', { default: footageKeptFor, min: '10 seconds', max: '10 years' })),
    logs: Type.Optional(duration('keep.logs', 'The operator\'s log.', { default: '14 days', min: '1 day', max: '10 years' })),
    audit: Type.Optional(duration('keep.audit', 'The owner\'s audit.', { default: '2 years', min: '1 day', max: '10 years' })),
  }),
  disk: table('disk', 'What footage may take of the disk. Where it does not fit, the oldest goes before its deadline, with a receipt that says so; `sallyport check` and `sallyport status` say what fits.', {
    budget: Type.Optional(size('disk.budget', 'What all footage together may take.', { min: '10 MB', max: '999 TB' })),
    reserve: Type.Optional(size('disk.reserve', 'What stays free on the disk of the data folder, for the hub\'s own records and for others.', { min: '4 MB', max: '99 TB', defaultText: '1 GB, or 2 % of the disk where that is more; at most a tenth of a small disk' })),
  }),
  scrub: table('scrub', 'Everything stored is read again and compared with what was written, so that a disk that loses data is noticed in time.', {
    every: Type.Optional(duration('scrub.every', 'How long after a full look the next one begins.', { default: '7 days', min: '1 hour', max: '1 year' })),
    rate: Type.Optional(size('scrub.rate', 'So much is read per second at most; recording comes first.', { default: '2 MB', min: '10 kB', max: '10 GB' })),
  }),
  time: table('time', 'When the clock may be believed.', {
    source: Type.Optional(Type.Enum(['ntp', 'system'], about('time.source', 'Whose time is believed: "ntp" waits for a time server, "system" trusts this machine\'s own clock.', { default: 'ntp', 'x-labels': { ntp: 'A time server\'s (NTP)', system: 'This machine\'s own' }, 'x-expected': '"ntp" or "system"' }))),
    settle: Type.Optional(duration('time.settle', 'After a start or a jump of the clock nothing is purged until it has run steady for this time.', { default: '1 hour', min: '0 seconds', max: '1 day' })),
  }),
  discovery: table('discovery', 'How cameras are found.', {
    loopback: Type.Optional(yesNo('discovery.loopback', 'Also looks for cameras on this machine itself, for emulated ones.', false)),
    interfaces: Type.Optional(Type.Array(text('discovery.interfaces', 'An interface.', { maxLength: 32, pattern: '^[A-Za-z0-9._:@-]+$', expected: 'the name of a network interface, such as "eth0"' }),
      about('discovery.interfaces', 'Network interfaces on which cameras are looked for; all local ones when empty.', { default: [], maxItems: 16, 'x-expected': 'a list of up to 16 interface names, such as ["eth0"]' }))),
  }),
  page: table('page', 'The page: live pictures, timeline and settings in the browser.', {
    enabled: Type.Optional(yesNo('page.enabled', 'Whether there is one.', true)),
    port: Type.Optional(port('page.port', 'Port for visitors by HTTPS; 0 takes any free one, which `sallyport status` shows.', 7443)),
    http_port: Type.Optional(port('page.http_port', 'Port for plain HTTP, which only this machine itself reaches (127.0.0.1); 0 takes any free one.', 7480)),
    names: Type.Optional(Type.Array(text('page.names', 'A name.', { maxLength: 253, pattern: pageNamePattern, expected: 'a host name or an IP address, without https:// or a port', examples: ['hub.example.org'] }),
      about('page.names', 'Names and addresses by which visitors come, besides the machine\'s own. Requests for other names are refused. A name that the hub\'s own authority may not sign yet makes it begin a new one, which devices must be told anew.', { default: [], maxItems: 16, 'x-expected': 'a list of up to 16 host names or IP addresses, such as ["hub.example.org"]' }))),
    panels: Type.Optional(yesNo('page.panels', 'Whether wall panels and other browsers without Media Source Extensions get live pictures too, as MPEG-1 at 640 x 360. It takes a part of a processor for each stream that is shown so, of at most four.', false)),
    certificate: Type.Optional(path('page.certificate', 'A certificate of your own, with those that lead to its authority: a PEM file. It is read again each day.')),
    certificate_key: Type.Optional(path('page.certificate_key', 'Its private key: a PEM file that only the hub\'s user may read.')),
  }),
  capture: table('capture', 'The programs that read the cameras.', {
    ffmpeg: Type.Optional(path('capture.ffmpeg', 'ffmpeg 5.1 or newer, by name or path.', 'ffmpeg')),
    ffprobe: Type.Optional(path('capture.ffprobe', 'ffprobe of the same version.', 'ffprobe')),
    jail: Type.Optional(Type.Enum([...jailLevels], about('capture.jail', 'The least confinement of ffmpeg that is accepted; with less, cameras are not read. "full" needs Linux 6.7, "files" leaves it any TCP port and needs 5.13. What the kernel gives beyond it is used too.', { default: 'files', 'x-expected': '"full", "files" or "off"' }))),
  }),
  faces: table('faces', 'Recognising persons who agreed to it, in the pictures of alarms.', {
    enabled: Type.Optional(yesNo('faces.enabled', 'Whether faces are compared with those of people who agreed. Waits for the owner\'s yes to a notice that says what is computed, where it stays and how it is deleted. Turned off, nothing is compared any more; people stay until they are forgotten.', false)),
    consent_lasts: Type.Optional(duration('faces.consent_lasts', 'How long a person\'s consent lasts, from when it was given; then it must be given again, within 30 days, or the person is forgotten. A longer time than now waits for the owner\'s yes.', { default: '1 year', min: '1 day', max: '10 years' })),
    lock: Type.Optional(Type.Enum([...facesLocks], about('faces.lock', 'Who has the keys of those who are recognised. "hub": the hub opens them at each start. "owner": they are sealed to the owners\' devices and the kit; after each start the hub knows no name and recognises nobody until an owner lends it the keys (`sallyport people lend`), which it has in memory alone until it ends. Back to "hub" waits for the owner\'s yes, and until the keys are lent once more.', { default: 'hub', 'x-expected': '"hub" or "owner"' }))),
  }),
  log: table('log', 'The log, for the operator.', {
    level: Type.Optional(Type.Enum(['debug', 'info', 'warn', 'error'], about('log.level', 'How much is logged.', { default: 'info', 'x-expected': '"debug", "info", "warn" or "error"' }))),
  }),
  place: table('place', 'Where the hub is, for rules that go by the sun. It is never sent anywhere; a tenth of a degree (some ten kilometres) is enough, and finer ones are rounded.', {
    latitude: Type.Number(about('place.latitude', 'Degrees north.', { minimum: -90, maximum: 90, 'x-expected': 'a number from -90 to 90, such as 52.5' })),
    longitude: Type.Number(about('place.longitude', 'Degrees east.', { minimum: -180, maximum: 180, 'x-expected': 'a number from -180 to 180, such as 13.4' })),
  }),
  privacy: Type.Optional(Type.Array(PrivacySchema, { ...about('privacy', 'When a space is private by itself.'), maxItems: 64, 'x-expected': 'at most 64 tables [[privacy]]' })),
  zone: Type.Optional(Type.Array(ZoneSchema, { ...about('zone', 'Places in the cameras\' pictures.'), maxItems: 256, 'x-expected': 'at most 256 tables [[zone]]' })),
  alarm: Type.Optional(Type.Array(AlarmSchema, { ...about('alarm', 'Which observations become alarms.'), maxItems: 64, 'x-expected': 'at most 64 tables [[alarm]]' })),
  recording: Type.Optional(Type.Array(RecordingSchema, { ...about('recording', 'When cameras are recorded.'), maxItems: 64, 'x-expected': 'at most 64 tables [[recording]]' })),
  destination: Type.Optional(Type.Array(DestinationSchema, { ...about('destination', 'What leaves the house, and where to.'), maxItems: 16, 'x-expected': 'at most 16 tables [[destination]]' })),
  camera: Type.Optional(Type.Array(CameraSchema, { ...about('camera', 'The cameras.'), maxItems: 256, 'x-expected': 'at most 256 tables [[camera]]' })),
}, { additionalProperties: false, title: 'sallyport.toml', description: 'The configuration of a Sallyport hub.' });

export type { SchemaNode } from './policy/schemanode.ts';

export type CameraEntry = Static<typeof CameraSchema>;
export type AlarmEntry = Static<typeof AlarmSchema>;
export type RecordingEntry = Static<typeof RecordingSchema>;
export type DestinationEntry = Static<typeof DestinationSchema>;
export type FileEntries = Static<typeof FileSchema>;

export function nodeOf(schema: TSchema): SchemaNode {
  return schema;
}

/** config/schema.json: completion and checks in editors. */
export function editorSchema(): string {
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...FileSchema }, undefined, 2)}\n`;
}

/** docs/CONFIG.md. */
export function configDocument(): string {
  const root = nodeOf(FileSchema);
  const entries = Object.entries(root.properties ?? {});
  const plain = entries.filter(([, node]) => node.properties === undefined && node.items?.properties === undefined);
  const tables = entries.filter(([, node]) => node.properties !== undefined || node.items?.properties !== undefined);
  return [
    head,
    section('At the top of the file', 'Before the first table.', plain, []),
    ...tables.map(([name, node]) => {
      const inner = node.properties === undefined ? node.items : node;
      return section(`\`${node.properties === undefined ? `[[${name}]]` : `[${name}]`}\``, inner?.description ?? '', Object.entries(inner?.properties ?? {}), inner?.required ?? []);
    }),
  ].join('\n');
}

const head = `# Configuration

Made from the schema in \`src/configschema.ts\`; \`config/sallyport.example.toml\` shows it at work, \`config/schema.json\` serves editors.

\`sallyport.toml\` belongs to the household or the installer, and the hub never writes it. Beside it, \`conf.d/*.toml\` are read in the
order of their names: a later file may add cameras and override single keys. \`conf.d/90-page.toml\` belongs to the hub: what
\`sallyport adopt\` and the page set goes there. The page shows what other files set and does not change it, but for \`keep.footage\`.

Durations are a number and a unit: \`"90 seconds"\`, \`"3 days"\`, \`"2 years"\` (a month is 30 days, a year 365); sizes too: \`"200 GB"\`, \`"512 MiB"\`. Unknown keys are refused with
the nearest known one. No file may hold a secret: camera passwords go in by \`sallyport secret set\`. \`sallyport check\` checks the files,
\`sallyport plan\` says what they would change. What lowers privacy (longer retention, also of alarms, sound, faces, and whatever leaves the house) waits for the owner's yes.
`;

function section(title: string, description: string, keys: readonly (readonly [string, SchemaNode])[], required: readonly string[]): string {
  const rows = keys.map(([key, node]) => {
    const value = node.default === undefined ? node['x-default'] ?? (required.includes(key) ? 'required' : 'none') : `\`${JSON.stringify(node.default)}\``;
    return `| \`${key}\` | ${node.description ?? ''} | ${value} | ${node['x-expected'] ?? ''} | ${node['x-restart'] === true ? 'at the next start' : 'at once'}${node['x-file'] === true ? '; not on the page' : ''} |`;
  });
  return [`## ${title}`, description, '', '| key | what it is | default | values | takes effect |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}
