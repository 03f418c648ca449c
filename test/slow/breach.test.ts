import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { lint } from '../house/lint.ts';
import { checkHouse } from '../house/rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Breach {
  /** File below src/ → what is put in front of it; a file that is not there is made. */
  readonly plants: Readonly<Record<string, string>>;
  readonly seenBy: 'linter' | 'rules';
  /** In the words that the check uses. */
  readonly says: RegExp;
}

const linter = (file: string, plant: string, says: RegExp): Breach => ({ plants: { [file]: plant }, seenBy: 'linter', says });
const rules = (file: string, plant: string, says: RegExp, more: Record<string, string> = {}): Breach => ({ plants: { [file]: plant, ...more }, seenBy: 'rules', says });

const breaches: readonly (readonly [what: string, breach: Breach])[] = [
  ['base/ leans on policy/', linter('base/units.ts', `import '../policy/names.ts';`, /base\/ stands on nothing of ours/)],
  ['policy/ asks the vault', linter('policy/retention.ts', `import '../vault/vault.ts';`, /policy\/ only decides/)],
  ['policy/ asks the vault for a type', linter('policy/retention.ts', `import type { Vault } from '../vault/vault.ts'; export type X = Vault;`, /policy\/ only decides/)],
  ['policy/ hands a room on', linter('policy/retention.ts', `export { Vault } from '../vault/vault.ts';`, /policy\/ only decides/)],
  ['policy/ imports a room when it runs', linter('policy/retention.ts', `export const x = import('../vault/vault.ts');`, /policy\/ only decides/)],
  ['policy/ looks at the clock', linter('policy/retention.ts', 'export const x = Date.now();', /time is a parameter here/)],
  ['policy/ takes the clock apart', linter('policy/retention.ts', 'const { now } = Date; export const x = now();', /time is a parameter here/)],
  ['policy/ reads a file', linter('policy/retention.ts', `import 'node:fs/promises';`, /read and written through base\/files\.ts/)],
  ['a module of Node without its prefix', linter('policy/retention.ts', `import 'fs/promises';`, /prefer-node-protocol/)],
  ['seal/ writes a file', linter('seal/slot.ts', `import { open } from 'node:fs'; export const x = open;`, /read and written through base\/files\.ts/)],
  ['seal/ knows the vault', linter('seal/slot.ts', `import '../vault/vault.ts';`, /seal\/ knows keys and ciphers/)],
  ['vault/ knows a camera', linter('vault/vault.ts', `import '../cameras/client.ts';`, /rooms beside each other meet in duties/)],
  ['vault/ takes its own random numbers', linter('vault/vault.ts', 'export const x = Math.random();', /randomness is a parameter/)],
  ['vault/ waits by a bare timer', linter('vault/vault.ts', 'setTimeout(() => {}, 1000);', /time is a parameter here/)],
  ['vault/ waits by a promised timer', linter('vault/vault.ts', `import { setTimeout as wait } from 'node:timers/promises'; export const x = wait;`, /waiting is done by Clock\.sleep/)],
  ['capture/ writes to the vault', linter('capture/stream.ts', `import '../vault/vault.ts';`, /capture\/ is ffmpeg/)],
  ['capture/ starts a program itself', linter('capture/stream.ts', `import { spawn } from 'node:child_process'; export const x = spawn;`, /base\/spawn\.ts alone/)],
  ['cameras/ speaks HTTP beside its transport', linter('cameras/client.ts', `import { get } from 'node:http'; export const x = get;`, /so that a reader can tell who is spoken to/)],
  ['cameras/ opens a connection beside its transport', linter('cameras/client.ts', `import { connect } from 'node:net'; export const x = connect;`, /so that a reader can tell who is spoken to/)],
  ['cameras/ opens an encrypted connection beside its transport', linter('cameras/client.ts', `import { connect } from 'node:tls'; export const x = connect;`, /compares a camera.s certificate before anything is sent to it/)],
  ['duties/ send datagrams', linter('duties/watch.ts', `import { createSocket } from 'node:dgram'; export const x = createSocket;`, /datagrams are for finding cameras/)],
  ['duties/ fetch from the world', linter('duties/watch.ts', `export const x = fetch('https://example.org/');`, /only egress\/, in the courier/)],
  ['duties/ open a WebSocket to the world', linter('duties/watch.ts', `export const x = new WebSocket('wss://example.org/');`, /only egress\/, in the courier/)],
  ['duties/ know the page\'s server', linter('duties/watch.ts', `import '../api/control.ts';`, /duties\/ call the rooms below/)],
  ['duties/ encrypt beside seal/', linter('duties/watch.ts', `import 'sodium-native';`, /one room holds keys and ciphers/)],
  ['duties/ ask SQL', linter('duties/watch.ts', `import 'better-sqlite3';`, /one room holds the tables/)],
  ['duties/ ask a camera beside cameras/', linter('duties/watch.ts', `import 'onvif';`, /one file knows the onvif package/)],
  ['duties/ parse XML', linter('duties/watch.ts', `import 'fast-xml-parser';`, /bounded by base\/xml\.ts/)],
  ['duties/ log past the scrubber', linter('duties/watch.ts', `import 'pino';`, /the one writer that scrubs/)],
  ['duties/ serve visitors', linter('duties/watch.ts', `import 'fastify';`, /visitors come in through api\//)],
  ['duties/ read TOML', linter('duties/watch.ts', `import 'smol-toml';`, /one file reads TOML/)],
  ['duties/ judge by schema', linter('duties/watch.ts', `import 'typebox';`, /schemas judge what comes from outside/)],
  ['vault/ runs by the calendar', linter('vault/vault.ts', `import 'croner';`, /only duties run by the calendar/)],
  ['duties/ use the wall panel\'s muxer', linter('duties/watch.ts', `import 'node-rtsp-stream/mpeg1muxer';`, /its server has no authentication/)],
  ['cli/ puts ffmpeg\'s arguments in order', linter('cli/play.ts', `import 'fluent-ffmpeg';`, /one file puts ffmpeg's arguments in order/)],
  ['cli/ reaches into the api beyond its contract', linter('cli/status.ts', `import '../api/control.ts';`, /cli\/ is the terminal/)],
  ['a command other than emulate uses the emulator', linter('cli/status.ts', `import '../emulator/emulator.ts';`, /cli\/ is the terminal/)],
  ['the emulator shares code with what it is to test', linter('emulator/camera.ts', `import '../cameras/soap.ts';`, /emulator\/ plays the camera/)],
  ['the hub imports the emulator', linter('hub.ts', `import './emulator/emulator.ts';`, /cannot speak outside/)],
  ['the hub imports what speaks outside', linter('hub.ts', `import './egress/destinations.ts';`, /cannot speak outside/)],
  ['the courier imports a key', linter('courier.ts', `import './seal/identity.ts';`, /cannot see/)],
  ['the courier imports the vault', linter('courier.ts', `import './vault/vault.ts';`, /cannot see/)],
  ['egress/ opens a connection beside its one door', linter('egress/s3.ts', `import { request } from 'node:https'; export const x = request;`, /so that a reader can tell who is spoken to/)],
  ['egress/ writes files beside its folder', linter('egress/s3.ts', `import { open } from 'node:fs/promises'; export const x = open;`, /read and written through base\/files\.ts/)],
  ['outbox/ fetches', linter('outbox/out.ts', `export const x = fetch('https://example.org/');`, /only egress\/, in the courier/)],
  ['duties/ sign requests to a cloud', linter('duties/watch.ts', `import 'aws4fetch';`, /one file signs requests to S3/)],
  ['the courier reaches a key by a value beside the type', rules('outbox/out.ts', `import { Sealed as Value } from '../seal/sealed.ts'; export const x = Value;`, /courier\.ts:1: reaches seal\/sealed\.ts by/)],
  ['egress/ imports a key', linter('egress/destinations.ts', `import '../seal/identity.ts';`, /it must not be able to see/)],
  ['the configuration imports the vault', linter('config.ts', `import './vault/vault.ts';`, /configuration is read and judged without/)],
  ['an event bus', linter('duties/watch.ts', `import { EventEmitter } from 'node:events'; export const bus = new EventEmitter();`, /no event bus/)],
  ['another worker thread', linter('duties/watch.ts', `import 'node:worker_threads';`, /one worker thread/)],
  ['a module that makes require', linter('duties/watch.ts', `import { createRequire } from 'node:module'; export const x = createRequire;`, /goes around the imports/)],
  ['a virtual machine', linter('duties/watch.ts', `import 'node:vm';`, /goes around the imports/)],
  ['eval', linter('duties/watch.ts', `export const x = eval('1');`, /no-eval/)],
  ['a function made from text', linter('duties/watch.ts', `export const x = new Function('return 1');`, /no-new-func/)],
  ['a module of Node from the process', linter('duties/watch.ts', `export const x = process.getBuiltinModule('fs');`, /goes around the imports/)],
  ['a global by its object', linter('duties/watch.ts', `export const x = globalThis.fetch;`, /goes around the imports/)],

  ['a computed import', rules('duties/watch.ts', `const name = 'node:' + 'fs'; export const x = import(name);`, /duties\/watch\.ts:1: a computed import: it goes around/)],
  ['an import of joined strings', rules('duties/watch.ts', `export const x = import('node:' + 'fs');`, /a computed import/)],
  ['an import by a template', rules('duties/watch.ts', 'export const x = import(`node:fs`);', /a computed import/)],
  ['require', rules('duties/watch.ts', `export const x = require('fs');`, /: require: it goes around/)],
  ['require that was made', rules('duties/watch.ts', `import { createRequire as make } from 'node:module'; export const x = make;`, /: require: it goes around/)],
  ['a binding of the process', rules('duties/watch.ts', `export const x = process.binding('fs');`, /process\.binding/)],
  ['a module of Node taken out of the process', rules('duties/watch.ts', `const { getBuiltinModule: get } = process; export const x = get('fs');`, /process\.getBuiltinModule/)],
  ['a computed member of the process', rules('duties/watch.ts', `export const x = process['get' + 'BuiltinModule'];`, /computed member of process/)],
  ['a way around named by a string', rules('duties/watch.ts', `export const x = Reflect.get(process, 'getBuiltinModule');`, /"getBuiltinModule"/)],
  ['eval, called from afar', rules('duties/watch.ts', `export const x = (0, eval)('1');`, /: eval: it goes around/)],
  ['a function made by a constructor', rules('duties/watch.ts', `export const x = (() => {}).constructor('return 1');`, /constructor taken from a value/)],
  ['fetch by a global object', rules('duties/watch.ts', `export const x = globalThis;`, /: globalThis: it goes around/)],
  ['a dependency that has no room', rules('duties/watch.ts', `import 'left-pad';`, /imports left-pad: no room is named for it/)],
  ['a module of Node that has no room', rules('duties/watch.ts', `import 'node:v8';`, /imports node:v8: no room is named for it/)],
  ['a room that is not in the plan', rules('cloud/upload.ts', 'export {};', /cloud\/upload\.ts:1: this room is not in the house plan/)],
  ['a drawer for everything', rules('base/utils.ts', 'export {};', /not a drawer for everything/)],
  ['a file that nobody imports', rules('policy/forgotten.ts', 'export {};', /policy\/forgotten\.ts:1: nobody imports this file/)],
  ['an import of a file that is gone', rules('policy/names.ts', `import './gone.ts';`, /policy\/gone\.ts is not there/)],
  ['files that import each other', rules('base/errors.ts', `import './units.ts';`, /imports itself by .*base\/errors\.ts → base\/units\.ts|imports itself by .*base\/units\.ts → base\/errors\.ts/)],
  ['a room beside, reached by a path from above', rules('vault/vault.ts', `import '../../src/cameras/client.ts';`, /imports .*cameras\/client\.ts/)],
  ['the hub reaches the emulator through the configuration', rules('config.ts', `import './emulator/emulator.ts';`, /hub\.ts:1: reaches emulator\/emulator\.ts by hub\.ts → config\.ts → emulator\/emulator\.ts: the part that sees cannot speak outside/)],
  ['the hub reaches egress/ by an import on demand', rules('config.ts', `export const x = () => import('./egress/destinations.ts');`, /hub\.ts:1: reaches egress\/destinations\.ts by/, { 'egress/destinations.ts': 'export {};' })],
  ['the courier reaches a key through a room below', rules('courier.ts', `import './outbox/folder.ts';`, /courier\.ts:1: reaches seal\/identity\.ts by courier\.ts → outbox\/folder\.ts → seal\/identity\.ts: the part that speaks cannot see/, { 'outbox/folder.ts': `import '../seal/identity.ts';` })],
  ['the courier runs a duty', rules('courier.ts', `import './duties/export.ts';`, /courier\.ts:1: imports duties\/export\.ts: the part that speaks cannot see/)],
  ['a worker that is a room beside', rules('vault/database.ts', `export const x = new URL('../cameras/client.ts', import.meta.url);`, /imports cameras\/client\.ts/)],
  ['a second file that knows onvif', rules('cameras/client.ts', `import 'onvif';`, /imports onvif beside/)],
];

t.test('the untouched copy passes both checks', async (t) => {
  const copy = await copyOfTheHouse(t);
  t.strictSame(await checkHouse(copy), []);
  const { status, said } = lint(copy, ['src']);
  t.equal(status, 0, said);
});

t.test('each planted breach is found, with its reason', async (t) => {
  const copy = await copyOfTheHouse(t);
  for (const [what, { plants, seenBy, says }] of breaches) {
    const restore = await plant(copy, plants);
    if (seenBy === 'linter') {
      const { status, said } = lint(copy, Object.keys(plants).map((file) => `src/${file}`));
      t.not(status, 0, `${what}: the linter fails`);
      t.match(said, says, what);
    } else {
      t.match((await checkHouse(copy)).join('\n'), says, what);
    }
    await restore();
  }
  t.strictSame(await checkHouse(copy), [], 'all breaches were taken out again');
});

t.test('the courier may take the type of what is sealed, since types are erased', async (t) => {
  const copy = await copyOfTheHouse(t);
  await plant(copy, { 'courier.ts': `import './outbox/folder.ts';`, 'outbox/folder.ts': `import type { Identity } from '../seal/identity.ts'; export type X = Identity;` });
  t.strictSame(await checkHouse(copy), []);
});

/** Returns what takes the breach out again. */
async function plant(copy: string, plants: Breach['plants']): Promise<() => Promise<void>> {
  const undo: (() => Promise<void>)[] = [];
  for (const [file, text] of Object.entries(plants)) {
    const path = join(copy, 'src', file);
    const before = await readFile(path, 'utf8').catch(() => undefined);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${text}\n${before ?? ''}`);
    undo.push(() => (before === undefined ? rm(path) : writeFile(path, before)));
  }
  return async () => {
    for (const step of undo) await step();
  };
}

async function copyOfTheHouse(t: Test): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'sallyport-house-'));
  t.teardown(() => rm(copy, { recursive: true, force: true }));
  await cp(join(root, 'src'), join(copy, 'src'), { recursive: true });
  await cp(join(root, 'oxlint.config.ts'), join(copy, 'oxlint.config.ts'));
  await cp(join(root, 'package.json'), join(copy, 'package.json'));
  await mkdir(join(copy, 'test/house'), { recursive: true });
  await cp(join(root, 'test/house/plan.ts'), join(copy, 'test/house/plan.ts'));
  return copy;
}
