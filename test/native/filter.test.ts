import { join, resolve } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';

/** `linux/audit.h`: what the kernel calls the architecture of whoever asks. */
const architectures = { x86_64: 0xc000003e, i386: 0x40000003, arm64: 0xc00000b7, arm: 0x40000028 } as const;
const [killed, allowed, refusedWith] = [0x80000000, 0x7fff0000, 0x00050000];
const [eperm, eacces, enosys] = [1, 13, 38];
/** `getpid()` of test/native/filter.c. */
const ownPid = 4711n;

type Filter = ReadonlyArray<readonly [code: number, jt: number, jf: number, k: number]>;
interface Machine {
  readonly audit: number;
  readonly numbers: ReadonlyMap<string, number>;
  readonly filters: { readonly port: Filter; readonly noPort: Filter; readonly courier: Filter };
}

const folder = t.testdir({});
const arm64 = await machine(architectures.arm64, ['-DAS_ARM64']);
const x86 = process.arch === 'x64' ? await machine(architectures.x86_64, []) : undefined;
const noX86 = x86 === undefined ? 'the numbers of x86_64 are not on this machine' : false;

/** Of each kind of condition one that holds and one that does not. */
const questions: ReadonlyArray<readonly bigint[]> = [
  [0n, 0n, 0n, 0n, 0n, 0n], Array.from({ length: 6 }, () => 0xffff_ffff_ffff_ffffn), [0x100000n, 0n, 0n, 0n, 0n, 0n], [0x1_0010_0000n, 4096n, 4096n, 0x22n, 0x1_0010_0000n, 0n], [0x200000n, 4096n, 4096n, 0x32n, 0x200000n, 0n],
  [2n, 1n, 6n, 0n, 0n, 0n], [2n, 0x80801n, 0n, 0n, 0n, 0n], [10n, 1n, 0n, 0n, 0n, 0n], [1n, 1n, 0n, 0n, 0n, 0n], [2n, 2n, 17n, 0n, 0n, 0n], [16n, 3n, 0n, 0n, 0n, 0n],
  [3n, 1n, 4n, 0n, 0n, 0n], [3n, 6n, 31n, 0n, 0n, 0n], [3n, 6n, 1n, 0x20000000n, 0n, 0n], [3n, 2n, 0x20000000n, 0n, 0n, 0n], [0x3d0f00n, 0n, 0n, 0n, 0n, 0n], [17n, 0n, 0n, 0n, 0n, 0n], [0x10010f00n, 0n, 0n, 0n, 0n, 0n],
  [ownPid, 6n, 0n, 0n, 0n, 0n], [1n, 0n, 0n, 0n, 0n, 0n], [15n, 0n, 0n, 0n, 0n, 0n], [0x53564d41n, 0n, 0n, 0n, 0n, 0n], [0n, 7n, 0n, 0n, 0n, 0n], [0n, 7n, 1n, 0n, 0n, 0n], [1n, 0x5401n, 0n, 0n, 0n, 0n], [1n, 0x541bn, 0n, 0n, 0n, 0n], [1n, 1030n, 0n, 0n, 0n, 0n],
];

/** What of x86_64's list arm64 has no call for, and what its C library asks instead. */
const olderCalls: Readonly<Record<string, string | undefined>> = {
  poll: 'ppoll', select: 'pselect6', epoll_wait: 'epoll_pwait', epoll_create: 'epoll_create1', eventfd: 'eventfd2', open: 'openat', stat: 'newfstatat', lstat: 'newfstatat', access: 'faccessat', readlink: 'readlinkat',
  getdents: 'getdents64', dup2: 'dup3', pipe: 'pipe2', time: 'clock_gettime', arch_prctl: undefined,
};

