/*
 * receiver: a service manager's ear, for tests: receiver NAME (a path, or @ for an abstract name). Prints `listening`, then each state
 * that it is sent, a line each, with who sent it; closes a barrier's descriptor after it has printed what came before.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **words) {
  if (count != 2) return 64;
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path, words[1], sizeof at.sun_path - 1);
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(words[1]) + (words[1][0] == '/'));
  if (words[1][0] == '@') at.sun_path[0] = '\0';
  int ear = socket(AF_UNIX, SOCK_DGRAM, 0), on = 1;
  if (bind(ear, (struct sockaddr *)&at, length) != 0 || setsockopt(ear, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return 71;
  puts("listening");
  fflush(stdout);
  for (;;) {
    char text[4096], control[512];
    struct iovec bytes = {text, sizeof text - 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(ear, &message, 0);
    if (got < 0) return 1;
    text[got] = '\0';
    int sender = 0, descriptor = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_type == SCM_CREDENTIALS) sender = ((struct ucred *)CMSG_DATA(c))->pid;
      if (c->cmsg_type == SCM_RIGHTS) memcpy(&descriptor, CMSG_DATA(c), sizeof descriptor);
    }
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) printf("%s from %s\n", line, sender > 0 ? "a process" : "nobody");
    fflush(stdout);
    if (descriptor >= 0) close(descriptor);
  }
}
