/*
 * What a crash left in the repository is brought to its end before anything is changed: see R1, R2.
 */
#include <string.h>

#include "backup/repository_inside.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

static Status is_free(const char *directory, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/lock", directory);
    ShareMode held = SHARE_NONE;

    TRY(share_lock_look(path, &held, err));
    *ret = held == SHARE_NONE;
    return STATUS_OK;
}

/* A beginning that was cut off: it never had a name. */
static Status drop_new(const char *directory, Error *err)
{
    bool nobody_holds_it = false;

    TRY(is_free(directory, &nobody_holds_it, err));
    return nobody_holds_it ? directory_remove(directory, err) : STATUS_OK;
}

/* Complete but for its name; whoever holds its lock is about to give it the name. Where somebody has
 * put another directory of that name, people must look. */
static Status finish_name(const Repository *repository, const char *directory, const Label *label,
                          Error *err)
{
    AUTO_FREE_MEMORY char *final = xstrndup(directory, strlen(directory) - strlen(LABEL_PARTIAL));
    AUTO_BACKUP Backup backup = {0};
    bool nobody_holds_it = false;

    TRY(is_free(directory, &nobody_holds_it, err));
    if (!nobody_holds_it || file_exists(final) || !backup_read(directory, label, &backup) ||
        backup.state != STATE_COMPLETE)
        return STATUS_OK;
    return repository_give_final_name(repository, backup.label, err);
}

Status repository_recover(Repository *repository, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};

    TRY(directory_list(repository_backups(repository), &names, err));
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        AUTO_FREE_MEMORY char *directory = xasprintf("%s/%s", repository_backups(repository), name);
        Label label = {0};

        if (strncmp(name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0)
            TRY(drop_new(directory, err));
        else if (label_parse(name, &label) && label.is_partial)
            TRY(finish_name(repository, directory, &label, err));
    }
    return STATUS_OK;
}
