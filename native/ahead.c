/*
 * ahead: a library that ffmpeg is started with (LD_PRELOAD, by the jail's --preload), so that it asks the kernel seldom and no picture
 * stays in its memory.
 *
 * ffmpeg reads RTSP over TCP in the smallest pieces: for each packet of 1.4 KB it takes 1 byte, 3 bytes and the rest, and waits (poll) before
 * each, 2,400 calls a second for a camera of 4 Mbit/s, which is more than half of its CPU time. With this library the first read takes what
 * is there, up to 64 KiB, and the next ones are answered from memory. ffmpeg sees the same bytes, waits where it waited before, and never
 * waits for more than it asked for. docs/decisions/002 has the figures.
 *
 * It serves the one connection that ffmpeg reads, in the one thread that reads it; a second one is passed through. It must never hold back
 * what was read: poll says "readable" as long as something is left. A program that is linked without a dynamic linker goes without it.
 *
 * It is as patient as its reader: while what ffmpeg has written lies unread in the pipe, nobody waits for the next picture, and poll waits for
 * 48 KiB or its time-out (ffmpeg's is 100 ms), whichever is first, instead of waking for each. Whoever reads at once is served at once again.
 *
 * glibc overwrites what is freed (the jail sees to that), but buffers that are used again keep the end of the longest that was ever in
 * them, for hours: this one, ffmpeg's output buffer, and the one in which its parser puts a picture together. They are wiped here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t (*next_recv)(int, void *, size_t, int);
static int (*next_poll)(struct pollfd *, nfds_t, int);
static int (*next_close)(int);
static ssize_t (*next_write)(int, const void *, size_t);
static void *(*next_fast_realloc)(void *, unsigned int *, size_t);

static int connection = -1;
static unsigned char held[65536];
static size_t from, to;

enum { PATIENT_BYTES = 49152, HANDSHAKE_BYTES = 262144, EMPTY_LOOKS = 2 };
static size_t taken; /* since the connection began, up to HANDSHAKE_BYTES: RTSP's questions and answers are not to wait */
static int patient, empty_looks;

__attribute__((constructor)) static void find_next(void) {
  next_recv = (ssize_t(*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
  next_poll = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
  next_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
  next_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  next_fast_realloc = (void *(*)(void *, unsigned int *, size_t))dlsym(RTLD_NEXT, "av_fast_realloc");
}

/* Datagrams have borders, which reading ahead would lose. */
static int is_stream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static void hold(size_t got) {
  from = 0;
  to = got;
  if (taken < HANDSHAKE_BYTES) taken += got;
}

/* Whether what was written waits to be read; looked at twice, for right after a reading there is nothing. */
static int nobody_waits(void) {
  int unread = 0;
  if (taken < HANDSHAKE_BYTES || ioctl(STDOUT_FILENO, SIOCOUTQ, &unread) != 0) return 0;
  empty_looks = unread > 0 ? 0 : empty_looks + 1;
  return empty_looks < EMPTY_LOOKS;
}

/* The kernel reports the connection as readable when so much is there. */
static void be_patient(int now) {
  int bytes = now ? PATIENT_BYTES : 1;
  if (now != patient && setsockopt(connection, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0) patient = now;
}

/* Nothing is held, and only the connection is asked for. */
static int wait_patiently(struct pollfd *list, int timeout) {
  int ready = next_poll(list, 1, timeout);
  if (ready != 0) return ready;
  ssize_t got = next_recv(connection, held, sizeof held, MSG_DONTWAIT);
  if (got <= 0) return 0; /* what it is, the next poll says */
  hold((size_t)got);
  list[0].revents = POLLIN;
  return 1;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
  if (fd < 0 || flags != 0) return next_recv(fd, buffer, size, flags);
  if (connection == -1 && is_stream(fd)) connection = fd;
  if (fd != connection) return next_recv(fd, buffer, size, flags);
  if (from == to) {
    if (size >= sizeof held) return next_recv(fd, buffer, size, flags);
    ssize_t got = next_recv(fd, held, sizeof held, 0);
    if (got <= 0) return got;
    hold((size_t)got);
  }
  size_t part = to - from < size ? to - from : size;
  memcpy(buffer, held + from, part);
  memset(held + from, 0, part);
  from += part;
  return (ssize_t)part;
}

/* The C library declares that poll only writes to the list. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
int poll(struct pollfd *list, nfds_t count, int timeout) {
  nfds_t ours = count;
  if (from != to)
    for (ours = 0; ours < count && !(list[ours].fd == connection && (list[ours].events & POLLIN)); ours++) {}
  if (ours == count) {
    if (count != 1 || connection == -1 || list[0].fd != connection || list[0].events != POLLIN || timeout <= 0) return next_poll(list, count, timeout);
    be_patient(nobody_waits());
    return patient ? wait_patiently(list, timeout) : next_poll(list, count, timeout);
  }
  if (count == 1 && list[0].events == POLLIN) {
    list[0].revents = POLLIN;
    return 1;
  }
  /* The others are asked without waiting. */
  int ready = next_poll(list, count, 0);
  if (ready < 0) return ready;
  if (list[ours].revents == 0) ready++;
  list[ours].revents |= POLLIN;
  return ready;
}

int close(int fd) {
  if (fd == connection && fd != -1) {
    connection = -1;
    memset(held, 0, to);
    from = to = taken = 0;
    patient = empty_looks = 0;
  }
  return next_close(fd);
}

/* Standard output is a muxer's: its buffer is its own, and filled anew for the next write. */
ssize_t write(int fd, const void *buffer, size_t size) {
  ssize_t put = next_write(fd, buffer, size);
  if (fd == STDOUT_FILENO && connection != -1 && put > 0) memset((void *)buffer, 0, (size_t)put);
  return put;
}

/*
 * The parser asks for room (`least`, counted from the beginning) with each packet of a picture; less than before means that a new picture
 * begins, and behind `least` lies the old one's rest.
 */
void *av_fast_realloc(void *memory, unsigned int *size, size_t least) {
  static void *last;
  static size_t filled;
  if (memory != NULL && memory == last && least < filled && filled <= *size) memset((unsigned char *)memory + least, 0, filled - least);
  last = next_fast_realloc(memory, size, least);
  filled = least;
  return last;
}
