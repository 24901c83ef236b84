/*
 * What stays and depends on what retires (W2, W3 in swap_plan.c).
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_bound.sql.h"
#include "engine/connect/postgres/swap_dependents.sql.h"
#include "engine/connect/postgres/swap_inside.h"
#include "engine/connect/postgres/swap_left_keys.sql.h"
#include "engine/connect/postgres/swap_publications.sql.h"
#include "engine/connect/postgres/swap_publications_14.sql.h"
#include "engine/connect/postgres/swap_watchers.sql.h"

enum {
    LISTS_VERSION = 15, /* publications have lists of columns and filters of rows */
    BINDING_LOCKS = 3,  /* the dependent, what it is bound to, its key */
};

static const char again_later[] =
    "Drop it before, and create it again once the migration is promoted; or migrate it, too.";
static const char grant_role[] =
    "Grant us that role on the target (GRANT ... TO ...), or connect as its owner.";

static void add_outside_lock(SwapWork *work, const char *name)
{
    if (name[0] != '\0' && !text_list_has(&work->outside_locks, name))
        text_list_add(&work->outside_locks, name);
}

/* ---- bound anew ---- */

enum DependentColumn {
    DEPENDENT_WORDS = 0,
    DEPENDENT_STATEMENT,
    DEPENDENT_VALIDATE,
    DEPENDENT_PROBLEM,
    DEPENDENT_ON,
    DEPENDENT_TABLE,
    DEPENDENT_OWNER,
    DEPENDENT_IS_OURS,
    DEPENDENT_SCHEMA,
    DEPENDENT_IS_CLOSED,
    DEPENDENT_ENUMS,
};

static bool refuse_dependent(const SwapWork *work, const PgRows *rows, size_t row)
{
    const char *object = pg_value(rows, row, DEPENDENT_WORDS);

    if (!pg_is_null(rows, row, DEPENDENT_PROBLEM)) {
        findings_add(work->findings, FINDING_REFUSAL, object, again_later,
                     "depends on %s, which is replaced: %s", pg_value(rows, row, DEPENDENT_ON),
                     pg_value(rows, row, DEPENDENT_PROBLEM));
        return true;
    }
    if (!pg_is_true(rows, row, DEPENDENT_IS_OURS)) {
        findings_add(work->findings, FINDING_REFUSAL, object, grant_role,
                     "depends on %s, which is replaced, and is owned by role \"%s\": only that "
                     "one may bind it to what takes the place",
                     pg_value(rows, row, DEPENDENT_ON), pg_value(rows, row, DEPENDENT_OWNER));
        return true;
    }
    if (pg_is_true(rows, row, DEPENDENT_IS_CLOSED)) {
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Grant it to us on the target: GRANT CREATE ON SCHEMA ... TO ...",
                     "depends on %s, which is replaced, and we may not create anything in schema "
                     "\"%s\", which binding it anew takes",
                     pg_value(rows, row, DEPENDENT_ON), pg_value(rows, row, DEPENDENT_SCHEMA));
        return true;
    }
    return false;
}

static Status refuse_label(const SwapWork *work, const PgRows *rows, size_t row, bool *ret_refused,
                           Error *err)
{
    AUTO_FREE_MEMORY char *problem = NULL;

    TRY(swap_missing_label(work, pg_value(rows, row, DEPENDENT_STATEMENT),
                           pg_value(rows, row, DEPENDENT_ENUMS), &problem, err));
    *ret_refused = problem != NULL;
    if (problem != NULL)
        findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, DEPENDENT_WORDS),
                     again_later, "depends on %s, which is replaced: %s",
                     pg_value(rows, row, DEPENDENT_ON), problem);
    return STATUS_OK;
}

static void add_binding(SwapWork *work, const PgRows *rows, size_t row)
{
    GROW(work->bindings, work->binding_count, work->binding_capacity);
    work->bindings[work->binding_count++] = (SwapBinding){
        .words = xasprintf("%s is bound to what takes the place of %s",
                           pg_value(rows, row, DEPENDENT_WORDS), pg_value(rows, row, DEPENDENT_ON)),
        .statement = xasprintf("%s;", pg_value(rows, row, DEPENDENT_STATEMENT)),
    };
    if (!pg_is_null(rows, row, DEPENDENT_VALIDATE))
        text_list_add(&work->swap->validate, pg_value(rows, row, DEPENDENT_VALIDATE));
    add_outside_lock(work, pg_value(rows, row, DEPENDENT_TABLE));
    work->locks += BINDING_LOCKS;
}

static Status find_bindings(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_gone(work, swap_dependents_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        bool is_refused = refuse_dependent(work, rows, i);

        if (!is_refused)
            TRY(refuse_label(work, rows, i, &is_refused, err));
        if (!is_refused)
            add_binding(work, rows, i);
    }
    return STATUS_OK;
}

/* ---- publications ---- */

static void refuse_publication(const SwapWork *work, const PgRows *rows, size_t row,
                               const char *object)
{
    const char *table = pg_value(rows, row, 1);

    if (!pg_is_true(rows, row, 4))
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Take it out of the publication: ALTER PUBLICATION ... DROP TABLE ...",
                     "publishes %s, which retires and has no successor in the source", table);
    else if (!pg_is_null(rows, row, 5))
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Take the table out of the publication, and add it again once the migration "
                     "is promoted.",
                     "publishes %s, which is replaced: it uses %s", table, pg_value(rows, row, 5));
    else if (!pg_is_true(rows, row, 7))
        findings_add(work->findings, FINDING_REFUSAL, object, grant_role,
                     "publishes %s, which is replaced, and is owned by role \"%s\"", table,
                     pg_value(rows, row, 6));
}

