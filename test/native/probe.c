/*
 * probe: does one thing that a program taken over by a stranger would do, and says how it went. For test/slow/jail.test.ts, which runs it
 * outside of the jail, where each action must succeed (the control), and inside, where it must be refused.
 *
 *   probe ACTION [ARGUMENT…]
 *   probe each | all     actions from standard input, a line each: every one in a process of its own, or all in this one
 *
 * Prints `done` and ends with 0, or prints what refused it (EPERM, EACCES, …) and ends with 1. `watch` and `orphan` start a program:
 * they play its parent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char **given;

/* -1 with errno set is a refusal. */
#define ACTION(name) static long name(void)

ACTION(read_file) { char byte; int f = open(given[0], O_RDONLY); return f < 0 ? -1 : read(f, &byte, 1); }
ACTION(list_folder) { return opendir(given[0]) == NULL ? -1 : 0; }
ACTION(write_file) { int f = open(given[0], O_WRONLY | O_CREAT | O_TRUNC, 0600); return f < 0 ? -1 : write(f, "x", 1); }
ACTION(make_folder) { return mkdir(given[0], 0700); }
ACTION(remove_file) { return unlink(given[0]); }
ACTION(rename_file) { return rename(given[0], given[1]); }
ACTION(link_file) { return link(given[0], given[1]); }
ACTION(symlink_file) { return symlink(given[0], given[1]); }
ACTION(truncate_file) { return truncate(given[0], 0); }
ACTION(change_mode) { return chmod(given[0], 0777); }
ACTION(grow_given_file) { return write(0, "x", 1); /* descriptor 0 is a file */ }

static struct sockaddr_in address_of(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return address;
}
ACTION(connect_tcp) {
  struct sockaddr_in to = address_of(given[0]);
  return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to);
}
ACTION(fast_open_tcp) {
  struct sockaddr_in to = address_of(given[0]);
  return sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to);
}
ACTION(bind_tcp) {
  struct sockaddr_in at = address_of("0");
  return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at);
}
ACTION(listen_tcp) { return listen(socket(AF_INET, SOCK_STREAM, 0), 1); }
ACTION(udp_socket) { return socket(AF_INET, SOCK_DGRAM, 0); }
ACTION(udp6_socket) { return socket(AF_INET6, SOCK_DGRAM, 0); }
ACTION(raw_socket) { return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
ACTION(packet_socket) { return socket(AF_PACKET, SOCK_RAW, 0); }
ACTION(netlink_socket) { return socket(AF_NETLINK, SOCK_RAW, 0); }
ACTION(unix_socket) { return socket(AF_UNIX, SOCK_STREAM, 0); }
ACTION(socket_pair) { int two[2]; return socketpair(AF_UNIX, SOCK_STREAM, 0, two); }

ACTION(exec_program) { char *const none[] = {NULL}; char *const words[] = {given[0], NULL}; return execve(given[0], words, none); }
ACTION(exec_itself) { char *const none[] = {NULL}; char *const words[] = {"probe", "each", NULL}; return execve(given[0], words, none); }
ACTION(say_done) { return 0; }
/* With the path where the jail's own execve has it. */
ACTION(exec_from_the_jails_place) {
  char *place = mmap((void *)0x100000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (place == MAP_FAILED) return -1;
  char *const none[] = {NULL};
  char *const words[] = {given[0], NULL};
  return execve(strcpy(place, given[0]), words, none);
}
ACTION(move_memory_there) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x100000) == MAP_FAILED ? -1 : 0;
}
ACTION(exec_at) { char *const none[] = {NULL}; char *const words[] = {given[0], NULL}; return syscall(SYS_execveat, AT_FDCWD, given[0], words, none, 0); }

