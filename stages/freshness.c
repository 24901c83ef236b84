/*
 * In two steps, the cheap one first:
 *   1  the source is asked whether anything was written since the snapshot. A server's answer is
 *      about all of its databases, statistics and upkeep included: yes says little;
 *   2  then its tables are read again, under a new snapshot, and compared with what was copied, as a
 *      renewed snapshot does it (I5). Only a table, a sequence or a structure that differs refuses.
 * What was proven is kept for the next time, should the promotion itself have to wait.
 */
#include "stages/freshness.h"

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/adopt.h"
#include "stages/reconcile.h"

/* The option's value: the token of the snapshot, and of a later one that holds the same. */
#define UNCHANGED_OPTION "source-unchanged"

enum {
    NAMED_MAX = 5,
};

typedef struct Fresh {
    const char *token;
    Snapshot now;
    bool changed;           /* since the token */
    bool structure_changed; /* of the catalog */
    TextList different;     /* "table public.orders" */
} Fresh;

static void fresh_release(Fresh *fresh)
{
    snapshot_release(&fresh->now);
    text_list_release(&fresh->different);
}

/* ---- refusals ---- */

static Status refuse_stale_structure(const Migration *migration, const char *when,
                                     const Fresh *fresh, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "the structure of the source changed since its snapshot of %s%s%s", when,
                     fresh->different.count > 0 ? ": " : "",
                     fresh->different.count > 0 ? fresh->different.items[0] : "");
    error_hint(err,
               "Run `stopover rollback %s` and then `stopover run %s` to begin again, or promote "
               "the older structure with --accept-stale-source.",
               migration->name, migration->name);
    return STATUS_INVALID;
}

static Status refuse_stale_rows(const Migration *migration, const char *when, const Fresh *fresh,
                                Error *err)
{
    AUTO_TEXT Text names = {0};

    for (size_t i = 0; i < fresh->different.count && i < NAMED_MAX; i++)
        text_append_format(&names, "%s%.80s", i == 0 ? "" : ", ", fresh->different.items[i]);
    if (fresh->different.count > NAMED_MAX)
        text_append_format(&names, " and %zu more", fresh->different.count - NAMED_MAX);
    (void)error_kind(err, ERROR_REFUSED, "the source was written to since its snapshot of %s: %s",
                     when, text_string(&names));
    error_hint(err,
               "Run `stopover stage %s --again` to copy what changed and `stopover run %s`, or "
               "promote the older state with --accept-stale-source.",
               migration->name, migration->name);
    return STATUS_INVALID;
}

/* ---- 1: was anything written? ---- */

/* Without rows only the structure can be stale. */
static Status structure_changed(Migration *migration, bool *ret_changed, Error *err)
{
    AUTO_PLAN Plan plan = {0};
    AUTO_CATALOG Catalog now = {0};
    AUTO_FINDINGS Findings findings = {0};

    TRY(source_describe(migration->source, &migration->selection, &now, &findings, err));
    TRY(journal_load_plan(migration->journal, &plan, err));
    *ret_changed = strcmp(now.fingerprint, plan.catalog.fingerprint) != 0;
    return STATUS_OK;
}

static Status changed_step(Migration *migration, void *context, Error *err)
{
    Fresh *fresh = context;

    if (migration->schema_only)
        return structure_changed(migration, &fresh->structure_changed, err);
    return source_changed(migration->source, fresh->token, &fresh->changed, err);
}

/* The latest state that is known to hold the same as the snapshot. */
static const char *known_token(const Migration *migration)
{
    const char *token = journal_record(migration->journal)->snapshot_token;
    const char *known = journal_option(migration->journal, UNCHANGED_OPTION);
    size_t size = token == NULL ? 0 : strlen(token);

    if (token == NULL || known == NULL || strncmp(known, token, size) != 0 || known[size] != '\n')
        return token;
    return known + size + 1;
}

static Status remember_unchanged(Migration *migration, const Fresh *fresh, Error *err)
{
    const char *token = journal_record(migration->journal)->snapshot_token;
    AUTO_FREE_MEMORY char *value = xasprintf("%s\n%s", token, fresh->now.token);

    return journal_set_option(migration->journal, UNCHANGED_OPTION, value, err);
}

/* ---- 2: comparing ---- */

static void add_structure(const Catalog *planned, const Catalog *now, Fresh *fresh)
{
    fresh->structure_changed = true;
    for (size_t i = 0; i < planned->table_count; i++) {
        const Table *table = &planned->tables[i];
        const Table *other = catalog_find_table(now, table->schema, table->name);

        if (other != NULL && strcmp(other->fingerprint, table->fingerprint) == 0)
            continue;
        AUTO_FREE_MEMORY char *name = table_display_name(table);
        AUTO_FREE_MEMORY char *words = xasprintf("table %s", name);

        text_list_add(&fresh->different, words);
        return;
    }
}

