/*
 * filter: prints the filters that native/jail.c gives to the kernel, as JSON: each a list of [code, jt, jf, k]. For test/native/filter.test.ts.
 * Compiled with -DAS_ARM64 it is arm64's, on whatever machine: that architecture takes its calls' numbers from asm-generic/unistd.h, which
 * Debian's linux-libc-dev brings everywhere, and what else the filter compares is the same on both.
 */
#define _GNU_SOURCE
#ifdef AS_ARM64
/* In the place of the machine's own <sys/syscall.h>, with what arm64's <asm/unistd.h> asks for. */
#define _SYSCALL_H 1
#define __ARCH_WANT_RENAMEAT
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SET_GET_RLIMIT
#define __ARCH_WANT_TIME32_SYSCALLS
#define __ARCH_WANT_SYS_CLONE3
#define __ARCH_WANT_MEMFD_SECRET
#include <asm-generic/unistd.h>
#include <bits/syscall.h>
#endif
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
/* The headers are read: what is asked from here on is asked by the jail alone. */
#ifdef AS_ARM64
#undef __x86_64__
#undef __aarch64__
#define __aarch64__ 1
#endif

static int shown(int what, unsigned long mode, const struct sock_fprog *program) {
  if (what != PR_SET_SECCOMP || mode != SECCOMP_MODE_FILTER || program == NULL) return -1;
  for (unsigned i = 0; i < program->len; i++)
    printf("%s[%u,%u,%u,%u]", i == 0 ? "[" : ",", program->filter[i].code, program->filter[i].jt, program->filter[i].jf, program->filter[i].k);
  puts("]");
  return 0;
}

#define prctl(what, mode, ...) shown((int)(what), (unsigned long)(mode), (const struct sock_fprog *)(uintptr_t)(__VA_ARGS__ + 0))
#define getpid() 4711
#define main jail
#include "../../native/jail.c"
#undef main

/* One line each: with a port, without, the courier's. */
int main(void) {
  struct order order = {.port = 554};
  restrict_calls(&order);
  length = 0;
  order.port = 0;
  restrict_calls(&order);
  length = 0;
  restrict_courier_calls();
  return 0;
}
