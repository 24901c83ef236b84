/*
 * A disk that fills up or breaks: preloaded (LD_PRELOAD) into the program under test, it lets
 * writes, renames and flushes of chosen files fail.
 *   FAULTFS_MATCH   substring of the path of the files concerned (of a rename: of the new path)
 *   FAULTFS_ERROR   ENOSPC (writes and renames fail), EIO (flushes as well), EREAD (reads fail)
 *   FAULTFS_NTH     the N-th such call fails, and every one after it
 *   FAULTFS_LOG     a file that gets one byte per call that matched: how many there are
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_ulong calls;

static int is_match(const char *path)
{
    const char *match = getenv("FAULTFS_MATCH");

    return match != NULL && strstr(path, match) != NULL;
}

static int matches(int fd)
{
    char link[64];
    char path[PATH_MAX];

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);

    if (size <= 0)
        return 0;
    path[size] = '\0';
    return is_match(path);
}

static void note_call(void)
{
    const char *log = getenv("FAULTFS_LOG");

    if (log == NULL)
        return;
    int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    (void)!syscall(SYS_write, fd, ".", 1);
    (void)close(fd);
}

typedef enum Call {
    CALL_WRITE,
    CALL_FLUSH,
    CALL_READ,
} Call;

static int concerns(const char *error, Call call)
{
    if (strcmp(error, "EREAD") == 0)
        return call == CALL_READ;
    if (strcmp(error, "ENOSPC") == 0)
        return call == CALL_WRITE;
    return call != CALL_READ;
}

/* The errno to fail with, or 0. The file: open as fd, or of this name. */
static int fault_at(int fd, const char *name, Call call)
{
    const char *error = getenv("FAULTFS_ERROR");
    const char *nth = getenv("FAULTFS_NTH");
    int saved = errno;

    if (error == NULL || !concerns(error, call) || !(name != NULL ? is_match(name) : matches(fd))) {
        errno = saved;
        return 0;
    }
    note_call();
    errno = saved;
    if (nth == NULL || atomic_fetch_add(&calls, 1) + 1 < strtoul(nth, NULL, 10))
        return 0;
    return strcmp(error, "ENOSPC") == 0 ? ENOSPC : EIO;
}

static int fault(int fd, Call call)
{
    return fault_at(fd, NULL, call);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    int error = fault(fd, CALL_WRITE);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite64(fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
    int error = fault(fd, CALL_READ);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return syscall(SYS_pread64, fd, data, size, offset);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    return pread64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
    int error = fault(fd, CALL_WRITE);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return syscall(SYS_write, fd, data, size);
}

int fsync(int fd)
{
    int error = fault(fd, CALL_FLUSH);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    int error = fault(fd, CALL_FLUSH);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t size)
{
    int error = fault(fd, CALL_WRITE);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int rename(const char *from, const char *to)
{
    int error = fault_at(-1, to, CALL_WRITE);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_rename, from, to);
}
