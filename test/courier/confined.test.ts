import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { readDestinations, placesOf, portsOf } from '../../src/policy/destinations.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { sealedText } from '../outbox/world.ts';
import { HubSide, makeHome, startCourier } from './kit.ts';

const jail = join(import.meta.dirname, '../../native/build/jail');
const { level, landlock } = JSON.parse((await run(jail, ['--probe'])).stdout.toString()) as { level: 'off' | 'files' | 'full'; landlock: number };
const enough = level === 'off' ? { skip: 'this kernel has no Landlock or no seccomp' } : { timeout: 120_000 };

t.test('the courier that runs is confined, and still sends', enough, async (t) => {
  const folder = t.testdir();
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const key = stub.grant(['put', 'get', 'delete']);
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'working.key'), 'the working key');
  const home = makeHome(folder, [{ name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' }], { 's3.all': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  const courier = await startCourier(home, ['--jail', level]);
  t.teardown(() => courier.stop());
  t.match(await courier.said('the courier is running'), `"confined":"${level}"`);
  const { name } = await hub.outbox.put(sealedText(randomBytes(50_000)), { to: 's3', class: 'segment' });
  t.match(await hub.answerTo(name), { outcome: 'done', proof: 'checksum' });
  const status = readFileSync(`/proc/${courier.child.pid}/status`, 'utf8');
  t.match(status, /NoNewPrivs:\t1/);
  t.match(status, /Seccomp:\t2/);
});

/** The very words with which the courier locks itself up, and another program in its place: one that tries what it must not. */
const attempts = `
  import fs from 'node:fs'; import net from 'node:net'; import dgram from 'node:dgram'; import child from 'node:child_process';
  const [place, allowed, other] = process.argv.slice(1);
  const outcomes = {};
  const tried = (what, deed) => { try { deed(); outcomes[what] = 'done'; } catch (error) { outcomes[what] = error.code ?? String(error); } };
  const connected = (what, port) => new Promise((resolve) => { const socket = net.connect(Number(port), '127.0.0.1'); socket.on('error', (error) => { outcomes[what] = error.code; resolve(); }); socket.on('connect', () => { outcomes[what] = 'done'; socket.destroy(); resolve(); }); });
  tried('read the data folder', () => fs.readFileSync(place + '/data/working.key'));
  tried('list the data folder', () => fs.readdirSync(place + '/data'));
  tried('read it by a way around', () => fs.readFileSync(place + '/outbox/back/../../data/working.key'));
  tried('link it into a folder of its own', () => fs.linkSync(place + '/data/working.key', place + '/outbox/back/mine'));
  tried('read it by a symbolic link', () => { fs.symlinkSync(place + '/data/working.key', place + '/state/link'); fs.readFileSync(place + '/state/link'); });
  tried('read it by the root of another process', () => fs.readFileSync('/proc/' + process.ppid + '/root' + place + '/data/working.key'));
  tried('read the memory of its parent', () => fs.openSync('/proc/' + process.ppid + '/mem'));
  tried('read a user\\'s file', () => fs.readFileSync('/etc/shadow'));
  tried('write into out/', () => fs.writeFileSync(place + '/outbox/out/x', 'x'));
  tried('read from out/', () => fs.readFileSync(place + '/outbox/out/order'));
  tried('delete from out/', () => fs.unlinkSync(place + '/outbox/out/order'));
  tried('write into back/', () => fs.writeFileSync(place + '/outbox/back/x', 'x'));
  tried('write a log', () => fs.writeFileSync(place + '/state/x', 'x'));
  tried('change its own program', () => fs.appendFileSync(${JSON.stringify(join(import.meta.dirname, '../../src/courier.ts'))}, ''));
  tried('start a program', () => { const { error } = child.spawnSync('/bin/true'); if (error) throw error; });
  tried('signal its parent', () => process.kill(process.ppid, 0));
  process.chdir(place + '/state'); // a socket's path is short
  await connected('connect to a destination', allowed);
  await connected('connect elsewhere', other);
  await new Promise((resolve) => { const server = net.createServer(); server.on('error', (error) => { outcomes['listen'] = error.code; resolve(); }); server.listen(0, () => { outcomes['listen'] = 'done'; server.close(resolve); }); });
  await new Promise((resolve) => { const server = net.createServer(); server.on('error', (error) => { outcomes['make a socket file'] = error.code; resolve(); }); server.listen('s', () => { outcomes['make a socket file'] = 'done'; server.close(resolve); }); });
  console.log(JSON.stringify(outcomes));
  process.exit(0);
`;

t.test('what is forbidden fails inside, and succeeds outside as the control', enough, async (t) => {
  const folder = t.testdir({ data: { 'working.key': 'the working key' }, outbox: { out: { order: 'x' }, back: {} }, state: {} });
  const servers = [createServer((socket) => socket.end()), createServer((socket) => socket.end())];
  const ports = await Promise.all(servers.map(async (server) => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }));
  t.teardown(() => { for (const server of servers) server.close(); });
  const destinations = readDestinations(JSON.stringify({ v: 1, destinations: [{ name: 'x', purpose: 'x', kind: 'webdav', url: `http://127.0.0.1:${ports[0]}/` }] }));
  const program = [process.execPath, '--input-type=module', '-e', attempts, folder, String(ports[0]), String(ports[1])];
  const inside = await run(jail, [
    '--courier', '--need', level, ...portsOf(destinations).flatMap((port) => ['--port', String(port)]),
    ...[join(folder, 'outbox/out'), ...placesOf(destinations).reads].flatMap((path) => ['--read', path]), ...[join(folder, 'outbox/back'), join(folder, 'state')].flatMap((path) => ['--write', path]), '--', ...program,
  ]);
  t.equal(inside.status, 0, inside.stderr);
  const outcomes = JSON.parse(inside.stdout.toString()) as Record<string, string>;
  const may = ['read from out/', 'write into back/', 'write a log', 'connect to a destination', ...(level === 'full' ? [] : ['connect elsewhere', 'listen']), ...(landlock >= 6 ? [] : ['signal its parent'])];
  for (const [what, outcome] of Object.entries(outcomes)) {
    if (may.includes(what)) t.equal(outcome, 'done', what);
    else t.match(outcome, /^(EACCES|EPERM|EXDEV)$/, what);
  }
  const outside = JSON.parse((await run(program[0] as string, program.slice(1))).stdout.toString()) as Record<string, string>;
  t.same(Object.keys(outside), Object.keys(outcomes));
  for (const [what, outcome] of Object.entries(outside)) t.equal(outcome, 'done', `outside: ${what}`);
});
