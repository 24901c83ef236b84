/*
 * What the target holds now is read in one snapshot, compared with the source's tables, and takes the
 * place of the source's structure. Nothing is written, and nothing locked beyond what pg_dump does.
 */
#include "engine/connect/postgres/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/adopt_parts.h"
#include "engine/connect/postgres/adopt_tables.sql.h"
#include "engine/connect/postgres/describe.h"
#include "engine/connect/postgres/target.h"

typedef struct Adoption {
    PgConnection *connection;
    const PgAddress *address;
    const Catalog *source;
    Prepared *prepared; /* in the order of the source's tables */
    size_t prepared_count;
    Catalog target;
    Findings *findings;
} Adoption;

static void adoption_release(Adoption *adoption)
{
    for (size_t i = 0; i < adoption->prepared_count; i++)
        text_list_release(&adoption->prepared[i].must_be_given);
    free(adoption->prepared);
    catalog_release(&adoption->target);
}

static bool is_refused(const Adoption *adoption)
{
    return findings_count(adoption->findings, FINDING_REFUSAL) > 0;
}

/* ---- is there what is wanted? ---- */

static char *list_names(const Catalog *catalog)
{
    AUTO_FREE(json_free) Json *names = json_array();

    for (size_t i = 0; i < catalog->table_count; i++) {
        Json *pair = json_array();

        json_add_string(pair, catalog->tables[i].schema);
        json_add_string(pair, catalog->tables[i].name);
        json_add(names, pair);
    }
    return json_print(names, false);
}

static Status read_columns(const char *json, TextList *ret, Error *err)
{
    AUTO_FREE(json_free) Json *names = NULL;

    TRY(json_parse(json, &names, err));
    for (const Json *item = json_at(names, 0); item != NULL; item = json_next(item))
        text_list_add(ret, json_string(item));
    return STATUS_OK;
}

static Status read_prepared(Adoption *adoption, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_FREE_MEMORY char *names = list_names(adoption->source);
    const char *parameters[] = {names};

    adoption->prepared_count = adoption->source->table_count;
    adoption->prepared = xcalloc(adoption->prepared_count + 1, sizeof(*adoption->prepared));
    TRY(pg_query_bound(adoption->connection, adopt_tables_sql, parameters, 1, &rows, err));
    if (pg_row_count(rows) != adoption->prepared_count)
        return error_set(err, STATUS_FAILED, "the target's tables could not be listed");
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        Prepared *prepared = &adoption->prepared[i];

        prepared->kind = pg_value(rows, i, 1)[0];
        prepared->is_partition = pg_is_true(rows, i, 2);
        prepared->has_rows = pg_is_true(rows, i, 3);
        TRY(read_columns(pg_value(rows, i, 4), &prepared->must_be_given, err));
    }
    return STATUS_OK;
}

/* ---- the target's catalog ---- */

/* Notes are about what a source leaves behind: nothing of it moves here. */
static void tell_found(const Adoption *adoption, const Findings *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const Finding *finding = &found->items[i];

        if (finding->severity != FINDING_NOTE)
            findings_add(adoption->findings, finding->severity, finding->object, finding->remedy,
                         "in the target: %s", finding->message);
    }
}

static Status describe(Adoption *adoption, const char *snapshot, Error *err)
{
    AUTO_FINDINGS Findings found = {0};

    TRY(pg_describe_target(adoption->connection, adoption->address, snapshot, adoption->source,
                           &adoption->target, &found, err));
    tell_found(adoption, &found);
    return STATUS_OK;
}

static Status look(Adoption *adoption, const char *snapshot, Error *err)
{
    TRY(read_prepared(adoption, err));
    TRY(adopt_check_tables(adoption->source, adoption->prepared, adoption->findings, err));
    if (is_refused(adoption))
        return STATUS_OK;
    if (adoption->source->table_count > 0)
        TRY(describe(adoption, snapshot, err));
    if (is_refused(adoption))
        return STATUS_OK;
    TRY(adopt_check_columns(adoption->source, &adoption->target, adoption->prepared,
                            adoption->findings, err));
    if (is_refused(adoption))
        return STATUS_OK;
    return adopt_merge(adoption->source, &adoption->target, adoption->findings, err);
}

static Status look_inside(Adoption *adoption, Error *err)
{
    AUTO_FREE_MEMORY char *snapshot = NULL;

    TRY(fault_before("postgres.adopt", err));
    TRY(pg_run(adoption->connection, "begin isolation level repeatable read, read only", err));
    TRY(pg_query_text(adoption->connection, "select pg_catalog.pg_export_snapshot()", &snapshot,
                      err));
    TRY(look(adoption, snapshot, err));
    return pg_run(adoption->connection, "commit", err);
}

Status pg_adopt_schema(Stager *stager, Catalog *catalog, Findings *findings, Error *err)
{
    PgTarget *target = pg_target_of_stager(stager);
    __attribute__((cleanup(adoption_release))) Adoption adoption = {
        .address = target->address,
        .source = catalog,
        .findings = findings,
    };

    TRY(pg_target_control(target, &adoption.connection, err));

    Status status = look_inside(&adoption, err);

    if (status < 0) {
        pg_reset(adoption.connection);
        error_prefix(err, "could not look at the prepared tables of the target");
        return status;
    }
    if (is_refused(&adoption))
        return STATUS_OK;

    Catalog before = *catalog;

    *catalog = adoption.target;
    adoption.target = before;
    return STATUS_OK;
}
