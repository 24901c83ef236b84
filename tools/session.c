#include "tools/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "backup/repository.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "journal/home.h"
#include "tools/connectors.h"

/* Logs are for people who look back; a migration does not fail for want of one. */
static void begin_log(const char *home, const char *name)
{
    AUTO_FREE_MEMORY char *directory = NULL;
    AUTO_FREE_MEMORY char *folder = NULL;
    AUTO_FREE_MEMORY char *path = NULL;
    char now[32];
    Error err = {0};

    if (home_migration_path(home, name, &directory, &err) < 0)
        return;
    folder = xasprintf("%s/log", directory);
    if (directory_create(folder, &err) < 0) {
        log_warn("there will be no log file: %s", err.message);
        return;
    }
    clock_format_compact(clock_wall_us(), now, sizeof(now));
    path = xasprintf("%s/%s.log", folder, now);
    log_to_file(path);
}

/* Where what promotion replaces is backed up; NULL for commands that come to no promotion. */
static Status find_archive(const Options *options, const char *home, char **ret, Error *err)
{
    if (options->command != &command_run && options->command != &command_prepare)
        return STATUS_OK;
    return repository_locate(home, options->backup.repo, ret, err);
}

Status session_open(const Options *options, Migration **ret, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *archive = NULL;
    MigrationOptions given = options_for_migration(options);

    TRY(home_resolve(options->home, &home, err));
    TRY(find_archive(options, home, &archive, err));
    given.archive = archive;
    TRY(migration_open(home, options->name, connectors_all(), &given, STOPOVER_VERSION, ret, err));
    begin_log(home, options->name);
    log_debug("stopover %s %s %s", STOPOVER_VERSION, options->command->name, options->name);
    return STATUS_OK;
}

/* One line from stdin; a stop ends the wait. Whatever is not read is no yes. */
static Status read_answer(char *ret, size_t size, Error *err)
{
    size_t length = 0;

    while (length + 1 < size) {
        struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
        ssize_t count = 0;

        TRY(stop_check(err));
        if (poll(&wait, 1, 200) <= 0)
            continue; /* a signal or nothing yet: stop_check() decides */
        count = read(STDIN_FILENO, ret + length, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || ret[length] == '\n')
            break;
        length++;
    }
    ret[length] = '\0';
    return STATUS_OK;
}

/* The migration or backup that it is about; NULL for none in particular. */
static const char *subject_of(const Options *options)
{
    return options->name != NULL ? options->name : options->backup.wanted;
}

Status session_confirm(const Options *options, const char *consequence, Error *err)
{
    const char *subject = subject_of(options);
    char answer[16] = "";

    if (options->yes)
        return STATUS_OK;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        (void)error_kind(err, ERROR_REFUSED, "%s needs a confirmation: it %s",
                         options->command->name, consequence);
        error_hint(err, "Add --yes.");
        return STATUS_INVALID;
    }
    (void)fprintf(stderr, "%s%s%s%s %s.\nGo on? [y/N] ", options->command->name,
                  subject != NULL ? " \"" : "", subject != NULL ? subject : "",
                  subject != NULL ? "\"" : "", consequence); /* a terminal, just looked at */
    (void)fflush(stderr);
    TRY(read_answer(answer, sizeof(answer), err));
    if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
        return STATUS_OK;
    (void)error_kind(err, ERROR_REFUSED, "not confirmed: nothing was changed");
    return STATUS_INVALID;
}
