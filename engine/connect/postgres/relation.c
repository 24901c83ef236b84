#include "engine/connect/postgres/relation.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/notes.h"
#include "engine/flow/names.h"

static void name_columns(PgRelation *relation)
{
    AUTO_TEXT Text text = {0};
    for (size_t i = 0; i < relation->table->column_count; i++) {
        const Column *column = &relation->table->columns[i];
        if (column->is_generated)
            continue;
        text_append(&text, relation->column_count++ ? ", " : "");
        quote_identifier(&text, column->name);
    }
    relation->columns = xstrdup(text_string(&text));
}

/* Of a table that is cut by its key. */
static Status name_range_key(PgRelation *relation, Error *err)
{
    const Table *table = relation->table;
    AUTO_TEXT Text name = {0};
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].key_position == 1)
            quote_identifier(&name, table->columns[i].name);
    }
    if (name.size == 0)
        return error_set(err, STATUS_INVALID, "table %s has no key to cut it by", relation->name);
    relation->range_key = text_take(&name);
    return STATUS_OK;
}

static Status fill(const Table *table, bool staged, PgRelation *relation, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    relation->table = table;
    relation->name =
        staged ? xstrdup(table->staged_name) : pg_qualified(table->schema, table->name);
    name_columns(relation);
    if (table->key == KEY_COLUMNS)
        TRY(name_range_key(relation, err));
    TRY(pg_table_notes_read(table, &notes, err));
    relation->is_partitioned = notes.kind == 'p';
    relation->leaves = notes.leaves;
    notes.leaves = (TextList){0};
    return STATUS_OK;
}

Status pg_relation_read(const Table *table, bool staged, PgRelation *ret, Error *err)
{
    AUTO_PG_RELATION PgRelation relation = {0};
    TRY(fill(table, staged, &relation, err));
    *ret = relation;
    relation = (PgRelation){0};
    return STATUS_OK;
}

void pg_relation_release(PgRelation *relation)
{
    free(relation->name);
    free(relation->columns);
    free(relation->range_key);
    text_list_release(&relation->leaves);
    *relation = (PgRelation){0};
}

/* ---- places ---- */

static bool parse_number(const char *digits, uint64_t max, uint32_t *ret)
{
    uint64_t number = 0;
    if (!parse_unsigned(digits, max, &number))
        return false;
    *ret = (uint32_t)number;
    return true;
}

static bool parse_place(const PgRelation *relation, char *text, PgPlace *ret)
{
    PgPlace place = {0};
    char *block = text;
    if (relation->is_partitioned) {
        char *colon = strchr(text, ':');
        if (!colon)
            return false;
        *colon = '\0';
        block = colon + 1;
        if (!parse_number(text, relation->leaves.count, &place.leaf))
            return false;
    }
    if (!parse_number(block, UINT32_MAX, &place.block))
        return false;
    *ret = place;
    return true;
}

static Status refuse_bound(const PgRelation *relation, Error *err)
{
    return error_set(err, STATUS_INVALID, "a bound of a chunk of table %s is malformed",
                     relation->name);
}

Status pg_place_parse(const PgRelation *relation, const Bytes *bound, PgPlace *ret, Error *err)
{
    AUTO_FREE_MEMORY char *text = xstrndup((const char *)bound->data, bound->size);
    return parse_place(relation, text, ret) ? STATUS_OK : refuse_bound(relation, err);
}

Bytes pg_place_bytes(const PgRelation *relation, PgPlace place)
{
    AUTO_FREE_MEMORY char *text = relation->is_partitioned
                                      ? xasprintf("%u:%u", place.leaf, place.block)
                                      : xasprintf("%u", place.block);
    return bytes_copy(text, strlen(text));
}

/* ---- statements ---- */

void pg_append_copy_options(Text *sql, RowFormat format, const char *encoding)
{
    text_append_format(sql, " TO STDOUT WITH (FORMAT %s, ENCODING ",
                       format == ROW_PG_BINARY ? "binary" : "text");
    pg_quote_literal(sql, encoding);
    text_append(sql, ")");
}

void pg_relation_append_from(Text *sql, const PgRelation *relation)
{
    text_append_format(sql, "%s%s", relation->is_partitioned ? "" : "ONLY ", relation->name);
}

/* An end of a range: NULL is open. */
typedef struct Range {
    const PgPlace *lower;
    const PgPlace *upper;
} Range;

