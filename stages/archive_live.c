#include "stages/archive_live.h"

#include <string.h>
#include <strings.h>

#include "backup/needed.h"
#include "backup/prune_run.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/backup_create.h"

enum {
    LOCK_WAIT_MS = 60 * 1000,
};

/* ---- which tables ---- */

static Status find_connector(const Migration *migration, const Uri *uri, const Connector **ret,
                             Error *err)
{
    for (const Connector *connector = migration->connectors; connector->scheme != NULL;
         connector++) {
        if (strcmp(connector->scheme, uri->scheme) != 0 || connector->open_source == NULL)
            continue;
        *ret = connector;
        return STATUS_OK;
    }
    (void)error_kind(err, ERROR_USAGE, "\"%s:\" cannot be read, so it cannot be backed up",
                     uri->scheme);
    return STATUS_INVALID;
}

static Status describe_step(Migration *migration, void *context, Error *err)
{
    Catalog *live = context;
    AUTO_FREE(uri_free) Uri *uri = NULL;
    AUTO_FREE(source_free) Source *source = NULL;
    AUTO_FINDINGS Findings ignored = {0}; /* the backup itself tells them */
    const Selection everything = {0};
    const Connector *connector = NULL;

    catalog_release(live); /* of an earlier try */
    *live = (Catalog){0};
    TRY(uri_parse(migration->to, &uri, err));
    TRY(find_connector(migration, uri, &connector, err));
    TRY(connector->open_source(uri, &source, err));
    return source_describe(source, &everything, live, &ignored, err);
}

static bool is_replaced(const Catalog *coming, const Table *table)
{
    if (catalog_find_table(coming, table->schema, table->name) != NULL)
        return true;
    for (size_t i = 0; table->schema == NULL && i < coming->table_count; i++)
        if (strcasecmp(coming->tables[i].name, table->name) == 0)
            return true; /* where there are no schemas, case does not count */
    return false;
}

/* As a pattern that matches nothing else. */
static void add_exact(TextList *patterns, const Table *table)
{
    AUTO_FREE_MEMORY char *name = table_display_name(table);
    AUTO_TEXT Text pattern = {0};

    for (const char *at = name; *at != '\0'; at++)
        text_append_format(&pattern, "%s%c", strchr("*?[]\\", *at) != NULL ? "\\" : "", *at);
    text_list_add(patterns, text_string(&pattern));
}

/* All that will be replaced; the list stays empty when that is all there is. */
static size_t choose(const Catalog *live, const Catalog *coming, TextList *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < live->table_count; i++)
        count += is_replaced(coming, &live->tables[i]);
    for (size_t i = 0; count < live->table_count && i < live->table_count; i++)
        if (is_replaced(coming, &live->tables[i]))
            add_exact(ret, &live->tables[i]);
    return count;
}

/* ---- the backup ---- */

static Status is_there(Repository *repository, const char *name, bool *ret, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    *ret = false;
    TRY(repository_list(repository, &list, NULL, err));
    for (size_t i = 0; i < list.count; i++)
        *ret = *ret || (list.items[i].state == STATE_COMPLETE && list.items[i].is_renamed &&
                        strcmp(list.items[i].name, name) == 0);
    return STATUS_OK;
}

static Status make(Migration *migration, Repository *repository, const Selection *selection,
                   Error *err)
{
    AUTO_FREE_MEMORY char *label = NULL;
    const char *name = journal_record(migration->journal)->backup_name;
    const MigrationOptions options = {
        .from = migration->to,
        .selection = *selection,
        .jobs = migration->run.jobs,
        .max_rate = migration->run.max_rate,
        .max_rate_given = true,
        .retry_for_ms = migration->run.retry_for_ms,
        .retry_for_given = true,
        .quiet = migration->quiet,
    };
    const BackupCreate request = {
        .home = migration->home,
        .connectors = migration->connectors,
        .repository = repository,
        .name = name,
        .options = &options,
        .migration = migration->name,
        .tool_version = migration->tool_version,
        .lock_wait_ms = LOCK_WAIT_MS,
    };
    Status status = backup_create(&request, &label, err);

    if (status >= 0) {
        log_info(
            "backup %s holds what promotion will replace, in %s; the last %d of these are kept",
            name, repository_path(repository), RETENTION_KEEP_LAST);
        return journal_add_event(migration->journal, "backup", name, "complete", err);
    }
    error_prefix(err, "what promotion would replace could not be backed up");
    error_hint(err, "Run the same command again, or add --no-archive to rely on the renamed tables "
                    "alone.");
    return status;
}

