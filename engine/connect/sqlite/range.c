#include "engine/connect/sqlite/range.h"

#include "engine/flow/names.h"

enum {
    ROW_HEAD_BYTES = 2,
    FIELD_HEAD_BYTES = 4,
    FIELD_TAG_BYTES = 1,
    NUMBER_BYTES = 8,
};

typedef enum RangeSide {
    SIDE_FROM,   /* at or after the bound */
    SIDE_BEFORE, /* before it */
} RangeSide;

bool range_can_seek(const Layout *layout)
{
    for (size_t i = 0; i < layout->key_count && layout->key_count > 1; i++) {
        if (layout->key[i].is_descending != layout->key[0].is_descending)
            return false;
        if (layout->key[i].collation)
            return false;
    }
    return true;
}

/* The comparison of one part: does it look towards larger values? */
static const char *operator_for(const KeyPart *part, RangeSide side, bool or_equal)
{
    bool is_greater = (side == SIDE_FROM) != part->is_descending;
    if (is_greater)
        return or_equal ? ">=" : ">";
    return or_equal ? "<=" : "<";
}

static void append_part(Text *sql, const Layout *layout, size_t part, const char *operator,
                        size_t first_parameter)
{
    layout_append_key_part(sql, layout, part);
    text_append_format(sql, " %s ?%zu", operator, first_parameter + part);
}

/* (a, b) >= (?1, ?2): SQLite seeks by all of it. */
static void append_vector(Text *sql, const Layout *layout, RangeSide side, size_t first_parameter)
{
    text_append(sql, "(");
    for (size_t part = 0; part < layout->key_count; part++) {
        text_append(sql, part ? ", " : "");
        layout_append_key_part(sql, layout, part);
    }
    text_append_format(sql, ") %s (", operator_for(&layout->key[0], side, side == SIDE_FROM));
    for (size_t part = 0; part < layout->key_count; part++)
        text_append_format(sql, "%s?%zu", part ? ", " : "", first_parameter + part);
    text_append(sql, ")");
}

/*
 * a >= ?1 and (a > ?1 or (a = ?1 and b < ?2) or (a = ?1 and b = ?2)), where
 * range_can_seek() says no. The first comparison is implied by the rest: it is what SQLite seeks by.
 */
static void append_expanded(Text *sql, const Layout *layout, RangeSide side, size_t first_parameter)
{
    append_part(sql, layout, 0, operator_for(&layout->key[0], side, true), first_parameter);
    text_append(sql, " and (");
    for (size_t last = 0; last < layout->key_count; last++) {
        bool or_equal = side == SIDE_FROM && last + 1 == layout->key_count;
        text_append(sql, last ? " or (" : "(");
        for (size_t part = 0; part < last; part++) {
            append_part(sql, layout, part, "=", first_parameter);
            text_append(sql, " and ");
        }
        append_part(sql, layout, last, operator_for(&layout->key[last], side, or_equal),
                    first_parameter);
        text_append(sql, ")");
    }
    text_append(sql, ")");
}

static void append_side(Text *sql, const Layout *layout, RangeSide side, size_t first_parameter)
{
    if (layout->key_count == 1)
        append_part(sql, layout, 0, operator_for(&layout->key[0], side, side == SIDE_FROM),
                    first_parameter);
    else if (range_can_seek(layout))
        append_vector(sql, layout, side, first_parameter);
    else
        append_expanded(sql, layout, side, first_parameter);
}

void range_append_where(Text *sql, const Layout *layout, const Bytes *lower, const Bytes *upper)
{
    if (lower->size) {
        text_append(sql, " where ");
        append_side(sql, layout, SIDE_FROM, 1);
    }
    if (upper->size) {
        text_append(sql, lower->size ? " and " : " where ");
        append_side(sql, layout, SIDE_BEFORE, 1 + layout->key_count);
    }
}

void range_append_equal(Text *sql, const Layout *layout)
{
    for (size_t part = 0; part < layout->key_count; part++) {
        text_append(sql, part ? " and " : " where ");
        append_part(sql, layout, part, "=", 1);
    }
}

static Status bind_bound(Db *db, DbStatement *statement, const Layout *layout, const Bytes *bound,
                         size_t first_parameter, Error *err)
{
    if (!bound->size)
        return STATUS_OK;
    RowReader reader;
    TRY(row_reader_begin(&reader, bound->data, bound->size, err));
    if (reader.field_count != layout->key_count)
        return error_set(err, STATUS_INVALID, "a chunk of table \"%s\" does not fit its key",
                         layout->table->name);
    for (size_t part = 0; part < layout->key_count; part++) {
        Value value;
        TRY(row_reader_next(&reader, &value, err));
        TRY(db_bind_value(db, statement, (int)(first_parameter + part), &value, err));
    }
    return STATUS_OK;
}

Status range_bind(Db *db, DbStatement *statement, const Layout *layout, const Bytes *lower,
                  const Bytes *upper, Error *err)
{
    TRY(bind_bound(db, statement, layout, lower, 1, err));
    return bind_bound(db, statement, layout, upper, 1 + layout->key_count, err);
}

void range_append_from(Text *sql, const char *name)
{
    quote_identifier(sql, name);
    text_append(sql, " as s not indexed");
}

void row_append(Text *text, const Db *db, DbStatement *statement, int first, size_t count)
{
    encode_row(text, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        Value value;
        db_column_value(db, statement, first + (int)i, &value);
        encode_value(text, &value);
    }
}

void row_append_key(Text *text, const Db *db, DbStatement *statement, const Layout *layout)
{
    if (layout->key_count == 0) { /* KEY_NONE: the whole row */
        row_append(text, db, statement, 0, layout->field_count);
        return;
    }
    encode_row(text, (uint16_t)layout->key_count);
    for (size_t part = 0; part < layout->key_count; part++) {
        Value value;
        db_column_value(db, statement, (int)layout->key[part].field, &value);
        encode_value(text, &value);
    }
}

static size_t value_size(const Db *db, DbStatement *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        return 0;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        return FIELD_TAG_BYTES + NUMBER_BYTES;
    case SQLITE_TEXT:
        if (db->is_utf16)
            return FIELD_TAG_BYTES + (size_t)sqlite3_column_bytes16(statement, column);
        return FIELD_TAG_BYTES + (size_t)sqlite3_column_bytes(statement, column);
    default:
        return FIELD_TAG_BYTES + (size_t)sqlite3_column_bytes(statement, column);
    }
}

size_t row_size(const Db *db, DbStatement *statement, size_t count)
{
    size_t size = ROW_HEAD_BYTES;
    for (size_t i = 0; i < count; i++)
        size += FIELD_HEAD_BYTES + value_size(db, statement, (int)i);
    return size;
}
