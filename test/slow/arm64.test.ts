/**
 * The jail on a real kernel of arm64, in an emulated machine (QEMU; no Raspberry Pi): the filter of calls by its own numbers, Landlock, limits. It needs
 * `qemu-system-arm`, `gcc-aarch64-linux-gnu` and `libc6-dev-arm64-cross` of Debian, and a kernel as dist/arm64/vmlinuz, as it lies in boot/ of Debian's
 * linux-image-arm64 or linux-image-arm64-16k; about 40 s.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { casesOf, mayBeMissing, refusal, type Case } from '../native/cases.ts';

t.setTimeout(600_000);

const root = resolve(import.meta.dirname, '../..');
const kernel = join(root, 'dist/arm64/vmlinuz');
const compiler = 'aarch64-linux-gnu-gcc';
const emulator = 'qemu-system-aarch64';
const absent = [existsSync(kernel) ? undefined : 'dist/arm64/vmlinuz', await there(emulator), await there(compiler)].filter((name) => name !== undefined);

const cases = casesOf({ at: (name) => `/tmp/data/${name}`, probe: '/probe', victim: { pid: 'VICTIM', address: 'ADDRESS' }, otherPort: '7002', arch: 'arm64' });
const needed = [['connect_tcp', '7001'], ['start_thread'], ['fill_memory', '300'], ['read_file', '/usr/lib/os-release'], ['read_file', '/dev/urandom']].map((words) => ({ words }));
const abis = [7, 3, 1, 0] as const;

interface Round { readonly name: string; readonly words: readonly string[]; readonly input: ReadonlyArray<{ readonly words: readonly string[] }> }

t.test('on arm64 the jail refuses what it promises, and lets through what a program needs', { skip: absent.length === 0 ? false : `not here: ${absent.join(', ')}` }, async (t) => {
  const folder = t.testdir({});
  // What the control has shown to be impossible has to be left out, for all that comes after it is in one process: so the machine starts twice.
  const outside = await machine(folder, [{ name: 'outside', words: ['/probe', 'each'], input: cases }, { name: 'kernel', words: ['/jail', '--probe'], input: needed }]);
  const possible: Case[] = [];
  for (const [index, one] of cases.entries()) {
    const [name = '', how] = outside.get('outside')?.[index]?.split(' ') ?? [];
    if (how === 'done') possible.push(one);
    else if (mayBeMissing.has(name)) t.comment(`${name}: not possible there anyway (${how})`);
    else t.fail(`${one.words.join(' ')}: ${how}`);
  }
  t.ok(possible.length >= 45, `the control: ${possible.length} actions`);
  const said = JSON.parse(outside.get('kernel')?.[0] ?? '{}') as { landlock: number; seccomp: boolean };
  t.ok(said.seccomp);
  t.comment(`Landlock ABI ${said.landlock}`);

  const promised = (abi: number): readonly Case[] => possible.filter(({ by }) => by === 'calls' || (by === 'files' ? abi >= 1 : abi >= 4));
  const tried = abis.map((most) => ({ most, abi: Math.min(most, said.landlock) }));
  const jail = (most: number, ...words: string[]): string[] => ['/jail', '--port', '7001', '--need', 'off', '--abi-max', String(most), '--', '/probe', ...words];
  const inside = await machine(folder, tried.flatMap(({ most, abi }) => [
    { name: `refused${most}`, words: jail(most, 'all'), input: promised(abi) }, { name: `needed${most}`, words: jail(most, 'all'), input: needed }, { name: `bare${most}`, words: jail(most, 'print_surroundings'), input: needed },
  ]));
  for (const { most, abi } of tried) {
    const lines = inside.get(`refused${most}`) ?? [];
    for (const [index, { words }] of promised(abi).entries()) t.match(lines[index] ?? 'not tried', refusal(words[0] ?? ''), `ABI ${abi}: ${words.join(' ')}`);
    t.same(inside.get(`needed${most}`), [...needed.map(({ words }) => `${words[0]} done`), 'ended 0'], `ABI ${abi}: what a program needs`);
    t.same(inside.get(`bare${most}`), ['environment 2, open files above 2 0, folder /', 'done', 'ended 0']);
  }
});

async function there(program: string): Promise<string | undefined> {
  return (await run('which', [program])).status === 0 ? undefined : program;
}

/** Starts a machine that goes through the rounds; what each printed, and how it ended. */
async function machine(folder: string, rounds: readonly Round[]): Promise<Map<string, string[]>> {
  await writeFile(join(folder, 'true.c'), 'int main(void) { return 0; }\n');
  const built = await Promise.all(([['jail', join(root, 'native/jail.c')], ['probe', join(root, 'test/native/probe.c')], ['init', join(root, 'test/native/arm64init.c')], ['bin/true', join(folder, 'true.c')]] as const).map(async ([name, source]) => {
    const path = join(folder, name.replace('/', '-'));
    const { status, stderr } = await run(compiler, ['-std=gnu11', '-O2', '-w', '-static', '-pthread', '-o', path, source], { timeoutMs: 120_000 });
    if (status !== 0) throw new Error(stderr);
    return { name, mode: 0o100755, bytes: await readFile(path) };
  }));
  const text = rounds.map(({ name, words, input }) => `round ${name} ${words.join(' ')}\n${input.map((line) => `${line.words.join(' ')}\n`).join('')}end\n`).join('');
  const files = [
    ...['etc', 'bin', 'usr', 'usr/lib'].map((name) => ({ name, mode: 0o040755, bytes: Buffer.alloc(0) })), ...built,
    { name: 'rounds', mode: 0o100644, bytes: Buffer.from(text) },
    { name: 'etc/passwd', mode: 0o100644, bytes: Buffer.from('x\n') }, { name: 'usr/lib/os-release', mode: 0o100644, bytes: Buffer.from('x\n') },
  ];
  await writeFile(join(folder, 'initrd'), archive(files));
  const { stdout, stderr } = await run(emulator, [
    '-machine', 'virt', '-cpu', 'max', '-smp', '1', '-m', '2048', '-nographic', '-no-reboot', '-nic', 'none', '-kernel', kernel, '-initrd', join(folder, 'initrd'), '-append', 'console=ttyAMA0 quiet loglevel=1 panic=-1',
  ], { timeoutMs: 240_000, stdoutBytesMax: 1_000_000 });
  const lines = stdout.toString().split(/\r?\n/);
  if (!lines.includes('over')) throw new Error(`the machine did not come to its end: ${lines.slice(-5).join(' | ')} ${stderr}`);
  const answers = new Map<string, string[]>();
  let of: string[] = [];
  for (const line of lines.slice(0, lines.indexOf('over'))) {
    if (line.startsWith('round ')) answers.set(line.slice(6), of = []);
    else if (line !== '') of.push(line);
  }
  return answers;
}

/** What the kernel unpacks as its first file system: cpio's `newc`. */
function archive(files: ReadonlyArray<{ readonly name: string; readonly mode: number; readonly bytes: Buffer }>): Buffer {
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return Buffer.concat([...files, { name: 'TRAILER!!!', mode: 0, bytes: Buffer.alloc(0) }].map(({ name, mode, bytes }, index) => {
    const fields = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0].map((value) => value.toString(16).padStart(8, '0')).join('');
    return Buffer.concat([padded(Buffer.from(`070701${fields}${name}\0`)), padded(bytes)]);
  }));
}
