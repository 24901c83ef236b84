/*
 * Some of the promoted tables are taken back, the others stay. The promotion stays what it was: a
 * promotion, with less in it.
 *
 *  C1  A set is taken back only if nothing ties it to what stays: neither the promoted tables nor those
 *      that come back use, or are used by, anything else that was exchanged, or that uses them from
 *      outside. Else it is refused, by name. Partitions go with what they are partitions of.
 *  C2  The statements are those of the stored way back (B1 in swap_back.c), as many as belong to the
 *      set (swap_cut_steps.c). What is left of it is stored in the same transaction, so a later way
 *      back takes the rest.
 *  C3  No marker of its own: the records say which tables are undone, in the same transaction. So
 *      whoever asks again finds them so, and has nothing to do.
 */
#include "engine/connect/postgres/swap_cut.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/cut_bounds.sql.h"
#include "engine/connect/postgres/cut_moves.sql.h"
#include "engine/connect/postgres/cut_parts.sql.h"
#include "engine/connect/postgres/cut_tables.sql.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/connect/postgres/swap_back_inside.h"
#include "engine/connect/postgres/swap_cut_inside.h"
#include "engine/connect/postgres/swap_run.h"
#include "engine/flow/catalog.h"
#include "engine/flow/names.h"

enum {
    CHECK_TIMEOUT_MS = 10000,
    FEW = 20, /* tables for which the server's indexes are the shortest way */
};

static void cut_release(Cut *cut)
{
    text_release(&cut->chosen);
    free(cut->relations);
    text_list_release(&cut->schemas);
    free(cut->pairs);
    text_release(&cut->moves);
    pg_swap_release(&cut->swap);
    pg_swap_release(&cut->rest);
}

static Status query(const Cut *cut, const char *first, const char *second, PgRows **ret, Error *err)
{
    AUTO_FREE_MEMORY char *chosen = xasprintf("%s}", text_string(&cut->chosen));
    const SqlValue values[] = {
        {.name = "chosen", .text = chosen},
        {.name = "pairs", .text = cut->pairs != NULL ? cut->pairs : "[]"},
    };
    AUTO_TEXT Text sql = {0};

    /* The server cannot know how large the lists are: it takes each for a short one. */
    if (cut->chosen_count > FEW)
        text_append(&sql, "set local enable_nestloop = off; ");
    sql_fill(&sql, first, cut->identity, values, 2);
    sql_fill(&sql, second, cut->identity, values, 2);
    return pg_query(cut->connection, text_string(&sql), ret, err);
}

/* ---- which tables ---- */

/* Of an identity: schema.name, both as SQL writes them. */
static void split_identity(const char *identity, char **ret_schema, char **ret_name)
{
    SqlLexer lexer;
    SqlToken token = {0};
    Error ignored = {0}; /* the server wrote it */

    *ret_schema = NULL;
    *ret_name = NULL;
    sql_lexer_begin(&lexer, identity, strlen(identity));
    while (sql_lexer_next(&lexer, &token, &ignored) >= 0 && token.kind != SQL_END) {
        if (token.kind != SQL_WORD && token.kind != SQL_NAME)
            continue;
        free(*ret_schema);
        *ret_schema = *ret_name;
        *ret_name = sql_identifier(&token);
    }
}

static void choose(Cut *cut, const PgRows *rows, size_t row, Findings *notes)
{
    const char *name = pg_value(rows, row, 1);
    const char *now = pg_value(rows, row, 3);

    if (strcmp(name, now) != 0) {
        AUTO_FREE_MEMORY char *object = xasprintf("table %s", name);

        findings_add(notes, FINDING_REFUSAL, object,
                     "Put it back as it was, and run the same command again.", "is %s now", now);
        return;
    }
    text_append_format(&cut->chosen, "%s%s", cut->chosen_count == 0 ? "" : ",",
                       pg_value(rows, row, 0));
    cut->chosen_count++;
}

static void add_schema(Cut *cut, const char *schema)
{
    if (!text_list_has(&cut->schemas, schema))
        text_list_add(&cut->schemas, schema);
}

static Status look_at_table(Cut *cut, const Selection *wanted, const PgRows *rows, size_t row,
                            size_t *undone, Findings *notes)
{
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    bool is_undone = strcmp(pg_value(rows, row, 2), "undone") == 0;

    split_identity(pg_value(rows, row, 1), &schema, &name);
    if (schema == NULL)
        return STATUS_OK;
    add_schema(cut, schema);
    if (!selection_has(wanted, schema, name))
        cut->left_count += !is_undone;
    else if (is_undone)
        (*undone)++;
    else
        choose(cut, rows, row, notes);
    return STATUS_OK;
}