t.test('each call is answered on arm64 as it is on x86_64, with whatever arguments', { skip: noX86 }, (t) => {
  if (x86 === undefined) return t.end();
  const both = [...arm64.numbers.keys()].filter((name) => x86.numbers.has(name));
  t.ok(both.length >= 290, `${both.length} calls`);
  for (const kind of ['port', 'noPort', 'courier'] as const) {
    const differ = both.flatMap((name) => questions.filter((question) => answer(arm64, kind, name, question) !== answer(x86, kind, name, question)).map((question) => `${name}(${question.join(', ')})`));
    t.same(differ, [], kind);
  }
  const onlyThere = [...x86.numbers.keys()].filter((name) => !arm64.numbers.has(name) && everAllowed(x86, 'port', name));
  t.same(onlyThere.toSorted(), Object.keys(olderCalls).toSorted(), 'beside the older calls');
  t.same([...arm64.numbers.keys()].filter((name) => !x86.numbers.has(name) && everAllowed(arm64, 'port', name)), [], 'and nothing that arm64 alone has');
  t.end();
});

t.test('on arm64 what a program needs is allowed, and what it must not is refused', (t) => {
  for (const name of Object.values(olderCalls)) if (name !== undefined) t.ok(everAllowed(arm64, 'noPort', name), name);
  const never = [
    'ptrace', 'process_vm_readv', 'process_vm_writev', 'execveat', 'clone3', 'mount', 'umount2', 'chroot', 'pivot_root', 'unshare', 'setns', 'bind', 'listen', 'accept', 'accept4', 'socketpair', 'unlinkat', 'renameat', 'renameat2',
    'linkat', 'symlinkat', 'mkdirat', 'mknodat', 'fchmodat', 'fchownat', 'truncate', 'ftruncate', 'tkill', 'rt_sigqueueinfo', 'pidfd_open', 'pidfd_send_signal', 'pidfd_getfd', 'setpriority', 'setrlimit', 'setsid', 'setuid', 'add_key',
    'keyctl', 'bpf', 'perf_event_open', 'io_uring_setup', 'io_uring_enter', 'userfaultfd', 'personality', 'memfd_create', 'shmget', 'syslog', 'openat2', 'seccomp',
  ];
  t.same(never.filter((name) => !arm64.numbers.has(name)), [], 'they are all calls of arm64');
  t.same(never.filter((name) => everAllowed(arm64, 'port', name)), []);
  t.notOk(everAllowed(arm64, 'noPort', 'socket'));
  t.equal(answer(arm64, 'noPort', 'execve', [0x100000n, 0n, 0n, 0n, 0n, 0n]), allowed, 'one program');
  t.equal(answer(arm64, 'noPort', 'execve', [0x1_0010_0000n, 0n, 0n, 0n, 0n, 0n]), refusedWith | eperm, 'by the name that the jail put there');
  for (const one of x86 === undefined ? [arm64] : [arm64, x86]) {
    const mapping = (address: bigint, flags: bigint): number => answer(one, 'noPort', 'mmap', [address, 4096n, 3n, flags, 0n, 0n]);
    for (const address of [0x1000n, 0xff000n, 0x100000n, 0x1ff000n]) for (const flags of [0x22n, 0x32n]) t.equal(mapping(address, flags), refusedWith | eperm, 'and no other comes there');
    for (const address of [0n, 0x200000n, 0x1000000n, 0xfffff000n, 0x1_0000_0000n, 0x1_0010_0000n]) t.equal(mapping(address, 0x22n), allowed, `V8 may ask for 0x${address.toString(16)}`);
    t.equal(mapping(0x200000n, 0x122n), refusedWith | eperm, 'what grows down could come there');
  }
  t.end();
});

t.test('calls that the filters know by number alone are those that they mean', (t) => {
  for (const one of x86 === undefined ? [arm64] : [arm64, x86]) {
    for (const name of ['clone3', 'openat2', 'faccessat2']) t.equal(answer(one, 'port', name), refusedWith | enosys, `${name}: the C library has an older way`);
    t.equal(answer(one, 'port', 'process_madvise'), refusedWith | eperm);
    t.equal(answer(one, 'port', 'epoll_pwait2'), refusedWith | enosys, 'the first that is newer than the list');
    const byNumber = ['io_uring_setup', 'io_uring_enter', 'io_uring_register', 'open_tree', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'pidfd_getfd', 'process_madvise'];
    for (const name of byNumber) t.equal(answer(one, 'courier', name), refusedWith | eperm, `${name}: the courier`);
    t.equal(answer(one, 'courier', 'socket', [1n, 1n, 0n, 0n, 0n, 0n]), refusedWith | eacces);
    t.equal(answer(one, 'courier', 'openat'), allowed);
  }
  t.match([444, 445, 446], ['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self'].map((name) => arm64.numbers.get(name)), 'Landlock\'s, which jail.c has written out');
  t.end();
});

