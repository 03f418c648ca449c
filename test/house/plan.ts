/**
 * The house plan: which room may import which, and which module belongs to whom, each with its reason.
 * One table for two checks: `oxlint.config.ts` makes the linter's rules of it, and `rules.ts` uses it for what a linter cannot see.
 * A room may be planned here before it has a file. Paths are those below `src/`.
 */

export interface Room {
  /** Rooms that it may import; `from/file.ts` opens one file of a room only. */
  readonly imports: readonly string[];
  /** The sentence that a breach is answered with. */
  readonly because: string;
  /** Time comes in as a parameter, so that tests move it. */
  readonly clockGiven: boolean;
}

const keysAndBelow = ['base', 'policy', 'seal'];
const duties = [...keysAndBelow, 'config', 'vault', 'cameras', 'capture', 'detect', 'outbox', 'duties'];

/** Pure, and shared with the browser. */
const sealFormat = ['armor', 'base64', 'bech32', 'bytes', 'header', 'hold', 'identity', 'metadata', 'ownerlist', 'padme', 'picturesobject', 'slot', 'slotsobject', 'sshsig', 'stream', 'thumbnail', 'x25519'].map((name) => `seal/format/${name}.ts`);

/** `config` stands for the files src/config*.ts; `hub`, `courier` and `detector` for src/hub.ts, src/courier.ts and src/detector.ts. */
export const rooms: ReadonlyMap<string, Room> = new Map(Object.entries({
  base: { imports: ['base'], because: 'base/ stands on nothing of ours, so that every room can stand on it', clockGiven: false },
  policy: { imports: ['base', 'policy'], because: 'policy/ only decides: facts come in as parameters, so that a table can test it', clockGiven: true },
  seal: { imports: keysAndBelow, because: 'seal/ knows keys and ciphers, no path, no table and no network', clockGiven: true },
  vault: { imports: [...keysAndBelow, 'vault'], because: 'vault/ is the disk and SQL; rooms beside each other meet in duties/', clockGiven: true },
  cameras: { imports: [...keysAndBelow, 'cameras'], because: 'cameras/ is the cameras\' network; what is recorded, and where, is not its business', clockGiven: true },
  capture: { imports: [...keysAndBelow, 'capture'], because: 'capture/ is ffmpeg; rooms beside each other meet in duties/', clockGiven: true },
  detect: { imports: [...keysAndBelow, 'detect'], because: 'detect/ sees pixels and reaches neither disk nor network', clockGiven: true },
  outbox: { imports: [...keysAndBelow, 'outbox'], because: 'outbox/ is the folder between the doors: it takes sealed things and fetches nothing itself', clockGiven: true },
  egress: { imports: ['base', 'policy', 'config', 'outbox', 'egress'], because: 'egress/ speaks to the world, so it must not be able to see: no key, no footage, no camera', clockGiven: true },
  duties: { imports: duties, because: 'duties/ call the rooms below in order and know nobody above', clockGiven: true },
  api: { imports: [...duties, 'api'], because: 'api/ serves visitors by calling duties; it speaks to nobody outside', clockGiven: true },
  cli: { imports: [...duties, 'api/contract.ts', 'hub', 'cli'], because: 'cli/ is the terminal: it talks to the hub through the contract and the socket', clockGiven: false },
  web: { imports: ['web', 'policy', 'api/pagecontract.ts', 'api/contract.ts', 'base/errors.ts', 'base/mp4.ts', 'base/codecs.ts', 'base/canonical.ts', ...sealFormat], because: 'web/ runs in a visitor\'s browser: of ours it knows the contract, the pure decisions and the sealed format', clockGiven: false },
  emulator: { imports: ['base', 'emulator'], because: 'emulator/ plays the camera, so it must not share code with what is tested against it', clockGiven: false },
  config: { imports: ['base', 'policy', 'config'], because: 'the configuration is read and judged without keys, disk or network', clockGiven: true },
  detector: { imports: ['base', 'policy', 'detect', 'detector'], because: 'the part that looks at pictures has no key, no camera and no disk', clockGiven: true },
  hub: { imports: [...duties, 'api', 'hub'], because: 'the part that sees cannot speak outside', clockGiven: true },
  courier: { imports: ['base', 'policy', 'config', 'outbox', 'egress', 'courier'], because: 'the part that speaks cannot see', clockGiven: true },
}));

/** Files that may import more than their room. */
export const openedFor: ReadonlyMap<string, readonly string[]> = new Map([
  ['cli/emulate.ts', ['emulator']],
]);

export interface ModuleRule {
  readonly names: readonly string[];
  /** Files or rooms (`vault/`) that may import it. */
  readonly only: readonly string[];
  readonly because: string;
  /** Names that do no harm and that every room may import. */
  readonly harmless?: readonly string[];
  /** At most one file imports it, wherever in `only` that is. */
  readonly oneFile?: true;
  /** Goes into the built page, or builds it: a development dependency, which the hub never loads. */
  readonly built?: true;
}

