/*
 *  K1  A bound is text of the server's that it reads back as the same value, and by the order of
 *      which an index of the key goes: describe chooses such keys only. Texts are in the collation
 *      "C": in others an index may be out of order since the day its library was exchanged, and a
 *      range read through it would lose rows.
 *  K2  Bounds need not be exact: ranges are half open, one begins where another ends, the first and
 *      the last are open, and the key is not null. So each row is in exactly one of them.
 *  K3  They come from a sample of blocks, and not from the server's statistics: these may be old or
 *      not for us to see, and leave out values that are frequent.
 *  K4  Where the key does not go along with the place of rows, every range finds its rows in nearly
 *      every block: then there are a few ranges only, or the table would be read a hundred times.
 */
#include "engine/connect/postgres/key_ranges.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/key_bounds.sql.h"
#include "engine/connect/postgres/range_keys.sql.h"

enum {
    NOTED_BYTES = 64 * 1024 * 1024, /* by default more than one chunk */
    SHOWN_MAX = 3,                  /* names in the note */
    BLOCKS_PER_RANGE = 4,           /* looked at, of each range */
    SAMPLE_BLOCKS_MIN = 128,
    SAMPLE_BLOCKS_MAX = 8192,
    SCATTERED_RANGES_MAX = 4,
};

/* ---- which tables ---- */

/* [[schema, table, first column of the key], ...]; the caller frees. */
static char *list_keys(const Catalog *catalog)
{
    AUTO_FREE(json_free) Json *list = json_array();
    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];
        for (size_t c = 0; c < table->column_count; c++) {
            if (table->columns[c].key_position != 1)
                continue;
            Json *entry = json_array();
            json_add_string(entry, table->schema);
            json_add_string(entry, table->name);
            json_add_string(entry, table->columns[c].name);
            json_add(list, entry);
        }
    }
    return json_print(list, false);
}

static void note_pieces(const Catalog *catalog, Findings *findings)
{
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];
        if (table->key == KEY_COLUMNS || table->byte_estimate <= NOTED_BYTES)
            continue;
        AUTO_FREE_MEMORY char *name = table_display_name(table);
        if (count++ < SHOWN_MAX)
            text_append_format(&names, "%s%s", names.size ? ", " : "", name);
    }
    if (count > 0)
        findings_add(
            findings, FINDING_NOTE, NULL, "After an interruption these begin again as a whole.",
            "large tables that are read in one piece, since this version of the source can "
            "only cut by a key that begins with a number, a time, a uuid or a text of "
            "collation \"C\": %zu (%s%s)",
            count, text_string(&names), count > SHOWN_MAX ? ", ..." : "");
}

static int compare_names(const PgRows *rows, size_t row, const Table *table)
{
    int order = strcmp(pg_value(rows, row, 0), table->schema);
    return order ? order : strcmp(pg_value(rows, row, 1), table->name);
}

/* Rows are in order of schema and name. */
static bool has_table(const PgRows *rows, const Table *table)
{
    size_t low = 0;
    size_t high = pg_row_count(rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(rows, middle, table);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

Status pg_choose_range_keys(PgConnection *connection, int major, Catalog *catalog,
                            Findings *findings, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    if (major >= PG_MAJOR_WITH_TID_RANGES)
        return STATUS_OK;
    AUTO_FREE_MEMORY char *keys = list_keys(catalog);
    const char *const parameters[] = {keys};
    TRY(pg_query_bound(connection, range_keys_sql, parameters, 1, &rows, err));
    for (size_t i = 0; i < catalog->table_count; i++) {
        if (has_table(rows, &catalog->tables[i]))
            catalog->tables[i].key = KEY_COLUMNS;
    }
    note_pieces(catalog, findings);
    return STATUS_OK;
}

/* ---- where they are cut ---- */

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    if (value < least)
        return least;
    return value < most ? value : most;
}

Status pg_key_bounds(PgConnection *connection, const PgRelation *relation, uint64_t blocks,
                     uint64_t wanted, TextList *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};
    uint64_t sample = clamp(wanted * BLOCKS_PER_RANGE, SAMPLE_BLOCKS_MIN, SAMPLE_BLOCKS_MAX);
    double percent = blocks > sample ? 100.0 * (double)sample / (double)blocks : 100.0;
    AUTO_FREE_MEMORY char *share = xasprintf("%.9f", percent);
    AUTO_FREE_MEMORY char *ranges =
        xasprintf("%" PRIu64, clamp(wanted, 1, SAMPLE_BLOCKS_MAX / BLOCKS_PER_RANGE));
    AUTO_FREE_MEMORY char *scattered =
        xasprintf("%" PRIu64, clamp(wanted, 1, SCATTERED_RANGES_MAX));
    const char *const parameters[] = {share, ranges, scattered};
    text_append_format(&sql,
                       "with seen as materialized (select %s as key, tableoid as leaf, "
                       "ctid as place from ",
                       relation->range_key);
    pg_relation_append_from(&sql, relation);
    text_append(&sql, " tablesample system ($1::float8) repeatable (1))\n");
    text_append(&sql, key_bounds_sql);
    TRY(pg_query_bound(connection, text_string(&sql), parameters, 3, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        const char *bound = pg_value(rows, row, 0);
        if (*bound) /* an empty one would say that the range is open */
            text_list_add(ret, bound);
    }
    return STATUS_OK;
}