t.test('whoever asks as another architecture is ended, whatever the call', (t) => {
  for (const one of x86 === undefined ? [arm64] : [arm64, x86])
    for (const [name, audit] of Object.entries(architectures)) {
      if (audit === one.audit) continue;
      for (const kind of ['port', 'noPort', 'courier'] as const)
        t.ok(Array.from({ length: 600 }, (_, nr) => decide(one.filters[kind], audit, nr, questions[0] ?? [])).every((said) => said === killed), `${kind}: ${name}`);
    }
  if (x86 !== undefined) t.equal(decide(x86.filters.port, x86.audit, 0x40000000, questions[0] ?? []), killed, 'x32');
  t.end();
});

/** The filters as the C compiler makes them of native/jail.c, and the numbers that they were made with. */
async function machine(audit: number, flags: readonly string[]): Promise<Machine> {
  const [source, program] = [resolve(import.meta.dirname, 'filter.c'), join(folder, `filter${flags.join('')}`)];
  const compiler = async (...words: string[]): Promise<string> => {
    const { status, stdout, stderr } = await run('cc', ['-std=gnu11', '-w', ...flags, ...words, source], { timeoutMs: 60_000, stdoutBytesMax: 4_000_000 });
    if (status !== 0) throw new Error(stderr);
    return stdout.toString();
  };
  const [macros] = await Promise.all([compiler('-E', '-dM'), compiler('-o', program)]);
  const [port, noPort, courier] = (await run(program, [], { stdoutBytesMax: 1_000_000 })).stdout.toString().trim().split('\n').map((line) => JSON.parse(line) as Filter);
  if (port === undefined || noPort === undefined || courier === undefined) throw new Error(`${program} prints three filters`);
  return { audit, numbers: numbersIn(macros), filters: { port, noPort, courier } };
}

/** `SYS_mmap` is `__NR_mmap` is `__NR3264_mmap` is 222. */
function numbersIn(macros: string): Map<string, number> {
  const meant = new Map([...macros.matchAll(/^#define (\w+) (\w+)$/gm)].map(([, name = '', value = '']) => [name, value]));
  const numbers = new Map<string, number>();
  for (const name of meant.keys()) {
    if (!name.startsWith('SYS_')) continue;
    let value: string | undefined = name;
    while (value !== undefined && !/^\d+$/.test(value)) value = meant.get(value);
    if (value !== undefined) numbers.set(name.slice(4), Number(value));
  }
  return numbers;
}

function everAllowed(one: Machine, kind: keyof Machine['filters'], name: string): boolean {
  return questions.some((question) => answer(one, kind, name, question) === allowed);
}

function answer(one: Machine, kind: keyof Machine['filters'], name: string, question: readonly bigint[] = questions[0] ?? []): number {
  const number = one.numbers.get(name);
  if (number === undefined) throw new Error(`no number for ${name}`);
  return decide(one.filters[kind], one.audit, number, question);
}

/** What the kernel does with a filter: the machine of `linux/filter.h`, as far as the jail uses it, over `struct seccomp_data`. */
function decide(filter: Filter, audit: number, nr: number, question: readonly bigint[]): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr, 0);
  data.writeUInt32LE(audit, 4);
  question.forEach((value, index) => data.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const instruction = filter[at];
    if (instruction === undefined) throw new Error('the filter has no end');
    const [code, jt, jf, k] = instruction;
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x15) at += accumulator === k ? jt : jf;
    else if (code === 0x35) at += accumulator >= k ? jt : jf;
    else if (code === 0x06) return k;
    else throw new Error(`instruction ${code}`);
  }
}
