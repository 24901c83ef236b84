/*
 * What was live before becomes live again; what had been promoted is kept aside until finish().
 *
 *  B1  The way back is the one that is stored with the marker, whatever a plan of today would say.
 *  B2  It moves what was promoted, and nothing else: objects are what they were by OID and name, else
 *      it is refused by name. What came to depend on them since would be left behind: refused, too.
 *  B3  Rows that were written since go aside with their tables. They are counted and told before.
 */
#include "engine/connect/postgres/swap_back.h"

#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/bound_objects.sql.h"
#include "engine/connect/postgres/created.h"
#include "engine/connect/postgres/drop.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/remaining.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/swap_back_inside.h"
#include "engine/connect/postgres/swap_run.h"
#include "engine/connect/postgres/swapped_counts.sql.h"

enum {
    COUNT_MAX_BYTES = 256 * 1024 * 1024, /* larger tables are not counted */
};

static Status query(PgConnection *connection, const RunIdentity *identity, const char *sql,
                    PgRows **ret, Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, identity, NULL, 0);
    return pg_query(connection, text_string(&text), ret, err);
}

/* ---- what stands against it (B2) ---- */

static Status refuse_bound(const PgRows *rows, Error *err)
{
    size_t more = pg_row_count(rows) - 1;
    Status status = error_kind(err, ERROR_REFUSED, "the way back is not free: %s %s %s",
                               pg_value(rows, 0, 0), pg_value(rows, 0, 1), pg_value(rows, 0, 2));

    if (more > 0)
        error_remark(err, "and %zu%s more", more, more == 19 ? " or" : "");
    error_hint(err, "Nothing was changed. Drop it, or put it back as it was, and run the same "
                    "command again; create it again afterwards.");
    return status;
}

static Status check_bound(PgConnection *connection, const RunIdentity *identity, const Swap *swap,
                          Error *err)
{
    AUTO_FREE(json_free) Json *names = json_array();
    AUTO_FREE_MEMORY char *list = NULL;
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    for (size_t i = 0; i < swap->bound.count; i++)
        json_add_string(names, swap->bound.items[i]);
    list = json_print(names, false);

    const SqlValue bound = {.name = "bound", .text = list};

    /* The server cannot know how large the lists are, and would join them by loops. */
    text_append(&sql, "set local enable_nestloop = off; ");
    sql_fill(&sql, bound_objects_sql, identity, &bound, 1);
    TRY(pg_query(connection, text_string(&sql), &rows, err));
    return pg_row_count(rows) == 0 ? STATUS_OK : refuse_bound(rows, err);
}

/* ---- what was written since (B3) ---- */

static Status count_rows(PgConnection *connection, const char *table, uint64_t *ret, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("select count(*) from %s", table);
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, sql, &rows, err));
    *ret = pg_unsigned(rows, 0, 0);
    return STATUS_OK;
}

static Status note_table(PgConnection *connection, const PgRows *rows, size_t row, Findings *notes,
                         Error *err)
{
    const char *table = pg_value(rows, row, 0);
    bool is_small = pg_unsigned(rows, row, 2) <= COUNT_MAX_BYTES;
    uint64_t then = pg_unsigned(rows, row, 1);
    uint64_t now = pg_unsigned(rows, row, 3);
    AUTO_FREE_MEMORY char *object = xasprintf("table %s", table);

    if (is_small)
        TRY(count_rows(connection, table, &now, err));
    if (is_small && now == then)
        return STATUS_OK;
    findings_add(notes, is_small ? FINDING_WARNING : FINDING_NOTE, object, NULL,
                 "%" PRIu64 " rows when it was promoted, %s%" PRIu64 " now%s", then,
                 is_small ? "" : "about ", now,
                 is_small ? ": what was written since is kept aside with it"
                          : " by the server's estimate: it is too large to be counted");
    return STATUS_OK;
}

