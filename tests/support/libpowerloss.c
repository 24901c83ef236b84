/*
 * The power fails: preloaded (LD_PRELOAD) into a program that a fault point kills, it takes back
 * what had not reached the disk by then, before the process ends.
 *   POWERLOSS_BELOW   files and directories below this path are concerned
 *   POWERLOSS_STASH   a folder on the same file system, where what is removed is kept meanwhile
 *   POWERLOSS_SEED    0: all that was not flushed is lost; else each write with a chance of a half,
 *                     and names all or none
 * The disk it plays: what a file holds is safe after fsync or fdatasync of it, and so is the name it
 * was created under; renames and removals are safe after fsync of their directory. This is what
 * POSIX leaves open and what file systems have done. A WAL index (-shm) is made anew anyway.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KILLED 137

typedef enum Kind {
    KIND_DONE, /* safe, or not to be undone any more */
    KIND_DATA,
    KIND_CREATE,
    KIND_MAKE_DIRECTORY,
    KIND_REMOVE_DIRECTORY,
    KIND_UNLINK,
    KIND_RENAME,
} Kind;

/* One thing that was done and is not safe yet. */
typedef struct Record {
    Kind kind;
    dev_t device; /* of the file or directory whose fsync makes it safe */
    ino_t inode;
    dev_t file_device; /* CREATE: the file, whose fsync makes it safe, too */
    ino_t file_inode;
    int fd; /* DATA: the file; else the directory of name */
    off_t offset;
    off_t old_size;
    void *old; /* old_count bytes that were at offset */
    size_t old_count;
    char *name;
    int to_fd; /* RENAME: where it went */
    char *to_name;
    char *stash; /* what was removed or replaced; NULL when nothing was */
} Record;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Record *records;
static size_t record_count;
static size_t record_capacity;
static unsigned stash_count;

static Record *add_record(Kind kind)
{
    if (record_count == record_capacity) {
        record_capacity = record_capacity == 0 ? 1024 : record_capacity * 2;
        records = realloc(records, record_capacity * sizeof(*records));
        if (records == NULL)
            abort();
    }
    records[record_count] = (Record){.kind = kind, .fd = -1, .to_fd = -1};
    return &records[record_count++];
}

