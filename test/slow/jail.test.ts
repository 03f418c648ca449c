import { mkdir, readFile, writeFile, chmod } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { Secret } from '../../src/base/secret.ts';
import { silentLog } from '../../src/base/log.ts';
import { launch, run, type Child, type Finished } from '../../src/base/spawn.ts';
import { Jail, jailLauncher, probeJail, type JailFacts } from '../../src/capture/jail.ts';
import { probeArguments, sourceList, sourcePort, streamArguments } from '../../src/capture/ffmpeg.ts';
import { Emulator } from '../../src/emulator/emulator.ts';
import { fileArguments, makeClip } from '../capture/clips.ts';
import { casesOf, filesOfCases, madeByCases, mayBeMissing, refusal, type Case } from '../native/cases.ts';

t.setTimeout(120_000);

/** A level is had by capping the ABI: 3 is a kernel before 6.7, 0 one without Landlock. */
const levels = [{ level: 'full', abiMax: 7 }, { level: 'files', abiMax: 3 }, { level: 'files', abiMax: 1 }, { level: 'off', abiMax: 0 }] as const;
const kernel = JSON.parse((await run(jailLauncher, ['--probe'])).stdout.toString()) as { level: string; landlock: number };
const folder = t.testdir({ data: { 'working.key': 'the hub\'s key', 'kept': 'kept' }, 'given': '' });
const probe = join(folder, 'probe');
const compiled = await run('gcc', ['-O1', '-pthread', '-o', probe, resolve(import.meta.dirname, '../native/probe.c')], { timeoutMs: 120_000 });
if (compiled.status !== 0) throw new Error(compiled.stderr);

/** Two listeners: the camera's port and another one of this machine. */
const [camera, other] = [await listener(), await listener()];
/** Stands for the hub: the same user's process, outside of the jail. */
const inHub = await victim();

const at = (name: string): string => join(folder, 'data', name);
const cases = casesOf({ at, probe, victim: inHub, otherPort: other.port, arch: process.arch });
const possible = new Set<Case>();

t.test('outside of the jail each action succeeds', async (t) => {
  const said = answers(await run(probe, ['each'], { input: linesOf(cases) }));
  t.equal(said.length, cases.length, 'each was tried');
  for (const [index, one] of cases.entries()) {
    const [name = '', how] = said[index] ?? [];
    if (how === 'done') possible.add(one);
    else if (mayBeMissing.has(name)) t.comment(`${name}: not possible here anyway (${how})`);
    else t.fail(`${one.words.join(' ')}: ${how}`);
  }
  t.ok(possible.size >= 30, `${possible.size} actions`);
});

for (const { level, abiMax } of levels) {
  const abi = Math.min(abiMax, kernel.landlock);
  const missing = kernel.landlock < Math.min(abiMax, 4) ? `this kernel has Landlock ABI ${kernel.landlock}` : false;
  t.test(`inside, level ${level} (ABI ${abi}), each is refused that it promises`, { skip: missing }, async (t) => {
    await putBack();
    const promised = [...possible].filter(({ by }) => by === 'calls' || (by === 'files' ? abiMax >= 1 : abiMax >= 4));
    const ended = await inJail(abiMax, ['all'], linesOf(promised));
    const said = answers(ended);
    for (const [index, { words }] of promised.entries()) t.match(said[index]?.join(' ') ?? 'not tried', refusal(words[0] ?? ''));
    t.ok(promised.length >= 30, `${promised.length} actions refused`);
    t.equal(await readFile(at('kept'), 'utf8'), 'kept', 'and nothing happened');
    if (abiMax < 4) t.equal((await inJail(abiMax, ['connect_tcp', other.port])).status, 0, 'an older kernel leaves every port open');
  });

  t.test(`inside, level ${level} (ABI ${abi}), what a program needs still works`, { skip: missing }, async (t) => {
    const needed = [['connect_tcp', camera.port], ['start_thread'], ['fill_memory', '300'], ['read_file', '/usr/lib/os-release'], ['read_file', '/dev/urandom']];
    for (const [name = '', how] of answers(await inJail(abiMax, ['all'], linesOf(needed.map((words) => ({ words })))))) t.equal(how, 'done', name);
    t.equal((await inJail(abiMax, ['print_surroundings'])).stdout.toString(), 'environment 2, open files above 2 0, folder /\ndone\n');
    t.match(JSON.parse((await run(jailLauncher, ['--probe', '--abi-max', String(abiMax)])).stdout.toString()), { level, seccomp: true });
  });
}

