/*
 * jail: confines itself, then becomes the program that it is told to start. For what parses strangers' bytes: ffmpeg and ffprobe; and, less
 * tightly, for the courier, which speaks to strangers.
 *
 *   jail [--port N] [--need LEVEL] [--abi-max N] [--parent PID] [--cpu SECONDS] [--nice N] [--memory MIB] [--space MIB] [--read PATH]… [--preload PATH] -- PROGRAM [ARGUMENT…]
 *   jail -i INPUT [ARGUMENT…] --jail [OPTION…] -- PROGRAM [ARGUMENT…] -
 *   jail --courier [--port N]… [--read PATH]… [--write PATH]… [--need LEVEL] [--abi-max N] [--parent PID] -- PROGRAM [ARGUMENT…]
 *   jail --probe [--abi-max N]
 *
 *   --port N       the one TCP port that may be connected to (Landlock ABI 4); without it no socket can be made at all
 *   --need LEVEL   full, files or off: the least level with which the program is started (files)
 *   --abi-max N    use no newer Landlock than this, so that each level can be tried on any kernel
 *   --parent PID   whose child this is; when that process is gone already, the program is not started
 *   --cpu, --memory  the program's CPU seconds (a week), and MiB of memory that it may fill (512)
 *   --space MIB    address space beside it that is only reserved (1536): a runtime of WebAssembly reserves gigabytes that it never fills
 *   --nice N       lets others go first, from 0 to 19
 *   --read PATH    a further file or folder that may be read
 *   --preload PATH a library that the program is started with; it may be read, and stands in the environment
 *   --courier      for a Node that speaks to the world: see below
 *   --write PATH   a file or folder that may be read and written; of --courier alone
 *   --probe        prints as JSON what this kernel gives, and starts nothing
 *   -i …           for a starter that has words of its own (node-rtsp-stream's muxer: `-i INPUT` first, `-` last) and takes more before the
 *                  last: what follows --jail is read as above, then come the words before it, then the last
 *
 * What holds from the start of the program on, and for all its threads:
 *   seccomp    a list of calls that are allowed, all others fail. No process beside it (threads are allowed), no second program, no
 *              signal to others, no socket but TCP, no listening, no ptrace, mount, keyring, io_uring, bpf and so on
 *   Landlock   ABI 1: reads shared libraries and their list only, writes nothing, executes nothing but itself. ABI 4: connects to the
 *              one port. ABI 6: no abstract unix socket, no signal outside
 *   limits     memory, CPU time, open files, file size 0, no core dump
 *   and        no new privileges, death with the parent, an environment of two settings of glibc's memory and --preload alone, / as folder, no file open but 0, 1 and 2
 *
 * With --courier: Landlock as above with the named ports, reads and writes, and beside them what names are resolved with; a list of calls that
 * fail instead of one of those that are allowed, for V8 needs many; sockets of IP and netlink alone, UDP too (names are resolved with it); no core
 * dump, no new privileges, death with the parent. No limit of memory or CPU time.
 *
 * Levels: `full` all of it (ABI 4), `files` without the port (ABI 1 to 3), `off` when seccomp or Landlock is missing: the rest then
 * still holds. It must never write a file, open a socket, or start the program with less than was asked for.
 *
 * Exit status, before the program runs: 64 wrong usage, 71 a step of the confinement failed, 77 the kernel gives less than --need,
 * 126 the program cannot be started, 127 it is not there. Each with one line on standard error that begins with "jail: ".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABI_FILES = 1, ABI_PORTS = 4, ABI_SCOPES = 6, ABI_KNOWN = 7 };
enum { EXIT_USAGE = 64, EXIT_STEP = 71, EXIT_LEVEL = 77, EXIT_NOT_STARTED = 126, EXIT_NOT_THERE = 127 };
enum level { OFF, FILES, FULL };
static const char *const level_names[] = {"off", "files", "full"};

struct order {
  long port, abi_max, parent, cpu_s, memory_mib, space_mib, nice;
  long ports[32]; /* of the courier, port too */
  enum level need;
  const char *reads[32], *writes[32];
  int read_count, write_count, port_count, probe, courier;
  const char *preload;
  char **program;
};

