/*
 *   promoted, rolled back --finish--> marker 'finished' -> (parts of it) -> no record of the run
 *
 *  F1  The marker comes first: from there on nothing can be swapped back, and repeating continues.
 *  F2  What was promoted lies in no schema of ours: it stays, whatever the ledger still says of it.
 *  F3  The control schema goes with the last run in it, and only if it holds nothing else.
 */
#include "engine/connect/postgres/finish.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/drop.h"
#include "engine/connect/postgres/kept_sizes.sql.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/sql_fill.h"

enum {
    NAMES_MAX_BYTES = 200, /* of the tables that went */
};

static Status run(const Dropping *dropping, const char *sql, Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, &dropping->scope, NULL, 0);
    return pg_run(dropping->connection, text_string(&text), err);
}

static Status query(const Dropping *dropping, const char *sql, const char *more, PgRows **ret,
                    Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, &dropping->scope, NULL, 0);
    sql_fill(&text, more, &dropping->scope, NULL, 0);
    return pg_query(dropping->connection, text_string(&text), ret, err);
}

/* ---- the beginning (F1) ---- */

static Status refuse_unfinished(const RunIdentity *identity, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "migration \"%s\" is neither promoted nor rolled back",
                   identity->migration);

    error_hint(err, "Run `stopover rollback %s` first to give it up.", identity->migration);
    return status;
}

/* A staging of an attempt that came to no end is somebody's work. */
static Status mark_finished(const Dropping *dropping, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_ledger_begin(dropping->connection, dropping->identity, err));
    TRY(query(dropping,
              "select 1 from stopover.object o join pg_catalog.pg_namespace n"
              " on n.oid = o.object_oid where o.run = :run"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass"
              " and not exists (select from stopover.marker m"
              " where m.run = o.run and m.attempt = o.attempt)",
              "", &rows, err));
    if (pg_row_count(rows) > 0)
        return refuse_unfinished(dropping->identity, err);
    TRY(outcome_mark(dropping->connection, dropping->identity, OUTCOME_FINISHED, err));
    return STATUS_OK;
}

/* ---- what went ---- */

/* Columns of kept_sizes.sql. */
enum {
    KEPT_ROLE,
    KEPT_SCHEMA,
    KEPT_TABLES,
    KEPT_BYTES,
    KEPT_NAMES,
    KEPT_ROWS,
    KEPT_OTHERS,
};

static bool is_empty(const PgRows *rows, size_t row)
{
    return pg_unsigned(rows, row, KEPT_TABLES) + pg_unsigned(rows, row, KEPT_OTHERS) == 0;
}

/* "3 tables, about 1,200 rows, 1.2 MiB, 2 other objects: a, b, c" */
static void describe(const PgRows *rows, size_t row, Text *ret)
{
    const char *names = pg_value(rows, row, KEPT_NAMES);
    size_t size = strlen(names);
    size_t shown = utf8_cut(names, size, NAMES_MAX_BYTES);
    uint64_t others = pg_unsigned(rows, row, KEPT_OTHERS);
    char tables[40];
    char count[40];
    char bytes[32];
    char more[48];

    format_things(pg_unsigned(rows, row, KEPT_TABLES), "table", tables, sizeof(tables));
    format_things(pg_unsigned(rows, row, KEPT_ROWS), "row", count, sizeof(count));
    format_bytes(pg_unsigned(rows, row, KEPT_BYTES), bytes, sizeof(bytes));
    format_things(others, "other object", more, sizeof(more));
    if (pg_unsigned(rows, row, KEPT_TABLES) > 0)
        text_append_format(ret, "%s, about %s, %s", tables, count, bytes);
    if (others > 0)
        text_append_format(ret, "%s%s", ret->size > 0 ? ", " : "", more);
    text_append_format(ret, "%s%.*s%s", size > 0 ? ": " : "", (int)shown, names,
                       shown < size ? "..." : "");
}

static void add_note(const PgRows *rows, size_t row, const char *verb, Findings *notes)
{
    AUTO_FREE_MEMORY char *object = xasprintf("schema %s", pg_value(rows, row, KEPT_SCHEMA));
    AUTO_TEXT Text text = {0};

    describe(rows, row, &text);
    findings_add(notes, FINDING_NOTE, object, NULL, "%s (%s): %s", verb,
                 pg_value(rows, row, KEPT_ROLE), text_string(&text));
}

