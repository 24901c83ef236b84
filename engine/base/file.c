#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"

#define READ_STEP 65536

struct FileLock {
    int fd;
};

static void close_fd_at(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* what had to reach the disk was fsynced before */
}
#define AUTO_CLOSE __attribute__((cleanup(close_fd_at)))

static int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static void close_directory_at(DIR **directory)
{
    if (*directory != NULL)
        (void)closedir(*directory); /* only read from */
}
#define AUTO_CLOSE_DIRECTORY __attribute__((cleanup(close_directory_at)))

/* The next action for the failures that a user can do something about; NULL for others. */
static const char *hint_for(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return "Free space there and run the same command again.";
    case EIO:
        return "Look after the disk it is on (the kernel's log says more), then run the same "
               "command again: what is recorded stays recorded.";
    case EACCES:
    case EPERM:
        return "Give this user the right to do so there, or choose another place.";
    case EROFS:
        return "The file system is mounted read-only: choose another place.";
    case ENOENT:
    case ENOTDIR:
        return "Check the path.";
    default:
        return NULL;
    }
}

Status file_error(Error *err, int error_number, const char *what, const char *path)
{
    const char *hint = hint_for(error_number);
    const char *reason = strerrordesc_np(error_number); /* strerror() is not thread-safe */
    char number[32];

    (void)snprintf(number, sizeof(number), "error %d", error_number);
    if (reason == NULL)
        reason = number;
    (void)error_set(err, STATUS_FAILED, "could not %s \"%s\": %s", what, path, reason);
    if (hint != NULL)
        error_hint(err, "%s", hint);
    if (error_number == ENOSPC || error_number == EDQUOT)
        err->kind = ERROR_WAITING;
    return STATUS_FAILED;
}

Status file_sync_error(Error *err, int error_number, const char *path)
{
    Status status = file_error(err, error_number, "flush to disk", path);

    return err->kind == ERROR_WAITING ? status : STATUS_FATAL;
}

bool file_exists(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0;
}

static void strip_slashes(char *path)
{
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        path[--size] = '\0';
}

Status path_absolute(const char *path, char **ret, Error *err)
{
    AUTO_FREE_MEMORY char *directory = NULL;

    if (path[0] == '/') {
        *ret = xstrdup(path);
    } else {
        directory = getcwd(NULL, 0);
        if (directory == NULL)
            return file_error(err, errno, "resolve", path);
        *ret = xasprintf("%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path);
    }
    strip_slashes(*ret);
    return STATUS_OK;
}

char *file_parent(const char *path)
{
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    while (size > 1 && path[size - 1] == '/')
        size--;
    return size > 0 ? xstrndup(path, size) : xstrdup(".");
}

static Status sync_parent(const char *path, Error *err)
{
    AUTO_FREE_MEMORY char *parent = file_parent(path);

    return directory_sync(parent, err);
}

Status directory_sync(const char *path, Error *err)
{
    AUTO_CLOSE int fd = -1;

    TRY(fault_before("directory.fsync", err));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_error(err, errno, "open directory", path);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system that has nothing to flush */
        return file_sync_error(err, errno, path);
    return fault_after("directory.fsync", err);
}

/*
 * Replacing a file. Writers of one path take turns by a lock on PATH.new; whoever got it must check
 * that the name still means the file that is locked, because the writer before has renamed it.
 */
static bool is_still_named(int fd, const char *path)
{
    struct stat locked;
    struct stat named;

    return fstat(fd, &locked) == 0 && lstat(path, &named) == 0 && locked.st_dev == named.st_dev &&
           locked.st_ino == named.st_ino;
}

static Status open_temporary(const char *path, int *ret, Error *err)
{
    for (;;) {
        AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
            return file_error(err, errno, "create", path);
        while (flock(fd, LOCK_EX) != 0)
            if (errno != EINTR)
                return file_error(err, errno, "lock", path);
        if (!is_still_named(fd, path))
            continue;
        if (ftruncate(fd, 0) != 0 || fchmod(fd, 0600) != 0)
            return file_error(err, errno, "empty", path);
        *ret = take_fd(&fd);
        return STATUS_OK;
    }
}

static Status write_data(int fd, const char *path, const char *data, size_t size, Error *err)
{
    TRY(fault_before("file.write", err));
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno != EINTR)
            return file_error(err, errno, "write", path);
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return fault_after("file.write", err);
}

