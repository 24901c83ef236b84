/*
 * Reading the rows of a query, and quoting what goes into one.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection_inside.h"

void pg_rows_free(PgRows *rows)
{
    if (rows == NULL)
        return;
    PQclear(rows->result);
    free(rows);
}

size_t pg_row_count(const PgRows *rows)
{
    return (size_t)PQntuples(rows->result);
}

const char *pg_value(const PgRows *rows, size_t row, unsigned column)
{
    return PQgetvalue(rows->result, (int)row, (int)column);
}

bool pg_is_null(const PgRows *rows, size_t row, unsigned column)
{
    return PQgetisnull(rows->result, (int)row, (int)column) == 1;
}

bool pg_is_true(const PgRows *rows, size_t row, unsigned column)
{
    return strcmp(pg_value(rows, row, column), "t") == 0;
}

uint64_t pg_unsigned(const PgRows *rows, size_t row, unsigned column)
{
    uint64_t value = 0;

    return parse_unsigned(pg_value(rows, row, column), UINT64_MAX, &value) ? value : 0;
}

int64_t pg_integer(const PgRows *rows, size_t row, unsigned column)
{
    return strtoll(pg_value(rows, row, column), NULL, 10);
}

/* ---- quoting ---- */

static void append_doubled(Text *text, const char *value, const char *doubled)
{
    while (*value != '\0') {
        size_t plain = strcspn(value, doubled);

        text_append_bytes(text, value, plain);
        value += plain;
        if (*value != '\0') {
            text_append_bytes(text, value, 1);
            text_append_bytes(text, value, 1);
            value++;
        }
    }
}

void pg_quote_literal(Text *text, const char *value)
{
    bool has_backslash = strchr(value, '\\') != NULL;

    text_append(text, has_backslash ? " E'" : "'");
    append_doubled(text, value, has_backslash ? "'\\" : "'");
    text_append(text, "'");
}

static void append_identifier(Text *text, const char *name)
{
    text_append(text, "\"");
    append_doubled(text, name, "\"");
    text_append(text, "\"");
}

void pg_quote_name(Text *text, const char *schema, const char *name)
{
    if (schema != NULL) {
        append_identifier(text, schema);
        text_append(text, ".");
    }
    append_identifier(text, name);
}

char *pg_qualified(const char *schema, const char *name)
{
    Text text = {0};

    pg_quote_name(&text, schema, name);
    return text_take(&text);
}