export const modules: readonly ModuleRule[] = [
  { names: ['node:child_process'], only: ['base/spawn.ts'], because: 'programs are started by base/spawn.ts alone: no shell, chosen environment, bounded output' },
  { names: ['node:fs', 'node:fs/promises'], only: ['base/files.ts', 'vault/', 'outbox/', 'egress/folder.ts', 'emulator/', 'cli/'], because: 'files are read and written through base/files.ts, which bounds and syncs' },
  { names: ['node:net'], only: ['cameras/sitelookup.ts', 'cameras/tlsrelay.ts', 'cameras/talk.ts', 'egress/line.ts', 'api/', 'cli/', 'emulator/'], harmless: ['isIP', 'isIPv4', 'isIPv6', 'BlockList'], because: 'connections are opened in cameras/transport.ts, egress/line.ts, api/ and cli/ only, so that a reader can tell who is spoken to' },
  { names: ['node:tls'], only: ['cameras/tls.ts', 'egress/line.ts', 'emulator/'], because: 'one file compares a camera\'s certificate before anything is sent to it, and one a destination\'s' },
  { names: ['node:http', 'node:https'], only: ['cameras/transport.ts', 'egress/http.ts', 'api/', 'cli/', 'emulator/'], because: 'connections are opened in cameras/transport.ts, egress/http.ts, api/ and cli/ only, so that a reader can tell who is spoken to' },
  { names: ['node:dgram'], only: ['cameras/', 'emulator/'], because: 'datagrams are for finding cameras' },
  { names: ['node:dns', 'node:dns/promises'], only: ['cameras/sitelookup.ts'], because: 'a name looked up tells the resolver what the hub is interested in' },
  { names: ['node:worker_threads'], only: ['vault/'], because: 'the working database has the one worker thread' },
  { names: ['node:timers/promises'], only: ['base/clock.ts'], harmless: ['setImmediate'], because: 'waiting is done by Clock.sleep, which tests move' },
  { names: ['node:readline', 'node:readline/promises'], only: ['cli/'], because: 'only the terminal asks questions' },
  { names: ['node:events'], only: ['cameras/mdns.ts'], harmless: ['once', 'on'], because: 'rooms answer by return value, iterator or callback; there is no event bus' },
  { names: ['sodium-native'], only: ['seal/'], because: 'one room holds keys and ciphers' },
  { names: ['better-sqlite3'], only: ['vault/'], because: 'one room holds the tables' },
  { names: ['onvif'], only: ['cameras/'], oneFile: true, because: 'one file knows the onvif package, so that it can be replaced' },
  { names: ['bonjour-service'], only: ['cameras/'], oneFile: true, because: 'one file knows the bonjour-service package, so that it can be replaced' },
  { names: ['multicast-dns'], only: ['cameras/', 'emulator/'], oneFile: true, because: 'datagrams are for finding cameras' },
  { names: ['fluent-ffmpeg'], only: ['capture/'], oneFile: true, because: 'one file puts ffmpeg\'s arguments in order; fluent-ffmpeg never starts a program for us' },
  { names: ['node-rtsp-stream', 'node-rtsp-stream/mpeg1muxer', 'node-rtsp-stream/mpeg1muxer.js'], only: ['capture/'], oneFile: true, because: 'its server has no authentication: one file uses its muxer alone, which starts a program past base/spawn.ts, so that file starts the jail by it' },
  { names: ['fastify', '@fastify/type-provider-typebox', 'ws'], only: ['api/'], because: 'visitors come in through api/' },
  { names: ['@peculiar/asn1-x509', '@peculiar/asn1-schema'], only: ['api/'], oneFile: true, because: 'one file makes certificates, where visitors come in; the packages open nothing' },
  { names: ['@fastify/swagger'], only: ['api/'], because: 'it writes down what api/ offers, and opens nothing' },
  { names: ['aws4fetch'], only: ['egress/', 'web/viewer/stores.ts'], oneFile: true, because: 'one file signs requests to S3, in the courier and in viewer.html each; the package opens nothing, for its own fetch is not used' },
  { names: ['mqtt'], only: ['egress/mqtt.ts'], because: 'one file speaks MQTT; the package is given a connection of egress/line.ts and opens none itself' },
  { names: ['pino'], only: ['base/log.ts'], because: 'every log line passes the one writer that scrubs it' },
  { names: ['typebox', 'typebox/value', 'typebox/format', 'typebox/compile'], only: ['configschema.ts', 'configcheck.ts', 'config.ts', 'api/'], because: 'schemas judge what comes from outside: the configuration and visitors' },
  { names: ['smol-toml'], only: ['config.ts'], because: 'one file reads TOML' },
  { names: ['croner'], only: ['duties/'], because: 'only duties run by the calendar' },
  { names: ['qrcode-generator'], only: ['web/', 'cli/'], because: 'codes are drawn for people, on the page and at the terminal; the package opens nothing' },
  { names: ['preact', 'preact/hooks', 'preact/jsx-runtime'], only: ['web/'], because: 'what draws the page runs in the visitor\'s browser; the hub loads none of it', built: true },
  { names: ['@cycjimmy/jsmpeg-player'], only: ['web/'], oneFile: true, because: 'one file takes its MPEG-1 decoder for browsers without Media Source Extensions; its players open connections of their own', built: true },
  { names: ['vite'], only: ['web/vite.config.ts', 'web/viewer/vite.config.ts'], because: 'it puts the page together before the hub runs; nothing that runs knows it', built: true },
  { names: ['@noble/ciphers/chacha.js', '@noble/curves/ed25519.js', '@noble/hashes/argon2.js', '@noble/hashes/hkdf.js', '@noble/hashes/hmac.js', '@noble/hashes/sha2.js'], only: ['web/'], because: 'a browser has no libsodium; in the hub one room holds keys and ciphers, and it is seal/', built: true },
  { names: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-converter', '@tensorflow/tfjs-backend-wasm'], only: ['detect/runtime.ts', 'detect/embedding.ts'], because: 'one process runs the models, in a jail of its own; the hub loads none of it' },
  { names: ['@vladmandic/human', '@vladmandic/face-api'], only: [], because: 'they only carry the models, which detect/models.ts reads as files; none of their code is ever run' },
  { names: ['fast-xml-parser'], only: ['base/xml.ts'], because: 'strangers\' XML is bounded by base/xml.ts before it is parsed' },
];

export const climbing = 'it goes around the imports that keep the rooms apart';

/** Of Node itself, what touches nothing outside the process. Other modules of Node need a row above. */
export const harmlessModules: readonly string[] = [
  'node:assert', 'node:buffer', 'node:crypto', 'node:os', 'node:path', 'node:process', 'node:stream', 'node:stream/promises', 'node:string_decoder', 'node:url', 'node:util', 'node:zlib',
];

/** Modules with which the walls of the house could be climbed. */
export const bannedModules: readonly string[] = ['node:module', 'node:vm', 'node:inspector', 'node:repl', 'node:cluster', 'node:wasi', 'node:http2', 'node:sqlite', 'node:test'];

/** Started by a person, by systemd, by a visitor's browser or by the page's build, so that nobody imports them. */
export const entryPoints: readonly string[] = ['hub.ts', 'courier.ts', 'detector.ts', 'cli/main.ts', 'web/main.tsx', 'web/vite.config.ts', 'web/viewer/main.tsx', 'web/viewer/vite.config.ts'];

/** Waiting for the first duty that calls them. */
export const awaited: readonly string[] = [];

/** What an entry point must never reach, over any number of imports; types are erased and do not count. */
export const unreachable: ReadonlyMap<string, { readonly rooms: readonly string[]; readonly because: string; readonly files?: readonly string[] }> = new Map([
  ['hub.ts', { rooms: ['egress', 'emulator', 'cli', 'courier', 'web', 'detector'], files: ['detect/runtime.ts', 'detect/service.ts'], because: 'the part that sees cannot speak outside, and models run in the detector alone' }],
  ['detector.ts', { rooms: ['seal', 'vault', 'cameras', 'capture', 'duties', 'api', 'cli', 'emulator', 'hub', 'courier'], because: 'the part that looks at pictures has no key, no camera and no disk' }],
  ['courier.ts', { rooms: ['seal', 'vault', 'cameras', 'capture', 'detect', 'detector', 'duties', 'api', 'cli', 'emulator', 'hub'], because: 'the part that speaks cannot see' }],
]);

/** `vault/purge.ts` → `vault`; `config*.ts`, `hub.ts`, `courier.ts`, `detector.ts` → their name; undefined for what is in no room. */
export function roomOf(path: string): string | undefined {
  const slash = path.indexOf('/');
  const name = slash === -1 ? path.replace(/\.ts$/, '').replace(/^config.*/, 'config') : path.slice(0, slash);
  return rooms.has(name) ? name : undefined;
}

/** The rooms, and single files, that the file may import. */
export function openedBy(path: string): readonly string[] {
  return [...(rooms.get(roomOf(path) ?? '')?.imports ?? []), ...(openedFor.get(path) ?? [])];
}

/** Whether `path` may import the file `target` of ours. */
export function mayImport(path: string, target: string): boolean {
  const opened = openedBy(path);
  return opened.includes(roomOf(target) ?? '') || opened.includes(target);
}

/** Whether `path` may import all of the module. */
export function mayUse(path: string, rule: ModuleRule): boolean {
  return rule.only.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
}

/** Files that a table names, so that what they may do differs from their room. */
export function filesNamed(): string[] {
  const places = [...openedFor.keys(), ...modules.flatMap((rule) => rule.only)];
  return [...new Set(places.filter((place) => place.endsWith('.ts')))].toSorted();
}
