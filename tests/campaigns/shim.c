/* Preloaded into a run: the N-th call that changes a file below SHIM_FOLDER fails with SHIM_ERRNO, or kills the run.

   SHIM_ERRNO=0 kills. With SHIM_LASTS=1 all later calls fail, too, as on a full disk. SHIM_COUNT names a file that
   receives the number of calls at the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

static int is_below(const char *path) {
  const char *folder = getenv("SHIM_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int fails(void) {
  long call = ++calls, nth = number("SHIM_NTH");
  if (!nth || call < nth || (call > nth && !number("SHIM_LASTS"))) return 0;
  if (!number("SHIM_ERRNO")) kill(getpid(), SIGKILL);
  errno = (int)number("SHIM_ERRNO");
  return 1;
}

static int path_fails(const char *path) { return is_below(path) && fails(); }

static int file_fails(int file) {
  char link[64], path[PATH_MAX];
  int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = before;
  if (length < 0) return 0;
  path[length] = 0;
  return path_fails(path);
}

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int file, const void *bytes, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return file_fails(file) ? -1 : real(file, bytes, size);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  return file_fails(file) ? -1 : real(file, bytes, size, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  return file_fails(file) ? -1 : real(file, bytes, size, offset);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  return file_fails(file) ? -1 : real(file, parts, count);
}

int fsync(int file) {
  REAL(int, "fsync", int);
  return file_fails(file) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  return path_fails(to) ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  return path_fails(path) ? -1 : real(path, mode);
}

static int opens(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && path_fails(path)) return -1;
  return real(path, flags, mode);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return opens(#name, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("SHIM_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", (long)calls);
  fclose(file);
}
