/*
 * notify: tells the service manager how the hub is, which Node cannot: it has no datagram sockets in the file system.
 *
 *   notify STATE…      such as: notify READY=1 'STATUS=recording 4 cameras'
 *
 * Sends one datagram, a state a line, to the socket that NOTIFY_SOCKET names (sd_notify(3); a first @ stands for the abstract name's
 * NUL), then waits up to 5 s until the manager has read it: it looks up whose it is by process, and this one ends at once.
 * It must never send anything else, anywhere else.
 *
 * Exit status: 0 sent (also where there is no manager: NOTIFY_SOCKET is not set), 64 wrong usage, 71 it could not be sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_NOT_SENT = 71, WAIT_MS = 5000 };

static int fail(int status, const char *what) {
  fprintf(stderr, "notify: %s: %s\n", what, strerror(errno));
  return status;
}

/* Sends the text, and a descriptor beside it unless that is -1. */
static int send_text(int socket, const struct sockaddr_un *address, socklen_t length, const char *text, int descriptor) {
  struct iovec bytes = {.iov_base = (void *)text, .iov_len = strlen(text)};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {.msg_name = (void *)address, .msg_namelen = length, .msg_iov = &bytes, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* The manager closes its copy of the pipe when it has read everything before it. An old one does not know this and lets it be. */
static void wait_until_read(int socket, const struct sockaddr_un *address, socklen_t length) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  int sent = send_text(socket, address, length, "BARRIER=1", ends[1]);
  close(ends[1]);
  struct pollfd end = {.fd = ends[0]};
  if (sent == 0) poll(&end, 1, WAIT_MS);
  close(ends[0]);
}

int main(int count, char **states) {
  char text[4096] = "";
  size_t used = 0;
  for (int i = 1; i < count; i++) {
    int more = snprintf(text + used, sizeof text - used, "%s%s", i == 1 ? "" : "\n", states[i]);
    if (more < 0 || used + (size_t)more >= sizeof text) break;
    used += (size_t)more;
  }
  if (count < 2 || used == 0) {
    fputs("usage: notify STATE…\n", stderr);
    return EXIT_USAGE;
  }
  const char *name = getenv("NOTIFY_SOCKET");
  if (name == NULL || name[0] == '\0') return 0;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t name_length = strlen(name);
  if ((name[0] != '/' && name[0] != '@') || name_length >= sizeof address.sun_path) {
    errno = EINVAL;
    return fail(EXIT_NOT_SENT, "NOTIFY_SOCKET");
  }
  memcpy(address.sun_path, name, name_length);
  if (name[0] == '@') address.sun_path[0] = '\0';
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_length + (name[0] == '/'));
  int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return fail(EXIT_NOT_SENT, "socket");
  if (send_text(socket_, &address, length, text, -1) != 0) return fail(EXIT_NOT_SENT, name);
  wait_until_read(socket_, &address, length);
  return 0;
}
