#include "backup/creation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/repository_inside.h"
#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"

enum {
    ID_BYTES = 16,
};

struct BackupWork {
    char *directory;
    Intent intent;
    ShareLock *lock;
};

void backup_work_free(BackupWork *work)
{
    if (work == NULL)
        return;
    share_lock_free(work->lock);
    intent_release(&work->intent);
    free(work->directory);
    free(work);
}

const char *backup_work_directory(const BackupWork *work)
{
    return work->directory;
}

const Intent *backup_work_intent(const BackupWork *work)
{
    return &work->intent;
}

static Status take_lock(const char *directory, ShareLock **ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/lock", directory);

    return share_lock_take(path, SHARE_WRITE, 0, ret, err);
}

/* ---- beginning ---- */

static Status refuse_clock(int64_t now_us, const Backup *newest, Error *err)
{
    char now[32];
    char then[32];

    clock_format(now_us, now, sizeof(now));
    clock_format(backup_time(newest), then, sizeof(then));
    (void)error_kind(err, ERROR_REFUSED, "the clock says %s, but backup \"%s\" is of %s", now,
                     newest->name, then);
    error_hint(err, "Set the clock of this machine right: backups are kept in the order of time.");
    return STATUS_INVALID;
}

static Status refuse_name(const Backup *taken, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "there is a backup \"%s\" already, which is %s",
                     taken->name, backup_state_name(taken->state));
    error_hint(err, "Choose another name, or remove that one with `stopover backup delete %s`.",
               taken->name);
    return STATUS_INVALID;
}

/* Sequences in the trash count as well: what is brought back from there must not meet another. */
static Status find_sequence(const Repository *repository, const BackupList *list, uint64_t *ret,
                            Error *err)
{
    AUTO_TEXT_LIST TextList removed = {0};
    uint64_t largest = 0;

    TRY(directory_list(repository_trash(repository), &removed, err));
    for (size_t i = 0; i < removed.count; i++) {
        Label label = {0};

        removed.items[i][strcspn(removed.items[i], "@")] = '\0';
        if (label_parse(removed.items[i], &label) && label.sequence > largest)
            largest = label.sequence;
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].sequence > largest)
            largest = list->items[i].sequence;
    *ret = largest + 1;
    return STATUS_OK;
}

static const Backup *find_taken(const BackupList *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

/* Given, or made; a made one that is taken (two in one second) gets a number. */
static Status choose_name(const BackupRequest *request, const BackupList *list, int64_t now_us,
                          char **ret, Error *err)
{
    AUTO_FREE_MEMORY char *made = NULL;
    AUTO_FREE_MEMORY char *name = NULL;

    if (request->name != NULL) {
        const Backup *taken = find_taken(list, request->name);

        TRY(backup_name_check(request->name, err));
        if (taken != NULL)
            return refuse_name(taken, err);
        *ret = xstrdup(request->name);
        return STATUS_OK;
    }
    made = backup_made_name(request->what, now_us);
    name = xstrdup(made);
    for (unsigned number = 2; find_taken(list, name) != NULL; number++) {
        free(name);
        name = xasprintf("%s-%u", made, number);
    }
    *ret = TAKE(name);
    return STATUS_OK;
}

static Status plan_backup(const Repository *repository, const BackupRequest *request,
                          int64_t now_us, Intent *ret, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_FREE_MEMORY char *slug =
        backup_slug(request->name != NULL ? request->name : request->what);
    uint8_t bytes[ID_BYTES];
    char id[2 * ID_BYTES + 1];

    TRY(repository_list(repository, &list, NULL, err));
    for (size_t i = 0; i < list.count; i++) /* labels have whole seconds: so has this */
        if (backup_time(&list.items[i]) / 1000000 > now_us / 1000000)
            return refuse_clock(now_us, &list.items[i], err);
    TRY(choose_name(request, &list, now_us, &ret->name, err));
    TRY(find_sequence(repository, &list, &ret->sequence, err));
    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), id);
    ret->backup_id = xstrdup(id);
    ret->label = label_make(now_us, ret->sequence, slug);
    ret->started_us = now_us;
    ret->kind = request->kind;
    ret->series = xstrdup(request->series);
    ret->scope = xstrdup(request->scope);
    ret->source = xstrdup(request->source);
    ret->migration = xstrdup(request->migration);
    return STATUS_OK;
}

