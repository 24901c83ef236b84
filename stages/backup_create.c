#include "stages/backup_create.h"

#include <string.h>

#include "backup/archive.h"
#include "backup/archive_ledger.h"
#include "backup/check.h"
#include "backup/evidence.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "journal/home.h"
#include "stages/report.h"
#include "stages/stages.h"
#include "stages/workflow.h"

/* A backup on its way. */
typedef struct Creation {
    const BackupCreate *request;
    char *home;  /* of its journal */
    char *label; /* once it is complete */
    BackupWork *work;
    Migration *migration;
} Creation;

static void creation_release(Creation *creation)
{
    migration_free(creation->migration);
    backup_work_free(creation->work);
    free(creation->home);
    free(creation->label);
}

/* ---- what it is of ---- */

/* The database's name, as far as an address shows it: what stands behind the last slash. */
static char *name_place(const char *display)
{
    const char *end = display + strcspn(display, "?");
    const char *begin = end;
    const char *dot = NULL;

    while (begin > display && begin[-1] != '/' && begin[-1] != ':')
        begin--;
    AUTO_FREE_MEMORY char *name = xstrndup(begin, (size_t)(end - begin));

    dot = strrchr(name, '.');
    if (dot != NULL && dot != name && strcmp(dot, ".db") == 0)
        name[dot - name] = '\0';
    return name[0] != '\0' ? TAKE(name) : xstrdup("database");
}

static void append_patterns(Text *text, const char *what, const TextList *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        text_append_format(text, "%s%s%s", i == 0 ? what : ",", i == 0 ? " " : "",
                           patterns->items[i]);
}

static bool is_partial(const Selection *selection)
{
    return selection->include.count + selection->exclude.count + selection->schemas.count > 0;
}

/* Backups of the same tables of the same place count together when old ones go. */
static void make_series(const char *display, const Selection *selection, Text *ret)
{
    text_append(ret, display);
    append_patterns(ret, " tables", &selection->include);
    append_patterns(ret, " schemas", &selection->schemas);
    append_patterns(ret, " without", &selection->exclude);
}

/* ---- beginning ---- */

/* What could refuse it is asked before anything of it is there. */
static Status look(const BackupCreate *request, size_t *ret_tables, Error *err)
{
    AUTO_FREE_MEMORY char *nowhere =
        xasprintf(ARCHIVE_SCHEME ":%s/new", repository_backups(request->repository));
    MigrationOptions options = *request->options;
    AUTO_FREE(migration_free) Migration *migration = NULL;
    __attribute__((cleanup(plan_preview_release))) PlanPreview preview = {0};

    options.to = nowhere;
    options.makes_backup = true;
    TRY(migration_open_dry(request->home, NULL, request->connectors, &options, &migration, err));
    TRY(stage_preview(migration, &preview, err));
    report_warnings(&preview.findings);
    TRY(findings_refuse(&preview.findings, err));
    *ret_tables = preview.catalog.table_count;
    return STATUS_OK;
}

static Status begin_new(Creation *creation, const Uri *from, size_t table_count, Error *err)
{
    const BackupCreate *request = creation->request;
    const Selection *selection = &request->options->selection;
    AUTO_FREE_MEMORY char *what = name_place(from->display);
    AUTO_FREE_MEMORY char *scope = NULL;
    AUTO_TEXT Text series = {0};
    char tables[40];

    format_things(table_count, "table", tables, sizeof(tables));
    scope = xasprintf("%s: %s", what, tables);
    make_series(from->display, selection, &series);

    const BackupRequest wanted = {
        .name = request->name,
        .what = what,
        .kind = is_partial(selection) ? BACKUP_TABLES : BACKUP_DATABASE,
        .series = text_string(&series),
        .scope = scope,
        .source = from->display,
        .migration = request->migration,
    };

    return backup_begin(request->repository, &wanted, 0, request->lock_wait_ms, &creation->work,
                        err);
}

static Status begin(Creation *creation, Error *err)
{
    AUTO_FREE(uri_free) Uri *from = NULL;
    size_t table_count = 0;

    if (creation->request->options->from == NULL) {
        (void)error_kind(err, ERROR_USAGE, "it is not said of what the backup is to be made");
        error_hint(err, "Add --from, for example --from sqlite:/data/shop.db.");
        return STATUS_INVALID;
    }
    TRY(uri_parse(creation->request->options->from, &from, err));
    TRY(look(creation->request, &table_count, err));
    return begin_new(creation, from, table_count, err);
}

static Status check(const char *directory, Error *err)
{
    const CheckOptions options = {.level = CHECK_QUICK, .jobs = 1};
    AUTO_CHECK_REPORT CheckReport report = {0};
    Error ignored = {0};
    int64_t started_us = clock_wall_us();
    Status status = check_backup(directory, &options, &report, NULL, err);

    if (status >= 0 || err->kind == ERROR_DIFFERENT) /* a record for people: it may be missing */
        (void)evidence_write(directory, CHECK_QUICK, &report, started_us, clock_wall_us(),
                             &ignored);
    return status;
}

/* ---- going on ---- */

/* Taking its lock lets the repository finish what a crash has left in it. */
static Status find_backup(const Creation *creation, BackupList *list, const Backup **ret,
                          Error *err)
{
    Repository *repository = creation->request->repository;

    *ret = NULL;
    TRY(repository_lock(repository, SHARE_WRITE, creation->request->lock_wait_ms, err));
    repository_unlock(repository);
    TRY(repository_list(repository, list, NULL, err));
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, creation->request->name) == 0)
            *ret = &list->items[i];
    return STATUS_OK;
}