t.test('without a port, nothing can speak to anybody, at any level', async (t) => {
  for (const { abiMax } of levels) {
    const ended = await run(jailLauncher, ['--need', 'off', '--abi-max', String(abiMax), '--', probe, 'all'], { input: linesOf([{ words: ['connect_tcp', camera.port] }, { words: ['connect_tcp', other.port] }, { words: ['start_thread'] }]) });
    t.match(answers(ended).map(([name, how]) => `${name} ${how}`), ['connect_tcp EBADF', 'connect_tcp EBADF', 'start_thread done'], `ABI ${abiMax}: no socket is made that could connect`);
  }
});

t.test('a call of another architecture ends the program', { skip: process.arch === 'x64' ? false : 'arm64 has none here' }, async (t) => {
  const control = await run(probe, ['foreign_call']);
  if (control.status !== 0) t.comment('this kernel has no other architecture: the call ends the program anyway');
  t.equal((await inJail(7, ['foreign_call'])).signal, control.status === 0 ? 'SIGSYS' : control.signal);
});

t.test('a crash leaves no core, a file that it was given does not grow, and CPU time has an end', async (t) => {
  const watched = async (...program: string[]): Promise<string> => (await run(probe, ['watch', join(folder, 'given'), ...program], { folder })).stdout.toString();
  const jailed = (words: string[], ...more: string[]): Promise<string> => watched(jailLauncher, ...more, '--', probe, ...words);
  const pattern = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
  if (!pattern.startsWith('/') && !pattern.startsWith('|')) t.match(await watched(probe, 'abort_at_once'), 'signal 6, core 1,', 'control: outside it leaves one');
  t.match(await jailed(['abort_at_once']), 'signal 6, core 0,');
  t.match(await watched(probe, 'grow_given_file'), 'status 0', 'control');
  t.match(await jailed(['grow_given_file']), 'signal 25, core 0,', 'SIGXFSZ');
  t.match(await jailed(['spin'], '--cpu', '1'), 'signal 9, core 0,');
});

t.test('the program dies with its parent, also with one that is gone before it starts', async (t) => {
  const orphaned = async (...program: string[]): Promise<{ pid: number; over: Promise<unknown>; parent: Child }> => {
    const parent = await launch(probe, ['orphan', ...program]);
    const said = await new Promise<string>((told) => {
      let text = '';
      parent.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); if (text.includes('child') && text.includes('waiting')) told(text); });
    });
    // Standard output closes when both are gone.
    return { pid: Number(/child (\d+)/.exec(said)?.[1]), over: parent.exited, parent };
  };
  const free = await orphaned(probe, 'wait_for_ever');
  free.parent.kill('SIGKILL');
  await untilReparented(free.pid, free.parent.pid);
  t.doesNotThrow(() => process.kill(free.pid, 0), 'control: outside it lives on');
  process.kill(free.pid, 'SIGKILL');
  await free.over;

  const jailed = await orphaned(jailLauncher, '--parent', 'PARENT', '--', probe, 'wait_for_ever');
  jailed.parent.kill('SIGKILL');
  await jailed.over;
  // Its standard output closes a moment before the kernel is done with it.
  const state = (): Promise<string> => readFile(`/proc/${jailed.pid}/stat`, 'utf8').catch(() => 'gone');
  while (!/^gone$| \(probe\) Z /.test(await state())) await new Promise((resolve) => { setImmediate(resolve); });
  t.pass('it is gone without being asked');

  const late = await run(jailLauncher, ['--parent', '1', '--', probe, 'say_done']);
  t.match(late, { status: 71, stderr: 'jail: the parent is gone' });
  t.equal(late.stdout.length, 0, 'it was not started');
});

