#include "journal/home.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/flow/names.h"

enum {
    NAMES_SHOWN = 5, /* in an error */
};

/* NULL when the variable is not set or empty. */
static const char *read_variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ~, also for a service that runs without HOME. The caller frees; NULL when there is none. */
static char *find_user_directory(void)
{
    const char *home = read_variable("HOME");
    struct passwd entry;
    struct passwd *found = NULL;
    char room[4096];

    if (home != NULL && home[0] == '/')
        return xstrdup(home);
    if (getpwuid_r(geteuid(), &entry, room, sizeof(room), &found) != 0 || found == NULL)
        return NULL;
    return found->pw_dir != NULL && found->pw_dir[0] == '/' ? xstrdup(found->pw_dir) : NULL;
}

Status home_resolve(const char *given, char **ret, Error *err)
{
    const char *own = read_variable("STOPOVER_HOME");
    const char *state = read_variable("XDG_STATE_HOME");
    AUTO_FREE_MEMORY char *user = NULL;
    AUTO_FREE_MEMORY char *path = NULL;

    if (given != NULL && given[0] == '\0')
        return error_kind(err, ERROR_USAGE, "the home directory has an empty name");
    if (given != NULL || own != NULL)
        return path_absolute(given != NULL ? given : own, ret, err);
    /* Relative ones are to be ignored, says the specification of XDG. */
    if (state != NULL && state[0] == '/') {
        path = xasprintf("%s/stopover", state);
        return path_absolute(path, ret, err);
    }
    user = find_user_directory();
    if (user == NULL) {
        (void)error_kind(err, ERROR_USAGE, "this user has no home directory");
        error_hint(err, "Name a directory for journals with --home or STOPOVER_HOME.");
        return STATUS_INVALID;
    }
    path = xasprintf("%s/.local/state/stopover", user);
    return path_absolute(path, ret, err);
}

Status home_migration_path(const char *home, const char *name, char **ret, Error *err)
{
    TRY(migration_name_check(name, err));
    *ret = xasprintf("%s/migrations/%s", home, name);
    return STATUS_OK;
}

bool home_has(const char *home, const char *name)
{
    AUTO_FREE_MEMORY char *path = NULL;
    AUTO_FREE_MEMORY char *journal = NULL;
    Error ignored = {0};

    if (home_migration_path(home, name, &path, &ignored) < 0)
        return false; /* what cannot be a name names nothing */
    journal = xasprintf("%s/journal.db", path);
    return file_exists(journal);
}

Status home_list(const char *home, TextList *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/migrations", home);
    AUTO_TEXT_LIST TextList entries = {0};

    TRY(directory_list(path, &entries, err));
    for (size_t i = 0; i < entries.count; i++)
        if (home_has(home, entries.items[i]))
            text_list_add(ret, entries.items[i]);
    return STATUS_OK;
}

static void hint_names(const char *home, const TextList *names, Error *err)
{
    AUTO_TEXT Text list = {0};

    if (names->count == 0) {
        error_hint(err,
                   "There are no migrations in \"%s\": begin one with `stopover run NAME --from "
                   "SOURCE --to TARGET`, or name another directory with --home.",
                   home);
        return;
    }
    for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
        text_append_format(&list, "%s%s", i > 0 ? ", " : "", names->items[i]);
    if (names->count > NAMES_SHOWN)
        text_append_format(&list, " and %zu more", names->count - NAMES_SHOWN);
    error_hint(err, "The migrations in \"%s\" are: %s.", home, text_string(&list));
}

Status home_require(const char *home, const char *name, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};

    TRY(migration_name_check(name, err));
    if (home_has(home, name))
        return STATUS_OK;
    TRY(home_list(home, &names, err));
    (void)error_kind(err, ERROR_NOT_FOUND, "there is no migration \"%s\"", name);
    hint_names(home, &names, err);
    return STATUS_INVALID;
}

static Status find_lock(const char *home, const char *name, char **ret, Error *err)
{
    AUTO_FREE_MEMORY char *directory = NULL;

    TRY(home_migration_path(home, name, &directory, err));
    *ret = xasprintf("%s/lock", directory);
    return STATUS_OK;
}

static Status refuse_driven(const char *name, pid_t holder, Error *err)
{
    if (holder > 0)
        (void)error_kind(err, ERROR_LOCKED, "migration \"%s\" is driven by process %ld", name,
                         (long)holder);
    else
        (void)error_kind(err, ERROR_LOCKED, "migration \"%s\" is driven by a process elsewhere",
                         name);
    error_hint(err,
               "Watch it with `stopover status %s --watch`, or end it with `stopover stop %s`.",
               name, name);
    return STATUS_INVALID;
}

Status home_lock(const char *home, const char *name, FileLock **ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = NULL;
    pid_t holder = -1;
    Status status = STATUS_OK;

    TRY(find_lock(home, name, &path, err));
    status = file_lock(path, ret, &holder, err);
    return err->kind == ERROR_LOCKED && status < 0 ? refuse_driven(name, holder, err) : status;
}

Status home_lock_holder(const char *home, const char *name, pid_t *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = NULL;

    TRY(find_lock(home, name, &path, err));
    return file_lock_holder(path, ret, err);
}
