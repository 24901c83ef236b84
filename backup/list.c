/*
 * What is in a repository, and which of it is meant.
 */
#include <string.h>

#include "backup/repository.h"
#include "backup/repository_inside.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

enum {
    LOOKS = 20,      /* names change under a list that takes no lock: so often it looks again */
    NAMES_SHOWN = 5, /* in an error */
};

static const char *directory_name(const Backup *backup)
{
    return strrchr(backup->directory, '/') + 1;
}

/* False when a backup has gone while it was read: perhaps it has its other name now. */
static bool read_all(const Repository *repository, const TextList *names, BackupList *ret,
                     TextList *ret_unknown)
{
    for (size_t i = 0; i < names->count; i++) {
        AUTO_FREE_MEMORY char *directory =
            xasprintf("%s/%s", repository_backups(repository), names->items[i]);
        Label label = {0};

        if (!label_parse(names->items[i], &label)) {
            if (ret_unknown != NULL &&
                strncmp(names->items[i], NEW_PREFIX, strlen(NEW_PREFIX)) != 0)
                text_list_add(ret_unknown, names->items[i]);
        } else if (!backup_read(directory, &label, backup_list_add(ret))) {
            return false;
        }
    }
    return true;
}

/* As well when one has come that was not there: a name that was passed over may be its other one. */
static Status has_changed(const Repository *repository, const TextList *names, bool *ret,
                          Error *err)
{
    AUTO_TEXT_LIST TextList now = {0};

    TRY(directory_list(repository_backups(repository), &now, err));
    *ret = now.count != names->count;
    for (size_t i = 0; i < now.count && !*ret; i++)
        *ret = strcmp(now.items[i], names->items[i]) != 0;
    return STATUS_OK;
}

Status repository_list(const Repository *repository, BackupList *ret, TextList *ret_unknown,
                       Error *err)
{
    for (int look = 0; look < LOOKS; look++) {
        AUTO_TEXT_LIST TextList names = {0};
        bool changed = true;

        backup_list_release(ret);
        if (ret_unknown != NULL)
            text_list_release(ret_unknown);
        TRY(directory_list(repository_backups(repository), &names, err));
        if (read_all(repository, &names, ret, ret_unknown))
            TRY(has_changed(repository, &names, &changed, err));
        if (!changed) {
            backup_list_sort(ret);
            return STATUS_OK;
        }
    }
    backup_list_release(ret);
    (void)error_kind(err, ERROR_LOCKED, "the backups in \"%s\" change faster than they can be read",
                     repository_path(repository));
    error_hint(err, "Run the command again.");
    return STATUS_INVALID;
}

Status backup_read_again(const Backup *backup, Backup *ret, Error *err)
{
    Label label = {0};

    if (label_parse(directory_name(backup), &label) && file_exists(backup->directory) &&
        backup_read(backup->directory, &label, ret))
        return STATUS_OK;
    return error_kind(err, ERROR_NOT_FOUND, "backup \"%s\" is not there any more", backup->name);
}

/* ---- finding ---- */

static Status refuse_missing(const BackupList *list, const char *wanted, Error *err)
{
    AUTO_TEXT Text names = {0};

    (void)error_kind(err, ERROR_NOT_FOUND, "there is no backup \"%s\"", wanted);
    for (size_t i = 0; i < list->count && i < NAMES_SHOWN; i++)
        text_append_format(&names, "%s%s", i > 0 ? ", " : "",
                           list->items[list->count - 1 - i].name);
    if (list->count > NAMES_SHOWN)
        text_append_format(&names, " and %zu more", list->count - NAMES_SHOWN);
    if (list->count > 0)
        error_hint(err, "The backups there are: %s.", text_string(&names));
    else
        error_hint(err, "There are none in this repository; name another one with --repo.");
    return STATUS_INVALID;
}

static const Backup *find_last(const BackupList *list, bool complete)
{
    for (size_t i = list->count; i-- > 0;) {
        BackupState state = list->items[i].state;

        if (complete ? state == STATE_COMPLETE
                     : state == STATE_INCOMPLETE || state == STATE_DAMAGED)
            return &list->items[i];
    }
    return NULL;
}

/* By its directory first, and by label before name: a name could be like the label of another. */
static const Backup *find_named(const BackupList *list, const char *wanted, size_t *ret_count)
{
    const Backup *by_label = NULL;
    const Backup *by_name = NULL;
    size_t labels = 0;
    size_t names = 0;

    for (size_t i = 0; i < list->count; i++) {
        const Backup *backup = &list->items[i];

        if (!backup->is_renamed && strcmp(directory_name(backup), wanted) == 0) {
            *ret_count = 1;
            return backup;
        }
        if (strcmp(backup->label, wanted) == 0) {
            by_label = backup;
            labels++;
        } else if (strcmp(backup->name, wanted) == 0) {
            by_name = backup;
            names++;
        }
    }
    *ret_count = by_label != NULL ? labels : names;
    return by_label != NULL ? by_label : by_name;
}

Status backup_list_find(const BackupList *list, const char *wanted, const Backup **ret, Error *err)
{
    const Backup *found = NULL;
    size_t count = 1;

    if (strcmp(wanted, NAME_LATEST) == 0)
        found = find_last(list, true);
    else if (strcmp(wanted, NAME_LATEST_FAILED) == 0)
        found = find_last(list, false);
    else
        found = find_named(list, wanted, &count);
    if (found == NULL)
        return refuse_missing(list, wanted, err);
    if (count > 1) {
        (void)error_kind(err, ERROR_USAGE, "%zu backups are called \"%s\"", count, wanted);
        error_hint(err,
                   "Give the label of the one you mean: `stopover backup list --json` has it.");
        return STATUS_INVALID;
    }
    *ret = found;
    return STATUS_OK;
}

Status backup_list_check_series(const BackupList *list, const char *series, Error *err)
{
    AUTO_TEXT_LIST TextList known = {0};
    AUTO_TEXT Text names = {0};

    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].series != NULL && !text_list_has(&known, list->items[i].series))
            text_list_add(&known, list->items[i].series);
    if (text_list_has(&known, series))
        return STATUS_OK;
    (void)error_kind(err, ERROR_NOT_FOUND, "no backup is of series \"%s\"", series);
    for (size_t i = 0; i < known.count && i < NAMES_SHOWN; i++)
        text_append_format(&names, "%s\"%s\"", i > 0 ? ", " : "", known.items[i]);
    if (known.count > NAMES_SHOWN)
        text_append_format(&names, " and %zu more", known.count - NAMES_SHOWN);
    if (known.count > 0)
        error_hint(err, "The series there are: %s.", text_string(&names));
    else
        error_hint(err, "There are no backups in this repository; name another one with --repo.");
    return STATUS_INVALID;
}