t.test('the launcher says by its exit status what is wrong', async (t) => {
  for (const [words, status, said] of [
    [[], 64, /no program/], [['--port', '0', '--', probe], 64, /--port takes a number/], [['--port', '99999', '--', probe], 64, /--port/], [['--need', 'all', '--', probe], 64, /--need/],
    [['--what', '1', '--', probe], 64, /not understood/], [['--nice', '20', '--', probe], 64, /--nice takes a number/], [['-i', 'x', '-'], 64, /-i needs --jail/], [['-i', 'x', '--jail', '-'], 64, /-i needs --jail/], [['-i', 'x', '--jail', '--what', '1', '--', probe, '-'], 64, /not understood/], [['--'], 64, /no program/], [['--abi-max', '0', '--need', 'files', '--', probe], 77, /gives level off, files is needed/],
    [['--abi-max', '3', '--need', 'full', '--', probe], 77, /gives level files, full is needed/], [['--', '/nowhere/ffmpeg'], 127, /is not there/], [['--', 'no-such-program'], 127, /is not there/],
    [['--', await notAProgram()], 126, /cannot be started/],
  ] as const) {
    const ended = await run(jailLauncher, words);
    t.equal(ended.status, status, words.join(' '));
    t.match(ended.stderr, said);
    t.match(ended.stderr, /^jail: /);
  }
});

t.test('a level that is asked for and not reached is refused with what to do', async (t) => {
  const facts = (more: Partial<JailFacts>): JailFacts => ({ launcher: jailLauncher, level: 'files', landlock: 2, seccomp: true, missing: undefined, ...more });
  t.equal(new Jail({ facts: facts({}), need: 'files' }).problem, undefined);
  t.match(new Jail({ facts: facts({}), need: 'full' }).problem, { code: 'SP_JAIL_LEVEL', message: /at level files, but `capture.jail` asks for full/, hint: /jail = "files"/ });
  await t.rejects(new Jail({ facts: facts({}), need: 'full' }).run(probe, ['say_done']), { code: 'SP_JAIL_LEVEL' });
  await t.rejects(new Jail({ facts: facts({}), need: 'full' }).launch(probe, ['say_done']), { code: 'SP_JAIL_LEVEL' });
  const missing = await probeJail({ log: silentLog, launcher: join(folder, 'nowhere') });
  t.match(missing, { level: 'off', missing: 'it was not built' });
  t.match(new Jail({ facts: missing, need: 'files' }).problem, { code: 'SP_JAIL_MISSING', hint: /scripts\/native/ });
  t.match(await new Jail({ facts: missing, need: 'off' }).run(probe, ['say_done']), { status: 0 }, 'off accepts that there is none');
  await t.rejects((await jail()).run('no-such-program', []), { code: 'SP_TOOL_MISSING' });
});

t.test('ffmpeg gives the same bytes inside as outside', async (t) => {
  const clip = await readFile(await makeClip(join(folder, 'clip.mkv'), { audio: 'pcm_alaw' }));
  for (const audio of ['drop', 'transcode'] as const) {
    const args = fileArguments('pipe:0', { audio, hevc: false, richProbe: false });
    const outside = await run('ffmpeg', args, { input: clip });
    const inside = await (await jail()).run('ffmpeg', args, { input: clip });
    t.equal(inside.status, 0, inside.stderr);
    t.ok(outside.stdout.length > 10_000);
    t.equal(createHash('sha256').update(inside.stdout).digest('hex'), createHash('sha256').update(outside.stdout).digest('hex'), audio);
  }
});

