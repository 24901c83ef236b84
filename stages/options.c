#include "stages/options.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "stages/when_file.h"

#define SCHEMA_ONLY "schema-only"
#define DATA_ONLY   "data-only"
#define WITH_OWNER  "with-owner"
#define WITH_ACL    "with-acl"
#define NO_ARCHIVE  "no-archive"

/* Patterns hold no control characters (tools refuse them), so a line break parts them. */
static char *join(const TextList *list)
{
    AUTO_TEXT Text text = {0};

    for (size_t i = 0; i < list->count; i++)
        text_append_format(&text, "%s%s", i > 0 ? "\n" : "", list->items[i]);
    return text_take(&text);
}

static void split(const char *joined, TextList *ret)
{
    while (joined != NULL && *joined != '\0') {
        size_t length = strcspn(joined, "\n");
        AUTO_FREE_MEMORY char *item = xstrndup(joined, length);

        text_list_add(ret, item);
        joined += length + (joined[length] != '\0');
    }
}

static void copy_list(const TextList *from, TextList *to)
{
    for (size_t i = 0; i < from->count; i++)
        text_list_add(to, from->items[i]);
}

static void copy_selection(const Selection *from, Selection *to)
{
    copy_list(&from->include, &to->include);
    copy_list(&from->exclude, &to->exclude);
    copy_list(&from->schemas, &to->schemas);
}

static bool selection_given(const Selection *selection)
{
    return selection->include.count + selection->exclude.count + selection->schemas.count > 0;
}

typedef struct ListOption {
    const char *name;
    size_t offset; /* of the TextList in Selection */
} ListOption;

static const ListOption list_options[] = {
    {"table", offsetof(Selection, include)},
    {"exclude-table", offsetof(Selection, exclude)},
    {"schema", offsetof(Selection, schemas)},
};

static TextList *list_of(Selection *selection, const ListOption *option)
{
    return (TextList *)(void *)((char *)selection + option->offset);
}

static void read_selection(const Journal *journal, Selection *ret)
{
    for (size_t i = 0; i < sizeof(list_options) / sizeof(list_options[0]); i++)
        split(journal_option(journal, list_options[i].name), list_of(ret, &list_options[i]));
}

static Status save_selection(Journal *journal, Selection *selection, Error *err)
{
    for (size_t i = 0; i < sizeof(list_options) / sizeof(list_options[0]); i++) {
        TextList *list = list_of(selection, &list_options[i]);
        AUTO_FREE_MEMORY char *joined = join(list);

        TRY(journal_set_option(journal, list_options[i].name, list->count > 0 ? joined : NULL,
                               err));
    }
    return STATUS_OK;
}

static bool lists_equal(const TextList *a, const TextList *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!text_list_has(b, a->items[i]))
            return false;
    }
    return true;
}

static Status take_selection(Migration *migration, const MigrationOptions *options, bool record,
                             Error *err)
{
    Journal *journal = migration->journal;

    if (journal != NULL)
        read_selection(journal, &migration->selection);
    if (!selection_given(&options->selection))
        return STATUS_OK;

    Selection given = options->selection; /* lists are only looked at */
    bool same = lists_equal(&given.include, &migration->selection.include) &&
                lists_equal(&given.exclude, &migration->selection.exclude) &&
                lists_equal(&given.schemas, &migration->selection.schemas);

    if (same)
        return STATUS_OK;
    if (journal != NULL && journal_record(journal)->phase != PHASE_INITIAL) {
        (void)error_kind(err, ERROR_REFUSED,
                         "migration \"%s\" was prepared for another selection of tables",
                         migration->name);
        error_hint(err, "Leave out --table, --exclude-table and --schema to go on with it, or "
                        "choose another name for another selection.");
        return STATUS_INVALID;
    }
    selection_release(&migration->selection);
    migration->selection = (Selection){0};
    copy_selection(&given, &migration->selection);
    return record ? save_selection(journal, &migration->selection, err) : STATUS_OK;
}

/* ---- what goes along: once said, it holds for the whole attempt ---- */

static bool is_recorded(const Journal *journal, const char *name)
{
    return journal != NULL && journal_option(journal, name) != NULL;
}

bool migration_is_schema_only(const Journal *journal)
{
    return is_recorded(journal, SCHEMA_ONLY);
}