static void append_leaf(Text *sql, const PgRelation *relation, const char *leaf, Range range)
{
    text_append_format(sql, "SELECT %s FROM ONLY %s", relation->columns, leaf);
    if (range.lower)
        text_append_format(sql, " WHERE ctid >= '(%u,0)'::pg_catalog.tid", range.lower->block);
    if (range.upper)
        text_append_format(sql, " %s ctid < '(%u,0)'::pg_catalog.tid",
                           range.lower ? "AND" : "WHERE", range.upper->block);
}

/* Only the leaves at the ends are cut: what lies between is read whole. */
static void append_leaves(Text *sql, const PgRelation *relation, Range range)
{
    uint32_t first = range.lower ? range.lower->leaf : 0;
    uint32_t last = range.upper ? range.upper->leaf : (uint32_t)relation->leaves.count - 1;
    bool is_empty = true;
    for (uint32_t i = first; i <= last && i < relation->leaves.count; i++) {
        Range part = {.lower = i == first ? range.lower : NULL,
                      .upper = range.upper && i == last ? range.upper : NULL};
        if (part.upper && part.upper->block == 0)
            break;
        text_append(sql, is_empty ? "" : " UNION ALL ");
        append_leaf(sql, relation, relation->leaves.items[i], part);
        is_empty = false;
    }
    if (is_empty)
        text_append_format(sql, "SELECT %s FROM %s WHERE false", relation->columns, relation->name);
}

/* The literal takes the type of the key. */
static Status append_bound(Text *sql, const PgRelation *relation, const char *word,
                           const char *operator, const Bytes * bound, Error *err)
{
    AUTO_FREE_MEMORY char *text = xstrndup((const char *)bound->data, bound->size);
    if (strlen(text) != bound->size)
        return refuse_bound(relation, err);
    text_append_format(sql, " %s %s %s ", word, relation->range_key, operator);
    pg_quote_literal(sql, text);
    return STATUS_OK;
}

Status pg_relation_append_key_range(Text *sql, const PgRelation *relation, const Chunk *chunk,
                                    Error *err)
{
    if (chunk->lower.size)
        TRY(append_bound(sql, relation, "WHERE", ">=", &chunk->lower, err));
    if (chunk->upper.size)
        TRY(append_bound(sql, relation, chunk->lower.size ? "AND" : "WHERE", "<", &chunk->upper,
                         err));
    return STATUS_OK;
}

static Status append_places(Text *sql, const PgRelation *relation, const Chunk *chunk, Error *err)
{
    PgPlace lower = {0};
    PgPlace upper = {0};
    Range range = {0};
    if (chunk->lower.size) {
        TRY(pg_place_parse(relation, &chunk->lower, &lower, err));
        range.lower = &lower;
    }
    if (chunk->upper.size) {
        TRY(pg_place_parse(relation, &chunk->upper, &upper, err));
        range.upper = &upper;
    }
    if (relation->is_partitioned)
        append_leaves(sql, relation, range);
    else
        append_leaf(sql, relation, relation->name, range);
    return STATUS_OK;
}

static void append_select(Text *sql, const PgRelation *relation)
{
    text_append_format(sql, "SELECT %s FROM ", relation->columns);
    pg_relation_append_from(sql, relation);
}

static Status append_rows(Text *sql, const PgRelation *relation, const Chunk *chunk, Error *err)
{
    if (chunk && (chunk->lower.size || chunk->upper.size) && !relation->range_key)
        return append_places(sql, relation, chunk, err);
    append_select(sql, relation);
    return chunk && relation->range_key ? pg_relation_append_key_range(sql, relation, chunk, err)
                                        : STATUS_OK;
}

Status pg_relation_append_copy(Text *sql, const PgRelation *relation, const Chunk *chunk,
                               const char *encoding, Error *err)
{
    bool is_whole = !chunk || (!chunk->lower.size && !chunk->upper.size);
    text_append(sql, "COPY ");
    if (is_whole && !relation->is_partitioned && relation->column_count > 0) {
        text_append_format(sql, "%s (%s)", relation->name, relation->columns);
    } else {
        text_append(sql, "(");
        TRY(append_rows(sql, relation, chunk, err));
        text_append(sql, ")");
    }
    pg_append_copy_options(sql, relation->table->format, encoding);
    return STATUS_OK;
}