static Status sync_data(int fd, const char *path, Error *err)
{
    TRY(fault_before("file.fsync", err));
    if (fsync(fd) != 0)
        return file_sync_error(err, errno, path);
    return fault_after("file.fsync", err);
}

static Status rename_over(const char *from, const char *to, Error *err)
{
    TRY(fault_before("file.rename", err));
    if (rename(from, to) != 0)
        return file_error(err, errno, "replace", to);
    return STATUS_OK;
}

Status file_replace(const char *path, const void *data, size_t size, Error *err)
{
    AUTO_FREE_MEMORY char *temporary = xasprintf("%s.new", path);
    AUTO_CLOSE int fd = -1;
    Status status = STATUS_OK;

    TRY(open_temporary(temporary, &fd, err));
    status = write_data(fd, temporary, data, size, err);
    if (status >= 0)
        status = sync_data(fd, temporary, err);
    if (status >= 0)
        status = rename_over(temporary, path, err);
    if (status < 0) {
        (void)unlink(temporary); /* still ours, by the lock; a later replacement would use it up */
        return status;
    }
    TRY(fault_after("file.rename", err));
    return sync_parent(path, err);
}

static Status refuse_large(const char *path, size_t max_size, Error *err)
{
    return error_set(err, STATUS_INVALID, "could not read \"%s\": larger than %zu bytes", path,
                     max_size);
}

Status file_read(const char *path, size_t max_size, Text *ret, Error *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO_TEXT Text content = {0};

    if (fd < 0 && errno == ENOENT)
        return error_kind(err, ERROR_NOT_FOUND, "\"%s\" does not exist", path);
    if (fd < 0)
        return file_error(err, errno, "open", path);
    for (;;) {
        ssize_t got = 0;

        text_reserve(&content, READ_STEP);
        got = read(fd, content.data + content.size, READ_STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(err, errno, "read", path);
        if (got == 0)
            break;
        content.size += (size_t)got;
        content.data[content.size] = '\0';
        if (content.size > max_size)
            return refuse_large(path, max_size, err);
    }
    text_release(ret);
    *ret = content;
    content = (Text){0};
    return STATUS_OK;
}

static Status make_directory(const char *path, Error *err)
{
    struct stat found;

    TRY(fault_before("directory.create", err));
    if (mkdir(path, 0700) != 0) {
        int reason = errno;

        if (reason == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode))
            return STATUS_OK;
        return file_error(err, reason, "create directory", path);
    }
    TRY(fault_after("directory.create", err));
    return sync_parent(path, err);
}

Status directory_create(const char *path, Error *err)
{
    AUTO_FREE_MEMORY char *prefix = xstrdup(path);

    for (char *at = prefix + 1; *prefix != '\0' && *at != '\0'; at++) {
        struct stat found;

        if (*at != '/' || at[-1] == '/')
            continue;
        *at = '\0';
        if (stat(prefix, &found) != 0) /* do not ask to write where nothing is missing */
            TRY(make_directory(prefix, err));
        *at = '/';
    }
    return make_directory(prefix, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Adds the names in a directory; closes it. Collected first, so that the caller may change it. */
static Status read_names(DIR *opened, const char *path, TextList *ret, Error *err)
{
    AUTO_CLOSE_DIRECTORY DIR *directory = opened;
    const struct dirent *entry = NULL;

    for (errno = 0; (entry = readdir(directory)) != NULL; errno = 0)
        if (!is_dots(entry->d_name))
            text_list_add(ret, entry->d_name);
    if (errno != 0)
        return file_error(err, errno, "read directory", path);
    if (ret->count > 1)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_names);
    return STATUS_OK;
}

Status directory_list(const char *path, TextList *ret, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};
    DIR *directory = opendir(path);

    if (directory == NULL && errno != ENOENT)
        return file_error(err, errno, "open directory", path);
    if (directory != NULL)
        TRY(read_names(directory, path, &names, err));
    text_list_release(ret);
    *ret = names;
    names = (TextList){0};
    return STATUS_OK;
}

