/* Which pg_dump to run: the newest that is at least as new as the server, with its pg_restore. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/base/process.h"
#include "engine/connect/postgres/pg_dump.h"
#include "engine/connect/postgres/pg_dump_inside.h"

typedef struct Search {
    int server_major;
    char *path; /* the best so far, or NULL */
    int major;
    TextList seen; /* "/usr/lib/postgresql/13/bin/pg_dump (13)": what there is, for people */
} Search;

static void search_release(Search *search)
{
    free(search->path);
    text_list_release(&search->seen);
}
#define AUTO_SEARCH __attribute__((cleanup(search_release)))

char *pg_restore_beside(const char *pg_dump)
{
    const char *slash = strrchr(pg_dump, '/');

    if (slash == NULL)
        return xstrdup("pg_restore");
    return xasprintf("%.*s/pg_restore", (int)(slash - pg_dump), pg_dump);
}

/* "pg_dump (PostgreSQL) 15.20 (Debian ...)", "... 18beta1". 0 when it is something else. */
static int read_major(const char *text)
{
    static const char words[] = "(PostgreSQL) ";
    const char *found = strstr(text, words);
    long major = found == NULL ? 0 : strtol(found + sizeof(words) - 1, NULL, 10);

    return major > 0 && major < 1000 ? (int)major : 0;
}

/* 0 for what does not run or is something else. */
static Status ask_major(const char *path, int *ret, Error *err)
{
    const char *const arguments[] = {path, "--version", NULL};
    const Process process = {.arguments = arguments, .output_max = 4096};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Status status = process_run(&process, &outcome, err);

    if (status == STATUS_STOPPED)
        return status;
    *ret = status == STATUS_OK && outcome.exit_code == 0 ? read_major(text_string(&outcome.output))
                                                         : 0;
    return STATUS_OK;
}

static Status look_at(Search *search, const char *path, Error *err)
{
    AUTO_FREE_MEMORY char *restore = pg_restore_beside(path);
    bool has_restore = strchr(restore, '/') == NULL || access(restore, X_OK) == 0;
    int major = 0;

    if (access(path, X_OK) == 0)
        TRY(ask_major(path, &major, err));
    if (major == 0)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *seen =
        xasprintf("%s (%d%s)", path, major, has_restore ? "" : ", without pg_restore");

    if (!text_list_has(&search->seen, seen))
        text_list_add(&search->seen, seen);
    if (!has_restore || major < search->server_major || major <= search->major)
        return STATUS_OK;
    free(search->path);
    search->path = xstrdup(path);
    search->major = major;
    return STATUS_OK;
}

static void release_glob(glob_t *found)
{
    globfree(found);
}

static Status look_in_versions(Search *search, Error *err)
{
    static const char *const patterns[] = {"/usr/lib/postgresql/*/bin/pg_dump",
                                           "/usr/pgsql-*/bin/pg_dump",
                                           "/usr/local/pgsql/bin/pg_dump"};

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        __attribute__((cleanup(release_glob))) glob_t found = {0};

        if (glob(patterns[i], 0, NULL, &found) != 0)
            continue;
        for (size_t j = 0; j < found.gl_pathc; j++)
            TRY(look_at(search, found.gl_pathv[j], err));
    }
    return STATUS_OK;
}

/* Debian's wrapper chooses a version by itself, each time anew: the real ones were looked at. */
static bool is_wrapper(const char *path)
{
    AUTO_FREE_MEMORY char *real = realpath(path, NULL);

    return real != NULL && strstr(real, "pg_wrapper") != NULL;
}

static Status look_in_path(Search *search, Error *err)
{
    AUTO_FREE_MEMORY char *directories = xstrdup(getenv("PATH"));
    char *rest = NULL;

    for (char *directory = directories == NULL ? NULL : strtok_r(directories, ":", &rest);
         directory != NULL; directory = strtok_r(NULL, ":", &rest)) {
        AUTO_FREE_MEMORY char *path = xasprintf("%s/pg_dump", directory);

        if (access(path, X_OK) == 0 && !is_wrapper(path))
            TRY(look_at(search, path, err));
    }
    return STATUS_OK;
}

static Status refuse_search(const Search *search, const char *chosen, Error *err)
{
    AUTO_TEXT Text seen = {0};

    for (size_t i = 0; i < search->seen.count; i++)
        text_append_format(&seen, "%s%s", i == 0 ? "" : ", ", search->seen.items[i]);
    if (chosen != NULL && seen.size == 0)
        text_append_format(&seen, "%s is none", chosen);
    (void)error_kind(err, ERROR_REFUSED,
                     "could not find pg_dump of PostgreSQL %d or newer with its pg_restore: %s",
                     search->server_major, seen.size == 0 ? "there is none" : text_string(&seen));
    error_hint(
        err,
        "Install the client programs of PostgreSQL %d (Debian: postgresql-client-%d), or set "
        "STOPOVER_PG_DUMP to the path of its pg_dump.",
        search->server_major, search->server_major);
    return STATUS_INVALID;
}

Status pg_dump_find(int server_major, char **ret_path, int *ret_major, Error *err)
{
    const char *chosen = getenv("STOPOVER_PG_DUMP");
    AUTO_SEARCH Search search = {.server_major = server_major};

    if (chosen != NULL && *chosen != '\0') {
        TRY(look_at(&search, chosen, err));
    } else {
        chosen = NULL;
        TRY(look_in_versions(&search, err));
        TRY(look_in_path(&search, err));
    }
    if (search.path == NULL)
        return refuse_search(&search, chosen, err);
    error_clear(err); /* of what did not run */
    *ret_path = TAKE(search.path);
    *ret_major = search.major;
    return STATUS_OK;
}
