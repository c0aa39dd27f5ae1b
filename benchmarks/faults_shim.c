/* Lets one open, write, rename, link, mkdir or fsync under a folder fail, and writes down all that is done there.
 *
 *     cc -shared -fPIC -O1 -o shim.so faults_shim.c -ldl
 *     LD_PRELOAD=./shim.so python ...
 *
 * Nothing happens until the process calls `faults_under`. Operations under that folder are counted from then on;
 * `faults_arm` says which one fails, and how. `faults_record` has each written to a file as one line, and what was
 * written as bytes after it: see `_power_loss.py`, which reads it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[PATH_MAX];
static long count, fail_at;
static int fail_with, is_short, recording = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void faults_under(const char *folder) { snprintf(under, sizeof under, "%s", folder); count = 0; fail_at = 0; }
void faults_arm(long nth, int error, int shorter) { count = 0; fail_at = nth; fail_with = error; is_short = shorter; }
long faults_count(void) { return count; }

void faults_record(const char *file) {
  if (recording >= 0) close(recording);
  recording = file ? REAL(open)(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
}

static int is_ours(const char *path) {
  size_t length = strlen(under);
  return length && path && !strncmp(path, under, length) && (path[length] == '/' || !path[length]);
}

static int path_of(int descriptor, char *path) {
  char link[64];
  if (!*under || descriptor < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

/* Whether this operation is the one that fails; errno is set then. */
static int fails(void) {
  pthread_mutex_lock(&turn);
  int now = ++count == fail_at;
  pthread_mutex_unlock(&turn);
  if (now) errno = fail_with;
  return now;
}

static void note(const char *line, const void *data, size_t size) {
  if (recording < 0) return;
  int kept = errno;
  pthread_mutex_lock(&turn);
  REAL(write)(recording, line, strlen(line));
  for (size_t done = 0; done < size;) {
    ssize_t written = REAL(write)(recording, (const char *)data + done, size - done);
    if (written <= 0) break;
    done += written;
  }
  pthread_mutex_unlock(&turn);
  errno = kept;
}

static void note_path(char kind, const char *one, const char *two) {
  char line[2 * PATH_MAX + 64];
  struct stat stat;
  long inode = lstat(two ? two : one, &stat) ? 0 : (long)stat.st_ino;
  snprintf(line, sizeof line, "%c %ld %s%s%s\n", kind, inode, one, two ? "\t" : "", two ? two : "");
  note(line, NULL, 0);
}

static void note_write(int descriptor, off_t offset, const void *data, size_t size) {
  char line[128];
  struct stat stat;
  if (recording < 0 || fstat(descriptor, &stat)) return;
  snprintf(line, sizeof line, "W %ld %lld %zu\n", (long)stat.st_ino, (long long)offset, size);
  note(line, data, size);
}

static int note_open(int descriptor, const char *path, int flags) {
  char whole[PATH_MAX];
  if (descriptor >= 0 && recording >= 0 && (flags & (O_CREAT | O_TRUNC)) && path_of(descriptor, whole))
    note_path(flags & O_TRUNC ? 'T' : 'C', whole, NULL);
  return descriptor;
}

#define OPEN(name)                                                    \
  int name(const char *path, int flags, ...) {                        \
    va_list rest;                                                     \
    va_start(rest, flags);                                            \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                     \
    if (flags & O_CREAT && is_ours(path) && fails()) return -1;       \
    return note_open(REAL(name)(path, flags, mode), path, flags);     \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int descriptor, const void *data, size_t size) {
  char path[PATH_MAX];
  if (!path_of(descriptor, path)) return REAL(write)(descriptor, data, size);
  if (fails()) {
    if (!is_short || size < 2) return -1;
    size /= 2; /* as a disk with room for so much; the next one then fails */
    fail_at = count + 1;
  }
  off_t offset = lseek(descriptor, 0, SEEK_CUR);
  ssize_t written = REAL(write)(descriptor, data, size);
  if (written > 0) note_write(descriptor, offset, data, written);
  return written;
}

#define PWRITE(name, type)                                                       \
  ssize_t name(int descriptor, const void *data, size_t size, type offset) {     \
    char path[PATH_MAX];                                                         \
    if (!path_of(descriptor, path)) return REAL(name)(descriptor, data, size, offset); \
    if (fails()) return -1;                                                      \
    ssize_t written = REAL(name)(descriptor, data, size, offset);                \
    if (written > 0) note_write(descriptor, offset, data, written);              \
    return written;                                                              \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name)                                         \
  int name(int descriptor) {                               \
    char path[PATH_MAX];                                   \
    if (!path_of(descriptor, path)) return REAL(name)(descriptor); \
    if (fails()) return -1;                                \
    int failed = REAL(name)(descriptor);                   \
    if (!failed) note_path('S', path, NULL);               \
    return failed;                                         \
  }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
  if (!is_ours(from) && !is_ours(to)) return REAL(rename)(from, to);
  if (fails()) return -1;
  int failed = REAL(rename)(from, to);
  if (!failed) note_path('R', from, to);
  return failed;
}

int link(const char *from, const char *to) {
  if (!is_ours(to)) return REAL(link)(from, to);
  if (fails()) return -1;
  int failed = REAL(link)(from, to);
  if (!failed) note_path('L', from, to);
  return failed;
}

int linkat(int one, const char *from, int two, const char *to, int flags) {
  if (!is_ours(to)) return REAL(linkat)(one, from, two, to, flags);
  if (fails()) return -1;
  int failed = REAL(linkat)(one, from, two, to, flags);
  if (!failed) note_path('L', from, to);
  return failed;
}

int unlink(const char *path) {
  int failed = REAL(unlink)(path);
  if (!failed && is_ours(path)) note_path('U', path, NULL);
  return failed;
}

int mkdir(const char *path, mode_t mode) {
  if (!is_ours(path)) return REAL(mkdir)(path, mode);
  if (fails()) return -1;
  int failed = REAL(mkdir)(path, mode);
  if (!failed) note_path('M', path, NULL);
  return failed;
}