/* Everything is there before the directory has a name that anybody looks for (R2). */
static Status make_directory(const Repository *repository, const BackupRequest *request,
                             const char *directory, BackupWork *work, Error *err)
{
    AUTO_FREE_MEMORY char *new_directory =
        xasprintf("%s/" NEW_PREFIX "%s", repository_backups(repository), work->intent.label);

    TRY(directory_create(new_directory, err));
    TRY(take_lock(new_directory, &work->lock, err));
    TRY(intent_write(new_directory, &work->intent, err));
    if (request->migration != NULL)
        TRY(pin_add_run(new_directory, request->migration, work->intent.started_us, err));
    TRY(fault_before("backup.begin", err));
    if (rename(new_directory, directory) != 0)
        return file_error(err, errno, "rename", new_directory);
    TRY(fault_after("backup.begin", err));
    return directory_sync(repository_backups(repository), err);
}

static Status begin(const Repository *repository, const BackupRequest *request, int64_t now_us,
                    BackupWork **ret, Error *err)
{
    AUTO_FREE(backup_work_free) BackupWork *work = xcalloc(1, sizeof(*work));
    Status status = STATUS_OK;

    TRY(plan_backup(repository, request, now_us != 0 ? now_us : clock_wall_us(), &work->intent,
                    err));
    work->directory =
        xasprintf("%s/%s" LABEL_PARTIAL, repository_backups(repository), work->intent.label);
    work->intent.options = json_copy(request->options);
    status = make_directory(repository, request, work->directory, work, err);
    TRY(status);
    *ret = TAKE(work);
    return STATUS_OK;
}

Status backup_begin(Repository *repository, const BackupRequest *request, int64_t now_us,
                    uint64_t lock_wait_ms, BackupWork **ret, Error *err)
{
    Status status = STATUS_OK;

    TRY(directory_create(repository_trash(repository), err));
    TRY(directory_create(repository_backups(repository), err));
    TRY(repository_lock(repository, SHARE_WRITE, lock_wait_ms, err));
    status = begin(repository, request, now_us, ret, err);
    repository_unlock(repository);
    return status;
}

/* ---- going on ---- */

static Status refuse_resumption(const Backup *backup, Error *err)
{
    if (backup->state == STATE_COMPLETE)
        return error_kind(err, ERROR_REFUSED, "backup \"%s\" is complete", backup->name);
    (void)error_kind(err, ERROR_REFUSED, "backup \"%s\" cannot be gone on with: %s", backup->name,
                     backup->problem != NULL ? backup->problem : backup_state_name(backup->state));
    error_hint(err, "Begin a new one, and remove this one with `stopover backup delete %s`.",
               backup->name);
    return STATUS_INVALID;
}

static Status resume(const Repository *repository, const char *wanted, BackupWork **ret, Error *err)
{
    AUTO_FREE(backup_work_free) BackupWork *work = xcalloc(1, sizeof(*work));
    AUTO_BACKUP_LIST BackupList list = {0};
    const Backup *found = NULL;

    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, wanted, &found, err));
    if (found->state != STATE_RUNNING && !found->is_resumable)
        return refuse_resumption(found, err);
    work->directory = xstrdup(found->directory);
    if (take_lock(work->directory, &work->lock, err) < 0) {
        if (err->kind == ERROR_LOCKED)
            (void)error_kind(err, ERROR_LOCKED, "backup \"%s\" is being made by another process",
                             found->name);
        return STATUS_INVALID;
    }
    TRY(intent_read(work->directory, &work->intent, err));
    *ret = TAKE(work);
    return STATUS_OK;
}

