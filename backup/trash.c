#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "backup/removal.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

#define EMPTYING_PREFIX ".emptying-"

void trash_list_release(TrashList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].label);
        free(list->items[i].path);
    }
    free(list->items);
    *list = (TrashList){0};
}

static int compare(const void *a, const void *b)
{
    const TrashEntry *one = a;
    const TrashEntry *other = b;

    if (one->removed_us != other->removed_us)
        return one->removed_us < other->removed_us ? -1 : 1;
    return strcmp(one->path, other->path);
}

/* "<label>@<time>"; the time is read as that of a label. False when it is not ours. */
static bool parse_entry(const char *name, TrashEntry *ret)
{
    size_t prefix = strlen(EMPTYING_PREFIX);
    const char *at = NULL;
    AUTO_FREE_MEMORY char *as_label = NULL;
    Label label;
    Label when;

    ret->is_emptying = strncmp(name, EMPTYING_PREFIX, prefix) == 0;
    if (ret->is_emptying)
        name += prefix;
    at = strchr(name, '@');
    if (at == NULL)
        return false;
    as_label = xasprintf("%s-0001-x", at + 1);
    ret->label = xstrndup(name, (size_t)(at - name));
    if (!label_parse(ret->label, &label) || !label_parse(as_label, &when)) {
        free(TAKE(ret->label));
        return false;
    }
    ret->removed_us = when.started_us;
    return true;
}

Status trash_list(const Repository *repository, TrashList *ret, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};

    TRY(directory_list(repository_trash(repository), &names, err));
    for (size_t i = 0; i < names.count; i++) {
        TrashEntry entry = {0};

        if (!parse_entry(names.items[i], &entry))
            continue; /* not ours: it stays */
        entry.path = xasprintf("%s/%s", repository_trash(repository), names.items[i]);
        entry.bytes = directory_bytes(entry.path);
        GROW(ret->items, ret->count, ret->capacity);
        ret->items[ret->count++] = entry;
    }
    if (ret->count > 1)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare);
    return STATUS_OK;
}

bool trash_is_due(const TrashEntry *entry, bool all, int64_t now_us)
{
    return all || entry->is_emptying || now_us - entry->removed_us >= TRASH_KEPT_US;
}

/* RM2, under the lock; what is due is what the list has from here on. */
static Status claim(const Repository *repository, bool all, int64_t now_us, TrashList *ret,
                    Error *err)
{
    AUTO_TRASH_LIST TrashList list = {0};

    TRY(trash_list(repository, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        const char *base = strrchr(list.items[i].path, '/') + 1;
        AUTO_FREE_MEMORY char *path =
            xasprintf("%s/" EMPTYING_PREFIX "%s", repository_trash(repository), base);

        if (!trash_is_due(&list.items[i], all, now_us) || list.items[i].is_emptying)
            continue;
        TRY(fault_before("trash.claim", err));
        if (rename(list.items[i].path, path) != 0 && errno != ENOENT)
            return file_error(err, errno, "rename", list.items[i].path);
        TRY(fault_after("trash.claim", err));
    }
    TRY(directory_sync(repository_trash(repository), err));
    return trash_list(repository, ret, err);
}

/* What other programs keep open on a network (.nfs...) holds up only itself. */
static Status empty(const TrashList *list, uint64_t *ret_bytes, TextList *ret_left, Error *err)
{
    Error first = {0};

    *ret_bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        const TrashEntry *entry = &list->items[i];
        Error problem = {0};

        if (!entry->is_emptying)
            continue;
        if (directory_remove(entry->path, &problem) >= 0) {
            *ret_bytes += entry->bytes;
            continue;
        }
        text_list_add(ret_left, entry->label);
        if (first.kind == ERROR_NONE)
            first = problem;
    }
    if (first.kind == ERROR_NONE)
        return STATUS_OK;
    *err = first;
    error_prefix(err, "%zu removed backups are not wholly gone", ret_left->count);
    err->kind = ERROR_WAITING;
    error_hint(err, "The next `stopover backup prune --purge --apply` goes on with them.");
    return STATUS_FAILED;
}

Status trash_empty(Repository *repository, bool all, int64_t now_us, uint64_t lock_wait_ms,
                   uint64_t *ret_bytes, TextList *ret_left, Error *err)
{
    AUTO_TRASH_LIST TrashList list = {0};
    Status status = STATUS_OK;

    *ret_bytes = 0;
    if (!file_exists(repository_trash(repository)))
        return STATUS_OK;
    TRY(repository_lock(repository, SHARE_WRITE, lock_wait_ms, err));
    status = claim(repository, all, now_us, &list, err);
    repository_unlock(repository);
    TRY(status);
    return empty(&list, ret_bytes, ret_left, err);
}

uint64_t space_left(const char *path)
{
    struct statvfs space;

    if (statvfs(path, &space) != 0)
        return 0;
    return (uint64_t)space.f_bavail * space.f_frsize;
}