static Status remove_tree(int parent, const char *name, const char *path, Error *err);

/* An entry: a directory with what is below it, anything else (a link, too) by its name only. */
static Status remove_entry(int directory, const char *name, const char *path, Error *err)
{
    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
        return STATUS_OK;
    if (errno != EISDIR && errno != EPERM) /* EPERM: what POSIX says for a directory */
        return file_error(err, errno, "remove", path);
    return remove_tree(directory, name, path, err);
}

static Status remove_tree(int parent, const char *name, const char *path, Error *err)
{
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_TEXT_LIST TextList names = {0};
    int listed = -1;
    DIR *directory = NULL;

    if (fd < 0 && errno == ENOENT)
        return STATUS_OK;
    if (fd < 0)
        return file_error(err, errno, "open directory", path);
    listed = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* fdopendir() takes the descriptor for itself */
    directory = listed >= 0 ? fdopendir(listed) : NULL;
    if (directory == NULL)
        return file_error(err, errno, "open directory", path);
    TRY(read_names(directory, path, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE_MEMORY char *below = xasprintf("%s/%s", path, names.items[i]);

        TRY(remove_entry(fd, names.items[i], below, err));
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return file_error(err, errno, "remove directory", path);
    return STATUS_OK;
}

Status directory_remove(const char *path, Error *err)
{
    struct stat found;

    TRY(fault_before("directory.remove", err));
    if (lstat(path, &found) != 0 && errno == ENOENT)
        return STATUS_OK;
    TRY(remove_tree(AT_FDCWD, path, path, err));
    TRY(fault_after("directory.remove", err));
    return sync_parent(path, err);
}

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

/* Who holds the lock: 0 nobody, -1 somebody without a process id here. */
static Status ask_holder(int fd, const char *path, pid_t *ret, Error *err)
{
    struct flock lock = whole_file();

    if (fcntl(fd, F_GETLK, &lock) != 0)
        return file_error(err, errno, "ask for the lock of", path);
    if (lock.l_type == F_UNLCK)
        *ret = 0;
    else
        *ret = lock.l_pid > 0 ? lock.l_pid : -1;
    return STATUS_OK;
}

static Status refuse_locked(const char *path, pid_t holder, Error *err)
{
    if (holder > 0)
        return error_kind(err, ERROR_LOCKED, "\"%s\" is locked by process %ld", path, (long)holder);
    return error_kind(err, ERROR_LOCKED, "\"%s\" is locked by a process elsewhere", path);
}

static Status take_lock(int fd, const char *path, pid_t *ret_holder, Error *err)
{
    for (;;) {
        struct flock lock = whole_file();
        pid_t holder = 0;

        if (fcntl(fd, F_SETLK, &lock) == 0)
            return STATUS_OK;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return file_error(err, errno, "lock", path);
        TRY(ask_holder(fd, path, &holder, err));
        if (holder == 0)
            continue; /* given back in between */
        if (ret_holder != NULL)
            *ret_holder = holder;
        return refuse_locked(path, holder, err);
    }
}

Status file_lock(const char *path, FileLock **ret, pid_t *ret_holder, Error *err)
{
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return file_error(err, errno, "open", path);
    TRY(take_lock(fd, path, ret_holder, err));
    *ret = xcalloc(1, sizeof(**ret));
    (*ret)->fd = take_fd(&fd);
    return STATUS_OK;
}

void file_lock_free(FileLock *lock)
{
    if (lock == NULL)
        return;
    (void)close(lock->fd); /* gives the lock back, whatever it returns */
    free(lock);
}

Status file_lock_holder(const char *path, pid_t *ret, Error *err)
{
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) {
        *ret = 0;
        return STATUS_OK;
    }
    if (fd < 0)
        return file_error(err, errno, "open", path);
    return ask_holder(fd, path, ret, err);
}