Status backup_resume(Repository *repository, const char *wanted, uint64_t lock_wait_ms,
                     BackupWork **ret, Error *err)
{
    Status status = STATUS_OK;

    TRY(repository_lock(repository, SHARE_WRITE, lock_wait_ms, err));
    status = resume(repository, wanted, ret, err);
    repository_unlock(repository);
    return status;
}

/* ---- the end ---- */

static Status check_manifest(const BackupWork *work, Error *err)
{
    AUTO_MANIFEST Manifest manifest = {0};
    const Intent *intent = &work->intent;

    TRY(manifest_read(work->directory, &manifest, err));
    if (strcmp(manifest.label, intent->label) != 0 || manifest.sequence != intent->sequence ||
        strcmp(manifest.name, intent->name) != 0 ||
        strcmp(manifest.backup_id, intent->backup_id) != 0)
        return error_set(err, STATUS_FATAL, "the manifest in \"%s\" is of another backup",
                         work->directory);
    return STATUS_OK;
}

/* Against accidents: whoever owns them can make them writable again. What cannot be changed stays
 * as it is. */
static void forbid_writing(const char *directory, const Manifest *manifest)
{
    for (size_t i = 0; i < manifest->part_count + manifest->file_count + 1; i++) {
        AUTO_TEXT Text path = {0};

        text_append_format(&path, "%s/", directory);
        if (i < manifest->part_count)
            part_path(manifest->parts[i].number, &path);
        else if (i < manifest->part_count + manifest->file_count)
            text_append(&path, manifest->files[i - manifest->part_count].path);
        else
            text_append(&path, MANIFEST_NAME);
        (void)chmod(text_string(&path), 0400); /* see above */
    }
}

/* Under the lock, so that nobody lists or removes a name that changes (R3). */
Status repository_give_final_name(const Repository *repository, const char *label, Error *err)
{
    AUTO_FREE_MEMORY char *partial =
        xasprintf("%s/%s" LABEL_PARTIAL, repository_backups(repository), label);
    AUTO_FREE_MEMORY char *final = xasprintf("%s/%s", repository_backups(repository), label);
    AUTO_MANIFEST Manifest manifest = {0};

    TRY(manifest_read(partial, &manifest, err));
    forbid_writing(partial, &manifest);
    TRY(fault_before("backup.commit", err));
    if (rename(partial, final) != 0)
        return file_error(err, errno, "rename", partial);
    TRY(fault_after("backup.commit", err));
    return directory_sync(repository_backups(repository), err);
}

Status backup_commit(Repository *repository, BackupWork *work, uint64_t lock_wait_ms, Error *err)
{
    Status status = STATUS_OK;

    TRY(check_manifest(work, err));
    TRY(repository_lock(repository, SHARE_WRITE, lock_wait_ms, err));
    status = repository_give_final_name(repository, work->intent.label, err);
    repository_unlock(repository);
    TRY(status);
    free(work->directory);
    work->directory = xasprintf("%s/%s", repository_backups(repository), work->intent.label);
    return STATUS_OK;
}

static Status release_run(const Repository *repository, const char *migration, Error *err)
{
    AUTO_FREE_MEMORY char *token = pin_run_token(migration);
    AUTO_BACKUP_LIST BackupList list = {0};

    TRY(repository_list(repository, &list, NULL, err));
    for (size_t i = 0; i < list.count; i++)
        for (size_t j = 0; j < list.items[i].pins.count; j++)
            if (strcmp(list.items[i].pins.items[j].token, token) == 0)
                TRY(pin_remove(list.items[i].directory, token, err));
    return STATUS_OK;
}

Status backup_release_run(Repository *repository, const char *migration, uint64_t lock_wait_ms,
                          Error *err)
{
    Status status = STATUS_OK;

    TRY(repository_lock(repository, SHARE_WRITE, lock_wait_ms, err));
    status = release_run(repository, migration, err);
    repository_unlock(repository);
    return status;
}