/* Sequences stand in the order of the catalog, which is the same: its structure is. */
static void compare_sequences(const Catalog *planned, const Catalog *now, Fresh *fresh)
{
    size_t at = 0;

    for (size_t i = 0; i < planned->object_count; i++) {
        const Object *object = &planned->objects[i];

        if (object->kind != OBJECT_SEQUENCE)
            continue;
        while (at < now->object_count && now->objects[at].kind != OBJECT_SEQUENCE)
            at++;
        if (at < now->object_count &&
            strcmp(now->objects[at].definition, object->definition) == 0) {
            at++;
            continue;
        }
        AUTO_FREE_MEMORY char *words =
            xasprintf("sequence %s%s%s", object->schema != NULL ? object->schema : "",
                      object->schema != NULL ? "." : "", object->name);

        at++;
        text_list_add(&fresh->different, words);
    }
}

static Status compare_rows(Migration *migration, const Plan *plan, Fresh *fresh, Error *err)
{
    AUTO_FREE_MEMORY bool *same = xcalloc(plan->catalog.table_count + 1, sizeof(bool));

    TRY(compare_with_source(migration, plan, same, err));
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        if (same[i])
            continue;
        AUTO_FREE_MEMORY char *name = table_display_name(&plan->catalog.tables[i]);
        AUTO_FREE_MEMORY char *words = xasprintf("table %s", name);

        text_list_add(&fresh->different, words);
    }
    return STATUS_OK;
}

static Status compare_held(Migration *migration, const Plan *plan, Fresh *fresh, Error *err)
{
    AUTO_CATALOG Catalog now = {0};
    AUTO_FINDINGS Findings findings = {0};

    TRY(source_describe(migration->source, &migration->selection, &now, &findings, err));
    TRY(stage_adopt(migration, &now, &findings, err));
    if (strcmp(now.fingerprint, plan->catalog.fingerprint) != 0) {
        add_structure(&plan->catalog, &now, fresh);
        return STATUS_OK;
    }
    TRY(compare_rows(migration, plan, fresh, err));
    compare_sequences(&plan->catalog, &now, fresh);
    return STATUS_OK;
}

static Status compare_step(Migration *migration, void *context, Error *err)
{
    Fresh *fresh = context;
    AUTO_PLAN Plan plan = {0};
    Status status = STATUS_OK;

    text_list_release(&fresh->different); /* of an earlier try */
    fresh->different = (TextList){0};
    snapshot_release(&fresh->now);
    fresh->now = (Snapshot){0};
    TRY(journal_load_plan(migration->journal, &plan, err));
    TRY(source_hold(migration->source, &migration->selection, migration->run.jobs, &fresh->now,
                    err));
    status = compare_held(migration, &plan, fresh, err);
    if (status != STATUS_STOPPED && !source_is_held(migration->source))
        status = error_set(err, STATUS_RETRY, "the snapshot of the source was lost");
    source_release(migration->source);
    return status;
}

static Status compare(Migration *migration, const char *when, Fresh *fresh, Error *err)
{
    log_info("something was written where the source is since its snapshot of %s: its tables are "
             "read again and compared with what was copied, which takes a while",
             when);
    TRY(migration_retry(migration, compare_step, fresh, err));
    if (fresh->structure_changed)
        return refuse_stale_structure(migration, when, fresh, err);
    for (size_t i = 0; i < fresh->different.count; i++)
        log_warn("%s changed in the source since its snapshot", fresh->different.items[i]);
    if (fresh->different.count > 0)
        return refuse_stale_rows(migration, when, fresh, err);
    TRY(remember_unchanged(migration, fresh, err));
    log_info("the source holds what was copied from it: nothing differs");
    return journal_add_event(migration->journal, "note", NULL,
                             "the source was compared again: unchanged", err);
}

/* ---- both ---- */

static Status tell_unknown(const Migration *migration, Status status, Error *err)
{
    error_prefix(err, "whether the source was written to since its snapshot is not known");
    if (status != STATUS_STOPPED && err->kind == ERROR_FAILED)
        error_hint(err,
                   "Put the source back and run the same command again, or promote what was "
                   "copied from it with `stopover promote %s --accept-stale-source`.",
                   migration->name);
    return status;
}

static Status check(Migration *migration, const char *when, Fresh *fresh, Error *err)
{
    Status status = migration_retry(migration, changed_step, fresh, err);

    if (status < 0)
        return tell_unknown(migration, status, err);
    if (fresh->structure_changed)
        return refuse_stale_structure(migration, when, fresh, err);
    return fresh->changed ? compare(migration, when, fresh, err) : STATUS_OK;
}

Status freshness_glance(Migration *migration, bool *ret_written, Error *err)
{
    Fresh fresh = {.token = known_token(migration)};
    Status status = changed_step(migration, &fresh, err);

    if (status < 0)
        return tell_unknown(migration, status, err);
    *ret_written = fresh.changed || fresh.structure_changed;
    return STATUS_OK;
}

Status check_freshness(Migration *migration, Error *err)
{
    __attribute__((cleanup(fresh_release))) Fresh fresh = {.token = known_token(migration)};
    char when[32];

    clock_format(journal_record(migration->journal)->snapshot_us, when, sizeof(when));
    if (migration->accept_stale_source) {
        log_info("what is promoted is the source as it was at %s; later changes are accepted to be "
                 "missing",
                 when);
        return journal_add_event(migration->journal, "note", NULL, "--accept-stale-source", err);
    }
    return check(migration, when, &fresh, err);
}