static int is_below(const char *path)
{
    const char *below = getenv("POWERLOSS_BELOW");
    size_t size = below != NULL ? strlen(below) : 0;

    return size > 0 && strncmp(path, below, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static int ends_with(const char *path, const char *end)
{
    size_t size = strlen(path);

    return size >= strlen(end) && strcmp(path + size - strlen(end), end) == 0;
}

static int concerns(int fd)
{
    char link[64];
    char path[PATH_MAX];
    ssize_t size = 0;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof(path) - 1);
    if (size <= 0)
        return 0;
    path[size] = '\0';
    return is_below(path) && !ends_with(path, "-shm");
}

/* The directory of path, relative to fd, and the name in it; -1 when it is of no concern. */
static int open_parent(int fd, const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";
    int parent = -1;

    *ret_name = slash != NULL ? slash + 1 : path;
    if (slash != NULL)
        (void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
                       path);
    parent = (int)syscall(SYS_openat, fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (parent >= 0 && (!concerns(parent) || ends_with(*ret_name, "-shm"))) {
        (void)close(parent);
        parent = -1;
    }
    return parent;
}

static void identify(int fd, dev_t *ret_device, ino_t *ret_inode)
{
    struct stat found;

    if (fstat(fd, &found) == 0) {
        *ret_device = found.st_dev;
        *ret_inode = found.st_ino;
    }
}

static Record *add_name_record(Kind kind, int parent, const char *name)
{
    Record *record = add_record(kind);

    record->fd = parent;
    record->name = strdup(name);
    identify(parent, &record->device, &record->inode);
    return record;
}

/* A second name for what is about to go; NULL when there is nothing. */
static char *stash_away(int parent, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%u", getenv("POWERLOSS_STASH"), ++stash_count);
    return linkat(parent, name, AT_FDCWD, path, 0) == 0 ? strdup(path) : NULL;
}

/*
 * What is noted before it is done.
 */
static int descriptor_of_own(int fd, dev_t device, ino_t inode)
{
    char link[64];

    for (size_t i = record_count; i > 0; i--)
        if (records[i - 1].fd >= 0 && records[i - 1].old_size >= 0 && records[i - 1].name == NULL &&
            records[i - 1].device == device && records[i - 1].inode == inode)
            return records[i - 1].fd; /* never closed: that would give up the locks of the file */
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return (int)syscall(SYS_openat, AT_FDCWD, link, O_RDWR | O_CLOEXEC, 0);
}

/* size bytes at offset are about to change, or to go when the file is cut there (size -1). */
static void note_data(int fd, off_t offset, off_t size)
{
    struct stat found;
    Record *record = NULL;
    int own = -1;

    if (!concerns(fd) || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
        return;
    own = descriptor_of_own(fd, found.st_dev, found.st_ino);
    record = add_record(KIND_DATA);
    record->device = found.st_dev;
    record->inode = found.st_ino;
    record->fd = own;
    record->offset = offset;
    record->old_size = found.st_size;
    if (offset < found.st_size) {
        off_t left = found.st_size - offset;

        record->old_count = (size_t)(size >= 0 && size < left ? size : left);
        record->old = malloc(record->old_count);
        if (record->old == NULL || syscall(SYS_pread64, own, record->old, record->old_count,
                                           offset) != (ssize_t)record->old_count)
            abort();
    }
}

/* Whatever needs the fsync of that file or directory is safe now. */
static void make_safe(int fd)
{
    dev_t device = 0;
    ino_t inode = 0;

    identify(fd, &device, &inode);
    for (size_t i = 0; i < record_count; i++) {
        Record *record = &records[i];

        if ((record->device == device && record->inode == inode) ||
            (record->kind == KIND_CREATE && record->file_device == device &&
             record->file_inode == inode))
            record->kind = KIND_DONE;
    }
}

/*
 * Taking back, the last thing first. What cannot be taken back counts as having reached the disk.
 */
static void undo_data(const Record *record)
{
    if (record->old_count > 0)
        (void)!syscall(SYS_pwrite64, record->fd, record->old, record->old_count, record->offset);
    (void)!syscall(SYS_ftruncate, record->fd, record->old_size);
}

static void undo(const Record *record)
{
    switch (record->kind) {
    case KIND_DONE:
        return;
    case KIND_DATA:
        undo_data(record);
        return;
    case KIND_CREATE:
        (void)syscall(SYS_unlinkat, record->fd, record->name, 0);
        return;
    case KIND_MAKE_DIRECTORY:
        (void)syscall(SYS_unlinkat, record->fd, record->name, AT_REMOVEDIR);
        return;
    case KIND_REMOVE_DIRECTORY:
        (void)syscall(SYS_mkdirat, record->fd, record->name, 0700);
        return;
    case KIND_UNLINK:
        (void)!linkat(AT_FDCWD, record->stash, record->fd, record->name, 0);
        return;
    case KIND_RENAME:
        (void)syscall(SYS_renameat, record->to_fd, record->to_name, record->fd, record->name);
        if (record->stash != NULL)
            (void)!linkat(AT_FDCWD, record->stash, record->to_fd, record->to_name, 0);
        return;
    }
}

static void lose_power(void)
{
    const char *seed = getenv("POWERLOSS_SEED");
    unsigned state = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : 0;
    int keeps_names = state % 2 == 1;

    for (size_t i = record_count; i > 0; i--) {
        int is_data = records[i - 1].kind == KIND_DATA;

        if (state != 0 && (is_data ? rand_r(&state) % 2 == 0 : keeps_names))
            continue;
        undo(&records[i - 1]);
    }
}

/*
 * The calls.
 */
void _exit(int status)
{
    if (status == KILLED) {
        (void)pthread_mutex_lock(&mutex); /* for good: nobody writes any more */
        lose_power();
    }
    for (;;)
        (void)syscall(SYS_exit_group, status);
}

static int open_noted(int at, const char *path, int flags, mode_t mode)
{
    const char *name = NULL;
    struct stat before;
    int parent = -1;
    int fd = -1;

    if ((flags & (O_CREAT | O_TRUNC)) == 0)
        return (int)syscall(SYS_openat, at, path, flags, mode);
    (void)pthread_mutex_lock(&mutex);
    parent = open_parent(at, path, &name);
    if (parent >= 0 && fstatat(parent, name, &before, AT_SYMLINK_NOFOLLOW) == 0) {
        (void)close(parent);
        parent = -1;
        if ((flags & O_TRUNC) != 0 && (fd = (int)syscall(SYS_openat, at, path, O_RDONLY, 0)) >= 0) {
            note_data(fd, 0, -1);
            (void)syscall(SYS_close, fd);
        }
    }
    fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (parent >= 0 && fd >= 0) {
        Record *record = add_name_record(KIND_CREATE, parent, name);

        identify(fd, &record->file_device, &record->file_inode);
    } else if (parent >= 0) {
        (void)close(parent);
    }
    (void)pthread_mutex_unlock(&mutex);
    return fd;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode = 0;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode = 0;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode = 0;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_noted(at, path, flags, mode);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    ssize_t written = 0;

    (void)pthread_mutex_lock(&mutex);
    note_data(fd, offset, (off_t)size);
    written = syscall(SYS_pwrite64, fd, data, size, offset);
    (void)pthread_mutex_unlock(&mutex);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
    int flags = fcntl(fd, F_GETFL);
    ssize_t written = 0;

    (void)pthread_mutex_lock(&mutex);
    note_data(fd, lseek(fd, 0, flags >= 0 && (flags & O_APPEND) != 0 ? SEEK_END : SEEK_CUR),
              (off_t)size);
    written = syscall(SYS_write, fd, data, size);
    (void)pthread_mutex_unlock(&mutex);
    return written;
}

int ftruncate64(int fd, off64_t size)
{
    int result = 0;

    (void)pthread_mutex_lock(&mutex);
    note_data(fd, size, -1);
    result = (int)syscall(SYS_ftruncate, fd, size);
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

static int flush(int fd, long call)
{
    int result = 0;

    (void)pthread_mutex_lock(&mutex);
    result = (int)syscall(call, fd);
    if (result == 0)
        make_safe(fd);
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

int fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

int mkdir(const char *path, mode_t mode)
{
    const char *name = NULL;
    int parent = -1;
    int result = 0;

    (void)pthread_mutex_lock(&mutex);
    parent = open_parent(AT_FDCWD, path, &name);
    result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (parent >= 0 && result == 0)
        (void)add_name_record(KIND_MAKE_DIRECTORY, parent, name);
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

int unlinkat(int at, const char *path, int flags)
{
    const char *name = NULL;
    char *stash = NULL;
    int parent = -1;
    int result = 0;

    (void)pthread_mutex_lock(&mutex);
    parent = open_parent(at, path, &name);
    if (parent >= 0 && (flags & AT_REMOVEDIR) == 0)
        stash = stash_away(parent, name);
    result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (parent >= 0 && result == 0 && (flags & AT_REMOVEDIR) != 0)
        (void)add_name_record(KIND_REMOVE_DIRECTORY, parent, name);
    else if (parent >= 0 && result == 0 && stash != NULL)
        add_name_record(KIND_UNLINK, parent, name)->stash = stash;
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int rename(const char *from, const char *to)
{
    const char *name = NULL;
    const char *to_name = NULL;
    char *stash = NULL;
    int parent = -1;
    int to_parent = -1;
    int result = 0;

    (void)pthread_mutex_lock(&mutex);
    parent = open_parent(AT_FDCWD, from, &name);
    to_parent = open_parent(AT_FDCWD, to, &to_name);
    if (parent >= 0 && to_parent >= 0)
        stash = stash_away(to_parent, to_name);
    result = (int)syscall(SYS_rename, from, to);
    if (parent >= 0 && to_parent >= 0 && result == 0) {
        Record *record = add_name_record(KIND_RENAME, parent, name);

        /* One fsync is enough, of where it went: no file system was seen to have it twice or not. */
        identify(to_parent, &record->device, &record->inode);
        record->to_fd = to_parent;
        record->to_name = strdup(to_name);
        record->stash = stash;
    }
    (void)pthread_mutex_unlock(&mutex);
    return result;
}