static long ended(pid_t child) {
  if (child < 0) return -1;
  if (child == 0) _exit(0);
  return waitpid(child, NULL, 0);
}
ACTION(fork_process) { return ended(fork()); }
ACTION(clone_process) { return ended((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
ACTION(clone3_process) { uint64_t how[8] = {0}; how[4] = SIGCHLD; return ended((pid_t)syscall(435, how, sizeof how)); }
#ifdef SYS_vfork
ACTION(vfork_process) { return ended(vfork()); }
#endif

static pid_t target(void) { return (pid_t)atoi(given[0]); }
ACTION(signal_process) { return kill(target(), 0); }
ACTION(signal_group) { return kill(0, 0); }
ACTION(signal_everybody) { return kill(-1, 0); }
ACTION(signal_by_queue) { siginfo_t none = {.si_code = SI_QUEUE}; return syscall(SYS_rt_sigqueueinfo, target(), 0, &none); }
ACTION(signal_thread) { return syscall(SYS_tgkill, target(), target(), 0); }
ACTION(open_pidfd) { return syscall(434, target(), 0); }
ACTION(trace_process) { return ptrace(PTRACE_SEIZE, target(), 0, 0); }
ACTION(read_memory_of_process) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/mem", given[0]);
  return open(path, O_RDONLY);
}
ACTION(read_environment_of_process) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/environ", given[0]);
  return open(path, O_RDONLY);
}
ACTION(vm_read_process) {
  char bytes[8];
  uintptr_t where = strtoull(given[1], NULL, 0);
  struct iovec here = {bytes, sizeof bytes}, there = {(void *)where, sizeof bytes};
  return process_vm_readv(target(), &here, 1, &there, 1, 0);
}
ACTION(change_priority_of_process) { return setpriority(PRIO_PROCESS, (id_t)target(), 0); }
ACTION(limits_of_process) { struct rlimit limit; return syscall(SYS_prlimit64, target(), RLIMIT_NOFILE, NULL, &limit); }

ACTION(mount_folder) {
  /* In mounts of its own, where it may have such. */
  if (unshare(CLONE_NEWNS) == 0) mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
  return mount("none", given[0], "tmpfs", 0, NULL);
}
ACTION(new_namespace) { return syscall(SYS_unshare, 0x00020000); }
ACTION(change_root) { return chroot(given[0]); }
ACTION(key_ring) { return syscall(SYS_keyctl, 0, -3, 1); }
ACTION(bpf_map) { uint32_t how[18] = {1, 4, 4, 1}; return syscall(SYS_bpf, 0, how, sizeof how); }
ACTION(perf_event) { uint32_t how[32] = {1, 128, 0}; return syscall(SYS_perf_event_open, how, 0, -1, -1, 0); }
ACTION(io_uring) { uint32_t how[32] = {0}; return syscall(425, 1, how); }
ACTION(user_fault) { return syscall(SYS_userfaultfd, 0); }
ACTION(change_personality) { return personality(0xffffffff); }
ACTION(memory_file) { return memfd_create("x", 0); }
ACTION(shared_memory) {
  int id = shmget(IPC_PRIVATE, 4096, 0600);
  return id < 0 ? -1 : shmctl(id, IPC_RMID, NULL);
}
ACTION(kernel_log) { return syscall(SYS_syslog, 10, NULL, 0); }
ACTION(own_session) { return setpgid(0, 0); }
ACTION(raise_limit) { struct rlimit limit = {1024, 1024}; return setrlimit(RLIMIT_CORE, &limit); }
ACTION(outlive_parent) { return prctl(PR_SET_PDEATHSIG, 0); }
ACTION(be_dumpable) { return prctl(PR_SET_DUMPABLE, 1); }
ACTION(open_many_files) {
  int last = 0, error = 0;
  for (int i = 0; i < 500 && error == 0; i++) {
    int f = dup(0);
    if (f < 0) error = errno;
    else last = f;
  }
  for (; last > 2; last--) close(last);
  errno = error;
  return error == 0 ? 0 : -1;
}
ACTION(fill_memory) {
  const size_t mib = 1024 * 1024;
  int wanted = atoi(given[0]), filled = 0;
  char **blocks = calloc((size_t)wanted, sizeof *blocks);
  for (; filled < wanted; filled++) {
    blocks[filled] = mmap(NULL, mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (blocks[filled] == MAP_FAILED) break;
    blocks[filled][0] = 1; /* limits count what is mapped; one page of it is quick */
  }
  int error = errno, done = filled == wanted;
  while (filled-- > 0) munmap(blocks[filled], mib);
  errno = error;
  return done ? 0 : -1;
}
ACTION(foreign_call) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid of i386 */) : "memory");
  return result;
#else
  return 0;
#endif
}

/* What must still work inside. */
static void *threads_work(void *argument) { return argument; }
ACTION(start_thread) {
  pthread_t thread;
  void *back = NULL;
  errno = pthread_create(&thread, NULL, threads_work, given);
  return errno != 0 || pthread_join(thread, &back) != 0 || back != given ? -1 : 0;
}
ACTION(print_surroundings) {
  extern char **environ;
  int count = 0, open_files = 0;
  for (char **word = environ; *word != NULL; word++) count++;
  for (int f = 3; f < 65536; f++) open_files += fcntl(f, F_GETFD) >= 0;
  char folder[4096];
  printf("environment %d, open files above 2 %d, folder %s\n", count, open_files, getcwd(folder, sizeof folder));
  return 0;
}
ACTION(abort_at_once) { abort(); }
ACTION(spin) { for (volatile long turn = 0;; turn++) if (turn < 0) return 0; }
ACTION(wait_for_ever) {
  puts("waiting");
  fflush(stdout);
  for (;;) if (usleep(1000000) != 0 && errno != EINTR) return -1;
}