Status swap_back_note_rows(PgConnection *connection, const RunIdentity *identity,
                           const char *relations, Findings *notes, Error *err)
{
    const SqlValue among = {.name = "relations", .text = relations != NULL ? relations : ""};
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (notes == NULL)
        return STATUS_OK;
    sql_fill(&sql, swapped_counts_sql, identity, &among, 1);
    TRY(pg_query(connection, text_string(&sql), &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        TRY(note_table(connection, rows, i, notes, err));
    return STATUS_OK;
}

/* ---- the parts of the transaction ---- */

static Status begin(SwapRun *run, Error *err)
{
    Outcome outcome = OUTCOME_NONE;
    Status status = outcome_mark(run->connection, run->identity, OUTCOME_ROLLED_BACK, err);

    TRY(status);
    TRY(outcome_read(run->connection, run->identity, &outcome, err));
    if (outcome != OUTCOME_ROLLED_BACK)
        return outcome_refuse(run->identity, "swap back", outcome, err);
    if (status == STATUS_DONE)
        return status;
    return remaining_store(run->connection, run->identity, OUTCOME_ROLLED_BACK, NULL,
                           &run->swap->validate, err);
}

static Status check(SwapRun *run, Error *err)
{
    TRY(check_bound(run->connection, run->identity, run->swap, err));
    return swap_back_prove(run->connection, run->identity, err);
}

Status swap_back_record(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_TEXT Text sql = {0};

    TRY(created_record_kept(connection, identity, NAME_UNDONE, err));
    text_append(&sql, "set local enable_nestloop = off; "); /* as in check_bound() */
    sql_fill(&sql, our_objects_sql, identity, NULL, 0);
    sql_fill(&sql,
             " delete from stopover.object r where r.run = :run and r.attempt = :attempt"
             " and r.role = 'retired' and not exists (select from ours o"
             " where o.classid = r.class_oid and o.objid = r.object_oid"
             " and r.class_oid not in ('pg_catalog.pg_cast'::regclass,"
             " 'pg_catalog.pg_transform'::regclass))"
             " and not exists (select from space s where s.oid = r.object_oid"
             " and r.class_oid = 'pg_catalog.pg_namespace'::regclass)",
             identity, NULL, 0);
    return pg_run(connection, text_string(&sql), err);
}

static Status record(SwapRun *run, Error *err)
{
    return swap_back_record(run->connection, run->identity, err);
}

/* ---- all of it ---- */

Status swap_back_read(PgConnection *connection, const RunIdentity *identity, Swap *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "select inverse from stopover.marker where run = :run and attempt = :attempt"
              " and kind = 'promoted'",
              &rows, err));
    if (pg_row_count(rows) == 0 || pg_is_null(rows, 0, 0))
        return error_set(err, STATUS_FATAL,
                         "the records in the target do not hold the way back of migration \"%s\"",
                         identity->migration);
    return swap_read(pg_value(rows, 0, 0), ret, err);
}

Status swap_back_rename(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    Status status = pg_ledger_begin(connection, identity, err);

    if (status >= 0)
        status = remaining_rename(connection, identity, err);
    if (status >= 0)
        status = pg_run(connection, "commit", err);
    if (status < 0)
        pg_reset(connection);
    return status;
}

Status swap_back_prove(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    const Dropping kept = {.connection = connection,
                           .identity = identity,
                           .scope = *identity,
                           .what = "retired and undone"};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "select from stopover.object o where o.run = :run and o.attempt = :attempt"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass and o.role = 'undone'",
              &rows, err));
    return pg_row_count(rows) == 0 ? STATUS_OK : drop_prove(&kept, err);
}

/* Before anything is locked: what takes long, and what can refuse. */
static Status prepare(PgConnection *connection, const RunIdentity *identity, Swap *ret,
                      Findings *notes, Error *err)
{
    TRY(swap_back_read(connection, identity, ret, err));
    TRY(swap_back_rename(connection, identity, err));
    TRY(check_bound(connection, identity, ret, err));
    TRY(swap_back_prove(connection, identity, err));
    return swap_back_note_rows(connection, identity, NULL, notes, err);
}

Status pg_swap_back(Stager *stager, const RunIdentity *identity, const LockPolicy *policy,
                    Findings *notes, Error *err)
{
    AUTO_SWAP Swap swap = {0};
    PgConnection *connection = NULL;
    Outcome outcome = OUTCOME_NONE;
    SwapRun run = {
        .target = pg_target_of_stager(stager),
        .identity = identity,
        .swap = &swap,
        .policy = policy,
        .begin = begin,
        .check = check,
        .record = record,
        .begin_point = "postgres.swap_back_begin",
        .locked_point = "postgres.swap_back_lock",
        .commit_point = "postgres.swap_back_commit",
    };

    TRY(outcome_open(stager, &connection, err));
    if (connection != NULL)
        TRY(outcome_read(connection, identity, &outcome, err));
    if (outcome == OUTCOME_ROLLED_BACK)
        return STATUS_OK;
    if (outcome != OUTCOME_PROMOTED)
        return outcome_refuse(identity, "swap back", outcome, err);
    TRY(prepare(connection, identity, &swap, notes, err));

    Status status = swap_run(&run, err);

    if (status == STATUS_OK)
        swap_run_tell(&run, notes);
    return status < 0 ? status : STATUS_OK;
}