bool migration_is_data_only(const Journal *journal)
{
    return is_recorded(journal, DATA_ONLY);
}

/* Rows are passed on as they come, so both ends must speak of them, and of tables, in the same way. */
static Status check_ends_for_data(const Migration *migration, Error *err)
{
    const char *source = migration->source->ops->name;
    const char *target = migration->target->ops->name;

    if (migration->target->stager == NULL || migration->target->stager->ops->adopt_schema == NULL)
        (void)error_kind(err, ERROR_USAGE, "--data-only is not supported with a %s target", target);
    else if (strcmp(source, target) != 0)
        (void)error_kind(err, ERROR_USAGE,
                         "--data-only is not supported from a %s source to a %s target", source,
                         target);
    else
        return STATUS_OK;
    error_hint(err, "Leave out --data-only: tables are then made as the source has them.");
    return STATUS_INVALID;
}

/* A marker that nobody can make would never come: better said now than when the time has come. */
static Status check_when_file(const char *given, Error *err)
{
    AUTO_FREE_MEMORY char *path = NULL;
    AUTO_FREE_MEMORY char *folder = NULL;

    if (given == NULL)
        return STATUS_OK;
    TRY(path_absolute(given, &path, err));
    folder = file_parent(path);
    if (file_exists(folder))
        return STATUS_OK;
    (void)error_kind(err, ERROR_USAGE, "--when-file cannot be \"%s\": there is no folder \"%s\"",
                     path, folder);
    error_hint(err, "Make that folder before, or name a file elsewhere.");
    return STATUS_INVALID;
}

static Status check_target(const Migration *migration, const MigrationOptions *options, Error *err)
{
    if (!migration->target->ops->is_archive || options->makes_backup)
        return STATUS_OK;
    (void)error_kind(err, ERROR_USAGE, "a backup cannot be a target");
    error_hint(err, "Backups are made by `stopover backup create`.");
    return STATUS_INVALID;
}

Status options_check(const Migration *migration, const MigrationOptions *options, Error *err)
{
    const Journal *journal = migration->journal;
    const Selection *given = &options->selection;
    const struct {
        const char *name;
        bool is_given;
    } others[] = {
        {SCHEMA_ONLY, options->schema_only},
        {WITH_OWNER, given->with_owner}, /* these stay as the target's tables have them */
        {WITH_ACL, given->with_acl},
    };

    TRY(check_target(migration, options, err));
    TRY(check_when_file(options->when_file, err));
    if (!given->data_only && !is_recorded(journal, DATA_ONLY))
        return STATUS_OK;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!others[i].is_given && !is_recorded(journal, others[i].name))
            continue;
        (void)error_kind(err, ERROR_USAGE, "--data-only and --%s exclude each other",
                         others[i].name);
        error_hint(err, "With --data-only structure, owners and grants are those of the target.");
        return STATUS_INVALID;
    }
    return check_ends_for_data(migration, err);
}

static Status take_flag(Migration *migration, const char *name, bool is_given, bool record,
                        bool *ret, Error *err)
{
    Journal *journal = migration->journal;
    bool was_given = is_recorded(journal, name);

    *ret = is_given || was_given;
    if (!is_given || was_given)
        return STATUS_OK;
    if (journal != NULL && journal_record(journal)->phase != PHASE_INITIAL) {
        (void)error_kind(err, ERROR_REFUSED, "migration \"%s\" was prepared without --%s",
                         migration->name, name);
        error_hint(err, "Leave out --%s to go on with it, or choose another name.", name);
        return STATUS_INVALID;
    }
    return record ? journal_set_option(journal, name, "yes", err) : STATUS_OK;
}

static Status take_flags(Migration *migration, const MigrationOptions *options, bool record,
                         Error *err)
{
    const Selection *given = &options->selection;

    bool no_archive = false;

    TRY(options_check(migration, options, err));
    migration->selection.lenient = given->lenient;
    TRY(take_flag(migration, NO_ARCHIVE, options->no_archive, record, &no_archive, err));
    if (no_archive)
        free(TAKE(migration->archive));
    TRY(take_flag(migration, WITH_OWNER, given->with_owner, record,
                  &migration->selection.with_owner, err));
    TRY(take_flag(migration, WITH_ACL, given->with_acl, record, &migration->selection.with_acl,
                  err));
    TRY(take_flag(migration, DATA_ONLY, given->data_only, record, &migration->selection.data_only,
                  err));
    return take_flag(migration, SCHEMA_ONLY, options->schema_only, record, &migration->schema_only,
                     err);
}

