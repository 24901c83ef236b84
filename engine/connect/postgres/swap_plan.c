/*
 * NOTES ON THE SWAP OF SCHEMAS
 *
 *  W1  Everything that has a name in a schema is one of: what comes (all of staging), what retires (live
 *      objects of these names, and what cannot stay without them), or what stays. What stays keeps
 *      its name: a clash is refused.
 *  W2  Whatever stays and depends on what retires is found in pg_depend, and each is bound to what takes
 *      the place, or refused by name (trap 10). There is no third way.
 *  W3  The same statement binds it after the swap and after the way back: it names what is live. So it
 *      is the forward of a late step, and the inverse of an early one.
 *  W4  A statement that moves something names its arguments' types as live. So routines go before
 *      types and come after them.
 *  W5  The order of the steps:
 *        early    what must let go first: publications, foreign keys to what stays
 *        schemas  retired ones, live ones that are missing
 *        out      routines, relations, types  live -> retired
 *        in       types, relations, routines  staging -> live, each with the owner it is to have
 *        dress    bodies of routines, row security, grants
 *        late     bindings, publications, comments on schemas
 *        undone   schemas for the way back
 *
 * Where things are: swap_things.sql what has which name; swap_coming.c what comes, before it is there;
 * swap_things.c what retires and what clashes; swap_gone.sql what retires with all its parts;
 * swap_dependents.c what depends on it, swap_uses.c whether that fits; swap_moves.c, swap_dress.c the steps; swap_checks.c what is
 * asked again under the locks.
 */
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/extension_members.sql.h"
#include "engine/connect/postgres/foreign_objects.sql.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/swap_gone.sql.h"
#include "engine/connect/postgres/swap_inside.h"
#include "engine/connect/postgres/swap_planned.sql.h"
#include "engine/connect/postgres/swap_staged.sql.h"
#include "engine/connect/postgres/swap_things.sql.h"

enum {
    NAME_MAX_BYTES = 63,
};

static void things_release(SwapThings *things)
{
    for (size_t i = 0; i < things->count; i++) {
        free(things->items[i].word);
        free(things->items[i].schema);
        free(things->items[i].key);
        free(things->items[i].owner);
    }
    free(things->items);
}

static void work_release(SwapWork *work)
{
    for (size_t i = 0; work->notes != NULL && i < work->plan->catalog.object_count; i++)
        pg_object_notes_release(&work->notes[i]);
    for (size_t i = 0; i < work->schema_count; i++) {
        free(work->schemas[i].live);
        free(work->schemas[i].staging);
        free(work->schemas[i].retired);
        free(work->schemas[i].undone);
        free(work->schemas[i].comment);
    }
    for (size_t i = 0; i < work->binding_count; i++) {
        free(work->bindings[i].words);
        free(work->bindings[i].statement);
    }
    free(work->notes);
    free(work->schemas);
    free(work->bindings);
    things_release(&work->coming);
    things_release(&work->retiring);
    pg_swap_release(&work->early);
    pg_swap_release(&work->late);
    text_list_release(&work->outside_locks);
    staging_map_release(&work->map);
    name_map_free(work->home);
    free(work->user);
    free(work->pairs);
    free(work->coming_value);
    free(work->classes);
    free(work->oids);
    free(work->successors);
}

/* ---- questions ---- */

void swap_fill(const SwapWork *work, Text *text, const char *sql)
{
    const SqlValue values[] = {
        {.name = "pairs", .text = work->pairs},
        {.name = "coming", .text = work->coming_value != NULL ? work->coming_value : "[]"},
        {.name = "classes", .text = work->classes != NULL ? work->classes : "{}"},
        {.name = "oids", .text = work->oids != NULL ? work->oids : "{}"},
        {.name = "successors", .text = work->successors != NULL ? work->successors : "{}"},
    };

    sql_fill(text, sql, work->identity, values, sizeof(values) / sizeof(values[0]));
}

