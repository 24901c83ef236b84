/*
 * Selection: which tables the patterns of --table, --exclude-table and --schema take. Declared in
 * catalog.h.
 */
#include "engine/flow/catalog.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/memory.h"

enum {
    NEAR_MAX_SIZE = 63,    /* longer names are not compared letter by letter */
    NEAR_MAX_MISTAKES = 2, /* letters wrong, missing or added */
    NEAR_MAX_SHOWN = 3,
};

void selection_release(Selection *selection)
{
    text_list_release(&selection->include);
    text_list_release(&selection->exclude);
    text_list_release(&selection->schemas);
}

static bool matches_table(const char *pattern, const char *schema, const char *name)
{
    AUTO_FREE_MEMORY char *full = NULL;

    if (pattern_matches(pattern, name))
        return true;
    if (schema == NULL)
        return false;
    full = xasprintf("%s.%s", schema, name);
    return pattern_matches(pattern, full);
}

static bool matches_any(const TextList *patterns, const char *schema, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (matches_table(patterns->items[i], schema, name))
            return true;
    }
    return false;
}

static bool matches_schema(const TextList *patterns, const char *schema)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (schema != NULL && pattern_matches(patterns->items[i], schema))
            return true;
    }
    return false;
}

bool selection_has(const Selection *selection, const char *schema, const char *name)
{
    if (selection->schemas.count > 0 && !matches_schema(&selection->schemas, schema))
        return false;
    if (selection->include.count > 0 && !matches_any(&selection->include, schema, name))
        return false;
    return !matches_any(&selection->exclude, schema, name);
}

static char *lower_case(const char *text)
{
    char *lower = xstrdup(text);

    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return lower;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein distance of two names of at most NEAR_MAX_SIZE bytes. */
static size_t count_mistakes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[NEAR_MAX_SIZE + 1];

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];

            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_size];
}

/* Would the pattern take the name if case did not count, or but for a slip of the fingers? */
static bool is_near(const char *pattern, const char *name)
{
    AUTO_FREE_MEMORY char *lower_pattern = lower_case(pattern);
    AUTO_FREE_MEMORY char *lower_name = lower_case(name);
    size_t pattern_size = strlen(pattern);
    size_t name_size = strlen(name);

    if (pattern_matches(lower_pattern, lower_name))
        return true;
    if (pattern_size > NEAR_MAX_SIZE || name_size > NEAR_MAX_SIZE ||
        pattern_size <= 2 * (size_t)NEAR_MAX_MISTAKES - 1)
        return false;
    return count_mistakes(lower_pattern, pattern_size, lower_name, name_size) <= NEAR_MAX_MISTAKES;
}

static void add_near(TextList *near, const char *pattern, const char *name, const char *shown)
{
    if (near->count < NEAR_MAX_SHOWN && is_near(pattern, name) && !text_list_has(near, shown))
        text_list_add(near, shown);
}

static void find_near_tables(const char *pattern, const Catalog *all, TextList *near)
{
    for (size_t i = 0; i < all->table_count; i++) {
        AUTO_FREE_MEMORY char *full = table_display_name(&all->tables[i]);

        add_near(near, pattern, all->tables[i].name, full);
        add_near(near, pattern, full, full);
    }
}

static void find_near_schemas(const char *pattern, const Catalog *all, TextList *near)
{
    for (size_t i = 0; i < all->table_count; i++) {
        const char *schema = all->tables[i].schema;

        if (schema != NULL)
            add_near(near, pattern, schema, schema);
    }
}

static void hint_near(const TextList *near, const char *otherwise, Error *err)
{
    AUTO_TEXT Text names = {0};

    for (size_t i = 0; i < near->count; i++)
        text_append_format(&names, "%s\"%s\"", i == 0 ? "" : " or ", near->items[i]);
    if (near->count > 0)
        error_hint(err, "Did you mean %s? Upper and lower case are told apart.",
                   text_string(&names));
    else
        error_hint(err, "%s", otherwise);
}

static Status check_table_patterns(const char *option, const TextList *patterns, const Catalog *all,
                                   Error *err)
{
    for (size_t i = 0; i < patterns->count; i++) {
        AUTO_TEXT_LIST TextList near = {0};
        const char *pattern = patterns->items[i];
        bool found = false;

        for (size_t j = 0; j < all->table_count && !found; j++)
            found = matches_table(pattern, all->tables[j].schema, all->tables[j].name);
        if (found)
            continue;
        find_near_tables(pattern, all, &near);
        (void)error_kind(err, ERROR_USAGE, "no table of the source matches %s \"%s\"", option,
                         pattern);
        hint_near(&near,
                  "Patterns are compared with the whole of NAME and of SCHEMA.NAME, and may hold "
                  "*, ? and [...].",
                  err);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static Status check_schema_patterns(const TextList *patterns, const Catalog *all, Error *err)
{
    for (size_t i = 0; i < patterns->count; i++) {
        AUTO_TEXT_LIST TextList near = {0};
        const char *pattern = patterns->items[i];
        bool found = false;

        for (size_t j = 0; j < all->table_count && !found; j++)
            found =
                all->tables[j].schema != NULL && pattern_matches(pattern, all->tables[j].schema);
        if (found)
            continue;
        find_near_schemas(pattern, all, &near);
        (void)error_kind(err, ERROR_USAGE, "no schema of the source matches --schema \"%s\"",
                         pattern);
        hint_near(&near, "Use --table for the tables of a source that has no schemas.", err);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

Status selection_check(const Selection *selection, const Catalog *all, Error *err)
{
    TRY(check_table_patterns("--table", &selection->include, all, err));
    TRY(check_table_patterns("--exclude-table", &selection->exclude, all, err));
    return check_schema_patterns(&selection->schemas, all, err);
}