static char *write_pairs(const Cut *cut)
{
    AUTO_FREE(json_free) Json *pairs = json_array();

    for (size_t i = 0; i < cut->schemas.count; i++) {
        const char *live = cut->schemas.items[i];
        Json *pair = json_object();
        AUTO_FREE_MEMORY char *retired =
            name_for_role(live, NAME_RETIRED, cut->identity->id, CUT_NAME_MAX_BYTES);

        json_set_string(pair, "live", live);
        json_set_string(pair, "retired", retired);
        json_add(pairs, pair);
    }
    return json_print(pairs, false);
}

static Status refuse_choice(const Cut *cut, Error *err)
{
    if (cut->chosen_count == 0) {
        (void)error_kind(err, ERROR_REFUSED, "no promoted table has a name like that of --table");
        error_hint(err, "Names are those in the target; a pattern may be schema.name, with * and "
                        "?.");
    } else {
        (void)error_kind(err, ERROR_REFUSED, "--table names every table that is promoted");
        error_hint(err, "Run `stopover rollback %s` to take all of it back.",
                   cut->identity->migration);
    }
    return STATUS_INVALID;
}

/* STATUS_DONE when all that are meant are taken back already (C3). */
static Status find_tables(Cut *cut, const TextList *patterns, Findings *notes, Error *err)
{
    const Selection wanted = {.include = *patterns}; /* only looked at */
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    size_t undone = 0;

    text_append(&cut->chosen, "{");
    TRY(query(cut, cut_tables_sql, "", &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        TRY(look_at_table(cut, &wanted, rows, i, &undone, notes));
    if (findings_count(notes, FINDING_REFUSAL) > 0)
        return findings_refuse(notes, err);
    if (cut->chosen_count == 0 && undone > 0)
        return STATUS_DONE;
    if (cut->chosen_count == 0 || cut->left_count == 0)
        return refuse_choice(cut, err);
    cut->pairs = write_pairs(cut);
    return STATUS_OK;
}

/* ---- can it be cut? (C1) ---- */

static Status check_bounds(const Cut *cut, Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(cut, cut_parts_sql, cut_bounds_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        findings_add(
            notes, FINDING_REFUSAL, pg_value(rows, i, 0),
            "Name with --table all that hang together; or leave it out, then all goes back.", "%s",
            pg_value(rows, i, 1));
    return findings_refuse(notes, err);
}

/* ---- what is moved ---- */

static void write_moves(const PgRows *moves, Text *ret)
{
    for (size_t i = 0; i < pg_row_count(moves); i++)
        text_append_format(ret, "%s %s %s %s %s\n", pg_value(moves, i, MOVE_IS_PROMOTED),
                           pg_value(moves, i, MOVE_KIND), pg_value(moves, i, MOVE_SCHEMA),
                           pg_value(moves, i, MOVE_NAME), pg_value(moves, i, MOVE_OID));
}

static char *write_relations(const PgRows *moves)
{
    AUTO_TEXT Text text = {0};

    for (size_t i = 0; i < pg_row_count(moves); i++) {
        if (pg_is_true(moves, i, MOVE_IS_PROMOTED))
            text_append_format(&text, "%s%s", text.size == 0 ? "{" : ",",
                               pg_value(moves, i, MOVE_OID));
    }
    text_append(&text, text.size == 0 ? "{}" : "}");
    return text_take(&text);
}

static Status check_places(const PgRows *moves, Error *err)
{
    for (size_t i = 0; i < pg_row_count(moves); i++) {
        if (!pg_is_null(moves, i, MOVE_LIVE))
            continue;
        (void)error_kind(err, ERROR_REFUSED,
                         "the set cannot be cut: a part of it lies in another schema: %s %s.%s",
                         pg_value(moves, i, MOVE_KIND), pg_value(moves, i, MOVE_SCHEMA),
                         pg_value(moves, i, MOVE_NAME));
        error_hint(err, "Nothing was changed. Leave out --table: then all goes back.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* STATUS_DONE: nothing to do. */
static Status prepare(Cut *cut, const TextList *patterns, Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *moves = NULL;

    TRY(swap_back_rename(cut->connection, cut->identity, err));

    Status status = find_tables(cut, patterns, notes, err);

    if (status != STATUS_OK)
        return status;
    TRY(check_bounds(cut, notes, err));
    TRY(query(cut, cut_parts_sql, cut_moves_sql, &moves, err));
    TRY(check_places(moves, err));
    TRY(swap_cut_divide(cut, moves, err));
    TRY(swap_back_prove(cut->connection, cut->identity, err));
    write_moves(moves, &cut->moves);
    cut->relations = write_relations(moves);
    return swap_back_note_rows(cut->connection, cut->identity, cut->relations, notes, err);
}

/* ---- the parts of the transaction ---- */

static Status begin(SwapRun *run, Error *err)
{
    Outcome outcome = OUTCOME_NONE;

    TRY(outcome_read(run->connection, run->identity, &outcome, err));
    if (outcome != OUTCOME_PROMOTED)
        return outcome_refuse(run->identity, "take tables back of", outcome, err);
    return STATUS_OK;
}

/* Until now others may have bound something to them, or moved them. */
static Status check(SwapRun *run, Error *err)
{
    const Cut *cut = run->context;
    AUTO_FINDINGS Findings found = {0};
    AUTO_FREE(pg_rows_free) PgRows *moves = NULL;
    AUTO_TEXT Text now = {0};

    /* The limit so far is that of a try for locks. */
    TRY(pg_run_format(run->connection, err, "set local statement_timeout = %d", CHECK_TIMEOUT_MS));
    TRY(check_bounds(cut, &found, err));
    TRY(swap_back_prove(run->connection, run->identity, err));
    TRY(query(cut, cut_parts_sql, cut_moves_sql, &moves, err));
    write_moves(moves, &now);
    if (strcmp(text_string(&now), text_string(&cut->moves)) == 0)
        return STATUS_OK;
    (void)error_kind(err, ERROR_REFUSED, "the tables changed while they were to be taken back");
    error_hint(err, "Nothing was changed by us. Run the same command again.");
    return STATUS_INVALID;
}

static Status record(SwapRun *run, Error *err)
{
    const Cut *cut = run->context;
    AUTO_FREE_MEMORY char *rest = swap_write(&cut->rest);
    const SqlValue inverse = {.name = "inverse", .text = rest};
    AUTO_TEXT Text sql = {0};

    TRY(swap_back_record(run->connection, run->identity, err));
    sql_fill(&sql,
             "update stopover.marker set inverse = :inverse where run = :run and attempt = :attempt"
             " and kind = 'promoted'",
             run->identity, &inverse, 1);
    return pg_run(run->connection, text_string(&sql), err);
}

/* ---- all of it ---- */

static Status take_back(Stager *stager, Cut *cut, const LockPolicy *policy, Findings *notes,
                        Error *err)
{
    SwapRun run = {
        .target = pg_target_of_stager(stager),
        .identity = cut->identity,
        .swap = &cut->swap,
        .policy = policy,
        .begin = begin,
        .check = check,
        .record = record,
        .context = cut,
        .begin_point = "postgres.swap_cut_begin",
        .locked_point = "postgres.swap_cut_lock",
        .commit_point = "postgres.swap_cut_commit",
    };
    Status status = swap_run(&run, err);

    if (status == STATUS_OK)
        swap_run_tell(&run, notes);
    return status < 0 ? status : STATUS_OK;
}

Status pg_swap_back_tables(Stager *stager, const RunIdentity *identity, const TextList *patterns,
                           const LockPolicy *policy, Findings *notes, Error *err)
{
    __attribute__((cleanup(cut_release))) Cut cut = {.identity = identity};
    Outcome outcome = OUTCOME_NONE;

    TRY(outcome_open(stager, &cut.connection, err));
    if (cut.connection != NULL)
        TRY(outcome_read(cut.connection, identity, &outcome, err));
    if (outcome != OUTCOME_PROMOTED)
        return outcome_refuse(identity, "take tables back of", outcome, err);

    Status status = prepare(&cut, patterns, notes, err);

    return status == STATUS_OK ? take_back(stager, &cut, policy, notes, err)
           : status < 0        ? status
                               : STATUS_OK;
}

/* Partitions are not named: they go with what they are partitions of. */
Status pg_list_taken_back(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err)
{
    Cut cut = {.identity = identity};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};
    Outcome outcome = OUTCOME_NONE;

    TRY(outcome_open(stager, &cut.connection, err));
    if (cut.connection != NULL)
        TRY(outcome_read(cut.connection, identity, &outcome, err));
    if (outcome != OUTCOME_PROMOTED)
        return STATUS_OK;
    sql_fill(&sql,
             "select o.name from stopover.object o join pg_class c on c.oid = o.object_oid"
             " and c.relkind in ('r', 'p') and not c.relispartition where o.run = :run"
             " and o.attempt = :attempt and o.role = 'undone'"
             " and o.class_oid = 'pg_class'::regclass order by 1",
             identity, NULL, 0);
    TRY(pg_query(cut.connection, text_string(&sql), &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        text_list_add(ret, pg_value(rows, i, 0));
    return STATUS_OK;
}