static Status remove_journal(const Creation *creation, const char *name, Error *err)
{
    AUTO_FREE_MEMORY char *directory = NULL;

    TRY(home_migration_path(creation->home, name, &directory, err));
    return directory_remove(directory, err);
}

static bool has_leftovers(const Creation *creation)
{
    AUTO_FREE_MEMORY char *directory = NULL;
    Error ignored = {0};

    return home_migration_path(creation->home, creation->request->name, &directory, &ignored) >=
               0 &&
           file_exists(directory);
}

static Status refuse_strange(const Backup *backup, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "backup \"%s\" was begun, and its journal is not in this home directory",
                     backup->name);
    error_hint(err,
               "Go on with it from where it was begun (--home), or remove it with `stopover backup "
               "delete %s`.",
               backup->name);
    return STATUS_INVALID;
}

/* STATUS_DONE: it is complete, and only its journal was left. */
static Status take_up(Creation *creation, Error *err)
{
    const BackupCreate *request = creation->request;
    bool has_journal = home_has(creation->home, request->name);
    AUTO_BACKUP_LIST BackupList list = {0};
    const Backup *found = NULL;

    TRY(find_backup(creation, &list, &found, err));
    if (found == NULL && has_journal) { /* somebody has removed it meanwhile */
        TRY(remove_journal(creation, request->name, err));
        has_journal = false;
    }
    if (found == NULL)
        return begin(creation, err);
    if (found->state == STATE_COMPLETE && has_leftovers(creation)) {
        creation->label = xstrdup(found->label);
        archive_ledger_remove(found->directory);
        TRY(check(found->directory, err));
        TRY(remove_journal(creation, request->name, err));
        return STATUS_DONE;
    }
    if (found->state == STATE_COMPLETE)
        return begin(creation, err); /* which refuses the name */
    /* Cut off before anything was copied: whatever it was to be, it can still become. */
    if (!has_journal && archive_ledger_exists(found->directory))
        return refuse_strange(found, err);
    return backup_resume(request->repository, found->label, request->lock_wait_ms, &creation->work,
                         err);
}

/* ---- the work ---- */

static Status open_migration(Creation *creation, Error *err)
{
    const BackupCreate *request = creation->request;
    const Intent *intent = backup_work_intent(creation->work);
    AUTO_FREE_MEMORY char *to =
        xasprintf(ARCHIVE_SCHEME ":%s/%s", repository_backups(request->repository), intent->label);
    MigrationOptions options = *request->options;
    Status status = STATUS_OK;

    options.to = to;
    options.makes_backup = true;
    status = migration_open(creation->home, intent->name, request->connectors, &options,
                            request->tool_version, &creation->migration, err);
    return status;
}

/* Where a comparison found differences, everything is read again. */
static Status copy(Creation *creation, Error *err)
{
    Migration *migration = creation->migration;

    if (journal_record(migration->journal)->phase == PHASE_VERIFICATION_FAILED)
        TRY(stage_reset(migration, NULL, err));
    return workflow_run(migration, PHASE_PROMOTED, err);
}

static Status complete(Creation *creation, Error *err)
{
    const BackupCreate *request = creation->request;
    AUTO_FREE_MEMORY char *name = xstrdup(backup_work_intent(creation->work)->name);

    TRY(backup_commit(request->repository, creation->work, request->lock_wait_ms, err));
    archive_ledger_remove(backup_work_directory(creation->work)); /* should a crash have left it */
    TRY(check(backup_work_directory(creation->work), err));
    migration_free(TAKE(creation->migration));
    TRY(remove_journal(creation, name, err));
    creation->label = xstrdup(backup_work_intent(creation->work)->label);
    return STATUS_OK;
}

/* What stages say of migrations is said of backups. */
static Status tell_how_to_go_on(const Creation *creation, Status status, Error *err)
{
    const char *name = creation->work != NULL ? backup_work_intent(creation->work)->name : NULL;

    if (status >= 0 || name == NULL)
        return status;
    switch (err->kind) {
    case ERROR_WAITING:
    case ERROR_FAILED:
    case ERROR_DIFFERENT:
        error_hint(err,
                   "Run `stopover backup create %s` to go on with it, or `stopover backup "
                   "delete %s` to give it up.",
                   name, name);
        break;
    case ERROR_REFUSED:
        error_hint(err, "Give it up with `stopover backup delete %s`, and begin a new one.", name);
        break;
    case ERROR_NONE:
    case ERROR_USAGE:
    case ERROR_NOT_FOUND:
    case ERROR_LOCKED:
        break;
    }
    return status;
}

static Status create(Creation *creation, Error *err)
{
    Status status = creation->request->name != NULL ? take_up(creation, err) : begin(creation, err);

    if (status != STATUS_OK)
        return status;
    status = open_migration(creation, err);
    if (status >= 0)
        status = copy(creation, err);
    if (status >= 0)
        status = complete(creation, err);
    return tell_how_to_go_on(creation, status, err);
}

char *backup_create_home(const char *home, const Repository *repository)
{
    return xasprintf("%s/backups-in-work/%s", home, repository_id(repository));
}

Status backup_create(const BackupCreate *request, char **ret_label, Error *err)
{
    __attribute__((cleanup(creation_release))) Creation creation = {.request = request};

    if (request->name != NULL)
        TRY(backup_name_check(request->name, err));
    creation.home = backup_create_home(request->home, request->repository);
    TRY(create(&creation, err));
    *ret_label = TAKE(creation.label);
    return STATUS_OK;
}
