/*
 * Opening a migration: the lock, the journal, what was recorded and what is said now, and the two
 * ends. Nothing is left behind by an opening that fails for the first time.
 */
#include "stages/migration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/retry.h"
#include "journal/home.h"
#include "stages/options.h"

enum {
    DEFAULT_RETRY_MS = 600 * 1000,
    DEFAULT_JOBS = 4,
    FIRST_LOOK_MS = 15 * 1000, /* a host that was mistyped is told soon */
};

void migration_free(Migration *migration)
{
    if (migration == NULL)
        return;
    if (migration->source != NULL)
        source_release(migration->source);
    source_free(migration->source);
    target_free(migration->target);
    seen_release(&migration->seen);
    journal_free(migration->journal);
    file_lock_free(migration->lock);
    selection_release(&migration->selection);
    notice_free(migration->notice);
    free(migration->when_file);
    free(migration->to);
    free(migration->archive);
    free(migration->tool_version);
    free(migration->home);
    free(migration->name);
    free(migration);
}

Status migration_retry(Migration *migration, MigrationStep step, void *context, Error *err)
{
    Retry retry;
    Status status = STATUS_OK;

    retry_begin(&retry, migration->run.retry_for_ms);
    retry.notice = migration->notice;
    do {
        status = step(migration, context, err);
    } while (retry_again(&retry, &status, err));
    return status;
}

/* ---- the two ends ---- */

static Status find_connector(ConnectorTable connectors, const Uri *uri, const Connector **ret,
                             Error *err)
{
    AUTO_TEXT Text known = {0};

    for (const Connector *connector = connectors; connector->scheme != NULL; connector++) {
        if (strcmp(connector->scheme, uri->scheme) == 0) {
            *ret = connector;
            return STATUS_OK;
        }
        text_append_format(&known, "%s%s:", known.size > 0 ? ", " : "", connector->scheme);
    }
    (void)error_kind(err, ERROR_USAGE, "unknown kind of source or target \"%s:\"", uri->scheme);
    error_hint(err, "Known kinds are %s for example sqlite:/path/to/file.db.", text_string(&known));
    return STATUS_INVALID;
}

/* Where few can write at once, one more worker is enough: it reads ahead meanwhile. */
static unsigned default_jobs(const Target *target)
{
    unsigned writers = target->ops->max_writers;

    return writers > 0 && writers < DEFAULT_JOBS ? writers + 1 : DEFAULT_JOBS;
}

static Status open_ends(Migration *migration, ConnectorTable connectors, const Uri *from,
                        const Uri *to, Error *err)
{
    const Connector *source = NULL;
    const Connector *target = NULL;

    TRY(find_connector(connectors, from, &source, err));
    TRY(find_connector(connectors, to, &target, err));
    if (source->open_source == NULL)
        return error_kind(err, ERROR_USAGE, "\"%s:\" cannot be a source", source->scheme);
    if (target->open_target == NULL)
        return error_kind(err, ERROR_USAGE, "\"%s:\" cannot be a target", target->scheme);
    TRY(source->open_source(from, &migration->source, err));
    TRY(target->open_target(to, &migration->target, err));
    migration->run.jobs = default_jobs(migration->target);
    return STATUS_OK;
}

