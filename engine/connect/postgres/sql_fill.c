#include "engine/connect/postgres/sql_fill.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "engine/connect/postgres/connection.h"

static bool is_named(const SqlValue *value, const char *name, size_t size)
{
    return strlen(value->name) == size && memcmp(value->name, name, size) == 0;
}

static void append_value(Text *text, const SqlValue *value)
{
    if (value->text != NULL)
        pg_quote_literal(text, value->text);
    else
        text_append_format(text, "%" PRIu64, value->number);
}

static bool append_named(Text *text, const SqlValue *values, size_t count, const char *name,
                         size_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (is_named(&values[i], name, size)) {
            append_value(text, &values[i]);
            return true;
        }
    }
    return false;
}

/* The size of the name behind a colon that begins a value; 0 for a cast (::) and for any other. */
static size_t measure_name(const char *sql, const char *colon)
{
    size_t size = 0;

    if ((colon > sql && colon[-1] == ':') || islower((unsigned char)colon[1]) == 0)
        return 0;
    while (islower((unsigned char)colon[1 + size]) != 0 || colon[1 + size] == '_')
        size++;
    return size;
}

void sql_fill(Text *text, const char *sql, const RunIdentity *identity, const SqlValue *values,
              size_t count)
{
    const SqlValue common[] = {
        {.name = "run", .text = identity->run},
        {.name = "migration", .text = identity->migration},
        {.name = "id", .text = identity->id},
        {.name = "attempt", .number = identity->attempt},
        {.name = "epoch", .number = identity->epoch},
    };
    const char *at = sql;

    for (const char *colon = strchr(at, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        size_t size = measure_name(sql, colon);

        if (size == 0)
            continue;
        text_append_bytes(text, at, (size_t)(colon - at));
        at = colon + 1 + size;

        bool is_known =
            append_named(text, values, count, colon + 1, size) ||
            append_named(text, common, sizeof(common) / sizeof(common[0]), colon + 1, size);

        assert(is_known);
        (void)is_known; /* when assertions are off */
    }
    text_append(text, at);
}