static void leave(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
static void leave(int status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fputs("jail: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  exit(status);
}

/* ---- Landlock: which files, which port. The constants are written out, for the headers of Debian 12 stop at ABI 2. */

enum {
  LL_CREATE = 444, LL_ADD_RULE = 445, LL_RESTRICT = 446, /* the same numbers on every architecture */
  LL_RULE_PATH = 1, LL_RULE_PORT = 2,
};
#define LL_VERSION 1u
#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_TRUNCATE (1ull << 14)
/* Devices, sockets, FIFOs and symbolic links. */
#define FS_MAKE_ODD ((1ull << 6) | (1ull << 9) | (1ull << 10) | (1ull << 11) | (1ull << 12))
#define NET_BIND (1ull << 0)
#define NET_CONNECT (1ull << 1)
#define SCOPE_ABSTRACT_UNIX (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

struct ll_ruleset { uint64_t fs, net, scoped; };
struct ll_path { uint64_t allowed; int32_t parent; } __attribute__((packed));
struct ll_port { uint64_t allowed, port; };

/* 0 where the kernel has none, was started without it, or a service manager's filter refuses the call. */
static int landlock_abi(long abi_max) {
  long abi = syscall(LL_CREATE, NULL, 0, LL_VERSION);
  if (abi < 0) return 0;
  if (abi > ABI_KNOWN) abi = ABI_KNOWN;
  return (int)(abi < abi_max ? abi : abi_max);
}

/* Every right over files that an ABI knows: 13 at first; then linking elsewhere (2), truncating (3), ioctl of devices (5). */
static uint64_t file_rights(int abi) {
  int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
  return (1ull << bits) - 1;
}

/* What is not there needs no rule. */
static void allow_path(int ruleset, const char *path, uint64_t rights) {
  struct ll_path rule = {.allowed = rights, .parent = open(path, O_PATH | O_CLOEXEC)};
  if (rule.parent < 0) return;
  long refused = syscall(LL_ADD_RULE, ruleset, LL_RULE_PATH, &rule, 0);
  /* A folder's rights are refused for a file: then those of a file alone. */
  if (refused != 0 && errno == EINVAL) {
    rule.allowed = rights & (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE);
    refused = syscall(LL_ADD_RULE, ruleset, LL_RULE_PATH, &rule, 0);
  }
  if (refused != 0) leave(EXIT_STEP, "Landlock takes no rule for %s: %s", path, strerror(errno));
  close(rule.parent);
}

static void allow_port(int ruleset, long port) {
  struct ll_port rule = {.allowed = NET_CONNECT, .port = (uint64_t)port};
  if (syscall(LL_ADD_RULE, ruleset, LL_RULE_PORT, &rule, 0) != 0) leave(EXIT_STEP, "Landlock takes no rule for port %ld: %s", port, strerror(errno));
}

/* What ffmpeg 5.1 of Debian 12 opens (seen with strace): libraries, their list, random bytes. What it asks for beside that (/proc, /sys) it does without. */
static const char *const readable[] = {
  "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/urandom", NULL,
};
/* And what the courier resolves names and knows the local time with; which of these is a link to elsewhere, the C library follows. */
static const char *const resolvers[] = {
  "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/localtime", "/etc/ssl", "/usr/share/zoneinfo", "/run/systemd/resolve", "/dev/null", NULL,
};
/* The kernel opens the loader for execution too when it starts a program. */
static const char *const loaders[] = {
  "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1", NULL,
};

static void restrict_files_and_ports(const struct order *order, const char *program, int abi) {
  struct ll_ruleset wanted = {
    .fs = file_rights(abi),
    .net = abi >= ABI_PORTS ? NET_BIND | NET_CONNECT : 0,
    .scoped = abi >= ABI_SCOPES ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0,
  };
  int ruleset = (int)syscall(LL_CREATE, &wanted, sizeof wanted, 0);
  if (ruleset < 0) leave(EXIT_STEP, "Landlock makes no rules: %s", strerror(errno));
  for (const char *const *path = readable; *path != NULL; path++) allow_path(ruleset, *path, FS_READ_FILE | FS_READ_DIR);
  for (const char *const *path = loaders; *path != NULL; path++) allow_path(ruleset, *path, FS_EXECUTE | FS_READ_FILE);
  for (int i = 0; i < order->read_count; i++) allow_path(ruleset, order->reads[i], FS_READ_FILE | FS_READ_DIR);
  if (order->preload != NULL) allow_path(ruleset, order->preload, FS_READ_FILE);
  if (order->courier) for (const char *const *path = resolvers; *path != NULL; path++) allow_path(ruleset, *path, FS_READ_FILE | FS_READ_DIR);
  for (int i = 0; i < order->write_count; i++) allow_path(ruleset, order->writes[i], file_rights(abi) & ~(FS_EXECUTE | FS_MAKE_ODD));
  allow_path(ruleset, program, FS_EXECUTE | FS_READ_FILE);
  if (wanted.net != 0 && !order->courier && order->port != 0) allow_port(ruleset, order->port);
  if (wanted.net != 0 && order->courier) for (int i = 0; i < order->port_count; i++) allow_port(ruleset, order->ports[i]);
  if (syscall(LL_RESTRICT, ruleset, 0) != 0) leave(EXIT_STEP, "Landlock restricts nothing: %s", strerror(errno));
  close(ruleset);
}

/* ---- seccomp: which calls. */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the jail knows x86_64 and arm64; its list of calls must be looked through for any other"
#endif

/*
 * The program's name for its one execve lies here, and the filter lets execve through with this address alone. Whoever runs in the
 * program later can put nothing there: no mapping that begins below 2 MiB is allowed. So the jail can start one program, which can start none.
 */
#define NAME_ADDRESS 0x100000ul
#define NAME_LENGTH_MAX 4096ul

static const int plain_calls[] = {
  /* bytes in and out */
  SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close, SYS_close_range, SYS_dup, SYS_dup3, SYS_pipe2,
  SYS_recvfrom, SYS_recvmsg, SYS_shutdown, SYS_connect, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_fsync, SYS_fadvise64,
  /* waiting */
  SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_futex, SYS_sched_yield, SYS_nanosleep, SYS_clock_nanosleep,
  SYS_restart_syscall,
  /* files, as far as Landlock lets them */
  SYS_openat, SYS_newfstatat, SYS_fstat, SYS_statx, SYS_faccessat, SYS_readlinkat, SYS_getdents64, SYS_getcwd,
  /* memory, without mmap and mremap, which are below */
  SYS_munmap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_mlock, SYS_munlock, SYS_msync, SYS_mincore, SYS_membarrier,
  /* itself: threads, signals within, time, limits to read */
  SYS_set_tid_address, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_exit, SYS_exit_group, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid,
  SYS_getgid, SYS_getegid, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_getaffinity, SYS_getcpu,
  SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_getrusage, SYS_times, SYS_uname, SYS_sysinfo, SYS_getrandom, SYS_getrlimit, SYS_getpriority,
  SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_get_priority_min, SYS_sched_get_priority_max,
#if defined(__x86_64__)
  SYS_poll, SYS_select, SYS_epoll_wait, SYS_epoll_create, SYS_eventfd, SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_getdents, SYS_dup2, SYS_pipe,
  SYS_arch_prctl, SYS_time,
#endif
};

/* A condition on half of one argument: (argument & mask) is, or is not, value. Halves, because the filter computes in 32 bits. */
struct condition { unsigned half; int is; uint32_t mask, value; };
#define LOW(argument) (2u * (argument))
#define HIGH(argument) (2u * (argument) + 1u)
#define ANY 0xffffffffu
#define IS(argument, number) {LOW(argument), 1, ANY, (uint32_t)(number)}, {HIGH(argument), 1, ANY, (uint32_t)((uint64_t)(number) >> 32)}
#define INT_IS(argument, number) {LOW(argument), 1, ANY, (uint32_t)(number)}
#define NONE_OF(argument, bits) {LOW(argument), 1, (uint32_t)(bits), 0}
#define ABOVE_4_GIB(argument) {HIGH(argument), 0, ANY, 0}
#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct sock_filter code[1024];
static unsigned length;

static void emit(uint16_t operation, uint8_t yes, uint8_t no, uint32_t value) {
  if (length == COUNT(code)) leave(EXIT_STEP, "the filter is too long");
  code[length++] = (struct sock_filter){.code = operation, .jt = yes, .jf = no, .k = value};
}

static void load(size_t offset) { emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }
static void answer(uint32_t what) { emit(BPF_RET | BPF_K, 0, 0, what); }

static void allow(int call) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)call);
  answer(SECCOMP_RET_ALLOW);
}