/* The old one must go before it moves; on the way back the new one, and then the old one comes. */
static void add_publication(SwapWork *work, const PgRows *rows, size_t row, const char *object)
{
    const char *name = pg_value(rows, row, 0);
    const char *table = pg_value(rows, row, 1);
    AUTO_FREE_MEMORY char *take =
        xasprintf("alter publication %s drop table only %s;", name, table);
    AUTO_FREE_MEMORY char *give = xasprintf("alter publication %s add table only %s%s%s;", name,
                                            table, pg_value(rows, row, 2), pg_value(rows, row, 3));

    swap_add_step_of(&work->early, "table", table, NULL, xstrdup(take), xstrdup(give));
    swap_add_step_of(&work->late, "table", table,
                     xasprintf("%s publishes the new %s", object, table), xstrdup(give),
                     xstrdup(take));
    work->locks += BINDING_LOCKS;
}

static Status find_publications(SwapWork *work, Error *err)
{
    const char *sql = pg_server_major(work->connection) >= LISTS_VERSION ? swap_publications_sql
                                                                         : swap_publications_14_sql;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_gone(work, sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *object = xasprintf("publication %s", pg_value(rows, i, 8));

        if (pg_is_true(rows, i, 4) && pg_is_null(rows, i, 5) && pg_is_true(rows, i, 7))
            add_publication(work, rows, i, object);
        else
            refuse_publication(work, rows, i, object);
    }
    return STATUS_OK;
}

static Status find_watchers(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_gone(work, swap_watchers_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const char *object = pg_value(rows, i, 0);

        if (strcmp(pg_value(rows, i, 1), "subscription") == 0)
            findings_add(work->findings, FINDING_REFUSAL, object,
                         "Take the table out of the subscription before.",
                         "a subscription writes into this table, which is replaced");
        else if (strcmp(pg_value(rows, i, 1), "content") == 0)
            findings_add(work->findings, FINDING_NOTE, object,
                         "Refresh it once the migration is promoted.",
                         "holds rows that it has read through views from what is replaced");
        else
            findings_add(work->findings, FINDING_NOTE, object,
                         "Refresh subscriptions to it (ALTER SUBSCRIPTION ... REFRESH "
                         "PUBLICATION) once the migration is promoted.",
                         "publishes whole schemas or all tables: what was staged and what is "
                         "promoted, too");
    }
    return STATUS_OK;
}

/* ---- foreign keys of what retires ---- */

static void add_left_key(SwapWork *work, const PgRows *rows, size_t row)
{
    const char *constraint = pg_value(rows, row, 2);
    const char *table = pg_value(rows, row, 3);
    bool is_valid = pg_is_true(rows, row, 5);
    bool is_partitioned = pg_is_true(rows, row, 6); /* NOT VALID is not to be had there (trap 21) */
    AUTO_TEXT Text back = {0};

    text_append_format(&back, "alter table %s add constraint %s %s%s;", table, constraint,
                       pg_value(rows, row, 4), is_valid && !is_partitioned ? " not valid" : "");
    if (!pg_is_null(rows, row, 7))
        text_append_format(&back, " comment on constraint %s on %s is %s;", constraint, table,
                           pg_value(rows, row, 7));
    swap_add_step_of(&work->early, "key of", table,
                     xasprintf("foreign key %s of the replaced %s to %s is dropped", constraint,
                               table, pg_value(rows, row, 1)),
                     xasprintf("alter table %s drop constraint %s;", table, constraint),
                     text_take(&back));
    if (is_valid && !is_partitioned) {
        AUTO_FREE_MEMORY char *validate =
            xasprintf("alter table %s validate constraint %s", table, constraint);

        text_list_add(&work->swap->validate_back, validate);
    }
    add_outside_lock(work, pg_value(rows, row, 1));
    work->locks += BINDING_LOCKS;
}

static Status find_left_keys(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_gone(work, swap_left_keys_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        add_left_key(work, rows, i);
    return STATUS_OK;
}

static Status name_bound(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_gone(work, swap_bound_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        text_list_add(&work->swap->bound, pg_value(rows, i, 0));
    return STATUS_OK;
}

Status swap_find_dependents(SwapWork *work, Error *err)
{
    TRY(name_bound(work, err));
    TRY(find_bindings(work, err));
    TRY(find_publications(work, err));
    TRY(find_watchers(work, err));
    return find_left_keys(work, err);
}

/* ---- steps ---- */

/* Added from the last to the first: the way back runs them in the order in which they stand. */
void swap_plan_early(SwapWork *work)
{
    for (size_t i = work->binding_count; i-- > 0;)
        swap_add_step(work->swap, NULL, xstrdup(""), xstrdup(work->bindings[i].statement));
}

void swap_plan_late(SwapWork *work)
{
    for (size_t i = 0; i < work->binding_count; i++)
        swap_add_step(work->swap, xstrdup(work->bindings[i].words),
                      xstrdup(work->bindings[i].statement), NULL);
}
