/*
 * What comes, what retires, and what of the names stays in the way (W1 in swap_plan.c); with the rights
 * that moving takes.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_clashes.sql.h"
#include "engine/connect/postgres/swap_coming.sql.h"
#include "engine/connect/postgres/swap_inside.h"
#include "engine/connect/postgres/swap_retiring.sql.h"
#include "engine/connect/postgres/swap_schemas.sql.h"

static SwapThing *add_thing(SwapThings *things)
{
    GROW(things->items, things->count, things->capacity);
    things->items[things->count] = (SwapThing){0};
    return &things->items[things->count++];
}

/* ---- schemas, and who we are ---- */

static void refuse_taken(const SwapWork *work, const char *name, const char *what)
{
    AUTO_FREE_MEMORY char *object = xasprintf("schema %s", name);

    findings_add(work->findings, FINDING_REFUSAL, object,
                 "Rename it, or drop it if it is a leftover that nobody needs.",
                 "is in the target, and has the name that %s", what);
}

static void check_distinct(const SwapWork *work)
{
    for (size_t i = 0; i < work->schema_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(work->schemas[i].retired, work->schemas[j].retired) == 0 ||
                strcmp(work->schemas[i].undone, work->schemas[j].undone) == 0)
                findings_add(work->findings, FINDING_REFUSAL, work->schemas[i].live,
                             "Rename one of them in the target.",
                             "the schemas \"%s\" and \"%s\" are too long and alike: both would be "
                             "kept as \"%s\"",
                             work->schemas[j].live, work->schemas[i].live,
                             work->schemas[i].retired);
        }
    }
}

static void check_schema(SwapWork *work, SwapSchema *schema, const PgRows *rows, size_t row)
{
    AUTO_FREE_MEMORY char *object = xasprintf("schema %s", schema->live);

    schema->exists = pg_is_true(rows, row, 1);
    schema->is_ours = pg_is_true(rows, row, 3);
    free(schema->comment);
    schema->comment = pg_is_null(rows, row, 4) ? NULL : xstrdup(pg_value(rows, row, 4));
    if (!pg_is_true(rows, row, 2))
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Grant it to us on the target: GRANT CREATE ON SCHEMA ... TO ...",
                     "we may not create anything in it, which promotion and rollback take");
    if (pg_is_true(rows, row, 5))
        refuse_taken(work, schema->retired, "what promotion replaces is kept under");
    if (pg_is_true(rows, row, 6))
        refuse_taken(work, schema->undone, "a rollback needs");
}

Status swap_check_schemas(SwapWork *work, Error *err)
{
    static const char *const parts[] = {swap_schemas_sql};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query(work, parts, 1, &rows, err));
    check_distinct(work);
    for (size_t i = 0; i < pg_row_count(rows) && i < work->schema_count; i++)
        check_schema(work, &work->schemas[i], rows, i);
    if (pg_row_count(rows) == 0)
        return STATUS_OK;
    free(work->user);
    work->user = xstrdup(pg_value(rows, 0, 8));
    work->is_superuser = pg_is_true(rows, 0, 9);
    if (!pg_is_true(rows, 0, 7))
        findings_add(work->findings, FINDING_REFUSAL, NULL,
                     "Grant it to us on the target: GRANT CREATE ON DATABASE ... TO ...",
                     "we may not create schemas in the target, which promotion takes");
    return STATUS_OK;
}

/* ---- what comes ---- */

static void add_coming(SwapWork *work, const PgRows *rows, size_t row)
{
    SwapThing *thing = add_thing(&work->coming);

    *thing = (SwapThing){
        .word = xstrdup(pg_value(rows, row, 0)),
        .schema = xstrdup(pg_value(rows, row, 1)),
        .key = xstrdup(pg_value(rows, row, 2)),
        .is_part = pg_is_true(rows, row, 4),
        .is_table = strcmp(pg_value(rows, row, 0), "table") == 0,
        .has_other = pg_is_true(rows, row, 5),
        .owner = pg_is_null(rows, row, 6) ? NULL : xstrdup(pg_value(rows, row, 6)),
        .owner_is_us = pg_is_true(rows, row, 9),
    };
    work->locks += 1;
    if (thing->owner == NULL)
        return;
    work->locks += 1 + pg_unsigned(rows, row, 8); /* indexes and TOAST get the new owner, too */
    if (pg_is_true(rows, row, 7))
        return;

    AUTO_FREE_MEMORY char *object = xasprintf("%s %s.%s", thing->word, thing->schema, thing->key);

    findings_add(work->findings, FINDING_REFUSAL, object,
                 "Grant us that role on the target (GRANT ... TO ...), or connect as its owner.",
                 "is owned by role %s: only its owner may replace it and make it the owner of what "
                 "takes its place",
                 thing->owner);
}

static Status find_coming(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_coming(work, swap_coming_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        add_coming(work, rows, i);
    return STATUS_OK;
}

/* ---- what retires ---- */

enum RetiringColumn {
    RETIRING_CLASS = 0,
    RETIRING_OID,
    RETIRING_IS_PART,
    RETIRING_SUCCESSOR,
    RETIRING_SCHEMA,
    RETIRING_KEY,
    RETIRING_WORD,
    RETIRING_OWNER,
    RETIRING_IS_OURS,
    RETIRING_EXTENSION,
    RETIRING_IS_TABLE,
    RETIRING_WORDS,
    RETIRING_IS_NAMED,
    RETIRING_ABOVE,
};

/* Partitions may lie in schemas that the source does not have: then the lists have to be made again. */
static bool add_missing_schemas(SwapWork *work, const PgRows *rows)
{
    bool is_missing = false;

    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (swap_find_schema(work, pg_value(rows, i, RETIRING_SCHEMA)) != NULL)
            continue;
        (void)swap_add_schema(work, pg_value(rows, i, RETIRING_SCHEMA), NULL);
        is_missing = true;
    }
    return is_missing;
}