/* Allows the call when every condition holds; else what comes later decides. */
static void allow_when(int call, const struct condition *conditions, size_t count) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(3 * count + 1), (uint32_t)call);
  for (size_t i = 0; i < count; i++) {
    const struct condition *c = &conditions[i];
    uint8_t fails = (uint8_t)(3 * (count - i - 1) + 1);
    /* x86_64 and arm64 are little-endian: the low half comes first. */
    load(offsetof(struct seccomp_data, args) + 4 * c->half);
    emit(BPF_ALU | BPF_AND | BPF_K, 0, 0, c->mask);
    emit(BPF_JMP | BPF_JEQ | BPF_K, c->is ? 0 : fails, c->is ? fails : 0, c->value);
  }
  answer(SECCOMP_RET_ALLOW);
  load(offsetof(struct seccomp_data, nr));
}
#define ALLOW_WHEN(call, ...) allow_when(call, (const struct condition[]){__VA_ARGS__}, COUNT(((const struct condition[]){__VA_ARGS__})))

static void refuse_with(int call, uint32_t error) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)call);
  answer(SECCOMP_RET_ERRNO | error);
}

static void foreign_calls_die(void) {
  load(offsetof(struct seccomp_data, arch));
  emit(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
  answer(SECCOMP_RET_KILL_PROCESS);
  load(offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
  /* x32 has the same architecture and numbers of its own. */
  emit(BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000u);
  answer(SECCOMP_RET_KILL_PROCESS);
#endif
}

static void sockets(void) {
  const int families[] = {AF_INET, AF_INET6};
  const int protocols[] = {0, IPPROTO_TCP};
  for (size_t f = 0; f < COUNT(families); f++)
    for (size_t p = 0; p < COUNT(protocols); p++)
      ALLOW_WHEN(SYS_socket, INT_IS(0, families[f]), {LOW(1), 1, (uint32_t) ~(SOCK_CLOEXEC | SOCK_NONBLOCK), SOCK_STREAM}, INT_IS(2, protocols[p]));
  /* MSG_FASTOPEN would connect past Landlock's rule on ports. */
  ALLOW_WHEN(SYS_sendto, NONE_OF(3, MSG_FASTOPEN));
  ALLOW_WHEN(SYS_sendmsg, NONE_OF(2, MSG_FASTOPEN));
  /* The socket's and TCP's own options, but no other protocol over it. */
  ALLOW_WHEN(SYS_setsockopt, INT_IS(1, SOL_SOCKET));
  ALLOW_WHEN(SYS_setsockopt, INT_IS(1, IPPROTO_TCP), {LOW(2), 0, ANY, 31 /* TCP_ULP */});
}

static void memory_above_the_name(void) {
  const uint32_t grows = MAP_GROWSDOWN;
  /* From 2 MiB on: V8 asks for memory at addresses of chance, and takes a refusal for no memory. */
  ALLOW_WHEN(SYS_mmap, {LOW(0), 0, 0xffe00000u, 0}, NONE_OF(3, grows));
  ALLOW_WHEN(SYS_mmap, IS(0, 0), NONE_OF(3, grows));
  ALLOW_WHEN(SYS_mmap, ABOVE_4_GIB(0), NONE_OF(3, grows));
  const uint32_t elsewhere = MREMAP_FIXED | 4 /* MREMAP_DONTUNMAP */;
  ALLOW_WHEN(SYS_mremap, NONE_OF(3, elsewhere));
  ALLOW_WHEN(SYS_mremap, ABOVE_4_GIB(4));
}

static void threads_and_itself(void) {
  const uint32_t pid = (uint32_t)getpid(); /* the program's too: execve keeps it */
  const uint32_t thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
  const uint32_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  ALLOW_WHEN(SYS_clone, {LOW(0), 1, thread | spaces, thread});
  ALLOW_WHEN(SYS_kill, INT_IS(0, pid));
  ALLOW_WHEN(SYS_tgkill, INT_IS(0, pid));
  ALLOW_WHEN(SYS_prctl, INT_IS(0, PR_SET_NAME));
  ALLOW_WHEN(SYS_prctl, INT_IS(0, 0x53564d41 /* PR_SET_VMA: names of mappings */));
  ALLOW_WHEN(SYS_prlimit64, INT_IS(0, 0), IS(2, 0));
  const uint32_t descriptor_commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC};
  for (size_t i = 0; i < COUNT(descriptor_commands); i++) ALLOW_WHEN(SYS_fcntl, INT_IS(1, descriptor_commands[i]));
  const uint32_t questions[] = {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ, TIOCOUTQ};
  for (size_t i = 0; i < COUNT(questions); i++) ALLOW_WHEN(SYS_ioctl, INT_IS(1, questions[i]));
}

static int restrict_calls(const struct order *order) {
  foreign_calls_die();
  for (size_t i = 0; i < COUNT(plain_calls); i++) allow(plain_calls[i]);
  ALLOW_WHEN(SYS_execve, IS(0, NAME_ADDRESS));
  if (order->port != 0) sockets();
  memory_above_the_name();
  threads_and_itself();
  /* For these the C library has an older way, which the filter can judge; and calls newer than this list are not there. */
  refuse_with(435 /* clone3 */, ENOSYS);
  refuse_with(437 /* openat2 */, ENOSYS);
  refuse_with(439 /* faccessat2 */, ENOSYS);
  emit(BPF_JMP | BPF_JGE | BPF_K, 0, 1, 441);
  answer(SECCOMP_RET_ERRNO | ENOSYS);
  answer(SECCOMP_RET_ERRNO | EPERM);
  struct sock_fprog program = {.len = (unsigned short)length, .filter = code};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What no Node needs that only speaks and writes files. The list of the other mode is of what is allowed; V8's would be long and change with it. */
static const int courier_never[] = {
  SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_swapon, SYS_swapoff, SYS_bpf, SYS_perf_event_open,
  SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_unshare, SYS_setns, SYS_reboot,
  SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_listen, SYS_accept, SYS_accept4, SYS_memfd_create, SYS_name_to_handle_at, SYS_open_by_handle_at,
  425 /* io_uring_setup */, 426, 427, 428 /* open_tree */, 429, 430, 431, 432, 433, 438 /* pidfd_getfd */, 440 /* process_madvise */,
};

static int restrict_courier_calls(void) {
  foreign_calls_die();
  for (size_t i = 0; i < COUNT(courier_never); i++) refuse_with(courier_never[i], EPERM);
  const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
  for (size_t i = 0; i < COUNT(families); i++) ALLOW_WHEN(SYS_socket, INT_IS(0, families[i]));
  refuse_with(SYS_socket, EACCES);
  /* It would connect past Landlock's rule on ports. */
  ALLOW_WHEN(SYS_sendto, NONE_OF(3, MSG_FASTOPEN));
  refuse_with(SYS_sendto, EPERM);
  ALLOW_WHEN(SYS_sendmsg, NONE_OF(2, MSG_FASTOPEN));
  refuse_with(SYS_sendmsg, EPERM);
  answer(SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = (unsigned short)length, .filter = code};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Whether the kernel has filters: one without a filter is refused with EFAULT where it has, EINVAL where not. */
static int has_seccomp(void) {
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 && errno == EFAULT;
}

/* ---- limits and the rest */

static void limit(int what, const char *name, rlim_t value) {
  struct rlimit now;
  if (getrlimit(what, &now) != 0) leave(EXIT_STEP, "no limit for %s: %s", name, strerror(errno));
  /* A stricter one stays: only root could raise it. */
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value) value = now.rlim_max;
  struct rlimit wanted = {.rlim_cur = value, .rlim_max = value};
  if (setrlimit(what, &wanted) != 0) leave(EXIT_STEP, "no limit for %s: %s", name, strerror(errno));
}

/*
 * CPU time: a stream that copies takes 1 % of a core or less and meets the limit of a week after years; one that spins is found by the bytes
 * that do not come, within seconds. Memory: DATA counts what can be filled, AS also libraries and reserved space.
 * Core dumps: a limit of 0 does not stop a dump that core_pattern pipes to a program; 1 stops both (core(5)).
 * NPROC counts the user's threads, the hub's and other streams' too, so it only ends a flood; root it does not bind.
 */
static void limit_resources(const struct order *order) {
  const rlim_t mib = 1024 * 1024;
  limit(RLIMIT_CORE, "core dumps", 1);
  if (order->courier) {
    limit(RLIMIT_NOFILE, "open files", 1024);
    return;
  }
  limit(RLIMIT_FSIZE, "file size", 0);
  limit(RLIMIT_DATA, "memory", (rlim_t)order->memory_mib * mib);
  limit(RLIMIT_AS, "address space", (rlim_t)(order->memory_mib + order->space_mib) * mib);
  limit(RLIMIT_STACK, "stack", 8 * mib);
  limit(RLIMIT_CPU, "CPU time", (rlim_t)order->cpu_s);
  limit(RLIMIT_NOFILE, "open files", 64);
  limit(RLIMIT_NPROC, "threads", 2048);
  limit(RLIMIT_MEMLOCK, "locked memory", 64 * 1024);
  limit(RLIMIT_MSGQUEUE, "message queues", 0);
  if (order->nice != 0 && setpriority(PRIO_PROCESS, 0, (int)order->nice) != 0) leave(EXIT_STEP, "others are not let go first: %s", strerror(errno));
}

static void die_with_parent(long parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) leave(EXIT_STEP, "no death with the parent: %s", strerror(errno));
  /* It may have died before: then nobody waits for the program. */
  if (parent != 0 && getppid() != (pid_t)parent) leave(EXIT_STEP, "the parent is gone");
}

static void close_all_but_three(void) {
  if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
  for (int descriptor = 3; descriptor < 65536; descriptor++) close(descriptor);
}

/* As a shell finds it; a name with a slash is a path. */
static const char *find_program(const char *name) {
  static char path[NAME_LENGTH_MAX];
  if (strchr(name, '/') != NULL) return realpath(name, path);
  const char *list = getenv("PATH");
  if (list == NULL) list = "/usr/bin:/bin";
  while (*list != '\0') {
    int part = (int)strcspn(list, ":");
    char tried[NAME_LENGTH_MAX];
    if (part > 0 && snprintf(tried, sizeof tried, "%.*s/%s", part, list, name) < (int)sizeof tried && access(tried, X_OK) == 0) return realpath(tried, path);
    list += part + (list[part] == ':');
  }
  errno = ENOENT;
  return NULL;
}

static char *name_in_place(const char *path) {
  void *place = mmap((void *)NAME_ADDRESS, NAME_LENGTH_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (place != (void *)NAME_ADDRESS) leave(EXIT_STEP, "no place for the program's name: %s", strerror(errno));
  return strcpy(place, path);
}

/* Everything in its order: what needs files and calls first, seccomp last. Does not return. */
static void confine_and_start(const struct order *order) {
  const char *path = find_program(order->program[0]);
  if (path == NULL) leave(EXIT_NOT_THERE, "%s is not there: %s", order->program[0], strerror(errno));
  int abi = landlock_abi(order->abi_max);
  enum level level = abi >= ABI_PORTS ? FULL : abi >= ABI_FILES ? FILES : OFF;
  if (!has_seccomp()) level = OFF;
  if (level < order->need) leave(EXIT_LEVEL, "the kernel gives level %s, %s is needed", level_names[level], level_names[order->need]);

  die_with_parent(order->parent);
  /* For the time until the program runs; execve makes a readable program dumpable again, and RLIMIT_CORE holds on. */
  prctl(PR_SET_DUMPABLE, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) leave(EXIT_STEP, "no giving up of new privileges: %s", strerror(errno));
  close_all_but_three();
  if (chdir("/") != 0) leave(EXIT_STEP, "no way to /: %s", strerror(errno));
  char *name = order->courier ? (char *)path : name_in_place(path);
  if (abi >= ABI_FILES) restrict_files_and_ports(order, path, abi);
  limit_resources(order);
  if ((order->courier ? restrict_courier_calls() : restrict_calls(order)) != 0 && level != OFF) leave(EXIT_STEP, "seccomp takes no filter: %s", strerror(errno));
  char preload[NAME_LENGTH_MAX + 16];
  /* glibc overwrites what is freed, but not what its caches of small pieces take: so that no picture lies about in memory after its use. */
  char *environment[] = {"MALLOC_PERTURB_=165", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0", NULL, NULL};
  if (order->preload != NULL) {
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", order->preload);
    environment[2] = preload;
  }
  syscall(SYS_execve, name, order->program, environment);
  leave(errno == ENOENT ? EXIT_NOT_THERE : EXIT_NOT_STARTED, "%s cannot be started: %s", order->program[0], strerror(errno));
}

static void print_probe(long abi_max) {
  int kernel = landlock_abi(ABI_KNOWN), abi = landlock_abi(abi_max), seccomp = has_seccomp();
  enum level level = !seccomp || abi < ABI_FILES ? OFF : abi >= ABI_PORTS ? FULL : FILES;
  printf("{\"level\":\"%s\",\"landlock\":%d,\"kernelLandlock\":%d,\"seccomp\":%s,\"ports\":%s,\"scopes\":%s}\n", level_names[level], abi, kernel,
    seccomp ? "true" : "false", abi >= ABI_PORTS ? "true" : "false", abi >= ABI_SCOPES ? "true" : "false");
}

/* ---- the command line */

static long number(const char *name, const char *text, long least, long most) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < least || value > most) leave(EXIT_USAGE, "%s takes a number from %ld to %ld", name, least, most);
  return value;
}

static enum level level_of(const char *text) {
  for (int level = OFF; level <= FULL; level++)
    if (strcmp(text, level_names[level]) == 0) return (enum level)level;
  leave(EXIT_USAGE, "--need takes full, files or off");
}

static struct order read_order(int count, char **words) {
  struct order order = {.abi_max = ABI_KNOWN, .need = FILES, .cpu_s = 7l * 86400, .memory_mib = 512, .space_mib = 1536};
  for (int i = 1; i < count; i++) {
    const char *name = words[i];
    if (strcmp(name, "--") == 0) {
      order.program = &words[i + 1];
      break;
    }
    if (strcmp(name, "--courier") == 0) {
      order.courier = 1;
      continue;
    }
    if (strcmp(name, "--probe") == 0) {
      order.probe = 1;
      continue;
    }
    const char *value = ++i < count ? words[i] : "";
    if (strcmp(name, "--port") == 0 && order.port_count < (int)COUNT(order.ports)) order.port = order.ports[order.port_count++] = number(name, value, 1, 65535);
    else if (strcmp(name, "--abi-max") == 0) order.abi_max = number(name, value, 0, 1000);
    else if (strcmp(name, "--parent") == 0) order.parent = number(name, value, 1, 0x7fffffff);
    else if (strcmp(name, "--cpu") == 0) order.cpu_s = number(name, value, 1, 0x7fffffff);
    else if (strcmp(name, "--nice") == 0) order.nice = number(name, value, 0, 19);
    else if (strcmp(name, "--memory") == 0) order.memory_mib = number(name, value, 16, 65536);
    else if (strcmp(name, "--space") == 0) order.space_mib = number(name, value, 0, 1l << 24);
    else if (strcmp(name, "--need") == 0) order.need = level_of(value);
    else if (strcmp(name, "--read") == 0 && value[0] == '/' && order.read_count < (int)COUNT(order.reads)) order.reads[order.read_count++] = value;
    else if (strcmp(name, "--write") == 0 && order.courier && value[0] == '/' && order.write_count < (int)COUNT(order.writes)) order.writes[order.write_count++] = value;
    else if (strcmp(name, "--preload") == 0 && value[0] == '/' && strlen(value) < NAME_LENGTH_MAX) order.preload = value;
    else leave(EXIT_USAGE, "%s is not understood; see the head of native/jail.c", name);
  }
  if (!order.courier && order.port_count > 1) leave(EXIT_USAGE, "one --port is all that ffmpeg gets");
  if (!order.probe && (order.program == NULL || order.program[0] == NULL)) leave(EXIT_USAGE, "no program is named after --");
  return order;
}

/* `jail -i INPUT A… --jail B… -` becomes `jail B… -i INPUT A… -`: in place, and one word shorter. */
static int in_our_order(int count, char **words) {
  if (count < 2 || strcmp(words[1], "-i") != 0) return count;
  int at = 1;
  while (at < count && strcmp(words[at], "--jail") != 0) at++;
  int ours = count - at - 2, theirs = at - 1;
  if (ours < 1) leave(EXIT_USAGE, "-i needs --jail and what follows it; see the head of native/jail.c");
  char **before = calloc((size_t)theirs, sizeof *before);
  if (before == NULL) leave(EXIT_STEP, "no memory");
  memcpy(before, words + 1, (size_t)theirs * sizeof *before);
  memmove(words + 1, words + at + 1, (size_t)ours * sizeof *words);
  memcpy(words + 1 + ours, before, (size_t)theirs * sizeof *before);
  free(before);
  words[count - 2] = words[count - 1];
  words[count - 1] = NULL;
  return count - 1;
}

int main(int count, char **words) {
  count = in_our_order(count, words);
  struct order order = read_order(count, words);
  if (order.probe) print_probe(order.abi_max);
  else confine_and_start(&order);
  return 0;
}
