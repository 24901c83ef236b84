#include "engine/base/new_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

#define READ_STEP 262144

typedef enum NewFileState {
    FILE_GROWING,
    FILE_BROKEN,    /* an append failed: what lies behind `size` is unknown */
    FILE_DEAD,      /* a flush failed: what the disk holds is unknown */
    FILE_PUBLISHED, /* it has its name */
} NewFileState;

struct NewFile {
    char *path;
    char *temporary;
    int fd;
    NewFileState state;
    bool is_named; /* its entry in the directory is durable */
    uint64_t size; /* appended */
    uint64_t kept_size;
    Sha256 *hash; /* of what is appended */
    Sha256 *kept_hash;
};

static NewFile *new_file(const char *path)
{
    NewFile *file = xcalloc(1, sizeof(*file));

    file->path = xstrdup(path);
    file->temporary = xasprintf("%s.tmp", path);
    file->fd = -1;
    file->hash = sha256_new();
    file->kept_hash = sha256_new();
    return file;
}

void new_file_free(NewFile *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        (void)close(file->fd); /* what had to reach the disk was fsynced before */
    sha256_free(file->hash);
    sha256_free(file->kept_hash);
    free(file->temporary);
    free(file->path);
    free(file);
}

Status new_file_create(const char *path, NewFile **ret, Error *err)
{
    AUTO_FREE(new_file_free) NewFile *file = new_file(path);

    TRY(fault_before("new_file.create", err));
    file->fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return file_error(err, errno, "create", file->temporary);
    TRY(fault_after("new_file.create", err));
    *ret = TAKE(file);
    return STATUS_OK;
}

/* Hashes the first file->size bytes, and proves that they can be read. */
static Status hash_again(NewFile *file, Error *err)
{
    AUTO_FREE_MEMORY uint8_t *buffer = xmalloc(READ_STEP);
    uint64_t at = 0;

    while (at < file->size) {
        uint64_t left = file->size - at;
        ssize_t got =
            pread(file->fd, buffer, left < READ_STEP ? (size_t)left : READ_STEP, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(err, errno, "read", file->temporary);
        if (got == 0)
            return error_kind(err, ERROR_DIFFERENT, "\"%s\" became shorter while it was read",
                              file->temporary);
        sha256_update(file->hash, buffer, (size_t)got);
        at += (uint64_t)got;
    }
    return STATUS_OK;
}

static Status cut_to_size(NewFile *file, Error *err)
{
    TRY(fault_before("new_file.truncate", err));
    if (ftruncate(file->fd, (off_t)file->size) != 0)
        return file_error(err, errno, "shorten", file->temporary);
    return fault_after("new_file.truncate", err);
}

Status new_file_reopen(const char *path, uint64_t size, NewFile **ret, Error *err)
{
    AUTO_FREE(new_file_free) NewFile *file = new_file(path);
    struct stat found;

    file->fd = open(file->temporary, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file->fd < 0)
        return file_error(err, errno, "open", file->temporary);
    if (fstat(file->fd, &found) != 0)
        return file_error(err, errno, "look at", file->temporary);
    if (!S_ISREG(found.st_mode))
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is not an ordinary file", file->temporary);
    if ((uint64_t)found.st_size < size)
        return error_kind(err, ERROR_DIFFERENT,
                          "\"%s\" has %ju bytes, although %ju were on the disk", file->temporary,
                          (uintmax_t)found.st_size, (uintmax_t)size);
    file->size = size;
    TRY(hash_again(file, err));
    TRY(cut_to_size(file, err));
    new_file_keep(file);
    *ret = TAKE(file);
    return STATUS_OK;
}

Status new_file_discard(const char *path, Error *err)
{
    AUTO_FREE_MEMORY char *temporary = xasprintf("%s.tmp", path);

    TRY(fault_before("new_file.discard", err));
    if (unlink(temporary) != 0 && errno != ENOENT)
        return file_error(err, errno, "remove", temporary);
    return fault_after("new_file.discard", err);
}

static Status write_at(NewFile *file, const uint8_t *data, size_t size, Error *err)
{
    uint64_t at = file->size;

    while (size > 0) {
        ssize_t written = pwrite(file->fd, data, size, (off_t)at);

        if (written < 0 && errno != EINTR)
            return file_error(err, errno, "write", file->temporary);
        if (written > 0) {
            data += written;
            size -= (size_t)written;
            at += (uint64_t)written;
        }
    }
    return STATUS_OK;
}

static Status append(NewFile *file, const void *data, size_t size, Error *err)
{
    TRY(fault_before("new_file.write", err));
    TRY(write_at(file, data, size, err));
    return fault_after("new_file.write", err);
}

Status new_file_append(NewFile *file, const void *data, size_t size, Error *err)
{
    Status status = STATUS_OK;

    assert(file->state == FILE_GROWING);
    if (size == 0)
        return STATUS_OK;
    status = append(file, data, size, err);
    if (status < 0) {
        file->state = FILE_BROKEN;
        return status;
    }
    sha256_update(file->hash, data, size);
    file->size += size;
    return STATUS_OK;
}

void new_file_keep(NewFile *file)
{
    assert(file->state == FILE_GROWING);
    file->kept_size = file->size;
    sha256_copy(file->kept_hash, file->hash);
}

Status new_file_back(NewFile *file, Error *err)
{
    assert(file->state != FILE_PUBLISHED);
    if (file->state == FILE_DEAD)
        return error_set(err, STATUS_FATAL, "could not go on with \"%s\": a flush to disk failed",
                         file->temporary);
    if (file->state == FILE_GROWING && file->size == file->kept_size)
        return STATUS_OK;
    file->state = FILE_BROKEN;
    file->size = file->kept_size;
    sha256_copy(file->hash, file->kept_hash);
    TRY(cut_to_size(file, err));
    file->state = FILE_GROWING;
    return STATUS_OK;
}

static Status sync_directory_of(const char *path, Error *err)
{
    AUTO_FREE_MEMORY char *parent = file_parent(path);

    return directory_sync(parent, err);
}

static Status flush(NewFile *file, Error *err)
{
    TRY(fault_before("new_file.fsync", err));
    if (fsync(file->fd) != 0)
        return file_sync_error(err, errno, file->temporary);
    return fault_after("new_file.fsync", err);
}

Status new_file_sync(NewFile *file, Error *err)
{
    Status status = STATUS_OK;

    assert(file->state == FILE_GROWING);
    status = flush(file, err);
    if (status >= 0 && !file->is_named)
        status = sync_directory_of(file->path, err);
    if (status < 0)
        file->state = FILE_DEAD;
    else
        file->is_named = true;
    return status;
}

static Status give_name(NewFile *file, Error *err)
{
    TRY(flush(file, err));
    TRY(fault_before("new_file.rename", err));
    if (rename(file->temporary, file->path) != 0)
        return file_error(err, errno, "rename", file->temporary);
    TRY(fault_after("new_file.rename", err));
    return sync_directory_of(file->path, err);
}

Status new_file_publish(NewFile *file, char ret_sha256[SHA256_HEX_SIZE], Error *err)
{
    Status status = STATUS_OK;

    assert(file->state == FILE_GROWING);
    status = give_name(file, err);
    file->state = status < 0 ? FILE_DEAD : FILE_PUBLISHED;
    TRY(status);
    if (ret_sha256 != NULL)
        sha256_finish_hex(file->hash, ret_sha256);
    return STATUS_OK;
}

uint64_t new_file_size(const NewFile *file)
{
    return file->size;
}

const char *new_file_path(const NewFile *file)
{
    return file->path;
}