/* Its name was refused already, as that of something that comes: the remedy would be the same. */
static bool is_refused(const Findings *findings, const char *object)
{
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];

        if (finding->severity == FINDING_REFUSAL && finding->object != NULL &&
            strcmp(finding->object, object) == 0)
            return true;
    }
    return false;
}

static void check_retiring(const SwapWork *work, const PgRows *rows, size_t row)
{
    const char *object = pg_value(rows, row, RETIRING_WORDS);

    if (!pg_is_null(rows, row, RETIRING_EXTENSION))
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Leave it out of the migration, or rename it in the source.",
                     "belongs to extension \"%s\" in the target and cannot be replaced",
                     pg_value(rows, row, RETIRING_EXTENSION));
    if (!pg_is_true(rows, row, RETIRING_IS_OURS) && !is_refused(work->findings, object))
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Grant us that role on the target (GRANT ... TO ...), or connect as its "
                     "owner.",
                     "is owned by role \"%s\": only its owner may replace it",
                     pg_value(rows, row, RETIRING_OWNER));
    if (!pg_is_null(rows, row, RETIRING_ABOVE))
        findings_add(work->findings, FINDING_REFUSAL, object,
                     "Migrate that one, too, or detach this one from it in the target.",
                     "is a partition or child of %s, which is not replaced",
                     pg_value(rows, row, RETIRING_ABOVE));
    if (!pg_is_true(rows, row, RETIRING_IS_NAMED) && !pg_is_true(rows, row, RETIRING_IS_PART))
        findings_add(work->findings, FINDING_NOTE, object,
                     "It is kept with the replaced tables until `stopover finish`.",
                     "the source does not have it: it goes along with what it is a part of");
}

static void add_retiring(SwapWork *work, const PgRows *rows, size_t row)
{
    SwapThing *thing = add_thing(&work->retiring);

    *thing = (SwapThing){
        .word = xstrdup(pg_value(rows, row, RETIRING_WORD)),
        .schema = xstrdup(pg_value(rows, row, RETIRING_SCHEMA)),
        .key = xstrdup(pg_value(rows, row, RETIRING_KEY)),
        .is_part = pg_is_true(rows, row, RETIRING_IS_PART),
        .is_table = pg_is_true(rows, row, RETIRING_IS_TABLE),
        .has_other = pg_is_true(rows, row, RETIRING_IS_NAMED),
    };
    work->locks += 1;
    if (!thing->is_part)
        swap_find_schema(work, thing->schema)->has_retiring = true;
}

static void append_value(Text *text, const char *value)
{
    text_append_format(text, "%s%s", text->size == 0 ? "{" : ",", value);
}

static char *end_values(Text *text)
{
    text_append(text, text->size == 0 ? "{}" : "}");
    return text_take(text);
}

static void set_values(SwapWork *work, const PgRows *rows)
{
    AUTO_TEXT Text classes = {0};
    AUTO_TEXT Text oids = {0};
    AUTO_TEXT Text successors = {0};

    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (!pg_is_null(rows, i, RETIRING_EXTENSION))
            continue; /* refused: all that depends on it need not be */
        append_value(&classes, pg_value(rows, i, RETIRING_CLASS));
        append_value(&oids, pg_value(rows, i, RETIRING_OID));
        append_value(&successors, pg_is_null(rows, i, RETIRING_SUCCESSOR)
                                      ? "null"
                                      : pg_value(rows, i, RETIRING_SUCCESSOR));
    }
    work->classes = end_values(&classes);
    work->oids = end_values(&oids);
    work->successors = end_values(&successors);
}

static Status find_retiring(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    bool again = true;

    while (again) {
        pg_rows_free(TAKE(rows));
        TRY(swap_query_coming(work, swap_retiring_sql, &rows, err));
        again = add_missing_schemas(work, rows);
    }
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        check_retiring(work, rows, i);
        add_retiring(work, rows, i);
    }
    set_values(work, rows);
    return STATUS_OK;
}

/* ---- what stays in the way ---- */

static Status check_clashes(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(swap_query_coming(work, swap_clashes_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        bool is_part = pg_is_true(rows, i, 5);

        findings_add(
            work->findings, FINDING_REFUSAL, pg_value(rows, i, 0),
            "Rename it in the target (ALTER ... RENAME TO), or drop it if nobody needs it.",
            "stays in the target%s%s, and has the name of a migrated %s: %s.%s",
            is_part ? " with " : "", is_part ? pg_value(rows, i, 4) : "", pg_value(rows, i, 1),
            pg_value(rows, i, 2), pg_value(rows, i, 3));
    }
    return STATUS_OK;
}

Status swap_find_things(SwapWork *work, Error *err)
{
    TRY(find_coming(work, err));
    TRY(find_retiring(work, err));
    return check_clashes(work, err);
}