/* Starts a program with the file given[0] as descriptor 0, core dumps allowed; says how it ended. */
ACTION(watch) {
  struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &all);
  pid_t child = fork();
  if (child == 0) {
    int file = open(given[0], O_RDWR);
    if (file < 0 || dup2(file, 0) < 0) _exit(99);
    execv(given[1], &given[1]);
    _exit(98);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("signal %d, core %d, status %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0, WCOREDUMP(status) ? 1 : 0, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return 0;
}
/* Starts a program as its parent, says which process it is, and waits to be killed. `PARENT` in its arguments is this process. */
ACTION(orphan) {
  char self[16];
  snprintf(self, sizeof self, "%d", getpid());
  for (char **word = given; *word != NULL; word++) if (strcmp(*word, "PARENT") == 0) *word = self;
  pid_t child = fork();
  if (child == 0) {
    execv(given[0], given);
    _exit(98);
  }
  printf("child %d\n", child);
  fflush(stdout);
  return pause();
}

#define ENTRY(name) {#name, name}
static const struct { const char *name; long (*act)(void); } actions[] = {
  ENTRY(read_file), ENTRY(list_folder), ENTRY(write_file), ENTRY(make_folder), ENTRY(remove_file), ENTRY(rename_file), ENTRY(link_file), ENTRY(symlink_file),
  ENTRY(truncate_file), ENTRY(change_mode), ENTRY(grow_given_file), ENTRY(connect_tcp), ENTRY(fast_open_tcp), ENTRY(bind_tcp), ENTRY(listen_tcp), ENTRY(udp_socket),
  ENTRY(udp6_socket), ENTRY(raw_socket), ENTRY(packet_socket), ENTRY(netlink_socket), ENTRY(unix_socket), ENTRY(socket_pair), ENTRY(exec_program), ENTRY(exec_itself),
  ENTRY(say_done), ENTRY(exec_from_the_jails_place), ENTRY(move_memory_there), ENTRY(exec_at), ENTRY(fork_process), ENTRY(clone_process), ENTRY(clone3_process),
#ifdef SYS_vfork
  ENTRY(vfork_process),
#endif
  ENTRY(signal_process), ENTRY(signal_group), ENTRY(signal_everybody), ENTRY(signal_by_queue), ENTRY(signal_thread), ENTRY(open_pidfd), ENTRY(trace_process),
  ENTRY(read_memory_of_process), ENTRY(read_environment_of_process), ENTRY(vm_read_process), ENTRY(change_priority_of_process), ENTRY(limits_of_process),
  ENTRY(mount_folder), ENTRY(new_namespace), ENTRY(change_root), ENTRY(key_ring), ENTRY(bpf_map), ENTRY(perf_event), ENTRY(io_uring), ENTRY(user_fault),
  ENTRY(change_personality), ENTRY(memory_file), ENTRY(shared_memory), ENTRY(kernel_log), ENTRY(own_session), ENTRY(raise_limit), ENTRY(outlive_parent),
  ENTRY(be_dumpable), ENTRY(open_many_files), ENTRY(fill_memory), ENTRY(foreign_call), ENTRY(start_thread), ENTRY(print_surroundings), ENTRY(abort_at_once), ENTRY(spin),
  ENTRY(wait_for_ever), ENTRY(watch), ENTRY(orphan),
};

/* -1 and ENOTSUP for what is no action. */
static long act(char **words) {
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    if (strcmp(words[0], actions[i].name) != 0) continue;
    given = &words[1];
    return actions[i].act();
  }
  errno = ENOTSUP;
  return -1;
}

/* 0 when it succeeded, as one does that became another program: then the pipe is closed without a word. */
static int errno_of_process(char **words) {
  int ends[2], error = 0;
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  pid_t child = fork();
  if (child == 0) {
    error = act(words) < 0 ? errno : 0;
    _exit(write(ends[1], &error, sizeof error) != sizeof error);
  }
  close(ends[1]);
  if (read(ends[0], &error, sizeof error) < 0) error = errno;
  close(ends[0]);
  waitpid(child, NULL, 0);
  return error;
}

/* Lines of words from standard input, each an action: tried here, one after the other, or each in a process of its own. */
static void try_lines(int in_processes) {
  static char text[65536];
  size_t length = fread(text, 1, sizeof text - 1, stdin);
  text[length] = '\0';
  char *rest = text, *line;
  while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
    char *words[8] = {NULL}, *word;
    for (int i = 0; i < 7 && (word = strsep(&line, " ")) != NULL; i++) words[i] = word;
    if (in_processes) {
      int error = errno_of_process(words);
      printf("%s %s\n", words[0], error == 0 ? "done" : strerrorname_np(error));
    } else {
      long result = act(words);
      printf("%s %s\n", words[0], result < 0 ? strerrorname_np(errno) : "done");
    }
    fflush(stdout);
  }
}

int main(int count, char **words) {
  if (count == 2 && (strcmp(words[1], "each") == 0 || strcmp(words[1], "all") == 0)) {
    try_lines(strcmp(words[1], "each") == 0);
    return 0;
  }
  if (count > 1) {
    long result = act(&words[1]);
    puts(result < 0 ? strerrorname_np(errno) : "done");
    return result < 0;
  }
  fputs("usage: probe ACTION [ARGUMENT…]\n", stderr);
  return 64;
}