Status swap_query(SwapWork *work, const char *const *parts, size_t count, PgRows **ret, Error *err)
{
    AUTO_TEXT Text sql = {0};

    for (size_t i = 0; i < count; i++)
        swap_fill(work, &sql, parts[i]);
    return pg_query(work->connection, text_string(&sql), ret, err);
}

Status swap_query_coming(SwapWork *work, const char *sql, PgRows **ret, Error *err)
{
    const char *parts[] = {
        swap_things_sql,
        work->staged_exists ? swap_staged_sql : swap_planned_sql,
        sql,
    };

    return swap_query(work, parts, 3, ret, err);
}

Status swap_query_gone(SwapWork *work, const char *sql, PgRows **ret, Error *err)
{
    const char *parts[] = {swap_gone_sql, sql};

    return swap_query(work, parts, 2, ret, err);
}

/* ---- schemas ---- */

SwapSchema *swap_find_schema(const SwapWork *work, const char *live)
{
    for (size_t i = 0; i < work->schema_count; i++) {
        if (strcmp(work->schemas[i].live, live) == 0)
            return &work->schemas[i];
    }
    return NULL;
}

static void write_pairs(SwapWork *work)
{
    AUTO_FREE(json_free) Json *pairs = json_array();

    for (size_t i = 0; i < work->schema_count; i++) {
        const SwapSchema *schema = &work->schemas[i];
        Json *pair = json_object();

        json_set_string(pair, "live", schema->live);
        json_set_string(pair, "staging", work->staged_exists ? schema->staging : NULL);
        json_set_string(pair, "retired", schema->retired);
        json_set_string(pair, "undone", schema->undone);
        json_add(pairs, pair);
    }
    free(work->pairs);
    work->pairs = json_print(pairs, false);
}

SwapSchema *swap_add_schema(SwapWork *work, const char *live, const char *staging)
{
    const char *id = work->identity->id;
    SwapSchema *schema = NULL;

    GROW(work->schemas, work->schema_count, work->schema_capacity);
    schema = &work->schemas[work->schema_count++];
    *schema = (SwapSchema){
        .live = xstrdup(live),
        .staging = xstrdup(staging),
        .retired = name_for_role(live, NAME_RETIRED, id, NAME_MAX_BYTES),
        .undone = name_for_role(live, NAME_UNDONE, id, NAME_MAX_BYTES),
    };
    write_pairs(work);
    return schema;
}

/* ---- what is known before ---- */

void swap_add_step(Swap *swap, char *words, char *forward, char *inverse)
{
    SwapStep *step = swap_add(swap);

    step->words = words;
    step->forward = forward;
    step->inverse = inverse;
}

void swap_add_step_of(Swap *swap, const char *kind, const char *qualified, char *words,
                      char *forward, char *inverse)
{
    swap_add_step(swap, words, forward, inverse);
    swap->steps[swap->count - 1].of = swap_of(kind, qualified);
}

static Status load_notes(SwapWork *work, Error *err)
{
    const Catalog *catalog = &work->plan->catalog;

    work->notes = xcalloc(catalog->object_count + 1, sizeof(*work->notes));
    for (size_t i = 0; i < catalog->object_count; i++) {
        if (!object_kind_is_data(catalog->objects[i].kind))
            TRY(pg_object_notes_read(&catalog->objects[i], &work->notes[i], err));
    }
    return STATUS_OK;
}

static const StagedExtension *find_extension(const StagingMap *map, const char *name)
{
    for (size_t i = 0; i < map->extension_count; i++) {
        if (strcmp(map->extensions[i].name, name) == 0)
            return &map->extensions[i];
    }
    return NULL;
}

