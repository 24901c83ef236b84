#include "engine/base/share_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

enum {
    LOOK_EVERY_MS = 20,
    WHO_MAX = 200, /* what is shown of a writer's text */
};

struct ShareLock {
    int fd; /* -1: nothing can be written there, and there is nothing to lock */
};

static struct flock whole_file(ShareMode mode)
{
    return (struct flock){.l_type = mode == SHARE_WRITE ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
}

void share_lock_free(ShareLock *lock)
{
    if (lock == NULL)
        return;
    if (lock->fd >= 0)
        (void)close(lock->fd); /* gives the lock back, whatever it returns */
    free(lock);
}

/* What others hold that a writer would have to wait for. */
static Status look(int fd, const char *path, ShareMode *ret, Error *err)
{
    struct flock found = whole_file(SHARE_WRITE);

    if (fcntl(fd, F_OFD_GETLK, &found) != 0)
        return file_error(err, errno, "ask for the lock of", path);
    *ret = found.l_type == F_UNLCK   ? SHARE_NONE
           : found.l_type == F_WRLCK ? SHARE_WRITE
                                     : SHARE_READ;
    return STATUS_OK;
}

Status share_lock_look(const char *path, ShareMode *ret, Error *err)
{
    AUTO_FREE(share_lock_free) ShareLock *lock = xcalloc(1, sizeof(*lock));

    lock->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (lock->fd < 0 && errno == ENOENT) {
        *ret = SHARE_NONE;
        return STATUS_OK;
    }
    if (lock->fd < 0)
        return file_error(err, errno, "open", path);
    return look(lock->fd, path, ret, err);
}

/* Only for messages, so what cannot be written or read is left out. */
static void write_who(int fd)
{
    char host[64] = "";
    char who[WHO_MAX];
    int size = 0;

    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    size = snprintf(who, sizeof(who), "process %ld on %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, who, (size_t)size, 0);
}

static Status refuse(int fd, const char *path, Error *err)
{
    char who[WHO_MAX + 1] = "";
    ShareMode held = SHARE_NONE;
    ssize_t size = 0;

    TRY(look(fd, path, &held, err));
    if (held != SHARE_WRITE)
        return error_kind(err, ERROR_LOCKED, "\"%s\" is locked by others that read", path);
    size = pread(fd, who, WHO_MAX, 0);
    who[size > 0 ? size : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
    return error_kind(err, ERROR_LOCKED, "\"%s\" is locked by %s", path,
                      who[0] != '\0' ? who : "another process");
}

static Status take(int fd, const char *path, ShareMode mode, uint64_t wait_ms, Error *err)
{
    uint64_t started_ns = clock_monotonic_ns();

    for (;;) {
        struct flock wanted = whole_file(mode);

        if (fcntl(fd, F_OFD_SETLK, &wanted) == 0)
            return STATUS_OK;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return file_error(err, errno, "lock", path);
        if ((clock_monotonic_ns() - started_ns) / 1000000 >= wait_ms)
            return refuse(fd, path, err);
        TRY(stop_check(err));
        clock_sleep_ms(LOOK_EVERY_MS);
    }
}

Status share_lock_take(const char *path, ShareMode mode, uint64_t wait_ms, ShareLock **ret,
                       Error *err)
{
    AUTO_FREE(share_lock_free) ShareLock *lock = xcalloc(1, sizeof(*lock));

    lock->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock->fd < 0 && mode == SHARE_READ && (errno == EACCES || errno == EROFS))
        lock->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (lock->fd < 0 && !(mode == SHARE_READ && errno == ENOENT))
        return file_error(err, errno, "open", path);
    if (lock->fd >= 0) {
        TRY(take(lock->fd, path, mode, wait_ms, err));
        if (mode == SHARE_WRITE)
            write_who(lock->fd);
    }
    *ret = TAKE(lock);
    return STATUS_OK;
}