/* The source must be there, and the target must be something else. */
static Status check_ends(Migration *migration, void *context, Error *err)
{
    AUTO_FREE_MEMORY char *source = NULL;
    AUTO_FREE_MEMORY char *target = NULL;

    (void)context;
    TRY(source_identity(migration->source, &source, err));
    TRY(target_identity(migration->target, &target, err));
    if (target != NULL && strcmp(source, target) == 0) {
        (void)error_kind(err, ERROR_REFUSED, "source and target are the same database");
        error_hint(err, "Give a target (--to) other than the source (--from).");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* ---- what was recorded against what is said now ---- */

static Status parse_recorded(const char *given, const char *display, const char *option, Uri **ret,
                             Error *err)
{
    if (given != NULL)
        return uri_parse(given, ret, err);
    (void)error_kind(err, ERROR_USAGE,
                     "%s was given with a password, which is not recorded: \"%s\"", option,
                     display);
    error_hint(err, "Give %s again, best as env:VARIABLE.", option);
    return STATUS_INVALID;
}

static Status refuse_other_end(const char *what, const char *name, const char *recorded,
                               const char *given, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "migration \"%s\" has the %s \"%s\", not \"%s\"", name,
                     what, recorded, given);
    error_hint(err, "Leave out --from and --to to go on with it, or choose another name.");
    return STATUS_INVALID;
}

/* Nothing was planned or written for it yet: its words may still be changed. */
static bool is_untouched(const JournalRecord *record)
{
    return record->phase == PHASE_INITIAL && record->identity.attempt == 1 &&
           record->identity.epoch == 0;
}

static Status agree(const JournalRecord *record, const Uri *from, const Uri *to, Error *err)
{
    const char *name = record->identity.migration;

    if (from != NULL && !uri_same_place(from->display, record->source_display))
        return refuse_other_end("source", name, record->source_display, from->display, err);
    if (to != NULL && !uri_same_place(to->display, record->target_display))
        return refuse_other_end("target", name, record->target_display, to->display, err);
    return STATUS_OK;
}

/* ---- opening ---- */

typedef struct Words {
    Uri *from;
    Uri *to;
} Words;

static void words_release(Words *words)
{
    uri_free(words->from);
    uri_free(words->to);
}

static Status parse_words(const MigrationOptions *options, Words *ret, Error *err)
{
    if (options->from != NULL)
        TRY(uri_parse(options->from, &ret->from, err));
    if (options->to != NULL)
        TRY(uri_parse(options->to, &ret->to, err));
    return STATUS_OK;
}

static Migration *migration_new(const char *home, const char *name, const MigrationOptions *options)
{
    Migration *migration = xcalloc(1, sizeof(*migration));

    migration->home = xstrdup(home);
    migration->name = xstrdup(name);
    migration->accept_stale_source = options->accept_stale_source;
    migration->lock_timeout_ms = options->lock_timeout_ms;
    migration->promote_deadline_ms = options->promote_deadline_ms;
    migration->quiet = options->quiet;
    migration->archive = xstrdup(options->archive);
    migration->to = xstrdup(options->to);
    migration->run.retry_for_ms = DEFAULT_RETRY_MS;
    migration->notice = notice_new();
    migration->run.notice = migration->notice;
    return migration;
}

/* Can both be read, and does the source hold what is selected? */
static Status look_at_ends(Migration *migration, void *context, Error *err)
{
    const MigrationOptions *options = context;
    Outcome outcome = OUTCOME_NONE;

    TRY(check_ends(migration, NULL, err));
    TRY(seen_describe(migration, &options->selection, err));
    return stager_outcome(migration->target->stager, &migration->identity, &outcome, err);
}

/* Nobody was ever seen there: without --retry-for it is not waited for long. */
static Status look_first(Migration *migration, MigrationStep step, MigrationOptions *options,
                         Error *err)
{
    uint64_t retry_for_ms = migration->run.retry_for_ms;
    Status status = STATUS_OK;

    migration->run.retry_for_ms =
        options->retry_for_given ? options->retry_for_ms : (uint64_t)FIRST_LOOK_MS;
    status = migration_retry(migration, step, options, err);
    migration->run.retry_for_ms = retry_for_ms;
    return status;
}

/* A new journal, only after both ends were found good: a mistyped path leaves nothing behind. */
static Status create(Migration *migration, const char *directory, ConnectorTable connectors,
                     const MigrationOptions *options, const Words *words, const char *tool_version,
                     Error *err)
{
    MigrationOptions given = *options; /* only looked at */

    TRY(open_ends(migration, connectors, words->from, words->to, err));
    TRY(options_check(migration, options, err));
    (void)snprintf(migration->identity.migration, sizeof(migration->identity.migration), "%s",
                   migration->name);
    source_introduce(migration->source, &migration->identity);
    TRY(look_first(migration, look_at_ends, &given, err));
    memory_trim();
    return journal_create(directory, migration->name, words->from, words->to, tool_version,
                          &migration->journal, err);
}

static Status open_recorded(Migration *migration, ConnectorTable connectors, Words *words,
                            Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    TRY(agree(record, words->from, words->to, err));
    if (words->from == NULL)
        TRY(parse_recorded(record->source_given, record->source_display, "--from", &words->from,
                           err));
    if (words->to == NULL)
        migration->to = xstrdup(record->target_given);
    if (words->to == NULL)
        TRY(parse_recorded(record->target_given, record->target_display, "--to", &words->to, err));
    return open_ends(migration, connectors, words->from, words->to, err);
}

/* The journal of an untouched migration gives way to one with the new words. */
static Status forget_untouched(Migration *migration, const char *directory, const Words *words,
                               Error *err)
{
    Error ignored = {0};
    const JournalRecord *record = journal_record(migration->journal);

    if (words->from == NULL || words->to == NULL || !is_untouched(record) ||
        agree(record, words->from, words->to, &ignored) == STATUS_OK)
        return STATUS_OK;
    journal_free(migration->journal);
    migration->journal = NULL;
    return journal_remove(directory, err);
}

static Status open_locked(Migration *migration, const char *directory, ConnectorTable connectors,
                          const MigrationOptions *options, const char *tool_version, Error *err)
{
    __attribute__((cleanup(words_release))) Words words = {0};

    TRY(parse_words(options, &words, err));
    if (home_has(migration->home, migration->name)) {
        TRY(journal_open(directory, JOURNAL_WRITE, &migration->journal, err));
        TRY(forget_untouched(migration, directory, &words, err));
    }
    if (migration->journal == NULL)
        TRY(create(migration, directory, connectors, options, &words, tool_version, err));
    else
        TRY(open_recorded(migration, connectors, &words, err));
    TRY(options_record(migration, options, err));
    migration->identity = journal_record(migration->journal)->identity;
    source_introduce(migration->source, &migration->identity);
    return STATUS_OK;
}

Status migration_open(const char *home, const char *name, ConnectorTable connectors,
                      const MigrationOptions *options, const char *tool_version, Migration **ret,
                      Error *err)
{
    AUTO_FREE_MEMORY char *directory = NULL;
    AUTO_FREE(migration_free) Migration *migration = migration_new(home, name, options);

    migration->connectors = connectors;
    migration->tool_version = xstrdup(tool_version);
    TRY(home_migration_path(home, name, &directory, err));
    if (options->from == NULL || options->to == NULL)
        TRY(home_require(home, name, err));

    bool existed = file_exists(directory);

    TRY(directory_create(directory, err));
    TRY(home_lock(home, name, &migration->lock, err));

    Status status = open_locked(migration, directory, connectors, options, tool_version, err);

    if (status < 0 && !existed && !home_has(home, name)) {
        Error ignored = {0};

        (void)directory_remove(directory, &ignored); /* the first error is the one that matters */
    }
    TRY(status);
    *ret = TAKE(migration);
    return STATUS_OK;
}

Status migration_open_dry(const char *home, const char *name, ConnectorTable connectors,
                          const MigrationOptions *options, Migration **ret, Error *err)
{
    AUTO_FREE(migration_free)
    Migration *migration = migration_new(home, name != NULL ? name : "plan", options);
    __attribute__((cleanup(words_release))) Words words = {0};
    bool recorded = name != NULL && home_has(home, name);

    TRY(parse_words(options, &words, err));
    if (name != NULL)
        TRY(migration_name_check(name, err));
    if (recorded) {
        AUTO_FREE_MEMORY char *directory = NULL;

        TRY(home_migration_path(home, name, &directory, err));
        TRY(journal_open(directory, JOURNAL_READ, &migration->journal, err));
        TRY(open_recorded(migration, connectors, &words, err));
        TRY(options_read(migration, options, err));
        migration->identity = journal_record(migration->journal)->identity;
    } else {
        uint8_t run[16];

        if (words.from == NULL || words.to == NULL)
            return name != NULL ? home_require(home, name, err)
                                : error_kind(err, ERROR_USAGE, "--from and --to are needed");
        TRY(open_ends(migration, connectors, words.from, words.to, err));
        TRY(options_read(migration, options, err));
        random_bytes(run, sizeof(run));
        hex_encode(run, sizeof(run), migration->identity.run);
        (void)snprintf(migration->identity.migration, sizeof(migration->identity.migration), "%s",
                       migration->name);
        migration->identity.attempt = 1;
        name_id(migration->identity.run, 1, migration->identity.id);
    }
    if (!options->retry_for_given)
        migration->run.retry_for_ms =
            FIRST_LOOK_MS; /* whoever asks for a plan is there and waits */
    source_introduce(migration->source, &migration->identity);
    TRY(migration_retry(migration, check_ends, NULL, err));
    *ret = TAKE(migration);
    return STATUS_OK;
}