Status pg_describe_kept(Stager *stager, const RunIdentity *identity, Findings *notes,
                        uint64_t *ret_tables, uint64_t *ret_bytes, Error *err)
{
    Dropping dropping = {.identity = identity, .scope = *identity};
    AUTO_FREE(pg_rows_free) PgRows *kept = NULL;

    dropping.scope.attempt = 0;
    *ret_tables = 0;
    *ret_bytes = 0;
    TRY(outcome_open(stager, &dropping.connection, err));
    if (dropping.connection == NULL)
        return STATUS_OK;
    TRY(query(&dropping, our_objects_sql, kept_sizes_sql, &kept, err));
    for (size_t i = 0; i < pg_row_count(kept); i++) {
        *ret_tables += pg_unsigned(kept, i, KEPT_TABLES);
        *ret_bytes += pg_unsigned(kept, i, KEPT_BYTES);
        if (!is_empty(kept, i))
            add_note(kept, i, "goes", notes);
    }
    return STATUS_OK;
}

/* ---- the records (F3) ---- */

/* Somebody else's things in our schema stay, and the schema with them. */
static Status drop_control(PgConnection *connection, Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, "select 1 from stopover.run limit 1", &rows, err));
    if (pg_row_count(rows) > 0)
        return STATUS_OK;
    TRY(pg_run(connection,
               "drop table stopover.chunk, stopover.task, stopover.object, stopover.marker,"
               " stopover.run, stopover.meta",
               err));
    pg_rows_free(TAKE(rows));
    TRY(pg_query(connection,
                 "select pg_catalog.pg_describe_object(d.classid, d.objid, 0)"
                 " from pg_catalog.pg_depend d"
                 " where d.refclassid = 'pg_catalog.pg_namespace'::regclass"
                 " and d.refobjid = (select n.oid from pg_catalog.pg_namespace n"
                 " where n.nspname = 'stopover') order by 1",
                 &rows, err));
    if (pg_row_count(rows) == 0)
        return pg_run(connection, "drop schema stopover restrict", err);
    findings_add(notes, FINDING_NOTE, "schema stopover", "Drop it when that is not needed.",
                 "stays: it holds something that is not ours: %s", pg_value(rows, 0, 0));
    return STATUS_OK;
}

static Status forget_run(const Dropping *dropping, Findings *notes, Error *err)
{
    TRY(pg_ledger_begin(dropping->connection, dropping->identity, err));
    TRY(drop_prove(dropping, err)); /* what was made while we dropped */
    TRY(drop_schemas(dropping, err));
    TRY(pg_control_lock(dropping->connection, err));
    TRY(run(dropping,
            "delete from stopover.chunk where run = :run;"
            "delete from stopover.task where run = :run;"
            "delete from stopover.object where run = :run;"
            "delete from stopover.marker where run = :run;"
            "delete from stopover.run where run = :run",
            err));
    return drop_control(dropping->connection, notes, err);
}

/* Notes are of the run that comes to the end: what was dropped before an interruption is gone. */
static Status drop_kept(const Dropping *dropping, Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *kept = NULL;
    AUTO_FINDINGS Findings last = {0};

    TRY(query(dropping, our_objects_sql, kept_sizes_sql, &kept, err));
    TRY(drop_objects(dropping, err));
    TRY(drop_end_step(dropping->connection, "postgres.finished", forget_run(dropping, &last, err),
                      err));
    for (size_t i = 0; notes != NULL && i < pg_row_count(kept); i++) {
        if (!is_empty(kept, i))
            add_note(kept, i, "dropped", notes);
    }
    for (size_t i = 0; notes != NULL && i < last.count; i++)
        findings_add(notes, last.items[i].severity, last.items[i].object, last.items[i].remedy,
                     "%s", last.items[i].message);
    return STATUS_OK;
}

Status pg_finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err)
{
    Dropping dropping = {.identity = identity,
                         .scope = *identity,
                         .what = "retired and undone",
                         .point = "postgres.finish_drop"};

    dropping.scope.attempt = 0;
    TRY(outcome_open(stager, &dropping.connection, err));
    if (dropping.connection == NULL)
        return STATUS_OK;
    TRY(drop_prove(&dropping, err)); /* while there is a way back */
    TRY(drop_end_step(dropping.connection, "postgres.finish", mark_finished(&dropping, err), err));
    return drop_kept(&dropping, notes, err);
}