static Status back_up(Migration *migration, const Selection *selection, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    bool is_made = false;

    TRY(repository_create(migration->archive, &repository, err));
    TRY(journal_set_option(migration->journal, ARCHIVE_OPTION, repository_path(repository), err));
    TRY(is_there(repository, journal_record(migration->journal)->backup_name, &is_made, err));
    return is_made ? STATUS_OK : make(migration, repository, selection, err);
}

/* What keeps the target from being read (tools of its version that are missing) keeps nothing from
 * being migrated: so there is another way. */
static Status describe_live(Migration *migration, Catalog *live, Error *err)
{
    Status status = migration_retry(migration, describe_step, live, err);
    AUTO_FREE_MEMORY char *hint = NULL;

    if (status == STATUS_OK || status == STATUS_STOPPED)
        return status;
    hint = xstrdup(err->hint);
    error_prefix(err, "what promotion would replace could not be backed up");
    error_hint(err, "%s%sOr add --no-archive to rely on the renamed tables alone.", hint,
               *hint != '\0' ? " " : "");
    return status;
}

Status archive_live(Migration *migration, const Catalog *catalog, bool nothing, Error *err)
{
    AUTO_CATALOG Catalog live = {0};
    AUTO_FREE_MEMORY char *identity = NULL;
    __attribute__((cleanup(selection_release))) Selection selection = {.lenient = true};

    if (migration->archive == NULL)
        return STATUS_OK;
    TRY(target_identity(migration->target, &identity, err));
    if (identity != NULL && !nothing)
        TRY(describe_live(migration, &live, err));
    if (choose(&live, catalog, &selection.include) > 0)
        return back_up(migration, &selection, err);
    log_info("nothing to back up: the target has no table that promotion would replace");
    return STATUS_OK;
}

/* ---- afterwards ---- */

static const Backup *find_own(const Migration *migration, const BackupList *list)
{
    const char *name = journal_record(migration->journal)->backup_name;

    for (size_t i = 0; i < list->count; i++)
        if (name != NULL && strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

static void tell_removed(const PrunePlan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->series[i].count; j++)
            if (plan->series[i].items[j].verdict == PRUNE_REMOVE)
                log_info("backup %s is removed: the last %d of its kind are kept; `stopover backup "
                         "undelete` brings it back within a day",
                         plan->series[i].items[j].backup->name, RETENTION_KEEP_LAST);
}

static Status retain(const Migration *migration, const char *path, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_NEEDED_LIST NeededList needed = {0};
    AUTO_TEXT_LIST TextList unknown = {0};
    AUTO_PRUNE_RESULT PruneResult result = {0};
    const Backup *own = NULL;

    TRY(repository_open(path, &repository, err));
    TRY(repository_list(repository, &list, NULL, err));
    own = find_own(migration, &list);
    if (own == NULL || own->series == NULL)
        return STATUS_OK; /* none was made: there was nothing to replace */
    TRY(needed_read(migration->home, &needed, &unknown, err));

    PruneRequest request = retention_request(own->series);

    request.needed = &needed;
    request.now_us = clock_wall_us();
    request.lock_wait_ms = LOCK_WAIT_MS;
    TRY(prune_run(repository, &request, &result, err));
    tell_removed(&result.plan);
    return STATUS_OK;
}

void archive_live_retain(const Migration *migration)
{
    const char *path = journal_option(migration->journal, ARCHIVE_OPTION);
    Error problem = {0};

    if (path != NULL && retain(migration, path, &problem) < 0)
        log_warn("old backups were not removed: %s", problem.message);
}

static Status release(const char *path, const char *migration, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;

    TRY(repository_open(path, &repository, err));
    return backup_release_run(repository, migration, LOCK_WAIT_MS, err);
}

void archive_live_forget(const Journal *journal, const char *migration)
{
    const char *path = journal_option(journal, ARCHIVE_OPTION);
    Error problem = {0};

    if (path != NULL && release(path, migration, &problem) < 0)
        log_warn("the backups of this migration are still held for it: %s", problem.message);
}

void archive_live_release(const Migration *migration)
{
    archive_live_forget(migration->journal, migration->name);
}
