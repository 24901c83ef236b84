/*
 * Running pg_dump. Its plain output names the dependencies of a few entries only; those of all stand
 * in its archives. So an archive is made, and pg_restore writes the script from it. The archive lies
 * in memory: nothing is left behind however we end, and what secrets a schema holds reach no disk.
 */
#include "engine/connect/postgres/pg_dump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/process.h"
#include "engine/connect/postgres/pg_dump_inside.h"
#include "engine/flow/names.h"

/* Behind a waiting exclusive lock pg_dump would wait for ever: that one waits for our own lock. */
#define LOCK_WAIT  "--lock-wait-timeout=30000"
#define OUTPUT_MAX ((size_t)1 << 30)

typedef struct Archive {
    int descriptor;
    char path[64]; /* by which a child opens it */
} Archive;

static void archive_release(Archive *archive)
{
    if (archive->descriptor >= 0)
        (void)close(archive->descriptor); /* memory: nothing can be lost */
}
#define AUTO_ARCHIVE __attribute__((cleanup(archive_release)))

static Status archive_open(Archive *ret, Error *err)
{
    ret->descriptor = memfd_create("stopover-dump", MFD_CLOEXEC);
    if (ret->descriptor < 0)
        return error_set(err, STATUS_FAILED, "could not get memory for a dump: %s",
                         strerror(errno));
    (void)snprintf(ret->path, sizeof(ret->path), "/proc/%ld/fd/%d", (long)getpid(),
                   ret->descriptor);
    return STATUS_OK;
}

static void wipe_list(TextList *list)
{
    for (size_t i = 0; i < list->count; i++)
        explicit_bzero(list->items[i], strlen(list->items[i]));
    text_list_release(list);
}
#define AUTO_SECRETS __attribute__((cleanup(wipe_list)))

static void wipe_outcome(ProcessOutcome *outcome)
{
    if (outcome->output.data != NULL)
        explicit_bzero(outcome->output.data, outcome->output.capacity);
    process_outcome_release(outcome);
}
#define AUTO_SECRET_OUTCOME __attribute__((cleanup(wipe_outcome)))

static Status run(const char *program, const TextList *arguments, const TextList *environment,
                  ProcessOutcome *ret, Error *err)
{
    AUTO_FREE_MEMORY const char **list = xcalloc(arguments->count + 1, sizeof(*list));
    Process process = {.arguments = list, .environment = environment, .output_max = OUTPUT_MAX};

    for (size_t i = 0; i < arguments->count; i++)
        list[i] = arguments->items[i];
    TRY(process_run(&process, ret, err));
    if (ret->exit_code != 0)
        return pg_dump_failure(program, ret->exit_code, text_string(&ret->errors), err);
    return STATUS_OK;
}

static void add_format(TextList *list, const char *format, const char *value)
{
    AUTO_TEXT Text text = {0};

    text_append_format(&text, "%s%s", format, value);
    text_list_add(list, text_string(&text));
}

/* In double quotes a name is no pattern. With a schema chosen pg_dump leaves extensions out, unless
 * they are asked for. */
static void add_schemas(TextList *list, const TextList *schemas, int major)
{
    for (size_t i = 0; i < schemas->count; i++) {
        AUTO_TEXT Text pattern = {0};

        quote_identifier(&pattern, schemas->items[i]);
        add_format(list, "--schema=", text_string(&pattern));
    }
    if (schemas->count > 0 && major >= 14)
        text_list_add(list, "--extension=*");
}

static Status write_archive(const PgAddress *address, const char *path, int major,
                            const DumpOptions *options, const Archive *archive, Error *err)
{
    AUTO_TEXT_LIST TextList arguments = {0};
    AUTO_SECRETS TextList environment = {0};
    AUTO_FREE_MEMORY char *conninfo = NULL;
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};

    TRY(pg_address_for_child(address, &conninfo, &environment, err));
    text_list_add(&arguments, path);
    text_list_add(&arguments, "--format=custom");
    text_list_add(&arguments, "--compress=0");
    text_list_add(&arguments, "--section=pre-data");
    text_list_add(&arguments, "--section=post-data");
    text_list_add(&arguments, "--encoding=UTF8");
    text_list_add(&arguments, "--no-password");
    text_list_add(&arguments, "--no-sync");
    text_list_add(&arguments, LOCK_WAIT);
    if (major >= 18)
        text_list_add(&arguments, "--no-statistics");
    if (options->snapshot != NULL)
        add_format(&arguments, "--snapshot=", options->snapshot);
    add_schemas(&arguments, &options->schemas, major);
    for (size_t i = 0; i < options->excluded.count; i++)
        add_format(&arguments, "--exclude-table=", options->excluded.items[i]);
    add_format(&arguments, "--file=", archive->path);
    add_format(&arguments, "--dbname=", conninfo);
    return run("pg_dump", &arguments, &environment, &outcome, err);
}

static Status read_archive(const char *path, const DumpOptions *options, const Archive *archive,
                           Dump *ret, Error *err)
{
    AUTO_FREE_MEMORY char *restore = pg_restore_beside(path);
    AUTO_TEXT_LIST TextList arguments = {0};
    AUTO_SECRET_OUTCOME ProcessOutcome outcome = {0};

    text_list_add(&arguments, restore);
    text_list_add(&arguments, "--verbose");
    text_list_add(&arguments, "--no-tablespaces");
    if (!options->with_owner)
        text_list_add(&arguments, "--no-owner");
    text_list_add(&arguments, "--file=-");
    text_list_add(&arguments, archive->path);
    TRY(run("pg_restore", &arguments, NULL, &outcome, err));
    return dump_parse(text_string(&outcome.output), outcome.output.size, ret, err);
}

Status pg_dump_run(const PgAddress *address, int server_major, const DumpOptions *options,
                   Dump *ret, Error *err)
{
    AUTO_ARCHIVE Archive archive = {.descriptor = -1};
    AUTO_FREE_MEMORY char *path = NULL;
    int major = 0;

    TRY(pg_dump_find(server_major, &path, &major, err));
    TRY(archive_open(&archive, err));
    TRY(fault_before("postgres.dump", err));
    TRY(write_archive(address, path, major, options, &archive, err));
    TRY(fault_after("postgres.dump", err));
    return read_archive(path, options, &archive, ret, err);
}