/* ---- numbers: given now, else recorded, else the default that stands there already ---- */

static Status take_number(Migration *migration, const char *name, bool is_given, uint64_t given,
                          bool record, uint64_t *value, Error *err)
{
    const char *recorded =
        migration->journal != NULL ? journal_option(migration->journal, name) : NULL;

    if (!is_given) {
        if (recorded != NULL && !parse_unsigned(recorded, UINT64_MAX, value))
            return error_set(err, STATUS_FATAL, "the journal holds \"%s\" for the option %s",
                             recorded, name);
        return STATUS_OK;
    }
    *value = given;
    if (!record)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *text = xasprintf("%llu", (unsigned long long)given);

    if (recorded != NULL && strcmp(recorded, text) == 0)
        return STATUS_OK;
    return journal_set_option(migration->journal, name, text, err);
}

static Status take_numbers(Migration *migration, const MigrationOptions *options, bool record,
                           Error *err)
{
    uint64_t jobs = migration->run.jobs;

    TRY(take_number(migration, "jobs", options->jobs > 0, options->jobs, record, &jobs, err));
    migration->run.jobs = (unsigned)jobs;
    TRY(take_number(migration, "chunk-size", options->chunk_bytes > 0, options->chunk_bytes, record,
                    &migration->chunk_bytes, err));
    TRY(take_number(migration, "max-rate", options->max_rate_given, options->max_rate, record,
                    &migration->run.max_rate, err));
    return take_number(migration, "retry-for-ms", options->retry_for_given, options->retry_for_ms,
                       record, &migration->run.retry_for_ms, err);
}

static Status take_level(Migration *migration, const MigrationOptions *options, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    if (!options->level_given || options->level == record->level)
        return STATUS_OK;
    if (record->phase == PHASE_PROMOTED || record->phase == PHASE_VERIFIED) {
        (void)error_kind(err, ERROR_REFUSED,
                         "migration \"%s\" is %s: it was verified with --verify %s, and that stays "
                         "recorded",
                         migration->name, phase_name(record->phase),
                         verify_level_name(record->level));
        error_hint(err, "Leave out --verify.");
        return STATUS_INVALID;
    }
    if (options->level > record->level && journal_has_plan(migration->journal)) {
        (void)error_kind(err, ERROR_REFUSED,
                         "the evidence for --verify %s must be taken while rows are copied, and "
                         "copying began with --verify %s",
                         verify_level_name(options->level), verify_level_name(record->level));
        error_hint(err,
                   "Go on with --verify %s, or run `stopover rollback %s` and begin again with "
                   "--verify %s.",
                   verify_level_name(record->level), migration->name,
                   verify_level_name(options->level));
        return STATUS_INVALID;
    }
    return journal_set_level(migration->journal, options->level, err);
}

/* ---- what the promotion waits for ---- */

static Status take_when_file(Migration *migration, const MigrationOptions *options, Error *err)
{
    AUTO_FREE_MEMORY char *path = NULL;
    const char *recorded = journal_option(migration->journal, WHEN_FILE_OPTION);

    if (options->when_file != NULL)
        TRY(path_absolute(options->when_file, &path, err));
    else if (!options->now)
        path = xstrdup(recorded);
    if ((path == NULL) != (recorded == NULL) || (path != NULL && strcmp(path, recorded) != 0))
        TRY(journal_set_option(migration->journal, WHEN_FILE_OPTION, path, err));
    free(migration->when_file);
    migration->when_file = TAKE(path);
    return STATUS_OK;
}

Status options_record(Migration *migration, const MigrationOptions *options, Error *err)
{
    TRY(take_selection(migration, options, true, err));
    TRY(take_when_file(migration, options, err));
    TRY(take_flags(migration, options, true, err));
    TRY(take_numbers(migration, options, true, err));
    return take_level(migration, options, err);
}

Status options_read(Migration *migration, const MigrationOptions *options, Error *err)
{
    TRY(take_selection(migration, options, false, err));
    TRY(take_flags(migration, options, false, err));
    return take_numbers(migration, options, false, err);
}