/* Members of extensions that stand in another schema than in the source. */
static Status make_home(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    work->home = name_map_new();
    if (work->map.extension_count == 0)
        return STATUS_OK;
    TRY(pg_query(work->connection, extension_members_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const StagedExtension *extension = find_extension(&work->map, pg_value(rows, i, 0));
        const char *schema = pg_value(rows, i, 1);

        if (extension == NULL || extension->schema == NULL ||
            strcmp(schema, extension->installed_schema) != 0 ||
            strcmp(schema, extension->schema) == 0)
            continue;
        name_map_add(work->home, (unsigned)pg_unsigned(rows, i, 3), extension->schema,
                     pg_value(rows, i, 2), schema);
    }
    return STATUS_OK;
}

static Status prepare(SwapWork *work, Error *err)
{
    TRY(staging_map_make(work->connection, work->identity, &work->plan->catalog, &work->map, err));
    TRY(load_notes(work, err));
    TRY(make_home(work, err));
    write_pairs(work);
    for (size_t i = 0; i < work->map.schemas.count; i++)
        (void)swap_add_schema(work, work->map.schemas.items[i], work->map.staging.items[i]);
    if (!work->staged_exists)
        TRY(swap_planned_things(work, &work->coming_value, err));
    return STATUS_OK;
}

/* Whatever lies in our schemas is going to be live: it must be ours. */
static Status check_staging(SwapWork *work, Error *err)
{
    static const char *const parts[] = {our_objects_sql, foreign_objects_sql};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (!work->staged_exists)
        return STATUS_OK;
    TRY(swap_query(work, parts, 2, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (pg_is_null(rows, i, 1))
            findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, i, 0),
                         "Drop it, or move it away.",
                         "lies in our staging schemas, and this migration did not make it");
        else
            findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, i, 0),
                         "Drop it; create it again once the migration is promoted.",
                         "depends on what is staged (%s), and this migration did not make it",
                         pg_value(rows, i, 1));
    }
    return STATUS_OK;
}

static void append_steps(Swap *to, Swap *from)
{
    for (size_t i = 0; i < from->count; i++) {
        *swap_add(to) = from->steps[i];
        from->steps[i] = (SwapStep){0};
    }
}

/* W5 */
static Status plan_steps(SwapWork *work, Error *err)
{
    swap_plan_early(work);
    append_steps(work->swap, &work->early);
    TRY(swap_plan_schemas(work, err));
    swap_plan_moves(work);
    TRY(swap_plan_bodies(work, err));
    TRY(swap_plan_row_security(work, err));
    TRY(swap_plan_grants(work, err));
    swap_plan_late(work);
    append_steps(work->swap, &work->late);
    swap_plan_undone(work);
    return STATUS_OK;
}

static Status plan_all(SwapWork *work, char ret_fingerprint[65], Error *err)
{
    TRY(prepare(work, err));
    TRY(check_staging(work, err));
    TRY(swap_find_things(work, err));
    TRY(swap_check_schemas(work, err));
    TRY(swap_find_dependents(work, err));
    TRY(swap_check_uses(work, err));
    TRY(plan_steps(work, err));
    return swap_plan_checks(work, ret_fingerprint, err);
}

/* The lists come from WITH queries, the sizes of which the server cannot know: without the setting it
 * may join them by loops. */
static Status plan_inside(SwapWork *work, char ret_fingerprint[65], Error *err)
{
    TRY(pg_run(work->connection,
               "begin isolation level repeatable read, read only;"
               "set local enable_nestloop = off; set local jit = off",
               err));
    TRY(plan_all(work, ret_fingerprint, err));
    return pg_run(work->connection, "commit", err);
}

Status swap_plan(PgConnection *connection, const RunIdentity *identity, const Plan *plan,
                 bool staged_exists, Swap *ret, char ret_fingerprint[65], Findings *findings,
                 Error *err)
{
    AUTO_SWAP Swap swap = {0};
    SwapWork work = {
        .connection = connection,
        .identity = identity,
        .plan = plan,
        .staged_exists = staged_exists,
        .swap = &swap,
        .findings = findings,
    };
    Status status = plan_inside(&work, ret_fingerprint, err);

    if (status < 0)
        pg_reset(connection);
    work_release(&work);
    if (status < 0)
        return status;
    *ret = swap;
    swap = (Swap){0};
    return STATUS_OK;
}