t.test('ffmpeg and ffprobe read an emulated camera inside at every level', async (t) => {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: '127.0.181.20', seconds: 20, log: silentLog, discovery: false, audio: 'alaw', folder: join(folder, 'scenes') });
  t.teardown(() => emulator.close());
  const [face] = emulator.cameras;
  if (face === undefined) throw new Error('no camera');
  const source = sourceList('gate', new Secret(`rtsp://${face.user}:${face.password}@${face.address}:${face.rtspPort}/main`), { richProbe: false });
  t.equal(sourcePort(source), face.rtspPort);
  const args = streamArguments({ audio: 'transcode', hevc: false, richProbe: false });
  const limited = [...args.slice(0, -1), '-t', '4', ...args.slice(-1)];
  const pictures = async (stdout: Buffer): Promise<string[]> => {
    const told = await run('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-map', '0:v', '-c', 'copy', '-f', 'framemd5', '-'], { input: stdout });
    return told.stdout.toString().split('\n').filter((line) => /^\d/.test(line)).map((line) => line.split(',').at(-1)?.trim() ?? '');
  };
  // At once, so that they see the same pictures of the live feed, and of a scene that does not come round meanwhile.
  const [outside, ...inside] = await Promise.all([
    run('ffmpeg', limited, { input: source }),
    ...levels.filter(({ abiMax }) => kernel.landlock >= Math.min(abiMax, 4)).map(async ({ abiMax }) => (await jail(abiMax)).run('ffmpeg', limited, { input: source, port: sourcePort(source) })),
  ]);
  const known = await pictures(outside.stdout);
  t.ok(known.length >= 10, `${known.length} pictures outside`);
  for (const one of inside) {
    const seen = await pictures(one.stdout);
    t.ok(seen.length >= 10, `${seen.length} pictures inside: ${one.stderr}`);
    const common = seen.filter((picture) => known.includes(picture));
    // They began a moment apart; where they overlap, each picture is the same, in the same order.
    t.same(common, known.filter((picture) => seen.includes(picture)));
    t.ok(common.length >= 5, `${common.length} in common`);
  }
  const probed = await (await jail()).run('ffprobe', probeArguments(), { input: sourceList('gate', new Secret(`rtsp://${face.user}:${face.password}@${face.address}:${face.rtspPort}/main`), { richProbe: true }), port: face.rtspPort });
  t.match(JSON.parse(probed.stdout.toString()), { streams: [{ codec_name: 'h264' }, { codec_name: 'pcm_alaw' }] });
  const wrongPort = await (await jail()).run('ffmpeg', limited, { input: source, port: 9 });
  if (kernel.level === 'full') t.equal(wrongPort.stdout.length, 0, 'with another port in its rule it gets nothing');
});

async function jail(abiMax = 7): Promise<Jail> {
  return new Jail({ facts: await probeJail({ log: silentLog, abiMax }), need: 'off', abiMax });
}

function inJail(abiMax: number, words: readonly string[], input = ''): Promise<Finished> {
  return run(jailLauncher, ['--port', camera.port, '--need', 'off', '--abi-max', String(abiMax), '--parent', String(process.pid), '--', probe, ...words], { input });
}

function linesOf(list: ReadonlyArray<{ readonly words: readonly string[] }>): string {
  return list.map(({ words }) => `${words.join(' ')}\n`).join('');
}

/** `name how` of each line. */
function answers({ stdout }: Finished): string[][] {
  return stdout.toString().split('\n').filter((line) => line !== '').map((line) => line.split(' '));
}

/** What an action may have changed. */
async function putBack(): Promise<void> {
  await mkdir(join(folder, 'data'), { recursive: true });
  for (const [name, text] of filesOfCases) await writeFile(at(name), text);
  await chmod(at('working.key'), 0o600);
  await run('rm', ['-rf', ...madeByCases.map(at)]);
}

async function listener(): Promise<{ port: string }> {
  const server: Server = createServer((socket) => void socket.on('error', () => {}).resume());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => void server.close());
  server.unref();
  return { port: String((server.address() as AddressInfo).port) };
}

/** A process and an address at which something of it lies. */
async function victim(): Promise<{ pid: string; address: string }> {
  const child = await launch(probe, ['wait_for_ever']);
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { pid: String(child.pid), address: `0x${(await readFile(`/proc/${child.pid}/maps`, 'latin1')).split('-')[0]}` };
}

async function notAProgram(): Promise<string> {
  const path = join(folder, 'text');
  await writeFile(path, 'no program');
  await chmod(path, 0o755);
  return path;
}

/** The kernel gives an orphan another parent once its own is gone. */
async function untilReparented(pid: number, parent: number): Promise<void> {
  while ((await readFile(`/proc/${pid}/status`, 'utf8')).includes(`\nPPid:\t${parent}\n`)) await delay(10);
}
