/*
 * arm64init: the first and only program of an emulated machine (test/slow/arm64.test.ts). Goes through the rounds of /rounds, prints what each
 * prints, and switches the machine off.
 *
 *   round NAME WORD…     a program and its words
 *   LINE…                what it reads from standard input, one line at least
 *   end
 *
 * VICTIM and ADDRESS stand for another process and an address in it; somebody listens on the TCP ports 7001 and 7002; the files of /tmp/data
 * lie there anew before each round.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[65536], victim[16], address[32];

static void put(const char *path, const char *content, mode_t mode) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (file < 0 || write(file, content, strlen(content)) < 0) perror(path);
  close(file);
}

static void put_back(void) {
  static const char *const made[] = {"/tmp/data/new", "/tmp/data/linked", "/tmp/data/symlinked"};
  for (unsigned i = 0; i < sizeof made / sizeof *made; i++) unlink(made[i]);
  rmdir("/tmp/data/folder");
  mkdir("/tmp/data", 0700);
  put("/tmp/data/working.key", "the hub's key", 0600);
  put("/tmp/data/kept", "kept", 0600);
  put("/tmp/data/kept2", "kept", 0600);
}

static void listen_on(int port) {
  int s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (bind(s, (struct sockaddr *)&at, sizeof at) != 0 || listen(s, 100) != 0) perror("listen");
}

static void start_victim(void) {
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_RDWR), 1);
    execl("/probe", "probe", "wait_for_ever", (char *)NULL);
    _exit(127);
  }
  snprintf(victim, sizeof victim, "%d", pid);
  char path[64], line[64] = "";
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  /* Its own program, and not this one any more. */
  while (readlink(path, line, sizeof line - 1) < 0 || strncmp(line, "/probe", 6) != 0) usleep(10000);
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "r");
  if (maps != NULL && fgets(line, sizeof line, maps) != NULL) snprintf(address, sizeof address, "0x%.*s", (int)strcspn(line, "-"), line);
}

/* In place of its name, which is longer. */
static void replace(const char *name, const char *value) {
  for (char *at; (at = strstr(text, name)) != NULL;) {
    char *rest = strdup(at + strlen(name));
    strcpy(stpcpy(at, value), rest);
    free(rest);
  }
}

static void go(char *head, const char *input) {
  char *words[64];
  int count = 0;
  for (char *word = strtok(head, " "); word != NULL && count < 63; word = strtok(NULL, " ")) words[count++] = word;
  words[count] = NULL;
  put_back();
  put("/tmp/input", input, 0600);
  printf("round %s\n", words[1]);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/tmp/input", O_RDONLY), 0);
    execv(words[2], words + 2);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  printf("ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  fflush(stdout);
}

int main(void) {
  mkdir("/proc", 0755), mkdir("/dev", 0755), mkdir("/tmp", 0755);
  if (mount("proc", "/proc", "proc", 0, NULL) != 0 || mount("dev", "/dev", "devtmpfs", 0, NULL) != 0 || mount("tmp", "/tmp", "tmpfs", 0, NULL) != 0) perror("mount");
  int console = open("/dev/console", O_RDWR);
  for (int i = 0; i < 3; i++) dup2(console, i);
  struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &loopback) != 0) perror("lo");
  struct rlimit files = {1024, 1048576};
  setrlimit(RLIMIT_NOFILE, &files);
  listen_on(7001);
  listen_on(7002);
  start_victim();
  int file = open("/rounds", O_RDONLY);
  if (read(file, text, sizeof text / 2) <= 0) perror("rounds");
  close(file);
  replace("VICTIM", victim);
  replace("ADDRESS", address);
  for (char *at = text; strncmp(at, "round ", 6) == 0;) {
    char *input = strchr(at, '\n') + 1, *end = strstr(at, "\nend\n");
    if (end == NULL) break;
    input[-1] = end[1] = '\0';
    go(at, input);
    at = end + 5;
  }
  puts("over");
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
}
