/*
 * The place and its lock. The rules R1 to R5 stand in the header; recovery is in recover.c, what is
 * in it in list.c.
 */
#include "backup/repository.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "backup/record.h"
#include "backup/repository_inside.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"

#define REPO_RECORD "repo.json"
#define REPO_LOCK   "repo.lock"

enum {
    CREATE_WAIT_MS = 60000,
    ID_BYTES = 16,
};

struct Repository {
    char *path;
    char *backups;
    char *trash;
    char *id;
    TextList warnings;
    ShareLock *lock;
    ShareMode mode;
};

void repository_free(Repository *repository)
{
    if (repository == NULL)
        return;
    share_lock_free(repository->lock);
    free(repository->path);
    free(repository->backups);
    free(repository->trash);
    free(repository->id);
    text_list_release(&repository->warnings);
    free(repository);
}

const char *repository_path(const Repository *repository)
{
    return repository->path;
}

const char *repository_id(const Repository *repository)
{
    return repository->id;
}

const char *repository_backups(const Repository *repository)
{
    return repository->backups;
}

const char *repository_trash(const Repository *repository)
{
    return repository->trash;
}

const TextList *repository_warnings(const Repository *repository)
{
    return &repository->warnings;
}

ShareMode repository_locked(const Repository *repository)
{
    return repository->mode;
}

Status repository_locate(const char *home, const char *given, char **ret, Error *err)
{
    if (given != NULL)
        return path_absolute(given, ret, err);
    *ret = xasprintf("%s/repository", home);
    return STATUS_OK;
}

/* ---- warnings ---- */

/* Magic numbers of file systems whose locks may not hold between hosts: statfs(2), linux/magic.h. */
static const char *network_name(long type)
{
    switch ((unsigned long)type) {
    case 0x6969:
        return "NFS";
    case 0x517B:
        return "SMB";
    case 0xFF534D42:
        return "CIFS";
    case 0xFE534D42:
        return "SMB2";
    case 0x65735546:
        return "FUSE";
    case 0x01021997:
        return "9P";
    case 0x00C36400:
        return "Ceph";
    default:
        return NULL;
    }
}

static void look_at_place(Repository *repository)
{
    struct statfs system;
    struct stat place;
    const char *network =
        statfs(repository->path, &system) == 0 ? network_name((long)system.f_type) : NULL;

    if (network != NULL) {
        AUTO_FREE_MEMORY char *text = xasprintf(
            "%s is on %s: locks and flushing may not hold there; let one machine at a time use it",
            repository->path, network);

        text_list_add(&repository->warnings, text);
    }
    if (stat(repository->path, &place) == 0 && (place.st_mode & 077) != 0) {
        AUTO_FREE_MEMORY char *text = xasprintf(
            "other users of this machine may get at the backups: chmod 700 %s", repository->path);

        text_list_add(&repository->warnings, text);
    }
}

/* ---- opening ---- */

static Repository *make_handle(const char *path)
{
    Repository *repository = xcalloc(1, sizeof(*repository));

    repository->path = xstrdup(path);
    repository->backups = xasprintf("%s/backups", path);
    repository->trash = xasprintf("%s/trash", path);
    return repository;
}

/* STATUS_DONE when there is no record. */
static Status read_record(Repository *repository, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/" REPO_RECORD, repository->path);
    AUTO_FREE(json_free) Json *record = NULL;
    const char *id = NULL;
    uint8_t bytes[ID_BYTES];
    Status status = record_read(path, &record, err);

    if (status < 0 && err->kind == ERROR_NOT_FOUND) {
        error_clear(err);
        return STATUS_DONE;
    }
    TRY(status);
    id = json_get_string(record, "id");
    if (id == NULL || !hex_decode(id, bytes, sizeof(bytes))) {
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" is not a repository of stopover",
                         repository->path);
        error_hint(err, "Name another directory with --repo.");
        return STATUS_INVALID;
    }
    repository->id = xstrdup(id);
    look_at_place(repository);
    return STATUS_OK;
}

Status repository_open(const char *path, Repository **ret, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = make_handle(path);
    Status status = read_record(repository, err);

    TRY(status);
    if (status == STATUS_DONE) {
        (void)error_kind(err, ERROR_NOT_FOUND, "there is no repository of backups in \"%s\"", path);
        error_hint(err, "Name another directory with --repo; the first backup makes one.");
        return STATUS_INVALID;
    }
    *ret = TAKE(repository);
    return STATUS_OK;
}

/* Only what a creation that was cut off leaves may be there. */
static Status check_empty(const Repository *repository, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};

    TRY(directory_list(repository->path, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        if (strcmp(names.items[i], REPO_LOCK) == 0 ||
            strcmp(names.items[i], REPO_RECORD ".new") == 0)
            continue;
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" is no repository, and not empty",
                         repository->path);
        error_hint(err, "Name an empty directory, or one that is not there yet, with --repo.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static Status write_record(const Repository *repository, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/" REPO_RECORD, repository->path);
    AUTO_FREE(json_free) Json *record = json_object();
    uint8_t bytes[ID_BYTES];
    char id[2 * ID_BYTES + 1];

    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), id);
    json_set_string(record, "id", id);
    record_set_time(record, "created", clock_wall_us());
    return record_write(path, record, err);
}

/* Two at once: the second finds what the first has made. */
static Status make_record(Repository *repository, Error *err)
{
    AUTO_FREE_MEMORY char *lock_path = xasprintf("%s/" REPO_LOCK, repository->path);
    AUTO_FREE(share_lock_free) ShareLock *lock = NULL;
    Status status = STATUS_OK;

    TRY(check_empty(repository, err));
    TRY(share_lock_take(lock_path, SHARE_WRITE, CREATE_WAIT_MS, &lock, err));
    status = read_record(repository, err);
    if (status != STATUS_DONE)
        return status;
    TRY(write_record(repository, err));
    return read_record(repository, err);
}

Status repository_create(const char *path, Repository **ret, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = make_handle(path);
    Status status = STATUS_OK;

    TRY(directory_create(path, err));
    status = read_record(repository, err);
    TRY(status);
    if (status == STATUS_DONE)
        TRY(make_record(repository, err));
    TRY(directory_create(repository->backups, err));
    TRY(directory_create(repository->trash, err));
    *ret = TAKE(repository);
    return STATUS_OK;
}

/* ---- lock ---- */

Status repository_lock(Repository *repository, ShareMode mode, uint64_t wait_ms, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/" REPO_LOCK, repository->path);
    Status status = share_lock_take(path, mode, wait_ms, &repository->lock, err);

    if (status < 0 && err->kind == ERROR_LOCKED)
        error_hint(err, "It is held only for moments: run the command again, or wait longer with "
                        "--lock-wait.");
    TRY(status);
    repository->mode = mode;
    if (mode == SHARE_WRITE)
        status = repository_recover(repository, err);
    if (status < 0)
        repository_unlock(repository);
    return status;
}

void repository_unlock(Repository *repository)
{
    share_lock_free(TAKE(repository->lock));
    repository->mode = SHARE_NONE;
}
